/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Max and average pooling of one row of one channel block, a pixel at a time: ky, then kx. On a
 * plane the pixels whose taps all lie inside the picture go V_LANES at a time, the others one by
 * one.
 *
 * A maximum of nothing is -Inf, an average of nothing 0; NaN among the taps gives NaN. */

#include "kernels/taps.h"

/* What the lanes of a vector are. */
typedef enum {
    POOL_CHANNELS,   /* those of pixel x */
    POOL_NEIGHBOURS, /* pixels x, x + 1 … of a plane; taps are neighbours */
    POOL_EVERY_2ND,  /* the same with stride 2 */
    POOL_APART,      /* the same with any stride */
    POOL_ONE,        /* only the first counts: pixel x of a plane */
} PoolLanes;

/* at: distances of taps that are apart */
CR_INLINE Vec
pool_tap(const float *in, ptrdiff_t x, const PoolLanes lanes, const int32_t *at)
{
    if (lanes == POOL_CHANNELS)
        return v_load(in + x * V_LANES);
    if (lanes == POOL_ONE)
        return v_set1(in[x]);
    if (lanes == POOL_EVERY_2ND)
        return v_load_even(in + x);
    return lanes == POOL_APART ? v_gather(in + x, at) : v_load(in + x);
}

CR_INLINE void
pool_store(float *y, ptrdiff_t x, Vec a, const PoolLanes lanes)
{
    if (lanes == POOL_CHANNELS)
        v_store(y + x * V_LANES, a);
    else if (lanes == POOL_ONE)
        v_store_n(y + x, a, 1);
    else
        v_store(y + x, a);
}

typedef void (*PoolPixel)(const CrPoolRow *row, int x, const PoolLanes lanes, const int32_t *at);

CR_INLINE void
max_pool_pixel(const CrPoolRow *row, int x, const PoolLanes lanes, const int32_t *at)
{
    const CrTaps taps = cr_taps_inside(row, x);
    Vec most = v_set1(-__builtin_inff());

    for (int ky = row->ky_begin; ky < row->ky_end; ky++) {
        const float *in = row->x + ky * row->row_stride;
        for (int kx = taps.begin; kx < taps.end; kx++) {
            Vec tap = pool_tap(in, (ptrdiff_t)taps.first + kx * row->dilation, lanes, at);
            most = v_select(v_is_nan(most), most, v_max(most, tap));
        }
    }
    pool_store(row->y, x, most, lanes);
}

CR_INLINE void
average_pool_pixel(const CrPoolRow *row, int x, const PoolLanes lanes, const int32_t *at)
{
    const CrTaps taps = cr_taps_inside(row, x);
    const int count = cr_taps_counted(row, x, taps) * row->rows_counted;
    Vec sum = v_zero();

    for (int ky = row->ky_begin; ky < row->ky_end; ky++) {
        const float *in = row->x + ky * row->row_stride;
        for (int kx = taps.begin; kx < taps.end; kx++)
            sum = v_add(sum, pool_tap(in, (ptrdiff_t)taps.first + kx * row->dilation, lanes, at));
    }
    pool_store(row->y, x, v_div(sum, v_set1(count > 0 ? (float)count : 1)), lanes);
}

CR_INLINE void
pool_plane(const CrPoolRow *row, const PoolPixel pixel, const PoolLanes lanes)
{
    int32_t at[V_LANES];
    int x = 0, begin, end;

    cr_taps_interior(row, &begin, &end);
    if (end - begin >= V_LANES) {
        for (int i = 0; i < V_LANES; i++)
            at[i] = i * row->stride;
        for (; x < begin; x++)
            pixel(row, x, POOL_ONE, NULL);
        for (; end - x >= V_LANES; x += V_LANES)
            pixel(row, x, lanes, at);
        if (x < end) /* once more */
            pixel(row, end - V_LANES, lanes, at);
        x = end;
    }
    for (; x < row->width; x++)
        pixel(row, x, POOL_ONE, NULL);
}

CR_INLINE void
pool_plane_any_stride(const CrPoolRow *row, const PoolPixel pixel)
{
    if (row->stride == 1)
        pool_plane(row, pixel, POOL_NEIGHBOURS);
    else if (row->stride == 2)
        pool_plane(row, pixel, POOL_EVERY_2ND);
    else
        pool_plane(row, pixel, POOL_APART);
}

void
V_ISA(max_pool_row)(const CrPoolRow *row)
{
    for (int x = 0; x < row->width; x++)
        max_pool_pixel(row, x, POOL_CHANNELS, NULL);
}

void
V_ISA(average_pool_row)(const CrPoolRow *row)
{
    for (int x = 0; x < row->width; x++)
        average_pool_pixel(row, x, POOL_CHANNELS, NULL);
}

void
V_ISA(max_pool_plane_row)(const CrPoolRow *row)
{
    pool_plane_any_stride(row, max_pool_pixel);
}

void
V_ISA(average_pool_plane_row)(const CrPoolRow *row)
{
    pool_plane_any_stride(row, average_pool_pixel);
}
