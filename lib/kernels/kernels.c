/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/tables.h"

const CrKernels *
cr_kernels_get(CrCpuLevel level)
{
    const CrCpuLevel best = cr_cpu_detect();

    if (level > best)
        level = best;
#if defined(__x86_64__)
    if (level >= CR_CPU_AVX512)
        return &cr_avx512_kernels;
    if (level >= CR_CPU_AVX2)
        return &cr_avx2_kernels;
#elif defined(__aarch64__)
    if (level >= CR_CPU_NEON)
        return &cr_neon_kernels;
#endif
    return &cr_c_kernels;
}
