/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/arm/neon/vec.h"

#include "kernels/vector/conv.inc.h"
#include "kernels/vector/conv_plane.inc.h"
