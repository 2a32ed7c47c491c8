/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Matrix-vector panels, sums over pixels, and the search for NaN and Inf. */
#include "check.h"
#include "kernels/c/reference.h"
#include <math.h>
#include <string.h>

static void
gemv_with(const CrKernels *kernels, CheckData kind)
{
    const size_t lanes = 4 * (size_t)kernels->block;

    for (int i = 0; i < check_shapes(); i++) {
        const int k = check_pick(0, 200);
        CheckBuffer w = check_buffer((size_t)k * lanes, 0), x = check_buffer((size_t)k, 3);
        CheckBuffer bias = check_buffer(lanes, 0), y = check_buffer(lanes, check_pick(0, 15));
        float expected[4 * CR_MAX_BLOCK], bound[4 * CR_MAX_BLOCK];

        check_fill(w.data, w.n, kind);
        check_fill(x.data, x.n, kind);
        check_fill(bias.data, lanes, kind);
        kernels->gemv_panel(y.data, w.data, bias.data, x.data, k);
        cr_reference_gemv_panel(expected, w.data, bias.data, x.data, k, kernels->block);
        if (kind == CHECK_INTEGERS) {
            check_equal(y.data, expected, lanes, "gemv_panel");
        } else {
            check_absolute(w.data, w.data, w.n);
            check_absolute(x.data, x.data, x.n);
            check_absolute(bias.data, bias.data, lanes);
            cr_reference_gemv_panel(bound, w.data, bias.data, x.data, k, kernels->block);
            check_near(y.data, expected, bound, (float)(2 * k + 2) * 0x1p-23f, lanes, "gemv_panel");
        }
        check_buffer_free(&w);
        check_buffer_free(&x);
        check_buffer_free(&bias);
        check_buffer_free(&y);
    }
}

static void
gemv(gconstpointer data)
{
    gemv_with(data, CHECK_INTEGERS);
    gemv_with(data, CHECK_FLOATS);
}

static void
sum(gconstpointer data)
{
    const CrKernels *kernels = data;

    for (int i = 0; i < check_shapes(); i++) {
        const int width = check_pick(0, 60), block = kernels->block;
        CheckBuffer row = check_buffer((size_t)(width * block), check_pick(0, 15));
        CheckBuffer acc = check_buffer((size_t)block, check_pick(0, 15));
        float expected[CR_MAX_BLOCK];

        check_fill(row.data, row.n, check_pick(0, 5) ? CHECK_FLOATS : CHECK_SPECIALS);
        check_fill(acc.data, acc.n, CHECK_FLOATS);
        memcpy(expected, acc.data, acc.n * sizeof(float));
        kernels->sum_row(acc.data, row.data, width);
        cr_reference_sum_row(expected, row.data, width, block);
        check_equal(acc.data, expected, acc.n, "sum_row");
        check_buffer_free(&row);
        check_buffer_free(&acc);
    }
}

static void
non_finite(gconstpointer data)
{
    const CrKernels *kernels = data;
    const float bad[] = {INFINITY, -INFINITY, NAN, -NAN};
    const float good[] = {0.0f, -0.0f, 3.4028235e38f, -3.4028235e38f, 1e-42f};

    for (int i = 0; i < check_shapes(); i++) {
        const size_t n = (size_t)check_pick(0, 300);
        CheckBuffer x = check_buffer(n, check_pick(0, 15));

        for (size_t k = 0; k < n; k++)
            x.data[k] = good[check_pick(0, G_N_ELEMENTS(good) - 1)];
        g_assert_false(kernels->has_non_finite(x.data, n));
        if (n > 0) {
            x.data[check_pick(0, (int)n - 1)] = bad[check_pick(0, G_N_ELEMENTS(bad) - 1)];
            g_assert_true(kernels->has_non_finite(x.data, n));
        }
        check_buffer_free(&x);
    }
}

const CheckTest check_vector_tests[] = {
    {"vector/gemv", gemv},
    {"vector/sum", sum},
    {"vector/non-finite", non_finite},
    {NULL, NULL},
};
