/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which inputs of a model are the next step's outputs. */
#pragma once

#include "model/graph.h"

/* The state pairs of a model, in the order of its inputs: an array of CrStatePair, to be freed with
 * cr_states_free(). Precedence: pairs given by the caller (`given`, may be NULL or empty), the
 * .modelinfo's state-of=, the file's metadata, the builder's pairs, well-known names with equal
 * type and rank. Pairs of constants (`constants`: a set of input names, may be NULL) are left out.
 * NULL with CONVRNN_ERROR_STATE when a pair names what does not exist, or types or ranks differ, or
 * several candidates fit: the message lists them. */
GArray *cr_states_find(const ConvRnnModel *model, const GArray *given, GHashTable *constants,
                       GError **error);
/* An empty array of CrStatePair that frees what is put in. */
GArray *cr_states_new(void);
void cr_states_free(GArray *states);
