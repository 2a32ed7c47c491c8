/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Element-wise functions of two inputs over one run: dst is contiguous, a and b advance by sa and
 * sb elements (0 repeats a single element). Defined for lists of types at once. */
#pragma once

#include "ops/types.h"
#include <stddef.h>

typedef void (*CrRun2)(void *dst, const void *a, const void *b, ptrdiff_t sa, ptrdiff_t sb,
                       size_t n);

/* The function op_NAME: R = EXPR of T x and T y. */
#define CR_RUN2_TO(NAME, T, op, R, EXPR)                                                           \
    static void op##_##NAME(void *dst, const void *pa, const void *pb, ptrdiff_t sa, ptrdiff_t sb, \
                            size_t n)                                                              \
    {                                                                                              \
        const T *a = pa, *b = pb;                                                                  \
        R *d = dst;                                                                                \
        for (size_t i = 0; i < n; i++, a += sa, b += sb) {                                         \
            const T x = *a, y = *b;                                                                \
            d[i] = (R)(EXPR);                                                                      \
        }                                                                                          \
    }
#define CR_RUN2(NAME, T, op, EXPR) CR_RUN2_TO(NAME, T, op, T, EXPR)
