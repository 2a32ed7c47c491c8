/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where along one axis each destination sample comes from: linear interpolation between samples lo
 * and hi. */
#pragma once

#include <glib.h>

/* Rows and tables are padded to a multiple of these, so that the widest vectors need no special
 * case for their end. */
#define CR_ROW_LANES 16

/* n elements of `size` bytes, padded, all zero, where a cache line begins; NULL without memory. To
 * be freed with free(). */
void *cr_row_alloc(int n, gsize size);

typedef struct {
    int n;
    int *lo, *hi;      /* hi is lo + 1, or lo with the weight 0 */
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
