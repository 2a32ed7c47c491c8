/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame_rows.h"
#include "frame_rows.inc.h"
#include <convrnn/cpu.h>
#include <string.h>

ROW_INLINE float
sample_at(const guint8 *at, int low, int high)
{
    return high < 0 ? at[low] : at[low] + 256 * at[high];
}

ROW_INLINE void
sample_component(const CrSampler *sampler, const guint8 *restrict row, int low, int high,
                 float *restrict out)
{
    const int *restrict lo = sampler->axis->lo, *restrict hi = sampler->axis->hi;
    const float *restrict weight = sampler->axis->weight;
    int pixel = sampler->pixel;

    for (int i = 0; i < sampler->axis->n; i++) {
        float a = sample_at(row + lo[i] * pixel, low, high);
        float b = sample_at(row + hi[i] * pixel, low, high);

        out[i] = a + (b - a) * weight[i];
    }
}

static void
sample(const CrSampler *sampler, const guint8 *row, float *const *out)
{
    for (int k = 0; k < sampler->n_components; k++) {
        if (sampler->high[k] < 0)
            sample_component(sampler, row, sampler->low[k], -1, out[k]);
        else
            sample_component(sampler, row, sampler->low[k], sampler->high[k], out[k]);
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
