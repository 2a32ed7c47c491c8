# SPDX-License-Identifier: LGPL-2.1-or-later
"""convrnn inspect."""

import json

import harness
from harness import onnx


class Inspect(harness.ToolTest):
    def test_text(self):
        out = self.tool("inspect", self.accumulator())
        self.assertIn("  x: float32 1×2\n", out)
        self.assertIn("  y: float32 1×2\n", out)
        self.assertIn("  h_in ← h_out: float32 1×2, found by name\n", out)
        for line in (
            "operators",
            "parameters: ",
            "MACs per step: ",
            "arena bytes: ",
            "weight bytes: ",
        ):
            self.assertIn(line, out)

    def test_json(self):
        report = json.loads(self.tool("inspect", self.accumulator(), "--json"))
        self.assertEqual(
            report["inputs"],
            [
                {"name": "x", "dtype": "float32", "shape": [1, 2]},
                {"name": "h_in", "dtype": "float32", "shape": [1, 2]},
            ],
        )
        self.assertEqual([o["name"] for o in report["outputs"]], ["y", "h_out"])
        self.assertEqual(
            report["states"],
            [
                {
                    "name": "h_in",
                    "dtype": "float32",
                    "shape": [1, 2],
                    "output": "h_out",
                    "found_by": "name",
                }
            ],
        )
        self.assertTrue(report["bound"])
        self.assertGreater(report["arena_bytes"], 0)
        self.assertEqual(report["state_bytes"] % 4, 0)
        self.assertGreater(report["state_bytes"], 0)

    def test_chains(self):
        # Two convolutions with 5 MB between them run a few rows at a time.
        weights = onnx.tensor("w", (32, 16, 3, 3), [0.01] * (32 * 16 * 9))
        back = onnx.tensor("v", (16, 32, 1, 1), [0.01] * (16 * 32))
        model = self.write(
            "pair.onnx",
            onnx.model(
                [
                    onnx.node("Conv", ["x", "w"], ["t"], "wide", pads=[1, 1, 1, 1]),
                    onnx.node("Conv", ["t", "v"], ["y"], "narrow"),
                ],
                [onnx.value("x", (1, 16, 200, 200))],
                [onnx.value("y", (1, 16, 200, 200))],
                [weights, back],
            ),
        )
        chain = json.loads(self.tool("inspect", model, "--json"))["chains"][0]
        self.assertEqual([n for n in chain if n != "Reorder"], ["wide", "narrow"])
        self.assertRegex(
            self.tool("inspect", model),
            r"chains, a few rows at a time:\n.*Conv wide → Conv narrow",
        )
        self.assertEqual(json.loads(self.tool("inspect", self.accumulator(), "--json"))["chains"], [])

    def test_json_of_odd_names(self):
        model = self.write(
            "odd.onnx",
            onnx.model(
                [onnx.node("Relu", ['a "b"\\\n'], ["é"])],
                [onnx.value('a "b"\\\n', (1,))],
                [onnx.value("é", (1,))],
            ),
        )
        report = json.loads(self.tool("inspect", "--json", model))
        self.assertEqual(report["inputs"][0]["name"], 'a "b"\\\n')
        self.assertEqual(report["outputs"][0]["name"], "é")

    def test_no_state(self):
        out = self.tool("inspect", self.convolution((1, 3, 4, 4)))
        self.assertIn("states: none\n", out)
        report = json.loads(self.tool("inspect", "--json", self.convolution((1, 3, 4, 4))))
        self.assertEqual(report["states"], [])
        self.assertEqual(report["macs"], 2 * 3 * 16)
        self.assertEqual(report["parameters"], 6)
        self.assertEqual(report["outputs"][0]["shape"], [1, 2, 4, 4])

    def test_costliest_operator_comes_first(self):
        model = self.write(
            "mean.onnx",
            onnx.model(
                [
                    onnx.node("GlobalAveragePool", ["x"], ["m"], name="mean"),
                    onnx.node("Conv", ["m", "w"], ["y"], name="conv"),
                ],
                [onnx.value("x", (1, 3, 4, 4))],
                [onnx.value("y", (1, 2, 1, 1))],
                [onnx.tensor("w", [2, 3, 1, 1], [1, 0, 0, 0, -1, 1])],
            ),
        )
        operators = json.loads(self.tool("inspect", "--json", model))["operators"]
        self.assertIn("Conv", operators[0]["op"])
        self.assertEqual(operators[0]["count"], 1)
        self.assertEqual(operators[0]["macs"], 6)
        self.assertTrue(operators[0]["kernel"].startswith("direct "))
        self.assertTrue(operators[0]["reason"])
        self.assertIn("GlobalAveragePool", [operator["op"] for operator in operators])

    def test_open_dimensions(self):
        out = self.tool("inspect", self.convolution())
        self.assertIn("  x: float32 1×3×?×?\n", out)
        self.assertIn("not known", out)
        self.assertIn("--size WxH", out)
        report = json.loads(self.tool("inspect", "--json", self.convolution()))
        self.assertEqual(report["inputs"][0]["shape"], [1, 3, None, None])
        self.assertFalse(report["bound"])
        self.assertIn("x", report["reason"])

    def test_size(self):
        for option in ("--size=5x4", "--shape=x=1x3x4x5"):
            report = json.loads(self.tool("inspect", "--json", self.convolution(), option))
            self.assertTrue(report["bound"])
            self.assertEqual(report["inputs"][0]["shape"], [1, 3, 4, 5])
            self.assertEqual(report["outputs"][0]["shape"], [1, 2, 4, 5])

    def test_constant(self):
        report = json.loads(self.tool("inspect", "--json", self.scale(), "--constant", "k=3"))
        self.assertTrue(report["bound"])

    def test_bad_options(self):
        model = self.convolution()
        self.refused('--size: expected WIDTHxHEIGHT, found "5"', by=["inspect", model, "--size=5"])
        self.refused("--size: expected WIDTHxHEIGHT", by=["inspect", model, "--size=5x0"])
        self.refused(
            "--size: scale.onnx has no input of rank 4", by=["inspect", self.scale(), "--size=5x4"]
        )
        self.refused(
            'no input is called "z"; its inputs are: x', by=["inspect", model, "--shape=z=1x2"]
        )
        self.refused(
            "--shape: expected 1 to 8 dimensions",
            'found "1xx2"',
            by=["inspect", model, "--shape=x=1xx2"],
        )
        self.refused("--shape: expected NAME=VALUE", by=["inspect", model, "--shape=x"])
        self.refused(
            "--shape: expected 1 to 8 dimensions",
            by=["inspect", model, "--shape=x=1x1x1x1x1x1x1x1x1"],
        )

    def test_shape_that_does_not_fit(self):
        self.refused("x", by=["inspect", self.convolution((1, 3, 4, 4)), "--shape=x=1x5x4x4"])

    def test_usage(self):
        self.refused("a model file is missing", by=["inspect"])
        self.refused('unexpected argument "b"', by=["inspect", "a", "b"])
        self.refused("--bogus", by=["inspect", "a", "--bogus"])
        self.assertIn("--json", self.tool("inspect", "--help"))


if __name__ == "__main__":
    harness.main()
