/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Clip (onnx.ai/onnx/operators/onnx__Clip.html): y = min(max(x, low), high). Either bound may be
 * left out; they are scalars that are read at each step. NaN stays NaN. */
#include "kernels/kernels.h"
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/types.h"
#include "ops/walk.h"
#include <math.h>

typedef void (*ClipRun)(const CrKernels *kernels, void *dst, const void *x, const void *low,
                        const void *high, size_t n);

#define RUN(NAME, T, clip)                                                                         \
    static void clip##_##NAME(const CrKernels *kernels, void *dst, const void *src,                \
                              const void *low, const void *high, size_t n)                         \
    {                                                                                              \
        const T *s = src;                                                                          \
        T *d = dst;                                                                                \
        for (size_t i = 0; i < n; i++) {                                                           \
            T x = s[i];                                                                            \
            x = low && x < *(const T *)low ? *(const T *)low : x;                                  \
            d[i] = high && x > *(const T *)high ? *(const T *)high : x;                            \
        }                                                                                          \
    }
CR_INT_TYPES(RUN, clip)
RUN(FLOAT64, double, clip)

static void
clip_FLOAT32(const CrKernels *kernels, void *dst, const void *src, const void *low,
             const void *high, size_t n)
{
    kernels->unary[CR_UNARY_CLIP](dst, src, n, low ? *(const float *)low : -INFINITY,
                                  high ? *(const float *)high : INFINITY);
}

static const ClipRun clips[CR_N_DTYPES] = {CR_NUMBER_TYPES(CR_TYPE_ENTRY, clip)};

typedef struct {
    ClipRun run;
    const CrKernels *kernels;
    size_t size, total;
    int n_in;
} ClipParams;

static bool
infer_clip(CrOpSetup *setup, GError **error)
{
    if (!clips[setup->in[0].dtype])
        return cr_op_bad_dtype(setup, 0, error);
    for (int i = 1; i < 3; i++) {
        if (!cr_op_has_input(setup, i))
            continue;
        if (!cr_op_same_dtype(setup, 0, i, error))
            return false;
        if (cr_desc_elements(&setup->in[i]) != 1)
            return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                               "input %d, a bound, has %" G_GSIZE_FORMAT " elements, expected 1", i,
                               cr_desc_elements(&setup->in[i]));
    }
    return cr_op_like_input(setup, error);
}

static void
run_clip(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const ClipParams *p = step->params;
    size_t begin, end;

    cr_tile_range(p->total, CR_TILE_ELEMENTS, tile, &begin, &end);
    p->run(p->kernels, (char *)io[p->n_in] + begin * p->size, (const char *)io[0] + begin * p->size,
           p->n_in > 1 ? io[1] : NULL, p->n_in > 2 ? io[2] : NULL, end - begin);
}

static bool
prepare_clip(CrOpSetup *setup, CrStep *step, GError **error)
{
    ClipParams *p = cr_op_params(setup, step, ClipParams, error);

    if (!p)
        return false;
    p->run = clips[setup->in[0].dtype];
    p->kernels = setup->kernels;
    p->size = convrnn_dtype_get_size(setup->in[0].dtype);
    p->total = cr_desc_elements(&setup->in[0]);
    p->n_in = setup->n_in;
    step->run = run_clip;
    step->n_tiles = cr_tile_count(p->total, CR_TILE_ELEMENTS);
    step->kernel = p->run == clip_FLOAT32 ? setup->kernels->name : "plain";
    return true;
}

const CrOp cr_op_clip = {
    .name = "Clip",
    .min_in = 1,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .attrs = cr_op_no_attrs,
    .infer = infer_clip,
    .prepare = prepare_clip,
};
