/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Activations. Which operator each one is, and what its α and β are called there. */
#include "model/builder.h"
#include <math.h>

typedef struct {
    const char *op;
    const char *attrs[2];    /* the operator's names for α and β; NULL: it has none */
    float alpha, beta;       /* where the caller gives none */
    const char *word, *text; /* an attribute that is text */
} Activation;

static const Activation activations[] = {
    [CONVRNN_ACTIVATION_RELU] = {"Relu"},
    [CONVRNN_ACTIVATION_RELU6] = {"Clip", {NULL}, 0, 6},
    [CONVRNN_ACTIVATION_LEAKY_RELU] = {"LeakyRelu", {"alpha"}, 0.01f},
    [CONVRNN_ACTIVATION_ELU] = {"Elu", {"alpha"}, 1},
    [CONVRNN_ACTIVATION_SELU] = {"Selu"},
    [CONVRNN_ACTIVATION_CELU] = {"Celu", {"alpha"}, 1},
    [CONVRNN_ACTIVATION_GELU] = {"Gelu"},
    [CONVRNN_ACTIVATION_GELU_TANH] = {"Gelu", .word = "approximate", .text = "tanh"},
    [CONVRNN_ACTIVATION_SILU] = {"Sigmoid"},
    [CONVRNN_ACTIVATION_MISH] = {"Mish"},
    [CONVRNN_ACTIVATION_SOFTPLUS] = {"Softplus"},
    [CONVRNN_ACTIVATION_SOFTSIGN] = {"Softsign"},
    [CONVRNN_ACTIVATION_SIGMOID] = {"Sigmoid"},
    [CONVRNN_ACTIVATION_HARD_SIGMOID] = {"HardSigmoid", {"alpha", "beta"}, 0.2f, 0.5f},
    [CONVRNN_ACTIVATION_TANH] = {"Tanh"},
    [CONVRNN_ACTIVATION_HARD_SWISH] = {"HardSwish"},
    [CONVRNN_ACTIVATION_CLIP] = {"Clip", {NULL}, -1, 1},
    [CONVRNN_ACTIVATION_SOFTMAX] = {"Softmax"},
    [CONVRNN_ACTIVATION_LOG_SOFTMAX] = {"LogSoftmax"},
};

static guint
scalar(ConvRnnBuilder *builder, const char *hint, float v)
{
    return (guint)cr_graph_add_constant_f32(builder->graph, hint, &v, 1, true) + 1;
}

static guint
apply(ConvRnnBuilder *builder, guint x, ConvRnnActivation activation, float alpha, float beta)
{
    const Activation *a = &activations[activation];
    bool clip = activation == CONVRNN_ACTIVATION_CLIP || activation == CONVRNN_ACTIVATION_RELU6;
    guint inputs[3] = {x, clip ? scalar(builder, "min", alpha) : CONVRNN_NO_VALUE,
                       clip ? scalar(builder, "max", beta) : CONVRNN_NO_VALUE};
    guint output;

    CrNode node = cr_builder_start(builder, a->op, NULL, inputs, 3, 1);
    if (a->attrs[0])
        cr_node_set_float(&node, a->attrs[0], alpha);
    if (a->attrs[1])
        cr_node_set_float(&node, a->attrs[1], beta);
    if (a->word)
        cr_node_set_string(&node, a->word, a->text);
    cr_builder_add(builder, &node, &output);
    return activation == CONVRNN_ACTIVATION_SILU ? cr_builder_op(builder, "Mul", NULL, x, output)
                                                 : output;
}

static bool
check(ConvRnnBuilder *builder, ConvRnnActivation activation)
{
    if (builder->failure)
        return false;
    if ((guint)activation < G_N_ELEMENTS(activations))
        return true;
    cr_builder_fail(builder, CONVRNN_ERROR_UNSUPPORTED,
                    "%d is no activation, expected 0 … %d (ConvRnnActivation)", (int)activation,
                    (int)G_N_ELEMENTS(activations) - 1);
    return false;
}

guint
convrnn_builder_activation(ConvRnnBuilder *builder, guint x, ConvRnnActivation activation)
{
    if (!check(builder, activation))
        return CONVRNN_NO_VALUE;
    if (activation == CONVRNN_ACTIVATION_NONE)
        return x;
    return apply(builder, x, activation, activations[activation].alpha,
                 activations[activation].beta);
}

guint
convrnn_builder_activation_with(ConvRnnBuilder *builder, guint x, ConvRnnActivation activation,
                                gfloat alpha, gfloat beta)
{
    bool clip = activation == CONVRNN_ACTIVATION_CLIP;

    if (!check(builder, activation))
        return CONVRNN_NO_VALUE;
    const Activation *a = &activations[activation];
    if (((clip || a->attrs[0]) && isnan(alpha)) || ((clip || a->attrs[1]) && isnan(beta)))
        return cr_builder_fail(builder, CONVRNN_ERROR_FORMAT,
                               "activation %s: alpha is %g and beta %g, expected numbers", a->op,
                               (double)alpha, (double)beta);
    if (activation == CONVRNN_ACTIVATION_CELU && alpha == 0)
        return cr_builder_fail(builder, CONVRNN_ERROR_FORMAT,
                               "activation Celu: alpha is 0, which x is divided by");
    if (!clip && !a->attrs[0])
        return convrnn_builder_activation(builder, x, activation);
    return apply(builder, x, activation, alpha, beta);
}

guint
convrnn_builder_prelu(ConvRnnBuilder *builder, guint x, ConvRnnTensor *slope)
{
    if (builder->failure)
        return CONVRNN_NO_VALUE;
    if (!slope || slope->dtype != CONVRNN_DTYPE_FLOAT32)
        return cr_builder_fail(builder, CONVRNN_ERROR_SHAPE, "prelu: slope is %s, expected float32",
                               slope ? convrnn_dtype_get_name(slope->dtype) : "missing");
    const gint64 channels[3] = {slope->n_dims == 1 ? slope->dims[0] : 1, 1, 1};
    guint value = slope->n_dims == 1 ? cr_builder_reshaped(builder, slope, channels, 3)
                                     : convrnn_builder_constant(builder, slope);
    return cr_builder_op(builder, "PRelu", NULL, x, value);
}

static guint
along(ConvRnnBuilder *builder, const char *op, guint x, gint axis)
{
    guint output;

    if (builder->failure)
        return CONVRNN_NO_VALUE;
    CrNode node = cr_builder_start(builder, op, NULL, &x, 1, 1);
    cr_node_set_int(&node, "axis", axis);
    cr_builder_add(builder, &node, &output);
    return output;
}

guint
convrnn_builder_softmax(ConvRnnBuilder *builder, guint x, gint axis)
{
    return along(builder, "Softmax", x, axis);
}

guint
convrnn_builder_log_softmax(ConvRnnBuilder *builder, guint x, gint axis)
{
    return along(builder, "LogSoftmax", x, axis);
}
