# SPDX-License-Identifier: LGPL-2.1-or-later
"""The layers of the public builder against PyTorch in double precision.

    test_layers.py RUN-LAYERS [--seed N] [--count N]
    test_layers.py --store          prints tests/unit/layer_cases.txt anew

A case is a line as in tests/support/layer_case.h, which RUN-LAYERS computes. There is the cross
product of what a layer's options may be, thinned at random but the same on every run. Skipped,
loudly, where no Python has PyTorch.
"""

import argparse
import itertools
import random
import subprocess
import sys

from interpreter import need

need("numpy", "torch")
import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch.nn import functional as F  # noqa: E402

TOLERANCE = 2e-5
TENSORS = {"x": 0, "weights": 1, "bias": 2, "scale": 3, "mean": 4, "variance": 5, "slope": 6, "x2": 7}
EXPLICIT, SAME, SAME_LOWER = 0, 1, 2

# By number: ConvRnnActivation, with its α and β where it has them.
ACTIVATIONS = [
    lambda x: x,
    F.relu,
    F.relu6,
    F.leaky_relu,
    F.elu,
    torch.sigmoid,
    lambda x: (0.2 * x + 0.5).clamp(0, 1),
    torch.tanh,
    lambda x: F.softmax(x, -1),
    lambda x: F.log_softmax(x, -1),
    F.selu,
    F.celu,
    F.gelu,
    lambda x: F.gelu(x, approximate="tanh"),
    F.silu,
    F.mish,
    F.softplus,
    F.softsign,
    F.hardswish,
    F.hardtanh,
]
PARAMETRISED = {
    3: lambda x, a, b: F.leaky_relu(x, a),
    4: lambda x, a, b: F.elu(x, a),
    6: lambda x, a, b: (a * x + b).clamp(0, 1),
    11: lambda x, a, b: F.celu(x, a),
    19: lambda x, a, b: F.hardtanh(x, a, b),
}


class Case:
    """One line: its options as lists of numbers, its tensors as PyTorch's."""

    def __init__(self, line):
        self.layer, *words = line.split()
        self.options = {k: [float(n) for n in v.split(",")] for k, v in (w.split("=") for w in words)}

    def list(self, key, n, fallback=0):
        """Where a number is 0 or missing: fallback."""
        given = self.options.get(key, [0] * n)
        return [int(v) or (fallback[i] if isinstance(fallback, list) else fallback) for i, v in enumerate(given)]

    def number(self, key, fallback=0):
        return self.options.get(key, [fallback])[0]

    def tensor(self, key):
        if key not in self.options:
            return None
        shape = [int(n) for n in self.options[key]]
        t = TENSORS[key]
        values = np.sin(0.37 * np.arange(1, int(np.prod(shape)) + 1) + t)
        values = (1 + values / 2 if t == 5 else values).astype(np.float32).reshape(shape)
        made = torch.from_numpy(values.astype(np.float64))
        return made * self.number("gain", 1) if key == "x" else made

    def dims(self):
        return len(self.options["x"]) - 2

    def pads(self, size, kernel, stride, dilation):
        """(before, after) of each dimension."""
        n = len(size)
        mode = self.number("padding")
        if mode == EXPLICIT:
            given = self.list("pads", 2 * n)
            return list(zip(given[:n], given[n:]))
        total = [
            max(0, (-(-s // t) - 1) * t + (k - 1) * d + 1 - s) for s, k, t, d in zip(size, kernel, stride, dilation)
        ]
        halves = [(p // 2, p - p // 2) for p in total]
        return halves if mode == SAME else [(b, a) for a, b in halves]


def pad(x, pads, value=0.0):
    return F.pad(x, [p for pair in reversed(pads) for p in pair], value=value)


def activate(case, y):
    return ACTIVATIONS[int(case.number("activation"))](y)


def convolution(case):
    n = case.dims()
    x, w, bias = case.tensor("x"), case.tensor("weights"), case.tensor("bias")
    stride, dilation = case.list("stride", n, 1), case.list("dilation", n, 1)
    pads = case.pads(x.shape[2:], w.shape[2:], stride, dilation)
    conv = F.conv1d if n == 1 else F.conv2d
    groups = int(case.number("groups", 1)) or 1
    return activate(case, conv(pad(x, pads), w, bias, stride, 0, dilation, groups))


def transposed(case):
    x, w, bias = case.tensor("x"), case.tensor("weights"), case.tensor("bias")
    stride, dilation = case.list("stride", 2, 1), case.list("dilation", 2, 1)
    groups = int(case.number("groups", 1)) or 1
    y = F.conv_transpose2d(x, w, None, stride, 0, case.list("output_padding", 2), groups, dilation)
    if case.number("padding") == EXPLICIT:
        given = case.list("pads", 4)
        pads = list(zip(given[:2], given[2:]))
    else:
        total = [full - size * s for full, size, s in zip(y.shape[2:], x.shape[2:], stride)]
        pads = [(t // 2, t - t // 2) for t in total]
        if case.number("padding") == SAME_LOWER:
            pads = [(b, a) for a, b in pads]
    y = pad(y, [(-a, -b) for a, b in pads])
    return activate(case, y if bias is None else y + bias.reshape(1, -1, 1, 1))


def window(case):
    n = case.dims()
    kernel = case.list("kernel", n)
    return kernel, case.list("stride", n, kernel), case.list("dilation", n, 1)


def is_symmetric(pads):
    return all(a == b for a, b in pads)


def max_pool(case):
    x = case.tensor("x")
    kernel, stride, dilation = window(case)
    pads = case.pads(x.shape[2:], kernel, stride, dilation)
    pool = F.max_pool1d if case.dims() == 1 else F.max_pool2d
    if is_symmetric(pads) and all(p[0] <= k // 2 for p, k in zip(pads, kernel)):
        return pool(x, kernel, stride, [p[0] for p in pads], dilation, bool(case.number("ceil_mode")))
    return pool(pad(x, pads, -np.inf), kernel, stride, 0, dilation)


def average_pool(case):
    x = case.tensor("x")
    kernel, stride, dilation = window(case)
    pads = case.pads(x.shape[2:], kernel, stride, dilation)
    pool = F.avg_pool1d if case.dims() == 1 else F.avg_pool2d
    counted = bool(case.number("count_padding"))
    if is_symmetric(pads) and set(dilation) == {1} and all(p[0] <= k // 2 for p, k in zip(pads, kernel)):
        return pool(x, kernel, stride, [p[0] for p in pads], bool(case.number("ceil_mode")), counted)
    conv = F.conv1d if case.dims() == 1 else F.conv2d
    ones = torch.ones([x.shape[1], 1, *kernel], dtype=x.dtype)
    inside = pad(torch.ones_like(x), pads, 1.0 if counted else 0.0)
    add = lambda v: conv(v, ones, None, stride, 0, dilation, x.shape[1])  # noqa: E731
    return add(pad(x, pads)) / add(inside)


def normalization(case):
    x, scale, bias = (case.tensor(k) for k in ("x", "scale", "bias"))
    epsilon = case.number("epsilon") or 1e-5
    if case.layer == "batch_norm":
        return F.batch_norm(x, case.tensor("mean"), case.tensor("variance"), scale, bias, False, 0, epsilon)
    if case.layer == "instance_norm":
        return F.instance_norm(x, None, None, scale, bias, eps=epsilon)
    if case.layer == "group_norm":
        return F.group_norm(x, int(case.number("groups")), scale, bias, epsilon)
    like = scale if scale is not None else bias
    n = int(case.number("n_dims")) or (len(like.shape) if like is not None else 1)
    return F.layer_norm(x, x.shape[-n:], scale, bias, epsilon)


def activation(case):
    which = int(case.number("activation"))
    if "alpha" in case.options and which in PARAMETRISED:
        return PARAMETRISED[which](case.tensor("x"), case.number("alpha"), case.number("beta"))
    return ACTIVATIONS[which](case.tensor("x"))


def slices(case):
    x = case.tensor("x").numpy()
    end = None if case.number("end", 99) == 99 else int(case.number("end"))
    index = [slice(None)] * x.ndim
    index[int(case.number("axis"))] = slice(int(case.number("begin")), end, int(case.number("step", 1)))
    return torch.from_numpy(x[tuple(index)].copy())


def padded(case):
    x = case.tensor("x").numpy()
    mode = ("constant", "reflect", "edge", "wrap")[int(case.number("mode"))]
    pairs = list(zip(case.list("before", x.ndim), case.list("after", x.ndim)))
    options = {"constant_values": case.number("value")} if mode == "constant" else {}
    return torch.from_numpy(np.pad(x, pairs, mode, **options))


def resized(case):
    mode = ("nearest", "bilinear", "bicubic")[int(case.number("mode"))]
    size = case.list("size", 2) if "size" in case.options else None
    scale = None if size else tuple(case.options["scale"])
    corners = None if mode == "nearest" else bool(case.number("align_corners"))
    return F.interpolate(case.tensor("x"), size, scale, mode, corners)


REFERENCES = {
    "conv1d": convolution,
    "conv2d": convolution,
    "conv_transpose2d": transposed,
    "max_pool1d": max_pool,
    "max_pool2d": max_pool,
    "average_pool1d": average_pool,
    "average_pool2d": average_pool,
    "global_average_pool": lambda c: c.tensor("x").mean(tuple(range(2, c.dims() + 2)), keepdim=True),
    "global_max_pool": lambda c: c.tensor("x").amax(tuple(range(2, c.dims() + 2)), keepdim=True),
    "dense": lambda c: activate(c, F.linear(c.tensor("x").flatten(1), c.tensor("weights"), c.tensor("bias"))),
    "batch_norm": normalization,
    "instance_norm": normalization,
    "group_norm": normalization,
    "layer_norm": normalization,
    "activation": activation,
    "prelu": lambda c: (
        F.prelu(c.tensor("x"), c.tensor("slope"))
        if c.tensor("slope").ndim == 1
        else torch.where(c.tensor("x") < 0, c.tensor("slope") * c.tensor("x"), c.tensor("x"))
    ),
    "softmax": lambda c: F.softmax(c.tensor("x"), int(c.number("axis", -1))),
    "log_softmax": lambda c: F.log_softmax(c.tensor("x"), int(c.number("axis", -1))),
    "dropout": lambda c: F.dropout(c.tensor("x"), 0.5, training=False),
    "concat": lambda c: torch.cat([c.tensor("x"), c.tensor("x2")], int(c.number("axis", 1))),
    "split": lambda c: torch.split(c.tensor("x"), c.list("sizes", 1), int(c.number("axis", 1))),
    "slice": slices,
    "pad": padded,
    "resize2d": resized,
    "reshape": lambda c: c.tensor("x").reshape(
        [n or c.tensor("x").shape[i] for i, n in enumerate(int(v) for v in c.options["dims"])]
    ),
    "transpose": lambda c: c.tensor("x").permute([int(n) for n in c.options["order"]]),
}


def reference(line):
    case = Case(line)
    result = REFERENCES[case.layer](case)
    return result if isinstance(result, tuple) else (result,)


# --- cases ---


def product(layer, **choices):
    """Lines of every combination; a choice None leaves the word out."""
    for values in itertools.product(*choices.values()):
        words = [layer]
        for key, value in zip(choices, values):
            if value is not None:
                words.append("%s=%s" % (key, value))
        yield " ".join(words)


def convolutions():
    for groups, weights in ((None, "6,4"), (2, "6,2"), (4, "8,1")):
        bias = weights.split(",")[0]
        for kernel in ("1,1", "3,3", "2,4", "5,3", "1,7"):
            yield from product(
                "conv2d",
                x=["1,4,9,11"],
                weights=["%s,%s" % (weights, kernel)],
                bias=[None, bias],
                groups=[groups],
                stride=[None, "2,2", "1,3"],
                dilation=[None, "2,1"],
                pads=[None, "1,2,0,1", "2,0,3,4"],
                activation=[None, 1, 14],
            )
            yield from product(
                "conv2d",
                x=["1,4,9,11", "2,4,8,7"],
                weights=["%s,%s" % (weights, kernel)],
                groups=[groups],
                stride=[None, "2,3"],
                dilation=[None, "1,2"],
                padding=[SAME, SAME_LOWER],
            )
        for kernel in (1, 3, 4):
            yield from product(
                "conv1d",
                x=["1,4,13", "3,4,9"],
                weights=["%s,%d" % (weights, kernel)],
                bias=[None, bias],
                groups=[groups],
                stride=[None, 2],
                dilation=[None, 2],
                pads=[None, "1,0", "2,3"],
                activation=[None, 7],
            )
            yield from product(
                "conv1d",
                x=["1,4,13", "3,4,10"],
                weights=["%s,%d" % (weights, kernel)],
                groups=[groups],
                stride=[None, 3],
                padding=[SAME, SAME_LOWER],
            )
    for groups, weights, filters in ((None, "4,3", 3), (2, "4,3", 6), (4, "4,1", 4)):
        for kernel in ("3,3", "2,4", "1,5"):
            yield from product(
                "conv_transpose2d",
                x=["1,4,5,4", "2,4,3,6"],
                weights=["%s,%s" % (weights, kernel)],
                bias=[None, filters],
                groups=[groups],
                stride=[None, "2,2", "1,3"],
                dilation=[None, "2,1"],
                pads=[None, "0,1,0,0"],
                activation=[None, 1],
            )
        for padding in (SAME, SAME_LOWER):
            yield from product(
                "conv_transpose2d",
                x=["1,4,5,4"],
                weights=["%s,3,4" % weights],
                groups=[groups],
                stride=["2,2", "3,2", "1,1"],
                padding=[padding],
            )
        yield from product(
            "conv_transpose2d",
            x=["1,4,5,4"],
            weights=["%s,3,3" % weights],
            groups=[groups],
            stride=["2,3"],
            pads=["1,1,1,1"],
            output_padding=["1,0", "1,2"],
        )


def pools():
    for layer, shape in (("max_pool", ["1,3,9,10", "2,2,8,7"]), ("average_pool", ["1,3,9,10", "2,2,8,7"])):
        extra = {"count_padding": [None, 1]} if layer == "average_pool" else {}
        for kernel in ("2,2", "3,2", "3,3"):
            yield from product(
                layer + "2d",
                x=shape,
                kernel=[kernel],
                stride=[None, "1,1", "2,3"],
                pads=[None, "1,1,1,1", "0,1,0,1"],
                ceil_mode=[None, 1],
                **extra
            )
            yield from product(
                layer + "2d",
                x=shape,
                kernel=[kernel],
                stride=["1,1", "2,3"],
                dilation=["2,1"],
                pads=[None, "1,0,0,1"],
                **extra
            )
            yield from product(
                layer + "2d", x=shape, kernel=[kernel], stride=[None, "1,1", "2,3"], padding=[SAME, SAME_LOWER], **extra
            )
        yield from product(
            layer + "1d",
            x=["1,3,11", "2,4,8"],
            kernel=[2, 3],
            stride=[None, 1],
            pads=[None, "1,1"],
            ceil_mode=[None, 1],
            **extra
        )
        yield from product(layer + "1d", x=["1,3,11"], kernel=[2, 3], stride=[2], padding=[SAME, SAME_LOWER], **extra)
    for layer in ("global_max_pool", "global_average_pool"):
        yield from product(layer, x=["1,3,4,5", "2,3,7"])


def others():
    yield from product("dense", x=["1,3,4", "2,12"], weights=["5,12"], bias=[None, 5], activation=[None, 8])
    for shape in ("1,6,4,5", "2,6,7"):
        yield from product(
            "batch_norm", x=[shape], mean=[6], variance=[6], scale=[None, 6], bias=[None, 6], epsilon=[None, 0.01]
        )
        yield from product("instance_norm", x=[shape], scale=[None, 6], bias=[None, 6], epsilon=[None, 0.01])
        yield from product(
            "group_norm", x=[shape], scale=[None, 6], bias=[None, 6], epsilon=[None, 0.01], groups=[1, 2, 3, 6]
        )
    for given in ("5", "4,5", "3,4,5"):
        yield from product("layer_norm", x=["2,3,4,5"], scale=[None, given], bias=[given], epsilon=[None, 0.01])
        yield from product("layer_norm", x=["2,3,4,5"], scale=[given])
    yield from product("layer_norm", x=["2,3,4,5"], n_dims=[None, 1, 2, 3])
    for number in range(len(ACTIVATIONS)):
        yield from product("activation", x=["2,3,5"], gain=[None, 9], activation=[number])
    for number in PARAMETRISED:
        yield from product("activation", x=["2,3,5"], gain=[None, 9], activation=[number], alpha=[0.3], beta=[0.7, 0.4])
    yield from product("prelu", x=["2,3,4,5"], slope=["3", "1", "3,1,5", "1,1,4,1"], gain=[None, 5])
    for axis in (-1, 0, 1, 2):
        yield from product("softmax", x=["2,3,4,5"], axis=[axis], gain=[None, 20])
        yield from product("log_softmax", x=["2,3,4,5"], axis=[axis], gain=[None, 20])
    yield from product("dropout", x=["2,3"])
    yield "concat x=1,2,3,4 x2=1,5,3,4"
    yield "concat x=1,2,3,4 x2=1,2,3,7 axis=-1"
    yield "split x=1,7,3,2 sizes=2,4,1"
    yield "split x=1,2,6 sizes=1,5 axis=-1"
    yield from product("slice", x=["2,9,4"], axis=[1, -2], begin=[None, 2, -3], end=[None, 8, -1], step=[None, 2])
    yield "slice x=2,9,4 axis=1 begin=7 end=1 step=-2"
    yield from product("pad", x=["1,4,5"], before=["0,1,2"], after=["0,2,1"], mode=[None, 1, 2, 3], value=[None, 0.5])
    yield from product("resize2d", x=["1,2,5,6"], size=["10,12", "3,4", "7,5", "5,13", "1,1"], mode=[None, 1, 2])
    yield from product("resize2d", x=["1,2,5,6"], size=["10,12", "3,4", "7,5", "1,1"], mode=[1, 2], align_corners=[1])
    yield from product("resize2d", x=["1,2,5,6"], scale=["2,2", "2,3", "0.5,0.75", "1.5,1.25"], mode=[None, 1, 2])
    yield "reshape x=2,3,4 dims=0,-1"
    yield "reshape x=2,3,4 dims=4,1,6"
    yield "transpose x=2,3,4 order=2,0,1"
    yield "transpose x=2,3 order=1,0"


def works(line):
    """Options may leave nothing of the input."""
    try:
        return all(part.numel() > 0 for part in reference(line))
    except RuntimeError:
        return False


def choose(rng, lines, count):
    lines = list(lines)
    return [line for line in rng.sample(lines, min(count, len(lines))) if works(line)]


def format_result(parts):
    """Six digits are more than single precision is compared with."""
    return " ".join(
        "[%s] %s" % (",".join(map(str, p.shape)), " ".join("%.6g" % v for v in p.flatten().tolist())) for p in parts
    )


def parse_result(text):
    parts = []
    for word in text.split():
        if word.startswith("["):
            parts.append(([int(n) for n in word[1:-1].split(",") if n], []))
        else:
            parts[-1][1].append(float(word))
    return [np.array(values).reshape(shape) for shape, values in parts]


def agrees(text, parts):
    if text.startswith("error"):
        return False
    found = parse_result(text)
    if [f.shape for f in found] != [tuple(p.shape) for p in parts]:
        return False
    return all(
        np.all(np.abs(f - p.numpy()) <= TOLERANCE * np.maximum(1, np.abs(p.numpy()))) for f, p in zip(found, parts)
    )


def store(rng):
    """Few cases of each layer, with small results."""
    by_layer = {}
    for line in (*convolutions(), *pools(), *others()):
        for large, small in (
            ("x=1,4,9,11", "x=1,4,4,5"),
            ("x=1,3,9,10", "x=1,2,5,6"),
            ("x=1,4,5,4", "x=1,4,2,3"),
            ("x=1,6,4,5", "x=1,6,2,3"),
            ("x=2,3,4,5", "x=1,3,4,5"),
        ):
            line = line.replace(large, small)
        by_layer.setdefault(line.split()[0], []).append(line)
    every = ("activation", "split", "concat", "pad", "reshape", "transpose", "prelu")
    for layer, lines in by_layer.items():
        stored = 0
        for line in lines if layer in every else rng.sample(lines, len(lines)):
            result = format_result(reference(line)) if works(line) else None
            if result and len(result) < 700 and (layer in every or stored < 8):
                stored += 1
                print("%s = %s" % (line, result))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", nargs="?")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=700, help="of convolutions, and of pools")
    parser.add_argument("--store", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rng = random.Random(options.seed)
    if options.store:
        print("# PyTorch %s in double precision: tests/oracle/test_layers.py --store" % torch.__version__)
        store(rng)
        return
    lines = [*choose(rng, convolutions(), options.count), *choose(rng, pools(), options.count)]
    lines += [line for line in others() if works(line)]
    run = subprocess.run([options.program], input="\n".join(lines) + "\n", capture_output=True, encoding="utf-8")
    results = run.stdout.splitlines()
    failed = len(lines) - len(results)
    if failed:
        print("the program ended after %d of %d lines: %s" % (len(results), len(lines), run.stderr))
    for line, text in zip(lines, results):
        parts = reference(line)
        if not agrees(text, parts):
            failed += 1
            print("%s\n  found    %s\n  expected %s" % (line, text[:300], format_result(parts)[:300]))
    print("PyTorch %s: %d passed, %d failed, 0 skipped" % (torch.__version__, len(lines) - failed, failed))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
