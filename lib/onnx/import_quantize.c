/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operators on numbers of few bits are computed in float32: what goes in is dequantized, what comes
 * out is quantized. A sum of products of 8-bit numbers is exact up to 2^24, and rounded to float32
 * beyond. */
#include "onnx/import.h"
#include <string.h>

/* x with its scale and zero point, which may have one element for each index of `axis`. */
static int
dequantize(CrImport *import, int x, int scale, int zero, int64_t axis, GError **error)
{
    int y = cr_import_op(import, "DequantizeLinear", CR_IMPORT_IN(x, scale, zero), error);
    cr_node_set_int(cr_import_last(import), "axis", axis);
    return y;
}

static bool
check_ports(const CrImport *import, int min, int max, GError **error)
{
    const CrNode *node = import->node;

    if (node->n_inputs >= min && node->n_inputs <= max && node->n_outputs == 1)
        return true;
    return cr_import_error(import, CONVRNN_ERROR_FORMAT, error,
                           "%d inputs and %d outputs, expected %d to %d and 1", node->n_inputs,
                           node->n_outputs, min, max);
}

/* Conv with the attributes of the node at hand, which loses them. */
static int
convolve(CrImport *import, int x, int w, int b, GError **error)
{
    CrNode *node = import->node;
    int y = cr_import_op(import, "Conv", CR_IMPORT_IN(x, w, b), error);

    if (!import->failed) {
        CrNode *conv = cr_import_last(import);
        conv->attrs = g_steal_pointer(&node->attrs);
        conv->n_attrs = node->n_attrs;
        node->n_attrs = 0;
    }
    return y;
}

/* x, scale, zero; w, scale, zero; y's scale, zero; bias in units of both scales' product. */
static bool
rewrite_qlinear_conv(CrImport *import, GError **error)
{
    if (!check_ports(import, 8, 9, error))
        return false;
    int in[9];
    for (int i = 0; i < 9; i++)
        in[i] = cr_import_input(import->node, i);
    int x = dequantize(import, in[0], in[1], in[2], 1, error);
    int w = dequantize(import, in[3], in[4], in[5], 0, error);
    int b = CR_NO_VALUE;
    if (in[8] != CR_NO_VALUE) {
        int scale = cr_import_op(import, "Mul", CR_IMPORT_IN(in[1], in[4]), error);
        b = dequantize(import, in[8], scale, CR_NO_VALUE, 0, error);
    }
    int y = convolve(import, x, w, b, error);
    cr_import_become(import, "QuantizeLinear", CR_IMPORT_IN(y, in[6], in[7]));
    return !import->failed;
}

static bool
rewrite_qlinear_matmul(CrImport *import, GError **error)
{
    if (!check_ports(import, 8, 8, error))
        return false;
    int in[8];
    for (int i = 0; i < 8; i++)
        in[i] = cr_import_input(import->node, i);
    int a = dequantize(import, in[0], in[1], in[2], -2, error);
    int b = dequantize(import, in[3], in[4], in[5], -1, error);
    int y = cr_import_op(import, "MatMul", CR_IMPORT_IN(a, b), error);
    cr_import_become(import, "QuantizeLinear", CR_IMPORT_IN(y, in[6], in[7]));
    return !import->failed;
}

/* MatMulInteger and ConvInteger: a, b, zero points; the sum as int32. */
static bool
rewrite_integer(CrImport *import, GError **error)
{
    CrNode *node = import->node;
    bool conv = strcmp(node->op, "ConvInteger") == 0;
    int one = cr_graph_add_constant_f32(import->graph, "one", &(float){1}, 1, true), y;

    if (!check_ports(import, 2, 4, error))
        return false;
    int a =
        dequantize(import, node->inputs[0], one, cr_import_input(node, 2), conv ? 1 : -2, error);
    int b =
        dequantize(import, node->inputs[1], one, cr_import_input(node, 3), conv ? 0 : -1, error);
    if (conv)
        y = convolve(import, a, b, CR_NO_VALUE, error);
    else
        y = cr_import_op(import, "MatMul", CR_IMPORT_IN(a, b), error);
    cr_import_become(import, "Cast", CR_IMPORT_IN(y));
    cr_node_set_int(node, "to", CONVRNN_DTYPE_INT32);
    return !import->failed;
}

/* Opsets 19 to 23 added attributes that speak of the 8-bit floats and of precision. */
static bool
rewrite_quantize(CrImport *import, GError **error)
{
    CrNode *node = import->node;

    cr_node_remove_attr(node, "saturate");
    cr_node_remove_attr(node, "precision");
    cr_import_element_type(node, "output_dtype");
    if (strcmp(node->op, "DequantizeLinear") == 0 &&
        cr_node_int(node, "output_dtype", CONVRNN_DTYPE_FLOAT32) == CONVRNN_DTYPE_FLOAT32)
        cr_node_remove_attr(node, "output_dtype");
    return true;
}

const CrImportRule cr_import_quantize[] = {
    {"ConvInteger", rewrite_integer},
    {"DequantizeLinear", rewrite_quantize},
    {"MatMulInteger", rewrite_integer},
    {"QLinearConv", rewrite_qlinear_conv},
    {"QLinearMatMul", rewrite_qlinear_matmul},
    {"QuantizeLinear", rewrite_quantize},
    {NULL, NULL},
};
