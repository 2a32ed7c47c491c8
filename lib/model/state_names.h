/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* State pairs that only their names give away. */
#pragma once

#include "model/graph.h"

/* Appends the pairs (origin FROM_NAME) to `pairs`. Inputs in `constants` (a set of names, may be
 * NULL), and inputs whose .modelinfo gives them another role than "state", are not looked at.
 * False with CONVRNN_ERROR_STATE when several candidates fit. */
bool cr_state_names_find(const ConvRnnModel *model, GHashTable *constants, GArray *pairs,
                         GError **error);

/* Whether an output may be the next value of an input: equal type and rank, as far as declared. */
bool cr_state_fits(const ConvRnnTensorInfo *input, const ConvRnnTensorInfo *output);
