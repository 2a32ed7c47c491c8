/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Means over all pixels in blocks or planes, and over the channels of planes. */
#include "core/size.h"
#include "kernels/kernels.h"
#include "ops/blocked.h"
#include "ops/rows.h"

typedef struct {
    const CrKernels *kernels;
    CrRows in, out;
    int rows_per_tile;
} Mean;

/* --- over all pixels --- */

/* sum[lane] of a row of a block. A row of a plane goes through as many lanes as a block has, which
 * are added in the end. */
static void
sum_of_row(const Mean *m, const float *row, float *sum)
{
    int width = m->in.size.w, lanes = m->kernels->block;

    if (m->in.block > 1) {
        m->kernels->sum_row(sum, row, width);
        return;
    }
    float part[CR_MAX_BLOCK] = {0};
    m->kernels->sum_row(part, row, width / lanes);
    for (int x = width / lanes * lanes; x < width; x++)
        part[x % lanes] += row[x];
    for (int i = 0; i < lanes; i++)
        *sum += part[i];
}

/* One block of one image. Sums of rows first: the error grows with the height and the width, not
 * with their product. */
static void
pixels_tile(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const Mean *m = step->params;
    int n = tile / m->in.stride.blocks, block = tile % m->in.stride.blocks, lanes = m->in.block;
    float total[CR_MAX_BLOCK] = {0}, *out = cr_row_at(&m->out, io[step->n_in], n, 0, block);
    float count = (float)m->in.size.h * (float)m->in.size.w;
    (void)scratch;

    for (int y = 0; y < m->in.size.h; y++) {
        float sum[CR_MAX_BLOCK] = {0};
        sum_of_row(m, cr_row_at(&m->in, io[0], n, y, block), sum);
        for (int i = 0; i < lanes; i++)
            total[i] += sum[i];
    }
    for (int i = 0; i < lanes; i++)
        out[i] = total[i] / count;
    cr_row_clear_borders(&m->out, out);
}

/* --- over the channels of planes: pooling whose window has a row in each --- */

static void
channels_tile(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const Mean *m = step->params;
    int all = m->out.size.n * m->out.size.h;
    int begin = tile * m->rows_per_tile, end = MIN(begin + m->rows_per_tile, all);
    (void)scratch;

    for (int i = begin; i < end; i++) {
        int n = i / m->out.size.h, y = i % m->out.size.h;
        CrPoolRow row = {.x = cr_row_at(&m->in, io[0], n, y, 0),
                         .row_stride = (ptrdiff_t)m->in.stride.block_stride,
                         .kw = 1,
                         .ky_end = m->in.size.c,
                         .rows_counted = m->in.size.c,
                         .stride = 1,
                         .dilation = 1,
                         .in_width = m->in.size.w,
                         .y = cr_row_at(&m->out, io[step->n_in], n, y, 0),
                         .width = m->out.size.w};
        m->kernels->average_pool_plane_row(&row);
        cr_row_clear_borders(&m->out, row.y);
    }
}

/* --- the nodes --- */

/* Whether the output keeps every axis but those from `first` to `last`, whose size becomes 1. */
static bool
reduces(const CrOpSetup *setup, int first, int last)
{
    const CrDesc *in = &setup->in[0], *out = &setup->out[0];

    for (int i = 0; i < 4; i++)
        if (out->dims[i] != (i >= first && i <= last ? 1 : in->dims[i]))
            return false;
    return true;
}

static bool
prepare(CrOpSetup *setup, CrStep *step, GError **error)
{
    Mean *m = cr_region_alloc(setup->region, 1, sizeof *m, setup->node->name, error);

    if (!m)
        return false;
    m->kernels = setup->kernels;
    m->in = cr_rows(&setup->in[0]);
    m->out = cr_rows(&setup->out[0]);
    m->rows_per_tile = cr_rows_per_tile(&m->in);
    step->params = m;
    step->kernel = setup->kernels->name;
    if (reduces(setup, 2, 3)) {
        step->run = pixels_tile;
        step->n_tiles = m->in.size.n * m->in.stride.blocks;
    } else {
        step->run = channels_tile;
        step->n_tiles = cr_div_up(m->in.size.n * m->in.size.h, m->rows_per_tile);
        step->rows = cr_step_rows(&m->out, m->rows_per_tile);
    }
    return true;
}

static bool
blocked(CrOpSetup *setup)
{
    CrDesc *in = &setup->in[0], *out = &setup->out[0];

    if (in->n_dims != 4 || out->n_dims != 4 || (!reduces(setup, 2, 3) && !reduces(setup, 1, 1)) ||
        !cr_desc_take_rows(in) || (!reduces(setup, 2, 3) && in->block != 1))
        return false;
    cr_desc_set_layout(out, in);
    return true;
}

#define BLOCKED_MEAN(id, onnx, inputs)                                                             \
    const CrOp cr_op_blocked_##id = {.name = onnx,                                                 \
                                     .min_in = 1,                                                  \
                                     .max_in = inputs,                                             \
                                     .min_out = 1,                                                 \
                                     .max_out = 1,                                                 \
                                     .prepare = prepare,                                           \
                                     .blocked = blocked}

BLOCKED_MEAN(global_average_pool, "GlobalAveragePool", 1);
BLOCKED_MEAN(reduce_mean, "ReduceMean", 2);
