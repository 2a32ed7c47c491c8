/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Networks made up from a seed: convolutions of all kinds, residuals, gates, pooling, resizing,
 * Concat and Split with any number of channels, and convolutional cells that carry state. */
#pragma once

#include <convrnn/convrnn.h>

/* One image input "x" (1, 1…6, 9…40, 9…40), one to three outputs, up to two cells. Never NULL. */
ConvRnnModel *random_network(guint32 seed);

/* A tensor of random floats in [-scale, scale). */
ConvRnnTensor *random_tensor(GRand *rand, const gint64 *dims, guint n_dims, double scale);

/* Fills input 0 of a session with step `step`'s picture, values in [0, 1). */
void random_picture(ConvRnnSession *session, guint32 seed, guint step);
