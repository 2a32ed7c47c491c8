# SPDX-License-Identifier: LGPL-2.1-or-later
"""torch_modules.py through PyTorch's exporters: the older one, which traces or compiles, and, where
it is installed, the newer one ("dynamo")."""

import functools
import importlib.util
import inspect
import logging
import warnings

import numpy as np
import torch
import torch_modules as modules
from torch import nn

logging.disable(logging.WARNING)  # an exporter says what else it could have exported

STEPS = 2
HAS_TWO = "dynamo" in inspect.signature(torch.onnx.export).parameters
EXPORTERS = ["legacy"]
if HAS_TWO and importlib.util.find_spec("onnxscript"):
    EXPORTERS.append("dynamo")

PICTURE = (1, 3, 16, 16)

# Name, module, shape of the input.
PLAIN = [
    ("classifier", modules.Classifier, PICTURE),
    ("columns", modules.Columns, (1, 3, 12, 20)),
    ("unet", modules.UNet, PICTURE),
    ("attention", modules.Attention, PICTURE),
    ("scaled-attention", modules.ScaledAttention, (1, 12, 3, 3)),
    ("convnext", modules.ConvNext, PICTURE),
    ("clip3d", modules.Clip3d, (1, 3, 4, 8, 12)),
]
CELLS = [("rnn", nn.RNN), ("gru", nn.GRU), ("lstm", nn.LSTM)]
# Name, module, the window's shape, the axis of the frames in it, how many, the frame's shape.
WINDOWS = [
    ("window-3d", modules.Clip3d, (1, 3, 4, 8, 12), 2, 4, (1, 3, 8, 12)),
    ("window-stacked", modules.StackedFrames, (1, 9, 8, 12), 1, 3, (1, 3, 8, 12)),
    ("window-batch", modules.FrameBatch, (4, 3, 8, 12), 0, 4, (1, 3, 8, 12)),
]


def new(build, *arguments):
    """The module with weights that say something: the statistics of a normalisation too."""
    torch.manual_seed(1)
    module = build(*arguments).eval()
    with torch.no_grad():
        for name, buffer in module.named_buffers():
            if name.endswith("running_mean"):
                buffer.uniform_(-0.2, 0.2)
            elif name.endswith("running_var"):
                buffer.uniform_(0.5, 2)
    return module


def export(module, inputs, path, exporter, names, outputs, **options):
    if HAS_TWO:
        options["dynamo"] = exporter == "dynamo"
    if exporter == "dynamo":
        options["external_data"] = False
    if exporter == "script":
        module = torch.jit.script(module)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module, inputs, path, input_names=names, output_names=outputs, **options
        )


def pictures(shape, n=STEPS):
    generator = torch.Generator().manual_seed(2)
    return [torch.rand(shape, generator=generator) for _ in range(n)]


def vector(frames, results, **more):
    return {
        "inputs": [{"x": frame.numpy()} for frame in frames],
        "outputs": [{"y": result.detach().numpy()} for result in results],
        **more,
    }


def plain(build, shape, exporter, path, **options):
    module, frames = new(build), pictures(shape)
    export(module, (frames[0],), path, exporter, ["x"], ["y"], **options)
    return vector(frames, [module(frame) for frame in frames])


def carried(cell, batch_first, exporter, path):
    module, frames = new(modules.Recurrent, cell, batch_first), pictures(PICTURE, 3)
    export(module, (frames[0],), path, exporter, ["x"], ["y"])
    return vector(frames, module.stream(frames), spec={"carry-rnn-state": True})


def restarted(exporter, path):
    """Without the switch each frame is looked at alone."""
    module, frames = new(modules.Recurrent, nn.GRU, False), pictures(PICTURE)
    export(module, (frames[0],), path, exporter, ["x"], ["y"])
    return vector(frames, [module(frame) for frame in frames])


def window(build, shape, axis, length, frame_shape, fill, exporter, path):
    """Each step's window is cut from the stream here, by its meaning."""
    module, frames = new(build), pictures(frame_shape, length + 1)
    export(module, (torch.zeros(shape),), path, exporter, ["x"], ["y"])
    before = frames[0] if fill == "first" else torch.zeros(frame_shape)
    stream = [before] * (length - 1) + frames
    results = []
    for step in range(len(frames)):
        last = stream[step : step + length]
        whole = torch.stack(last, axis) if len(shape) == 5 else torch.cat(last, axis)
        results.append(module(whole))
    text = "\n[x]\nrole=window\nlength=%d\n" % length
    return vector(frames, results, modelinfo=text + ("fill=zero\n" if fill == "zero" else ""))


def with_state(build, states, exporter, path):
    """h in, h out, by names alone."""
    module, frames = new(build), pictures(PICTURE)
    state = [torch.zeros(shape) for shape in states]
    letters = "hc"[: len(states)]
    export(
        module,
        (frames[0], *state),
        path,
        exporter,
        ["x", *["%s_in" % s for s in letters]],
        ["y", *["%s_out" % s for s in letters]],
    )
    results = []
    for frame in frames:
        y, *state = module(frame, *state)
        results.append(y)
    return vector(frames, results)


def half(exporter, path):
    """float16 weights and arithmetic; the reference is the same network in float32."""
    module, frames = new(modules.Classifier).half(), pictures(PICTURE)
    export(module, (frames[0].half(),), path, exporter, ["x"], ["y"])
    frames = [frame.half() for frame in frames]
    module = module.float()
    return vector(
        [frame.float() for frame in frames], [module(frame.float()) for frame in frames],
        spec={"tolerance": {"*": 0.01}},
    )  # fmt: skip


def open_size(exporter, path):
    """Height and width left open: the second frame has another size."""
    module = new(modules.UNet)
    frames = [pictures(PICTURE, 1)[0], pictures((1, 3, 12, 20), 1)[0]]
    if exporter == "dynamo":
        size = {2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}
        options = {"dynamic_shapes": ({**size},)}
    else:
        options = {"dynamic_axes": {"x": {2: "h", 3: "w"}}}
    export(module, (frames[0],), path, exporter, ["x"], ["y"], **options)
    return vector(frames, [module(frame) for frame in frames])


def cases():
    for exporter in EXPORTERS:
        for name, build, shape in PLAIN:
            yield "%s-%s" % (name, exporter), functools.partial(plain, build, shape, exporter)
        for name, cell in CELLS:
            if name == "rnn" and exporter == "dynamo":
                continue  # it writes an nn.RNN out as matrix products: no node, no state
            for batch_first in (False, True):
                full = "%s%s-%s" % (name, "-batch-first" if batch_first else "", exporter)
                yield full, functools.partial(carried, cell, batch_first, exporter)
        yield "gru-restarted-%s" % exporter, functools.partial(restarted, exporter)
        for name, build, shape, axis, length, frame in WINDOWS:
            for fill in ("first", "zero"):
                yield "%s-%s-%s" % (name, fill, exporter), functools.partial(
                    window, build, shape, axis, length, frame, fill, exporter
                )
        yield "separable-convgru-%s" % exporter, functools.partial(
            with_state, modules.SeparableConvGru, [(1, 6, 8, 8)], exporter
        )
        yield "lstm-cell-%s" % exporter, functools.partial(
            with_state, modules.CellLoop, [(1, 9), (1, 9)], exporter
        )
        yield "half-%s" % exporter, functools.partial(half, exporter)
        yield "open-size-%s" % exporter, functools.partial(open_size, exporter)
    yield "loop-script", functools.partial(plain, modules.ScriptedLoop, (1, 3, 6, 8), "script")
