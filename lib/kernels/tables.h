/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tables that this build has. */
#pragma once

#include "kernels/kernels.h"

extern const CrKernels cr_c_kernels;
extern const CrKernels cr_c_int8_kernels;
#if defined(__x86_64__)
extern const CrKernels cr_avx2_kernels;
extern const CrKernels cr_avx2_int8_kernels;
extern const CrKernels cr_avx512_kernels;
extern const CrKernels cr_avx512_int8_kernels;
extern const CrKernels cr_amx_bf16_kernels;
extern const CrKernels cr_amx_bf16x3_kernels;
extern const CrKernels cr_amx_int8_kernels;
#elif defined(__aarch64__)
extern const CrKernels cr_neon_kernels;
extern const CrKernels cr_neon_int8_kernels;
#endif
