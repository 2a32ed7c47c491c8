/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check.h"
#include "kernels/c/reference.h"

typedef void (*Reference)(const CrPoolRow *row, int block);

/* Rows of blocks, or of planes, which are long enough for several vectors now and then. */
static void
compare(int block, void (*pool)(const CrPoolRow *row), Reference reference)
{
    const int longest = block == 1 ? 100 : 30;

    for (int i = 0; i < check_shapes(); i++) {
        const int kh = check_pick(1, 4);
        CrPoolRow row = {.kw = check_pick(1, 5), .stride = check_pick(1, 3)};
        CheckBuffer in, y;
        float *expected;

        row.dilation = check_pick(1, 2);
        row.pad_left = check_pick(0, 6);
        row.pad_right = check_pick(0, 6);
        row.in_width = check_pick(1, longest);
        row.width = check_pick(1, longest * 2 / 3);
        row.ky_begin = check_pick(0, kh);
        row.ky_end = check_pick(row.ky_begin, kh);
        row.count_include_pad = check_pick(0, 1);
        row.rows_counted = row.count_include_pad ? kh : row.ky_end - row.ky_begin;
        row.row_stride = (ptrdiff_t)row.in_width * block + check_pick(0, 3);
        in = check_buffer((size_t)(row.row_stride * kh), check_pick(0, 15));
        for (int ky = row.ky_begin; ky < row.ky_end; ky++)
            check_fill(in.data + ky * row.row_stride, (size_t)(row.in_width * block),
                       check_pick(0, 3) ? CHECK_FLOATS : CHECK_SPECIALS);
        y = check_buffer((size_t)(row.width * block), check_pick(0, 15));
        expected = g_new(float, y.n);
        row.x = in.data;
        row.y = expected;
        reference(&row, block);
        row.y = y.data;
        pool(&row);
        check_equal(y.data, expected, y.n, "pool_row");
        g_free(expected);
        check_buffer_free(&in);
        check_buffer_free(&y);
    }
}

static void
maximum(gconstpointer data)
{
    const CrKernels *kernels = data;
    compare(kernels->block, kernels->max_pool_row, cr_reference_max_pool_row);
    compare(1, kernels->max_pool_plane_row, cr_reference_max_pool_row);
}

static void
average(gconstpointer data)
{
    const CrKernels *kernels = data;
    compare(kernels->block, kernels->average_pool_row, cr_reference_average_pool_row);
    compare(1, kernels->average_pool_plane_row, cr_reference_average_pool_row);
}

/* 1 2 3 in windows of 4, stride 2, one pixel of padding on either side; the second window reaches
 * one pixel beyond the padding, which never counts. */
static void
known_averages(gconstpointer data)
{
    const CrKernels *kernels = data;
    const float in[] = {1, 2, 3};
    const float expected[2][2] = {{6.0f / 3, 5.0f / 2}, {6.0f / 4, 5.0f / 3}};
    float x[3 * CR_MAX_BLOCK], y[2 * CR_MAX_BLOCK];
    CrPoolRow row = {.x = x, .kw = 4, .ky_end = 1, .stride = 2, .dilation = 1, .pad_left = 1};

    kernels->fill_pixels(x, in, 1, 3);
    row.in_width = 3;
    row.y = y;
    row.width = 2;
    row.pad_right = 1;
    row.rows_counted = 1;
    for (row.count_include_pad = 0; row.count_include_pad < 2; row.count_include_pad++) {
        kernels->average_pool_row(&row);
        for (int i = 0; i < 2 * kernels->block; i++)
            g_assert_cmpfloat(y[i], ==, expected[row.count_include_pad][i / kernels->block]);
    }
}

const CheckTest check_pool_tests[] = {
    {"pool/maximum", maximum},
    {"pool/average", average},
    {"pool/known-averages", known_averages},
    {NULL, NULL},
};
