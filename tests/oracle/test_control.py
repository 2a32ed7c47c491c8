# SPDX-License-Identifier: LGPL-2.1-or-later
"""Control flow and functions, against ONNX Runtime.

Models in ONNX's text form, each run for three steps on made-up numbers. A state of a model is
carried by hand for ONNX Runtime, and by the library for itself. CONVRNN_TOOL is the convrnn command.
"""

import json
import os
import subprocess
import sys
import tempfile

from interpreter import need

need("numpy", "onnxruntime", "onnx.reference")
import numpy as np  # noqa: E402
import onnx.parser  # noqa: E402
import onnx.reference  # noqa: E402
import onnxruntime  # noqa: E402

STEPS = 3
SEED = 7

HEAD = '<ir_version: %d, opset_import: ["": %d, "local": 1]>\n'


class Model:
    def __init__(self, text, opset=17, ir=8, states=(), weights=None, overload=None, ort=True):
        self.text = HEAD % (ir, opset) + text
        self.states = dict(states)  # input → output
        self.weights = weights or {}  # initializers: name → shape
        self.overload = overload
        self.ort = ort  # else ONNX's own evaluator, where ONNX Runtime does not do it


MODELS = {
    # --- functions ---
    "function-attributes": Model(
        """
        g (float[2,3] x) => (float[2,3] y) {
            a = local.leak <slope: float = 0.25> (x)
            b = local.leak (x)
            y = local.last <axis: int = -1> (a, b)
        }
        <opset_import: ["": 17], domain: "local">
        leak <slope: float = 0.5> (v) => (w) { w = LeakyRelu <alpha: float = @slope> (v) }
        <opset_import: ["": 17], domain: "local">
        last <axis> (p, q) => (r) { s = Sub(p, q)  r = Softmax <axis: int = @axis> (s) }
        """
    ),
    "function-attribute-left-out": Model(
        """
        g (float[2,3] x) => (float[2,3] y) { y = local.leak (x) }
        <opset_import: ["": 17], domain: "local">
        leak <slope> (v) => (w) { w = LeakyRelu <alpha: float = @slope> (v) }
        """
    ),
    "function-nested": Model(
        """
        g (float[2,3] x) => (float[2,3] y, float[2,3] z) { y, z = local.outer (x) }
        <opset_import: ["": 17, "local": 1], domain: "local">
        outer (x) => (y, z) {
            t, u = local.inner <k: float = 2.0> (x, x)
            y, z = local.inner (t, u)
        }
        <opset_import: ["": 17], domain: "local">
        inner <k: float = 0.5> (a, t) => (t1, y) {
            c = Constant <value_float: float = @k> ()
            t1 = Mul (a, c)
            y = Sub (t, t1)
        }
        """
    ),
    "function-opset": Model(
        """
        g (float[2,3,4] x) => (float[2,12] y) {
            s = local.sum (x)
            axes = Constant <value_ints: ints = [1]> ()
            t = Unsqueeze (s, axes)
            u = Sub (x, t)
            y = Flatten (u)
        }
        <opset_import: ["": 11], domain: "local">
        sum (a) => (b) { c = ReduceSum <axes: ints = [1], keepdims: int = 1> (a)
                         b = Squeeze <axes: ints = [1]> (c) }
        """,
        ort=False,
    ),
    "function-optional-input": Model(
        """
        g (float[2,3] x) => (float[2,3] y) {
            top = Constant <value_float: float = 0.3> ()
            a = local.limit (x, , top)
            y = local.limit (a, , )
        }
        <opset_import: ["": 17], domain: "local">
        limit (v, low, high) => (w) { w = Clip (v, low, high) }
        """
    ),
    "function-hands-through": Model(
        """
        g (float[2,3] x) => (float[2,3] y, float[2,3] z) { y, n, z = local.both (x) }
        <opset_import: ["": 17], domain: "local">
        both (v) => (v, m, m) { m = Neg (v) }
        """,
        ort=False,
    ),
    "function-overload": Model(
        """
        g (float[2,3] x) => (float[2,3] y) { a = local.f (x)  b = local.f (x)  y = Mul (a, b) }
        <opset_import: ["": 17], domain: "local">
        f (v) => (w) { w = Neg (v) }
        <opset_import: ["": 17], domain: "local">
        f (v) => (w) { w = Exp (v) }
        """,
        ir=10,
        overload="second",
    ),
    "function-with-loop": Model(
        """
        g (float[2,3] x) => (float[2,3] y) { y = local.power <factor: float = 1.5> (x, x) }
        <opset_import: ["": 17], domain: "local">
        power <factor: float = 2.0> (v, by) => (w) {
            n = Constant <value_int: int = 3> ()
            w = Loop (n, , v) <body = b (int64 i, bool go, float[2,3] h) => (bool again, float[2,3] r) {
                c = Constant <value_float: float = @factor> ()
                m = Mul (h, by)
                r = Mul (m, c)
                again = Identity (go)
            }>
        }
        """
    ),
    # --- If ---
    "if-by-shape": Model(
        """
        g (float[2,3] x, float[4,3] z) => (y, w) {
            zero = Constant <value_int: int = 0> ()
            four = Constant <value_int: int = 4> ()
            sx = Shape (x)  nx = Gather (sx, zero)  cx = Equal (nx, four)
            sz = Shape (z)  nz = Gather (sz, zero)  cz = Equal (nz, four)
            d = Neg (x)
            y = If (cx) <then_branch = a () => (float[2,3] p) { p = Add (d, x) },
                         else_branch = b () => (float[3,2] q) { q = Transpose (d) }>
            w = If (cz) <then_branch = c () => (float[4,3] p2) {
                             e = Exp (z)
                             p2 = If (cx) <then_branch = c1 () => (float[4,3] q1) { q1 = Neg (e) },
                                           else_branch = c2 () => (float[4,3] q2) { q2 = Sub (e, z) }>
                         },
                         else_branch = f () => (float[4,3] q3) { q3 = Identity (z) }>
        }
        """
    ),
    "if-hands-through": Model(
        """
        g (float[2,3] x) => (float[2,3] y, float[3] k) {
            yes = Constant <value: tensor = bool {1}> ()
            n = Neg (x)
            y, k = If (yes) <then_branch = a () => (float[2,3] p, float[3] q) {
                                 p = Identity (n)
                                 q = Constant <value_floats: floats = [1.0, 2.0, 3.0]> ()
                             },
                             else_branch = b () => (float[2,3] p2, float[3] q2) {
                                 p2 = Identity (x)
                                 q2 = Constant <value_floats: floats = [3.0, 2.0, 1.0]> ()
                             }>
        }
        """
    ),
    # --- Loop ---
    "loop-collects": Model(
        """
        g (float[2,3] x) => (float[2,3] h, float[4,2,3] all, float[4] numbers)
        <float[3,3] W> {
            n = Constant <value_int: int = 4> ()
            yes = Constant <value: tensor = bool {1}> ()
            bias = Exp (x)
            h, all, numbers = Loop (n, yes, x) <body = b (int64 i, bool go, float[2,3] h0) =>
                (bool again, float[2,3] h1, float[2,3] c, float f) {
                again = Identity (go)
                m = MatMul (h0, W)
                s = Add (m, bias)
                h1 = Tanh (s)
                f = Cast <to: int = 1> (i)
                c = Mul (h1, f)
            }>
        }
        """,
        weights={"W": (3, 3)},
    ),
    "loop-until": Model(
        """
        g (float[2,3] x) => (float[2,3] y, float[N,2,3] all) {
            yes = Constant <value: tensor = bool {1}> ()
            two = Constant <value_int: int = 2> ()
            y, all = Loop ( , yes, x) <body = b (int64 i, bool go, float[2,3] a) =>
                (bool again, float[2,3] r, float[2,3] kept) {
                r = Mul (a, x)
                kept = Neg (r)
                again = Less (i, two)
            }>
        }
        """
    ),
    "loop-never": Model(
        """
        g (float[2,3] x) => (float[2,3] y, float[N,2] all) {
            none = Constant <value_int: int = 0> ()
            z = Neg (x)
            y, all = Loop (none, , z) <body = b (int64 i, bool go, float[2,3] a) =>
                (bool go, float[2,3] r, float[2] s) {
                r = Mul (a, x)
                one = Constant <value_ints: ints = [1]> ()
                s = ReduceSum <keepdims: int = 0> (r, one)
            }>
        }
        """
    ),
    "loop-swaps": Model(
        """
        g (float[2,3] x) => (float[2,3] a, float[2,3] b) {
            three = Constant <value_int: int = 3> ()
            n = Neg (x)
            a, b = Loop (three, , x, n) <body = l (int64 i, bool go, float[2,3] p, float[2,3] q) =>
                (bool go, float[2,3] q, float[2,3] p) { unused = Neg (p) }>
        }
        """
    ),
    "loop-in-if-in-loop": Model(
        """
        g (float[2,3] x) => (float[2,3] y) {
            three = Constant <value_int: int = 3> ()
            one = Constant <value_int: int = 1> ()
            y = Loop (three, , x) <body = outer (int64 i, bool go, float[2,3] a) =>
                (bool go, float[2,3] r) {
                odd = Equal (i, one)
                e = Exp (a)
                r = If (odd) <then_branch = t () => (float[2,3] s) {
                        s = Loop (i, , a) <body = inner (int64 k, bool g2, float[2,3] b) =>
                            (bool g2, float[2,3] c) { d = Sub (b, e)  c = Sub (d, x) }>
                    },
                    else_branch = f () => (float[2,3] u) { u = Neg (a) }>
            }>
        }
        """
    ),
    "loop-grows": Model(
        """
        g (float[1,3] x) => (y) {
            three = Constant <value_int: int = 3> ()
            y = Loop (three, , x) <body = b (int64 i, bool go, float[N,3] a) => (bool go, float[M,3] r) {
                r = Concat <axis: int = 0> (a, x)
            }>
        }
        """
    ),
    "loop-over-time": Model(
        """
        g (float[5,1,3] x) => (float[5,1,3] y)
        <float[3,3] W, float[3,3] R, float[1,3] h0> {
            five = Constant <value_int: int = 5> ()
            h, y = Loop (five, , h0) <body = b (int64 t, bool go, float[1,3] h) =>
                (bool go, float[1,3] hn, float[1,3] out) {
                xt = Gather <axis: int = 0> (x, t)
                wx = MatMul (xt, W)
                rh = MatMul (h, R)
                z = Add (wx, rh)
                hn = Tanh (z)
                out = Identity (hn)
            }>
        }
        """,
        weights={"W": (3, 3), "R": (3, 3), "h0": (1, 3)},
    ),
    # --- Scan ---
    "scan-axes": Model(
        """
        g (float[2,3,4] x, float[4,2] z, float[2,3] h) =>
          (float[2,3] last, float[2,4,3] a, float[2,4] b, float[4,2,3] c) {
            last, a, b, c = Scan (h, x, z)
                <num_scan_inputs = 2, scan_input_axes = [2, 0], scan_input_directions = [1, 0],
                 scan_output_axes = [1, -1, 0], scan_output_directions = [0, 1, 1],
                 body = s (float[2,3] h0, float[2,3] xt, float[2] zt) =>
                    (float[2,3] h1, float[2,3] a1, float[2] b1, float[2,3] c1) {
                    one = Constant <value_ints: ints = [1]> ()
                    w = Unsqueeze (zt, one)
                    p = Mul (xt, w)
                    h1 = Sub (p, h0)
                    a1 = Exp (xt)
                    b1 = Neg (zt)
                    c1 = Identity (h1)
                }>
        }
        """
    ),
    "scan-negative-axis": Model(
        """
        g (float[2,5] x) => (float[2] last, float[2,5] all) {
            zero = Constant <value_floats: floats = [0.0, 0.0]> ()
            last, all = Scan (zero, x)
                <num_scan_inputs = 1, scan_input_axes = [-1], scan_output_axes = [-1],
                 body = s (float[2] sum, float[2] v) => (float[2] next, float[2] out) {
                    next = Add (sum, v)
                    out = Identity (next)
                }>
        }
        """
    ),
    "scan-without-state": Model(
        """
        g (float[3,4] x) => (float[3,4] y) {
            y = Scan (x) <num_scan_inputs = 1,
                          body = s (float[4] v) => (float[4] w) { w = Softmax (v) }>
        }
        """
    ),
    "scan-of-a-batch": Model(
        """
        g (float[2,3] h, float[2,4,3] x) => (float[2,3] last, float[2,4,3] all) {
            last, all = Scan ( , h, x)
                <num_scan_inputs = 1, directions = [1],
                 body = s (float[3] sum, float[3] v) => (float[3] next, float[3] out) {
                    next = Sub (v, sum)
                    out = Exp (next)
                }>
        }
        """,
        opset=8,
    ),
    "scan-of-one-step": Model(
        """
        g (float[1,1,3] x, float[1,3] h_in) => (float[1,1,3] y, float[1,3] h_out)
        <float[3,3] W, float[3,3] R> {
            h_out, y = Scan (h_in, x)
                <num_scan_inputs = 1,
                 body = s (float[1,3] h, float[1,3] v) => (float[1,3] next, float[1,3] out) {
                    wx = MatMul (v, W)
                    rh = MatMul (h, R)
                    z = Add (wx, rh)
                    next = Tanh (z)
                    out = Neg (next)
                }>
        }
        """,
        states={"h_in": "h_out"},
        weights={"W": (3, 3), "R": (3, 3)},
    ),
    "loop-of-one-step": Model(
        """
        g (float[1,2,6,6] x, float[1,2,6,6] h_in) => (float[1,2,6,6] y, float[1,2,6,6] h_out)
        <float[4,4,3,3] G, float[2,4,3,3] C> {
            one = Constant <value_int: int = 1> ()
            h_out = Loop (one, , h_in) <body = b (int64 i, bool go, float[1,2,6,6] h) =>
                (bool go, float[1,2,6,6] hn) {
                xh = Concat <axis: int = 1> (x, h)
                g = Conv <pads: ints = [1, 1, 1, 1]> (xh, G)
                s = Sigmoid (g)
                r, z = Split <axis: int = 1> (s)
                rh = Mul (r, h)
                xrh = Concat <axis: int = 1> (x, rh)
                c = Conv <pads: ints = [1, 1, 1, 1]> (xrh, C)
                n = Tanh (c)
                d = Sub (h, n)
                zd = Mul (z, d)
                hn = Add (n, zd)
            }>
            y = Neg (h_out)
        }
        """,
        states={"h_in": "h_out"},
        weights={"G": (4, 4, 3, 3), "C": (2, 4, 3, 3)},
    ),
}


def build(case, rng):
    model = onnx.parser.parse_model(case.text)
    for name, shape in case.weights.items():
        tensor = (rng.standard_normal(shape) * 0.5).astype(np.float32)
        model.graph.initializer.append(onnx.numpy_helper.from_array(tensor, name))
    if case.overload:
        model.functions[1].overload = case.overload
        model.graph.node[1].overload = case.overload
    return model


def shape_of(value):
    return [d.dim_value for d in value.type.tensor_type.shape.dim]


def run(name, folder):
    case = MODELS[name]
    rng = np.random.default_rng(SEED)
    model = build(case, rng)
    path = os.path.join(folder, name + ".onnx")
    onnx.save(model, path)
    if case.ort:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        reference = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    else:
        reference = onnx.reference.ReferenceEvaluator(path)
    outputs = [o.name for o in model.graph.output]
    out = os.path.join(folder, name)
    os.mkdir(out)
    ports = {v.name: shape_of(v) for v in model.graph.input if v.name not in case.weights}
    carried = {i: np.zeros(ports[i], np.float32) for i in case.states}
    steps = []
    for step in range(STEPS):
        feed = dict(carried)
        files = {}
        for port, shape in ports.items():
            if port not in carried:
                feed[port] = rng.standard_normal(shape).astype(np.float32)
                files[port] = "%s-%s-%d.npy" % (name, port, step)
                np.save(os.path.join(folder, files[port]), feed[port])
        results = dict(zip(outputs, reference.run(None, feed)))
        carried = {i: results[o] for i, o in case.states.items()}
        for output, value in results.items():
            if output not in case.states.values():
                np.save(os.path.join(out, "%03d_%s.npy" % (step, output)), value)
        steps.append(files)
    spec = os.path.join(folder, name + ".json")
    with open(spec, "w", encoding="utf-8") as to:
        json.dump({"model": path, "out": name, "steps": steps}, to)
    command = [os.environ["CONVRNN_TOOL"], "run", "--spec", spec, "--check"]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        print("FAIL %s:\n%s%s" % (name, result.stdout, result.stderr))
    return result.returncode == 0


def main():
    print("compared with ONNX Runtime " + onnxruntime.__version__, flush=True)
    names = sys.argv[1:] or list(MODELS)
    with tempfile.TemporaryDirectory() as folder:
        failed = [name for name in names if not run(name, folder)]
    print("%d of %d models agree" % (len(names) - len(failed), len(names)))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
