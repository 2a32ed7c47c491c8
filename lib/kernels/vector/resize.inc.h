/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bilinear interpolation of one row of one channel block: lerp(a, b, f) = a + f·(b - a), each
 * operation rounded, so that all instruction sets give the same bits. */

CR_INLINE Vec
lerp(Vec a, Vec b, Vec f)
{
    return v_add(a, v_mul(f, v_sub(b, a)));
}

void
V_ISA(resize_row)(float *dst, const float *r0, const float *r1, float fy, const int32_t *x0,
                  const int32_t *x1, const float *fx, int width)
{
    const Vec down = v_set1(fy);

    for (int x = 0; x < width; x++) {
        const ptrdiff_t left = (ptrdiff_t)x0[x] * V_LANES, right = (ptrdiff_t)x1[x] * V_LANES;
        const Vec across = v_set1(fx[x]);
        Vec upper = lerp(v_load(r0 + left), v_load(r0 + right), across);
        Vec lower = lerp(v_load(r1 + left), v_load(r1 + right), across);
        v_store(dst + (ptrdiff_t)x * V_LANES, lerp(upper, lower, down));
    }
}
