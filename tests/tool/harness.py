# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the convrnn command in an empty folder; small models to run it on.

The command's path is taken from the environment variable CONVRNN_TOOL.
"""

import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import npy_bytes as npy  # noqa: E402
import onnx_bytes as onnx  # noqa: E402

OK, MISMATCH, BAD_INPUT = 0, 1, 2


class ToolTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.folder = self._folder.name
        self.addCleanup(self._folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data if isinstance(data, bytes) else data.encode())
        return name

    def write_npy(self, name, shape, values, **options):
        npy.write(self.path(name), shape, values, **options)
        return name

    def read_npy(self, name):
        shape, values = npy.read(self.path(name))
        return shape, list(values)

    def tool(self, *arguments, code=OK):
        """Standard output, when the exit code is as expected."""
        return self._run(arguments, code).stdout

    def refused(self, *fragments, by):
        """Runs the arguments `by`, which must fail with one line that holds every fragment."""
        result = self._run(by, BAD_INPUT)
        self.assertTrue(result.stderr.startswith("convrnn: "), result.stderr)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        for fragment in fragments:
            self.assertIn(fragment, result.stderr)

    def _run(self, arguments, code):
        result = subprocess.run(
            [os.environ["CONVRNN_TOOL"], *map(str, arguments)],
            text=True,
            cwd=self.folder,
            capture_output=True,
            timeout=300,
            encoding="utf-8",
        )
        self.assertEqual(
            result.returncode, code, "%s\n%s%s" % (arguments, result.stdout, result.stderr)
        )
        return result

    # Models. Each method writes one and gives its name.

    def accumulator(
        self, name="accumulator.onnx", state=("h_in", "h_out"), dims=(1, 2), shape=None
    ):
        """y = 2 h', h' = x + h."""
        shape = dims if shape is None else shape
        return self.write(
            name,
            onnx.model(
                [
                    onnx.node("Add", ["x", state[0]], [state[1]], name="sum"),
                    onnx.node("Mul", [state[1], "two"], ["y"], name="double"),
                ],
                [onnx.value("x", dims), onnx.value(state[0], shape)],
                [onnx.value("y", dims), onnx.value(state[1], shape)],
                [onnx.tensor("two", [], [2.0])],
            ),
        )

    def convolution(self, dims=(1, 3, "height", "width")):
        """A 1×1 convolution of 3 channels to 2, then Relu."""
        return self.write(
            "convolution.onnx",
            onnx.model(
                [
                    onnx.node("Conv", ["x", "w"], ["c"], name="conv"),
                    onnx.node("Relu", ["c"], ["y"], name="relu"),
                ],
                [onnx.value("x", dims)],
                [onnx.value("y", None)],
                [onnx.tensor("w", [2, 3, 1, 1], [1, 0, 0, 0, -1, 1])],
            ),
        )

    def scale(self):
        """y = x k."""
        return self.write(
            "scale.onnx",
            onnx.model(
                [onnx.node("Mul", ["x", "k"], ["y"], name="scale")],
                [onnx.value("x", (2,)), onnx.value("k", (1,))],
                [onnx.value("y", (2,))],
            ),
        )

    def unknown_operator(self):
        return self.write(
            "unknown.onnx",
            onnx.model(
                [onnx.node("Frobnicate", ["x"], ["y"], name="strange", domain="com.example")],
                [onnx.value("x", (2,))],
                [onnx.value("y", (2,))],
                domains=["com.example"],
            ),
        )


def main():
    unittest.main(verbosity=2)
