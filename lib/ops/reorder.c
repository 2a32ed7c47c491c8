/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/reorder.h"
#include "core/size.h"
#include "kernels/kernels.h"
#include "ops/rows.h"

#define COPY_TILE (256 << 10) /* bytes */

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

/* One row: planes (plane_stride apart) to the blocks of `to`. */
static void
pack(const Reorder *r, float *row, const float *planes, size_t plane_stride)
{
    const CrDesc *desc = &r->out;
    size_t block_stride = r->to.stride.block_stride;

    for (int p = 0, c = 0, b = 0; p < cr_desc_parts(desc); p++) {
        int channels = cr_desc_part(desc, p);
        const float *src = planes + (size_t)c * plane_stride;
        float *dst = row + (size_t)b * block_stride;
        if (desc->block == 1)
            for (int k = 0; k < channels; k++)
                memcpy(dst + (size_t)k * block_stride, src + (size_t)k * plane_stride,
                       (size_t)r->to.size.w * sizeof *dst);
        else
            r->kernels->pack_row(dst, (ptrdiff_t)block_stride, src, (ptrdiff_t)plane_stride,
                                 channels, r->to.size.w);
        c += channels;
        b += cr_div_up(channels, desc->block);
    }
    for (int b = 0; b < r->to.stride.blocks; b++)
        cr_row_clear_borders(&r->to, row + (size_t)b * block_stride);
}

static void
unpack(const Reorder *r, float *planes, size_t plane_stride, const float *row)
{
    const CrDesc *desc = &r->in;
    size_t block_stride = r->from.stride.block_stride;

    for (int p = 0, c = 0, b = 0; p < cr_desc_parts(desc); p++) {
        int channels = cr_desc_part(desc, p);
        float *dst = planes + (size_t)c * plane_stride;
        const float *src = row + (size_t)b * block_stride;
        if (desc->block == 1)
            for (int k = 0; k < channels; k++)
                memcpy(dst + (size_t)k * plane_stride, src + (size_t)k * block_stride,
                       (size_t)r->from.size.w * sizeof *dst);
        else
            r->kernels->unpack_row(dst, (ptrdiff_t)plane_stride, src, (ptrdiff_t)block_stride,
                                   channels, r->from.size.w);
        c += channels;
        b += cr_div_up(channels, desc->block);
    }
}

/* One tile is rows_per_tile rows of the N·H rows. */
static void
rows_tile(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const Reorder *r = step->params;
    CrNchw size = cr_desc_nchw(&r->in);
    size_t plane = (size_t)size.h * (size_t)size.w;
    int begin = tile * r->rows_per_tile, end = MIN(begin + r->rows_per_tile, size.n * size.h);

    for (int i = begin; i < end; i++) {
        int n = i / size.h, y = i % size.h;
        size_t at = (size_t)n * (size_t)size.c * plane + (size_t)y * (size_t)size.w;
        if (!r->in.block) {
            pack(r, cr_row_at(&r->to, io[1], n, y, 0), (const float *)io[0] + at, plane);
        } else if (!r->out.block) {
            unpack(r, (float *)io[1] + at, plane, cr_row_at(&r->from, io[0], n, y, 0));
        } else {
            unpack(r, scratch, (size_t)size.w, cr_row_at(&r->from, io[0], n, y, 0));
            pack(r, cr_row_at(&r->to, io[1], n, y, 0), scratch, (size_t)size.w);
        }
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
    r->rows_per_tile = cr_rows_per_tile(r->out.block ? &r->to : &r->from);
    step->run = rows_tile;
    step->n_tiles = cr_div_up(size.n * size.h, r->rows_per_tile);
    if (r->in.block && r->out.block)
        step->scratch = (size_t)size.c * (size_t)size.w * sizeof(float);
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
