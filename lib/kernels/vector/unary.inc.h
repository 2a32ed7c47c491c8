/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Element-wise functions of one run of floats; the last V_LANES - 1 elements by masks.
 *
 * exp, sigmoid and tanh stay within 3 ULP of the exact value (measured; results below the smallest
 * normal number aside), saturate at exactly 0, ±1 and Inf, and give NaN for NaN. The others are
 * those of C's operators, bit by bit. */

/* e^r - 1 = r + r²·q(r) for |r| ≤ ½ ln 2, by a minimax q: relative error 1.4e-8. */
CR_INLINE Vec
expm1_reduced(Vec r)
{
    Vec q = v_set1(1.388250734e-03f);
    q = v_fma(q, r, v_set1(8.366580121e-03f));
    q = v_fma(q, r, v_set1(4.166720062e-02f));
    q = v_fma(q, r, v_set1(1.666654348e-01f));
    q = v_fma(q, r, v_set1(4.999999702e-01f));
    return v_fma(v_mul(r, r), q, r);
}

/* x = n·ln 2 + r for |x| ≤ 104; ln 2 in two parts, the first short enough for an exact product. */
CR_INLINE Vec
reduce_by_ln2(Vec x, Vec *n)
{
    const Vec grid = v_set1(0x3p22f); /* what is added to it becomes an integer */
    *n = v_sub(v_fma(x, v_set1(1.442695041f), grid), grid);
    Vec r = v_fma(*n, v_set1(-0.693359375f), x);
    return v_fma(*n, v_set1(2.121944417e-04f), r);
}

/* e^x for x between these; beyond them it is 0 and Inf */
#define EXP_MIN (-104.0f)
#define EXP_MAX 89.0f

CR_INLINE Vec
exp_between(Vec x)
{
    Vec n, r = reduce_by_ln2(x, &n);
    return v_scale(v_add(v_set1(1.0f), expm1_reduced(r)), n);
}

/* a NaN passes the limits because it is the second operand */
CR_INLINE Vec
unary_exp(Vec x, float a, float b)
{
    return exp_between(v_min(v_set1(EXP_MAX), v_max(v_set1(EXP_MIN), x)));
}

/* With z = e^-|x| ≤ 1: 1 / (1 + z), or z / (1 + z) for negative x. */
CR_INLINE Vec
unary_sigmoid(Vec x, float a, float b)
{
    const Vec one = v_set1(1.0f);
    const Vec minus_x = v_with_sign_of(v_abs(x), v_set1(-0.0f));
    const Vec z = exp_between(v_max(v_set1(EXP_MIN), minus_x));
    return v_div(v_select(v_less(x, v_zero()), z, one), v_add(one, z));
}

/* With t = e^2|x| - 1, which keeps its relative accuracy near 0: t / (t + 2). */
CR_INLINE Vec
unary_tanh(Vec x, float a, float b)
{
    Vec twice = v_abs(x), n, r, power, t;

    twice = v_min(v_set1(20.0f), v_add(twice, twice)); /* 1 to the last bit from 9.02 on */
    r = reduce_by_ln2(twice, &n);
    power = v_scale(v_set1(1.0f), n);
    t = v_fma(power, expm1_reduced(r), v_sub(power, v_set1(1.0f)));
    return v_with_sign_of(v_div(t, v_add(t, v_set1(2.0f))), x);
}

CR_INLINE Vec
unary_clip(Vec x, float a, float b)
{
    return v_min(v_set1(b), v_max(v_set1(a), x));
}

CR_INLINE Vec
unary_leaky_relu(Vec x, float a, float b)
{
    return v_select(v_less(x, v_zero()), v_mul(v_set1(a), x), x);
}

CR_INLINE Vec
unary_affine(Vec x, float a, float b)
{
    return v_add(v_mul(v_set1(a), x), v_set1(b));
}

CR_INLINE Vec
unary_hard_sigmoid(Vec x, float a, float b)
{
    return unary_clip(unary_affine(x, a, b), 0.0f, 1.0f);
}

CR_INLINE Vec
unary_hard_swish(Vec x, float a, float b)
{
    return v_mul(x, unary_hard_sigmoid(x, a, b));
}

CR_INLINE Vec
unary_sqrt(Vec x, float a, float b)
{
    return v_sqrt(x);
}

CR_INLINE Vec
unary_abs(Vec x, float a, float b)
{
    return v_abs(x);
}

/* what follows a function: nothing, or · y, or · y + z */
CR_INLINE Vec
unary_then(Vec f, const float *y, const float *z)
{
    if (y)
        f = v_mul(f, v_load(y));
    return z ? v_add(f, v_load(z)) : f;
}

CR_INLINE Vec
unary_then_n(Vec f, const float *y, const float *z, int n)
{
    if (y)
        f = v_mul(f, v_load_n(y, n));
    return z ? v_add(f, v_load_n(z, n)) : f;
}

#define UNARY_LOOP(op, y, z)                                                                       \
    size_t i = 0;                                                                                  \
    for (; n - i >= V_LANES; i += V_LANES)                                                         \
        v_store(dst + i, unary_then(unary_##op(v_load(x + i), a, b), y, z));                       \
    const int left = (int)(n - i);                                                                 \
    if (left > 0)                                                                                  \
        v_store_n(dst + i, unary_then_n(unary_##op(v_load_n(x + i, left), a, b), y, z, left), left);

#define UNARY(op)                                                                                  \
    void V_ISA(op)(float *dst, const float *x, size_t n, float a, float b)                         \
    {                                                                                              \
        UNARY_LOOP(op, NULL, NULL)                                                                 \
    }                                                                                              \
    void V_ISA(op##_mul)(float *dst, const float *x, const float *y, const float *z, size_t n,     \
                         float a, float b)                                                         \
    {                                                                                              \
        if (z) {                                                                                   \
            UNARY_LOOP(op, y + i, z + i)                                                           \
        } else {                                                                                   \
            UNARY_LOOP(op, y + i, NULL)                                                            \
        }                                                                                          \
    }

UNARY(clip)
UNARY(leaky_relu)
UNARY(sigmoid)
UNARY(tanh)
UNARY(hard_sigmoid)
UNARY(hard_swish)
UNARY(affine)
UNARY(exp)
UNARY(sqrt)
UNARY(abs)
