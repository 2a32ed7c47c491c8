/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* With dense layers in 8 bits. */
#include "kernels/arm/neon/vec.h"

#define V_TABLE cr_neon_int8_kernels
#define V_BF16  NULL
#define V_INT8  V_ISA(gemv_int8_panel)
#include "kernels/table.inc.h"
