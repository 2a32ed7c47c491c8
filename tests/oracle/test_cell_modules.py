# SPDX-License-Identifier: LGPL-2.1-or-later
"""Recurrent cells as public PyTorch modules compute them, exported with both of torch's exporters:
ten streamed steps must agree with torch, and convrnn inspect must recognise the cell.

    test_cell_modules.py             run
    test_cell_modules.py --store DIR write the models and their last states for the tests without
                                     torch (../cells)
"""

import io
import json
import os
import subprocess
import sys
import tempfile
import unittest
import warnings

import interpreter

interpreter.need("torch", "onnx", "numpy")

import numpy as np  # noqa: E402
import torch  # noqa: E402
from cell_modules import INPUTS, MODULES, export, names, stream, wave  # noqa: E402

STEPS = 10
TOLERANCE = 1e-5


def has_dynamo():
    try:
        import onnxscript  # noqa: F401
    except ImportError:
        return False
    return int(torch.__version__.split(".")[0]) >= 2


def tool(*arguments):
    return subprocess.run(
        [os.environ["CONVRNN_TOOL"], *arguments], check=True, capture_output=True, text=True
    ).stdout


class Exported(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def check(self, name, dynamo):
        cell = MODULES[name]().set_weights()
        path = os.path.join(self.folder, name + ".onnx")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            export(cell, path, dynamo)
        self.check_numbers(cell, path)
        self.check_recognition(cell, path)

    def check_numbers(self, cell, path):
        files = []
        for step in range(STEPS):
            files.append(os.path.join(self.folder, "x%d.npy" % step))
            np.save(files[-1], wave(cell.shape(INPUTS), step).numpy())
        out = os.path.join(self.folder, "out")
        tool("run", path, "-i", "x=" + ",".join(files), "-o", out)
        for step, states in enumerate(stream(cell, STEPS)):
            for output, want in zip(names(cell)[1], states):
                got = np.load(os.path.join(out, "%03d_%s.npy" % (step, output)))
                error = np.abs(got - want.numpy()).max()
                self.assertLessEqual(error, TOLERANCE * np.abs(want.numpy()).max(), (step, output))

    def check_recognition(self, cell, path):
        cells = json.loads(tool("inspect", "--json", path))["cells"]
        expected = dict(cell.EXPECTED)
        steps = expected.pop("steps", None)
        self.assertEqual(len(cells), 1, cells)
        for key, value in expected.items():
            self.assertEqual(cells[0][key], value, (key, cells[0]["description"]))
        if expected["kind"] != "unrecognised":
            self.assertEqual(cells[0]["fused"], expected.get("fused", True), cells[0]["steps"])
            self.assertEqual(cells[0]["states"], names(cell)[0])
        if steps:
            self.assertEqual(len(cells[0]["steps"]), steps, cells[0]["steps"])


def add_tests():
    for name in MODULES:
        exporters = ["torchscript"] + (["dynamo"] if has_dynamo() else [])
        for exporter in exporters:

            def test(self, name=name, dynamo=exporter == "dynamo"):
                self.check(name, dynamo)

            setattr(Exported, "test_%s_%s" % (name.replace("-", "_"), exporter), test)
    if not has_dynamo():
        print("SKIPPED: no onnxscript: torch's newer exporter is not tested")


def store(folder):
    """NAME.onnx by the older exporter, and cells.json: what is expected, and the last states."""
    every = {}
    for name, module in MODULES.items():
        cell = module().set_weights()
        buffer = io.BytesIO()
        export(cell, buffer)
        with open(os.path.join(folder, name + ".onnx"), "wb") as file:
            file.write(buffer.getvalue())
        states = stream(cell, STEPS)[-1]
        every[name] = {
            "shape": list(cell.shape(INPUTS)),
            "steps": STEPS,
            "expected": cell.EXPECTED,
            "last": {
                output: [float("%.9g" % v) for v in state.flatten().tolist()]
                for output, state in zip(names(cell)[1], states)
            },
        }
    with open(os.path.join(folder, "cells.json"), "w") as file:
        json.dump(every, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[1] == "--store":
        store(sys.argv[2])
    else:
        add_tests()
        unittest.main(verbosity=2)
