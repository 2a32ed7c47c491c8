/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Normalization, and dropout, the layer that is none once a network is trained. */
#include "core/memory.h"
#include "model/builder.h"

#define DEFAULT_EPSILON 1e-5f

static const gint64 any[CONVRNN_MAX_RANK] = {-1, -1, -1, -1, -1, -1, -1, -1};

static guint
filled(ConvRnnBuilder *builder, const gint64 *dims, int n_dims, float v)
{
    size_t n = 1;

    for (int i = 0; i < n_dims; i++)
        n *= (size_t)dims[i]; /* those of a tensor that exists */
    float *data = cr_mem_alloc(n, sizeof *data, "scale or bias", &builder->failure);
    if (!data)
        return CONVRNN_NO_VALUE;
    for (size_t i = 0; i < n; i++)
        data[i] = v;
    GBytes *bytes = g_bytes_new_with_free_func(data, n * sizeof *data, cr_mem_free, data);
    ConvRnnTensor *tensor =
        convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, dims, (guint)n_dims, bytes, &builder->failure);
    guint value = tensor ? convrnn_builder_constant(builder, tensor) : CONVRNN_NO_VALUE;
    convrnn_tensor_unref(tensor);
    g_bytes_unref(bytes);
    return value;
}

/* The shape of scale and bias: that of `like` or, when it is NULL, of whichever is there. False:
 * neither is, or an error is remembered. */
static bool
scale_and_bias(ConvRnnBuilder *builder, const char *name, const ConvRnnNormParams *params,
               const ConvRnnTensor *like, int n_dims, guint *values)
{
    ConvRnnTensor *given[2] = {params->scale, params->bias};
    static const char *const names[2] = {"scale", "bias"};

    for (int i = 0; i < 2; i++) {
        const ConvRnnTensor *first = like ? like : given[0] ? given[0] : given[1];
        bool known = like || (i == 1 && given[0]);
        if (!cr_builder_want(builder, name, names[i], given[i], true, n_dims,
                             known ? first->dims : any) ||
            !first)
            return false;
        like = i == 0 && given[0] ? given[0] : like;
    }
    const ConvRnnTensor *shape = like ? like : given[1];
    for (int i = 0; i < 2; i++)
        values[i] = given[i] ? convrnn_builder_constant(builder, given[i])
                             : filled(builder, shape->dims, n_dims, i == 0 ? 1 : 0);
    return !builder->failure;
}

static guint
add(ConvRnnBuilder *builder, const char *op, const guint *inputs, guint n_inputs,
    const ConvRnnNormParams *params, const char *attr, int64_t v)
{
    guint output;

    if (builder->failure)
        return CONVRNN_NO_VALUE;
    CrNode node = cr_builder_start(builder, op, NULL, inputs, n_inputs, 1);
    cr_node_set_float(&node, "epsilon", params->epsilon == 0 ? DEFAULT_EPSILON : params->epsilon);
    if (attr)
        cr_node_set_int(&node, attr, v);
    cr_builder_add(builder, &node, &output);
    return output;
}

static bool
check_epsilon(ConvRnnBuilder *builder, const char *name, const ConvRnnNormParams *params)
{
    if (builder->failure)
        return false;
    if (params->epsilon >= 0)
        return true;
    cr_builder_fail(builder, CONVRNN_ERROR_FORMAT, "%s: epsilon is %g, expected at least 0", name,
                    (double)params->epsilon);
    return false;
}

guint
convrnn_builder_batch_norm(ConvRnnBuilder *builder, guint x, const ConvRnnNormParams *params)
{
    const char *name = "batch_norm";
    guint inputs[5] = {x};

    if (!check_epsilon(builder, name, params) ||
        !cr_builder_want(builder, name, "mean", params->mean, false, 1, any) ||
        !cr_builder_want(builder, name, "variance", params->variance, false, 1,
                         params->mean->dims) ||
        !scale_and_bias(builder, name, params, params->mean, 1, &inputs[1]))
        return CONVRNN_NO_VALUE;
    inputs[3] = convrnn_builder_constant(builder, params->mean);
    inputs[4] = convrnn_builder_constant(builder, params->variance);
    return add(builder, "BatchNormalization", inputs, 5, params, NULL, 0);
}

/* Without scale and bias nobody says how many channels there are, and nobody needs to: each group
 * is a row of a layer norm. */
static guint
plain_group_norm(ConvRnnBuilder *builder, guint x, gint64 groups, const ConvRnnNormParams *params)
{
    const gint64 rows[3] = {0, groups, -1};
    const float one = 1;

    guint shape = cr_builder_op(builder, "Shape", NULL, x, CONVRNN_NO_VALUE);
    guint inputs[2] = {
        convrnn_builder_reshape(builder, x, rows, 3),
        builder->failure
            ? CONVRNN_NO_VALUE
            : (guint)cr_graph_add_constant_f32(builder->graph, "scale", &one, 1, false) + 1};
    guint y = add(builder, "LayerNormalization", inputs, 2, params, "axis", -1);
    return cr_builder_op(builder, "Reshape", NULL, y, shape);
}

static guint
group_norm(ConvRnnBuilder *builder, const char *name, guint x, const ConvRnnNormParams *params,
           bool instance)
{
    guint inputs[3] = {x};

    if (!check_epsilon(builder, name, params))
        return CONVRNN_NO_VALUE;
    if (!params->scale && !params->bias) /* 0 keeps the dimension: each channel is a group */
        return plain_group_norm(builder, x, instance ? 0 : params->groups, params);
    if (!scale_and_bias(builder, name, params, NULL, 1, &inputs[1]))
        return CONVRNN_NO_VALUE;
    return instance ? add(builder, "InstanceNormalization", inputs, 3, params, NULL, 0)
                    : add(builder, "GroupNormalization", inputs, 3, params, "num_groups",
                          params->groups);
}

guint
convrnn_builder_instance_norm(ConvRnnBuilder *builder, guint x, const ConvRnnNormParams *params)
{
    return group_norm(builder, "instance_norm", x, params, true);
}

guint
convrnn_builder_group_norm(ConvRnnBuilder *builder, guint x, const ConvRnnNormParams *params)
{
    if (params->groups == 0)
        return cr_builder_fail(builder, CONVRNN_ERROR_SHAPE,
                               "group_norm: groups is 0, expected at least 1");
    return group_norm(builder, "group_norm", x, params, false);
}

guint
convrnn_builder_layer_norm(ConvRnnBuilder *builder, guint x, const ConvRnnNormParams *params)
{
    const ConvRnnTensor *given = params->scale ? params->scale : params->bias;
    int n_dims = params->n_dims ? (int)MIN(params->n_dims, CONVRNN_MAX_RANK)
                 : given        ? given->n_dims
                                : 1;
    const float one = 1;
    guint inputs[3] = {x, CONVRNN_NO_VALUE, CONVRNN_NO_VALUE};

    if (!check_epsilon(builder, "layer_norm", params))
        return CONVRNN_NO_VALUE;
    if (n_dims == 0)
        return cr_builder_fail(builder, CONVRNN_ERROR_SHAPE,
                               "layer_norm: scale or bias is a scalar, expected the shape of what "
                               "is normalised together");
    if (!given)
        inputs[1] = (guint)cr_graph_add_constant_f32(builder->graph, "scale", &one, 1, false) + 1;
    else if (!scale_and_bias(builder, "layer_norm", params, NULL, n_dims, &inputs[1]))
        return CONVRNN_NO_VALUE;
    return add(builder, "LayerNormalization", inputs, 3, params, "axis", -n_dims);
}

guint
convrnn_builder_dropout(ConvRnnBuilder *builder, guint x)
{
    return builder->failure ? CONVRNN_NO_VALUE : x;
}
