/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Layers that are products with weights: convolutions and the dense layer. */
#include "model/builder.h"
#include "model/builder_window.h"

static const gint64 any[4] = {-1, -1, -1, -1};

/* What the three convolutions share. `rank` is that of the weights. */
typedef struct {
    const char *name, *op;
    ConvRnnTensor *weights, *bias;
    guint groups;
    gint64 filters;
    CrBuilderWindow window;
    const guint *output_padding;
    ConvRnnActivation activation;
} Conv;

static bool
check(ConvRnnBuilder *builder, const Conv *conv)
{
    int rank = conv->window.n + 2;

    if (!cr_builder_want(builder, conv->name, "weights", conv->weights, false, rank, any))
        return false;
    gint64 filters =
        conv->output_padding ? conv->weights->dims[1] * conv->groups : conv->weights->dims[0];
    gint64 divided = conv->weights->dims[0]; /* filters, or channels when transposed */
    if (divided % conv->groups != 0) {
        cr_builder_fail(builder, CONVRNN_ERROR_SHAPE,
                        "%s: weights has %" G_GINT64_FORMAT
                        " rows, which cannot be divided into %u groups",
                        conv->name, divided, conv->groups);
        return false;
    }
    return cr_builder_want(builder, conv->name, "bias", conv->bias, true, 1, &filters) &&
           cr_builder_window_check(builder, conv->name, &conv->window);
}

static guint
add(ConvRnnBuilder *builder, guint x, const Conv *conv)
{
    guint output;

    if (!check(builder, conv))
        return CONVRNN_NO_VALUE;
    guint inputs[3] = {x, convrnn_builder_constant(builder, conv->weights),
                       conv->bias ? convrnn_builder_constant(builder, conv->bias)
                                  : CONVRNN_NO_VALUE};
    CrNode node = cr_builder_start(builder, conv->op, NULL, inputs, 3, 1);
    cr_builder_window_set(&node, &conv->window);
    cr_node_set_int(&node, "group", conv->groups);
    if (conv->output_padding)
        cr_builder_set_ints(&node, "output_padding", conv->output_padding, NULL, conv->window.n);
    cr_builder_add(builder, &node, &output);
    return convrnn_builder_activation(builder, output, conv->activation);
}

guint
convrnn_builder_conv2d(ConvRnnBuilder *builder, guint x, const ConvRnnConv2dParams *params)
{
    return add(
        builder, x,
        &(const Conv){
            .name = "conv2d",
            .op = "Conv",
            .weights = params->weights,
            .bias = params->bias,
            .groups = MAX(params->groups, 1),
            .window = {2, NULL, params->stride, params->dilation, params->padding, params->pads},
            .activation = params->activation,
        });
}

guint
convrnn_builder_conv1d(ConvRnnBuilder *builder, guint x, const ConvRnnConv1dParams *params)
{
    return add(
        builder, x,
        &(const Conv){
            .name = "conv1d",
            .op = "Conv",
            .weights = params->weights,
            .bias = params->bias,
            .groups = MAX(params->groups, 1),
            .window = {1, NULL, &params->stride, &params->dilation, params->padding, params->pads},
            .activation = params->activation,
        });
}

guint
convrnn_builder_conv_transpose2d(ConvRnnBuilder *builder, guint x,
                                 const ConvRnnConvTranspose2dParams *params)
{
    return add(
        builder, x,
        &(const Conv){
            .name = "conv_transpose2d",
            .op = "ConvTranspose",
            .weights = params->weights,
            .bias = params->bias,
            .groups = MAX(params->groups, 1),
            .window = {2, NULL, params->stride, params->dilation, params->padding, params->pads},
            .output_padding = params->output_padding,
            .activation = params->activation,
        });
}

guint
convrnn_builder_dense(ConvRnnBuilder *builder, guint x, const ConvRnnDenseParams *params)
{
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
