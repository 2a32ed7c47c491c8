/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Maximum and minimum are NaN when one operand is NaN, as numpy.maximum(). */
#include "kernels/c/reference.h"
#include <math.h>

#define BINARY(op, formula)                                                                        \
    void cr_c_##op(float *dst, const float *a, const float *b, size_t n)                           \
    {                                                                                              \
        for (size_t i = 0; i < n; i++)                                                             \
            dst[i] = formula;                                                                      \
    }

BINARY(add, a[i] + b[i])
BINARY(sub, a[i] - b[i])
BINARY(mul, a[i] * b[i])
BINARY(div, a[i] / b[i])
BINARY(max, a[i] > b[i] || isnan(a[i]) ? a[i] : b[i])
BINARY(min, a[i] < b[i] || isnan(a[i]) ? a[i] : b[i])

void
cr_c_mul_add(float *dst, const float *x, const float *y, const float *z, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = x[i] * y[i] + z[i];
}
