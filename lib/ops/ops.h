/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The operators of operators.def, by symbol. */
#pragma once

#include "ops/op.h"

#define CR_OP(symbol) extern const CrOp cr_op_##symbol;
#include "ops/operators.def"
#undef CR_OP
