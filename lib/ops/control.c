/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* If, Loop and Scan (onnx.ai/onnx/operators): what they must look like. Binding a graph puts their
 * own graphs in their place (optimize/control.c), so that none is left to prepare or run. */
#include "ops/control.h"
#include "ops/ops.h"

static bool
count_error(const CrNode *node, const char *attr, const char *what, int found, int expected,
            GError **error)
{
    g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT,
                "%s node '%s': the graph in attribute '%s' has %d %s, expected %d", node->op,
                node->name, attr, found, what, expected);
    return false;
}

/* n_out: how many outputs the node's number demands at least; those that nobody wants may be left
 * out at the end of the node's list. */
static bool
check_graph(const CrNode *node, const char *attr, int n_in, int n_out, GError **error)
{
    int captured;
    const CrGraph *graph = cr_node_graph(node, attr, &captured);

    if (!graph) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT,
                    "%s node '%s': it has no graph in attribute '%s'", node->op, node->name, attr);
        return false;
    }
    int inputs = (int)graph->inputs->len - graph->n_captured;
    if (inputs != n_in)
        return count_error(node, attr, "inputs", inputs, n_in, error);
    if ((int)graph->outputs->len < n_out)
        return count_error(node, attr, "outputs", (int)graph->outputs->len, n_out, error);
    return true;
}

/* What a loop starts from cannot be left out. */
static bool
check_given(const CrNode *node, int first, GError **error)
{
    for (int i = first; i < node->n_inputs; i++)
        if (node->inputs[i] == CR_NO_VALUE) {
            g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT,
                        "%s node '%s': input %d is left out", node->op, node->name, i);
            return false;
        }
    return true;
}

static bool
check_if(const CrNode *node, GError **error)
{
    return check_graph(node, "then_branch", 0, node->n_outputs, error) &&
           check_graph(node, "else_branch", 0, node->n_outputs, error);
}

/* The body's inputs: number, condition, what is carried. Its outputs: condition, what is carried,
 * what is collected. */
static bool
check_loop(const CrNode *node, GError **error)
{
    int carried = MAX(node->n_inputs - node->n_captured - 2, 0);
    return check_given(node, 2, error) &&
           check_graph(node, "body", 2 + carried, 1 + MAX(carried, node->n_outputs), error);
}

/* Both ways the states come first. */
static bool
check_scan(const CrNode *node, GError **error)
{
    int before = cr_node_attr(node, "batched") ? 1 : 0; /* the sequences' lengths */
    int inputs = node->n_inputs - node->n_captured - before;
    int64_t scanned = cr_node_int(node, "num_scan_inputs", 0);

    if (scanned < 1 || scanned > inputs) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT,
                    "%s node '%s': num_scan_inputs is %" G_GINT64_FORMAT ", expected 1 … %d",
                    node->op, node->name, (gint64)scanned, inputs);
        return false;
    }
    return check_given(node, before, error) &&
           check_graph(node, "body", inputs, MAX(inputs - (int)scanned, node->n_outputs), error);
}

bool
cr_control_check(const CrOp *op, const CrNode *node, GError **error)
{
    if (op == &cr_op_if)
        return check_if(node, error);
    return op == &cr_op_loop ? check_loop(node, error) : check_scan(node, error);
}

static const CrAttrSpec if_attrs[] = {
    {"else_branch", CR_ATTR_GRAPH}, {"then_branch", CR_ATTR_GRAPH}, {NULL, CR_ATTR_INT}};
static const CrAttrSpec loop_attrs[] = {{"body", CR_ATTR_GRAPH}, {NULL, CR_ATTR_INT}};
static const CrAttrSpec scan_attrs[] = {{"batched", CR_ATTR_INT},
                                        {"body", CR_ATTR_GRAPH},
                                        {"num_scan_inputs", CR_ATTR_INT},
                                        {"scan_input_axes", CR_ATTR_INTS},
                                        {"scan_input_directions", CR_ATTR_INTS},
                                        {"scan_output_axes", CR_ATTR_INTS},
                                        {"scan_output_directions", CR_ATTR_INTS},
                                        {NULL, CR_ATTR_INT}};

const CrOp cr_op_if = {
    .name = "If",
    .min_in = 1,
    .max_in = 1,
    .min_out = 0,
    .max_out = -1,
    .flags = CR_OP_CONTROL,
    .attrs = if_attrs,
};

const CrOp cr_op_loop = {
    .name = "Loop",
    .min_in = 0,
    .max_in = -1,
    .min_out = 0,
    .max_out = -1,
    .flags = CR_OP_CONTROL,
    .attrs = loop_attrs,
};

const CrOp cr_op_scan = {
    .name = "Scan",
    .min_in = 0,
    .max_in = -1,
    .min_out = 0,
    .max_out = -1,
    .flags = CR_OP_CONTROL,
    .attrs = scan_attrs,
};
