/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CumSum (onnx.ai/onnx/operators/onnx__CumSum.html): y[i] = x[0] + … + x[i] along an axis, without
 * x[i] when exclusive, from the other end when reverse. Floats are summed in double; integers wrap
 * around. */
#include "ops/lines.h"
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/types.h"

/* n elements, `stride` apart (negative: backwards). */
typedef void (*SumFn)(void *y, const void *x, int64_t n, int64_t stride, bool exclusive);

#define SUM(NAME, T, S)                                                                            \
    static void sum_##NAME(void *dst, const void *src, int64_t n, int64_t stride, bool exclusive)  \
    {                                                                                              \
        const T *x = src;                                                                          \
        T *y = dst;                                                                                \
        S sum = 0;                                                                                 \
        for (int64_t i = 0; i < n; i++) {                                                          \
            S before = sum;                                                                        \
            sum += (S)x[i * stride];                                                               \
            y[i * stride] = (T)(exclusive ? before : sum);                                         \
        }                                                                                          \
    }
CR_FLOAT_TYPES(SUM, double)
CR_INT_TYPES(SUM, uint64_t)

static const SumFn sums[CR_N_DTYPES] = {CR_NUMBER_TYPES(CR_TYPE_ENTRY, sum)};

typedef struct {
    SumFn sum;
    CrLines lines;
    size_t size; /* bytes of an element */
    bool exclusive, reverse;
} CumSumParams;

static bool
find_axis(const CrOpSetup *setup, int *axis, GError **error)
{
    int64_t *values;
    int n;
    bool ok;

    if (!cr_op_ints(setup, 1, &values, &n, error))
        return false;
    ok = n == 1 ? cr_op_axis(setup, values[0], setup->in[0].n_dims, axis, error)
                : cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                              "input 1, the axis, has %d elements, expected 1", n);
    g_free(values);
    return ok;
}

static bool
infer_cum_sum(CrOpSetup *setup, GError **error)
{
    int axis;

    if (!sums[setup->in[0].dtype])
        return cr_op_bad_dtype(setup, 0, error);
    return find_axis(setup, &axis, error) && cr_op_like_input(setup, error);
}

static void
run_cum_sum(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const CumSumParams *p = step->params;
    size_t begin, end;

    cr_tile_range(p->lines.count, p->lines.per_tile, tile, &begin, &end);
    for (size_t line = begin; line < end; line++) {
        size_t at = cr_lines_at(&p->lines, line, p->lines.n);
        int64_t stride = (int64_t)p->lines.stride;
        if (p->reverse)
            at += (p->lines.n - 1) * p->lines.stride;
        p->sum((char *)io[2] + at * p->size, (const char *)io[0] + at * p->size,
               (int64_t)p->lines.n, p->reverse ? -stride : stride, p->exclusive);
    }
}

static bool
prepare_cum_sum(CrOpSetup *setup, CrStep *step, GError **error)
{
    const CrDesc *in = &setup->in[0];
    CumSumParams *p = cr_op_params(setup, step, CumSumParams, error);
    int axis;

    if (!p || !find_axis(setup, &axis, error))
        return false;
    p->sum = sums[in->dtype];
    p->lines = cr_lines(in, axis);
    p->size = convrnn_dtype_get_size(in->dtype);
    p->exclusive = cr_node_int(setup->node, "exclusive", 0) != 0;
    p->reverse = cr_node_int(setup->node, "reverse", 0) != 0;
    step->run = run_cum_sum;
    step->n_tiles = cr_tile_count(p->lines.count, p->lines.per_tile);
    step->kernel = "plain";
    return true;
}

static const CrAttrSpec cum_sum_attrs[] = {
    {"exclusive", CR_ATTR_INT}, {"reverse", CR_ATTR_INT}, {NULL, CR_ATTR_INT}};

const CrOp cr_op_cum_sum = {
    .name = "CumSum",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .attrs = cum_sum_attrs,
    .infer = infer_cum_sum,
    .prepare = prepare_cum_sum,
};
