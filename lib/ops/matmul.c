/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* MatMul as numpy does it: matrices in the last two dimensions, the others broadcast; a 1-D operand
 * is a row (left) or a column (right), and its dimension is not in the result.
 *
 * No file has a third input: it is a bias, one number or one for each column, that the optimizer
 * found added to the product.
 *
 * FusedMatMul is ONNX Runtime's (docs/ContribOperators.md there): alpha times the product, of
 * matrices that are transposed first where transA or transB says so; not a row or column. */
#include "ops/matrix.h"
#include "ops/ops.h"
#include "ops/setup.h"
#include <string.h>

/* An operand with its missing matrix dimension put back. */
typedef struct {
    int n_batch;
    const int64_t *batch;
    int64_t rows, columns;
} Operand;

static Operand
operand(const CrDesc *desc, bool left, bool *transposed)
{
    const int64_t *d = desc->dims;
    int n = desc->n_dims;

    *transposed = *transposed && n > 1;
    if (n == 1)
        return (Operand){0, d, left ? 1 : d[0], left ? d[0] : 1};
    return (Operand){n - 2, d, d[*transposed ? n - 1 : n - 2], d[*transposed ? n - 2 : n - 1]};
}

/* Strides of an operand's batches along the batch dimensions of the output. */
static void
batch_strides(const Operand *o, int n, int64_t *strides)
{
    int64_t stride = o->rows * o->columns;
    for (int i = n - 1; i >= 0; i--) {
        int at = i - (n - o->n_batch);
        int64_t dim = at < 0 ? 1 : o->batch[at];
        strides[i] = dim == 1 ? 0 : stride;
        stride *= MAX(dim, 1);
    }
}

static bool
broadcast_batches(const CrOpSetup *setup, const Operand *a, const Operand *b, CrMatrixProduct *p,
                  GError **error)
{
    CrDesc left = {.n_dims = a->n_batch}, right = {.n_dims = b->n_batch};

    memcpy(left.dims, a->batch, sizeof(int64_t) * (size_t)a->n_batch);
    memcpy(right.dims, b->batch, sizeof(int64_t) * (size_t)b->n_batch);
    if (!cr_broadcast(&left, &right, p->batch_dims, &p->n_batch_dims))
        return cr_op_bad_shapes(setup, 0, 1, error);
    batch_strides(a, p->n_batch_dims, p->a_stride);
    batch_strides(b, p->n_batch_dims, p->b_stride);
    return true;
}

static bool
matmul_parse(const CrOpSetup *setup, CrMatrixProduct *p, GError **error)
{
    if (!cr_op_want_dtype(setup, 0, CONVRNN_DTYPE_FLOAT32, error) ||
        !cr_op_want_dtype(setup, 1, CONVRNN_DTYPE_FLOAT32, error))
        return false;
    if (setup->in[0].n_dims < 1 || setup->in[1].n_dims < 1)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error, "an input is a scalar");

    *p = (CrMatrixProduct){.trans_a = cr_node_int(setup->node, "transA", 0) != 0,
                           .trans_b = cr_node_int(setup->node, "transB", 0) != 0,
                           .alpha = cr_node_float(setup->node, "alpha", 1.0f)};
    Operand a = operand(&setup->in[0], true, &p->trans_a);
    Operand b = operand(&setup->in[1], false, &p->trans_b);
    if (a.columns != b.rows)
        return cr_op_bad_shapes(setup, 0, 1, error);
    p->m = (int)a.rows;
    p->k = (int)a.columns;
    p->n = (int)b.columns;
    p->has_c = cr_op_has_input(setup, 2);
    p->beta = 1.0f;
    p->c_column = p->has_c && cr_desc_elements(&setup->in[2]) > 1;
    return broadcast_batches(setup, &a, &b, p, error);
}

static bool
matmul_infer(CrOpSetup *setup, GError **error)
{
    CrMatrixProduct p;
    int64_t dims[CONVRNN_MAX_RANK + 2];

    if (!matmul_parse(setup, &p, error))
        return false;
    int n = p.n_batch_dims;
    memcpy(dims, p.batch_dims, sizeof(int64_t) * (size_t)n);
    if (setup->in[0].n_dims > 1)
        dims[n++] = p.m;
    if (setup->in[1].n_dims > 1)
        dims[n++] = p.n;
    return cr_op_set_out(setup, 0, CONVRNN_DTYPE_FLOAT32, dims, n, error);
}

/* One matrix on the right: all batches of the left one are rows of a single product. */
static void
merge_batches(CrMatrixProduct *p)
{
    int64_t rows = p->m;
    if (p->trans_a)
        return;
    for (int i = 0; i < p->n_batch_dims; i++) {
        if (p->b_stride[i] != 0)
            return;
        rows *= p->batch_dims[i];
        if (rows > CR_MAX_DIM)
            return;
    }
    p->m = (int)rows;
    p->n_batch_dims = 0;
}

static bool
matmul_prepare(CrOpSetup *setup, CrStep *step, GError **error)
{
    CrMatrixProduct p;
    if (!matmul_parse(setup, &p, error))
        return false;
    merge_batches(&p);
    return cr_matrix_prepare(setup, &p, step, error);
}

static const CrAttrSpec matmul_attrs[] = {{NULL, CR_ATTR_INT}};

const CrOp cr_op_matmul = {
    .name = "MatMul",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .attrs = matmul_attrs,
    .infer = matmul_infer,
    .prepare = matmul_prepare,
};

static const CrAttrSpec fused_matmul_attrs[] = {
    {"alpha", CR_ATTR_FLOAT},
    {"transA", CR_ATTR_INT},
    {"transB", CR_ATTR_INT},
    {NULL, CR_ATTR_INT},
};

const CrOp cr_op_fused_matmul = {
    .name = "FusedMatMul",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .attrs = fused_matmul_attrs,
    .infer = matmul_infer,
    .prepare = matmul_prepare,
};
