# SPDX-License-Identifier: LGPL-2.1-or-later
"""Keras models through Keras' own ONNX export and through tf2onnx."""

import functools
import importlib.util
import logging
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
logging.disable(logging.WARNING)

import keras  # noqa: E402
import numpy as np  # noqa: E402
import onnx  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers as k  # noqa: E402

STEPS = 2
EXPORTERS = ["keras"] + (["tf2onnx"] if importlib.util.find_spec("tf2onnx") else [])
PICTURE = (16, 16, 3)


def gelu(x):
    """By tanh: tf2onnx has no exact one."""
    return keras.ops.gelu(x, approximate=True)


def sequential(shape, *layers):
    return keras.Sequential([keras.Input(shape, batch_size=1), *layers])


def classifier():
    x = keras.Input(PICTURE, batch_size=1)
    y = k.Conv2D(8, 3, 2, "same", use_bias=False)(x)
    y = k.Activation("silu")(k.BatchNormalization()(y))
    z = k.DepthwiseConv2D(3, padding="same")(y)
    z = k.BatchNormalization()(z)
    gate = k.Dense(4, "relu")(k.GlobalAveragePooling2D()(z))
    gate = k.Reshape((1, 1, 8))(k.Dense(8, "hard_sigmoid")(gate))
    y = k.Add()([y, k.Multiply()([z, gate])])
    y = k.SeparableConv2D(6, 3, activation=gelu)(y)
    return keras.Model(x, k.Dense(5, "softmax")(k.GlobalMaxPooling2D()(y)))


def unet():
    x = keras.Input(PICTURE, batch_size=1)
    a = k.Conv2D(6, 3, padding="same", activation="relu")(x)
    b = k.Conv2D(8, 3, 2, "same", activation="elu")(a)
    c = k.Conv2D(10, 3, 2, "same", activation="leaky_relu")(b)
    d = k.Concatenate()([k.Conv2DTranspose(8, 3, 2, "same")(c), b])
    d = k.UpSampling2D(2, interpolation="bilinear")(k.Conv2D(8, 3, padding="same")(d))
    y = k.add([d, k.Conv2D(8, 1)(a)])
    return keras.Model(x, k.Conv2D(2, 3, padding="same", activation="sigmoid")(y))


def norms():
    x = keras.Input(PICTURE, batch_size=1)
    y = k.GroupNormalization(2)(k.Conv2D(8, 4, 4)(x))
    z = k.LayerNormalization()(k.DepthwiseConv2D(3, padding="same")(y))
    return keras.Model(x, k.add([y, k.Dense(8)(k.Dense(16, gelu)(z))]))


def attention():
    x = keras.Input(PICTURE, batch_size=1)
    y = k.Reshape((4, 12))(k.Conv2D(12, 8, 8)(x))
    z = k.LayerNormalization()(y)
    return keras.Model(x, k.add([y, k.MultiHeadAttention(3, 4)(z, z)]))


def clip3d():
    return sequential(
        (4, 8, 12, 3),
        k.Conv3D(6, 3, (1, 2, 2), "same", activation="relu"),
        k.MaxPooling3D(2),
        k.Conv3D(4, (2, 2, 2), activation="tanh"),
        k.GlobalAveragePooling3D(),
    )


def columns():
    return sequential(
        PICTURE,
        k.Conv2D(4, 3, padding="same", activation="relu"),
        k.Permute((2, 1, 3)),
        k.Reshape((16, 64)),
        k.Bidirectional(k.LSTM(7, return_sequences=True)),
        k.Dense(5),
    )


def conv_lstm_sequence():
    """A sequence inside one input: all of its steps in one run."""
    return sequential(
        (4, 8, 12, 3),
        k.ConvLSTM2D(4, 3, padding="same", return_sequences=True),
        k.ConvLSTM2D(3, 3, padding="same"),
    )


def recurrent(*cells):
    """The usual video network: a CNN for each frame, then time. One frame at a time here."""
    return sequential(
        (1, *PICTURE),
        k.TimeDistributed(k.Conv2D(4, 3, 4, activation="relu")),
        k.TimeDistributed(k.GlobalAveragePooling2D()),
        *cells,
        k.Dense(5),
    )


def gru_stack():
    return recurrent(k.GRU(7, return_sequences=True), k.GRU(6))


def gru_before():
    return recurrent(k.GRU(7, reset_after=False))


def lstm_stack():
    return recurrent(k.LSTM(7, return_sequences=True), k.LSTM(6))


def simple_rnn():
    return recurrent(k.SimpleRNN(7))


def conv_lstm():
    return sequential((1, *PICTURE), k.ConvLSTM2D(4, 3, 2, padding="same"), k.GlobalMaxPooling2D())


PLAIN = [classifier, unet, norms, attention, clip3d, columns, conv_lstm_sequence]
CARRIED = [gru_stack, gru_before, lstm_stack, simple_rnn, conv_lstm]


def new(build):
    keras.backend.clear_session()
    keras.utils.set_random_seed(1)
    model = build()
    rng = np.random.default_rng(3)
    for layer in model.layers:
        if isinstance(layer, k.BatchNormalization):
            gamma, beta, mean, variance = layer.get_weights()
            layer.set_weights([gamma, beta, rng.uniform(-0.2, 0.2, mean.shape),
                               rng.uniform(0.5, 2, variance.shape)])  # fmt: skip
    return model


def export(model, path, exporter):
    if exporter == "keras":
        model(pictures(model, 1)[0])
        model.export(path, format="onnx", verbose=False)
        onnx.checker.check_model(path)  # it may hold operators that ONNX does not have
        return
    import tf2onnx

    spec = [tf.TensorSpec(model.inputs[0].shape, tf.float32, name="x")]
    function = tf.function(lambda x: model(x, training=False), input_signature=spec)
    file, _ = tf2onnx.convert.from_function(
        function, input_signature=spec, opset=17, output_path=path
    )
    onnx.checker.check_model(file)


def names_of(path):
    graph = onnx.load(path).graph
    return graph.input[0].name, graph.output[0].name


def pictures(model, n=STEPS):
    rng = np.random.default_rng(2)
    return [rng.random(model.input_shape, dtype=np.float32) for _ in range(n)]


def vector(path, frames, results, **more):
    x, y = names_of(path)
    return {
        "inputs": [{x: frame} for frame in frames],
        "outputs": [{y: np.asarray(result)} for result in results],
        **more,
    }


def plain(build, exporter, path):
    model = new(build)
    frames = pictures(model)
    export(model, path, exporter)
    return vector(path, frames, [model(frame, training=False) for frame in frames])


def streamed(model, frames):
    """The same layers with the state kept from call to call, as Keras has it."""
    stateful = keras.models.clone_model(
        model,
        clone_function=lambda layer: layer.__class__.from_config(
            {**layer.get_config(), "stateful": True}
            if isinstance(layer, (k.RNN, k.LSTM, k.GRU, k.SimpleRNN, k.ConvLSTM2D))
            else layer.get_config()
        ),
    )
    stateful.set_weights(model.get_weights())
    return [np.array(stateful(frame, training=False)) for frame in frames]


def carried(build, exporter, path):
    model = new(build)
    frames = pictures(model, 3)
    export(model, path, exporter)
    return vector(path, frames, streamed(model, frames), spec={"carry-rnn-state": True})


def cases():
    for exporter in EXPORTERS:
        for build in PLAIN:
            name = "%s-%s" % (build.__name__.replace("_", "-"), exporter)
            yield name, functools.partial(plain, build, exporter)
        for build in CARRIED:
            name = "%s-%s" % (build.__name__.replace("_", "-"), exporter)
            yield name, functools.partial(carried, build, exporter)
