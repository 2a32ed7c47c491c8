/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/attributes.h"
#include "kernels/c/reference.h"

CR_INLINE float
lerp(float a, float b, float f)
{
    return a + f * (b - a);
}

void
cr_reference_resize_row(float *dst, const float *r0, const float *r1, float fy, const int32_t *x0,
                        const int32_t *x1, const float *fx, int width, int block)
{
    for (int x = 0; x < width; x++) {
        const ptrdiff_t left = (ptrdiff_t)x0[x] * block, right = (ptrdiff_t)x1[x] * block;
        for (int lane = 0; lane < block; lane++) {
            float upper = lerp(r0[left + lane], r0[right + lane], fx[x]);
            float lower = lerp(r1[left + lane], r1[right + lane], fx[x]);
            dst[(ptrdiff_t)x * block + lane] = lerp(upper, lower, fy);
        }
    }
}

void
cr_c_sample_plane_row(float *dst, const float *src, const int32_t *x0, const int32_t *x1,
                      const float *fx, int width)
{
    for (int x = 0; x < width; x++)
        dst[x] = lerp(src[x0[x]], src[x1[x]], fx[x]);
}

void
cr_c_blend_row(float *dst, const float *a, const float *b, float f, int n)
{
    for (int i = 0; i < n; i++)
        dst[i] = lerp(a[i], b[i], f);
}

void
cr_c_resize_row(float *dst, const float *r0, const float *r1, float fy, const int32_t *x0,
                const int32_t *x1, const float *fx, int width)
{
    cr_reference_resize_row(dst, r0, r1, fy, x0, x1, fx, width, V_LANES);
}
