/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Eight lanes in two NEON registers for the templates in kernels/vector. */
#pragma once

#include "core/attributes.h"
#include "kernels/kernels.h"
#include <arm_neon.h>
#include <string.h>

#define V_ISA(name)  cr_neon_##name
#define V_NAME       "neon"
#define V_LEVEL      CR_CPU_NEON
#define V_LANES      8
#define V_PIXELS_2   5  /* of a convolution tile: 20 accumulators, 4 weights, 5 inputs */
#define V_PIXELS_1   10 /* 20 accumulators, 2 weights, 10 inputs */
#define V_SIZES_2(X) V_UP_TO_5(X)
#define V_SIZES_1(X) V_UP_TO_10(X)

typedef struct {
    float32x4_t lo, hi;
} Vec;

typedef struct {
    uint32x4_t lo, hi;
} VecMask; /* all bits of a lane alike */

#define V_EACH(lo, hi)                                                                             \
    (Vec)                                                                                          \
    {                                                                                              \
        lo, hi                                                                                     \
    }

CR_INLINE Vec
v_set1(float a)
{
    return V_EACH(vdupq_n_f32(a), vdupq_n_f32(a));
}

CR_INLINE Vec
v_zero(void)
{
    return v_set1(0.0f);
}

CR_INLINE Vec
v_load(const float *p)
{
    return V_EACH(vld1q_f32(p), vld1q_f32(p + 4));
}

CR_INLINE void
v_store(float *p, Vec a)
{
    vst1q_f32(p, a.lo);
    vst1q_f32(p + 4, a.hi);
}

/* The first n < V_LANES lanes; the others read as 0 and are not written. */
CR_INLINE Vec
v_load_n(const float *p, int n)
{
    float lanes[V_LANES] = {0};
    memcpy(lanes, p, (size_t)n * sizeof *p);
    return v_load(lanes);
}

CR_INLINE void
v_store_n(float *p, Vec a, int n)
{
    float lanes[V_LANES];
    v_store(lanes, a);
    memcpy(p, lanes, (size_t)n * sizeof *p);
}

/* p[index[lane]] */
CR_INLINE Vec
v_gather(const float *p, const int32_t *index)
{
    float lane[V_LANES];

    for (int i = 0; i < V_LANES; i++)
        lane[i] = p[index[i]];
    return v_load(lane);
}

/* p[2·lane]; reads no further than that */
CR_INLINE Vec
v_load_even(const float *p)
{
    const Vec first = v_load(p), last = v_load(p + V_LANES - 1);
    return V_EACH(vuzp1q_f32(first.lo, first.hi), vuzp2q_f32(last.lo, last.hi));
}

CR_INLINE Vec
v_add(Vec a, Vec b)
{
    return V_EACH(vaddq_f32(a.lo, b.lo), vaddq_f32(a.hi, b.hi));
}

CR_INLINE Vec
v_sub(Vec a, Vec b)
{
    return V_EACH(vsubq_f32(a.lo, b.lo), vsubq_f32(a.hi, b.hi));
}

CR_INLINE Vec
v_mul(Vec a, Vec b)
{
    return V_EACH(vmulq_f32(a.lo, b.lo), vmulq_f32(a.hi, b.hi));
}

CR_INLINE Vec
v_div(Vec a, Vec b)
{
    return V_EACH(vdivq_f32(a.lo, b.lo), vdivq_f32(a.hi, b.hi));
}

/* a · b + c, rounded once */
CR_INLINE Vec
v_fma(Vec a, Vec b, Vec c)
{
    return V_EACH(vfmaq_f32(c.lo, a.lo, b.lo), vfmaq_f32(c.hi, a.hi, b.hi));
}

CR_INLINE VecMask
v_less(Vec a, Vec b)
{
    return (VecMask){vcltq_f32(a.lo, b.lo), vcltq_f32(a.hi, b.hi)};
}

CR_INLINE VecMask
v_is_nan(Vec a)
{
    return (VecMask){vmvnq_u32(vceqq_f32(a.lo, a.lo)), vmvnq_u32(vceqq_f32(a.hi, a.hi))};
}

CR_INLINE int
v_any(VecMask m)
{
    return vmaxvq_u32(vorrq_u32(m.lo, m.hi)) != 0;
}

/* m ? a : b */
CR_INLINE Vec
v_select(VecMask m, Vec a, Vec b)
{
    return V_EACH(vbslq_f32(m.lo, a.lo, b.lo), vbslq_f32(m.hi, a.hi, b.hi));
}

/* a > b ? a : b, so b when one is NaN: vmaxq_f32 would give NaN */
CR_INLINE Vec
v_max(Vec a, Vec b)
{
    return v_select(v_less(b, a), a, b);
}

/* a < b ? a : b, so b when one is NaN */
CR_INLINE Vec
v_min(Vec a, Vec b)
{
    return v_select(v_less(a, b), a, b);
}

CR_INLINE Vec
v_sqrt(Vec a)
{
    return V_EACH(vsqrtq_f32(a.lo), vsqrtq_f32(a.hi));
}

CR_INLINE Vec
v_abs(Vec a)
{
    return V_EACH(vabsq_f32(a.lo), vabsq_f32(a.hi));
}

CR_INLINE Vec
v_with_sign_of(Vec a, Vec sign)
{
    const uint32x4_t bit = vdupq_n_u32(0x80000000u);
    return V_EACH(vbslq_f32(bit, sign.lo, a.lo), vbslq_f32(bit, sign.hi, a.hi));
}

CR_INLINE float32x4_t
v_scale_4(float32x4_t a, float32x4_t n)
{
    int32x4_t whole = vcvtq_s32_f32(n), half = vshrq_n_s32(whole, 1), bias = vdupq_n_s32(127);
    int32x4_t first = vshlq_n_s32(vaddq_s32(half, bias), 23);
    int32x4_t second = vshlq_n_s32(vaddq_s32(vsubq_s32(whole, half), bias), 23);
    return vmulq_f32(vmulq_f32(a, vreinterpretq_f32_s32(first)), vreinterpretq_f32_s32(second));
}

/* a · 2^n for integers |n| ≤ 200, in two factors because 2^n alone may not fit */
CR_INLINE Vec
v_scale(Vec a, Vec n)
{
    return V_EACH(v_scale_4(a.lo, n.lo), v_scale_4(a.hi, n.hi));
}

CR_INLINE void
v_transpose_4(float32x4_t *a, float32x4_t *b, float32x4_t *c, float32x4_t *d)
{
    float64x2_t ab_even = vreinterpretq_f64_f32(vtrn1q_f32(*a, *b));
    float64x2_t ab_odd = vreinterpretq_f64_f32(vtrn2q_f32(*a, *b));
    float64x2_t cd_even = vreinterpretq_f64_f32(vtrn1q_f32(*c, *d));
    float64x2_t cd_odd = vreinterpretq_f64_f32(vtrn2q_f32(*c, *d));
    *a = vreinterpretq_f32_f64(vtrn1q_f64(ab_even, cd_even));
    *b = vreinterpretq_f32_f64(vtrn1q_f64(ab_odd, cd_odd));
    *c = vreinterpretq_f32_f64(vtrn2q_f64(ab_even, cd_even));
    *d = vreinterpretq_f32_f64(vtrn2q_f64(ab_odd, cd_odd));
}

/* 8 rows of 8 floats, as four squares of 4 × 4. */
CR_INLINE void
v_transpose(Vec r[V_LANES])
{
    v_transpose_4(&r[0].lo, &r[1].lo, &r[2].lo, &r[3].lo);
    v_transpose_4(&r[0].hi, &r[1].hi, &r[2].hi, &r[3].hi);
    v_transpose_4(&r[4].lo, &r[5].lo, &r[6].lo, &r[7].lo);
    v_transpose_4(&r[4].hi, &r[5].hi, &r[6].hi, &r[7].hi);
    CR_UNROLL
    for (int j = 0; j < 4; j++) {
        float32x4_t upper_right = r[j].hi;
        r[j].hi = r[j + 4].lo;
        r[j + 4].lo = upper_right;
    }
}

/* --- whole numbers --- */

typedef struct {
    int32x4_t lo, hi;
} VecInt;

CR_INLINE VecInt
v_int_zero(void)
{
    return (VecInt){vdupq_n_s32(0), vdupq_n_s32(0)};
}

/* p[0], p[1] in every lane */
CR_INLINE VecInt
v_set1_pair(const int16_t *p)
{
    const int32x4_t pair = vdupq_n_s32((int32_t)((uint32_t)(uint16_t)p[1] << 16 | (uint16_t)p[0]));
    return (VecInt){pair, pair};
}

/* Four lanes of v_add_products(). */
CR_INLINE int32x4_t
v_products_4(int8x8_t w, int32x4_t pair)
{
    const int16x8_t wide = vmovl_s8(w), in = vreinterpretq_s16_s32(pair);
    return vpaddq_s32(vmull_s16(vget_low_s16(wide), vget_low_s16(in)), vmull_high_s16(wide, in));
}

/* acc + w[2·lane] · pair[0] + w[2·lane + 1] · pair[1] */
CR_INLINE VecInt
v_add_products(VecInt acc, const int8_t *w, VecInt pair)
{
    return (VecInt){vaddq_s32(acc.lo, v_products_4(vld1_s8(w), pair.lo)),
                    vaddq_s32(acc.hi, v_products_4(vld1_s8(w + 8), pair.hi))};
}

CR_INLINE Vec
v_from_int(VecInt a)
{
    return V_EACH(vcvtq_f32_s32(a.lo), vcvtq_f32_s32(a.hi));
}

/* To the nearest, halves to even; |a| < 2^15 */
CR_INLINE void
v_store_int16(int16_t *p, Vec a)
{
    vst1_s16(p, vmovn_s32(vcvtnq_s32_f32(a.lo)));
    vst1_s16(p + 4, vmovn_s32(vcvtnq_s32_f32(a.hi)));
}

#include "kernels/functions.inc.h"
