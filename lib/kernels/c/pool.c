/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A maximum of nothing is -Inf, an average of nothing 0; NaN among the taps gives NaN. */
#include "kernels/c/reference.h"
#include "kernels/taps.h"
#include <math.h>

static float
larger(float a, float b)
{
    return a > b || isnan(a) ? a : b;
}

void
cr_reference_max_pool_row(const CrPoolRow *row, int block)
{
    for (int x = 0; x < row->width; x++) {
        const CrTaps taps = cr_taps_inside(row, x);
        float *y = row->y + (ptrdiff_t)x * block;

        for (int lane = 0; lane < block; lane++)
            y[lane] = -INFINITY;
        for (int ky = row->ky_begin; ky < row->ky_end; ky++) {
            for (int kx = taps.begin; kx < taps.end; kx++) {
                const float *in = row->x + ky * row->row_stride +
                                  ((ptrdiff_t)taps.first + kx * row->dilation) * block;
                for (int lane = 0; lane < block; lane++)
                    y[lane] = larger(y[lane], in[lane]);
            }
        }
    }
}

void
cr_reference_average_pool_row(const CrPoolRow *row, int block)
{
    for (int x = 0; x < row->width; x++) {
        const CrTaps taps = cr_taps_inside(row, x);
        const int count = cr_taps_counted(row, x, taps) * row->rows_counted;
        float *y = row->y + (ptrdiff_t)x * block;

        for (int lane = 0; lane < block; lane++)
            y[lane] = 0.0f;
        for (int ky = row->ky_begin; ky < row->ky_end; ky++) {
            for (int kx = taps.begin; kx < taps.end; kx++) {
                const float *in = row->x + ky * row->row_stride +
                                  ((ptrdiff_t)taps.first + kx * row->dilation) * block;
                for (int lane = 0; lane < block; lane++)
                    y[lane] += in[lane];
            }
        }
        for (int lane = 0; lane < block; lane++)
            y[lane] /= count > 0 ? (float)count : 1.0f;
    }
}

void
cr_c_max_pool_plane_row(const CrPoolRow *row)
{
    cr_reference_max_pool_row(row, 1);
}

void
cr_c_average_pool_plane_row(const CrPoolRow *row)
{
    cr_reference_average_pool_row(row, 1);
}

void
cr_c_max_pool_row(const CrPoolRow *row)
{
    cr_reference_max_pool_row(row, V_LANES);
}

void
cr_c_average_pool_row(const CrPoolRow *row)
{
    cr_reference_average_pool_row(row, V_LANES);
}
