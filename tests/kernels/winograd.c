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
        const int n_tiles = check_pick(1, 4);
        CheckBuffer v = check_buffer((size_t)(n_tiles * 36 * block), check_pick(0, 15));
        CheckBuffer in[6];
        const float *rows[6];
        float *expected = g_new(float, v.n);

        for (int r = 0; r < 6; r++) {
            in[r] = check_buffer((size_t)((4 * n_tiles + 2) * block), check_pick(0, 15));
            check_fill(in[r].data, in[r].n, CHECK_INTEGERS);
            rows[r] = in[r].data;
        }
        cr_reference_winograd_input(expected, rows, n_tiles, block);
        kernels->winograd_input(v.data, rows, n_tiles);
        check_equal(v.data, expected, v.n, "winograd_input");
        for (int r = 0; r < 6; r++)
            check_buffer_free(&in[r]);
        check_buffer_free(&v);
        g_free(expected);
    }
}

/* So they do through the products; lanes that are no channels are not read, even as NaN times 0. */
static void
products(gconstpointer data)
{
    const CrKernels *kernels = data;
    const int block = kernels->block;

    for (int i = 0; i < check_shapes() / 10 + 1; i++) {
        const int n_tiles = check_pick(1, 40), n_blocks = check_pick(1, 4),
                  n_out = check_pick(1, 2);
        const ptrdiff_t tiles = (ptrdiff_t)n_tiles * 36 * block;
        int channels[4], all = 0;
        CrWinogradProducts p = {.v_stride = tiles + check_pick(0, 2) * block,
                                .n_blocks = n_blocks,
                                .channels = channels,
                                .m_stride = tiles + check_pick(0, 2) * block,
                                .n_out = n_out,
                                .n_tiles = n_tiles};
        for (int b = 0; b < n_blocks; b++)
            all += channels[b] = check_pick(0, 1) ? block : check_pick(1, block);
        CheckBuffer v = check_buffer((size_t)((n_blocks - 1) * p.v_stride + tiles), 0);
        CheckBuffer weights = check_buffer((size_t)(36 * all * n_out * block), 0);
        CheckBuffer m = check_buffer((size_t)((n_out - 1) * p.m_stride + tiles), check_pick(0, 15));
        float *expected = g_memdup2(m.data, m.n * sizeof *expected);

        for (int b = 0; b < n_blocks; b++)
            for (int place = 0; place < 36 * n_tiles; place++)
                check_fill(v.data + b * p.v_stride + place * block, (size_t)channels[b],
                           CHECK_INTEGERS);
        check_fill(weights.data, weights.n, CHECK_INTEGERS);
        p.v = v.data;
        p.weights = weights.data;
        p.m = expected;
        cr_reference_winograd_products(&p, block);
        p.m = m.data;
        kernels->winograd_products(&p);
        check_equal(m.data, expected, m.n, "winograd_products");
        check_buffer_free(&v);
        check_buffer_free(&weights);
        check_buffer_free(&m);
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
        const int width = check_pick(1, 14), n_rows = check_pick(1, 4);
        const float low = check_pick(0, 1) ? 0 : -INFINITY, high = check_pick(0, 1) ? 6 : INFINITY;
        CheckBuffer m = check_buffer((size_t)((width + 3) / 4 * 36 * block), check_pick(0, 15));
        CheckBuffer bias = check_buffer((size_t)block, check_pick(0, 15)), out[4];
        float *y[4] = {NULL}, *expected[4] = {NULL};

        check_fill(m.data, m.n, CHECK_INTEGERS);
        check_fill(bias.data, bias.n, CHECK_INTEGERS);
        for (int r = 0; r < n_rows; r++) {
            out[r] = check_buffer((size_t)(width * block), check_pick(0, 15));
            y[r] = out[r].data;
            expected[r] = g_new(float, out[r].n);
        }
        cr_reference_winograd_output(expected, m.data, bias.data, low, high, width, block);
        kernels->winograd_output(y, m.data, bias.data, low, high, width);
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
        kernels->winograd_input(v, rows, 1);
        for (int k = 0; k < 36 * block; k++)
            v[k] *= transformed[k / block];
        kernels->winograd_output(y, v, bias, -INFINITY, INFINITY, 4);
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
    {"winograd_products", products},
    {"winograd_output", output},
    {"winograd", convolution},
    {0},
};
