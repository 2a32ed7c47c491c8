/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Upsample and the early Resize become today's Resize; GridSample's modes changed their names. */
#include "onnx/import.h"
#include <string.h>

/* Upsample and Resize 10 have no choice of coordinates: x_in = x_out / scale, rounded down. */
static void
set_old_coordinates(CrNode *node)
{
    cr_node_set_string(node, "coordinate_transformation_mode", "asymmetric");
    cr_node_set_string(node, "nearest_mode", "floor");
}

static bool
rewrite_upsample(CrImport *import, GError **error)
{
    CrNode *node = import->node;
    const CrAttr *scales = cr_node_attr(node, "scales");

    if (import->opset < 9) {
        if (!scales || scales->type != CR_ATTR_FLOATS)
            return cr_import_error(import, CONVRNN_ERROR_FORMAT, error,
                                   "attribute 'scales' is missing or no list of floats");
        int value =
            cr_graph_add_constant_f32(import->graph, "scales", scales->floats, scales->n, false);
        cr_import_set_input(node, 2, value);
        cr_node_remove_attr(node, "scales");
    } else {
        cr_import_set_input(node, 2, cr_import_input(node, 1));
    }
    cr_import_set_input(node, 1, CR_NO_VALUE);
    g_free(node->op);
    node->op = g_strdup("Resize");
    set_old_coordinates(node);
    return true;
}

/* Opset 11 and 12 write an empty tensor for "not given". */
static void
drop_empty_input(CrImport *import, int index)
{
    const ConvRnnTensor *constant = cr_import_constant_input(import, index);
    if (constant && constant->n_elements == 0)
        cr_import_set_input(import->node, index, CR_NO_VALUE);
}

static bool
rewrite_resize(CrImport *import, GError **error)
{
    CrNode *node = import->node;

    if (import->opset < 11) {
        cr_import_set_input(node, 2, cr_import_input(node, 1));
        cr_import_set_input(node, 1, CR_NO_VALUE);
        set_old_coordinates(node);
        return true;
    }
    drop_empty_input(import, 1);
    drop_empty_input(import, 2);
    return true;
}

static bool
rewrite_grid_sample(CrImport *import, GError **error)
{
    const char *mode = cr_node_string(import->node, "mode", "bilinear");
    const char *today = strcmp(mode, "bilinear") == 0  ? "linear"
                        : strcmp(mode, "bicubic") == 0 ? "cubic"
                                                       : NULL;

    if (import->opset >= 20 || !today)
        return true;
    cr_node_remove_attr(import->node, "mode");
    cr_node_set_string(import->node, "mode", today);
    return true;
}

const CrImportRule cr_import_resize[] = {
    {"GridSample", rewrite_grid_sample},
    {"Resize", rewrite_resize},
    {"Upsample", rewrite_upsample},
    {NULL, NULL},
};
