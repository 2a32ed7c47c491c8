# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cells exported from PyTorch (../cells; written by ../oracle/test_cell_modules.py --store): what
they are recognised as, and their states after some steps, which PyTorch computed."""

import json
import math
import os

import harness
from harness import onnx

CELLS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cells")
TOLERANCE = 1e-5


def wave(n, seed):
    """As ../oracle/cell_modules.py has it."""
    return [math.sin(1 + 0.7 * i * (1 + seed / 97) + 1.3 * seed) for i in range(n)]


class Cells(harness.ToolTest):
    def setUp(self):
        super().setUp()
        with open(os.path.join(CELLS, "cells.json")) as file:
            self.cells = json.load(file)

    def model(self, name):
        return os.path.join(CELLS, name + ".onnx")

    def inspect(self, name, *options):
        cells = json.loads(self.tool("inspect", "--json", self.model(name), *options))["cells"]
        self.assertEqual(len(cells), 1, cells)
        return cells[0]

    def test_there_are_enough(self):
        self.assertGreaterEqual(len(self.cells), 8)

    def test_recognition(self):
        for name, cell in self.cells.items():
            with self.subTest(name):
                found = self.inspect(name)
                expected = dict(cell["expected"])
                steps = expected.pop("steps", None)
                for key, value in expected.items():
                    self.assertEqual(found[key], value, (key, found["description"]))
                if expected["kind"] == "unrecognised":
                    continue
                self.assertEqual(found["fused"], expected.get("fused", True), found["steps"])
                self.assertEqual(found["channels"], 3)
                if steps:
                    self.assertEqual(len(found["steps"]), steps, found["steps"])
                in_steps = [node for step in found["steps"] for node in step["nodes"]]
                self.assertLessEqual(set(in_steps), set(found["nodes"]))
                self.assertEqual(len(in_steps), len(set(in_steps)))

    def test_biases_of_products(self):
        found = self.inspect("rows-gru")
        products = [step["nodes"] for step in found["steps"] if step["op"] == "MatMul+Add"]
        self.assertEqual([len(nodes) for nodes in products], [2, 2], found["steps"])

    def test_recognition_without_fusion(self):
        for name, cell in self.cells.items():
            with self.subTest(name):
                found = self.inspect(name, "--no-fuse")
                expected = dict(cell["expected"])
                expected.pop("steps", None)
                for key, value in expected.items():
                    self.assertEqual(found[key], value, (key, found["description"]))
                if expected["kind"] != "unrecognised":
                    self.assertFalse(found["fused"])

    def states(self, name, out, *options):
        cell = self.cells[name]
        files = []
        for step in range(cell["steps"]):
            file = "x%d.npy" % step
            self.write_npy(file, cell["shape"], wave(math.prod(cell["shape"]), step))
            files.append(file)
        self.tool("run", self.model(name), "-i", "x=" + ",".join(files), "-o", out, *options)
        return {
            output: self.read_npy("%s/%03d_%s.npy" % (out, cell["steps"] - 1, output))[1]
            for output in cell["last"]
        }

    def assert_close(self, got, want, tolerance, what):
        self.assertEqual(len(got), len(want))
        error = max(abs(a - b) for a, b in zip(got, want))
        self.assertLessEqual(error, tolerance * max(map(abs, want)), what)

    def test_numbers(self):
        for name, cell in self.cells.items():
            for cpu in ([], ["--cpu", "c"]):
                with self.subTest(name, cpu=cpu):
                    for output, got in self.states(name, "out", *cpu).items():
                        self.assert_close(got, cell["last"][output], TOLERANCE, output)

    def test_numbers_without_fusion(self):
        for name in self.cells:
            with self.subTest(name):
                fused = self.states(name, "fused")
                for output, got in self.states(name, "unfused", "--no-fuse").items():
                    self.assert_close(got, fused[output], 1e-6, output)

    def operator(self, op, gates, states, **attributes):
        hidden, n = (1, 1, 2), len(states)
        return self.write(
            op + ".onnx",
            onnx.model(
                [
                    onnx.node(
                        op,
                        ["x", "w", "r", "", "", *(s + "_in" for s in states)],
                        ["", *(s + "_out" for s in states)],
                        name="cell",
                        hidden_size=2,
                        **attributes
                    )
                ],
                [
                    onnx.value("x", (1, 1, 3)),  # c before h: the order is not that of the inputs
                    *(onnx.value(s + "_in", hidden) for s in reversed(states)),
                ],
                [onnx.value(s + "_out", hidden) for s in states],
                [
                    onnx.tensor("w", [1, 2 * gates, 3], [0.1] * (6 * gates)),
                    onnx.tensor("r", [1, 2 * gates, 2], [0.2] * (4 * gates)),
                ],
            ),
        )

    def test_operators(self):
        for op, gates, states, attributes, expected in (
            ("RNN", 1, ["h"], {}, {"kind": "RNN"}),
            ("GRU", 3, ["h"], {}, {"kind": "GRU", "reset": "before", "z": "keeps"}),
            ("GRU", 3, ["h"], {"linear_before_reset": 1}, {"kind": "GRU", "reset": "after"}),
            ("LSTM", 4, ["h", "c"], {}, {"kind": "LSTM", "peepholes": False}),
        ):
            with self.subTest(op, **attributes):
                model = self.operator(op, gates, states, **attributes)
                cells = json.loads(self.tool("inspect", "--json", model))["cells"]
                self.assertEqual(len(cells), 1)
                self.assertEqual(cells[0]["states"], [s + "_in" for s in states])
                self.assertEqual(cells[0]["nodes"], ["cell"])
                self.assertEqual(cells[0]["channels"], 2)
                self.assertTrue(cells[0]["operator"])
                self.assertTrue(cells[0]["fused"])
                for key, value in expected.items():
                    self.assertEqual(cells[0][key], value)

    def test_text(self):
        out = self.tool("inspect", self.model("chunked-gru"))
        self.assertIn(
            "  h_in: ConvGRU, 3 channels, 3×3, reset before, z replaces, sigmoid, tanh: "
            "12 nodes → 2 steps\n",
            out,
        )
        out = self.tool("inspect", self.model("normalized-gru"))
        self.assertIn("  h_in: a state of an unrecognised form\n", out)


if __name__ == "__main__":
    harness.main()
