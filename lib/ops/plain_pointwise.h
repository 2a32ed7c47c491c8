/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* 1×1 convolution of a plain tensor to a plain tensor: a product of matrices whose rows are planes.
 * To bring it into blocks and back would take a tenth of its time. */
#pragma once

#include "ops/fused_conv.h"

/* Whether it is to be computed so, given the layouts of the inputs and who reads the result. */
bool cr_plain_pointwise_fits(const CrOpSetup *setup, const CrFusedConv *fused);

/* As CrOp.prepare. */
bool cr_plain_pointwise_prepare(CrOpSetup *setup, const CrFusedConv *fused, CrStep *step,
                                GError **error);
