/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/op.h"

/* Whether a node of an operator with CR_OP_CONTROL has its graphs, and they have as many inputs and
 * outputs as the node wants; FORMAT when not. */
bool cr_control_check(const CrOp *op, const CrNode *node, GError **error);
