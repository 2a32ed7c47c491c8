/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How long steps take: for the statistics, and for a latency that follows them without flapping. */
#pragma once

#include <glib.h>

typedef struct {
    guint64 steps;
    guint64 last_ns, total_ns;
    guint64 latency_ns;     /* what the element reports */
    guint64 window_peak_ns; /* longest step of the current window */
    guint window_steps;
} CrStepClock;

/* Begins anew: statistics at zero, and a latency from one measured step. */
void cr_step_clock_start(CrStepClock *clock, guint64 first_ns);

/* Takes note of a step. TRUE when the latency to be reported has changed. */
gboolean cr_step_clock_add(CrStepClock *clock, guint64 ns);

static inline guint64
cr_step_clock_mean(const CrStepClock *clock)
{
    return clock->steps > 0 ? clock->total_ns / clock->steps : 0;
}
