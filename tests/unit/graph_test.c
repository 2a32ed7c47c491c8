/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Graphs: names, sorting, dead nodes, what is refused; models: the cache and .modelinfo. */
#include "core/memory.h"
#include "model/graph.h"
#include "model/graph_hash.h"
#include "model/model_cache.h"
#include "model/model_info.h"
#include <string.h>

static const ConvRnnTensorInfo image = {
    .dtype = CONVRNN_DTYPE_FLOAT32, .n_dims = 4, .dims = {1, 2, 4, 4}};

static bool
try_node(CrGraph *graph, const char *op, const char *inputs, const char *outputs, GError **error)
{
    char **in = g_strsplit(inputs, ",", -1), **out = g_strsplit(outputs, ",", -1);
    CrNode node;

    cr_node_init(&node, op, NULL, NULL, (int)g_strv_length(in), (int)g_strv_length(out));
    for (int i = 0; i < node.n_inputs; i++)
        node.inputs[i] = *in[i] ? cr_graph_value(graph, in[i]) : CR_NO_VALUE;
    for (int i = 0; i < node.n_outputs; i++)
        node.outputs[i] = *out[i] ? cr_graph_value(graph, out[i]) : CR_NO_VALUE;
    g_strfreev(in);
    g_strfreev(out);
    return cr_graph_add_node(graph, &node, error);
}

static void
add_node(CrGraph *graph, const char *op, const char *inputs, const char *outputs)
{
    GError *error = NULL;
    try_node(graph, op, inputs, outputs, &error);
    g_assert_no_error(error);
}

static CrGraph *
new_graph(void)
{
    CrGraph *graph = cr_graph_new();
    g_assert_true(cr_graph_add_input(graph, "x", &image, NULL));
    return graph;
}

static void
finish(CrGraph *graph, const char *output)
{
    GError *error = NULL;
    cr_graph_add_output(graph, output, &image, &error);
    g_assert_no_error(error);
    cr_graph_finish(graph, &error);
    g_assert_no_error(error);
}

/* "Relu Tanh …": the operators in their order. */
static void
assert_order(const CrGraph *graph, const char *expected)
{
    GString *ops = g_string_new(NULL);
    for (guint i = 0; i < graph->nodes->len; i++)
        g_string_append_printf(ops, "%s%s", i ? " " : "", cr_graph_get_node(graph, i)->op);
    g_assert_cmpstr(ops->str, ==, expected);
    g_string_free(ops, TRUE);
}

static void
assert_refused(CrGraph *graph, const char *output, const char *part)
{
    GError *error = NULL;
    if (output)
        g_assert_true(cr_graph_add_output(graph, output, &image, NULL));
    g_assert_false(cr_graph_finish(graph, &error));
    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT);
    g_assert_nonnull(strstr(error->message, part));
    g_error_free(error);
    cr_graph_free(graph);
}

static void
test_order_kept(void)
{
    CrGraph *graph = new_graph();
    add_node(graph, "A", "x", "a");
    add_node(graph, "B", "x", "b");
    add_node(graph, "C", "b,,a", "c");
    finish(graph, "c");
    assert_order(graph, "A B C");
    g_assert_cmpint(cr_graph_get_value(graph, cr_graph_find(graph, "b"))->producer, ==, 1);
    g_assert_cmpint(cr_graph_get_value(graph, cr_graph_find(graph, "x"))->producer, ==, -1);
    cr_graph_free(graph);
}

static void
test_sorting(void)
{
    CrGraph *graph = new_graph();
    add_node(graph, "D", "c,a", "d");
    add_node(graph, "C", "b", "c");
    add_node(graph, "B", "a", "b");
    add_node(graph, "A", "x", "a");
    finish(graph, "d");
    assert_order(graph, "A B C D");
    for (int i = 0; i < 4; i++)
        g_assert_cmpint(
            cr_graph_get_value(graph, cr_graph_get_node(graph, i)->outputs[0])->producer, ==, i);
    cr_graph_free(graph);
}

/* A recursive sort would need a stack as deep as the chain. */
static void
test_long_chain(void)
{
    const int n = 50000;
    CrGraph *graph = new_graph();
    for (int i = n; i-- > 0;) {
        char *in = i ? g_strdup_printf("v%d", i - 1) : g_strdup("x");
        char *out = g_strdup_printf("v%d", i);
        add_node(graph, "N", in, out);
        g_free(in);
        g_free(out);
    }
    finish(graph, "v49999");
    g_assert_cmpuint(graph->nodes->len, ==, n);
    g_assert_cmpint(cr_graph_get_value(graph, cr_graph_find(graph, "v7"))->producer, ==, 7);
    cr_graph_free(graph);
}

static void
test_dead_nodes(void)
{
    CrGraph *graph = new_graph();
    add_node(graph, "Dead", "x", "dead");
    add_node(graph, "A", "x", "a,unused");
    add_node(graph, "Deader", "dead,a", "deader");
    add_node(graph, "None", "a", "");
    add_node(graph, "B", "a", "b");
    finish(graph, "b");
    assert_order(graph, "A B");
    g_assert_cmpint(cr_graph_get_value(graph, cr_graph_find(graph, "dead"))->producer, ==, -1);
    cr_graph_free(graph);
}

static void
test_pass_through(void)
{
    CrGraph *graph = new_graph();
    cr_graph_get_value(graph, cr_graph_value(graph, "k"))->constant =
        convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, NULL, 0, NULL, NULL);
    g_assert_true(cr_graph_add_output(graph, "k", &image, NULL));
    finish(graph, "x");
    g_assert_cmpuint(graph->nodes->len, ==, 0);
    cr_graph_free(graph);
}

static void
test_refused(void)
{
    GError *error = NULL;

    CrGraph *graph = new_graph();
    add_node(graph, "A", "x,b", "a");
    add_node(graph, "B", "a", "b");
    assert_refused(graph, "b", "cycle");

    graph = new_graph();
    add_node(graph, "A", "a", "a");
    assert_refused(graph, "a", "cycle");

    graph = new_graph();
    add_node(graph, "A", "x,ghost", "a");
    assert_refused(graph, "a", "'ghost'");

    assert_refused(new_graph(), "ghost", "'ghost'");
    assert_refused(new_graph(), NULL, "no output");

    graph = new_graph();
    add_node(graph, "A", "x", "a");
    g_assert_true(cr_graph_add_input(graph, "a", &image, NULL));
    assert_refused(graph, "a", "input 'a' is also computed");

    graph = new_graph();
    cr_graph_get_value(graph, cr_graph_value(graph, "w"))->constant =
        convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, NULL, 0, NULL, NULL);
    g_assert_true(cr_graph_add_input(graph, "w", &image, NULL));
    assert_refused(graph, "w", "input 'w' is also a constant");

    graph = new_graph();
    add_node(graph, "A", "x", "a");
    g_assert_false(try_node(graph, "B", "x", "b,a", &error));
    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT);
    g_clear_error(&error);
    g_assert_false(try_node(graph, "B", "x", "c,c", &error));
    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT);
    g_clear_error(&error);
    g_assert_false(cr_graph_add_input(graph, "x", &image, &error));
    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT);
    g_clear_error(&error);
    g_assert_false(cr_graph_add_input(graph, "", &image, &error));
    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT);
    g_clear_error(&error);
    cr_graph_free(graph);
}

static void
test_new_names(void)
{
    CrGraph *graph = new_graph();

    g_assert_cmpint(cr_graph_find(graph, ""), ==, CR_NO_VALUE);
    cr_graph_value(graph, "t_1");
    for (int i = 0; i < 100; i++) {
        int before = (int)graph->values->len;
        g_assert_cmpint(cr_graph_new_value(graph, "t"), ==, before);
        g_assert_cmpint(cr_graph_new_value(graph, ""), ==, before + 1);
    }
    for (guint i = 0; i < graph->values->len; i++)
        g_assert_cmpint(cr_graph_find(graph, cr_graph_get_value(graph, i)->name), ==, (int)i);
    g_assert_cmpint(cr_graph_find(graph, ""), ==, CR_NO_VALUE);
    cr_graph_free(graph);
}

static void
test_attributes(void)
{
    CrNode node;
    int n;

    cr_node_init(&node, "Op", "dom", "name", 0, 0);
    cr_node_set_int(&node, "i", 3);
    cr_node_set_string(&node, "s", "text");
    cr_node_set_ints(&node, "is", (const int64_t[]){1, 2}, 2);
    cr_node_set_floats(&node, "fs", (const float[]){1, 2}, 2);
    cr_node_set_float(&node, "f", 2.5f);
    cr_node_remove_attr(&node, "s");
    cr_node_remove_attr(&node, "absent");
    g_assert_cmpint(node.n_attrs, ==, 4);
    g_assert_null(cr_node_attr(&node, "s"));
    g_assert_cmpint(cr_node_int(&node, "i", 0), ==, 3);
    g_assert_cmpfloat(cr_node_float(&node, "f", 0), ==, 2.5f);
    g_assert_cmpint(cr_node_ints(&node, "is", &n)[1], ==, 2);
    g_assert_null(cr_node_ints(&node, "i", &n));
    g_assert_cmpint(n, ==, 0);
    cr_node_clear(&node);
}

static CrGraph *
relu_graph(const char *op, int64_t attr)
{
    CrGraph *graph = new_graph();
    CrNode node;
    cr_node_init(&node, op, "", "n", 1, 1);
    node.inputs[0] = cr_graph_find(graph, "x");
    node.outputs[0] = cr_graph_value(graph, "y");
    cr_node_set_int(&node, "a", attr);
    g_assert_true(cr_graph_add_node(graph, &node, NULL));
    finish(graph, "y");
    return graph;
}

static void
test_hash(void)
{
    CrGraph *graphs[] = {relu_graph("Relu", 1), relu_graph("Relu", 1), relu_graph("Relu", 2),
                         relu_graph("Tanh", 1)};
    char *hashes[4];

    for (int i = 0; i < 4; i++)
        hashes[i] = cr_graph_hash(graphs[i]);
    g_assert_cmpstr(hashes[0], ==, hashes[1]);
    g_assert_cmpstr(hashes[0], !=, hashes[2]);
    g_assert_cmpstr(hashes[0], !=, hashes[3]);
    g_assert_cmpuint(strlen(hashes[0]), ==, 64);
    for (int i = 0; i < 4; i++) {
        g_free(hashes[i]);
        cr_graph_free(graphs[i]);
    }
}

/* Every allocation of finish fails in turn. */
static void
test_no_memory(void)
{
    for (unsigned n = 1;; n++) {
        GError *error = NULL;
        CrGraph *graph = new_graph();
        add_node(graph, "A", "x", "a");
        cr_graph_add_output(graph, "a", &image, NULL);
        cr_mem_fail_at(n, false);
        bool ok = cr_graph_finish(graph, &error);
        cr_mem_fail_at(0, false);
        cr_graph_free(graph);
        if (ok) {
            g_assert_cmpuint(n, >, 3);
            return;
        }
        g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_NOMEM);
        g_error_free(error);
    }
}

/* --- models --- */

static void
test_cache(void)
{
    ConvRnnModel *a = cr_model_new(relu_graph("Relu", 1), "a", NULL, NULL);
    ConvRnnModel *b = cr_model_new(relu_graph("Relu", 1), "b", NULL, NULL);

    g_assert_null(cr_model_cache_get("key"));
    g_assert_true(cr_model_cache_put("key", a) == a);
    ConvRnnModel *again = cr_model_cache_get("key");
    g_assert_true(again == a);
    convrnn_model_unref(again);
    /* the second to come gets the first one's model, and its own is released */
    g_assert_true(cr_model_cache_put("key", b) == a);
    convrnn_model_unref(a);
    convrnn_model_unref(a);
    g_assert_null(cr_model_cache_get("key"));
    convrnn_model_unref(NULL);
}

static gpointer
hammer_cache(gpointer data)
{
    for (int i = 0; i < 2000; i++) {
        ConvRnnModel *model = cr_model_cache_get("shared");
        if (!model)
            model =
                cr_model_cache_put("shared", cr_model_new(relu_graph("Relu", 1), "m", NULL, NULL));
        g_assert_cmpstr(convrnn_model_get_name(model), ==, "m");
        convrnn_model_unref(model);
    }
    return NULL;
}

static void
test_cache_threads(void)
{
    GThread *threads[4];
    for (int i = 0; i < 4; i++)
        threads[i] = g_thread_new("cache", hammer_cache, NULL);
    for (int i = 0; i < 4; i++)
        g_thread_join(threads[i]);
    g_assert_null(cr_model_cache_get("shared"));
}

static const char info_text[] = "[modelinfo]\nversion=1.0\ngroup-id=g\n\n"
                                "[x]\nmean=0.5;0.25\ninitial=k\nrole=image\nlabels=a\\nb\n"
                                "odd=\\q\none=3\nhalf=0.5\nnone=oops\nlist=1, 2,3,\n"
                                "yes=1\nbig=300\nhuge=1e30\ngap=1,,2\n";

static ConvRnnModel *
described(void)
{
    GError *error = NULL;
    GKeyFile *info = cr_model_info_parse(info_text, strlen(info_text), "test", &error);
    CrGraph *graph = new_graph();

    g_assert_no_error(error);
    cr_graph_add_constant_f32(graph, "k", &(float){8}, 1, true);
    g_hash_table_insert(graph->metadata, g_strdup("author"), g_strdup("me"));
    finish(graph, "x");
    ConvRnnModel *model = cr_model_new(graph, "test", NULL, info);
    g_key_file_unref(info);
    return model;
}

static void
test_properties(void)
{
    ConvRnnModel *model = described();

    g_assert_cmpstr(convrnn_model_get_property(model, "x", "mean"), ==, "0.5;0.25");
    g_assert_cmpstr(convrnn_model_get_property(model, "x", "labels"), ==, "a\nb");
    g_assert_cmpstr(convrnn_model_get_property(model, "x", "odd"), ==, "\\q");
    g_assert_null(convrnn_model_get_property(model, "x", "std"));
    g_assert_null(convrnn_model_get_property(model, "y", "mean"));
    g_assert_cmpstr(convrnn_model_get_property(model, NULL, "group-id"), ==, "g");
    g_assert_cmpstr(convrnn_model_get_property(model, NULL, "author"), ==, "me");
    g_assert_cmpuint(convrnn_model_get_n_inputs(model), ==, 1);
    g_assert_cmpstr(convrnn_model_get_input(model, 0)->name, ==, "x");
    g_assert_cmpuint(convrnn_model_get_n_outputs(model), ==, 1);
    g_assert_cmpstr(convrnn_model_get_output(model, 0)->name, ==, "x");
    convrnn_model_unref(model);
}

static void
assert_numbers(const ConvRnnModel *model, const char *key, ConvRnnDType dtype, const void *wanted,
               gsize size)
{
    ConvRnnTensor *t;
    g_assert_true(cr_model_info_tensor(model, "x", key, dtype, &t, NULL));
    g_assert_cmpmem(t->data, g_bytes_get_size(t->bytes), wanted, size);
    convrnn_tensor_unref(t);
}

static void
assert_no_numbers(const ConvRnnModel *model, const char *key, ConvRnnDType dtype)
{
    ConvRnnTensor *t;
    GError *error = NULL;
    g_assert_false(cr_model_info_tensor(model, "x", key, dtype, &t, &error));
    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT);
    g_error_free(error);
}

static void
test_info_tensor(void)
{
    ConvRnnModel *model = described();
    ConvRnnTensor *t;
    GError *error = NULL;

    g_assert_true(cr_model_info_tensor(model, "x", "std", CONVRNN_DTYPE_FLOAT32, &t, &error));
    g_assert_null(t);
    g_assert_true(cr_model_info_tensor(model, "x", "initial", CONVRNN_DTYPE_FLOAT32, &t, &error));
    g_assert_cmpfloat(*(const float *)t->data, ==, 8);
    convrnn_tensor_unref(t);
    g_assert_true(cr_model_info_tensor(model, "x", "one", CONVRNN_DTYPE_INT64, &t, &error));
    g_assert_cmpint(t->n_dims, ==, 0);
    g_assert_cmpint(*(const int64_t *)t->data, ==, 3);
    convrnn_tensor_unref(t);
    g_assert_true(cr_model_info_tensor(model, "x", "list", CONVRNN_DTYPE_INT32, &t, &error));
    g_assert_cmpint(t->dims[0], ==, 3);
    g_assert_cmpint(((const int32_t *)t->data)[2], ==, 3);
    convrnn_tensor_unref(t);
    assert_numbers(model, "one", CONVRNN_DTYPE_FLOAT64, &(double){3}, 8);
    assert_numbers(model, "one", CONVRNN_DTYPE_UINT8, &(guint8){3}, 1);
    assert_numbers(model, "one", CONVRNN_DTYPE_INT8, &(gint8){3}, 1);
    assert_numbers(model, "yes", CONVRNN_DTYPE_BOOL, &(guint8){1}, 1);
    assert_no_numbers(model, "one", CONVRNN_DTYPE_BOOL);
    assert_no_numbers(model, "one", CONVRNN_DTYPE_UINT16);
    assert_no_numbers(model, "big", CONVRNN_DTYPE_UINT8);
    assert_no_numbers(model, "big", CONVRNN_DTYPE_INT8);
    assert_no_numbers(model, "huge", CONVRNN_DTYPE_INT32);
    assert_no_numbers(model, "huge", CONVRNN_DTYPE_INT64);
    assert_no_numbers(model, "gap", CONVRNN_DTYPE_FLOAT32);
    g_assert_false(cr_model_info_tensor(model, "x", "half", CONVRNN_DTYPE_INT64, &t, &error));
    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT);
    g_clear_error(&error);
    g_assert_false(cr_model_info_tensor(model, "x", "none", CONVRNN_DTYPE_FLOAT32, &t, &error));
    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT);
    g_assert_nonnull(strstr(error->message, "none=oops"));
    g_clear_error(&error);
    convrnn_model_unref(model);
}

static void
test_info_refused(void)
{
    static const struct {
        const char *text;
        ConvRnnError code;
    } cases[] = {
        {"", CONVRNN_ERROR_FORMAT},
        {"[x]\ndims=1\n", CONVRNN_ERROR_FORMAT},
        {"[modelinfo]\n", CONVRNN_ERROR_FORMAT},
        {"[modelinfo]\nversion=one\n", CONVRNN_ERROR_FORMAT},
        {"[modelinfo]\nversion=2.0\n", CONVRNN_ERROR_UNSUPPORTED},
        {"[modelinfo]\nversion=0.9\n", CONVRNN_ERROR_UNSUPPORTED},
        {"no group\n", CONVRNN_ERROR_FORMAT},
        {"[modelinfo]\nversion=1.0\n\377\n", CONVRNN_ERROR_FORMAT},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        GError *error = NULL;
        g_assert_null(cr_model_info_parse(cases[i].text, strlen(cases[i].text), "i", &error));
        g_assert_error(error, CONVRNN_ERROR, (int)cases[i].code);
        g_error_free(error);
    }
    GKeyFile *info = cr_model_info_parse("[modelinfo]\nversion=1.7\n", 24, "i", NULL);
    g_assert_nonnull(info);
    g_key_file_unref(info);
    GError *error = NULL;
    char *big = g_strnfill(CR_MODEL_INFO_MAX_SIZE + 1, '\n');
    g_assert_null(cr_model_info_parse(big, CR_MODEL_INFO_MAX_SIZE + 1, "i", &error));
    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_LIMIT);
    g_error_free(error);
    g_free(big);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/graph/order-kept", test_order_kept);
    g_test_add_func("/graph/sorting", test_sorting);
    g_test_add_func("/graph/long-chain", test_long_chain);
    g_test_add_func("/graph/dead-nodes", test_dead_nodes);
    g_test_add_func("/graph/pass-through", test_pass_through);
    g_test_add_func("/graph/refused", test_refused);
    g_test_add_func("/graph/new-names", test_new_names);
    g_test_add_func("/graph/attributes", test_attributes);
    g_test_add_func("/graph/hash", test_hash);
    g_test_add_func("/graph/no-memory", test_no_memory);
    g_test_add_func("/model/cache", test_cache);
    g_test_add_func("/model/cache-threads", test_cache_threads);
    g_test_add_func("/model/properties", test_properties);
    g_test_add_func("/model/info-tensor", test_info_tensor);
    g_test_add_func("/model/info-refused", test_info_refused);
    return g_test_run();
}
