/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Eight lanes of AVX2 with FMA for the templates in kernels/vector. */
#pragma once

#include "core/attributes.h"
#include "kernels/kernels.h"
#include <immintrin.h>

#define V_ISA(name)  cr_avx2_##name
#define V_NAME       "avx2"
#define V_LEVEL      CR_CPU_AVX2
#define V_LANES      8
#define V_PIXELS_2   6  /* of a convolution tile: 12 accumulators, 2 weights, 1 input */
#define V_PIXELS_1   12 /* 12 accumulators, 1 weight, 1 input */
#define V_SIZES_2(X) V_UP_TO_6(X)
#define V_SIZES_1(X) V_UP_TO_12(X)

typedef __m256 Vec;
typedef __m256 VecMask; /* all bits of a lane alike */

CR_INLINE Vec
v_set1(float a)
{
    return _mm256_set1_ps(a);
}

CR_INLINE Vec
v_zero(void)
{
    return _mm256_setzero_ps();
}

CR_INLINE Vec
v_load(const float *p)
{
    return _mm256_loadu_ps(p);
}

CR_INLINE void
v_store(float *p, Vec a)
{
    _mm256_storeu_ps(p, a);
}

CR_INLINE __m256i
v_first(int n)
{
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), lane);
}

/* The first n < V_LANES lanes; the others read as 0 and are not written. */
CR_INLINE Vec
v_load_n(const float *p, int n)
{
    return _mm256_maskload_ps(p, v_first(n));
}

CR_INLINE void
v_store_n(float *p, Vec a, int n)
{
    _mm256_maskstore_ps(p, v_first(n), a);
}

/* p[index[lane]] */
CR_INLINE Vec
v_gather(const float *p, const int32_t *index)
{
    return _mm256_i32gather_ps(p, _mm256_loadu_si256((const __m256i *)(const void *)index), 4);
}

/* p[2·lane]; reads no further than that */
CR_INLINE Vec
v_load_even(const float *p)
{
    const __m256 halves =
        _mm256_shuffle_ps(v_load(p), v_load(p + V_LANES - 1), _MM_SHUFFLE(3, 1, 2, 0));
    return _mm256_castpd_ps(
        _mm256_permute4x64_pd(_mm256_castps_pd(halves), _MM_SHUFFLE(3, 1, 2, 0)));
}

CR_INLINE Vec
v_add(Vec a, Vec b)
{
    return _mm256_add_ps(a, b);
}

CR_INLINE Vec
v_sub(Vec a, Vec b)
{
    return _mm256_sub_ps(a, b);
}

CR_INLINE Vec
v_mul(Vec a, Vec b)
{
    return _mm256_mul_ps(a, b);
}

CR_INLINE Vec
v_div(Vec a, Vec b)
{
    return _mm256_div_ps(a, b);
}

/* a · b + c, rounded once */
CR_INLINE Vec
v_fma(Vec a, Vec b, Vec c)
{
    return _mm256_fmadd_ps(a, b, c);
}

/* a > b ? a : b, so b when one is NaN */
CR_INLINE Vec
v_max(Vec a, Vec b)
{
    return _mm256_max_ps(a, b);
}

/* a < b ? a : b, so b when one is NaN */
CR_INLINE Vec
v_min(Vec a, Vec b)
{
    return _mm256_min_ps(a, b);
}

CR_INLINE VecMask
v_less(Vec a, Vec b)
{
    return _mm256_cmp_ps(a, b, _CMP_LT_OQ);
}

CR_INLINE VecMask
v_is_nan(Vec a)
{
    return _mm256_cmp_ps(a, a, _CMP_UNORD_Q);
}

CR_INLINE int
v_any(VecMask m)
{
    return _mm256_movemask_ps(m) != 0;
}

/* m ? a : b */
CR_INLINE Vec
v_select(VecMask m, Vec a, Vec b)
{
    return _mm256_blendv_ps(b, a, m);
}

CR_INLINE Vec
v_sqrt(Vec a)
{
    return _mm256_sqrt_ps(a);
}

CR_INLINE Vec
v_abs(Vec a)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a);
}

/* a's sign bit must be clear */
CR_INLINE Vec
v_with_sign_of(Vec a, Vec sign)
{
    return _mm256_or_ps(a, _mm256_and_ps(sign, _mm256_set1_ps(-0.0f)));
}

CR_INLINE Vec
v_power_of_2(__m256i n)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
}

/* a · 2^n for integers |n| ≤ 200, in two factors because 2^n alone may not fit */
CR_INLINE Vec
v_scale(Vec a, Vec n)
{
    __m256i whole = _mm256_cvtps_epi32(n);
    __m256i half = _mm256_srai_epi32(whole, 1);
    return v_mul(v_mul(a, v_power_of_2(half)), v_power_of_2(_mm256_sub_epi32(whole, half)));
}

/* 8 rows of 8 floats, in three rounds of exchanges between rows 1, 2 and 4 apart. */
CR_INLINE void
v_transpose(Vec r[V_LANES])
{
    Vec t[V_LANES];

    CR_UNROLL
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    CR_UNROLL
    for (int i = 0; i < 8; i += 4) {
        CR_UNROLL
        for (int j = 0; j < 2; j++) {
            r[i + 2 * j] = _mm256_shuffle_ps(t[i + j], t[i + j + 2], 0x44);
            r[i + 2 * j + 1] = _mm256_shuffle_ps(t[i + j], t[i + j + 2], 0xee);
        }
    }
    CR_UNROLL
    for (int j = 0; j < 4; j++) {
        Vec low = _mm256_permute2f128_ps(r[j], r[j + 4], 0x20);
        r[j + 4] = _mm256_permute2f128_ps(r[j], r[j + 4], 0x31);
        r[j] = low;
    }
}

/* --- whole numbers --- */

typedef __m256i VecInt;

CR_INLINE VecInt
v_int_zero(void)
{
    return _mm256_setzero_si256();
}

/* p[0], p[1] in every lane */
CR_INLINE VecInt
v_set1_pair(const int16_t *p)
{
    return _mm256_set1_epi32((int)((uint32_t)(uint16_t)p[1] << 16 | (uint16_t)p[0]));
}

/* acc + w[2·lane] · pair[0] + w[2·lane + 1] · pair[1] */
CR_INLINE VecInt
v_add_products(VecInt acc, const int8_t *w, VecInt pair)
{
    const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)w);
    return _mm256_add_epi32(acc, _mm256_madd_epi16(_mm256_cvtepi8_epi16(bytes), pair));
}

CR_INLINE Vec
v_from_int(VecInt a)
{
    return _mm256_cvtepi32_ps(a);
}

/* To the nearest, halves to even; |a| < 2^15 */
CR_INLINE void
v_store_int16(int16_t *p, Vec a)
{
    const __m256i whole = _mm256_cvtps_epi32(a);
    const __m128i half =
        _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
    _mm_storeu_si128((__m128i *)(void *)p, half);
}

#include "kernels/functions.inc.h"
