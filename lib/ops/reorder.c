/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/reorder.h"
#include "core/size.h"
#include "kernels/kernels.h"
#include "ops/rows.h"

#define COPY_TILE (256 << 10) /* bytes */
#define MIN_ROWS  4           /* of a tile: short runs of many planes are slow to read */

typedef struct {
    size_t bytes; /* plain to plain */
    const CrKernels *kernels;
    CrDesc in, out;
    CrRows from, to; /* of whichever side is blocked */
    int rows_per_tile;
} Reorder;

static void
copy_tile(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const Reorder *r = step->params;
    size_t begin = (size_t)tile * COPY_TILE;
    size_t size = MIN(r->bytes - begin, COPY_TILE);
    (void)scratch;
    memcpy((char *)io[1] + begin, (const char *)io[0] + begin, size);
}

/* The planes of a channel block, and the rows of it, for rows [begin, end) of an image. Block after
 * block, so that each plane is read, or written, in one go. */
typedef struct {
    const Reorder *r;
    int n, begin, end;
    size_t plane_stride;
} Rows;

static void
pack_block(const Rows *w, void *blocks, int block, int channels, const float *planes)
{
    const Reorder *r = w->r;
    int width = r->to.size.w;

    for (int y = w->begin; y < w->end; y++, planes += width) {
        float *row = cr_row_at(&r->to, blocks, w->n, y, block);
        if (r->out.block == 1)
            memcpy(row, planes, (size_t)width * sizeof *row);
        else
            r->kernels->pack_row(row, 0, planes, (ptrdiff_t)w->plane_stride, channels, width);
        cr_row_clear_borders(&r->to, row);
    }
}

static void
unpack_block(const Rows *w, float *planes, const void *blocks, int block, int channels)
{
    const Reorder *r = w->r;
    int width = r->from.size.w;

    for (int y = w->begin; y < w->end; y++, planes += width) {
        const float *row = cr_row_at(&r->from, blocks, w->n, y, block);
        if (r->in.block == 1)
            memcpy(planes, row, (size_t)width * sizeof *row);
        else
            r->kernels->unpack_row(planes, (ptrdiff_t)w->plane_stride, row, 0, channels, width);
    }
}

static void
pack(const Rows *w, void *blocks, const float *planes)
{
    const CrDesc *desc = &w->r->out;

    for (int b = 0; b < w->r->to.stride.blocks; b++) {
        int first, channels = cr_desc_block_channels(desc, b, &first);
        pack_block(w, blocks, b, channels, planes + (size_t)first * w->plane_stride);
    }
}

static void
unpack(const Rows *w, float *planes, const void *blocks)
{
    const CrDesc *desc = &w->r->in;

    for (int b = 0; b < w->r->from.stride.blocks; b++) {
        int first, channels = cr_desc_block_channels(desc, b, &first);
        unpack_block(w, planes + (size_t)first * w->plane_stride, blocks, b, channels);
    }
}

/* One tile is some rows of one image. */
static void
rows_tile(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const Reorder *r = step->params;
    CrNchw size = cr_desc_nchw(&r->in);
    size_t plane = (size_t)size.h * (size_t)size.w;
    int tiles = cr_div_up(size.h, r->rows_per_tile);
    Rows w = {
        .r = r, .n = tile / tiles, .begin = tile % tiles * r->rows_per_tile, .plane_stride = plane};
    w.end = MIN(w.begin + r->rows_per_tile, size.h);
    size_t at = (size_t)w.n * (size_t)size.c * plane + (size_t)w.begin * (size_t)size.w;

    if (!r->in.block) {
        pack(&w, io[1], (const float *)io[0] + at);
    } else if (!r->out.block) {
        unpack(&w, (float *)io[1] + at, io[0]);
    } else {
        w.plane_stride = (size_t)r->rows_per_tile * (size_t)size.w;
        unpack(&w, scratch, io[0]);
        pack(&w, io[1], scratch);
    }
}

static bool
infer(CrOpSetup *setup, GError **error)
{
    return cr_op_set_out(setup, 0, setup->in[0].dtype, setup->in[0].dims, setup->in[0].n_dims,
                         error);
}

static bool
prepare(CrOpSetup *setup, CrStep *step, GError **error)
{
    Reorder *r = cr_region_alloc(setup->region, 1, sizeof *r, "Reorder", error);
    if (!r)
        return false;
    r->kernels = setup->kernels;
    r->in = setup->in[0];
    r->out = setup->out[0];
    r->bytes = cr_desc_bytes(&setup->in[0]);
    step->params = r;
    step->kernel = "copy";
    if (!r->in.block && !r->out.block) {
        step->run = copy_tile;
        step->n_tiles = (int)((r->bytes + COPY_TILE - 1) / COPY_TILE);
        return true;
    }
    CrNchw size = cr_desc_nchw(&r->in);
    if (r->in.block)
        r->from = cr_rows(&r->in);
    if (r->out.block)
        r->to = cr_rows(&r->out);
    r->rows_per_tile =
        MIN(MAX(cr_rows_per_tile(r->out.block ? &r->to : &r->from), MIN_ROWS), size.h);
    step->run = rows_tile;
    step->n_tiles = size.n * cr_div_up(size.h, r->rows_per_tile);
    step->rows = cr_step_rows(r->out.block ? &r->to : &r->from, r->rows_per_tile);
    if (r->in.block && r->out.block)
        step->scratch = (size_t)size.c * (size_t)r->rows_per_tile * (size_t)size.w * sizeof(float);
    return true;
}

const CrOp cr_op_reorder = {
    .name = "Reorder",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .infer = infer,
    .prepare = prepare,
};
