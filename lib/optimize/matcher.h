/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between the parts of recognising recurrences: what a sum of products reads of a cell's old state.
 * Numbers of atoms are those of e.algebra. */
#pragma once

#include "optimize/expression.h"
#include "optimize/recurrences.h"

typedef struct {
    CrExpressions e;
    const CrIr *ir;
    int h, c;            /* the cell's states, −1 without */
    bool *reached;       /* [values]: a node before it reads h or c */
    GByteArray *depends; /* [atoms]: 0 not known, 1 no, 2 yes */
    CrRecurrence *found;
} CrMatcher;

/* What a gate's argument reads of the old state. */
typedef struct {
    bool h;       /* convolved */
    int before;   /* atom r: r⊙h convolved; −1 */
    int after;    /* atom r: r ⊙ what does not depend on x; −1 */
    bool after_h; /* … which has h convolved in it */
    bool x;       /* something that is not the state */
    bool old_c, new_c;
} CrReading;

/* From here on the cell's states are these (−1: none). */
void cr_matcher_own(CrMatcher *m, int h, int c);
/* Whether the atom's value depends on them. */
bool cr_matcher_depends(CrMatcher *m, int atom);

const CrAtom *cr_matcher_atom(const CrMatcher *m, int atom);
/* Whether it is all channels of that state. */
bool cr_matcher_is_whole(const CrMatcher *m, int atom, CrAtomKind kind, int state);
bool cr_matcher_same_activation(const CrMatcher *m, int a, int b);
/* "tanh", …; "identity" for what is none. */
const char *cr_matcher_activation(const CrMatcher *m, int atom);

/* Convolution or matrix product `node` belongs to the cell; its kernel is the state's. */
void cr_matcher_note_product(CrMatcher *m, int node);
void cr_matcher_note_kernel(CrMatcher *m, int node);

/* Reads the argument of an activation; false when it is none, or reads the state in a way that no
 * form has. */
bool cr_matcher_read(CrMatcher *m, int atom, CrReading *r);
/* act(W∗x + R∗h + b) */
bool cr_matcher_is_gate(CrMatcher *m, int atom);

/* Whether the state goes through an RNN, GRU or LSTM node: it comes in as the initial value and out
 * as the last. Then found->states are the node's. */
bool cr_matcher_operator(CrMatcher *m, int state);
