/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bilinear interpolation of one row of one channel block or plane: lerp(a, b, f) = a + f·(b - a),
 * each operation rounded, so that all instruction sets give the same bits. */

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

void
V_ISA(sample_plane_row)(float *dst, const float *src, const int32_t *x0, const int32_t *x1,
                        const float *fx, int width)
{
    if (width < V_LANES) {
        for (int x = 0; x < width; x++)
            v_store_n(dst + x, lerp(v_set1(src[x0[x]]), v_set1(src[x1[x]]), v_set1(fx[x])), 1);
        return;
    }
    for (int next = 0; next < width; next += V_LANES) {
        const int x = next <= width - V_LANES ? next : width - V_LANES;
        v_store(dst + x, lerp(v_gather(src, x0 + x), v_gather(src, x1 + x), v_load(fx + x)));
    }
}

void
V_ISA(blend_row)(float *dst, const float *a, const float *b, float f, int n)
{
    const Vec down = v_set1(f);
    int i = 0;

    for (; n - i >= V_LANES; i += V_LANES)
        v_store(dst + i, lerp(v_load(a + i), v_load(b + i), down));
    if (i < n)
        v_store_n(dst + i, lerp(v_load_n(a + i, n - i), v_load_n(b + i, n - i), down), n - i);
}
