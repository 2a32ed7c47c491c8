/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which recurrence each state of a bound graph goes through: see convrnn/recurrence.h for the
 * forms. */
#pragma once

#include "optimize/ir.h"
#include <convrnn/recurrence.h>

typedef struct {
    ConvRnnRecurrence cell; /* without strings, nodes and steps, but for the activations */
    int states[2];          /* h, then c; −1 for none */
    GArray *products;       /* int: nodes that are its convolutions or matrix products */
} CrRecurrence;

/* One for each cell, in the order of their first states; CrRecurrence. Free with g_array_unref().
 */
GArray *cr_recurrences_find(const CrIr *ir);
