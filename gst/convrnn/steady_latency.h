/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A latency to report that follows the length of the steps without flapping. */
#pragma once

#include <glib.h>

typedef struct {
    guint64 ns;      /* what to report; 0 before the start */
    guint64 peak_ns; /* longest step of the current window */
    guint steps;     /* in it */
} CrSteadyLatency;

/* Begins with one measured step. */
void cr_steady_latency_start(CrSteadyLatency *latency, guint64 first_ns);

/* Takes note of a step. TRUE when the latency to be reported has changed. */
gboolean cr_steady_latency_add(CrSteadyLatency *latency, guint64 step_ns);
