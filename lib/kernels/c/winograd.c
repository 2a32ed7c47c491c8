/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Winograd's transforms as plain products of matrices. */
#include "kernels/c/clamp.h"
#include "kernels/c/reference.h"

static const float bt[6][6] = {{4, 0, -5, 0, 1, 0},  {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0},
                               {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}};
static const float at[4][6] = {
    {1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}};

void
cr_reference_winograd_input(float *v, ptrdiff_t v_stride, const float *const rows[6], int block)
{
    for (int lane = 0; lane < block; lane++) {
        float t[6][6];
        for (int i = 0; i < 6; i++)
            for (int x = 0; x < 6; x++) {
                t[i][x] = 0;
                for (int y = 0; y < 6; y++)
                    t[i][x] += bt[i][y] * rows[y][x * block + lane];
            }
        for (int i = 0; i < 6; i++)
            for (int k = 0; k < 6; k++) {
                float sum = 0;
                for (int x = 0; x < 6; x++)
                    sum += t[i][x] * bt[k][x];
                v[(6 * i + k) * v_stride + lane] = sum;
            }
    }
}

void
cr_reference_winograd_output(float *const y[4], const float *m, ptrdiff_t m_stride,
                             const float *bias, float low, float high, int columns, int block)
{
    for (int lane = 0; lane < block; lane++) {
        float t[4][6];
        for (int i = 0; i < 4; i++)
            for (int x = 0; x < 6; x++) {
                t[i][x] = 0;
                for (int k = 0; k < 6; k++)
                    t[i][x] += at[i][k] * m[(6 * k + x) * m_stride + lane];
            }
        for (int i = 0; i < 4; i++)
            for (int column = 0; y[i] && column < columns; column++) {
                float sum = 0;
                for (int x = 0; x < 6; x++)
                    sum += t[i][x] * at[column][x];
                y[i][column * block + lane] = cr_clamp(sum + bias[lane], low, high);
            }
    }
}

void
cr_c_winograd_input(float *v, ptrdiff_t v_stride, const float *const rows[6])
{
    cr_reference_winograd_input(v, v_stride, rows, V_LANES);
}

void
cr_c_winograd_output(float *const y[4], const float *m, ptrdiff_t m_stride, const float *bias,
                     float low, float high, int columns)
{
    cr_reference_winograd_output(y, m, m_stride, bias, low, high, columns, V_LANES);
}
