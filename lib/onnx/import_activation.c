/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Swish (opset 24): x · sigmoid(alpha · x), which the optimizer fuses where it fuses a Sigmoid. */
#include "onnx/import.h"

static bool
rewrite_swish(CrImport *import, GError **error)
{
    int x = cr_import_input(import->node, 0);
    return cr_import_swish(import, x, cr_node_float(import->node, "alpha", 1), error);
}

bool
cr_import_swish(CrImport *import, int x, float alpha, GError **error)
{
    int scaled = x;

    if (alpha != 1) {
        int factor = cr_graph_add_constant_f32(import->graph, "alpha", &alpha, 1, true);
        scaled = cr_import_op(import, "Mul", CR_IMPORT_IN(x, factor), error);
    }
    int gate = cr_import_op(import, "Sigmoid", CR_IMPORT_IN(scaled), error);
    cr_import_become(import, "Mul", CR_IMPORT_IN(x, gate));
    return !import->failed;
}

const CrImportRule cr_import_activation[] = {
    {"Swish", rewrite_swish},
    {NULL, NULL},
};
