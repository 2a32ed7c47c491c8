/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The search for NaN and infinity in new states. A state that a step writes row by row is looked at
 * tile by tile, by the thread that has just written it: the rows are in its cache. Other states are
 * looked at when all steps are done. */
#pragma once

#include "core/workers.h"
#include "runtime/plan.h"
#include <stdatomic.h>

typedef struct {
    const CrPlan *plan;
    _Atomic bool *suspect; /* [states] set when something was found; the caller's, false at first */
} CrStateCheck;

/* Finds the steps that write states row by row. */
void cr_state_check_plan(CrPlan *plan);

/* After row tile `tile` of a step with writes_state; io: the step's. */
void cr_state_check_tile(const CrStateCheck *check, const CrPlanStep *step, void *const *io,
                         int tile);

/* After all steps: whether there is one in the new states, which lie at `half`. */
bool cr_state_is_poisoned(const CrStateCheck *check, CrWorkers *workers, unsigned participants,
                          const char *half);
