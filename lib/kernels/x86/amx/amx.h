/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The functions of CrBf16Kernels and CrKernels that use bfloat16; _1 and _3 for so many terms. */
#pragma once

#include "kernels/bf16.h"

void cr_amx_conv_rows_1(const CrBf16Rows *rows);
void cr_amx_conv_rows_3(const CrBf16Rows *rows);
void cr_amx_split_row_1(uint16_t *const dst[2], int pixel, const float *a, const float *b,
                        int width);
void cr_amx_split_row_3(uint16_t *const dst[2], int pixel, const float *a, const float *b,
                        int width);
void cr_amx_split_planes_1(uint16_t *const dst[2], int pixel, const float *const *plane,
                           int channels, int width);
void cr_amx_split_planes_3(uint16_t *const dst[2], int pixel, const float *const *plane,
                           int channels, int width);

void cr_amx_sigmoid(float *dst, const float *x, size_t n, float a, float b);
void cr_amx_tanh(float *dst, const float *x, size_t n, float a, float b);
void cr_amx_sigmoid_mul(float *dst, const float *x, const float *y, const float *z, size_t n,
                        float a, float b);
void cr_amx_tanh_mul(float *dst, const float *x, const float *y, const float *z, size_t n, float a,
                     float b);
void cr_amx_gemv_panel(float *y, const uint16_t *w, const float *bias, const float *x, int k);
void cr_amx_gemv_int8_panel(float *y, const int8_t *w, const float *scale, const float *bias,
                            const float *x, int k);
