/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows between planes and channel blocks, V_LANES × V_LANES floats at a time, and fills. */

#include <string.h>

/* Planes that are written are seldom in the cache, and a store to each of many waits for its line:
 * it is asked for some floats before. */
#define UNPACK_AHEAD 32

CR_INLINE int
at_most_lanes(int n)
{
    return n < V_LANES ? n : V_LANES;
}

CR_INLINE Vec
load_some(const float *p, int n)
{
    return n == V_LANES ? v_load(p) : v_load_n(p, n);
}

CR_INLINE void
store_some(float *p, Vec a, int n)
{
    if (n == V_LANES)
        v_store(p, a);
    else
        v_store_n(p, a, n);
}

static void
pack_square(float *dst, const float *src, ptrdiff_t plane_stride, int channels, int n_pixels)
{
    Vec square[V_LANES];

    CR_UNROLL
    for (int c = 0; c < V_LANES; c++)
        square[c] = c < channels ? load_some(src + c * plane_stride, n_pixels) : v_zero();
    v_transpose(square);
    CR_UNROLL
    for (int p = 0; p < V_LANES; p++) {
        if (p < n_pixels)
            v_store(dst + p * V_LANES, square[p]);
    }
}

static void
unpack_square(float *dst, ptrdiff_t plane_stride, const float *src, int channels, int n_pixels)
{
    Vec square[V_LANES];

    CR_UNROLL
    for (int p = 0; p < V_LANES; p++)
        square[p] = p < n_pixels ? v_load(src + p * V_LANES) : v_zero();
    v_transpose(square);
    CR_UNROLL
    for (int c = 0; c < V_LANES; c++) {
        if (c < channels) {
            __builtin_prefetch(dst + c * plane_stride + UNPACK_AHEAD, 1);
            store_some(dst + c * plane_stride, square[c], n_pixels);
        }
    }
}

void
V_ISA(pack_row)(float *dst, ptrdiff_t block_stride, const float *src, ptrdiff_t plane_stride,
                int channels, int width)
{
    for (int c = 0; c < channels; c += V_LANES, dst += block_stride) {
        for (int x = 0; x < width; x += V_LANES)
            pack_square(dst + (ptrdiff_t)x * V_LANES, src + c * plane_stride + x, plane_stride,
                        at_most_lanes(channels - c), at_most_lanes(width - x));
    }
}

void
V_ISA(unpack_row)(float *dst, ptrdiff_t plane_stride, const float *src, ptrdiff_t block_stride,
                  int channels, int width)
{
    for (int c = 0; c < channels; c += V_LANES, src += block_stride) {
        for (int x = 0; x < width; x += V_LANES)
            unpack_square(dst + c * plane_stride + x, plane_stride, src + (ptrdiff_t)x * V_LANES,
                          at_most_lanes(channels - c), at_most_lanes(width - x));
    }
}

void
V_ISA(fill_lanes)(float *dst, const float *src, int lanes, size_t n)
{
    if (lanes == V_LANES || lanes == 1) {
        const Vec pixel = lanes == 1 ? v_set1(*src) : v_load(src);
        size_t i = 0;
        for (; i + V_LANES <= n; i += V_LANES)
            v_store(dst + i, pixel);
        if (i < n)
            v_store_n(dst + i, pixel, (int)(n - i));
    } else {
        for (size_t i = 0; i < n; i += (size_t)lanes)
            memcpy(dst + i, src, (size_t)lanes * sizeof *dst);
    }
}

void
V_ISA(fill_pixels)(float *dst, const float *src, ptrdiff_t step, int width)
{
    for (int x = 0; x < width; x++)
        v_store(dst + (ptrdiff_t)x * V_LANES, v_set1(src[x * step]));
}
