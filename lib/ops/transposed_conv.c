/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/transposed_conv.h"
#include "core/size.h"
#include <string.h>

#define MAX_STRIDE 32
#define MAX_EXTENT (1 << 16) /* of a dilated kernel */

/* One phase. */
typedef struct {
    CrConvRows rows; /* its convolution */
    int first[2];    /* its first output row and column; the next are a stride further */
    bool has_taps;   /* else its outputs are the bias */
} Phase;

struct CrTransposed {
    int stride[2];
    int block;
    int width; /* of the widest phase */
    bool bf16;
    int n_phases;
    Phase *phase;
};

/* --- geometry --- */

/* The outputs first, first + stride … of one axis: taps tap, tap + step … of the mirrored kernel
 * read the inputs −pad, dilation − pad … for the first of them, and the next ones for the next. */
typedef struct {
    int outputs, taps;
    int tap, step, dilation;
    int pad;
} Axis;

static int64_t
common_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static Axis
axis_of(const CrWindow *w, int axis, int first)
{
    int64_t stride = w->stride[axis], dilation = w->dilation[axis], kernel = w->kernel[axis];
    int64_t common = common_divisor(dilation, stride);
    Axis a = {.outputs = first < w->out[axis] ? (int)((w->out[axis] - 1 - first) / stride) + 1 : 0,
              .step = (int)(stride / common),
              .dilation = (int)(dilation / common)};

    for (; a.tap < kernel && a.tap < a.step; a.tap++) {
        int64_t from = first + w->pad_begin[axis] - (kernel - 1 - a.tap) * dilation;
        if (from % stride != 0)
            continue;
        a.taps = (int)((kernel - 1 - a.tap) / a.step) + 1;
        a.pad = (int)(-from / stride);
        break;
    }
    return a;
}

void
cr_transposed_padding(const CrWindow *w, int64_t *left, int64_t *right)
{
    *left = *right = 0;
    for (int i = 0; i < w->stride[2]; i++) {
        Axis a = axis_of(w, 2, i);
        if (a.outputs == 0 || a.taps == 0)
            continue;
        int64_t reach = a.outputs - 1 + (int64_t)(a.taps - 1) * a.dilation + 1 - a.pad;
        *left = MAX(*left, a.pad);
        *right = MAX(*right, reach - w->in[2]);
    }
}

static int64_t
divide_down(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

void
cr_transposed_span(const CrWindow *w, int *begin, int *end)
{
    int64_t stride = w->stride[1], extent = (int64_t)(w->kernel[1] - 1) * w->dilation[1];
    int64_t first = *begin + (int64_t)w->pad_begin[1] - extent;
    int64_t last = *end - 1 + (int64_t)w->pad_begin[1];

    *begin = (int)divide_down(first + stride - 1, stride);
    *end = (int)divide_down(last, stride) + 1;
}

bool
cr_transposed_fits(const CrWindow *w)
{
    for (int axis = 1; axis <= 2; axis++) {
        if (w->stride[axis] > MAX_STRIDE ||
            (int64_t)(w->kernel[axis] - 1) * w->dilation[axis] > MAX_EXTENT)
            return false;
    }
    return true;
}

void
cr_transposed_simplify(CrConv *conv)
{
    CrWindow *w = &conv->window;
    int64_t begin[CR_MAX_SPATIAL], end[CR_MAX_SPATIAL];

    for (int i = 0; i < w->n_spatial; i++) {
        int64_t extent = (int64_t)w->dilation[i] * (w->kernel[i] - 1);
        begin[i] = extent - w->pad_begin[i];
        end[i] = w->out[i] + extent - w->in[i] - begin[i];
        if (w->stride[i] != 1 || begin[i] < 0 || end[i] < 0 || end[i] > CR_MAX_EXTENT)
            return;
    }
    for (int i = 0; i < w->n_spatial; i++) {
        w->pad_begin[i] = (int)begin[i];
        w->pad_end[i] = (int)end[i];
    }
    conv->transposed = false;
}

void
cr_transposed_weights(const CrConv *conv, const float *src, float *dst)
{
    int in_group = conv->channels / conv->group, out_group = conv->filters / conv->group;
    int64_t taps = 1;

    for (int i = 0; i < conv->window.n_spatial; i++)
        taps *= conv->window.kernel[i];
    for (int f = 0; f < conv->filters; f++)
        for (int c = 0; c < in_group; c++, dst += taps) {
            int64_t row = (int64_t)(f / out_group) * in_group + c;
            const float *kernel = src + (row * out_group + f % out_group) * taps;
            for (int64_t k = 0; k < taps; k++)
                dst[k] = kernel[taps - 1 - k];
        }
}

/* --- preparing --- */

/* The kernels' taps that a phase has: (out channels, channels of a group, y.taps, x.taps). */
static float *
pick_taps(const CrConvPack *pack, const Axis *y, const Axis *x, GError **error)
{
    size_t kernels = (size_t)pack->out_channels * (size_t)pack->in_per_group;
    size_t taps = (size_t)y->taps * (size_t)x->taps;
    float *picked = cr_mem_alloc(kernels * taps, sizeof *picked, "ConvTranspose", error), *to;
    const float *from = pack->weights;

    for (to = picked; to && kernels > 0; kernels--, from += (size_t)pack->kh * (size_t)pack->kw)
        for (int i = 0; i < y->taps; i++) {
            const float *row = from + (y->tap + i * y->step) * pack->kw + x->tap;
            for (int k = 0; k < x->taps; k++)
                *to++ = row[k * x->step];
        }
    return picked;
}

static void
set_axis(CrWindow *w, int axis, const Axis *a)
{
    w->out[axis] = a->outputs;
    w->kernel[axis] = a->taps;
    w->stride[axis] = 1;
    w->dilation[axis] = a->dilation;
    w->pad_begin[axis] = a->pad;
}

static bool
prepare_phase(CrOpSetup *setup, const CrTransposed *t, Phase *phase, const CrConvPack *pack,
              const CrDesc *raw, const Axis *y, const Axis *x, GError **error)
{
    CrConvPack taps = *pack;
    bool ok;

    set_axis(&phase->rows.window, 1, y);
    set_axis(&phase->rows.window, 2, x);
    phase->has_taps = y->taps > 0 && x->taps > 0;
    if (!phase->has_taps)
        return true;
    float *picked = pick_taps(pack, y, x, error);
    if (!picked)
        return false;
    taps.weights = picked;
    taps.kh = y->taps;
    taps.kw = x->taps;
    if (t->bf16)
        ok = cr_bf16_prepare(setup, &phase->rows, &taps, raw, error);
    else
        ok = cr_direct_prepare(setup, &phase->rows, &taps, raw, error);
    cr_mem_free(picked);
    return ok;
}

/* A phase in bfloat16 rounds whole rows, from their first column on. */
static bool
begins_inside(const CrWindow *w)
{
    for (int i = 0; i < w->stride[2]; i++)
        if (axis_of(w, 2, i).pad < 0)
            return true;
    return false;
}

bool
cr_transposed_prepare(CrOpSetup *setup, CrConvRows *rows, const CrConvPack *pack, const CrDesc *raw,
                      bool bf16, GError **error)
{
    const CrWindow *w = &rows->window;
    CrTransposed *t = cr_region_alloc(setup->region, 1, sizeof *t, "ConvTranspose", error);
    size_t most = (size_t)w->stride[1] * (size_t)w->stride[2];

    if (!t)
        return false;
    *t = (CrTransposed){.stride = {w->stride[1], w->stride[2]},
                        .block = raw->block,
                        .bf16 = bf16 && !begins_inside(w)};
    t->phase = cr_region_alloc(setup->region, most, sizeof *t->phase, "ConvTranspose", error);
    for (int i = 0; t->phase && i < w->stride[1]; i++)
        for (int k = 0; k < w->stride[2]; k++) {
            Axis y = axis_of(w, 1, i), x = axis_of(w, 2, k);
            Phase *phase = &t->phase[t->n_phases];
            if (y.outputs == 0 || x.outputs == 0)
                continue;
            *phase = (Phase){.rows = *rows, .first = {i, k}};
            if (!prepare_phase(setup, t, phase, pack, raw, &y, &x, error))
                return false;
            t->width = MAX(t->width, x.outputs);
            t->n_phases++;
        }
    rows->transposed = t;
    return t->phase != NULL;
}

bool
cr_transposed_is_bf16(const CrTransposed *transposed)
{
    return transposed->bf16;
}

/* --- running --- */

/* Floats that the rows of a phase take: each of n_rows rows in so many blocks. */
static size_t
phase_floats(const CrTransposed *t, int n_rows, int n_panels)
{
    size_t row = (size_t)t->width * (size_t)t->block * 2 * (size_t)n_panels;
    return cr_round_up(row * (size_t)n_rows, CR_MAX_BLOCK);
}

static int
rows_of_phase(const CrTransposed *t, int n_rows)
{
    return cr_div_up(n_rows, t->stride[0]);
}

size_t
cr_transposed_scratch(const CrConvRows *rows, int n_rows, int n_panels)
{
    const CrTransposed *t = rows->transposed;
    int n = rows_of_phase(t, n_rows);
    size_t rounded = 0;

    for (int i = 0; t->bf16 && i < t->n_phases; i++)
        if (t->phase[i].has_taps)
            rounded = MAX(rounded, cr_bf16_scratch(&t->phase[i].rows, n));
    return phase_floats(t, n, t->bf16 ? n_panels : 1) * sizeof(float) + rounded;
}

static void
fill_with_bias(const CrConvRows *rows, int block, const float *bias, int n_blocks, float *dst,
               size_t stride)
{
    for (int b = 0; b < n_blocks; b++, dst += stride)
        for (int x = 0; x < rows->window.out[2]; x++)
            for (int lane = 0; lane < block; lane++) {
                float v = bias[b * block + lane];
                v = v < rows->low ? rows->low : v;
                dst[x * block + lane] = v > rows->high ? rows->high : v;
            }
}

/* Rows of a phase, one after the other, [row][block][x][lane]. */
static void
compute(const CrTransposed *t, const Phase *phase, void *const *io, int image,
        const CrRowRange *range, int n_blocks, float *dst, size_t stride, float *rest)
{
    const CrConvRows *rows = &phase->rows;
    size_t row_size = stride * (size_t)n_blocks;

    if (t->bf16 && phase->has_taps) {
        cr_bf16_rows(rows, io, image, range, dst, row_size, stride, rest);
        return;
    }
    for (int y = range->row_begin; y < range->row_end; y++, dst += row_size) {
        if (phase->has_taps)
            cr_direct_row(rows, io, image, y, range->panel_begin, range->panel_end, dst, stride);
        else
            fill_with_bias(rows, t->block, rows->bias + 2 * range->panel_begin * t->block, n_blocks,
                           dst, stride);
    }
}

/* dst[x · step] = src[x], in pixels of `block` floats. */
static void
spread_pixels(float *dst, const float *src, int width, int step, int block)
{
    ptrdiff_t next = (ptrdiff_t)step * block;

    if (block == 16)
        for (int x = 0; x < width; x++)
            memcpy(dst + x * next, src + x * 16, 16 * sizeof *dst);
    else if (block == 8)
        for (int x = 0; x < width; x++)
            memcpy(dst + x * next, src + x * 8, 8 * sizeof *dst);
    else
        for (int x = 0; x < width; x++)
            memcpy(dst + x * next, src + (ptrdiff_t)x * block, (size_t)block * sizeof *dst);
}

/* How many of first, first + stride … lie before `end`. */
static int
count_before(int end, int first, int stride)
{
    return end > first ? cr_div_up(end - first, stride) : 0;
}

static void
phase_rows(const CrTransposed *t, const Phase *phase, void *const *io, int image,
           const CrRowRange *range, float *dst, size_t dst_row, size_t stride, float *scratch)
{
    int panels = range->panel_end - range->panel_begin, width = phase->rows.window.out[2];
    int n_blocks = MIN(2 * range->panel_end, phase->rows.raw_blocks) - 2 * range->panel_begin;
    CrRowRange own = {count_before(range->row_begin, phase->first[0], t->stride[0]),
                      count_before(range->row_end, phase->first[0], t->stride[0]),
                      range->panel_begin, range->panel_end};
    int n = own.row_end - own.row_begin;
    size_t own_stride = (size_t)width * (size_t)t->block;

    if (n == 0)
        return;
    compute(t, phase, io, image, &own, n_blocks, scratch, own_stride,
            scratch + phase_floats(t, n, panels));
    for (int i = 0; i < n; i++)
        for (int b = 0; b < n_blocks; b++) {
            int y = phase->first[0] + (own.row_begin + i) * t->stride[0] - range->row_begin;
            float *row = dst + dst_row * (size_t)y + stride * (size_t)b;
            spread_pixels(row + (ptrdiff_t)phase->first[1] * t->block,
                          scratch + own_stride * (size_t)(i * n_blocks + b), width, t->stride[1],
                          t->block);
        }
}

void
cr_transposed_rows(const CrConvRows *rows, void *const *io, int image, const CrRowRange *range,
                   float *dst, size_t dst_row, size_t stride, void *scratch)
{
    const CrTransposed *t = rows->transposed;
    int at_once = t->bf16 ? range->panel_end - range->panel_begin : 1;

    /* directly, panel after panel: its weights stay in the cache */
    for (int p = range->panel_begin; p < range->panel_end; p += at_once) {
        CrRowRange part = {range->row_begin, range->row_end, p, p + at_once};
        for (int i = 0; i < t->n_phases; i++)
            phase_rows(t, &t->phase[i], io, image, &part,
                       dst + stride * (size_t)(2 * (p - range->panel_begin)), dst_row, stride,
                       scratch);
    }
}
