/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Transpose (onnx.ai/onnx/operators/onnx__Transpose.html): y's dimension i is x's dimension
 * perm[i]; without perm the dimensions are reversed. */
#include "ops/copy.h"
#include "ops/ops.h"

static void
permutation(const CrOpSetup *setup, int64_t *perm)
{
    int n, rank = setup->in[0].n_dims;
    const int64_t *given = cr_node_ints(setup->node, "perm", &n);

    for (int i = 0; i < rank; i++)
        perm[i] = given ? given[i] : rank - 1 - i;
}

static bool
infer_transpose(CrOpSetup *setup, GError **error)
{
    const CrDesc *in = &setup->in[0];
    int64_t perm[CONVRNN_MAX_RANK], dims[CONVRNN_MAX_RANK];
    bool used[CONVRNN_MAX_RANK] = {false};
    int n;

    if (cr_node_ints(setup->node, "perm", &n) && n != in->n_dims)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "perm lists %d axes, but the input has rank %d", n, in->n_dims);
    permutation(setup, perm);
    for (int i = 0; i < in->n_dims; i++) {
        if (perm[i] < 0 || perm[i] >= in->n_dims || used[perm[i]])
            return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                               "perm must list each of the axes 0 to %d once; entry %d is "
                               "%" G_GINT64_FORMAT,
                               in->n_dims - 1, i, (gint64)perm[i]);
        used[perm[i]] = true;
        dims[i] = in->dims[perm[i]];
    }
    return cr_op_set_out(setup, 0, in->dtype, dims, in->n_dims, error);
}

static bool
prepare_transpose(CrOpSetup *setup, CrStep *step, GError **error)
{
    int64_t perm[CONVRNN_MAX_RANK], strides[CONVRNN_MAX_RANK];
    CrCopy *copy = cr_copy_new(setup, step, error);

    if (!copy)
        return false;
    permutation(setup, perm);
    cr_strides(&setup->in[0], strides);
    for (int i = 0; i < setup->in[0].n_dims; i++)
        cr_walk_add(&copy->walk, setup->out[0].dims[i], &strides[perm[i]]);
    cr_copy_finish(copy, step);
    return true;
}

static const CrAttrSpec transpose_attrs[] = {{"perm", CR_ATTR_INTS}, {NULL, CR_ATTR_INT}};

const CrOp cr_op_transpose = {
    .name = "Transpose",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .attrs = transpose_attrs,
    .infer = infer_transpose,
    .prepare = prepare_transpose,
};
