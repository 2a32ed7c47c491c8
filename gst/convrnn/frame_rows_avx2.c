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

/* Picks byte `first` of each half, the one `step` bytes behind it and so on: four of each, each as
 * a number of 32 bits. */
static inline __m256i
picker(int first, int step)
{
    __m256i index = _mm256_set_epi32(3, 2, 1, 0, 3, 2, 1, 0);
    __m256i at = _mm256_add_epi32(_mm256_mullo_epi32(index, _mm256_set1_epi32(step)),
                                  _mm256_set1_epi32(first));
    return _mm256_or_si256(at, _mm256_set1_epi32((int)0x80808000));
}

static inline __m256
pick(__m256i bytes, __m256i picks)
{
    return _mm256_cvtepi32_ps(_mm256_shuffle_epi8(bytes, picks));
}

static void
sample(const CrSampler *sampler, const guint8 *row, float *const *out)
{
    int n = sampler->axis->n;
    __m256i picks[CR_MAX_SAMPLED];

    if (!sampler->word || n < LANES) {
        cr_frame_rows_c.sample(sampler, row, out);
        return;
    }
    for (int k = 0; k < sampler->n_components; k++)
        picks[k] = picker(sampler->offset[k], 4);
    for (int next = 0; next < n; next += LANES) {
        int i = MIN(next, n - LANES); /* the last ones may be computed twice */
        __m256 weight = _mm256_loadu_ps(sampler->axis->weight + i);
        __m256i lo = fetch(row, sampler->word, sampler->shift, i);
        __m256i hi = sampler->hi_word ? fetch(row, sampler->hi_word, sampler->hi_shift, i)
                                      : _mm256_srl_epi32(lo, _mm_cvtsi32_si128(8 * sampler->pixel));

        for (int k = 0; k < sampler->n_components; k++) {
            __m256 a = pick(lo, picks[k]), b = pick(hi, picks[k]);

            _mm256_storeu_ps(out[k] + i,
                             _mm256_add_ps(a, _mm256_mul_ps(_mm256_sub_ps(b, a), weight)));
        }
    }
}

/* Eight samples lie in 32 bytes or less: four of them are moved into each half. */
static void
copy(const CrSampler *sampler, const guint8 *row, float *const *out)
{
    int n = sampler->axis->n, pixel = sampler->pixel, i = 0;
    __m256i halves = _mm256_add_epi32(_mm256_set_epi32(3, 2, 1, 0, 3, 2, 1, 0),
                                      _mm256_set_epi32(pixel, pixel, pixel, pixel, 0, 0, 0, 0));
    __m256i picks[CR_MAX_SAMPLED];

    for (int k = 0; k < sampler->n_components; k++)
        picks[k] = picker(sampler->offset[k], pixel);
    for (; pixel > 1 && (n - 1 - i) * pixel >= 32; i += LANES) {
        __m256i bytes = load_ints((const int *)(const void *)(row + i * pixel));
        __m256i moved = _mm256_permutevar8x32_epi32(bytes, halves);

        for (int k = 0; k < sampler->n_components; k++)
            _mm256_storeu_ps(out[k] + i, pick(moved, picks[k]));
    }
    copy_from(sampler, row, out, i);
}

FRAME_ROWS(cr_frame_rows_avx2, "avx2");
