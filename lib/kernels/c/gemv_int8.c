/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/c/reference.h"
#include "kernels/int8.h"

#include <math.h>
#include <string.h>

/* q = x / step, to the nearest, halves to even. Returns the step: NaN when one of x is NaN or
 * infinite. */
static float
round_run(int16_t *q, const float *x, int n)
{
    float largest = 0, zeros = 0;

    for (int i = 0; i < n; i++) {
        const float a = fabsf(x[i]);
        largest = a > largest ? a : largest;
        zeros += x[i] - x[i];
    }
    memset(q, 0, ((size_t)n + 1) * sizeof *q);
    if (zeros != 0) /* that is, NaN */
        return NAN;
    if (largest < CR_INT8_LEAST)
        return 0;
    const float inverse = CR_INT8_STEPS / largest;
    for (int i = 0; i < n; i++)
        q[i] = (int16_t)lrintf(x[i] * inverse);
    return largest / CR_INT8_STEPS;
}

void
cr_reference_gemv_int8_panel(float *y, const int8_t *w, const float *scale, const float *bias,
                             const float *x, int k, int block)
{
    int16_t q[CR_INT8_RUN + 1];
    float sum[4 * CR_MAX_BLOCK] = {0};

    for (int begin = 0; begin < k; begin += CR_INT8_RUN) {
        const int n = k - begin < CR_INT8_RUN ? k - begin : CR_INT8_RUN;
        const float step = round_run(q, x + begin, n);
        int32_t acc[4 * CR_MAX_BLOCK] = {0};

        for (int i = 0; i < n; i += 2, w += 8 * block) {
            for (int j = 0; j < 4 * block; j++)
                acc[j] += q[i] * w[2 * j] + q[i + 1] * w[2 * j + 1];
        }
        for (int j = 0; j < 4 * block; j++)
            sum[j] += step * (float)acc[j];
    }
    for (int j = 0; j < 4 * block; j++)
        y[j] = sum[j] * scale[j] + bias[j];
}

void
cr_c_gemv_int8_panel(float *y, const int8_t *w, const float *scale, const float *bias,
                     const float *x, int k)
{
    cr_reference_gemv_int8_panel(y, w, scale, bias, x, k, V_LANES);
}
