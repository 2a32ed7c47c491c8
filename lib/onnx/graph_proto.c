/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GraphProto. The file's order is free (protobuf's is), so each kind of entry gets its own walk:
 * initializers first, because inputs that have one are none. */
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

typedef bool (*ReadFn)(CrOnnxFile *file, const CrWireField *field, GError **error);

static bool
each(CrOnnxFile *file, CrWire wire, uint32_t number, ReadFn read, GError **error)
{
    CrWireField field;
    int more;

    while ((more = cr_wire_next(&wire, &field, error)) > 0) {
        if (field.number == number &&
            (!cr_wire_want(&field, CR_WIRE_LENGTH, "a graph's entry", error) ||
             !read(file, &field, error)))
            return false;
    }
    return more == 0;
}

static bool
refuse_sparse(CrOnnxFile *file, const CrWireField *field, GError **error)
{
    g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_UNSUPPORTED,
                "byte %" G_GSIZE_FORMAT ": a sparse initializer. Make it dense before the export",
                field->offset);
    return false;
}

static bool
read_initializer(CrOnnxFile *file, const CrWireField *field, GError **error)
{
    CrGraph *graph = file->scope->graph;
    char *name = NULL;
    ConvRnnTensor *tensor = cr_onnx_tensor(file, field->body, "an initializer", &name, error);
    bool ok = tensor != NULL;

    if (ok && (!name || !*name)) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT,
                    "byte %" G_GSIZE_FORMAT ": an initializer has no name", field->offset);
        ok = false;
    }
    ok = ok && cr_onnx_take(file, 256 + strlen(name), field->offset, error) &&
         cr_import_set_constant(graph, cr_graph_value(graph, name), tensor, error);
    convrnn_tensor_unref(tensor);
    g_free(name);
    return ok;
}

/* The inputs of a graph in an attribute are counted by those who use it, and may leave their type
 * open. */
static bool
add_input(CrOnnxFile *file, const CrWireField *field, char *name, const ConvRnnTensorInfo *info,
          char **refused, GError **error)
{
    CrGraph *graph = file->scope->graph;
    bool inner = file->scope->outer != NULL;
    int value = cr_graph_find(graph, name);

    if (value != CR_NO_VALUE && cr_graph_get_value(graph, value)->constant)
        return true; /* up to IR 3 every initializer is listed; later it is an input's default */
    if (*refused && inner) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_UNSUPPORTED,
                    "input '%s' of its graph is %s; only dense tensors are implemented", name,
                    *refused);
        return false;
    }
    if (*refused) {
        g_hash_table_insert(file->scope->refused, g_strdup(name), g_steal_pointer(refused));
        return true;
    }
    if (info->dtype == CONVRNN_DTYPE_UNDEFINED && !inner) {
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
read_input(CrOnnxFile *file, const CrWireField *field, GError **error)
{
    ConvRnnTensorInfo info;
    char *name, *refused;

    if (!port_limit(field, file->scope->graph->inputs->len, error) ||
        !cr_onnx_take(file, 512 + 2 * cr_wire_left(&field->body), field->offset, error) ||
        !cr_onnx_value_info(field->body, &name, &info, &refused, error))
        return false;
    bool ok = add_input(file, field, name, &info, &refused, error);
    g_free(name);
    g_free(refused);
    return ok;
}

static bool
read_output(CrOnnxFile *file, const CrWireField *field, GError **error)
{
    ConvRnnTensorInfo info;
    char *name, *refused;

    if (!port_limit(field, file->scope->graph->outputs->len, error) ||
        !cr_onnx_take(file, 512 + 2 * cr_wire_left(&field->body), field->offset, error) ||
        !cr_onnx_value_info(field->body, &name, &info, &refused, error))
        return false;
    bool ok = !refused && cr_graph_add_output(file->scope->graph, name, &info, error);
    if (refused)
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_UNSUPPORTED,
                    "output '%s' is %s; only dense tensors are implemented", name, refused);
    g_free(name);
    g_free(refused);
    return ok;
}

/* What the type of a refused input is, or NULL. */
static const char *
refused_type(const CrOnnxScope *scope, const char *name)
{
    const char *type = NULL;
    for (; scope && !type; scope = scope->outer)
        type = scope->refused ? g_hash_table_lookup(scope->refused, name) : NULL;
    return type;
}

static bool
check_inputs(const CrOnnxFile *file, const CrNode *node, GError **error)
{
    for (int i = 0; i < node->n_inputs; i++) {
        if (node->inputs[i] == CR_NO_VALUE)
            continue;
        const char *name = cr_graph_get_value(file->scope->graph, node->inputs[i])->name;
        const char *type = refused_type(file->scope, name);
        if (type) {
            g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_UNSUPPORTED,
                        "%s node '%s': input '%s' is %s; only dense tensors are implemented",
                        node->op, node->name, name, type);
            return false;
        }
    }
    return true;
}

bool
cr_onnx_add_node(CrOnnxFile *file, const CrWireField *field, GError **error)
{
    const CrOnnxFunction *function;
    CrNode node;

    if (file->n_nodes >= CR_MAX_NODES) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_LIMIT,
                    "byte %" G_GSIZE_FORMAT ": more than %d nodes", field->offset, CR_MAX_NODES);
        return false;
    }
    file->n_nodes++;
    if (!cr_wire_want(field, CR_WIRE_LENGTH, "a node", error) ||
        !cr_onnx_node(file, field->body, &node, &function, error))
        return false;
    bool ok = check_inputs(file, &node, error);
    if (ok && !function)
        return cr_import_node(file, &node, error);
    ok = ok && cr_onnx_call(file, function, &node, field->offset, error);
    cr_node_clear(&node);
    return ok;
}

bool
cr_onnx_graph(CrOnnxFile *file, CrWire wire, GError **error)
{
    return each(file, wire, G_SPARSE_INITIALIZER, refuse_sparse, error) &&
           each(file, wire, G_INITIALIZER, read_initializer, error) &&
           each(file, wire, G_INPUT, read_input, error) &&
           each(file, wire, G_NODE, cr_onnx_add_node, error) &&
           each(file, wire, G_OUTPUT, read_output, error);
}
