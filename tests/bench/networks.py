# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is measured: networks with their inputs and states, each as a file with every shape fixed."""

import dataclasses
import json
import pathlib

import cells
import numpy
import onnx

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"

# Title, test-vector file, and the states' shapes where the file starts from smaller ones.
WHOLE = {
    "firenet": ("FireNet, 320×240", DATA / "firenet/ref/spec.json", {}),
    "sweatynet": ("SweatyNet-2, 640×352", DATA / "sweatynet/ref/spec.json", {}),
    "rvm": ("Robust Video Matting, 256×192", DATA / "rvm/ref_256x192/spec.json",
            {"r1i": (1, 16, 96, 128), "r2i": (1, 20, 48, 64), "r3i": (1, 40, 24, 32),
             "r4i": (1, 64, 12, 16)}),
    "me-rppg": ("ME-rPPG", DATA / "me-rppg/ref/spec.json", {}),
    "motion": ("motion (shipped), 128×96", ROOT / "models/motion/check/spec.json", {}),
}


@dataclasses.dataclass
class Network:
    name: str
    title: str
    path: str  # the ONNX file: shapes fixed, constants inside
    steps: list  # of input name → array; taken in turn, again and again
    state: dict  # input → output
    initial: dict  # input → array
    outputs: list  # all of the file's, states included


def _fix(model, shapes, constants):
    """Gives the inputs their shapes, makes initializers of constant inputs, and leaves the other
    shapes to be inferred."""
    graph = model.graph
    for value in list(graph.input):
        if value.name in constants:
            graph.initializer.append(onnx.numpy_helper.from_array(constants[value.name], value.name))
            graph.input.remove(value)
        elif value.name in shapes:
            del value.type.tensor_type.shape.dim[:]
            for n in shapes[value.name]:
                value.type.tensor_type.shape.dim.add().dim_value = n
    for value in graph.output:
        value.type.tensor_type.ClearField("shape")
    del graph.value_info[:]
    return model


def _array(description):
    if "data" not in description:
        return numpy.zeros(description["shape"], numpy.float32)
    return numpy.array(description["data"], numpy.float32).reshape(description["shape"])


MULTIPLE = 16  # what heights and widths of pictures must be multiples of


def _smaller(x, shrink):
    """Every shrink-th pixel of a picture, cut to sizes that poolings can halve."""
    x = x[..., ::shrink, ::shrink]
    height, width = (n // MULTIPLE * MULTIPLE for n in x.shape[-2:])
    return numpy.ascontiguousarray(x[..., :height, :width])


def _whole(name, folder, shrink):
    title, path, states = WHOLE[name]
    if not path.exists():
        return None
    spec = json.loads(path.read_text())
    steps = [{n: numpy.load(path.parent / file) for n, file in step.items()}
             for step in spec["steps"]]
    steps = [s for s in steps if all(s[n].shape == x.shape for n, x in steps[0].items())]
    model = onnx.load(path.parent / spec["model"])
    initial = {n: _array(spec.get("init", {}).get(n) or {"shape": _shape(model, n)})
               for n in spec["state"]}
    initial.update({n: numpy.zeros(shape, numpy.float32) for n, shape in states.items()})
    if shrink > 1:
        before = next(iter(steps[0].values())).shape
        steps = [{n: _smaller(x, shrink) for n, x in step.items()} for step in steps]
        after = next(iter(steps[0].values())).shape
        initial = {n: numpy.zeros([*x.shape[:2], x.shape[2] * after[2] // before[2],
                                   x.shape[3] * after[3] // before[3]], numpy.float32)
                   for n, x in initial.items()}
    constants = {n: _array(d) for n, d in spec.get("const", {}).items()}
    shapes = {n: x.shape for n, x in [*steps[0].items(), *initial.items()]}
    file = f"{folder}/{name}.onnx"
    onnx.save(_fix(model, shapes, constants), file)
    return Network(name, title, file, steps, spec["state"], initial, _outputs(model))


def _shape(model, name):
    value = next(i for i in model.graph.input if i.name == name)
    return [d.dim_value for d in value.type.tensor_type.shape.dim]


def _outputs(model):
    return [output.name for output in model.graph.output]


def _cell(name, folder):
    title, make = cells.CELLS[name]
    data, inputs, state = make()
    file = f"{folder}/{name}.onnx"
    pathlib.Path(file).write_bytes(data)
    model = onnx.load(file)
    rng = numpy.random.default_rng(1)
    steps = [{n: rng.uniform(-1, 1, shape).astype(numpy.float32) for n, shape in inputs.items()}
             for _ in range(4)]
    initial = {n: numpy.zeros(_shape(model, n), numpy.float32) for n in state}
    return Network(name, title, file, steps, state, initial, _outputs(model))


def make(name, folder, shrink=1):
    """The network, its file written to the folder; None where its data is missing. shrink: of a whole
    network that starts from zeros, height and width over that number."""
    return _whole(name, folder, shrink) if name in WHOLE else _cell(name, folder)
