# SPDX-License-Identifier: LGPL-2.1-or-later
"""Random layers and recurrent cells for the comparison with PyTorch.

Each network takes (x, *states) and gives (y, *new states); `states` lists the states' shapes.
"""

import torch
from torch import nn
from torch.nn import functional as F

CHANNELS = (1, 3, 4, 8, 16, 17, 32)
ACTIVATIONS = (
    nn.ReLU,
    nn.Sigmoid,
    nn.Tanh,
    nn.Hardsigmoid,
    nn.Hardswish,
    nn.LeakyReLU,
    nn.ReLU6,
    nn.Identity,
    lambda: nn.LeakyReLU(0.3),
    lambda: nn.Hardtanh(-0.7, 1.2),
)


def min_opset(net):
    """The oldest opset in which the network can be said as it is."""
    return max(getattr(module, "min_opset", 0) for module in net.modules())


def random_conv(rng, c_in, c_out, stride=1):
    """Any kernel, dilation, padding and number of groups that fits; pads so that the picture never
    vanishes."""
    groups = rng.choice([g for g in (1, 1, 2, 3, 4, c_in) if c_in % g == 0 and c_out % g == 0])
    kernel = rng.choice([(1, 1), (3, 3), (3, 3), (5, 5), (1, 3), (3, 1), (2, 2), (7, 7)])
    dilation = rng.choice([1, 1, 1, 2]) if kernel == (3, 3) else 1
    padding = [dilation * (k // 2) for k in kernel]
    return nn.Conv2d(
        c_in, c_out, kernel, stride, padding, dilation, groups, bias=rng.random() < 0.7
    )


def random_norm(rng, channels):
    norm = nn.BatchNorm2d(channels, eps=rng.choice([1e-5, 1e-3]))
    norm.running_mean.normal_(0, 0.3)
    norm.running_var.uniform_(0.3, 2)
    nn.init.uniform_(norm.weight, 0.5, 1.5)
    nn.init.normal_(norm.bias, 0, 0.2)
    return norm


def random_pool(rng):
    kernel = rng.choice([2, 3, (2, 3)])
    stride = rng.choice([1, 2])
    padding = rng.choice([0, 1])
    # PyTorch drops a last window that begins in the padding, which ONNX cannot say.
    ceil = padding == 0 and rng.random() < 0.7
    if rng.random() < 0.5:
        return nn.MaxPool2d(kernel, stride, padding, dilation=rng.choice([1, 1, 2]), ceil_mode=ceil)
    return nn.AvgPool2d(
        kernel, stride, padding, ceil_mode=ceil, count_include_pad=rng.random() < 0.5
    )


class Resize(nn.Module):
    """Before opset 11, ONNX has none but nearest by a factor that gives the same as PyTorch's."""

    def __init__(self, rng):
        super().__init__()
        self.options = rng.choice(
            [
                dict(mode="nearest"),
                dict(mode="bilinear", align_corners=False),
                dict(mode="bilinear", align_corners=True),
            ]
        )
        self.scale = rng.choice([2.0, (2.0, 3.0), None])
        self.size = (rng.randint(3, 20), rng.randint(3, 20))
        self.min_opset = 9 if self.scale and self.options["mode"] == "nearest" else 11

    def forward(self, x):
        if self.scale is None:
            return F.interpolate(x, size=self.size, **self.options)
        return F.interpolate(x, scale_factor=self.scale, **self.options)


class Residual(nn.Module):
    def __init__(self, rng, channels):
        super().__init__()
        self.body = nn.Sequential(
            random_conv_same(rng, channels, channels),
            random_norm(rng, channels),
            rng.choice(ACTIVATIONS)(),
            random_conv_same(rng, channels, channels),
        )
        self.minus = rng.random() < 0.3

    def forward(self, x):
        return x - self.body(x) if self.minus else x + self.body(x)


class Branches(nn.Module):
    """Split, something different on each part, Concat."""

    def __init__(self, rng, channels):
        super().__init__()
        self.parts = [channels // 3, channels - channels // 3] if channels > 2 else [channels]
        self.left = random_conv_same(rng, self.parts[0], rng.choice(CHANNELS[:5]))
        self.right = rng.choice(ACTIVATIONS)()
        self.out_channels = self.left.out_channels + (
            self.parts[1] if len(self.parts) > 1 else channels
        )

    def forward(self, x):
        parts = torch.split(x, self.parts, dim=1)
        return torch.cat([self.left(parts[0]), self.right(parts[-1])], dim=1)


class Gate(nn.Module):
    """Squeeze and excite."""

    def __init__(self, rng, channels):
        super().__init__()
        self.body = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, 4, 1),
            nn.ReLU(),
            nn.Conv2d(4, channels, 1),
            rng.choice([nn.Sigmoid, nn.Hardsigmoid])(),
        )

    def forward(self, x):
        return x * self.body(x)


class Arithmetic(nn.Module):
    def __init__(self, rng, channels):
        super().__init__()
        self.kind = rng.randrange(4)
        self.per_channel = nn.Parameter(torch.rand(1, channels, 1, 1) + 0.5)

    def forward(self, x):
        if self.kind == 0:
            return (x - 0.25) / self.per_channel
        if self.kind == 1:
            return x - x.mean(dim=(2, 3), keepdim=True)
        if self.kind == 2:
            return F.pad(x, (1, 0, 2, 1), value=0.5) * self.per_channel
        return x[:, :, 1:, ::2] + self.per_channel if x.shape[2] > 1 else x + self.per_channel


def random_conv_same(rng, c_in, c_out):
    """A convolution that keeps the picture's size."""
    kernel = rng.choice([1, 3, 3, 5])
    groups = rng.choice([g for g in (1, 1, c_in) if c_in % g == 0 and c_out % g == 0])
    return nn.Conv2d(
        c_in, c_out, kernel, padding=kernel // 2, groups=groups, bias=rng.random() < 0.7
    )


class FeedForward(nn.Module):
    """A stem of random layers; with a head, a vector comes out."""

    states = ()

    def __init__(self, rng, c_in, depth, head):
        super().__init__()
        layers, channels = [], c_in
        for _ in range(depth):
            kind = rng.choice(
                [
                    "conv",
                    "conv",
                    "conv",
                    "pool",
                    "resize",
                    "residual",
                    "branches",
                    "gate",
                    "arithmetic",
                ]
            )
            if kind == "conv":
                c_out = rng.choice(CHANNELS)
                layers.append(random_conv(rng, channels, c_out, rng.choice([1, 1, 2])))
                channels = c_out
                if rng.random() < 0.5:
                    layers.append(random_norm(rng, channels))
                layers.append(rng.choice(ACTIVATIONS)())
            elif kind == "branches":
                layers.append(Branches(rng, channels))
                channels = layers[-1].out_channels
            else:
                layers.append(
                    {
                        "pool": lambda: random_pool(rng),
                        "resize": lambda: Resize(rng),
                        "residual": lambda: Residual(rng, channels),
                        "gate": lambda: Gate(rng, channels),
                        "arithmetic": lambda: Arithmetic(rng, channels),
                    }[kind]()
                )
        if head:
            layers += [
                nn.AdaptiveAvgPool2d(1),
                nn.Flatten(),
                nn.Linear(channels, 10),
                nn.Softmax(dim=1),
            ]
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)


class ConvGru(nn.Module):
    """Gates from one convolution of [x, h] or from two; reset before or after the candidate's
    convolution; z keeps the old state or the new one."""

    def __init__(self, rng, c_in, hidden, height, width):
        super().__init__()
        kernel = rng.choice([1, 3, 3, 5])
        self.hidden = hidden
        self.together = rng.random() < 0.5
        self.reset_after = rng.random() < 0.4
        self.swap = rng.random() < 0.5
        self.keeps_new = rng.random() < 0.5
        conv = lambda i, o, bias=True: nn.Conv2d(
            i, o, kernel, padding=kernel // 2, bias=bias
        )  # noqa: E731
        if self.together:
            self.gates = conv(c_in + hidden, 2 * hidden)
        else:
            self.update, self.reset = conv(c_in + hidden, hidden), conv(c_in + hidden, hidden)
        if self.reset_after:
            self.from_x, self.from_h = conv(c_in, hidden), conv(hidden, hidden, rng.random() < 0.5)
        else:
            self.candidate = conv(c_in + hidden, hidden)
        self.states = ((1, hidden, height, width),)

    def forward(self, x, h):
        both = torch.cat([h, x] if self.swap else [x, h], dim=1)
        if self.together:
            r, z = torch.split(torch.sigmoid(self.gates(both)), self.hidden, dim=1)
        else:
            r, z = torch.sigmoid(self.reset(both)), torch.sigmoid(self.update(both))
        if self.reset_after:
            n = torch.tanh(self.from_x(x) + r * self.from_h(h))
        else:
            n = torch.tanh(
                self.candidate(torch.cat([r * h, x] if self.swap else [x, r * h], dim=1))
            )
        h = (1 - z) * h + z * n if self.keeps_new else (1 - z) * n + z * h
        return h, h


class ConvLstm(nn.Module):
    """Any gate order, with or without peepholes, with or without clipping of the cell."""

    def __init__(self, rng, c_in, hidden, height, width):
        super().__init__()
        kernel = rng.choice([1, 3, 3, 5])
        self.hidden = hidden
        self.order = rng.sample("ifgo", 4)
        self.separate = rng.random() < 0.4
        self.clip = rng.choice([None, None, 1.0])
        self.peephole = (
            nn.Parameter(torch.randn(3, 1, hidden, height, width) * 0.3)
            if rng.random() < 0.3
            else None
        )
        padding = kernel // 2
        if self.separate:
            self.from_x = nn.Conv2d(c_in, 4 * hidden, kernel, padding=padding)
            self.from_h = nn.Conv2d(hidden, 4 * hidden, kernel, padding=padding, bias=False)
        else:
            self.gates = nn.Conv2d(c_in + hidden, 4 * hidden, kernel, padding=padding)
        self.states = ((1, hidden, height, width),) * 2

    def forward(self, x, h, c):
        gates = (
            self.from_x(x) + self.from_h(h)
            if self.separate
            else self.gates(torch.cat([x, h], dim=1))
        )
        g = dict(zip(self.order, torch.split(gates, self.hidden, dim=1)))
        if self.peephole is None:
            i, f = torch.sigmoid(g["i"]), torch.sigmoid(g["f"])
        else:
            i = torch.sigmoid(g["i"] + self.peephole[0] * c)
            f = torch.sigmoid(g["f"] + self.peephole[1] * c)
        c = f * c + i * torch.tanh(g["g"])
        if self.clip:
            c = torch.clamp(c, -self.clip, self.clip)
        o = torch.sigmoid(g["o"] if self.peephole is None else g["o"] + self.peephole[2] * c)
        h = o * torch.tanh(c)
        return h, h, c


class ConvRecurrent(nn.Module):
    """A convolution, one or two cells, and a convolution with a skip."""

    def __init__(self, rng, c_in, height, width):
        super().__init__()
        hidden = rng.choice((1, 3, 8, 16, 17))
        self.stem = nn.Sequential(nn.Conv2d(c_in, hidden, 3, padding=1), rng.choice(ACTIVATIONS)())
        cells = [
            rng.choice([ConvGru, ConvLstm])(rng, hidden, hidden, height, width)
            for _ in range(rng.choice([1, 1, 2]))
        ]
        self.cells = nn.ModuleList(cells)
        self.head = nn.Conv2d(2 * hidden, 2, 1)
        self.states = sum((cell.states for cell in cells), ())

    def forward(self, x, *states):
        x = self.stem(x)
        y, states, new = x, list(states), []
        for cell in self.cells:
            y, *out = cell(y, *[states.pop(0) for _ in cell.states])
            new += out
        return (self.head(torch.cat([x, y], dim=1)), *new)


class Columns(nn.Module):
    """A text reader: convolutions, then a recurrent layer over the columns, then classes."""

    states = ()

    def __init__(self, rng, c_in, height):
        super().__init__()
        channels = rng.choice((4, 8, 17))
        self.conv = nn.Sequential(nn.Conv2d(c_in, channels, 3, (2, 1), 1), nn.ReLU())
        layer = rng.choice([nn.LSTM, nn.GRU, nn.RNN])
        self.batch_first = rng.random() < 0.5
        hidden = rng.choice((5, 16, 33))
        bidirectional = rng.random() < 0.6
        self.rnn = layer(
            channels * ((height + 1) // 2),
            hidden,
            num_layers=rng.choice([1, 2]),
            bidirectional=bidirectional,
            batch_first=self.batch_first,
        )
        self.classes = nn.Linear(hidden * (2 if bidirectional else 1), 11)

    def forward(self, x):
        x = self.conv(x)
        x = x.flatten(1, 2)
        x = x.permute(0, 2, 1) if self.batch_first else x.permute(2, 0, 1)
        y, _ = self.rnn(x)
        return F.softmax(self.classes(y), dim=2)


class Stream(nn.Module):
    """A picture becomes a vector, which goes through recurrent layers whose state is carried."""

    def __init__(self, rng, c_in):
        super().__init__()
        channels = rng.choice((8, 16))
        self.picture = nn.Sequential(
            nn.Conv2d(c_in, channels, 3, 2, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )
        layer = rng.choice([nn.LSTM, nn.GRU, nn.RNN])
        layers, hidden = rng.choice([1, 1, 2]), rng.choice((1, 7, 24, 64))
        self.rnn = layer(channels, hidden, num_layers=layers)
        self.head = nn.Linear(hidden, 5)
        self.states = ((layers, 1, hidden),) * (2 if layer is nn.LSTM else 1)

    def forward(self, x, *states):
        x = self.picture(x).unsqueeze(0)
        y, new = self.rnn(x, states if len(states) > 1 else states[0])
        return (self.head(y[-1]), *(new if isinstance(new, tuple) else (new,)))
