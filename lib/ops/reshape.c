/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Identity, Reshape, Flatten, Squeeze, Unsqueeze (onnx.ai/onnx/operators): the same bytes in
 * another shape, so that nothing is left to run. */
#include "ops/ops.h"
#include "ops/setup.h"

static bool
bad_reshape(const CrOpSetup *setup, GError **error)
{
    g_autofree char *shape = cr_desc_to_string(&setup->in[0]);
    return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                       "an input of shape %s does not fill the shape that input 1 asks for", shape);
}

/* Replaces 0 by the input's dimension and −1 by what is left over. */
static bool
resolve(const CrOpSetup *setup, int64_t *dims, int n, bool allow_zero, GError **error)
{
    const CrDesc *in = &setup->in[0];
    int open = -1;
    int64_t known = 1;

    for (int i = 0; i < n; i++) {
        if (dims[i] == 0 && !allow_zero) {
            if (i >= in->n_dims)
                return bad_reshape(setup, error);
            dims[i] = in->dims[i];
        }
        if (dims[i] == -1 && open < 0) {
            open = i;
            continue;
        }
        if (dims[i] < 0 || dims[i] > CR_MAX_DIM || known * dims[i] > CR_MAX_ELEMENTS)
            return bad_reshape(setup, error);
        known *= dims[i];
    }
    if (open >= 0) {
        if (known == 0)
            return bad_reshape(setup, error);
        dims[open] = (int64_t)cr_desc_elements(in) / known;
        known *= dims[open];
    }
    return (size_t)known == cr_desc_elements(in) || bad_reshape(setup, error);
}

static bool
infer_reshape(CrOpSetup *setup, GError **error)
{
    bool allow_zero = cr_node_int(setup->node, "allowzero", 0) != 0;
    int64_t *dims;
    int n;
    bool ok;

    if (!cr_op_ints(setup, 1, &dims, &n, error))
        return false;
    ok = (n <= CONVRNN_MAX_RANK || cr_op_set_out(setup, 0, setup->in[0].dtype, dims, n, error)) &&
         resolve(setup, dims, n, allow_zero, error) &&
         cr_op_set_out(setup, 0, setup->in[0].dtype, dims, n, error);
    g_free(dims);
    return ok;
}

static bool
infer_flatten(CrOpSetup *setup, GError **error)
{
    const CrDesc *in = &setup->in[0];
    int64_t axis = cr_node_int(setup->node, "axis", 1), dims[2] = {1, 1};

    if (axis < -in->n_dims || axis > in->n_dims)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "axis %" G_GINT64_FORMAT " does not exist in a tensor of rank %d",
                           (gint64)axis, in->n_dims);
    if (axis < 0)
        axis += in->n_dims;
    for (int i = 0; i < in->n_dims; i++)
        dims[i >= axis] *= in->dims[i];
    return cr_op_set_out(setup, 0, in->dtype, dims, 2, error);
}

static bool
infer_squeeze(CrOpSetup *setup, GError **error)
{
    const CrDesc *in = &setup->in[0];
    bool given = cr_op_has_input(setup, 1), drop[CONVRNN_MAX_RANK];
    int64_t dims[CONVRNN_MAX_RANK];
    int n = 0;

    if (given && !cr_op_axes(setup, 1, in->n_dims, drop, error))
        return false;
    for (int i = 0; i < in->n_dims; i++) {
        bool one = in->dims[i] == 1;
        if (given && drop[i] && !one)
            return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                               "dimension %d is %" G_GINT64_FORMAT
                               ", only dimensions of 1 can be removed",
                               i, (gint64)in->dims[i]);
        if (given ? !drop[i] : !one)
            dims[n++] = in->dims[i];
    }
    return cr_op_set_out(setup, 0, in->dtype, dims, n, error);
}

static bool
infer_unsqueeze(CrOpSetup *setup, GError **error)
{
    const CrDesc *in = &setup->in[0];
    bool insert[CONVRNN_MAX_RANK];
    int64_t dims[CONVRNN_MAX_RANK], *axes;
    int n_axes, rank, from = 0;

    if (!cr_op_ints(setup, 1, &axes, &n_axes, error))
        return false;
    g_free(axes);
    rank = in->n_dims + n_axes;
    if (rank > CONVRNN_MAX_RANK)
        return cr_op_error(setup, CONVRNN_ERROR_LIMIT, error,
                           "the output would have rank %d, at most %d is supported", rank,
                           CONVRNN_MAX_RANK);
    if (!cr_op_axes(setup, 1, rank, insert, error))
        return false;
    for (int i = 0; i < rank; i++)
        dims[i] = insert[i] ? 1 : in->dims[from++];
    return cr_op_set_out(setup, 0, in->dtype, dims, rank, error);
}

static const CrAttrSpec reshape_attrs[] = {{"allowzero", CR_ATTR_INT}, {NULL, CR_ATTR_INT}};
static const CrAttrSpec flatten_attrs[] = {{"axis", CR_ATTR_INT}, {NULL, CR_ATTR_INT}};

#define ALIAS(symbol, onnx_name, min_inputs, max_inputs, attributes, infer_function)               \
    const CrOp cr_op_##symbol = {                                                                  \
        .name = onnx_name,                                                                         \
        .min_in = min_inputs,                                                                      \
        .max_in = max_inputs,                                                                      \
        .min_out = 1,                                                                              \
        .max_out = 1,                                                                              \
        .flags = CR_OP_ALIAS,                                                                      \
        .attrs = attributes,                                                                       \
        .infer = infer_function,                                                                   \
    };

ALIAS(identity, "Identity", 1, 1, cr_op_no_attrs, cr_op_like_input)
ALIAS(reshape, "Reshape", 2, 2, reshape_attrs, infer_reshape)
ALIAS(flatten, "Flatten", 1, 1, flatten_attrs, infer_flatten)
ALIAS(squeeze, "Squeeze", 1, 2, cr_op_no_attrs, infer_squeeze)
ALIAS(unsqueeze, "Unsqueeze", 2, 2, cr_op_no_attrs, infer_unsqueeze)
