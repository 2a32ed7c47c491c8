/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/recurrent.h"

/* Whether the node is one time step of few rows with known weights, in a form whose hidden units
 * can be computed apart. */
bool cr_recurrent_is_step(const CrOpSetup *setup, const CrRecurrent *r);

/* Fills step but for macs. */
bool cr_recurrent_step_prepare(CrOpSetup *setup, const CrRecurrent *r, CrStep *step,
                               GError **error);
