/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Conversion between any two element types.
 *
 * Integers wrap (two's complement); floating point to integer cuts off the fraction, and saturates
 * where the number does not fit; NaN becomes 0; everything but 0 is true. */
#pragma once

#include <convrnn/tensor.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct CrConvert CrConvert;
struct CrConvert {
    void (*load)(void *wide, const void *src, ptrdiff_t step, size_t n);
    void (*store)(void *dst, const void *wide, size_t n);
    size_t src_size, dst_size;
    int direct; /* kinds that need no detour */
};

/* False when either is no element type. */
bool cr_convert_init(CrConvert *convert, ConvRnnDType from, ConvRnnDType to);
/* n elements; src advances by `step` elements (0 repeats). */
void cr_convert_run(const CrConvert *convert, void *dst, const void *src, ptrdiff_t step, size_t n);
