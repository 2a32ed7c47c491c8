/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which horizontal taps of a pooling lie inside the picture. */
#pragma once

#include "core/attributes.h"
#include "kernels/kernels.h"

typedef struct {
    int first;      /* input x of tap 0, maybe negative */
    int begin, end; /* taps inside the input */
} CrTaps;

/* How many of kw taps from `first` on lie below `limit`. */
CR_INLINE int
cr_taps_below(const CrPoolRow *row, int first, int limit)
{
    if (first + (row->kw - 1) * row->dilation < limit)
        return row->kw;
    return first < limit ? (limit - first + row->dilation - 1) / row->dilation : 0;
}

CR_INLINE CrTaps
cr_taps_inside(const CrPoolRow *row, int x)
{
    CrTaps taps = {.first = x * row->stride - row->pad_left};

    taps.begin = taps.first < 0 ? cr_taps_below(row, taps.first, 0) : 0;
    taps.end = cr_taps_below(row, taps.first, row->in_width);
    return taps;
}

/* The outputs [*begin, *end) whose taps all lie inside. */
CR_INLINE void
cr_taps_interior(const CrPoolRow *row, int *begin, int *end)
{
    const int last = row->in_width - 1 - (row->kw - 1) * row->dilation + row->pad_left;

    *begin = (row->pad_left + row->stride - 1) / row->stride;
    *end = last < 0 ? 0 : last / row->stride + 1;
    if (*end > row->width)
        *end = row->width;
    if (*begin > *end)
        *begin = *end = 0;
}

/* Taps in the divisor of an average. */
CR_INLINE int
cr_taps_counted(const CrPoolRow *row, int x, CrTaps taps)
{
    if (!row->count_include_pad)
        return taps.end - taps.begin;
    return cr_taps_below(row, taps.first, row->in_width + row->pad_right);
}
