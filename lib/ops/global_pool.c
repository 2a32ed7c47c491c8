/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GlobalAveragePool, GlobalMaxPool, GlobalLpPool: x (N, C, space…) → y (N, C, 1…). */
#include "ops/norm.h"
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/tile.h"
#include <math.h>

typedef struct {
    size_t area;                /* elements of one channel, at least 1 */
    int64_t channels, per_tile; /* of all pictures */
    int64_t order;              /* GlobalLpPool's p */
} GlobalPool;

static bool
global_pool_infer(CrOpSetup *setup, GError **error)
{
    const CrDesc *x = &setup->in[0];
    int64_t dims[CONVRNN_MAX_RANK];

    if (!cr_op_want_dtype(setup, 0, CONVRNN_DTYPE_FLOAT32, error))
        return false;
    if (x->n_dims < 2)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "the input must have at least 2 dimensions (N, C, space), it has %d",
                           x->n_dims);
    for (int i = 0; i < x->n_dims; i++) {
        dims[i] = i < 2 ? x->dims[i] : 1;
        if (i >= 2 && x->dims[i] == 0)
            return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                               "the input is empty on axis %d: there is nothing to pool", i);
    }
    return cr_op_set_out(setup, 0, CONVRNN_DTYPE_FLOAT32, dims, x->n_dims, error);
}

static void
average_run(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const GlobalPool *p = step->params;
    int64_t end = cr_tile_end(tile, p->per_tile, p->channels);
    float *y = io[step->n_in];

    for (int64_t c = tile * p->per_tile; c < end; c++) {
        const float *x = (const float *)io[0] + (size_t)c * p->area;
        double sum = 0;
        for (size_t i = 0; i < p->area; i++)
            sum += x[i];
        y[c] = (float)(sum / (double)p->area);
    }
}

static void
max_run(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const GlobalPool *p = step->params;
    int64_t end = cr_tile_end(tile, p->per_tile, p->channels);
    float *y = io[step->n_in];

    for (int64_t c = tile * p->per_tile; c < end; c++) {
        const float *x = (const float *)io[0] + (size_t)c * p->area;
        float best = x[0];
        for (size_t i = 1; i < p->area; i++)
            if (x[i] > best || isnan(x[i]))
                best = x[i];
        y[c] = best;
    }
}

static void
lp_run(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const GlobalPool *p = step->params;
    int64_t end = cr_tile_end(tile, p->per_tile, p->channels);
    float *y = io[step->n_in];

    for (int64_t c = tile * p->per_tile; c < end; c++) {
        const float *x = (const float *)io[0] + (size_t)c * p->area;
        double sum = 0;
        for (size_t i = 0; i < p->area; i++)
            sum += cr_norm_term(x[i], p->order);
        y[c] = cr_norm_root(sum, p->order);
    }
}

static bool
lp_infer(CrOpSetup *setup, GError **error)
{
    int64_t order;
    return cr_norm_order(setup, &order, error) && global_pool_infer(setup, error);
}

static bool
global_pool_prepare(CrOpSetup *setup, CrStep *step, CrRunFn run, GError **error)
{
    GlobalPool *p = cr_op_params(setup, step, GlobalPool, error);
    if (!p || !cr_norm_order(setup, &p->order, error))
        return false;
    p->channels = (int64_t)cr_desc_elements(&setup->out[0]);
    p->area = p->channels ? cr_desc_elements(&setup->in[0]) / (size_t)p->channels : 1;
    step->n_tiles = cr_tile_cut(p->channels, (int64_t)p->area, &p->per_tile);
    step->run = run;
    step->kernel = "plain";
    return true;
}

static bool
average_prepare(CrOpSetup *setup, CrStep *step, GError **error)
{
    return global_pool_prepare(setup, step, average_run, error);
}

static bool
max_prepare(CrOpSetup *setup, CrStep *step, GError **error)
{
    return global_pool_prepare(setup, step, max_run, error);
}

static bool
lp_prepare(CrOpSetup *setup, CrStep *step, GError **error)
{
    return global_pool_prepare(setup, step, lp_run, error);
}

static const CrAttrSpec lp_attrs[] = {{"p", CR_ATTR_INT}, {NULL, CR_ATTR_INT}};

const CrOp cr_op_global_average_pool = {
    .name = "GlobalAveragePool",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .attrs = cr_op_no_attrs,
    .infer = global_pool_infer,
    .prepare = average_prepare,
};

const CrOp cr_op_global_max_pool = {
    .name = "GlobalMaxPool",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .attrs = cr_op_no_attrs,
    .infer = global_pool_infer,
    .prepare = max_prepare,
};

const CrOp cr_op_global_lp_pool = {
    .name = "GlobalLpPool",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .attrs = lp_attrs,
    .infer = lp_infer,
    .prepare = lp_prepare,
};
