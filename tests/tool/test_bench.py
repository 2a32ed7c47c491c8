# SPDX-License-Identifier: LGPL-2.1-or-later
"""convrnn bench: the form of what it prints. Times themselves are not tested."""

import harness


class Bench(harness.ToolTest):
    def test_report(self):
        out = self.tool("bench", self.convolution(), "--size=40x30", "--steps=5", "--threads=2")
        self.assertRegex(
            out, r"threads: 2, kernels: \w+, peak: \d+\.\d\d GMAC/s \(\d+\.\d\d per thread\)\n"
        )
        self.assertRegex(
            out,
            r"step, 5 times: median \d+\.\d{3} ms, min \d+\.\d{3}, p90 \d+\.\d{3}, "
            r"p99 \d+\.\d{3}, max \d+\.\d{3}\n",
        )
        self.assertRegex(
            out, r"7200 MACs per step: \d+\.\d\d GMAC/s, \d+\.\d % of the measured peak\n"
        )
        self.assertRegex(
            out,
            r"\d+ nodes, medians with profiling, sum \d+\.\d{3} ms:\n"
            r"( +\d+\.\d{4} ms +\d+\.\d %  \S+ \[.*\] .*\n)+$",
        )
        self.assertRegex(out, r"Conv\S* \[.+\] conv: \d+\.\d\d GMAC/s")

    def test_state_and_constants(self):
        self.assertIn("step, 3 times", self.tool("bench", self.accumulator(), "--steps=3"))
        self.assertIn(
            "step, 1 times", self.tool("bench", self.scale(), "--steps=1", "--constant=k=2")
        )

    def test_bad_options(self):
        model = self.accumulator()
        self.refused("--steps: expected 1 to 1000000, found 0", by=["bench", model, "--steps=0"])
        self.refused("--threads: expected 0 to 64, found 65", by=["bench", model, "--threads=65"])
        self.refused("no-such-level", by=["bench", model, "--cpu=no-such-level"])
        self.refused("a model file is missing", by=["bench"])
        self.refused("x", by=["bench", self.convolution()])
        self.assertIn("--steps", self.tool("bench", "--help"))


if __name__ == "__main__":
    harness.main()
