/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/x86/avx2/vec.h"

#include "kernels/vector/gemv_int8.inc.h"
