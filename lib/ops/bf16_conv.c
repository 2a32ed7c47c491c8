/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Convolutions in bfloat16: the input rows that a tile needs are rounded once into scratch, in
 * pixels of 32 channels with their padding around them, and then read by all output channels. */
#include "core/size.h"
#include "ops/conv_rows.h"
#include <math.h>

#define MIN_CHANNELS 5 /* below, nearly all of a pixel's 32 channels would be zeros */

struct CrBf16Conv {
    const CrBf16Kernels *kernels;
    int n_halves; /* blocks of 16 channels of all inputs; two make a pixel of 32 */
    struct {
        int x, block;
    } * half;
    int n_blocks, pixels;              /* per row in scratch */
    const uint16_t *const *weights[2]; /* [panel], high and low parts */
};

bool
cr_bf16_fits(const CrFusedConv *fused, const CrKernels *kernels)
{
    return kernels->bf16 && fused->conv.group == 1 && fused->conv.channels >= MIN_CHANNELS;
}

/* --- running --- */

static int
rows_needed(const CrWindow *w, int rows)
{
    return (rows - 1) * w->stride[1] + (w->kernel[1] - 1) * w->dilation[1] + 1;
}

static size_t
row_size(const CrBf16Conv *g)
{
    return (size_t)g->n_blocks * (size_t)g->pixels * CR_BF16_CHANNELS;
}

static size_t
part_size(const CrConvRows *rows, int n)
{
    return row_size(rows->bf16) * (size_t)rows_needed(&rows->window, n);
}

size_t
cr_bf16_scratch(const CrConvRows *rows, int n)
{
    return part_size(rows, n) * (rows->bf16->kernels->terms > 1 ? 2 : 1) * sizeof(uint16_t);
}

static const float *
half_row(const CrConvRows *rows, void *const *io, int image, int y, int half)
{
    const CrBf16Conv *g = rows->bf16;

    if (half >= g->n_halves)
        return NULL;
    int x = g->half[half].x;
    return cr_row_at(&rows->x[x], io[x], image, y, g->half[half].block);
}

/* Row y of the input, rounded, to dst. */
static void
round_row(const CrConvRows *rows, void *const *io, int image, int y, uint16_t *const dst[2])
{
    const CrBf16Conv *g = rows->bf16;
    const CrWindow *w = &rows->window;
    int left = w->pad_begin[2], width = MIN(w->in[2], g->pixels - left);
    int parts = g->kernels->terms > 1 ? 2 : 1;

    for (int b = 0; b < g->n_blocks; b++) {
        uint16_t *to[2] = {NULL, NULL};
        for (int p = 0; p < parts; p++) {
            uint16_t *row = dst[p] + (size_t)(b * g->pixels) * CR_BF16_CHANNELS;
            to[p] = row + (size_t)left * CR_BF16_CHANNELS;
            memset(row, 0, (size_t)left * CR_BF16_CHANNELS * sizeof *row);
            memset(to[p] + (size_t)width * CR_BF16_CHANNELS, 0,
                   (size_t)(g->pixels - left - width) * CR_BF16_CHANNELS * sizeof *row);
        }
        g->kernels->split_row(to, half_row(rows, io, image, y, 2 * b),
                              half_row(rows, io, image, y, 2 * b + 1), width);
    }
}

static void
clamp(const CrConvRows *rows, const CrBf16Row *row)
{
    size_t n = (size_t)(row->width * 16);

    if (rows->low == -INFINITY && rows->high == INFINITY)
        return;
    for (int i = 0; i < 2 && row->y[i]; i++)
        rows->kernels->unary[CR_UNARY_CLIP](row->y[i], row->y[i], n, rows->low, rows->high);
}

void
cr_bf16_rows(const CrConvRows *rows, void *const *io, int image, const CrRowRange *range,
             float *dst, size_t dst_row, size_t stride, void *scratch)
{
    const CrBf16Conv *g = rows->bf16;
    const CrWindow *w = &rows->window;
    int first = range->row_begin * w->stride[1] - w->pad_begin[1];
    int n = rows_needed(w, range->row_end - range->row_begin);
    size_t low = part_size(rows, range->row_end - range->row_begin);
    uint16_t *rounded = scratch;
    CrBf16Row row = {.row_stride = (ptrdiff_t)row_size(g) * w->dilation[1],
                     .block_stride = (ptrdiff_t)g->pixels * CR_BF16_CHANNELS,
                     .n_blocks = g->n_blocks,
                     .kh = w->kernel[1],
                     .kw = w->kernel[2],
                     .stride = w->stride[2],
                     .dilation = w->dilation[2],
                     .width = w->out[2]};

    for (int r = 0; r < n; r++) {
        uint16_t *to = rounded + row_size(g) * (size_t)r;
        if (first + r >= 0 && first + r < w->in[1])
            round_row(rows, io, image, first + r, (uint16_t *const[2]){to, to + low});
    }
    for (int p = range->panel_begin; p < range->panel_end; p++) {
        row.weights[0] = g->weights[0][p];
        row.weights[1] = g->weights[1] ? g->weights[1][p] : NULL;
        row.bias = rows->bias + 2 * p * 16;
        for (int y = range->row_begin; y < range->row_end; y++) {
            int at = y - range->row_begin;
            cr_window_taps(w, 1, y, &row.ky_begin, &row.ky_end);
            row.x[0] = rounded + row_size(g) * (size_t)(at * w->stride[1]);
            row.x[1] = row.x[0] + low;
            row.y[0] = dst + dst_row * (size_t)at + stride * (size_t)(2 * (p - range->panel_begin));
            row.y[1] = 2 * p + 1 < rows->raw_blocks ? row.y[0] + stride : NULL;
            g->kernels->conv_row(&row);
            clamp(rows, &row);
        }
    }
}

/* --- preparing --- */

static bool
find_halves(CrOpSetup *setup, const CrConvRows *rows, CrBf16Conv *g, GError **error)
{
    int n = 0;

    for (int s = 0; s < rows->n_segments; s++)
        n += cr_div_up(rows->segment[s].channels, 16);
    g->half = cr_region_alloc(setup->region, (size_t)n, sizeof *g->half, "bf16", error);
    for (int s = 0; g->half && s < rows->n_segments; s++)
        for (int b = 0; b < cr_div_up(rows->segment[s].channels, 16); b++, g->n_halves++) {
            g->half[g->n_halves].x = rows->segment[s].x;
            g->half[g->n_halves].block = rows->segment[s].block + b;
        }
    g->n_blocks = cr_div_up(n, 2);
    return g->half != NULL;
}

/* Panels of all output channels: term 0 the weights rounded, term 1 what that leaves. */
static const uint16_t **
pack_weights(CrOpSetup *setup, const CrConvRows *rows, const CrConvPack *pack, const CrDesc *raw,
             const CrBf16Conv *g, int term, GError **error)
{
    const uint16_t **panels =
        cr_region_alloc(setup->region, (size_t)rows->n_panels, sizeof *panels, "weights", error);

    for (int p = 0; panels && p < rows->n_panels; p++) {
        int n_blocks = MIN(2, rows->raw_blocks - 2 * p);
        uint16_t *panel = cr_region_alloc(
            setup->region, cr_bf16_pack_size(g->n_blocks, pack->kh * pack->kw, n_blocks),
            sizeof *panel, setup->node->name, error);
        if (!panel)
            return NULL;
        for (int b = 0; b < n_blocks; b++) {
            int first, lanes = cr_desc_block_channels(raw, 2 * p + b, &first);
            cr_bf16_pack_block(panel, pack, n_blocks, b, first, lanes, term);
        }
        panels[p] = panel;
    }
    return panels;
}

bool
cr_bf16_prepare(CrOpSetup *setup, CrConvRows *rows, const CrConvPack *pack, const CrDesc *raw,
                GError **error)
{
    CrBf16Conv *g = cr_region_alloc(setup->region, 1, sizeof *g, "bf16", error);
    const CrWindow *w = &rows->window;

    if (!g || !find_halves(setup, rows, g, error))
        return false;
    g->kernels = rows->kernels->bf16;
    g->pixels = (cr_div_up(w->out[2], CR_BF16_PIXELS) * CR_BF16_PIXELS - 1) * w->stride[2] +
                (w->kernel[2] - 1) * w->dilation[2] + 1;
    for (int term = 0; term < (g->kernels->terms > 1 ? 2 : 1); term++) {
        g->weights[term] = pack_weights(setup, rows, pack, raw, g, term, error);
        if (!g->weights[term])
            return false;
    }
    rows->bf16 = g;
    return true;
}
