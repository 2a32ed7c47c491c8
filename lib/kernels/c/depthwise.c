/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* y[x] = clamp(bias + Σ_ky Σ_kx in[ky][x·stride + kx·dilation] · w[ky][kx], low, high), per lane.
 */
#include "kernels/c/clamp.h"
#include "kernels/c/reference.h"

static void
pixel(float *y, const CrDepthwiseRow *row, const float *x, int block)
{
    float sum[CR_MAX_BLOCK];

    for (int lane = 0; lane < block; lane++)
        sum[lane] = row->bias[lane];
    for (int ky = row->ky_begin; ky < row->ky_end; ky++) {
        for (int kx = 0; kx < row->kw; kx++) {
            const float *in = x + ky * row->row_stride + (ptrdiff_t)kx * row->dilation * block;
            const float *w = row->weights + ((ptrdiff_t)ky * row->kw + kx) * block;
            for (int lane = 0; lane < block; lane++)
                sum[lane] += in[lane] * w[lane];
        }
    }
    for (int lane = 0; lane < block; lane++)
        y[lane] = cr_clamp(sum[lane], row->low, row->high);
}

void
cr_reference_depthwise_row(const CrDepthwiseRow *row, int block)
{
    for (int x = 0; x < row->width; x++)
        pixel(row->y + (ptrdiff_t)x * block, row, row->x + (ptrdiff_t)x * row->stride * block,
              block);
}

void
cr_c_depthwise_plane_row(const CrDepthwiseRow *row)
{
    cr_reference_depthwise_row(row, 1);
}

void
cr_c_depthwise_row(const CrDepthwiseRow *row)
{
    cr_reference_depthwise_row(row, V_LANES);
}
