/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GraphProto. The file's order is free (protobuf's is), so each kind of entry gets its own walk:
 * initializers first, because inputs that have one are none. */
#include "model/name_hash.h"
#include "onnx/import.h"
#include "onnx/proto.h"
#include <string.h>

enum {
    G_NODE = 1,
    G_INITIALIZER = 5,
    G_INPUT = 11,
    G_OUTPUT = 12,
    G_SPARSE_INITIALIZER = 15,
};

typedef struct {
    CrOnnxFile *file;
    GHashTable *refused; /* inputs of a type that we have not: name → what it is */
} Reader;

typedef bool (*ReadFn)(Reader *reader, const CrWireField *field, GError **error);

static bool
each(Reader *reader, CrWire wire, uint32_t number, ReadFn read, GError **error)
{
    CrWireField field;
    int more;

    while ((more = cr_wire_next(&wire, &field, error)) > 0) {
        if (field.number == number &&
            (!cr_wire_want(&field, CR_WIRE_LENGTH, "a graph's entry", error) ||
             !read(reader, &field, error)))
            return false;
    }
    return more == 0;
}

static bool
check_field(Reader *reader, const CrWireField *field, GError **error)
{
    g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_UNSUPPORTED,
                "byte %" G_GSIZE_FORMAT ": a sparse initializer. Make it dense before the export",
                field->offset);
    return false;
}

static bool
read_initializer(Reader *reader, const CrWireField *field, GError **error)
{
    CrGraph *graph = reader->file->graph;
    char *name = NULL;
    ConvRnnTensor *tensor =
        cr_onnx_tensor(reader->file, field->body, "an initializer", &name, error);
    bool ok = tensor != NULL;

    if (ok && (!name || !*name)) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT,
                    "byte %" G_GSIZE_FORMAT ": an initializer has no name", field->offset);
        ok = false;
    }
    ok = ok && cr_onnx_take(reader->file, 256 + strlen(name), field->offset, error) &&
         cr_import_set_constant(graph, cr_graph_value(graph, name), tensor, error);
    convrnn_tensor_unref(tensor);
    g_free(name);
    return ok;
}

static bool
add_input(Reader *reader, const CrWireField *field, char *name, const ConvRnnTensorInfo *info,
          char **refused, GError **error)
{
    CrGraph *graph = reader->file->graph;
    int value = cr_graph_find(graph, name);

    if (value != CR_NO_VALUE && cr_graph_get_value(graph, value)->constant)
        return true; /* up to IR 3 every initializer is listed; later it is an input's default */
    if (*refused) {
        g_hash_table_insert(reader->refused, g_strdup(name), g_steal_pointer(refused));
        return true;
    }
    if (info->dtype == CONVRNN_DTYPE_UNDEFINED) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT,
                    "byte %" G_GSIZE_FORMAT ": input '%s' has no type", field->offset, name);
        return false;
    }
    return cr_graph_add_input(graph, name, info, error);
}

static bool
port_limit(const CrWireField *field, guint n, GError **error)
{
    if (n < CR_MAX_PORTS)
        return true;
    g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_LIMIT,
                "byte %" G_GSIZE_FORMAT ": more than %d graph inputs or outputs", field->offset,
                CR_MAX_PORTS);
    return false;
}

static bool
read_input(Reader *reader, const CrWireField *field, GError **error)
{
    ConvRnnTensorInfo info;
    char *name, *refused;

    if (!port_limit(field, reader->file->graph->inputs->len, error) ||
        !cr_onnx_take(reader->file, 512 + 2 * cr_wire_left(&field->body), field->offset, error) ||
        !cr_onnx_value_info(field->body, &name, &info, &refused, error))
        return false;
    bool ok = add_input(reader, field, name, &info, &refused, error);
    g_free(name);
    g_free(refused);
    return ok;
}

static bool
read_output(Reader *reader, const CrWireField *field, GError **error)
{
    ConvRnnTensorInfo info;
    char *name, *refused;

    if (!port_limit(field, reader->file->graph->outputs->len, error) ||
        !cr_onnx_take(reader->file, 512 + 2 * cr_wire_left(&field->body), field->offset, error) ||
        !cr_onnx_value_info(field->body, &name, &info, &refused, error))
        return false;
    bool ok = !refused && cr_graph_add_output(reader->file->graph, name, &info, error);
    if (refused)
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_UNSUPPORTED,
                    "output '%s' is %s; only dense tensors are implemented", name, refused);
    g_free(name);
    g_free(refused);
    return ok;
}

static bool
check_inputs(const Reader *reader, const CrNode *node, GError **error)
{
    for (int i = 0; i < node->n_inputs && g_hash_table_size(reader->refused) > 0; i++) {
        if (node->inputs[i] == CR_NO_VALUE)
            continue;
        const char *name = cr_graph_get_value(reader->file->graph, node->inputs[i])->name;
        const char *type = g_hash_table_lookup(reader->refused, name);
        if (type) {
            g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_UNSUPPORTED,
                        "%s node '%s': input '%s' is %s; only dense tensors are implemented",
                        node->op, node->name, name, type);
            return false;
        }
    }
    return true;
}

static bool
read_node(Reader *reader, const CrWireField *field, GError **error)
{
    CrOnnxFile *file = reader->file;
    CrNode node;

    if (file->n_nodes >= CR_MAX_NODES) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_LIMIT,
                    "byte %" G_GSIZE_FORMAT ": more than %d nodes", field->offset, CR_MAX_NODES);
        return false;
    }
    if (!cr_onnx_node(file, field->body, &node, error))
        return false;
    file->n_nodes++;
    if (!check_inputs(reader, &node, error)) {
        cr_node_clear(&node);
        return false;
    }
    return cr_import_node(file, &node, error);
}

bool
cr_onnx_graph(CrOnnxFile *file, CrWire wire, GError **error)
{
    Reader reader = {.file = file};

    reader.refused = g_hash_table_new_full(cr_name_hash, g_str_equal, g_free, g_free);
    bool ok = each(&reader, wire, G_SPARSE_INITIALIZER, check_field, error) &&
              each(&reader, wire, G_INITIALIZER, read_initializer, error) &&
              each(&reader, wire, G_INPUT, read_input, error) &&
              each(&reader, wire, G_NODE, read_node, error) &&
              each(&reader, wire, G_OUTPUT, read_output, error);
    g_hash_table_unref(reader.refused);
    return ok;
}
