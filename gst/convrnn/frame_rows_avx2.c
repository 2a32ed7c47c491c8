/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Eight outputs at a time: the bytes of all components of two neighbouring samples are fetched as
 * one window. */
#include "frame_rows.h"
#include "frame_rows.inc.h"
#include <immintrin.h>

#define LANES 8

typedef __m256i Bytes;
typedef __m256 Floats;

static inline __m256i
load_ints(const int *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

/* A gather's mask. Of a constant, gcc makes a gather that waits for what its register held before;
 * of this, one that begins with zeros. */
static inline __m256i
all_ones(void)
{
    __m256i ones = _mm256_set1_epi32(-1);

    __asm__("" : "+x"(ones));
    return ones;
}

ROW_INLINE Bytes
fetch_4(const CrSampler *sampler, const guint8 *row, int i, gboolean near)
{
    __m256i at = load_ints(sampler->at + i);
    __m256i windows = _mm256_mask_i32gather_epi32(
        _mm256_setzero_si256(), (const int *)(const void *)row, at, all_ones(), 1);

    return _mm256_srlv_epi32(windows, load_ints(sampler->shift + i));
}

ROW_INLINE Bytes
fetch_8(const CrSampler *sampler, const guint8 *row, int i, gboolean near)
{
    __m128i at = _mm_loadu_si128((const __m128i *)(const void *)(sampler->at + i));
    __m128i shift = _mm_loadu_si128((const __m128i *)(const void *)(sampler->shift + i));
    __m256i windows = _mm256_mask_i32gather_epi64(
        _mm256_setzero_si256(), (const long long *)(const void *)row, at, all_ones(), 1);

    return _mm256_srlv_epi64(windows, _mm256_cvtepu32_epi64(shift));
}

/* The lower halves of eight windows, the second four in b. */
static inline __m256i
lower_halves(__m256i a, __m256i b)
{
    __m256 halves = _mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), 0x88);

    return _mm256_permute4x64_epi64(_mm256_castps_si256(halves), 0xd8);
}

ROW_INLINE void
split(Bytes a, Bytes b, int pixel, Bytes *lo, Bytes *hi)
{
    __m128i shift = _mm_cvtsi32_si128(8 * pixel);

    *lo = lower_halves(a, b);
    *hi = lower_halves(_mm256_srl_epi64(a, shift), _mm256_srl_epi64(b, shift));
}

/* Picks byte `low` of each half, the one `step` bytes behind it and so on: four of each, each as a
 * number of 32 bits, whose second byte is picked from `high` on, when that is not negative. */
static inline Bytes
picker(int low, int high, int step)
{
    __m256i index = _mm256_set_epi32(3, 2, 1, 0, 3, 2, 1, 0);
    int first = (int)0x80800000 | (high < 0 ? 0x80 : high) << 8 | low;
    __m256i steps = _mm256_set1_epi32(high < 0 ? step : step * 0x101);

    return _mm256_add_epi32(_mm256_set1_epi32(first), _mm256_mullo_epi32(index, steps));
}

static inline Floats
pick(Bytes bytes, Bytes picks)
{
    return _mm256_cvtepi32_ps(_mm256_shuffle_epi8(bytes, picks));
}

static inline Floats
load_floats(const float *p)
{
    return _mm256_loadu_ps(p);
}

static inline void
store_floats(float *p, Floats v)
{
    _mm256_storeu_ps(p, v);
}

#include "frame_sample.inc.h"

static void
sample(const CrSampler *sampler, const guint8 *row, float *const *out)
{
    sample_windows(sampler, row, out, FALSE);
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
        picks[k] = picker(sampler->low[k], sampler->high[k], pixel);
    for (; pixel > 1 && (n - 1 - i) * pixel >= 32; i += LANES) {
        __m256i bytes = load_ints((const int *)(const void *)(row + i * pixel));
        __m256i moved = _mm256_permutevar8x32_epi32(bytes, halves);

        for (int k = 0; k < sampler->n_components; k++)
            _mm256_storeu_ps(out[k] + i, pick(moved, picks[k]));
    }
    copy_from(sampler, row, out, i);
}

FRAME_ROWS(cr_frame_rows_avx2, "avx2");
