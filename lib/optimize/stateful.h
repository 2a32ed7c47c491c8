/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What makes a graph without states of its own stateful. Both rewrite a graph that has just been
 * bound, where every shape is exact and every constant known. */
#pragma once

#include "optimize/ir.h"

/* The caller's shapes, in which an input with role=window has a frame's, as the graph declares
 * them: a new table (input name → CrDesc*). NULL with SHAPE when a frame's shape does not fit. */
GHashTable *cr_frame_window_shapes(const ConvRnnModel *model, GHashTable *shapes, GError **error);

/* Inputs with role=window take one frame, and the others become a state: NAME.window, beside
 * NAME.count, the number of frames there have been. */
bool cr_ir_add_windows(CrIr *ir, GError **error);

/* Value `in`, of which only type and shape are known, is from now on what value `out` was in the
 * step before. Takes over the reference to `initial`; NULL: zeros. */
bool cr_ir_add_state(CrIr *ir, const char *name, int in, int out, ConvRnnStateOrigin origin,
                     ConvRnnTensor *initial, GError **error);

/* A name for a state of a node, "lstm.h", or "lstm_2.h" where two nodes have one name. */
const char *cr_ir_state_name(CrIr *ir, const char *node, const char *suffix);

/* Recurrent nodes with a time axis of 1 that start from a constant: their states Y_h and Y_c become
 * states NODE.h and NODE.c of the graph. Where `carry` is false they are only counted, in
 * ir->restarted. STATE when one reads several steps or runs backwards, or when nothing at all is
 * carried: loops have been dealt with while binding, see carry_loops.c. */
bool cr_ir_carry(CrIr *ir, bool carry, GError **error);
