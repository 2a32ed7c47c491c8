/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a helper runs: off the processor of the thread that it helps.
 *
 * The system knows too little to place it. A helper that wakes up when every processor has
 * something to do may be put behind the thread that woke it; that one does not sleep before the
 * step ends, and the next step comes before anybody has looked at the balance: two threads on one
 * processor, for hundreds of steps. So the helper may run wherever it was allowed to, but for
 * there. */
#pragma once

#include <stdatomic.h>
#ifdef __linux__
#include <sched.h>
#endif

typedef struct {
    _Atomic int thread; /* the system's number for the helper; 0: it has not begun yet */
#ifdef __linux__
    int avoids;            /* processor; of the first, 0: 1 */
    cpu_set_t given, left; /* where it may run, by others' choice; what we left of that */
#endif
} CrPlacement;

/* The helper itself says so, once. */
void cr_placement_begin(CrPlacement *placement);
/* Of the thread that calls; -1 where the system does not tell. */
int cr_placement_get_processor(void);
/* Cheap when it is the same processor as last time. Where there is no other one, or the system does
 * not let us, the helper stays where it is. */
void cr_placement_keep_off(CrPlacement *placement, int processor);
