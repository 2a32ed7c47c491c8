/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that are no ONNX files, and models that say too little about themselves, one defect each.
 */
#include "malformed/defect.h"
#include "support/onnx_writer.h"
#include <string.h>

static GBytes *
from_text(const char *text)
{
    return g_bytes_new(text, strlen(text));
}

static Ow *
relu_graph(void)
{
    return ow_graph(ow_node("Relu", "x", "y"), NULL);
}

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

/* --- the list --- */

static const Defect defects[] = {
    {"empty", empty, FORMAT, "empty"},
    {"plain-text", plain_text, FORMAT, "byte "},
    {"html", html, FORMAT, "byte 0"},
    {"lfs-pointer", lfs_pointer, FORMAT, "git lfs pull"},
    {"zip", zip, FORMAT, "zip"},
    {"tflite", tflite, FORMAT, "TensorFlow Lite"},
    {"all-ones", all_ones, FORMAT, "byte 0"},
    {"zeros", zeros, FORMAT, "byte 0"},
    {"cut-tag", cut_tag, FORMAT, "cut off"},
    {"cut-length", cut_length, FORMAT, "cut off"},
    {"long-varint", long_varint, FORMAT, "ten bytes"},
    {"field-zero", field_zero, FORMAT, "number"},
    {"field-too-large", field_too_large, FORMAT, "number"},
    {"group", group, FORMAT, "group"},
    {"end-group", end_group, FORMAT, "group"},
    {"wire-type-7", wire_type_7, FORMAT, "wire type"},
    {"length-beyond-end", length_beyond_end, FORMAT, "claims 5 bytes"},
    {"length-one-beyond", length_one_beyond, FORMAT, "claims 3 bytes"},
    {"length-huge", length_huge, FORMAT, "9223372036854775807"},
    {"cut-fixed32", cut_fixed32, FORMAT, "cut off"},
    {"cut-fixed64", cut_fixed64, FORMAT, "cut off"},
    {"inner-beyond-outer", inner_beyond_outer, FORMAT, "claims 20 bytes"},
    {"no-ir-version", no_ir_version, FORMAT, "IR version"},
    {"no-graph", no_graph, FORMAT, "no graph"},
    {"no-opset", no_opset, FORMAT, "opset_import"},
    {"other-opset", other_opset, FORMAT, "opset_import"},
    {"opset-6", opset_6, UNSUPPORTED, "version_converter"},
    {"opset-negative", opset_negative, FORMAT, "opset_import"},
    {"two-graphs", two_graphs, FORMAT, "second graph"},
    {"ir-version-text", ir_version_text, FORMAT, "ir_version"},
    {"metadata-not-text", metadata_not_text, FORMAT, "UTF-8"},
};

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(defects); i++)
        defect_add("/malformed/file/", &defects[i], defect_test_loaded);
    return g_test_run();
}
