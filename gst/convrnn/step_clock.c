/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The latency is the longest step of a window, rounded up to the next of a row of coarse values. It
 * grows at the end of a window that went beyond it, and shrinks only when a whole window stayed
 * under half of it: every change makes the whole pipeline negotiate its latency again. */
#include "step_clock.h"

#define WINDOW 64
#define MS     (1000 * 1000)

/* Whole milliseconds, with a quarter to spare. */
static guint64
round_up(guint64 ns)
{
    return (ns + ns / 4 + MS - 1) / MS * MS;
}

void
cr_step_clock_start(CrStepClock *clock, guint64 first_ns)
{
    *clock = (CrStepClock){.latency_ns = round_up(first_ns)};
}

gboolean
cr_step_clock_add(CrStepClock *clock, guint64 ns)
{
    guint64 peak;

    clock->steps++;
    clock->last_ns = ns;
    clock->total_ns += ns;
    clock->window_peak_ns = MAX(clock->window_peak_ns, ns);
    if (++clock->window_steps < WINDOW)
        return FALSE;
    peak = clock->window_peak_ns;
    clock->window_steps = 0;
    clock->window_peak_ns = 0;
    if (peak <= clock->latency_ns && round_up(peak) >= clock->latency_ns / 2)
        return FALSE;
    clock->latency_ns = round_up(peak);
    return TRUE;
}
