/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* y[o][x] = clamp(bias[o] + Σ_segment Σ_block Σ_ky Σ_kx Σ_c in · w, low, high), pixel by pixel. */
#include "kernels/c/clamp.h"
#include "kernels/c/reference.h"

/* sum[o] += one row of taps of one channel block */
CR_INLINE const float *
add_taps(float *sum, const float *w, const float *x, ptrdiff_t tap_step, int kw, int channels,
         const int lanes)
{
    for (int kx = 0; kx < kw; kx++) {
        for (int c = 0; c < channels; c++, w += lanes) {
            const float in = x[kx * tap_step + c];
            for (int o = 0; o < lanes; o++)
                sum[o] += in * w[o];
        }
    }
    return w;
}

CR_INLINE const float *
add_segment(float *sum, const float *w, const CrConvRow *row, const CrConvSegment *segment, int x,
            const int lanes)
{
    const float *block = segment->x + (ptrdiff_t)x * row->stride * segment->pixel;

    for (int left = segment->channels; left > 0; left -= segment->pixel) {
        const int channels = left < segment->pixel ? left : segment->pixel;
        const ptrdiff_t ky_weights = (ptrdiff_t)row->kw * channels * lanes;

        w += row->ky_begin * ky_weights;
        for (int ky = row->ky_begin; ky < row->ky_end; ky++)
            w = add_taps(sum, w, block + ky * segment->row_stride,
                         (ptrdiff_t)row->dilation * segment->pixel, row->kw, channels, lanes);
        w += (row->kh - row->ky_end) * ky_weights;
        block += segment->block_stride;
    }
    return w;
}

CR_INLINE void
conv_pixel(float *sum, const CrConvRow *row, int x, const int lanes)
{
    const float *w = row->weights;

    for (int o = 0; o < lanes; o++)
        sum[o] = row->bias[o];
    for (int s = 0; s < row->n_segments; s++)
        w = add_segment(sum, w, row, &row->segment[s], x, lanes);
}

CR_INLINE void
conv_row(const CrConvRow *row, const int block, const int lanes)
{
    for (int x = 0; x < row->width; x++) {
        float sum[2 * CR_MAX_BLOCK];

        conv_pixel(sum, row, x, lanes);
        for (int o = 0; o < lanes; o++)
            row->y[o / block][(ptrdiff_t)x * block + o % block] =
                cr_clamp(sum[o], row->low, row->high);
    }
}

void
cr_reference_conv_row(const CrConvRow *row, int block)
{
    conv_row(row, block, row->y[1] ? 2 * block : block);
}

/* The same with constants, for compilers to vectorise. */
void
cr_c_conv_row(const CrConvRow *row)
{
    if (row->y[1])
        conv_row(row, V_LANES, 2 * V_LANES);
    else
        conv_row(row, V_LANES, V_LANES);
}

void
cr_c_conv_plane_row(const CrConvRow *row, ptrdiff_t y_stride, int n_out)
{
    for (int x = 0; x < row->width; x++) {
        float sum[CR_CONV_PLANES];

        conv_pixel(sum, row, x, n_out);
        for (int o = 0; o < n_out; o++)
            row->y[0][o * y_stride + x] = cr_clamp(sum[o], row->low, row->high);
    }
}
