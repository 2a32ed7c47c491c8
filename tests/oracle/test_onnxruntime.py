# SPDX-License-Identifier: LGPL-2.1-or-later
"""Published networks on made-up pictures, against ONNX Runtime or ONNX's reference evaluator.

    test_onnxruntime.py FOLDER NETWORK

FOLDER is as for the conformance suite's test_networks.py. CONVRNN_TOOL is the convrnn command.
Skipped, loudly, where the network or both packages are missing.
"""

import json
import os
import subprocess
import sys
import tempfile

from interpreter import SKIP, need

need("numpy", "onnxruntime or onnx.reference")
import numpy as np  # noqa: E402

# File, input, shape, and the range of its elements.
NETWORKS = {
    "ultraface": ("cnn/ultraface_version-RFB-320.onnx", "input", (1, 3, 240, 320), (-1, 1)),
    "mnist": ("cnn/mnist.onnx", "Input3", (1, 1, 28, 28), (0, 255)),
    "ppocr-cls": ("cnn/ch_ppocr_mobile_v2.0_cls_infer.onnx", "x", (1, 3, 48, 192), (-1, 1)),
}


def evaluate(path, feed):
    """Names and values of the outputs, and who computed them."""
    try:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        return names, session.run(names, feed), "ONNX Runtime " + onnxruntime.__version__
    except ImportError:
        import onnx
        from onnx.reference import ReferenceEvaluator

        model = onnx.load(path)
        for node in model.graph.node:
            if node.op_type == "BatchNormalization":
                # Before opset 14, it would mix in the batch's own mean and variance.
                kept = [a for a in node.attribute if a.name != "momentum"]
                del node.attribute[:]
                node.attribute.extend([*kept, onnx.helper.make_attribute("momentum", 1.0)])
        evaluator = ReferenceEvaluator(model)
        return evaluator.output_names, evaluator.run(None, feed), "ONNX's reference evaluator"


def smooth_picture(rng, shape, low, high):
    """Noise on a gradient: neither flat nor without structure."""
    rows = np.linspace(0, 1, shape[2])[:, None]
    columns = np.linspace(0, 1, shape[3])[None, :]
    picture = 0.5 * (rows + columns) / 2 + 0.5 * rng.random(shape)
    return (low + (high - low) * picture).astype(np.float32)


def main():
    data, name = sys.argv[1:]
    file, input_name, shape, (low, high) = NETWORKS[name]
    path = os.path.join(data, file)
    if not os.path.exists(path):
        print("SKIPPED: there is no " + path)
        sys.exit(SKIP)
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, "out"))
        steps = []
        for step in range(3):
            x = smooth_picture(rng, shape, low, high)
            names, values, who = evaluate(path, {input_name: x})
            np.save(os.path.join(folder, "%d.npy" % step), x)
            for output, value in zip(names, values):
                safe = "".join(
                    c if c.isascii() and (c.isalnum() or c in "_.-") else "_" for c in output
                )
                np.save(os.path.join(folder, "out", "%03d_%s.npy" % (step, safe)), value)
            steps.append({input_name: "%d.npy" % step})
        spec = os.path.join(folder, "spec.json")
        with open(spec, "w", encoding="utf-8") as to:
            json.dump({"model": os.path.abspath(path), "out": "out", "steps": steps}, to)
        print("compared with " + who, flush=True)
        sys.exit(
            subprocess.run(
                [os.environ["CONVRNN_TOOL"], "run", "--spec", spec, "--check"]
            ).returncode
        )


if __name__ == "__main__":
    main()
