/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Normalizations that other operators can write out, and Dropout as it is at inference. */
#include "onnx/import.h"

/* old · momentum + now · (1 − momentum) is output `index`; both have one element per channel. */
static void
write_running(CrImport *import, int index, int old, int now, float momentum, GError **error)
{
    if (index >= import->node->n_outputs || import->node->outputs[index] == CR_NO_VALUE)
        return;
    float share = 1 - momentum;
    int keep = cr_graph_add_constant_f32(import->graph, "momentum", &momentum, 1, true);
    int take = cr_graph_add_constant_f32(import->graph, "momentum", &share, 1, true);
    int flat = cr_graph_add_constant_i64(import->graph, "shape", &(int64_t){-1}, 1);
    int a = cr_import_op(import, "Mul", CR_IMPORT_IN(old, keep), error);
    int b = cr_import_op(import, "Reshape", CR_IMPORT_IN(now, flat), error);
    b = cr_import_op(import, "Mul", CR_IMPORT_IN(b, take), error);
    cr_import_output(import, index, "Add", CR_IMPORT_IN(a, b), error);
}

/* By the mean and variance of what is there now, and not of what was seen in training: the layer of
 * networks that keep no running statistics. x is seen as (N, C, space). */
static bool
rewrite_batch_statistics(CrImport *import, GError **error)
{
    CrNode *node = import->node;
    CrGraph *graph = import->graph;
    float momentum = cr_node_float(node, "momentum", 0.9f);
    float epsilon = cr_node_float(node, "epsilon", 1e-5f);

    if (node->n_inputs != 5 || node->n_outputs > 3)
        return cr_import_error(import, CONVRNN_ERROR_FORMAT, error,
                               "%d inputs and %d outputs, expected 5 and 1 to 3", node->n_inputs,
                               node->n_outputs);
    int shape = cr_graph_add_constant_i64(graph, "shape", (int64_t[]){0, 0, -1}, 3);
    int column = cr_graph_add_constant_i64(graph, "shape", (int64_t[]){-1, 1}, 2);
    int axes = cr_graph_add_constant_i64(graph, "axes", (int64_t[]){0, 2}, 2);
    int tiny = cr_graph_add_constant_f32(graph, "epsilon", &epsilon, 1, true);
    int x = cr_import_op(import, "Reshape", CR_IMPORT_IN(node->inputs[0], shape), error);
    int mean = cr_import_op(import, "ReduceMean", CR_IMPORT_IN(x, axes), error);
    int centred = cr_import_op(import, "Sub", CR_IMPORT_IN(x, mean), error);
    int variance = cr_import_op(import, "Mul", CR_IMPORT_IN(centred, centred), error);
    variance = cr_import_op(import, "ReduceMean", CR_IMPORT_IN(variance, axes), error);
    int deviation = cr_import_op(import, "Add", CR_IMPORT_IN(variance, tiny), error);
    deviation = cr_import_op(import, "Sqrt", CR_IMPORT_IN(deviation), error);
    int y = cr_import_op(import, "Div", CR_IMPORT_IN(centred, deviation), error);
    int scale = cr_import_op(import, "Reshape", CR_IMPORT_IN(node->inputs[1], column), error);
    int bias = cr_import_op(import, "Reshape", CR_IMPORT_IN(node->inputs[2], column), error);
    y = cr_import_op(import, "Mul", CR_IMPORT_IN(y, scale), error);
    y = cr_import_op(import, "Add", CR_IMPORT_IN(y, bias), error);
    /* The last one first: the list of outputs gets shorter. */
    write_running(import, 2, node->inputs[4], variance, momentum, error);
    write_running(import, 1, node->inputs[3], mean, momentum, error);
    int whole = cr_import_op(import, "Shape", CR_IMPORT_IN(node->inputs[0]), error);
    cr_import_become(import, "Reshape", CR_IMPORT_IN(y, whole));
    return !import->failed;
}

static bool
rewrite_batch_norm(CrImport *import, GError **error)
{
    CrNode *node = import->node;

    if (cr_node_int(node, "spatial", 1) != 1)
        return cr_import_error(import, CONVRNN_ERROR_UNSUPPORTED, error,
                               "spatial=0 (statistics per pixel) is not implemented");
    if (cr_node_int(node, "training_mode", 0) != 0)
        return rewrite_batch_statistics(import, error);
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

/* (x − mean) / (√variance + 1e-9) over some axes. */
static bool
rewrite_mean_variance(CrImport *import, GError **error)
{
    CrNode *node = import->node;
    const CrAttr *given = cr_node_attr(node, "axes");
    int64_t usual[] = {0, 2, 3};

    if (given && given->type != CR_ATTR_INTS)
        return cr_import_error(import, CONVRNN_ERROR_FORMAT, error, "axes is no list of ints");
    int x = cr_import_input(node, 0);
    int axes = cr_graph_add_constant_i64(import->graph, "axes", given ? given->ints : usual,
                                         given ? given->n : 3);
    int tiny = cr_graph_add_constant_f32(import->graph, "epsilon", &(float){1e-9f}, 1, true);
    int mean = cr_import_op(import, "ReduceMean", CR_IMPORT_IN(x, axes), error);
    int centred = cr_import_op(import, "Sub", CR_IMPORT_IN(x, mean), error);
    int variance = cr_import_op(import, "Mul", CR_IMPORT_IN(centred, centred), error);
    variance = cr_import_op(import, "ReduceMean", CR_IMPORT_IN(variance, axes), error);
    int deviation = cr_import_op(import, "Sqrt", CR_IMPORT_IN(variance), error);
    deviation = cr_import_op(import, "Add", CR_IMPORT_IN(deviation, tiny), error);
    cr_import_become(import, "Div", CR_IMPORT_IN(centred, deviation));
    return !import->failed;
}

/* ONNX Runtime's name for it, before ONNX had one. */
static bool
rewrite_rms_norm(CrImport *import, GError **error)
{
    g_free(import->node->op);
    import->node->op = g_strdup("RMSNormalization");
    return true;
}

const CrImportRule cr_import_normalize[] = {
    {"BatchNormalization", rewrite_batch_norm},
    {"Dropout", rewrite_dropout},
    {"MeanVarianceNormalization", rewrite_mean_variance},
    {"SimplifiedLayerNormalization", rewrite_rms_norm},
    {NULL, NULL},
};
