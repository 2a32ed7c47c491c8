/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Gather (onnx.ai/onnx/operators/onnx__Gather.html): y[outer, i, inner] = x[outer, indices[i],
 * inner].
 *
 * A negative index counts from the end. Indices that are known are checked at set-up; those that
 * come with a frame and lie outside take the nearest that exists. */
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/walk.h"
#include <string.h>

typedef struct {
    int64_t dim;     /* of x along the axis */
    size_t n;        /* indices */
    size_t row;      /* bytes of one slice: inner elements */
    size_t rows;     /* outer · n */
    size_t per_tile; /* rows */
    bool wide;       /* int64 */
} GatherParams;

static int64_t
index_at(const void *indices, size_t i, bool wide)
{
    return wide ? ((const int64_t *)indices)[i] : ((const int32_t *)indices)[i];
}

static bool
check_known(const CrOpSetup *setup, int64_t dim, GError **error)
{
    const ConvRnnTensor *indices = setup->value[1];

    for (size_t i = 0; indices && i < indices->n_elements; i++) {
        int64_t index = index_at(indices->data, i, indices->dtype == CONVRNN_DTYPE_INT64);
        if (index < -dim || index >= dim)
            return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                               "index %" G_GINT64_FORMAT " lies outside a dimension of "
                               "%" G_GINT64_FORMAT,
                               (gint64)index, (gint64)dim);
    }
    return true;
}

static bool
infer_gather(CrOpSetup *setup, GError **error)
{
    const CrDesc *x = &setup->in[0], *indices = &setup->in[1];
    int64_t dims[2 * CONVRNN_MAX_RANK];
    int axis, n = 0;

    if (!cr_op_axis(setup, cr_node_int(setup->node, "axis", 0), x->n_dims, &axis, error))
        return false;
    if (indices->dtype != CONVRNN_DTYPE_INT32 &&
        !cr_op_want_dtype(setup, 1, CONVRNN_DTYPE_INT64, error))
        return false;
    if (!check_known(setup, x->dims[axis], error))
        return false;
    for (int i = 0; i < axis; i++)
        dims[n++] = x->dims[i];
    for (int i = 0; i < indices->n_dims; i++)
        dims[n++] = indices->dims[i];
    for (int i = axis + 1; i < x->n_dims; i++)
        dims[n++] = x->dims[i];
    if (!cr_op_set_out(setup, 0, x->dtype, dims, n, error))
        return false;
    if (x->dims[axis] == 0 && cr_desc_elements(&setup->out[0]) > 0)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "there is nothing to gather from a dimension of 0");
    return true;
}

static void
run_gather(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const GatherParams *p = step->params;
    size_t begin, end;

    cr_tile_range(p->rows, p->per_tile, tile, &begin, &end);
    for (size_t row = begin; row < end; row++) {
        size_t outer = row / p->n;
        int64_t index = index_at(io[1], row % p->n, p->wide);
        index = CLAMP(index < 0 ? index + p->dim : index, 0, p->dim - 1);
        memcpy((char *)io[2] + row * p->row,
               (const char *)io[0] + (outer * (size_t)p->dim + (size_t)index) * p->row, p->row);
    }
}

static bool
prepare_gather(CrOpSetup *setup, CrStep *step, GError **error)
{
    const CrDesc *x = &setup->in[0];
    GatherParams *p = cr_op_params(setup, step, GatherParams, error);
    size_t inner = 1;
    int axis;

    if (!p || !cr_op_axis(setup, cr_node_int(setup->node, "axis", 0), x->n_dims, &axis, error))
        return false;
    for (int i = axis + 1; i < x->n_dims; i++)
        inner *= (size_t)x->dims[i];
    p->dim = x->dims[axis];
    p->n = cr_desc_elements(&setup->in[1]);
    p->row = inner * convrnn_dtype_get_size(x->dtype);
    p->rows = inner ? cr_desc_elements(&setup->out[0]) / inner : 0;
    p->per_tile = MAX(CR_TILE_ELEMENTS / MAX(inner, 1), 1);
    p->wide = setup->in[1].dtype == CONVRNN_DTYPE_INT64;
    step->run = run_gather;
    step->n_tiles = cr_tile_count(p->rows, p->per_tile);
    step->kernel = "plain";
    return true;
}

static const CrAttrSpec gather_attrs[] = {{"axis", CR_ATTR_INT}, {NULL, CR_ATTR_INT}};

const CrOp cr_op_gather = {
    .name = "Gather",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .attrs = gather_attrs,
    .infer = infer_gather,
    .prepare = prepare_gather,
};
