/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* LRN (onnx.ai/onnx/operators/onnx__LRN.html): x (N, C, space…),
 *     y[c] = x[c] / (bias + alpha / size · Σ x[i]²)^beta
 * over the `size` channels i around c, as many of them as there are. */
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/tile.h"
#include <math.h>

#define STRIP 256 /* pixels whose sums are held at once */

typedef struct {
    int64_t channels, before, after; /* the window: c − before … c + after */
    int64_t planes, per_tile;        /* pictures · channels */
    size_t area;
    double scale, beta, bias; /* scale: alpha / size */
} Lrn;

static bool
infer_lrn(CrOpSetup *setup, GError **error)
{
    int64_t size = cr_node_int(setup->node, "size", 0);

    if (!cr_op_want_dtype(setup, 0, CONVRNN_DTYPE_FLOAT32, error))
        return false;
    if (setup->in[0].n_dims < 2)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "the input must have at least 2 dimensions (N, C, space), it has %d",
                           setup->in[0].n_dims);
    if (size < 1)
        return cr_op_error(setup, CONVRNN_ERROR_FORMAT, error,
                           "size is %" G_GINT64_FORMAT ", must be at least 1", size);
    return cr_op_like_input(setup, error);
}

/* n pixels of channel c, the first of which is at x and y. */
static void
normalize(const Lrn *p, float *y, const float *x, int64_t c, size_t n)
{
    int64_t first = MAX(c - p->before, 0), last = MIN(c + p->after, p->channels - 1);
    double sum[STRIP] = {0};

    for (int64_t i = first; i <= last; i++) {
        const float *other = x + (i - c) * (int64_t)p->area;
        for (size_t k = 0; k < n; k++)
            sum[k] += (double)other[k] * (double)other[k];
    }
    for (size_t k = 0; k < n; k++)
        y[k] = (float)((double)x[k] * pow(p->bias + p->scale * sum[k], -p->beta));
}

static void
run_lrn(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const Lrn *p = step->params;
    int64_t end = cr_tile_end(tile, p->per_tile, p->planes);

    for (int64_t plane = tile * p->per_tile; plane < end; plane++) {
        const float *x = (const float *)io[0] + (size_t)plane * p->area;
        float *y = (float *)io[step->n_in] + (size_t)plane * p->area;
        for (size_t at = 0; at < p->area; at += STRIP)
            normalize(p, y + at, x + at, plane % p->channels, MIN(p->area - at, STRIP));
    }
}

static bool
prepare_lrn(CrOpSetup *setup, CrStep *step, GError **error)
{
    const CrDesc *x = &setup->in[0];
    int64_t size = cr_node_int(setup->node, "size", 0);
    Lrn *p = cr_op_params(setup, step, Lrn, error);

    if (!p)
        return false;
    size_t elements = cr_desc_elements(x);
    p->channels = x->dims[1];
    p->before = MIN((size - 1) / 2, p->channels);
    p->after = MIN(size / 2, p->channels);
    p->planes = elements ? x->dims[0] * p->channels : 0;
    p->area = elements ? elements / (size_t)p->planes : 0;
    p->scale = (double)cr_node_float(setup->node, "alpha", 1e-4f) / (double)size;
    p->beta = (double)cr_node_float(setup->node, "beta", 0.75f);
    p->bias = (double)cr_node_float(setup->node, "bias", 1);
    step->n_tiles =
        cr_tile_cut(p->planes, (int64_t)p->area * (p->before + p->after + 32), &p->per_tile);
    step->run = run_lrn;
    step->kernel = "plain";
    return true;
}

static const CrAttrSpec lrn_attrs[] = {{"alpha", CR_ATTR_FLOAT},
                                       {"beta", CR_ATTR_FLOAT},
                                       {"bias", CR_ATTR_FLOAT},
                                       {"size", CR_ATTR_INT},
                                       {NULL, CR_ATTR_INT}};

const CrOp cr_op_lrn = {
    .name = "LRN",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .attrs = lrn_attrs,
    .infer = infer_lrn,
    .prepare = prepare_lrn,
};
