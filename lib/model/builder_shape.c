/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What moves elements and computes nothing, and resizing. */
#include "model/builder.h"

static guint
ints(ConvRnnBuilder *builder, const char *hint, const int64_t *v, int n)
{
    return (guint)cr_graph_add_constant_i64(builder->graph, hint, v, n) + 1;
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

void
convrnn_builder_split(ConvRnnBuilder *builder, guint x, gint axis, const gint64 *sizes,
                      guint n_parts, guint *parts)
{
    for (guint i = 0; i < n_parts; i++)
        parts[i] = CONVRNN_NO_VALUE;
    if (builder->failure)
        return;
    if (n_parts == 0 || n_parts > CR_MAX_NODE_IO) {
        cr_builder_fail(builder, CONVRNN_ERROR_LIMIT, "split: %u parts, expected 1 … %d", n_parts,
                        CR_MAX_NODE_IO);
        return;
    }
    guint inputs[2] = {x, ints(builder, "split", (const int64_t *)sizes, (int)n_parts)};
    CrNode node = cr_builder_start(builder, "Split", NULL, inputs, 2, n_parts);
    cr_node_set_int(&node, "axis", axis);
    cr_builder_add(builder, &node, parts);
}

guint
convrnn_builder_slice(ConvRnnBuilder *builder, guint x, gint axis, gint64 begin, gint64 end,
                      gint64 step)
{
    guint output;

    if (builder->failure)
        return CONVRNN_NO_VALUE;
    if (step == 0)
        return cr_builder_fail(builder, CONVRNN_ERROR_FORMAT, "slice: step is 0");
    guint inputs[5] = {
        x,
        ints(builder, "starts", &(int64_t){begin}, 1),
        ints(builder, "ends", &(int64_t){end}, 1),
        ints(builder, "axes", &(int64_t){axis}, 1),
        ints(builder, "steps", &(int64_t){step}, 1),
    };
    CrNode node = cr_builder_start(builder, "Slice", NULL, inputs, 5, 1);
    cr_builder_add(builder, &node, &output);
    return output;
}

static bool
check_rank(ConvRnnBuilder *builder, const char *name, guint n_dims)
{
    if (builder->failure)
        return false;
    if (n_dims <= CONVRNN_MAX_RANK)
        return true;
    cr_builder_fail(builder, CONVRNN_ERROR_LIMIT, "%s: %u dimensions, at most %d are supported",
                    name, n_dims, CONVRNN_MAX_RANK);
    return false;
}

guint
convrnn_builder_pad(ConvRnnBuilder *builder, guint x, const gint64 *before, const gint64 *after,
                    guint n_dims, ConvRnnPadMode mode, gfloat value)
{
    static const char *const modes[] = {"constant", "reflect", "edge", "wrap"};
    int64_t pads[2 * CONVRNN_MAX_RANK];
    guint output;

    if (!check_rank(builder, "pad", n_dims))
        return CONVRNN_NO_VALUE;
    if ((guint)mode >= G_N_ELEMENTS(modes))
        return cr_builder_fail(builder, CONVRNN_ERROR_UNSUPPORTED,
                               "pad: mode is %d, expected 0 … %d (ConvRnnPadMode)", (int)mode,
                               (int)G_N_ELEMENTS(modes) - 1);
    for (guint i = 0; i < n_dims; i++) {
        pads[i] = before[i];
        pads[n_dims + i] = after[i];
    }
    guint inputs[3] = {
        x,
        ints(builder, "pads", pads, 2 * (int)n_dims),
        (guint)cr_graph_add_constant_f32(builder->graph, "value", &value, 1, true) + 1,
    };
    CrNode node =
        cr_builder_start(builder, "Pad", NULL, inputs, mode == CONVRNN_PAD_CONSTANT ? 3 : 2, 1);
    cr_node_set_string(&node, "mode", modes[mode]);
    cr_builder_add(builder, &node, &output);
    return output;
}

static bool
check_resize(ConvRnnBuilder *builder, const ConvRnnResize2dParams *params)
{
    bool size = params->size[0] > 0 && params->size[1] > 0;
    bool scale = params->scale[0] > 0 && params->scale[1] > 0;

    if (builder->failure)
        return false;
    if ((guint)params->mode > CONVRNN_RESIZE_CUBIC)
        cr_builder_fail(builder, CONVRNN_ERROR_UNSUPPORTED,
                        "resize2d: mode is %d, expected 0 … %d (ConvRnnResizeMode)",
                        (int)params->mode, CONVRNN_RESIZE_CUBIC);
    else if (size == scale)
        cr_builder_fail(builder, CONVRNN_ERROR_FORMAT,
                        "resize2d: size is %u×%u and scale %g×%g, expected one of them above 0",
                        params->size[0], params->size[1], (double)params->scale[0],
                        (double)params->scale[1]);
    else if (params->align_corners && params->mode == CONVRNN_RESIZE_NEAREST)
        cr_builder_fail(builder, CONVRNN_ERROR_FORMAT,
                        "resize2d: align_corners means nothing with CONVRNN_RESIZE_NEAREST");
    else
        return true;
    return false;
}

guint
convrnn_builder_resize2d(ConvRnnBuilder *builder, guint x, const ConvRnnResize2dParams *params)
{
    static const char *const modes[] = {"nearest", "linear", "cubic"};
    guint inputs[4] = {x}, output;

    if (!check_resize(builder, params))
        return CONVRNN_NO_VALUE;
    if (params->size[0] > 0)
        inputs[3] = ints(builder, "sizes", (const int64_t[]){params->size[0], params->size[1]}, 2);
    else
        inputs[2] =
            (guint)cr_graph_add_constant_f32(builder->graph, "scales", params->scale, 2, false) + 1;
    CrNode node = cr_builder_start(builder, "Resize", NULL, inputs, 4, 1);
    cr_node_set_ints(&node, "axes", (const int64_t[]){2, 3}, 2);
    cr_node_set_string(&node, "mode", modes[params->mode]);
    cr_node_set_string(&node, "nearest_mode", "floor");
    cr_node_set_string(&node, "coordinate_transformation_mode",
                       params->mode == CONVRNN_RESIZE_NEAREST ? "asymmetric"
                       : params->align_corners                ? "align_corners"
                                                              : "half_pixel");
    cr_builder_add(builder, &node, &output);
    return output;
}

guint
convrnn_builder_reshape(ConvRnnBuilder *builder, guint x, const gint64 *dims, guint n_dims)
{
    if (!check_rank(builder, "reshape", n_dims))
        return CONVRNN_NO_VALUE;
    return cr_builder_op(builder, "Reshape", NULL, x,
                         ints(builder, "shape", (const int64_t *)dims, (int)n_dims));
}

guint
convrnn_builder_transpose(ConvRnnBuilder *builder, guint x, const guint *order, guint n_dims)
{
    int64_t perm[CONVRNN_MAX_RANK];
    guint output;

    if (!check_rank(builder, "transpose", n_dims))
        return CONVRNN_NO_VALUE;
    for (guint i = 0; i < n_dims; i++)
        perm[i] = order[i];
    CrNode node = cr_builder_start(builder, "Transpose", NULL, &x, 1, 1);
    cr_node_set_ints(&node, "perm", perm, (int)n_dims);
    cr_builder_add(builder, &node, &output);
    return output;
}
