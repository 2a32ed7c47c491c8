/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/arm/neon/vec.h"

#include "kernels/vector/winograd.inc.h"
