/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Winograd's method as plain products of matrices. */
#include "kernels/c/clamp.h"
#include "kernels/c/reference.h"

static const float bt[6][6] = {{4, 0, -5, 0, 1, 0},  {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0},
                               {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}};
static const float at[4][6] = {
    {1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}};

static void
input_tile(float *v, const float *const rows[6], int x0, int lane, int block)
{
    float t[6][6];

    for (int i = 0; i < 6; i++)
        for (int x = 0; x < 6; x++) {
            t[i][x] = 0;
            for (int y = 0; y < 6; y++)
                t[i][x] += bt[i][y] * rows[y][(x0 + x) * block + lane];
        }
    for (int i = 0; i < 6; i++)
        for (int k = 0; k < 6; k++) {
            float sum = 0;
            for (int x = 0; x < 6; x++)
                sum += t[i][x] * bt[k][x];
            v[(6 * i + k) * block + lane] = sum;
        }
}

void
cr_reference_winograd_input(float *v, const float *const rows[6], int n_tiles, int block)
{
    for (int tile = 0; tile < n_tiles; tile++, v += 36 * block)
        for (int lane = 0; lane < block; lane++)
            input_tile(v, rows, 4 * tile, lane, block);
}

/* Place i of one tile: sum[n_out·block]. */
static void
multiply(float *sum, const CrWinogradProducts *p, const float *v, const float *w, int block)
{
    int lanes = p->n_out * block;

    for (int o = 0; o < lanes; o++)
        sum[o] = 0;
    for (int b = 0; b < p->n_blocks; b++)
        for (int c = 0; c < p->channels[b]; c++, w += lanes)
            for (int o = 0; o < lanes; o++)
                sum[o] += v[b * p->v_stride + c] * w[o];
}

void
cr_reference_winograd_products(const CrWinogradProducts *p, int block)
{
    ptrdiff_t channels = 0;

    for (int b = 0; b < p->n_blocks; b++)
        channels += p->channels[b];
    for (int i = 0; i < 36; i++)
        for (int tile = 0; tile < p->n_tiles; tile++) {
            ptrdiff_t place = ((ptrdiff_t)tile * 36 + i) * block;
            float sum[2 * CR_MAX_BLOCK];

            multiply(sum, p, p->v + place, p->weights + i * channels * p->n_out * block, block);
            for (int o = 0; o < p->n_out * block; o++)
                p->m[o / block * p->m_stride + place + o % block] = sum[o];
        }
}

static void
output_tile(float *const y[4], const float *m, int x0, int width, int lane, int block, float bias,
            float low, float high)
{
    float t[4][6];

    for (int i = 0; i < 4; i++)
        for (int x = 0; x < 6; x++) {
            t[i][x] = 0;
            for (int k = 0; k < 6; k++)
                t[i][x] += at[i][k] * m[(6 * k + x) * block + lane];
        }
    for (int i = 0; i < 4; i++)
        for (int column = 0; y[i] && column < 4 && x0 + column < width; column++) {
            float sum = 0;
            for (int x = 0; x < 6; x++)
                sum += t[i][x] * at[column][x];
            y[i][(x0 + column) * block + lane] = cr_clamp(sum + bias, low, high);
        }
}

void
cr_reference_winograd_output(float *const y[4], const float *m, const float *bias, float low,
                             float high, int width, int block)
{
    for (int x = 0; x < width; x += 4, m += 36 * block)
        for (int lane = 0; lane < block; lane++)
            output_tile(y, m, x, width, lane, block, bias[lane], low, high);
}

void
cr_c_winograd_input(float *v, const float *const rows[6], int n_tiles)
{
    cr_reference_winograd_input(v, rows, n_tiles, V_LANES);
}

void
cr_c_winograd_products(const CrWinogradProducts *products)
{
    cr_reference_winograd_products(products, V_LANES);
}

void
cr_c_winograd_output(float *const y[4], const float *m, const float *bias, float low, float high,
                     int width)
{
    cr_reference_winograd_output(y, m, bias, low, high, width, V_LANES);
}
