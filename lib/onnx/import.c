/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/import.h"
#include <string.h>

/* The rules of one domain, in families. */
static const struct {
    const char *domain;
    const CrImportRule *rules;
} families[] = {
    {"", cr_import_activation},
    {"", cr_import_causal_conv},
    {"", cr_import_constant},
    {"", cr_import_control},
    {"", cr_import_normalize},
    {"", cr_import_quantize},
    {"", cr_import_reduce},
    {"", cr_import_resize},
    {"", cr_import_shape},
    {"", cr_import_softmax},
    {"com.microsoft", cr_import_causal_conv},
    {"com.microsoft", cr_import_fused},
};

static const CrImportRule *
find_rule(const CrNode *node)
{
    for (size_t f = 0; f < G_N_ELEMENTS(families); f++) {
        if (strcmp(families[f].domain, node->domain) != 0)
            continue;
        for (const CrImportRule *rule = families[f].rules; rule->op; rule++) {
            if (strcmp(rule->op, node->op) == 0)
                return rule;
        }
    }
    return NULL;
}

bool
cr_import_node(CrOnnxFile *file, CrNode *node, GError **error)
{
    const CrOnnxScope *scope = file->scope;
    CrImport import = {.file = file, .graph = scope->graph, .opset = scope->opset, .node = node};
    const CrImportRule *rule = find_rule(node);

    /* What a rule adds to the graph at most: some constants and three nodes. */
    if (rule && (!cr_onnx_take(file, 2048, 0, error) || !rule->rewrite(&import, error) ||
                 import.consumed)) {
        bool ok = import.consumed;
        cr_node_clear(node);
        return ok;
    }
    return cr_graph_add_node(scope->graph, node, error);
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

void
cr_import_element_type(CrNode *node, const char *attr)
{
    int64_t type = cr_node_int(node, attr, 0);

    if (type == CR_ONNX_FLOAT16 || type == CR_ONNX_BFLOAT16) {
        cr_node_remove_attr(node, attr);
        cr_node_set_int(node, attr, CONVRNN_DTYPE_FLOAT32);
    }
}

static void
add_helper(CrImport *import, const char *op, int output, int n, const int *inputs, GError **error)
{
    CrNode node;
    char *name = g_strdup_printf("%s.%s", import->node->name, op);

    cr_node_init(&node, op, "", name, n, 1);
    for (int i = 0; i < n; i++)
        node.inputs[i] = inputs[i];
    while (node.n_inputs > 0 && node.inputs[node.n_inputs - 1] == CR_NO_VALUE)
        node.n_inputs--;
    node.outputs[0] = output;
    g_free(name);
    import->failed = !cr_graph_add_node(import->graph, &node, error);
}

int
cr_import_op(CrImport *import, const char *op, int n, const int *inputs, GError **error)
{
    if (import->failed || !cr_onnx_take(import->file, 1024, 0, error)) {
        import->failed = true;
        return CR_NO_VALUE;
    }
    int output = cr_graph_new_value(import->graph, import->node->name);
    add_helper(import, op, output, n, inputs, error);
    return output;
}

void
cr_import_output(CrImport *import, int index, const char *op, int n, const int *inputs,
                 GError **error)
{
    CrNode *node = import->node;

    if (!import->failed)
        add_helper(import, op, node->outputs[index], n, inputs, error);
    node->outputs[index] = CR_NO_VALUE;
    while (node->n_outputs > 0 && node->outputs[node->n_outputs - 1] == CR_NO_VALUE)
        node->n_outputs--;
}

CrNode *
cr_import_last(const CrImport *import)
{
    if (import->failed) /* there may be none; this one will not be used either */
        return import->node;
    return cr_graph_get_node(import->graph, (int)import->graph->nodes->len - 1);
}

void
cr_import_become(CrImport *import, const char *op, int n, const int *inputs)
{
    CrNode *node = import->node;

    g_free(node->op);
    node->op = g_strdup(op);
    *node->domain = '\0';
    node->n_inputs = 0;
    for (int i = 0; i < n; i++)
        cr_import_set_input(node, i, inputs[i]);
    while (node->n_inputs > 0 && node->inputs[node->n_inputs - 1] == CR_NO_VALUE)
        node->n_inputs--;
    while (node->n_attrs > 0)
        cr_node_remove_attr(node, node->attrs[0].name);
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
