/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Layers without state. */
#include "model/builder.h"

static void
set_pair(CrNode *node, const char *attr, const guint *v, const guint *fallback)
{
    int64_t pair[2];
    for (int i = 0; i < 2; i++)
        pair[i] = v[i] ? v[i] : fallback[i];
    cr_node_set_ints(node, attr, pair, 2);
}

static void
set_padding(CrNode *node, gboolean same, const guint *pads)
{
    int64_t p[4] = {pads[0], pads[1], pads[2], pads[3]};
    if (same)
        cr_node_set_string(node, "auto_pad", "SAME_UPPER");
    else
        cr_node_set_ints(node, "pads", p, 4);
}

guint
convrnn_builder_activation(ConvRnnBuilder *builder, guint x, ConvRnnActivation activation)
{
    static const char *const ops[] = {
        [CONVRNN_ACTIVATION_RELU] = "Relu",
        [CONVRNN_ACTIVATION_RELU6] = "Clip",
        [CONVRNN_ACTIVATION_LEAKY_RELU] = "LeakyRelu",
        [CONVRNN_ACTIVATION_ELU] = "Elu",
        [CONVRNN_ACTIVATION_SIGMOID] = "Sigmoid",
        [CONVRNN_ACTIVATION_HARD_SIGMOID] = "HardSigmoid",
        [CONVRNN_ACTIVATION_TANH] = "Tanh",
        [CONVRNN_ACTIVATION_SOFTMAX] = "Softmax",
    };
    guint inputs[3] = {x, CONVRNN_NO_VALUE, CONVRNN_NO_VALUE}, output;

    if (builder->failure || activation == CONVRNN_ACTIVATION_NONE)
        return builder->failure ? CONVRNN_NO_VALUE : x;
    if ((guint)activation >= G_N_ELEMENTS(ops))
        return cr_builder_fail(builder, CONVRNN_ERROR_UNSUPPORTED, "%d is no activation",
                               (int)activation);
    if (activation == CONVRNN_ACTIVATION_RELU6) {
        inputs[1] =
            (guint)cr_graph_add_constant_f32(builder->graph, "min", &(float){0}, 1, true) + 1;
        inputs[2] =
            (guint)cr_graph_add_constant_f32(builder->graph, "max", &(float){6}, 1, true) + 1;
    }
    CrNode node = cr_builder_start(builder, ops[activation], NULL, inputs, 3, 1);
    cr_builder_add(builder, &node, &output);
    return output;
}

guint
convrnn_builder_conv2d(ConvRnnBuilder *builder, guint x, const ConvRnnConv2dParams *params)
{
    static const guint one[2] = {1, 1};
    const gint64 any[4] = {-1, -1, -1, -1};

    if (!cr_builder_want(builder, "conv2d", "weights", params->weights, false, 4, any) ||
        !cr_builder_want(builder, "conv2d", "bias", params->bias, true, 1,
                         &params->weights->dims[0]))
        return CONVRNN_NO_VALUE;
    guint inputs[3] = {x, convrnn_builder_constant(builder, params->weights),
                       params->bias ? convrnn_builder_constant(builder, params->bias)
                                    : CONVRNN_NO_VALUE};
    guint output;
    CrNode node = cr_builder_start(builder, "Conv", NULL, inputs, 3, 1);
    set_pair(&node, "strides", params->stride, one);
    set_pair(&node, "dilations", params->dilation, one);
    set_padding(&node, params->same, params->pads);
    cr_node_set_int(&node, "group", params->groups ? params->groups : 1);
    cr_builder_add(builder, &node, &output);
    return convrnn_builder_activation(builder, output, params->activation);
}

static guint
pool(ConvRnnBuilder *builder, const char *op, guint x, const ConvRnnPool2dParams *params,
     bool average)
{
    guint output;

    if (builder->failure)
        return CONVRNN_NO_VALUE;
    if (params->kernel[0] == 0 || params->kernel[1] == 0)
        return cr_builder_fail(builder, CONVRNN_ERROR_SHAPE, "%s: the kernel is %u×%u", op,
                               params->kernel[0], params->kernel[1]);
    CrNode node = cr_builder_start(builder, op, NULL, &x, 1, 1);
    set_pair(&node, "kernel_shape", params->kernel, params->kernel);
    set_pair(&node, "strides", params->stride, params->kernel);
    set_padding(&node, params->same, params->pads);
    cr_node_set_int(&node, "ceil_mode", params->ceil_mode != FALSE);
    if (average)
        cr_node_set_int(&node, "count_include_pad", params->count_padding != FALSE);
    cr_builder_add(builder, &node, &output);
    return output;
}

guint
convrnn_builder_max_pool2d(ConvRnnBuilder *builder, guint x, const ConvRnnPool2dParams *params)
{
    return pool(builder, "MaxPool", x, params, false);
}

guint
convrnn_builder_average_pool2d(ConvRnnBuilder *builder, guint x, const ConvRnnPool2dParams *params)
{
    return pool(builder, "AveragePool", x, params, true);
}

guint
convrnn_builder_global_average_pool(ConvRnnBuilder *builder, guint x)
{
    return cr_builder_op(builder, "GlobalAveragePool", NULL, x, CONVRNN_NO_VALUE);
}

guint
convrnn_builder_dense(ConvRnnBuilder *builder, guint x, const ConvRnnDenseParams *params)
{
    const gint64 any[2] = {-1, -1};
    guint output;

    if (!cr_builder_want(builder, "dense", "weights", params->weights, false, 2, any) ||
        !cr_builder_want(builder, "dense", "bias", params->bias, true, 1,
                         &params->weights->dims[0]))
        return CONVRNN_NO_VALUE;
    guint inputs[3] = {cr_builder_op(builder, "Flatten", NULL, x, CONVRNN_NO_VALUE),
                       convrnn_builder_constant(builder, params->weights),
                       params->bias ? convrnn_builder_constant(builder, params->bias)
                                    : CONVRNN_NO_VALUE};
    if (builder->failure)
        return CONVRNN_NO_VALUE;
    CrNode node = cr_builder_start(builder, "Gemm", NULL, inputs, 3, 1);
    cr_node_set_int(&node, "transB", 1);
    cr_builder_add(builder, &node, &output);
    return convrnn_builder_activation(builder, output, params->activation);
}

guint
convrnn_builder_concat(ConvRnnBuilder *builder, const guint *values, guint n_values, gint axis)
{
    guint output;

    if (builder->failure)
        return CONVRNN_NO_VALUE;
    if (n_values == 0 || n_values > CR_MAX_NODE_IO)
        return cr_builder_fail(builder, CONVRNN_ERROR_LIMIT, "concat: %u values, expected 1 … %d",
                               n_values, CR_MAX_NODE_IO);
    CrNode node = cr_builder_start(builder, "Concat", NULL, values, n_values, 1);
    cr_node_set_int(&node, "axis", axis);
    cr_builder_add(builder, &node, &output);
    return output;
}
