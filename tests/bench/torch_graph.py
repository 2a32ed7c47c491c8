# SPDX-License-Identifier: LGPL-2.1-or-later
"""An ONNX file as a function of PyTorch tensors, computed in any of PyTorch's float types.

Two uses: in double precision it is what errors are measured against, and in float32 or bfloat16 it
is PyTorch's own time for a network. Only the operators of the networks measured here.
"""

import onnx
import torch
import torch.nn.functional as functional

FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16)
CASTS = {onnx.TensorProto.INT64: torch.int64, onnx.TensorProto.INT32: torch.int32,
         onnx.TensorProto.BOOL: torch.bool}


def _ints(tensor):
    return [int(v) for v in tensor.reshape(-1).tolist()]


def _argument(inputs, index, attributes, name, default=None):
    """What one opset gives as an attribute and the next as an input."""
    if index < len(inputs) and inputs[index] is not None:
        return _ints(inputs[index])
    return attributes.get(name, default)


def _padded(x, pads, value=0.0):
    """pads as ONNX orders them, over the last axes; what is left for the operator to pad itself."""
    n = len(pads) // 2
    if pads[:n] == pads[n:]:
        return x, pads[:n]
    pairs = [p for axis in reversed(range(n)) for p in (pads[axis], pads[n + axis])]
    return functional.pad(x, pairs, value=value), [0] * n


def _conv_pads(a, size, kernel, strides, dilations):
    rank, mode = len(size), a.get("auto_pad", b"NOTSET")
    if mode in (b"NOTSET", b"VALID"):
        return a.get("pads", [0] * 2 * rank)
    assert mode == b"SAME_UPPER"
    total = [max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
             for n, k, s, d in zip(size, kernel, strides, dilations)]
    return [t // 2 for t in total] + [t - t // 2 for t in total]


def _conv(a, x, w, b=None):
    rank = x.dim() - 2
    strides, dilations = a.get("strides", [1] * rank), a.get("dilations", [1] * rank)
    x, pads = _padded(x, _conv_pads(a, x.shape[2:], w.shape[2:], strides, dilations))
    call = (functional.conv1d, functional.conv2d, functional.conv3d)[rank - 1]
    return call(x, w, b, strides, pads, dilations, a.get("group", 1))


def _max_pool(a, x):
    x, pads = _padded(x, a.get("pads", [0] * 4), -float("inf"))
    return functional.max_pool2d(x, a["kernel_shape"], a.get("strides"), pads,
                                 ceil_mode=bool(a.get("ceil_mode", 0)))


def _average_pool(a, x):
    assert not any(a.get("pads", [0]))
    return functional.avg_pool2d(x, a["kernel_shape"], a.get("strides"), 0,
                                 bool(a.get("ceil_mode", 0)), False)


def _batch_norm(a, x, scale, bias, mean, variance):
    return functional.batch_norm(x, mean, variance, scale, bias, eps=a.get("epsilon", 1e-5))


def _resize(a, x, _roi=None, scales=None, sizes=None):
    if sizes is not None and sizes.numel():
        size = _ints(sizes)[2:]
    else:
        size = [int(n * s) for n, s in zip(x.shape[2:], scales.tolist()[2:])]
    assert a["mode"] == b"linear"
    return functional.interpolate(
        x, size, mode="bilinear",
        align_corners=a["coordinate_transformation_mode"] == b"align_corners")


def _split(a, *inputs):
    x, axis = inputs[0], a.get("axis", 0)
    sizes = _argument(inputs, 1, a, "split")
    return torch.split(x, sizes or x.shape[axis] // a["n_outputs"], axis)


def _slice(a, *inputs):
    x = inputs[0]
    starts, ends = _argument(inputs, 1, a, "starts"), _argument(inputs, 2, a, "ends")
    axes = _argument(inputs, 3, a, "axes", range(len(starts)))
    steps = _argument(inputs, 4, a, "steps", [1] * len(starts))
    for start, end, axis, step in zip(starts, ends, axes, steps):
        index = list(range(*slice(start, end, step).indices(x.shape[axis])))
        if step == 1:
            x = x.narrow(axis, index[0], len(index))
        else:
            x = x.index_select(axis, torch.tensor(index))
    return x


def _gather(a, x, indices):
    axis = a.get("axis", 0) % x.dim()
    flat = torch.where(indices < 0, indices + x.shape[axis], indices).reshape(-1)
    taken = x.index_select(axis, flat.to(torch.int64))
    return taken.reshape(x.shape[:axis] + indices.shape + x.shape[axis + 1:])


def _reduce_mean(a, *inputs):
    axes = _argument(inputs, 1, a, "axes", list(range(inputs[0].dim())))
    return inputs[0].mean(axes, keepdim=bool(a.get("keepdims", 1)))


def _clip(a, x, low=None, high=None):
    low = a.get("min") if low is None else low
    high = a.get("max") if high is None else high
    return torch.clamp(x, None if low is None else float(low), None if high is None else float(high))


def _unsqueeze(a, *inputs):
    x, axes = inputs[0], _argument(inputs, 1, a, "axes")
    rank = x.dim() + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        x = x.unsqueeze(axis)
    return x


def _reshape(a, x, shape):
    return x.reshape([x.shape[i] if n == 0 else n for i, n in enumerate(_ints(shape))])


def _pad(a, *inputs):
    x, pads = inputs[0], _argument(inputs, 1, a, "pads")
    assert a.get("mode", b"constant") == b"constant"
    value = float(inputs[2]) if len(inputs) > 2 and inputs[2] is not None else a.get("value", 0.0)
    pairs = [p for axis in reversed(range(x.dim())) for p in (pads[axis], pads[x.dim() + axis])]
    return functional.pad(x, pairs, value=value)


def _div(a, x, y):
    return x / y if x.is_floating_point() else torch.div(x, y, rounding_mode="trunc")


def _mod(a, x, y):
    return torch.fmod(x, y) if a.get("fmod", 0) else torch.remainder(x, y)


def _constant_of_shape(a, shape):
    value = torch.from_numpy(onnx.numpy_helper.to_array(a["value"]).copy())
    return torch.full(_ints(shape), value.item(), dtype=value.dtype)


def _gate_order(t, order):
    """ONNX orders the gates of a cell in its own way along the first axis."""
    parts = t.chunk(len(order))
    return torch.cat([parts[i] for i in order])


def _biases(b, order):
    return [_gate_order(half, order) for half in b[0].chunk(2)]


def _weights(a, w, r, b, order):
    """Rearranged in the first call only."""
    if "weights" not in a:
        a["weights"] = (_gate_order(w[0], order), _gate_order(r[0], order), *_biases(b, order))
    return a["weights"]


def _lstm(a, x, w, r, b, _lengths, h, c):
    """One step, forwards: gates i, o, f, c become PyTorch's i, f, g, o."""
    h, c = torch.lstm_cell(x[0], (h[0], c[0]), *_weights(a, w, r, b, [0, 2, 3, 1]))
    return h[None, None], h[None], c[None]


def _gru(a, x, w, r, b, _lengths, h):
    """One step, forwards: gates z, r, h become PyTorch's r, z, n."""
    assert a.get("linear_before_reset", 0)
    h = torch.gru_cell(x[0], h[0], *_weights(a, w, r, b, [1, 0, 2]))
    return h[None, None], h[None]


OPERATORS = {
    "Add": lambda a, x, y: x + y,
    "AveragePool": _average_pool,
    "BatchNormalization": _batch_norm,
    "Clip": _clip,
    "Concat": lambda a, *x: torch.cat(x, a["axis"]),
    "ConstantOfShape": _constant_of_shape,
    "Conv": _conv,
    "Div": _div,
    "Einsum": lambda a, *x: torch.einsum(a["equation"].decode(), *x),
    "Exp": lambda a, x: x.exp(),
    "Expand": lambda a, x, shape: x.expand(torch.broadcast_shapes(x.shape, _ints(shape))),
    "GRU": _gru,
    "Gather": _gather,
    "GlobalAveragePool": lambda a, x: x.mean((2, 3), keepdim=True),
    "HardSigmoid": lambda a, x: torch.clamp(x * a.get("alpha", 0.2) + a.get("beta", 0.5), 0, 1),
    "Identity": lambda a, x: x,
    "LSTM": _lstm,
    "MatMul": lambda a, x, y: x @ y,
    "MaxPool": _max_pool,
    "Mod": _mod,
    "Mul": lambda a, x, y: x * y,
    "Neg": lambda a, x: -x,
    "Pad": _pad,
    "Pow": lambda a, x, y: x**y,
    "ReduceMean": _reduce_mean,
    "Relu": lambda a, x: x.relu(),
    "Reshape": _reshape,
    "Resize": _resize,
    "Shape": lambda a, x: torch.tensor(list(x.shape)),
    "Sigmoid": lambda a, x: x.sigmoid(),
    "Slice": _slice,
    "Softplus": lambda a, x: functional.softplus(x, threshold=1e9),
    "Split": _split,
    "Sqrt": lambda a, x: x.sqrt(),
    "Sub": lambda a, x, y: x - y,
    "Tanh": lambda a, x: x.tanh(),
    "Transpose": lambda a, x: x.permute(a.get("perm", list(reversed(range(x.dim()))))),
    "Unsqueeze": _unsqueeze,
}


class TorchGraph:
    """Called with the network's inputs in a dictionary; gives all outputs in one. Every value of the
    last call stays in `values`.

    What does not depend on an input's elements (constants, and shapes once inputs have shapes) is
    computed in the first call only.
    """

    def __init__(self, path, dtype):
        self.path, graph = path, onnx.load(path).graph
        self.dtype = dtype
        self.fixed = {t.name: self._tensor(t) for t in graph.initializer}
        self.inputs = [i.name for i in graph.input if i.name not in self.fixed]
        self.outputs = [o.name for o in graph.output]
        self.nodes = [self._node(n) for n in graph.node]
        self.values = {}
        self.live = None  # the nodes to run in every step, after the first

    def _tensor(self, proto):
        value = torch.from_numpy(onnx.numpy_helper.to_array(proto).copy())
        return value.to(self.dtype) if value.is_floating_point() else value

    def _cast(self, attributes, x):
        to = attributes["to"]
        return x.to(self.dtype if to in FLOATS else CASTS[to])

    def _node(self, proto):
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in proto.attribute}
        attributes["n_outputs"] = len(proto.output)
        if proto.op_type == "Constant":
            value = self._tensor(attributes["value"])
            call = lambda a: value  # noqa: E731
        elif proto.op_type == "Cast":
            call = self._cast
        elif proto.op_type == "ConstantOfShape":
            call = lambda a, shape: self._float(_constant_of_shape(a, shape))  # noqa: E731
        else:
            call = OPERATORS[proto.op_type]
        return proto, call, attributes

    def _float(self, x):
        return x.to(self.dtype) if x.is_floating_point() else x

    def _run(self, nodes, values):
        for proto, call, attributes in nodes:
            inputs = [values[name] if name else None for name in proto.input]
            while inputs and inputs[-1] is None:
                inputs.pop()
            results = call(attributes, *inputs)
            results = results if isinstance(results, (tuple, list)) else (results,)
            values.update(zip(proto.output, results))

    def _settle(self, values):
        """Which nodes depend on the inputs' elements; the others' results become constants."""
        moving = set(self.inputs)
        self.live = []
        for node in self.nodes:
            if node[0].op_type != "Shape" and moving & set(node[0].input):
                moving |= set(node[0].output)
                self.live.append(node)
        self.fixed = {name: value for name, value in values.items() if name not in moving}

    def __call__(self, inputs):
        values = dict(self.fixed)
        values.update({name: self._float(inputs[name]) for name in self.inputs})
        self._run(self.nodes if self.live is None else self.live, values)
        if self.live is None:
            self._settle(values)
        self.values = values
        return {name: values[name] for name in self.outputs}
