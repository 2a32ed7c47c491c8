/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Element-wise arithmetic of two runs of floats; the last V_LANES - 1 elements by masks.
 * Results are those of C's operators, bit by bit. */

CR_INLINE Vec
binary_add(Vec a, Vec b)
{
    return v_add(a, b);
}

CR_INLINE Vec
binary_sub(Vec a, Vec b)
{
    return v_sub(a, b);
}

CR_INLINE Vec
binary_mul(Vec a, Vec b)
{
    return v_mul(a, b);
}

CR_INLINE Vec
binary_div(Vec a, Vec b)
{
    return v_div(a, b);
}

/* NaN when one is NaN, as numpy.maximum() */
CR_INLINE Vec
binary_max(Vec a, Vec b)
{
    return v_select(v_is_nan(a), a, v_max(a, b));
}

CR_INLINE Vec
binary_min(Vec a, Vec b)
{
    return v_select(v_is_nan(a), a, v_min(a, b));
}

#define BINARY(op)                                                                                 \
    void V_ISA(op)(float *dst, const float *a, const float *b, size_t n)                           \
    {                                                                                              \
        size_t i = 0;                                                                              \
        for (; n - i >= V_LANES; i += V_LANES)                                                     \
            v_store(dst + i, binary_##op(v_load(a + i), v_load(b + i)));                           \
        const int left = (int)(n - i);                                                             \
        if (left > 0)                                                                              \
            v_store_n(dst + i, binary_##op(v_load_n(a + i, left), v_load_n(b + i, left)), left);   \
    }

BINARY(add)
BINARY(sub)
BINARY(mul)
BINARY(div)
BINARY(max)
BINARY(min)

void
V_ISA(mul_add)(float *dst, const float *x, const float *y, const float *z, size_t n)
{
    size_t i = 0;

    for (; n - i >= V_LANES; i += V_LANES)
        v_store(dst + i, v_add(v_mul(v_load(x + i), v_load(y + i)), v_load(z + i)));
    const int left = (int)(n - i);
    if (left > 0)
        v_store_n(dst + i,
                  v_add(v_mul(v_load_n(x + i, left), v_load_n(y + i, left)), v_load_n(z + i, left)),
                  left);
}
