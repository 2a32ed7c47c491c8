/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "durations.h"
#include <stdlib.h>
#include <string.h>

void
cr_durations_add(CrDurations *durations, guint64 ns)
{
    durations->recent_ns[durations->count % CR_DURATIONS_WINDOW] = ns;
    durations->count++;
    durations->total_ns += ns;
    durations->last_ns = ns;
    durations->max_ns = MAX(durations->max_ns, ns);
}

guint64
cr_durations_get_mean(const CrDurations *durations)
{
    return durations->count > 0 ? durations->total_ns / durations->count : 0;
}

static int
compare(const void *a, const void *b)
{
    guint64 x = *(const guint64 *)a, y = *(const guint64 *)b;

    return x < y ? -1 : x > y;
}

guint64
cr_durations_get_p95(const CrDurations *durations)
{
    guint64 sorted[CR_DURATIONS_WINDOW];
    guint n = (guint)MIN(durations->count, CR_DURATIONS_WINDOW);

    if (n == 0)
        return 0;
    memcpy(sorted, durations->recent_ns, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare);
    return sorted[(n * 95 + 99) / 100 - 1];
}
