/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pooling of rows of blocks or planes. */
#include "core/size.h"
#include "kernels/kernels.h"
#include "ops/blocked.h"
#include "ops/pool.h"
#include "ops/rows.h"

typedef struct {
    CrPool pool; /* three axes */
    bool average;
    void (*kernel)(const CrPoolRow *row);
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
    p->kernel(&row);
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
needs(const CrStep *step, int input, int *begin, int *end)
{
    const BlockedPool *p = step->params;
    (void)input;
    cr_window_span(&p->pool.window, 1, begin, end);
    return true;
}

static bool
prepare(CrOpSetup *setup, CrStep *step, GError **error)
{
    BlockedPool *p = cr_region_alloc(setup->region, 1, sizeof *p, setup->node->name, error);

    if (!p || !cr_pool_parse(setup, &p->pool, error))
        return false;
    cr_window_to_3d(&p->pool.window);
    p->average = g_str_equal(setup->node->op, "AveragePool");
    p->in = cr_rows(&setup->in[0]);
    if (p->in.block == 1)
        p->kernel = p->average ? setup->kernels->average_pool_plane_row
                               : setup->kernels->max_pool_plane_row;
    else
        p->kernel = p->average ? setup->kernels->average_pool_row : setup->kernels->max_pool_row;
    p->out = cr_rows(&setup->out[0]);
    p->rows_per_tile = cr_rows_per_tile(&p->out);
    step->run = pool_tile;
    step->params = p;
    step->n_tiles = cr_div_up(p->out.size.n * p->out.size.h, p->rows_per_tile);
    step->rows = cr_step_rows(&p->out, p->rows_per_tile);
    step->rows.needs = needs;
    step->kernel = setup->kernels->name;
    return true;
}

static bool
blocked(CrOpSetup *setup)
{
    if ((setup->n_out > 1 && setup->out[1].dtype != CONVRNN_DTYPE_UNDEFINED) ||
        !cr_desc_take_rows(&setup->in[0]))
        return false;
    cr_desc_set_layout(&setup->out[0], &setup->in[0]);
    return true;
}

#define BLOCKED_POOL(id, onnx)                                                                     \
    const CrOp cr_op_blocked_##id = {.name = onnx,                                                 \
                                     .min_in = 1,                                                  \
                                     .max_in = 1,                                                  \
                                     .min_out = 1,                                                 \
                                     .max_out = 2,                                                 \
                                     .prepare = prepare,                                           \
                                     .blocked = blocked}

BLOCKED_POOL(max_pool, "MaxPool");
BLOCKED_POOL(average_pool, "AveragePool");
