/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* BatchNormalization and Dropout as they are at inference. */
#include "onnx/import.h"

static bool
rewrite_batch_norm(CrImport *import, GError **error)
{
    CrNode *node = import->node;

    if (cr_node_int(node, "spatial", 1) != 1)
        return cr_import_error(import, CONVRNN_ERROR_UNSUPPORTED, error,
                               "spatial=0 (statistics per pixel) is not implemented");
    if (cr_node_int(node, "training_mode", 0) != 0)
        return cr_import_error(import, CONVRNN_ERROR_UNSUPPORTED, error,
                               "training_mode=1: export the model for inference");
    cr_node_remove_attr(node, "spatial");
    cr_node_remove_attr(node, "training_mode");
    cr_node_remove_attr(node, "momentum");
    node->n_outputs = MIN(node->n_outputs, 1); /* the others are statistics for training */
    return true;
}

/* Without the mask, which training uses, it is nothing at all. Other forms are left to the
 * operator, which checks training_mode. */
static bool
rewrite_dropout(CrImport *import, GError **error)
{
    CrNode *node = import->node;

    cr_node_remove_attr(node, "ratio");
    cr_node_remove_attr(node, "seed");
    if (cr_import_input(node, 2) != CR_NO_VALUE || node->n_outputs > 1)
        return true;
    g_free(node->op);
    node->op = g_strdup("Identity");
    node->n_inputs = MIN(node->n_inputs, 1);
    return true;
}

const CrImportRule cr_import_normalize[] = {
    {"BatchNormalization", rewrite_batch_norm},
    {"Dropout", rewrite_dropout},
    {NULL, NULL},
};
