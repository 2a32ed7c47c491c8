/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Depthwise convolution of one row of one channel block.
 *
 *     y[x] = clamp(bias + Σ_ky Σ_kx in[ky][x·stride + kx·dilation] · w[ky][kx], low, high)
 *
 * A tile is up to DW_PIXELS outputs in registers. For kernels 3 and 5 wide, undilated, a row's taps
 * are in registers too, and each input is loaded once and used by all outputs that it reaches; an
 * output still meets its taps in ascending order. Other shapes load an input per tap. */

#include "kernels/vector/sizes.h"

#define DW_PIXELS   8
#define DW_SIZES(X) V_UP_TO_8(X)

CR_INLINE void
depthwise_taps(Vec *acc, const float *x, const float *w, const int kw, const int stride,
               const int n_pixels)
{
    const int n_inputs = (n_pixels - 1) * stride + kw;
    Vec tap[5];

    CR_UNROLL
    for (int kx = 0; kx < kw; kx++)
        tap[kx] = v_load(w + kx * V_LANES);
    CR_UNROLL
    for (int i = 0; i < n_inputs; i++) {
        Vec in = v_load(x + (ptrdiff_t)i * V_LANES);

        CR_UNROLL
        for (int p = 0; p < n_pixels; p++) {
            const int kx = i - p * stride;
            if (kx >= 0 && kx < kw)
                acc[p] = v_fma(in, tap[kx], acc[p]);
        }
    }
}

CR_INLINE void
depthwise_any_taps(Vec *acc, const float *x, const CrDepthwiseRow *row, const float *w,
                   const int n_pixels)
{
    const ptrdiff_t pixel_step = (ptrdiff_t)row->stride * V_LANES;

    for (int kx = 0; kx < row->kw; kx++, x += (ptrdiff_t)row->dilation * V_LANES) {
        Vec tap = v_load(w + kx * V_LANES);

        CR_UNROLL
        for (int p = 0; p < n_pixels; p++)
            acc[p] = v_fma(v_load(x + p * pixel_step), tap, acc[p]);
    }
}

/* kw 0: any kw, stride and dilation */
CR_INLINE void
depthwise_tile(const CrDepthwiseRow *row, int x0, const int n_pixels, const int kw,
               const int stride)
{
    const float *x = row->x + (ptrdiff_t)x0 * row->stride * V_LANES;
    const Vec low = v_set1(row->low), high = v_set1(row->high);
    Vec acc[DW_PIXELS];

    CR_UNROLL
    for (int p = 0; p < n_pixels; p++)
        acc[p] = v_load(row->bias);
    for (int ky = row->ky_begin; ky < row->ky_end; ky++) {
        const float *w = row->weights + (ptrdiff_t)ky * row->kw * V_LANES;
        if (kw)
            depthwise_taps(acc, x + ky * row->row_stride, w, kw, stride, n_pixels);
        else
            depthwise_any_taps(acc, x + ky * row->row_stride, row, w, n_pixels);
    }
    CR_UNROLL
    for (int p = 0; p < n_pixels; p++)
        v_store(row->y + (ptrdiff_t)(x0 + p) * V_LANES, v_min(high, v_max(low, acc[p])));
}

typedef void (*DepthwiseTile)(const CrDepthwiseRow *row, int x0);

#define DW_TILE(pixels, name, kw, stride)                                                          \
    static CR_NOINLINE void depthwise_##name##_##pixels(const CrDepthwiseRow *row, int x0)         \
    {                                                                                              \
        depthwise_tile(row, x0, pixels, kw, stride);                                               \
    }

#define DW_TILE_ANY(n)  DW_TILE(n, any, 0, 0)
#define DW_TILE_3_S1(n) DW_TILE(n, 3_s1, 3, 1)
#define DW_TILE_3_S2(n) DW_TILE(n, 3_s2, 3, 2)
#define DW_TILE_5_S1(n) DW_TILE(n, 5_s1, 5, 1)
#define DW_TILE_5_S2(n) DW_TILE(n, 5_s2, 5, 2)

DW_SIZES(DW_TILE_ANY)
DW_SIZES(DW_TILE_3_S1)
DW_SIZES(DW_TILE_3_S2)
DW_SIZES(DW_TILE_5_S1)
DW_SIZES(DW_TILE_5_S2)

#define DW_ANY(n)  depthwise_any_##n,
#define DW_3_S1(n) depthwise_3_s1_##n,
#define DW_3_S2(n) depthwise_3_s2_##n,
#define DW_5_S1(n) depthwise_5_s1_##n,
#define DW_5_S2(n) depthwise_5_s2_##n,

enum { DW_SHAPE_ANY, DW_SHAPE_3_S1, DW_SHAPE_3_S2, DW_SHAPE_5_S1, DW_SHAPE_5_S2, N_DW_SHAPES };

static const DepthwiseTile depthwise_tiles[N_DW_SHAPES][DW_PIXELS] = {
    [DW_SHAPE_ANY] = {DW_SIZES(DW_ANY)},   [DW_SHAPE_3_S1] = {DW_SIZES(DW_3_S1)},
    [DW_SHAPE_3_S2] = {DW_SIZES(DW_3_S2)}, [DW_SHAPE_5_S1] = {DW_SIZES(DW_5_S1)},
    [DW_SHAPE_5_S2] = {DW_SIZES(DW_5_S2)},
};

static int
depthwise_shape(const CrDepthwiseRow *row)
{
    if (row->dilation != 1 || row->stride > 2 || (row->kw != 3 && row->kw != 5))
        return DW_SHAPE_ANY;
    if (row->kw == 3)
        return row->stride == 1 ? DW_SHAPE_3_S1 : DW_SHAPE_3_S2;
    return row->stride == 1 ? DW_SHAPE_5_S1 : DW_SHAPE_5_S2;
}

void
V_ISA(depthwise_row)(const CrDepthwiseRow *row)
{
    const DepthwiseTile *tiles = depthwise_tiles[depthwise_shape(row)];
    const int n_tiles = (row->width + DW_PIXELS - 1) / DW_PIXELS;

    for (int x = 0, left = n_tiles; left > 0; left--) {
        int n_pixels = (row->width - x + left - 1) / left;
        tiles[n_pixels - 1](row, x);
        x += n_pixels;
    }
}

/* --- one channel, planar: lanes are neighbours in x --- */

#define PLANE_VECTORS 4

/* n_vectors, the last of which begins at x0 + last and may overlap the one before; n_few: pixels of
 * a row that is shorter than a vector, else 0 */
CR_INLINE void
depthwise_plane_tile(const CrDepthwiseRow *row, int x0, const int n_vectors, int last, int n_few)
{
    const Vec low = v_set1(row->low), high = v_set1(row->high);
    Vec acc[PLANE_VECTORS];

    CR_UNROLL
    for (int v = 0; v < n_vectors; v++)
        acc[v] = v_set1(row->bias[0]);
    for (int ky = row->ky_begin; ky < row->ky_end; ky++) {
        const float *x = row->x + ky * row->row_stride + x0;
        for (int kx = 0; kx < row->kw; kx++, x += row->dilation) {
            const Vec tap = v_set1(row->weights[ky * row->kw + kx]);
            CR_UNROLL
            for (int v = 0; v < n_vectors; v++) {
                const float *p = x + (v == n_vectors - 1 ? last : v * V_LANES);
                acc[v] = v_fma(n_few ? v_load_n(p, n_few) : v_load(p), tap, acc[v]);
            }
        }
    }
    CR_UNROLL
    for (int v = 0; v < n_vectors; v++) {
        float *y = row->y + x0 + (v == n_vectors - 1 ? last : v * V_LANES);
        const Vec value = v_min(high, v_max(low, acc[v]));
        if (n_few)
            v_store_n(y, value, n_few);
        else
            v_store(y, value);
    }
}

static void
depthwise_plane_any_stride(const CrDepthwiseRow *row)
{
    float in[V_LANES];

    for (int x0 = 0; x0 < row->width; x0 += V_LANES) {
        const int n = row->width - x0 < V_LANES ? row->width - x0 : V_LANES;
        Vec acc = v_set1(row->bias[0]);
        for (int ky = row->ky_begin; ky < row->ky_end; ky++) {
            for (int kx = 0; kx < row->kw; kx++) {
                const float *x = row->x + ky * row->row_stride + kx * row->dilation;
                for (int i = 0; i < V_LANES; i++)
                    in[i] = i < n ? x[(ptrdiff_t)(x0 + i) * row->stride] : 0;
                acc = v_fma(v_load(in), v_set1(row->weights[ky * row->kw + kx]), acc);
            }
        }
        acc = v_min(v_set1(row->high), v_max(v_set1(row->low), acc));
        if (n == V_LANES)
            v_store(row->y + x0, acc);
        else
            v_store_n(row->y + x0, acc, n);
    }
}

void
V_ISA(depthwise_plane_row)(const CrDepthwiseRow *row)
{
    const int width = row->width;

    if (row->stride != 1) {
        depthwise_plane_any_stride(row);
        return;
    }
    if (width < V_LANES) {
        depthwise_plane_tile(row, 0, 1, 0, width);
        return;
    }
    int x = 0;
    for (; width - x >= PLANE_VECTORS * V_LANES; x += PLANE_VECTORS * V_LANES)
        depthwise_plane_tile(row, x, PLANE_VECTORS, (PLANE_VECTORS - 1) * V_LANES, 0);
    const int last = width - x - V_LANES; /* where the last vector has to begin */
    if (last > 2 * V_LANES)
        depthwise_plane_tile(row, x, 4, last, 0);
    else if (last > V_LANES)
        depthwise_plane_tile(row, x, 3, last, 0);
    else if (last > 0)
        depthwise_plane_tile(row, x, 2, last, 0);
    else if (x < width)
        depthwise_plane_tile(row, x + last, 1, 0, 0);
}
