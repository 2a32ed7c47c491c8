/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inner loops, one table of them per instruction set.
 *
 * Kernels know no graph, no GLib and no malloc. They work on rows of the blocked layout
 *     [y][channel block][pad_left + x + pad_right][lane],  `block` lanes = channels per pixel,
 * or on plain runs of floats. Every variant computes each output element in the same order whatever
 * the width or the tile, so that cutting work into tiles does not change a bit. */
#pragma once

#include "core/cpu.h"
#include "kernels/bf16.h"
#include "kernels/int8.h"
#include <stddef.h>
#include <stdint.h>

#define CR_CONV_SEGMENTS 8
#define CR_CONV_PLANES   8
#define CR_MAX_BLOCK     16

/* One of the tensors that a convolution reads as if they were concatenated along channels. */
typedef struct {
    const float *x; /* pixel of output x = 0, tap kx = 0, ky = 0, channel 0 (it may lie outside
                       the tensor for a ky below ky_begin, and is not read then) */
    ptrdiff_t row_stride;   /* floats from tap ky to ky + 1 (vertical dilation included) */
    ptrdiff_t block_stride; /* floats between channel blocks */
    int channels;           /* used: lanes above are not read */
    int pixel;              /* floats between neighbours in x, and channels per block:
                               `block` (blocked) or 1 (planar: a "block" is one channel) */
} CrConvSegment;

/* One output row, one or two channel blocks of a convolution:
 *     y[o][x] = clamp(bias[o] + Σ_segment Σ_c Σ_ky Σ_kx in[c][ky][x·stride + kx·dilation] · w, low,
 * high) The sum starts from the bias and runs in the order of the packed weights: [segment][channel
 * block][ky][kx][channel in block][2·block lanes] (or [block] when y[1] is NULL). Rows ky outside
 * [ky_begin, ky_end) lie in the padding and are skipped, weights included. */
typedef struct {
    int n_segments;
    CrConvSegment segment[CR_CONV_SEGMENTS];
    int kh, kw;
    int ky_begin, ky_end;
    int stride, dilation; /* horizontal */
    const float *weights; /* 64-byte aligned */
    const float *bias;    /* [2·block] or [block] */
    float *y[2];          /* [width][block], y[1] may be NULL */
    int width;
    float low, high; /* -INFINITY, INFINITY: no clamp; a NaN sum stays NaN */
} CrConvRow;

/* One output row of one channel block of a depthwise convolution:
 * weights [ky][kx][block], bias [block]. Same conventions. */
typedef struct {
    const float *x;
    ptrdiff_t row_stride;
    int kh, kw;
    int ky_begin, ky_end;
    int stride, dilation;
    const float *weights;
    const float *bias;
    float *y;
    int width;
    float low, high;
} CrDepthwiseRow;

/* The products of Winograd's method for one or two output blocks. A transformed tile is
 * [36][block]; for each place i of it m[o][tile][i] = Σ_b Σ_c v[b][tile][i][c] · w,  from 0, in the
 * order of the packed weights. */
typedef struct {
    const float *v;       /* [n_blocks][n_tiles][36][block] */
    ptrdiff_t v_stride;   /* floats between blocks */
    int n_blocks;         /* of channels */
    const int *channels;  /* [n_blocks]: used; lanes above are not read */
    const float *weights; /* [36][Σ channels][n_out·block], 64-byte aligned */
    float *m;             /* [n_out][n_tiles][36][block] */
    ptrdiff_t m_stride;
    int n_out; /* 1 or 2 */
    int n_tiles;
} CrWinogradProducts;

/* One output row of one channel block of a pooling. Pixels outside [0, in_width) and rows outside
 * [ky_begin, ky_end) do not take part. */
typedef struct {
    const float *x; /* input pixel x = 0 of row ky = 0 */
    ptrdiff_t row_stride;
    int kw;
    int ky_begin, ky_end;
    int stride, dilation, pad_left;
    int in_width;
    float *y;
    int width;
    /* average: the divisor counts taps within [−pad_left, in_width + pad_right) when
     * count_include_pad, else those that take part; rows_counted likewise for ky */
    int count_include_pad;
    int pad_right;
    int rows_counted;
} CrPoolRow;

/* Element-wise operations; n floats, any alignment, dst may be a source. */
typedef enum {
    CR_BINARY_ADD,
    CR_BINARY_SUB,
    CR_BINARY_MUL,
    CR_BINARY_DIV,
    CR_BINARY_MAX,
    CR_BINARY_MIN,
    CR_N_BINARY,
} CrBinary;

typedef enum {
    CR_UNARY_CLIP,       /* min(max(x, a), b); NaN stays NaN */
    CR_UNARY_LEAKY_RELU, /* x < 0 ? a·x : x */
    CR_UNARY_SIGMOID,    /* 1 / (1 + e^−x) */
    CR_UNARY_TANH,
    CR_UNARY_HARD_SIGMOID, /* clip(a·x + b, 0, 1) */
    CR_UNARY_HARD_SWISH,   /* x · clip(a·x + b, 0, 1) */
    CR_UNARY_AFFINE,       /* a·x + b, rounded twice */
    CR_UNARY_EXP,
    CR_UNARY_SQRT,
    CR_UNARY_ABS,
    CR_N_UNARY,
} CrUnary;

typedef void (*CrBinaryFn)(float *dst, const float *a, const float *b, size_t n);
typedef void (*CrUnaryFn)(float *dst, const float *x, size_t n, float a, float b);
/* f(x)·y, or f(x)·y + z where z is not NULL; each result is rounded, as one after the other */
typedef void (*CrUnaryMulFn)(float *dst, const float *x, const float *y, const float *z, size_t n,
                             float a, float b);

typedef struct CrKernels {
    CrCpuLevel level;
    const char *name;          /* "c", "avx2", "avx512", "neon" */
    int block;                 /* channels per pixel in the blocked layout: 8 or 16 */
    const CrBf16Kernels *bf16; /* for convolutions, instead of conv_row; NULL in float32 */

    void (*conv_row)(const CrConvRow *row);
    /* The same from planes (segments of pixel 1, stride 1) to n_out ≤ CR_CONV_PLANES planes, rows
     * y[0] + o·y_stride: weights [segment][channel][ky][kx][n_out], bias [n_out]. */
    void (*conv_plane_row)(const CrConvRow *row, ptrdiff_t y_stride, int n_out);
    void (*depthwise_row)(const CrDepthwiseRow *row);
    void (*depthwise_plane_row)(const CrDepthwiseRow *row); /* one channel, block 1 */
    void (*max_pool_row)(const CrPoolRow *row);
    void (*average_pool_row)(const CrPoolRow *row);
    void (*max_pool_plane_row)(const CrPoolRow *row); /* one channel, block 1 */
    void (*average_pool_plane_row)(const CrPoolRow *row);

    /* Winograd's F(4×4, 3×3) with the points 0, ±1, ±2, ∞ (Lavin and Gray 2016, arXiv:1509.09308),
     * a row of tiles of one channel block. Input: v[tile][36][lane] is Bᵀ·d·B of the 6×6 pixels
     * that begin at pixel 4·tile of rows[0 … 5]. Output: y[r][x·block + lane] = clamp(bias +
     * Aᵀ·m·A, low, high) of m[tile][36][lane], for x < width and the rows whose y is not NULL. */
    void (*winograd_input)(float *v, const float *const rows[6], int n_tiles);
    void (*winograd_products)(const CrWinogradProducts *products);
    void (*winograd_output)(float *const y[4], const float *m, const float *bias, float low,
                            float high, int width);

    CrBinaryFn binary[CR_N_BINARY];
    CrUnaryFn unary[CR_N_UNARY];
    CrUnaryMulFn unary_mul[CR_N_UNARY];
    /* x·y + z, rounded twice */
    void (*mul_add)(float *dst, const float *x, const float *y, const float *z, size_t n);

    /* Repeats `lanes` floats to n floats (n a multiple of lanes). */
    void (*fill_lanes)(float *dst, const float *src, int lanes, size_t n);
    /* dst[x·block + lane] = src[x·step]: one value per pixel to all lanes. */
    void (*fill_pixels)(float *dst, const float *src, ptrdiff_t step, int width);

    /* One row of channels planes ↔ blocks. plane_stride, block_stride in floats; lanes above
     * `channels` in the last block become 0. */
    void (*pack_row)(float *dst, ptrdiff_t block_stride, const float *src, ptrdiff_t plane_stride,
                     int channels, int width);
    void (*unpack_row)(float *dst, ptrdiff_t plane_stride, const float *src, ptrdiff_t block_stride,
                       int channels, int width);

    /* Bilinear: dst[x] = lerp(lerp(r0[x0[x]], r0[x1[x]], fx[x]), the same of r1, fy), whole pixels
     * of `block` lanes; lerp(a, b, f) = a + f·(b − a). */
    void (*resize_row)(float *dst, const float *r0, const float *r1, float fy, const int32_t *x0,
                       const int32_t *x1, const float *fx, int width);

    /* The same in two steps, for one channel of a plane (block 1): dst[x] = lerp(src[x0[x]],
     * src[x1[x]], fx[x]) along a row, whose result serves all the rows that lie beside it; then
     * dst[i] = lerp(a[i], b[i], f) for n floats. dst is none of the sources. */
    void (*sample_plane_row)(float *dst, const float *src, const int32_t *x0, const int32_t *x1,
                             const float *fx, int width);
    void (*blend_row)(float *dst, const float *a, const float *b, float f, int n);

    /* acc[lane] += Σ_x row[x][lane], in the order of x: for means over pixels. */
    void (*sum_row)(float *acc, const float *row, int width);

    /* y[j] = bias[j] + Σ_k x[k] · w[k][j], j < 4·block: a panel of a matrix-vector product. */
    void (*gemv_panel)(float *y, const float *w, const float *bias, const float *x, int k);
    /* The same with weights of 8 bits times scale[j], and x rounded to 15 (kernels/int8.h); NULL
     * where dense layers are computed in another precision. */
    void (*gemv_int8_panel)(float *y, const int8_t *w, const float *scale, const float *bias,
                            const float *x, int k);
    CrInt8Order int8_order; /* of its weights */

    /* Non-zero when one of n floats is NaN or infinite. */
    int (*has_non_finite)(const float *x, size_t n);
} CrKernels;

typedef enum {
    CR_FLOAT32,
    CR_BF16X3,
    CR_BF16,
    CR_INT8,
} CrPrecision;

/* The table of a level and a precision; levels that this build or processor lacks give the next one
 * below, precisions that the level lacks give float32. Every level has CR_INT8: dense layers in 8
 * bits, convolutions as in CR_BF16. */
const CrKernels *cr_kernels_get(CrCpuLevel level, CrPrecision precision);

/* C := alpha · op(A) · op(B) + beta · C, row-major, by OpenBLAS on the calling thread alone. The
 * result of an element does not depend on how the caller cut M or N, as long as the cut is the
 * same in every run. */
void cr_gemm(int trans_a, int trans_b, int m, int n, int k, float alpha, const float *a, int lda,
             const float *b, int ldb, float beta, float *c, int ldc);
