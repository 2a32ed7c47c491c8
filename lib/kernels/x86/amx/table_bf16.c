/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* AVX-512 with convolutions in bfloat16. */
#include "kernels/x86/amx/amx.h"
#include "kernels/x86/avx512/vec.h"

static const CrBf16Kernels bf16 = {
    .terms = 1,
    .name = "bf16 amx",
    .conv_rows = cr_amx_conv_rows_1,
    .split_row = cr_amx_split_row_1,
    .split_planes = cr_amx_split_planes_1,
    .gemv_panel = cr_amx_gemv_panel,
};

#define V_TABLE       cr_amx_bf16_kernels
#define V_BF16        &bf16
#define V_SIGMOID     cr_amx_sigmoid
#define V_SIGMOID_MUL cr_amx_sigmoid_mul
#define V_TANH        cr_amx_tanh
#define V_TANH_MUL    cr_amx_tanh_mul
#include "kernels/table.inc.h"

/* The same with dense layers in 8 bits. */
#undef V_TABLE
#undef V_INT8
#undef V_INT8_ORDER
#define V_TABLE      cr_amx_int8_kernels
#define V_INT8       cr_amx_gemv_int8_panel
#define V_INT8_ORDER CR_INT8_QUADS
#include "kernels/table.inc.h"
