/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of a plan depends on how many threads run it: which steps are chains, and so which tensors
 * have memory, and where. Immutable; the plan keeps one for each number of threads. */
#pragma once

#include "runtime/chain.h"
#include "runtime/plan.h"

typedef enum {
    CR_PLACE_NONE,      /* left out, or passes within a chain */
    CR_PLACE_DATA,      /* a constant: `data` */
    CR_PLACE_ARENA,     /* offset into the session's arena */
    CR_PLACE_STATE_OLD, /* offset into the half of the state that a step reads */
    CR_PLACE_STATE_NEW, /* offset into the half that it writes */
} CrSpace;

typedef struct {
    CrSpace space;
    size_t offset;
    const void *data;
} CrPlace;

/* Where an input or an output begins, and its strides in elements. */
typedef struct {
    CrPlace place;
    gint64 strides[CONVRNN_MAX_RANK];
} CrPortPlace;

struct CrSchedule {
    unsigned threads;
    CrChain **chain; /* [steps]: the one that begins here, or NULL */
    CrPlace *places; /* of each step's inputs and outputs, from its first_place on */
    CrPortPlace *inputs, *outputs;
    size_t arena_bytes;
    size_t scratch_bytes; /* per thread */
};

/* The plan's schedule for that many threads; lives as long as the plan. */
const CrSchedule *cr_schedule_get(CrPlan *plan, unsigned threads);
void cr_schedule_free(CrSchedule *schedule, guint n_steps);

/* The chains count from 1; 0 for a step that is part of none. */
guint cr_schedule_chain_of(const CrSchedule *schedule, guint step);
