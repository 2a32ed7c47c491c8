/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <convrnn/builder.h>

G_BEGIN_DECLS

/**
 * SECTION:layers
 *
 * Layers without state, for a #ConvRnnBuilder. Each takes a value and returns the next; put one
 * after the other, they are a network. Options are structures in which a field that is not named is
 * 0, its default. docs/layers.md says what each is called elsewhere.
 */

/* --- activations --- */

/**
 * ConvRnnActivation:
 * @CONVRNN_ACTIVATION_NONE: x
 * @CONVRNN_ACTIVATION_RELU: max(0, x)
 * @CONVRNN_ACTIVATION_RELU6: min(max(0, x), 6)
 * @CONVRNN_ACTIVATION_LEAKY_RELU: x for x ≥ 0, else α·x; α = 0.01
 * @CONVRNN_ACTIVATION_ELU: x for x ≥ 0, else α·(exp(x) − 1); α = 1 (arXiv:1511.07289)
 * @CONVRNN_ACTIVATION_SIGMOID: σ(x) = 1 / (1 + exp(−x))
 * @CONVRNN_ACTIVATION_HARD_SIGMOID: min(max(0, α·x + β), 1); α = 0.2, β = 0.5 as in Keras 2;
 * PyTorch and Keras 3 have α = 1/6
 * @CONVRNN_ACTIVATION_TANH: tanh(x)
 * @CONVRNN_ACTIVATION_SOFTMAX: exp(x) / Σ exp(x) over the last dimension
 * @CONVRNN_ACTIVATION_LOG_SOFTMAX: x − ln Σ exp(x) over the last dimension
 * @CONVRNN_ACTIVATION_SELU: 1.0507 · (x for x > 0, else 1.67326 · (exp(x) − 1)) (arXiv:1706.02515)
 * @CONVRNN_ACTIVATION_CELU: x for x ≥ 0, else α·(exp(x / α) − 1); α = 1, not 0 (arXiv:1704.07483)
 * @CONVRNN_ACTIVATION_GELU: x/2 · (1 + erf(x / √2)) (arXiv:1606.08415)
 * @CONVRNN_ACTIVATION_GELU_TANH: x/2 · (1 + tanh(√(2/π) · (x + 0.044715 x³))), the approximation
 * @CONVRNN_ACTIVATION_SILU: x · σ(x), also called swish (arXiv:1702.03118)
 * @CONVRNN_ACTIVATION_MISH: x · tanh(ln(1 + exp(x))) (arXiv:1908.08681)
 * @CONVRNN_ACTIVATION_SOFTPLUS: ln(1 + exp(x))
 * @CONVRNN_ACTIVATION_SOFTSIGN: x / (1 + |x|)
 * @CONVRNN_ACTIVATION_HARD_SWISH: x · min(max(0, x/6 + 0.5), 1) (arXiv:1905.02244)
 * @CONVRNN_ACTIVATION_CLIP: min(max(α, x), β); α = −1, β = 1
 *
 * Functions of one element, but for softmax and log-softmax. α and β are given to
 * convrnn_builder_activation_with(); everywhere else they have the values named here.
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
    CONVRNN_ACTIVATION_LOG_SOFTMAX,
    CONVRNN_ACTIVATION_SELU,
    CONVRNN_ACTIVATION_CELU,
    CONVRNN_ACTIVATION_GELU,
    CONVRNN_ACTIVATION_GELU_TANH,
    CONVRNN_ACTIVATION_SILU,
    CONVRNN_ACTIVATION_MISH,
    CONVRNN_ACTIVATION_SOFTPLUS,
    CONVRNN_ACTIVATION_SOFTSIGN,
    CONVRNN_ACTIVATION_HARD_SWISH,
    CONVRNN_ACTIVATION_CLIP,
} ConvRnnActivation;

/**
 * convrnn_builder_activation:
 *
 * Returns: f(@x), of the shape of @x.
 */
CONVRNN_API guint convrnn_builder_activation(ConvRnnBuilder *builder, guint x,
                                             ConvRnnActivation activation);

/**
 * convrnn_builder_activation_with:
 * @alpha: α of @activation, not NaN; ignored where its formula has none
 * @beta: β, likewise
 *
 * Returns: f(@x) with these parameters.
 */
CONVRNN_API guint convrnn_builder_activation_with(ConvRnnBuilder *builder, guint x,
                                                  ConvRnnActivation activation, gfloat alpha,
                                                  gfloat beta);

/**
 * convrnn_builder_prelu:
 * @slope: float32: (C), one for each channel of the picture @x; or, with any other rank, what
 *   broadcasts to the shape of @x
 *
 * Parametric ReLU (arXiv:1502.01852), ONNX operator PRelu: x for x ≥ 0, else slope·x.
 *
 * Returns: a tensor of the shape of @x.
 */
CONVRNN_API guint convrnn_builder_prelu(ConvRnnBuilder *builder, guint x, ConvRnnTensor *slope);

/**
 * convrnn_builder_softmax:
 * @axis: the dimension whose elements sum to 1 in the result; negative counts from the last
 *
 * Returns: exp(x) / Σ exp(x), of the shape of @x.
 */
CONVRNN_API guint convrnn_builder_softmax(ConvRnnBuilder *builder, guint x, gint axis);

/**
 * convrnn_builder_log_softmax:
 * @axis: as for convrnn_builder_softmax()
 *
 * Returns: x − ln Σ exp(x), of the shape of @x.
 */
CONVRNN_API guint convrnn_builder_log_softmax(ConvRnnBuilder *builder, guint x, gint axis);

/* --- convolutions and pooling --- */

/**
 * ConvRnnPadding:
 * @CONVRNN_PADDING_EXPLICIT: the pads named beside it, which are 0 by default: "valid"
 * @CONVRNN_PADDING_SAME: as much as gives ⌈size / stride⌉ rows and columns; where it is odd, the
 * larger half comes at the bottom and right (Keras "same", ONNX SAME_UPPER)
 * @CONVRNN_PADDING_SAME_LOWER: as much, the larger half at the top and left
 */
typedef enum {
    CONVRNN_PADDING_EXPLICIT = 0,
    CONVRNN_PADDING_SAME,
    CONVRNN_PADDING_SAME_LOWER,
} ConvRnnPadding;

/**
 * ConvRnnConv2dParams:
 * @weights: of shape (M, C / groups, kH, kW), float32; required
 * @bias: of shape (M), float32; %NULL: none
 * @stride: rows, columns; 0: 1
 * @dilation: rows, columns; 0: 1
 * @groups: C and M are divided into so many independent parts, C of them for a depthwise
 * convolution; 0: 1
 * @padding: default %CONVRNN_PADDING_EXPLICIT
 * @pads: zeros added at the top, left, bottom and right, in pixels; default 0
 * @activation: applied to the result; default none
 *
 * y[m, i, j] = bias[m] + Σ weights[m, c, u, v] · x[c, i·stride + u·dilation − pad, …], the
 * cross-correlation that ONNX (operator Conv), PyTorch and Keras call convolution.
 */
typedef struct {
    gpointer reserved; /*< private >*/
    ConvRnnTensor *weights;
    ConvRnnTensor *bias;
    guint stride[2];
    guint dilation[2];
    guint groups;
    ConvRnnPadding padding;
    guint pads[4];
    ConvRnnActivation activation;
} ConvRnnConv2dParams;

#define CONVRNN_CONV2D(...) (&(const ConvRnnConv2dParams){.reserved = NULL, __VA_ARGS__})

/**
 * convrnn_builder_conv2d:
 * @x: of shape (N, C, H, W)
 *
 * Returns: of shape (N, M, H', W'), where H' = ⌊(H + pads − dilation·(kH − 1) − 1) / stride⌋ + 1.
 */
CONVRNN_API guint convrnn_builder_conv2d(ConvRnnBuilder *builder, guint x,
                                         const ConvRnnConv2dParams *params);

/**
 * ConvRnnConv1dParams:
 * @weights: of shape (M, C / groups, K), float32; required
 * @pads: zeros added before and after; default 0
 *
 * #ConvRnnConv2dParams in one dimension.
 */
typedef struct {
    gpointer reserved; /*< private >*/
    ConvRnnTensor *weights;
    ConvRnnTensor *bias;
    guint stride;
    guint dilation;
    guint groups;
    ConvRnnPadding padding;
    guint pads[2];
    ConvRnnActivation activation;
} ConvRnnConv1dParams;

#define CONVRNN_CONV1D(...) (&(const ConvRnnConv1dParams){.reserved = NULL, __VA_ARGS__})

/**
 * convrnn_builder_conv1d:
 * @x: of shape (N, C, L)
 *
 * Returns: of shape (N, M, L').
 */
CONVRNN_API guint convrnn_builder_conv1d(ConvRnnBuilder *builder, guint x,
                                         const ConvRnnConv1dParams *params);

/**
 * ConvRnnConvTranspose2dParams:
 * @weights: of shape (C, M / groups, kH, kW), float32; required
 * @padding: as in #ConvRnnConv2dParams, but that "same" gives size · stride rows and columns
 * @pads: rows and columns taken away at the top, left, bottom and right of the result; default 0
 * @output_padding: rows and columns added at the bottom and right, each less than the stride or
 * the dilation; default 0
 *
 * The other fields are those of #ConvRnnConv2dParams. The adjoint of its convolution, also called
 * deconvolution (ONNX operator ConvTranspose):
 * y[m, i·stride + u·dilation − pad, …] += weights[c, m, u, v] · x[c, i, …], on top of bias[m].
 */
typedef struct {
    gpointer reserved; /*< private >*/
    ConvRnnTensor *weights;
    ConvRnnTensor *bias;
    guint stride[2];
    guint dilation[2];
    guint groups;
    ConvRnnPadding padding;
    guint pads[4];
    guint output_padding[2];
    ConvRnnActivation activation;
} ConvRnnConvTranspose2dParams;

#define CONVRNN_CONV_TRANSPOSE2D(...)                                                              \
    (&(const ConvRnnConvTranspose2dParams){.reserved = NULL, __VA_ARGS__})

/**
 * convrnn_builder_conv_transpose2d:
 * @x: of shape (N, C, H, W)
 *
 * Returns: of shape (N, M, H', W'), where
 *   H' = (H − 1)·stride + dilation·(kH − 1) + 1 − pads + output_padding.
 */
CONVRNN_API guint convrnn_builder_conv_transpose2d(ConvRnnBuilder *builder, guint x,
                                                   const ConvRnnConvTranspose2dParams *params);

/**
 * ConvRnnPool2dParams:
 * @kernel: rows, columns of the window; required
 * @stride: rows, columns; 0: the kernel's
 * @dilation: rows, columns; 0: 1
 * @padding: default %CONVRNN_PADDING_EXPLICIT
 * @pads: top, left, bottom, right; default 0
 * @ceil_mode: %TRUE: a window that hangs over the edge counts as well, unless it begins beyond the
 * picture and its pads; default %FALSE
 * @count_padding: average only: %TRUE divides by what of the window is inside the picture and its
 * pads, %FALSE (default) by what is inside the picture
 */
typedef struct {
    gpointer reserved; /*< private >*/
    guint kernel[2];
    guint stride[2];
    guint dilation[2];
    ConvRnnPadding padding;
    guint pads[4];
    gboolean ceil_mode;
    gboolean count_padding;
} ConvRnnPool2dParams;

#define CONVRNN_POOL2D(...) (&(const ConvRnnPool2dParams){.reserved = NULL, __VA_ARGS__})

/**
 * convrnn_builder_max_pool2d:
 * @x: of shape (N, C, H, W)
 *
 * Returns: of shape (N, C, H', W'), the largest of each window; padding never wins.
 */
CONVRNN_API guint convrnn_builder_max_pool2d(ConvRnnBuilder *builder, guint x,
                                             const ConvRnnPool2dParams *params);

/**
 * convrnn_builder_average_pool2d:
 * @x: of shape (N, C, H, W)
 *
 * Returns: of shape (N, C, H', W'), the mean of each window.
 */
CONVRNN_API guint convrnn_builder_average_pool2d(ConvRnnBuilder *builder, guint x,
                                                 const ConvRnnPool2dParams *params);

/**
 * ConvRnnPool1dParams:
 * @pads: before, after; default 0
 *
 * #ConvRnnPool2dParams in one dimension.
 */
typedef struct {
    gpointer reserved; /*< private >*/
    guint kernel;
    guint stride;
    guint dilation;
    ConvRnnPadding padding;
    guint pads[2];
    gboolean ceil_mode;
    gboolean count_padding;
} ConvRnnPool1dParams;

#define CONVRNN_POOL1D(...) (&(const ConvRnnPool1dParams){.reserved = NULL, __VA_ARGS__})

/**
 * convrnn_builder_max_pool1d:
 * @x: of shape (N, C, L)
 *
 * Returns: of shape (N, C, L').
 */
CONVRNN_API guint convrnn_builder_max_pool1d(ConvRnnBuilder *builder, guint x,
                                             const ConvRnnPool1dParams *params);

/**
 * convrnn_builder_average_pool1d:
 * @x: of shape (N, C, L)
 *
 * Returns: of shape (N, C, L').
 */
CONVRNN_API guint convrnn_builder_average_pool1d(ConvRnnBuilder *builder, guint x,
                                                 const ConvRnnPool1dParams *params);

/**
 * convrnn_builder_global_average_pool:
 * @x: of shape (N, C, …)
 *
 * Returns: of shape (N, C, 1, …), the mean of each channel.
 */
CONVRNN_API guint convrnn_builder_global_average_pool(ConvRnnBuilder *builder, guint x);

/**
 * convrnn_builder_global_max_pool:
 * @x: of shape (N, C, …)
 *
 * Returns: of shape (N, C, 1, …), the largest of each channel.
 */
CONVRNN_API guint convrnn_builder_global_max_pool(ConvRnnBuilder *builder, guint x);

/**
 * ConvRnnDenseParams:
 * @weights: of shape (M, K), float32; required
 * @bias: of shape (M), float32; %NULL: none
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
 * @x: of shape (N, …) with K elements for each of the N
 *
 * Returns: of shape (N, M).
 */
CONVRNN_API guint convrnn_builder_dense(ConvRnnBuilder *builder, guint x,
                                        const ConvRnnDenseParams *params);

/* --- normalisation --- */

/**
 * ConvRnnNormParams:
 * @scale: of shape (C), float32; %NULL: ones. Layer norm: of the shape of the last dimensions of x
 * @bias: of the shape of @scale, float32; %NULL: zeros
 * @mean: of shape (C), float32; batch norm only, required
 * @variance: of shape (C), float32; batch norm only, required
 * @groups: group norm only, required: C is divided into so many parts
 * @n_dims: layer norm only: how many dimensions, counted from the last, are normalised together;
 * 0: those of @scale or @bias, or 1
 * @epsilon: 0: 0.00001
 *
 * y = (x − mean) / √(variance + epsilon) · scale + bias.
 */
typedef struct {
    gpointer reserved; /*< private >*/
    ConvRnnTensor *scale;
    ConvRnnTensor *bias;
    ConvRnnTensor *mean;
    ConvRnnTensor *variance;
    guint groups;
    guint n_dims;
    gfloat epsilon;
} ConvRnnNormParams;

#define CONVRNN_NORM(...) (&(const ConvRnnNormParams){.reserved = NULL, __VA_ARGS__})

/**
 * convrnn_builder_batch_norm:
 * @x: of shape (N, C, …)
 *
 * Mean and variance are those of the training (arXiv:1502.03167).
 *
 * Returns: a tensor of the shape of @x.
 */
CONVRNN_API guint convrnn_builder_batch_norm(ConvRnnBuilder *builder, guint x,
                                             const ConvRnnNormParams *params);

/**
 * convrnn_builder_instance_norm:
 * @x: of shape (N, C, …)
 *
 * Mean and variance are those of each channel of @x (arXiv:1607.08022).
 *
 * Returns: a tensor of the shape of @x.
 */
CONVRNN_API guint convrnn_builder_instance_norm(ConvRnnBuilder *builder, guint x,
                                                const ConvRnnNormParams *params);

/**
 * convrnn_builder_group_norm:
 * @x: of shape (N, C, …)
 *
 * Mean and variance are those of each group of channels of @x (arXiv:1803.08494).
 *
 * Returns: a tensor of the shape of @x.
 */
CONVRNN_API guint convrnn_builder_group_norm(ConvRnnBuilder *builder, guint x,
                                             const ConvRnnNormParams *params);

/**
 * convrnn_builder_layer_norm:
 *
 * Mean and variance are those of the last dimensions of @x (arXiv:1607.06450).
 *
 * Returns: a tensor of the shape of @x.
 */
CONVRNN_API guint convrnn_builder_layer_norm(ConvRnnBuilder *builder, guint x,
                                             const ConvRnnNormParams *params);

/**
 * convrnn_builder_dropout:
 *
 * Dropout leaves out elements during training only: there is nothing to do. For networks written
 * down layer by layer.
 *
 * Returns: @x.
 */
CONVRNN_API guint convrnn_builder_dropout(ConvRnnBuilder *builder, guint x);

/* --- shapes --- */

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

/**
 * convrnn_builder_split:
 * @axis: the dimension that is cut; negative counts from the last
 * @sizes: (array length=n_parts): of each part; their sum is the dimension
 * @n_parts: at least 1
 * @parts: (out caller-allocates) (array length=n_parts): the parts, each %CONVRNN_NO_VALUE on
 *   failure
 */
CONVRNN_API void convrnn_builder_split(ConvRnnBuilder *builder, guint x, gint axis,
                                       const gint64 *sizes, guint n_parts, guint *parts);

/**
 * convrnn_builder_slice:
 * @axis: the dimension; negative counts from the last
 * @begin: the first element; negative counts from the end
 * @end: one after the last, %G_MAXINT64 for all; negative counts from the end
 * @step: not 0; negative goes backwards, and then @end %G_MININT64 stands for all
 *
 * Returns: x[begin:end:step] of Python, along @axis.
 */
CONVRNN_API guint convrnn_builder_slice(ConvRnnBuilder *builder, guint x, gint axis, gint64 begin,
                                        gint64 end, gint64 step);

/**
 * ConvRnnPadMode:
 * @CONVRNN_PAD_CONSTANT: a number
 * @CONVRNN_PAD_REFLECT: what is inside, mirrored at the element on the edge
 * @CONVRNN_PAD_EDGE: the element on the edge
 * @CONVRNN_PAD_WRAP: what is inside, from the other end
 */
typedef enum {
    CONVRNN_PAD_CONSTANT = 0,
    CONVRNN_PAD_REFLECT,
    CONVRNN_PAD_EDGE,
    CONVRNN_PAD_WRAP,
} ConvRnnPadMode;

/**
 * convrnn_builder_pad:
 * @before: (array length=n_dims): elements added before each dimension; negative takes away
 * @after: (array length=n_dims): after each dimension
 * @n_dims: the rank of @x
 * @value: what %CONVRNN_PAD_CONSTANT adds
 *
 * Returns: the padded tensor.
 */
CONVRNN_API guint convrnn_builder_pad(ConvRnnBuilder *builder, guint x, const gint64 *before,
                                      const gint64 *after, guint n_dims, ConvRnnPadMode mode,
                                      gfloat value);

/**
 * ConvRnnResizeMode:
 * @CONVRNN_RESIZE_NEAREST: element ⌊i / scale⌋
 * @CONVRNN_RESIZE_LINEAR: between the two nearest in each dimension
 * @CONVRNN_RESIZE_CUBIC: between the four nearest, with Keys' kernel, a = −0.75
 */
typedef enum {
    CONVRNN_RESIZE_NEAREST = 0,
    CONVRNN_RESIZE_LINEAR,
    CONVRNN_RESIZE_CUBIC,
} ConvRnnResizeMode;

/**
 * ConvRnnResize2dParams:
 * @size: rows, columns of the result; 0: by @scale
 * @scale: of rows, columns; the result has ⌊size · scale⌋
 * @mode: default %CONVRNN_RESIZE_NEAREST
 * @align_corners: linear and cubic: %TRUE puts the centres of the corner pixels on each other,
 * %FALSE (default) the corners of the pictures
 *
 * As torch.nn.functional.interpolate() without antialiasing.
 */
typedef struct {
    gpointer reserved; /*< private >*/
    guint size[2];
    gfloat scale[2];
    ConvRnnResizeMode mode;
    gboolean align_corners;
} ConvRnnResize2dParams;

#define CONVRNN_RESIZE2D(...) (&(const ConvRnnResize2dParams){.reserved = NULL, __VA_ARGS__})

/**
 * convrnn_builder_resize2d:
 * @x: of shape (N, C, H, W)
 *
 * Returns: of shape (N, C, H', W').
 */
CONVRNN_API guint convrnn_builder_resize2d(ConvRnnBuilder *builder, guint x,
                                           const ConvRnnResize2dParams *params);

/**
 * convrnn_builder_reshape:
 * @dims: (array length=n_dims): the new dimensions; 0 keeps that of @x, and one -1 takes what is
 *   left
 *
 * Returns: the elements of @x in their order, in another shape.
 */
CONVRNN_API guint convrnn_builder_reshape(ConvRnnBuilder *builder, guint x, const gint64 *dims,
                                          guint n_dims);

/**
 * convrnn_builder_transpose:
 * @order: (array length=n_dims): which dimension of @x each of the result is
 *
 * Returns: @x with its dimensions in another order.
 */
CONVRNN_API guint convrnn_builder_transpose(ConvRnnBuilder *builder, guint x, const guint *order,
                                            guint n_dims);

G_END_DECLS
