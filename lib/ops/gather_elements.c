/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GatherElements (onnx.ai/onnx/operators/onnx__GatherElements.html): y has the shape of indices and
 *     y[i][j][k] = x[i][indices[i][j][k]][k]     (for axis 1)
 * A negative index counts from the end; one that lies outside takes the nearest that exists. */
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/walk.h"
#include <string.h>

typedef struct {
    CrWalk walk;         /* over y; x's strides, 0 along the axis */
    int64_t dim, stride; /* of x along the axis */
    size_t size;         /* bytes of an element */
    bool wide;           /* int64 */
} GatherElements;

static bool
infer_gather_elements(CrOpSetup *setup, GError **error)
{
    const CrDesc *x = &setup->in[0], *indices = &setup->in[1];
    bool fits = x->n_dims == indices->n_dims;
    int axis;

    if (!cr_op_axis(setup, cr_node_int(setup->node, "axis", 0), x->n_dims, &axis, error))
        return false;
    if (indices->dtype != CONVRNN_DTYPE_INT32 &&
        !cr_op_want_dtype(setup, 1, CONVRNN_DTYPE_INT64, error))
        return false;
    for (int i = 0; i < x->n_dims && fits; i++)
        fits = i == axis || indices->dims[i] <= x->dims[i];
    if (!fits)
        return cr_op_bad_shapes(setup, 0, 1, error);
    if (!cr_op_set_out(setup, 0, x->dtype, indices->dims, indices->n_dims, error))
        return false;
    if (x->dims[axis] == 0 && cr_desc_elements(indices) > 0)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "there is nothing to gather from a dimension of 0");
    return true;
}

static void
run_gather_elements(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const GatherElements *p = step->params;
    int64_t along = cr_walk_step(&p->walk, 0);
    size_t begin, end;
    CrWalker w;

    cr_tile_range(p->walk.total, CR_TILE_ELEMENTS, tile, &begin, &end);
    cr_walker_init(&w, &p->walk, begin, end);
    while (cr_walker_next(&w)) {
        for (size_t i = 0; i < w.n; i++) {
            size_t at = w.out + i;
            int64_t index = p->wide ? ((const int64_t *)io[1])[at] : ((const int32_t *)io[1])[at];
            index = CLAMP(index < 0 ? index + p->dim : index, 0, p->dim - 1);
            int64_t from = w.offset[0] + (int64_t)i * along + index * p->stride;
            memcpy((char *)io[2] + at * p->size, (const char *)io[0] + (size_t)from * p->size,
                   p->size);
        }
    }
}

static bool
prepare_gather_elements(CrOpSetup *setup, CrStep *step, GError **error)
{
    const CrDesc *x = &setup->in[0];
    int64_t strides[CONVRNN_MAX_RANK];
    GatherElements *p = cr_op_params(setup, step, GatherElements, error);
    int axis;

    if (!p || !cr_op_axis(setup, cr_node_int(setup->node, "axis", 0), x->n_dims, &axis, error))
        return false;
    cr_strides(x, strides);
    p->dim = x->dims[axis];
    p->stride = strides[axis];
    strides[axis] = 0;
    cr_walk_init(&p->walk, 1);
    for (int i = 0; i < x->n_dims; i++)
        cr_walk_add(&p->walk, setup->out[0].dims[i], &strides[i]);
    cr_walk_finish(&p->walk);
    p->size = convrnn_dtype_get_size(x->dtype);
    p->wide = setup->in[1].dtype == CONVRNN_DTYPE_INT64;
    step->run = run_gather_elements;
    step->n_tiles = cr_tile_count(p->walk.total, CR_TILE_ELEMENTS);
    step->kernel = "plain";
    return true;
}

static const CrAttrSpec gather_elements_attrs[] = {{"axis", CR_ATTR_INT}, {NULL, CR_ATTR_INT}};

const CrOp cr_op_gather_elements = {
    .name = "GatherElements",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .attrs = gather_elements_attrs,
    .infer = infer_gather_elements,
    .prepare = prepare_gather_elements,
};
