/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/tables.h"

const CrKernels *
cr_kernels_get(CrCpuLevel level, CrPrecision precision)
{
    const CrCpuLevel best = cr_cpu_detect();

    if (level > best)
        level = best;
#if defined(__x86_64__)
    if (level >= CR_CPU_AMX && precision != CR_FLOAT32 && cr_cpu_allow_tiles())
        return precision == CR_BF16   ? &cr_amx_bf16_kernels
               : precision == CR_INT8 ? &cr_amx_int8_kernels
                                      : &cr_amx_bf16x3_kernels;
    if (level >= CR_CPU_AVX512)
        return precision == CR_INT8 ? &cr_avx512_int8_kernels : &cr_avx512_kernels;
    if (level >= CR_CPU_AVX2)
        return precision == CR_INT8 ? &cr_avx2_int8_kernels : &cr_avx2_kernels;
#elif defined(__aarch64__)
    if (level >= CR_CPU_NEON)
        return precision == CR_INT8 ? &cr_neon_int8_kernels : &cr_neon_kernels;
#endif
    return precision == CR_INT8 ? &cr_c_int8_kernels : &cr_c_kernels;
}
