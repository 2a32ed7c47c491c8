/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/workers.h"
#include "runtime/plan.h"

struct _ConvRnnSession {
    CrPlan *plan;
    CrWorkers *workers;
    unsigned threads;
    bool stateless; /* the state is never moved on */
    bool profiling;
    int parity; /* which half of the state is the old one */
    uint64_t step, generation;

    char *arena;
    char *state[2];
    char *scratch;              /* threads × plan->scratch_bytes */
    void **io[2];               /* plan->places as addresses, for either parity */
    uint64_t *nanoseconds;      /* per plan step, when profiling */
    GArray *recurrences;        /* ConvRnnRecurrence; NULL until somebody asks */
    CrRegion *recurrence_names; /* what they point to */
};
