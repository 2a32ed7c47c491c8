/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/validate.h"
#include "ops/control.h"
#include <string.h>

static const char *const type_names[] = {
    [CR_ATTR_INT] = "an int",
    [CR_ATTR_FLOAT] = "a float",
    [CR_ATTR_STRING] = "a string",
    [CR_ATTR_INTS] = "a list of ints",
    [CR_ATTR_FLOATS] = "a list of floats",
    [CR_ATTR_STRINGS] = "a list of strings",
    [CR_ATTR_TENSOR] = "a tensor",
    [CR_ATTR_GRAPH] = "a graph",
    [CR_ATTR_OTHER] = "something else",
};

static bool node_error(const CrNode *node, ConvRnnError code, GError **error, const char *format,
                       ...) G_GNUC_PRINTF(4, 5);

static bool
node_error(const CrNode *node, ConvRnnError code, GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, CONVRNN_ERROR, code, "%s node '%s': %s", node->op, node->name, text);
    g_free(text);
    return false;
}

static bool
unknown_operator(const CrNode *node, GError **error)
{
    if (*node->domain)
        return node_error(node, CONVRNN_ERROR_UNSUPPORTED, error,
                          "operator %s of domain '%s' is not implemented; only ONNX's own "
                          "operators are. Export the model without custom operators, or cut the "
                          "graph before them with onnx.utils.extract_model",
                          node->op, node->domain);
    return node_error(node, CONVRNN_ERROR_UNSUPPORTED, error,
                      "operator %s is not implemented; docs/model-format.md lists those that are",
                      node->op);
}

static bool
check_ports(const CrNode *node, const char *kind, const int *values, int n, int min, int max,
            GError **error)
{
    int given = 0;

    if (max >= 0 && n > max)
        return node_error(node, CONVRNN_ERROR_FORMAT, error, "%d %ss, expected at most %d", n, kind,
                          max);
    while (given < n && given < min && values[given] != CR_NO_VALUE)
        given++;
    if (given < min)
        return node_error(node, CONVRNN_ERROR_FORMAT, error, "%s %d is missing, at least %d needed",
                          kind, given, min);
    return true;
}

static bool
check_attr(const CrOp *op, const CrNode *node, const CrAttr *attr, GError **error)
{
    for (const CrAttrSpec *spec = op->attrs; spec && spec->name; spec++) {
        if (strcmp(spec->name, attr->name) != 0)
            continue;
        if (spec->type == attr->type)
            return true;
        return node_error(node, CONVRNN_ERROR_FORMAT, error, "attribute '%s' is %s, expected %s",
                          attr->name, type_names[attr->type], type_names[spec->type]);
    }
    return node_error(node, CONVRNN_ERROR_FORMAT, error,
                      "attribute '%s' is unknown to this operator", attr->name);
}

/* What a loop repeats is needed; which branch is, shapes tell, and it is checked then. */
static bool
check_control(const CrOp *op, const CrNode *node, GError **error)
{
    int captured;

    if (!cr_control_check(op, node, error))
        return false;
    const CrGraph *body = cr_node_graph(node, "body", &captured);
    if (!body || cr_op_validate_graph(body, error))
        return true;
    g_prefix_error(error, "%s node '%s': ", node->op, node->name);
    return false;
}

static bool
check_node(const CrNode *node, GError **error)
{
    const CrOp *op = cr_op_find(node->domain, node->op);

    if (!op)
        return unknown_operator(node, error);
    if (!check_ports(node, "input", node->inputs, node->n_inputs - node->n_captured, op->min_in,
                     op->max_in, error) ||
        !check_ports(node, "output", node->outputs, node->n_outputs, op->min_out, op->max_out,
                     error))
        return false;
    for (int i = 0; i < node->n_attrs; i++) {
        if (!check_attr(op, node, &node->attrs[i], error))
            return false;
    }
    return !(op->flags & CR_OP_CONTROL) || check_control(op, node, error);
}

bool
cr_op_validate_graph(const CrGraph *graph, GError **error)
{
    for (guint i = 0; i < graph->nodes->len; i++) {
        if (!check_node(cr_graph_get_node(graph, i), error))
            return false;
    }
    return true;
}
