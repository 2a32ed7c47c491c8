/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between the parts of the fusion pass. */
#pragma once

#include "optimize/ir.h"

/* How far ahead of a node its partners are looked for: bounds the time that a long graph takes. */
#define CR_FUSE_WINDOW 256

/* Nodes become convolutions that can carry programs, and programs of one instruction. */
bool cr_ir_convert(CrIr *ir, GError **error);
/* A known bias that is added to a matrix product becomes a part of it. */
void cr_ir_join_addends(CrIr *ir);
/* conv(a) + conv(b) is one convolution of a and b. */
bool cr_ir_merge_sums(CrIr *ir, GError **error);
/* Of nodes that compute the same one is left, unless their values are results. */
void cr_ir_drop_duplicates(CrIr *ir);
/* Slices that cut all channels between them become a Split. */
void cr_ir_join_slices(CrIr *ir);
/* Who reads all the parts of a Split put together reads what the Split cuts. */
void cr_ir_undo_splits(CrIr *ir);
/* f(x) → Split becomes Split → f: then the parts are at hand where x is computed. */
bool cr_ir_lift_splits(CrIr *ir, GError **error);
/* Convolutions of the same inputs become one, and a Split. */
bool cr_ir_merge_siblings(CrIr *ir, GError **error);
/* Results that are stored for one later program only move there when that spares memory traffic. */
bool cr_ir_sink(CrIr *ir, GError **error);

/* A Split along channels (axis 1), to be given inputs and outputs. */
CrIrNode cr_ir_split_of_channels(const int *in, const int *out, int n_out);
/* Whether the node is one, into equal parts all of which have a value. */
bool cr_ir_splits_equally(const CrIr *ir, const CrIrNode *node);
