# SPDX-License-Identifier: LGPL-2.1-or-later
"""The kinds of networks that people export, small, in PyTorch. Each is what its paper or the
framework's manual describes, written for these tests."""

import torch
from torch import nn
from torch.nn import functional as F


class SqueezeExcite(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.down = nn.Conv2d(channels, channels // 2, 1)
        self.up = nn.Conv2d(channels // 2, channels, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.up(F.silu(self.down(x.mean((2, 3), keepdim=True)))))


class Classifier(nn.Module):
    """An inverted residual block: expand, depthwise, squeeze-excite, project."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.SiLU()
        )
        self.block = nn.Sequential(
            nn.Conv2d(8, 16, 1, bias=False),
            nn.BatchNorm2d(16),
            nn.SiLU(),
            nn.Conv2d(16, 16, 3, 1, 1, groups=16, bias=False),
            nn.BatchNorm2d(16),
            nn.SiLU(),
            SqueezeExcite(16),
            nn.Conv2d(16, 8, 1, bias=False),
            nn.BatchNorm2d(8),
        )
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))

    def forward(self, x):
        x = self.stem(x)
        return F.softmax(self.head(x + self.block(x)), 1)


class Recurrent(nn.Module):
    """A picture's features through a stack of RNN, GRU or LSTM, one picture per step."""

    def __init__(self, cell, batch_first, layers=2):
        super().__init__()
        self.batch_first = batch_first
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(2))
        self.cell = cell(16, 12, layers, batch_first=batch_first)
        self.head = nn.Linear(12, 5)

    def embed(self, x):
        return self.features(x).flatten(1).unsqueeze(1 if self.batch_first else 0)

    def forward(self, x):
        y, _ = self.cell(self.embed(x))
        return self.head(y.flatten(0, 1))

    def stream(self, frames):
        """What it means on a stream: the state goes on from frame to frame."""
        state, out = None, []
        for frame in frames:
            y, state = self.cell(self.embed(frame), state)
            out.append(self.head(y.flatten(0, 1)))
        return out


class Columns(nn.Module):
    """A text reader's columns: a bidirectional LSTM inside each picture."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, 1, 1), nn.ReLU(), nn.MaxPool2d((4, 2)))
        self.cell = nn.LSTM(8 * 3, 7, 2, bidirectional=True, batch_first=True)
        self.head = nn.Linear(14, 6)

    def forward(self, x):
        x = self.features(x)
        y, _ = self.cell(x.flatten(1, 2).transpose(1, 2))
        return F.log_softmax(self.head(y), 2)


class UNet(nn.Module):
    """Down twice, up once by transposed convolution and once by resizing, with skips."""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(3, 8, 3, padding=1)
        self.b = nn.Conv2d(8, 12, 3, 2, 1)
        self.c = nn.Conv2d(12, 16, 3, 2, 1)
        self.up = nn.ConvTranspose2d(16, 12, 2, 2)
        self.d = nn.Conv2d(24, 12, 3, padding=1)
        self.e = nn.Conv2d(20, 2, 3, padding=1)

    def forward(self, x):
        a = F.relu(self.a(x))
        b = F.leaky_relu(self.b(a), 0.1)
        c = F.elu(self.c(b))
        d = F.relu(self.d(torch.cat([self.up(c), b], 1)))
        d = F.interpolate(d, size=a.shape[2:], mode="bilinear", align_corners=False)
        return torch.sigmoid(self.e(torch.cat([d, a], 1)))


class Attention(nn.Module):
    """One transformer block over the patches of a picture."""

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 16, 8, 8)
        self.norm = nn.LayerNorm(16)
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)
        self.feed = nn.Sequential(nn.LayerNorm(16), nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 16))

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        y = self.norm(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        return (x + self.feed(x)).mean(1)


class ScaledAttention(nn.Module):
    """The framework's own attention function, with a causal mask."""

    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(12, 36)

    def forward(self, x):
        x = x.flatten(2).transpose(1, 2)[..., :12]
        q, k, v = self.qkv(x).unflatten(2, (3, 3, 4)).permute(2, 0, 3, 1, 4)
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)


class ConvNext(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 4, 4)
        self.group_norm = nn.GroupNorm(2, 8)
        self.depthwise = nn.Conv2d(8, 8, 7, padding=3, groups=8)
        self.norm = nn.LayerNorm(8)
        self.up, self.down = nn.Linear(8, 32), nn.Linear(32, 8)
        self.gamma = nn.Parameter(torch.full((8,), 0.5))

    def forward(self, x):
        x = self.group_norm(self.stem(x))
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        y = self.gamma * self.down(F.gelu(self.up(y)))
        return x + y.permute(0, 3, 1, 2)


class Clip3d(nn.Module):
    """(1, 3, 4, H, W): convolutions over time and space."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv3d(3, 6, 3, (1, 2, 2), 1),
            nn.BatchNorm3d(6),
            nn.ReLU(),
            nn.MaxPool3d((2, 2, 2)),
            nn.Conv3d(6, 8, (2, 3, 3), padding=(0, 1, 1)),
            nn.ReLU(),
            nn.AdaptiveAvgPool3d(1),
            nn.Flatten(),
            nn.Linear(8, 4),
        )

    def forward(self, x):
        return self.net(x)


class StackedFrames(nn.Module):
    """(1, 3·3, H, W): three frames' channels one after the other."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(9, 12, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(12, 4, 3, 2, 1),
            nn.Tanh(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )

    def forward(self, x):
        return self.net(x)


class FrameBatch(nn.Module):
    """(4, 3, H, W): the frames of a window are the batch of a CNN, then compared over time."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 6, 3, 2, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
        self.time = nn.Conv1d(6, 5, 3)

    def forward(self, x):
        x = self.features(x).flatten(1)
        return self.time(x.t().unsqueeze(0)).amax(2)


class SeparableConvGru(nn.Module):
    """A ConvGRU whose convolutions are depthwise separable, h in, h out."""

    def __init__(self, channels=6):
        super().__init__()

        def separable(c_in, c_out):
            return nn.Sequential(
                nn.Conv2d(c_in, c_in, 3, padding=1, groups=c_in, bias=False),
                nn.Conv2d(c_in, c_out, 1),
            )

        self.enter = nn.Conv2d(3, channels, 3, 2, 1)
        self.gates = separable(2 * channels, 2 * channels)
        self.candidate = separable(2 * channels, channels)

    def forward(self, x, h):
        x = F.relu(self.enter(x))
        z, r = torch.sigmoid(self.gates(torch.cat([x, h], 1))).chunk(2, 1)
        new = torch.tanh(self.candidate(torch.cat([x, r * h], 1)))
        h = (1 - z) * h + z * new
        return h.mean((2, 3)), h


class ScriptedLoop(nn.Module):
    """A loop that a script compiler keeps: as many rounds as the picture has rows."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Linear(8, 8)

    def forward(self, x):
        h = torch.zeros(1, 8)
        rows = x.mean(1)[:, :, :8]
        for i in range(rows.shape[1]):
            h = torch.tanh(self.weight(h) + rows[:, i])
        return h


class CellLoop(nn.Module):
    """LSTMCell by hand, with the state as input and output."""

    def __init__(self):
        super().__init__()
        self.cell = nn.LSTMCell(12, 9)

    def forward(self, x, h, c):
        h, c = self.cell(F.adaptive_avg_pool2d(x, 2).flatten(1), (h, c))
        return h * 2, h, c
