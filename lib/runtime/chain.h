/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Steps that run band by band, depth first: a few rows of the first, then the rows of the second
 * that these allow, and so on to the last, then the next rows. What passes between them is only as
 * many rows as are still needed, in a buffer that slides over the picture in the thread's scratch
 * memory: it stays in the L2 cache, and the whole tensor is nowhere.
 *
 * The steps' own tiles run, each with the arithmetic it always has, so results are the same bytes.
 * The picture is cut into chunks of rows of the last step, one for a thread to take; rows that two
 * chunks need of a step before it are computed by both. */
#pragma once

#include "runtime/arena.h"
#include "runtime/plan.h"
#include "runtime/state_check.h"

typedef struct CrChain CrChain;

/* Steps [first, first + n) of the plan as a chain on `threads` threads. NULL when they cannot be
 * one, or it would not pay. `life`: first and last node that needs each value, by root. */
CrChain *cr_chain_new(const CrPlan *plan, const CrInterval *life, int first, int n,
                      unsigned threads);
void cr_chain_free(CrChain *chain);

int cr_chain_length(const CrChain *chain);
/* Whether the value passes within the chain: it has no memory of its own then. */
bool cr_chain_holds(const CrChain *chain, int root);
/* Bytes of scratch that a thread needs. */
size_t cr_chain_scratch(const CrChain *chain);

/* In how many chunks it is best cut for that many threads. */
int cr_chain_chunks(const CrChain *chain, unsigned participants);
/* Runs one of them. io: the addresses of the first step's inputs and outputs, then the next one's…;
 * those of what passes within are not looked at. spent: NULL, or for each step the nanoseconds that
 * this chunk took are added. check: NULL, or new states are looked at. */
void cr_chain_run(const CrChain *chain, void *const *io, int chunk, int n_chunks, void *scratch,
                  uint64_t *spent, const CrStateCheck *check);
