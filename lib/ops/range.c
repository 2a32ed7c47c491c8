/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Range (onnx.ai/onnx/operators/onnx__Range.html): start, start + delta, … below limit (above it
 * when delta is negative). All three must be known: they decide the shape. */
#include "ops/convert.h"
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/types.h"
#include "ops/walk.h"
#include <math.h>

typedef void (*RangeRun)(void *dst, const void *start, const void *delta, size_t begin, size_t n);

#define RUN(NAME, T, op, WIDE)                                                                     \
    static void op##_##NAME(void *dst, const void *start, const void *delta, size_t begin,         \
                            size_t n)                                                              \
    {                                                                                              \
        T *d = dst;                                                                                \
        WIDE s = (WIDE) * (const T *)start, step = (WIDE) * (const T *)delta;                      \
        for (size_t i = 0; i < n; i++)                                                             \
            d[i] = (T)(s + (WIDE)(begin + i) * step);                                              \
    }
CR_FLOAT_TYPES(RUN, range, double)
CR_SIGNED_TYPES(RUN, range, uint64_t)

static const RangeRun runs[CR_N_DTYPES] = {CR_FLOAT_TYPES(CR_TYPE_ENTRY, range)
                                               CR_SIGNED_TYPES(CR_TYPE_ENTRY, range)};

typedef struct {
    RangeRun run;
    size_t size, total;
} RangeParams;

static double
known_number(const ConvRnnTensor *tensor)
{
    CrConvert convert;
    double value;

    cr_convert_init(&convert, tensor->dtype, CONVRNN_DTYPE_FLOAT64);
    cr_convert_run(&convert, &value, tensor->data, 1, 1);
    return value;
}

static bool
infer_range(CrOpSetup *setup, GError **error)
{
    double bounds[3], count;

    if (!runs[setup->in[0].dtype])
        return cr_op_bad_dtype(setup, 0, error);
    for (int i = 0; i < 3; i++) {
        if (!cr_op_same_dtype(setup, 0, i, error))
            return false;
        if (!setup->value[i])
            return cr_op_needs_constant(setup, i, error);
        if (setup->value[i]->n_elements != 1)
            return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                               "input %d has %" G_GSIZE_FORMAT " elements, expected 1", i,
                               setup->value[i]->n_elements);
        bounds[i] = known_number(setup->value[i]);
    }
    count = ceil((bounds[1] - bounds[0]) / bounds[2]);
    if (bounds[2] == 0 || count != count)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error, "from %g to %g by %g is not a range",
                           bounds[0], bounds[1], bounds[2]);
    return cr_op_set_out(setup, 0, setup->in[0].dtype,
                         &(int64_t){(int64_t)CLAMP(count, 0, 2.0 * CR_MAX_DIM)}, 1, error);
}

static void
run_range(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const RangeParams *p = step->params;
    size_t begin, end;

    cr_tile_range(p->total, CR_TILE_ELEMENTS, tile, &begin, &end);
    p->run((char *)io[3] + begin * p->size, io[0], io[2], begin, end - begin);
}

static bool
prepare_range(CrOpSetup *setup, CrStep *step, GError **error)
{
    RangeParams *p = cr_op_params(setup, step, RangeParams, error);

    if (!p)
        return false;
    p->run = runs[setup->in[0].dtype];
    p->size = convrnn_dtype_get_size(setup->in[0].dtype);
    p->total = cr_desc_elements(&setup->out[0]);
    step->run = run_range;
    step->n_tiles = cr_tile_count(p->total, CR_TILE_ELEMENTS);
    step->kernel = "plain";
    return true;
}

const CrOp cr_op_range = {
    .name = "Range",
    .min_in = 3,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .attrs = cr_op_no_attrs,
    .infer = infer_range,
    .prepare = prepare_range,
};
