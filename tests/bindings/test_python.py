#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library from Python, through its introspection data:

    python3 test_python.py SPEC

SPEC is the shipped network's, with what PyTorch computed. GI_TYPELIB_PATH names the folder of
ConvRnn-1.0.typelib. Skipped, loudly, without PyGObject.
"""

import array
import gc
import json
import pathlib
import sys
import unittest

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path += [str(TESTS / "support"), str(TESTS / "oracle")]
import npy_bytes as npy  # noqa: E402
from interpreter import need  # noqa: E402

need("gi")
import gi  # noqa: E402

gi.require_version("ConvRnn", "1.0")
from gi.repository import ConvRnn, GLib, GObject  # noqa: E402

SPEC = pathlib.Path(sys.argv.pop(1))
TOLERANCE = 1e-4


def floats(data):
    return array.array("f", data.get_data())


class Stream(unittest.TestCase):
    def setUp(self):
        spec = json.loads(SPEC.read_text())
        self.model = ConvRnn.Model.load(str(SPEC.parent / spec["model"]))
        self.frames = [npy.read(SPEC.parent / step["image"])[1] for step in spec["steps"]]
        self.expected = [npy.read(SPEC.parent / spec["out"] / f"{i:03d}_motion.npy")[1]
                         for i in range(len(self.frames))]

    def step(self, session, frame):
        session.set_input(0, GLib.Bytes.new(self.frames[frame].tobytes()))
        self.assertEqual(session.step(), ConvRnn.StepFlags.NORMAL)
        return floats(session.dup_output(0))

    def close_to(self, found, expected):
        self.assertEqual(len(found), len(expected))
        self.assertLess(max(abs(a - b) for a, b in zip(found, expected)), TOLERANCE)

    def test_steps(self):
        session = ConvRnn.Session.new(self.model, None)
        for i, expected in enumerate(self.expected):
            self.close_to(self.step(session, i), expected)
        self.assertEqual(session.get_step(), len(self.expected))
        session.reset()
        self.close_to(self.step(session, 0), self.expected[0])
        self.assertEqual(session.get_generation(), 1)

    def test_what_it_takes(self):
        session = ConvRnn.Session.new(self.model, None)
        self.assertEqual((session.get_n_inputs(), session.get_n_outputs(), session.get_n_states()),
                         (1, 1, 1))
        image = session.get_input(0)
        self.assertEqual((image.name, image.dtype, image.n_dims),
                         ("image", ConvRnn.DType.FLOAT32, 4))
        self.assertEqual(list(image.dims)[:4], [1, 3, 96, 128])
        state, output, origin = session.get_state(0)
        self.assertEqual((state.name, output), ("h_in", "h_out"))
        self.assertEqual(origin, ConvRnn.StateOrigin.MODELINFO)

    def test_config(self):
        config = ConvRnn.SessionConfig.new()
        config.set_threads(2)
        config.set_stateless(True)
        session = ConvRnn.Session.new(self.model, config)
        first, again = self.step(session, 0), self.step(session, 0)
        self.assertEqual(first, again)
        self.close_to(first, self.expected[0])

    def test_strided(self):
        """Inputs and outputs are dense here wherever the session has them."""
        dense = ConvRnn.Session.new(self.model, None)
        config = ConvRnn.SessionConfig.new()
        config.set_strided(True)
        strided = ConvRnn.Session.new(self.model, config)
        for i in range(len(self.frames)):
            self.assertEqual(self.step(strided, i), self.step(dense, i))

    def test_snapshot(self):
        session = ConvRnn.Session.new(self.model, None)
        self.step(session, 0)
        snapshot = session.save_state()
        other = ConvRnn.Session.new(self.model, None)
        self.assertTrue(other.restore_state(snapshot))
        self.assertEqual(self.step(other, 1), self.step(session, 1))

    def test_errors(self):
        session = ConvRnn.Session.new(self.model, None)
        for call, code, words in (
                (lambda: ConvRnn.Model.load("/nowhere.onnx"), ConvRnn.Error.IO, "/nowhere.onnx"),
                (lambda: session.set_input(0, GLib.Bytes.new(b"abc")), ConvRnn.Error.SHAPE,
                 "'image': it takes 147456 bytes of float32, found 3"),
                (lambda: session.set_input(1, GLib.Bytes.new(b"")), ConvRnn.Error.SHAPE, "input 1"),
                (lambda: session.dup_output(7), ConvRnn.Error.SHAPE, "output 7")):
            with self.assertRaises(GLib.Error) as raised:
                call()
            self.assertTrue(raised.exception.matches(ConvRnn.error_quark(), code))
            self.assertIn(words, raised.exception.message)

    def test_holders(self):
        session = ConvRnn.Session.new(self.model, None)
        first = self.step(session, 0)
        self.close_to(first, self.expected[0])
        value = GObject.Value(ConvRnn.Session, session)
        del session
        gc.collect()
        same = value.get_boxed()
        self.assertEqual(same.get_step(), 1)
        del value
        gc.collect()
        self.close_to(self.step(same, 1), self.expected[1])


if __name__ == "__main__":
    unittest.main(verbosity=2)
