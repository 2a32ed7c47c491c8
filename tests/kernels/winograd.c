/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check.h"
#include "kernels/c/reference.h"
#include "kernels/pack.h"
#include <math.h>

/* Integers go through the input transform exactly. */
static void
input(gconstpointer data)
{
    const CrKernels *kernels = data;
    const int block = kernels->block;

    for (int i = 0; i < check_shapes(); i++) {
        ptrdiff_t stride = (ptrdiff_t)check_pick(1, 3) * block;
        CheckBuffer v = check_buffer((size_t)(35 * stride + block), check_pick(0, 15));
        CheckBuffer in[6];
        const float *rows[6];
        float *expected = g_memdup2(v.data, v.n * sizeof *expected);

        for (int r = 0; r < 6; r++) {
            in[r] = check_buffer((size_t)(6 * block), check_pick(0, 15));
            check_fill(in[r].data, in[r].n, CHECK_INTEGERS);
            rows[r] = in[r].data;
        }
        cr_reference_winograd_input(expected, stride, rows, block);
        kernels->winograd_input(v.data, stride, rows);
        check_equal(v.data, expected, v.n, "winograd_input");
        for (int r = 0; r < 6; r++)
            check_buffer_free(&in[r]);
        check_buffer_free(&v);
        g_free(expected);
    }
}

/* So they do through the output transform; rows and columns outside the picture are not written. */
static void
output(gconstpointer data)
{
    const CrKernels *kernels = data;
    const int block = kernels->block;

    for (int i = 0; i < check_shapes(); i++) {
        const int columns = check_pick(1, 4), n_rows = check_pick(1, 4);
        const float low = check_pick(0, 1) ? 0 : -INFINITY, high = check_pick(0, 1) ? 6 : INFINITY;
        ptrdiff_t stride = (ptrdiff_t)check_pick(1, 3) * block;
        CheckBuffer m = check_buffer((size_t)(35 * stride + block), check_pick(0, 15));
        CheckBuffer bias = check_buffer((size_t)block, check_pick(0, 15)), out[4];
        float *y[4] = {NULL}, *expected[4] = {NULL};

        for (int k = 0; k < 36; k++)
            check_fill(m.data + k * stride, (size_t)block, CHECK_INTEGERS);
        check_fill(bias.data, bias.n, CHECK_INTEGERS);
        for (int r = 0; r < n_rows; r++) {
            out[r] = check_buffer((size_t)(columns * block), check_pick(0, 15));
            y[r] = out[r].data;
            expected[r] = g_new(float, out[r].n);
        }
        cr_reference_winograd_output(expected, m.data, stride, bias.data, low, high, columns,
                                     block);
        kernels->winograd_output(y, m.data, stride, bias.data, low, high, columns);
        for (int r = 0; r < n_rows; r++) {
            check_equal(y[r], expected[r], out[r].n, "winograd_output");
            check_buffer_free(&out[r]);
            g_free(expected[r]);
        }
        check_buffer_free(&m);
        check_buffer_free(&bias);
    }
}

/* Input transform, one product per tap and output transform together are a 3×3 convolution. */
static void
convolution(gconstpointer data)
{
    const CrKernels *kernels = data;
    const int block = kernels->block;
    float weights[9], transformed[36], v[36 * CR_MAX_BLOCK], in[6][6 * CR_MAX_BLOCK];
    float out[4][4 * CR_MAX_BLOCK], bias[CR_MAX_BLOCK] = {0};
    const float *rows[6];
    float *y[4];

    for (int i = 0; i < check_shapes(); i++) {
        check_fill(weights, 9, CHECK_FLOATS);
        cr_winograd_transform(transformed, weights, 1);
        for (int r = 0; r < 6; r++) {
            check_fill(in[r], (size_t)(6 * block), CHECK_FLOATS);
            rows[r] = in[r];
        }
        for (int r = 0; r < 4; r++)
            y[r] = out[r];
        kernels->winograd_input(v, block, rows);
        for (int k = 0; k < 36 * block; k++)
            v[k] *= transformed[k / block];
        kernels->winograd_output(y, v, block, bias, -INFINITY, INFINITY, 4);
        for (int k = 0; k < 16 * block; k++) {
            int r = k / block / 4, x = k / block % 4, lane = k % block;
            double sum = 0;
            for (int tap = 0; tap < 9; tap++)
                sum += (double)weights[tap] * in[r + tap / 3][(x + tap % 3) * block + lane];
            g_assert_cmpfloat(fabs(sum - out[r][x * block + lane]), <, 1e-4);
        }
    }
}

const CheckTest check_winograd_tests[] = {
    {"winograd_input", input},
    {"winograd_output", output},
    {"winograd", convolution},
    {0},
};
