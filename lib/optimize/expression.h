/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a bound graph computes, fused or not, as sums of products of what element-wise arithmetic
 * reads: see algebra.h. Nothing here depends on names, or on how the arithmetic was written. */
#pragma once

#include "optimize/algebra.h"

/* Which axis of a tensor its channels are. */
typedef enum {
    CR_CHANNELS_SECOND, /* axis 1, as convolutions have them */
    CR_CHANNELS_LAST,   /* the last axis, as matrix products of any rank have them */
} CrChannels;

typedef struct {
    const CrIr *ir;
    CrChannels channels;
    CrAlgebra algebra;
    int *next; /* [states] the value that a step computes, before it is copied to its place */
    GHashTable *known; /* what was asked for before */
    int depth;
} CrExpressions;

void cr_expressions_init(CrExpressions *e, const CrIr *ir, CrChannels channels);
void cr_expressions_clear(CrExpressions *e);

/* What has no axis of channels has one channel. */
int cr_expression_channels(const CrExpressions *e, int value);

/* Channels [first, first + count) of a value. A state's new value is an atom. */
int cr_expression(CrExpressions *e, int value, int first, int count);
int cr_expression_whole(CrExpressions *e, int value);
/* What that atom stands for. */
int cr_expression_of_next(CrExpressions *e, int state);

/* The values that convolution or matrix product `node` reads as if they were concatenated, those
 * inside a Concat one by one; int. */
GArray *cr_expression_pieces(const CrExpressions *e, int node);

/* The value whose contents this one has, or itself: past copies and changes of layout. */
int cr_expression_source(const CrIr *ir, int value);
