/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* BatchNormalization as it is used after training:
 *     y = (x − mean[c]) / √(var[c] + ε) · scale[c] + b[c]
 * computed as a·x + d with a and d per channel in double, rounded once. */
#include "kernels/kernels.h"
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/tile.h"
#include <math.h>

typedef struct {
    const CrKernels *kernels;
    int64_t channels;
    int64_t planes, per_tile; /* batch · channels */
    size_t area;              /* elements of a plane */
    double epsilon;
} BatchNorm;

static bool
batch_norm_infer(CrOpSetup *setup, GError **error)
{
    static const char *const names[] = {"x", "scale", "bias", "mean", "variance"};
    const CrDesc *x = &setup->in[0];
    int64_t channels = x->n_dims > 1 ? x->dims[1] : 1;

    if (cr_node_int(setup->node, "training_mode", 0) != 0 || setup->n_out > 1)
        return cr_op_error(setup, CONVRNN_ERROR_UNSUPPORTED, error,
                           "this is the training form (training_mode=1 or several outputs); export "
                           "the network in evaluation mode");
    for (int i = 0; i < 5; i++) {
        if (!cr_op_want_dtype(setup, i, CONVRNN_DTYPE_FLOAT32, error))
            return false;
        if (i == 0 || (setup->in[i].n_dims == 1 && setup->in[i].dims[0] == channels))
            continue;
        g_autofree char *found = cr_desc_to_string(&setup->in[i]);
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "%s must have %" G_GINT64_FORMAT
                           " elements, one per channel of the input; it is %s",
                           names[i], channels, found);
    }
    if (x->n_dims < 1)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error, "the input is a scalar");
    return cr_op_set_out(setup, 0, CONVRNN_DTYPE_FLOAT32, x->dims, x->n_dims, error);
}

static void
batch_norm_run(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const BatchNorm *p = step->params;
    const float *scale = io[1], *bias = io[2], *mean = io[3], *variance = io[4];
    int64_t end = cr_tile_end(tile, p->per_tile, p->planes);

    for (int64_t plane = tile * p->per_tile; plane < end; plane++) {
        int64_t c = plane % p->channels;
        double a = scale[c] / sqrt((double)variance[c] + p->epsilon);
        double d = bias[c] - a * mean[c];
        size_t at = (size_t)plane * p->area;
        p->kernels->unary[CR_UNARY_AFFINE]((float *)io[step->n_in] + at, (const float *)io[0] + at,
                                           p->area, (float)a, (float)d);
    }
}

static bool
batch_norm_prepare(CrOpSetup *setup, CrStep *step, GError **error)
{
    const CrDesc *x = &setup->in[0];
    BatchNorm *p = cr_op_params(setup, step, BatchNorm, error);
    if (!p)
        return false;
    p->kernels = setup->kernels;
    p->channels = x->n_dims > 1 ? x->dims[1] : 1;
    p->planes = cr_desc_elements(x) ? x->dims[0] * p->channels : 0;
    p->area = p->planes ? cr_desc_elements(x) / (size_t)p->planes : 0;
    p->epsilon = (double)cr_node_float(setup->node, "epsilon", 1e-5f);
    step->n_tiles = cr_tile_cut(p->planes, (int64_t)p->area + 32, &p->per_tile);
    step->run = batch_norm_run;
    step->kernel = "plain";
    return true;
}

static const CrAttrSpec batch_norm_attrs[] = {
    {"epsilon", CR_ATTR_FLOAT},
    {"momentum", CR_ATTR_FLOAT},
    {"training_mode", CR_ATTR_INT},
    {NULL, CR_ATTR_INT},
};

const CrOp cr_op_batch_norm = {
    .name = "BatchNormalization",
    .min_in = 5,
    .max_in = 5,
    .min_out = 1,
    .max_out = 3,
    .attrs = batch_norm_attrs,
    .infer = batch_norm_infer,
    .prepare = batch_norm_prepare,
};
