/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* AVX-512 with convolutions in two parts of bfloat16. */
#include "kernels/x86/amx/amx.h"
#include "kernels/x86/avx512/vec.h"

static const CrBf16Kernels bf16 = {
    .terms = 3,
    .name = "bf16x3 amx",
    .conv_rows = cr_amx_conv_rows_3,
    .split_row = cr_amx_split_row_3,
    .split_planes = cr_amx_split_planes_3,
};

#define V_TABLE cr_amx_bf16x3_kernels
#define V_BF16  &bf16
#include "kernels/table.inc.h"
