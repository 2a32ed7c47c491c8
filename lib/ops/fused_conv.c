/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/size.h"
#include "ops/conv_tiles.h"
#include "ops/packed.h"
#include "ops/plain_depthwise.h"
#include "ops/plain_pointwise.h"
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
#define TILE_MACS   (2 << 20)   /* of more, the last tile keeps the other threads waiting */
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
           2 * fused->conv.filters <= kernels->block;
}

static bool
blocked(CrOpSetup *setup)
{
    const CrFusedConv *fused = setup->fused;
    int block = setup->kernels->block, segments = 0, left, right;
    bool depthwise = cr_conv_is_depthwise(&fused->conv);
    bool narrow = cr_desc_is_narrow(&setup->out[0]), planar = !depthwise || narrow;
    bool bf16 = cr_bf16_fits(fused, setup->kernels, true);
    CrDesc raw = fused->raw;

    if (cr_plain_depthwise_fits(setup, fused) || cr_plain_pointwise_fits(setup, fused))
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
        x->block =
            planar || (bf16 && (x->block == 1 || (!x->block && cr_desc_is_narrow(x)))) ? 1 : block;
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
cut(CrConvTiles *f, const CrFusedConv *fused, bool whole_rows)
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
            bool direct = !f->rows.bf16 && !f->rows.transposed;
            uint64_t row = direct ? cr_conv_macs(&fused->conv) / (uint64_t)all : 0;
            while (f->rows_per_tile > 1 && (cr_div_up(all, f->rows_per_tile) < MIN_TILES ||
                                            row * (uint64_t)f->rows_per_tile > TILE_MACS))
                f->rows_per_tile--;
            int tiles = fused->conv.batch * cr_div_up(height, f->rows_per_tile);
            if (!whole_rows && tiles < MIN_TILES)
                f->panels_per_tile = cr_div_up(f->rows.n_panels, cr_div_up(MIN_TILES, tiles));
        }
    }
    f->row_tiles = cr_div_up(height, f->rows_per_tile);
    f->panel_tiles = cr_div_up(f->rows.n_panels, f->panels_per_tile);
}

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
    const CrConvTiles *f = step->params;
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

/* Scratch that computing a tile takes. */
static size_t
compute_scratch(const CrConvTiles *f)
{
    if (f->rows.winograd)
        return cr_winograd_scratch(f->rows.winograd);
    if (f->rows.bf16)
        return cr_bf16_scratch(&f->rows, f->rows_per_tile);
    if (f->rows.transposed)
        return cr_transposed_scratch(&f->rows, f->rows_per_tile, f->panels_per_tile);
    return 0;
}

/* Scratch for the rows that a tile computes. */
static size_t
raw_scratch(const CrConvTiles *f)
{
    int blocks = MIN(f->rows.panel_blocks * f->panels_per_tile, f->rows.raw_blocks);
    return f->raw_stride * (size_t)blocks * (size_t)f->rows_per_tile * sizeof(float);
}

/* How tiles run, and with what scratch. */
static bool
choose_run(CrOpSetup *setup, const CrFusedConv *fused, const CrDesc *planes, CrConvTiles *f,
           CrStep *step, GError **error)
{
    step->scratch = compute_scratch(f);
    step->run = f->planes ? cr_conv_planar_tile : cr_conv_direct_tile;
    if (fused->has_program) {
        f->program = cr_program_prepare(setup, &fused->program, planes, &setup->out[0], error);
        if (!f->program)
            return false;
        step->run = cr_conv_program_tile;
        /* computing rows and running the program take turns on what follows the rows */
        size_t width = (size_t)(f->planes * f->rows.window.out[2]);
        step->scratch = MAX(step->scratch, cr_program_scratch(f->program) +
                                               cr_round_up(width, CR_MAX_BLOCK) * sizeof(float));
    }
    if (fused->has_program || f->planes)
        step->scratch += raw_scratch(f);
    return true;
}

static bool
prepare(CrOpSetup *setup, CrStep *step, GError **error)
{
    const CrFusedConv *fused = setup->fused;
    const CrDesc *out = &setup->out[0];
    if (!setup->in[0].block)
        return (cr_conv_is_depthwise(&fused->conv)
                    ? cr_plain_depthwise_prepare
                    : cr_plain_pointwise_prepare)(setup, fused, step, error);
    CrConvTiles *f = cr_region_alloc(setup->region, 1, sizeof *f, "Conv", error);
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
    if (!choose_run(setup, fused, &planes, f, step, error))
        return false;
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
