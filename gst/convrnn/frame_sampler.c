/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame_sampler.h"
#include <stdlib.h>

/* Bytes from a sample's first to its last that is read. */
static int
last_byte(const CrSampler *sampler)
{
    int last = 0;

    for (int k = 0; k < sampler->n_components; k++)
        last = MAX(last, MAX(sampler->low[k], sampler->high[k]));
    return last;
}

static void
clear_near(CrSampler *sampler)
{
    g_clear_pointer(&sampler->near_base, free);
    g_clear_pointer(&sampler->near_shift, free);
    g_clear_pointer(&sampler->near_words, free);
}

static void
set_windows(CrSampler *sampler, int row_bytes)
{
    for (int i = 0; i < sampler->axis->n; i++) {
        int lo = sampler->axis->lo[i] * sampler->pixel;

        sampler->at[i] = MIN(lo, row_bytes - sampler->window);
        sampler->shift[i] = 8 * (lo - sampler->at[i]);
    }
}

/* FALSE when output i cannot be made of the bytes that its block loads. */
static gboolean
set_near_window(CrSampler *sampler, int i, int base, int last)
{
    const CrAxis *axis = sampler->axis;
    int half = sampler->window / 2, begin = axis->lo[i] * sampler->pixel - base;
    int end = begin + (axis->hi[i] - axis->lo[i]) * sampler->pixel + last;
    int word = MIN(begin / 2, CR_SAMPLER_LOADED / 2 - half);

    for (int w = 0; w < half; w++)
        sampler->near_words[i * half + w] = (guint16)(word + w);
    sampler->near_shift[i] = 8 * (begin - 2 * word);
    return end < 2 * word + sampler->window;
}

static gboolean
set_near(CrSampler *sampler, int row_bytes)
{
    int size = 2 * CR_SAMPLER_WORDS / sampler->window, last = last_byte(sampler);

    if (row_bytes < CR_SAMPLER_LOADED)
        return FALSE;
    for (int i = 0; i < sampler->axis->n; i++) {
        int first = sampler->axis->lo[i - i % size] * sampler->pixel;
        int base = MIN(first, row_bytes - CR_SAMPLER_LOADED);

        sampler->near_base[i / size] = base;
        if (!set_near_window(sampler, i, base, last))
            return FALSE;
    }
    return TRUE;
}

gboolean
cr_sampler_init(CrSampler *sampler, int samples)
{
    int n = sampler->axis->n, last = last_byte(sampler);
    int row_bytes = (samples - 1) * sampler->pixel + last + 1;

    sampler->window = sampler->pixel + last < 4 ? 4 : 8;
    if (row_bytes < sampler->window) {
        sampler->window = 0;
        return TRUE;
    }
    sampler->at = cr_row_alloc(n, sizeof(int));
    sampler->shift = cr_row_alloc(n, sizeof(int));
    sampler->near_base = cr_row_alloc(n, sizeof(int)); /* more than there are blocks */
    sampler->near_shift = cr_row_alloc(n, sizeof(int));
    sampler->near_words = cr_row_alloc(n, (gsize)sampler->window / 2 * sizeof(guint16));
    if (!sampler->at || !sampler->shift || !sampler->near_base || !sampler->near_shift ||
        !sampler->near_words)
        return FALSE;
    set_windows(sampler, row_bytes);
    if (!set_near(sampler, row_bytes))
        clear_near(sampler);
    return TRUE;
}

void
cr_sampler_clear(CrSampler *sampler)
{
    g_clear_pointer(&sampler->at, free);
    g_clear_pointer(&sampler->shift, free);
    clear_near(sampler);
}
