/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Nodes that do nothing once shapes are known. */
#include "ops/ops.h"
#include "optimize/ir.h"

static bool
has_positive_steps(const CrIr *ir, const CrIrNode *node)
{
    if (node->n_in < 5 || node->in[4] == CR_NO_VALUE)
        return true;
    const ConvRnnTensor *steps = cr_ir_value(ir, node->in[4])->constant;
    for (size_t i = 0; steps && i < steps->n_elements; i++)
        if ((steps->dtype == CONVRNN_DTYPE_INT64 ? ((const int64_t *)steps->data)[i]
                                                 : ((const int32_t *)steps->data)[i]) < 1)
            return false;
    return steps != NULL;
}

/* Whether output 0 is input 0, unchanged. Same shape is already known. */
static bool
is_identity(const CrIr *ir, const CrIrNode *node)
{
    const CrOp *op = node->op;

    if (op == &cr_op_slice)
        return has_positive_steps(ir, node);
    if (op == &cr_op_resize)
        return !g_str_equal(
                   cr_node_string(node->node, "coordinate_transformation_mode", "half_pixel"),
                   "tf_crop_and_resize") &&
               !g_str_equal(cr_node_string(node->node, "mode", "nearest"), "cubic");
    if (op == &cr_op_concat || op == &cr_op_split)
        return node->n_in == 1 || op == &cr_op_split;
    return op == &cr_op_expand || op == &cr_op_identity || op == &cr_op_dropout ||
           op == &cr_op_reshape || op == &cr_op_flatten || op == &cr_op_squeeze ||
           op == &cr_op_unsqueeze ||
           (op == &cr_op_cast && !cr_node_attr(node->node, "via")); /* that one rounds */
}

void
cr_ir_simplify(CrIr *ir)
{
    for (guint i = 0; i < ir->nodes->len; i++) {
        CrIrNode *node = cr_ir_node(ir, (int)i);
        if (node->dead || node->n_in < 1 || node->in[0] == CR_NO_VALUE ||
            node->out[0] == CR_NO_VALUE)
            continue;
        const CrDesc *in = &cr_ir_value(ir, node->in[0])->desc;
        const CrDesc *out = &cr_ir_value(ir, node->out[0])->desc;
        bool others = false;
        for (int k = 1; k < node->n_out; k++)
            others = others || node->out[k] != CR_NO_VALUE;
        if (others || in->dtype != out->dtype || !cr_desc_same_shape(in, out) ||
            !is_identity(ir, node))
            continue;
        node->dead = true;
        cr_ir_replace(ir, node->out[0], node->in[0]);
    }
}
