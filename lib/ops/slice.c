/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Slice (onnx.ai/onnx/operators/onnx__Slice.html): x[start:end:step] along each listed axis, as in
 * numpy; steps may be negative. */
#include "ops/copy.h"
#include "ops/ops.h"
#include "ops/setup.h"

typedef struct {
    int64_t start[CONVRNN_MAX_RANK], step[CONVRNN_MAX_RANK], count[CONVRNN_MAX_RANK];
} Ranges;

/* Bounds are cut to what exists, as Python does. */
static int64_t
bound(int64_t value, int64_t dim, int64_t low, int64_t high)
{
    if (value < 0)
        value += dim;
    return CLAMP(value, low, high);
}

static bool
set_range(const CrOpSetup *setup, Ranges *r, int axis, int64_t start, int64_t end, int64_t step,
          GError **error)
{
    int64_t dim = setup->in[0].dims[axis], span;

    if (step == 0)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error, "the step along axis %d is 0", axis);
    step = CLAMP(step, -(int64_t)CR_MAX_DIM - 1, (int64_t)CR_MAX_DIM + 1);
    if (step > 0) {
        start = bound(start, dim, 0, dim);
        span = bound(end, dim, 0, dim) - start;
        r->count[axis] = span > 0 ? (span + step - 1) / step : 0;
    } else {
        start = bound(start, dim, -1, dim - 1);
        span = start - bound(end, dim, -1, dim - 1);
        r->count[axis] = span > 0 ? (span - step - 1) / -step : 0;
    }
    r->start[axis] = r->count[axis] > 0 ? start : 0;
    r->step[axis] = step;
    return true;
}

/* The known lists of inputs 1 to 4: starts, ends, axes, steps. */
typedef struct {
    int64_t *v[4];
    int n[4];
} Lists;

static bool
read_lists(const CrOpSetup *setup, Lists *lists, GError **error)
{
    for (int i = 0; i < 4; i++) {
        if (i >= 2 && !cr_op_has_input(setup, i + 1))
            continue;
        if (!cr_op_ints(setup, i + 1, &lists->v[i], &lists->n[i], error))
            return false;
        if (lists->n[i] != lists->n[0])
            return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                               "inputs 1 and %d list %d and %d numbers: they must have the same "
                               "length",
                               i + 1, lists->n[0], lists->n[i]);
    }
    return true;
}

static bool
apply_lists(const CrOpSetup *setup, const Lists *lists, Ranges *r, GError **error)
{
    bool used[CONVRNN_MAX_RANK] = {false};
    int axis;

    for (int i = 0; i < lists->n[0]; i++) {
        if (!cr_op_axis(setup, lists->v[2] ? lists->v[2][i] : i, setup->in[0].n_dims, &axis, error))
            return false;
        if (used[axis])
            return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error, "axis %d is listed twice", axis);
        used[axis] = true;
        if (!set_range(setup, r, axis, lists->v[0][i], lists->v[1][i],
                       lists->v[3] ? lists->v[3][i] : 1, error))
            return false;
    }
    return true;
}

static bool
find_ranges(const CrOpSetup *setup, Ranges *r, GError **error)
{
    Lists lists = {0};
    bool ok;

    for (int i = 0; i < setup->in[0].n_dims; i++) {
        r->start[i] = 0;
        r->step[i] = 1;
        r->count[i] = setup->in[0].dims[i];
    }
    ok = read_lists(setup, &lists, error) && apply_lists(setup, &lists, r, error);
    for (int i = 0; i < 4; i++)
        g_free(lists.v[i]);
    return ok;
}

static bool
infer_slice(CrOpSetup *setup, GError **error)
{
    const CrDesc *in = &setup->in[0];
    Ranges r;

    return find_ranges(setup, &r, error) &&
           cr_op_set_out(setup, 0, in->dtype, r.count, in->n_dims, error);
}

static bool
prepare_slice(CrOpSetup *setup, CrStep *step, GError **error)
{
    int64_t strides[CONVRNN_MAX_RANK];
    CrCopy *copy = cr_copy_new(setup, step, error);
    Ranges r;

    if (!copy || !find_ranges(setup, &r, error))
        return false;
    cr_strides(&setup->in[0], strides);
    for (int i = 0; i < setup->in[0].n_dims; i++) {
        int64_t stride = strides[i] * r.step[i];
        copy->base += strides[i] * r.start[i];
        cr_walk_add(&copy->walk, r.count[i], &stride);
    }
    cr_copy_finish(copy, step);
    return true;
}

const CrOp cr_op_slice = {
    .name = "Slice",
    .min_in = 3,
    .max_in = 5,
    .min_out = 1,
    .max_out = 1,
    .attrs = cr_op_no_attrs,
    .infer = infer_slice,
    .prepare = prepare_slice,
};
