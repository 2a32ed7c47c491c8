/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that are odd but legal, and must load. */
#include <convrnn/convrnn.h>
#include "support/onnx_writer.h"
#include <string.h>

typedef GBytes *(*MakeFn)(void);

static const int64_t image[4] = {1, 2, 4, 4};

static Ow *
relu_graph(void)
{
    return ow_graph(ow_node("Relu", "x", "y"), NULL);
}

static GBytes *
graph_first(void)
{
    Ow *model = ow_new(), *import = ow_new();
    ow_put(model, 7, relu_graph());
    ow_int(import, 2, 13);
    ow_put(model, 8, import);
    ow_int(model, 1, 8);
    return g_byte_array_free_to_bytes(model);
}

static void
add_unknown(Ow *m)
{
    const guint8 eight[8] = {0};
    ow_int(m, 1000, -1);
    ow_float(m, 1001, 1);
    ow_text(m, 1002, "unknown");
    ow_tag(m, 1003, 1);
    g_byte_array_append(m, eight, 8);
}

static GBytes *
unknown_fields(void)
{
    Ow *node = ow_node("LeakyRelu", "x", "y"), *attr = ow_new(), *graph, *tensor, *value, *model;
    ow_text(attr, 1, "alpha");
    ow_int(attr, 20, 1);
    ow_float(attr, 2, 0.5f);
    add_unknown(attr);
    ow_put(node, 5, attr);
    add_unknown(node);
    graph = ow_graph(node, NULL);
    tensor = ow_tensor_f32("w", (const float[]){1}, 1);
    add_unknown(tensor);
    ow_put(graph, OW_G_INITIALIZER, tensor);
    value = ow_value("z", OW_FLOAT, image, 4);
    add_unknown(value);
    ow_put(graph, OW_G_INPUT, value);
    add_unknown(graph);
    model = ow_model_head(8, 13);
    add_unknown(model);
    return ow_finish(model, graph);
}

static GBytes *
overlong_varints(void)
{
    GByteArray *file = g_bytes_unref_to_array(ow_model(relu_graph(), 13));
    const guint8 tail[] = {0x88, 0x80, 0x00, 0x88, 0x80, 0x80, 0x00}; /* ir_version = 8 */
    g_byte_array_append(file, tail, sizeof tail);
    return g_byte_array_free_to_bytes(file);
}

static GBytes *
unsorted(void)
{
    return ow_model(ow_graph(ow_node("Relu", "b", "y"), ow_node("Tanh", "a", "b"),
                             ow_node("Sigmoid", "x", "a"), NULL),
                    13);
}

static GBytes *
dead_unknown_operator(void)
{
    Ow *node = ow_node("Frobnicate", "x", "dead");
    ow_attr_int(node, "whatever", 1);
    return ow_model(ow_graph(node, ow_node("Relu", "x", "y"), NULL), 13);
}

static GBytes *
node_without_outputs(void)
{
    return ow_model(ow_graph(ow_node("Relu", "x", ""), ow_node("Relu", "x", "y"), NULL), 13);
}

static GBytes *
packed_and_loose(void)
{
    Ow *tensor = ow_new(), *packed = ow_new(), *graph = relu_graph();
    ow_varint(packed, 2);
    ow_varint(packed, 1);
    ow_put(tensor, 1, packed);
    ow_int(tensor, 1, 1);
    ow_int(tensor, 2, OW_FLOAT);
    ow_float(tensor, 4, 1);
    ow_bytes(tensor, 4, "\0\0\0\0", 4);
    ow_bytes(tensor, 4, "", 0);
    ow_text(tensor, 8, "w");
    ow_put(graph, OW_G_INITIALIZER, tensor);
    return ow_model(graph, 13);
}

static GBytes *
optional_input_left_out(void)
{
    Ow *graph = ow_graph(ow_node("Clip", "x,,six", "y,"), NULL);
    ow_put(graph, OW_G_INITIALIZER, ow_tensor("six", OW_FLOAT, NULL, 0, &(float){6}, 4));
    return ow_model(graph, 13);
}

static GBytes *
initializer_as_input(int ir_version)
{
    Ow *graph = ow_graph(ow_node("Add", "x,w", "y"), NULL);
    ow_put(graph, OW_G_INPUT, ow_value("w", OW_FLOAT, (const int64_t[]){1}, 1));
    ow_put(graph, OW_G_INITIALIZER, ow_tensor_f32("w", (const float[]){1}, 1));
    return ow_finish(ow_model_head(ir_version, 9), graph);
}

static GBytes *
initializer_as_input_ir3(void)
{
    return initializer_as_input(3);
}

static GBytes *
initializer_as_default(void)
{
    return initializer_as_input(8);
}

static GBytes *
domain_spelled_out(void)
{
    Ow *model = ow_new(), *import = ow_new(), *node = ow_node("Relu", "x", "y");
    ow_int(model, 1, 8);
    ow_text(import, 1, "ai.onnx");
    ow_int(import, 2, 13);
    ow_put(model, 8, import);
    ow_text(node, 7, "ai.onnx");
    return ow_finish(model, ow_graph(node, NULL));
}

static GBytes *
several_opsets(void)
{
    Ow *model = ow_model_head(8, 13), *import = ow_new();
    ow_text(import, 1, "com.microsoft");
    ow_int(import, 2, 1);
    ow_put(model, 8, import);
    return ow_finish(model, relu_graph());
}

static GBytes *
opset_of_the_future(void)
{
    return ow_finish(ow_model_head(99, 99), relu_graph());
}

static GBytes *
no_shapes(void)
{
    Ow *graph = ow_new();
    ow_put(graph, OW_G_NODE, ow_node("Relu", "x", "y"));
    ow_put(graph, OW_G_INPUT, ow_value("x", OW_FLOAT, NULL, -1));
    Ow *value = ow_new();
    ow_text(value, 1, "y");
    ow_put(graph, OW_G_OUTPUT, value);
    return ow_model(graph, 13);
}

static GBytes *
odd_dims(void)
{
    Ow *graph = relu_graph();
    ow_put(graph, OW_G_INPUT, ow_value("z", OW_FLOAT, (const int64_t[]){0, -1, -2, 1}, 4));
    Ow *value = ow_new(), *type = ow_new(), *tensor = ow_new(), *shape = ow_new(), *dim = ow_new();
    ow_int(dim, 1, -1); /* a number, and not a name: some exporters write it so */
    ow_put(shape, 1, dim);
    ow_int(tensor, 1, OW_FLOAT);
    ow_put(tensor, 2, shape);
    ow_put(type, 1, tensor);
    ow_text(value, 1, "v");
    ow_put(value, 2, type);
    ow_put(graph, OW_G_INPUT, value);
    return ow_model(graph, 13);
}

static GBytes *
empty_and_scalar_tensors(void)
{
    Ow *graph = relu_graph();
    ow_put(graph, OW_G_INITIALIZER, ow_tensor("none", OW_INT64, (const int64_t[]){3, 0}, 2, "", 0));
    ow_put(graph, OW_G_INITIALIZER, ow_tensor_head("nothing", OW_FLOAT, &(int64_t){0}, 1));
    ow_put(graph, OW_G_INITIALIZER, ow_tensor("scalar", OW_FLOAT, NULL, 0, "\0\0\0\0", 4));
    return ow_model(graph, 13);
}

static GBytes *
outputs_without_nodes(void)
{
    Ow *graph = ow_new();
    ow_put(graph, OW_G_INPUT, ow_value("x", OW_FLOAT, image, 4));
    ow_put(graph, OW_G_INITIALIZER, ow_tensor_f32("w", (const float[]){1}, 1));
    ow_put(graph, OW_G_OUTPUT, ow_value("x", OW_FLOAT, image, 4));
    ow_put(graph, OW_G_OUTPUT, ow_value("w", OW_FLOAT, image, 1));
    return ow_model(graph, 13);
}

static GBytes *
no_inputs(void)
{
    Ow *graph = ow_new();
    ow_put(graph, OW_G_NODE, ow_node("Relu", "w", "y"));
    ow_put(graph, OW_G_INITIALIZER, ow_tensor_f32("w", (const float[]){1}, 1));
    ow_put(graph, OW_G_OUTPUT, ow_value("y", OW_FLOAT, image, 1));
    return ow_model(graph, 13);
}

static GBytes *
unused_sequence_input(void)
{
    Ow *graph = relu_graph(), *value = ow_new(), *type = ow_new();
    ow_put(type, 4, ow_new());
    ow_text(value, 1, "s");
    ow_put(value, 2, type);
    ow_put(graph, OW_G_INPUT, value);
    return ow_model(graph, 13);
}

static GBytes *
repeated_metadata(void)
{
    Ow *model = ow_model_head(8, 13);
    ow_metadata(model, "key", "first");
    ow_metadata(model, "key", "second");
    ow_metadata(model, "", "");
    return ow_finish(model, relu_graph());
}

static GBytes *
unused_function(void)
{
    Ow *model = ow_model_head(8, 13), *function = ow_new();
    ow_text(function, 1, "Block");
    ow_bytes(function, 7, "\377\377", 2); /* not looked into */
    ow_put(model, 25, function);
    return ow_finish(model, relu_graph());
}

static GBytes *
names_of_all_kinds(void)
{
    Ow *a = ow_node("Relu", "x", "größe/层:0 \"'%s\\"),
       *b = ow_node("Tanh", "größe/层:0 \"'%s\\", "y");
    ow_text(a, 3, "same");
    ow_text(b, 3, "same");
    return ow_model(ow_graph(a, b, NULL), 13);
}

static GBytes *
attribute_without_type(void)
{
    Ow *node = ow_node("LeakyRelu", "x", "y"), *attr = ow_new();
    ow_float(attr, 2, 0.5f);
    ow_text(attr, 1, "alpha");
    ow_put(node, 5, attr);
    return ow_model(ow_graph(node, NULL), 13);
}

static GBytes *
scalar_field_twice(void)
{
    Ow *model = ow_model_head(0, 1); /* the last one counts */
    ow_int(model, 1, 8);
    Ow *import = ow_new();
    ow_int(import, 2, 13);
    ow_put(model, 8, import);
    return ow_finish(model, relu_graph());
}

static GBytes *
garbage_where_nobody_looks(void)
{
    Ow *graph = relu_graph();
    ow_bytes(graph, 13, "\377\377\377", 3); /* value_info */
    ow_bytes(graph, 14, "\377\377\377", 3); /* quantization_annotation */
    ow_bytes(graph, 10, "\377\377\377", 3); /* doc_string */
    return ow_model(graph, 13);
}

/* A body whose operator nobody has, and whose inputs fit no loop. */
static GBytes *
control_flow_that_is_dead(void)
{
    Ow *node = ow_node("Loop", "x", "dead"), *attr = ow_new(), *body = ow_new();
    ow_put(body, OW_G_NODE, ow_node("NoSuchOperator", "x", "z"));
    ow_put(body, OW_G_OUTPUT, ow_value("z", OW_FLOAT, NULL, -1));
    ow_text(attr, 1, "body");
    ow_int(attr, 20, 5);
    ow_put(attr, 6, body);
    ow_put(node, 5, attr);
    return ow_model(ow_graph(node, ow_node("Relu", "x", "y"), NULL), 13);
}

static const struct {
    const char *name;
    MakeFn make;
    guint n_inputs, n_outputs;
} cases[] = {
    {"graph-first", graph_first, 1, 1},
    {"unknown-fields", unknown_fields, 2, 1},
    {"overlong-varints", overlong_varints, 1, 1},
    {"unsorted", unsorted, 1, 1},
    {"dead-unknown-operator", dead_unknown_operator, 1, 1},
    {"node-without-outputs", node_without_outputs, 1, 1},
    {"packed-and-loose", packed_and_loose, 1, 1},
    {"optional-input-left-out", optional_input_left_out, 1, 1},
    {"initializer-as-input-ir3", initializer_as_input_ir3, 1, 1},
    {"initializer-as-default", initializer_as_default, 1, 1},
    {"domain-spelled-out", domain_spelled_out, 1, 1},
    {"several-opsets", several_opsets, 1, 1},
    {"opset-of-the-future", opset_of_the_future, 1, 1},
    {"no-shapes", no_shapes, 1, 1},
    {"odd-dims", odd_dims, 3, 1},
    {"empty-and-scalar-tensors", empty_and_scalar_tensors, 1, 1},
    {"outputs-without-nodes", outputs_without_nodes, 1, 2},
    {"no-inputs", no_inputs, 0, 1},
    {"unused-sequence-input", unused_sequence_input, 1, 1},
    {"repeated-metadata", repeated_metadata, 1, 1},
    {"unused-function", unused_function, 1, 1},
    {"names-of-all-kinds", names_of_all_kinds, 1, 1},
    {"attribute-without-type", attribute_without_type, 1, 1},
    {"scalar-field-twice", scalar_field_twice, 1, 1},
    {"garbage-where-nobody-looks", garbage_where_nobody_looks, 1, 1},
    {"control-flow-that-is-dead", control_flow_that_is_dead, 1, 1},
};

static void
test_case(gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    GBytes *file = cases[i].make();
    GError *error = NULL;
    ConvRnnModel *model = convrnn_model_load_bytes(file, "a file", NULL, &error);

    g_assert_no_error(error);
    g_assert_nonnull(model);
    g_assert_cmpuint(convrnn_model_get_n_inputs(model), ==, cases[i].n_inputs);
    g_assert_cmpuint(convrnn_model_get_n_outputs(model), ==, cases[i].n_outputs);
    convrnn_model_unref(model);
    g_bytes_unref(file);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        char *path = g_strconcat("/malformed/accepted/", cases[i].name, NULL);
        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_case);
        g_free(path);
    }
    return g_test_run();
}
