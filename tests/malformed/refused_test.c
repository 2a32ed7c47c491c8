/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files with one defect each: the exact error code, and a message that names the thing. */
#include <convrnn/convrnn.h>
#include "support/onnx_writer.h"
#include <string.h>

typedef GBytes *(*MakeFn)(void);

static const int64_t image[4] = {1, 2, 4, 4};

static GBytes *
from_text(const char *text)
{
    return g_bytes_new(text, strlen(text));
}

/* A right model, as a base for defects around it. */
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

/* Relu with an unused initializer; all initializers are read. */
static GBytes *
with_tensor(Ow *tensor)
{
    Ow *graph = relu_graph();
    ow_put(graph, OW_G_INITIALIZER, tensor);
    return ow_model(graph, 13);
}

/* A right model's bytes with some more behind. */
static GBytes *
with_tail(const void *tail, size_t size)
{
    GByteArray *file = g_bytes_unref_to_array(ow_model(relu_graph(), 13));
    g_byte_array_append(file, tail, (guint)size);
    return g_byte_array_free_to_bytes(file);
}

#define TAIL(...) with_tail((const guint8[]){__VA_ARGS__}, sizeof((const guint8[]){__VA_ARGS__}))

/* --- not ONNX at all --- */

static GBytes *
empty(void)
{
    return g_bytes_new(NULL, 0);
}

static GBytes *
plain_text(void)
{
    return from_text("hello, this is no network\n");
}

static GBytes *
html(void)
{
    return from_text("<!DOCTYPE html><html><body>404 Not Found</body></html>");
}

static GBytes *
lfs_pointer(void)
{
    return from_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
}

static GBytes *
zip(void)
{
    return g_bytes_new("PK\3\4\24\0\0\0archive/data.pkl", 24);
}

static GBytes *
tflite(void)
{
    return g_bytes_new("\34\0\0\0TFL3\24\0\40\0", 12);
}

static GBytes *
all_ones(void)
{
    char *text = g_strnfill(100, '\377');
    GBytes *bytes = from_text(text);
    g_free(text);
    return bytes;
}

static GBytes *
zeros(void)
{
    static const guint8 bytes[64];
    return g_bytes_new(bytes, sizeof bytes);
}

/* --- wire --- */

static GBytes *
cut_tag(void)
{
    return TAIL(0x80);
}

static GBytes *
cut_length(void)
{
    return TAIL(0x52, 0x80);
}

static GBytes *
long_varint(void)
{
    return TAIL(0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01);
}

static GBytes *
field_zero(void)
{
    return TAIL(0x00, 0x00);
}

static GBytes *
field_too_large(void)
{
    return TAIL(0xf8, 0xff, 0xff, 0xff, 0x7f, 0x00);
}

static GBytes *
group(void)
{
    return TAIL(0x53, 0x54);
}

static GBytes *
end_group(void)
{
    return TAIL(0x54);
}

static GBytes *
wire_type_7(void)
{
    return TAIL(0x57);
}

static GBytes *
length_beyond_end(void)
{
    return TAIL(0x52, 0x05, 'a', 'b');
}

static GBytes *
length_one_beyond(void)
{
    return TAIL(0x52, 0x03, 'a', 'b');
}

static GBytes *
length_huge(void)
{
    return TAIL(0x52, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f);
}

static GBytes *
cut_fixed32(void)
{
    return TAIL(0x55, 1, 2, 3);
}

static GBytes *
cut_fixed64(void)
{
    return TAIL(0x51, 1, 2, 3, 4, 5, 6, 7);
}

static GBytes *
inner_beyond_outer(void)
{
    Ow *graph = relu_graph();
    ow_tag(graph, OW_G_NODE, 2);
    ow_varint(graph, 20); /* the model goes on behind the graph, but not for the graph's entries */
    Ow *model = ow_new();
    ow_put(model, 7, graph);
    ow_int(model, 1, 8);
    Ow *import = ow_new();
    ow_int(import, 2, 13);
    ow_put(model, 8, import);
    ow_text(model, 2, "a producer whose name is long enough");
    return g_byte_array_free_to_bytes(model);
}

/* --- model --- */

static GBytes *
no_ir_version(void)
{
    Ow *model = ow_new(), *import = ow_new();
    ow_int(import, 2, 13);
    ow_put(model, 8, import);
    return ow_finish(model, relu_graph());
}

static GBytes *
no_graph(void)
{
    return g_byte_array_free_to_bytes(ow_model_head(8, 13));
}

static GBytes *
no_opset(void)
{
    Ow *model = ow_new();
    ow_int(model, 1, 8);
    return ow_finish(model, relu_graph());
}

static GBytes *
other_opset(void)
{
    Ow *model = ow_new(), *import = ow_new();
    ow_int(model, 1, 8);
    ow_text(import, 1, "ai.onnx.ml");
    ow_int(import, 2, 3);
    ow_put(model, 8, import);
    return ow_finish(model, relu_graph());
}

static GBytes *
opset_6(void)
{
    return ow_model(relu_graph(), 6);
}

static GBytes *
opset_negative(void)
{
    return ow_model(relu_graph(), -1);
}

static GBytes *
two_graphs(void)
{
    Ow *model = ow_model_head(8, 13);
    ow_put(model, 7, relu_graph());
    return ow_finish(model, relu_graph());
}

static GBytes *
ir_version_text(void)
{
    Ow *model = ow_model_head(8, 13);
    ow_text(model, 1, "8");
    return ow_finish(model, relu_graph());
}

static GBytes *
metadata_not_text(void)
{
    Ow *model = ow_model_head(8, 13);
    ow_metadata(model, "key", "\377\376");
    return ow_finish(model, relu_graph());
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

/* --- tensors --- */

static GBytes *
raw_too_short(void)
{
    return with_tensor(ow_tensor("w", OW_FLOAT, &(int64_t){3}, 1, "12345678", 8));
}

static GBytes *
raw_too_long(void)
{
    return with_tensor(ow_tensor("w", OW_FLOAT, &(int64_t){1}, 1, "12345678", 8));
}

static GBytes *
dim_negative(void)
{
    return with_tensor(ow_tensor("w", OW_FLOAT, &(int64_t){-1}, 1, "", 0));
}

static GBytes *
dim_huge(void)
{
    return with_tensor(ow_tensor("w", OW_FLOAT, &(int64_t){1LL << 31}, 1, "", 0));
}

static GBytes *
product_overflows(void)
{
    const int64_t dims[8] = {1 << 30, 1 << 30, 1 << 30, 1 << 30,
                             1 << 30, 1 << 30, 1 << 30, 1 << 30};
    return with_tensor(ow_tensor("w", OW_FLOAT, dims, 8, "", 0));
}

/* 2^32 elements: more than are allowed, though no product overflows. */
static GBytes *
product_above_limit(void)
{
    const int64_t dims[2] = {1 << 16, 1 << 16};
    return with_tensor(ow_tensor("w", OW_FLOAT, dims, 2, "", 0));
}

/* 2^64 elements: exactly 0 when multiplied without a check. */
static GBytes *
product_wraps_to_zero(void)
{
    const int64_t dims[4] = {1 << 16, 1 << 16, 1 << 16, 1 << 16};
    return with_tensor(ow_tensor("w", OW_FLOAT, dims, 4, "", 0));
}

static GBytes *
product_hidden_by_zero(void)
{
    const int64_t dims[4] = {1 << 30, 1 << 30, 1 << 30, 0};
    return with_tensor(ow_tensor("w", OW_FLOAT, dims, 4, "", 0));
}

static GBytes *
tensor_rank_9(void)
{
    const int64_t dims[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    return with_tensor(ow_tensor("w", OW_FLOAT, dims, 9, "1234", 4));
}

static GBytes *
tensor_type(int type)
{
    return with_tensor(ow_tensor("w", type, &(int64_t){1}, 1, "1234", 4));
}

static GBytes *
type_undefined(void)
{
    return tensor_type(0);
}

static GBytes *
type_string(void)
{
    return tensor_type(8);
}

static GBytes *
type_float8(void)
{
    return tensor_type(17);
}

static GBytes *
type_int4(void)
{
    return tensor_type(22);
}

static GBytes *
external_data(void)
{
    Ow *tensor = ow_tensor_head("big", OW_FLOAT, &(int64_t){1}, 1), *entry = ow_new();
    ow_text(entry, 1, "location");
    ow_text(entry, 2, "/etc/passwd");
    ow_put(tensor, 13, entry);
    return with_tensor(tensor);
}

static GBytes *
external_location(void)
{
    Ow *tensor = ow_tensor_f32("big", (const float[]){1}, 1);
    ow_int(tensor, 14, 1);
    return with_tensor(tensor);
}

static GBytes *
segmented(void)
{
    Ow *tensor = ow_tensor_f32("w", (const float[]){1}, 1);
    ow_put(tensor, 3, ow_new());
    return with_tensor(tensor);
}

static GBytes *
raw_and_list(void)
{
    Ow *tensor = ow_tensor_f32("w", (const float[]){1}, 1);
    ow_float(tensor, 4, 1);
    return with_tensor(tensor);
}

static GBytes *
wrong_list(void)
{
    Ow *tensor = ow_tensor_head("w", OW_FLOAT, &(int64_t){1}, 1);
    ow_int(tensor, 7, 1);
    return with_tensor(tensor);
}

static GBytes *
list_too_short(void)
{
    Ow *tensor = ow_tensor_head("w", OW_FLOAT, &(int64_t){2}, 1);
    ow_float(tensor, 4, 1);
    return with_tensor(tensor);
}

static GBytes *
no_data(void)
{
    return with_tensor(ow_tensor_head("w", OW_FLOAT, NULL, 0));
}

static GBytes *
element_out_of_range(void)
{
    Ow *tensor = ow_tensor_head("w", OW_UINT8, &(int64_t){1}, 1);
    ow_int(tensor, 5, 300);
    return with_tensor(tensor);
}

static GBytes *
bool_is_two(void)
{
    return with_tensor(ow_tensor("w", OW_BOOL, &(int64_t){2}, 1, "\1\2", 2));
}

static GBytes *
packed_floats_ragged(void)
{
    Ow *tensor = ow_tensor_head("w", OW_FLOAT, &(int64_t){1}, 1);
    ow_bytes(tensor, 4, "12345", 5);
    return with_tensor(tensor);
}

static GBytes *
packed_varint_cut(void)
{
    Ow *tensor = ow_tensor_head("w", OW_INT64, &(int64_t){1}, 1);
    ow_bytes(tensor, 7, "\1\200", 2);
    return with_tensor(tensor);
}

static GBytes *
packed_varint_long(void)
{
    Ow *tensor = ow_tensor_head("w", OW_INT64, &(int64_t){1}, 1);
    ow_bytes(tensor, 7, "\377\377\377\377\377\377\377\377\377\377\1", 11);
    return with_tensor(tensor);
}

static GBytes *
tensor_unnamed(void)
{
    return with_tensor(ow_tensor_f32(NULL, (const float[]){1}, 1));
}

static GBytes *
initializer_twice(void)
{
    Ow *graph = relu_graph();
    ow_put(graph, OW_G_INITIALIZER, ow_tensor_f32("w", (const float[]){1}, 1));
    ow_put(graph, OW_G_INITIALIZER, ow_tensor_f32("w", (const float[]){1}, 1));
    return ow_model(graph, 13);
}

static GBytes *
initializer_is_output(void)
{
    return with_tensor(ow_tensor_f32("y", (const float[]){1}, 1));
}

/* --- importers --- */

static GBytes *
with_constant(Ow *constant)
{
    return ow_model(ow_graph(constant, ow_node("Add", "x,c", "y"), NULL), 13);
}

static GBytes *
constant_without_value(void)
{
    return with_constant(ow_node("Constant", "", "c"));
}

static GBytes *
constant_with_two(void)
{
    Ow *node = ow_node("Constant", "", "c");
    ow_attr_float(node, "value_float", 1);
    ow_attr_int(node, "value_int", 1);
    return with_constant(node);
}

static GBytes *
constant_text(void)
{
    Ow *node = ow_node("Constant", "", "c");
    ow_attr_text(node, "value_string", "text");
    return with_constant(node);
}

static GBytes *
constant_sparse(void)
{
    Ow *node = ow_node("Constant", "", "c"), *attr = ow_new();
    ow_text(attr, 1, "sparse_value");
    ow_int(attr, 20, 11);
    ow_put(node, 5, attr);
    return with_constant(node);
}

static GBytes *
constant_of_wrong_type(void)
{
    Ow *node = ow_node("Constant", "", "c");
    ow_attr_int(node, "value_float", 1);
    return with_constant(node);
}

static GBytes *
constant_with_input(void)
{
    Ow *node = ow_node("Constant", "x", "c");
    ow_attr_float(node, "value_float", 1);
    return with_constant(node);
}

static GBytes *
constant_is_input(void)
{
    Ow *node = ow_node("Constant", "", "x");
    ow_attr_float(node, "value_float", 1);
    return ow_model(ow_graph(node, ow_node("Relu", "x", "y"), NULL), 13);
}

static GBytes *
batch_norm(const char *attr, int value, int opset)
{
    Ow *node = ow_node("BatchNormalization", "x,x,x,x,x", "y");
    ow_attr_int(node, attr, value);
    return ow_model(ow_graph(node, NULL), opset);
}

static GBytes *
batch_norm_not_spatial(void)
{
    return batch_norm("spatial", 0, 7);
}

static GBytes *
batch_norm_training(void)
{
    Ow *node = ow_node("BatchNormalization", "x,x,x", "y");
    ow_attr_int(node, "training_mode", 1);
    return ow_model(ow_graph(node, NULL), 15);
}

static GBytes *
upsample_without_scales(void)
{
    return ow_model(ow_graph(ow_node("Upsample", "x", "y"), NULL), 7);
}

static GBytes *
axes_of_wrong_type(void)
{
    Ow *node = ow_node("Squeeze", "x", "y");
    ow_attr_int(node, "axes", 1);
    return ow_model(ow_graph(node, NULL), 11);
}

static GBytes *
clip_of_wrong_type(void)
{
    Ow *node = ow_node("Clip", "x", "y");
    ow_attr_int(node, "max", 6);
    return ow_model(ow_graph(node, NULL), 7);
}

static GBytes *
softmax_of_two(void)
{
    return ow_model(ow_graph(ow_node("Softmax", "x,x", "y"), NULL), 9);
}

/* --- memory --- */

/* Nodes of a few bytes each, whose records in memory are far larger. */
static GBytes *
many_tiny_nodes(void)
{
    Ow *graph = ow_new();
    for (int i = 0; i < 99000; i++) {
        Ow *node = ow_new();
        char name[12];
        g_snprintf(name, sizeof name, "%x", i);
        ow_text(node, 2, name);
        ow_text(node, 4, "A");
        ow_put(graph, OW_G_NODE, node);
    }
    return ow_model(graph, 13);
}

/* One byte in the file, eight in memory. */
static GBytes *
growing_list(void)
{
    const int64_t n = 12 << 20;
    Ow *tensor = ow_tensor_head("w", OW_INT64, &n, 1);
    guint8 *ones = g_malloc(n);
    memset(ones, 1, n);
    ow_bytes(tensor, 7, ones, n);
    g_free(ones);
    return with_tensor(tensor);
}

static const struct {
    const char *name;
    MakeFn make;
    ConvRnnError code;
    const char *part;
} cases[] = {
    {"empty", empty, CONVRNN_ERROR_FORMAT, "empty"},
    {"plain-text", plain_text, CONVRNN_ERROR_FORMAT, "byte "},
    {"html", html, CONVRNN_ERROR_FORMAT, "byte 0"},
    {"lfs-pointer", lfs_pointer, CONVRNN_ERROR_FORMAT, "git lfs pull"},
    {"zip", zip, CONVRNN_ERROR_FORMAT, "zip"},
    {"tflite", tflite, CONVRNN_ERROR_FORMAT, "TensorFlow Lite"},
    {"all-ones", all_ones, CONVRNN_ERROR_FORMAT, "byte 0"},
    {"zeros", zeros, CONVRNN_ERROR_FORMAT, "byte 0"},
    {"cut-tag", cut_tag, CONVRNN_ERROR_FORMAT, "cut off"},
    {"cut-length", cut_length, CONVRNN_ERROR_FORMAT, "cut off"},
    {"long-varint", long_varint, CONVRNN_ERROR_FORMAT, "ten bytes"},
    {"field-zero", field_zero, CONVRNN_ERROR_FORMAT, "number"},
    {"field-too-large", field_too_large, CONVRNN_ERROR_FORMAT, "number"},
    {"group", group, CONVRNN_ERROR_FORMAT, "group"},
    {"end-group", end_group, CONVRNN_ERROR_FORMAT, "group"},
    {"wire-type-7", wire_type_7, CONVRNN_ERROR_FORMAT, "wire type"},
    {"length-beyond-end", length_beyond_end, CONVRNN_ERROR_FORMAT, "claims 5 bytes"},
    {"length-one-beyond", length_one_beyond, CONVRNN_ERROR_FORMAT, "claims 3 bytes"},
    {"length-huge", length_huge, CONVRNN_ERROR_FORMAT, "9223372036854775807"},
    {"cut-fixed32", cut_fixed32, CONVRNN_ERROR_FORMAT, "cut off"},
    {"cut-fixed64", cut_fixed64, CONVRNN_ERROR_FORMAT, "cut off"},
    {"inner-beyond-outer", inner_beyond_outer, CONVRNN_ERROR_FORMAT, "claims 20 bytes"},

    {"no-ir-version", no_ir_version, CONVRNN_ERROR_FORMAT, "IR version"},
    {"no-graph", no_graph, CONVRNN_ERROR_FORMAT, "no graph"},
    {"no-opset", no_opset, CONVRNN_ERROR_FORMAT, "opset_import"},
    {"other-opset", other_opset, CONVRNN_ERROR_FORMAT, "opset_import"},
    {"opset-6", opset_6, CONVRNN_ERROR_UNSUPPORTED, "version_converter"},
    {"opset-negative", opset_negative, CONVRNN_ERROR_FORMAT, "opset_import"},
    {"two-graphs", two_graphs, CONVRNN_ERROR_FORMAT, "second graph"},
    {"ir-version-text", ir_version_text, CONVRNN_ERROR_FORMAT, "ir_version"},
    {"metadata-not-text", metadata_not_text, CONVRNN_ERROR_FORMAT, "UTF-8"},

    {"no-outputs", no_outputs, CONVRNN_ERROR_FORMAT, "no output"},
    {"output-undefined", output_undefined, CONVRNN_ERROR_FORMAT, "'y'"},
    {"output-twice", output_twice, CONVRNN_ERROR_FORMAT, "'y'"},
    {"input-twice", input_twice, CONVRNN_ERROR_FORMAT, "'x'"},
    {"input-unnamed", input_unnamed, CONVRNN_ERROR_FORMAT, "no name"},
    {"input-untyped", input_untyped, CONVRNN_ERROR_FORMAT, "'z' has no type"},
    {"input-rank-9", input_rank_9, CONVRNN_ERROR_LIMIT, "8 dimensions"},
    {"input-dim-huge", input_dim_huge, CONVRNN_ERROR_LIMIT, "1099511627776"},
    {"input-sequence", input_sequence, CONVRNN_ERROR_UNSUPPORTED, "a sequence"},
    {"input-map", input_map, CONVRNN_ERROR_UNSUPPORTED, "a map"},
    {"input-string-tensor", input_string_tensor, CONVRNN_ERROR_UNSUPPORTED, "element type 8"},
    {"output-sequence", output_sequence, CONVRNN_ERROR_UNSUPPORTED, "a sequence"},
    {"too-many-inputs", too_many_inputs, CONVRNN_ERROR_LIMIT, "4096"},
    {"too-many-nodes", too_many_nodes, CONVRNN_ERROR_LIMIT, "100000 nodes"},
    {"sparse-initializer", sparse_initializer, CONVRNN_ERROR_UNSUPPORTED, "sparse"},
    {"node-as-number", node_as_number, CONVRNN_ERROR_FORMAT, "wire type"},

    {"node-without-op", node_without_op, CONVRNN_ERROR_FORMAT, "no operator"},
    {"input-undefined", input_undefined, CONVRNN_ERROR_FORMAT, "'ghost'"},
    {"cycle", cycle, CONVRNN_ERROR_FORMAT, "cycle"},
    {"self-cycle", self_cycle, CONVRNN_ERROR_FORMAT, "cycle"},
    {"output-by-two", output_by_two, CONVRNN_ERROR_FORMAT, "Tanh"},
    {"output-is-input", output_is_input, CONVRNN_ERROR_FORMAT, "'x'"},
    {"name-not-utf8", name_not_utf8, CONVRNN_ERROR_FORMAT, "UTF-8"},
    {"name-with-nul", name_with_nul, CONVRNN_ERROR_FORMAT, "UTF-8"},
    {"name-too-long", name_too_long, CONVRNN_ERROR_LIMIT, "4097 bytes"},
    {"too-many-node-inputs", too_many_node_inputs, CONVRNN_ERROR_LIMIT, "4097 inputs"},
    {"unknown-operator", unknown_operator, CONVRNN_ERROR_UNSUPPORTED, "Frobnicate"},
    {"unknown-domain", unknown_domain, CONVRNN_ERROR_UNSUPPORTED, "com.example"},
    {"too-few-inputs", too_few_inputs, CONVRNN_ERROR_FORMAT, "input 1"},
    {"required-input-left-out", required_input_left_out, CONVRNN_ERROR_FORMAT, "input 0"},
    {"too-many-op-inputs", too_many_op_inputs, CONVRNN_ERROR_FORMAT, "at most 1"},
    {"too-many-op-outputs", too_many_op_outputs, CONVRNN_ERROR_FORMAT, "at most 1"},
    {"node-input-as-number", node_input_as_number, CONVRNN_ERROR_FORMAT, "wire type"},

    {"unknown-attribute", unknown_attribute, CONVRNN_ERROR_FORMAT, "'slope'"},
    {"attribute-of-wrong-type", attribute_of_wrong_type, CONVRNN_ERROR_FORMAT, "an int"},
    {"attribute-twice", attribute_twice, CONVRNN_ERROR_FORMAT, "twice"},
    {"attribute-unnamed", attribute_unnamed, CONVRNN_ERROR_FORMAT, "no name"},
    {"attribute-without-type", attribute_without_type, CONVRNN_ERROR_FORMAT, "type 0"},
    {"attribute-type-99", attribute_type_99, CONVRNN_ERROR_FORMAT, "type 99"},
    {"attribute-float-as-varint", attribute_float_as_varint, CONVRNN_ERROR_FORMAT, "wire type"},
    {"attribute-tensor-missing", attribute_tensor_missing, CONVRNN_ERROR_FORMAT, "tensor"},
    {"attribute-floats-ragged", attribute_floats_ragged, CONVRNN_ERROR_FORMAT, "packed"},
    {"too-many-attributes", too_many_attributes, CONVRNN_ERROR_LIMIT, "65 attributes"},
    {"attribute-list-too-long", attribute_list_too_long, CONVRNN_ERROR_LIMIT, "65536"},

    {"raw-too-short", raw_too_short, CONVRNN_ERROR_FORMAT, "'w'"},
    {"raw-too-long", raw_too_long, CONVRNN_ERROR_FORMAT, "'w'"},
    {"dim-negative", dim_negative, CONVRNN_ERROR_FORMAT, "'w'"},
    {"dim-huge", dim_huge, CONVRNN_ERROR_LIMIT, "2147483648"},
    {"product-overflows", product_overflows, CONVRNN_ERROR_LIMIT, "product"},
    {"product-above-limit", product_above_limit, CONVRNN_ERROR_LIMIT, "product"},
    {"product-wraps-to-zero", product_wraps_to_zero, CONVRNN_ERROR_LIMIT, "product"},
    {"product-hidden-by-zero", product_hidden_by_zero, CONVRNN_ERROR_LIMIT, "product"},
    {"tensor-rank-9", tensor_rank_9, CONVRNN_ERROR_LIMIT, "9 dimensions"},
    {"type-undefined", type_undefined, CONVRNN_ERROR_FORMAT, "element type 0"},
    {"type-string", type_string, CONVRNN_ERROR_UNSUPPORTED, "element type 8"},
    {"type-float8", type_float8, CONVRNN_ERROR_UNSUPPORTED, "element type 17"},
    {"type-int4", type_int4, CONVRNN_ERROR_UNSUPPORTED, "element type 22"},
    {"external-data", external_data, CONVRNN_ERROR_UNSUPPORTED, "'big'"},
    {"external-location", external_location, CONVRNN_ERROR_UNSUPPORTED, "'big'"},
    {"segmented", segmented, CONVRNN_ERROR_UNSUPPORTED, "segmented"},
    {"raw-and-list", raw_and_list, CONVRNN_ERROR_FORMAT, "only in one"},
    {"wrong-list", wrong_list, CONVRNN_ERROR_FORMAT, "float_data"},
    {"list-too-short", list_too_short, CONVRNN_ERROR_FORMAT, "1 elements"},
    {"no-data", no_data, CONVRNN_ERROR_FORMAT, "0 elements"},
    {"element-out-of-range", element_out_of_range, CONVRNN_ERROR_FORMAT, "300"},
    {"bool-is-two", bool_is_two, CONVRNN_ERROR_FORMAT, "no bool"},
    {"packed-floats-ragged", packed_floats_ragged, CONVRNN_ERROR_FORMAT, "packed"},
    {"packed-varint-cut", packed_varint_cut, CONVRNN_ERROR_FORMAT, "cut off"},
    {"packed-varint-long", packed_varint_long, CONVRNN_ERROR_FORMAT, "ten bytes"},
    {"tensor-unnamed", tensor_unnamed, CONVRNN_ERROR_FORMAT, "no name"},
    {"initializer-twice", initializer_twice, CONVRNN_ERROR_FORMAT, "'w'"},
    {"initializer-is-output", initializer_is_output, CONVRNN_ERROR_FORMAT, "'y'"},

    {"constant-without-value", constant_without_value, CONVRNN_ERROR_FORMAT, "0 attributes"},
    {"constant-with-two", constant_with_two, CONVRNN_ERROR_FORMAT, "2 attributes"},
    {"constant-text", constant_text, CONVRNN_ERROR_UNSUPPORTED, "value_string"},
    {"constant-sparse", constant_sparse, CONVRNN_ERROR_UNSUPPORTED, "sparse_value"},
    {"constant-of-wrong-type", constant_of_wrong_type, CONVRNN_ERROR_FORMAT, "value_float"},
    {"constant-with-input", constant_with_input, CONVRNN_ERROR_FORMAT, "1 inputs"},
    {"constant-is-input", constant_is_input, CONVRNN_ERROR_FORMAT, "'x'"},
    {"batch-norm-not-spatial", batch_norm_not_spatial, CONVRNN_ERROR_UNSUPPORTED, "spatial=0"},
    {"batch-norm-training", batch_norm_training, CONVRNN_ERROR_FORMAT, "3 inputs"},
    {"upsample-without-scales", upsample_without_scales, CONVRNN_ERROR_FORMAT, "scales"},
    {"axes-of-wrong-type", axes_of_wrong_type, CONVRNN_ERROR_FORMAT, "'axes'"},
    {"clip-of-wrong-type", clip_of_wrong_type, CONVRNN_ERROR_FORMAT, "'max'"},
    {"softmax-of-two", softmax_of_two, CONVRNN_ERROR_FORMAT, "2 inputs"},

    {"many-tiny-nodes", many_tiny_nodes, CONVRNN_ERROR_LIMIT, "64 MiB"},
    {"growing-list", growing_list, CONVRNN_ERROR_LIMIT, "64 MiB"},
};

static void
test_case(gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    GBytes *file = cases[i].make();
    GError *error = NULL;
    ConvRnnModel *model = convrnn_model_load_bytes(file, "a file", NULL, &error);

    g_assert_null(model);
    g_assert_error(error, CONVRNN_ERROR, (int)cases[i].code);
    g_assert_true(g_str_has_prefix(error->message, "a file: "));
    g_assert_true(g_utf8_validate(error->message, -1, NULL));
    if (!strstr(error->message, cases[i].part))
        g_error("'%s' is not in: %s", cases[i].part, error->message);
    g_test_message("%s", error->message);
    g_error_free(error);
    g_bytes_unref(file);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        char *path = g_strconcat("/malformed/refused/", cases[i].name, NULL);
        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_case);
        g_free(path);
    }
    return g_test_run();
}
