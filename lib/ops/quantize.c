/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* QuantizeLinear and DequantizeLinear (onnx.ai/onnx/operators):
 *     q = saturate(round(x / scale) + zero point)     halves to even; a NaN gives the lowest number
 *     x = (q − zero point) · scale
 * with one scale and zero point for all, for each index of an axis, or for each block of
 * block_size along the axis. */
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/types.h"
#include "ops/walk.h"
#include <math.h>

/* n elements; scale and zero point advance by scale_step and zero_step elements. */
typedef void (*RowFn)(void *dst, const void *src, const float *scale, const void *zero,
                      size_t scale_step, size_t zero_step, size_t n);

/* Adding 1.5 · 2^23 leaves no bits for a fraction, so the sum is rounded as the processor does:
 * to nearest, halves to even. The numbers are cut to far less than 2^22 before. */
#define ROUND_ADD 12582912.0f

#define QUANTIZE(op, NAME, X, T, LOW, HIGH)                                                        \
    static void op##_##NAME(void *dst, const void *src, const float *scale, const void *zero,      \
                            size_t scale_step, size_t zero_step, size_t n)                         \
    {                                                                                              \
        const X *x = src;                                                                          \
        const T *z = zero;                                                                         \
        T *q = dst;                                                                                \
        for (size_t i = 0; i < n; i++, scale += scale_step, z += zero_step) {                      \
            float low = (float)(LOW) - (float)*z, high = (float)(HIGH) - (float)*z;                \
            float v = (float)x[i] / *scale;                                                        \
            v = v > low ? v : low;                                                                 \
            v = v < high ? v : high;                                                               \
            v = v + ROUND_ADD;                                                                     \
            q[i] = (T)((int32_t)(v - ROUND_ADD) + *z);                                             \
        }                                                                                          \
    }
#define QUANTIZE_FROM(op, X)                                                                       \
    QUANTIZE(op, UINT8, X, uint8_t, 0, UINT8_MAX)                                                  \
    QUANTIZE(op, INT8, X, int8_t, INT8_MIN, INT8_MAX)                                              \
    QUANTIZE(op, UINT16, X, uint16_t, 0, UINT16_MAX)                                               \
    QUANTIZE(op, INT16, X, int16_t, INT16_MIN, INT16_MAX)
QUANTIZE_FROM(quantize, float)
QUANTIZE_FROM(quantize_int32, int32_t)

#define DEQUANTIZE(NAME, T, op)                                                                    \
    static void op##_##NAME(void *dst, const void *src, const float *scale, const void *zero,      \
                            size_t scale_step, size_t zero_step, size_t n)                         \
    {                                                                                              \
        const T *q = src, *z = zero;                                                               \
        float *x = dst;                                                                            \
        for (size_t i = 0; i < n; i++, scale += scale_step, z += zero_step)                        \
            x[i] = (float)((int64_t)q[i] - *z) * *scale;                                           \
    }
#define QUANTIZED_TYPES(X, ...)                                                                    \
    X(UINT8, uint8_t, __VA_ARGS__)                                                                 \
    X(INT8, int8_t, __VA_ARGS__) X(UINT16, uint16_t, __VA_ARGS__) X(INT16, int16_t, __VA_ARGS__)
QUANTIZED_TYPES(DEQUANTIZE, dequantize)
DEQUANTIZE(INT32, int32_t, dequantize)

static const RowFn quantizers[CR_N_DTYPES] = {QUANTIZED_TYPES(CR_TYPE_ENTRY, quantize)};
static const RowFn int32_quantizers[CR_N_DTYPES] = {QUANTIZED_TYPES(CR_TYPE_ENTRY, quantize_int32)};
static const RowFn dequantizers[CR_N_DTYPES] = {QUANTIZED_TYPES(CR_TYPE_ENTRY, dequantize)
                                                    CR_TYPE_ENTRY(INT32, int32_t, dequantize)};

/* How scale or zero point are spread over x, which is seen as [outer][dim][inner]. */
typedef enum {
    ONE,      /* a single element */
    PER_AXIS, /* [dim] */
    BLOCKED,  /* [outer][blocks][inner] */
} Spread;

typedef struct {
    RowFn run;
    size_t total, dim, inner;
    size_t block, blocks; /* along the axis */
    Spread scale, zero;
    bool has_zero;
    int n_in;
    size_t x_size, y_size, zero_size; /* bytes of an element */
} Quantize;

/* How input `index`, scale or zero point, is spread. */
static bool
find_spread(const CrOpSetup *setup, int index, const Quantize *p, int axis, Spread *spread,
            GError **error)
{
    const CrDesc *x = &setup->in[0], *s = &setup->in[index];
    bool fits;

    if (s->n_dims <= 1 && cr_desc_elements(s) == 1) {
        *spread = ONE;
        return true;
    }
    *spread = p->block ? BLOCKED : PER_AXIS;
    if (*spread == PER_AXIS) {
        fits = axis >= 0 && s->n_dims == 1 && s->dims[0] == x->dims[axis];
    } else {
        fits = axis >= 0 && s->n_dims == x->n_dims;
        for (int i = 0; fits && i < s->n_dims; i++)
            fits = s->dims[i] == (i == axis ? (int64_t)p->blocks : x->dims[i]);
    }
    return fits || cr_op_bad_shapes(setup, 0, index, error);
}

static bool
parse(const CrOpSetup *setup, Quantize *p, GError **error)
{
    int64_t block = cr_node_int(setup->node, "block_size", 0);
    int64_t axis = cr_node_int(setup->node, "axis", 1);
    const CrDesc *x = &setup->in[0];

    if (block < 0 || block > CR_MAX_DIM)
        return cr_op_error(setup, CONVRNN_ERROR_FORMAT, error,
                           "block_size is %" G_GINT64_FORMAT ", must be within 0 and %d", block,
                           CR_MAX_DIM);
    if (!cr_op_want_dtype(setup, 1, CONVRNN_DTYPE_FLOAT32, error))
        return false;
    p->total = cr_desc_elements(x);
    p->dim = p->inner = 1;
    p->block = (size_t)block;
    p->has_zero = cr_op_has_input(setup, 2);
    /* The axis may be any number where nothing is spread along it: 1 is the default. */
    axis = axis < 0 ? axis + x->n_dims : axis;
    axis = axis < x->n_dims ? axis : -1;
    if (axis >= 0) {
        p->dim = (size_t)x->dims[axis];
        for (int i = (int)axis + 1; i < x->n_dims; i++)
            p->inner *= (size_t)x->dims[i];
        p->blocks = block ? (p->dim + p->block - 1) / p->block : 0;
    }
    return find_spread(setup, 1, p, (int)axis, &p->scale, error) &&
           (!p->has_zero || find_spread(setup, 2, p, (int)axis, &p->zero, error));
}

/* What the zero point says, or else output_dtype, or else uint8. */
static ConvRnnDType
quantized_type(const CrOpSetup *setup)
{
    int64_t asked = cr_node_int(setup->node, "output_dtype", 0);

    if (cr_op_has_input(setup, 2))
        return setup->in[2].dtype;
    if (asked == 0)
        return CONVRNN_DTYPE_UINT8;
    return asked > 0 && asked < CR_N_DTYPES ? (ConvRnnDType)asked : CONVRNN_DTYPE_UNDEFINED;
}

static bool
infer_quantize(CrOpSetup *setup, GError **error)
{
    const CrDesc *x = &setup->in[0];
    ConvRnnDType type = quantized_type(setup);
    Quantize p = {0};

    if (x->dtype != CONVRNN_DTYPE_INT32 &&
        !cr_op_want_dtype(setup, 0, CONVRNN_DTYPE_FLOAT32, error))
        return false;
    if (!quantizers[type])
        return cr_op_error(setup, CONVRNN_ERROR_UNSUPPORTED, error,
                           "%s is no type to quantize to: uint8, int8, uint16 and int16 are",
                           convrnn_dtype_get_name(type));
    return parse(setup, &p, error) && cr_op_set_out(setup, 0, type, x->dims, x->n_dims, error);
}

static bool
infer_dequantize(CrOpSetup *setup, GError **error)
{
    const CrDesc *x = &setup->in[0];
    Quantize p = {0};

    if (!dequantizers[x->dtype])
        return cr_op_bad_dtype(setup, 0, error);
    if (cr_op_has_input(setup, 2) && !cr_op_same_dtype(setup, 0, 2, error))
        return false;
    return parse(setup, &p, error) &&
           cr_op_set_out(setup, 0, CONVRNN_DTYPE_FLOAT32, x->dims, x->n_dims, error);
}

/* The scale's or zero point's element for element `at` of x. */
static size_t
parameter_at(const Quantize *p, Spread spread, size_t at)
{
    size_t row = at / p->inner;

    if (spread == BLOCKED)
        return (row / p->dim * p->blocks + row % p->dim / p->block) * p->inner + at % p->inner;
    return spread == PER_AXIS ? row % p->dim : 0;
}

static void
run_quantize(const CrStep *step, void *const *io, int tile, void *scratch)
{
    static const int64_t none;
    const Quantize *p = step->params;
    bool rows = p->scale != ONE || p->zero != ONE;
    size_t begin, end;

    cr_tile_range(p->total, CR_TILE_ELEMENTS, tile, &begin, &end);
    for (size_t at = begin, n; at < end; at += n) {
        const float *scale = (const float *)io[1] + parameter_at(p, p->scale, at);
        const void *zero = &none;
        if (p->has_zero)
            zero = (const char *)io[2] + parameter_at(p, p->zero, at) * p->zero_size;
        n = rows ? MIN(p->inner - at % p->inner, end - at) : end - at;
        p->run((char *)io[p->n_in] + at * p->y_size, (const char *)io[0] + at * p->x_size, scale,
               zero, p->scale == BLOCKED, p->zero == BLOCKED, n);
    }
}

static bool
prepare(CrOpSetup *setup, CrStep *step, RowFn run, GError **error)
{
    Quantize *p = cr_op_params(setup, step, Quantize, error);

    if (!p || !parse(setup, p, error))
        return false;
    p->run = run;
    p->n_in = setup->n_in;
    p->x_size = convrnn_dtype_get_size(setup->in[0].dtype);
    p->y_size = convrnn_dtype_get_size(setup->out[0].dtype);
    p->zero_size = p->has_zero ? convrnn_dtype_get_size(setup->in[2].dtype) : 0;
    step->run = run_quantize;
    step->n_tiles = cr_tile_count(p->total, CR_TILE_ELEMENTS);
    step->kernel = "plain";
    return true;
}

static bool
prepare_quantize(CrOpSetup *setup, CrStep *step, GError **error)
{
    bool whole = setup->in[0].dtype == CONVRNN_DTYPE_INT32;
    return prepare(setup, step, (whole ? int32_quantizers : quantizers)[setup->out[0].dtype],
                   error);
}

static bool
prepare_dequantize(CrOpSetup *setup, CrStep *step, GError **error)
{
    return prepare(setup, step, dequantizers[setup->in[0].dtype], error);
}

static const CrAttrSpec quantize_attrs[] = {
    {"axis", CR_ATTR_INT},
    {"block_size", CR_ATTR_INT},
    {"output_dtype", CR_ATTR_INT},
    {NULL, CR_ATTR_INT},
};
static const CrAttrSpec dequantize_attrs[] = {
    {"axis", CR_ATTR_INT}, {"block_size", CR_ATTR_INT}, {NULL, CR_ATTR_INT}};

const CrOp cr_op_quantize = {
    .name = "QuantizeLinear",
    .min_in = 2,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .attrs = quantize_attrs,
    .infer = infer_quantize,
    .prepare = prepare_quantize,
};

const CrOp cr_op_dequantize = {
    .name = "DequantizeLinear",
    .min_in = 2,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .attrs = dequantize_attrs,
    .infer = infer_dequantize,
    .prepare = prepare_dequantize,
};

/* --- DynamicQuantizeLinear: scale and zero point from the data, which 0 is made part of --- */

static bool
infer_dynamic_quantize(CrOpSetup *setup, GError **error)
{
    const CrDesc *x = &setup->in[0];

    return cr_op_want_dtype(setup, 0, CONVRNN_DTYPE_FLOAT32, error) &&
           cr_op_set_out(setup, 0, CONVRNN_DTYPE_UINT8, x->dims, x->n_dims, error) &&
           cr_op_set_out(setup, 1, CONVRNN_DTYPE_FLOAT32, NULL, 0, error) &&
           cr_op_set_out(setup, 2, CONVRNN_DTYPE_UINT8, NULL, 0, error);
}

static void
run_dynamic_quantize(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const size_t *total = step->params;
    const float *x = io[0];
    float low = 0, high = 0;

    for (size_t i = 0; i < *total; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    float scale = high > low ? (high - low) / 255 : 1;
    uint8_t zero = 0;
    quantize_UINT8(&zero, &(float){-low}, &scale, &(uint8_t){0}, 0, 0, 1);
    quantize_UINT8(io[1], x, &scale, &zero, 0, 0, *total);
    if (step->n_out > 1 && io[2])
        *(float *)io[2] = scale;
    if (step->n_out > 2 && io[3])
        *(uint8_t *)io[3] = zero;
}

static bool
prepare_dynamic_quantize(CrOpSetup *setup, CrStep *step, GError **error)
{
    size_t *total = cr_op_params(setup, step, size_t, error);

    if (!total)
        return false;
    *total = cr_desc_elements(&setup->in[0]);
    step->run = run_dynamic_quantize;
    step->n_tiles = 1;
    step->kernel = "plain";
    return true;
}

const CrOp cr_op_dynamic_quantize = {
    .name = "DynamicQuantizeLinear",
    .min_in = 1,
    .max_in = 1,
    .min_out = 3,
    .max_out = 3,
    .attrs = cr_op_no_attrs,
    .infer = infer_dynamic_quantize,
    .prepare = prepare_dynamic_quantize,
};
