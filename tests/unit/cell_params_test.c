/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What cells refuse, word for word, and what they are made of. What they compute: cells_test.c and
 * cell_vectors_test.c. */
#include <convrnn/convrnn.h>
#include "core/memory.h"
#include "model/graph.h"
#include "model/states.h"
#include <math.h>
#include <string.h>

static ConvRnnTensor *
zeros(guint n_dims, const gint64 *dims, ConvRnnDType dtype)
{
    return convrnn_tensor_new(dtype, dims, n_dims, NULL, NULL);
}

#define T(...)                                                                                     \
    zeros(sizeof((gint64[]){__VA_ARGS__}) / sizeof(gint64), (const gint64[]){__VA_ARGS__},         \
          CONVRNN_DTYPE_FLOAT32)

typedef ConvRnnCell *(*Constructor)(const ConvRnnCellParams *, GError **);

/* --- refusals --- */

/* Drops the references that the table's tensors were made with. */
static void
drop_tensors(const ConvRnnCellParams *p)
{
    ConvRnnTensor *const all[] = {
        p->weights,   p->recurrent,           p->bias,       p->recurrent_bias,
        p->peephole,  p->projection,          p->norm_gamma, p->norm_beta,
        p->depthwise, p->recurrent_depthwise, p->initial,    p->initial_cell};
    for (gsize i = 0; i < G_N_ELEMENTS(all); i++)
        convrnn_tensor_unref(all[i]);
}

static void
refuse(Constructor make, const ConvRnnCellParams *params, ConvRnnError code, const char *message)
{
    GError *error = NULL;

    g_assert_null(make(params, &error));
    g_assert_error(error, CONVRNN_ERROR, (int)code);
    g_assert_cmpstr(error->message, ==, message);
    g_error_free(error);
    drop_tensors(params);
}

/* A dense and a convolutional LSTM of 3 inputs and 2 units, with one more field. */
#define LSTM(...)                                                                                  \
    convrnn_cell_new_lstm, CONVRNN_CELL(.weights = T(8, 3), .recurrent = T(8, 2), __VA_ARGS__),    \
        CONVRNN_ERROR_SHAPE
#define CONV(...)                                                                                  \
    convrnn_cell_new_conv_lstm,                                                                    \
        CONVRNN_CELL(.weights = T(8, 3, 3, 3), .recurrent = T(8, 2, 3, 3), __VA_ARGS__),           \
        CONVRNN_ERROR_SHAPE

static void
test_shapes(void)
{
    refuse(convrnn_cell_new_gru, CONVRNN_CELL(.recurrent = T(6, 2)), CONVRNN_ERROR_SHAPE,
           "gru: weights is missing, expected float32 ?×?");
    refuse(convrnn_cell_new_gru, CONVRNN_CELL(.weights = T(6, 2)), CONVRNN_ERROR_SHAPE,
           "gru: recurrent is missing, expected float32 6×2");
    refuse(convrnn_cell_new_gru, CONVRNN_CELL(.weights = T(6, 2, 3, 3)), CONVRNN_ERROR_SHAPE,
           "gru: weights is float32 6×2×3×3, expected float32 ?×?");
    refuse(convrnn_cell_new_gru, CONVRNN_CELL(.weights = T(8, 2), .recurrent = T(6, 2)),
           CONVRNN_ERROR_SHAPE,
           "gru: weights has 8 rows, expected a multiple of 3, one for each gate of \"zrn\"");
    refuse(convrnn_cell_new_conv_rnn, CONVRNN_CELL(.weights = T(2, 3)), CONVRNN_ERROR_SHAPE,
           "conv_rnn: weights is float32 2×3, expected float32 ?×?×?×?");
    refuse(convrnn_cell_new_conv_rnn, CONVRNN_CELL(.weights = T(2, 3, 5), .recurrent = T(2, 3, 5)),
           CONVRNN_ERROR_SHAPE, "conv_rnn: recurrent is float32 2×3×5, expected float32 2×2×?");
    refuse(LSTM(.bias = T(6)), "lstm: bias is float32 6, expected float32 8");
    refuse(LSTM(.bias = zeros(1, (const gint64[]){8}, CONVRNN_DTYPE_FLOAT64)),
           "lstm: bias is float64 8, expected float32 8");
    refuse(LSTM(.recurrent_bias = T(8, 1)),
           "lstm: recurrent_bias is float32 8×1, expected float32 8");
    refuse(LSTM(.peephole = T(8)), "lstm: peephole is float32 8, expected float32 6");
    refuse(LSTM(.projection = T(3, 4)), "lstm: projection is float32 3×4, expected float32 ?×2");
    refuse(LSTM(.projection = T(3, 2)), "lstm: recurrent is float32 8×2, expected float32 8×3");
    refuse(LSTM(.norm_groups = {3}), "lstm: norm_groups[0] is 3, which does not divide 8 channels");
    refuse(LSTM(.norm_groups = {2}, .norm_gamma = T(2)),
           "lstm: norm_gamma is float32 2, expected float32 8");
    refuse(LSTM(.norm_groups = {2}, .norm_beta = T(2)),
           "lstm: norm_beta is float32 2, expected float32 8");
    refuse(LSTM(.initial = T(1, 3)),
           "lstm: initial is float32 1×3, expected float32 that broadcasts to ?×2");
    refuse(LSTM(.initial_cell = T(1, 1, 2)),
           "lstm: initial_cell is float32 1×1×2, expected float32 that broadcasts to ?×2");
    refuse(CONV(.initial = T(1, 3, 1, 1)),
           "conv_lstm: initial is float32 1×3×1×1, expected float32 that broadcasts to ?×2×?×?");
    refuse(CONV(.peephole = T(6, 4)), "conv_lstm: peephole is float32 6×4, expected float32 6×?×?");
    refuse(CONV(.depthwise = T(3, 1, 3, 3)),
           "conv_lstm: weights is float32 8×3×3×3, expected float32 ?×?×1×1");
    refuse(CONV(.recurrent_depthwise = T(4, 1, 3, 3)),
           "conv_lstm: recurrent_depthwise is float32 4×1×3×3, expected float32 2×1×?×?");
    refuse(
        CONV(.explicit_pads = TRUE, .recurrent_pads = {1, 1, 1, 2}),
        "conv_lstm: recurrent_pads adds 1 and 2 zeros in dimension 3 for a kernel of 3, expected 2 "
        "in all, so that the state keeps its size");
    refuse(convrnn_cell_new_conv_rnn,
           CONVRNN_CELL(.weights = T(2, 3, 2, 3), .recurrent = T(2, 2, 3, 3)), CONVRNN_ERROR_SHAPE,
           "conv_rnn: the kernel of weights is 2×3, expected odd numbers, or explicit_pads");
    refuse(convrnn_cell_new_rnn,
           CONVRNN_CELL(.weights = T(3, 3), .join = CONVRNN_CELL_JOIN_INPUT_STATE),
           CONVRNN_ERROR_SHAPE,
           "rnn: weights has 3 columns for input and state, expected more than the state's 3");
    refuse(convrnn_cell_new_conv_rnn,
           CONVRNN_CELL(.weights = T(2, 5, 1, 1), .join = CONVRNN_CELL_JOIN_STATE_INPUT,
                        .depthwise = T(3, 1, 3, 3)),
           CONVRNN_ERROR_SHAPE, "conv_rnn: depthwise is float32 3×1×3×3, expected float32 5×1×?×?");
}

static void
refuse_option(Constructor make, gboolean lstm, ConvRnnCellParams *p, ConvRnnError code,
              const char *message)
{
    gboolean rnn = make == convrnn_cell_new_rnn;

    p->weights = rnn ? T(2, 3) : lstm ? T(8, 3) : T(6, 3);
    if (!p->join)
        p->recurrent = rnn ? T(2, 2) : lstm ? T(8, 2) : T(6, 2);
    refuse(make, p, code, message);
}

#define OPTION(kind, code, message, ...)                                                           \
    refuse_option(convrnn_cell_new_##kind, convrnn_cell_new_##kind == convrnn_cell_new_lstm,       \
                  &(ConvRnnCellParams){.reserved = NULL, __VA_ARGS__}, CONVRNN_ERROR_##code,       \
                  message)

static void
test_options(void)
{
    OPTION(lstm, UNSUPPORTED, "lstm: reset_after is an option of a GRU only", .reset_after = TRUE);
    OPTION(rnn, UNSUPPORTED, "rnn: z_replaces is an option of a GRU only", .z_replaces = TRUE);
    OPTION(gru, UNSUPPORTED, "gru: peephole is an option of an LSTM only", .peephole = T(6));
    OPTION(gru, UNSUPPORTED, "gru: cell_clip is an option of an LSTM only", .cell_clip = 1);
    OPTION(rnn, UNSUPPORTED, "rnn: forget_bias is an option of an LSTM only", .forget_bias = 1);
    OPTION(gru, UNSUPPORTED, "gru: initial_cell is an option of an LSTM only",
           .initial_cell = T(2));
    OPTION(rnn, UNSUPPORTED, "rnn: gate is the function of gates, of which an RNN has none",
           .gate = {CONVRNN_ACTIVATION_SIGMOID});
    OPTION(gru, UNSUPPORTED, "gru: stride is an option of a convolutional cell only",
           .stride = {2, 2});
    OPTION(gru, UNSUPPORTED, "gru: explicit_pads is an option of a convolutional cell only",
           .explicit_pads = TRUE);
    OPTION(gru, UNSUPPORTED, "gru: norm_groups[0] is 0, but other fields of the norm are given",
           .norm_gamma = T(6));
    OPTION(lstm, UNSUPPORTED, "lstm: projection_clip is given, but no projection",
           .projection_clip = 1);
    OPTION(gru, UNSUPPORTED, "gru: activation is a softmax, expected a function of one element",
           .activation = {CONVRNN_ACTIVATION_SOFTMAX});
    OPTION(gru, UNSUPPORTED, "gru: gate has parameters, but no function", .gate = {0, 0.2f, 0.5f});
    OPTION(gru, FORMAT, "gru: gate has the parameters inf and 0, expected finite numbers",
           .gate = {CONVRNN_ACTIVATION_HARD_SIGMOID, INFINITY, 0});
    OPTION(gru, FORMAT, "gru: clip is -1, expected a number of at least 0", .clip = -1);
    OPTION(lstm, FORMAT, "lstm: forget_bias is nan, expected a number", .forget_bias = NAN);
    OPTION(gru, FORMAT, "gru: gates is \"zr\", expected the letters z, r, n in any order",
           .gates = "zr");
    OPTION(gru, FORMAT, "gru: gates is \"zrr\", expected the letters z, r, n in any order",
           .gates = "zrr");
    OPTION(rnn, FORMAT, "rnn: gates is \"h\", expected none: an RNN has no gates", .gates = "h");
    OPTION(lstm, FORMAT,
           "lstm: gates is \"ifg\", expected the letters i, o, f, g in any order, without i or f "
           "for coupled gates",
           .gates = "ifg");
    OPTION(lstm, UNSUPPORTED, "lstm: forget_bias is given, but gates has no f", .gates = "iog",
           .forget_bias = 1);
    OPTION(gru, FORMAT, "gru: join is 7, expected 0 … 2 (ConvRnnCellJoin)", .join = 7);
    refuse(convrnn_cell_new_conv_rnn,
           CONVRNN_CELL(.weights = T(2, 5, 1, 1), .join = CONVRNN_CELL_JOIN_STATE_INPUT,
                        .stride = {2, 1}),
           CONVRNN_ERROR_UNSUPPORTED,
           "conv_rnn: stride of more than 1 changes the size of the state, which is joined");
    refuse(convrnn_cell_new_rnn,
           CONVRNN_CELL(.weights = T(2, 5), .join = CONVRNN_CELL_JOIN_STATE_INPUT,
                        .recurrent = T(2, 2)),
           CONVRNN_ERROR_UNSUPPORTED,
           "rnn: recurrent is given, but join says that it is part of the input's");
}

/* --- cells of cells --- */

static ConvRnnCell *
lstm(gint64 inputs, gboolean conv)
{
    GError *error = NULL;
    ConvRnnTensor *w = conv ? T(8, inputs, 3, 3) : T(8, inputs);
    ConvRnnTensor *r = conv ? T(8, 2, 3, 3) : T(8, 2);
    ConvRnnCell *cell = (conv ? convrnn_cell_new_conv_lstm : convrnn_cell_new_lstm)(
        CONVRNN_CELL(.weights = w, .recurrent = r), &error);

    g_assert_no_error(error);
    convrnn_tensor_unref(w);
    convrnn_tensor_unref(r);
    return cell;
}

static void
refused(ConvRnnCell *cell, GError *error, ConvRnnError code, const char *message)
{
    g_assert_null(cell);
    g_assert_error(error, CONVRNN_ERROR, (int)code);
    g_assert_cmpstr(error->message, ==, message);
    g_error_free(error);
}

#define REFUSED(call, code, message)                                                               \
    do {                                                                                           \
        GError *error = NULL;                                                                      \
        ConvRnnCell *cell = call;                                                                  \
        refused(cell, error, code, message);                                                       \
    } while (0)

static void
test_wrapped_refusals(void)
{
    g_autoptr(ConvRnnCell) a = lstm(3, FALSE), b = lstm(4, FALSE), conv = lstm(3, TRUE);
    g_autoptr(ConvRnnTensor) key = T(4, 2), query = T(4, 3), input = T(3, 2);

    REFUSED(convrnn_cell_new_stack(NULL, 0, &error), CONVRNN_ERROR_FORMAT,
            "stack: it has no layers, expected at least 1");
    REFUSED(convrnn_cell_new_stack((ConvRnnCell *[]){a, NULL}, 2, &error), CONVRNN_ERROR_FORMAT,
            "stack: layer 1 is NULL");
    REFUSED(convrnn_cell_new_stack((ConvRnnCell *[]){a, conv}, 2, &error), CONVRNN_ERROR_SHAPE,
            "stack: layer 0 (lstm) gives 2 dimensions, but layer 1 (conv_lstm) takes 4");
    REFUSED(convrnn_cell_new_stack((ConvRnnCell *[]){conv, a, b}, 3, &error), CONVRNN_ERROR_SHAPE,
            "stack: layer 1 (lstm) gives 2 channels, but layer 2 (lstm) takes 4");
    REFUSED(convrnn_cell_new_residual(b, &error), CONVRNN_ERROR_SHAPE,
            "residual: the cell (lstm) takes 4 channels and gives 2, expected the same number");
    REFUSED(convrnn_cell_new_residual(NULL, &error), CONVRNN_ERROR_FORMAT,
            "residual: the cell is NULL");
    REFUSED(convrnn_cell_new_dropout(NULL, &error), CONVRNN_ERROR_FORMAT,
            "dropout: the cell is NULL");
    REFUSED(convrnn_cell_new_grid_lstm(a, b, 1, &error), CONVRNN_ERROR_SHAPE,
            "grid_lstm: time takes blocks of 1 channels beside the 2 of frequency, and frequency "
            "blocks of 2 beside the 2 of time, expected the same number of at least 1, and the "
            "same number of dimensions (2 and 2)");
    REFUSED(convrnn_cell_new_grid_lstm(a, a, 0, &error), CONVRNN_ERROR_LIMIT,
            "grid_lstm: 0 blocks, expected 1 … 2048");
    REFUSED(convrnn_cell_new_grid_lstm(a, NULL, 1, &error), CONVRNN_ERROR_UNSUPPORTED,
            "grid_lstm: frequency is NULL, expected an LSTM");
    REFUSED(convrnn_cell_new_attention(conv, CONVRNN_ATTENTION(.length = 1), &error),
            CONVRNN_ERROR_UNSUPPORTED, "attention: the cell is conv_lstm, expected a dense one");
    REFUSED(convrnn_cell_new_attention(a, CONVRNN_ATTENTION(.length = 0), &error),
            CONVRNN_ERROR_LIMIT, "attention: length is 0, expected 1 … 1073741824");
    REFUSED(convrnn_cell_new_attention(a, CONVRNN_ATTENTION(.length = 1), &error),
            CONVRNN_ERROR_SHAPE, "attention: key is missing, expected float32 ?×?");
    REFUSED(
        convrnn_cell_new_attention(
            a, CONVRNN_ATTENTION(.length = 1, .key = key, .query = query, .input = input), &error),
        CONVRNN_ERROR_SHAPE, "attention: query is float32 4×3, expected float32 4×4");
}

/* --- in a network --- */

static void
fails(ConvRnnBuilder *b, const char *message)
{
    GError *error = NULL;

    convrnn_builder_output(b, "y", 1);
    g_assert_null(convrnn_builder_build(b, "net", &error));
    g_assert_nonnull(error);
    g_assert_cmpstr(error->message, ==, message);
    g_error_free(error);
}

static void
test_builder_refusals(void)
{
    g_autoptr(ConvRnnBuilder) b = convrnn_builder_new();
    g_autoptr(ConvRnnCell) dense = lstm(3, FALSE), conv = lstm(3, TRUE);
    const gint64 dims[4] = {1, 3, 4, 5};
    guint x = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims, 4), states[2] = {5, 5};

    g_assert_cmpuint(convrnn_builder_step(b, NULL, x, NULL, NULL), ==, 0);
    fails(b, "net: step: the cell is NULL; its constructor has failed");
    x = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims, 4);
    g_assert_cmpuint(convrnn_builder_scan(b, x, CONVRNN_SCAN(.axis = 2), states), ==, 0);
    fails(b, "net: scan: both cells are NULL; give forward, backward or both");
    x = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims, 4);
    convrnn_builder_scan(b, x, CONVRNN_SCAN(.forward = conv, .axis = 2), states);
    g_assert_cmpuint(states[0], ==, 0);
    fails(b,
          "net: scan: steps is 0; a conv_lstm cell with these options needs the number of steps");
    x = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims, 4);
    convrnn_builder_scan(b, x, CONVRNN_SCAN(.forward = dense, .backward = conv), NULL);
    fails(b, "net: scan: forward (lstm) gives 2 dimensions, backward (conv_lstm) 4");
    x = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims, 4);
    convrnn_builder_scan(b, x, CONVRNN_SCAN(.forward = dense, .axis = 7), NULL);
    fails(b, "net: scan: axis is 7, expected at most 6");
    x = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims, 4);
    convrnn_builder_scan(b, x, CONVRNN_SCAN(.forward = dense, .steps = 5000), NULL);
    fails(b, "net: scan: 5000 steps, expected at most 4096");
}

static char *
ops_of(const ConvRnnModel *model)
{
    GString *ops = g_string_new(NULL);
    for (guint i = 0; i < model->graph->nodes->len; i++)
        g_string_append_printf(ops, "%s%s", i ? " " : "", cr_graph_get_node(model->graph, i)->op);
    return g_string_free(ops, FALSE);
}

static char *
states_of(const ConvRnnModel *model)
{
    GString *text = g_string_new(NULL);
    GArray *states = cr_states_find(model, NULL, NULL, NULL);

    for (guint i = 0; i < states->len; i++) {
        const CrStatePair *pair = &g_array_index(states, CrStatePair, i);
        g_assert_cmpint(pair->origin, ==, CONVRNN_STATE_FROM_BUILDER);
        g_string_append_printf(text, "%s%s>%s", i ? " " : "", pair->input, pair->output);
    }
    cr_states_free(states);
    return g_string_free(text, FALSE);
}

/* The operators of one step with explicit states, and the names of the layer's states. */
static void
check_graph(Constructor make, gint64 gates, gboolean conv, ConvRnnCellParams *p, const char *ops,
            const char *states)
{
    const gint64 dims[4] = {1, 2, 4, 5}, state[4] = {1, 3, 4, 5};
    g_autoptr(ConvRnnBuilder) b = convrnn_builder_new();
    GError *error = NULL;
    guint in[2], out[2];

    p->weights = conv ? T(gates * 3, 2, 5, 3) : T(gates * 3, 2);
    p->recurrent = conv ? T(gates * 3, 3, 3, 3) : T(gates * 3, 3);
    ConvRnnCell *cell = make(p, &error);
    g_assert_no_error(error);
    guint rank = conv ? 4 : 2, n = convrnn_cell_get_n_states(cell);
    guint x = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims, rank);
    for (guint i = 0; i < n; i++)
        in[i] = convrnn_builder_input(b, i ? "c" : "h", CONVRNN_DTYPE_FLOAT32, state, rank);
    convrnn_builder_output(b, "y", convrnn_builder_step(b, cell, x, in, out));
    g_autoptr(ConvRnnModel) step = convrnn_builder_build(b, "step", &error);
    g_assert_no_error(error);
    g_autofree char *found = ops_of(step);
    g_assert_cmpstr(found, ==, ops);

    x = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims, rank);
    convrnn_builder_output(b, "y", convrnn_builder_layer(b, "m", cell, x, CONVRNN_NO_VALUE));
    g_autoptr(ConvRnnModel) layer = convrnn_builder_build(b, "layer", &error);
    g_assert_no_error(error);
    g_autofree char *names = states_of(layer);
    g_assert_cmpstr(names, ==, states);
    convrnn_cell_unref(cell);
    drop_tensors(p);
}

#define GRAPH(kind, gates, conv, ops, states, ...)                                                 \
    check_graph(convrnn_cell_new_##kind, gates, conv,                                              \
                &(ConvRnnCellParams){.reserved = NULL, __VA_ARGS__}, ops, states)

static void
test_graphs(void)
{
    GRAPH(conv_rnn, 1, TRUE, "Conv Conv Add Tanh", "m_in>m_out", .clip = 0);
    GRAPH(conv_gru, 3, TRUE, "Conv Conv Add Sigmoid Split Conv Mul Conv Add Tanh Sub Mul Mul Add",
          "m_in>m_out", .clip = 0);
    GRAPH(conv_gru, 3, TRUE, "Conv Conv Add Sigmoid Split Conv Conv Mul Add Tanh Sub Mul Mul Add",
          "m_in>m_out", .reset_after = TRUE);
    GRAPH(conv_lstm, 4, TRUE,
          "Conv Conv Add Split Sigmoid Sigmoid Tanh Mul Mul Add Sigmoid Tanh Mul",
          "m_h_in>m_h_out m_c_in>m_c_out", .clip = 0);
    GRAPH(rnn, 1, FALSE, "Flatten Unsqueeze Unsqueeze RNN Squeeze", "m_in>m_out",
          .activation = {CONVRNN_ACTIVATION_RELU});
    GRAPH(gru, 3, FALSE, "Flatten Unsqueeze Unsqueeze GRU Squeeze", "m_in>m_out", .gates = "rzn",
          .z_replaces = TRUE, .clip = 3);
    GRAPH(lstm, 4, FALSE, "Flatten Unsqueeze Unsqueeze Unsqueeze LSTM Squeeze",
          "m_h_in>m_h_out m_c_in>m_c_out", .gates = "ifgo", .forget_bias = 1,
          .gate = {CONVRNN_ACTIVATION_HARD_SIGMOID, 0.25f, 0.5f});
    /* ONNX's operator has no such option. */
    GRAPH(gru, 3, FALSE,
          "Flatten Gemm Gemm Add HardSigmoid Split Gemm Mul Gemm Add Tanh Sub Mul Mul Add",
          "m_in>m_out", .gate = {CONVRNN_ACTIVATION_HARD_SIGMOID}, .z_replaces = TRUE);
}

static void
test_states(void)
{
    g_autoptr(ConvRnnCell) a = lstm(3, TRUE), b = lstm(2, TRUE);
    g_autoptr(ConvRnnCell) residual = convrnn_cell_new_residual(b, NULL);
    ConvRnnCell *const layers[] = {a, residual};
    g_autoptr(ConvRnnCell) stack = convrnn_cell_new_stack(layers, 2, NULL);
    g_autoptr(ConvRnnCell) same = convrnn_cell_new_dropout(stack, NULL);
    static const char *const names[] = {"0_h", "0_c", "1_h", "1_c"};

    g_assert_true(same == stack);
    g_assert_cmpuint(convrnn_cell_get_n_states(stack), ==, 4);
    for (guint i = 0; i < 4; i++) {
        const ConvRnnTensorInfo *info = convrnn_cell_get_state(stack, i);
        g_assert_cmpstr(info->name, ==, names[i]);
        g_assert_cmpuint(info->n_dims, ==, 4);
        g_assert_cmpint(info->dims[0], ==, -1);
        g_assert_cmpint(info->dims[1], ==, 2);
        g_assert_cmpint(info->dims[3], ==, -1);
        g_assert_null(convrnn_cell_get_initial(stack, i));
    }
    g_boxed_free(CONVRNN_TYPE_CELL, g_boxed_copy(CONVRNN_TYPE_CELL, stack));
    convrnn_cell_unref(NULL);
}

/* Weights are copied only when they must be. */
static void
test_no_copies(void)
{
    g_autoptr(ConvRnnTensor) w = T(6, 2, 3, 3), r = T(6, 2, 3, 3);
    g_autoptr(ConvRnnBuilder) b = convrnn_builder_new();
    g_autoptr(ConvRnnCell) cell =
        convrnn_cell_new_conv_gru(CONVRNN_CELL(.weights = w, .recurrent = r, .gates = "rzn"), NULL);
    const gint64 dims[4] = {1, 2, 4, 5};
    guint x = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims, 4), convolutions = 0;

    convrnn_builder_output(b, "y", convrnn_builder_layer(b, "m", cell, x, CONVRNN_NO_VALUE));
    g_autoptr(ConvRnnModel) model = convrnn_builder_build(b, "net", NULL);
    for (guint i = 0; i < model->graph->nodes->len; i++) {
        const CrNode *node = cr_graph_get_node(model->graph, i);
        if (strcmp(node->op, "Conv") != 0)
            continue;
        const char *data = cr_graph_get_value(model->graph, node->inputs[1])->constant->data;
        const char *of_w = w->data, *of_r = r->data;
        size_t size = g_bytes_get_size(w->bytes);
        g_assert_true((data >= of_w && data < of_w + size) || (data >= of_r && data < of_r + size));
        convolutions++;
    }
    g_assert_cmpuint(convolutions, ==, 4);
}

/* Every allocation that may fail does, in turn. */
static void
test_no_memory(void)
{
    g_autoptr(ConvRnnTensor) w = T(6, 5), bias = T(6), gamma = T(6);
    gboolean done = FALSE;

    for (unsigned n = 1; !done; n++) {
        GError *error = NULL;
        cr_mem_fail_at(n, false);
        ConvRnnCell *cell = convrnn_cell_new_gru(
            CONVRNN_CELL(.weights = w, .join = CONVRNN_CELL_JOIN_INPUT_STATE, .gates = "nrz",
                         .bias = bias, .norm_groups = {n % 2, 0},
                         .norm_gamma = n % 2 ? gamma : NULL, .z_replaces = TRUE),
            &error);
        cr_mem_fail_at(0, false);
        done = cell && n > 20;
        if (!cell) {
            g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_NOMEM);
            g_error_free(error);
        }
        convrnn_cell_unref(cell);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cell-params/shapes", test_shapes);
    g_test_add_func("/cell-params/options", test_options);
    g_test_add_func("/cell-params/wrapped-refusals", test_wrapped_refusals);
    g_test_add_func("/cell-params/builder-refusals", test_builder_refusals);
    g_test_add_func("/cell-params/graphs", test_graphs);
    g_test_add_func("/cell-params/states", test_states);
    g_test_add_func("/cell-params/no-copies", test_no_copies);
    g_test_add_func("/cell-params/no-memory", test_no_memory);
    return g_test_run();
}
