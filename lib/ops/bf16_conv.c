/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Convolutions in bfloat16: the input rows that a tile needs are rounded once into scratch, in
 * pixels of 32 channels or fewer with their padding around them, and then read by all output
 * channels. */
#include "core/size.h"
#include "ops/conv_rows.h"
#include <math.h>

#define MAX_PLANES   8    /* that make one block */
#define HALF         16   /* channels of a block of an input; two make a pixel of 32 */
#define FEW_PRODUCTS 400  /* of a pixel of planes */
#define FEW_OF_THREE 5000 /* of a pixel with three terms */
#define MAX_PHASES   2    /* more write too far apart for memory that is not in the cache */

/* Where the pixels of a block come from. */
typedef struct {
    int n_planes; /* 0: one or two halves */
    struct {
        int x, block; /* which input, and which block (or plane) of it; x < 0: none */
    } from[MAX_PLANES];
} Source;

/* The columns that a row has in scratch: those before its first one are in the padding, or (there
 * may be less than none) not read. */
typedef struct {
    int pad, first, width;
} Columns;

struct CrBf16Conv {
    const CrBf16Kernels *kernels;
    Columns columns;
    int phases; /* outputs that begin in the same 32 elements; 1: each begins its own */
    int n_blocks;
    CrBf16Block *block;                /* [phase][block] */
    Source *source;                    /* of each block */
    size_t row_size;                   /* elements of all blocks in scratch */
    const uint16_t *const *weights[2]; /* [panel], high and low parts */
};

/* Whether float32 is faster for planes: where there are three times the products for few channels,
 * and where conv_plane_row() is done before their pixels would be rounded. */
static bool
is_faster_in_float(const CrConv *conv, const CrKernels *kernels)
{
    const CrWindow *w = &conv->window;
    int64_t products = (int64_t)conv->channels * conv->filters;

    for (int i = 0; i < w->n_spatial; i++)
        products *= w->kernel[i];
    return (kernels->bf16->terms > 1 && conv->channels <= 4) ||
           (conv->filters <= CR_CONV_PLANES && !conv->transposed &&
            w->stride[w->n_spatial - 1] == 1 && products <= FEW_PRODUCTS);
}

/* Whether float32 takes no longer than three terms: where a map is one pixel and a tile has 16, and
 * where pixels are split for one tap and few products. Such layers also lose more than others do,
 * whose sums are long: in a published matting network they made most of the state's error. */
static bool
is_too_short(const CrConv *conv)
{
    const CrWindow *w = &conv->window;
    int64_t taps = 1, pixels = 1;

    for (int i = 0; i < w->n_spatial; i++) {
        taps *= w->kernel[i];
        pixels *= w->out[i];
    }
    return taps == 1 && (pixels == 1 || (int64_t)conv->channels * conv->filters <= FEW_OF_THREE);
}

bool
cr_bf16_fits(const CrFusedConv *fused, const CrKernels *kernels, bool planar)
{
    return kernels->bf16 && fused->conv.group == 1 &&
           !(planar && is_faster_in_float(&fused->conv, kernels)) &&
           !(kernels->bf16->terms > 1 && is_too_short(&fused->conv));
}

/* --- running --- */

static int
rows_needed(const CrWindow *w, int rows)
{
    return (rows - 1) * w->stride[1] + (w->kernel[1] - 1) * w->dilation[1] + 1;
}

static size_t
part_size(const CrConvRows *rows, int n)
{
    return rows->bf16->row_size * (size_t)rows_needed(&rows->window, n);
}

size_t
cr_bf16_scratch(const CrConvRows *rows, int n)
{
    return part_size(rows, n) * (rows->bf16->kernels->terms > 1 ? 2 : 1) * sizeof(uint16_t);
}

static Columns
columns(const CrWindow *w)
{
    int reach = (w->out[2] - 1) * w->stride[2] + (w->kernel[2] - 1) * w->dilation[2] + 1;
    Columns c = {.pad = MAX(w->pad_begin[2], 0), .first = MAX(-w->pad_begin[2], 0)};

    c.width = MAX(MIN(w->in[2] - c.first, reach - c.pad), 0);
    return c;
}

/* Elements of a row of a block in scratch. Planes come in multiples of 16 pixels. */
static size_t
block_row(const CrBf16Conv *g, const CrBf16Block *block, const CrWindow *w)
{
    const Columns *c = &g->columns;
    size_t written = ((size_t)c->pad + cr_round_up((size_t)c->width, 16)) * (size_t)block->pixel;

    return cr_round_up(MAX(cr_bf16_row_size(block, cr_div_up(w->out[2], g->phases)), written),
                       CR_BF16_DEPTH);
}

static const float *
source_row(const CrConvRows *rows, void *const *io, int image, int y, int first,
           const Source *source, int i)
{
    int x = source->from[i].x;

    if (x < 0)
        return NULL;
    return cr_row_at(&rows->x[x], io[x], image, y, source->from[i].block) +
           (size_t)first * (size_t)rows->x[x].block;
}

/* The blocks of the phase that reads most. */
static const CrBf16Block *
last_phase(const CrBf16Conv *g)
{
    return g->block + (g->phases - 1) * g->n_blocks;
}

/* Row y of the input, rounded, to dst. */
static void
round_row(const CrConvRows *rows, void *const *io, int image, int y, uint16_t *const dst[2])
{
    const CrBf16Conv *g = rows->bf16;
    Columns c = g->columns;

    for (int b = 0; b < g->n_blocks; b++) {
        const CrBf16Block *block = last_phase(g) + b;
        const Source *source = &g->source[b];
        size_t pixel = (size_t)block->pixel, pad = (size_t)c.pad * pixel;
        size_t end = (size_t)(c.pad + c.width) * pixel;
        size_t next = b + 1 < g->n_blocks ? (size_t)block[1].offset : g->row_size;
        size_t size = next - (size_t)block->offset;
        const float *from[MAX_PLANES];
        uint16_t *to[2] = {NULL, NULL};

        for (int i = 0; i < MAX(source->n_planes, 2); i++)
            from[i] = source_row(rows, io, image, y, c.first, source, i);
        for (int p = 0; p < 2 && dst[p]; p++)
            to[p] = dst[p] + block->offset + pad;
        if (source->n_planes)
            g->kernels->split_planes(to, block->pixel, from, source->n_planes, c.width);
        else
            g->kernels->split_row(to, block->pixel, from[0], from[1], c.width);
        for (int p = 0; p < 2 && dst[p]; p++) {
            memset(to[p] - pad, 0, pad * sizeof *to[p]);
            memset(to[p] - pad + end, 0, (size - end) * sizeof *to[p]);
        }
    }
}

/* The taps that any of the rows has in the picture. */
static void
find_taps(const CrWindow *w, const CrRowRange *range, CrBf16Rows *r)
{
    for (int y = range->row_begin; y < range->row_end; y++) {
        int begin, end;
        cr_window_taps(w, 1, y, &begin, &end);
        if (begin >= end)
            continue;
        r->ky_begin = r->ky_end > 0 ? MIN(r->ky_begin, begin) : begin;
        r->ky_end = MAX(r->ky_end, end);
    }
}

/* Whether one of r's rows reads row y of those in scratch. */
static bool
is_read(const CrWindow *w, const CrBf16Rows *r, int y)
{
    for (int i = 0; i < r->n_rows; i++) {
        int at = y - i * w->stride[1], ky = at / w->dilation[1];
        if (at >= 0 && at % w->dilation[1] == 0 && ky >= r->ky_begin && ky < r->ky_end)
            return true;
    }
    return false;
}

/* The rows that r reads, the first of them row `first` of the picture. */
static void
round_rows(const CrConvRows *rows, void *const *io, int image, int first, const CrBf16Rows *r,
           uint16_t *rounded, size_t low)
{
    size_t size = rows->bf16->row_size;
    int n = rows_needed(&rows->window, r->n_rows);
    bool two = rows->bf16->kernels->terms > 1;

    for (int i = 0; i < n; i++) {
        uint16_t *to = rounded + size * (size_t)i;
        if (!is_read(&rows->window, r, i))
            continue;
        if (first + i >= 0 && first + i < rows->window.in[1]) {
            round_row(rows, io, image, first + i, (uint16_t *const[2]){to, two ? to + low : NULL});
            continue;
        }
        memset(to, 0, size * sizeof *to);
        if (two)
            memset(to + low, 0, size * sizeof *to);
    }
}

/* A pass computes two blocks of output channels, or two phases of the last one. */
typedef struct {
    int panel, n_out; /* blocks of the panel */
    int phase, n_phases;
    size_t weights; /* elements of the panel before this pass's */
} Pass;

static size_t
pass_size(const CrBf16Conv *g, const Pass *pass, int kh)
{
    const CrBf16Block *block = g->block + (pass->phase + pass->n_phases - 1) * g->n_blocks;
    size_t size = 0;

    for (int b = 0; b < g->n_blocks; b++)
        size += cr_bf16_pack_size(&block[b], kh, pass->n_out * pass->n_phases);
    return size;
}

static Pass
first_pass(const CrConvRows *rows, const CrBf16Conv *g, int panel)
{
    int n_out = MIN(2, rows->raw_blocks - 2 * panel);

    return (Pass){.panel = panel, .n_out = n_out, .n_phases = n_out == 1 && g->phases > 1 ? 2 : 1};
}

/* To the next one of the panel, if any. */
static bool
next_pass(const CrBf16Conv *g, Pass *pass, int kh)
{
    pass->weights += pass_size(g, pass, kh);
    pass->phase += pass->n_phases;
    return pass->phase < g->phases;
}

/* Completes r, which describes the input, for a pass over its rows; dst: where the panel's first
 * block begins. */
static void
run_pass(const CrConvRows *rows, const Pass *pass, CrBf16Rows *r, float *dst, size_t stride)
{
    const CrBf16Conv *g = rows->bf16;
    int width = rows->window.out[2];

    r->block = g->block + (pass->phase + pass->n_phases - 1) * g->n_blocks;
    for (int term = 0; term < 2 && g->weights[term]; term++)
        r->weights[term] = g->weights[term][pass->panel] + pass->weights;
    r->y[1] = NULL;
    for (int o = 0; o < pass->n_out * pass->n_phases; o++) {
        int block = pass->n_phases > 1 ? 0 : o, phase = pass->phase + (pass->n_phases > 1 ? o : 0);
        r->bias[o] = rows->bias + (2 * pass->panel + block) * HALF;
        r->y[o] = dst + stride * (size_t)block + (size_t)(phase * HALF);
        r->width[o] = (width - phase + g->phases - 1) / g->phases;
    }
    g->kernels->conv_rows(r);
}

void
cr_bf16_rows(const CrConvRows *rows, void *const *io, int image, const CrRowRange *range,
             float *dst, size_t dst_row, size_t stride, void *scratch)
{
    const CrBf16Conv *g = rows->bf16;
    const CrWindow *w = &rows->window;
    int n_rows = range->row_end - range->row_begin;
    size_t low = part_size(rows, n_rows);
    uint16_t *rounded = scratch;
    CrBf16Rows r = {.x = {rounded, rounded + low},
                    .tap_stride = (ptrdiff_t)g->row_size * w->dilation[1],
                    .row_stride = (ptrdiff_t)g->row_size * w->stride[1],
                    .n_blocks = g->n_blocks,
                    .kh = w->kernel[1],
                    .y_step = (size_t)(g->phases * HALF),
                    .y_stride = dst_row,
                    .n_rows = n_rows,
                    .low = rows->low,
                    .high = rows->high};

    find_taps(w, range, &r);
    round_rows(rows, io, image, range->row_begin * w->stride[1] - w->pad_begin[1], &r, rounded,
               low);
    for (int p = range->panel_begin; p < range->panel_end; p++) {
        Pass pass = first_pass(rows, g, p);
        do {
            run_pass(rows, &pass, &r, dst + stride * (size_t)(2 * (p - range->panel_begin)),
                     stride);
        } while (next_pass(g, &pass, w->kernel[1]));
    }
}

/* --- preparing --- */

/* The narrowest pixel for so many channels. */
static int
pixel_for(int channels)
{
    int pixel = 4;

    while (pixel < channels)
        pixel *= 2;
    return pixel;
}

static void
add_block(CrBf16Conv *g, int pixel)
{
    CrBf16Block *block = &g->block[g->n_blocks++];

    block->pixel = pixel;
    for (int i = 0; i < CR_BF16_DEPTH; i++)
        block->channel[i] = -1;
}

/* All planes of all inputs, eight to a block. */
static void
add_planes(const CrConvRows *rows, const CrConvPack *pack, CrBf16Conv *g)
{
    int n = 0;

    for (int s = 0; s < rows->n_segments; s++) {
        if (pack->segment[s].pixel != 1)
            continue;
        for (int c = 0; c < rows->segment[s].channels; c++, n++) {
            if (n % MAX_PLANES == 0)
                add_block(g, 0);
            CrBf16Block *block = &g->block[g->n_blocks - 1];
            Source *source = &g->source[g->n_blocks - 1];
            block->channel[source->n_planes] = pack->segment[s].first_channel + c;
            source->from[source->n_planes].x = rows->segment[s].x;
            source->from[source->n_planes++].block = rows->segment[s].block + c;
            block->pixel = pixel_for(source->n_planes);
        }
    }
}

/* A block of 16 channels, or the fewer that a segment ends with. */
typedef struct {
    int x, block, channel, channels;
} Half;

static void
put_half(CrBf16Conv *g, const Half *half, int i)
{
    CrBf16Block *block = &g->block[g->n_blocks - 1];
    Source *source = &g->source[g->n_blocks - 1];

    for (int c = 0; half && c < half->channels; c++)
        block->channel[i * HALF + c] = half->channel + c;
    source->from[i].x = half ? half->x : -1;
    source->from[i].block = half ? half->block : 0;
}

/* Those of so many channels that they need pixels of `pixel`. */
static int
find_halves(const CrConvRows *rows, const CrConvPack *pack, int pixel, Half *half)
{
    int n = 0;

    for (int s = 0; s < rows->n_segments; s++) {
        int channels = rows->segment[s].channels;
        for (int c = 0; pack->segment[s].pixel != 1 && c < channels; c += HALF) {
            int some = MIN(HALF, channels - c);
            if (pixel_for(some) == pixel)
                half[n++] = (Half){rows->segment[s].x, rows->segment[s].block + c / HALF,
                                   pack->segment[s].first_channel + c, some};
        }
    }
    return n;
}

/* What a row of kw taps costs, in tenths of a product: rows of tiles that lie across cache lines
 * load more slowly, which one block of outputs feels more than two. */
static int
cost(const CrConvRows *rows, int pixel)
{
    static const int slow[2][4] = {{24, 22, 14, 10}, {17, 16, 12, 10}}; /* measured */
    const CrWindow *w = &rows->window;
    int size = pixel == 4 ? 0 : pixel == 8 ? 1 : pixel == 16 ? 2 : 3;

    return cr_bf16_products(pixel, w->kernel[2], w->dilation[2]) * slow[rows->raw_blocks > 1][size];
}

/* The best size of pixel for a half alone. */
static int
lone_pixel(const CrConvRows *rows, const Half *half)
{
    int best = pixel_for(half->channels);

    for (int pixel = 2 * best; pixel <= CR_BF16_DEPTH; pixel *= 2)
        if (cost(rows, pixel) < cost(rows, best))
            best = pixel;
    return best;
}

/* How many outputs begin in the 32 elements of neighbours; 1 where that does not cost less than
 * `plain`, as where tiles would be mostly empty. */
static int
count_phases(const CrConvRows *rows, int pixel, int plain)
{
    const CrWindow *w = &rows->window;
    int neighbours = CR_BF16_DEPTH / pixel, phases = neighbours / w->stride[2];
    int width = w->out[2], products = 0;

    if (w->dilation[2] != 1 || phases > MAX_PHASES || phases * w->stride[2] != neighbours)
        return 1;
    for (int phase = 0; phase < phases; phase++)
        products += cr_bf16_products(pixel, w->kernel[2] + phase * w->stride[2], 1);
    int tiles = cr_div_up(cr_div_up(width, phases), CR_BF16_PIXELS);
    return 10 * products * tiles <= plain * cr_div_up(width, CR_BF16_PIXELS) ? phases : 1;
}

/* The full ones first. Two share a pixel of 32 unless they cost less alone. */
static void
add_halves(const CrConvRows *rows, const Half *half, int n, CrBf16Conv *g)
{
    for (int i = 0; i < n; i++) {
        int least = pixel_for(half[i].channels), pixel = lone_pixel(rows, &half[i]);
        bool two = i + 1 < n &&
                   cost(rows, 32) <= cost(rows, pixel) + cost(rows, lone_pixel(rows, &half[i + 1]));
        if (n == 1 && count_phases(rows, least, cost(rows, pixel)) > 1)
            pixel = least;
        add_block(g, two ? 32 : pixel);
        put_half(g, &half[i], 0);
        put_half(g, two ? &half[i + 1] : NULL, 1);
        i += two;
    }
}

/* One block of few channels is cut into phases. Then each phase has blocks of its own, which differ
 * in how far they read. */
static bool
lay_out(CrOpSetup *setup, const CrConvRows *rows, CrBf16Conv *g, GError **error)
{
    const CrWindow *w = &rows->window;
    const CrBf16Block *plain = g->block;

    g->phases = 1;
    if (g->n_blocks == 1 && plain->pixel < CR_BF16_DEPTH)
        g->phases = count_phases(rows, plain->pixel, cost(rows, plain->pixel));
    if (g->phases > 1)
        g->block =
            cr_region_alloc(setup->region, (size_t)g->phases, sizeof *g->block, "bf16", error);
    if (!g->block)
        return false;
    for (int phase = 0; phase < g->phases && g->phases > 1; phase++) {
        g->block[phase] = *plain;
        cr_bf16_block_init_phase(&g->block[phase], w->kernel[2], phase * w->stride[2]);
    }
    for (int b = 0; b < g->n_blocks; b++) {
        if (g->phases == 1)
            cr_bf16_block_init(&g->block[b], w->kernel[2], w->stride[2], w->dilation[2]);
        g->block[b].offset = (ptrdiff_t)g->row_size;
        g->row_size += block_row(g, last_phase(g) + b, w);
    }
    return true;
}

/* Finds out what the rows in scratch look like. */
static bool
prepare_blocks(CrOpSetup *setup, const CrConvRows *rows, const CrConvPack *pack, CrBf16Conv *g,
               GError **error)
{
    size_t most = 0, n = 0;

    for (int s = 0; s < rows->n_segments; s++)
        most += (size_t)cr_div_up(rows->segment[s].channels, MAX_PLANES);
    g->block = cr_region_alloc(setup->region, most, sizeof *g->block, "bf16", error);
    if (!g->block)
        return false;
    g->source = cr_region_alloc(setup->region, most, sizeof *g->source, "bf16", error);
    if (!g->source)
        return false;
    Half *half = cr_mem_alloc(most, sizeof *half, "bf16", error);
    if (!half)
        return false;
    for (int pixel = 16; pixel >= 4; pixel /= 2)
        n += (size_t)find_halves(rows, pack, pixel, half + n);
    add_halves(rows, half, (int)n, g);
    cr_mem_free(half);
    add_planes(rows, pack, g);
    return lay_out(setup, rows, g, error);
}

static void
pack_pass(uint16_t *dst, const CrConvRows *rows, const CrConvPack *pack, const CrDesc *raw,
          const CrBf16Conv *g, const Pass *pass, int term)
{
    const CrBf16Block *block = g->block + (pass->phase + pass->n_phases - 1) * g->n_blocks;
    int n_out = pass->n_out * pass->n_phases, first;

    for (int b = 0; b < g->n_blocks; b++) {
        for (int o = 0; o < n_out; o++) {
            int phase = pass->phase + (pass->n_phases > 1 ? o : 0);
            int at = 2 * pass->panel + (pass->n_phases > 1 ? 0 : o);
            int lanes = cr_desc_block_channels(raw, at, &first);
            cr_bf16_pack_block(dst, pack, &block[b], phase * rows->window.stride[2], n_out, o,
                               first, lanes, term);
        }
        dst += cr_bf16_pack_size(&block[b], pack->kh, n_out);
    }
}

/* One panel: term 0 the weights rounded, term 1 what that leaves. */
static const uint16_t *
pack_panel(CrOpSetup *setup, const CrConvRows *rows, const CrConvPack *pack, const CrDesc *raw,
           const CrBf16Conv *g, int panel, int term, GError **error)
{
    Pass pass = first_pass(rows, g, panel);

    while (next_pass(g, &pass, pack->kh))
        continue;
    uint16_t *weights =
        cr_region_alloc(setup->region, pass.weights, sizeof *weights, setup->node->name, error);
    pass = first_pass(rows, g, panel);
    if (!weights)
        return NULL;
    do {
        pack_pass(weights + pass.weights, rows, pack, raw, g, &pass, term);
    } while (next_pass(g, &pass, pack->kh));
    return weights;
}

static const uint16_t **
pack_weights(CrOpSetup *setup, const CrConvRows *rows, const CrConvPack *pack, const CrDesc *raw,
             const CrBf16Conv *g, int term, GError **error)
{
    const uint16_t **panels =
        cr_region_alloc(setup->region, (size_t)rows->n_panels, sizeof *panels, "weights", error);

    for (int p = 0; panels && p < rows->n_panels; p++) {
        panels[p] = pack_panel(setup, rows, pack, raw, g, p, term, error);
        if (!panels[p])
            return NULL;
    }
    return panels;
}

/* Weights of three terms, both parts. Those of one tap are rounded as sums; several taps often meet
 * inputs of which few are not zero, and are better rounded each by itself. */
static bool
pack_both(CrOpSetup *setup, const CrConvRows *rows, const CrConvPack *pack, const CrDesc *raw,
          CrBf16Conv *g, GError **error)
{
    size_t size = (size_t)pack->in_per_group;
    CrConvPack rounded = *pack;
    float *weights = NULL;

    if (pack->kh * pack->kw == 1) {
        weights = cr_mem_alloc((size_t)pack->out_channels * size, sizeof *weights,
                               setup->node->name, error);
        if (!weights)
            return false;
        for (size_t i = 0; i < (size_t)pack->out_channels * size; i += size)
            cr_bf16_round_sum(weights + i, pack->weights + i, size);
        rounded.weights = weights;
    }
    g->weights[0] = pack_weights(setup, rows, &rounded, raw, g, 0, error);
    if (g->weights[0])
        g->weights[1] = pack_weights(setup, rows, &rounded, raw, g, 1, error);
    cr_mem_free(weights);
    return g->weights[1] != NULL;
}

bool
cr_bf16_prepare(CrOpSetup *setup, CrConvRows *rows, const CrConvPack *pack, const CrDesc *raw,
                GError **error)
{
    CrBf16Conv *g = cr_region_alloc(setup->region, 1, sizeof *g, "bf16", error);

    if (!g)
        return false;
    g->kernels = rows->kernels->bf16;
    g->columns = columns(&rows->window);
    if (!prepare_blocks(setup, rows, pack, g, error))
        return false;
    if (g->kernels->terms > 1) {
        if (!pack_both(setup, rows, pack, raw, g, error))
            return false;
    } else {
        g->weights[0] = pack_weights(setup, rows, pack, raw, g, 0, error);
        if (!g->weights[0])
            return false;
    }
    rows->bf16 = g;
    return true;
}
