/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Softmax and LogSoftmax (onnx.ai/onnx/operators), along one axis as from opset 13:
 *     y = exp(x − max) / Σ exp(x − max),   log: y = x − max − log Σ exp(x − max)
 * on a tensor seen as [outer][n][inner]. */
#include "kernels/kernels.h"
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/types.h"
#include "ops/walk.h"
#include <math.h>

#define COLUMNS 1024 /* inner elements, or elements of rows, that are treated together */
#define FEW     16   /* of a row */

typedef struct {
    const CrKernels *kernels;
    size_t n, inner;
    size_t units, per_tile; /* rows; or groups of COLUMNS inner elements of an outer index */
    size_t groups;          /* of columns per outer index */
    bool log;
} SoftmaxParams;

static bool
infer_softmax(CrOpSetup *setup, GError **error)
{
    const CrDesc *in = &setup->in[0];
    int axis;

    if (in->dtype != CONVRNN_DTYPE_FLOAT32 && in->dtype != CONVRNN_DTYPE_FLOAT64)
        return cr_op_bad_dtype(setup, 0, error);
    return cr_op_axis(setup, cr_node_int(setup->node, "axis", -1), in->n_dims, &axis, error) &&
           cr_op_like_input(setup, error);
}

/* One vector of n elements, `step` apart, in double. */
#define RUN_VECTOR(NAME, T, op)                                                                    \
    static void op##_##NAME(T *y, const T *x, size_t n, size_t step, bool log_of)                  \
    {                                                                                              \
        double max = -INFINITY, sum = 0;                                                           \
        for (size_t k = 0; k < n; k++)                                                             \
            max = x[k * step] > max ? (double)x[k * step] : max;                                   \
        for (size_t k = 0; k < n; k++)                                                             \
            sum += exp((double)x[k * step] - max);                                                 \
        for (size_t k = 0; k < n; k++) {                                                           \
            double d = (double)x[k * step] - max;                                                  \
            y[k * step] = (T)(log_of ? d - log(sum) : exp(d) / sum);                               \
        }                                                                                          \
    }                                                                                              \
    static void run_##op##_##NAME(const CrStep *step, void *const *io, int tile, void *scratch)    \
    {                                                                                              \
        const SoftmaxParams *p = step->params;                                                     \
        size_t begin, end;                                                                         \
        cr_tile_range(p->units, p->per_tile, tile, &begin, &end);                                  \
        for (size_t unit = begin; unit < end; unit++) {                                            \
            size_t at = unit / p->inner * p->n * p->inner + unit % p->inner;                       \
            op##_##NAME((T *)io[1] + at, (const T *)io[0] + at, p->n, p->inner, p->log);           \
        }                                                                                          \
    }
CR_FLOAT_TYPES(RUN_VECTOR, vector)

/* y = x·factor + shift. A call of a kernel costs more than a few numbers do; the bits are the same.
 */
static void
scale(const SoftmaxParams *p, float *y, const float *x, float factor, float shift)
{
    if (p->n > FEW)
        p->kernels->unary[CR_UNARY_AFFINE](y, x, p->n, factor, shift);
    else
        for (size_t k = 0; k < p->n; k++)
            y[k] = x[k] * factor + shift;
}

/* float32 along the innermost axis: some rows at once. */
static void
run_rows(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const SoftmaxParams *p = step->params;
    const size_t n = p->n, at_once = MAX(COLUMNS / n, 1);
    size_t begin, end;

    cr_tile_range(p->units, p->per_tile, tile, &begin, &end);
    for (size_t rows; begin < end; begin += rows) {
        rows = MIN(at_once, end - begin);
        const float *x = (const float *)io[0] + begin * n;
        float *y = (float *)io[1] + begin * n;
        for (size_t at = 0; at < rows * n; at += n) {
            float max = -INFINITY;
            for (size_t k = 0; k < n; k++)
                max = x[at + k] > max ? x[at + k] : max;
            scale(p, y + at, x + at, 1, -max);
        }
        p->kernels->unary[CR_UNARY_EXP](y, y, rows * n, 0, 0);
        for (size_t at = 0; at < rows * n; at += n) {
            double sum = 0;
            for (size_t k = 0; k < n; k++)
                sum += (double)y[at + k];
            scale(p, y + at, y + at, (float)(1 / sum), 0);
        }
    }
}

/* float32 along another axis: a group of inner columns at once, row by row. */
static void
run_columns(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const SoftmaxParams *p = step->params;
    const CrBinaryFn *binary = p->kernels->binary;
    size_t first = (size_t)tile % p->groups * COLUMNS, columns = MIN(p->inner - first, COLUMNS);
    size_t at = (size_t)tile / p->groups * p->n * p->inner + first;
    const float *x = (const float *)io[0] + at;
    float *y = (float *)io[1] + at, *max = scratch, *sum = max + COLUMNS;

    for (size_t j = 0; j < columns; j++) {
        max[j] = x[j];
        sum[j] = 0;
    }
    for (size_t k = 1; k < p->n; k++)
        binary[CR_BINARY_MAX](max, max, x + k * p->inner, columns);
    for (size_t k = 0; k < p->n; k++) {
        float *row = y + k * p->inner;
        binary[CR_BINARY_SUB](row, x + k * p->inner, max, columns);
        p->kernels->unary[CR_UNARY_EXP](row, row, columns, 0, 0);
        binary[CR_BINARY_ADD](sum, sum, row, columns);
    }
    for (size_t k = 0; k < p->n; k++)
        binary[CR_BINARY_DIV](y + k * p->inner, y + k * p->inner, sum, columns);
}

static bool
prepare(CrOpSetup *setup, CrStep *step, bool log_of, GError **error)
{
    const CrDesc *in = &setup->in[0];
    bool f32 = in->dtype == CONVRNN_DTYPE_FLOAT32;
    SoftmaxParams *p = cr_op_params(setup, step, SoftmaxParams, error);
    int axis;

    if (!p || !cr_op_axis(setup, cr_node_int(setup->node, "axis", -1), in->n_dims, &axis, error))
        return false;
    p->kernels = setup->kernels;
    p->log = log_of;
    p->n = (size_t)in->dims[axis];
    p->inner = 1;
    for (int i = axis + 1; i < in->n_dims; i++)
        p->inner *= (size_t)in->dims[i];
    p->units = cr_desc_elements(in) / MAX(p->n, 1);
    p->per_tile = MAX(CR_TILE_ELEMENTS / MAX(p->n, 1), 1);
    step->n_tiles = p->n ? cr_tile_count(p->units, p->per_tile) : 0;
    step->kernel = f32 && !log_of ? setup->kernels->name : "plain";
    if (!f32) {
        step->run = run_vector_FLOAT64;
    } else if (log_of) {
        step->run = run_vector_FLOAT32;
    } else if (p->inner == 1) {
        step->run = run_rows;
    } else {
        step->run = run_columns;
        p->groups = (p->inner + COLUMNS - 1) / COLUMNS;
        step->n_tiles = p->units ? (int)(p->units / p->inner * p->groups) : 0;
        step->scratch = 2 * COLUMNS * sizeof(float);
    }
    return true;
}

static bool
prepare_softmax(CrOpSetup *setup, CrStep *step, GError **error)
{
    return prepare(setup, step, false, error);
}

static bool
prepare_log_softmax(CrOpSetup *setup, CrStep *step, GError **error)
{
    return prepare(setup, step, true, error);
}

static const CrAttrSpec softmax_attrs[] = {{"axis", CR_ATTR_INT}, {NULL, CR_ATTR_INT}};

const CrOp cr_op_softmax = {
    .name = "Softmax",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .attrs = softmax_attrs,
    .infer = infer_softmax,
    .prepare = prepare_softmax,
};

const CrOp cr_op_log_softmax = {
    .name = "LogSoftmax",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .attrs = softmax_attrs,
    .infer = infer_softmax,
    .prepare = prepare_log_softmax,
};
