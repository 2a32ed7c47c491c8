/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/x86/avx2/vec.h"

#include "kernels/vector/conv.inc.h"
#include "kernels/vector/conv_plane.inc.h"
