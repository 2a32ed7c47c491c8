/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* AVX-512 with convolutions in bfloat16. */
#include "kernels/x86/amx/amx.h"
#include "kernels/x86/avx512/vec.h"

#define V_TABLE   cr_amx_bf16_kernels
#define V_BF16    &cr_amx_bf16
#define V_SIGMOID cr_amx_sigmoid
#define V_TANH    cr_amx_tanh
#include "kernels/table.inc.h"
