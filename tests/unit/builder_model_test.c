/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A part of one model inside another: it computes what the whole did, from the same weights. */
#include <convrnn/convrnn.h>
#include "model/graph.h"
#include "support/onnx_writer.h"
#include <math.h>
#include <string.h>

#define FRAMES 4

static ConvRnnTensor *
tensor(double seed, guint n_dims, const gint64 *dims)
{
    ConvRnnTensor *t = convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, dims, n_dims, NULL, NULL);
    float *v = (float *)t->data; /* ours alone until now */
    for (gsize i = 0; i < t->n_elements; i++)
        v[i] = (float)(0.4 * sin(0.37 * (double)i + seed));
    return t;
}

#define T(seed, ...)                                                                               \
    tensor(seed, sizeof((gint64[]){__VA_ARGS__}) / sizeof(gint64), (const gint64[]){__VA_ARGS__})

static ConvRnnModel *
build(ConvRnnBuilder *b)
{
    GError *error = NULL;
    ConvRnnModel *model = convrnn_builder_build(b, "test", &error);

    g_assert_no_error(error);
    convrnn_builder_unref(b);
    return model;
}

static guint
image(ConvRnnBuilder *b, const char *name)
{
    const gint64 dims[4] = {1, 2, 5, 6};
    return convrnn_builder_input(b, name, CONVRNN_DTYPE_FLOAT32, dims, 4);
}

/* x → conv → "features" → GRU → dense → "y". */
static ConvRnnModel *
whole(void)
{
    ConvRnnBuilder *b = convrnn_builder_new();
    g_autoptr(ConvRnnTensor) w = T(1, 3, 2, 3, 3), gw = T(2, 12, 90), gr = T(3, 12, 4),
                             dw = T(4, 2, 4), start = T(5, 1, 4);
    g_autoptr(ConvRnnCell) cell =
        convrnn_cell_new_gru(CONVRNN_CELL(.weights = gw, .recurrent = gr, .initial = start), NULL);

    guint x = convrnn_builder_conv2d(b, image(b, "x"),
                                     CONVRNN_CONV2D(.weights = w, .padding = CONVRNN_PADDING_SAME,
                                                    .activation = CONVRNN_ACTIVATION_TANH));
    convrnn_builder_output(b, "features", x);
    x = convrnn_builder_layer(b, "memory", cell, x, CONVRNN_NO_VALUE);
    convrnn_builder_output(b, "y", convrnn_builder_dense(b, x, CONVRNN_DENSE(.weights = dw)));
    return build(b);
}

/* The output called `name` after each of the frames, one after the other. */
static GArray *
run(ConvRnnModel *model, const char *name)
{
    GArray *all = g_array_new(FALSE, FALSE, sizeof(float));
    GError *error = NULL;
    ConvRnnSession *session = convrnn_session_new(model, NULL, &error);

    g_assert_no_error(error);
    for (int frame = 0; frame < FRAMES; frame++) {
        for (guint i = 0; i < convrnn_session_get_n_inputs(session); i++) {
            float *x = convrnn_session_get_input_data(session, i);
            for (int k = 0; k < 60; k++)
                x[k] = (float)sin(0.61 * k + frame);
        }
        convrnn_session_step(session);
        for (guint i = 0; i < convrnn_session_get_n_outputs(session); i++) {
            const ConvRnnTensorInfo *info = convrnn_session_get_output(session, i);
            gsize n = 1;
            for (guint k = 0; k < info->n_dims; k++)
                n *= (gsize)info->dims[k];
            if (strcmp(info->name, name) == 0)
                g_array_append_vals(all, convrnn_session_get_output_data(session, i), n);
        }
    }
    convrnn_session_free(session);
    g_assert_cmpuint(all->len, >, 0);
    return all;
}

static void
assert_same(ConvRnnModel *a, const char *a_name, ConvRnnModel *b, const char *b_name)
{
    g_autoptr(GArray) x = run(a, a_name), y = run(b, b_name);
    g_assert_cmpmem(x->data, x->len * sizeof(float), y->data, y->len * sizeof(float));
}

static guint
take(ConvRnnBuilder *b, const ConvRnnModel *model, const char *from, guint value, const char *what)
{
    guint result;
    convrnn_builder_model(b, model, &from, &value, 1, &what, 1, &result);
    return result;
}

static const ConvRnnTensor *
conv_weights(const ConvRnnModel *model)
{
    for (guint n = 0; n < model->graph->nodes->len; n++) {
        const CrNode *node = cr_graph_get_node(model->graph, (int)n);
        if (strcmp(node->op, "Conv") == 0)
            return cr_graph_get_value(model->graph, node->inputs[1])->constant;
    }
    g_assert_not_reached();
}

/* The layers before "features", and nothing of what comes after. */
static void
test_front(void)
{
    g_autoptr(ConvRnnModel) model = whole();
    ConvRnnBuilder *b = convrnn_builder_new();

    guint x = take(b, model, "x", image(b, "picture"), "features");
    convrnn_builder_output(b, "mean", convrnn_builder_global_average_pool(b, x));
    convrnn_builder_output(b, "same", x);
    g_autoptr(ConvRnnModel) front = build(b);
    assert_same(model, "features", front, "same");
    g_assert_true(conv_weights(front) == conv_weights(model)); /* no copy */
    g_assert_cmpuint(convrnn_model_get_n_inputs(front), ==, 1);
    g_assert_cmpuint(front->graph->nodes->len, ==, 3); /* Conv, Tanh, the mean */
}

/* From an inner tensor on; the state comes along, with its initial value. */
static void
test_back(void)
{
    g_autoptr(ConvRnnModel) model = whole();
    ConvRnnBuilder *b = convrnn_builder_new();

    guint x = take(b, model, "x", image(b, "picture"), "features");
    convrnn_builder_output(b, "y", take(b, model, "features", x, "y"));
    g_autoptr(ConvRnnModel) copy = build(b);
    assert_same(model, "y", copy, "y");
    g_autoptr(ConvRnnSession) session = convrnn_session_new(copy, NULL, NULL);
    const gchar *output;
    g_assert_cmpuint(convrnn_session_get_n_states(session), ==, 1);
    g_assert_cmpstr(convrnn_session_get_state(session, 0, &output, NULL)->name, ==, "memory_in");
    g_assert_cmpstr(output, ==, "memory_out");
    g_assert_true(g_array_index(copy->states, CrStatePair, 0).initial ==
                  g_array_index(model->states, CrStatePair, 0).initial);
}

/* Two eyes, one brain each: the second one's names get a number. */
static void
test_twice(void)
{
    g_autoptr(ConvRnnModel) model = whole();
    ConvRnnBuilder *b = convrnn_builder_new();

    guint left = image(b, "left"), right = image(b, "right");
    convrnn_builder_output(b, "a", take(b, model, "x", left, "y"));
    convrnn_builder_output(b, "b", take(b, model, "x", right, "y"));
    convrnn_builder_output(b, "features", take(b, model, "x", right, "features"));
    g_autoptr(ConvRnnModel) both = build(b);
    assert_same(model, "y", both, "a");
    assert_same(model, "y", both, "b");
    assert_same(model, "features", both, "features");
    g_autoptr(ConvRnnSession) session = convrnn_session_new(both, NULL, NULL);
    const gchar *output;
    g_assert_cmpuint(convrnn_session_get_n_states(session), ==, 2);
    g_assert_cmpstr(convrnn_session_get_state(session, 1, &output, NULL)->name, ==, "memory_in_1");
    g_assert_cmpstr(output, ==, "memory_out_1");
}

/* What is not given becomes an input, also under another name when its own is taken; a given value
 * may be a result; the same model may be whole again. */
static void
test_inputs(void)
{
    g_autoptr(ConvRnnModel) model = whole();
    ConvRnnBuilder *b = convrnn_builder_new();
    static const char *const wanted[] = {"y", "features", "x"};
    guint results[3];

    image(b, "x");
    convrnn_builder_model(b, model, NULL, NULL, 0, wanted, 3, results);
    convrnn_builder_output(b, "y", results[0]); /* in place of the name it brought along */
    convrnn_builder_output(b, "f", results[1]);
    convrnn_builder_output(b, "picture", results[2]);
    g_autoptr(ConvRnnModel) copy = build(b);
    assert_same(model, "y", copy, "y");
    assert_same(model, "features", copy, "f");
    g_assert_cmpstr(convrnn_model_get_input(copy, 1)->name, ==, "x_1");
    g_assert_cmpuint(convrnn_model_get_input(copy, 1)->n_dims, ==, 4);

    b = convrnn_builder_new();
    guint x = image(b, "in");
    g_assert_cmpuint(take(b, model, "features", x, "features"), ==, x);
    convrnn_builder_output(b, "y", x);
    convrnn_model_unref(build(b));
}

/* A name that a part brought along gives way to one that is asked for. */
static void
test_names(void)
{
    g_autoptr(ConvRnnModel) model = whole();
    ConvRnnBuilder *b = convrnn_builder_new();

    guint x = take(b, model, "x", image(b, "picture"), "y");
    guint features = image(b, "features");
    convrnn_builder_output(b, "y", convrnn_builder_softmax(b, x, -1));
    convrnn_builder_output(b, "copy", features);
    convrnn_builder_output(b, "logits", x);
    g_autoptr(ConvRnnModel) copy = build(b);
    assert_same(model, "y", copy, "logits");
    g_assert_cmpstr(convrnn_model_get_input(copy, 2)->name, ==, "features");
}

static Ow *
branch(const char *op, const char *output)
{
    Ow *graph = ow_new();
    ow_put(graph, OW_G_NODE, ow_node(op, "x", output));
    ow_put(graph, OW_G_OUTPUT, ow_value(output, OW_FLOAT, NULL, -1));
    return graph;
}

static void
attr_graph(Ow *node, const char *name, Ow *graph)
{
    Ow *attr = ow_new();
    ow_text(attr, 1, name);
    ow_put(attr, 6, graph);
    ow_int(attr, 20, 5);
    ow_put(node, 5, attr);
}

/* Graphs in attributes are copied with the values that they take from around them. */
static void
test_control_flow(void)
{
    const int64_t dims[4] = {1, 2, 5, 6};
    GError *error = NULL;
    Ow *graph = ow_new(), *node = ow_node("If", "condition", "z");

    attr_graph(node, "then_branch", branch("Sin", "a"));
    attr_graph(node, "else_branch", branch("Abs", "b"));
    ow_put(graph, OW_G_NODE, node);
    ow_put(graph, OW_G_NODE, ow_node("Exp", "z", "y"));
    ow_put(graph, OW_G_INITIALIZER, ow_tensor("condition", OW_BOOL, NULL, 0, "\1", 1));
    ow_put(graph, OW_G_INPUT, ow_value("x", OW_FLOAT, dims, 4));
    ow_put(graph, OW_G_OUTPUT, ow_value("y", OW_FLOAT, dims, 4));
    g_autoptr(GBytes) file = ow_model(graph, 17);
    g_autoptr(ConvRnnModel) model = convrnn_model_load_bytes(file, "if", NULL, &error);
    g_assert_no_error(error);

    ConvRnnBuilder *b = convrnn_builder_new();
    const char *name = "y";
    guint y;
    convrnn_builder_model(b, model, NULL, NULL, 0, &name, 1, &y);
    convrnn_builder_output(b, "y", y);
    convrnn_builder_output(b, "again", take(b, model, "x", y, "y"));
    g_autoptr(ConvRnnModel) copy = build(b);
    g_autoptr(GArray) wanted = run(model, "y"), found = run(copy, "y"), again = run(copy, "again");
    g_assert_cmpmem(wanted->data, wanted->len * sizeof(float), found->data,
                    found->len * sizeof(float));
    for (guint i = 0; i < again->len; i++) {
        double once = exp(sin((double)g_array_index(wanted, float, i)));
        g_assert_cmpfloat_with_epsilon((double)g_array_index(again, float, i), once, 1e-5);
    }
}

static void
fails(ConvRnnBuilder *b, ConvRnnError code, const char *message)
{
    GError *error = NULL;

    g_assert_null(convrnn_builder_build(b, "new", &error));
    if (!g_str_has_prefix(error->message, message))
        g_error("'%s' does not begin with '%s'", error->message, message);
    g_assert_error(error, CONVRNN_ERROR, (int)code);
    g_error_free(error);
    convrnn_builder_unref(b);
}

static void
test_refused(void)
{
    g_autoptr(ConvRnnModel) model = whole();
    ConvRnnBuilder *b = convrnn_builder_new();

    g_assert_cmpuint(take(b, model, "x", image(b, "x"), "featrues"), ==, CONVRNN_NO_VALUE);
    fails(b, CONVRNN_ERROR_FORMAT,
          "new: test: no tensor is called 'featrues'; the nearest names are 'features', ");
    b = convrnn_builder_new();
    take(b, model, "X", image(b, "x"), "y");
    fails(b, CONVRNN_ERROR_FORMAT,
          "new: test: no tensor is called 'X'; the nearest names are 'x', ");
    b = convrnn_builder_new();
    take(b, model, "x", 99, "y");
    fails(b, CONVRNN_ERROR_FORMAT, "new: test: what stands in place of 'x' is no value");
    b = convrnn_builder_new();
    take(b, model, "x", CONVRNN_NO_VALUE, "y");
    fails(b, CONVRNN_ERROR_FORMAT, "new: test: what stands in place of 'x' is no value");
}

/* Any tensor of a network from a file. */
static void
test_file(void)
{
    GError *error = NULL;
    g_autoptr(ConvRnnModel) model = convrnn_model_load(g_getenv("CONVRNN_TEST_MODEL"), &error);

    g_assert_no_error(error);
    ConvRnnBuilder *b = convrnn_builder_new();
    const gint64 dims[4] = {1, 3, 96, 128};
    guint x = convrnn_builder_input(b, "frame", CONVRNN_DTYPE_FLOAT32, dims, 4);
    convrnn_builder_output(b, "heat", take(b, model, "image", x, "motion"));
    g_autoptr(ConvRnnModel) copy = build(b);
    assert_same(model, "motion", copy, "heat");
    for (guint n = 0; n < model->graph->nodes->len; n++) {
        const CrNode *node = cr_graph_get_node(model->graph, (int)n);
        const char *name = cr_graph_get_value(model->graph, node->outputs[0])->name;
        b = convrnn_builder_new();
        x = convrnn_builder_input(b, "frame", CONVRNN_DTYPE_FLOAT32, dims, 4);
        convrnn_builder_output(b, "part", take(b, model, "image", x, name));
        g_autoptr(ConvRnnModel) part = build(b);
        g_autoptr(ConvRnnSession) session = convrnn_session_new(part, NULL, &error);
        g_assert_no_error(error);
        g_assert_nonnull(session);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/builder-model/front", test_front);
    g_test_add_func("/builder-model/back", test_back);
    g_test_add_func("/builder-model/twice", test_twice);
    g_test_add_func("/builder-model/inputs", test_inputs);
    g_test_add_func("/builder-model/names", test_names);
    g_test_add_func("/builder-model/control-flow", test_control_flow);
    g_test_add_func("/builder-model/refused", test_refused);
    g_test_add_func("/builder-model/file", test_file);
    return g_test_run();
}
