# SPDX-License-Identifier: LGPL-2.1-or-later
"""States that are no inputs of the model: --carry-rnn-state, and windows of frames."""

import json

import harness
from harness import onnx

WINDOW = "[modelinfo]\nversion=1.0\n\n[clip]\nrole=window\nlength=3\n"


class Stateful(harness.ToolTest):
    def recurrent(self, steps=1, name="rnn.onnx"):
        """h' = tanh(h + x), two such nodes one after the other; y: the second one's."""
        one = onnx.tensor("one", [1, 1, 1], [1.0])
        axis = onnx.tensor("axis", [1], [1], onnx.INT64)
        nodes = []
        for i in range(2):
            x, y, name_i = "s%d" % i, "y%d" % i, "cell%d" % i
            nodes.append(onnx.node("RNN", [x, "one", "one"], [y], name=name_i, hidden_size=1))
            nodes.append(onnx.node("Squeeze", [y, "axis"], ["s%d" % (i + 1)]))
        return self.write(
            name,
            onnx.model(
                nodes,
                [onnx.value("s0", (steps, 1, 1))],
                [onnx.value("s2", None)],
                [one, axis],
            ),
        )

    def frames(self, n=3):
        return ",".join(self.write_npy("x%d.npy" % i, (1, 1, 1), [0.5]) for i in range(n))

    def outputs(self, folder, name="s2", n=3):
        return [self.read_npy("%s/%03d_%s.npy" % (folder, i, name))[1] for i in range(n)]

    def test_run(self):
        run = ("run", self.recurrent(), "--input=s0=" + self.frames())
        self.tool(*run, "--output=alone")
        self.tool(*run, "--carry-rnn-state", "--output=carried")
        alone, carried = self.outputs("alone"), self.outputs("carried")
        self.assertEqual(alone[0], alone[2])
        self.assertEqual(alone[0], carried[0])
        self.assertGreater(carried[1][0], carried[0][0])
        self.assertGreater(carried[2][0], carried[1][0])

    def test_spec(self):
        model = self.recurrent()
        spec = {"model": model, "steps": [{"s0": f} for f in self.frames().split(",")]}
        self.tool("run", model, "--input=s0=" + self.frames(), "--carry-rnn-state", "--output=a")
        self.write("spec.json", json.dumps({**spec, "carry-rnn-state": True}))
        self.tool("run", "--spec=spec.json", "--output=b")
        self.assertEqual(self.outputs("a"), self.outputs("b"))
        self.write("spec.json", json.dumps({**spec, "carry-rnn-state": 1}))
        self.refused('"carry-rnn-state": expected', by=("run", "--spec=spec.json", "--output=b"))

    def test_inspect(self):
        model = self.recurrent()
        hint = "2 recurrent nodes start from the same state in every step: --carry-rnn-state"
        text = self.tool("inspect", model)
        self.assertIn("states: none", text)
        self.assertIn(hint, text)
        text = self.tool("inspect", model, "--carry-rnn-state")
        self.assertIn("cell0.h ← cell0.h: float32 1×1×1, found by carry-rnn-state", text)
        self.assertIn("cell1.h ← ", text)
        self.assertNotIn(hint, text)
        self.assertEqual(json.loads(self.tool("inspect", model, "--json"))["restarted_nodes"], 2)

    def test_refused(self):
        self.refused(
            "RNN node 'cell0'", "4 steps", by=("inspect", self.recurrent(4), "--carry-rnn-state")
        )
        self.refused(
            "there is no state to carry",
            by=("inspect", self.convolution((1, 3, 2, 2)), "--carry-rnn-state"),
        )

    def test_bench(self):
        self.tool("bench", self.recurrent(), "--carry-rnn-state", "--steps=2")

    def test_window(self):
        model = self.write(
            "clip.onnx",
            onnx.model(
                [onnx.node("Abs", ["clip"], ["y"])],
                [onnx.value("clip", (1, 3, 2, "height", "width"))],
                [onnx.value("y", None)],
            ),
        )
        self.write("clip.modelinfo", WINDOW)
        text = self.tool("inspect", model)
        self.assertIn("clip: float32 1×2×?×?", text)
        text = self.tool("inspect", model, "--size=1x1")
        self.assertIn("clip: float32 1×2×1×1", text)
        self.assertIn("clip.window ← clip.window: float32 1×3×2×1×1, found by window", text)
        files = [self.write_npy("f%d.npy" % i, (1, 2, 1, 1), [i + 1, -i]) for i in range(4)]
        self.tool("run", model, "--input=clip=" + ",".join(files), "--output=out")
        self.assertEqual(
            self.outputs("out", "y", 4),
            [[1, 0, 1, 0, 1, 0], [1, 0, 1, 0, 2, 1], [1, 0, 2, 1, 3, 2], [2, 1, 3, 2, 4, 3]],
        )


if __name__ == "__main__":
    harness.main()
