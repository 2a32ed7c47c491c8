/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <convrnn/layers.h>

G_BEGIN_DECLS

/**
 * ConvRnnCell:
 *
 * One time step of a recurrent network: (x, states) → (output, new states). A cell is made once,
 * from weights and options, and used in builders: as a layer that carries its state from frame to
 * frame (convrnn_builder_layer()), as a single step (convrnn_builder_step()), or over the rows or
 * columns of one frame (convrnn_builder_scan()).
 *
 * |[<!-- language="C" -->
 * g_autoptr(ConvRnnCell) cell = convrnn_cell_new_conv_gru(CONVRNN_CELL(.weights = w,
 *                                                                      .recurrent = r), &error);
 * x = convrnn_builder_layer(builder, "memory", cell, x, CONVRNN_NO_VALUE);
 * ]|
 *
 * A cell is immutable and reference-counted; it refers to its tensors and copies them only to
 * change the order of gates or to cut joined weights apart. A cell may be used any number of times,
 * in any number of builders, and inside other cells.
 *
 * Thread-safety: always safe.
 */
typedef struct _ConvRnnCell ConvRnnCell;

#define CONVRNN_TYPE_CELL (convrnn_cell_get_type())
CONVRNN_API GType convrnn_cell_get_type(void);

/**
 * convrnn_cell_ref:
 *
 * Returns: (transfer full): @cell, with one reference more.
 */
CONVRNN_API ConvRnnCell *convrnn_cell_ref(ConvRnnCell *cell);

/**
 * convrnn_cell_unref:
 * @cell: (nullable) (transfer full): %NULL does nothing
 */
CONVRNN_API void convrnn_cell_unref(ConvRnnCell *cell);

/**
 * convrnn_cell_get_n_states:
 *
 * Returns: how many states the cell has.
 */
CONVRNN_API guint convrnn_cell_get_n_states(const ConvRnnCell *cell);

/**
 * convrnn_cell_get_state:
 * @index: below convrnn_cell_get_n_states()
 *
 * What a state is: its name within the cell ("" where there is only one, an LSTM's "h" and "c", a
 * stack's "0_h", "0_c", "1_h" …), and its dimensions, -1 where they follow from the input: the
 * batch, and a picture's rows and columns.
 *
 * Returns: (transfer none): valid as long as @cell.
 */
CONVRNN_API const ConvRnnTensorInfo *convrnn_cell_get_state(const ConvRnnCell *cell, guint index);

/**
 * convrnn_cell_get_initial:
 * @index: below convrnn_cell_get_n_states()
 *
 * Returns: (transfer none) (nullable): what the state is before the first step; %NULL for zeros.
 */
CONVRNN_API ConvRnnTensor *convrnn_cell_get_initial(const ConvRnnCell *cell, guint index);

/* --- cells with gates --- */

/**
 * ConvRnnCellFunction:
 * @function: %CONVRNN_ACTIVATION_NONE (default): the function that the cell's formula names. No
 *   softmax
 * @alpha: α of @function
 * @beta: β of @function; when both are 0, @function has the values that #ConvRnnActivation names
 *
 * A function inside a cell, such as `.gate = {CONVRNN_ACTIVATION_HARD_SIGMOID, 1 / 6.0f, 0.5f}`.
 * {%CONVRNN_ACTIVATION_LEAKY_RELU, 1} is none at all: f(x) = x.
 */
typedef struct {
    ConvRnnActivation function;
    gfloat alpha;
    gfloat beta;
} ConvRnnCellFunction;

/**
 * ConvRnnCellJoin:
 * @CONVRNN_CELL_JOIN_NONE: weights of the input and of the state are two tensors
 * @CONVRNN_CELL_JOIN_INPUT_STATE: they are one, for [x; h]
 * @CONVRNN_CELL_JOIN_STATE_INPUT: they are one, for [h; x]
 */
typedef enum {
    CONVRNN_CELL_JOIN_NONE = 0,
    CONVRNN_CELL_JOIN_INPUT_STATE,
    CONVRNN_CELL_JOIN_STATE_INPUT,
} ConvRnnCellJoin;

/**
 * ConvRnnCellParams:
 * @weights: of the input: (G·H, K); convolutional: (G·H, C, kH, kW), 1-D (G·H, C, k). Required
 * @recurrent: of the state: (G·H, P); convolutional: (G·H, P, kH', kW'), 1-D (G·H, P, k').
 *   Required, unless @join says that @weights holds both
 * @join: whether @weights is for x and h together: (G·H, K + P), convolutional (G·H, C + P, kH, kW)
 * @bias: of shape (G·H); %NULL: zeros
 * @recurrent_bias: of shape (G·H), the bias of the state's product; %NULL: zeros
 * @gates: the order of the gates in everything that has G·H rows, one letter each. GRU: "zrn"
 *   (default, ONNX, Keras), "rzn" (PyTorch) … LSTM: "iofg" (default, ONNX), "ifgo" (PyTorch,
 *   Keras), "igfo" (TensorFlow 1), "ifog" (Caffe) …; without f, f = 1 − i, and without i, i = 1 − f
 *   (coupled gates, Greff et al. 2015, arXiv:1503.04069)
 * @gate: σ in the formulas; default: sigmoid
 * @activation: tanh that makes the candidate n or g or an RNN's h'; default: tanh
 * @output: LSTM: tanh in h' = o⊙tanh(c'); default: tanh
 * @reset_after: GRU: %TRUE applies r to the product, as PyTorch and cuDNN do; %FALSE (default) to
 *   the state, as the paper does
 * @z_replaces: GRU: %TRUE: h' = (1 − z)⊙h + z⊙n; %FALSE (default): h' = (1 − z)⊙n + z⊙h
 * @peephole: LSTM: (G'·H), convolutional also a map (G'·H, rows, columns), 1-D (G'·H, columns), for
 *   the G' gates but g, in the order of @gates: what the cell state adds to them; %NULL: none
 * @forget_bias: LSTM: added to the forget gate's bias, TensorFlow's `forget_bias`; default 0
 * @clip: what the functions of gates and candidate take is limited to −clip … clip; 0 (default):
 *   no limit
 * @cell_clip: LSTM: c' is limited to −cell_clip … cell_clip; 0 (default): no limit
 * @projection: LSTM: (P, H), convolutional (P, H, kH, kW), 1-D (P, H, k): h' = projection of
 *   o⊙tanh(c') (Sak et al. 2014, arXiv:1402.1128); %NULL: none
 * @projection_clip: LSTM: that h' is limited to −projection_clip … projection_clip; 0 (default): no
 *   limit
 * @norm_groups: group normalisation (Wu and He 2018, arXiv:1803.08494) of the sum of both products
 *   and the biases, before it is cut into gates: the number of groups. GRU: [0] of z and r
 *   together, [1] of n, 0: half as many. LSTM, RNN: [0], of all G·H rows. 0 (default): none. 1 is
 *   layer normalisation
 * @norm_gamma: of shape (G·H), its factors; %NULL: ones
 * @norm_beta: of shape (G·H), what it adds; %NULL: zeros. @forget_bias is added to it as well
 * @norm_epsilon: its ε; 0: 1e-5
 * @stride: convolutional: of the input's convolution, rows and columns, 1-D: the first; 0: 1
 * @dilation: convolutional: of the input's convolution, likewise; 0: 1
 * @explicit_pads: convolutional: %FALSE (default): zero padding as of
 *   %CONVRNN_PADDING_SAME, for which kernels must be odd; %TRUE: as the next two fields say
 * @pads: with @explicit_pads: zeros added to the input at the top, left, bottom, right; 1-D: at the
 *   left, right
 * @recurrent_pads: with @explicit_pads: likewise to the state, whose size must stay; with @join,
 *   @pads serves both
 * @depthwise: convolutional: the input is first convolved channel by channel with (C, 1, kH, kW),
 *   1-D (C, 1, k), which stride, dilation and padding are of; then @weights is 1×1. GRU: (2·C, 1,
 *   kH, kW) has one set of kernels for z and r and one for n. With @join C counts the channels of
 *   both. %NULL: none
 * @recurrent_depthwise: the same for the state
 * @initial: h before the first step: of the state's shape or broadcast to it, so a number, a
 *   learned (1, P, 1, 1) or a map; from a file with convrnn_tensor_new_from_npy(). %NULL: zeros
 * @initial_cell: LSTM: c before the first step, likewise; %NULL: zeros
 *
 * The parameters of RNN, GRU and LSTM, dense and convolutional. All tensors are float32. A field
 * that is not named is 0, its default.
 *
 * G is the number of gates (RNN 1, GRU 3, LSTM 4, coupled 3). H is the number of hidden units or
 * channels, P that of h: the same without @projection. Kernels are laid out as in ONNX and PyTorch:
 * rows of outputs first.
 */
typedef struct {
    gpointer reserved; /*< private >*/
    ConvRnnTensor *weights;
    ConvRnnTensor *recurrent;
    ConvRnnCellJoin join;
    ConvRnnTensor *bias;
    ConvRnnTensor *recurrent_bias;
    const gchar *gates;
    ConvRnnCellFunction gate;
    ConvRnnCellFunction activation;
    ConvRnnCellFunction output;
    gboolean reset_after;
    gboolean z_replaces;
    ConvRnnTensor *peephole;
    gfloat forget_bias;
    gfloat clip;
    gfloat cell_clip;
    ConvRnnTensor *projection;
    gfloat projection_clip;
    guint norm_groups[2];
    ConvRnnTensor *norm_gamma;
    ConvRnnTensor *norm_beta;
    gfloat norm_epsilon;
    guint stride[2];
    guint dilation[2];
    gboolean explicit_pads;
    guint pads[4];
    guint recurrent_pads[4];
    ConvRnnTensor *depthwise;
    ConvRnnTensor *recurrent_depthwise;
    ConvRnnTensor *initial;
    ConvRnnTensor *initial_cell;
} ConvRnnCellParams;

#define CONVRNN_CELL(...) (&(const ConvRnnCellParams){.reserved = NULL, __VA_ARGS__})

/**
 * convrnn_cell_new_rnn:
 * @params: weights of rank 2
 *
 * Elman's network (1990), ONNX operator RNN: h' = tanh(W·x + b + R·h + rb). G = 1.
 *
 * x is (N, …) with K elements for each of the N, h' and the state are (N, H). With the fields of
 * ONNX's operator alone, a step is that operator.
 *
 * Returns: (transfer full) (nullable): the cell, or %NULL with @error set: %CONVRNN_ERROR_SHAPE for
 *   a tensor that is missing or does not fit, %CONVRNN_ERROR_UNSUPPORTED for an option that this
 *   cell does not have, %CONVRNN_ERROR_NOMEM. The message names the cell, the field, what was
 *   expected and what was found. The tensors stay the caller's in every case. This holds for all
 *   constructors below.
 */
CONVRNN_API ConvRnnCell *convrnn_cell_new_rnn(const ConvRnnCellParams *params, GError **error);

/**
 * convrnn_cell_new_gru:
 * @params: weights of rank 2
 *
 * Gated recurrent unit (Cho et al. 2014, arXiv:1406.1078), ONNX operator GRU. G = 3: z (update), r
 * (reset), n (candidate).
 *
 * z = σ(Wz·x + bz + Rz·h + rbz), r = σ(Wr·x + br + Rr·h + rbr),
 * n = tanh(Wn·x + bn + Rn·(r⊙h) + rbn), or with reset_after tanh(Wn·x + bn + r⊙(Rn·h + rbn)),
 * h' = (1 − z)⊙n + z⊙h
 *
 * Returns: (transfer full) (nullable): as of convrnn_cell_new_rnn().
 */
CONVRNN_API ConvRnnCell *convrnn_cell_new_gru(const ConvRnnCellParams *params, GError **error);

/**
 * convrnn_cell_new_lstm:
 * @params: weights of rank 2
 *
 * Long short-term memory (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al.
 * 2000), ONNX operator LSTM. G = 4: i (input), o (output), f (forget), g (candidate).
 *
 * i = σ(Wi·x + Ri·h + Pi⊙c + bi + rbi), f = σ(Wf·x + Rf·h + Pf⊙c + bf + rbf),
 * g = tanh(Wg·x + Rg·h + bg + rbg), c' = f⊙c + i⊙g,
 * o = σ(Wo·x + Ro·h + Po⊙c' + bo + rbo), h' = o⊙tanh(c')
 *
 * Its states are "h" (N, P) and "c" (N, H).
 *
 * Returns: (transfer full) (nullable): as of convrnn_cell_new_rnn().
 */
CONVRNN_API ConvRnnCell *convrnn_cell_new_lstm(const ConvRnnCellParams *params, GError **error);

/**
 * convrnn_cell_new_conv_rnn:
 * @params: weights of rank 4, or of rank 3 for the 1-D cell
 *
 * The formula of convrnn_cell_new_rnn() with every product replaced by a convolution. x is
 * (N, C, rows, columns), 1-D (N, C, columns); h' and the state are (N, H, rows', columns'), of the
 * size that the input's convolution gives.
 *
 * Returns: (transfer full) (nullable): as of convrnn_cell_new_rnn().
 */
CONVRNN_API ConvRnnCell *convrnn_cell_new_conv_rnn(const ConvRnnCellParams *params, GError **error);

/**
 * convrnn_cell_new_conv_gru:
 * @params: weights of rank 4, or of rank 3 for the 1-D cell
 *
 * The formula of convrnn_cell_new_gru() with convolutions (Ballas et al. 2016, arXiv:1511.06432);
 * shapes as of convrnn_cell_new_conv_rnn().
 *
 * Returns: (transfer full) (nullable): as of convrnn_cell_new_rnn().
 */
CONVRNN_API ConvRnnCell *convrnn_cell_new_conv_gru(const ConvRnnCellParams *params, GError **error);

/**
 * convrnn_cell_new_conv_lstm:
 * @params: weights of rank 4, or of rank 3 for the 1-D cell
 *
 * The formula of convrnn_cell_new_lstm() with convolutions (Shi et al. 2015, arXiv:1506.04214);
 * shapes as of convrnn_cell_new_conv_rnn().
 *
 * Returns: (transfer full) (nullable): as of convrnn_cell_new_rnn().
 */
CONVRNN_API ConvRnnCell *convrnn_cell_new_conv_lstm(const ConvRnnCellParams *params,
                                                    GError **error);

/* --- cells of cells --- */

/**
 * convrnn_cell_new_stack:
 * @cells: (array length=n_cells): the layers, the lowest first; referenced
 * @n_cells: at least 1
 *
 * Layers one above the other, as TensorFlow's MultiRNNCell: each takes the output of the one
 * below. The states are those of all layers, in order, named "0_…", "1_…"; the output is the top
 * layer's.
 *
 * Returns: (transfer full) (nullable): the cell, or %NULL with @error set.
 */
CONVRNN_API ConvRnnCell *convrnn_cell_new_stack(ConvRnnCell *const *cells, guint n_cells,
                                                GError **error);

/**
 * convrnn_cell_new_residual:
 * @cell: referenced; its output has the shape of its input
 *
 * The same cell whose output is x + output (Wu et al. 2016, arXiv:1609.08144). The states are
 * those of @cell.
 *
 * Returns: (transfer full) (nullable): the cell, or %NULL with @error set.
 */
CONVRNN_API ConvRnnCell *convrnn_cell_new_residual(ConvRnnCell *cell, GError **error);

/**
 * convrnn_cell_new_dropout:
 * @cell: the cell
 *
 * What frameworks call a dropout wrapper. Dropout acts in training only: the result is @cell
 * itself.
 *
 * Returns: (transfer full) (nullable): @cell with one reference more, or %NULL with @error set.
 */
CONVRNN_API ConvRnnCell *convrnn_cell_new_dropout(ConvRnnCell *cell, GError **error);

/**
 * convrnn_cell_new_grid_lstm:
 * @time: an LSTM with an input of K + F, dense or convolutional; referenced
 * @frequency: an LSTM with an input of K + T; referenced
 * @blocks: B, at least 1
 *
 * The 2-D Grid LSTM (Kalchbrenner et al. 2015, arXiv:1507.01526) over time and over the blocks of a
 * frame, as in Li et al. 2015 (LSTM time and frequency recurrence) and TensorFlow's GridLSTMCell. x
 * has B·K channels: B blocks of K. T and F are the outputs of @time and @frequency. For block k,
 * with hidden state h and cell state c along time, and u and d along the blocks:
 *
 * h'ₖ, c'ₖ = time([xₖ; uₖ₋₁], hₖ, cₖ), uₖ, dₖ = frequency([xₖ; hₖ], uₖ₋₁, dₖ₋₁), where u₋₁ and d₋₁
 * are the initial values of @frequency in every frame, and the output is [h'₀; u₀; h'₁; u₁ …]
 *
 * With B = 1 it is the basic block of two dimensions. LSTMs are those of convrnn_cell_new_lstm(),
 * so h' = o⊙tanh(c'), where Kalchbrenner et al. write tanh(o⊙c'). The states are "0_h", "0_c",
 * "1_h" …: those of @time, for each block.
 *
 * Returns: (transfer full) (nullable): the cell, or %NULL with @error set.
 */
CONVRNN_API ConvRnnCell *convrnn_cell_new_grid_lstm(ConvRnnCell *time, ConvRnnCell *frequency,
                                                    guint blocks, GError **error);

/**
 * ConvRnnAttentionParams:
 * @length: L, how many outputs are attended to; required
 * @input: Wi, (K', K + A), float32; required. K' is what the cell takes
 * @input_bias: bi, (K'); %NULL: zeros
 * @key: U, (V, A); required
 * @query: Q, (V, S), S the size of all the cell's states together; required
 * @query_bias: bq, (V); %NULL: zeros
 * @score: v, (V); required
 * @output: Wo, (A, O + A), O the cell's output; required
 * @output_bias: bo, (A); %NULL: zeros
 */
typedef struct {
    gpointer reserved; /*< private >*/
    guint length;
    ConvRnnTensor *input;
    ConvRnnTensor *input_bias;
    ConvRnnTensor *key;
    ConvRnnTensor *query;
    ConvRnnTensor *query_bias;
    ConvRnnTensor *score;
    ConvRnnTensor *output;
    ConvRnnTensor *output_bias;
} ConvRnnAttentionParams;

#define CONVRNN_ATTENTION(...) (&(const ConvRnnAttentionParams){.reserved = NULL, __VA_ARGS__})

/**
 * convrnn_cell_new_attention:
 * @cell: a dense cell; referenced
 * @params: weights and length
 *
 * Attention (Bahdanau et al. 2015, arXiv:1409.0473) of a cell to its own last L outputs, as
 * TensorFlow's AttentionCellWrapper. With the cell's states s, the last attention a and the outputs
 * m₁ (the oldest) … m_L:
 *
 * p, s' = cell(Wi·[x; a] + bi, s), eⱼ = v·tanh(U·mⱼ + Q·s' + bq), α = softmax(e), a' = Σ αⱼ mⱼ,
 * y = Wo·[p; a'] + bo, m' = m₂ … m_L, y
 *
 * s' are all states in order, an LSTM's h, then c. The states are those of @cell, "attention"
 * (N, A) and "outputs" (N, L, A), which start from zeros; the output is y, (N, A).
 *
 * Returns: (transfer full) (nullable): the cell, or %NULL with @error set.
 */
CONVRNN_API ConvRnnCell *
convrnn_cell_new_attention(ConvRnnCell *cell, const ConvRnnAttentionParams *params, GError **error);

/* --- cells in a network --- */

/**
 * convrnn_builder_step:
 * @cell: a cell; %NULL is a failure, so that its constructor's need not be checked before
 * @x: the input of one time step
 * @states_in: (nullable) (array): a value for each state of @cell; %CONVRNN_NO_VALUE, or %NULL for
 *   all: its initial value
 * @states_out: (out caller-allocates) (nullable) (array): the new states, as many; each
 *   %CONVRNN_NO_VALUE on failure; may be @states_in, whose values it then takes the place of
 *
 * One time step with explicit states. Several in a row make an unrolled network, whose outputs are
 * those of convrnn_builder_layer() in as many frames: of dense cells bit for bit, of convolutional
 * ones up to rounding.
 *
 * Returns: the output.
 */
CONVRNN_API guint convrnn_builder_step(ConvRnnBuilder *builder, ConvRnnCell *cell, guint x,
                                       const guint *states_in, guint *states_out);

/**
 * convrnn_builder_layer:
 * @name: the layer's name
 * @cell: a cell; %NULL is a failure
 * @x: the input of this frame
 * @cont: 0 or 1, a number or one for each of the N streams of the batch, of any type; for 0 the
 *   stream's states start anew from their initial values, whatever they hold. %CONVRNN_NO_VALUE:
 *   always 1
 *
 * One time step per frame with the state carried from frame to frame. Each state of the cell
 * becomes an input and an output of the model, which are paired: of the layer "memory", "memory_in"
 * and "memory_out", an LSTM's "memory_h_in", "memory_c_in" and so on, a stack's "memory_0_h_in".
 * Their open dimensions follow from @x.
 *
 * @cont is what Caffe calls the sequence continuation indicators, with which a recurrent layer
 * there multiplies its state.
 *
 * Where states start is said by the cell (`initial`, `initial_cell`), or for each session by
 * convrnn_session_config_set_initial().
 *
 * Returns: the output.
 */
CONVRNN_API guint convrnn_builder_layer(ConvRnnBuilder *builder, const gchar *name,
                                        ConvRnnCell *cell, guint x, guint cont);

/**
 * ConvRnnScanParams:
 * @forward: the cell that reads from the first step to the last; %NULL: none
 * @backward: the cell that reads from the last step to the first; %NULL: none. One of the two is
 *   required; they may be the same
 * @axis: the dimension of x that is the sequence, counted from 0. Of a picture (N, C, rows,
 * columns) 2 reads row by row, 3 column by column; of (T, N, K) it is 0, of (N, T, K) 1
 * @steps: how many steps x has; 0 (default): as many as there are, which only gated dense cells
 * that ONNX's operators can say, and stacks and residuals of them, can find out for themselves
 */
typedef struct {
    gpointer reserved; /*< private >*/
    ConvRnnCell *forward;
    ConvRnnCell *backward;
    guint axis;
    guint steps;
} ConvRnnScanParams;

#define CONVRNN_SCAN(...) (&(const ConvRnnScanParams){.reserved = NULL, __VA_ARGS__})

/**
 * convrnn_builder_scan:
 * @x: a tensor with one dimension more than a step's input
 * @params: cells, direction and dimension
 * @states_out: (out caller-allocates) (nullable) (array): the states after each cell's last step:
 *   those of the forward cell, then those of the backward cell
 *
 * A sequence inside a frame: step t is @x without dimension @axis, at place t. States start from
 * their initial values in every frame; nothing is carried. A row of a picture is (N, C, columns): a
 * dense cell takes it as C·columns elements, a 1-D convolutional cell as it is.
 *
 * Returns: the outputs of all steps, put together along dimension @axis, or along a last dimension
 *   where an output has no more: (T, N, H), (N, T, H) or (N, H, T) of dense cells, (N, H, T,
 *   columns) of 1-D cells that read rows. Outputs of both directions lie one after the other along
 *   the channels (H), the forward cell's first, as in PyTorch.
 */
CONVRNN_API guint convrnn_builder_scan(ConvRnnBuilder *builder, guint x,
                                       const ConvRnnScanParams *params, guint *states_out);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ConvRnnCell, convrnn_cell_unref)

G_END_DECLS
