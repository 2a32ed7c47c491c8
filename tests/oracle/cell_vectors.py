# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints the numbers that tests/unit/cell_vectors_test.c stores: the outputs of the last of four
steps, by PyTorch's modules where there is one, else by cell_formulas.py.

Weights, inputs and all else are filled alike there and here: element i of tensor s is
((37 i + 11 s) mod 17 − 8) / 16.
"""

import cell_formulas as formulas
import torch

STEPS = 4


def fill(seed, *shape):
    n = 1
    for size in shape:
        n *= size
    i = torch.arange(n, dtype=torch.double)
    return (((37 * i + 11 * seed) % 17 - 8) / 16).reshape(shape)


def steps(*shape):
    return [fill(50 + t, *shape) for t in range(STEPS)]


def show(name, y):
    numbers = ["%.8g" % v for v in y.detach().flatten().tolist()]
    numbers = [n if "." in n or "e" in n else n + "." for n in numbers]
    print('    {"%s",\n     {%s}},' % (name, ", ".join(n + "f" for n in numbers)))


def module(name, kind, rows, **options):
    """PyTorch's module with inputs of 3 and 2 units, both biases."""
    net = kind(3, 2, **options).double()
    sizes = {"weight_ih": (rows, 3), "bias_ih": (rows,), "bias_hh": (rows,)}
    sizes["weight_hh"] = (rows, options.get("proj_size") or 2)
    seeds = {"weight_ih": 1, "weight_hh": 2, "bias_ih": 3, "bias_hh": 4, "weight_hr": 5}
    with torch.no_grad():
        for key, value in net.named_parameters():
            value.copy_(fill(seeds[key[:-3]], *value.shape))
            assert key[:-3] not in sizes or tuple(value.shape) == sizes[key[:-3]]
        y, _ = net(torch.stack(steps(1, 3)))
    show(name, y[-1])


def formula(name, kind, rows, kernel=(), hidden=2, size=(), state=None, **options):
    o = {
        "weights": fill(1, rows, 3, *kernel),
        "recurrent": fill(2, rows, state or hidden, *kernel),
        "bias": fill(3, rows),
        **options,
    }
    o = {key: value for key, value in o.items() if value is not None}
    run(name, formulas.Gated(kind, o), 1, 3, *size)


def run(name, cell, *shape):
    states = None
    for x in steps(*shape):
        states = states or cell.start(x)
        y, states = cell.step(x, states)
    show(name, y)


def gated(kind, rows, inputs, seed, state=2):
    return formulas.Gated(
        kind, {"weights": fill(seed, rows, inputs), "recurrent": fill(seed + 1, rows, state)}
    )


def main():
    module("torch rnn relu", torch.nn.RNN, 2, nonlinearity="relu")
    module("torch gru", torch.nn.GRU, 6)
    module("torch lstm", torch.nn.LSTM, 8)
    module("torch lstm projected", torch.nn.LSTM, 8, proj_size=1)
    formula(
        "tensorflow lstm", "lstm", 8, gates="igfo", forget_bias=1, cell_clip=0.25, state=1,
        peephole=fill(5, 6), projection=fill(6, 1, 2), projection_clip=0.2,
    )
    formula("coupled lstm", "lstm", 6, gates="iog", peephole=fill(5, 4), clip=0.25)
    formula("gru z replaces", "gru", 6, gates="nrz", z_replaces=1, clip=0.25)
    formula("normalised gru", "gru", 6, gates="nrz", norm_groups=[2, 1], norm_gamma=fill(7, 6),
            norm_epsilon=0.1)
    formula("keras conv lstm", "lstm", 8, (3, 3), gates="ifgo", gate="hard_sigmoid:0.2:0.5",
            size=(2, 3))
    formula("conv gru joined", "gru", 6, (3, 1), gates="rzn", size=(3, 1), join="hx",
            weights=fill(1, 6, 5, 3, 1), recurrent=None)
    formula("conv lstm map", "lstm", 8, (3,), peephole=fill(5, 6, 3), size=(3,),
            initial=fill(8, 1, 2, 1), initial_cell=fill(9, 1, 2, 3))
    formula("conv rnn strided", "rnn", 2, (3, 3), stride=[2, 2], size=(3, 4))
    formula("conv gru separable", "gru", 6, (1, 1), size=(2, 2), depthwise=fill(7, 6, 1, 3, 3),
            recurrent_depthwise=fill(8, 2, 1, 3, 3))
    stack = formulas.Stack([gated("gru", 6, 2, 1), formulas.Residual(gated("lstm", 8, 2, 3))])
    run("stack", stack, 1, 2)
    run("grid", formulas.Grid(gated("lstm", 8, 3, 1), gated("lstm", 8, 3, 3), 2), 1, 2)
    attention = {
        "input": fill(6, 2, 5), "input_bias": fill(7, 2), "key": fill(8, 4, 3),
        "query": fill(9, 4, 4), "score": fill(10, 4), "output": fill(11, 3, 5),
    }
    run("attention", formulas.Attention(gated("lstm", 8, 2, 1), 2, attention), 1, 2)


if __name__ == "__main__":
    main()
