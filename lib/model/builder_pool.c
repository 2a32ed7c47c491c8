/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pooling. */
#include "model/builder.h"
#include "model/builder_window.h"

/* max pooling counts no padding */
static guint
pool(ConvRnnBuilder *builder, const char *name, guint x, const CrBuilderWindow *window,
     gboolean ceil_mode, const gboolean *count_padding)
{
    guint output;

    if (builder->failure || !cr_builder_window_check(builder, name, window))
        return CONVRNN_NO_VALUE;
    for (int i = 0; i < window->n; i++) {
        if (window->kernel[i] == 0)
            return cr_builder_fail(builder, CONVRNN_ERROR_SHAPE,
                                   "%s: kernel[%d] is 0, expected at least 1", name, i);
    }
    CrNode node =
        cr_builder_start(builder, count_padding ? "AveragePool" : "MaxPool", NULL, &x, 1, 1);
    cr_builder_window_set(&node, window);
    cr_node_set_int(&node, "ceil_mode", ceil_mode != FALSE);
    if (count_padding)
        cr_node_set_int(&node, "count_include_pad", *count_padding != FALSE);
    cr_builder_add(builder, &node, &output);
    return output;
}

static guint
pool2d(ConvRnnBuilder *builder, const char *name, guint x, const ConvRnnPool2dParams *params,
       const gboolean *count_padding)
{
    const CrBuilderWindow window = {
        2, params->kernel, params->stride, params->dilation, params->padding, params->pads};
    return pool(builder, name, x, &window, params->ceil_mode, count_padding);
}

static guint
pool1d(ConvRnnBuilder *builder, const char *name, guint x, const ConvRnnPool1dParams *params,
       const gboolean *count_padding)
{
    const CrBuilderWindow window = {
        1, &params->kernel, &params->stride, &params->dilation, params->padding, params->pads};
    return pool(builder, name, x, &window, params->ceil_mode, count_padding);
}

guint
convrnn_builder_max_pool2d(ConvRnnBuilder *builder, guint x, const ConvRnnPool2dParams *params)
{
    return pool2d(builder, "max_pool2d", x, params, NULL);
}

guint
convrnn_builder_average_pool2d(ConvRnnBuilder *builder, guint x, const ConvRnnPool2dParams *params)
{
    return pool2d(builder, "average_pool2d", x, params, &params->count_padding);
}

guint
convrnn_builder_max_pool1d(ConvRnnBuilder *builder, guint x, const ConvRnnPool1dParams *params)
{
    return pool1d(builder, "max_pool1d", x, params, NULL);
}

guint
convrnn_builder_average_pool1d(ConvRnnBuilder *builder, guint x, const ConvRnnPool1dParams *params)
{
    return pool1d(builder, "average_pool1d", x, params, &params->count_padding);
}

guint
convrnn_builder_global_average_pool(ConvRnnBuilder *builder, guint x)
{
    return cr_builder_op(builder, "GlobalAveragePool", NULL, x, CONVRNN_NO_VALUE);
}

guint
convrnn_builder_global_max_pool(ConvRnnBuilder *builder, guint x)
{
    return cr_builder_op(builder, "GlobalMaxPool", NULL, x, CONVRNN_NO_VALUE);
}
