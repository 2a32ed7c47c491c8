# SPDX-License-Identifier: LGPL-2.1-or-later
"""convrnn bench --accuracy: errors against double precision, of the size that each precision has."""

import json
import math

import harness
import onnx_bytes as onnx

CHANNELS, HIDDEN, SIZE = 16, 16, 24


def numbers(seed, shape, scale):
    count = math.prod(shape)
    return [scale * math.sin(12.9898 * (i + 1) + 78.233 * seed) for i in range(count)]


def weights(name, seed, shape, scale):
    return onnx.tensor(name, list(shape), numbers(seed, shape, scale))


class Accuracy(harness.ToolTest):
    def network(self):
        """A convolution large enough for Winograd, a transposed one, a matrix product and a GRU
        whose state is carried; and a convolution of known numbers only."""
        return self.write(
            "network.onnx",
            onnx.model(
                [
                    onnx.node("Conv", ["known", "w0"], ["scale"], name="constant"),
                    onnx.node("Mul", ["x", "scale"], ["scaled"], name="times"),
                    onnx.node("Conv", ["scaled", "w1"], ["c"], name="first", pads=[1, 1, 1, 1]),
                    onnx.node("ConvTranspose", ["c", "w2"], ["t"], name="second", strides=[2, 2]),
                    onnx.node("GlobalAveragePool", ["t"], ["mean"], name="pool"),
                    onnx.node("Reshape", ["mean", "shape"], ["row"], name="reshape"),
                    onnx.node("MatMul", ["row", "w3"], ["product"], name="third"),
                    onnx.node("GRU", ["product", "w4", "r4", "", "", "h_in"], ["", "h_out"],
                              name="fourth", hidden_size=HIDDEN),
                ],
                [onnx.value("x", (1, CHANNELS, SIZE, SIZE)), onnx.value("h_in", (1, 1, HIDDEN))],
                [onnx.value("h_out", (1, 1, HIDDEN)), onnx.value("c", (1, CHANNELS, SIZE, SIZE))],
                [
                    onnx.tensor("known", [1, 1, 1, 1], [1.5]),
                    onnx.tensor("w0", [1, 1, 1, 1], [0.5]),
                    weights("w1", 1, (CHANNELS, CHANNELS, 3, 3), 0.3),
                    weights("w2", 2, (CHANNELS, 8, 2, 2), 0.5),
                    onnx.tensor("shape", [3], [1, 1, 8], onnx.INT64),
                    weights("w3", 3, (8, CHANNELS), 1),
                    weights("w4", 4, (1, 3 * HIDDEN, CHANNELS), 1),
                    weights("r4", 5, (1, 3 * HIDDEN, HIDDEN), 1),
                ],
            ),
        )

    def report(self, *arguments):
        return json.loads(self.tool("bench", "--accuracy", "--json", *arguments))

    def test_errors(self):
        found = self.report(self.network(), "--steps=3")
        self.assertEqual(found["steps"], 3)
        self.assertEqual([(r["name"], r["kind"]) for r in found["results"]],
                         [("h_out", "state"), ("c", "output")])
        layers = {layer["name"]: layer for layer in found["layers"]}
        self.assertEqual({name: layer["op"] for name, layer in layers.items()},
                         {"first": "Conv", "second": "ConvTranspose", "third": "MatMul",
                          "fourth": "GRU"})
        for each in found["layers"] + found["results"]:
            errors = each["errors"]["fp32"]
            self.assertLess(errors["largest"], 1e-5)
            self.assertGreater(errors["largest"], 0)
            self.assertLessEqual(errors["rms"], errors["largest"])
        worst = [max(e["largest"] for e in layer["errors"].values()) for layer in found["layers"]]
        self.assertEqual(worst, sorted(worst, reverse=True))

    def test_precisions(self):
        """bfloat16 is three orders of magnitude away, its two parts are not."""
        found = self.report(self.network())
        if "bf16" not in found["layers"][0]["errors"]:
            self.skipTest("there is no bfloat16 on this processor")
        for layer in found["layers"]:
            fp32, bf16x3, bf16 = (layer["errors"][p] for p in ("fp32", "bf16x3", "bf16"))
            self.assertLess(bf16x3["largest"], 3e-5)
            self.assertGreater(bf16["largest"], 1e-4)
            self.assertGreater(bf16["largest"], 100 * fp32["largest"])
            self.assertLess(bf16["largest"], 0.02)
        kernels = {layer["name"]: layer["errors"]["bf16"]["kernel"] for layer in found["layers"]}
        self.assertIn("bf16", kernels["first"])

    def test_one_precision(self):
        found = self.report(self.network(), "--precision=fp32", "--steps=1", "--cpu=c")
        self.assertEqual(found["kernels"], "c")
        for each in found["layers"] + found["results"]:
            self.assertEqual(list(each["errors"]), ["fp32"])
        self.assertEqual({layer["errors"]["fp32"]["kernel"] for layer in found["layers"]
                          if layer["op"] == "Conv"}, {"direct c"})

    def test_text(self):
        out = self.tool("bench", "--accuracy", self.network(), "--precision=fp32")
        number = r"\d\.\de-\d\d"
        self.assertRegex(out, rf"\n10 steps of noise, .*\n  state h_out: fp32 {number}, rms {number}\n")
        self.assertRegex(out, r"\n4 layers, each by itself")
        self.assertRegex(out, rf"\n  GRU fourth: fp32 {number}, rms {number} \[.+\]\n")

    def test_no_layers(self):
        found = self.report(self.accumulator())
        self.assertEqual(found["layers"], [])
        self.assertEqual({r["name"]: r["errors"]["fp32"]["largest"] for r in found["results"]},
                         {"y": 0, "h_out": 0})

    def test_refused(self):
        model = self.accumulator()
        self.refused("--json needs --accuracy", by=["bench", model, "--json"])
        self.refused("expected fp32", by=["bench", model, "--accuracy", "--precision=double"])
        self.refused("bf16x3 and bf16 need", by=["bench", model, "--accuracy", "--precision=bf16",
                                                "--cpu=c"])
        self.refused("x", by=["bench", "--accuracy", self.convolution()])


if __name__ == "__main__":
    harness.main()
