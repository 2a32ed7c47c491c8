# SPDX-License-Identifier: LGPL-2.1-or-later
"""PyTorch: the network traced and frozen, pictures with their channels last, which is its fastest
form here; in bf16 everything is bfloat16."""

import warnings

import torch
import torch_graph

NAME = "PyTorch"
PRECISIONS = ("fp32", "bf16")
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def version():
    return torch.__version__.split("+")[0]


def _fastest(tensor):
    return tensor.contiguous(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor


class _Module(torch.nn.Module):
    def __init__(self, graph, names):
        super().__init__()
        self.graph, self.names = graph, names

    def forward(self, *inputs):
        return tuple(self.graph(dict(zip(self.names, inputs))).values())


class Runner:
    def __init__(self, network, precision, threads):
        torch.set_num_threads(threads)
        self.dtype, self.state, self.names = DTYPES[precision], network.state, network.outputs
        graph = torch_graph.TorchGraph(network.path, self.dtype)
        graph.fixed = {name: _fastest(value) for name, value in graph.fixed.items()}
        self.inputs = graph.inputs
        self.values = {name: self._tensor(x) for name, x in network.initial.items()}
        self.results = {}
        self.put(network.steps[0])
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            example = self._arguments()
            module = _Module(graph, self.inputs).eval()
            module(*example)  # settles what is constant
            traced = torch.jit.trace(module, example, check_trace=False)
            self.call = torch.jit.freeze(traced)

    def _tensor(self, x):
        return _fastest(torch.from_numpy(x).to(self.dtype))

    def _arguments(self):
        return tuple(self.values[name] for name in self.inputs)

    def put(self, inputs):
        self.values.update((name, self._tensor(x)) for name, x in inputs.items())

    def step(self):
        with torch.inference_mode():
            self.results = dict(zip(self.names, self.call(*self._arguments())))
        for taken, given in self.state.items():
            self.values[taken] = self.results[given]

    def outputs(self):
        return {name: x.float().numpy() for name, x in self.results.items()}

    def close(self):
        self.call = None
