/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Weights in the order in which the kernels read them. Sizes are in floats; nothing allocates. */
#pragma once

#include "kernels/kernels.h"

/* What a segment of a CrConvRow reads of the weight tensor's input channels. */
typedef struct {
    int channels;
    int first_channel; /* counted over all groups */
    int pixel;         /* as in CrConvSegment */
} CrPackSegment;

typedef struct {
    const float *weights; /* [out_channels][in_per_group][kh][kw] */
    int out_channels, groups;
    int in_per_group;
    int kh, kw;
    int block;
    int n_segments;
    CrPackSegment segment[CR_CONV_SEGMENTS];
} CrConvPack;

/* Floats of one panel of n_blocks (1 or 2) output blocks. The last channel block of a segment takes
 * no more than its channels. */
size_t cr_conv_pack_size(const CrConvPack *pack, int n_blocks);

/* A panel of the output channels first … first + lanes - 1; weights of the lanes above are 0, and
 * so are those between an input channel and an output channel of another group. */
void cr_conv_pack(float *dst, const CrConvPack *pack, int n_blocks, int first, int lanes);

/* Only block `index` of a panel: the blocks of a panel need not be neighbours (gates of a cell). */
void cr_conv_pack_block(float *dst, const CrConvPack *pack, int n_blocks, int index, int first,
                        int lanes);

/* Winograd's transform of 3×3 weights, computed in double: dst[36][filters·channels] gets G·g·Gᵀ of
 * each of the filters·channels kernels in src. */
void cr_winograd_transform(float *dst, const float *src, size_t kernels);

/* The part of a bfloat16 panel (bf16.h) that multiplies block `in`, for one of its n_out output
 * blocks, whose taps begin `shift` pixels later. The pack has no groups, and its segments have no
 * meaning here. term 0: weights rounded; 1: what rounding leaves, rounded. */
void cr_bf16_pack_block(uint16_t *dst, const CrConvPack *pack, const CrBf16Block *in, int shift,
                        int n_out, int index, int first, int lanes, int term);

/* weights [channels][kh][kw] → [ky][kx][block] for the channels first … first + lanes - 1. */
void cr_depthwise_pack(float *dst, const float *weights, int kh, int kw, int block, int first,
                       int lanes);

/* w[j·out_stride + i·in_stride] → [i < k][4·block] for the outputs j = first … first + lanes - 1.
 */
void cr_gemv_pack(float *dst, const float *w, ptrdiff_t out_stride, ptrdiff_t in_stride, int k,
                  int block, int first, int lanes);

/* n floats to bfloat16, to the nearest, ties to even. */
void cr_bf16_round(uint16_t *dst, const float *src, size_t n);

/* n weights of one sum to numbers that are two of bfloat16. Rounding errs as much in every pixel,
 * so where inputs are alike, as behind a ReLU, errors add up; therefore the next weight takes what
 * rounding one has left, and the sum of all keeps its value. */
void cr_bf16_round_sum(float *dst, const float *src, size_t n);

/* A bias: src[first … first + lanes - 1], then 0 up to `size`. All 0 when src is NULL. */
void cr_bias_pack(float *dst, const float *src, int first, int lanes, int size);
