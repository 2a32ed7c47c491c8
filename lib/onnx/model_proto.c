/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ModelProto: the outermost message. The graph may stand before the opset that explains it, so the
 * walk only remembers where it is. */
#include "model/name_hash.h"
#include "onnx/onnx.h"
#include "onnx/proto.h"
#include <string.h>

#define MAX_FILE     (2LL << 30) /* protobuf's own limit */
#define MAX_METADATA (16 << 20)

enum {
    M_IR_VERSION = 1,
    M_GRAPH = 7,
    M_OPSET_IMPORT = 8,
    M_METADATA = 14,
    M_FUNCTION = 25,
};

bool
cr_onnx_take(CrOnnxFile *file, size_t bytes, size_t offset, GError **error)
{
    if (bytes <= file->memory_left) {
        file->memory_left -= bytes;
        return true;
    }
    g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_LIMIT,
                "byte %" G_GSIZE_FORMAT
                ": loading would take more memory than 4 × the file's %" G_GSIZE_FORMAT
                " bytes + 64 MiB",
                offset, g_bytes_get_size(file->file));
    return false;
}

/* Two fields of a message that are text and a number or two texts; the rest is skipped. */
typedef struct {
    uint32_t text_field, other_field;
    char *text, *other_text; /* to be freed; never NULL after pair_read() was true */
    uint64_t number;
    size_t max_other; /* length of the other text; 0 when it is a number */
} Pair;

static bool
pair_field(Pair *pair, const CrWireField *field, GError **error)
{
    if (field->number == pair->text_field) {
        g_free(pair->text);
        pair->text = cr_wire_text(field, CR_MAX_NAME, "a name", error);
        return pair->text != NULL;
    }
    if (field->number != pair->other_field)
        return true;
    if (pair->max_other == 0) {
        pair->number = field->value;
        return cr_wire_want(field, CR_WIRE_VARINT, "a version", error);
    }
    g_free(pair->other_text);
    pair->other_text = cr_wire_text(field, pair->max_other, "a text", error);
    return pair->other_text != NULL;
}

static bool
pair_read(Pair *pair, const CrWireField *outer, GError **error)
{
    CrWire wire = outer->body;
    CrWireField field;
    int more;

    if (!cr_wire_want(outer, CR_WIRE_LENGTH, "a part of the model", error))
        return false;
    while ((more = cr_wire_next(&wire, &field, error)) > 0) {
        if (!pair_field(pair, &field, error))
            return false;
    }
    if (!pair->text)
        pair->text = g_strdup("");
    if (!pair->other_text)
        pair->other_text = g_strdup("");
    return more == 0;
}

static void
pair_clear(Pair *pair)
{
    g_free(pair->text);
    g_free(pair->other_text);
}

bool
cr_onnx_opset(const CrWireField *field, int64_t *opset, GError **error)
{
    Pair pair = {.text_field = 1, .other_field = 2};
    bool ok = pair_read(&pair, field, error);

    if (ok && (*pair.text == '\0' || strcmp(pair.text, "ai.onnx") == 0))
        *opset = (int64_t)pair.number;
    pair_clear(&pair);
    return ok;
}

static bool
read_metadata(CrOnnxFile *file, const CrWireField *field, GError **error)
{
    Pair pair = {.text_field = 1, .other_field = 2, .max_other = MAX_METADATA};
    bool ok = cr_onnx_take(file, 256 + 2 * cr_wire_left(&field->body), field->offset, error) &&
              pair_read(&pair, field, error);

    if (ok)
        g_hash_table_insert(file->graph->metadata, g_strdup(pair.text), g_strdup(pair.other_text));
    pair_clear(&pair);
    return ok;
}

static bool
read_field(CrOnnxFile *file, const CrWireField *field, CrWire *graph, GError **error)
{
    switch (field->number) {
    case M_IR_VERSION:
        file->ir_version = (int64_t)field->value;
        return cr_wire_want(field, CR_WIRE_VARINT, "ir_version", error);
    case M_OPSET_IMPORT:
        return cr_onnx_opset(field, &file->opset, error);
    case M_METADATA:
        return read_metadata(file, field, error);
    case M_FUNCTION:
        return cr_wire_want(field, CR_WIRE_LENGTH, "a function", error) &&
               cr_onnx_function(file, field->body, error);
    case M_GRAPH:
        if (!cr_wire_want(field, CR_WIRE_LENGTH, "graph", error))
            return false;
        if (graph->data) {
            g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT,
                        "byte %" G_GSIZE_FORMAT ": a second graph", field->offset);
            return false;
        }
        *graph = field->body;
        return true;
    default:
        return true;
    }
}

static bool
check_versions(const CrOnnxFile *file, const CrWire *graph, GError **error)
{
    const char *missing = NULL;

    if (file->ir_version <= 0)
        missing = "no IR version: this is not an ONNX file";
    else if (!graph->data)
        missing = "no graph: this is not an ONNX model";
    else if (file->opset <= 0)
        missing = "no opset version for ONNX's own operators (opset_import)";
    if (missing) {
        g_set_error_literal(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT, missing);
        return false;
    }
    if (file->opset < CR_ONNX_OLDEST_OPSET) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_UNSUPPORTED,
                    "opset %" G_GINT64_FORMAT
                    ", but the oldest supported is %d. Convert the model with "
                    "onnx.version_converter.convert_version(model, 21)",
                    (gint64)file->opset, CR_ONNX_OLDEST_OPSET);
        return false;
    }
    if (file->opset > CR_ONNX_NEWEST_OPSET)
        g_log_structured("convrnn", G_LOG_LEVEL_DEBUG, "MESSAGE",
                         "opset %" G_GINT64_FORMAT " is newer than the newest known, %d",
                         (gint64)file->opset, CR_ONNX_NEWEST_OPSET);
    return true;
}

/* A better word for what people load by mistake. */
static bool
check_kind(GBytes *data, GError **error)
{
    size_t size;
    const char *bytes = g_bytes_get_data(data, &size);
    const char *problem = NULL;

    if (size == 0)
        problem = "the file is empty";
    else if (size >= 12 && memcmp(bytes, "version http", 12) == 0)
        problem = "this is a Git LFS pointer and not the model itself: run \"git lfs pull\"";
    else if (size >= 4 && memcmp(bytes, "PK\3\4", 4) == 0)
        problem = "this is a zip archive (a PyTorch or Keras file?) and not ONNX: export the model "
                  "to ONNX";
    else if (size >= 8 && memcmp(bytes + 4, "TFL3", 4) == 0)
        problem = "this is a TensorFlow Lite file and not ONNX: convert it with tf2onnx";
    if (problem) {
        g_set_error_literal(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT, problem);
        return false;
    }
    if (size > MAX_FILE) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_LIMIT,
                    "the file has %" G_GSIZE_FORMAT " bytes; the limit is 2 GiB", size);
        return false;
    }
    return true;
}

static bool
read_model(CrOnnxFile *file, CrWire wire, GError **error)
{
    CrWire graph = {NULL, 0, 0};
    CrWireField field;
    int more;

    while ((more = cr_wire_next(&wire, &field, error)) > 0) {
        if (!read_field(file, &field, &graph, error))
            return false;
    }
    if (more < 0 || !check_versions(file, &graph, error))
        return false;
    CrOnnxScope scope = {.graph = file->graph,
                         .opset = file->opset,
                         .refused =
                             g_hash_table_new_full(cr_name_hash, g_str_equal, g_free, g_free)};
    file->scope = &scope;
    bool ok = cr_onnx_graph(file, graph, error) && cr_graph_finish(file->graph, error);
    g_hash_table_unref(scope.refused);
    return ok;
}

static CrWire
whole(GBytes *data)
{
    size_t size;
    const void *bytes = g_bytes_get_data(data, &size);
    return (CrWire){bytes, 0, size};
}

bool
cr_onnx_load(GBytes *data, const char *name, CrGraph **graph, GError **error)
{
    CrOnnxFile file = {.file = data};

    if (!check_kind(data, error)) {
        g_prefix_error(error, "%s: ", name);
        return false;
    }
    /* The mapped file itself is the fourth part; the rest is for what is not counted one by one. */
    file.memory_left = 3 * g_bytes_get_size(data) + (48 << 20);
    file.graph = cr_graph_new();
    file.functions = g_hash_table_new_full(cr_name_hash, g_str_equal, NULL, cr_onnx_function_free);
    bool ok = read_model(&file, whole(data), error);
    g_hash_table_unref(file.functions);
    if (ok) {
        *graph = file.graph;
        return true;
    }
    cr_graph_free(file.graph);
    g_prefix_error(error, "%s: ", name);
    return false;
}

ConvRnnTensor *
cr_onnx_read_tensor(GBytes *data, char **name, GError **error)
{
    CrOnnxFile file = {.file = data, .memory_left = SIZE_MAX};

    if (name)
        *name = NULL;
    return cr_onnx_tensor(&file, whole(data), "a tensor file", name, error);
}
