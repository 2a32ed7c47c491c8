# SPDX-License-Identifier: LGPL-2.1-or-later
"""Recurrent cells as public PyTorch modules compute them, written afresh from their formulas.

Each module does one step, forward(x, h[, c]) → new states, and says in EXPECTED what `convrnn
inspect --json` must call it. Weights are small numbers from a formula, so that an export is the
same bytes everywhere.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

INPUTS, HIDDEN, HEIGHT, WIDTH = 2, 3, 4, 5


def wave(shape, seed, scale=1.0):
    n = math.prod(shape)
    values = [scale * math.sin(1 + 0.7 * i * (1 + seed / 97) + 1.3 * seed) for i in range(n)]
    return torch.tensor(values, dtype=torch.float32).reshape(shape)


class Cell(nn.Module):
    STATES = ("h",)
    RANK = 4

    def shape(self, channels):
        return (1, channels, HEIGHT, WIDTH)[: self.RANK]

    def set_weights(self):
        with torch.no_grad():
            for seed, parameter in enumerate(self.parameters()):
                parameter.copy_(wave(parameter.shape, seed + 1, 0.5))
        return self.eval()


def conv(inputs, outputs, size=3, bias=True, **options):
    return nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=bias, **options)


class ConcatenatedLstm(Cell):
    """ConvLSTM, one convolution of [x, h], gates i, f, o, g by torch.split (as ndrplz)."""

    STATES = ("h", "c")
    EXPECTED = {"kind": "ConvLSTM", "peepholes": False, "gate_activation": "sigmoid", "steps": 1}

    def __init__(self):
        super().__init__()
        self.conv = conv(INPUTS + HIDDEN, 4 * HIDDEN)

    def forward(self, x, h, c):
        i, f, o, g = torch.split(self.conv(torch.cat([x, h], dim=1)), HIDDEN, dim=1)
        i, f, o, g = torch.sigmoid(i), torch.sigmoid(f), torch.sigmoid(o), torch.tanh(g)
        c = f * c + i * g
        return o * torch.tanh(c), c


class ChunkedLstm(Cell):
    """ConvLSTM, gates in, remember, out, cell by chunk (as rpg_e2vid)."""

    STATES = ("h", "c")
    EXPECTED = ConcatenatedLstm.EXPECTED

    def __init__(self):
        super().__init__()
        self.gates = conv(INPUTS + HIDDEN, 4 * HIDDEN)

    def forward(self, x, h, c):
        new, keep, out, cell = self.gates(torch.cat((x, h), 1)).chunk(4, 1)
        new, keep, out = torch.sigmoid(new), torch.sigmoid(keep), torch.sigmoid(out)
        c = (keep * c) + (new * torch.tanh(cell))
        return out * torch.tanh(c), c


class PeepholeLstm(Cell):
    """ConvLSTM, a convolution for each gate of x and of h, peepholes per pixel (as automan000)."""

    STATES = ("h", "c")
    EXPECTED = {"kind": "ConvLSTM", "peepholes": True, "gate_activation": "sigmoid"}

    def __init__(self):
        super().__init__()
        for gate in "ifco":
            setattr(self, "x" + gate, conv(INPUTS, HIDDEN))
            setattr(self, "h" + gate, conv(HIDDEN, HIDDEN, bias=False))
        self.ci, self.cf, self.co = (
            nn.Parameter(torch.zeros(1, HIDDEN, HEIGHT, WIDTH)) for _ in range(3)
        )

    def forward(self, x, h, c):
        i = torch.sigmoid(self.xi(x) + self.hi(h) + c * self.ci)
        f = torch.sigmoid(self.xf(x) + self.hf(h) + c * self.cf)
        c = f * c + i * torch.tanh(self.xc(x) + self.hc(h))
        o = torch.sigmoid(self.xo(x) + self.ho(h) + c * self.co)
        return o * torch.tanh(c), c


class ConcatenatedPeepholeLstm(Cell):
    """ConvLSTM, one convolution and peepholes, relu for tanh (as sladewinter)."""

    STATES = ("h", "c")
    EXPECTED = {"kind": "ConvLSTM", "peepholes": True, "activation": "relu", "steps": 1}

    def __init__(self):
        super().__init__()
        self.conv = conv(INPUTS + HIDDEN, 4 * HIDDEN)
        self.ci, self.cf, self.co = (
            nn.Parameter(torch.zeros(HIDDEN, HEIGHT, WIDTH)) for _ in range(3)
        )

    def forward(self, x, h, c):
        i, f, g, o = torch.chunk(self.conv(torch.cat([x, h], dim=1)), chunks=4, dim=1)
        i = torch.sigmoid(i + self.ci * c)
        f = torch.sigmoid(f + self.cf * c)
        c = f * c + i * torch.relu(g)
        o = torch.sigmoid(o + self.co * c)
        return o * torch.relu(c), c


class KerasLstm(Cell):
    """ConvLSTM2D of Keras: gates i, f, c, o, kernels cut from one, hard sigmoid."""

    STATES = ("h", "c")
    EXPECTED = {"kind": "ConvLSTM", "peepholes": False, "gate_activation": "hard-sigmoid"}

    def __init__(self):
        super().__init__()
        self.kernel = nn.Parameter(torch.zeros(4 * HIDDEN, INPUTS, 3, 3))
        self.recurrent = nn.Parameter(torch.zeros(4 * HIDDEN, HIDDEN, 3, 3))
        self.bias = nn.Parameter(torch.zeros(4 * HIDDEN))

    def forward(self, x, h, c):
        x = F.conv2d(x, self.kernel, self.bias, padding=1)
        h = F.conv2d(h, self.recurrent, padding=1)
        i, f, g, o = torch.split(x + h, HIDDEN, dim=1)
        i, f, o = (torch.clamp(0.2 * gate + 0.5, 0.0, 1.0) for gate in (i, f, o))
        c = f * c + i * torch.tanh(g)
        return o * torch.tanh(c), c


class SeparableLstm(Cell):
    """ConvLSTM whose convolution is depthwise, then 1×1."""

    STATES = ("h", "c")
    EXPECTED = {"kind": "ConvLSTM", "peepholes": False, "kernel": [3, 3]}

    def __init__(self):
        super().__init__()
        both = INPUTS + HIDDEN
        self.depthwise = conv(both, both, groups=both)
        self.pointwise = conv(both, 4 * HIDDEN, 1)

    def forward(self, x, h, c):
        gates = self.pointwise(self.depthwise(torch.cat([x, h], dim=1)))
        i, f, o, g = torch.split(gates, HIDDEN, dim=1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


class CoupledLstm(Cell):
    """ConvLSTM with i = 1 − f, and c' held within ±1."""

    STATES = ("h", "c")
    EXPECTED = {"kind": "ConvLSTM", "coupled": True, "clip": 1}

    def __init__(self):
        super().__init__()
        self.conv = conv(INPUTS + HIDDEN, 3 * HIDDEN)

    def forward(self, x, h, c):
        f, o, g = torch.split(self.conv(torch.cat([x, h], dim=1)), HIDDEN, dim=1)
        f = torch.sigmoid(f)
        c = torch.clamp(f * c + (1 - f) * torch.tanh(g), -1.0, 1.0)
        return torch.sigmoid(o) * torch.tanh(c), c


class StackedGru(Cell):
    """ConvGRU, [x, h] concatenated, a convolution for each gate (as jacobkimmel; FireNet)."""

    EXPECTED = {"kind": "ConvGRU", "reset": "before", "z": "replaces", "steps": 2}

    def __init__(self):
        super().__init__()
        self.update, self.reset, self.out = (conv(INPUTS + HIDDEN, HIDDEN) for _ in range(3))

    def forward(self, x, h):
        both = torch.cat([x, h], dim=1)
        update = torch.sigmoid(self.update(both))
        reset = torch.sigmoid(self.reset(both))
        out = torch.tanh(self.out(torch.cat([x, h * reset], dim=1)))
        return (h * (1 - update) + out * update,)


class ChunkedGru(Cell):
    """ConvGRU, sigmoid before the chunk (as Robust Video Matting)."""

    EXPECTED = {"kind": "ConvGRU", "reset": "before", "z": "replaces", "steps": 2}

    def __init__(self):
        super().__init__()
        self.ih = nn.Sequential(conv(INPUTS + HIDDEN, 2 * HIDDEN), nn.Sigmoid())
        self.hh = nn.Sequential(conv(INPUTS + HIDDEN, HIDDEN), nn.Tanh())

    def forward(self, x, h):
        r, z = self.ih(torch.cat([x, h], dim=1)).split([HIDDEN, HIDDEN], dim=1)
        n = self.hh(torch.cat([x, r * h], dim=1))
        return ((1 - z) * h + z * n,)


class SeparateGru(Cell):
    """ConvGRU, 1×1 convolutions of x and of h, each with a bias, z keeps; h·U written apart."""

    EXPECTED = {"kind": "ConvGRU", "reset": "before", "z": "keeps", "kernel": [1, 1]}

    def __init__(self):
        super().__init__()
        self.wz, self.wr, self.wh = (conv(INPUTS, HIDDEN, 1) for _ in range(3))
        self.uz, self.ur, self.uh = (conv(HIDDEN, HIDDEN, 1) for _ in range(3))

    def forward(self, x, h):
        z = torch.sigmoid(self.wz(x) + self.uz(h))
        r = torch.sigmoid(self.wr(x) + self.ur(h))
        return (z * h + (1 - z) * torch.tanh(self.wh(x) + self.uh(r * h)),)


class ResetAfterGru(Cell):
    """ConvGRU as cuDNN's GRU: three gates by one convolution each of x and h, reset after."""

    EXPECTED = {"kind": "ConvGRU", "reset": "after", "z": "keeps"}

    def __init__(self):
        super().__init__()
        self.input, self.hidden = conv(INPUTS, 3 * HIDDEN), conv(HIDDEN, 3 * HIDDEN)

    def forward(self, x, h):
        xr, xz, xn = self.input(x).chunk(3, 1)
        hr, hz, hn = self.hidden(h).chunk(3, 1)
        r, z = torch.sigmoid(xr + hr), torch.sigmoid(xz + hz)
        n = torch.tanh(xn + r * hn)
        return (n + z * (h - n),)


class MinimalGru(Cell):
    """ConvGRU without a reset gate."""

    EXPECTED = {"kind": "ConvGRU", "reset": "none", "z": "replaces", "steps": 1}

    def __init__(self):
        super().__init__()
        self.conv = conv(INPUTS + HIDDEN, 2 * HIDDEN)

    def forward(self, x, h):
        z, n = self.conv(torch.cat([x, h], dim=1)).chunk(2, 1)
        z = torch.sigmoid(z)
        return (h + z * (torch.tanh(n) - h),)


class Sru(Cell):
    """Simple recurrent unit by convolutions: everything of x at once, then the recurrence."""

    EXPECTED = {"kind": "ConvSRU", "z": "keeps"}

    def __init__(self):
        super().__init__()
        self.conv = conv(INPUTS, 2 * HIDDEN)

    def forward(self, x, h):
        n, f = torch.chunk(self.conv(x), 2, dim=1)
        f = torch.sigmoid(f)
        return (f * h + (1 - f) * n,)


class Rnn(Cell):
    """ConvRNN."""

    EXPECTED = {"kind": "ConvRNN", "activation": "tanh"}

    def __init__(self):
        super().__init__()
        self.input, self.hidden = conv(INPUTS, HIDDEN), conv(HIDDEN, HIDDEN, bias=False)

    def forward(self, x, h):
        return (torch.tanh(self.input(x) + self.hidden(h)),)


class OneAxisGru(Cell):
    """ConvGRU along one axis."""

    RANK = 3
    EXPECTED = {"kind": "ConvGRU", "reset": "before", "z": "replaces", "kernel": [3]}

    def __init__(self):
        super().__init__()
        both = INPUTS + HIDDEN
        self.gates = nn.Conv1d(both, 2 * HIDDEN, 3, padding=1)
        self.out = nn.Conv1d(both, HIDDEN, 3, padding=1)

    def forward(self, x, h):
        r, z = torch.sigmoid(self.gates(torch.cat([x, h], dim=1))).chunk(2, 1)
        n = torch.tanh(self.out(torch.cat([x, r * h], dim=1)))
        return ((1 - z) * h + z * n,)


class DenseLstm(Cell):
    """torch.nn.LSTMCell: its products and its arithmetic stay steps of their own."""

    RANK = 2
    STATES = ("h", "c")
    EXPECTED = {"kind": "LSTM", "peepholes": False, "gate_activation": "sigmoid", "fused": False}

    def __init__(self):
        super().__init__()
        self.cell = nn.LSTMCell(INPUTS, HIDDEN)

    def forward(self, x, h, c):
        return self.cell(x, (h, c))


class DenseGru(Cell):
    """torch.nn.GRUCell."""

    RANK = 2
    EXPECTED = {"kind": "GRU", "reset": "after", "z": "keeps", "fused": False}

    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(INPUTS, HIDDEN)

    def forward(self, x, h):
        return (self.cell(x, h),)


class RowsGru(Cell):
    """A dense GRU for each of many rows, from linear layers: the channels are the last axis."""

    EXPECTED = DenseGru.EXPECTED

    def shape(self, channels):
        return (2, HEIGHT, channels)

    def __init__(self):
        super().__init__()
        self.input, self.hidden = nn.Linear(INPUTS, 3 * HIDDEN), nn.Linear(HIDDEN, 3 * HIDDEN)

    def forward(self, x, h):
        xr, xz, xn = torch.chunk(self.input(x), 3, dim=-1)
        hr, hz, hn = torch.chunk(self.hidden(h), 3, dim=-1)
        r, z = torch.sigmoid(xr + hr), torch.sigmoid(xz + hz)
        return (z * h + (1 - z) * torch.tanh(xn + r * hn),)


class NormalizedGru(Cell):
    """Group norm inside the gates: not one of the forms; it runs all the same."""

    EXPECTED = {"kind": "unrecognised"}

    def __init__(self):
        super().__init__()
        self.conv, self.norm = conv(INPUTS + HIDDEN, 2 * HIDDEN), nn.GroupNorm(2, 2 * HIDDEN)

    def forward(self, x, h):
        z, n = self.norm(self.conv(torch.cat([x, h], dim=1))).chunk(2, 1)
        z = torch.sigmoid(z)
        return ((1 - z) * h + z * torch.tanh(n),)


MODULES = {
    "concatenated-lstm": ConcatenatedLstm,
    "chunked-lstm": ChunkedLstm,
    "peephole-lstm": PeepholeLstm,
    "concatenated-peephole-lstm": ConcatenatedPeepholeLstm,
    "keras-lstm": KerasLstm,
    "separable-lstm": SeparableLstm,
    "coupled-lstm": CoupledLstm,
    "stacked-gru": StackedGru,
    "chunked-gru": ChunkedGru,
    "separate-gru": SeparateGru,
    "reset-after-gru": ResetAfterGru,
    "minimal-gru": MinimalGru,
    "sru": Sru,
    "rnn": Rnn,
    "one-axis-gru": OneAxisGru,
    "normalized-gru": NormalizedGru,
    "dense-lstm": DenseLstm,
    "dense-gru": DenseGru,
    "rows-gru": RowsGru,
}


def names(cell):
    return [s + "_in" for s in cell.STATES], [s + "_out" for s in cell.STATES]


def export(cell, path, dynamo=False):
    """One step as ONNX: inputs x, h_in…, outputs h_out…"""
    ins, outs = names(cell)
    example = (wave(cell.shape(INPUTS), 0), *(torch.zeros(cell.shape(HIDDEN)) for _ in ins))
    options = {"input_names": ["x", *ins], "output_names": outs}
    if dynamo:
        torch.onnx.export(cell, example, path, dynamo=True, external_data=False, **options)
        return
    if "dynamo" in torch.onnx.export.__code__.co_varnames:
        options["dynamo"] = False
    torch.onnx.export(cell, example, path, opset_version=13, **options)


def stream(cell, steps):
    """The states after each step, from zeros, on waves."""
    states, all_steps = [torch.zeros(cell.shape(HIDDEN)) for _ in cell.STATES], []
    with torch.no_grad():
        for step in range(steps):
            states = cell(wave(cell.shape(INPUTS), step), *states)
            all_steps.append(states)
    return all_steps
