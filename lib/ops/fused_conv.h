/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The convolution that runs in blocks, with whatever was fused into it: several inputs read as if
 * they were concatenated, a clamp in the registers, and a program on each row that is done. */
#pragma once

#include "ops/conv.h"
#include "ops/pointwise.h"

/* Inputs of the node: n_x tensors, weights (known), bias (known; only if has_bias), then whatever
 * the program reads besides. Outputs: the program's, or the convolution's own. */
typedef struct {
    CrConv conv; /* of the inputs taken together */
    int n_x;
    float low, high;
    bool has_program;
    CrProgram program;
    CrDesc raw; /* what the convolution alone gives: shape, and the parts it is cut into */
} CrFusedConv;

/* Whether this Conv or (transposed) ConvTranspose node can run as one, and if so its description
 * without anything fused. A ConvTranspose's weights must then go through cr_transposed_weights().
 */
bool cr_fused_conv_from_node(const CrOpSetup *setup, bool transposed, CrFusedConv *fused);

/* The node; `fused` is its CrFusedConv. Made by the optimizer only. */
extern const CrOp cr_op_fused_conv;
