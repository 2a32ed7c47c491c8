/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sixteen lanes of AVX-512 for the templates in kernels/vector. */
#pragma once

#include "core/attributes.h"
#include "kernels/kernels.h"
#include <immintrin.h>

#define V_ISA(name)  cr_avx512_##name
#define V_NAME       "avx512"
#define V_LEVEL      CR_CPU_AVX512
#define V_LANES      16
#define V_PIXELS_2   14 /* of a convolution tile: 28 accumulators, 2 weights, 1 input */
#define V_PIXELS_1   28 /* each FMA loads its own input, so more of them per weight */
#define V_SIZES_2(X) V_UP_TO_14(X)
#define V_SIZES_1(X) V_UP_TO_28(X)

typedef __m512 Vec;
typedef __mmask16 VecMask;

CR_INLINE Vec
v_set1(float a)
{
    return _mm512_set1_ps(a);
}

CR_INLINE Vec
v_zero(void)
{
    return _mm512_setzero_ps();
}

CR_INLINE Vec
v_load(const float *p)
{
    return _mm512_loadu_ps(p);
}

CR_INLINE void
v_store(float *p, Vec a)
{
    _mm512_storeu_ps(p, a);
}

/* The first n < V_LANES lanes; the others read as 0 and are not written. */
CR_INLINE Vec
v_load_n(const float *p, int n)
{
    return _mm512_maskz_loadu_ps((VecMask)((1u << n) - 1), p);
}

CR_INLINE void
v_store_n(float *p, Vec a, int n)
{
    _mm512_mask_storeu_ps(p, (VecMask)((1u << n) - 1), a);
}

/* p[index[lane]] */
CR_INLINE Vec
v_gather(const float *p, const int32_t *index)
{
    return _mm512_i32gather_ps(_mm512_loadu_si512(index), p, 4);
}

/* p[2·lane]; reads no further than that */
CR_INLINE Vec
v_load_even(const float *p)
{
    const __m512i from =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 17, 19, 21, 23, 25, 27, 29, 31);
    return _mm512_permutex2var_ps(v_load(p), from, v_load(p + V_LANES - 1));
}

CR_INLINE Vec
v_add(Vec a, Vec b)
{
    return _mm512_add_ps(a, b);
}

CR_INLINE Vec
v_sub(Vec a, Vec b)
{
    return _mm512_sub_ps(a, b);
}

CR_INLINE Vec
v_mul(Vec a, Vec b)
{
    return _mm512_mul_ps(a, b);
}

CR_INLINE Vec
v_div(Vec a, Vec b)
{
    return _mm512_div_ps(a, b);
}

/* a · b + c, rounded once */
CR_INLINE Vec
v_fma(Vec a, Vec b, Vec c)
{
    return _mm512_fmadd_ps(a, b, c);
}

/* a > b ? a : b, so b when one is NaN */
CR_INLINE Vec
v_max(Vec a, Vec b)
{
    return _mm512_max_ps(a, b);
}

/* a < b ? a : b, so b when one is NaN */
CR_INLINE Vec
v_min(Vec a, Vec b)
{
    return _mm512_min_ps(a, b);
}

CR_INLINE VecMask
v_less(Vec a, Vec b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ);
}

CR_INLINE VecMask
v_is_nan(Vec a)
{
    return _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q);
}

CR_INLINE int
v_any(VecMask m)
{
    return m != 0;
}

/* m ? a : b */
CR_INLINE Vec
v_select(VecMask m, Vec a, Vec b)
{
    return _mm512_mask_mov_ps(b, m, a);
}

CR_INLINE Vec
v_sqrt(Vec a)
{
    return _mm512_sqrt_ps(a);
}

CR_INLINE Vec
v_abs(Vec a)
{
    return _mm512_abs_ps(a);
}

/* |a| must be a's own: its sign bit is clear */
CR_INLINE Vec
v_with_sign_of(Vec a, Vec sign)
{
    return _mm512_or_ps(a, _mm512_and_ps(sign, _mm512_set1_ps(-0.0f)));
}

/* a · 2^n for integers |n| ≤ 200 */
CR_INLINE Vec
v_scale(Vec a, Vec n)
{
    return _mm512_scalef_ps(a, n);
}

/* 16 rows of 16 floats, in four rounds of exchanges between rows 1, 2, 4 and 8 apart. */
CR_INLINE void
v_transpose(Vec r[V_LANES])
{
    Vec t[V_LANES];

    CR_UNROLL
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
    }
    CR_UNROLL
    for (int i = 0; i < 16; i += 4) {
        CR_UNROLL
        for (int j = 0; j < 2; j++) {
            __m512d a = _mm512_castps_pd(t[i + j]), b = _mm512_castps_pd(t[i + j + 2]);
            r[i + 2 * j] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
            r[i + 2 * j + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
        }
    }
    CR_UNROLL
    for (int i = 0; i < 16; i += 8) {
        CR_UNROLL
        for (int j = 0; j < 4; j++) {
            t[i + j] = _mm512_shuffle_f32x4(r[i + j], r[i + j + 4], 0x88);
            t[i + j + 4] = _mm512_shuffle_f32x4(r[i + j], r[i + j + 4], 0xdd);
        }
    }
    CR_UNROLL
    for (int j = 0; j < 8; j++) {
        r[j] = _mm512_shuffle_f32x4(t[j], t[j + 8], 0x88);
        r[j + 8] = _mm512_shuffle_f32x4(t[j], t[j + 8], 0xdd);
    }
}

/* --- whole numbers --- */

typedef __m512i VecInt;

CR_INLINE VecInt
v_int_zero(void)
{
    return _mm512_setzero_si512();
}

/* p[0], p[1] in every lane */
CR_INLINE VecInt
v_set1_pair(const int16_t *p)
{
    return _mm512_set1_epi32((int)((uint32_t)(uint16_t)p[1] << 16 | (uint16_t)p[0]));
}

/* acc + w[2·lane] · pair[0] + w[2·lane + 1] · pair[1] */
CR_INLINE VecInt
v_add_products(VecInt acc, const int8_t *w, VecInt pair)
{
    const __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)w);
    return _mm512_add_epi32(acc, _mm512_madd_epi16(_mm512_cvtepi8_epi16(bytes), pair));
}

CR_INLINE Vec
v_from_int(VecInt a)
{
    return _mm512_cvtepi32_ps(a);
}

/* To the nearest, halves to even; |a| < 2^15 */
CR_INLINE void
v_store_int16(int16_t *p, Vec a)
{
    _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(a)));
}

#include "kernels/functions.inc.h"
