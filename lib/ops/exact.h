/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Layers by their definition, with factors and sums in double precision and each result rounded to
 * float32 once, on plain tensors: what every other way to compute them is measured against. */
#pragma once

#include "ops/recurrent.h"

/* Conv and ConvTranspose. (Products of matrices: ops/matrix.c.) */
bool cr_exact_conv_prepare(CrOpSetup *setup, CrStep *step, GError **error);
/* RNN, GRU and LSTM: fills step but for macs; r lives as long as it does. */
void cr_exact_recurrent_prepare(const CrRecurrent *r, CrStep *step);
