/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operators that have a second form, on tensors in the blocked layout. */
#pragma once

#include "ops/op.h"

/* The blocked form of an operator (itself when it is one), or NULL. Its blocked() says whether it
 * takes this node; its prepare() runs it. */
const CrOp *cr_op_find_blocked(const CrOp *op);

extern const CrOp cr_op_blocked_max_pool;
extern const CrOp cr_op_blocked_average_pool;
extern const CrOp cr_op_blocked_global_average_pool;
extern const CrOp cr_op_blocked_reduce_mean;
extern const CrOp cr_op_blocked_resize;
extern const CrOp cr_op_blocked_slice;
extern const CrOp cr_op_blocked_split;

/* Concat: `fused`, if set, is an array of n_in bools: the inputs that are already in their place,
 * because whoever computed them wrote there. */
extern const CrOp cr_op_blocked_concat;
