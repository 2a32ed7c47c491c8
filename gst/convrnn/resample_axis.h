/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where along one axis each destination sample comes from: linear interpolation between samples lo
 * and hi. */
#pragma once

#include <glib.h>

typedef struct {
    int n;
    int *lo, *hi;
    float *weight;     /* of hi */
    gboolean identity; /* lo[i] = i and weight[i] = 0 throughout */
} CrAxis;

/* For n destination samples; FALSE without memory. Clear in either case. */
gboolean cr_axis_init(CrAxis *axis, int n);
void cr_axis_clear(CrAxis *axis);

/* Destination sample i lies at position p among `samples` source samples (their centres are the
 * whole numbers); positions outside take the outermost sample. To be called for i = 0, 1, …, n − 1.
 */
void cr_axis_set(CrAxis *axis, int i, double p, int samples);
