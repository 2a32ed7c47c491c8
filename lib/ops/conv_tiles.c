/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/conv_tiles.h"
#include "core/size.h"
#include "ops/transposed_conv.h"

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
tile_at(const CrConvTiles *f, int tile)
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
compute(const CrConvTiles *f, void *const *io, const Tile *t, float *dst, size_t row_size,
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

void
cr_conv_direct_tile(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const CrConvTiles *f = step->params;
    Tile t = tile_at(f, tile);
    void *out = io[f->out_io];

    compute(f, io, &t, cr_row_at(&f->out, out, t.n, t.row_begin, t.block_begin),
            f->out.stride.row_stride, f->out.stride.block_stride, scratch);
    for (int y = t.row_begin; y < t.row_end; y++)
        for (int b = t.block_begin; b < t.block_end; b++)
            cr_row_clear_borders(&f->out, cr_row_at(&f->out, out, t.n, y, b));
}

/* Without a program: through scratch, to planes, one block of them after the other. */
void
cr_conv_planar_tile(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const CrConvTiles *f = step->params;
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

void
cr_conv_program_tile(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const CrConvTiles *f = step->params;
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
