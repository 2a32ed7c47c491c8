# SPDX-License-Identifier: LGPL-2.1-or-later
"""Small networks of one idea each, as ONNX files: recurrent cells, single layers, a mobile stack.

Written with the standard library alone and random weights of the scale that training starts from.
A network is (file's bytes, input name → shape, state input → output).
"""

import math
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import onnx_bytes as onnx  # noqa: E402

OPSET = 11  # Split with attributes and Clip with inputs; every runtime reads it


class Writer:
    """Collects nodes and weights; each call returns the name of what the node gives."""

    def __init__(self):
        self.random = random.Random(1)
        self.nodes, self.weights = [], []

    def tensor(self, name, dims, fan_in):
        reach = 1 / math.sqrt(fan_in)
        values = [self.random.uniform(-reach, reach) for _ in range(math.prod(dims))]
        self.weights.append(onnx.tensor(name, dims, values))
        return name

    def op(self, kind, inputs, output, **attributes):
        outputs = output if isinstance(output, list) else [output]
        self.nodes.append(onnx.node(kind, inputs, outputs, outputs[0], **attributes))
        return output

    def conv(self, x, output, channels, out, kernel=3, stride=1, group=1):
        fan_in = channels // group * kernel * kernel
        w = self.tensor(output + ".w", (out, channels // group, kernel, kernel), fan_in)
        b = self.tensor(output + ".b", (out,), fan_in)
        pad = kernel // 2
        return self.op("Conv", [x, w, b], output, kernel_shape=[kernel] * 2, strides=[stride] * 2,
                       pads=[pad] * 4, group=group)

    def network(self, inputs, outputs, state=None):
        """inputs and outputs: name → shape; an input that is a state is no input."""
        state = state or {}
        data = onnx.model(self.nodes, [onnx.value(*i) for i in inputs.items()],
                          [onnx.value(*o) for o in outputs.items()], self.weights, opset=OPSET)
        return data, {name: s for name, s in inputs.items() if name not in state}, state


def conv_gru(channels, hidden, side):
    net, state = Writer(), (1, hidden, side, side)
    both = net.op("Concat", ["x", "h_in"], "xh", axis=1)
    gates = net.op("Sigmoid", [net.conv(both, "zr", channels + hidden, 2 * hidden)], "gates")
    net.op("Split", [gates], ["z", "r"], axis=1, split=[hidden, hidden])
    net.op("Mul", ["r", "h_in"], "rh")
    kept = net.op("Concat", ["x", "rh"], "xrh", axis=1)
    net.op("Tanh", [net.conv(kept, "candidate", channels + hidden, hidden)], "n")
    net.weights.append(onnx.tensor("one", (), [1.0]))
    net.op("Sub", ["one", "z"], "new")
    net.op("Add", [net.op("Mul", ["new", "n"], "a"), net.op("Mul", ["z", "h_in"], "b")], "h_out")
    return net.network({"x": (1, channels, side, side), "h_in": state}, {"h_out": state},
                       {"h_in": "h_out"})


def conv_lstm(channels, hidden, side):
    net, state = Writer(), (1, hidden, side, side)
    both = net.op("Concat", ["x", "h_in"], "xh", axis=1)
    net.conv(both, "gates", channels + hidden, 4 * hidden)
    net.op("Split", ["gates"], ["i.in", "f.in", "o.in", "g.in"], axis=1, split=[hidden] * 4)
    for gate in "ifo":
        net.op("Sigmoid", [gate + ".in"], gate)
    net.op("Tanh", ["g.in"], "g")
    net.op("Add", [net.op("Mul", ["f", "c_in"], "fc"), net.op("Mul", ["i", "g"], "ig")], "c_out")
    net.op("Mul", ["o", net.op("Tanh", ["c_out"], "squashed")], "h_out")
    return net.network({"x": (1, channels, side, side), "h_in": state, "c_in": state},
                       {"h_out": state, "c_out": state}, {"h_in": "h_out", "c_in": "c_out"})


def dense(kind, size):
    """One step of ONNX's LSTM, or GRU in the form that resets after the product."""
    net, gates = Writer(), {"LSTM": 4, "GRU": 3}[kind]
    parts = ["h", "c"] if kind == "LSTM" else ["h"]
    w = net.tensor("w", (1, gates * size, size), size)
    r = net.tensor("r", (1, gates * size, size), size)
    b = net.tensor("b", (1, 2 * gates * size), size)
    form = {"linear_before_reset": 1} if kind == "GRU" else {}
    net.op(kind, ["x", w, r, b, "", *(p + "_in" for p in parts)],
           ["", *(p + "_out" for p in parts)], hidden_size=size, **form)
    shape = (1, 1, size)
    state = {p + "_in": p + "_out" for p in parts}
    return net.network({"x": shape, **dict.fromkeys(state, shape)},
                       dict.fromkeys(state.values(), shape), state)


def convolution(channels, out, kernel, side, group=1, stride=1):
    """side: the result's."""
    net = Writer()
    net.conv("x", "y", channels, out, kernel, stride, group)
    return net.network({"x": (1, channels, side * stride, side * stride)},
                       {"y": (1, out, side, side)})


class Mobile(Writer):
    """Convolutions whose results are clipped to 0…6."""

    def __init__(self):
        super().__init__()
        self.weights += [onnx.tensor("low", (), [0.0]), onnx.tensor("high", (), [6.0])]

    def conv(self, x, output, *arguments, **attributes):
        raw = super().conv(x, output + ".raw", *arguments, **attributes)
        return self.op("Clip", [raw, "low", "high"], output)

    def pair(self, x, name, channels, out, stride=1):
        """Depthwise and pointwise."""
        x = self.conv(x, name + ".depth", channels, channels, stride=stride, group=channels)
        return self.conv(x, name, channels, out, kernel=1)


def pair(channels, side):
    net, shape = Mobile(), (1, channels, side, side)
    net.pair("x", "y", channels, channels)
    return net.network({"x": shape}, {"y": shape})


def mobile():
    """A strided convolution, then nine pairs of depthwise and pointwise."""
    net, side, channels = Mobile(), 112, 32
    x = net.conv("x", "first", 3, channels, stride=2)
    for i, (out, stride) in enumerate([(64, 1), (128, 2), (128, 1), (256, 2), *[(256, 1)] * 5]):
        x = net.pair(x, f"pair{i}", channels, out, stride)
        channels, side = out, side // stride
    net.op("Identity", [x], "y")
    return net.network({"x": (1, 3, 224, 224)}, {"y": (1, channels, side, side)})


CELLS = {
    "convgru-224": ("ConvGRU 3→32 at 224×224", lambda: conv_gru(3, 32, 224)),
    "convgru-112": ("ConvGRU 64→64 at 112×112", lambda: conv_gru(64, 64, 112)),
    "convlstm-64": ("ConvLSTM 64→64 at 64×64", lambda: conv_lstm(64, 64, 64)),
    "convlstm-128": ("ConvLSTM 64→64 at 128×128", lambda: conv_lstm(64, 64, 128)),
    "lstm": ("LSTM(512)", lambda: dense("LSTM", 512)),
    "gru": ("GRU(512)", lambda: dense("GRU", 512)),
    "conv3": ("3×3, 64→64 at 112×112", lambda: convolution(64, 64, 3, 112)),
    "conv1": ("1×1, 256→256 at 28×28", lambda: convolution(256, 256, 1, 28)),
    "conv5": ("5×5, 64→64 at 56×56", lambda: convolution(64, 64, 5, 56)),
    "strided": ("3×3 stride 2, 64→64 at 56×56", lambda: convolution(64, 64, 3, 56, stride=2)),
    "depthwise": ("depthwise 3×3, 128 at 56×56", lambda: convolution(128, 128, 3, 56, 128)),
    "pair": ("depthwise + 1×1, 128 at 56×56", lambda: pair(128, 56)),
    "mobile": ("mobile stack at 224×224", mobile),
}
