/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Softmax, LogSoftmax and Hardmax before opset 13 flatten their input to two dimensions at `axis`
 * and work on whole rows. The rank is not known here, so that is what is written into the graph;
 * the reshapes cost nothing at run time. */
#include "onnx/import.h"

static bool
rewrite_softmax(CrImport *import, GError **error)
{
    CrNode *node = import->node;
    int64_t axis = cr_node_int(node, "axis", 1);
    int flat, shape;

    if (import->opset >= 13)
        return true;
    if (node->n_inputs != 1 || node->n_outputs != 1 || node->inputs[0] == CR_NO_VALUE)
        return cr_import_error(import, CONVRNN_ERROR_FORMAT, error,
                               "%d inputs and %d outputs, expected one each", node->n_inputs,
                               node->n_outputs);
    cr_node_remove_attr(node, "axis");
    cr_node_set_int(node, "axis", -1);
    if (axis == -1)
        return true;

    int input = node->inputs[0], output = node->outputs[0], rows;
    if (!cr_import_add(import, "Flatten", input, "axis", axis, &flat, error) ||
        !cr_import_add(import, "Shape", input, NULL, 0, &shape, error) ||
        !cr_import_add(import, node->op, flat, "axis", -1, &rows, error))
        return false;
    /* The node at hand becomes the last of the chain. */
    cr_node_remove_attr(node, "axis");
    g_free(node->op);
    node->op = g_strdup("Reshape");
    node->inputs[0] = rows;
    cr_import_set_input(node, 1, shape);
    node->outputs[0] = output;
    return true;
}

const CrImportRule cr_import_softmax[] = {
    {"Hardmax", rewrite_softmax},
    {"LogSoftmax", rewrite_softmax},
    {"Softmax", rewrite_softmax},
    {NULL, NULL},
};
