/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/c/reference.h"
#include <math.h>

void
cr_reference_sum_row(float *acc, const float *row, int width, int block)
{
    for (int x = 0; x < width; x++) {
        for (int lane = 0; lane < block; lane++)
            acc[lane] += row[(ptrdiff_t)x * block + lane];
    }
}

void
cr_c_sum_row(float *acc, const float *row, int width)
{
    cr_reference_sum_row(acc, row, width, V_LANES);
}

int
cr_c_has_non_finite(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i]))
            return 1;
    }
    return 0;
}
