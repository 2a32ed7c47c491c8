/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "resample_axis.h"

gboolean
cr_axis_init(CrAxis *axis, int n)
{
    axis->n = n;
    axis->lo = g_try_new(int, n);
    axis->hi = g_try_new(int, n);
    axis->weight = g_try_new(float, n);
    axis->identity = TRUE;
    return axis->lo && axis->hi && axis->weight;
}

void
cr_axis_clear(CrAxis *axis)
{
    g_clear_pointer(&axis->lo, g_free);
    g_clear_pointer(&axis->hi, g_free);
    g_clear_pointer(&axis->weight, g_free);
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
