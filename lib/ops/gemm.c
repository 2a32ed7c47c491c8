/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Gemm: y = alpha · op(a) · op(b) + beta · c, with a, b matrices and c broadcast to y. */
#include "ops/matrix.h"
#include "ops/ops.h"
#include "ops/setup.h"

/* c must broadcast to (m, n) from the right; its strides go to the product. */
static bool
read_addend(const CrOpSetup *setup, CrMatrixProduct *p, GError **error)
{
    const CrDesc *c = &setup->in[2];
    int64_t rows = c->n_dims > 1 ? c->dims[c->n_dims - 2] : 1;
    int64_t columns = c->n_dims > 0 ? c->dims[c->n_dims - 1] : 1;

    p->has_c = cr_op_has_input(setup, 2);
    if (!p->has_c)
        return true;
    if (!cr_op_want_dtype(setup, 2, CONVRNN_DTYPE_FLOAT32, error))
        return false;
    if (c->n_dims > 2 || (rows != 1 && rows != p->m) || (columns != 1 && columns != p->n)) {
        g_autofree char *found = cr_desc_to_string(c);
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "input C is %s and does not broadcast to the output, %d×%d", found, p->m,
                           p->n);
    }
    p->c_row = rows == 1 ? 0 : columns;
    p->c_column = columns == 1 ? 0 : 1;
    return true;
}

static bool
gemm_parse(const CrOpSetup *setup, CrMatrixProduct *p, GError **error)
{
    const CrDesc *a = &setup->in[0], *b = &setup->in[1];

    if (!cr_op_want_dtype(setup, 0, CONVRNN_DTYPE_FLOAT32, error) ||
        !cr_op_want_dtype(setup, 1, CONVRNN_DTYPE_FLOAT32, error))
        return false;
    *p = (CrMatrixProduct){
        .trans_a = cr_node_int(setup->node, "transA", 0) != 0,
        .trans_b = cr_node_int(setup->node, "transB", 0) != 0,
        .alpha = cr_node_float(setup->node, "alpha", 1.0f),
        .beta = cr_node_float(setup->node, "beta", 1.0f),
    };
    if (a->n_dims != 2 || b->n_dims != 2)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "inputs A and B must be matrices, they have %d and %d dimensions",
                           a->n_dims, b->n_dims);
    p->m = (int)a->dims[p->trans_a];
    p->k = (int)a->dims[!p->trans_a];
    p->n = (int)b->dims[!p->trans_b];
    if (b->dims[p->trans_b] != p->k)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "B expects %" G_GINT64_FORMAT " features, A has %d", b->dims[p->trans_b],
                           p->k);
    return read_addend(setup, p, error);
}

static bool
gemm_infer(CrOpSetup *setup, GError **error)
{
    CrMatrixProduct p;
    if (!gemm_parse(setup, &p, error))
        return false;
    return cr_op_set_out(setup, 0, CONVRNN_DTYPE_FLOAT32, (int64_t[]){p.m, p.n}, 2, error);
}

static bool
gemm_prepare(CrOpSetup *setup, CrStep *step, GError **error)
{
    CrMatrixProduct p;
    return gemm_parse(setup, &p, error) && cr_matrix_prepare(setup, &p, step, error);
}

static const CrAttrSpec gemm_attrs[] = {
    {"alpha", CR_ATTR_FLOAT}, {"beta", CR_ATTR_FLOAT}, {"transA", CR_ATTR_INT},
    {"transB", CR_ATTR_INT},  {NULL, CR_ATTR_INT},
};

const CrOp cr_op_gemm = {
    .name = "Gemm",
    .min_in = 2,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .attrs = gemm_attrs,
    .infer = gemm_infer,
    .prepare = gemm_prepare,
};
