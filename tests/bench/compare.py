#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Times networks here and in every other runtime that is installed, in turn, on this machine:

    python3 tests/bench/compare.py --build build --write

ONNX Runtime gives the reference and must be there; OpenVINO, ncnn (with pnnx) and PyTorch take part
where Python finds them. First everybody runs the first steps of a network, the state carried, and
outputs are compared: times of different results mean nothing, and a difference beyond the precision's
tolerance is an error. Then blocks of steps alternate. --write puts the tables into
docs/performance.md and the picture beside it; without it they are only printed.
"""

import argparse
import os
import pathlib
import sys
import tempfile

try:
    import contest
    import networks
    import report
    import runtime_onnxruntime
except ImportError as missing:
    print(f"skipped: {missing}", file=sys.stderr)
    sys.exit(77)

RUNTIMES = ("runtime_ours", "runtime_onnxruntime", "runtime_openvino", "runtime_ncnn",
            "runtime_torch")
NAMES = ("firenet", "sweatynet", "rvm", "motion", *networks.cells.CELLS)
# Runtimes that compute all of a network in bfloat16 do so in RVM's guided filter too, which divides by
# a variance: 0.06 and 0.12 were met. Here, it stays in float32.
ALL_BF16 = {"rvm": 0.2}
CHECKED_STEPS = 3
QUIET = 0.3  # load average


def processes():
    """One for each precision of each runtime that is here."""
    found = []
    for module in RUNTIMES:
        try:
            first = contest.Process(module)
            found += [first, *first.others()]
        except (ImportError, OSError) as missing:
            print(f"{module}: left out: {missing}", file=sys.stderr)
    return found


def references(network):
    runner = runtime_onnxruntime.Runner(network, "fp32", 1, optimise=False)
    results = []
    for i in range(CHECKED_STEPS):
        runner.put(network.steps[i % len(network.steps)])
        runner.step()
        results.append(runner.outputs())
    return results


def tolerance(network, process):
    usual = contest.TOLERANCE[process.precision]
    if process.precision == "bf16" and process.name != report.OURS:
        return ALL_BF16.get(network.name, usual)
    return usual


def load(network, threads, everybody, expected):
    """Those that can run it, after their outputs were found to agree; MACs of a step."""
    able, macs = [], 0
    for p in everybody:
        try:
            worst, counted = p.ask("load", network, p.precision, threads, expected)
        except NotImplementedError as reason:
            print(f"{network.name}: {p.name} {p.precision}: left out: {reason}", file=sys.stderr)
            continue
        if not worst <= tolerance(network, p):
            raise SystemExit(f"{network.name}: {p.name} {p.precision}: outputs are {worst:.1e} off")
        able.append(p)
        macs = macs or counted
    return able, macs


def compare(network, threads, everybody, rounds, expected):
    able, macs = load(network, threads, everybody, expected)
    times = contest.alternate(able, rounds)
    for p in able:
        p.ask("unload")
    return report.Row(network.title, threads, macs,
                      {(p.name, p.precision): blocks for p, blocks in times.items()})


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build", help="the build folder (default: build)")
    parser.add_argument("--threads", default="1,2", help="numbers of threads (default: 1,2)")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="one round: does it work at all?")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    parser.add_argument("network", nargs="*", help="; ".join(NAMES))
    options = parser.parse_args()
    library = pathlib.Path(options.build).resolve() / "lib" / "libconvrnn-1.0.so"
    os.environ["CONVRNN_LIBRARY"] = str(library)
    load_before = report.load()
    if load_before > QUIET:
        print(f"this machine is busy (load {load_before:.1f}): times mean little", file=sys.stderr)
    everybody, rows = processes(), []
    with tempfile.TemporaryDirectory() as folder:
        for name in options.network or NAMES:
            network = networks.make(name, folder)
            if not network:
                print(f"{name}: left out: its data is not here", file=sys.stderr)
                continue
            expected = references(network)
            for threads in map(int, options.threads.split(",")):
                rows.append(compare(network, threads, everybody,
                                    1 if options.quick else options.rounds, expected))
                print(report.line(rows[-1]), file=sys.stderr, flush=True)
    versions = {p.name: p.version for p in everybody}
    for p in everybody:
        p.close()
    text = report.tables(rows, versions, load_before)
    print(text)
    if options.write:
        import chart

        picture = report.DOCUMENT.with_suffix(".svg")
        chart.write(rows, picture)
        report.replace("compare", f"{text}\n\n![Speed relative to {report.BASE[0]}]({picture.name})")


if __name__ == "__main__":
    main()
