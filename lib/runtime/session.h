/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/workers.h"
#include "runtime/schedule.h"
#include <stdatomic.h>

struct _ConvRnnSession {
    CrPlan *plan;
    const CrSchedule *schedule;
    CrWorkers *workers;
    unsigned threads;
    bool stateless; /* the state is never moved on */
    bool profiling;
    int parity;       /* which half of the state is the old one */
    int more_holders; /* of the boxed type, beside the first */
    uint64_t step, generation;

    char *arena;
    char *state[2];
    char *scratch;              /* threads × schedule->scratch_bytes */
    void **io[2];               /* schedule->places as addresses, for either parity */
    uint64_t *nanoseconds;      /* per plan step, when profiling */
    _Atomic bool *suspect;      /* states in which something was found that is not finite */
    uint64_t *spent;            /* threads × steps: within chains, when profiling */
    GArray *recurrences;        /* ConvRnnRecurrence; NULL until somebody asks */
    CrRegion *recurrence_names; /* what they point to */
};
