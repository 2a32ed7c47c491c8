/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Direct convolution of one row, V_LANES output channels per register.
 *
 *     y[o][x] = clamp(bias[o] + Σ_segment Σ_block Σ_ky Σ_kx Σ_c in · w, low, high)
 *
 * A tile is up to V_PIXELS_2 pixels × 2 blocks (V_PIXELS_1 × 1) that stay in registers for the
 * whole sum, so each element is one chain of FMAs in the order above whatever the tile. A row is
 * cut into tiles as even as possible, each an instance with a constant number of pixels: no masks.
 * For the usual segments the distance of two pixels and the number of channels are constants, too.
 * Inputs and outputs may be unaligned. */

#include "kernels/vector/sizes.h"

#define MIN_POINTS  64 /* channels */
#define CONV_PIXELS (V_PIXELS_1 > V_PIXELS_2 ? V_PIXELS_1 : V_PIXELS_2)

typedef struct {
    Vec sum[CONV_PIXELS][2];
} ConvTile;

/* One row of taps of one channel block: kw taps of `channels` channels. */
CR_INLINE const float *
conv_taps(ConvTile *tile, const float *x, const float *w, int kw, ptrdiff_t tap_step, int channels,
          ptrdiff_t pixel_step, const int n_pixels, const int n_blocks)
{
    for (int kx = 0; kx < kw; kx++, x += tap_step) {
        CR_UNROLL_2
        for (int c = 0; c < channels; c++, w += n_blocks * V_LANES) {
            const Vec w0 = v_load(w);
            const Vec w1 = n_blocks == 2 ? v_load(w + V_LANES) : w0;

            CR_UNROLL
            for (int p = 0; p < n_pixels; p++) {
                const Vec in = v_set1(x[p * pixel_step + c]);
                tile->sum[p][0] = v_fma(in, w0, tile->sum[p][0]);
                if (n_blocks == 2)
                    tile->sum[p][1] = v_fma(in, w1, tile->sum[p][1]);
            }
        }
    }
    return w;
}

/* Adds one segment from output pixel x0 on; pixel and stride are its own, or constants equal to
 * them. Returns the weights of the next one. */
CR_INLINE const float *
conv_segment(ConvTile *tile, const CrConvRow *row, const CrConvSegment *segment, const float *w,
             int x0, const int n_pixels, const int n_blocks, const int pixel, const int stride)
{
    const ptrdiff_t pixel_step = (ptrdiff_t)stride * pixel;
    const ptrdiff_t tap_step = (ptrdiff_t)row->dilation * pixel;
    const float *block = segment->x + x0 * pixel_step;

    for (int left = segment->channels; left > 0; left -= pixel, block += segment->block_stride) {
        const int channels = left < pixel ? left : pixel;
        const ptrdiff_t ky_weights = (ptrdiff_t)row->kw * channels * n_blocks * V_LANES;

        w += row->ky_begin * ky_weights;
        for (int ky = row->ky_begin; ky < row->ky_end; ky++) {
            const float *x = block + ky * segment->row_stride;
            if (channels == pixel)
                w = conv_taps(tile, x, w, row->kw, tap_step, pixel, pixel_step, n_pixels, n_blocks);
            else
                w = conv_taps(tile, x, w, row->kw, tap_step, channels, pixel_step, n_pixels,
                              n_blocks);
        }
        w += (row->kh - row->ky_end) * ky_weights;
    }
    return w;
}

CR_INLINE void
conv_begin(ConvTile *tile, const CrConvRow *row, const int n_pixels, const int n_blocks)
{
    CR_UNROLL
    for (int p = 0; p < n_pixels; p++) {
        tile->sum[p][0] = v_load(row->bias);
        if (n_blocks == 2)
            tile->sum[p][1] = v_load(row->bias + V_LANES);
    }
}

CR_INLINE void
conv_end(const ConvTile *tile, const CrConvRow *row, int x0, const int n_pixels, const int n_blocks)
{
    const Vec low = v_set1(row->low), high = v_set1(row->high);

    CR_UNROLL
    for (int p = 0; p < n_pixels; p++) {
        CR_UNROLL
        for (int b = 0; b < n_blocks; b++)
            v_store(row->y[b] + (ptrdiff_t)(x0 + p) * V_LANES,
                    v_min(high, v_max(low, tile->sum[p][b])));
    }
}

CR_INLINE void
conv_tile(const CrConvRow *row, int x0, const int n_pixels, const int n_blocks)
{
    const float *w = row->weights;
    ConvTile tile;

    conv_begin(&tile, row, n_pixels, n_blocks);
    for (int s = 0; s < row->n_segments; s++) {
        const CrConvSegment *segment = &row->segment[s];
        const int pixel = segment->pixel, stride = row->stride;

        if (pixel == V_LANES && stride == 1)
            w = conv_segment(&tile, row, segment, w, x0, n_pixels, n_blocks, V_LANES, 1);
        else if (pixel == V_LANES && stride == 2)
            w = conv_segment(&tile, row, segment, w, x0, n_pixels, n_blocks, V_LANES, 2);
        else if (pixel == 1 && stride == 1)
            w = conv_segment(&tile, row, segment, w, x0, n_pixels, n_blocks, 1, 1);
        else if (pixel == 1 && stride == 2)
            w = conv_segment(&tile, row, segment, w, x0, n_pixels, n_blocks, 1, 2);
        else
            w = conv_segment(&tile, row, segment, w, x0, n_pixels, n_blocks, pixel, stride);
    }
    conv_end(&tile, row, x0, n_pixels, n_blocks);
}

/* The same for two blocks of a row that has_points(). */
CR_INLINE void
conv_points(const CrConvRow *row, int x0, const int n_pixels)
{
    const float *w = row->weights;
    ConvTile tile;

    conv_begin(&tile, row, n_pixels, 2);
    for (int s = 0; s < row->n_segments; s++) {
        const CrConvSegment *segment = &row->segment[s];
        const float *x = segment->x + (ptrdiff_t)x0 * V_LANES;

        for (int left = segment->channels; left > 0; left -= V_LANES, x += segment->block_stride) {
            CR_UNROLL
            for (int c = 0; c < V_LANES; c++, w += 2 * V_LANES) {
                const Vec w0 = v_load(w), w1 = v_load(w + V_LANES);

                CR_UNROLL
                for (int p = 0; p < n_pixels; p++) {
                    const Vec in = v_set1(x[p * V_LANES + c]);
                    tile.sum[p][0] = v_fma(in, w0, tile.sum[p][0]);
                    tile.sum[p][1] = v_fma(in, w1, tile.sum[p][1]);
                }
            }
        }
    }
    conv_end(&tile, row, x0, n_pixels, 2);
}

typedef void (*ConvTileFn)(const CrConvRow *row, int x0);

#define CONV_TILE_1(n)                                                                             \
    static CR_NOINLINE void conv_tile_1x##n(const CrConvRow *row, int x0)                          \
    {                                                                                              \
        conv_tile(row, x0, n, 1);                                                                  \
    }
#define CONV_TILE_2(n)                                                                             \
    static CR_NOINLINE void conv_tile_2x##n(const CrConvRow *row, int x0)                          \
    {                                                                                              \
        conv_tile(row, x0, n, 2);                                                                  \
    }
#define CONV_POINTS(n)                                                                             \
    static CR_NOINLINE void conv_points_2x##n(const CrConvRow *row, int x0)                        \
    {                                                                                              \
        conv_points(row, x0, n);                                                                   \
    }
V_SIZES_1(CONV_TILE_1)
V_SIZES_2(CONV_TILE_2)
V_SIZES_2(CONV_POINTS)

#define CONV_TILE_1_NAME(n) conv_tile_1x##n,
#define CONV_TILE_2_NAME(n) conv_tile_2x##n,
#define CONV_POINTS_NAME(n) conv_points_2x##n,

static const ConvTileFn conv_tiles_1[V_PIXELS_1] = {V_SIZES_1(CONV_TILE_1_NAME)};
static const ConvTileFn conv_tiles_2[V_PIXELS_2] = {V_SIZES_2(CONV_TILE_2_NAME)};
static const ConvTileFn conv_points_tiles[V_PIXELS_2] = {V_SIZES_2(CONV_POINTS_NAME)};

/* Whether it is a 1×1 kernel over whole blocks, and so many of them that a loop over the channels
 * of each, which ends before the processor expects it, costs more than the size of the code
 * without. */
static bool
has_points(const CrConvRow *row)
{
    int channels = 0;

    for (int s = 0; s < row->n_segments; s++) {
        if (row->segment[s].pixel != V_LANES || row->segment[s].channels % V_LANES)
            return false;
        channels += row->segment[s].channels;
    }
    return row->kh * row->kw == 1 && row->ky_begin < row->ky_end && row->stride == 1 &&
           channels >= MIN_POINTS;
}

void
V_ISA(conv_row)(const CrConvRow *row)
{
    const bool two = row->y[1] != NULL;
    const ConvTileFn *tiles = !two              ? conv_tiles_1
                              : has_points(row) ? conv_points_tiles
                                                : conv_tiles_2;
    const int most = two ? V_PIXELS_2 : V_PIXELS_1;
    const int n_tiles = (row->width + most - 1) / most;

    for (int x = 0, left = n_tiles; left > 0; left--) {
        const int n_pixels = (row->width - x + left - 1) / left;
        tiles[n_pixels - 1](row, x);
        x += n_pixels;
    }
}
