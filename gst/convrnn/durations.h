/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How long something takes that is done again and again. Takes no memory. */
#pragma once

#include <glib.h>

/* How many of the last ones the percentile looks at. */
#define CR_DURATIONS_WINDOW 256

typedef struct {
    guint64 count, total_ns, last_ns, max_ns; /* of all */
    guint64 recent_ns[CR_DURATIONS_WINDOW];   /* a ring */
} CrDurations;

void cr_durations_add(CrDurations *durations, guint64 ns);

/* 0 when there are none. */
guint64 cr_durations_get_mean(const CrDurations *durations);

/* The duration that 95 of 100 of the last CR_DURATIONS_WINDOW do not exceed (nearest rank); 0 when
 * there are none. */
guint64 cr_durations_get_p95(const CrDurations *durations);
