/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Inputs for a network whose real ones are not at hand. */
#pragma once

#include <convrnn/session.h>

/* Something in [0, 1) for every float32 input, zeros for all others. The same number gives the same
 * noise. */
void cr_noise_fill(ConvRnnSession *session, guint32 number);
