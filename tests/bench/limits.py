#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a step's time goes into, for each network and precision:

    python3 tests/bench/limits.py TOOL [--write]

TOOL is the convrnn command, whose `bench` gives the times node by node. Needs the standard library
only. --write puts the tables into docs/performance.md, which says how to read them.
"""

import argparse
import re
import subprocess
import sys
import tempfile

import latency
import report

NODE = re.compile(r"^ +([\d.]+) ms +[\d.]+ %  (.*?) \[(.*?)\] (.*?)(?:: ([\d.]+) GMAC/s.*)?$")
THREADS = (1, 2)
NAMED = 2  # nodes by name in the last column


class Step:
    """One run of the command: milliseconds of a step and of its nodes."""

    def __init__(self, tool, arguments, precision, threads, steps):
        command = [tool, "bench", *arguments, f"--precision={precision}", f"--threads={threads}",
                   f"--steps={steps}"]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode:
            raise SystemExit(f"{' '.join(command)}: {result.stderr}")
        text = result.stdout
        self.precision = re.search(r"precision: (\w+)", text)[1]
        self.peak = float(re.search(r"peak: ([\d.]+) GMAC/s", text)[1])
        self.median = float(re.search(r"median ([\d.]+) ms", text)[1])
        # Milliseconds, operators, kernel, name, GMAC/s.
        self.nodes = [(float(ms), ops, kernel, name, float(rate) if rate else 0.0)
                      for ms, ops, kernel, name, rate in
                      (m.groups() for m in map(NODE.match, text.splitlines()) if m)]

    def in_nodes(self):
        return sum(node[0] for node in self.nodes)

    def products(self):
        """Milliseconds in convolutions and matrix products, and what they reach in GMAC/s."""
        those = [(ms, rate) for ms, _, _, _, rate in self.nodes if rate]
        total = sum(ms for ms, _ in those)
        return total, sum(ms * rate for ms, rate in those) / total if total else 0.0

    def passes(self):
        """Milliseconds in everything else: each goes over its tensors once and computes little."""
        return sum(ms for ms, _, _, _, rate in self.nodes if not rate)

    def largest(self):
        found = sorted(self.nodes, reverse=True)[:NAMED]
        return "; ".join(f"{ops.split('+')[0]} [{kernel}] {share(ms, self.in_nodes())}"
                         + (f" at {rate:.0f} GMAC/s" if rate else "")
                         for ms, ops, kernel, _, rate in found)


def share(part, whole):
    return f"{100 * part / whole:.0f} %"


def row(title, precision, one, two):
    ms, rate = one.products()
    return [title, precision, f"{one.median:.2f}", share(ms, one.in_nodes()),
            f"{rate:.0f} ({rate / one.peak:.2f})", share(one.passes(), one.in_nodes()),
            f"{one.median / two.median:.2f}",
            share(max(0.0, two.median - two.in_nodes()), two.median), one.largest()]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    options = parser.parse_args()
    header = ["network", "precision", "ms", "products", "GMAC/s (of the FMA peak)", "passes",
              "2 threads, faster", "between nodes", "largest nodes"]
    rows, load_before = [], report.load()
    with tempfile.TemporaryDirectory() as folder:
        several = [*latency.whole_networks(folder), *latency.single_cells(folder)]
        for title, arguments in several:
            for precision in latency.PRECISIONS:
                one, two = (Step(options.tool, arguments, precision, threads, options.steps)
                            for threads in THREADS)
                if one.precision == precision:  # else the processor lacks it
                    rows.append(row(title, precision, one, two))
                    print(*rows[-1], sep=" | ", file=sys.stderr, flush=True)
    text = (f"Machine: {report.machine()}; load before the run: {load_before:.1f}.\n\n"
            + report.table(header, rows))
    print(text)
    if options.write:
        report.replace("limits", text)


if __name__ == "__main__":
    main()
