/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public builder: what it makes, how it fails. What the cells compute: cells_test.c. */
#include <convrnn/convrnn.h>
#include "core/memory.h"
#include "model/graph.h"
#include "model/states.h"
#include <string.h>

static ConvRnnTensor *
tensor(int n_dims, const gint64 *dims)
{
    ConvRnnTensor *t = convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, dims, n_dims, NULL, NULL);
    float *v = (float *)t->data; /* ours alone until now */
    for (gsize i = 0; i < t->n_elements; i++)
        v[i] = (float)i;
    return t;
}

#define T(...)                                                                                     \
    tensor(sizeof((gint64[]){__VA_ARGS__}) / sizeof(gint64), (const gint64[]){__VA_ARGS__})

static ConvRnnModel *
build(ConvRnnBuilder *b)
{
    GError *error = NULL;
    ConvRnnModel *model = convrnn_builder_build(b, "test", &error);

    g_assert_no_error(error);
    g_assert_nonnull(model);
    return model;
}

static void
assert_ops(const ConvRnnModel *model, const char *expected)
{
    GString *ops = g_string_new(NULL);
    for (guint i = 0; i < model->graph->nodes->len; i++)
        g_string_append_printf(ops, "%s%s", i ? " " : "", cr_graph_get_node(model->graph, i)->op);
    g_assert_cmpstr(ops->str, ==, expected);
    g_string_free(ops, TRUE);
}

static const CrNode *
find_node(const ConvRnnModel *model, const char *op)
{
    for (guint i = 0; i < model->graph->nodes->len; i++) {
        if (strcmp(cr_graph_get_node(model->graph, i)->op, op) == 0)
            return cr_graph_get_node(model->graph, i);
    }
    g_assert_not_reached();
}

static guint
image(ConvRnnBuilder *b)
{
    const gint64 dims[4] = {1, 2, -1, -1};
    return convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims, 4);
}

static void
test_layers(void)
{
    ConvRnnBuilder *b = convrnn_builder_new();
    ConvRnnTensor *w = T(4, 2, 3, 3), *bias = T(4), *dense = T(5, 4);

    guint x = image(b);
    x = convrnn_builder_conv2d(b, x,
                               CONVRNN_CONV2D(.weights = w, .bias = bias, .stride = {2, 1},
                                              .pads = {1, 0, 1, 0},
                                              .activation = CONVRNN_ACTIVATION_RELU6));
    guint p = convrnn_builder_max_pool2d(b, x, CONVRNN_POOL2D(.kernel = {2, 2}));
    guint q = convrnn_builder_average_pool2d(b, x, CONVRNN_POOL2D(.kernel = {2, 2}, .same = TRUE));
    x = convrnn_builder_concat(b, (const guint[]){p, q}, 2, 1);
    x = convrnn_builder_global_average_pool(b, x);
    x = convrnn_builder_dense(
        b, x, CONVRNN_DENSE(.weights = dense, .activation = CONVRNN_ACTIVATION_SOFTMAX));
    convrnn_builder_output(b, "y", x);
    ConvRnnModel *model = build(b);
    assert_ops(model,
               "Conv Clip MaxPool AveragePool Concat GlobalAveragePool Flatten Gemm Softmax");

    int n;
    const CrNode *conv = find_node(model, "Conv");
    g_assert_cmpint(cr_node_ints(conv, "strides", &n)[0], ==, 2);
    g_assert_cmpint(cr_node_ints(conv, "pads", &n)[2], ==, 1);
    g_assert_cmpint(cr_node_ints(conv, "dilations", &n)[1], ==, 1);
    g_assert_cmpint(cr_node_int(conv, "group", 0), ==, 1);
    g_assert_true(cr_graph_get_value(model->graph, conv->inputs[1])->constant == w);
    g_assert_cmpint(cr_node_ints(find_node(model, "MaxPool"), "strides", &n)[1], ==, 2);
    g_assert_cmpstr(cr_node_string(find_node(model, "AveragePool"), "auto_pad", ""), ==,
                    "SAME_UPPER");
    g_assert_cmpint(cr_node_int(find_node(model, "Gemm"), "transB", 0), ==, 1);
    g_assert_cmpstr(convrnn_model_get_output(model, 0)->name, ==, "y");
    g_assert_cmpstr(convrnn_model_get_name(model), ==, "test");
    convrnn_model_unref(model);
    convrnn_tensor_unref(w);
    convrnn_tensor_unref(bias);
    convrnn_tensor_unref(dense);
    convrnn_builder_unref(b);
}

static void
test_activations(void)
{
    static const char *const ops[] = {NULL,      "Relu",        "Clip", "LeakyRelu", "Elu",
                                      "Sigmoid", "HardSigmoid", "Tanh", "Softmax"};
    for (int a = CONVRNN_ACTIVATION_RELU; a <= CONVRNN_ACTIVATION_SOFTMAX; a++) {
        ConvRnnBuilder *b = convrnn_builder_new();
        convrnn_builder_output(b, "y", convrnn_builder_activation(b, image(b), a));
        ConvRnnModel *model = build(b);
        assert_ops(model, ops[a]);
        convrnn_model_unref(model);
        convrnn_builder_unref(b);
    }
}

static void
test_node(void)
{
    ConvRnnBuilder *b = convrnn_builder_new();
    guint x = image(b), parts[2];

    convrnn_builder_node_outputs(
        b, "Split", &x, 1, g_variant_new_parsed("{'axis': <1>, 'num_outputs': <@x 2>}"), parts, 2);
    x = convrnn_builder_node(b, "Transpose", &parts[0], 1,
                             g_variant_new_parsed("{'perm': <[0, 2, 3, 1]>}"));
    x = convrnn_builder_node(b, "Elu", &x, 1, g_variant_new_parsed("{'alpha': <0.5>}"));
    convrnn_builder_output(b, "y", x);
    convrnn_builder_output(b, "z", x);
    convrnn_builder_output(b, "same", image(b) ? 1 : 1);
    GError *error = NULL;
    g_assert_null(convrnn_builder_build(b, "test", &error)); /* "x" twice */
    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT);
    g_clear_error(&error);

    x = image(b); /* the builder starts anew */
    convrnn_builder_node_outputs(
        b, "Split", &x, 1, g_variant_new_parsed("{'axis': <1>, 'num_outputs': <@x 2>}"), parts, 2);
    guint y =
        convrnn_builder_node(b, "Elu", &parts[0], 1, g_variant_new_parsed("{'alpha': <0.5>}"));
    convrnn_builder_output(b, "y", y);
    convrnn_builder_output(b, "z", y); /* a value may be several outputs, also an input */
    convrnn_builder_output(b, "x2", x);
    ConvRnnTensor *one = T(1);
    guint sum[2] = {y, convrnn_builder_constant(b, one)};
    guint clipped = convrnn_builder_node(b, "Add", sum, 2, NULL);
    guint pooled = convrnn_builder_node(
        b, "MaxPool", &clipped, 1,
        g_variant_new_parsed("{'kernel_shape': <[@x 1, 1]>, 'ceil_mode': <true>, "
                             "'auto_pad': <'VALID'>}"));
    convrnn_builder_output(b, "pooled", pooled);
    ConvRnnModel *model = build(b);
    assert_ops(model, "Split Elu Identity Identity Add MaxPool");
    g_assert_cmpint(cr_node_int(find_node(model, "MaxPool"), "ceil_mode", 0), ==, 1);
    g_assert_cmpstr(cr_node_string(find_node(model, "MaxPool"), "auto_pad", ""), ==, "VALID");
    convrnn_tensor_unref(one);
    g_assert_cmpfloat(cr_node_float(find_node(model, "Elu"), "alpha", 0), ==, 0.5f);
    g_assert_cmpint(cr_node_int(find_node(model, "Split"), "num_outputs", 0), ==, 2);
    g_assert_cmpuint(convrnn_model_get_n_outputs(model), ==, 4);
    convrnn_model_unref(model);
    convrnn_builder_unref(b);
}

static char *
state_names(const ConvRnnModel *model)
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

typedef guint (*ConvCellFn)(ConvRnnBuilder *, const gchar *, guint, const ConvRnnConvCellParams *);

static void
check_conv_cell(ConvCellFn fn, int gates, const ConvRnnConvCellParams *options, const char *ops,
                const char *states)
{
    ConvRnnBuilder *b = convrnn_builder_new();
    ConvRnnConvCellParams params = *options;
    guint x = image(b);

    params.weights = T(gates * 3, 2, 5, 3);
    params.recurrent = T(gates * 3, 3, 3, 3);
    params.bias = T(gates * 3);
    convrnn_builder_output(b, "y", fn(b, "m", x, &params));
    ConvRnnModel *model = build(b);
    assert_ops(model, ops);
    char *found = state_names(model);
    g_assert_cmpstr(found, ==, states);
    g_free(found);
    const ConvRnnTensorInfo *info = convrnn_model_get_input(model, 1);
    g_assert_cmpint(info->dims[1], ==, 3);
    g_assert_cmpint(info->dims[2], ==, options->height ? (int)options->height : -1);
    int n;
    g_assert_cmpint(cr_node_ints(find_node(model, "Conv"), "pads", &n)[0], >=, 1);
    convrnn_model_unref(model);
    convrnn_tensor_unref(params.weights);
    convrnn_tensor_unref(params.recurrent);
    convrnn_tensor_unref(params.bias);
    convrnn_builder_unref(b);
}

static void
test_conv_cells(void)
{
    check_conv_cell(convrnn_builder_conv_rnn, 1, CONVRNN_CONV_CELL(.height = 4, .width = 5),
                    "Conv Conv Add Tanh Identity", "m_in>m_out");
    check_conv_cell(convrnn_builder_conv_gru, 3, CONVRNN_CONV_CELL(.reset_after = FALSE),
                    "Conv Conv Split Add Sigmoid Split Mul Conv Add Tanh Sub Mul Mul Add Identity",
                    "m_in>m_out");
    check_conv_cell(convrnn_builder_conv_gru, 3, CONVRNN_CONV_CELL(.reset_after = TRUE),
                    "Conv Conv Split Split Add Sigmoid Split Mul Add Tanh Sub Mul Mul Add Identity",
                    "m_in>m_out");
    check_conv_cell(convrnn_builder_conv_lstm, 4, CONVRNN_CONV_CELL(.height = 4, .width = 5),
                    "Conv Conv Add Split Sigmoid Sigmoid Tanh Mul Mul Add Sigmoid Tanh Mul "
                    "Identity",
                    "m_h_in>m_h_out m_c_in>m_c_out");
    ConvRnnTensor *peephole = T(9), *maps = T(9, 4, 5);
    const char *with_peepholes = "Conv Conv Add Split Mul Add Sigmoid Mul Add Sigmoid Tanh Mul Mul "
                                 "Add Mul Add Sigmoid Tanh Mul Identity";
    check_conv_cell(convrnn_builder_conv_lstm, 4, CONVRNN_CONV_CELL(.peephole = peephole),
                    with_peepholes, "m_h_in>m_h_out m_c_in>m_c_out");
    check_conv_cell(convrnn_builder_conv_lstm, 4, CONVRNN_CONV_CELL(.peephole = maps),
                    with_peepholes, "m_h_in>m_h_out m_c_in>m_c_out");
    convrnn_tensor_unref(peephole);
    convrnn_tensor_unref(maps);
}

/* Which rows of the weights go where: the candidate's convolution gets the last third. */
static void
test_conv_gru_rows(void)
{
    ConvRnnBuilder *b = convrnn_builder_new();
    ConvRnnTensor *w = T(6, 2, 1, 1), *r = T(6, 2, 1, 1);
    guint x = image(b);

    convrnn_builder_output(
        b, "y",
        convrnn_builder_conv_gru(b, "m", x, CONVRNN_CONV_CELL(.weights = w, .recurrent = r)));
    ConvRnnModel *model = build(b);
    bool found = false;
    for (guint i = 0; i < model->graph->nodes->len; i++) {
        const CrNode *node = cr_graph_get_node(model->graph, i);
        if (strcmp(node->op, "Conv") != 0)
            continue;
        const ConvRnnTensor *k = cr_graph_get_value(model->graph, node->inputs[1])->constant;
        if (k->dims[0] != 2)
            continue;
        found = true;
        g_assert_cmpfloat(*(const float *)k->data, ==, 8); /* row 4 of rows of 2 */
    }
    g_assert_true(found);
    convrnn_model_unref(model);
    convrnn_tensor_unref(w);
    convrnn_tensor_unref(r);
    convrnn_builder_unref(b);
}

typedef guint (*CellFn)(ConvRnnBuilder *, const gchar *, guint, const ConvRnnCellParams *);

static void
check_cell(CellFn fn, int gates, const char *op, const char *states, gboolean bias)
{
    ConvRnnBuilder *b = convrnn_builder_new();
    ConvRnnTensor *w = T(gates * 3, 2), *r = T(gates * 3, 3), *bt = T(gates * 3), *p = T(9);
    const gint64 dims[2] = {1, 2};
    guint x = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims, 2);

    convrnn_builder_output(
        b, "y",
        fn(b, "m", x,
           CONVRNN_CELL(.weights = w, .recurrent = r, .bias = bias ? bt : NULL,
                        .peephole = gates == 4 ? p : NULL, .clip = 3, .reset_after = TRUE)));
    ConvRnnModel *model = build(b);
    const CrNode *node = find_node(model, op);
    g_assert_cmpint(node->n_inputs, ==, gates == 4 ? 8 : 6);
    g_assert_cmpint(node->inputs[3] != CR_NO_VALUE, ==, bias);
    g_assert_cmpint(cr_graph_get_value(model->graph, node->inputs[1])->constant->n_dims, ==, 3);
    g_assert_cmpint(cr_node_int(node, "hidden_size", 0), ==, 3);
    g_assert_cmpfloat(cr_node_float(node, "clip", 0), ==, 3);
    g_assert_cmpint(node->outputs[0], !=, node->outputs[1]);
    char *found = state_names(model);
    g_assert_cmpstr(found, ==, states);
    g_free(found);
    convrnn_model_unref(model);
    convrnn_tensor_unref(w);
    convrnn_tensor_unref(r);
    convrnn_tensor_unref(bt);
    convrnn_tensor_unref(p);
    convrnn_builder_unref(b);
}

static void
test_cells(void)
{
    for (int bias = 0; bias < 2; bias++) {
        check_cell(convrnn_builder_rnn, 1, "RNN", "m_in>m_out", bias);
        check_cell(convrnn_builder_gru, 3, "GRU", "m_in>m_out", bias);
        check_cell(convrnn_builder_lstm, 4, "LSTM", "m_h_in>m_h_out m_c_in>m_c_out", bias);
    }
}

static void
test_state(void)
{
    ConvRnnBuilder *b = convrnn_builder_new();
    const gint64 dims[2] = {1, 2};
    ConvRnnTensor *one = T(1);
    guint x = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims, 2);
    guint h = convrnn_builder_input(b, "h", CONVRNN_DTYPE_FLOAT32, dims, 2);

    convrnn_builder_output(b, "sum",
                           convrnn_builder_node(b, "Add", (const guint[]){x, h}, 2, NULL));
    convrnn_builder_state(b, "h", "sum", one);
    ConvRnnModel *model = build(b);
    GArray *states = cr_states_find(model, NULL, NULL, NULL);
    g_assert_cmpuint(states->len, ==, 1);
    g_assert_true(g_array_index(states, CrStatePair, 0).initial == one);
    cr_states_free(states);
    convrnn_model_unref(model);

    GError *error = NULL;
    x = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims, 2);
    convrnn_builder_output(b, "y", convrnn_builder_activation(b, x, CONVRNN_ACTIVATION_RELU));
    convrnn_builder_state(b, "x", "ghost", NULL);
    g_assert_null(convrnn_builder_build(b, "test", &error));
    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_STATE);
    g_error_free(error);
    convrnn_tensor_unref(one);
    convrnn_builder_unref(b);
}

/* --- failures --- */

typedef void (*FailFn)(ConvRnnBuilder *b, guint x);

static void
fail_no_output(ConvRnnBuilder *b, guint x)
{
}

static void
fail_unknown_op(ConvRnnBuilder *b, guint x)
{
    convrnn_builder_output(b, "y", convrnn_builder_node(b, "Frobnicate", &x, 1, NULL));
}

static void
fail_unknown_attr(ConvRnnBuilder *b, guint x)
{
    convrnn_builder_output(
        b, "y", convrnn_builder_node(b, "Relu", &x, 1, g_variant_new_parsed("{'beta': <1>}")));
}

static void
fail_attr_type(ConvRnnBuilder *b, guint x)
{
    convrnn_builder_output(
        b, "y", convrnn_builder_node(b, "Relu", &x, 1, g_variant_new_parsed("{'beta': <(1, 2)>}")));
}

static void
fail_attr_dictionary(ConvRnnBuilder *b, guint x)
{
    convrnn_builder_output(b, "y", convrnn_builder_node(b, "Relu", &x, 1, g_variant_new_int32(1)));
}

static void
fail_attr_list(ConvRnnBuilder *b, guint x)
{
    convrnn_builder_output(
        b, "y", convrnn_builder_node(b, "Relu", &x, 1, g_variant_new_parsed("{'beta': <['a']>}")));
}

static void
fail_activation(ConvRnnBuilder *b, guint x)
{
    convrnn_builder_output(b, "y", convrnn_builder_activation(b, x, 77));
}

static void
fail_concat(ConvRnnBuilder *b, guint x)
{
    convrnn_builder_output(b, "y", convrnn_builder_concat(b, NULL, 0, 1));
}

static void
fail_constant(ConvRnnBuilder *b, guint x)
{
    convrnn_builder_constant(b, NULL);
}

static void
fail_many_outputs(ConvRnnBuilder *b, guint x)
{
    guint y;
    convrnn_builder_node_outputs(b, "Split", &x, 1, NULL, &y, 0);
}

static void
fail_value(ConvRnnBuilder *b, guint x)
{
    convrnn_builder_output(b, "y", 77);
}

static void
fail_input_value(ConvRnnBuilder *b, guint x)
{
    convrnn_builder_output(b, "y", convrnn_builder_node(b, "Relu", (const guint[]){99}, 1, NULL));
}

static void
fail_missing_input(ConvRnnBuilder *b, guint x)
{
    convrnn_builder_output(b, "y", convrnn_builder_node(b, "Relu", NULL, 0, NULL));
}

static void
fail_name(ConvRnnBuilder *b, guint x)
{
    convrnn_builder_output(b, "x", convrnn_builder_activation(b, x, CONVRNN_ACTIVATION_RELU));
}

static void
fail_weights(ConvRnnBuilder *b, guint x)
{
    convrnn_builder_output(b, "y", convrnn_builder_conv2d(b, x, CONVRNN_CONV2D(.groups = 2)));
}

static void
fail_bias(ConvRnnBuilder *b, guint x)
{
    ConvRnnTensor *w = T(4, 2, 3, 3), *bias = T(5);
    convrnn_builder_output(
        b, "y", convrnn_builder_conv2d(b, x, CONVRNN_CONV2D(.weights = w, .bias = bias)));
    convrnn_tensor_unref(w);
    convrnn_tensor_unref(bias);
}

static void
fail_even_kernel(ConvRnnBuilder *b, guint x)
{
    ConvRnnTensor *w = T(2, 2, 2, 2), *r = T(2, 2, 3, 3);
    convrnn_builder_output(
        b, "y",
        convrnn_builder_conv_rnn(b, "m", x, CONVRNN_CONV_CELL(.weights = w, .recurrent = r)));
    convrnn_tensor_unref(w);
    convrnn_tensor_unref(r);
}

static void
fail_gates(ConvRnnBuilder *b, guint x)
{
    ConvRnnTensor *w = T(8, 2), *r = T(6, 2);
    convrnn_builder_output(
        b, "y", convrnn_builder_gru(b, "m", x, CONVRNN_CELL(.weights = w, .recurrent = r)));
    convrnn_tensor_unref(w);
    convrnn_tensor_unref(r);
}

static void
fail_pool(ConvRnnBuilder *b, guint x)
{
    convrnn_builder_output(b, "y", convrnn_builder_max_pool2d(b, x, CONVRNN_POOL2D(.same = TRUE)));
}

static void
fail_dims(ConvRnnBuilder *b, guint x)
{
    convrnn_builder_input(b, "z", CONVRNN_DTYPE_FLOAT32, (const gint64[]){0}, 1);
}

static void
fail_rank(ConvRnnBuilder *b, guint x)
{
    convrnn_builder_input(b, "z", CONVRNN_DTYPE_FLOAT32, NULL, 9);
}

static void
fail_dtype(ConvRnnBuilder *b, guint x)
{
    convrnn_builder_input(b, "z", 99, NULL, 0);
}

static void
test_failures(void)
{
    static const struct {
        FailFn fail;
        ConvRnnError code;
        const char *part;
    } cases[] = {
        {fail_no_output, CONVRNN_ERROR_FORMAT, "no output"},
        {fail_unknown_op, CONVRNN_ERROR_UNSUPPORTED, "Frobnicate"},
        {fail_unknown_attr, CONVRNN_ERROR_FORMAT, "'beta'"},
        {fail_attr_type, CONVRNN_ERROR_FORMAT, "'beta'"},
        {fail_attr_list, CONVRNN_ERROR_FORMAT, "'beta'"},
        {fail_activation, CONVRNN_ERROR_UNSUPPORTED, "77"},
        {fail_concat, CONVRNN_ERROR_LIMIT, "0 values"},
        {fail_constant, CONVRNN_ERROR_FORMAT, "NULL"},
        {fail_many_outputs, CONVRNN_ERROR_LIMIT, "0 outputs"},
        {fail_attr_dictionary, CONVRNN_ERROR_FORMAT, "a{sv}"},
        {fail_value, CONVRNN_ERROR_FORMAT, "77"},
        {fail_input_value, CONVRNN_ERROR_FORMAT, "input 0"},
        {fail_missing_input, CONVRNN_ERROR_FORMAT, "input 0"},
        {fail_name, CONVRNN_ERROR_FORMAT, "'x'"},
        {fail_weights, CONVRNN_ERROR_SHAPE, "weights is missing"},
        {fail_bias, CONVRNN_ERROR_SHAPE, "bias"},
        {fail_even_kernel, CONVRNN_ERROR_SHAPE, "2×2"},
        {fail_gates, CONVRNN_ERROR_SHAPE, "6×?"},
        {fail_pool, CONVRNN_ERROR_SHAPE, "0×0"},
        {fail_dims, CONVRNN_ERROR_SHAPE, "'z'"},
        {fail_rank, CONVRNN_ERROR_LIMIT, "'z'"},
        {fail_dtype, CONVRNN_ERROR_UNSUPPORTED, "'z'"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        ConvRnnBuilder *b = convrnn_builder_new();
        GError *error = NULL;
        cases[i].fail(b, image(b));
        g_assert_null(convrnn_builder_build(b, "my net", &error));
        g_assert_error(error, CONVRNN_ERROR, (int)cases[i].code);
        g_assert_true(g_str_has_prefix(error->message, "my net: "));
        if (!strstr(error->message, cases[i].part))
            g_error("'%s' is not in: %s", cases[i].part, error->message);
        g_error_free(error);
        convrnn_builder_unref(b);
    }
}

/* The first failure is reported, and what comes after it does nothing, also with every layer. */
static void
test_sticky(void)
{
    ConvRnnBuilder *b = convrnn_builder_new();
    GError *error = NULL;
    ConvRnnTensor *w = T(3, 3), *k = T(3, 3, 1, 1);

    g_assert_cmpuint(convrnn_builder_conv2d(b, image(b), CONVRNN_CONV2D(.groups = 1)), ==, 0);
    g_assert_cmpuint(convrnn_builder_input(b, "q", CONVRNN_DTYPE_FLOAT32, NULL, 0), ==, 0);
    g_assert_cmpuint(convrnn_builder_constant(b, w), ==, 0);
    g_assert_cmpuint(convrnn_builder_activation(b, 1, CONVRNN_ACTIVATION_RELU), ==, 0);
    g_assert_cmpuint(convrnn_builder_activation(b, 1, CONVRNN_ACTIVATION_NONE), ==, 0);
    g_assert_cmpuint(convrnn_builder_dense(b, 1, CONVRNN_DENSE(.weights = w)), ==, 0);
    g_assert_cmpuint(convrnn_builder_max_pool2d(b, 1, CONVRNN_POOL2D(.kernel = {1, 1})), ==, 0);
    g_assert_cmpuint(convrnn_builder_global_average_pool(b, 1), ==, 0);
    g_assert_cmpuint(convrnn_builder_concat(b, NULL, 0, 0), ==, 0);
    g_assert_cmpuint(convrnn_builder_node(b, "Relu", NULL, 0, g_variant_new_int32(0)), ==, 0);
    g_assert_cmpuint(convrnn_builder_rnn(b, "r", 1, CONVRNN_CELL(.weights = w, .recurrent = w)), ==,
                     0);
    g_assert_cmpuint(
        convrnn_builder_conv_rnn(b, "c", 1, CONVRNN_CONV_CELL(.weights = k, .recurrent = k)), ==,
        0);
    convrnn_builder_output(b, "y", 0);
    g_assert_null(convrnn_builder_build(b, "test", &error));
    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_SHAPE);
    g_assert_nonnull(strstr(error->message, "conv2d: weights is missing"));
    g_error_free(error);
    convrnn_tensor_unref(w);
    convrnn_tensor_unref(k);
    g_boxed_free(CONVRNN_TYPE_BUILDER, g_boxed_copy(CONVRNN_TYPE_BUILDER, b));
    convrnn_builder_unref(b);
    convrnn_builder_unref(NULL);
}

/* Every allocation that may fail does, in turn. */
static void
test_no_memory(void)
{
    ConvRnnTensor *w = T(8, 2), *r = T(8, 2), *bias = T(8);

    for (unsigned n = 1;; n++) {
        ConvRnnBuilder *b = convrnn_builder_new();
        GError *error = NULL;
        guint x = image(b);
        cr_mem_fail_at(n, false);
        convrnn_builder_output(
            b, "y",
            convrnn_builder_lstm(b, "m", x,
                                 CONVRNN_CELL(.weights = w, .recurrent = r, .bias = bias)));
        ConvRnnModel *model = convrnn_builder_build(b, "test", &error);
        cr_mem_fail_at(0, false);
        convrnn_builder_unref(b);
        if (model) {
            g_assert_cmpuint(n, >, 1);
            convrnn_model_unref(model);
            break;
        }
        g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_NOMEM);
        g_error_free(error);
    }
    convrnn_tensor_unref(w);
    convrnn_tensor_unref(r);
    convrnn_tensor_unref(bias);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/builder/layers", test_layers);
    g_test_add_func("/builder/activations", test_activations);
    g_test_add_func("/builder/node", test_node);
    g_test_add_func("/builder/conv-cells", test_conv_cells);
    g_test_add_func("/builder/conv-gru-rows", test_conv_gru_rows);
    g_test_add_func("/builder/cells", test_cells);
    g_test_add_func("/builder/state", test_state);
    g_test_add_func("/builder/failures", test_failures);
    g_test_add_func("/builder/sticky", test_sticky);
    g_test_add_func("/builder/no-memory", test_no_memory);
    return g_test_run();
}
