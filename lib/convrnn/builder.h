/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <convrnn/model.h>

G_BEGIN_DECLS

/**
 * ConvRnnBuilder:
 *
 * Makes a model in C, without a file: inputs, layers, recurrent cells, outputs.
 *
 * |[<!-- language="C" -->
 * g_autoptr(ConvRnnBuilder) b = convrnn_builder_new();
 * gint64 dims[] = {1, 3, 64, 64};
 * guint x = convrnn_builder_input(b, "frame", CONVRNN_DTYPE_FLOAT32, dims, 4);
 * x = convrnn_builder_conv2d(b, x, CONVRNN_CONV2D(.weights = w, .bias = bias, .same = TRUE,
 *                                                 .activation = CONVRNN_ACTIVATION_RELU));
 * x = convrnn_builder_conv_gru(b, "memory", x, CONVRNN_CONV_CELL(.weights = gw, .recurrent = gr,
 *                                                               .height = 64, .width = 64));
 * convrnn_builder_output(b, "result", x);
 * ConvRnnModel *model = convrnn_builder_build(b, "my network", &error);
 * ]|
 *
 * Values are numbers that the functions return; %CONVRNN_NO_VALUE (0) stands for an input that is
 * left out and for the result of a call that failed. The first failure is remembered, all calls
 * after it do nothing, and convrnn_builder_build() reports it: no call in between needs a check.
 *
 * Tensors given to a builder are referenced, not copied. Pictures are N, C, H, W.
 *
 * Thread-safety: one thread at a time per builder.
 */
typedef struct _ConvRnnBuilder ConvRnnBuilder;

#define CONVRNN_TYPE_BUILDER (convrnn_builder_get_type())
CONVRNN_API GType convrnn_builder_get_type(void);

/**
 * CONVRNN_NO_VALUE:
 *
 * No value: an optional input that is left out, or the result of a failed call.
 */
#define CONVRNN_NO_VALUE 0

/**
 * convrnn_builder_new:
 *
 * Returns: (transfer full): an empty builder.
 */
CONVRNN_API ConvRnnBuilder *convrnn_builder_new(void);

/**
 * convrnn_builder_ref:
 *
 * Returns: (transfer full): @builder, with one reference more.
 */
CONVRNN_API ConvRnnBuilder *convrnn_builder_ref(ConvRnnBuilder *builder);

/**
 * convrnn_builder_unref:
 * @builder: (nullable) (transfer full): %NULL does nothing
 */
CONVRNN_API void convrnn_builder_unref(ConvRnnBuilder *builder);

/**
 * convrnn_builder_build:
 * @name: what messages call the model
 *
 * Checks the graph and makes the model. The builder is empty afterwards, whatever the outcome, and
 * may be used for the next model. What no output needs is left out.
 *
 * Returns: (transfer full) (nullable): the model, or %NULL with @error set to the first failure:
 *   %CONVRNN_ERROR_FORMAT, _UNSUPPORTED, _SHAPE, _STATE, _LIMIT or _NOMEM.
 */
CONVRNN_API ConvRnnModel *convrnn_builder_build(ConvRnnBuilder *builder, const gchar *name,
                                                GError **error);

/* --- inputs, outputs, constants, state --- */

/**
 * convrnn_builder_input:
 * @name: the input's name, unique among the model's tensors
 * @dims: (array length=n_dims): its dimensions; -1 for one that a session binds
 *
 * Returns: the input's value.
 */
CONVRNN_API guint convrnn_builder_input(ConvRnnBuilder *builder, const gchar *name,
                                        ConvRnnDType dtype, const gint64 *dims, guint n_dims);

/**
 * convrnn_builder_output:
 * @name: the output's name, unique among the model's tensors
 *
 * Makes a value an output of the model. A value may be several outputs.
 */
CONVRNN_API void convrnn_builder_output(ConvRnnBuilder *builder, const gchar *name, guint value);

/**
 * convrnn_builder_constant:
 *
 * Returns: the value of a tensor that never changes.
 */
CONVRNN_API guint convrnn_builder_constant(ConvRnnBuilder *builder, ConvRnnTensor *tensor);

/**
 * convrnn_builder_state:
 * @input: the name of an input of this builder
 * @output: the name of an output of this builder, of the same type and shape
 * @initial: (nullable): the state before the first step and after a reset, of the input's shape or
 *   broadcast to it; %NULL for zeros
 *
 * Says that @output of one step is @input of the next. The cells below do this by themselves.
 */
CONVRNN_API void convrnn_builder_state(ConvRnnBuilder *builder, const gchar *input,
                                       const gchar *output, ConvRnnTensor *initial);

/* --- any operator --- */

/**
 * convrnn_builder_node:
 * @op: the name of an operator of ONNX, in the form of opset 21
 * @inputs: (array length=n_inputs): its inputs; %CONVRNN_NO_VALUE for one that is left out
 * @attributes: (nullable): a dictionary (`a{sv}`); integers and booleans are ints, doubles floats,
 *   strings strings, and arrays of these lists. A floating reference is taken
 *
 * Returns: the operator's first output.
 */
CONVRNN_API guint convrnn_builder_node(ConvRnnBuilder *builder, const gchar *op,
                                       const guint *inputs, guint n_inputs, GVariant *attributes);

/**
 * convrnn_builder_node_outputs:
 * @op: as for convrnn_builder_node()
 * @inputs: (array length=n_inputs): as for convrnn_builder_node()
 * @attributes: (nullable): as for convrnn_builder_node()
 * @outputs: (out caller-allocates) (array length=n_outputs): the operator's outputs, each
 *   %CONVRNN_NO_VALUE on failure
 * @n_outputs: how many of its outputs are wanted, at least 1
 */
CONVRNN_API void convrnn_builder_node_outputs(ConvRnnBuilder *builder, const gchar *op,
                                              const guint *inputs, guint n_inputs,
                                              GVariant *attributes, guint *outputs,
                                              guint n_outputs);

/* --- layers --- */

/**
 * ConvRnnActivation:
 * @CONVRNN_ACTIVATION_NONE: x
 * @CONVRNN_ACTIVATION_RELU: max(0, x)
 * @CONVRNN_ACTIVATION_RELU6: min(max(0, x), 6)
 * @CONVRNN_ACTIVATION_LEAKY_RELU: x for x ≥ 0, else 0.01 x
 * @CONVRNN_ACTIVATION_ELU: x for x ≥ 0, else exp(x) − 1
 * @CONVRNN_ACTIVATION_SIGMOID: 1 / (1 + exp(−x))
 * @CONVRNN_ACTIVATION_HARD_SIGMOID: min(max(0, 0.2 x + 0.5), 1)
 * @CONVRNN_ACTIVATION_TANH: tanh(x)
 * @CONVRNN_ACTIVATION_SOFTMAX: exp(x) / Σ exp(x) over the last dimension
 */
typedef enum {
    CONVRNN_ACTIVATION_NONE = 0,
    CONVRNN_ACTIVATION_RELU,
    CONVRNN_ACTIVATION_RELU6,
    CONVRNN_ACTIVATION_LEAKY_RELU,
    CONVRNN_ACTIVATION_ELU,
    CONVRNN_ACTIVATION_SIGMOID,
    CONVRNN_ACTIVATION_HARD_SIGMOID,
    CONVRNN_ACTIVATION_TANH,
    CONVRNN_ACTIVATION_SOFTMAX,
} ConvRnnActivation;

/**
 * convrnn_builder_activation:
 *
 * Returns: f(@x), element by element (softmax: row by row).
 */
CONVRNN_API guint convrnn_builder_activation(ConvRnnBuilder *builder, guint x,
                                             ConvRnnActivation activation);

/**
 * ConvRnnConv2dParams:
 * @weights: (M, C / groups, kH, kW), float32; required
 * @bias: (M), float32; %NULL: none
 * @stride: rows, columns; 0: 1
 * @dilation: rows, columns; 0: 1
 * @groups: C and M are divided into so many independent parts; 0: 1
 * @same: %TRUE: pad with zeros so that the output has ⌈size / stride⌉ rows and columns, the odd
 * pixel at the bottom and right; @pads is ignored
 * @pads: zeros added at the top, left, bottom and right, in pixels; default 0
 * @activation: applied to the result; default none
 *
 * y[m, i, j] = bias[m] + Σ weights[m, c, u, v] · x[c, i·stride + u·dilation − pad, …], the
 * cross-correlation that ONNX (operator Conv), PyTorch and Keras call convolution.
 *
 * A field that is not named is 0, its default.
 */
typedef struct {
    gpointer reserved; /*< private >*/
    ConvRnnTensor *weights;
    ConvRnnTensor *bias;
    guint stride[2];
    guint dilation[2];
    guint groups;
    gboolean same;
    guint pads[4];
    ConvRnnActivation activation;
} ConvRnnConv2dParams;

#define CONVRNN_CONV2D(...) (&(const ConvRnnConv2dParams){.reserved = NULL, __VA_ARGS__})

/**
 * convrnn_builder_conv2d:
 * @x: (N, C, H, W)
 *
 * Returns: (N, M, H', W').
 */
CONVRNN_API guint convrnn_builder_conv2d(ConvRnnBuilder *builder, guint x,
                                         const ConvRnnConv2dParams *params);

/**
 * ConvRnnPool2dParams:
 * @kernel: rows, columns of the window; required
 * @stride: rows, columns; 0: the kernel's
 * @same: as in #ConvRnnConv2dParams
 * @pads: top, left, bottom, right; default 0
 * @ceil_mode: %TRUE: a window that hangs over the edge counts as well; default %FALSE
 * @count_padding: average only: %TRUE divides by the whole window, %FALSE (default) by what of it
 * is inside the picture
 */
typedef struct {
    gpointer reserved; /*< private >*/
    guint kernel[2];
    guint stride[2];
    gboolean same;
    guint pads[4];
    gboolean ceil_mode;
    gboolean count_padding;
} ConvRnnPool2dParams;

#define CONVRNN_POOL2D(...) (&(const ConvRnnPool2dParams){.reserved = NULL, __VA_ARGS__})

/**
 * convrnn_builder_max_pool2d:
 * @x: (N, C, H, W)
 *
 * Returns: (N, C, H', W'), the largest of each window; padding never wins.
 */
CONVRNN_API guint convrnn_builder_max_pool2d(ConvRnnBuilder *builder, guint x,
                                             const ConvRnnPool2dParams *params);

/**
 * convrnn_builder_average_pool2d:
 * @x: (N, C, H, W)
 *
 * Returns: (N, C, H', W'), the mean of each window.
 */
CONVRNN_API guint convrnn_builder_average_pool2d(ConvRnnBuilder *builder, guint x,
                                                 const ConvRnnPool2dParams *params);

/**
 * convrnn_builder_global_average_pool:
 * @x: (N, C, H, W)
 *
 * Returns: (N, C, 1, 1), the mean of each channel.
 */
CONVRNN_API guint convrnn_builder_global_average_pool(ConvRnnBuilder *builder, guint x);

/**
 * ConvRnnDenseParams:
 * @weights: (M, K), float32; required
 * @bias: (M), float32; %NULL: none
 * @activation: applied to the result; default none
 *
 * y = weights · x + bias.
 */
typedef struct {
    gpointer reserved; /*< private >*/
    ConvRnnTensor *weights;
    ConvRnnTensor *bias;
    ConvRnnActivation activation;
} ConvRnnDenseParams;

#define CONVRNN_DENSE(...) (&(const ConvRnnDenseParams){.reserved = NULL, __VA_ARGS__})

/**
 * convrnn_builder_dense:
 * @x: (N, …) with K elements for each of the N
 *
 * Returns: (N, M).
 */
CONVRNN_API guint convrnn_builder_dense(ConvRnnBuilder *builder, guint x,
                                        const ConvRnnDenseParams *params);

/**
 * convrnn_builder_concat:
 * @values: (array length=n_values): tensors whose shapes differ in @axis only
 * @axis: the dimension along which they are put together; negative counts from the last. 1 is the
 *   channels of a picture
 *
 * Returns: the joined tensor.
 */
CONVRNN_API guint convrnn_builder_concat(ConvRnnBuilder *builder, const guint *values,
                                         guint n_values, gint axis);

/* --- recurrent cells ---
 *
 * Each is one time step with its state carried: the cell called "memory" makes the input
 * "memory_in" and the output "memory_out" (an LSTM "memory_h_in", "memory_c_in" and so on) and
 * pairs them. The batch is 1.
 *
 * H is the number of hidden units (dense) or channels (convolutional); it is read off the
 * recurrent weights, of which each cell has G·H rows for its G gates, in ONNX's order. */

/**
 * ConvRnnCellParams:
 * @weights: of the input, (G·H, K), float32; required
 * @recurrent: of the state, (G·H, H), float32; required
 * @bias: (G·H), float32; %NULL: zeros
 * @recurrent_bias: (G·H), float32; %NULL: zeros
 * @peephole: LSTM only: (3·H) in the order i, o, f; %NULL: none
 * @reset_after: GRU only: %TRUE applies r to the product, as PyTorch and cuDNN do; %FALSE (default)
 *   to the state, as the paper does
 * @clip: what the gates' functions take is limited to −clip … clip; 0 (default): no limit
 * @initial: (1, 1, H) or a scalar: the state before the first step; %NULL: zeros. An LSTM's cell
 *   state starts from zeros always
 *
 * The parameters of the dense cells.
 */
typedef struct {
    gpointer reserved; /*< private >*/
    ConvRnnTensor *weights;
    ConvRnnTensor *recurrent;
    ConvRnnTensor *bias;
    ConvRnnTensor *recurrent_bias;
    ConvRnnTensor *peephole;
    gboolean reset_after;
    gfloat clip;
    ConvRnnTensor *initial;
} ConvRnnCellParams;

#define CONVRNN_CELL(...) (&(const ConvRnnCellParams){.reserved = NULL, __VA_ARGS__})

/**
 * convrnn_builder_rnn:
 * @name: the cell's name
 * @x: (1, …) with K elements
 *
 * Elman's network (1990), ONNX operator RNN: h' = tanh(W·x + b + R·h + rb). G = 1.
 *
 * Returns: h', (1, H).
 */
CONVRNN_API guint convrnn_builder_rnn(ConvRnnBuilder *builder, const gchar *name, guint x,
                                      const ConvRnnCellParams *params);

/**
 * convrnn_builder_gru:
 * @name: the cell's name
 * @x: (1, …) with K elements
 *
 * Gated recurrent unit (Cho et al. 2014, arXiv:1406.1078), ONNX operator GRU. G = 3, in the order
 * z (update), r (reset), n (candidate); PyTorch's order is r, z, n.
 *
 * z = σ(Wz·x + bz + Rz·h + rbz), r = σ(Wr·x + br + Rr·h + rbr),
 * n = tanh(Wn·x + bn + Rn·(r⊙h) + rbn), or with reset_after tanh(Wn·x + bn + r⊙(Rn·h + rbn)),
 * h' = (1 − z)⊙n + z⊙h
 *
 * Returns: h', (1, H).
 */
CONVRNN_API guint convrnn_builder_gru(ConvRnnBuilder *builder, const gchar *name, guint x,
                                      const ConvRnnCellParams *params);

/**
 * convrnn_builder_lstm:
 * @name: the cell's name
 * @x: (1, …) with K elements
 *
 * Long short-term memory (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al.
 * 2000), ONNX operator LSTM. G = 4, in the order i (input), o (output), f (forget), g (candidate);
 * PyTorch's order is i, f, g, o.
 *
 * i = σ(Wi·x + Ri·h + Pi⊙c + bi + rbi), f = σ(Wf·x + Rf·h + Pf⊙c + bf + rbf),
 * g = tanh(Wg·x + Rg·h + bg + rbg), c' = f⊙c + i⊙g,
 * o = σ(Wo·x + Ro·h + Po⊙c' + bo + rbo), h' = o⊙tanh(c')
 *
 * Returns: h', (1, H).
 */
CONVRNN_API guint convrnn_builder_lstm(ConvRnnBuilder *builder, const gchar *name, guint x,
                                       const ConvRnnCellParams *params);

/**
 * ConvRnnConvCellParams:
 * @weights: of the input, (G·H, C, kH, kW), float32, kH and kW odd; required
 * @recurrent: of the state, (G·H, H, kH', kW'), float32, kH' and kW' odd; required
 * @bias: (G·H), float32; %NULL: zeros
 * @recurrent_bias: (G·H), float32; %NULL: zeros
 * @peephole: LSTM only: (3·H), or (3·H, rows, columns), in the order i, o, f; %NULL: none
 * @reset_after: GRU only: as in #ConvRnnCellParams
 * @height: rows of x and of the state; 0 (default) leaves them open, then a session must be given
 *   the shape of the state's inputs
 * @width: columns, likewise
 * @initial: the state before the first step, (1, H, rows, columns) or broadcast to it; %NULL:
 * zeros. An LSTM's cell state starts from zeros always
 *
 * The parameters of the convolutional cells. The formulas are those of the dense cells with every
 * product W·x and R·h replaced by a convolution with stride 1 and "same" zero padding.
 */
typedef struct {
    gpointer reserved; /*< private >*/
    ConvRnnTensor *weights;
    ConvRnnTensor *recurrent;
    ConvRnnTensor *bias;
    ConvRnnTensor *recurrent_bias;
    ConvRnnTensor *peephole;
    gboolean reset_after;
    guint height;
    guint width;
    ConvRnnTensor *initial;
} ConvRnnConvCellParams;

#define CONVRNN_CONV_CELL(...) (&(const ConvRnnConvCellParams){.reserved = NULL, __VA_ARGS__})

/**
 * convrnn_builder_conv_rnn:
 * @name: the cell's name
 * @x: (1, C, rows, columns)
 *
 * The formula of convrnn_builder_rnn(), with convolutions. G = 1.
 *
 * Returns: h', (1, H, rows, columns).
 */
CONVRNN_API guint convrnn_builder_conv_rnn(ConvRnnBuilder *builder, const gchar *name, guint x,
                                           const ConvRnnConvCellParams *params);

/**
 * convrnn_builder_conv_gru:
 * @name: the cell's name
 * @x: (1, C, rows, columns)
 *
 * The formula of convrnn_builder_gru(), with convolutions (Ballas et al. 2016, arXiv:1511.06432).
 * G = 3, in the order z, r, n.
 *
 * Returns: h', (1, H, rows, columns).
 */
CONVRNN_API guint convrnn_builder_conv_gru(ConvRnnBuilder *builder, const gchar *name, guint x,
                                           const ConvRnnConvCellParams *params);

/**
 * convrnn_builder_conv_lstm:
 * @name: the cell's name
 * @x: (1, C, rows, columns)
 *
 * The formula of convrnn_builder_lstm(), with convolutions (Shi et al. 2015, arXiv:1506.04214).
 * G = 4, in the order i, o, f, g.
 *
 * Returns: h', (1, H, rows, columns).
 */
CONVRNN_API guint convrnn_builder_conv_lstm(ConvRnnBuilder *builder, const gchar *name, guint x,
                                            const ConvRnnConvCellParams *params);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ConvRnnBuilder, convrnn_builder_unref)

G_END_DECLS
