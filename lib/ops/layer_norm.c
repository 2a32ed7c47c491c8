/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* LayerNormalization (onnx.ai/onnx/operators/onnx__LayerNormalization.html): every row, which is
 * all dimensions from `axis` on,
 *     y = (x − mean) / √(variance + ε) · scale + bias
 * Outputs 1 and 2, where wanted, are each row's mean and 1 / √(variance + ε).
 *
 * RMSNormalization (onnx__RMSNormalization.html) takes no mean away and has no bias:
 *     y = x / √(mean of x² + ε) · scale */
#include "ops/moments.h"
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/tile.h"

typedef struct {
    size_t n; /* elements of a row */
    int64_t rows, per_tile;
    size_t scale_step, bias_step; /* 0 repeats the only element */
    bool has_bias;
    double epsilon;
    bool centred; /* the mean is taken away */
} LayerNorm;

/* scale or bias: of a row's shape, or a single element. */
static bool
check_factor(const CrOpSetup *setup, int index, int axis, GError **error)
{
    const CrDesc *x = &setup->in[0], *in = &setup->in[index];
    int extra;
    bool fits = true;

    if (!cr_op_want_dtype(setup, index, CONVRNN_DTYPE_FLOAT32, error))
        return false;
    if (cr_desc_elements(in) == 1 && in->n_dims <= x->n_dims)
        return true;
    extra = in->n_dims - (x->n_dims - axis);
    for (int i = 0; i < in->n_dims && extra >= 0; i++)
        fits = fits && in->dims[i] == (i < extra ? 1 : x->dims[axis + i - extra]);
    if (extra >= 0 && extra <= axis && fits)
        return true;
    return cr_op_bad_shapes(setup, 0, index, error);
}

static bool
infer_layer_norm(CrOpSetup *setup, GError **error)
{
    const CrDesc *x = &setup->in[0];
    int64_t dims[CONVRNN_MAX_RANK];
    int axis;

    if (!cr_op_want_dtype(setup, 0, CONVRNN_DTYPE_FLOAT32, error) ||
        !cr_op_axis(setup, cr_node_int(setup->node, "axis", -1), x->n_dims, &axis, error) ||
        !check_factor(setup, 1, axis, error) ||
        (cr_op_has_input(setup, 2) && !check_factor(setup, 2, axis, error)))
        return false;
    for (int i = 0; i < x->n_dims; i++)
        dims[i] = i < axis ? x->dims[i] : 1;
    for (int i = 1; i < setup->n_out; i++)
        if (cr_op_has_output(setup, i) &&
            !cr_op_set_out(setup, i, CONVRNN_DTYPE_FLOAT32, dims, x->n_dims, error))
            return false;
    return cr_op_like_input(setup, error);
}

static void
run_layer_norm(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const LayerNorm *p = step->params;
    const float zero = 0, *scale = io[1], *bias = p->has_bias ? io[2] : &zero;
    float *mean = step->n_out > 1 ? io[step->n_in + 1] : NULL;
    float *inverse = step->n_out > 2 ? io[step->n_in + 2] : NULL;
    int64_t end = cr_tile_end(tile, p->per_tile, p->rows);

    for (int64_t row = tile * p->per_tile; row < end; row++) {
        const float *x = (const float *)io[0] + (size_t)row * p->n;
        float *y = (float *)io[step->n_in] + (size_t)row * p->n;
        CrMoments m =
            p->centred ? cr_moments(x, p->n, p->epsilon) : cr_moments_about(0, x, p->n, p->epsilon);
        for (size_t i = 0; i < p->n; i++)
            y[i] = (float)(((double)x[i] - m.mean) * m.inverse * (double)scale[i * p->scale_step] +
                           (double)bias[i * p->bias_step]);
        if (mean)
            mean[row] = (float)m.mean;
        if (inverse)
            inverse[row] = (float)m.inverse;
    }
}

static bool
prepare(CrOpSetup *setup, CrStep *step, bool centred, GError **error)
{
    const CrDesc *x = &setup->in[0];
    LayerNorm *p = cr_op_params(setup, step, LayerNorm, error);
    int axis;

    if (!p || !cr_op_axis(setup, cr_node_int(setup->node, "axis", -1), x->n_dims, &axis, error))
        return false;
    p->n = p->rows = 1;
    for (int i = 0; i < axis; i++)
        p->rows *= x->dims[i];
    for (int i = axis; i < x->n_dims; i++)
        p->n *= (size_t)x->dims[i];
    p->has_bias = cr_op_has_input(setup, 2);
    p->scale_step = cr_desc_elements(&setup->in[1]) > 1;
    p->bias_step = p->has_bias && cr_desc_elements(&setup->in[2]) > 1;
    p->epsilon = (double)cr_node_float(setup->node, "epsilon", 1e-5f);
    step->n_tiles = cr_tile_cut(p->rows, (int64_t)p->n * 4, &p->per_tile);
    p->centred = centred;
    step->run = run_layer_norm;
    step->kernel = "plain";
    return true;
}

static bool
prepare_layer_norm(CrOpSetup *setup, CrStep *step, GError **error)
{
    return prepare(setup, step, true, error);
}

static bool
prepare_rms_norm(CrOpSetup *setup, CrStep *step, GError **error)
{
    return prepare(setup, step, false, error);
}

/* stash_type: sums are of type double, whatever it asks for. */
static const CrAttrSpec layer_norm_attrs[] = {{"axis", CR_ATTR_INT},
                                              {"epsilon", CR_ATTR_FLOAT},
                                              {"stash_type", CR_ATTR_INT},
                                              {NULL, CR_ATTR_INT}};

const CrOp cr_op_layer_norm = {
    .name = "LayerNormalization",
    .min_in = 2,
    .max_in = 3,
    .min_out = 1,
    .max_out = 3,
    .attrs = layer_norm_attrs,
    .infer = infer_layer_norm,
    .prepare = prepare_layer_norm,
};

const CrOp cr_op_rms_norm = {
    .name = "RMSNormalization",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .attrs = layer_norm_attrs,
    .infer = infer_layer_norm,
    .prepare = prepare_rms_norm,
};
