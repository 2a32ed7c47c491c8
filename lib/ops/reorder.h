/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/op.h"

/* Copies input 0 to output 0, which has the same type and shape, from any layout to any other. Made
 * by the optimizer only; not part of ONNX. */
extern const CrOp cr_op_reorder;
