/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* InstanceNormalization and GroupNormalization: x (N, C, space…), scale and bias (C);
 *     y = (x − mean) / √(variance + ε) · scale[c] + bias[c]
 * with mean and variance over the space of a group of channels of one picture;
 * InstanceNormalization has one channel in each group. GroupNormalization takes scale and bias per
 * group, too, as opset 18 wrote them. */
#include "ops/moments.h"
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/tile.h"

typedef struct {
    int64_t groups;          /* of one picture */
    int64_t channels;        /* of one group */
    int64_t units, per_tile; /* pictures · groups */
    size_t area;             /* elements of a channel */
    double epsilon;
    bool scale_per_group, bias_per_group;
} GroupNorm;

/* scale or bias: one element per channel, or per group where that is allowed. */
static bool
check_factor(const CrOpSetup *setup, int index, int64_t channels, int64_t groups, bool *per_group,
             GError **error)
{
    const CrDesc *in = &setup->in[index];

    if (!cr_op_want_dtype(setup, index, CONVRNN_DTYPE_FLOAT32, error))
        return false;
    *per_group = in->n_dims == 1 && in->dims[0] == groups && groups != channels;
    if (*per_group || (in->n_dims == 1 && in->dims[0] == channels))
        return true;
    g_autofree char *found = cr_desc_to_string(in);
    return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                       "input %d must have %" G_GINT64_FORMAT
                       " elements, one per channel of the input; it is %s",
                       index, channels, found);
}

static bool
parse(const CrOpSetup *setup, GroupNorm *p, bool instance, GError **error)
{
    const CrDesc *x = &setup->in[0];
    int64_t channels;

    if (!cr_op_want_dtype(setup, 0, CONVRNN_DTYPE_FLOAT32, error))
        return false;
    if (x->n_dims < 2)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "the input must have at least 2 dimensions (N, C, space), it has %d",
                           x->n_dims);
    channels = x->dims[1];
    p->groups = instance ? channels : cr_node_int(setup->node, "num_groups", 0);
    if (!instance && p->groups < 1)
        return cr_op_error(setup, CONVRNN_ERROR_FORMAT, error,
                           "num_groups is %" G_GINT64_FORMAT ", must be at least 1", p->groups);
    if (p->groups && channels % p->groups != 0)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "%" G_GINT64_FORMAT " channels cannot be divided into %" G_GINT64_FORMAT
                           " groups",
                           channels, p->groups);
    p->channels = p->groups ? channels / p->groups : 0;
    return check_factor(setup, 1, channels, p->groups, &p->scale_per_group, error) &&
           check_factor(setup, 2, channels, p->groups, &p->bias_per_group, error);
}

static bool
infer_group_norm(CrOpSetup *setup, GError **error)
{
    GroupNorm p = {0};
    return parse(setup, &p, false, error) && cr_op_like_input(setup, error);
}

static bool
infer_instance_norm(CrOpSetup *setup, GError **error)
{
    GroupNorm p = {0};
    return parse(setup, &p, true, error) && cr_op_like_input(setup, error);
}

static void
run_group_norm(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const GroupNorm *p = step->params;
    const float *scale = io[1], *bias = io[2];
    size_t size = (size_t)p->channels * p->area;
    int64_t end = cr_tile_end(tile, p->per_tile, p->units);

    for (int64_t unit = tile * p->per_tile; unit < end; unit++) {
        int64_t group = unit % p->groups;
        const float *x = (const float *)io[0] + (size_t)unit * size;
        float *y = (float *)io[step->n_in] + (size_t)unit * size;
        CrMoments m = cr_moments(x, size, p->epsilon);
        for (int64_t i = 0; i < p->channels; i++) {
            int64_t c = group * p->channels + i;
            double a = m.inverse * (double)scale[p->scale_per_group ? group : c];
            double b = (double)bias[p->bias_per_group ? group : c];
            size_t first = (size_t)i * p->area;
            for (size_t k = first; k < first + p->area; k++)
                y[k] = (float)(((double)x[k] - m.mean) * a + b);
        }
    }
}

static bool
prepare(CrOpSetup *setup, CrStep *step, bool instance, GError **error)
{
    const CrDesc *x = &setup->in[0];
    GroupNorm *p = cr_op_params(setup, step, GroupNorm, error);

    if (!p || !parse(setup, p, instance, error))
        return false;
    size_t elements = cr_desc_elements(x);
    p->units = elements ? x->dims[0] * p->groups : 0;
    p->area = elements ? elements / (size_t)(x->dims[0] * x->dims[1]) : 0;
    p->epsilon = (double)cr_node_float(setup->node, "epsilon", 1e-5f);
    step->n_tiles = cr_tile_cut(p->units, p->channels * (int64_t)p->area * 4, &p->per_tile);
    step->run = run_group_norm;
    step->kernel = "plain";
    return true;
}

static bool
prepare_group_norm(CrOpSetup *setup, CrStep *step, GError **error)
{
    return prepare(setup, step, false, error);
}

static bool
prepare_instance_norm(CrOpSetup *setup, CrStep *step, GError **error)
{
    return prepare(setup, step, true, error);
}

static const CrAttrSpec instance_norm_attrs[] = {{"epsilon", CR_ATTR_FLOAT}, {NULL, CR_ATTR_INT}};
/* stash_type: sums are of type double, whatever it asks for. */
static const CrAttrSpec group_norm_attrs[] = {{"epsilon", CR_ATTR_FLOAT},
                                              {"num_groups", CR_ATTR_INT},
                                              {"stash_type", CR_ATTR_INT},
                                              {NULL, CR_ATTR_INT}};

const CrOp cr_op_instance_norm = {
    .name = "InstanceNormalization",
    .min_in = 3,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .attrs = instance_norm_attrs,
    .infer = infer_instance_norm,
    .prepare = prepare_instance_norm,
};

const CrOp cr_op_group_norm = {
    .name = "GroupNormalization",
    .min_in = 3,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .attrs = group_norm_attrs,
    .infer = infer_group_norm,
    .prepare = prepare_group_norm,
};
