/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/c/reference.h"

void
cr_reference_gemv_panel(float *y, const float *w, const float *bias, const float *x, int k,
                        int block)
{
    float sum[4 * CR_MAX_BLOCK];

    for (int j = 0; j < 4 * block; j++)
        sum[j] = bias[j];
    for (int i = 0; i < k; i++, w += 4 * block) {
        for (int j = 0; j < 4 * block; j++)
            sum[j] += x[i] * w[j];
    }
    for (int j = 0; j < 4 * block; j++)
        y[j] = sum[j];
}

void
cr_c_gemv_panel(float *y, const float *w, const float *bias, const float *x, int k)
{
    cr_reference_gemv_panel(y, w, bias, x, k, V_LANES);
}
