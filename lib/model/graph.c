/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values, nodes, inputs and outputs while a graph is made. graph_finish.c checks and sorts it. */
#include "model/graph.h"
#include "model/name_hash.h"
#include <string.h>

/* A name no value can have: under it by_name keeps where the search for a new name goes on. Without
 * it a file could choose its names so that every made-up one is looked for from the start. */
#define NEXT_NAME ""

static void
value_clear(gpointer data)
{
    CrValue *value = data;
    g_free(value->name);
    convrnn_tensor_unref(value->constant);
}

static void
node_clear(gpointer data)
{
    cr_node_clear(data);
}

CrGraph *
cr_graph_new(void)
{
    CrGraph *graph = g_new0(CrGraph, 1);

    graph->values = g_array_new(FALSE, FALSE, sizeof(CrValue));
    graph->nodes = g_array_new(FALSE, FALSE, sizeof(CrNode));
    graph->inputs = g_array_new(FALSE, FALSE, sizeof(CrPort));
    graph->outputs = g_array_new(FALSE, FALSE, sizeof(CrPort));
    g_array_set_clear_func(graph->values, value_clear);
    g_array_set_clear_func(graph->nodes, node_clear);
    graph->by_name = g_hash_table_new(cr_name_hash, g_str_equal); /* names belong to the values */
    graph->metadata = g_hash_table_new_full(cr_name_hash, g_str_equal, g_free, g_free);
    return graph;
}

void
cr_graph_free(CrGraph *graph)
{
    if (!graph)
        return;
    g_hash_table_unref(graph->by_name);
    g_hash_table_unref(graph->metadata);
    g_array_unref(graph->nodes);
    g_array_unref(graph->inputs);
    g_array_unref(graph->outputs);
    g_array_unref(graph->values);
    g_free(graph);
}

int
cr_graph_find(const CrGraph *graph, const char *name)
{
    if (*name == '\0')
        return CR_NO_VALUE;
    gpointer found = g_hash_table_lookup(graph->by_name, name);
    return found ? GPOINTER_TO_INT(found) - 1 : CR_NO_VALUE;
}

/* Takes over name, which is new. */
static int
add_value(CrGraph *graph, char *name, bool made_up)
{
    CrValue value = {.name = name, .made_up = made_up, .producer = -1};

    g_array_append_val(graph->values, value);
    g_hash_table_insert(graph->by_name, name, GINT_TO_POINTER((gint)graph->values->len));
    return (int)graph->values->len - 1;
}

/* A name that no value has; to be freed. */
static char *
unique_name(CrGraph *graph, const char *hint)
{
    int next = GPOINTER_TO_INT(g_hash_table_lookup(graph->by_name, NEXT_NAME));
    char *name = g_strdup(hint);

    while (*name == '\0' || g_hash_table_contains(graph->by_name, name)) {
        g_free(name);
        name = g_strdup_printf("%s_%d", hint, ++next);
    }
    g_hash_table_insert(graph->by_name, (gpointer)NEXT_NAME, GINT_TO_POINTER(next));
    return name;
}

int
cr_graph_value(CrGraph *graph, const char *name)
{
    int found = cr_graph_find(graph, name);
    CrValue *value = found != CR_NO_VALUE ? cr_graph_get_value(graph, found) : NULL;

    if (value && !value->made_up)
        return found;
    if (value) { /* a name of ours that the file uses, too */
        char *other = unique_name(graph, name);
        g_hash_table_remove(graph->by_name, name);
        g_free(value->name);
        value->name = other;
        g_hash_table_insert(graph->by_name, other, GINT_TO_POINTER(found + 1));
    }
    return add_value(graph, g_strdup(name), false);
}

int
cr_graph_new_value(CrGraph *graph, const char *hint)
{
    return add_value(graph, unique_name(graph, hint), true);
}

int
cr_graph_add_constant(CrGraph *graph, const char *hint, ConvRnnTensor *tensor)
{
    int value = cr_graph_new_value(graph, hint);
    cr_graph_get_value(graph, value)->constant = tensor;
    return value;
}

/* A copy of a few numbers; their size is bounded by the limit on attributes. */
static int
add_small(CrGraph *graph, const char *hint, ConvRnnDType dtype, const void *v, int n, bool scalar)
{
    static const int64_t nothing; /* an address, so that no empty tensor needs memory */
    gint64 dim = n;
    GBytes *bytes =
        n > 0 ? g_bytes_new(v, n * convrnn_dtype_get_size(dtype)) : g_bytes_new_static(&nothing, 0);
    ConvRnnTensor *tensor = convrnn_tensor_new(dtype, &dim, scalar ? 0 : 1, bytes, NULL);

    g_bytes_unref(bytes);
    return cr_graph_add_constant(graph, hint, tensor);
}

int
cr_graph_add_constant_i64(CrGraph *graph, const char *hint, const int64_t *v, int n)
{
    return add_small(graph, hint, CONVRNN_DTYPE_INT64, v, n, false);
}

int
cr_graph_add_constant_f32(CrGraph *graph, const char *hint, const float *v, int n, bool scalar)
{
    return add_small(graph, hint, CONVRNN_DTYPE_FLOAT32, v, n, scalar);
}

bool
cr_graph_add_node(CrGraph *graph, CrNode *node, GError **error)
{
    int index = (int)graph->nodes->len;

    if (*node->name == '\0') {
        g_free(node->name);
        node->name = g_strdup_printf("%s_%d", node->op, index);
    }
    for (int i = 0; i < node->n_outputs; i++) {
        if (node->outputs[i] == CR_NO_VALUE)
            continue;
        CrValue *value = cr_graph_get_value(graph, node->outputs[i]);
        if (value->constant || value->producer >= 0) {
            g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT,
                        "%s node '%s': its output '%s' is defined elsewhere too", node->op,
                        node->name, value->name);
            for (int k = 0; k < i; k++) { /* the outputs it had taken already */
                if (node->outputs[k] != CR_NO_VALUE)
                    cr_graph_get_value(graph, node->outputs[k])->producer = -1;
            }
            cr_node_clear(node);
            return false;
        }
        value->producer = index;
    }
    g_array_append_val(graph->nodes, *node);
    return true;
}

static bool
add_port(CrGraph *graph, GArray *ports, const char *kind, const char *name,
         const ConvRnnTensorInfo *info, GError **error)
{
    if (*name == '\0') {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT, "a graph %s has no name", kind);
        return false;
    }
    CrPort port = {.value = cr_graph_value(graph, name), .info = *info};
    for (guint i = 0; i < ports->len; i++) {
        if (g_array_index(ports, CrPort, i).value == port.value) {
            g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT, "two graph %ss are called '%s'",
                        kind, name);
            return false;
        }
    }
    port.info.name = cr_graph_get_value(graph, port.value)->name;
    g_array_append_val(ports, port);
    return true;
}

bool
cr_graph_add_input(CrGraph *graph, const char *name, const ConvRnnTensorInfo *info, GError **error)
{
    return add_port(graph, graph->inputs, "input", name, info, error);
}

bool
cr_graph_add_output(CrGraph *graph, const char *name, const ConvRnnTensorInfo *info, GError **error)
{
    return add_port(graph, graph->outputs, "output", name, info, error);
}
