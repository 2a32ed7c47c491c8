/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check.h"
#include "core/memory.h"
#include <math.h>
#include <string.h>

#define GUARD   64 /* floats on each side */
#define PATTERN 0x7fa5a5a5u

int
check_shapes(void)
{
    const char *wanted = g_getenv("CONVRNN_TEST_SHAPES");
    return wanted ? atoi(wanted) : 1000;
}

int
check_pick(int from, int to)
{
    return from == to ? from : g_test_rand_int_range(from, to + 1);
}

CheckBuffer
check_buffer(size_t n, int shift)
{
    const size_t all = n + 2 * GUARD + (size_t)shift;
    CheckBuffer buffer = {.n = n, .memory = cr_mem_alloc(all, sizeof(float), "test", NULL)};
    guint32 *words = buffer.memory;

    for (size_t i = 0; i < all; i++)
        words[i] = PATTERN;
    buffer.data = (float *)buffer.memory + GUARD + shift;
    return buffer;
}

void
check_buffer_free(CheckBuffer *buffer)
{
    guint32 word;

    for (const float *p = buffer->memory; p < buffer->data; p++) {
        memcpy(&word, p, sizeof word);
        g_assert_cmphex(word, ==, PATTERN);
    }
    for (size_t i = 0; i < GUARD; i++) {
        memcpy(&word, buffer->data + buffer->n + i, sizeof word);
        g_assert_cmphex(word, ==, PATTERN);
    }
    cr_mem_free(buffer->memory);
}

static float
special(void)
{
    static const float values[] = {0.0f, -0.0f, INFINITY, -INFINITY, NAN};
    return values[check_pick(0, G_N_ELEMENTS(values) - 1)];
}

void
check_fill(float *data, size_t n, CheckData kind)
{
    for (size_t i = 0; i < n; i++) {
        if (kind == CHECK_INTEGERS)
            data[i] = (float)check_pick(-3, 3);
        else if (kind == CHECK_SPECIALS && check_pick(0, 3) == 0)
            data[i] = special();
        else
            data[i] = (float)g_test_rand_double_range(-1, 1);
    }
}

void
check_absolute(float *dst, const float *src, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = fabsf(src[i]);
}

void
check_equal(const float *found, const float *expected, size_t n, const char *what)
{
    for (size_t i = 0; i < n; i++) {
        if (isnan(found[i]) && isnan(expected[i]))
            continue;
        if (memcmp(found + i, expected + i, sizeof *found) != 0)
            g_error("%s: element %zu of %zu is %.9g, expected %.9g", what, i, n, (double)found[i],
                    (double)expected[i]);
    }
}

void
check_near(const float *found, const float *expected, const float *bound, float factor, size_t n,
           const char *what)
{
    for (size_t i = 0; i < n; i++) {
        if (!(fabsf(found[i] - expected[i]) <= bound[i] * factor))
            g_error("%s: element %zu of %zu is %.9g, expected %.9g ± %.3g", what, i, n,
                    (double)found[i], (double)expected[i], (double)(bound[i] * factor));
    }
}
