# SPDX-License-Identifier: LGPL-2.1-or-later
"""OpenVINO: latency mode, the state inside its compiled model, where it is fastest. Its precision is
set, for it would choose bfloat16 by itself."""

import openvino
from openvino._offline_transformations import apply_make_stateful_transformation

NAME = "OpenVINO"
PRECISIONS = ("fp32", "bf16")
HINTS = {"fp32": "f32", "bf16": "bf16"}


def version():
    return openvino.__version__.split("-")[0]


def _stateful(core, network):
    """The network with its states inside, and the names of the outputs that are left. A network with
    states only keeps them as outputs too."""
    model = core.read_model(network.path)
    names = [name for name in network.outputs if name not in network.state.values()]
    if not names:
        names = network.outputs
        for port in list(model.outputs):
            model.add_results([openvino.op.Result(port.node.input_value(0))])
    apply_make_stateful_transformation(model, network.state)
    return model, names


class Runner:
    def __init__(self, network, precision, threads):
        core = openvino.Core()
        model, self.names = _stateful(core, network)
        compiled = core.compile_model(model, "CPU", {
            "INFERENCE_PRECISION_HINT": HINTS[precision], "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1})
        used = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
        if used != HINTS[precision]:
            raise NotImplementedError(f"asked for {HINTS[precision]}, it computes in {used}")
        self.request = compiled.create_infer_request()

    def put(self, inputs):
        for name, x in inputs.items():
            self.request.get_tensor(name).data[...] = x

    def step(self):
        self.request.infer()

    def outputs(self):
        return {name: tensor.data.copy()
                for name, tensor in zip(self.names, self.request.output_tensors)}

    def close(self):
        self.request = None
