/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check.h"
#include <float.h>
#include <math.h>
#include <string.h>

static void
binary(gconstpointer data)
{
    const CrKernels *kernels = data, *c = cr_kernels_get(CR_CPU_C, CR_FLOAT32);

    for (int i = 0; i < check_shapes(); i++) {
        const size_t n = (size_t)check_pick(0, 100);
        CheckBuffer a = check_buffer(n, check_pick(0, 15)), b = check_buffer(n, check_pick(0, 15));
        CheckBuffer y = check_buffer(n, check_pick(0, 15));
        float *expected = g_new(float, n);

        check_fill(a.data, n, CHECK_SPECIALS);
        check_fill(b.data, n, CHECK_SPECIALS);
        for (int op = 0; op < CR_N_BINARY; op++) {
            c->binary[op](expected, a.data, b.data, n);
            kernels->binary[op](y.data, a.data, b.data, n);
            check_equal(y.data, expected, n, "binary");
            memcpy(y.data, b.data, n * sizeof(float));
            kernels->binary[op](y.data, a.data, y.data, n);
            check_equal(y.data, expected, n, "binary in place");
        }
        g_free(expected);
        check_buffer_free(&a);
        check_buffer_free(&b);
        check_buffer_free(&y);
    }
}

static bool
is_exact(int op)
{
    return op != CR_UNARY_SIGMOID && op != CR_UNARY_TANH && op != CR_UNARY_EXP;
}

/* Those that C's operators define: the same bits. */
static void
unary(gconstpointer data)
{
    const CrKernels *kernels = data, *c = cr_kernels_get(CR_CPU_C, CR_FLOAT32);

    for (int i = 0; i < check_shapes(); i++) {
        const size_t n = (size_t)check_pick(0, 100);
        const float a = (float)g_test_rand_double_range(-1, 0);
        const float b = (float)g_test_rand_double_range(0, 1);
        CheckBuffer x = check_buffer(n, check_pick(0, 15)), y = check_buffer(n, check_pick(0, 15));
        float *expected = g_new(float, n);

        check_fill(x.data, n, CHECK_SPECIALS);
        for (int op = 0; op < CR_N_UNARY; op++) {
            if (!is_exact(op))
                continue;
            c->unary[op](expected, x.data, n, a, b);
            kernels->unary[op](y.data, x.data, n, a, b);
            check_equal(y.data, expected, n, "unary");
            memcpy(y.data, x.data, n * sizeof(float));
            kernels->unary[op](y.data, y.data, n, a, b);
            check_equal(y.data, expected, n, "unary in place");
        }
        g_free(expected);
        check_buffer_free(&x);
        check_buffer_free(&y);
    }
}

/* A function with a product, and a sum, after it: the same bits as one after the other. */
static void
unary_mul(gconstpointer data)
{
    const CrKernels *kernels = data;

    for (int i = 0; i < check_shapes(); i++) {
        const size_t n = (size_t)check_pick(0, 200);
        const float a = (float)g_test_rand_double_range(-1, 0);
        const float b = (float)g_test_rand_double_range(0, 1);
        CheckBuffer x = check_buffer(n, check_pick(0, 15)), y = check_buffer(n, check_pick(0, 15));
        CheckBuffer z = check_buffer(n, check_pick(0, 15)), dst = check_buffer(n, 1);
        float *product = g_new(float, n), *sum = g_new(float, n);

        check_fill(x.data, n, CHECK_SPECIALS);
        check_fill(y.data, n, CHECK_FLOATS);
        check_fill(z.data, n, CHECK_FLOATS);
        for (int op = 0; op < CR_N_UNARY; op++) {
            kernels->unary[op](product, x.data, n, a, b);
            kernels->binary[CR_BINARY_MUL](product, product, y.data, n);
            kernels->binary[CR_BINARY_ADD](sum, product, z.data, n);
            kernels->unary_mul[op](dst.data, x.data, y.data, NULL, n, a, b);
            check_equal(dst.data, product, n, "function and product");
            kernels->unary_mul[op](dst.data, x.data, y.data, z.data, n, a, b);
            check_equal(dst.data, sum, n, "function, product and sum");
            memcpy(dst.data, z.data, n * sizeof(float));
            kernels->unary_mul[op](dst.data, x.data, y.data, dst.data, n, a, b);
            check_equal(dst.data, sum, n, "function, product and sum in place");
        }
        kernels->binary[CR_BINARY_MUL](product, x.data, y.data, n);
        kernels->binary[CR_BINARY_ADD](sum, product, z.data, n);
        kernels->mul_add(dst.data, x.data, y.data, z.data, n);
        check_equal(dst.data, sum, n, "product and sum");
        memcpy(dst.data, x.data, n * sizeof(float));
        kernels->mul_add(dst.data, dst.data, y.data, z.data, n);
        check_equal(dst.data, sum, n, "product and sum in place");
        g_free(product);
        g_free(sum);
        check_buffer_free(&x);
        check_buffer_free(&y);
        check_buffer_free(&z);
        check_buffer_free(&dst);
    }
}

static double
exact(int op, double x)
{
    switch (op) {
    case CR_UNARY_SIGMOID:
        return 1 / (1 + exp(-x));
    case CR_UNARY_TANH:
        return tanh(x);
    default:
        return exp(x);
    }
}

/* How far y is from the exact value, in floats next to it. */
static double
ulps(float y, double value)
{
    float nearest = (float)value;
    double ulp = (double)nextafterf(fabsf(nearest), INFINITY) - fabs((double)nearest);

    if (isinf(nearest) || isinf(y))
        return y == nearest ? 0 : INFINITY;
    return fabs((double)y - value) / ulp;
}

/* Every 5000-th float there is, of either sign, through all lanes and tails. */
static void
within_3_ulps(gconstpointer data)
{
    const CrKernels *kernels = data;
    const int ops[] = {CR_UNARY_SIGMOID, CR_UNARY_TANH, CR_UNARY_EXP};
    float x[61], y[61];

    for (gsize o = 0; o < G_N_ELEMENTS(ops); o++) {
        double worst = 0;
        float worst_x = 0;
        guint32 bits = 0;
        while (bits < 0x7f800000u) {
            for (gsize i = 0; i < G_N_ELEMENTS(x); i++, bits += 5000) {
                guint32 word = MIN(bits, 0x7f7fffffu) | (i % 2 ? 0x80000000u : 0);
                memcpy(&x[i], &word, sizeof word);
            }
            kernels->unary[ops[o]](y, x, G_N_ELEMENTS(x), 0, 0);
            for (gsize i = 0; i < G_N_ELEMENTS(x); i++) {
                double error = ulps(y[i], exact(ops[o], (double)x[i]));
                if (error > worst) {
                    worst = error;
                    worst_x = x[i];
                }
            }
        }
        g_test_message("operation %d: %.2f ULP at %.9g", ops[o], worst, (double)worst_x);
        g_assert_cmpfloat(worst, <=, 3);
    }
}

typedef struct {
    int op;
    float x, y;
} Known;

static void
special_values(gconstpointer data)
{
    const CrKernels *kernels = data;
    static const Known known[] = {
        {CR_UNARY_SIGMOID, 0.0f, 0.5f},     {CR_UNARY_SIGMOID, -0.0f, 0.5f},
        {CR_UNARY_SIGMOID, 100.0f, 1.0f},   {CR_UNARY_SIGMOID, -200.0f, 0.0f},
        {CR_UNARY_SIGMOID, FLT_MAX, 1.0f},  {CR_UNARY_SIGMOID, -FLT_MAX, 0.0f},
        {CR_UNARY_SIGMOID, INFINITY, 1.0f}, {CR_UNARY_SIGMOID, -INFINITY, 0.0f},
        {CR_UNARY_SIGMOID, NAN, NAN},       {CR_UNARY_TANH, 0.0f, 0.0f},
        {CR_UNARY_TANH, -0.0f, -0.0f},      {CR_UNARY_TANH, 9.5f, 1.0f},
        {CR_UNARY_TANH, -9.5f, -1.0f},      {CR_UNARY_TANH, FLT_MAX, 1.0f},
        {CR_UNARY_TANH, -FLT_MAX, -1.0f},   {CR_UNARY_TANH, INFINITY, 1.0f},
        {CR_UNARY_TANH, -INFINITY, -1.0f},  {CR_UNARY_TANH, NAN, NAN},
        {CR_UNARY_EXP, 0.0f, 1.0f},         {CR_UNARY_EXP, -0.0f, 1.0f},
        {CR_UNARY_EXP, 89.0f, INFINITY},    {CR_UNARY_EXP, -110.0f, 0.0f},
        {CR_UNARY_EXP, FLT_MAX, INFINITY},  {CR_UNARY_EXP, INFINITY, INFINITY},
        {CR_UNARY_EXP, -INFINITY, 0.0f},    {CR_UNARY_EXP, NAN, NAN},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(known); i++) {
        float y[37], x[37];
        for (gsize lane = 0; lane < G_N_ELEMENTS(x); lane++)
            x[lane] = known[i].x;
        kernels->unary[known[i].op](y, x, G_N_ELEMENTS(x), 0, 0);
        for (gsize lane = 0; lane < G_N_ELEMENTS(x); lane++)
            check_equal(&y[lane], &known[i].y, 1, "special value");
    }
}

const CheckTest check_elementwise_tests[] = {
    {"elementwise/binary", binary},
    {"elementwise/unary", unary},
    {"elementwise/unary-mul", unary_mul},
    {"elementwise/within-3-ulps", within_3_ulps},
    {"elementwise/special-values", special_values},
    {NULL, NULL},
};
