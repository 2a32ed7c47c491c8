/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kernels/bf16.h"

extern const CrBf16Kernels cr_amx_bf16;
extern const CrBf16Kernels cr_amx_bf16x3;

void cr_amx_sigmoid(float *dst, const float *x, size_t n, float a, float b);
void cr_amx_tanh(float *dst, const float *x, size_t n, float a, float b);
void cr_amx_gemv_panel(float *y, const uint16_t *w, const float *bias, const float *x, int k);
