/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Matrix-vector products with weights of 8 bits: those of column j are whole numbers −128 … 127
 * times scale[j]. The input is rounded in runs of CR_INT8_RUN numbers, each to whole multiples of
 * its largest / CR_INT8_STEPS. A run's sum of products is then below 2^31, so that it is exact and
 * the same on all processors; and each is 256 times a number of 8 bits, plus another. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define CR_INT8_RUN   512
#define CR_INT8_STEPS 32512.0f /* 127 · 256 */
#define CR_INT8_LEAST 1e-30f   /* a run whose largest number is less counts as zeros */

/* How a table of kernels wants its weights. */
typedef enum {
    CR_INT8_PAIRS, /* [pair of rows][column][2] */
    CR_INT8_QUADS, /* [four rows][column][4], and 128 more than the weight, without a sign */
} CrInt8Order;

/* Bytes of a panel of k rows. */
static inline size_t
cr_int8_pack_size(int k, int panel)
{
    return ((size_t)k + 3) / 4 * 4 * (size_t)panel;
}

/* From float32 [k][panel]. A column whose weights are whole multiples of anything, at most 128 of
 * it, keeps them exactly: such are those of a model that was quantised before. Others lose up to
 * half of 1/127 of the column's largest. A column with a NaN or infinity gives NaN. */
void cr_int8_pack(int8_t *dst, float *scale, const float *src, int k, int panel, CrInt8Order order);
