/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pooling in blocks: row by row, all lanes at once. */
#include "core/size.h"
#include "kernels/kernels.h"
#include "ops/blocked.h"
#include "ops/pool.h"
#include "ops/rows.h"

typedef struct {
    CrPool pool; /* three axes */
    bool average;
    const CrKernels *kernels;
    CrRows in, out;
    int rows_per_tile;
} BlockedPool;

static void
pool_row(const BlockedPool *p, void *const *io, int n, int y, int block)
{
    const CrWindow *w = &p->pool.window;
    CrPoolRow row = {.row_stride = (ptrdiff_t)p->in.stride.row_stride * w->dilation[1],
                     .kw = w->kernel[2],
                     .stride = w->stride[2],
                     .dilation = w->dilation[2],
                     .pad_left = w->pad_begin[2],
                     .pad_right = w->pad_end[2],
                     .in_width = w->in[2],
                     .width = w->out[2],
                     .count_include_pad = p->pool.count_include_pad};

    cr_window_taps(w, 1, y, &row.ky_begin, &row.ky_end);
    row.rows_counted = p->average ? cr_pool_divisor(&p->pool, 1, y) : 0;
    row.x = cr_row_at(&p->in, io[0], n, y * w->stride[1] - w->pad_begin[1], block);
    row.y = cr_row_at(&p->out, io[1], n, y, block);
    if (p->average)
        p->kernels->average_pool_row(&row);
    else
        p->kernels->max_pool_row(&row);
    cr_row_clear_borders(&p->out, row.y);
}

static void
pool_tile(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const BlockedPool *p = step->params;
    int all = p->out.size.n * p->out.size.h;
    int begin = tile * p->rows_per_tile, end = MIN(begin + p->rows_per_tile, all);
    (void)scratch;

    for (int i = begin; i < end; i++)
        for (int block = 0; block < p->out.stride.blocks; block++)
            pool_row(p, io, i / p->out.size.h, i % p->out.size.h, block);
}

static bool
pool_prepare(CrOpSetup *setup, CrStep *step, GError **error)
{
    BlockedPool *p = cr_region_alloc(setup->region, 1, sizeof *p, setup->node->name, error);

    if (!p || !cr_pool_parse(setup, &p->pool, error))
        return false;
    cr_window_to_3d(&p->pool.window);
    p->average = g_str_equal(setup->node->op, "AveragePool");
    p->kernels = setup->kernels;
    p->in = cr_rows(&setup->in[0]);
    p->out = cr_rows(&setup->out[0]);
    p->rows_per_tile = cr_rows_per_tile(&p->out);
    step->run = pool_tile;
    step->params = p;
    step->n_tiles = cr_div_up(p->out.size.n * p->out.size.h, p->rows_per_tile);
    step->kernel = setup->kernels->name;
    return true;
}

static bool
pool_blocked(CrOpSetup *setup)
{
    if (setup->in[0].block != setup->kernels->block || setup->in[0].n_dims != 4 ||
        (setup->n_out > 1 && setup->out[1].dtype != CONVRNN_DTYPE_UNDEFINED))
        return false;
    cr_desc_set_layout(&setup->out[0], &setup->in[0]);
    return true;
}

/* --- means over all pixels --- */

typedef struct {
    const CrKernels *kernels;
    CrRows in, out;
} GlobalPool;

/* One block of one image. Sums of rows first: the error grows with the height and the width, not
 * with their product. */
static void
global_tile(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const GlobalPool *p = step->params;
    int n = tile / p->in.stride.blocks, block = tile % p->in.stride.blocks, lanes = p->in.block;
    float total[CR_MAX_BLOCK] = {0}, *out = cr_row_at(&p->out, io[step->n_in], n, 0, block);
    float count = (float)p->in.size.h * (float)p->in.size.w;
    (void)scratch;

    for (int y = 0; y < p->in.size.h; y++) {
        float sum[CR_MAX_BLOCK] = {0};
        p->kernels->sum_row(sum, cr_row_at(&p->in, io[0], n, y, block), p->in.size.w);
        for (int i = 0; i < lanes; i++)
            total[i] += sum[i];
    }
    for (int i = 0; i < lanes; i++)
        out[i] = total[i] / count;
    cr_row_clear_borders(&p->out, out);
}

static bool
global_prepare(CrOpSetup *setup, CrStep *step, GError **error)
{
    GlobalPool *p = cr_region_alloc(setup->region, 1, sizeof *p, setup->node->name, error);

    if (!p)
        return false;
    p->kernels = setup->kernels;
    p->in = cr_rows(&setup->in[0]);
    p->out = cr_rows(&setup->out[0]);
    step->run = global_tile;
    step->params = p;
    step->n_tiles = p->in.size.n * p->in.stride.blocks;
    step->kernel = setup->kernels->name;
    return true;
}

/* GlobalAveragePool, or a ReduceMean over H and W that keeps them. */
static bool
global_blocked(CrOpSetup *setup)
{
    const CrDesc *in = &setup->in[0], *out = &setup->out[0];

    if (in->block != setup->kernels->block || in->n_dims != 4 || out->n_dims != 4 ||
        out->dims[1] != in->dims[1] || out->dims[2] != 1 || out->dims[3] != 1 ||
        out->dims[0] != in->dims[0])
        return false;
    cr_desc_set_layout(&setup->out[0], in);
    return true;
}

#define BLOCKED_POOL(id, onnx, prefix)                                                             \
    const CrOp cr_op_blocked_##id = {.name = onnx,                                                 \
                                     .min_in = 1,                                                  \
                                     .max_in = 2,                                                  \
                                     .min_out = 1,                                                 \
                                     .max_out = 2,                                                 \
                                     .prepare = prefix##_prepare,                                  \
                                     .blocked = prefix##_blocked}

BLOCKED_POOL(max_pool, "MaxPool", pool);
BLOCKED_POOL(average_pool, "AveragePool", pool);
BLOCKED_POOL(global_average_pool, "GlobalAveragePool", global);
