/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/arm/neon/vec.h"

#include "kernels/vector/gemv_int8.inc.h"
