# SPDX-License-Identifier: LGPL-2.1-or-later
"""ONNX Runtime: all optimisations, threads that stop spinning when a step ends."""

import onnxruntime

NAME = "ONNX Runtime"
PRECISIONS = ("fp32",)


def version():
    return onnxruntime.__version__


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
        self.names = network.outputs
        self.state, self.values = network.state, dict(network.initial)
        self.results = {}

    def step(self, inputs):
        results = self.session.run(self.names, {**self.values, **inputs})
        self.results = dict(zip(self.names, results))
        for taken, given in self.state.items():
            self.values[taken] = self.results[given]

    def outputs(self):
        return self.results

    def close(self):
        self.session = None
