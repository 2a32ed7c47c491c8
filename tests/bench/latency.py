#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How long a step takes, how evenly, how long until the first one, and in how much memory:

    python3 tests/bench/latency.py TOOL cells|networks [--threads N,…] [--steps N] [--arena PROGRAM]

TOOL is the convrnn command, whose `bench` measures. Needs the standard library only. `cells` are small
networks of one idea; `networks` the shipped one, and the published ones where their data is. PROGRAM,
built from arena.c, says how little memory the arena could take: the column `least`.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import cells  # beside this file; finds tests/support
import npy_bytes as npy

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
SPECS = {
    "motion (shipped)": ROOT / "models/motion/check/spec.json",
    "FireNet": DATA / "firenet/ref/spec.json",
    "SweatyNet-2": DATA / "sweatynet/ref/spec.json",
    "Robust Video Matting": DATA / "rvm/ref_256x192/spec.json",
}
PRECISIONS = ("fp32", "bf16x3", "bf16")
FIELDS = {
    "precision": r"precision: (\w+)",
    "median": r"median ([\d.]+) ms", "min": r"min ([\d.]+)", "p90": r"p90 ([\d.]+)",
    "p99": r"p99 ([\d.]+)", "max": r"max ([\d.]+)",
    "load": r"model ([\d.]+) ms", "session": r"session ([\d.]+) ms",
    "weights": r"weights ([\d.]+) MiB", "arena": r"arena ([\d.]+) MiB", "state": r"state ([\d.]+) MiB",
}


def from_spec(path):
    """The command's arguments: model, shapes and constants."""
    spec = json.loads(path.read_text())
    shapes = {name: npy.read(path.parent / file)[0] for name, file in spec["steps"][0].items()}
    shapes.update({name: d["shape"] for name, d in spec.get("init", {}).items() if d["shape"]})
    constants = {name: ",".join(map(str, d["data"])) for name, d in spec.get("const", {}).items()}
    return [str(path.parent / spec["model"]),
            *(f"--shape={name}={'x'.join(map(str, s))}" for name, s in shapes.items()),
            *(f"--constant={name}={value}" for name, value in constants.items())]


def whole_networks(folder):
    for name, path in SPECS.items():
        if path.exists():
            yield name, from_spec(path)
        else:
            print(f"{name}: left out: its data is not here")


def single_cells(folder):
    for name, (title, make) in cells.CELLS.items():
        path = os.path.join(folder, name + ".onnx")
        data, _, _ = make()
        with open(path, "wb") as file:
            file.write(data)
        yield title, [path]


def measure(tool, arguments, precision, threads, steps):
    """What the command prints, field by field."""
    command = [tool, "bench", *arguments, f"--threads={threads}", f"--steps={steps}",
               f"--precision={precision}"]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise SystemExit(f"{' '.join(command)}: {result.stderr}")
    return {name: re.search(pattern, result.stdout)[1] for name, pattern in FIELDS.items()}


def least(program, arguments, precision):
    """The arena's lower bound in MiB, as text."""
    if not program:
        return "–"
    text = subprocess.run([program, *arguments, f"--precision={precision}"], check=True,
                          capture_output=True, text=True).stdout
    return f"{int(text.split()[1]) / 2**20:.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool")
    parser.add_argument("what", choices=("cells", "networks"))
    parser.add_argument("--threads", default="1,2", help="numbers of threads (default: 1,2)")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--arena")
    options = parser.parse_args()
    several = single_cells if options.what == "cells" else whole_networks
    print("times in ms, memory in MiB; first: from the file to a session")
    columns = ("median", "min", "p90", "p99", "max", "first", "weights", "arena", "least",
               "state")
    print(f"{'network':28} {'precision':9} thr " + " ".join(f"{c:>8}" for c in columns))
    with tempfile.TemporaryDirectory() as folder:
        for title, arguments in several(folder):
            for threads in map(int, options.threads.split(",")):
                for precision in PRECISIONS:
                    found = measure(options.tool, arguments, precision, threads, options.steps)
                    if found["precision"] != precision:
                        continue  # the processor lacks it: the row would be another's
                    found["first"] = f"{float(found['load']) + float(found['session']):.1f}"
                    found["least"] = least(options.arena, arguments, precision)
                    print(f"{title:28} {precision:9} {threads:3} "
                          + " ".join(f"{found[c]:>8}" for c in columns), flush=True)


if __name__ == "__main__":
    sys.exit(main())
