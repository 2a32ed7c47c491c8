/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reductions: axes were an attribute before opset 18 (ReduceSum 13). TopK: k before opset 10. */
#include "onnx/import.h"

static bool
rewrite_reduce(CrImport *import, GError **error)
{
    return import->opset >= 18 || cr_import_ints_to_input(import, "axes", 1, error);
}

static bool
rewrite_reduce_sum(CrImport *import, GError **error)
{
    return import->opset >= 13 || cr_import_ints_to_input(import, "axes", 1, error);
}

static bool
rewrite_top_k(CrImport *import, GError **error)
{
    const CrAttr *k = cr_node_attr(import->node, "k");

    if (import->opset >= 10 || !k || k->type != CR_ATTR_INT)
        return true;
    cr_import_set_input(import->node, 1, cr_graph_add_constant_i64(import->graph, "k", &k->i, 1));
    cr_node_remove_attr(import->node, "k");
    return true;
}

const CrImportRule cr_import_reduce[] = {
    {"ReduceL1", rewrite_reduce},      {"ReduceL2", rewrite_reduce},
    {"ReduceLogSum", rewrite_reduce},  {"ReduceLogSumExp", rewrite_reduce},
    {"ReduceMax", rewrite_reduce},     {"ReduceMean", rewrite_reduce},
    {"ReduceMin", rewrite_reduce},     {"ReduceProd", rewrite_reduce},
    {"ReduceSum", rewrite_reduce_sum}, {"ReduceSumSquare", rewrite_reduce},
    {"TopK", rewrite_top_k},           {NULL, NULL},
};
