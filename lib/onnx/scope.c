/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What names mean. A graph in an attribute sees the names of the graphs around it; the body of a
 * function sees nothing but its own. */
#include "onnx/proto.h"
#include <string.h>

static bool
find_here(const CrOnnxScope *scope, const char *name, int *value)
{
    if (!scope->is_body) {
        *value = cr_graph_find(scope->graph, name);
        return *value != CR_NO_VALUE && !cr_graph_get_value(scope->graph, *value)->made_up;
    }
    gpointer found = g_hash_table_lookup(scope->call->arguments, name);
    if (!found)
        found = g_hash_table_lookup(scope->call->locals, name);
    *value = GPOINTER_TO_INT(found) - 2;
    return found != NULL;
}

/* A value for a name that the scope does not know yet. */
static bool
add_here(CrOnnxFile *file, const CrOnnxScope *scope, const char *name, size_t offset, int *value,
         GError **error)
{
    if (!scope->is_body) {
        if (!cr_onnx_take(file, 256 + strlen(name), offset, error))
            return false;
        *value = cr_graph_value(scope->graph, name);
        return true;
    }
    char *full = g_strdup_printf("%s/%s", scope->call->node->name, name);
    bool ok = cr_onnx_take(file, 512 + strlen(full) + strlen(name), offset, error);
    if (ok) {
        *value = cr_graph_new_value(scope->graph, full);
        g_hash_table_insert(scope->call->locals, g_strdup(name), GINT_TO_POINTER(*value + 2));
    }
    g_free(full);
    return ok;
}

/* A constant from around a graph is simply one of the graph, too: so importers see it. */
bool
cr_onnx_use(CrOnnxFile *file, const CrOnnxScope *scope, const char *name, size_t offset, int *value,
            GError **error)
{
    ConvRnnTensor *constant = NULL;
    int around;

    if (find_here(scope, name, value))
        return true;
    for (const CrOnnxScope *s = scope->outer; s; s = s->outer) {
        if (!find_here(s, name, &around))
            continue;
        if (around == CR_NO_VALUE) {
            *value = CR_NO_VALUE;
            return true;
        }
        constant = cr_graph_get_value(s->graph, around)->constant;
        break;
    }
    if (!add_here(file, scope, name, offset, value, error))
        return false;
    if (constant)
        cr_graph_get_value(scope->graph, *value)->constant = convrnn_tensor_ref(constant);
    return true;
}

bool
cr_onnx_define(CrOnnxFile *file, const char *name, size_t offset, int *value, GError **error)
{
    const CrOnnxScope *scope = file->scope;

    if (scope->is_body && g_hash_table_contains(scope->call->arguments, name)) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT,
                    "its output '%s' is an input of the function", name);
        return false;
    }
    return find_here(scope, name, value) || add_here(file, scope, name, offset, value, error);
}

/* Which values are used and defined by nobody. */
static bool *
find_missing(const CrGraph *graph)
{
    bool *missing = g_new0(bool, graph->values->len + 1);

    for (guint n = 0; n < graph->nodes->len; n++) {
        const CrNode *node = cr_graph_get_node(graph, (int)n);
        for (int i = 0; i < node->n_inputs; i++)
            if (node->inputs[i] != CR_NO_VALUE)
                missing[node->inputs[i]] = true;
    }
    for (guint i = 0; i < graph->outputs->len; i++)
        missing[g_array_index(graph->outputs, CrPort, i).value] = true;
    for (guint v = 0; v < graph->values->len; v++) {
        const CrValue *value = cr_graph_get_value(graph, (int)v);
        missing[v] = missing[v] && !value->constant && value->producer < 0;
    }
    for (guint i = 0; i < graph->inputs->len; i++)
        missing[g_array_index(graph->inputs, CrPort, i).value] = false;
    return missing;
}

static bool
capture_one(CrOnnxFile *file, const CrOnnxScope *scope, int v, CrAttr *attr, size_t offset,
            GError **error)
{
    const ConvRnnTensorInfo unknown = {.dtype = CONVRNN_DTYPE_UNDEFINED};
    CrValue *value = cr_graph_get_value(scope->graph, v);
    int around;

    if (!cr_onnx_use(file, scope->outer, value->name, offset, &around, error))
        return false;
    if (around == CR_NO_VALUE)
        return true; /* still missing: cr_graph_finish() says so */
    ConvRnnTensor *constant = cr_graph_get_value(scope->outer->graph, around)->constant;
    if (constant) {
        value->constant = convrnn_tensor_ref(constant);
        return true;
    }
    if (attr->n == CR_MAX_NODE_IO) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_LIMIT,
                    "the graph in attribute '%s' uses more than %d values of the graph around it",
                    attr->name, CR_MAX_NODE_IO);
        return false;
    }
    attr->ints = g_renew(int64_t, attr->ints, attr->n + 1);
    attr->ints[attr->n++] = around;
    scope->graph->n_captured++;
    return cr_graph_add_input(scope->graph, value->name, &unknown, error);
}

bool
cr_onnx_capture(CrOnnxFile *file, const CrOnnxScope *scope, CrAttr *attr, size_t offset,
                GError **error)
{
    bool *missing = find_missing(scope->graph), ok = true;

    for (guint v = 0, n = scope->graph->values->len; ok && v < n; v++)
        ok = !missing[v] || capture_one(file, scope, (int)v, attr, offset, error);
    g_free(missing);
    return ok;
}
