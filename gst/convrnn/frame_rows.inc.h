/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loops that the compiler vectorises for the instruction set of the file that includes this. */
#include <math.h>

/* The common strides are constants in their own loops, so that they are vectorised as well. */
static void
copy_component(const guint8 *restrict row, int pixel, float *restrict out, int n)
{
    if (pixel == 1) {
        for (int i = 0; i < n; i++)
            out[i] = row[i];
    } else if (pixel == 3) {
        for (int i = 0; i < n; i++)
            out[i] = row[3 * i];
    } else if (pixel == 4) {
        for (int i = 0; i < n; i++)
            out[i] = row[4 * i];
    } else {
        for (int i = 0; i < n; i++)
            out[i] = row[i * pixel];
    }
}

/* From sample `begin` on. */
static inline void
copy_from(const CrSampler *sampler, const guint8 *row, float *const *out, int begin)
{
    row += begin * sampler->pixel;
    for (int k = 0; k < sampler->n_components; k++)
        copy_component(row + sampler->offset[k], sampler->pixel, out[k] + begin,
                       sampler->axis->n - begin);
}

static void
blend(const float *restrict a, const float *restrict b, float weight, float *restrict out, int n)
{
    for (int i = 0; i < n; i++)
        out[i] = a[i] + (b[i] - a[i]) * weight;
}

/* In the form of the vector instructions max and min. */
static inline float
clip(float v)
{
    v = v > 0 ? v : 0;
    return v < 255 ? v : 255;
}

static void
rgb_to_luma(const float *restrict r, const float *restrict g, const float *restrict b,
            float *restrict out, int n)
{
    for (int i = 0; i < n; i++)
        out[i] = g[i] + 0.299f * (r[i] - g[i]) + 0.114f * (b[i] - g[i]);
}

static void
expand_luma(const CrFrameColor *color, const float *restrict y, float *restrict out, int n)
{
    float offset = color->luma_offset, gain = color->luma_gain;

    for (int i = 0; i < n; i++)
        out[i] = clip((y[i] - offset) * gain);
}

static void
yuv_to_rgb(const CrFrameColor *color, const float *restrict y, const float *restrict u,
           const float *restrict v, float *restrict r, float *restrict g, float *restrict b, int n)
{
    const CrFrameColor k = *color;

    for (int i = 0; i < n; i++) {
        float l = (y[i] - k.luma_offset) * k.luma_gain, cb = u[i] - 128, cr = v[i] - 128;

        r[i] = clip(l + k.r_v * cr);
        g[i] = clip(l + k.g_u * cb + k.g_v * cr);
        b[i] = clip(l + k.b_u * cb);
    }
}

/* Where a fused multiply-add is cheap, x / divisor takes a product and a correction instead of a
 * division, which is several times slower, and gives the same number: y = 1 / divisor rounded to
 * nearest, q = x·y, and q + (x − q·divisor)·y, whose remainder is exact, is rounded as x / divisor
 * is (P. Markstein, Computation of elementary functions on the IBM RISC System/6000, 1990). That
 * holds unless something overflows or becomes denormal on the way. */
#if defined __FMA__ || defined __ARM_FEATURE_FMA
#define LARGE 0x1p40f

static inline float
divided(float x, float divisor, float reciprocal)
{
    float q = x * reciprocal;

    return __builtin_fmaf(__builtin_fmaf(-q, divisor, x), reciprocal, q);
}

static inline int
is_tame(float center, float divisor)
{
    return fabsf(center) < LARGE && fabsf(divisor) < LARGE && fabsf(divisor) > 1 / LARGE;
}
#else
static inline float
divided(float x, float divisor, float reciprocal)
{
    return x / divisor;
}
static inline int
is_tame(float center, float divisor)
{
    return 1;
}
#endif

static void
store_floats(const float *restrict row, float center, float divisor, float *restrict out,
             gsize step, int n)
{
    float reciprocal = 1 / divisor;

    if (step == 1 && is_tame(center, divisor)) {
        for (int i = 0; i < n; i++)
            out[i] = divided(row[i] - center, divisor, reciprocal);
    } else {
        for (int i = 0; i < n; i++)
            out[i * step] = (row[i] - center) / divisor;
    }
}

static void
store_bytes(const float *restrict row, float center, float divisor, guint8 *restrict out,
            gsize step, int n)
{
    for (int i = 0; i < n; i++)
        out[i * step] = (guint8)(clip((row[i] - center) / divisor) + 0.5f);
}

#define FRAME_ROWS(symbol, isa)                                                                    \
    const CrFrameRows symbol = {.name = isa,                                                       \
                                .sample = sample,                                                  \
                                .copy = copy,                                                      \
                                .blend = blend,                                                    \
                                .rgb_to_luma = rgb_to_luma,                                        \
                                .expand_luma = expand_luma,                                        \
                                .yuv_to_rgb = yuv_to_rgb,                                          \
                                .store_floats = store_floats,                                      \
                                .store_bytes = store_bytes}
