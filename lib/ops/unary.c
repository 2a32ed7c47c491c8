/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Functions of one input, element by element (onnx.ai/onnx/operators): activations, rounding,
 * exponentials. float32 goes through the vector kernels where there is one; the others use libm in
 * double. */
#include "kernels/kernels.h"
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/types.h"
#include "ops/walk.h"
#include <math.h>

#define NO_KERNEL (-1)

/* alpha and beta are the operator's attributes, or what its formula uses in their place. */
typedef void (*UnaryRun)(void *dst, const void *x, size_t n, double alpha, double beta);

typedef struct {
    UnaryRun run[CR_N_DTYPES]; /* NULL: no such type */
    int kernel;                /* CrUnary for float32, or NO_KERNEL */
    float alpha, beta;         /* where the node does not give them */
} Unary;

#define RUN(NAME, T, op, EXPR)                                                                     \
    static void op##_##NAME(void *dst, const void *src, size_t n, double alpha, double beta)       \
    {                                                                                              \
        const T *s = src;                                                                          \
        T *d = dst;                                                                                \
        for (size_t i = 0; i < n; i++) {                                                           \
            const T x = s[i];                                                                      \
            d[i] = (T)(EXPR);                                                                      \
        }                                                                                          \
    }

static double
unit_clip(double x)
{
    return x < 0 ? 0 : x > 1 ? 1 : x;
}

CR_FLOAT_TYPES(RUN, relu, x < 0 ? 0 : x)
CR_SIGNED_TYPES(RUN, relu, x < 0 ? 0 : x)
CR_FLOAT_TYPES(RUN, leaky_relu, x < 0 ? alpha * x : x)
CR_FLOAT_TYPES(RUN, sigmoid, 1 / (1 + exp(-(double)x)))
CR_FLOAT_TYPES(RUN, tanh, tanh(x))
CR_FLOAT_TYPES(RUN, hard_sigmoid, unit_clip(alpha *x + beta))
CR_FLOAT_TYPES(RUN, hard_swish, x *unit_clip(alpha *x + beta))
CR_FLOAT_TYPES(RUN, elu, x < 0 ? alpha * expm1(x) : x)
CR_FLOAT_TYPES(RUN, selu, beta *(x <= 0 ? alpha * expm1(x) : x))
CR_FLOAT_TYPES(RUN, softplus, fmax(x, 0) + log1p(exp(-fabs((double)x))))
CR_FLOAT_TYPES(RUN, softsign, x / (1 + fabs((double)x)))
CR_FLOAT_TYPES(RUN, neg, -x)
CR_SIGNED_TYPES(RUN, neg, 0 - (uint64_t)x)
CR_FLOAT_TYPES(RUN, abs, fabs((double)x))
CR_SIGNED_TYPES(RUN, abs, x < 0 ? 0 - (uint64_t)x : (uint64_t)x)
CR_UNSIGNED_TYPES(RUN, abs, x)
CR_FLOAT_TYPES(RUN, sign, (x > 0) - (x < 0))
CR_SIGNED_TYPES(RUN, sign, (x > 0) - (x < 0))
CR_UNSIGNED_TYPES(RUN, sign, x > 0)
CR_FLOAT_TYPES(RUN, exp, exp(x))
CR_FLOAT_TYPES(RUN, log, log(x))
CR_FLOAT_TYPES(RUN, sqrt, sqrt(x))
CR_FLOAT_TYPES(RUN, reciprocal, 1 / x)
CR_FLOAT_TYPES(RUN, floor, floor(x))
CR_FLOAT_TYPES(RUN, ceil, ceil(x))
CR_FLOAT_TYPES(RUN, round, nearbyint(x))
CR_FLOAT_TYPES(RUN, erf, erf(x))
CR_FLOAT_TYPES(RUN, sin, sin(x))
CR_FLOAT_TYPES(RUN, cos, cos(x))
CR_FLOAT_TYPES(RUN, tan, tan(x))
CR_FLOAT_TYPES(RUN, asin, asin(x))
CR_FLOAT_TYPES(RUN, acos, acos(x))
CR_FLOAT_TYPES(RUN, atan, atan(x))
CR_FLOAT_TYPES(RUN, sinh, sinh(x))
CR_FLOAT_TYPES(RUN, cosh, cosh(x))
CR_FLOAT_TYPES(RUN, asinh, asinh(x))
CR_FLOAT_TYPES(RUN, acosh, acosh(x))
CR_FLOAT_TYPES(RUN, atanh, atanh(x))
CR_NUMBER_TYPES(RUN, shrink, x<-alpha ? x + beta : x> alpha ? x - beta : 0)
RUN(BOOL, uint8_t, not, !x)

typedef struct {
    UnaryRun run;
    CrUnaryFn kernel; /* NULL: run */
    double alpha, beta;
    size_t size, total;
} UnaryParams;

static bool
infer_unary(CrOpSetup *setup, const Unary *unary, GError **error)
{
    if (!unary->run[setup->in[0].dtype])
        return cr_op_bad_dtype(setup, 0, error);
    return cr_op_like_input(setup, error);
}

static void
run_unary(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const UnaryParams *p = step->params;
    size_t begin, end;

    cr_tile_range(p->total, CR_TILE_ELEMENTS, tile, &begin, &end);
    p->run((char *)io[1] + begin * p->size, (const char *)io[0] + begin * p->size, end - begin,
           p->alpha, p->beta);
}

static void
run_kernel(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const UnaryParams *p = step->params;
    size_t begin, end;

    cr_tile_range(p->total, CR_TILE_ELEMENTS, tile, &begin, &end);
    p->kernel((float *)io[1] + begin, (const float *)io[0] + begin, end - begin, (float)p->alpha,
              (float)p->beta);
}

static bool
prepare_unary(CrOpSetup *setup, const Unary *unary, CrStep *step, GError **error)
{
    UnaryParams *p = cr_op_params(setup, step, UnaryParams, error);

    if (!p)
        return false;
    p->run = unary->run[setup->in[0].dtype];
    if (setup->in[0].dtype == CONVRNN_DTYPE_FLOAT32 && unary->kernel != NO_KERNEL)
        p->kernel = setup->kernels->unary[unary->kernel];
    p->alpha = cr_node_float(setup->node, "alpha", unary->alpha);
    p->beta = cr_node_float(setup->node, "beta", unary->beta);
    p->beta = cr_node_float(setup->node, "gamma", (float)p->beta);   /* Selu's name for it */
    p->alpha = cr_node_float(setup->node, "lambd", (float)p->alpha); /* Shrink's names */
    p->beta = cr_node_float(setup->node, "bias", (float)p->beta);
    if (unary->kernel == CR_UNARY_CLIP) /* Relu is a Clip without an upper end */
        p->beta = INFINITY;
    p->size = convrnn_dtype_get_size(setup->in[0].dtype);
    p->total = cr_desc_elements(&setup->in[0]);
    step->run = p->kernel ? run_kernel : run_unary;
    step->n_tiles = cr_tile_count(p->total, CR_TILE_ELEMENTS);
    step->kernel = p->kernel ? setup->kernels->name : "plain";
    return true;
}

static const CrAttrSpec alpha_attr[] = {{"alpha", CR_ATTR_FLOAT}, {NULL, CR_ATTR_INT}};
static const CrAttrSpec alpha_beta_attrs[] = {
    {"alpha", CR_ATTR_FLOAT}, {"beta", CR_ATTR_FLOAT}, {NULL, CR_ATTR_INT}};
static const CrAttrSpec alpha_gamma_attrs[] = {
    {"alpha", CR_ATTR_FLOAT}, {"gamma", CR_ATTR_FLOAT}, {NULL, CR_ATTR_INT}};

static const CrAttrSpec shrink_attrs[] = {
    {"bias", CR_ATTR_FLOAT}, {"lambd", CR_ATTR_FLOAT}, {NULL, CR_ATTR_INT}};

/* TYPES: table entries; ALPHA and BETA: defaults. */
#define UNARY(symbol, onnx_name, kernel_index, ALPHA, BETA, attributes, TYPES)                     \
    static const Unary unary_##symbol = {{TYPES}, kernel_index, ALPHA, BETA};                      \
    static bool infer_##symbol(CrOpSetup *setup, GError **error)                                   \
    {                                                                                              \
        return infer_unary(setup, &unary_##symbol, error);                                         \
    }                                                                                              \
    static bool prepare_##symbol(CrOpSetup *setup, CrStep *step, GError **error)                   \
    {                                                                                              \
        return prepare_unary(setup, &unary_##symbol, step, error);                                 \
    }                                                                                              \
    const CrOp cr_op_##symbol = {                                                                  \
        .name = onnx_name,                                                                         \
        .min_in = 1,                                                                               \
        .max_in = 1,                                                                               \
        .min_out = 1,                                                                              \
        .max_out = 1,                                                                              \
        .attrs = attributes,                                                                       \
        .infer = infer_##symbol,                                                                   \
        .prepare = prepare_##symbol,                                                               \
    };

#define FLOATS(op)      CR_FLOAT_TYPES(CR_TYPE_ENTRY, op)
#define WITH_SIGNED(op) CR_FLOAT_TYPES(CR_TYPE_ENTRY, op) CR_SIGNED_TYPES(CR_TYPE_ENTRY, op)
#define NUMBERS(op)     CR_NUMBER_TYPES(CR_TYPE_ENTRY, op)
#define NONE            cr_op_no_attrs

UNARY(relu, "Relu", CR_UNARY_CLIP, 0, 0, NONE, WITH_SIGNED(relu))
UNARY(leaky_relu, "LeakyRelu", CR_UNARY_LEAKY_RELU, 0.01f, 0, alpha_attr, FLOATS(leaky_relu))
UNARY(sigmoid, "Sigmoid", CR_UNARY_SIGMOID, 0, 0, NONE, FLOATS(sigmoid))
UNARY(tanh, "Tanh", CR_UNARY_TANH, 0, 0, NONE, FLOATS(tanh))
UNARY(hard_sigmoid, "HardSigmoid", CR_UNARY_HARD_SIGMOID, 0.2f, 0.5f, alpha_beta_attrs,
      FLOATS(hard_sigmoid))
UNARY(hard_swish, "HardSwish", CR_UNARY_HARD_SWISH, 1 / 6.0f, 0.5f, NONE, FLOATS(hard_swish))
UNARY(elu, "Elu", NO_KERNEL, 1, 0, alpha_attr, FLOATS(elu))
UNARY(selu, "Selu", NO_KERNEL, 1.67326319217681884765625f, 1.05070102214813232421875f,
      alpha_gamma_attrs, FLOATS(selu))
UNARY(softplus, "Softplus", NO_KERNEL, 0, 0, NONE, FLOATS(softplus))
UNARY(softsign, "Softsign", NO_KERNEL, 0, 0, NONE, FLOATS(softsign))
UNARY(neg, "Neg", NO_KERNEL, 0, 0, NONE, WITH_SIGNED(neg))
UNARY(abs, "Abs", CR_UNARY_ABS, 0, 0, NONE, NUMBERS(abs))
UNARY(sign, "Sign", NO_KERNEL, 0, 0, NONE, NUMBERS(sign))
UNARY(exp, "Exp", CR_UNARY_EXP, 0, 0, NONE, FLOATS(exp))
UNARY(log, "Log", NO_KERNEL, 0, 0, NONE, FLOATS(log))
UNARY(sqrt, "Sqrt", CR_UNARY_SQRT, 0, 0, NONE, FLOATS(sqrt))
UNARY(reciprocal, "Reciprocal", NO_KERNEL, 0, 0, NONE, FLOATS(reciprocal))
UNARY(floor, "Floor", NO_KERNEL, 0, 0, NONE, FLOATS(floor))
UNARY(ceil, "Ceil", NO_KERNEL, 0, 0, NONE, FLOATS(ceil))
UNARY(round, "Round", NO_KERNEL, 0, 0, NONE, FLOATS(round))
UNARY(erf, "Erf", NO_KERNEL, 0, 0, NONE, FLOATS(erf))
UNARY(sin, "Sin", NO_KERNEL, 0, 0, NONE, FLOATS(sin))
UNARY(cos, "Cos", NO_KERNEL, 0, 0, NONE, FLOATS(cos))
UNARY(tan, "Tan", NO_KERNEL, 0, 0, NONE, FLOATS(tan))
UNARY(asin, "Asin", NO_KERNEL, 0, 0, NONE, FLOATS(asin))
UNARY(acos, "Acos", NO_KERNEL, 0, 0, NONE, FLOATS(acos))
UNARY(atan, "Atan", NO_KERNEL, 0, 0, NONE, FLOATS(atan))
UNARY(sinh, "Sinh", NO_KERNEL, 0, 0, NONE, FLOATS(sinh))
UNARY(cosh, "Cosh", NO_KERNEL, 0, 0, NONE, FLOATS(cosh))
UNARY(asinh, "Asinh", NO_KERNEL, 0, 0, NONE, FLOATS(asinh))
UNARY(acosh, "Acosh", NO_KERNEL, 0, 0, NONE, FLOATS(acosh))
UNARY(atanh, "Atanh", NO_KERNEL, 0, 0, NONE, FLOATS(atanh))
UNARY(shrink, "Shrink", NO_KERNEL, 0.5f, 0, shrink_attrs, NUMBERS(shrink))
UNARY(not, "Not", NO_KERNEL, 0, 0, NONE, CR_TYPE_ENTRY(BOOL, uint8_t, not ))
