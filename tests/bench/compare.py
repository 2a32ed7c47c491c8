#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Times a network here and in ONNX Runtime, in turn, on this machine:

    python3 tests/bench/compare.py --tool build/lib/tools/convrnn SPEC.json…

SPEC.json is a test-vector file (docs/test-vectors.md). First both run the file's first steps and the
outputs are compared: times of different results mean nothing. Then rounds of steps alternate, the
state carried on both sides, with the same number of threads. Prints the median step of each and
their ratio. Needs onnxruntime and numpy from PyPI.
"""

import argparse
import json
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

try:
    import numpy
    import onnxruntime
except ImportError as missing:
    print(f"skipped: {missing}", file=sys.stderr)
    sys.exit(77)


def constant(description):
    data = description.get("data") or [0.0] * int(numpy.prod(description["shape"], dtype=int))
    return numpy.array(data, numpy.float32).reshape(description["shape"])


class Peer:
    """One sequence in ONNX Runtime, all optimisations, the state carried by hand."""

    def __init__(self, folder, spec, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(folder / spec["model"]), options)
        self.outputs = [output.name for output in self.session.get_outputs()]
        self.state = spec.get("state", {})
        self.values = {name: constant(d) for part in ("const", "init")
                       for name, d in spec.get(part, {}).items()}

    def step(self, inputs):
        results = dict(zip(self.outputs, self.session.run(self.outputs, {**self.values, **inputs})))
        self.values.update({taken: results[given] for taken, given in self.state.items()})
        return results


def ours(tool, folder, spec, threads, steps):
    """Median step in milliseconds."""
    command = [tool, "bench", str(folder / spec["model"]), f"--threads={threads}", f"--steps={steps}"]
    first = {name: numpy.load(folder / path) for name, path in spec["steps"][0].items()}
    command += [f"--shape={name}={'x'.join(map(str, x.shape))}" for name, x in first.items()]
    command += [f"--constant={name}={d['data'][0]}" for name, d in spec.get("const", {}).items()]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(re.search(r"median ([0-9.]+) ms", text).group(1))


def largest_difference(tool, path, folder, spec, threads, inputs):
    """Over all outputs of the first steps, relative to the output's largest magnitude."""
    peer, worst = Peer(folder, spec, threads), 0.0
    with tempfile.TemporaryDirectory() as out:
        subprocess.run([tool, "run", f"--spec={path}", f"--output={out}", f"--threads={threads}"],
                       check=True, capture_output=True)
        for number, step in enumerate(inputs):
            for name, reference in peer.step(step).items():
                file = re.sub(r"[^A-Za-z0-9_.-]", "_", name)
                found = numpy.load(f"{out}/{number:03}_{file}.npy")
                worst = max(worst, abs(found - reference).max() / max(abs(reference).max(), 1e-6))
    return worst


def compare(tool, path, threads, rounds, steps):
    path = pathlib.Path(path).resolve()
    folder, spec = path.parent, json.loads(path.read_text())
    inputs = [{name: numpy.load(folder / file) for name, file in step.items()}
              for step in spec["steps"]]
    if any(inputs[0][name].shape != x.shape for step in inputs for name, x in step.items()):
        inputs = inputs[:1]  # sequences of other sizes are other networks
    difference = largest_difference(tool, path, folder, spec, threads, inputs)
    peer, theirs, own = Peer(folder, spec, threads), [], []
    for _ in range(rounds):
        for number in range(steps):
            begin = time.perf_counter()
            peer.step(inputs[number % len(inputs)])
            theirs.append((time.perf_counter() - begin) * 1e3)
        own.append(ours(tool, folder, spec, threads, steps))
    a, b = statistics.median(theirs), statistics.median(own)
    print(f"| {path.parent.parent.name} | {threads} | {a:.2f} | {b:.2f} | {a / b:.2f} | {difference:.1e} |",
          flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", default="build/lib/tools/convrnn")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("spec", nargs="+")
    options = parser.parse_args()
    print(f"ONNX Runtime {onnxruntime.__version__}")
    print("| network | threads | ONNX Runtime, ms | here, ms | ratio | largest difference |")
    print("|---|---|---|---|---|---|")
    for spec in options.spec:
        for threads in options.threads:
            compare(options.tool, spec, threads, options.rounds, options.steps)


if __name__ == "__main__":
    main()
