# SPDX-License-Identifier: LGPL-2.1-or-later
"""Recurrent cells of the builder against PyTorch's modules and against their formulas.

    test_cells.py RUN_CELLS [--seed N] [--keep FOLDER]

RUN_CELLS is the program of run_cells.c. Options are drawn so that every value of each option meets
every value of each other one that it can stand with; each cell runs ten steps with its state
carried, and unrolled, which must give the same: of dense cells the same bytes, of convolutional
ones up to the rounding in which a network whose first state is known differs. Skipped, loudly,
where no Python has PyTorch.
"""

import argparse
import itertools
import os
import random
import subprocess
import sys
import tempfile

from interpreter import need

need("numpy", "torch")
import cell_formulas as formulas  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402

STEPS = 10
LIMIT = 1e-4  # of the largest element, as in docs/test-vectors.md

CHOICES = {
    "kind": ["rnn", "gru", "lstm"],
    "space": [0, 1, 2],
    "gates": ["default", "other", "coupled"],
    "biases": ["none", "one", "other", "two"],
    "join": [None, "xh", "hx"],
    "gate": [None, "hard_sigmoid", "hard_sigmoid:0.16666667:0.5", "softsign"],
    "activation": [None, "relu", "leaky_relu:1:0", "softsign", "silu", "elu:0.5:0"],
    "output": [None, "relu6", "leaky_relu:1:0"],
    "reset_after": [False, True],
    "z_replaces": [False, True],
    "peephole": [None, "channel", "map"],
    "forget_bias": [0, 1],
    "clip": [0, 0.6],
    "cell_clip": [0, 0.4],
    "projection": [None, "plain", "clipped"],
    "norm": [None, "one", "gates", "across", "two"],
    "norm_parts": ["none", "both", "gamma"],
    "stride": [None, "2,2", "1,2"],
    "dilation": [None, "2,1"],
    "pads": [None, "even", "valid"],
    "depthwise": [None, "shared", "two"],
    "initial": [None, "number", "learned", "map"],
    "batch": [1, 3],
    "cont": [False, True],
}
OF_KIND = {
    "gru": ["reset_after", "z_replaces"],
    "lstm": ["output", "peephole", "forget_bias", "cell_clip", "projection"],
}


def is_possible(c):
    """Whether these choices can stand together."""
    kind, space = c["kind"], c["space"]
    for owner, keys in OF_KIND.items():
        if kind != owner and any(c[key] for key in keys):
            return False
    return not (
        (kind != "lstm" and (c["gates"] == "coupled" or c["forget_bias"]))
        or (kind == "rnn" and (c["gates"] != "default" or c["gate"] or c["norm"] == "gates"))
        or (c["forget_bias"] and c["gates"] == "coupled")
        or (space == 0 and (c["stride"] or c["dilation"] or c["pads"] or c["depthwise"]))
        or (space == 0 and (c["peephole"] == "map" or c["initial"] == "map"))
        or (c["join"] and (c["stride"] or c["pads"] == "valid"))
        or (c["depthwise"] == "two" and kind != "gru")
        or (c["norm"] == "two" and kind != "gru")
        or (c["norm_parts"] != "none" and not c["norm"])
        # A running unit without bounds would leave the range in which digits can be compared.
        or (c["activation"] in ("relu", "leaky_relu:1:0", "silu") and c["gate"] == "softsign")
    )


def draw(rng, fixed):
    for _ in range(2000):
        case = {key: fixed.get(key, rng.choice(values)) for key, values in CHOICES.items()}
        for owner, keys in OF_KIND.items():
            if case["kind"] != owner:
                case.update({k: CHOICES[k][0] for k in keys if k not in fixed})
        if case["space"] == 0:
            keys = ("stride", "dilation", "pads", "depthwise")
            case.update({k: CHOICES[k][0] for k in keys if k not in fixed})
        if is_possible(case):
            return case
    return None


def cover_pairs(rng):
    """Cases in which every possible pair of values occurs."""
    values = [(key, value) for key, all_values in CHOICES.items() for value in all_values]
    missing = {
        frozenset(pair) for pair in itertools.combinations(values, 2) if pair[0][0] != pair[1][0]
    }
    cases = []
    for pair in sorted(missing, key=lambda p: sorted(map(str, p))):
        if pair not in missing:
            continue
        case = draw(rng, dict(pair))
        if case is not None:
            cases.append(case)
            missing -= {frozenset(p) for p in itertools.combinations(case.items(), 2)}
    return cases


# --- from choices to weights ---


def tensor(rng, *shape, scale=0.5):
    generator = torch.Generator().manual_seed(rng.getrandbits(32))
    return ((torch.rand(shape, generator=generator) * 2 - 1) * scale).float()


def pick_gates(rng, c):
    letters = list(formulas.LETTERS[c["kind"]])
    if c["gates"] == "coupled":
        letters.remove(rng.choice("if"))
    if c["gates"] != "default":
        rng.shuffle(letters)
    return "".join(letters)


def pads_of(kernel, even):
    begin = [(k - 1) // 2 for k in kernel] if even else [0] * len(kernel)
    end = [k - 1 - b for k, b in zip(kernel, begin)] if even else [0] * len(kernel)
    return begin + end


def add_weights(rng, c, o, rows, inputs, outputs):
    n = c["space"]
    odd = [rng.choice([1, 3]) for _ in range(n)]
    kernel = [rng.choice([2, 4]) for _ in range(n)] if c["pads"] == "even" else odd
    state_kernel = kernel if c["join"] else [rng.choice([2, 3] if c["pads"] else [1, 3, 5])] * n
    one = [1] * n
    if c["pads"]:
        o["pads"] = pads_of(kernel, c["pads"] == "even")
        o["recurrent_pads"] = pads_of(state_kernel, True)
    if c["dilation"]:
        o["dilation"] = [2, 1]
        if c["pads"] == "even" and c["join"]:
            o["pads"] = pads_of([k + (k - 1) * (d - 1) for k, d in zip(kernel, [2, 1])], True)
    sets = {None: 0, "shared": 1, "two": 2}[c["depthwise"]]
    if c["join"]:
        both = inputs + outputs
        o["join"] = c["join"]
        o["weights"] = tensor(rng, rows, both, *(one if sets else kernel))
        if sets:
            o["depthwise"] = tensor(rng, sets * both, 1, *kernel)
        return
    o["weights"] = tensor(rng, rows, inputs, *(one if sets else kernel))
    o["recurrent"] = tensor(rng, rows, outputs, *(one if sets else state_kernel))
    if sets:
        o["depthwise"] = tensor(rng, sets * inputs, 1, *kernel)
        o["recurrent_depthwise"] = tensor(rng, sets * outputs, 1, *state_kernel)


def add_norm(rng, c, o, rows, hidden, n_gates):
    if not c["norm"]:
        return
    of_lstm = {"one": [1, 0], "gates": [n_gates, 0], "across": [2 if n_gates != 3 else 6, 0]}
    of_gru = {"one": [1, 0], "gates": [2, 1], "across": [4, 2], "two": [2, hidden]}
    of_rnn = {"one": [1, 0], "across": [2, 0]}
    o["norm_groups"] = {"lstm": of_lstm, "gru": of_gru, "rnn": of_rnn}[c["kind"]][c["norm"]]
    if c["norm_parts"] != "none":
        o["norm_gamma"] = tensor(rng, rows) + 1
    if c["norm_parts"] == "both":
        o["norm_beta"] = tensor(rng, rows)
    if rng.random() < 0.5:
        o["norm_epsilon"] = 0.125


def make_gated(rng, c, inputs=None, hidden=None):
    """Options, and the shape of one step's input."""
    kind, n = c["kind"], c["space"]
    inputs = inputs or rng.choice([1, 2, 3])
    hidden = hidden or rng.choice([4, 6])
    o = {"gates": pick_gates(rng, c)} if kind != "rnn" else {}
    n_gates = len(o.get("gates", "n"))
    rows = n_gates * hidden
    outputs = rng.choice([2, 3]) if c["projection"] else hidden
    add_weights(rng, c, o, rows, inputs, outputs)
    if c["biases"] in ("one", "two"):
        o["bias"] = tensor(rng, rows)
    if c["biases"] in ("other", "two"):
        o["recurrent_bias"] = tensor(rng, rows)
    if c["projection"]:
        o["projection"] = tensor(rng, outputs, hidden, *[rng.choice([1, 3])] * n, scale=0.8)
    if c["projection"] == "clipped":
        o["projection_clip"] = 0.05
    if c["stride"]:
        o["stride"] = [int(x) for x in c["stride"].split(",")]
    add_norm(rng, c, o, rows, hidden, n_gates)
    for key in ("gate", "activation", "output", "forget_bias", "clip", "cell_clip"):
        if c[key]:
            o[key] = c[key]
    for key in ("reset_after", "z_replaces"):
        if c[key]:
            o[key] = 1
    shape = [c["batch"], inputs, *[7, 6][:n]]
    cell = formulas.Gated(kind, doubled(o))
    like = cell.product(torch.zeros(shape, dtype=torch.double), "x", cell.gates)
    space = list(like.shape[2:])
    if c["peephole"]:
        o["peephole"] = tensor(
            rng, (n_gates - 1) * hidden, *(space if c["peephole"] == "map" else [])
        )
    for key, channels in (("initial", outputs), ("initial_cell", hidden)):
        if c["initial"] and (key == "initial" or kind == "lstm"):
            shapes = {
                "number": [],
                "learned": [1, channels, *[1] * n],
                "map": [c["batch"], channels, *space],
            }
            o[key] = tensor(rng, *shapes[c["initial"]])
    return o, shape


def doubled(o):
    return {k: v.double() if isinstance(v, torch.Tensor) else v for k, v in o.items()}


# --- the list for the program, and what is expected of it ---


class Book:
    """Lines of cells.txt, with the files that they name, and the results to compare with."""

    def __init__(self, folder):
        self.folder, self.lines, self.expected, self.count = folder, [], [], 0

    def name(self):
        self.count += 1
        return "n%d" % self.count

    def file(self, value):
        name = self.name() + ".npy"
        np.save(os.path.join(self.folder, name), value.numpy())
        return name

    def text(self, value):
        if isinstance(value, torch.Tensor):
            return self.file(value)
        if isinstance(value, (list, tuple)):
            return ",".join(map(str, value))
        return str(value)

    def line(self, word, **options):
        self.lines.append(
            " ".join([word, *["%s=%s" % (k, self.text(v)) for k, v in options.items()]])
        )

    def cell(self, word, **options):
        name = self.name()
        self.line(word, name=name, **options)
        return name

    def gated(self, kind, o):
        space = o["weights"].dim() - 2
        return self.cell(("conv_" if space else "") + kind, **o)

    def run(self, what, expected, **options):
        """expected: all outputs, then last states."""
        name = self.name()
        self.line("run", out=name, **options)
        self.expected.append((what, name, expected))
        return name


def run_reference(cell, xs, conts=None):
    """The outputs of all steps; where cont is 0 states start anew."""
    start = cell.start(xs[0].double())
    states, out = start, []
    for t, x in enumerate(xs):
        if conts is not None:
            keep = conts[t].double()
            states = [
                torch.where(keep.reshape([-1] + [1] * (s.dim() - 1)) != 0, s, first)
                for s, first in zip(states, start)
            ]
        y, states = cell.step(x.double(), states)
        out.append(y)
    return torch.stack(out), states


def check_cell(book, rng, what, name, cell, shape, cont=False):
    xs = tensor(rng, STEPS, *shape, scale=1)
    files = {"x": xs}
    conts = None
    if cont:
        conts = torch.tensor(
            [[float(rng.random() < 0.7) for _ in range(shape[0])] for _ in range(STEPS)]
        )
        files["cont"] = conts
    expected, _ = run_reference(cell, xs, conts)
    first = book.run(what, [expected], cell=name, mode="layer", **files)
    if not cont:
        second = book.run(
            what + " unrolled", [expected[None]], cell=name, mode="unrolled", x=xs
        )
        book.expected.append((what + " layer = unrolled", first, (second, len(shape) == 2)))


def operator_cases():
    """All that ONNX's RNN, GRU and LSTM can say of one step."""
    keys = {
        "rnn": [],
        "gru": ["gates", "gate", "reset_after", "z_replaces"],
        "lstm": ["gates", "gate", "output", "peephole", "forget_bias"],
    }
    few = {"gates": ["default", "other"], "peephole": [None, "channel"], "output": [None]}
    for kind, own in keys.items():
        own = [*own, "clip", "activation"]
        values = [few.get(key, CHOICES[key]) for key in own]
        for choice in itertools.product(*values):
            case = plain(kind=kind, biases="two", **dict(zip(own, choice)))
            if is_possible(case):
                yield case


def check_gated(book, rng):
    for case in [*operator_cases(), *cover_pairs(rng)]:
        o, shape = make_gated(rng, case)
        what = " ".join("%s=%s" % (k, v) for k, v in case.items() if v not in (None, False, 0))
        name = book.gated(case["kind"], o)
        check_cell(
            book, rng, what, name, formulas.Gated(case["kind"], doubled(o)), shape, case["cont"]
        )


def plain(**choices):
    return {**{key: values[0] for key, values in CHOICES.items()}, **choices}


def some_gated(book, rng, inputs, **choices):
    """A cell of three or six channels: in the book, and its formula."""
    case = plain(biases="one", **choices)
    o, _ = make_gated(rng, case, inputs, 6)
    return book.gated(case["kind"], o), formulas.Gated(case["kind"], doubled(o))


def check_wrapped(book, rng):
    for space, batch in itertools.product((0, 1, 2), (1, 2)):
        where = dict(space=space, batch=batch)
        shape = [batch, 6, *[5, 4][:space]]
        a, ref_a = some_gated(book, rng, 6, kind="lstm", peephole="channel", **where)
        b, ref_b = some_gated(book, rng, 6, kind="gru", initial="learned", **where)
        d, ref_d = some_gated(book, rng, 6, kind="lstm", projection="plain", **where)
        residual = book.cell("residual", cell=b)
        ref_residual = formulas.Residual(ref_b)
        stack = book.cell("stack", cells=[a, residual, d])
        ref_stack = formulas.Stack([ref_a, ref_residual, ref_d])
        nested = book.cell("stack", cells=[residual, stack])
        ref_nested = formulas.Stack([ref_residual, ref_stack])
        for cont in (False, True):
            what = "space %d batch %d cont %d" % (space, batch, cont)
            check_cell(book, rng, "residual " + what, residual, ref_residual, shape, cont)
            check_cell(book, rng, "stack " + what, stack, ref_stack, shape, cont)
            check_cell(book, rng, "nested " + what, nested, ref_nested, shape, cont)


def check_grid(book, rng):
    for space, blocks, initial in itertools.product((0, 1, 2), (1, 3), (None, "learned")):
        where = dict(kind="lstm", space=space, batch=2, initial=initial)
        time, ref_time = some_gated(book, rng, 2 + 6, **where)
        case = plain(biases="two", peephole="channel", gates="other", **where)
        o, _ = make_gated(rng, case, 2 + 6, 6)
        frequency, ref_frequency = book.gated("lstm", o), formulas.Gated("lstm", doubled(o))
        name = book.cell("grid_lstm", time=time, frequency=frequency, blocks=blocks)
        ref = formulas.Grid(ref_time, ref_frequency, blocks)
        for cont in (False, True):
            check_cell(
                book, rng, "grid space %d blocks %d" % (space, blocks), name, ref,
                [2, 2 * blocks, *[5, 4][:space]], cont,
            )


def check_attention(book, rng):
    for kind, length, biased in itertools.product(("gru", "lstm"), (1, 4), (False, True)):
        inner, ref_inner = some_gated(book, rng, 5, kind=kind, gates="other")
        states = 6 if kind == "gru" else 12
        o = dict(
            input=tensor(rng, 5, 2 + 3), key=tensor(rng, 4, 3), query=tensor(rng, 4, states),
            score=tensor(rng, 4), output=tensor(rng, 3, 6 + 3),
        )
        if biased:
            o.update(
                input_bias=tensor(rng, 5), query_bias=tensor(rng, 4), output_bias=tensor(rng, 3)
            )
        name = book.cell("attention", cell=inner, length=length, **o)
        ref = formulas.Attention(ref_inner, length, doubled(o))
        for batch, cont in ((1, False), (2, False), (2, True)):
            check_cell(
                book, rng, "attention %s of %d outputs" % (kind, length), name, ref, [batch, 2],
                cont,
            )


# --- scans ---


def scan_reference(cell, x, axis, backward):
    """One frame. Outputs stacked as documented, and the last states."""
    steps = list(torch.unbind(x, axis))
    steps = [s.reshape(s.shape[0], -1) if is_dense(cell) else s for s in steps]
    out, states = run_reference(cell, steps[::-1] if backward else steps)
    out = list(out)
    return torch.stack(out[::-1] if backward else out, min(axis, out[0].dim())), states


def is_dense(cell):
    while not isinstance(cell, formulas.Gated):
        cell = cell.cells[0] if isinstance(cell, formulas.Stack) else cell.cell
    return cell.space == 0


def check_scan(book, rng):
    """Rows and columns of pictures, and sequences, by cells of one node and of many."""
    shapes = {0: [5, 2, 6], 1: [2, 5, 6], 2: [2, 3, 5, 2], 3: [1, 3, 2, 5]}
    for axis, kind, many, both in itertools.product(
        shapes, ("rnn", "gru", "lstm", "conv"), (False, True), (0, 1, 2)
    ):
        cells, refs = [], []
        for _ in range(2):
            options = dict(kind="gru" if kind == "conv" else kind, initial="learned")
            if kind == "conv":
                options["space"] = 1
            elif many:
                options["norm"] = "one"
            name, ref = some_gated(book, rng, 3 if kind == "conv" else 6, **options)
            if kind != "conv" and both == 2:
                top, ref_top = some_gated(book, rng, 6, **options)
                name, ref = book.cell("stack", cells=[name, top]), formulas.Stack([ref, ref_top])
            cells.append(name)
            refs.append(ref)
        if kind == "conv" and axis < 2:
            continue
        x = tensor(rng, 1, *shapes[axis], scale=1)
        forward, last = scan_reference(refs[0], x[0].double(), axis, False)
        backward, last_back = scan_reference(refs[1], x[0].double(), axis, True)
        options = dict(axis=axis, mode="scan", x=x)
        if many or kind == "conv":
            options["steps"] = 5
        what = "scan axis %d %s both=%d" % (axis, kind, both)
        if both == 0:
            book.run(what, [forward[None], *[s[None] for s in last]], cell=cells[0], **options)
        elif both == 1:
            book.run(
                what, [backward[None], *[s[None] for s in last_back]], backward=cells[1], **options
            )
        else:
            y = torch.cat([forward, backward], 2 if axis <= 1 else 1)
            book.run(
                what, [y[None], *[s[None] for s in (*last, *last_back)]], cell=cells[0],
                backward=cells[1], **options,
            )


# --- PyTorch's own modules ---


def module_options(module, suffix, gates):
    o = {"weights": getattr(module, "weight_ih" + suffix), "gates": gates}
    o["recurrent"] = getattr(module, "weight_hh" + suffix)
    if module.bias:
        o["bias"] = getattr(module, "bias_ih" + suffix)
        o["recurrent_bias"] = getattr(module, "bias_hh" + suffix)
    if getattr(module, "proj_size", 0):
        o["projection"] = getattr(module, "weight_hr" + suffix)
    if gates == "rzn":
        o["reset_after"] = 1
    o = {k: v.detach() if isinstance(v, torch.Tensor) else v for k, v in o.items()}
    return {k: v for k, v in o.items() if v is not None}


def check_torch(book, rng):
    torch.manual_seed(rng.getrandbits(32))
    modules = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
    gates = {"rnn": None, "gru": "rzn", "lstm": "ifgo"}
    for kind, layers, bias, both, projected in itertools.product(
        modules, (1, 2), (True, False), (False, True), (0, 7)
    ):
        if projected and kind != "lstm":
            continue
        extra = {"proj_size": projected} if projected else {}
        module = modules[kind](10, 20, layers, bias=bias, bidirectional=both, **extra)
        x = tensor(rng, 1, 9, 2, 10, scale=1)  # a frame of (T, N, K)
        with torch.no_grad():
            y, last = module(x[0])
        last = last if kind == "lstm" else [last]
        names = []
        for suffix in ["", "_reverse"][: 1 + both]:
            cells = []
            for layer in range(layers):
                o = module_options(module, "_l%d%s" % (layer, suffix), gates[kind])
                o = {k: v for k, v in o.items() if v is not None}
                cells.append(book.gated(kind, o))
            names.append(cells)
        what = "torch %s of %d layers, bias %d, both %d" % (kind, layers, bias, both)
        if layers == 1:
            states = [s[d][None] for d in range(1 + both) for s in last]
            options = {"backward": names[1][0]} if both else {}
            book.run(
                what, [y[None], *states], cell=names[0][0], mode="scan", axis=0, x=x, steps=9,
                **options,
            )
        elif not both:
            stack = book.cell("stack", cells=names[0])
            states = [s[k][None] for k in range(layers) for s in last]
            book.run(
                what, [y[None], *states], cell=stack, mode="scan", axis=0, steps=9, x=x
            )
            book.run(what + " streamed", [y], cell=stack, mode="layer", x=x[0])


# --- comparing ---


def difference(found, expected):
    expected = expected.detach().double().numpy()
    if found.shape != expected.shape:
        return "shape %s, expected %s" % (found.shape, expected.shape)
    error = np.abs(found - expected).max() / max(1e-3, np.abs(expected).max())
    return None if error <= LIMIT else "error %.2g of the largest element" % error


def compare(book):
    failed = 0
    for what, name, expected in book.expected:
        path = os.path.join(book.folder, name)
        if isinstance(expected, tuple):
            other = np.load(os.path.join(book.folder, expected[0]) + ".npy")[0]
            found = np.load(path + ".npy")
            problem = difference(found, torch.from_numpy(other))
            same = found.tobytes() == other.tobytes()
            problems = [problem or "the bytes differ"] if problem or expected[1] > same else []
        else:
            files = ["", *["-%d" % i for i in range(len(expected) - 1)]]
            found = [np.load(path + file + ".npy") for file in files]
            problems = [p for p in map(difference, found, expected) if p]
        if problems:
            failed += 1
            print("FAILED %s (%s): %s" % (what, name, "; ".join(problems)))
    return failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or temporary
        os.makedirs(folder, exist_ok=True)
        book = Book(folder)
        for check in (
            check_torch, check_gated, check_wrapped, check_grid, check_attention, check_scan,
        ):
            check(book, random.Random(options.seed))
        with open(os.path.join(folder, "cells.txt"), "w", encoding="utf-8") as file:
            file.write("\n".join(book.lines) + "\n")
        subprocess.run([options.program, folder], check=True)
        failed = compare(book)
        total = len(book.expected)
        print("PyTorch %s: %d passed, %d failed" % (torch.__version__, total - failed, failed))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
