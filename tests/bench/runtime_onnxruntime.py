# SPDX-License-Identifier: LGPL-2.1-or-later
"""ONNX Runtime: all optimisations, threads that stop spinning when a step ends, everything bound to
memory that stays. The state moves between two places: every other step has them exchanged."""

import onnxruntime

NAME = "ONNX Runtime"
PRECISIONS = ("fp32",)


def version():
    return onnxruntime.__version__


def _memory(x):
    """Of ONNX Runtime's own, which it aligns as it likes it."""
    value = onnxruntime.OrtValue.ortvalue_from_shape_and_type(x.shape, x.dtype)
    value.update_inplace(x)
    return value


class Runner:
    def __init__(self, network, precision, threads, optimise=True):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.force_spinning_stop", "1")
        if not optimise:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        self.session = onnxruntime.InferenceSession(network.path, options,
                                                    providers=["CPUExecutionProvider"])
        first = {**network.initial, **network.steps[0]}
        outputs = dict(zip(network.outputs, self.session.run(network.outputs, first)))
        self.inputs = {name: _memory(x) for name, x in network.steps[0].items()}
        taken = {name: _memory(x) for name, x in network.initial.items()}
        given = {name: _memory(x) for name, x in outputs.items()}
        exchanged = {**given, **{o: taken[i] for i, o in network.state.items()}}
        # A binding and its outputs: of the next step, and of the one after it.
        self.turns = [(self._bind(taken, given), given),
                      (self._bind({i: given[o] for i, o in network.state.items()}, exchanged),
                       exchanged)]

    def _bind(self, taken, given):
        binding = self.session.io_binding()
        for name, value in {**self.inputs, **taken}.items():
            binding.bind_ortvalue_input(name, value)
        for name, value in given.items():
            binding.bind_ortvalue_output(name, value)
        return binding

    def put(self, inputs):
        for name, x in inputs.items():
            self.inputs[name].update_inplace(x)

    def step(self):
        self.session.run_with_iobinding(self.turns[0][0])
        self.turns.reverse()

    def outputs(self):
        return {name: value.numpy().copy() for name, value in self.turns[1][1].items()}

    def close(self):
        self.turns = self.session = None
