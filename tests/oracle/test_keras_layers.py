# SPDX-License-Identifier: LGPL-2.1-or-later
"""The builder's layers against what Keras calls them, on the same numbers: test_keras_layers.py RUN-LAYERS

What docs/layers.md says in its last column. Keras has channels last: tensors are turned round on their
way. Skipped, loudly, where no Python has Keras and TensorFlow.
"""

import os
import subprocess
import sys

from interpreter import need

need("keras", "tensorflow", "numpy")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import activations as act  # noqa: E402
from keras import layers as k  # noqa: E402

TOLERANCE = 2e-5
NAMES = ("x", "weights", "bias", "scale", "mean", "variance", "slope", "x2")


def wave(name, *shape):
    """tests/support/layer_case.h."""
    v = np.sin(0.37 * np.arange(1, np.prod(shape) + 1) + NAMES.index(name))
    return (1 + v / 2 if name == "variance" else v).astype(np.float32).reshape(shape)


def last(x):
    return np.moveaxis(x, 1, -1)


def first(y):
    return np.moveaxis(np.asarray(y), -1, 1)


def run(layer, x, *weights):
    layer.build(x.shape)
    layer.set_weights(weights)
    return first(layer(x))


IMAGE = last(wave("x", 1, 4, 9, 11))
SIGNAL = last(wave("x", 1, 4, 13))


def conv(line, make, shape, x=IMAGE):
    """(M, C, kernel…) → (kernel…, C, M)"""
    w = np.moveaxis(wave("weights", *shape), (0, 1), (-1, -2))
    return line, run(make(shape[0], shape[2:], use_bias=True), x, w, wave("bias", shape[0]))


def convolutions():
    for padding, number in (("valid", 0), ("same", 1)):
        end = " padding=%d" % number
        yield conv(
            "conv2d x=1,4,9,11 weights=6,4,3,2 bias=6 stride=2,2" + end,
            lambda m, kernel, **o: k.Conv2D(m, kernel, 2, padding, **o),
            (6, 4, 3, 2),
        )
        yield conv(
            "conv2d x=1,4,9,11 weights=6,4,3,2 bias=6 dilation=2,2" + end,
            lambda m, kernel, **o: k.Conv2D(m, kernel, padding=padding, dilation_rate=2, **o),
            (6, 4, 3, 2),
        )
        yield conv(
            "conv1d x=1,4,13 weights=6,4,4 bias=6 stride=3" + end,
            lambda m, kernel, **o: k.Conv1D(m, kernel, 3, padding, **o),
            (6, 4, 4),
            SIGNAL,
        )
        depthwise = np.moveaxis(wave("weights", 4, 1, 3, 3), (0, 1), (2, 3))
        yield (
            "conv2d x=1,4,9,11 weights=4,1,3,3 groups=4" + end,
            run(k.DepthwiseConv2D(3, padding=padding, use_bias=False), IMAGE, depthwise),
        )
        transposed = np.moveaxis(wave("weights", 4, 5, 3, 4), (0, 1), (-1, -2))
        yield (
            "conv_transpose2d x=1,4,9,11 weights=4,5,3,4 bias=5 stride=2,2" + end,
            run(k.Conv2DTranspose(5, (3, 4), 2, padding), IMAGE, transposed, wave("bias", 5)),
        )
        for line, layer, x in (
            ("max_pool2d x=1,4,9,11 kernel=2,3", k.MaxPooling2D((2, 3), padding=padding), IMAGE),
            ("max_pool2d x=1,4,9,11 kernel=3,3 stride=2,2", k.MaxPooling2D(3, 2, padding), IMAGE),
            ("average_pool2d x=1,4,9,11 kernel=3,2 stride=2,2", k.AveragePooling2D((3, 2), 2, padding), IMAGE),
            ("max_pool1d x=1,4,13 kernel=3 stride=2", k.MaxPooling1D(3, 2, padding), SIGNAL),
            ("average_pool1d x=1,4,13 kernel=2", k.AveragePooling1D(2, padding=padding), SIGNAL),
        ):
            yield line + end, first(layer(x))


def others():
    yield "global_average_pool x=1,4,9,11", first(k.GlobalAveragePooling2D(keepdims=True)(IMAGE))
    yield "global_max_pool x=1,4,9,11", first(k.GlobalMaxPooling2D(keepdims=True)(IMAGE))
    yield (
        "dense x=2,12 weights=5,12 bias=5",
        run(k.Dense(5), wave("x", 2, 12), wave("weights", 5, 12).T, wave("bias", 5)),
    )
    four = [wave(name, 4) for name in ("scale", "bias", "mean", "variance")]
    yield (
        "batch_norm x=1,4,9,11 scale=4 bias=4 mean=4 variance=4 epsilon=0.001",
        run(k.BatchNormalization(), IMAGE, *four),
    )
    yield "group_norm x=1,4,9,11 scale=4 bias=4 groups=2 epsilon=0.001", run(k.GroupNormalization(2), IMAGE, *four[:2])
    yield "instance_norm x=1,4,9,11 scale=4 bias=4 epsilon=0.001", run(k.GroupNormalization(-1), IMAGE, *four[:2])
    rows = wave("x", 2, 3, 5)
    layer = k.LayerNormalization()
    layer.build(rows.shape)
    layer.set_weights([wave("scale", 5), wave("bias", 5)])
    yield "layer_norm x=2,3,5 scale=5 bias=5 epsilon=0.001", np.asarray(layer(rows))
    yield "dropout x=2,3,5", np.asarray(k.Dropout(0.5)(rows, training=False))
    yield "concat x=1,4,9,11 x2=1,3,9,11", first(k.Concatenate()([IMAGE, last(wave("x2", 1, 3, 9, 11))]))
    split = keras.ops.split(wave("x", 1, 7, 3), [2, 6], axis=1)
    yield "split x=1,7,3 sizes=2,4,1", tuple(np.asarray(part) for part in split)
    yield "slice x=2,9,4 axis=1 begin=2 end=8 step=2", wave("x", 2, 9, 4)[:, 2:8:2]
    yield "pad x=1,4,9,11 before=0,0,1,2 after=0,0,3,0", first(k.ZeroPadding2D(((1, 3), (2, 0)))(IMAGE))
    yield "resize2d x=1,4,9,11 scale=2,3", first(k.UpSampling2D((2, 3))(IMAGE))
    yield "resize2d x=1,4,9,11 scale=2,3 mode=1", first(k.UpSampling2D((2, 3), interpolation="bilinear")(IMAGE))
    yield "reshape x=2,3,5 dims=2,5,3", np.asarray(k.Reshape((5, 3))(rows))
    yield "transpose x=2,3,5 order=0,2,1", np.asarray(k.Permute((2, 1))(rows))
    yield "softmax x=2,3,5 axis=1", np.asarray(k.Softmax(axis=1)(rows))
    yield "log_softmax x=2,3,5 axis=1", np.asarray(act.log_softmax(rows, axis=1))
    yield "prelu x=1,4,9,11 slope=4", run(k.PReLU(shared_axes=[1, 2]), IMAGE, wave("slope", 1, 1, 4))


FUNCTIONS = (
    (1, act.relu),
    (2, act.relu6),
    ("3 alpha=0.2", act.leaky_relu),
    (4, act.elu),
    (5, act.sigmoid),
    ("6 alpha=0.16666667 beta=0.5", act.hard_sigmoid),
    (7, act.tanh),
    (8, act.softmax),
    (9, act.log_softmax),
    (10, act.selu),
    (11, act.celu),
    (12, lambda x: act.gelu(x, approximate=False)),
    (13, lambda x: act.gelu(x, approximate=True)),
    (14, act.silu),
    (15, act.mish),
    (16, act.softplus),
    (17, act.softsign),
    (18, act.hard_swish),
    (19, act.hard_tanh),
)


def functions():
    for number, function in FUNCTIONS:
        yield "activation x=2,3,5 gain=9 activation=%s" % number, np.asarray(function(9 * wave("x", 2, 3, 5)))


def parse(text):
    parts = []
    for word in text.split():
        if word.startswith("["):
            parts.append(([int(n) for n in word[1:-1].split(",")], []))
        else:
            parts[-1][1].append(float(word))
    return [np.array(v).reshape(shape) for shape, v in parts]


def agrees(text, wanted):
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    found = [] if text.startswith("error") else parse(text)
    return [f.shape for f in found] == [w.shape for w in wanted] and all(
        np.all(np.abs(f - w) <= TOLERANCE * np.maximum(1, np.abs(w))) for f, w in zip(found, wanted)
    )


def main():
    cases = [*convolutions(), *others(), *functions()]
    lines = "".join(line + "\n" for line, _ in cases)
    results = subprocess.run([sys.argv[1]], input=lines, capture_output=True, encoding="utf-8").stdout.splitlines()
    results += ["error: the program ended"] * (len(cases) - len(results))
    failed = 0
    for (line, wanted), text in zip(cases, results):
        if not agrees(text, wanted):
            failed += 1
            print("%s\n  found    %s\n  expected %s" % (line, text[:300], str(wanted)[:300]))
    print("Keras %s: %d passed, %d failed, 0 skipped" % (keras.__version__, len(cases) - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
