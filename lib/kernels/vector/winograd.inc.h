/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Winograd's F(4×4, 3×3): transforms, and the products in between. With p = (0, 1, −1, 2, −2, ∞):
 *
 *          4  0 −5  0  1  0             1  1  1  1  1  0
 *          0 −4 −4  1  1  0        Aᵀ = 0  1 −1  2 −2  0
 *     Bᵀ = 0  4 −4 −1  1  0             0  1  1  4  4  0
 *          0 −2 −1  2  1  0             0  1 −1  8 −8  1
 *          0  2 −1 −2  1  0
 *          0  4  0 −5  0  1
 *
 * A column at a time, then a row at a time; the 36 values in between stay in registers as far as
 * there are enough. The 36 results of a tile are neighbours in memory: each transform reads or
 * writes one run, and what the products read next lies beside what they read now.
 *
 * Products keep up to V_PIXELS_2 tiles × 2 blocks (V_PIXELS_1 × 1) in registers for the whole sum,
 * as the direct convolution does with pixels: each element is one chain of FMAs in the order of the
 * channels. Weights come from the L2 cache, a new run of them for each of the 36, so they are asked
 * for some channels ahead. */

#include "kernels/vector/sizes.h"

#define WINOGRAD_TILE  (36 * V_LANES) /* floats */
#define WINOGRAD_AHEAD 16             /* channels */
#define WINOGRAD_TILES (V_PIXELS_1 > V_PIXELS_2 ? V_PIXELS_1 : V_PIXELS_2)

CR_INLINE void
winograd_bt(Vec r[6], Vec d0, Vec d1, Vec d2, Vec d3, Vec d4, Vec d5)
{
    const Vec two = v_set1(2), four = v_set1(4), minus_four = v_set1(-4), minus_five = v_set1(-5);
    const Vec even = v_fma(minus_four, d2, d4), odd = v_fma(minus_four, d1, d3);
    const Vec low = v_sub(d4, d2), high = v_mul(two, v_sub(d3, d1));

    r[0] = v_fma(four, d0, v_fma(minus_five, d2, d4));
    r[1] = v_add(even, odd);
    r[2] = v_sub(even, odd);
    r[3] = v_add(low, high);
    r[4] = v_sub(low, high);
    r[5] = v_fma(four, d1, v_fma(minus_five, d3, d5));
}

CR_INLINE void
winograd_at(Vec r[4], Vec m0, Vec m1, Vec m2, Vec m3, Vec m4, Vec m5)
{
    const Vec two = v_set1(2), four = v_set1(4), eight = v_set1(8);
    const Vec sum1 = v_add(m1, m2), difference1 = v_sub(m1, m2);
    const Vec sum2 = v_add(m3, m4), difference2 = v_sub(m3, m4);

    r[0] = v_add(v_add(m0, sum1), sum2);
    r[1] = v_fma(two, difference2, difference1);
    r[2] = v_fma(four, sum2, sum1);
    r[3] = v_add(v_fma(eight, difference2, difference1), m5);
}

void
V_ISA(winograd_input)(float *v, const float *const rows[6], int n_tiles)
{
    for (int at = 0; n_tiles > 0; n_tiles--, at += 4 * V_LANES) {
        Vec t[6][6]; /* [row of the transform][column of the picture] */

        CR_UNROLL
        for (int x = 0; x < 6; x++) {
            const float *pixel[6];
            Vec column[6];
            CR_UNROLL
            for (int y = 0; y < 6; y++)
                pixel[y] = rows[y] + at + x * V_LANES;
            winograd_bt(column, v_load(pixel[0]), v_load(pixel[1]), v_load(pixel[2]),
                        v_load(pixel[3]), v_load(pixel[4]), v_load(pixel[5]));
            CR_UNROLL
            for (int y = 0; y < 6; y++)
                t[y][x] = column[y];
        }
        CR_UNROLL
        for (int y = 0; y < 6; y++) {
            Vec row[6];
            winograd_bt(row, t[y][0], t[y][1], t[y][2], t[y][3], t[y][4], t[y][5]);
            CR_UNROLL
            for (int x = 0; x < 6; x++, v += V_LANES)
                v_store(v, row[x]);
        }
    }
}

/* Adds one channel block; returns the weights of the next. */
CR_INLINE const float *
winograd_block(Vec sum[][2], const float *v, const float *w, int channels, const int n_tiles,
               const int n_out)
{
    CR_UNROLL_2
    for (int c = 0; c < channels; c++, w += n_out * V_LANES) {
        const Vec w0 = v_load(w);
        const Vec w1 = n_out == 2 ? v_load(w + V_LANES) : w0;

        CR_UNROLL
        for (int i = 0; i < n_out * V_LANES; i += 16)
            __builtin_prefetch(w + WINOGRAD_AHEAD * n_out * V_LANES + i);
        CR_UNROLL
        for (int t = 0; t < n_tiles; t++) {
            const Vec in = v_set1(v[t * WINOGRAD_TILE + c]);
            sum[t][0] = v_fma(in, w0, sum[t][0]);
            if (n_out == 2)
                sum[t][1] = v_fma(in, w1, sum[t][1]);
        }
    }
    return w;
}

/* One of the 36 for some tiles; returns the weights of the next. */
CR_INLINE const float *
winograd_product(const CrWinogradProducts *p, const float *v, const float *w, float *m,
                 const int n_tiles, const int n_out)
{
    Vec sum[WINOGRAD_TILES][2];

    CR_UNROLL
    for (int t = 0; t < n_tiles; t++)
        sum[t][0] = sum[t][1] = v_zero();
    for (int b = 0; b < p->n_blocks; b++, v += p->v_stride) {
        if (p->channels[b] == V_LANES)
            w = winograd_block(sum, v, w, V_LANES, n_tiles, n_out);
        else
            w = winograd_block(sum, v, w, p->channels[b], n_tiles, n_out);
    }
    CR_UNROLL
    for (int t = 0; t < n_tiles; t++) {
        v_store(m + t * WINOGRAD_TILE, sum[t][0]);
        if (n_out == 2)
            v_store(m + p->m_stride + t * WINOGRAD_TILE, sum[t][1]);
    }
    return w;
}

typedef const float *(*WinogradProductFn)(const CrWinogradProducts *p, const float *v,
                                          const float *w, float *m);

#define WINOGRAD_PRODUCT(n, n_out)                                                                 \
    static CR_NOINLINE const float *winograd_product_##n_out##x##n(                                \
        const CrWinogradProducts *p, const float *v, const float *w, float *m)                     \
    {                                                                                              \
        return winograd_product(p, v, w, m, n, n_out);                                             \
    }
#define WINOGRAD_PRODUCT_1(n) WINOGRAD_PRODUCT(n, 1)
#define WINOGRAD_PRODUCT_2(n) WINOGRAD_PRODUCT(n, 2)
V_SIZES_1(WINOGRAD_PRODUCT_1)
V_SIZES_2(WINOGRAD_PRODUCT_2)

#define WINOGRAD_PRODUCT_1_NAME(n) winograd_product_1x##n,
#define WINOGRAD_PRODUCT_2_NAME(n) winograd_product_2x##n,

static const WinogradProductFn winograd_products_1[V_PIXELS_1] = {
    V_SIZES_1(WINOGRAD_PRODUCT_1_NAME)};
static const WinogradProductFn winograd_products_2[V_PIXELS_2] = {
    V_SIZES_2(WINOGRAD_PRODUCT_2_NAME)};

void
V_ISA(winograd_products)(const CrWinogradProducts *p)
{
    const WinogradProductFn *products = p->n_out == 2 ? winograd_products_2 : winograd_products_1;
    const int most = p->n_out == 2 ? V_PIXELS_2 : V_PIXELS_1;
    const float *w = p->weights;

    for (int i = 0; i < 36; i++) {
        const float *next = w;
        ptrdiff_t at = i * V_LANES;
        for (int left = p->n_tiles, runs = (left + most - 1) / most; runs > 0; runs--) {
            const int n = (left + runs - 1) / runs;
            next = products[n - 1](p, p->v + at, w, p->m + at);
            at += n * WINOGRAD_TILE;
            left -= n;
        }
        w = next;
    }
}

/* Up to four columns of a tile from column x on. */
CR_INLINE void
winograd_output_tile(float *const y[4], ptrdiff_t x, const float *m, Vec bias, Vec low, Vec high,
                     const int columns)
{
    Vec t[4][6];

    CR_UNROLL
    for (int k = 0; k < 6; k++) {
        const float *at = m + k * V_LANES;
        Vec column[4];
        winograd_at(column, v_load(at), v_load(at + 6 * V_LANES), v_load(at + 12 * V_LANES),
                    v_load(at + 18 * V_LANES), v_load(at + 24 * V_LANES),
                    v_load(at + 30 * V_LANES));
        CR_UNROLL
        for (int row = 0; row < 4; row++)
            t[row][k] = column[row];
    }
    CR_UNROLL
    for (int row = 0; row < 4; row++) {
        Vec out[4];
        if (!y[row])
            continue;
        winograd_at(out, t[row][0], t[row][1], t[row][2], t[row][3], t[row][4], t[row][5]);
        CR_UNROLL
        for (int k = 0; k < 4; k++)
            if (k < columns)
                v_store(y[row] + (x + k) * V_LANES, v_min(high, v_max(low, v_add(out[k], bias))));
    }
}

void
V_ISA(winograd_output)(float *const y[4], const float *m, const float *bias, float low, float high,
                       int width)
{
    const Vec b = v_load(bias), lowest = v_set1(low), highest = v_set1(high);
    int x = 0;

    for (; x + 4 <= width; x += 4, m += WINOGRAD_TILE)
        winograd_output_tile(y, x, m, b, lowest, highest, 4);
    if (x < width)
        winograd_output_tile(y, x, m, b, lowest, highest, width - x);
}
