/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operators whose attributes became inputs: Clip and Pad (opset 11), Slice (10), Split, Squeeze and
 * Unsqueeze (13). Cast, EyeLike, Range: attributes that matter to types we have not. */
#include "onnx/import.h"

static bool
rewrite_clip(CrImport *import, GError **error)
{
    return import->opset >= 11 || (cr_import_float_to_input(import, "min", 1, error) &&
                                   cr_import_float_to_input(import, "max", 2, error));
}

static bool
rewrite_pad(CrImport *import, GError **error)
{
    return import->opset >= 11 || (cr_import_ints_to_input(import, "pads", 1, error) &&
                                   cr_import_float_to_input(import, "value", 2, error));
}

static bool
rewrite_slice(CrImport *import, GError **error)
{
    return import->opset >= 10 || (cr_import_ints_to_input(import, "starts", 1, error) &&
                                   cr_import_ints_to_input(import, "ends", 2, error) &&
                                   cr_import_ints_to_input(import, "axes", 3, error));
}

static bool
rewrite_split(CrImport *import, GError **error)
{
    CrNode *node = import->node;

    if (import->opset < 13 && !cr_import_ints_to_input(import, "split", 1, error))
        return false;
    if (cr_import_input(node, 1) == CR_NO_VALUE && !cr_node_attr(node, "num_outputs"))
        cr_node_set_int(node, "num_outputs", node->n_outputs);
    return true;
}

static bool
rewrite_squeeze(CrImport *import, GError **error)
{
    return import->opset >= 13 || cr_import_ints_to_input(import, "axes", 1, error);
}

static bool
rewrite_cast(CrImport *import, GError **error)
{
    cr_node_remove_attr(import->node, "saturate"); /* of float8 only */
    cr_node_remove_attr(import->node, "round_mode");
    int64_t to = cr_node_int(import->node, "to", 0);
    cr_import_element_type(import->node, "to");
    if (cr_node_int(import->node, "to", 0) != to)
        cr_node_set_int(import->node, "via", to); /* rounds to what that type has */
    return true;
}

/* Scatter's name since opset 11. */
static bool
rewrite_scatter(CrImport *import, GError **error)
{
    g_free(import->node->op);
    import->node->op = g_strdup("ScatterElements");
    return true;
}

static bool
rewrite_eye_like(CrImport *import, GError **error)
{
    cr_import_element_type(import->node, "dtype");
    return true;
}

/* Opset 27: in which type it is computed. */
static bool
rewrite_range(CrImport *import, GError **error)
{
    cr_node_remove_attr(import->node, "stash_type");
    return true;
}

const CrImportRule cr_import_shape[] = {
    {"Cast", rewrite_cast},        {"CastLike", rewrite_cast},     {"Clip", rewrite_clip},
    {"EyeLike", rewrite_eye_like}, {"Pad", rewrite_pad},           {"Range", rewrite_range},
    {"Scatter", rewrite_scatter},  {"Slice", rewrite_slice},       {"Split", rewrite_split},
    {"Squeeze", rewrite_squeeze},  {"Unsqueeze", rewrite_squeeze}, {NULL, NULL},
};
