/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checked arithmetic on sizes. Every product of numbers that a file chose goes through here. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* *out = a * b; false, and *out untouched, when that does not fit. */
static inline bool
cr_size_mul(size_t a, size_t b, size_t *out)
{
    size_t r;
    if (__builtin_mul_overflow(a, b, &r) || r > PTRDIFF_MAX)
        return false;
    *out = r;
    return true;
}

/* *out = a + b; false, and *out untouched, when that does not fit. */
static inline bool
cr_size_add(size_t a, size_t b, size_t *out)
{
    size_t r;
    if (__builtin_add_overflow(a, b, &r) || r > PTRDIFF_MAX)
        return false;
    *out = r;
    return true;
}

/* *out = the product of n dimensions times unit; false when one is negative or it does not fit. */
bool cr_size_of_dims(const int64_t *dims, int n, size_t unit, size_t *out);

static inline size_t
cr_round_up(size_t n, size_t multiple)
{
    return (n + multiple - 1) / multiple * multiple;
}

static inline int
cr_div_up(int n, int d)
{
    return (n + d - 1) / d;
}
