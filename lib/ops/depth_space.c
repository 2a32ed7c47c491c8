/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* DepthToSpace and SpaceToDepth (onnx.ai/onnx/operators): channels to pixels and back, as one
 * transposition of a tensor seen with six axes. */
#include "ops/copy.h"
#include "ops/ops.h"
#include <string.h>

#define MAX_BLOCK 8192

/* True, with the block's size, for a tensor of rank 4. */
static bool
read_block(const CrOpSetup *setup, int64_t *block, GError **error)
{
    *block = cr_node_int(setup->node, "blocksize", 0);
    if (*block < 1 || *block > MAX_BLOCK)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "blocksize is %" G_GINT64_FORMAT ", expected 1 to %d", (gint64)*block,
                           MAX_BLOCK);
    if (setup->in[0].n_dims != 4)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "the input has rank %d, expected 4 (N, C, H, W)", setup->in[0].n_dims);
    return true;
}

static bool
not_divisible(const CrOpSetup *setup, GError **error)
{
    g_autofree char *shape = cr_desc_to_string(&setup->in[0]);
    return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                       "the shape %s does not divide by blocksize", shape);
}

/* Whether the block's rows and columns come after the channel ("CRD") or before it ("DCR"). */
static bool
channel_first(const CrOpSetup *setup)
{
    return strcmp(cr_node_string(setup->node, "mode", "DCR"), "CRD") == 0;
}

static bool
infer_depth_to_space(CrOpSetup *setup, GError **error)
{
    const char *mode = cr_node_string(setup->node, "mode", "DCR");
    const int64_t *d = setup->in[0].dims;
    int64_t b;

    if (!read_block(setup, &b, error))
        return false;
    if (strcmp(mode, "DCR") != 0 && strcmp(mode, "CRD") != 0)
        return cr_op_error(setup, CONVRNN_ERROR_UNSUPPORTED, error,
                           "mode \"%s\" is neither DCR nor CRD", mode);
    if (d[1] % (b * b) != 0)
        return not_divisible(setup, error);
    return cr_op_set_out(setup, 0, setup->in[0].dtype,
                         (int64_t[]){d[0], d[1] / (b * b), d[2] * b, d[3] * b}, 4, error);
}

static bool
infer_space_to_depth(CrOpSetup *setup, GError **error)
{
    const int64_t *d = setup->in[0].dims;
    int64_t b;

    if (!read_block(setup, &b, error))
        return false;
    if (d[2] % b != 0 || d[3] % b != 0)
        return not_divisible(setup, error);
    return cr_op_set_out(setup, 0, setup->in[0].dtype,
                         (int64_t[]){d[0], d[1] * b * b, d[2] / b, d[3] / b}, 4, error);
}

/* Output axes, outermost first, each with the input's stride along it. */
static void
add_axes(CrCopy *copy, const int64_t (*axes)[2])
{
    for (int i = 0; i < 6; i++)
        cr_walk_add(&copy->walk, axes[i][0], &axes[i][1]);
}

static bool
prepare_depth_to_space(CrOpSetup *setup, CrStep *step, GError **error)
{
    CrCopy *copy = cr_copy_new(setup, step, error);
    const int64_t *d = setup->in[0].dims;
    int64_t b, s[4];

    if (!copy || !read_block(setup, &b, error))
        return false;
    cr_strides(&setup->in[0], s);
    int64_t channels = d[1] / (b * b);
    int64_t channel = channel_first(setup) ? b * b : 1, pixel = channel_first(setup) ? 1 : channels;
    add_axes(copy, (const int64_t[6][2]){{d[0], s[0]},
                                         {channels, s[1] * channel},
                                         {d[2], s[2]},
                                         {b, s[1] * pixel * b},
                                         {d[3], s[3]},
                                         {b, s[1] * pixel}});
    cr_copy_finish(copy, step);
    return true;
}

static bool
prepare_space_to_depth(CrOpSetup *setup, CrStep *step, GError **error)
{
    CrCopy *copy = cr_copy_new(setup, step, error);
    const int64_t *d = setup->in[0].dims;
    int64_t b, s[4];

    if (!copy || !read_block(setup, &b, error))
        return false;
    cr_strides(&setup->in[0], s);
    add_axes(copy, (const int64_t[6][2]){{d[0], s[0]},
                                         {b, s[2]},
                                         {b, s[3]},
                                         {d[1], s[1]},
                                         {d[2] / b, s[2] * b},
                                         {d[3] / b, s[3] * b}});
    cr_copy_finish(copy, step);
    return true;
}

static const CrAttrSpec depth_to_space_attrs[] = {
    {"blocksize", CR_ATTR_INT}, {"mode", CR_ATTR_STRING}, {NULL, CR_ATTR_INT}};
static const CrAttrSpec space_to_depth_attrs[] = {{"blocksize", CR_ATTR_INT}, {NULL, CR_ATTR_INT}};

const CrOp cr_op_depth_to_space = {
    .name = "DepthToSpace",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .attrs = depth_to_space_attrs,
    .infer = infer_depth_to_space,
    .prepare = prepare_depth_to_space,
};

const CrOp cr_op_space_to_depth = {
    .name = "SpaceToDepth",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .attrs = space_to_depth_attrs,
    .infer = infer_space_to_depth,
    .prepare = prepare_space_to_depth,
};
