/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shape and Size (onnx.ai/onnx/operators): what is known of a tensor without looking at it. */
#include "ops/ops.h"
#include "ops/setup.h"
#include <string.h>

typedef struct {
    int n;
    int64_t values[CONVRNN_MAX_RANK];
} ShapeParams;

/* start and end count from the back when negative, and are cut to [0, rank]. */
static int
slice_bound(int64_t bound, int rank)
{
    if (bound < 0)
        bound = bound < -rank ? 0 : bound + rank;
    return (int)MIN(bound, rank);
}

static void
slice_of(const CrOpSetup *setup, int *start, int *end)
{
    int rank = setup->in[0].n_dims;
    *start = slice_bound(cr_node_int(setup->node, "start", 0), rank);
    *end = MAX(slice_bound(cr_node_int(setup->node, "end", rank), rank), *start);
}

static bool
infer_shape(CrOpSetup *setup, GError **error)
{
    int start, end;
    slice_of(setup, &start, &end);
    return cr_op_set_out(setup, 0, CONVRNN_DTYPE_INT64, &(int64_t){end - start}, 1, error);
}

static bool
infer_size(CrOpSetup *setup, GError **error)
{
    return cr_op_set_out(setup, 0, CONVRNN_DTYPE_INT64, NULL, 0, error);
}

static void
run_shape(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const ShapeParams *p = step->params;
    memcpy(io[1], p->values, (size_t)p->n * sizeof(int64_t));
}

static ShapeParams *
prepare(CrOpSetup *setup, CrStep *step, GError **error)
{
    step->run = run_shape;
    step->n_tiles = 1;
    step->kernel = "plain";
    return cr_op_params(setup, step, ShapeParams, error);
}

static bool
prepare_shape(CrOpSetup *setup, CrStep *step, GError **error)
{
    ShapeParams *p = prepare(setup, step, error);
    int start, end;

    if (!p)
        return false;
    slice_of(setup, &start, &end);
    p->n = end - start;
    for (int i = 0; i < p->n; i++)
        p->values[i] = setup->in[0].dims[start + i];
    return true;
}

static bool
prepare_size(CrOpSetup *setup, CrStep *step, GError **error)
{
    ShapeParams *p = prepare(setup, step, error);

    if (!p)
        return false;
    p->n = 1;
    p->values[0] = (int64_t)cr_desc_elements(&setup->in[0]);
    return true;
}

static const CrAttrSpec shape_attrs[] = {
    {"start", CR_ATTR_INT}, {"end", CR_ATTR_INT}, {NULL, CR_ATTR_INT}};

const CrOp cr_op_shape = {
    .name = "Shape",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .flags = CR_OP_SHAPE_ONLY,
    .attrs = shape_attrs,
    .infer = infer_shape,
    .prepare = prepare_shape,
};

const CrOp cr_op_size = {
    .name = "Size",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .flags = CR_OP_SHAPE_ONLY,
    .attrs = cr_op_no_attrs,
    .infer = infer_size,
    .prepare = prepare_size,
};
