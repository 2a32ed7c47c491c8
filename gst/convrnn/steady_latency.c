/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The latency is the longest step of a window, rounded up to the next of a row of coarse values. It
 * grows at the end of a window that went beyond it, and shrinks only when a whole window stayed
 * under half of it: every change makes the whole pipeline negotiate its latency again. */
#include "steady_latency.h"

#define WINDOW 64
#define MS     (1000 * 1000)

/* Whole milliseconds, with a quarter to spare. */
static guint64
round_up(guint64 ns)
{
    return (ns + ns / 4 + MS - 1) / MS * MS;
}

void
cr_steady_latency_start(CrSteadyLatency *latency, guint64 first_ns)
{
    *latency = (CrSteadyLatency){.ns = round_up(first_ns)};
}

gboolean
cr_steady_latency_add(CrSteadyLatency *latency, guint64 step_ns)
{
    guint64 peak;

    latency->peak_ns = MAX(latency->peak_ns, step_ns);
    if (++latency->steps < WINDOW)
        return FALSE;
    peak = latency->peak_ns;
    latency->steps = 0;
    latency->peak_ns = 0;
    if (peak <= latency->ns && round_up(peak) >= latency->ns / 2)
        return FALSE;
    latency->ns = round_up(peak);
    return TRUE;
}
