/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Convolutions whose factors are rounded to bfloat16 and whose sums are float32, on matrix tiles.
 *
 * With one term a factor is its value rounded to 8 significant bits. With three, it is the sum of a
 * high part and a low part of 8 bits each, and a product is high·high + high·low + low·high: about
 * 16 bits, and the sums are float32 as ever.
 *
 * A product of tiles takes 32 elements from each output on. Inputs are rows of pixels of 32
 * channels, or of 16, 8 or 4: then a product covers so many neighbouring taps at once. Tiles that
 * begin at every pixel overlap in memory, and their rows lie across cache lines, which costs as
 * much as it gains; so where all pixels are of one size, tiles step by 32 elements, and outputs
 * that lie in between are phases: computed like other output channels, with weights that begin so
 * many pixels later. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define CR_BF16_DEPTH  32 /* elements of a pixel, or of neighbouring pixels, in a product */
#define CR_BF16_PIXELS 16 /* rows are read in multiples of so many outputs */
#define CR_BF16_TILE   (CR_BF16_DEPTH * 16) /* elements of a tile of weights */

/* Some of the input channels: what a row of pixels holds. */
typedef struct {
    int pixel;                  /* elements: 4, 8, 16 or 32 */
    int channel[CR_BF16_DEPTH]; /* which input channel each element is; negative: none */
    int taps;                   /* neighbours that a product covers */
    int products;               /* that a row of taps takes */
    ptrdiff_t offset;           /* elements from the beginning of a row of all blocks to this one */
    ptrdiff_t step;             /* elements from output x to x + 1 */
    ptrdiff_t next;             /* elements from a product to the one right of it */
} CrBf16Block;

/* Products of a row of kw taps. */
static inline int
cr_bf16_products(int pixel, int kw, int dilation)
{
    const int taps = dilation == 1 ? CR_BF16_DEPTH / pixel : 1;
    return (kw + taps - 1) / taps;
}

/* Sets taps, products, step and next. */
static inline void
cr_bf16_block_init(CrBf16Block *block, int kw, int stride, int dilation)
{
    block->taps = dilation == 1 ? CR_BF16_DEPTH / block->pixel : 1;
    block->products = cr_bf16_products(block->pixel, kw, dilation);
    block->step = (ptrdiff_t)stride * block->pixel;
    block->next = (ptrdiff_t)dilation * block->pixel * block->taps;
}

/* The same for a phase whose taps begin `shift` pixels later, without dilation. */
static inline void
cr_bf16_block_init_phase(CrBf16Block *block, int kw, int shift)
{
    block->taps = CR_BF16_DEPTH / block->pixel;
    block->products = cr_bf16_products(block->pixel, kw + shift, 1);
    block->step = CR_BF16_DEPTH;
    block->next = CR_BF16_DEPTH;
}

/* Elements that are read of a row of a block for `width` outputs: those beyond the taps are
 * multiplied by zero, so they must be numbers. */
static inline size_t
cr_bf16_row_size(const CrBf16Block *block, int width)
{
    const ptrdiff_t outputs = (width + CR_BF16_PIXELS - 1) / CR_BF16_PIXELS * CR_BF16_PIXELS;
    return (size_t)((outputs - 1) * block->step + (block->products - 1) * block->next) +
           CR_BF16_DEPTH;
}

/* Some output rows of one or two blocks of 16 channels (or of two phases of one):
 *     y[o][r][x] = clamp(bias[o] + Σ_block Σ_ky Σ_product Σ_i
 *                        in[block][r][ky][x·step + product·next + i] · w[…][i], low, high)
 * Rows ky outside [ky_begin, ky_end) are skipped. */
typedef struct {
    const uint16_t *x[2];     /* of output x = 0 of row 0, ky = 0: high parts, low parts */
    ptrdiff_t tap_stride;     /* elements from tap ky to ky + 1 */
    ptrdiff_t row_stride;     /* elements from output row r to r + 1 */
    const CrBf16Block *block; /* n_blocks of them, which x's rows hold one after the other */
    int n_blocks;
    int kh;
    int ky_begin, ky_end;
    const uint16_t *weights[2]; /* [block][ky][product][o] tiles; 64-byte aligned */
    const float *bias[2];       /* [16] */
    float *y[2];                /* output x = 0 of row 0; y[1] may be NULL */
    size_t y_step;              /* floats from output x to x + 1 */
    size_t y_stride;            /* floats from row r to r + 1 */
    int width[2];               /* outputs of a row; of y[1] no more than of y[0] */
    int n_rows;
    float low, high; /* -INFINITY, INFINITY: no clamp; a NaN sum stays NaN */
} CrBf16Rows;

typedef struct {
    int terms; /* 1 (sigmoid and tanh are then within 1e-5 only) or 3 */
    const char *name;
    void (*conv_rows)(const CrBf16Rows *rows);
    /* Rounds `width` pixels of 16 floats to pixels of `pixel` elements: of 32 from those of a and
     * of b (NULL: zeros), fewer from the first ones of a. dst[1] is for the low parts of three
     * terms. */
    void (*split_row)(uint16_t *const dst[2], int pixel, const float *a, const float *b, int width);
    /* The same from `channels` planes to pixels of 4 or 8 elements, as many pixels as the next
     * multiple of 16: those beyond `width`, and elements beyond `channels`, become zero. */
    void (*split_planes)(uint16_t *const dst[2], int pixel, const float *const *plane, int channels,
                         int width);
    /* As CrKernels.gemv_panel, with weights in bfloat16 and all else in float32; NULL with three
     * terms. */
    void (*gemv_panel)(float *y, const uint16_t *w, const float *bias, const float *x, int k);
} CrBf16Kernels;

/* Elements of a block's part of a panel of n_out (1 or 2) output blocks, for each term. */
static inline size_t
cr_bf16_pack_size(const CrBf16Block *block, int kh, int n_out)
{
    return (size_t)kh * (size_t)block->products * (size_t)n_out * CR_BF16_TILE;
}
