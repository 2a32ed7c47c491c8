/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Direct convolution of one row from planes to planes: lanes are neighbours in x.
 *
 *     y[o][x] = clamp(bias[o] + Σ_segment Σ_c Σ_ky Σ_kx in[c][ky][x + kx·dilation] · w, low, high)
 *
 * A tile is all output channels of some vectors of pixels: each input is loaded once per tap for
 * all of them, each weight once for all vectors. The last vector of a row may overlap the one
 * before; only rows shorter than a vector are masked. Each element is one chain of FMAs in the
 * order above, as conv_row() has it for planes. */

/* Vectors of a tile: accumulators, inputs and a weight fit in 32 registers, or in 16. */
#define PLANE_MOST 3
#if V_LANES == 16
#define PLANE_VECTORS(n_out) 3
#else
#define PLANE_VECTORS(n_out) ((n_out) <= 4 ? 3 : (n_out) <= 6 ? 2 : 1)
#endif

typedef struct {
    Vec sum[CR_CONV_PLANES][PLANE_MOST];
} ConvPlaneTile;

/* One tap. last: where the last vector begins; n_last: its pixels when it is not full, or 0 */
CR_INLINE void
conv_plane_tap(ConvPlaneTile *tile, const float *x, const float *w, const int n_out,
               const int n_vectors, int last, int n_last)
{
    Vec in[PLANE_MOST];

    CR_UNROLL
    for (int v = 0; v < n_vectors; v++) {
        const float *p = x + (v == n_vectors - 1 ? last : v * V_LANES);
        in[v] = n_last ? v_load_n(p, n_last) : v_load(p);
    }
    CR_UNROLL
    for (int o = 0; o < n_out; o++) {
        const Vec tap = v_set1(w[o]);
        CR_UNROLL
        for (int v = 0; v < n_vectors; v++)
            tile->sum[o][v] = v_fma(in[v], tap, tile->sum[o][v]);
    }
}

CR_INLINE void
conv_plane_tile(const CrConvRow *row, ptrdiff_t y_stride, int x0, const int n_out,
                const int n_vectors, int last, int n_last)
{
    const float *w = row->weights;
    ConvPlaneTile tile;

    CR_UNROLL
    for (int o = 0; o < n_out; o++) {
        CR_UNROLL
        for (int v = 0; v < n_vectors; v++)
            tile.sum[o][v] = v_set1(row->bias[o]);
    }
    for (int s = 0; s < row->n_segments; s++) {
        const CrConvSegment *segment = &row->segment[s];
        const float *plane = segment->x + x0;

        if (row->kh * row->kw == 1 && row->ky_begin < row->ky_end) {
            for (int c = 0; c < segment->channels; c++, plane += segment->block_stride, w += n_out)
                conv_plane_tap(&tile, plane, w, n_out, n_vectors, last, n_last);
            continue;
        }
        for (int c = 0; c < segment->channels; c++, plane += segment->block_stride) {
            w += row->ky_begin * row->kw * n_out;
            for (int ky = row->ky_begin; ky < row->ky_end; ky++) {
                const float *x = plane + ky * segment->row_stride;
                for (int kx = 0; kx < row->kw; kx++, x += row->dilation, w += n_out)
                    conv_plane_tap(&tile, x, w, n_out, n_vectors, last, n_last);
            }
            w += (row->kh - row->ky_end) * row->kw * n_out;
        }
    }
    /* not before: the registers are full */
    const Vec low = v_set1(row->low), high = v_set1(row->high);
    CR_UNROLL
    for (int o = 0; o < n_out; o++) {
        CR_UNROLL
        for (int v = 0; v < n_vectors; v++) {
            float *y = row->y[0] + o * y_stride + x0 + (v == n_vectors - 1 ? last : v * V_LANES);
            const Vec value = v_min(high, v_max(low, tile.sum[o][v]));
            if (n_last)
                v_store_n(y, value, n_last);
            else
                v_store(y, value);
        }
    }
}

/* From x0 on, `width` pixels, no more than the vectors of a tile have. */
CR_INLINE void
conv_plane_pixels(const CrConvRow *row, ptrdiff_t y_stride, int x0, int width, const int n_out)
{
    const int last = width - V_LANES;

    if (PLANE_VECTORS(n_out) > 2 && last > V_LANES)
        conv_plane_tile(row, y_stride, x0, n_out, 3, last, 0);
    else if (PLANE_VECTORS(n_out) > 1 && last > 0)
        conv_plane_tile(row, y_stride, x0, n_out, 2, last, 0);
    else if (last >= 0)
        conv_plane_tile(row, y_stride, x0, n_out, 1, 0, 0);
    else
        conv_plane_tile(row, y_stride, x0, n_out, 1, 0, width);
}

/* Of what is left after full tiles, less than a vector begins in the tile before. */
#define CONV_PLANE(n)                                                                              \
    static CR_NOINLINE void conv_plane_##n(const CrConvRow *row, ptrdiff_t y_stride)               \
    {                                                                                              \
        const int most = PLANE_VECTORS(n) * V_LANES;                                               \
        for (int x = 0, left = row->width; left > 0; x += most, left -= most) {                    \
            const int back = left < V_LANES && x > 0 ? V_LANES - left : 0;                         \
            conv_plane_pixels(row, y_stride, x - back, left + back < most ? left + back : most,    \
                              n);                                                                  \
        }                                                                                          \
    }
V_UP_TO_8(CONV_PLANE)

#define CONV_PLANE_NAME(n) conv_plane_##n,

void
V_ISA(conv_plane_row)(const CrConvRow *row, ptrdiff_t y_stride, int n_out)
{
    static void (*const of[CR_CONV_PLANES])(const CrConvRow *row,
                                            ptrdiff_t y_stride) = {V_UP_TO_8(CONV_PLANE_NAME)};

    of[n_out - 1](row, y_stride);
}
