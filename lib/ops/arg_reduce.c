/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ArgMax and ArgMin (onnx.ai/onnx/operators/onnx__ArgMax.html): the index of the largest or
 * smallest element along an axis; of equal ones the first, or the last with select_last_index. A
 * NaN is what is looked for, as in NumPy.
 *
 * Hardmax (onnx__Hardmax.html): 1 where ArgMax finds it, 0 elsewhere. */
#include "ops/lines.h"
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/types.h"
#include <math.h>

/* Index of the winner among n ≥ 1 elements, `stride` apart. */
typedef int64_t (*ArgFn)(const void *x, size_t n, size_t stride, bool last);

#define FIND(NAME, T, op, BEATS)                                                                   \
    static int64_t op##_##NAME(const void *src, size_t n, size_t stride, bool last)                \
    {                                                                                              \
        const T *x = src;                                                                          \
        T best = x[0];                                                                             \
        size_t at = 0;                                                                             \
        for (size_t i = 1; i < n; i++) {                                                           \
            T v = x[i * stride];                                                                   \
            bool nan = isnan((double)v), found_nan = isnan((double)best);                          \
            if ((v BEATS best && !found_nan) || (nan && (last || !found_nan)) ||                   \
                (last && v == best)) {                                                             \
                best = v;                                                                          \
                at = i;                                                                            \
            }                                                                                      \
        }                                                                                          \
        return (int64_t)at;                                                                        \
    }
CR_NUMBER_TYPES(FIND, arg_max, >)
CR_NUMBER_TYPES(FIND, arg_min, <)

static const ArgFn arg_max[CR_N_DTYPES] = {CR_NUMBER_TYPES(CR_TYPE_ENTRY, arg_max)};
static const ArgFn arg_min[CR_N_DTYPES] = {CR_NUMBER_TYPES(CR_TYPE_ENTRY, arg_min)};

typedef struct {
    ArgFn find;
    CrLines lines;
    size_t size; /* bytes of an element */
    bool last;
} ArgParams;

static bool
infer_arg(CrOpSetup *setup, GError **error)
{
    const CrDesc *in = &setup->in[0];
    bool keep = cr_node_int(setup->node, "keepdims", 1) != 0;
    int64_t dims[CONVRNN_MAX_RANK];
    int axis, n = 0;

    if (!arg_max[in->dtype])
        return cr_op_bad_dtype(setup, 0, error);
    if (!cr_op_axis(setup, cr_node_int(setup->node, "axis", 0), in->n_dims, &axis, error))
        return false;
    if (in->dims[axis] == 0)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "axis %d is empty: there is nothing to choose from", axis);
    for (int i = 0; i < in->n_dims; i++)
        if (i != axis || keep)
            dims[n++] = i == axis ? 1 : in->dims[i];
    return cr_op_set_out(setup, 0, CONVRNN_DTYPE_INT64, dims, n, error);
}

static void
run_arg(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const ArgParams *p = step->params;
    int64_t *y = io[step->n_in];
    size_t begin, end;

    cr_tile_range(p->lines.count, p->lines.per_tile, tile, &begin, &end);
    for (size_t line = begin; line < end; line++) {
        size_t at = cr_lines_at(&p->lines, line, p->lines.n);
        y[line] = p->find((const char *)io[0] + at * p->size, p->lines.n, p->lines.stride, p->last);
    }
}

static bool
prepare_arg(CrOpSetup *setup, const ArgFn *finders, CrStep *step, GError **error)
{
    const CrDesc *in = &setup->in[0];
    ArgParams *p = cr_op_params(setup, step, ArgParams, error);
    int axis;

    if (!p || !cr_op_axis(setup, cr_node_int(setup->node, "axis", 0), in->n_dims, &axis, error))
        return false;
    p->find = finders[in->dtype];
    p->lines = cr_lines(in, axis);
    p->size = convrnn_dtype_get_size(in->dtype);
    p->last = cr_node_int(setup->node, "select_last_index", 0) != 0;
    step->run = run_arg;
    step->n_tiles = cr_tile_count(p->lines.count, p->lines.per_tile);
    step->kernel = "plain";
    return true;
}

static bool
prepare_arg_max(CrOpSetup *setup, CrStep *step, GError **error)
{
    return prepare_arg(setup, arg_max, step, error);
}

static bool
prepare_arg_min(CrOpSetup *setup, CrStep *step, GError **error)
{
    return prepare_arg(setup, arg_min, step, error);
}

static bool
infer_hardmax(CrOpSetup *setup, GError **error)
{
    const CrDesc *in = &setup->in[0];
    int axis;

    if (in->dtype != CONVRNN_DTYPE_FLOAT32 && in->dtype != CONVRNN_DTYPE_FLOAT64)
        return cr_op_bad_dtype(setup, 0, error);
    return cr_op_axis(setup, cr_node_int(setup->node, "axis", -1), in->n_dims, &axis, error) &&
           cr_op_like_input(setup, error);
}

static void
run_hardmax(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const ArgParams *p = step->params;
    size_t begin, end;

    cr_tile_range(p->lines.count, p->lines.per_tile, tile, &begin, &end);
    for (size_t line = begin; line < end; line++) {
        size_t at = cr_lines_at(&p->lines, line, p->lines.n);
        size_t hot =
            (size_t)p->find((const char *)io[0] + at * p->size, p->lines.n, p->lines.stride, false);
        for (size_t i = 0; i < p->lines.n; i++, at += p->lines.stride) {
            if (p->size == sizeof(double))
                ((double *)io[1])[at] = i == hot;
            else
                ((float *)io[1])[at] = i == hot;
        }
    }
}

static bool
prepare_hardmax(CrOpSetup *setup, CrStep *step, GError **error)
{
    const CrDesc *in = &setup->in[0];
    ArgParams *p = cr_op_params(setup, step, ArgParams, error);
    int axis;

    if (!p || !cr_op_axis(setup, cr_node_int(setup->node, "axis", -1), in->n_dims, &axis, error))
        return false;
    p->find = arg_max[in->dtype];
    p->lines = cr_lines(in, axis);
    p->size = convrnn_dtype_get_size(in->dtype);
    step->run = run_hardmax;
    step->n_tiles = cr_tile_count(p->lines.count, p->lines.per_tile);
    step->kernel = "plain";
    return true;
}

static const CrAttrSpec arg_attrs[] = {{"axis", CR_ATTR_INT},
                                       {"keepdims", CR_ATTR_INT},
                                       {"select_last_index", CR_ATTR_INT},
                                       {NULL, CR_ATTR_INT}};

const CrOp cr_op_arg_max = {
    .name = "ArgMax",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .attrs = arg_attrs,
    .infer = infer_arg,
    .prepare = prepare_arg_max,
};

const CrOp cr_op_arg_min = {
    .name = "ArgMin",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .attrs = arg_attrs,
    .infer = infer_arg,
    .prepare = prepare_arg_min,
};

static const CrAttrSpec hardmax_attrs[] = {{"axis", CR_ATTR_INT}, {NULL, CR_ATTR_INT}};

const CrOp cr_op_hardmax = {
    .name = "Hardmax",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .attrs = hardmax_attrs,
    .infer = infer_hardmax,
    .prepare = prepare_hardmax,
};
