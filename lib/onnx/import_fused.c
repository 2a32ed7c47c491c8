/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What ONNX Runtime writes into files that it has optimized (domain com.microsoft): each becomes
 * the operators of ONNX that it stands for, which are fused in our own way. */
#include "onnx/import.h"
#include <string.h>

/* The names of an operator's attributes in the order of an activation's parameters. */
static const struct {
    const char *op;
    const char *attrs[2];
} activations[] = {
    {"HardSigmoid", {"alpha", "beta"}}, {"LeakyRelu", {"alpha", NULL}}, {"Relu", {NULL, NULL}},
    {"Sigmoid", {NULL, NULL}},          {"Tanh", {NULL, NULL}},
};

/* The node at hand becomes the activation of x. */
static bool
become_activation(CrImport *import, const char *name, const float *params, int n, int x,
                  GError **error)
{
    if (strcmp(name, "") == 0) {
        cr_import_become(import, "Identity", CR_IMPORT_IN(x));
        return true;
    }
    if (strcmp(name, "Clip") == 0 && n == 2) {
        int low = cr_graph_add_constant_f32(import->graph, "min", &params[0], 1, true);
        int high = cr_graph_add_constant_f32(import->graph, "max", &params[1], 1, true);
        cr_import_become(import, "Clip", CR_IMPORT_IN(x, low, high));
        return true;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(activations); i++) {
        if (strcmp(name, activations[i].op) != 0)
            continue;
        cr_import_become(import, activations[i].op, CR_IMPORT_IN(x));
        for (int k = 0; k < MIN(n, 2) && activations[i].attrs[k]; k++)
            cr_node_set_float(import->node, activations[i].attrs[k], params[k]);
        return true;
    }
    return cr_import_error(import, CONVRNN_ERROR_UNSUPPORTED, error,
                           "activation '%s' with %d parameters is not implemented; save the model "
                           "without ONNX Runtime's optimizations",
                           name, n);
}

/* The node at hand is left with the attributes in `own`; the others go to the helper node. */
static void
hand_attrs(CrImport *import, CrNode *helper, const char *const *own)
{
    CrNode *node = import->node;
    int kept = 0;

    if (import->failed)
        return;
    helper->attrs = g_new0(CrAttr, node->n_attrs + 1);
    for (int i = 0; i < node->n_attrs; i++) {
        if (g_strv_contains(own, node->attrs[i].name))
            node->attrs[kept++] = node->attrs[i];
        else
            helper->attrs[helper->n_attrs++] = node->attrs[i];
    }
    node->n_attrs = kept;
}

static bool
rewrite_fused_conv(CrImport *import, GError **error)
{
    static const char *const own[] = {"activation", "activation_params", NULL};
    CrNode *node = import->node;
    int x = cr_import_input(node, 0), w = cr_import_input(node, 1), b = cr_import_input(node, 2);
    int z = cr_import_input(node, 3);
    const CrAttr *params = cr_node_attr(node, "activation_params");

    if (params && params->type != CR_ATTR_FLOATS)
        return cr_import_error(import, CONVRNN_ERROR_FORMAT, error,
                               "activation_params is no list of floats");
    if (node->n_inputs > 4 || node->n_outputs != 1)
        return cr_import_error(import, CONVRNN_ERROR_FORMAT, error,
                               "%d inputs and %d outputs, expected 2 to 4 and 1", node->n_inputs,
                               node->n_outputs);
    int y = cr_import_op(import, "Conv", CR_IMPORT_IN(x, w, b), error);
    hand_attrs(import, cr_import_last(import), own);
    if (z != CR_NO_VALUE)
        y = cr_import_op(import, "Add", CR_IMPORT_IN(y, z), error);

    /* Copies: becoming something else takes the attributes away. */
    char *name = g_strdup(cr_node_string(node, "activation", ""));
    params = cr_node_attr(node, "activation_params");
    int n = params ? params->n : 0;
    float *values = g_memdup2(params ? params->floats : NULL, sizeof(float) * (gsize)n);
    bool ok = !import->failed && become_activation(import, name, values, n, y, error);
    g_free(name);
    g_free(values);
    return ok;
}

static bool
rewrite_fused_gemm(CrImport *import, GError **error)
{
    static const char *const own[] = {"activation", "activation_alpha", "activation_beta",
                                      "activation_gamma", NULL};
    CrNode *node = import->node;
    int a = cr_import_input(node, 0), b = cr_import_input(node, 1), c = cr_import_input(node, 2);
    float params[2];
    int n = 0;

    int y = cr_import_op(import, "Gemm", CR_IMPORT_IN(a, b, c), error);
    hand_attrs(import, cr_import_last(import), own);
    for (int i = 1; i <= 2 && cr_node_attr(node, own[i]); i++)
        params[n++] = cr_node_float(node, own[i], 0);
    char *name = g_strdup(cr_node_string(node, "activation", ""));
    bool ok = !import->failed && become_activation(import, name, params, n, y, error);
    g_free(name);
    return ok;
}

/* Without anything fused into it, it is a MatMul. */
static bool
rewrite_fused_matmul(CrImport *import, GError **error)
{
    CrNode *node = import->node;
    int a = cr_import_input(node, 0), b = cr_import_input(node, 1);
    int64_t trans_a = cr_node_int(node, "transA", 0), trans_b = cr_node_int(node, "transB", 0);
    float alpha = cr_node_float(node, "alpha", 1.0f);

    if (cr_node_int(node, "transBatchA", 0) != 0 || cr_node_int(node, "transBatchB", 0) != 0)
        return cr_import_error(import, CONVRNN_ERROR_UNSUPPORTED, error,
                               "transBatchA and transBatchB are not implemented; save the model "
                               "without ONNX Runtime's optimizations");
    bool plain = trans_a == 0 && trans_b == 0 && alpha == 1.0f;
    cr_import_become(import, plain ? "MatMul" : "FusedMatMul", CR_IMPORT_IN(a, b));
    if (plain)
        return true;
    cr_node_set_float(node, "alpha", alpha);
    cr_node_set_int(node, "transA", trans_a);
    cr_node_set_int(node, "transB", trans_b);
    return true;
}

/* Gelu, FastGelu with its optional bias, BiasGelu. */
static bool
rewrite_gelu(CrImport *import, GError **error)
{
    CrNode *node = import->node;
    int x = cr_import_input(node, 0), bias = cr_import_input(node, 1);
    bool fast = strcmp(node->op, "FastGelu") == 0;

    if (bias != CR_NO_VALUE)
        x = cr_import_op(import, "Add", CR_IMPORT_IN(x, bias), error);
    cr_import_become(import, "Gelu", CR_IMPORT_IN(x));
    if (fast)
        cr_node_set_string(node, "approximate", "tanh");
    return !import->failed;
}

static bool
rewrite_quick_gelu(CrImport *import, GError **error)
{
    float alpha = cr_node_float(import->node, "alpha", 1.702f);
    return cr_import_swish(import, cr_import_input(import->node, 0), alpha, error);
}

const CrImportRule cr_import_fused[] = {
    {"BiasGelu", rewrite_gelu},
    {"FastGelu", rewrite_gelu},
    {"FusedConv", rewrite_fused_conv},
    {"FusedGemm", rewrite_fused_gemm},
    {"FusedMatMul", rewrite_fused_matmul},
    {"Gelu", rewrite_gelu},
    {"QuickGelu", rewrite_quick_gelu},
    {NULL, NULL},
};
