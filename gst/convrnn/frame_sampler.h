/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Up to three colour components whose samples lie beside each other, as R, G and B or U and V do:
 * how their rows are sampled along x, in tables for loops that take many samples at once. */
#pragma once

#include "resample_axis.h"

#define CR_MAX_SAMPLED    3
#define CR_SAMPLER_WORDS  32  /* of 16 bits, that make the windows of one block */
#define CR_SAMPLER_LOADED 128 /* bytes that they are chosen from */

/* Output i is made of the samples lo[i] and hi[i] of its axis, which are neighbours. A *window* of
 * 4 or 8 bytes holds both of them with all their components. Tables are padded with windows that
 * may be read as well, to a multiple of CR_ROW_LANES. */
typedef struct {
    const CrAxis *axis;
    int n_components;
    int pixel; /* bytes from sample to sample: 1 … 4 */
    /* Where the components lie, in bytes from the sample's first; with samples of 16 bits, `high`
     * is where the upper half lies, otherwise −1. */
    int low[CR_MAX_SAMPLED], high[CR_MAX_SAMPLED];

    int window; /* bytes; 0 where a row is shorter than that, and then there are no tables */
    /* The window begins at row + at[i] and, so as not to reach beyond the row's last sample, up to
     * shift[i] bits before sample lo[i]. */
    int *at, *shift;
    /* When outputs are not far from each other in the frame: of each block of 64 / window outputs,
     * where to load CR_SAMPLER_LOADED bytes, and which of their 16-bit words make the windows. NULL
     * when that is too little for one of the blocks, or more than a row. */
    int *near_base, *near_shift;
    guint16 *near_words;
} CrSampler;

/* Makes the tables for rows of `samples` samples; the fields above `window` are set, all others
 * zero. FALSE without memory. Clear in either case. */
gboolean cr_sampler_init(CrSampler *sampler, int samples);
void cr_sampler_clear(CrSampler *sampler);
