# SPDX-License-Identifier: LGPL-2.1-or-later
"""Networks whose files hold float16, bfloat16 or 8-bit numbers, against ONNX Runtime.

What is float16 or bfloat16 in the file is float32 for the caller and while it is computed, so the two
agree as well as float16 allows. CONVRNN_TOOL is the convrnn command. Skipped, loudly, where the
packages are missing.
"""

import os
import subprocess
import sys
import tempfile

from interpreter import need

need("numpy")
need("onnx")
need("onnxruntime")
import numpy as np  # noqa: E402
import onnx  # noqa: E402
import onnxruntime  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

RNG = np.random.default_rng(5)


def weights(name, *shape, dtype=np.float32, scale=0.3):
    return numpy_helper.from_array((RNG.standard_normal(shape) * scale).astype(dtype), name)


def model(nodes, inputs, outputs, initializers, opset=21):
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info(*entry) for entry in inputs],
        [helper.make_tensor_value_info(*entry) for entry in outputs],
        initializers,
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10
    )


def half_network(inside):
    """Convolutions, shape arithmetic, an LSTM over the rows and a dense layer. With `inside`, only
    what lies between two Casts is float16, as converters write it that keep a model's interface."""
    half = np.float16
    outer = TensorProto.FLOAT if inside else TensorProto.FLOAT16
    nodes = [
        helper.make_node("Cast" if inside else "Identity", ["x"], ["x16"]),
        helper.make_node("Conv", ["x16", "w1", "b1"], ["c1"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("BatchNormalization", ["r1", "s", "o", "m", "v"], ["n1"]),
        helper.make_node("Resize", ["n1", "", "sizes16"], ["u1"], mode="nearest"),
        helper.make_node("Conv", ["u1", "w2"], ["c2"], strides=[2, 2], group=2),
        helper.make_node("Add", ["c2", "shift"], ["a2"]),
        helper.make_node("Clip", ["a2", "low", "high"], ["k2"]),
        helper.make_node("ReduceMean", ["k2", "last"], ["rows"], keepdims=0),
        helper.make_node("Transpose", ["rows"], ["sequence"], perm=[2, 0, 1]),
        helper.make_node("LSTM", ["sequence", "W", "R", "B"], ["", "h"], hidden_size=5),
        helper.make_node("Squeeze", ["h", "first"], ["h1"]),
        helper.make_node("Gemm", ["h1", "dense", "db"], ["y16"], transB=1),
        helper.make_node("Cast" if inside else "Identity", ["y16"], ["y"]),
    ]
    if inside:
        nodes[0].attribute.append(helper.make_attribute("to", TensorProto.FLOAT16))
        nodes[-1].attribute.append(helper.make_attribute("to", TensorProto.FLOAT))
    initializers = [
        weights("w1", 6, 3, 3, 3, dtype=half),
        weights("b1", 6, dtype=half),
        weights("s", 6, dtype=half),
        weights("o", 6, dtype=half),
        weights("m", 6, dtype=half),
        numpy_helper.from_array(np.linspace(0.5, 2, 6).astype(half), "v"),
        numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "sizes16"),
        weights("w2", 4, 3, 3, 3, dtype=half),
        weights("shift", 1, dtype=half),
        numpy_helper.from_array(np.array(-1, half), "low"),
        numpy_helper.from_array(np.array(2, half), "high"),
        numpy_helper.from_array(np.array([3], np.int64), "last"),
        numpy_helper.from_array(np.array([0], np.int64), "first"),
        weights("W", 1, 20, 4, dtype=half),
        weights("R", 1, 20, 5, dtype=half),
        weights("B", 1, 40, dtype=half),
        weights("dense", 3, 5, dtype=half),
        weights("db", 3, dtype=half),
    ]
    inputs, outputs = [("x", outer, [1, 3, 10, 12])], [("y", outer, [1, 3])]
    return model(nodes, inputs, outputs, initializers), (1, 3, 10, 12)


def bfloat16_network():
    """Weights in bfloat16 that are Cast to float32, as a converter of weights alone writes them."""
    w = (RNG.standard_normal((4, 3, 3, 3)) * 0.3).astype(np.float32)
    bits = (w.view(np.uint32) >> 16).astype(np.uint16)
    tensor = helper.make_tensor("w16", TensorProto.BFLOAT16, w.shape, bits.tobytes(), raw=True)
    nodes = [
        helper.make_node("Cast", ["w16"], ["w"], to=TensorProto.FLOAT),
        helper.make_node("Conv", ["x", "w"], ["y"]),
    ]
    shape = (1, 3, 8, 9)
    inputs, outputs = [("x", TensorProto.FLOAT, shape)], [("y", TensorProto.FLOAT, [1, 4, 6, 7])]
    return model(nodes, inputs, outputs, [tensor]), shape


def quantized_network():
    """Two convolutions between QuantizeLinear and DequantizeLinear; scales per tensor for what is
    computed and per channel for weights, as ONNX Runtime's static quantization writes them."""

    def numbers(name, value, dtype):
        return numpy_helper.from_array(np.asarray(value, dtype), name)

    nodes, initializers = [], [numbers("zx", 120, np.uint8), numbers("sx", 0.02, np.float32)]
    value = "x"
    for i, (channels, filters) in enumerate([(3, 8), (8, 4)]):
        n = str(i)
        w = RNG.integers(-127, 128, (filters, channels, 3, 3))
        initializers += [
            numbers("w" + n, w, np.int8),
            numbers("ws" + n, RNG.uniform(0.001, 0.004, filters), np.float32),
            numbers("wz" + n, np.zeros(filters), np.int8),
            numbers("b" + n, RNG.integers(-400, 400, filters), np.int32),
            numbers("bs" + n, RNG.uniform(0.0005, 0.001, filters), np.float32),
        ]
        nodes += [
            helper.make_node("QuantizeLinear", [value, "sx", "zx"], ["q" + n]),
            helper.make_node("DequantizeLinear", ["q" + n, "sx", "zx"], ["d" + n]),
            helper.make_node("DequantizeLinear", ["w" + n, "ws" + n, "wz" + n], ["wd" + n], axis=0),
            helper.make_node("DequantizeLinear", ["b" + n, "bs" + n], ["bd" + n], axis=0),
            helper.make_node("Conv", ["d" + n, "wd" + n, "bd" + n], ["c" + n], pads=[1] * 4),
            helper.make_node("Relu", ["c" + n], ["r" + n]),
        ]
        value = "r" + n
    shape = (1, 3, 12, 17)
    inputs = [("x", TensorProto.FLOAT, shape)]
    return model(nodes, inputs, [("r1", TensorProto.FLOAT, [1, 4, 12, 17])], initializers), shape


def runtime(network, feed):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        network.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    name = session.get_inputs()[0]
    return session.run(
        None, {name.name: feed.astype(np.float16 if "float16" in name.type else np.float32)}
    )[0]


def compare(title, network, shape, tolerance):
    """Largest difference against the reference's largest magnitude; True when small enough."""
    onnx.checker.check_model(network)
    # Numbers that float16 has, so that both are given the same.
    x = RNG.uniform(-1, 1, shape).astype(np.float16).astype(np.float32)
    wanted = runtime(network, x).astype(np.float64)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        onnx.save(network, path)
        np.save(os.path.join(folder, "x.npy"), x)
        subprocess.run(
            [os.environ["CONVRNN_TOOL"], "run", path, "--input", "x=" + folder + "/x.npy",
             "--output", folder + "/out"],
            check=True,
        )
        (file,) = os.listdir(folder + "/out")
        found = np.load(os.path.join(folder, "out", file))
    assert found.dtype == np.float32 and found.shape == wanted.shape, (found.dtype, found.shape)
    difference = np.abs(found - wanted).max() / np.abs(wanted).max()
    print("%-28s %.2e (at most %g)" % (title, difference, tolerance))
    return difference <= tolerance


def main():
    results = [
        compare("float16", *half_network(False), 1e-2),
        compare("float16 between Casts", *half_network(True), 1e-2),
        compare("bfloat16 weights", *bfloat16_network(), 1e-5),
        # A number on the edge between two steps may fall to either side.
        compare("quantized", *quantized_network(), 1e-2),
    ]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
