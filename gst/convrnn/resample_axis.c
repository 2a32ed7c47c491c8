/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "resample_axis.h"
#include <stdlib.h>
#include <string.h>

#define CACHE_LINE 64

void *
cr_row_alloc(int n, gsize size)
{
    gsize padded = ((gsize)n + CR_ROW_LANES - 1) / CR_ROW_LANES * CR_ROW_LANES;
    gsize bytes = (padded * size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    void *row = aligned_alloc(CACHE_LINE, bytes);

    if (row)
        memset(row, 0, bytes);
    return row;
}

gboolean
cr_axis_init(CrAxis *axis, int n)
{
    axis->n = n;
    axis->lo = cr_row_alloc(n, sizeof(int));
    axis->hi = cr_row_alloc(n, sizeof(int));
    axis->weight = cr_row_alloc(n, sizeof(float));
    axis->identity = TRUE;
    return axis->lo && axis->hi && axis->weight;
}

void
cr_axis_clear(CrAxis *axis)
{
    g_clear_pointer(&axis->lo, free);
    g_clear_pointer(&axis->hi, free);
    g_clear_pointer(&axis->weight, free);
}

void
cr_axis_set(CrAxis *axis, int i, double p, int samples)
{
    p = CLAMP(p, 0, samples - 1);
    axis->lo[i] = (int)p;
    axis->weight[i] = (float)(p - axis->lo[i]);
    axis->hi[i] = axis->weight[i] > 0 ? MIN(axis->lo[i] + 1, samples - 1) : axis->lo[i];
    axis->identity = axis->identity && axis->lo[i] == i && axis->weight[i] == 0;
}
