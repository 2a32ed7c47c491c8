# SPDX-License-Identifier: LGPL-2.1-or-later
"""Recurrent cells in double precision, written from their papers' formulas, gate by gate.

Each has step(x, states) → (output, new states) and start(x) → the states before the first step.
"""

import math

import torch
from torch.nn import functional as F

FUNCTIONS = {
    "sigmoid": lambda x, a, b: torch.sigmoid(x),
    "tanh": lambda x, a, b: torch.tanh(x),
    "relu": lambda x, a, b: torch.relu(x),
    "relu6": lambda x, a, b: torch.clamp(x, 0, 6),
    "leaky_relu": lambda x, a, b: torch.where(x >= 0, x, a * x),
    "elu": lambda x, a, b: torch.where(x >= 0, x, a * torch.expm1(x)),
    "hard_sigmoid": lambda x, a, b: torch.clamp(a * x + b, 0, 1),
    "softsign": lambda x, a, b: x / (1 + x.abs()),
    "silu": lambda x, a, b: x * torch.sigmoid(x),
}
DEFAULTS = {"leaky_relu": (0.01, 0), "elu": (1, 0), "hard_sigmoid": (0.2, 0.5)}
LETTERS = {"rnn": "n", "gru": "zrn", "lstm": "iofg"}


def function(text, fallback):
    name, *numbers = (text or fallback).split(":")
    alpha, beta = map(float, numbers) if numbers else DEFAULTS.get(name, (0, 0))
    return lambda x: FUNCTIONS[name](x, alpha, beta)


def clip(x, limit):
    return torch.clamp(x, -limit, limit) if limit else x


def convolve(x, weights, stride, dilation, pads, groups=1):
    """pads None: "same"; else begins of all dimensions, then ends. weights of rank 2: a product."""
    if weights.dim() == 2:
        return x @ weights.T
    n = weights.dim() - 2
    stride, dilation = stride[:n], dilation[:n]
    if pads is None:
        pads = [0] * 2 * n
        for i in range(n):
            size, kernel = x.shape[2 + i], weights.shape[2 + i]
            total = (math.ceil(size / stride[i]) - 1) * stride[i] + (kernel - 1) * dilation[i]
            total = max(total + 1 - size, 0)
            pads[i], pads[n + i] = total // 2, total - total // 2
    around = []
    for i in reversed(range(n)):
        around += [pads[i], pads[n + i]]
    conv = F.conv1d if n == 1 else F.conv2d
    return conv(F.pad(x, around), weights, None, stride, 0, dilation, groups)


class Gated:
    """RNN, GRU or LSTM. o: the options under the names that run_cells.c knows, with tensors."""

    def __init__(self, kind, o):
        self.kind, self.o = kind, o
        self.gates = o.get("gates", LETTERS[kind])
        self.weights = o["weights"]
        self.hidden = self.weights.shape[0] // len(self.gates)
        self.out = o["projection"].shape[0] if "projection" in o else self.hidden
        self.space = self.weights.dim() - 2
        self.gate = function(o.get("gate"), "sigmoid")
        self.activation = function(o.get("activation"), "tanh")
        self.output = function(o.get("output"), "tanh")

    # --- pieces ---

    def rows(self, tensor, letters):
        """The rows of these gates, in the order in which the tensor has them."""
        index = [k for k, letter in enumerate(self.gates) if letter in letters]
        return torch.cat([tensor[k * self.hidden : (k + 1) * self.hidden] for k in index])

    def bias(self, key, letters):
        if key not in self.o:
            return 0
        value = self.rows(self.o[key], letters)
        return value.reshape([1, -1] + [1] * self.space)

    def product(self, x, which, letters):
        """W·x (which "x") or R·h ("h") of these gates, without biases."""
        o, join = self.o, self.o.get("join")
        weights, depthwise = o["weights"], o.get("depthwise")
        if join:
            # As the framework does it: one product with both. Here with zeros for the other.
            both = weights.shape[1]
            other = x.new_zeros([x.shape[0], both - x.shape[1], *x.shape[2:]])
            first = (join == "xh") == (which == "x")
            x = torch.cat([x, other] if first else [other, x], 1)
        elif which == "h":
            weights, depthwise = o["recurrent"], o.get("recurrent_depthwise")
        weights = self.rows(weights, letters)
        window = [[1, 1], o.get("dilation", [1, 1]) if which == "x" or join else [1, 1]]
        if which == "x":
            window[0] = o.get("stride", [1, 1])
        pads = o.get("pads" if which == "x" or join else "recurrent_pads")
        if depthwise is None:
            return convolve(x, weights, *window, pads)
        if depthwise.shape[0] == 2 * x.shape[1]:
            half = depthwise.shape[0] // 2
            depthwise = depthwise[half:] if letters == "n" else depthwise[:half]
        x = convolve(x, depthwise, *window, pads, groups=x.shape[1])
        return convolve(x, weights, [1, 1], [1, 1], None)

    def norm(self, x, letters, index):
        groups = self.o.get("norm_groups", [0, 0])
        if not groups[0]:
            return x
        count = groups[0] if index == 0 else groups[1] or max(groups[0] // 2, 1)
        grouped = x.reshape(x.shape[0], count, -1)
        mean = grouped.mean(2, keepdim=True)
        variance = ((grouped - mean) ** 2).mean(2, keepdim=True)
        epsilon = self.o.get("norm_epsilon") or 1e-5
        x = ((grouped - mean) / torch.sqrt(variance + epsilon)).reshape(x.shape)
        if "norm_gamma" in self.o:
            x = x * self.bias("norm_gamma", letters)
        return x + self.bias("norm_beta", letters)

    def cut(self, x, letters):
        order = [letter for letter in self.gates if letter in letters]
        return dict(zip(order, torch.split(x, self.hidden, 1)))

    def start(self, x):
        like = self.product(x, "x", self.gates)
        states = []
        for key, channels in (("initial", self.out), ("initial_cell", self.hidden)):
            value = self.o.get(key, torch.zeros((), dtype=x.dtype))
            states.append(value.expand([like.shape[0], channels, *like.shape[2:]]))
        return states if self.kind == "lstm" else states[:1]

    # --- the three formulas ---

    def step(self, x, states):
        if self.space == 0:
            x = x.reshape(x.shape[0], -1)
        return getattr(self, "step_" + self.kind)(x, *states)

    def sums(self, x, h, letters):
        return (
            self.product(x, "x", letters)
            + self.product(h, "h", letters)
            + self.bias("bias", letters)
            + self.bias("recurrent_bias", letters)
        )

    def step_rnn(self, x, h):
        h = self.activation(clip(self.norm(self.sums(x, h, "n"), "n", 0), self.o.get("clip")))
        return h, [h]

    def step_gru(self, x, h):
        o = self.o
        gates = self.norm(self.sums(x, h, "zr"), "zr", 0)
        gates = self.cut(self.gate(clip(gates, o.get("clip"))), "zr")
        z, r = gates["z"], gates["r"]
        if o.get("reset_after"):
            n = self.product(x, "x", "n") + self.bias("bias", "n")
            n = n + r * (self.product(h, "h", "n") + self.bias("recurrent_bias", "n"))
        else:
            n = self.sums(x, r * h, "n")
        n = self.activation(clip(self.norm(n, "n", 1), o.get("clip")))
        h = (1 - z) * h + z * n if o.get("z_replaces") else (1 - z) * n + z * h
        return h, [h]

    def peep(self, letter, c):
        if "peephole" not in self.o:
            return 0
        peepholes = self.o["peephole"]
        order = [x for x in self.gates if x != "g"]
        k = order.index(letter) * self.hidden
        value = peepholes[k : k + self.hidden]
        return value.reshape(list(value.shape) + [1] * (self.space + 1 - value.dim())) * c

    def step_lstm(self, x, h, c):
        o, sums = self.o, self.norm(self.sums(x, h, self.gates), self.gates, 0)
        a = self.cut(sums, self.gates)
        if "f" in a:
            a["f"] = a["f"] + o.get("forget_bias", 0)
        v = {}
        for letter in "if":
            if letter in a:
                v[letter] = self.gate(clip(a[letter] + self.peep(letter, c), o.get("clip")))
        i = v["i"] if "i" in v else 1 - v["f"]
        f = v["f"] if "f" in v else 1 - v["i"]
        c = f * c + i * self.activation(clip(a["g"], o.get("clip")))
        c = clip(c, o.get("cell_clip"))
        h = self.gate(clip(a["o"] + self.peep("o", c), o.get("clip"))) * self.output(c)
        if "projection" in o:
            h = convolve(h, o["projection"], [1, 1], [1, 1], None)
            h = clip(h, o.get("projection_clip"))
        return h, [h, c]


class Stack:
    def __init__(self, cells):
        self.cells = cells

    def start(self, x):
        states = []
        for cell in self.cells:
            own = cell.start(x)
            x, _ = cell.step(x, own)
            states += own
        return states

    def step(self, x, states):
        new = []
        for cell in self.cells:
            n = len(cell.start(x))
            x, own = cell.step(x, states[:n])
            states, new = states[n:], new + own
        return x, new


class Residual:
    def __init__(self, cell):
        self.cell = cell
        self.start = cell.start

    def step(self, x, states):
        y, states = self.cell.step(x, states)
        return x + y, states


class Grid:
    """TensorFlow's GridLSTMCell: every block's LSTMs see the block and both hidden states."""

    def __init__(self, time, frequency, blocks):
        self.time, self.frequency, self.blocks = time, frequency, blocks

    def start(self, x):
        block = torch.chunk(x, self.blocks, 1)[0]
        h = torch.zeros_like(block[:, :1]).expand(-1, self.frequency.out, *block.shape[2:])
        return self.time.start(torch.cat([block, h], 1)) * self.blocks

    def step(self, x, states):
        out, new, along = [], [], None
        for k, block in enumerate(torch.chunk(x, self.blocks, 1)):
            h, c = states[2 * k : 2 * k + 2]
            seen = torch.cat([block, h], 1)
            u, d = along or self.frequency.start(seen)
            _, after = self.time.step(torch.cat([block, u], 1), [h, c])
            _, along = self.frequency.step(seen, [u, d])
            out += [after[0], along[0]]
            new += after
        return torch.cat(out, 1), new


class Attention:
    """TensorFlow's AttentionCellWrapper."""

    def __init__(self, cell, length, o):
        self.cell, self.length, self.o = cell, length, o

    def start(self, x):
        size, n = self.o["key"].shape[1], x.shape[0]
        inner = F.linear(torch.cat([x, x.new_zeros(n, size)], 1), self.o["input"])
        memory = x.new_zeros(n, self.length, size)
        return [*self.cell.start(inner), x.new_zeros(n, size), memory]

    def step(self, x, states):
        o = self.o
        *inner, attention, memory = states
        x = F.linear(torch.cat([x, attention], 1), o["input"], o.get("input_bias"))
        y, inner = self.cell.step(x, inner)
        query = F.linear(torch.cat(inner, 1), o["query"], o.get("query_bias"))
        scores = torch.stack(
            [
                (o["score"] * torch.tanh(memory[:, j] @ o["key"].T + query)).sum(1)
                for j in range(self.length)
            ],
            1,
        )
        attention = (torch.softmax(scores, 1)[:, :, None] * memory).sum(1)
        y = F.linear(torch.cat([y, attention], 1), o["output"], o.get("output_bias"))
        return y, [*inner, attention, torch.cat([memory[:, 1:], y[:, None]], 1)]
