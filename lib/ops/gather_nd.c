/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GatherND (onnx.ai/onnx/operators/onnx__GatherND.html): the last dimension of indices holds
 * coordinates in x, after the batch_dims leading dimensions that both share; each picks a slice,
 *     y[batch, i…] = x[batch, indices[batch, i…, 0], indices[batch, i…, 1], …]
 * A negative coordinate counts from the end; one that lies outside takes the nearest that exists.
 */
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/walk.h"
#include <string.h>

typedef struct {
    int depth;                     /* coordinates of one slice */
    int64_t dim[CONVRNN_MAX_RANK]; /* of x, for each coordinate */
    size_t step[CONVRNN_MAX_RANK]; /* bytes */
    size_t per_batch;              /* slices of one batch */
    size_t batch, slice;           /* bytes of x */
    size_t rows, per_tile;         /* slices of y */
} GatherNd;

/* The shape rule. *batch_dims: leading dimensions that both inputs share. */
static bool
check_shapes(const CrOpSetup *setup, int *batch_dims, GError **error)
{
    const CrDesc *x = &setup->in[0], *indices = &setup->in[1];
    int64_t batch = cr_node_int(setup->node, "batch_dims", 0);
    bool fits;

    if (!cr_op_want_dtype(setup, 1, CONVRNN_DTYPE_INT64, error))
        return false;
    if (batch < 0 || batch >= x->n_dims || batch >= indices->n_dims)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "batch_dims is %" G_GINT64_FORMAT
                           ", must be less than the ranks of the inputs, %d and %d",
                           batch, x->n_dims, indices->n_dims);
    *batch_dims = (int)batch;
    fits = indices->dims[indices->n_dims - 1] >= 1 &&
           indices->dims[indices->n_dims - 1] <= x->n_dims - batch;
    for (int i = 0; i < *batch_dims; i++)
        fits = fits && x->dims[i] == indices->dims[i];
    return fits || cr_op_bad_shapes(setup, 0, 1, error);
}

static bool
infer_gather_nd(CrOpSetup *setup, GError **error)
{
    const CrDesc *x = &setup->in[0], *indices = &setup->in[1];
    int64_t dims[2 * CONVRNN_MAX_RANK];
    int batch_dims, n = 0;

    if (!check_shapes(setup, &batch_dims, error))
        return false;
    int first = batch_dims + (int)indices->dims[indices->n_dims - 1];
    for (int i = 0; i < indices->n_dims - 1; i++)
        dims[n++] = indices->dims[i];
    for (int i = first; i < x->n_dims; i++)
        dims[n++] = x->dims[i];
    if (!cr_op_set_out(setup, 0, x->dtype, dims, n, error))
        return false;
    for (int i = batch_dims; i < first; i++)
        if (x->dims[i] == 0 && cr_desc_elements(&setup->out[0]) > 0)
            return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                               "there is nothing to gather from a dimension of 0");
    return true;
}

static void
run_gather_nd(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const GatherNd *p = step->params;
    size_t begin, end;

    cr_tile_range(p->rows, p->per_tile, tile, &begin, &end);
    for (size_t row = begin; row < end; row++) {
        const int64_t *at = (const int64_t *)io[1] + row * (size_t)p->depth;
        const char *x = (const char *)io[0] + row / p->per_batch * p->batch;
        for (int i = 0; i < p->depth; i++) {
            int64_t index = at[i] < 0 ? at[i] + p->dim[i] : at[i];
            x += (size_t)CLAMP(index, 0, p->dim[i] - 1) * p->step[i];
        }
        memcpy((char *)io[2] + row * p->slice, x, p->slice);
    }
}

static bool
prepare_gather_nd(CrOpSetup *setup, CrStep *step, GError **error)
{
    const CrDesc *x = &setup->in[0], *indices = &setup->in[1];
    GatherNd *p = cr_op_params(setup, step, GatherNd, error);
    size_t bytes = convrnn_dtype_get_size(x->dtype);
    int batch_dims;

    if (!p || !check_shapes(setup, &batch_dims, error))
        return false;
    p->depth = (int)indices->dims[indices->n_dims - 1];
    for (int i = x->n_dims - 1; i >= batch_dims; i--) {
        int coordinate = i - batch_dims;
        if (coordinate == p->depth - 1)
            p->slice = bytes;
        if (coordinate < p->depth) {
            p->dim[coordinate] = x->dims[i];
            p->step[coordinate] = bytes;
        }
        bytes *= (size_t)x->dims[i];
    }
    p->batch = bytes;
    p->per_batch = 1;
    for (int i = batch_dims; i < indices->n_dims - 1; i++)
        p->per_batch *= (size_t)indices->dims[i];
    if (cr_desc_elements(&setup->out[0]) > 0)
        p->rows = cr_desc_elements(indices) / (size_t)p->depth;
    p->per_tile = MAX(CR_TILE_ELEMENTS / MAX(p->slice, 1), 64);
    step->run = run_gather_nd;
    step->n_tiles = cr_tile_count(p->rows, p->per_tile);
    step->kernel = "plain";
    return true;
}

static const CrAttrSpec gather_nd_attrs[] = {{"batch_dims", CR_ATTR_INT}, {NULL, CR_ATTR_INT}};

const CrOp cr_op_gather_nd = {
    .name = "GatherND",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .attrs = gather_nd_attrs,
    .infer = infer_gather_nd,
    .prepare = prepare_gather_nd,
};
