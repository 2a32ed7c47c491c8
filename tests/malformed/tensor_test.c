/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tensors, constants and what importers read of them with one defect each, and files that would
 * take too much memory. */
#include "malformed/defect.h"
#include "support/onnx_writer.h"
#include <string.h>

static Ow *
relu_graph(void)
{
    return ow_graph(ow_node("Relu", "x", "y"), NULL);
}

static GBytes *
with_tensor(Ow *tensor)
{
    Ow *graph = relu_graph();
    ow_put(graph, OW_G_INITIALIZER, tensor);
    return ow_model(graph, 13);
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

/* --- the list --- */

static const Defect defects[] = {
    {"raw-too-short", raw_too_short, FORMAT, "'w'"},
    {"raw-too-long", raw_too_long, FORMAT, "'w'"},
    {"dim-negative", dim_negative, FORMAT, "'w'"},
    {"dim-huge", dim_huge, LIMIT, "2147483648"},
    {"product-overflows", product_overflows, LIMIT, "product"},
    {"product-above-limit", product_above_limit, LIMIT, "product"},
    {"product-wraps-to-zero", product_wraps_to_zero, LIMIT, "product"},
    {"product-hidden-by-zero", product_hidden_by_zero, LIMIT, "product"},
    {"tensor-rank-9", tensor_rank_9, LIMIT, "9 dimensions"},
    {"type-undefined", type_undefined, FORMAT, "element type 0"},
    {"type-string", type_string, UNSUPPORTED, "element type 8"},
    {"type-float8", type_float8, UNSUPPORTED, "element type 17"},
    {"type-int4", type_int4, UNSUPPORTED, "element type 22"},
    {"external-data", external_data, UNSUPPORTED, "'big'"},
    {"external-location", external_location, UNSUPPORTED, "'big'"},
    {"segmented", segmented, UNSUPPORTED, "segmented"},
    {"raw-and-list", raw_and_list, FORMAT, "only in one"},
    {"wrong-list", wrong_list, FORMAT, "float_data"},
    {"list-too-short", list_too_short, FORMAT, "1 elements"},
    {"no-data", no_data, FORMAT, "0 elements"},
    {"element-out-of-range", element_out_of_range, FORMAT, "300"},
    {"bool-is-two", bool_is_two, FORMAT, "no bool"},
    {"packed-floats-ragged", packed_floats_ragged, FORMAT, "packed"},
    {"packed-varint-cut", packed_varint_cut, FORMAT, "cut off"},
    {"packed-varint-long", packed_varint_long, FORMAT, "ten bytes"},
    {"tensor-unnamed", tensor_unnamed, FORMAT, "no name"},
    {"initializer-twice", initializer_twice, FORMAT, "'w'"},
    {"initializer-is-output", initializer_is_output, FORMAT, "'y'"},
    {"constant-without-value", constant_without_value, FORMAT, "0 attributes"},
    {"constant-with-two", constant_with_two, FORMAT, "2 attributes"},
    {"constant-text", constant_text, UNSUPPORTED, "value_string"},
    {"constant-sparse", constant_sparse, UNSUPPORTED, "sparse_value"},
    {"constant-of-wrong-type", constant_of_wrong_type, FORMAT, "value_float"},
    {"constant-with-input", constant_with_input, FORMAT, "1 inputs"},
    {"constant-is-input", constant_is_input, FORMAT, "'x'"},
    {"batch-norm-not-spatial", batch_norm_not_spatial, UNSUPPORTED, "spatial=0"},
    {"batch-norm-training", batch_norm_training, FORMAT, "3 inputs"},
    {"upsample-without-scales", upsample_without_scales, FORMAT, "scales"},
    {"axes-of-wrong-type", axes_of_wrong_type, FORMAT, "'axes'"},
    {"clip-of-wrong-type", clip_of_wrong_type, FORMAT, "'max'"},
    {"softmax-of-two", softmax_of_two, FORMAT, "2 inputs"},
    {"many-tiny-nodes", many_tiny_nodes, LIMIT, "64 MiB"},
    {"growing-list", growing_list, LIMIT, "64 MiB"},
};

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(defects); i++)
        defect_add("/malformed/tensor/", &defects[i], defect_test_loaded);
    return g_test_run();
}
