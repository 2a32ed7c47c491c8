/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/size.h"
#include "ops/packed.h"
#include "ops/plain_depthwise.h"
#include "ops/transposed_conv.h"
#include <math.h>
#include <string.h>

/* Inputs with no more channels than this are read as planes: lanes would be mostly empty. */
#define MAX_PLANAR 8
/* Padding columns are part of every row; a convolution that wants more keeps to the plain form. */
#define MAX_PADDING 64
#define ROWS        4           /* rows of a tile, when there are enough of them */
#define MIN_RUN     256         /* pixels of a plane that are worth writing at a time */
#define MIN_TILES   8           /* below this, channels are cut as well */
#define SMALL_MACS  (64 << 10)  /* not worth cutting at all */
#define RAW_BYTES   (384 << 10) /* of rows waiting for the program: they stay in the L2 cache */

/* Window with two axes, (H, W); the depth of a 3-D one is not for us. */
static bool
window_2d(const CrConv *conv, CrWindow *w)
{
    *w = conv->window;
    if (w->n_spatial > 2)
        return false;
    cr_window_to_3d(w);
    return true;
}

static bool
pads_fit(const CrConv *conv)
{
    CrWindow w;
    int64_t left, right;

    if (!window_2d(conv, &w))
        return false;
    if (!conv->transposed)
        return w.pad_begin[2] <= MAX_PADDING && w.pad_end[2] <= MAX_PADDING;
    if (!cr_transposed_fits(&w))
        return false;
    cr_transposed_padding(&w, &left, &right);
    return left <= MAX_PADDING && right <= MAX_PADDING;
}

bool
cr_fused_conv_from_node(const CrOpSetup *setup, bool transposed, CrFusedConv *fused)
{
    *fused = (CrFusedConv){.n_x = 1, .low = -INFINITY, .high = INFINITY};
    if (!setup->value[1] || setup->in[0].dtype != CONVRNN_DTYPE_FLOAT32 ||
        !(transposed ? cr_conv_transpose_parse : cr_conv_parse)(setup, &fused->conv, NULL) ||
        cr_desc_elements(&setup->out[0]) == 0 || cr_desc_elements(&setup->in[0]) == 0 ||
        (fused->conv.has_bias && !setup->value[2]))
        return false;
    if (transposed)
        cr_transposed_simplify(&fused->conv);
    fused->raw = setup->out[0];
    return pads_fit(&fused->conv);
}

/* --- layouts --- */

/* Whether it is computed by Winograd's method when its inputs are in blocks. The portable kernels
 * are the reference: they stay with the definition. */
static bool
wants_winograd(const CrFusedConv *fused, const CrWindow *w, const CrKernels *kernels)
{
    return kernels->level != CR_CPU_C && !fused->conv.transposed &&
           !cr_bf16_fits(fused, kernels, false) && cr_winograd_fits(fused, w);
}

/* Columns of zeros that the taps of a row reach into; in bfloat16 they are in scratch. */
static void
wanted_padding(const CrFusedConv *fused, const CrKernels *kernels, bool planar, int *left,
               int *right)
{
    CrWindow w;
    window_2d(&fused->conv, &w);
    if (fused->conv.transposed) {
        int64_t before, after;
        cr_transposed_padding(&w, &before, &after);
        *left = (int)before;
        *right = (int)after;
        return;
    }
    if (cr_bf16_fits(fused, kernels, true)) {
        *left = *right = 0;
        return;
    }
    int64_t reach = (int64_t)(w.out[2] - 1) * w.stride[2] +
                    (int64_t)(w.kernel[2] - 1) * w.dilation[2] + 1 - w.pad_begin[2];
    if (!planar && wants_winograd(fused, &w, kernels))
        reach = 4 * (int64_t)cr_div_up(w.out[2], 4) + 2 - w.pad_begin[2];
    *left = w.pad_begin[2];
    *right = (int)MAX(reach - w.in[2], 0);
}

/* Whether the kernel from planes to planes can compute it. */
static bool
can_go_to_planes(const CrFusedConv *fused, const CrKernels *kernels)
{
    const CrConv *conv = &fused->conv;
    return !cr_bf16_fits(fused, kernels, true) && conv->group == 1 && !conv->transposed &&
           conv->filters <= CR_CONV_PLANES && conv->window.stride[conv->window.n_spatial - 1] == 1;
}

/* Whether it does so although the result is not narrow: half of a block's lanes would be empty, and
 * nobody wants blocks to round them to bfloat16. */
static bool
better_in_planes(const CrOpSetup *setup, const CrFusedConv *fused)
{
    const CrKernels *kernels = setup->kernels;
    return setup->out[0].n_dims == 4 && can_go_to_planes(fused, kernels) && !fused->has_program &&
           !kernels->bf16 && 2 * fused->conv.filters <= kernels->block;
}

static bool
blocked(CrOpSetup *setup)
{
    const CrFusedConv *fused = setup->fused;
    int block = setup->kernels->block, segments = 0, left, right;
    bool depthwise = cr_conv_is_depthwise(&fused->conv);
    bool narrow = cr_desc_is_narrow(&setup->out[0]), planar = !depthwise || narrow;
    CrDesc raw = fused->raw;

    if (cr_plain_depthwise_fits(setup, fused))
        return true;
    for (int i = 0; i < fused->n_x; i++) /* all or none: the kernel's inner loop is for one kind */
        planar = planar && (setup->in[i].block == 1 || (depthwise && narrow) ||
                            (!setup->in[i].block && setup->in[i].dims[1] <= MAX_PLANAR));
    narrow = narrow || (planar && better_in_planes(setup, fused));
    wanted_padding(fused, setup->kernels, planar, &left, &right);
    for (int i = 0; i < fused->n_x; i++) {
        CrDesc *x = &setup->in[i];
        int parts = x->block == block ? cr_desc_parts(x) : 1;
        if (depthwise) {
            cr_desc_set_layout(x, &raw);
            x->n_parts = planar ? 0 : x->n_parts;
        } else if (segments + parts + fused->n_x - 1 - i > CR_CONV_SEGMENTS || parts == 1) {
            x->n_parts = 0;
            parts = 1;
        }
        segments += parts;
        x->block = planar ? 1 : block;
        x->pad_left = left;
        x->pad_right = right;
        x->row_blocks = 0;
    }
    CrDesc domain = setup->out[0];
    if (cr_desc_same_shape(&domain, &raw))
        cr_desc_set_layout(&domain, &raw);
    domain.block = narrow ? 1 : block;
    domain.n_parts = narrow ? 0 : domain.n_parts;
    if (fused->has_program)
        cr_program_layouts(setup, &fused->program, &domain);
    else if (narrow || !setup->for_plain || cr_desc_parts(&raw) > 1 ||
             cr_desc_nchw(&domain).w < MIN_RUN / ROWS)
        cr_desc_set_layout(&setup->out[0], &domain);
    else
        setup->out[0].n_parts = 0; /* unpacked row by row, while it is in the cache */
    return true;
}

/* --- preparing --- */

typedef struct {
    CrConvRows rows;
    CrRows out;        /* rows of output 0: the domain */
    int out_io;        /* its index in io, when there is no program */
    size_t raw_stride; /* floats of one raw row of one block in scratch */
    int planes;        /* > 0: results are computed in blocks of so many channels in all, and then
                          made planar */

    int panels_per_tile, panel_tiles;
    int rows_per_tile, row_tiles;
    const CrProgramRun *program;
} FusedConv;

static void
find_segments(CrOpSetup *setup, const CrFusedConv *fused, CrConvRows *f, CrConvPack *pack)
{
    int first = 0;

    for (int i = 0; i < fused->n_x; i++) {
        const CrDesc *x = &setup->in[i];
        int block = 0;
        f->x[i] = cr_rows(x);
        for (int p = 0; p < cr_desc_parts(x); p++, f->n_segments++) {
            int channels = cr_desc_part(x, p);
            f->segment[f->n_segments].x = i;
            f->segment[f->n_segments].block = block;
            f->segment[f->n_segments].channels = channels;
            pack->segment[f->n_segments] =
                (CrPackSegment){.channels = channels, .first_channel = first, .pixel = x->block};
            block += cr_div_up(channels, x->block);
            first += channels;
        }
    }
    pack->n_segments = f->n_segments;
}

static bool
pack_bias(CrOpSetup *setup, const CrDesc *raw, const float *src, CrConvRows *f, GError **error)
{
    float *bias = cr_region_alloc(setup->region, (size_t)(f->raw_blocks * raw->block), sizeof *bias,
                                  "bias", error);
    for (int b = 0; bias && b < f->raw_blocks; b++) {
        int first, lanes = cr_desc_block_channels(raw, b, &first);
        cr_bias_pack(bias + b * raw->block, src, first, lanes, raw->block);
    }
    f->bias = bias;
    return bias != NULL;
}

/* Cuts the work. Winograd needs four rows and all panels of them; so does a program whose domain is
 * one part of several. */
static void
cut(FusedConv *f, const CrFusedConv *fused, bool whole_rows)
{
    size_t raw_row = f->raw_stride * (size_t)f->rows.raw_blocks * sizeof(float);
    int height = f->rows.window.out[1], all = fused->conv.batch * height;

    f->rows_per_tile = MIN(f->rows.transposed ? ROWS * f->rows.window.stride[1] : ROWS, height);
    f->panels_per_tile = f->rows.n_panels;
    if (f->rows.winograd) {
        f->rows_per_tile = 4;
    } else {
        while ((fused->has_program || f->planes) && f->rows_per_tile > 1 &&
               raw_row * (size_t)f->rows_per_tile > (f->rows.bf16 ? 3 : 1) * (size_t)RAW_BYTES)
            f->rows_per_tile--;
        if (cr_conv_macs(&fused->conv) <= SMALL_MACS) {
            f->rows_per_tile = height;
        } else {
            while (f->rows_per_tile > 1 && cr_div_up(all, f->rows_per_tile) < MIN_TILES)
                f->rows_per_tile--;
            int tiles = fused->conv.batch * cr_div_up(height, f->rows_per_tile);
            if (!whole_rows && tiles < MIN_TILES)
                f->panels_per_tile = cr_div_up(f->rows.n_panels, cr_div_up(MIN_TILES, tiles));
        }
    }
    f->row_tiles = cr_div_up(height, f->rows_per_tile);
    f->panel_tiles = cr_div_up(f->rows.n_panels, f->panels_per_tile);
}

/* --- running --- */

/* Blocks [begin, end) of row y, written to dst[block − begin], stride apart. */
static void
dense_row(const CrConvRows *f, void *const *io, int n, int y, int panel_begin, int panel_end,
          float *dst, size_t stride)
{
    const CrWindow *w = &f->window;
    int block = f->kernels->block;
    CrConvRow row = {.n_segments = f->n_segments,
                     .kh = w->kernel[1],
                     .kw = w->kernel[2],
                     .stride = w->stride[2],
                     .dilation = w->dilation[2],
                     .width = w->out[2],
                     .low = f->low,
                     .high = f->high};
    int top = y * w->stride[1] - w->pad_begin[1];

    cr_window_taps(w, 1, y, &row.ky_begin, &row.ky_end);
    for (int s = 0; s < f->n_segments; s++) {
        const CrRows *x = &f->x[f->segment[s].x];
        row.segment[s] =
            (CrConvSegment){.x = cr_row_at(x, io[f->segment[s].x], n, top, f->segment[s].block) -
                                 w->pad_begin[2] * x->block,
                            .row_stride = (ptrdiff_t)x->stride.row_stride * w->dilation[1],
                            .block_stride = (ptrdiff_t)x->stride.block_stride,
                            .channels = f->segment[s].channels,
                            .pixel = x->block};
    }
    if (f->to_planes) {
        row.weights = f->weights[0];
        row.bias = f->bias;
        row.y[0] = dst;
        f->kernels->conv_plane_row(&row, (ptrdiff_t)stride, f->raw_blocks);
        return;
    }
    for (int p = panel_begin; p < panel_end; p++) {
        row.weights = f->weights[p];
        row.bias = f->bias + 2 * p * block;
        row.y[0] = dst + (size_t)(2 * (p - panel_begin)) * stride;
        row.y[1] = 2 * p + 1 < f->raw_blocks ? row.y[0] + stride : NULL;
        f->kernels->conv_row(&row);
    }
}

static void
depthwise_row(const CrConvRows *f, void *const *io, int n, int y, int panel_begin, int panel_end,
              float *dst, size_t stride)
{
    const CrWindow *w = &f->window;
    const CrRows *x = &f->x[0];
    int block = x->block, end = MIN(2 * panel_end, f->raw_blocks);
    CrDepthwiseRow row = {.row_stride = (ptrdiff_t)x->stride.row_stride * w->dilation[1],
                          .kh = w->kernel[1],
                          .kw = w->kernel[2],
                          .stride = w->stride[2],
                          .dilation = w->dilation[2],
                          .width = w->out[2],
                          .low = f->low,
                          .high = f->high};
    int top = y * w->stride[1] - w->pad_begin[1];

    cr_window_taps(w, 1, y, &row.ky_begin, &row.ky_end);
    for (int b = 2 * panel_begin; b < end; b++) {
        row.x = cr_row_at(x, io[0], n, top, b) - w->pad_begin[2] * block;
        row.weights = f->weights[b];
        row.bias = f->bias + b * block;
        row.y = dst + (size_t)(b - 2 * panel_begin) * stride;
        if (block == 1)
            f->kernels->depthwise_plane_row(&row);
        else
            f->kernels->depthwise_row(&row);
    }
}

void
cr_direct_row(const CrConvRows *f, void *const *io, int n, int y, int panel_begin, int panel_end,
              float *dst, size_t stride)
{
    if (cr_conv_is_depthwise(&f->conv))
        depthwise_row(f, io, n, y, panel_begin, panel_end, dst, stride);
    else
        dense_row(f, io, n, y, panel_begin, panel_end, dst, stride);
}

typedef struct {
    int n, row_begin, row_end, panel_begin, panel_end;
    int block_begin, block_end; /* the panels' */
} Tile;

static Tile
tile_at(const FusedConv *f, int tile)
{
    int panel = tile % f->panel_tiles, rest = tile / f->panel_tiles;
    Tile t = {.n = rest / f->row_tiles,
              .row_begin = rest % f->row_tiles * f->rows_per_tile,
              .panel_begin = panel * f->panels_per_tile};
    t.row_end = MIN(t.row_begin + f->rows_per_tile, f->rows.window.out[1]);
    t.panel_end = MIN(t.panel_begin + f->panels_per_tile, f->rows.n_panels);
    t.block_begin = f->rows.panel_blocks * t.panel_begin;
    t.block_end = MIN(f->rows.panel_blocks * t.panel_end, f->rows.raw_blocks);
    return t;
}

/* All rows of a tile: block `2·panel_begin` of row r goes to dst + (r − row_begin)·row_size.
 * Directly, one panel after the other, so that its weights stay in the cache. */
static void
compute(const FusedConv *f, void *const *io, const Tile *t, float *dst, size_t row_size,
        size_t stride, float *scratch)
{
    if (f->rows.winograd) {
        float *rows[4] = {NULL};
        for (int y = t->row_begin; y < t->row_end; y++)
            rows[y - t->row_begin] = dst + row_size * (size_t)(y - t->row_begin);
        cr_winograd_rows(&f->rows, io, t->n, t->row_begin, rows, stride, scratch);
        return;
    }
    if (f->rows.bf16 || f->rows.transposed) {
        CrRowRange range = {t->row_begin, t->row_end, t->panel_begin, t->panel_end};
        (f->rows.bf16 ? cr_bf16_rows : cr_transposed_rows)(&f->rows, io, t->n, &range, dst,
                                                           row_size, stride, scratch);
        return;
    }
    for (int p = t->panel_begin; p < t->panel_end; p++)
        for (int y = t->row_begin; y < t->row_end; y++)
            cr_direct_row(&f->rows, io, t->n, y, p, p + 1,
                          dst + row_size * (size_t)(y - t->row_begin) +
                              stride * (size_t)(2 * (p - t->panel_begin)),
                          stride);
}

static void
direct_tile(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const FusedConv *f = step->params;
    Tile t = tile_at(f, tile);
    void *out = io[f->out_io];

    compute(f, io, &t, cr_row_at(&f->out, out, t.n, t.row_begin, t.block_begin),
            f->out.stride.row_stride, f->out.stride.block_stride, scratch);
    for (int y = t.row_begin; y < t.row_end; y++)
        for (int b = t.block_begin; b < t.block_end; b++)
            cr_row_clear_borders(&f->out, cr_row_at(&f->out, out, t.n, y, b));
}

/* Without a program: through scratch, to planes, one block of them after the other. */
static void
planar_tile(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const FusedConv *f = step->params;
    Tile t = tile_at(f, tile);
    size_t row_size = f->raw_stride * (size_t)f->rows.raw_blocks,
           plane = f->out.stride.block_stride;
    int block = f->rows.kernels->block;
    float *raw = scratch;

    compute(f, io, &t, raw, row_size, f->raw_stride, raw + row_size * (size_t)f->rows_per_tile);
    for (int b = 0; b < f->planes; b += block, raw += f->raw_stride)
        for (int y = t.row_begin; y < t.row_end; y++) {
            float *out = cr_row_at(&f->out, io[f->out_io], t.n, y, b);
            int n = MIN(f->planes - b, block);
            f->rows.kernels->unpack_row(out, (ptrdiff_t)plane,
                                        raw + row_size * (size_t)(y - t.row_begin), 0, n,
                                        f->rows.window.out[2]);
            for (int c = 0; c < n; c++)
                cr_row_clear_borders(&f->out, out + plane * (size_t)c);
        }
}

static void
program_tile(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const FusedConv *f = step->params;
    Tile t = tile_at(f, tile);
    int first = t.block_begin, blocks = t.block_end - first;
    size_t row_size = f->raw_stride * (size_t)blocks;
    float *raw = scratch, *rest = raw + row_size * (size_t)f->rows_per_tile;

    compute(f, io, &t, raw, row_size, f->raw_stride, rest);
    for (int y = t.row_begin; y < t.row_end; y++) {
        const float *row = raw + row_size * (size_t)(y - t.row_begin);
        if (f->planes) {
            size_t width = (size_t)f->rows.window.out[2];
            f->rows.kernels->unpack_row(rest, (ptrdiff_t)width, row, (ptrdiff_t)f->raw_stride,
                                        f->planes, (int)width);
            for (int c = 0; c < f->out.stride.blocks; c++)
                cr_program_row(f->program, io, rest, width, t.n, y, c,
                               rest + cr_round_up(width * (size_t)f->planes, CR_MAX_BLOCK));
            continue;
        }
        /* when the panels are cut, the domain has the raw blocks: this tile's are `first` on */
        int begin = f->panel_tiles > 1 ? first : 0;
        int end = f->panel_tiles > 1 ? first + blocks : f->out.stride.blocks;
        for (int b = begin; b < end; b++)
            cr_program_row(f->program, io, row - f->raw_stride * (size_t)begin, f->raw_stride, t.n,
                           y, b, rest);
    }
}

/* --- preparing --- */

/* Whether all inputs are in blocks, or planes. Some may be planes because the program reads them.
 */
static bool
all_in(const CrOpSetup *setup, const CrFusedConv *fused, int block)
{
    for (int i = 0; i < fused->n_x; i++)
        if (setup->in[i].block != block)
            return false;
    return true;
}

static bool
pack_rows(CrOpSetup *setup, const CrFusedConv *fused, const CrConvPack *pack, const CrDesc *raw,
          CrConvRows *rows, GError **error)
{
    bool blocked = all_in(setup, fused, setup->kernels->block);
    bool bf16 = cr_bf16_fits(fused, setup->kernels, !blocked);

    if (fused->conv.transposed)
        return cr_transposed_prepare(setup, rows, pack, raw, bf16, error);
    if (bf16)
        return cr_bf16_prepare(setup, rows, pack, raw, error);
    if (blocked && wants_winograd(fused, &rows->window, setup->kernels) &&
        !cr_winograd_prepare(setup, rows, pack, raw, error))
        return false;
    return rows->winograd || cr_direct_prepare(setup, rows, pack, raw, error);
}

/* The same unless the plan has packed such weights for such a convolution before. */
static bool
share_rows(CrOpSetup *setup, const CrFusedConv *fused, const CrConvPack *pack, const CrDesc *raw,
           CrConvRows *rows, GError **error)
{
    const ConvRnnTensor *weights = setup->value[fused->n_x];
    struct {
        CrConv conv;
        CrConvPack pack;
        int source[CR_CONV_SEGMENTS][2];
        int block, n_parts, part[CR_MAX_PARTS];
        int to_planes;
    } how;
    memset(&how, 0, sizeof how);
    how.conv = fused->conv;
    how.pack = *pack;
    how.pack.weights = NULL; /* it is what they are that counts */
    for (int s = 0; s < rows->n_segments; s++) {
        how.source[s][0] = rows->segment[s].x;
        how.source[s][1] = rows->segment[s].block;
    }
    how.block = raw->block;
    how.n_parts = cr_desc_parts(raw);
    for (int p = 0; p < how.n_parts; p++)
        how.part[p] = cr_desc_part(raw, p);
    how.to_planes = rows->to_planes;
    const CrPackedKey key = {&how, sizeof how, weights->data, weights->n_elements * sizeof(float)};
    const CrConvRows *known = cr_packed_find(setup->packed, &key);

    if (!known) {
        cr_packed_add(setup->packed, &key, rows);
        return pack_rows(setup, fused, pack, raw, rows, error);
    }
    rows->weights = known->weights;
    rows->winograd = known->winograd;
    rows->bf16 = known->bf16;
    return true;
}

static bool
prepare_rows(CrOpSetup *setup, const CrFusedConv *fused, const CrDesc *raw, CrConvRows *rows,
             GError **error)
{
    rows->conv = fused->conv;
    window_2d(&fused->conv, &rows->window);
    rows->kernels = setup->kernels;
    rows->n_x = fused->n_x;
    rows->raw_blocks = cr_desc_blocked(raw).blocks;
    rows->panel_blocks = rows->to_planes ? rows->raw_blocks : 2;
    rows->n_panels = cr_div_up(rows->raw_blocks, rows->panel_blocks);
    rows->low = fused->low;
    rows->high = fused->high;

    CrConvPack pack = {.weights = setup->value[fused->n_x]->data,
                       .out_channels = fused->conv.filters,
                       .groups = fused->conv.group,
                       .in_per_group = fused->conv.channels / fused->conv.group,
                       .kh = rows->window.kernel[1],
                       .kw = rows->window.kernel[2],
                       .block = raw->block};
    find_segments(setup, fused, rows, &pack);
    if (!pack_bias(setup, raw, fused->conv.has_bias ? setup->value[fused->n_x + 1]->data : NULL,
                   rows, error))
        return false;
    /* the phases of a transposed one hold more than weights */
    return (fused->conv.transposed ? pack_rows : share_rows)(setup, fused, &pack, raw, rows, error);
}

static bool
in_bf16(const CrConvRows *rows)
{
    return rows->bf16 || (rows->transposed && cr_transposed_is_bf16(rows->transposed));
}

static const char *
kernel_name(CrOpSetup *setup, const CrConvRows *rows, GError **error)
{
    char *name = cr_region_alloc(setup->region, 32, 1, "name", error);
    if (name)
        g_snprintf(name, 32, "%s %s",
                   rows->transposed                    ? "transposed"
                   : cr_conv_is_depthwise(&rows->conv) ? "depthwise"
                   : rows->winograd                    ? "winograd"
                                                       : "direct",
                   in_bf16(rows) ? setup->kernels->bf16->name : setup->kernels->name);
    return name;
}

/* Why a convolution is neither in bfloat16 nor by Winograd's method; NULL when it is. */
static const char *
why_direct(const CrOpSetup *setup, const CrFusedConv *fused, const CrConvRows *rows)
{
    const CrWindow *w = &rows->window;

    if (in_bf16(rows) || rows->winograd || cr_conv_is_depthwise(&fused->conv))
        return NULL;
    if (rows->transposed)
        return "a transposed convolution";
    if (setup->kernels->level == CR_CPU_C)
        return "plain C computes by definition";
    if (fused->conv.group > 1)
        return "groups";
    if (!all_in(setup, fused, setup->kernels->block))
        return "an input has few channels";
    if (w->kernel[1] != 3 || w->kernel[2] != 3)
        return "kernel is not 3×3";
    if (w->stride[1] * w->stride[2] * w->dilation[1] * w->dilation[2] != 1)
        return "strides or dilation";
    return cr_winograd_fits(fused, w) ? "Winograd would lose more than 1e-5 of the range"
                                      : "too few channels or pixels for Winograd";
}

static bool
needs(const CrStep *step, int input, int *begin, int *end)
{
    const FusedConv *f = step->params;
    int first = *begin, last = *end;
    bool reads = false, rows = !f->program || cr_program_keeps_rows(f->program, input, &reads);

    if (input >= f->rows.n_x)
        return reads && rows;
    if (f->rows.transposed)
        cr_transposed_span(&f->rows.window, begin, end);
    else
        cr_window_span(&f->rows.window, 1, begin, end);
    if (reads) {
        *begin = MIN(*begin, first);
        *end = MAX(*end, last);
    }
    return rows;
}

static size_t
weight_bytes(const CrOpSetup *setup, const CrFusedConv *fused, const CrConvRows *rows)
{
    size_t each = rows->winograd ? 36 * sizeof(float) / 9 : sizeof(float);

    if (rows->bf16)
        each = (setup->kernels->bf16->terms > 1 ? 2 : 1) * sizeof(uint16_t);
    return cr_desc_elements(&setup->in[fused->n_x]) * each;
}

static bool
prepare(CrOpSetup *setup, CrStep *step, GError **error)
{
    const CrFusedConv *fused = setup->fused;
    const CrDesc *out = &setup->out[0];
    if (!setup->in[0].block)
        return cr_plain_depthwise_prepare(setup, fused, step, error);
    FusedConv *f = cr_region_alloc(setup->region, 1, sizeof *f, "Conv", error);
    if (!f)
        return false;
    CrDesc raw = fused->raw, planes = raw; /* planes: as the program sees it */
    planes.block = MAX(out->block, 1);
    f->rows.to_planes =
        planes.block == 1 && all_in(setup, fused, 1) && can_go_to_planes(fused, setup->kernels);
    raw.block = cr_conv_is_depthwise(&fused->conv) ? setup->in[0].block : setup->kernels->block;
    if (f->rows.to_planes)
        raw.block = 1;
    if (raw.block != planes.block) {
        f->planes = fused->conv.filters;
        raw.n_parts = 0;
    }
    if (!prepare_rows(setup, fused, &raw, &f->rows, error))
        return false;
    f->raw_stride = cr_desc_blocked(&raw).block_stride;
    f->out = out->block ? cr_rows(out) : cr_plain_rows(out);
    f->out_io = setup->n_in;
    cut(f, fused, f->planes || (fused->has_program && !cr_desc_same_shape(&raw, &setup->out[0])));
    step->run = f->planes ? planar_tile : direct_tile;
    if (f->rows.winograd)
        step->scratch = cr_winograd_scratch(f->rows.winograd);
    if (f->rows.bf16)
        step->scratch = cr_bf16_scratch(&f->rows, f->rows_per_tile);
    if (f->rows.transposed)
        step->scratch = cr_transposed_scratch(&f->rows, f->rows_per_tile, f->panels_per_tile);
    if (fused->has_program) {
        f->program = cr_program_prepare(setup, &fused->program, &planes, &setup->out[0], error);
        if (!f->program)
            return false;
        step->run = program_tile;
        /* computing rows and running the program take turns on what follows the rows */
        size_t width = (size_t)(f->planes * f->rows.window.out[2]);
        step->scratch = MAX(step->scratch, cr_program_scratch(f->program) +
                                               cr_round_up(width, CR_MAX_BLOCK) * sizeof(float));
    }
    if (fused->has_program || f->planes)
        step->scratch +=
            f->raw_stride *
            (size_t)MIN(f->rows.panel_blocks * f->panels_per_tile, f->rows.raw_blocks) *
            (size_t)f->rows_per_tile * sizeof(float);
    step->params = f;
    step->n_tiles = fused->conv.batch * f->row_tiles * f->panel_tiles;
    if (fused->conv.batch == 1)
        step->rows = (CrStepRows){.height = f->rows.window.out[1],
                                  .rows_per_tile = f->rows_per_tile,
                                  .panels = f->panel_tiles,
                                  .needs = needs};
    step->weights = weight_bytes(setup, fused, &f->rows);
    step->macs = cr_conv_macs(&fused->conv);
    step->kernel = kernel_name(setup, &f->rows, error);
    step->why = why_direct(setup, fused, &f->rows);
    return step->kernel != NULL;
}

static bool
infer(CrOpSetup *setup, GError **error)
{
    return cr_op_error(setup, CONVRNN_ERROR_UNSUPPORTED, error,
                       "a fused convolution has no shape of its own");
}

const CrOp cr_op_fused_conv = {
    .name = "FusedConv",
    .min_in = 2,
    .max_in = -1,
    .min_out = 1,
    .max_out = CR_PROGRAM_MAX,
    .infer = infer,
    .prepare = prepare,
    .blocked = blocked,
};
