/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Convolutions whose factors are rounded to bfloat16 and whose sums are float32, on matrix tiles.
 *
 * Inputs are rows of pixels of 32 channels, one cache line each. With one term a factor is its
 * value rounded to 8 significant bits. With three, it is the sum of a high part and a low part of 8
 * bits each, and a product is high·high + high·low + low·high: about 16 bits, and the sums are
 * float32 as ever. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define CR_BF16_CHANNELS 32 /* per pixel */
#define CR_BF16_PIXELS   16 /* rows are read in multiples of so many outputs */

/* One output row of one or two blocks of 16 channels:
 *     y[o][x] = bias[o] + Σ_block Σ_ky Σ_kx Σ_c in[block][ky][x·stride + kx·dilation][c] · w
 * Pixels are read up to the last of the multiple of CR_BF16_PIXELS that holds `width`; what lies
 * beyond the row has no effect. Rows ky outside [ky_begin, ky_end) are skipped. */
typedef struct {
    const uint16_t *x[2];   /* output x = 0, tap kx = 0, ky = 0, of block 0: high parts, low parts;
                               (ky = 0 may lie outside, and is not read then) */
    ptrdiff_t row_stride;   /* elements from tap ky to ky + 1 */
    ptrdiff_t block_stride; /* elements between blocks of 32 channels */
    int n_blocks;
    int kh, kw;
    int ky_begin, ky_end;
    int stride, dilation;       /* horizontal, pixels */
    const uint16_t *weights[2]; /* [block][ky][kx][output block][channel pair][16][2] */
    const float *bias;          /* [2·16] or [16] */
    float *y[2];                /* [width][16]; y[1] may be NULL */
    int width;
} CrBf16Row;

typedef struct {
    int terms; /* 1 (sigmoid and tanh are then within 1e-5 only) or 3 */
    const char *name;
    void (*conv_row)(const CrBf16Row *row);
    /* Rounds `width` pixels of two blocks of 16 floats (b NULL: zeros) to one of 32 channels; with
     * three terms also the low parts. */
    void (*split_row)(uint16_t *const dst[2], const float *a, const float *b, int width);
    /* As CrKernels.gemv_panel, with weights in bfloat16 and all else in float32; NULL with three
     * terms. */
    void (*gemv_panel)(float *y, const uint16_t *w, const float *bias, const float *x, int k);
} CrBf16Kernels;

/* Elements of a panel of n_blocks (1 or 2) output blocks, for each term. */
static inline size_t
cr_bf16_pack_size(int in_blocks, int taps, int n_blocks)
{
    return (size_t)in_blocks * (size_t)taps * (size_t)n_blocks * CR_BF16_CHANNELS * 16;
}
