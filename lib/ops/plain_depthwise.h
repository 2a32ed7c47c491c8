/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Depthwise convolution of a plain tensor to a plain tensor: to bring it into blocks and back would
 * move twice what it reads and writes. */
#pragma once

#include "ops/fused_conv.h"

/* Whether it is to be computed so, given the layouts of the inputs and who reads the result. */
bool cr_plain_depthwise_fits(const CrOpSetup *setup, const CrFusedConv *fused);

/* As CrOp.prepare. */
bool cr_plain_depthwise_prepare(CrOpSetup *setup, const CrFusedConv *fused, CrStep *step,
                                GError **error);
