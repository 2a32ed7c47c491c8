/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/c/reference.h"

void
cr_c_fill_lanes(float *dst, const float *src, int lanes, size_t n)
{
    for (size_t i = 0; i < n; i += (size_t)lanes) {
        for (int lane = 0; lane < lanes; lane++)
            dst[i + (size_t)lane] = src[lane];
    }
}

void
cr_reference_fill_pixels(float *dst, const float *src, ptrdiff_t step, int width, int block)
{
    for (int x = 0; x < width; x++) {
        for (int lane = 0; lane < block; lane++)
            dst[(ptrdiff_t)x * block + lane] = src[x * step];
    }
}

void
cr_reference_pack_row(float *dst, ptrdiff_t block_stride, const float *src, ptrdiff_t plane_stride,
                      int channels, int width, int block)
{
    for (int c0 = 0; c0 < channels; c0 += block, dst += block_stride) {
        for (int lane = 0; lane < block; lane++) {
            const float *plane = src + (c0 + lane) * plane_stride;
            for (int x = 0; x < width; x++)
                dst[(ptrdiff_t)x * block + lane] = c0 + lane < channels ? plane[x] : 0.0f;
        }
    }
}

void
cr_reference_unpack_row(float *dst, ptrdiff_t plane_stride, const float *src,
                        ptrdiff_t block_stride, int channels, int width, int block)
{
    for (int c = 0; c < channels; c++) {
        const float *lane = src + c / block * block_stride + c % block;
        for (int x = 0; x < width; x++)
            dst[c * plane_stride + x] = lane[(ptrdiff_t)x * block];
    }
}

void
cr_c_fill_pixels(float *dst, const float *src, ptrdiff_t step, int width)
{
    cr_reference_fill_pixels(dst, src, step, width, V_LANES);
}

void
cr_c_pack_row(float *dst, ptrdiff_t block_stride, const float *src, ptrdiff_t plane_stride,
              int channels, int width)
{
    cr_reference_pack_row(dst, block_stride, src, plane_stride, channels, width, V_LANES);
}

void
cr_c_unpack_row(float *dst, ptrdiff_t plane_stride, const float *src, ptrdiff_t block_stride,
                int channels, int width)
{
    cr_reference_unpack_row(dst, plane_stride, src, block_stride, channels, width, V_LANES);
}
