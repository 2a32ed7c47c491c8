/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public builder: what it makes, how it fails. What layers and cells compute: layers_test.c,
 * cells_test.c. */
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
    guint q = convrnn_builder_average_pool2d(
        b, x, CONVRNN_POOL2D(.kernel = {2, 2}, .padding = CONVRNN_PADDING_SAME));
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
    static const char *const ops[] = {
        NULL,          "Relu",    "Clip",       "LeakyRelu", "Elu",       "Sigmoid", "HardSigmoid",
        "Tanh",        "Softmax", "LogSoftmax", "Selu",      "Celu",      "Gelu",    "Gelu",
        "Sigmoid Mul", "Mish",    "Softplus",   "Softsign",  "HardSwish", "Clip"};
    for (int a = CONVRNN_ACTIVATION_RELU; a <= CONVRNN_ACTIVATION_CLIP; a++) {
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
fail_cell(ConvRnnBuilder *b, guint x)
{
    convrnn_builder_output(b, "y", convrnn_builder_layer(b, "m", NULL, x, CONVRNN_NO_VALUE));
}

static void
fail_pool(ConvRnnBuilder *b, guint x)
{
    convrnn_builder_output(
        b, "y", convrnn_builder_max_pool2d(b, x, CONVRNN_POOL2D(.padding = CONVRNN_PADDING_SAME)));
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
        {fail_cell, CONVRNN_ERROR_FORMAT, "m: the cell is NULL"},
        {fail_pool, CONVRNN_ERROR_SHAPE, "kernel[0] is 0"},
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
    ConvRnnTensor *w = T(3, 3);

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
    g_assert_cmpuint(convrnn_builder_activation_with(b, 1, CONVRNN_ACTIVATION_ELU, 1, 0), ==, 0);
    g_assert_cmpuint(convrnn_builder_prelu(b, 1, w), ==, 0);
    g_assert_cmpuint(convrnn_builder_softmax(b, 1, 0), ==, 0);
    g_assert_cmpuint(convrnn_builder_log_softmax(b, 1, 0), ==, 0);
    g_assert_cmpuint(convrnn_builder_conv1d(b, 1, CONVRNN_CONV1D(.weights = w)), ==, 0);
    g_assert_cmpuint(convrnn_builder_conv_transpose2d(b, 1, CONVRNN_CONV_TRANSPOSE2D(.weights = w)),
                     ==, 0);
    g_assert_cmpuint(convrnn_builder_average_pool1d(b, 1, CONVRNN_POOL1D(.kernel = 2)), ==, 0);
    g_assert_cmpuint(convrnn_builder_global_max_pool(b, 1), ==, 0);
    g_assert_cmpuint(convrnn_builder_batch_norm(b, 1, CONVRNN_NORM(.mean = w)), ==, 0);
    g_assert_cmpuint(convrnn_builder_instance_norm(b, 1, CONVRNN_NORM(.scale = NULL)), ==, 0);
    g_assert_cmpuint(convrnn_builder_group_norm(b, 1, CONVRNN_NORM(.groups = 2)), ==, 0);
    g_assert_cmpuint(convrnn_builder_layer_norm(b, 1, CONVRNN_NORM(.n_dims = 1)), ==, 0);
    g_assert_cmpuint(convrnn_builder_dropout(b, 1), ==, 0);
    g_assert_cmpuint(convrnn_builder_slice(b, 1, 0, 0, 1, 1), ==, 0);
    g_assert_cmpuint(convrnn_builder_pad(b, 1, NULL, NULL, 0, CONVRNN_PAD_EDGE, 0), ==, 0);
    g_assert_cmpuint(convrnn_builder_resize2d(b, 1, CONVRNN_RESIZE2D(.size = {1, 1})), ==, 0);
    g_assert_cmpuint(convrnn_builder_reshape(b, 1, NULL, 0), ==, 0);
    g_assert_cmpuint(convrnn_builder_transpose(b, 1, NULL, 0), ==, 0);
    guint parts[2] = {7, 7};
    convrnn_builder_split(b, 1, 0, (const gint64[]){1, 1}, 2, parts);
    g_assert_cmpuint(parts[0] + parts[1], ==, 0);
    ConvRnnCell *cell = convrnn_cell_new_rnn(CONVRNN_CELL(.weights = w, .recurrent = w), NULL);
    guint out = 1;
    g_assert_cmpuint(convrnn_builder_layer(b, "r", cell, 1, CONVRNN_NO_VALUE), ==, 0);
    g_assert_cmpuint(convrnn_builder_step(b, cell, 1, NULL, &out), ==, 0);
    g_assert_cmpuint(out, ==, 0);
    convrnn_cell_unref(cell);
    convrnn_builder_output(b, "y", 0);
    g_assert_null(convrnn_builder_build(b, "test", &error));
    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_SHAPE);
    g_assert_nonnull(strstr(error->message, "conv2d: weights is missing"));
    g_error_free(error);
    convrnn_tensor_unref(w);
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
        ConvRnnCell *cell = convrnn_cell_new_lstm(
            CONVRNN_CELL(.weights = w, .recurrent = r, .bias = bias, .gates = "ifgo"), &error);
        guint y = cell ? convrnn_builder_layer(b, "m", cell, x, CONVRNN_NO_VALUE) : x;
        convrnn_builder_output(b, "y", y);
        convrnn_cell_unref(cell);
        if (error) {
            cr_mem_fail_at(0, false);
            g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_NOMEM);
            g_error_free(error);
            convrnn_builder_unref(b);
            continue;
        }
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
    g_test_add_func("/builder/state", test_state);
    g_test_add_func("/builder/failures", test_failures);
    g_test_add_func("/builder/sticky", test_sticky);
    g_test_add_func("/builder/no-memory", test_no_memory);
    return g_test_run();
}
