/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows rounded to bfloat16, to the nearest, ties to even (denormals become zero), in the pixels
 * that convolutions read; and what that leaves, rounded. */
#include "kernels/x86/amx/amx.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

/* 32 floats: `high` takes them rounded, those of a first. */
INLINE __m512i
round_pair(__m512 a, __m512 b)
{
    return (__m512i)_mm512_cvtne2ps_pbh(b, a);
}

/* What rounding a and b to `rounded` leaves. */
INLINE __m512i
rest_of_pair(__m512 a, __m512 b, __m512i rounded)
{
    const __m512i a_bits = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(rounded));
    const __m512i b_bits = _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(rounded, 1));
    const __m512 a_high = _mm512_castsi512_ps(_mm512_slli_epi32(a_bits, 16));
    const __m512 b_high = _mm512_castsi512_ps(_mm512_slli_epi32(b_bits, 16));
    return round_pair(_mm512_sub_ps(a, a_high), _mm512_sub_ps(b, b_high));
}

/* --- from blocks --- */

INLINE void
split_wide(uint16_t *const dst[2], const float *a, const float *b, int width, int terms)
{
    for (int x = 0; x < width; x++) {
        const __m512 first = _mm512_loadu_ps(a + x * 16);
        const __m512 second = b ? _mm512_loadu_ps(b + x * 16) : _mm512_setzero_ps();
        const __m512i rounded = round_pair(first, second);
        _mm512_storeu_si512(dst[0] + x * 32, rounded);
        if (terms == 3)
            _mm512_storeu_si512(dst[1] + x * 32, rest_of_pair(first, second, rounded));
    }
}

/* Two pixels at a time, of `pixel` elements each. */
INLINE void
store_pixels(uint16_t *dst, __m512i two, int pixel)
{
    if (pixel == 16) {
        _mm512_storeu_si512(dst, two);
    } else if (pixel == 8) {
        const __m512i packed =
            _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 1, 4, 5, 0, 0, 0, 0), two);
        _mm256_storeu_si256((__m256i *)(void *)dst, _mm512_castsi512_si256(packed));
    } else {
        const __m512i packed =
            _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 4, 0, 0, 0, 0, 0, 0), two);
        _mm_storeu_si128((__m128i *)(void *)dst, _mm512_castsi512_si128(packed));
    }
}

INLINE void
store_pixel(uint16_t *dst, __m512i one, int pixel)
{
    if (pixel == 16)
        _mm256_storeu_si256((__m256i *)(void *)dst, _mm512_castsi512_si256(one));
    else if (pixel == 8)
        _mm_storeu_si128((__m128i *)(void *)dst, _mm512_castsi512_si128(one));
    else
        _mm_storel_epi64((__m128i *)(void *)dst, _mm512_castsi512_si128(one));
}

INLINE void
split_narrow(uint16_t *const dst[2], int pixel, const float *a, int width, int terms)
{
    int x = 0;

    for (; x + 2 <= width; x += 2) {
        const __m512 first = _mm512_loadu_ps(a + x * 16), second = _mm512_loadu_ps(a + x * 16 + 16);
        const __m512i rounded = round_pair(first, second);
        store_pixels(dst[0] + x * pixel, rounded, pixel);
        if (terms == 3)
            store_pixels(dst[1] + x * pixel, rest_of_pair(first, second, rounded), pixel);
    }
    if (x < width) {
        const __m512 last = _mm512_loadu_ps(a + x * 16), none = _mm512_setzero_ps();
        const __m512i rounded = round_pair(last, none);
        store_pixel(dst[0] + x * pixel, rounded, pixel);
        if (terms == 3)
            store_pixel(dst[1] + x * pixel, rest_of_pair(last, none, rounded), pixel);
    }
}

INLINE void
split_row(uint16_t *const dst[2], int pixel, const float *a, const float *b, int width, int terms)
{
    if (pixel == 32)
        split_wide(dst, a, b, width, terms);
    else if (pixel == 16)
        split_narrow(dst, 16, a, width, terms);
    else if (pixel == 8)
        split_narrow(dst, 8, a, width, terms);
    else
        split_narrow(dst, 4, a, width, terms);
}

void
cr_amx_split_row_1(uint16_t *const dst[2], int pixel, const float *a, const float *b, int width)
{
    split_row(dst, pixel, a, b, width, 1);
}

void
cr_amx_split_row_3(uint16_t *const dst[2], int pixel, const float *a, const float *b, int width)
{
    split_row(dst, pixel, a, b, width, 3);
}

/* --- from planes --- */

/* Pairs of two planes' elements: 16 pixels of 2 elements. */
INLINE __m512i
interleave(__m512i rounded)
{
    const __m512i order =
        _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                         21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return _mm512_permutexvar_epi16(order, rounded);
}

/* 16 pixels of 4 elements from two vectors of pairs. */
INLINE void
make_fours(__m512i four[2], const __m512i pair[2])
{
    const __m512i begin = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const __m512i end = _mm512_add_epi32(begin, _mm512_set1_epi32(8));

    four[0] = _mm512_permutex2var_epi32(pair[0], begin, pair[1]);
    four[1] = _mm512_permutex2var_epi32(pair[0], end, pair[1]);
}

INLINE void
store_fours(uint16_t *dst, const __m512i pair[2])
{
    __m512i four[2];

    make_fours(four, pair);
    _mm512_storeu_si512(dst, four[0]);
    _mm512_storeu_si512(dst + 32, four[1]);
}

/* 16 pixels of 8 from four. */
INLINE void
store_eights(uint16_t *dst, const __m512i pair[4])
{
    const __m512i begin = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
    const __m512i end = _mm512_add_epi64(begin, _mm512_set1_epi64(4));
    __m512i a[2], b[2];

    make_fours(a, pair);
    make_fours(b, pair + 2);
    for (int i = 0; i < 2; i++) {
        _mm512_storeu_si512(dst + 64 * i, _mm512_permutex2var_epi64(a[i], begin, b[i]));
        _mm512_storeu_si512(dst + 64 * i + 32, _mm512_permutex2var_epi64(a[i], end, b[i]));
    }
}

INLINE void
split_planes(uint16_t *const dst[2], int pixel, const float *const *plane, int channels, int width,
             int terms)
{
    for (int x = 0; x < width; x += 16) {
        const __mmask16 there = (__mmask16)(width - x < 16 ? (1u << (width - x)) - 1 : 0xffff);
        __m512i high[4], low[4];

        for (int i = 0; i < pixel / 2; i++) {
            const __m512 a = 2 * i < channels ? _mm512_maskz_loadu_ps(there, plane[2 * i] + x)
                                              : _mm512_setzero_ps();
            const __m512 b = 2 * i + 1 < channels
                                 ? _mm512_maskz_loadu_ps(there, plane[2 * i + 1] + x)
                                 : _mm512_setzero_ps();
            const __m512i rounded = round_pair(a, b);
            high[i] = interleave(rounded);
            if (terms == 3)
                low[i] = interleave(rest_of_pair(a, b, rounded));
        }
        for (int t = 0; t < (terms == 3 ? 2 : 1); t++) {
            if (pixel == 4)
                store_fours(dst[t] + x * 4, t ? low : high);
            else
                store_eights(dst[t] + x * 8, t ? low : high);
        }
    }
}

void
cr_amx_split_planes_1(uint16_t *const dst[2], int pixel, const float *const *plane, int channels,
                      int width)
{
    if (pixel == 4)
        split_planes(dst, 4, plane, channels, width, 1);
    else
        split_planes(dst, 8, plane, channels, width, 1);
}

void
cr_amx_split_planes_3(uint16_t *const dst[2], int pixel, const float *const *plane, int channels,
                      int width)
{
    if (pixel == 4)
        split_planes(dst, 4, plane, channels, width, 3);
    else
        split_planes(dst, 8, plane, channels, width, 3);
}
