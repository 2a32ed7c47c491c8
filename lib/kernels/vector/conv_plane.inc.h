/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Direct convolution of one row from planes to planes: lanes are neighbours in x.
 *
 *     y[o][x] = clamp(bias[o] + Σ_segment Σ_c Σ_ky Σ_kx in[c][ky][x + kx·dilation] · w, low, high)
 *
 * A tile is all output channels of PLANE_VECTORS vectors (or one) of pixels: each input is loaded
 * once per tap for all of them, each weight once for all vectors. What is left of a row is a vector
 * that overlaps the one before; only rows shorter than a vector are masked. Each element is one
 * chain of FMAs in the order above, as conv_row() has it for planes. */

/* accumulators, inputs and a weight fit in 32 registers, or in 16 */
#if V_LANES == 16
#define PLANE_VECTORS 3
#else
#define PLANE_VECTORS 1
#endif

/* n_last: pixels of a vector that is not full, or 0 */
CR_INLINE void
conv_plane_tile(const CrConvRow *row, ptrdiff_t y_stride, int x0, const int n_out,
                const int n_vectors, int n_last)
{
    const Vec low = v_set1(row->low), high = v_set1(row->high);
    const float *w = row->weights;
    Vec sum[CR_CONV_PLANES][PLANE_VECTORS], in[PLANE_VECTORS];

    CR_UNROLL
    for (int o = 0; o < n_out; o++) {
        CR_UNROLL
        for (int v = 0; v < n_vectors; v++)
            sum[o][v] = v_set1(row->bias[o]);
    }
    for (int s = 0; s < row->n_segments; s++) {
        const CrConvSegment *segment = &row->segment[s];
        const float *plane = segment->x + x0;

        for (int c = 0; c < segment->channels; c++, plane += segment->block_stride) {
            w += row->ky_begin * row->kw * n_out;
            for (int ky = row->ky_begin; ky < row->ky_end; ky++) {
                const float *x = plane + ky * segment->row_stride;
                for (int kx = 0; kx < row->kw; kx++, x += row->dilation, w += n_out) {
                    CR_UNROLL
                    for (int v = 0; v < n_vectors; v++)
                        in[v] = n_last ? v_load_n(x, n_last) : v_load(x + v * V_LANES);
                    CR_UNROLL
                    for (int o = 0; o < n_out; o++) {
                        const Vec tap = v_set1(w[o]);
                        CR_UNROLL
                        for (int v = 0; v < n_vectors; v++)
                            sum[o][v] = v_fma(in[v], tap, sum[o][v]);
                    }
                }
            }
            w += (row->kh - row->ky_end) * row->kw * n_out;
        }
    }
    CR_UNROLL
    for (int o = 0; o < n_out; o++) {
        float *y = row->y[0] + o * y_stride + x0;
        CR_UNROLL
        for (int v = 0; v < n_vectors; v++) {
            const Vec value = v_min(high, v_max(low, sum[o][v]));
            if (n_last)
                v_store_n(y, value, n_last);
            else
                v_store(y + v * V_LANES, value);
        }
    }
}

typedef void (*ConvPlaneTile)(const CrConvRow *row, ptrdiff_t y_stride, int x0);

#define CONV_PLANE_TILES(n)                                                                        \
    static CR_NOINLINE void conv_plane_all_##n(const CrConvRow *row, ptrdiff_t y_stride, int x0)   \
    {                                                                                              \
        conv_plane_tile(row, y_stride, x0, n, PLANE_VECTORS, 0);                                   \
    }                                                                                              \
    static CR_NOINLINE void conv_plane_one_##n(const CrConvRow *row, ptrdiff_t y_stride, int x0)   \
    {                                                                                              \
        conv_plane_tile(row, y_stride, x0, n, 1, 0);                                               \
    }                                                                                              \
    static CR_NOINLINE void conv_plane_less_##n(const CrConvRow *row, ptrdiff_t y_stride, int x0)  \
    {                                                                                              \
        conv_plane_tile(row, y_stride, x0, n, 1, row->width - x0);                                 \
    }
V_UP_TO_8(CONV_PLANE_TILES)

#define CONV_PLANE_NAMES(n) {conv_plane_all_##n, conv_plane_one_##n, conv_plane_less_##n},

static const ConvPlaneTile conv_plane_tiles[CR_CONV_PLANES][3] = {V_UP_TO_8(CONV_PLANE_NAMES)};

void
V_ISA(conv_plane_row)(const CrConvRow *row, ptrdiff_t y_stride, int n_out)
{
    const ConvPlaneTile *tiles = conv_plane_tiles[n_out - 1];
    const int most = PLANE_VECTORS * V_LANES, width = row->width;
    int x = 0;

    if (width < V_LANES) {
        tiles[2](row, y_stride, 0);
        return;
    }
    for (; width - x >= most; x += most)
        tiles[0](row, y_stride, x);
    for (; width - x >= V_LANES; x += V_LANES)
        tiles[1](row, y_stride, x);
    if (x < width)
        tiles[1](row, y_stride, width - V_LANES);
}
