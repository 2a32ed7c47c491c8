/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pow (onnx.ai/onnx/operators/onnx__Pow.html): y = x ^ e with numpy broadcasting. The exponent may
 * be of another type than base and result.
 *
 * An integer base with a whole exponent is multiplied out and wraps; x ^ −n is 0 but for x = ±1. */
#include "kernels/kernels.h"
#include "ops/convert.h"
#include "ops/ops.h"
#include "ops/runs.h"
#include "ops/setup.h"
#include "ops/walk.h"
#include <math.h>

#define CHUNK 256

static uint64_t
power_of_int(uint64_t base, double exponent)
{
    uint64_t result = 1;

    if (exponent < 0) /* 1 / base^n, rounded towards 0 */
        result = base == 1 ? 1 : base == UINT64_MAX ? power_of_int(base, -exponent) : 0;
    else
        for (uint64_t n = exponent < 0x1p63 ? (uint64_t)exponent : 0; n > 0; n >>= 1) {
            if (n & 1)
                result *= base;
            base *= base;
        }
    return result;
}

/* A fraction in the exponent of an integer: in double, then cut off. */
static int64_t
power_of_fraction(double base, double exponent)
{
    double result = pow(base, exponent);
    return result != result ? 0 : (int64_t)CLAMP(result, -0x1p62, 0x1p62);
}

#define POWER(NAME, T, EXPR)                                                                       \
    static void power_##NAME(void *dst, const void *base, const double *e, ptrdiff_t step,         \
                             size_t n)                                                             \
    {                                                                                              \
        const T *b = base;                                                                         \
        T *d = dst;                                                                                \
        for (size_t i = 0; i < n; i++, b += step)                                                  \
            d[i] = (T)(EXPR);                                                                      \
    }
CR_FLOAT_TYPES(POWER, pow(*b, e[i]))
CR_INT_TYPES(POWER, e[i] == floor(e[i]) ? power_of_int((uint64_t)*b, e[i])
                                        : (uint64_t)power_of_fraction((double)*b, e[i]))

typedef void (*PowerRun)(void *dst, const void *base, const double *e, ptrdiff_t step, size_t n);

static const PowerRun powers[CR_N_DTYPES] = {CR_NUMBER_TYPES(CR_TYPE_ENTRY, power)};

typedef struct {
    PowerRun run;
    CrConvert exponent; /* to double */
    size_t size;
    CrWalk walk;
    CrBinaryFn mul; /* squares float32, else NULL */
} PowParams;

static bool
infer_pow(CrOpSetup *setup, GError **error)
{
    int64_t dims[CONVRNN_MAX_RANK];
    int n_dims;

    for (int i = 0; i < 2; i++)
        if (!powers[setup->in[i].dtype])
            return cr_op_bad_dtype(setup, i, error);
    if (!cr_broadcast(&setup->in[0], &setup->in[1], dims, &n_dims))
        return cr_op_bad_shapes(setup, 0, 1, error);
    return cr_op_set_out(setup, 0, setup->in[0].dtype, dims, n_dims, error);
}

static void
run_pow(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const PowParams *p = step->params;
    ptrdiff_t sa = cr_walk_step(&p->walk, 0), sb = cr_walk_step(&p->walk, 1);
    double exponents[CHUNK];
    size_t begin, end;
    CrWalker w;

    cr_tile_range(p->walk.total, CR_TILE_ELEMENTS, tile, &begin, &end);
    cr_walker_init(&w, &p->walk, begin, end);
    while (cr_walker_next(&w))
        for (size_t done = 0; done < w.n; done += CHUNK) {
            size_t n = MIN(w.n - done, CHUNK);
            int64_t a = w.offset[0] + (int64_t)done * sa, b = w.offset[1] + (int64_t)done * sb;
            cr_convert_run(&p->exponent, exponents,
                           (const char *)io[1] + b * (int64_t)p->exponent.src_size, sb, n);
            p->run((char *)io[2] + (w.out + done) * p->size,
                   (const char *)io[0] + a * (int64_t)p->size, exponents, sa, n);
        }
}

static void
run_square(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const PowParams *p = step->params;
    const float *x = io[0];
    size_t begin, end;

    cr_tile_range(p->walk.total, CR_TILE_ELEMENTS, tile, &begin, &end);
    p->mul((float *)io[2] + begin, x + begin, x + begin, end - begin);
}

/* x² of float32, which is what nearly every network asks Pow for. */
static bool
is_square(const CrOpSetup *setup)
{
    const ConvRnnTensor *e = setup->value[1];
    return e && e->n_elements == 1 && e->dtype == CONVRNN_DTYPE_FLOAT32 &&
           *(const float *)e->data == 2 && setup->in[0].dtype == CONVRNN_DTYPE_FLOAT32;
}

static bool
prepare_pow(CrOpSetup *setup, CrStep *step, GError **error)
{
    const CrDesc *in[] = {&setup->in[0], &setup->in[1]};
    PowParams *p = cr_op_params(setup, step, PowParams, error);

    if (!p)
        return false;
    p->run = powers[setup->in[0].dtype];
    p->size = convrnn_dtype_get_size(setup->in[0].dtype);
    cr_convert_init(&p->exponent, setup->in[1].dtype, CONVRNN_DTYPE_FLOAT64);
    cr_walk_broadcast(&p->walk, &setup->out[0], in, 2);
    p->mul = setup->kernels->binary[CR_BINARY_MUL];
    step->run = is_square(setup) ? run_square : run_pow;
    step->n_tiles = cr_tile_count(p->walk.total, CR_TILE_ELEMENTS);
    step->kernel = is_square(setup) ? setup->kernels->name : "plain";
    return true;
}

const CrOp cr_op_pow = {
    .name = "Pow",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .attrs = cr_op_no_attrs,
    .infer = infer_pow,
    .prepare = prepare_pow,
};
