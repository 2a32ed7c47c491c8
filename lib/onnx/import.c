/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/import.h"
#include <string.h>

static const CrImportRule *const families[] = {
    cr_import_constant, cr_import_normalize, cr_import_reduce,
    cr_import_resize,   cr_import_shape,     cr_import_softmax,
};

static const CrImportRule *
find_rule(const CrNode *node)
{
    if (*node->domain)
        return NULL;
    for (size_t f = 0; f < G_N_ELEMENTS(families); f++) {
        for (const CrImportRule *rule = families[f]; rule->op; rule++) {
            if (strcmp(rule->op, node->op) == 0)
                return rule;
        }
    }
    return NULL;
}

bool
cr_import_node(CrOnnxFile *file, CrNode *node, GError **error)
{
    CrImport import = {.graph = file->graph, .opset = file->opset, .node = node};
    const CrImportRule *rule = find_rule(node);

    /* What a rule adds to the graph at most: some constants and three nodes. */
    if (rule && (!cr_onnx_take(file, 2048, 0, error) || !rule->rewrite(&import, error) ||
                 import.consumed)) {
        bool ok = import.consumed;
        cr_node_clear(node);
        return ok;
    }
    return cr_graph_add_node(file->graph, node, error);
}

bool
cr_import_set_constant(CrGraph *graph, int value, ConvRnnTensor *tensor, GError **error)
{
    CrValue *v = cr_graph_get_value(graph, value);

    if (v->constant || v->producer >= 0) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT, "tensor '%s' is defined twice",
                    v->name);
        return false;
    }
    v->constant = convrnn_tensor_ref(tensor);
    return true;
}

bool
cr_import_error(const CrImport *import, ConvRnnError code, GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, CONVRNN_ERROR, code, "%s node '%s': %s", import->node->op,
                import->node->name, text);
    g_free(text);
    return false;
}

int
cr_import_input(const CrNode *node, int index)
{
    return index < node->n_inputs ? node->inputs[index] : CR_NO_VALUE;
}

void
cr_import_set_input(CrNode *node, int index, int value)
{
    if (index >= node->n_inputs) {
        node->inputs = g_renew(int, node->inputs, index + 1);
        while (node->n_inputs <= index)
            node->inputs[node->n_inputs++] = CR_NO_VALUE;
    }
    node->inputs[index] = value;
}

const ConvRnnTensor *
cr_import_constant_input(const CrImport *import, int index)
{
    int value = cr_import_input(import->node, index);
    return value == CR_NO_VALUE ? NULL : cr_graph_get_value(import->graph, value)->constant;
}

/* False with *error set when the attribute is there with another type. *found is NULL when it is
 * absent. */
static bool
attr_of_type(const CrImport *import, const char *attr, CrAttrType type, const CrAttr **found,
             GError **error)
{
    *found = cr_node_attr(import->node, attr);
    if (!*found || (*found)->type == type)
        return true;
    return cr_import_error(import, CONVRNN_ERROR_FORMAT, error, "attribute '%s' has a wrong type",
                           attr);
}

bool
cr_import_ints_to_input(CrImport *import, const char *attr, int index, GError **error)
{
    const CrAttr *found;

    if (!attr_of_type(import, attr, CR_ATTR_INTS, &found, error))
        return false;
    if (found) {
        int value = cr_graph_add_constant_i64(import->graph, attr, found->ints, found->n);
        cr_import_set_input(import->node, index, value);
        cr_node_remove_attr(import->node, attr);
    }
    return true;
}

bool
cr_import_float_to_input(CrImport *import, const char *attr, int index, GError **error)
{
    const CrAttr *found;

    if (!attr_of_type(import, attr, CR_ATTR_FLOAT, &found, error))
        return false;
    if (found) {
        int value = cr_graph_add_constant_f32(import->graph, attr, &found->f, 1, true);
        cr_import_set_input(import->node, index, value);
        cr_node_remove_attr(import->node, attr);
    }
    return true;
}

bool
cr_import_add(CrImport *import, const char *op, int input, const char *int_attr, int64_t value,
              int *out, GError **error)
{
    CrNode node;
    char *name = g_strdup_printf("%s.%s", import->node->name, op);

    cr_node_init(&node, op, "", name, 1, 1);
    node.inputs[0] = input;
    if (int_attr)
        cr_node_set_int(&node, int_attr, value);
    *out = node.outputs[0] = cr_graph_new_value(import->graph, name);
    g_free(name);
    return cr_graph_add_node(import->graph, &node, error);
}
