/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A bias that is added to a matrix product is added while the product is in the cache: one node
 * less, and the same bits. */
#include "ops/ops.h"
#include "optimize/fuse.h"

/* One number, or one for each element of the last axis. */
static bool
is_bias(const CrIr *ir, int value)
{
    const CrIrValue *v = cr_ir_value(ir, value);
    int n_dims = v->desc.n_dims;

    return v->constant && v->desc.dtype == CONVRNN_DTYPE_FLOAT32 &&
           (int64_t)v->constant->n_elements == (n_dims > 0 ? v->desc.dims[n_dims - 1] : 1);
}

static bool
takes_bias(const CrIr *ir, const CrIrNode *node)
{
    if (node->n_in > 2 && node->in[2] != CR_NO_VALUE)
        return false;
    if (node->op == &cr_op_gemm)
        return cr_node_float(node->node, "beta", 1) == 1;
    /* of a vector on the right, the last axis are rows */
    return node->op == &cr_op_matmul && cr_ir_value(ir, node->in[0])->desc.n_dims > 1 &&
           cr_ir_value(ir, node->in[1])->desc.n_dims > 1;
}

/* The product that is the value, and that is of no use without the bias. */
static CrIrNode *
product_of(const CrIr *ir, int value)
{
    int producer = cr_ir_value(ir, value)->producer;
    CrIrNode *node = producer >= 0 ? cr_ir_node(ir, producer) : NULL;

    return node && !node->dead && takes_bias(ir, node) && !cr_ir_is_result(ir, value) &&
                   cr_ir_count_uses(ir, value, NULL) == 1
               ? node
               : NULL;
}

static void
give_bias(CrIrNode *product, int bias)
{
    int *in = g_new(int, 3);

    in[0] = product->in[0];
    in[1] = product->in[1];
    in[2] = bias;
    g_free(product->in);
    product->in = in;
    product->n_in = 3;
    product->label = product->op == &cr_op_gemm ? "Gemm+Add" : "MatMul+Add";
}

void
cr_ir_join_addends(CrIr *ir)
{
    for (guint i = 0; i < ir->nodes->len; i++) {
        CrIrNode *sum = cr_ir_node(ir, (int)i);
        for (int k = 0; k < 2 && !sum->dead && sum->op == &cr_op_add; k++) {
            int bias = sum->in[k], value = sum->in[1 - k];
            CrIrNode *product = is_bias(ir, bias) ? product_of(ir, value) : NULL;
            if (!product || !cr_desc_same_shape(&cr_ir_value(ir, value)->desc,
                                                &cr_ir_value(ir, sum->out[0])->desc))
                continue;
            give_bias(product, bias);
            g_hash_table_insert(ir->merged, (gpointer)sum->node, (gpointer)product->node);
            sum->dead = true;
            cr_ir_replace(ir, sum->out[0], value);
        }
    }
}
