# SPDX-License-Identifier: LGPL-2.1-or-later
"""The programs in docs/examples against PyTorch in double precision, on the same weights; and
PyTorch's recurrent modules with every combination of their options, exported to ONNX, by the command
CONVRNN_TOOL.

    test_examples.py STORED PROGRAM…     compares each program's output, and STORED/NAME.txt
    test_examples.py --store STORED      writes the files anew

PROGRAM is called example-NAME. Layers are PyTorch's own; where it has no such cell (peepholes, the
cells of TensorFlow 1), the formula is written down here. Skipped, loudly, where no Python has
PyTorch.
"""

import inspect
import itertools
import json
import os
import subprocess
import sys
import tempfile
import warnings

from interpreter import need

need("numpy", "torch")
import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "examples"))
from check_example import differences  # noqa: E402


def wave(seed, scale, *dims):
    """docs/examples/example.h: fill()."""
    v = scale * np.sin(0.37 * np.arange(1, int(np.prod(dims)) + 1) + seed)
    return torch.from_numpy(v.astype(np.float32).astype(np.float64).reshape(dims))


def ramp(*dims):
    return torch.arange(int(np.prod(dims)), dtype=torch.double).reshape(dims)


def line(label, values):
    return "%s: %s" % (label, " ".join("%.7g" % v for v in values.flatten().tolist()))


def tensor_line(name, t):
    return line("%s %s" % (name, "×".join(map(str, t.shape))), t)


def load(module, **parameters):
    """The module in double precision with these parameters."""
    module = module.double()
    with torch.no_grad():
        for name, value in parameters.items():
            dict(module.named_parameters())[name].copy_(value)
    return module


# --- the examples; each gives its lines ---


def corr2d():
    nine = ramp(1, 1, 3, 3)
    yield tensor_line("corr2d", F.conv2d(nine, ramp(1, 1, 2, 2)))
    square = wave(0, 1, 1, 1, 8, 8)
    yield tensor_line("5×3, padding 2 1", F.conv2d(square, wave(1, 1, 1, 1, 5, 3), padding=(2, 1)))
    yield tensor_line(
        "3×5, padding 0 1, stride 3 4", F.conv2d(square, wave(1, 1, 1, 1, 3, 5), padding=(0, 1), stride=(3, 4))
    )
    two, kernels = torch.cat([nine, nine + 1], 1), ramp(1, 1, 2, 2)
    yield tensor_line("two channels in", F.conv2d(two, torch.cat([kernels, kernels + 1], 1)))
    mix = torch.einsum("mc,nchw->nmhw", wave(3, 1, 2, 3), wave(2, 1, 1, 3, 3, 3))
    yield tensor_line("1×1, three channels to two", mix)
    sixteen = ramp(1, 1, 4, 4)
    yield tensor_line("max-pool 2×2 of 3×3", F.max_pool2d(nine, 2, 1))
    yield tensor_line("max-pool 3×3 of 4×4", F.max_pool2d(sixteen, 3))
    yield tensor_line("max-pool 3×3, padding 1, stride 2", F.max_pool2d(sixteen, 3, 2, 1))
    # PyTorch refuses this padding: more than half of the window.
    padded = F.pad(sixteen, (2, 2, 1, 1), value=-np.inf)
    yield tensor_line("max-pool 2×3, padding 1 2, stride 2 3", F.max_pool2d(padded, (2, 3), (2, 3)))


def cnn_lstm():
    first = load(nn.Conv2d(3, 8, 5, padding="same"), weight=wave(1, 0.125, 8, 3, 5, 5), bias=wave(2, 0.125, 8))
    second = load(nn.Conv2d(8, 16, 3, padding="same"), weight=wave(3, 0.125, 16, 8, 3, 3), bias=wave(4, 0.125, 16))
    lstm = load(
        nn.LSTM(1024, 100),
        weight_ih_l0=wave(5, 0.0625, 400, 1024),
        weight_hh_l0=wave(6, 0.125, 400, 100),
        bias_ih_l0=wave(7, 0.125, 400),
        bias_hh_l0=torch.zeros(400),
    )
    dense = load(nn.Linear(100, 10), weight=wave(8, 0.25, 10, 100), bias=wave(9, 0.25, 10))
    frames = torch.cat([wave(t, 1, 1, 3, 32, 32) for t in range(8)])
    x = F.max_pool2d(F.relu(first(frames)), 2)
    x = F.max_pool2d(F.relu(second(x)), 2).flatten(1)
    for y in dense(lstm(x.unsqueeze(1))[0]):
        yield tensor_line("classes", y)


CONV_GRU = 16, 32, 224  # frames, channels, size


def conv_gru_states():
    """In single precision: the double would take a minute and a gigabyte."""
    frames, channels, size = CONV_GRU
    w = wave(1, 0.125, 3 * channels, 3, 3, 3).float()
    u = wave(2, 0.0625, 3 * channels, channels, 3, 3).float()
    bias = wave(3, 0.25, 3 * channels).float()
    h = torch.zeros(1, channels, size, size)
    for t in range(frames):
        wx = F.conv2d(wave(t, 1, 1, 3, size, size).float(), w, bias, padding=1)
        uh = F.conv2d(h, u[: 2 * channels], padding=1)
        z, r = torch.sigmoid(wx[:, : 2 * channels] + uh).chunk(2, 1)
        n = torch.tanh(wx[:, 2 * channels :] + F.conv2d(r * h, u[2 * channels :], padding=1))
        h = z * h + (1 - z) * n
        yield h


def conv_gru():
    for h in conv_gru_states():
        v = h.flatten()
        yield line("h", v[:: len(v) // 7])


def conv_gru_1x1():
    w, bw, u, bu = wave(1, 1, 12, 1, 1, 1), wave(2, 0.5, 12), wave(3, 1, 12, 4, 1, 1), wave(4, 0.5, 12)
    h = torch.zeros(1, 4, 3, 4, dtype=torch.double)
    for t in range(4):
        wx = F.conv2d(wave(t, 1, 1, 1, 3, 4), w, bw)
        z, r = torch.sigmoid(wx[:, :8] + F.conv2d(h, u[:8], bu[:8])).chunk(2, 1)
        n = torch.tanh(wx[:, 8:] + F.conv2d(r * h, u[8:], bu[8:]))
        h = (1 - z) * h + z * n
        yield tensor_line("h", h)
        yield tensor_line("y", F.conv2d(h, wave(5, 1, 1, 4, 1, 1), wave(6, 1, 1)))


def row_scan():
    lstm = load(
        nn.LSTM(28, 100, 2, batch_first=True),
        weight_ih_l0=wave(1, 0.25, 400, 28),
        weight_hh_l0=wave(2, 0.125, 400, 100),
        bias_ih_l0=wave(3, 0.25, 400),
        bias_hh_l0=torch.zeros(400),
        weight_ih_l1=wave(4, 0.125, 400, 100),
        weight_hh_l1=wave(5, 0.125, 400, 100),
        bias_ih_l1=wave(6, 0.25, 400),
        bias_hh_l1=torch.zeros(400),
    )
    dense = load(nn.Linear(100, 10), weight=wave(7, 0.25, 10, 100), bias=wave(8, 0.25, 10))
    for picture in range(2):
        y, (_, c) = lstm(wave(picture, 1, 1, 28, 28))
        yield tensor_line("classes", dense(y[:, -1]))
        yield tensor_line("state", c[1])


def cont():
    w, b, u = wave(1, 1, 16, 5), wave(2, 0.5, 16), wave(3, 1, 16, 4)
    h = c = torch.zeros(1, 4, dtype=torch.double)
    outputs = []
    for t, goes_on in enumerate((0, 1, 1, 0, 1, 1)):
        h, c = h * goes_on, c * goes_on
        # PyTorch's cell has the gates in the order i, f, g, o; Caffe's i, f, o, g.
        order = lambda p: torch.cat([p[:8], p[12:], p[8:12]])  # noqa: E731
        cell = load(
            nn.LSTMCell(5, 4),
            weight_ih=order(w),
            weight_hh=order(u),
            bias_ih=order(b),
            bias_hh=torch.zeros(16, dtype=torch.double),
        )
        h, c = cell(wave(t, 2, 1, 5), (h, c))
        outputs.append(h)
        yield tensor_line("y", h)
    for t, h in enumerate(outputs):
        yield tensor_line("y%d" % t, h)
    yield "the same bytes: 1"
    for h in outputs:
        yield tensor_line("cell", h)


def sequences():
    lstm = nn.LSTM(10, 20, num_layers=2)
    names = ["%s_l%d" % (n, k) for k in (0, 1) for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    shapes = [(80, 10), (80, 20), (80,), (80,), (80, 20), (80, 20), (80,), (80,)]
    load(lstm, **{n: wave(seed, 0.25, *s) for seed, (n, s) in enumerate(zip(names, shapes), 1)})
    y, (h_n, c_n) = lstm(wave(0, 1, 5, 3, 10))
    yield tensor_line("LSTM output", y)
    yield tensor_line("h_n", h_n)
    yield tensor_line("c_n", c_n)

    gru = nn.GRU(10, 20, num_layers=2, batch_first=True, bidirectional=True)
    parameters = {}
    for layer in (0, 1):
        for backward, suffix in enumerate(("", "_reverse")):
            seed = 10 + 8 * layer + 4 * backward
            inputs = 40 if layer else 10
            for k, (n, s) in enumerate(
                (("weight_ih", (60, inputs)), ("weight_hh", (60, 20)), ("bias_ih", (60,)), ("bias_hh", (60,)))
            ):
                parameters["%s_l%d%s" % (n, layer, suffix)] = wave(seed + k, 0.25, *s)
    load(gru, **parameters)
    y, h_n = gru(wave(1, 1, 3, 5, 10))
    for k, h in enumerate(h_n):
        yield tensor_line("layer %d %s" % (k // 2, ("forward", "backward")[k % 2]), h)
    yield tensor_line("GRU output", y)

    rnn = load(
        nn.RNN(10, 20, bias=False, nonlinearity="relu"),
        weight_ih_l0=wave(30, 0.25, 20, 10),
        weight_hh_l0=wave(31, 0.25, 20, 20),
    )
    yield tensor_line("RNN output", rnn(wave(2, 1, 5, 3, 10))[0])


def basic_rnn(seed, inputs):
    w, b = wave(seed, 1, 4, inputs + 4), wave(seed + 1, 0.5, 4)

    def step(x, h=torch.zeros(1, 4, dtype=torch.double)):
        h = torch.tanh(F.linear(torch.cat([x, h], 1), w, b))
        return h, (h,)

    return step


def gru_cell(seed, inputs):
    w, b = wave(seed, 1, 12, inputs + 4), wave(seed + 1, 0.5, 12)

    def step(x, h=torch.zeros(1, 4, dtype=torch.double)):
        r, u = torch.sigmoid(F.linear(torch.cat([x, h], 1), w[:8], b[:8])).chunk(2, 1)
        candidate = torch.tanh(F.linear(torch.cat([x, r * h], 1), w[8:], b[8:]))
        h = u * h + (1 - u) * candidate
        return h, (h,)

    return step


def basic_lstm(seed, inputs):
    w, b = wave(seed, 1, 16, inputs + 4), wave(seed + 1, 0.5, 16)

    def step(x, h=torch.zeros(1, 4, dtype=torch.double), c=torch.zeros(1, 4, dtype=torch.double)):
        i, j, f, o = F.linear(torch.cat([x, h], 1), w, b).chunk(4, 1)
        c = c * torch.sigmoid(f + 1) + torch.sigmoid(i) * torch.tanh(j)
        h = torch.tanh(c) * torch.sigmoid(o)
        return h, (h, c)

    return step


def lstm_cell(seed, inputs):
    """use_peepholes, cell_clip=0.5, num_proj=2, proj_clip=0.25."""
    w, b = wave(seed, 1, 16, inputs + 2), wave(seed + 1, 0.5, 16)
    w_i, w_f, w_o = wave(seed + 2, 1, 3, 4)
    projection = wave(seed + 3, 1, 2, 4)

    def step(x, h=torch.zeros(1, 2, dtype=torch.double), c=torch.zeros(1, 4, dtype=torch.double)):
        i, j, f, o = F.linear(torch.cat([x, h], 1), w, b).chunk(4, 1)
        c = torch.sigmoid(f + 1 + w_f * c) * c + torch.sigmoid(i + w_i * c) * torch.tanh(j)
        c = c.clamp(-0.5, 0.5)
        h = F.linear(torch.sigmoid(o + w_o * c) * torch.tanh(c), projection).clamp(-0.25, 0.25)
        return h, (h, c)

    return step


def multi_rnn(seed, inputs):
    first, second = gru_cell(seed, inputs), basic_lstm(seed + 2, 4)

    def step(x, *states):
        x, a = first(x, *states[:1])
        x, b = second(x, *states[1:])
        return x, (*a, *b)

    return step


def tensorflow_cells():
    names = ("BasicRNNCell", "GRUCell", "BasicLSTMCell", "LSTMCell", "MultiRNNCell")
    makers = (basic_rnn, gru_cell, basic_lstm, lstm_cell, multi_rnn)
    cells = [make(1 + 10 * k, 3) for k, make in enumerate(makers)]
    states = [()] * len(cells)
    for t in range(5):
        for k, cell in enumerate(cells):
            y, states[k] = cell(wave(t, 2, 1, 3), *states[k])
            yield tensor_line(names[k], y)


EXAMPLES = (cnn_lstm, cont, conv_gru, conv_gru_1x1, corr2d, row_scan, sequences, tensorflow_cells)


def text_of(example):
    with torch.no_grad():
        return "".join(text + "\n" for text in example())


def whole_conv_gru(program):
    """All of (16, 32, 224, 224)."""
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        path = os.path.join(folder, "h.raw")
        subprocess.run([program, path], check=True, capture_output=True)
        frames, channels, size = CONV_GRU
        found = np.memmap(path, np.float32, "r").reshape(frames, channels, size, size)
        for t, h in enumerate(conv_gru_states()):
            error = np.abs(found[t] - h[0].numpy()).max()
            if not error <= 1e-4:
                yield "frame %d differs by %g" % (t, error)


def compare(example, program, stored):
    wanted = text_of(example)
    run = subprocess.run([program], capture_output=True, encoding="utf-8")
    wrong = list(differences(run.stdout, wanted)) if run.returncode == 0 else [run.stderr]
    with open(os.path.join(stored, example.__name__ + ".txt"), encoding="utf-8") as file:
        wrong += ["the stored file: " + text for text in differences(file.read(), wanted)]
    if example is conv_gru:
        wrong += whole_conv_gru(program)
    for text in wrong:
        print("%s: %s" % (example.__name__, text))
    return not wrong


# --- PyTorch's modules as ONNX files ---

EXPORTER = {"dynamo": False} if "dynamo" in inspect.signature(torch.onnx.export).parameters else {}
MODULES = {
    "LSTM": nn.LSTM,
    "GRU": nn.GRU,
    "RNN-tanh": nn.RNN,
    "RNN-relu": lambda *a, **k: nn.RNN(*a, nonlinearity="relu", **k),
}


class Flat(nn.Module):
    """Output, h_n and c_n in a row; the state comes in as separate inputs."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, x, *state):
        state = (state if len(state) > 1 else state[0]) if state else None
        y, new = self.module(x, state)
        return (y, *new) if isinstance(new, tuple) else (y, new)


def save_spec(folder, module, states, steps, wanted):
    names = ["h", "c"][: len(wanted[0]) - 1]
    inputs = ["x"] + [n + "_in" for n in names] * bool(states)
    outputs = ["y"] + [n + "_out" for n in names]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.float(),
            (steps[0].float(), *[s.float() for s in states]),
            os.path.join(folder, "model.onnx"),
            opset_version=17,
            input_names=inputs,
            output_names=outputs,
            **EXPORTER
        )
    os.mkdir(os.path.join(folder, "out"))
    spec = {"model": "model.onnx", "out": "out", "tolerance": {n: 1e-4 for n in outputs}, "steps": []}
    if states:
        spec["state"] = {n + "_in": n + "_out" for n in names}
        spec["init"] = {n + "_in": {"shape": list(s.shape)} for n, s in zip(names, states)}
    for t, (x, results) in enumerate(zip(steps, wanted)):
        np.save(os.path.join(folder, "x%d.npy" % t), x.float().numpy())
        spec["steps"].append({"x": "x%d.npy" % t})
        for name, value in zip(outputs, results):
            np.save(os.path.join(folder, "out", "%03d_%s.npy" % (t, name)), value.float().numpy())
    with open(os.path.join(folder, "spec.json"), "w", encoding="utf-8") as file:
        json.dump(spec, file)


def check_export(name, module, states, steps):
    """Steps with the state carried, in double precision; or one step without state inputs."""
    flat, wanted, state = Flat(module.double()).eval(), [], states
    with torch.no_grad():
        for x in steps:
            results = flat(x, *state)
            wanted.append(results)
            state = results[1:] if states else ()
        with tempfile.TemporaryDirectory() as folder:
            save_spec(folder, flat, states, steps, wanted)
            command = [os.environ["CONVRNN_TOOL"], "run", "--spec", os.path.join(folder, "spec.json"), "--check"]
            run = subprocess.run(command, capture_output=True, encoding="utf-8")
    if run.returncode != 0:
        print("%s:\n%s%s" % (name, run.stdout, run.stderr))
    return run.returncode == 0


def exports():
    """(10 → 20) over a sequence in a frame, and, where a stream can carry the state, step by step."""
    torch.manual_seed(0)
    options = itertools.product(MODULES, (1, 2), (True, False), (False, True), (False, True))
    for kind, layers, bias, batch_first, both in options:
        words = "bias" * bias, "batch-first" * batch_first, "bidirectional" * both
        name = "%s, %d layers %s" % (kind, layers, " ".join(filter(None, words)))
        module = MODULES[kind](10, 20, layers, bias=bias, batch_first=batch_first, bidirectional=both)
        yield check_export(name, module, (), [torch.randn(3, 5, 10, dtype=torch.double)])
        if not both:
            zeros = (torch.zeros(layers, 1, 20, dtype=torch.double),) * (2 if kind == "LSTM" else 1)
            frames = [torch.randn(1, 1, 10, dtype=torch.double) for _ in range(5)]
            yield check_export(name + ", streamed", module, zeros, frames)


def main():
    if sys.argv[1] == "--store":
        for example in EXAMPLES:
            path = os.path.join(sys.argv[2], example.__name__ + ".txt")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text_of(example))
        return 0
    stored, *programs = sys.argv[1:]
    by_name = {os.path.basename(p)[len("example-") :]: p for p in programs}
    missing = [e.__name__ for e in EXAMPLES if e.__name__ not in by_name]
    unknown = [name for name in by_name if name not in [e.__name__ for e in EXAMPLES]]
    if missing or unknown:
        print("no program for %s; no reference for %s" % (missing, unknown))
        return 1
    good = [compare(e, by_name[e.__name__], stored) for e in EXAMPLES] + list(exports())
    print("PyTorch %s: %d passed, %d failed, 0 skipped" % (torch.__version__, sum(good), len(good) - sum(good)))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
