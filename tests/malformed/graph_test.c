/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Graphs, nodes and attributes with one defect each. */
#include "malformed/defect.h"
#include "support/onnx_writer.h"
#include <string.h>

static const int64_t image[4] = {1, 2, 4, 4};

static Ow *
relu_graph(void)
{
    return ow_graph(ow_node("Relu", "x", "y"), NULL);
}

static GBytes *
with_node(Ow *node)
{
    return ow_model(ow_graph(node, NULL), 13);
}

/* --- graph --- */

static GBytes *
no_outputs(void)
{
    Ow *graph = ow_new();
    ow_put(graph, OW_G_NODE, ow_node("Relu", "x", "y"));
    ow_put(graph, OW_G_INPUT, ow_value("x", OW_FLOAT, image, 4));
    return ow_model(graph, 13);
}

static GBytes *
output_undefined(void)
{
    return with_node(ow_node("Relu", "x", "z"));
}

static GBytes *
output_twice(void)
{
    Ow *graph = relu_graph();
    ow_put(graph, OW_G_OUTPUT, ow_value("y", OW_FLOAT, image, 4));
    return ow_model(graph, 13);
}

static GBytes *
input_twice(void)
{
    Ow *graph = relu_graph();
    ow_put(graph, OW_G_INPUT, ow_value("x", OW_FLOAT, image, 4));
    return ow_model(graph, 13);
}

static GBytes *
input_unnamed(void)
{
    Ow *graph = relu_graph();
    ow_put(graph, OW_G_INPUT, ow_value("", OW_FLOAT, image, 4));
    return ow_model(graph, 13);
}

static GBytes *
input_untyped(void)
{
    Ow *graph = relu_graph(), *value = ow_new();
    ow_text(value, 1, "z");
    ow_put(graph, OW_G_INPUT, value);
    return ow_model(graph, 13);
}

static GBytes *
input_rank_9(void)
{
    const int64_t dims[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    Ow *graph = relu_graph();
    ow_put(graph, OW_G_INPUT, ow_value("z", OW_FLOAT, dims, 9));
    return ow_model(graph, 13);
}

static GBytes *
input_dim_huge(void)
{
    Ow *graph = relu_graph();
    ow_put(graph, OW_G_INPUT, ow_value("z", OW_FLOAT, &(int64_t){1LL << 40}, 1));
    return ow_model(graph, 13);
}

/* An input whose TypeProto has this alternative, read by a node. */
static GBytes *
input_of_type(unsigned field, Ow *inner, const char *node_input)
{
    Ow *graph = ow_graph(ow_node("Add", node_input, "y"), NULL), *value = ow_new(),
       *type = ow_new();
    ow_put(type, field, inner);
    ow_text(value, 1, "s");
    ow_put(value, 2, type);
    ow_put(graph, OW_G_INPUT, value);
    return ow_model(graph, 13);
}

static GBytes *
input_sequence(void)
{
    return input_of_type(4, ow_new(), "x,s");
}

static GBytes *
input_map(void)
{
    return input_of_type(5, ow_new(), "s,x");
}

static GBytes *
input_string_tensor(void)
{
    Ow *tensor = ow_new();
    ow_int(tensor, 1, 8);
    return input_of_type(1, tensor, "x,s");
}

static GBytes *
output_sequence(void)
{
    Ow *graph = relu_graph(), *value = ow_new(), *type = ow_new();
    ow_put(type, 4, ow_new());
    ow_text(value, 1, "s");
    ow_put(value, 2, type);
    ow_put(graph, OW_G_OUTPUT, value);
    return ow_model(graph, 13);
}

static GBytes *
too_many_inputs(void)
{
    Ow *graph = relu_graph();
    for (int i = 0; i < 4096; i++) {
        char name[16];
        g_snprintf(name, sizeof name, "i%d", i);
        ow_put(graph, OW_G_INPUT, ow_value(name, OW_FLOAT, image, 1));
    }
    return ow_model(graph, 13);
}

static GBytes *
too_many_nodes(void)
{
    Ow *graph = ow_new(), *node = ow_new();
    ow_text(node, 4, "A");
    char *filler = g_strnfill(300, 'x'); /* or the memory limit would be met first */
    ow_text(node, 6, filler);
    for (int i = 0; i <= 100000; i++)
        ow_bytes(graph, OW_G_NODE, node->data, node->len);
    g_byte_array_unref(node);
    g_free(filler);
    return ow_model(graph, 13);
}

static GBytes *
sparse_initializer(void)
{
    Ow *graph = relu_graph();
    ow_put(graph, 15, ow_new());
    return ow_model(graph, 13);
}

static GBytes *
node_as_number(void)
{
    Ow *graph = relu_graph();
    ow_int(graph, OW_G_NODE, 1);
    return ow_model(graph, 13);
}

/* --- nodes --- */

static GBytes *
node_without_op(void)
{
    Ow *node = ow_new();
    ow_text(node, 1, "x");
    ow_text(node, 2, "y");
    return with_node(node);
}

static GBytes *
input_undefined(void)
{
    return with_node(ow_node("Add", "x,ghost", "y"));
}

static GBytes *
cycle(void)
{
    return ow_model(ow_graph(ow_node("Add", "x,b", "y"), ow_node("Relu", "y", "b"), NULL), 13);
}

static GBytes *
self_cycle(void)
{
    return with_node(ow_node("Add", "x,y", "y"));
}

static GBytes *
output_by_two(void)
{
    return ow_model(ow_graph(ow_node("Relu", "x", "y"), ow_node("Tanh", "x", "y"), NULL), 13);
}

static GBytes *
output_is_input(void)
{
    return ow_model(ow_graph(ow_node("Relu", "x", "y"), ow_node("Tanh", "y", "x"), NULL), 13);
}

static GBytes *
name_not_utf8(void)
{
    return ow_model(ow_graph(ow_node("Relu", "x", "\300\200"), ow_node("Relu", "x", "y"), NULL),
                    13);
}

static GBytes *
name_with_nul(void)
{
    Ow *node = ow_node("Relu", "x", "y");
    ow_bytes(node, 2, "a\0b", 3);
    return with_node(node);
}

static GBytes *
name_too_long(void)
{
    char *name = g_strnfill(4097, 'n');
    Ow *node = ow_node("Relu", "x", "y");
    ow_text(node, 3, name);
    g_free(name);
    return with_node(node);
}

static GBytes *
too_many_node_inputs(void)
{
    Ow *node = ow_node("Sum", "x", "y");
    for (int i = 0; i < 4096; i++)
        ow_text(node, 1, "x");
    return with_node(node);
}

static GBytes *
unknown_operator(void)
{
    return with_node(ow_node("Frobnicate", "x", "y"));
}

static GBytes *
unknown_domain(void)
{
    Ow *node = ow_node("Relu", "x", "y");
    ow_text(node, 7, "com.example");
    return with_node(node);
}

static GBytes *
too_few_inputs(void)
{
    return with_node(ow_node("Add", "x", "y"));
}

static GBytes *
required_input_left_out(void)
{
    return with_node(ow_node("Add", ",x", "y"));
}

static GBytes *
too_many_op_inputs(void)
{
    return with_node(ow_node("Relu", "x,x", "y"));
}

static GBytes *
too_many_op_outputs(void)
{
    return with_node(ow_node("Relu", "x", "y,z"));
}

static GBytes *
node_input_as_number(void)
{
    Ow *node = ow_node("Relu", "x", "y");
    ow_int(node, 1, 3);
    return with_node(node);
}

/* --- attributes --- */

static GBytes *
unknown_attribute(void)
{
    Ow *node = ow_node("Relu", "x", "y");
    ow_attr_int(node, "slope", 1);
    return with_node(node);
}

static GBytes *
attribute_of_wrong_type(void)
{
    Ow *node = ow_node("LeakyRelu", "x", "y");
    ow_attr_int(node, "alpha", 1);
    return with_node(node);
}

static GBytes *
attribute_twice(void)
{
    Ow *node = ow_node("LeakyRelu", "x", "y");
    ow_attr_float(node, "alpha", 1);
    ow_attr_float(node, "alpha", 2);
    return with_node(node);
}

static GBytes *
with_attribute(const char *name, int type, unsigned field, int64_t value)
{
    Ow *node = ow_node("LeakyRelu", "x", "y"), *attr = ow_new();
    if (name)
        ow_text(attr, 1, name);
    if (type >= 0)
        ow_int(attr, 20, type);
    if (field)
        ow_int(attr, field, value);
    ow_put(node, 5, attr);
    return with_node(node);
}

static GBytes *
attribute_unnamed(void)
{
    return with_attribute(NULL, 2, 3, 1);
}

static GBytes *
attribute_without_type(void)
{
    return with_attribute("alpha", -1, 0, 0);
}

static GBytes *
attribute_type_99(void)
{
    return with_attribute("alpha", 99, 3, 1);
}

static GBytes *
attribute_float_as_varint(void)
{
    return with_attribute("alpha", 1, 2, 1);
}

static GBytes *
attribute_tensor_missing(void)
{
    return with_attribute("alpha", 4, 0, 0);
}

static GBytes *
attribute_floats_ragged(void)
{
    Ow *node = ow_node("LeakyRelu", "x", "y"), *attr = ow_new();
    ow_text(attr, 1, "alpha");
    ow_bytes(attr, 7, "12345", 5);
    ow_put(node, 5, attr);
    return with_node(node);
}

static GBytes *
too_many_attributes(void)
{
    Ow *node = ow_node("Relu", "x", "y");
    for (int i = 0; i < 65; i++) {
        char name[8];
        g_snprintf(name, sizeof name, "a%d", i);
        ow_attr_int(node, name, i);
    }
    return with_node(node);
}

static GBytes *
attribute_list_too_long(void)
{
    Ow *node = ow_node("Relu", "x", "y"), *attr = ow_new(), *list = ow_new();
    for (int i = 0; i <= 65536; i++)
        ow_varint(list, 1);
    ow_text(attr, 1, "many");
    ow_put(attr, 8, list);
    ow_put(node, 5, attr);
    return with_node(node);
}

/* --- the list --- */

static const Defect defects[] = {
    {"no-outputs", no_outputs, FORMAT, "no output"},
    {"output-undefined", output_undefined, FORMAT, "'y'"},
    {"output-twice", output_twice, FORMAT, "'y'"},
    {"input-twice", input_twice, FORMAT, "'x'"},
    {"input-unnamed", input_unnamed, FORMAT, "no name"},
    {"input-untyped", input_untyped, FORMAT, "'z' has no type"},
    {"input-rank-9", input_rank_9, LIMIT, "8 dimensions"},
    {"input-dim-huge", input_dim_huge, LIMIT, "1099511627776"},
    {"input-sequence", input_sequence, UNSUPPORTED, "a sequence"},
    {"input-map", input_map, UNSUPPORTED, "a map"},
    {"input-string-tensor", input_string_tensor, UNSUPPORTED, "element type 8"},
    {"output-sequence", output_sequence, UNSUPPORTED, "a sequence"},
    {"too-many-inputs", too_many_inputs, LIMIT, "4096"},
    {"too-many-nodes", too_many_nodes, LIMIT, "100000 nodes"},
    {"sparse-initializer", sparse_initializer, UNSUPPORTED, "sparse"},
    {"node-as-number", node_as_number, FORMAT, "wire type"},
    {"node-without-op", node_without_op, FORMAT, "no operator"},
    {"input-undefined", input_undefined, FORMAT, "'ghost'"},
    {"cycle", cycle, FORMAT, "cycle"},
    {"self-cycle", self_cycle, FORMAT, "cycle"},
    {"output-by-two", output_by_two, FORMAT, "Tanh"},
    {"output-is-input", output_is_input, FORMAT, "'x'"},
    {"name-not-utf8", name_not_utf8, FORMAT, "UTF-8"},
    {"name-with-nul", name_with_nul, FORMAT, "UTF-8"},
    {"name-too-long", name_too_long, LIMIT, "4097 bytes"},
    {"too-many-node-inputs", too_many_node_inputs, LIMIT, "4097 inputs"},
    {"unknown-operator", unknown_operator, UNSUPPORTED, "Frobnicate"},
    {"unknown-domain", unknown_domain, UNSUPPORTED, "com.example"},
    {"too-few-inputs", too_few_inputs, FORMAT, "input 1"},
    {"required-input-left-out", required_input_left_out, FORMAT, "input 0"},
    {"too-many-op-inputs", too_many_op_inputs, FORMAT, "at most 1"},
    {"too-many-op-outputs", too_many_op_outputs, FORMAT, "at most 1"},
    {"node-input-as-number", node_input_as_number, FORMAT, "wire type"},
    {"unknown-attribute", unknown_attribute, FORMAT, "'slope'"},
    {"attribute-of-wrong-type", attribute_of_wrong_type, FORMAT, "an int"},
    {"attribute-twice", attribute_twice, FORMAT, "twice"},
    {"attribute-unnamed", attribute_unnamed, FORMAT, "no name"},
    {"attribute-without-type", attribute_without_type, FORMAT, "type 0"},
    {"attribute-type-99", attribute_type_99, FORMAT, "type 99"},
    {"attribute-float-as-varint", attribute_float_as_varint, FORMAT, "wire type"},
    {"attribute-tensor-missing", attribute_tensor_missing, FORMAT, "tensor"},
    {"attribute-floats-ragged", attribute_floats_ragged, FORMAT, "packed"},
    {"too-many-attributes", too_many_attributes, LIMIT, "65 attributes"},
    {"attribute-list-too-long", attribute_list_too_long, LIMIT, "65536"},
};

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(defects); i++)
        defect_add("/malformed/graph/", &defects[i], defect_test_loaded);
    return g_test_run();
}
