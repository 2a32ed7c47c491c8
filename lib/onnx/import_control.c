/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Scan before opset 9 has a batch of sequences: its first input is their lengths, and its tensors
 * begin with the batch. Graphs have the attribute `batched` for it, which files have not. */
#include "onnx/import.h"

static bool
rewrite_scan(CrImport *import, GError **error)
{
    CrNode *node = import->node;
    const CrAttr *directions = cr_node_attr(node, "directions");

    if (cr_node_attr(node, "batched"))
        return cr_import_error(import, CONVRNN_ERROR_FORMAT, error,
                               "attribute 'batched' is unknown to this operator");
    if (import->opset >= 9)
        return true;
    if (directions && directions->type == CR_ATTR_INTS) {
        cr_node_set_ints(node, "scan_input_directions", directions->ints, directions->n);
        cr_node_remove_attr(node, "directions");
    }
    cr_node_set_int(node, "batched", 1);
    return true;
}

const CrImportRule cr_import_control[] = {
    {"Scan", rewrite_scan},
    {NULL, NULL},
};
