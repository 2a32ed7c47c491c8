/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the reader makes of right files: tensors in every storage, attributes of every kind, and old
 * operators in their new form. */
#include "onnx/onnx.h"
#include "support/onnx_writer.h"
#include <string.h>

static CrGraph *
load(GBytes *file)
{
    GError *error = NULL;
    CrGraph *graph = NULL;

    cr_onnx_load(file, "test", &graph, &error);
    g_assert_no_error(error);
    g_assert_nonnull(graph);
    g_bytes_unref(file);
    return graph;
}

static const CrNode *
only_node(const CrGraph *graph, const char *op)
{
    const CrNode *found = NULL;
    for (guint i = 0; i < graph->nodes->len; i++) {
        const CrNode *node = cr_graph_get_node(graph, i);
        if (strcmp(node->op, op) != 0)
            continue;
        g_assert_null(found);
        found = node;
    }
    g_assert_nonnull(found);
    return found;
}

static const ConvRnnTensor *
constant_input(const CrGraph *graph, const CrNode *node, int index)
{
    g_assert_cmpint(index, <, node->n_inputs);
    g_assert_cmpint(node->inputs[index], >=, 0);
    const ConvRnnTensor *tensor = cr_graph_get_value(graph, node->inputs[index])->constant;
    g_assert_nonnull(tensor);
    return tensor;
}

static void
assert_i64(const ConvRnnTensor *tensor, const int64_t *v, gsize n)
{
    g_assert_cmpint(tensor->dtype, ==, CONVRNN_DTYPE_INT64);
    g_assert_cmpint(tensor->n_dims, ==, 1);
    g_assert_cmpmem(tensor->data, tensor->n_elements * 8, v, n * 8);
}

static void
assert_f32(const ConvRnnTensor *tensor, const float *v, gsize n)
{
    g_assert_cmpint(tensor->dtype, ==, CONVRNN_DTYPE_FLOAT32);
    g_assert_cmpmem(tensor->data, tensor->n_elements * 4, v, n * 4);
}

/* --- tensors --- */

static ConvRnnTensor *
read_tensor(Ow *tensor)
{
    GBytes *bytes = g_byte_array_free_to_bytes(tensor);
    GError *error = NULL;
    char *name = NULL;
    ConvRnnTensor *result = cr_onnx_read_tensor(bytes, &name, &error);

    g_assert_no_error(error);
    g_assert_nonnull(result);
    g_free(name);
    g_bytes_unref(bytes);
    return result;
}

static void
test_tensor_raw(void)
{
    const float v[3] = {1, -2, 3.5f};
    GBytes *bytes = g_byte_array_free_to_bytes(ow_tensor_f32("weights", v, 3));
    char *name = NULL;
    ConvRnnTensor *t = cr_onnx_read_tensor(bytes, &name, NULL);

    g_assert_cmpstr(name, ==, "weights");
    assert_f32(t, v, 3);
    g_assert_cmpuint((guintptr)t->data % 4, ==, 0);
    convrnn_tensor_unref(t);
    g_free(name);
    g_bytes_unref(bytes);
}

/* Aligned raw data is used where it lies, and keeps the file alive. */
static void
test_tensor_in_place(void)
{
    const float v[4] = {1, 2, 3, 4};
    for (int pad = 0, in_place = 0; pad < 4; pad++) {
        char text[8] = "aaaa";
        text[pad] = '\0';
        Ow *m = ow_new();
        ow_text(m, 12, text); /* doc_string */
        Ow *tensor = ow_tensor_f32("w", v, 4);
        g_byte_array_append(m, tensor->data, tensor->len);
        g_byte_array_unref(tensor);
        GBytes *bytes = g_byte_array_free_to_bytes(m);
        gsize size;
        const char *start = g_bytes_get_data(bytes, &size);
        ConvRnnTensor *t = cr_onnx_read_tensor(bytes, NULL, NULL);
        in_place += (const char *)t->data >= start && (const char *)t->data < start + size;
        g_bytes_unref(bytes);
        assert_f32(t, v, 4);
        convrnn_tensor_unref(t);
        if (pad == 3)
            g_assert_cmpint(in_place, ==, 1);
    }
}

static void
packed_varints(Ow *m, unsigned field, const int64_t *v, int n)
{
    Ow *inner = ow_new();
    for (int i = 0; i < n; i++)
        ow_varint(inner, (uint64_t)v[i]);
    ow_put(m, field, inner);
}

static void
test_tensor_lists(void)
{
    static const struct {
        int type, field;
        int64_t v[3];
        guint8 bytes[24];
        gsize size;
    } cases[] = {
        {6, 5, {1, -1, 70000}, {1, 0, 0, 0, 255, 255, 255, 255, 0x70, 0x11, 1, 0}, 12},
        {5, 5, {1, -1, 300}, {1, 0, 255, 255, 44, 1}, 6},
        {4, 5, {1, 65535, 300}, {1, 0, 255, 255, 44, 1}, 6},
        {3, 5, {1, -1, -128}, {1, 255, 128}, 3},
        {2, 5, {1, 255, 128}, {1, 255, 128}, 3},
        {9, 5, {1, 0, 1}, {1, 0, 1}, 3},
        /* float16 and bfloat16 become float32 */
        {10, 5, {0x3c00, 0xc000, 1}, {0, 0, 128, 63, 0, 0, 0, 0xc0, 0, 0, 128, 0x33}, 12},
        {16, 5, {0x3f80, 0xc000, 1}, {0, 0, 128, 63, 0, 0, 0, 0xc0, 0, 0, 1, 0}, 12},
        {7,
         7,
         {1, -1, 256},
         {1, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 0, 1},
         24},
        {12, 11, {1, 0xffffffff, 256}, {1, 0, 0, 0, 255, 255, 255, 255, 0, 1, 0, 0}, 12},
        {13, 11, {1, 2, 256}, {1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 24},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        for (int packed = 0; packed < 2; packed++) {
            Ow *m = ow_tensor_head("t", cases[i].type, &(int64_t){3}, 1);
            if (packed) { /* two runs and not one: both are legal */
                packed_varints(m, cases[i].field, cases[i].v, 2);
                packed_varints(m, cases[i].field, cases[i].v + 2, 1);
            } else {
                for (int k = 0; k < 3; k++)
                    ow_int(m, cases[i].field, cases[i].v[k]);
            }
            ConvRnnTensor *t = read_tensor(m);
            bool half = cases[i].type == 10 || cases[i].type == 16;
            g_assert_cmpint(t->dtype, ==, half ? CONVRNN_DTYPE_FLOAT32 : cases[i].type);
            g_assert_cmpmem(t->data, g_bytes_get_size(t->bytes), cases[i].bytes, cases[i].size);
            convrnn_tensor_unref(t);
        }
    }
}

static void
test_tensor_floats(void)
{
    const float v[2] = {0.5f, -3};
    const double d[2] = {0.25, 1e300};

    Ow *m = ow_tensor_head("t", OW_FLOAT, &(int64_t){2}, 1);
    ow_float(m, 4, v[0]);
    ow_float(m, 4, v[1]);
    ConvRnnTensor *t = read_tensor(m);
    assert_f32(t, v, 2);
    convrnn_tensor_unref(t);

    m = ow_tensor_head("t", OW_FLOAT, &(int64_t){2}, 1);
    ow_bytes(m, 4, v, sizeof v);
    t = read_tensor(m);
    assert_f32(t, v, 2);
    convrnn_tensor_unref(t);

    m = ow_tensor_head("t", 11, &(int64_t){2}, 1);
    ow_bytes(m, 10, d, sizeof d);
    t = read_tensor(m);
    g_assert_cmpmem(t->data, 16, d, 16);
    convrnn_tensor_unref(t);
}

static void
test_tensor_shapes(void)
{
    ConvRnnTensor *t = read_tensor(ow_tensor("s", OW_FLOAT, NULL, 0, &(float){7}, 4));
    g_assert_cmpint(t->n_dims, ==, 0);
    g_assert_cmpuint(t->n_elements, ==, 1);
    convrnn_tensor_unref(t);

    Ow *m = ow_new(); /* packed dims, no data at all */
    packed_varints(m, 1, (const int64_t[]){2, 0, 3}, 3);
    ow_int(m, 2, OW_INT64);
    t = read_tensor(m);
    g_assert_cmpint(t->n_dims, ==, 3);
    g_assert_cmpint(t->dims[2], ==, 3);
    g_assert_cmpuint(t->n_elements, ==, 0);
    convrnn_tensor_unref(t);
}

/* --- attributes --- */

static void
test_attributes(void)
{
    Ow *node = ow_node("Anything", "x", "y");
    ow_attr_int(node, "i", -5);
    ow_attr_float(node, "f", 0.5f);
    ow_attr_text(node, "s", "hällo");
    ow_attr_ints(node, "is", (const int64_t[]){1, -2, 3}, 3);
    ow_attr_floats(node, "fs", (const float[]){1, 2}, 2);
    ow_attr_tensor(node, "t", ow_tensor_f32(NULL, &(float){9}, 1));
    ow_attr_ints(node, "empty", NULL, 0);
    Ow *untyped = ow_new(), *packed = ow_new(), *graph_attr = ow_new(), *text = ow_new();
    ow_text(untyped, 1, "untyped");
    ow_int(untyped, 3, 4);
    ow_put(node, 5, untyped);
    ow_text(packed, 1, "packed");
    packed_varints(packed, 8, (const int64_t[]){7, 300}, 2);
    ow_put(node, 5, packed);
    ow_text(graph_attr, 1, "body");
    ow_int(graph_attr, 20, 5);
    ow_bytes(graph_attr, 6, "\377", 1); /* not looked into */
    ow_put(node, 5, graph_attr);
    ow_text(text, 1, "strings");
    ow_text(text, 9, "a");
    ow_text(text, 9, "");
    ow_put(node, 5, text);

    CrGraph *graph = load(ow_model(ow_graph(node, NULL), 13));
    const CrNode *n = only_node(graph, "Anything");
    int count;
    g_assert_cmpint(cr_node_int(n, "i", 0), ==, -5);
    g_assert_cmpfloat(cr_node_float(n, "f", 0), ==, 0.5f);
    g_assert_cmpstr(cr_node_string(n, "s", NULL), ==, "hällo");
    const int64_t *ints = cr_node_ints(n, "is", &count);
    g_assert_cmpint(count, ==, 3);
    g_assert_cmpint(ints[1], ==, -2);
    ints = cr_node_ints(n, "packed", &count);
    g_assert_cmpint(count, ==, 2);
    g_assert_cmpint(ints[1], ==, 300);
    cr_node_ints(n, "empty", &count);
    g_assert_cmpint(count, ==, 0);
    g_assert_cmpint(cr_node_attr(n, "empty")->type, ==, CR_ATTR_INTS);
    g_assert_cmpfloat(cr_node_attr(n, "fs")->floats[1], ==, 2);
    g_assert_cmpint(cr_node_attr(n, "t")->type, ==, CR_ATTR_TENSOR);
    g_assert_cmpint(cr_node_int(n, "untyped", 0), ==, 4);
    g_assert_cmpint(cr_node_attr(n, "body")->type, ==, CR_ATTR_OTHER);
    g_assert_cmpstr(cr_node_attr(n, "strings")->strings[0], ==, "a");
    g_assert_cmpstr(cr_node_attr(n, "strings")->strings[1], ==, "");
    /* a wrong type or name gives the fallback */
    g_assert_cmpint(cr_node_int(n, "f", 42), ==, 42);
    g_assert_cmpstr(cr_node_string(n, "none", "x"), ==, "x");
    cr_graph_free(graph);
}

static void
test_optional_ports(void)
{
    CrGraph *graph = load(ow_model(ow_graph(ow_node("Op", "x,,x,,", "y,"), NULL), 13));
    const CrNode *n = only_node(graph, "Op");

    g_assert_cmpint(n->n_inputs, ==, 3);
    g_assert_cmpint(n->inputs[1], ==, CR_NO_VALUE);
    g_assert_cmpint(n->n_outputs, ==, 1);
    g_assert_cmpstr(n->name, ==, "Op_0");
    g_assert_cmpstr(n->domain, ==, "");
    cr_graph_free(graph);
}

static void
test_inputs(void)
{
    const int64_t dims[4] = {3, -1, -2, 0};
    Ow *graph_message = ow_graph(ow_node("Add", "x,w", "y"), NULL);
    ow_put(graph_message, OW_G_INPUT, ow_value("w", OW_FLOAT, dims, 1)); /* has an initializer */
    ow_put(graph_message, OW_G_INPUT, ow_value("n", OW_INT64, dims, 4));
    ow_put(graph_message, OW_G_INITIALIZER, ow_tensor_f32("w", (const float[]){1, 2, 3}, 3));
    CrGraph *graph = load(ow_finish(ow_model_head(3, 8), graph_message));

    g_assert_cmpuint(graph->inputs->len, ==, 2);
    const ConvRnnTensorInfo *info = &g_array_index(graph->inputs, CrPort, 1).info;
    g_assert_cmpstr(info->name, ==, "n");
    g_assert_cmpint(info->dtype, ==, CONVRNN_DTYPE_INT64);
    g_assert_cmpuint(info->n_dims, ==, 4);
    g_assert_cmpint(info->dims[0], ==, 3);
    for (int i = 1; i < 4; i++)
        g_assert_cmpint(info->dims[i], ==, -1);
    g_assert_nonnull(cr_graph_get_value(graph, cr_graph_find(graph, "w"))->constant);
    cr_graph_free(graph);
}

static void
test_metadata(void)
{
    Ow *model = ow_model_head(8, 13);
    ow_metadata(model, "convrnn.state.h", "h2");
    ow_metadata(model, "author", "nobody");
    CrGraph *graph = load(ow_finish(model, ow_graph(ow_node("Relu", "x", "y"), NULL)));

    g_assert_cmpstr(g_hash_table_lookup(graph->metadata, "convrnn.state.h"), ==, "h2");
    g_assert_cmpuint(g_hash_table_size(graph->metadata), ==, 2);
    cr_graph_free(graph);
}

/* --- importers --- */

static CrGraph *
import(Ow *node, int opset)
{
    return load(ow_model(ow_graph(node, NULL), opset));
}

static void
test_constant(void)
{
    const float f[2] = {1.5f, 2};
    const int64_t v[2] = {4, 5};
    Ow *nodes[5];

    for (int i = 0; i < 5; i++)
        nodes[i] = ow_node("Constant", "", "c");
    ow_attr_tensor(nodes[0], "value", ow_tensor_f32(NULL, f, 2));
    ow_attr_floats(nodes[1], "value_floats", f, 2);
    ow_attr_float(nodes[2], "value_float", 1.5f);
    ow_attr_ints(nodes[3], "value_ints", v, 2);
    ow_attr_int(nodes[4], "value_int", 4);
    for (int i = 0; i < 5; i++) {
        CrGraph *graph = load(ow_model(ow_graph(nodes[i], ow_node("Add", "x,c", "y"), NULL), 13));
        const ConvRnnTensor *t = constant_input(graph, only_node(graph, "Add"), 1);
        bool scalar = i == 2 || i == 4;
        g_assert_cmpint(t->n_dims, ==, scalar ? 0 : 1);
        if (i < 3)
            assert_f32(t, f, scalar ? 1 : 2);
        else
            g_assert_cmpmem(t->data, t->n_elements * 8, v, scalar ? 8 : 16);
        g_assert_cmpuint(graph->nodes->len, ==, 1);
        cr_graph_free(graph);
    }
}

static void
test_clip(void)
{
    Ow *node = ow_node("Clip", "x", "y");
    ow_attr_float(node, "max", 6);
    CrGraph *graph = import(node, 10);
    const CrNode *n = only_node(graph, "Clip");

    g_assert_cmpint(n->n_attrs, ==, 0);
    g_assert_cmpint(n->inputs[1], ==, CR_NO_VALUE);
    assert_f32(constant_input(graph, n, 2), (const float[]){6}, 1);
    g_assert_cmpint(constant_input(graph, n, 2)->n_dims, ==, 0);
    cr_graph_free(graph);
}

/* Attributes that became inputs: each of them, and where. */
static void
test_attributes_to_inputs(void)
{
    static const struct {
        const char *op;
        int opset;
        const char *attrs[3];
        int inputs[3];
    } cases[] = {
        {"Pad", 10, {"pads"}, {1}},       {"Slice", 9, {"starts", "ends", "axes"}, {1, 2, 3}},
        {"Split", 12, {"split"}, {1}},    {"Squeeze", 12, {"axes"}, {1}},
        {"Unsqueeze", 12, {"axes"}, {1}}, {"ReduceMean", 17, {"axes"}, {1}},
        {"ReduceMax", 17, {"axes"}, {1}}, {"ReduceSum", 12, {"axes"}, {1}},
    };
    const int64_t v[3][2] = {{1, 2}, {3, 4}, {5, 6}};

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        Ow *node = ow_node(cases[i].op, "x", "y");
        for (int k = 0; k < 3 && cases[i].attrs[k]; k++)
            ow_attr_ints(node, cases[i].attrs[k], v[k], 2);
        CrGraph *graph = import(node, cases[i].opset);
        const CrNode *n = only_node(graph, cases[i].op);
        for (int k = 0; k < 3 && cases[i].attrs[k]; k++) {
            assert_i64(constant_input(graph, n, cases[i].inputs[k]), v[k], 2);
            g_assert_null(cr_node_attr(n, cases[i].attrs[k]));
        }
        cr_graph_free(graph);
    }
}

/* In the opset that has them as inputs already, the attributes stay where they are (and are refused
 * later). */
static void
test_no_rewrite(void)
{
    Ow *node = ow_node("Squeeze", "x", "y");
    ow_attr_ints(node, "axes", (const int64_t[]){0}, 1);
    CrGraph *graph = import(node, 13);
    g_assert_nonnull(cr_node_attr(only_node(graph, "Squeeze"), "axes"));
    cr_graph_free(graph);
}

static void
test_split_even(void)
{
    CrGraph *graph = import(ow_node("Split", "x", "y,z"), 13);
    g_assert_cmpint(cr_node_int(only_node(graph, "Split"), "num_outputs", 0), ==, 2);
    cr_graph_free(graph);
}

static void
assert_resize(const CrGraph *graph, bool old)
{
    const CrNode *n = only_node(graph, "Resize");

    g_assert_cmpint(n->n_inputs, ==, 3);
    g_assert_cmpint(n->inputs[1], ==, CR_NO_VALUE);
    assert_f32(constant_input(graph, n, 2), (const float[]){1, 1, 2, 2}, 4);
    g_assert_null(cr_node_attr(n, "scales"));
    if (old) {
        g_assert_cmpstr(cr_node_string(n, "coordinate_transformation_mode", ""), ==, "asymmetric");
        g_assert_cmpstr(cr_node_string(n, "nearest_mode", ""), ==, "floor");
    }
}

static void
test_resize(void)
{
    const float scales[4] = {1, 1, 2, 2};
    Ow *node = ow_node("Upsample", "x", "y"), *graph_message;

    ow_attr_floats(node, "scales", scales, 4);
    CrGraph *graph = import(node, 7);
    assert_resize(graph, true);
    cr_graph_free(graph);

    for (int opset = 9; opset <= 11; opset++) {
        const char *inputs = opset == 11 ? "x,roi,s" : "x,s";
        graph_message = ow_graph(ow_node(opset == 9 ? "Upsample" : "Resize", inputs, "y"), NULL);
        ow_put(graph_message, OW_G_INITIALIZER, ow_tensor_f32("s", scales, 4));
        ow_put(graph_message, OW_G_INITIALIZER, ow_tensor_f32("roi", NULL, 0));
        graph = load(ow_model(graph_message, opset));
        assert_resize(graph, opset < 11);
        cr_graph_free(graph);
    }
}

static void
test_batch_norm(void)
{
    Ow *node = ow_node("BatchNormalization", "x,x,x,x,x", "y,m,v");
    ow_attr_float(node, "epsilon", 1e-3f);
    ow_attr_float(node, "momentum", 0.9f);
    ow_attr_int(node, "spatial", 1);
    CrGraph *graph = import(node, 7);
    const CrNode *n = only_node(graph, "BatchNormalization");

    g_assert_cmpint(n->n_attrs, ==, 1);
    g_assert_cmpint(n->n_outputs, ==, 1);
    cr_graph_free(graph);
}

static void
test_dropout(void)
{
    Ow *node = ow_node("Dropout", "x", "y");
    ow_attr_float(node, "ratio", 0.9f);
    CrGraph *graph = import(node, 7);
    g_assert_cmpint(only_node(graph, "Identity")->n_attrs, ==, 0);
    cr_graph_free(graph);

    graph = import(ow_node("Dropout", "x,,x", "y"), 13);
    g_assert_cmpint(only_node(graph, "Dropout")->n_inputs, ==, 3);
    cr_graph_free(graph);
}

static void
test_softmax(void)
{
    Ow *node = ow_node("Softmax", "x", "y"); /* axis 1, flattened */
    CrGraph *graph = import(node, 9);

    g_assert_cmpuint(graph->nodes->len, ==, 4);
    g_assert_cmpint(cr_node_int(only_node(graph, "Flatten"), "axis", 0), ==, 1);
    g_assert_cmpint(cr_node_int(only_node(graph, "Softmax"), "axis", 0), ==, -1);
    const CrNode *reshape = only_node(graph, "Reshape"), *shape = only_node(graph, "Shape");
    g_assert_cmpint(reshape->inputs[1], ==, shape->outputs[0]);
    g_assert_cmpint(reshape->outputs[0], ==, cr_graph_find(graph, "y"));
    cr_graph_free(graph);

    node = ow_node("LogSoftmax", "x", "y");
    ow_attr_int(node, "axis", -1);
    graph = import(node, 11);
    g_assert_cmpint(cr_node_int(only_node(graph, "LogSoftmax"), "axis", 0), ==, -1);
    g_assert_cmpuint(graph->nodes->len, ==, 1);
    cr_graph_free(graph);

    graph = import(ow_node("Softmax", "x", "y"), 13); /* nothing to do */
    g_assert_cmpint(only_node(graph, "Softmax")->n_attrs, ==, 0);
    cr_graph_free(graph);
}

static void
test_small_rules(void)
{
    Ow *node = ow_node("Cast", "x", "y");
    ow_attr_int(node, "to", 1);
    ow_attr_int(node, "saturate", 1);
    CrGraph *graph = import(node, 19);
    g_assert_cmpint(only_node(graph, "Cast")->n_attrs, ==, 1);
    cr_graph_free(graph);

    node = ow_node("TopK", "x", "y");
    ow_attr_int(node, "k", 3);
    graph = import(node, 9);
    assert_i64(constant_input(graph, only_node(graph, "TopK"), 1), (const int64_t[]){3}, 1);
    cr_graph_free(graph);

    node = ow_node("GridSample", "x,x", "y");
    ow_attr_text(node, "mode", "bicubic");
    graph = import(node, 16);
    g_assert_cmpstr(cr_node_string(only_node(graph, "GridSample"), "mode", ""), ==, "cubic");
    cr_graph_free(graph);
}

/* A rule for ONNX's own operator says nothing about another domain's. */
static void
test_other_domain(void)
{
    Ow *node = ow_node("Dropout", "x", "y");
    ow_text(node, 7, "com.example");
    CrGraph *graph = import(node, 13);
    g_assert_cmpstr(only_node(graph, "Dropout")->domain, ==, "com.example");
    cr_graph_free(graph);

    node = ow_node("Dropout", "x", "y");
    ow_text(node, 7, "ai.onnx");
    graph = import(node, 13);
    g_assert_cmpstr(only_node(graph, "Identity")->domain, ==, "");
    cr_graph_free(graph);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/onnx/tensor/raw", test_tensor_raw);
    g_test_add_func("/onnx/tensor/in-place", test_tensor_in_place);
    g_test_add_func("/onnx/tensor/lists", test_tensor_lists);
    g_test_add_func("/onnx/tensor/floats", test_tensor_floats);
    g_test_add_func("/onnx/tensor/shapes", test_tensor_shapes);
    g_test_add_func("/onnx/attributes", test_attributes);
    g_test_add_func("/onnx/optional-ports", test_optional_ports);
    g_test_add_func("/onnx/inputs", test_inputs);
    g_test_add_func("/onnx/metadata", test_metadata);
    g_test_add_func("/onnx/import/constant", test_constant);
    g_test_add_func("/onnx/import/clip", test_clip);
    g_test_add_func("/onnx/import/attributes-to-inputs", test_attributes_to_inputs);
    g_test_add_func("/onnx/import/no-rewrite", test_no_rewrite);
    g_test_add_func("/onnx/import/split-even", test_split_even);
    g_test_add_func("/onnx/import/resize", test_resize);
    g_test_add_func("/onnx/import/batch-norm", test_batch_norm);
    g_test_add_func("/onnx/import/dropout", test_dropout);
    g_test_add_func("/onnx/import/softmax", test_softmax);
    g_test_add_func("/onnx/import/small-rules", test_small_rules);
    g_test_add_func("/onnx/import/other-domain", test_other_domain);
    return g_test_run();
}
