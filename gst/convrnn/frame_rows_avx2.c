/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Eight outputs at a time: the bytes of all components of a pixel are fetched as one word. */
#include "frame_rows.h"
#include "frame_rows.inc.h"
#include <immintrin.h>

#define LANES 8

static inline __m256i
load_ints(const int *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

/* The words of outputs i … i + 7, the wanted sample lowest. */
static inline __m256i
fetch(const guint8 *row, const int *word, const int *shift, int i)
{
    __m256i words = _mm256_i32gather_epi32((const int *)(const void *)row, load_ints(word + i), 1);
    return _mm256_srlv_epi32(words, load_ints(shift + i));
}

/* Byte `at` of each word. */
static inline __m256
component(__m256i words, int at)
{
    __m256i shifted = _mm256_srl_epi32(words, _mm_cvtsi32_si128(8 * at));
    return _mm256_cvtepi32_ps(_mm256_and_si256(shifted, _mm256_set1_epi32(255)));
}

static void
sample(const CrSampler *sampler, const guint8 *row, float *const *out)
{
    int n = sampler->axis->n;

    if (!sampler->word || n < LANES) {
        cr_frame_rows_c.sample(sampler, row, out);
        return;
    }
    for (int next = 0; next < n; next += LANES) {
        int i = MIN(next, n - LANES); /* the last ones may be computed twice */
        __m256 weight = _mm256_loadu_ps(sampler->axis->weight + i);
        __m256i lo = fetch(row, sampler->word, sampler->shift, i);
        __m256i hi = sampler->hi_word ? fetch(row, sampler->hi_word, sampler->hi_shift, i)
                                      : _mm256_srl_epi32(lo, _mm_cvtsi32_si128(8 * sampler->pixel));

        for (int k = 0; k < sampler->n_components; k++) {
            __m256 a = component(lo, sampler->offset[k]), b = component(hi, sampler->offset[k]);

            _mm256_storeu_ps(out[k] + i,
                             _mm256_add_ps(a, _mm256_mul_ps(_mm256_sub_ps(b, a), weight)));
        }
    }
}

FRAME_ROWS(cr_frame_rows_avx2, "avx2");
