/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sixteen outputs at a time, otherwise as in frame_rows_avx2.c; what is beyond a row's end is
 * masked out. */
#include "frame_rows.h"
#include "frame_rows.inc.h"
#include <immintrin.h>

#define LANES 16

static inline __m512i
fetch(const guint8 *row, const int *word, const int *shift, int i, __mmask16 mask)
{
    __m512i at = _mm512_maskz_loadu_epi32(mask, word + i);
    __m512i words = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), mask, at, row, 1);
    return _mm512_srlv_epi32(words, _mm512_maskz_loadu_epi32(mask, shift + i));
}

/* Lane i: i mod 4. */
static inline __m512i
quarters(void)
{
    return _mm512_set_epi32(3, 2, 1, 0, 3, 2, 1, 0, 3, 2, 1, 0, 3, 2, 1, 0);
}

/* Picks byte `first` of each quarter, the one `step` bytes behind it and so on: four of each, each
 * as a number of 32 bits. */
static inline __m512i
picker(int first, int step)
{
    __m512i at = _mm512_add_epi32(_mm512_mullo_epi32(quarters(), _mm512_set1_epi32(step)),
                                  _mm512_set1_epi32(first));
    return _mm512_or_si512(at, _mm512_set1_epi32((int)0x80808000));
}

static inline __m512
pick(__m512i bytes, __m512i picks)
{
    return _mm512_cvtepi32_ps(_mm512_shuffle_epi8(bytes, picks));
}

static inline __mmask16
mask_of(int left)
{
    return (__mmask16)(left < LANES ? (1u << left) - 1 : 0xffff);
}

/* n_components is a constant where this is called. */
static inline __attribute__((always_inline)) void
sample_components(const CrSampler *sampler, const guint8 *row, float *const *out, int n_components)
{
    __m128i pixel = _mm_cvtsi32_si128(8 * sampler->pixel);
    __m512i picks[CR_MAX_SAMPLED];

    for (int k = 0; k < n_components; k++)
        picks[k] = picker(sampler->offset[k], 4);
    for (int i = 0; i < sampler->axis->n; i += LANES) {
        __mmask16 mask = mask_of(sampler->axis->n - i);
        __m512 weight = _mm512_maskz_loadu_ps(mask, sampler->axis->weight + i);
        __m512i lo = fetch(row, sampler->word, sampler->shift, i, mask);
        __m512i hi = sampler->hi_word ? fetch(row, sampler->hi_word, sampler->hi_shift, i, mask)
                                      : _mm512_srl_epi32(lo, pixel);

        for (int k = 0; k < n_components; k++) {
            __m512 a = pick(lo, picks[k]), b = pick(hi, picks[k]);

            _mm512_mask_storeu_ps(out[k] + i, mask,
                                  _mm512_add_ps(a, _mm512_mul_ps(_mm512_sub_ps(b, a), weight)));
        }
    }
}

static void
sample(const CrSampler *sampler, const guint8 *row, float *const *out)
{
    if (!sampler->word)
        cr_frame_rows_c.sample(sampler, row, out);
    else if (sampler->n_components == 1)
        sample_components(sampler, row, out, 1);
    else if (sampler->n_components == 2)
        sample_components(sampler, row, out, 2);
    else
        sample_components(sampler, row, out, 3);
}

/* Sixteen samples lie in 64 bytes or less: four of them are moved into each quarter. */
static inline __attribute__((always_inline)) void
copy_components(const CrSampler *sampler, const guint8 *row, float *const *out, int n_components)
{
    int n = sampler->axis->n, pixel = sampler->pixel, last = 0;
    __m512i lanes = _mm512_set_epi32(3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0);
    __m512i moves =
        _mm512_add_epi32(quarters(), _mm512_mullo_epi32(lanes, _mm512_set1_epi32(pixel)));
    __m512i picks[CR_MAX_SAMPLED];

    for (int k = 0; k < n_components; k++) {
        picks[k] = picker(sampler->offset[k], pixel);
        last = MAX(last, sampler->offset[k]);
    }
    for (int i = 0; i < n; i += LANES) {
        int left = (n - 1 - i) * pixel + last + 1; /* bytes to the last sample's end */
        __mmask64 bytes = left < 64 ? ((__mmask64)1 << left) - 1 : ~(__mmask64)0;
        __m512i moved = _mm512_permutexvar_epi32(
            moves, _mm512_maskz_loadu_epi8(bytes, row + (gsize)i * (gsize)pixel));

        for (int k = 0; k < n_components; k++)
            _mm512_mask_storeu_ps(out[k] + i, mask_of(n - i), pick(moved, picks[k]));
    }
}

static void
copy(const CrSampler *sampler, const guint8 *row, float *const *out)
{
    if (sampler->n_components == 1)
        copy_components(sampler, row, out, 1);
    else if (sampler->n_components == 2)
        copy_components(sampler, row, out, 2);
    else
        copy_components(sampler, row, out, 3);
}

FRAME_ROWS(cr_frame_rows_avx512, "avx512");
