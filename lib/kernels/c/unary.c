/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/c/clamp.h"
#include "kernels/c/reference.h"
#include <math.h>

/* e^-|x| never overflows: z / (1 + z) is 1 / (1 + e^-x) for negative x. */
static float
sigmoid(float x)
{
    float z = expf(-fabsf(x));
    return (x < 0.0f ? z : 1.0f) / (1.0f + z);
}

#define UNARY(op, formula)                                                                         \
    void cr_c_##op(float *dst, const float *x, size_t n, float a, float b)                         \
    {                                                                                              \
        for (size_t i = 0; i < n; i++)                                                             \
            dst[i] = formula;                                                                      \
    }                                                                                              \
    void cr_c_##op##_mul(float *dst, const float *x, const float *y, const float *z, size_t n,     \
                         float a, float b)                                                         \
    {                                                                                              \
        for (size_t i = 0; i < n; i++) {                                                           \
            float product = (formula)*y[i];                                                        \
            dst[i] = z ? product + z[i] : product;                                                 \
        }                                                                                          \
    }

UNARY(clip, cr_clamp(x[i], a, b))
UNARY(leaky_relu, x[i] < 0.0f ? a * x[i] : x[i])
UNARY(sigmoid, sigmoid(x[i]))
UNARY(tanh, tanhf(x[i]))
UNARY(hard_sigmoid, cr_clamp(a *x[i] + b, 0.0f, 1.0f))
UNARY(hard_swish, x[i] * cr_clamp(a * x[i] + b, 0.0f, 1.0f))
UNARY(affine, a *x[i] + b)
UNARY(exp, expf(x[i]))
UNARY(sqrt, sqrtf(x[i]))
UNARY(abs, fabsf(x[i]))
