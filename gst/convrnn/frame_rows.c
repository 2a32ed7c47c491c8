/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame_rows.h"
#include "frame_rows.inc.h"
#include <convrnn/cpu.h>
#include <string.h>

#define WORD 4

static void
set_words(const CrSampler *sampler, const int *sample, int row_bytes, int *word, int *shift)
{
    for (int i = 0; i < sampler->axis->n; i++) {
        int at = sample[i] * sampler->pixel;

        word[i] = MIN(at, row_bytes - WORD);
        shift[i] = 8 * (at - word[i]);
    }
}

gboolean
cr_sampler_init(CrSampler *sampler, int samples)
{
    int last = 0, n = sampler->axis->n, row_bytes;

    for (int k = 0; k < sampler->n_components; k++)
        last = MAX(last, sampler->offset[k]);
    row_bytes = (samples - 1) * sampler->pixel + last + 1;
    if (row_bytes < WORD)
        return TRUE;
    sampler->word = g_try_new(int, n);
    sampler->shift = g_try_new(int, n);
    if (!sampler->word || !sampler->shift)
        return FALSE;
    set_words(sampler, sampler->axis->lo, row_bytes, sampler->word, sampler->shift);
    /* Sample hi is the one after lo, or lo again with the weight 0. */
    if (sampler->pixel + last < WORD)
        return TRUE;
    sampler->hi_word = g_try_new(int, n);
    sampler->hi_shift = g_try_new(int, n);
    if (!sampler->hi_word || !sampler->hi_shift)
        return FALSE;
    set_words(sampler, sampler->axis->hi, row_bytes, sampler->hi_word, sampler->hi_shift);
    return TRUE;
}

void
cr_sampler_clear(CrSampler *sampler)
{
    g_clear_pointer(&sampler->word, g_free);
    g_clear_pointer(&sampler->shift, g_free);
    g_clear_pointer(&sampler->hi_word, g_free);
    g_clear_pointer(&sampler->hi_shift, g_free);
}

static void
sample(const CrSampler *sampler, const guint8 *row, float *const *out)
{
    const int *restrict lo = sampler->axis->lo, *restrict hi = sampler->axis->hi;
    const float *restrict weight = sampler->axis->weight;

    for (int k = 0; k < sampler->n_components; k++) {
        const guint8 *restrict from = row + sampler->offset[k];
        float *restrict to = out[k];

        for (int i = 0; i < sampler->axis->n; i++) {
            float a = from[lo[i] * sampler->pixel], b = from[hi[i] * sampler->pixel];

            to[i] = a + (b - a) * weight[i];
        }
    }
}

static void
copy(const CrSampler *sampler, const guint8 *row, float *const *out)
{
    copy_from(sampler, row, out, 0);
}

FRAME_ROWS(cr_frame_rows_c, "c");

const CrFrameRows *
cr_frame_rows_get(void)
{
#ifdef HAVE_FRAME_ROWS_AVX2
    const char *level = convrnn_cpu_get_level();

#ifdef HAVE_FRAME_ROWS_AVX512
    if (strcmp(level, "avx512") == 0 || strcmp(level, "amx") == 0)
        return &cr_frame_rows_avx512;
#endif
    if (strcmp(level, "c") != 0)
        return &cr_frame_rows_avx2;
#endif
    return &cr_frame_rows_c;
}
