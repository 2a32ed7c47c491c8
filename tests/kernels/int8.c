/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Matrix-vector products with weights of 8 bits. */
#include "kernels/int8.h"
#include "check.h"
#include "kernels/c/reference.h"
#include <math.h>

typedef struct {
    const CrKernels *kernels;
    int k, panel;
    CheckBuffer x, bias, scale, y;
    float *weights; /* [k][panel] */
    int8_t *packed;
} Product;

static Product
product_new(gconstpointer data, int k)
{
    const CrKernels *kernels = data;
    if (!kernels->gemv_int8_panel) /* the level's */
        kernels = cr_kernels_get(kernels->level, CR_INT8);
    int panel = 4 * kernels->block;
    Product p = {.kernels = kernels,
                 .k = k,
                 .panel = panel,
                 .x = check_buffer((size_t)k, check_pick(0, 15)),
                 .bias = check_buffer((size_t)panel, 0),
                 .scale = check_buffer((size_t)panel, 0),
                 .y = check_buffer((size_t)panel, check_pick(0, 15)),
                 .weights = g_new(float, (gsize)(k * panel) + 1),
                 .packed = g_malloc(cr_int8_pack_size(k, panel) + 1)};

    check_fill(p.x.data, p.x.n, CHECK_FLOATS);
    check_fill(p.bias.data, p.bias.n, CHECK_FLOATS);
    check_fill(p.weights, (size_t)(k * panel), CHECK_FLOATS);
    return p;
}

static void
product_run(Product *p)
{
    cr_int8_pack(p->packed, p->scale.data, p->weights, p->k, p->panel, p->kernels->int8_order);
    p->kernels->gemv_int8_panel(p->y.data, p->packed, p->scale.data, p->bias.data, p->x.data, p->k);
}

static void
product_free(Product *p)
{
    check_buffer_free(&p->x);
    check_buffer_free(&p->bias);
    check_buffer_free(&p->scale);
    check_buffer_free(&p->y);
    g_free(p->weights);
    g_free(p->packed);
}

/* Half a step of each weight and half a step of each input, beside the exact sum. */
static void
close_to_the_exact_sum(gconstpointer data)
{
    for (int round = 0; round < check_shapes(); round++) {
        Product p = product_new(data, round % 10 ? check_pick(0, 200) : check_pick(500, 1100));

        product_run(&p);
        for (int j = 0; j < p.panel; j++) {
            double sum = p.bias.data[j], bound = 0, most = 0;
            for (int i = 0; i < p.k; i++)
                most = MAX(most, fabs((double)p.x.data[i]));
            for (int i = 0; i < p.k; i++) {
                double w = p.weights[i * p.panel + j], x = p.x.data[i];
                sum += w * x;
                bound += 0.5 * p.scale.data[j] * fabs(x) +
                         (fabs(w) + p.scale.data[j]) * 0.5 * most / CR_INT8_STEPS;
            }
            if (p.k >= 16) /* few numbers may happen to be multiples of something */
                g_assert_cmpfloat(p.scale.data[j], <=, 1.0 / 127 + 1e-6);
            g_assert_cmpfloat(fabs(p.y.data[j] - sum), <=, bound + 1e-5 * p.k + 1e-6);
        }
        product_free(&p);
    }
}

/* The sums of whole numbers are the same; applying the steps rounds a little differently. */
static void
like_the_portable_one(gconstpointer data)
{
    for (int round = 0; round < check_shapes(); round++) {
        Product p = product_new(data, round % 10 ? check_pick(0, 200) : check_pick(500, 1100));
        float expected[4 * CR_MAX_BLOCK], bound[4 * CR_MAX_BLOCK];

        product_run(&p);
        cr_int8_pack(p.packed, p.scale.data, p.weights, p.k, p.panel, CR_INT8_PAIRS);
        cr_reference_gemv_int8_panel(expected, p.packed, p.scale.data, p.bias.data, p.x.data, p.k,
                                     p.kernels->block);
        for (int j = 0; j < p.panel; j++)
            bound[j] = (float)p.k + 1;
        check_near(p.y.data, expected, bound, 0x1p-22f, (size_t)p.panel, "gemv_int8_panel");
        product_free(&p);
    }
}

/* Weights n · step with whole numbers n stay as they are. */
static void
keeps_what_was_quantised(gconstpointer data)
{
    for (int round = 0; round < check_shapes(); round++) {
        Product p = product_new(data, check_pick(1, 40));

        for (int j = 0; j < p.panel; j++) {
            float step = (float)check_pick(1, 1000) / 3000;
            for (int i = 0; i < p.k; i++)
                p.weights[i * p.panel + j] = (float)check_pick(-128, 127) * step;
        }
        cr_int8_pack(p.packed, p.scale.data, p.weights, p.k, p.panel, CR_INT8_PAIRS);
        for (int j = 0; j < p.panel; j++)
            for (int i = 0; i < p.k; i++) {
                int n = p.packed[(i / 2 * p.panel + j) * 2 + i % 2];
                float w = p.weights[i * p.panel + j];
                g_assert_cmpfloat(fabsf((float)n * p.scale.data[j] - w), <=, fabsf(w) * 1e-6f);
            }
        product_free(&p);
    }
}

static void
not_finite(gconstpointer data)
{
    const float bad[] = {NAN, INFINITY, -INFINITY};

    for (int round = 0; round < 100; round++) {
        Product p = product_new(data, check_pick(1, 600));
        int j = check_pick(0, p.panel - 1);

        p.x.data[check_pick(0, p.k - 1)] = bad[round % 3];
        product_run(&p);
        for (int i = 0; i < p.panel; i++)
            g_assert_true(isnan(p.y.data[i]));

        check_fill(p.x.data, p.x.n, CHECK_FLOATS);
        p.weights[check_pick(0, p.k - 1) * p.panel + j] = bad[round % 3];
        product_run(&p);
        for (int i = 0; i < p.panel; i++)
            g_assert_true(isnan(p.y.data[i]) == (i == j));
        product_free(&p);
    }
}

/* Nothing, or next to nothing, times weights: the bias. */
static void
nothing(gconstpointer data)
{
    for (int round = 0; round < 100; round++) {
        Product p = product_new(data, check_pick(0, 600));

        for (int i = 0; i < p.k; i++)
            p.x.data[i] = round % 2 ? 1e-37f : 0.0f;
        product_run(&p);
        check_equal(p.y.data, p.bias.data, (size_t)p.panel, "gemv_int8_panel");
        product_free(&p);
    }
}

/* The largest sum that a run can have does not overflow. */
static void
extremes(gconstpointer data)
{
    Product p = product_new(data, 2 * CR_INT8_RUN);

    for (int i = 0; i < p.k; i++) {
        p.x.data[i] = 1;
        for (int j = 0; j < p.panel; j++)
            p.weights[i * p.panel + j] = -128;
    }
    product_run(&p);
    for (int j = 0; j < p.panel; j++)
        g_assert_cmpfloat_with_epsilon(p.y.data[j], -256.0f * CR_INT8_RUN, 8);
    product_free(&p);
}

const CheckTest check_int8_tests[] = {
    {"int8/close-to-the-exact-sum", close_to_the_exact_sum},
    {"int8/like-the-portable-one", like_the_portable_one},
    {"int8/keeps-what-was-quantised", keeps_what_was_quantised},
    {"int8/not-finite", not_finite},
    {"int8/nothing", nothing},
    {"int8/extremes", extremes},
    {NULL, NULL},
};
