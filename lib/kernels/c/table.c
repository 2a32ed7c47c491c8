/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/c/reference.h"

#include "kernels/table.inc.h"
