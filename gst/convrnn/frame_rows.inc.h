/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loops that the compiler vectorises for the instruction set of the file that includes this. */
#include <math.h>

#define ROW_INLINE static inline __attribute__((always_inline))

/* Before a loop: the rows that it writes are none of those that it reads. */
#ifdef __clang__
#define ROWS_APART _Pragma("clang loop vectorize(assume_safety)")
#else
#define ROWS_APART _Pragma("GCC ivdep")
#endif

/* --- samples --- */

/* `high` and `pixel` are constants where this is called, so that the common ones are vectorised. */
ROW_INLINE void
copy_samples(const guint8 *restrict row, int low, int high, int pixel, float *restrict out, int n)
{
    for (int i = 0; i < n; i++)
        out[i] =
            high < 0 ? row[i * pixel + low] : row[i * pixel + low] + 256 * row[i * pixel + high];
}

static void
copy_component(const guint8 *row, int low, int high, int pixel, float *out, int n)
{
    if (high < 0 && pixel == 1)
        copy_samples(row, low, -1, 1, out, n);
    else if (high < 0 && pixel == 3)
        copy_samples(row, low, -1, 3, out, n);
    else if (high < 0 && pixel == 4)
        copy_samples(row, low, -1, 4, out, n);
    else if (pixel == 2 && low == 0 && high == 1)
        copy_samples(row, 0, 1, 2, out, n);
    else
        copy_samples(row, low, high, pixel, out, n);
}

/* From sample `begin` on. */
static inline void
copy_from(const CrSampler *sampler, const guint8 *row, float *const *out, int begin)
{
    row += (gsize)begin * (gsize)sampler->pixel;
    for (int k = 0; k < sampler->n_components; k++)
        copy_component(row, sampler->low[k], sampler->high[k], sampler->pixel, out[k] + begin,
                       sampler->axis->n - begin);
}

/* --- quotients --- */

/* Where a fused multiply-add is cheap, x / divisor takes a product and a correction instead of a
 * division, which is several times slower, and gives the same number: y = 1 / divisor rounded to
 * nearest, q = x·y, and q + (x − q·divisor)·y, whose remainder is exact, is rounded as x / divisor
 * is (P. Markstein, Computation of elementary functions on the IBM RISC System/6000, 1990). That
 * holds unless something overflows or becomes denormal on the way. */
#if defined __FMA__ || defined __ARM_FEATURE_FMA
#define LARGE 0x1p40f

ROW_INLINE float
quick_quotient(float x, float divisor, float reciprocal)
{
    float q = x * reciprocal;

    return __builtin_fmaf(__builtin_fmaf(-q, divisor, x), reciprocal, q);
}

static inline gboolean
is_tame(const CrChannelRow *row)
{
    return fabsf(row->center) < LARGE && fabsf(row->divisor) < LARGE &&
           fabsf(row->divisor) > 1 / LARGE;
}
#else
ROW_INLINE float
quick_quotient(float x, float divisor, float reciprocal)
{
    return x / divisor;
}
static inline gboolean
is_tame(const CrChannelRow *row)
{
    return TRUE;
}
#endif

ROW_INLINE float
quotient(float v, const CrChannelRow *row, gboolean quick)
{
    return quick ? quick_quotient(v - row->center, row->divisor, 1 / row->divisor)
                 : (v - row->center) / row->divisor;
}

/* --- from components to channels --- */

ROW_INLINE float
blended(const CrRowPair *pair, int i)
{
    return pair->a[i] + (pair->b[i] - pair->a[i]) * pair->weight;
}

typedef struct {
    float least, most;
} Range;

/* 0 … 255, where compilers do not see it: what they know of these numbers keeps gcc from clipping
 * with the instructions max and min. */
static inline Range
get_range(void)
{
    static const volatile float least = 0, most = 255;

    return (Range){least, most};
}

ROW_INLINE float
clip(float v, Range range)
{
    v = v > range.least ? v : range.least;
    return v < range.most ? v : range.most;
}

ROW_INLINE void
finish_plain(CrRowPair v, CrChannelRow row, int n, gboolean quick)
{
    if (v.a == v.b) {
        ROWS_APART
        for (int i = 0; i < n; i++)
            row.out[i] = quotient(v.a[i], &row, quick);
        return;
    }
    ROWS_APART
    for (int i = 0; i < n; i++)
        row.out[i] = quotient(blended(&v, i), &row, quick);
}

ROW_INLINE void
finish_expanded(CrFrameColor k, CrRowPair y, CrChannelRow row, int n, gboolean quick)
{
    const Range range = get_range();

    ROWS_APART
    for (int i = 0; i < n; i++)
        row.out[i] =
            quotient(clip((blended(&y, i) - k.luma_offset) * k.luma_gain, range), &row, quick);
}

ROW_INLINE void
finish_luma(CrRowPair r, CrRowPair g, CrRowPair b, CrChannelRow row, int n, gboolean quick)
{
    ROWS_APART
    for (int i = 0; i < n; i++) {
        float red = blended(&r, i), green = blended(&g, i), blue = blended(&b, i);

        row.out[i] =
            quotient(green + 0.299f * (red - green) + 0.114f * (blue - green), &row, quick);
    }
}

ROW_INLINE void
finish_rgb(CrFrameColor k, const CrRowPair *yuv, const CrChannelRow *rows, int n, gboolean quick)
{
    CrRowPair y = yuv[0], u = yuv[1], v = yuv[2];
    CrChannelRow r = rows[0], g = rows[1], b = rows[2];
    const Range range = get_range();

    ROWS_APART
    for (int i = 0; i < n; i++) {
        float l = (blended(&y, i) - k.luma_offset) * k.luma_gain;
        float cb = blended(&u, i) - k.chroma_offset, cr = blended(&v, i) - k.chroma_offset;

        r.out[i] = quotient(clip(l + k.r_v * cr, range), &r, quick);
        g.out[i] = quotient(clip(l + k.g_u * cb + k.g_v * cr, range), &g, quick);
        b.out[i] = quotient(clip(l + k.b_u * cb, range), &b, quick);
    }
}

ROW_INLINE void
finish_rows(const CrFrameColor *color, const CrRowPair *in, const CrChannelRow *rows,
            int n_channels, int n, gboolean quick)
{
    switch (color->conversion) {
    case CR_COLOR_EXPAND_LUMA:
        for (int c = 0; c < n_channels; c++)
            finish_expanded(*color, in[c], rows[c], n, quick);
        break;
    case CR_COLOR_YUV_TO_RGB:
        finish_rgb(*color, in, rows, n, quick);
        break;
    case CR_COLOR_RGB_TO_LUMA:
        finish_luma(in[0], in[1], in[2], rows[0], n, quick);
        break;
    default:
        for (int c = 0; c < n_channels; c++)
            finish_plain(in[c], rows[c], n, quick);
    }
}

static void
finish(const CrFrameColor *color, const CrRowPair *in, const CrChannelRow *rows, int n_channels,
       int n)
{
    gboolean quick = TRUE;

    for (int c = 0; c < n_channels; c++)
        quick = quick && is_tame(&rows[c]);
    if (quick)
        finish_rows(color, in, rows, n_channels, n, TRUE);
    else
        finish_rows(color, in, rows, n_channels, n, FALSE);
}

/* --- to where elements are not side by side --- */

#define PLACE_BLOCK 256

/* Three channels that lie pixel by pixel; everything else, one element at a time. */
#define PLACE(type)                                                                                \
    static void place_##type(const type *const *rows, int n_channels, type *const *out,            \
                             gsize step, int n)                                                    \
    {                                                                                              \
        if (n_channels == 3 && step == 3 && out[1] == out[0] + 1 && out[2] == out[0] + 2) {        \
            const type *restrict a = rows[0], *restrict b = rows[1], *restrict c = rows[2];        \
            type *restrict to = out[0];                                                            \
                                                                                                   \
            ROWS_APART                                                                             \
            for (int i = 0; i < n; i++) {                                                          \
                to[3 * i] = a[i];                                                                  \
                to[3 * i + 1] = b[i];                                                              \
                to[3 * i + 2] = c[i];                                                              \
            }                                                                                      \
            return;                                                                                \
        }                                                                                          \
        for (int c = 0; c < n_channels; c++)                                                       \
            for (int i = 0; i < n; i++)                                                            \
                out[c][i * step] = rows[c][i];                                                     \
    }

PLACE(float)
PLACE(guint8)

static void
to_bytes(const float *restrict row, guint8 *restrict bytes, int n)
{
    const Range range = get_range();

    for (int i = 0; i < n; i++)
        bytes[i] = (guint8)(int)(clip(row[i], range) + 0.5f);
}

static void
place_floats(const float *const *rows, int n_channels, float *const *out, gsize step, int n)
{
    place_float(rows, n_channels, out, step, n);
}

static void
place_bytes(const float *const *rows, int n_channels, guint8 *const *out, gsize step, int n)
{
    guint8 bytes[3][PLACE_BLOCK], *to[3];
    const guint8 *from[3] = {bytes[0], bytes[1], bytes[2]};

    for (int c = 0; step == 1 && c < n_channels; c++)
        to_bytes(rows[c], out[c], n);
    for (int i = 0; step != 1 && i < n; i += PLACE_BLOCK) {
        int m = MIN(n - i, PLACE_BLOCK);

        for (int c = 0; c < n_channels; c++) {
            to_bytes(rows[c] + i, bytes[c], m);
            to[c] = out[c] + (gsize)i * step;
        }
        place_guint8(from, n_channels, to, step, m);
    }
}

#define FRAME_ROWS(symbol, isa)                                                                    \
    const CrFrameRows symbol = {.name = isa,                                                       \
                                .sample = sample,                                                  \
                                .copy = copy,                                                      \
                                .finish = finish,                                                  \
                                .place_floats = place_floats,                                      \
                                .place_bytes = place_bytes}
