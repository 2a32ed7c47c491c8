# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each convolution and product of a network by itself: what enters it in a running network, in double
precision, is rounded to float32 and goes into a network of that one layer, here and in double."""

import library
import numpy
import onnx
import torch
import torch_graph

KINDS = ("Conv", "ConvTranspose", "Gemm", "MatMul", "GRU", "LSTM", "RNN")


def _cut(graph, node, inputs, folder):
    """A file with that node alone; what is not in inputs is a weight."""
    first = onnx.load(graph.path).opset_import
    weights = [onnx.numpy_helper.from_array(graph.fixed[name].float().numpy(), name)
               for name in node.input if name in graph.fixed and name not in inputs]
    model = onnx.helper.make_model(onnx.helper.make_graph(
        [node], "layer",
        [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, x.shape)
         for name, x in inputs.items()],
        [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
         for name in node.output if name], weights), opset_imports=first)
    path = f"{folder}/layer.onnx"
    onnx.save(model, path)
    return path


def _error(found, reference):
    span = float(reference.max() - reference.min()) or 1.0
    return float(abs(found - reference).max()) / span


def measure(lib, graph, folder, precisions):
    """For each layer of a graph that has run: its name and kind, and precision → largest error
    relative to the range of its result."""
    found = []
    for node, _, _ in graph.live:
        moving = [n for n in dict.fromkeys(node.input) if n and n not in graph.fixed]
        if node.op_type not in KINDS or len(moving) == 0:
            continue
        inputs = {n: graph.values[n].float().numpy() for n in moving}
        path = _cut(graph, node, inputs, folder)
        exact = torch_graph.TorchGraph(path, torch.float64)
        reference = exact({n: torch.from_numpy(x) for n, x in inputs.items()})
        errors = {}
        for precision in precisions:
            session = library.Session(lib, path, {}, precision)
            session.put(inputs)
            session.step()
            errors[precision] = max(_error(x.astype(numpy.float64), reference[n].numpy())
                                    for n, x in session.outputs.items())
            session.close()
        found.append((node.name or node.output[0], node.op_type, errors))
    return found
