/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The portable kernels: what the others must compute. Those that know the number of lanes take it
 * as a parameter here, so that tests can compare tables of any block; the table itself has 8. */
#pragma once

#include "kernels/kernels.h"

#define V_ISA(name) cr_c_##name
#define V_NAME      "c"
#define V_LEVEL     CR_CPU_C
#define V_LANES     8

#include "kernels/functions.inc.h"

void cr_reference_conv_row(const CrConvRow *row, int block);
void cr_reference_depthwise_row(const CrDepthwiseRow *row, int block);
void cr_reference_max_pool_row(const CrPoolRow *row, int block);
void cr_reference_average_pool_row(const CrPoolRow *row, int block);
void cr_reference_winograd_input(float *v, const float *const rows[6], int n_tiles, int block);
void cr_reference_winograd_products(const CrWinogradProducts *products, int block);
void cr_reference_winograd_output(float *const y[4], const float *m, const float *bias, float low,
                                  float high, int width, int block);
void cr_reference_fill_pixels(float *dst, const float *src, ptrdiff_t step, int width, int block);
void cr_reference_pack_row(float *dst, ptrdiff_t block_stride, const float *src,
                           ptrdiff_t plane_stride, int channels, int width, int block);
void cr_reference_unpack_row(float *dst, ptrdiff_t plane_stride, const float *src,
                             ptrdiff_t block_stride, int channels, int width, int block);
void cr_reference_resize_row(float *dst, const float *r0, const float *r1, float fy,
                             const int32_t *x0, const int32_t *x1, const float *fx, int width,
                             int block);
void cr_reference_sum_row(float *acc, const float *row, int width, int block);
void cr_reference_gemv_panel(float *y, const float *w, const float *bias, const float *x, int k,
                             int block);
void cr_reference_gemv_int8_panel(float *y, const int8_t *w, const float *scale, const float *bias,
                                  const float *x, int k, int block);
