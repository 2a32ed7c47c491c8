/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Constant becomes a constant of the graph. */
#include "onnx/import.h"
#include <string.h>

static ConvRnnTensor *
from_numbers(const CrAttr *attr, GError **error)
{
    gint64 n = attr->n;
    ConvRnnTensor *tensor = NULL;
    GBytes *bytes;

    if (attr->type == CR_ATTR_INT)
        bytes = g_bytes_new(&attr->i, sizeof attr->i);
    else if (attr->type == CR_ATTR_FLOAT)
        bytes = g_bytes_new(&attr->f, sizeof attr->f);
    else if (attr->type == CR_ATTR_INTS)
        bytes = g_bytes_new(attr->ints, n * sizeof *attr->ints);
    else
        bytes = g_bytes_new(attr->floats, n * sizeof *attr->floats);
    bool is_int = attr->type == CR_ATTR_INT || attr->type == CR_ATTR_INTS;
    bool scalar = attr->type == CR_ATTR_INT || attr->type == CR_ATTR_FLOAT;
    tensor = convrnn_tensor_new(is_int ? CONVRNN_DTYPE_INT64 : CONVRNN_DTYPE_FLOAT32, &n,
                                scalar ? 0 : 1, bytes, error);
    g_bytes_unref(bytes);
    return tensor;
}

/* The value, by the attribute's name and type. */
static ConvRnnTensor *
constant_value(CrImport *import, GError **error)
{
    static const struct {
        const char *name;
        CrAttrType type;
    } numbers[] = {
        {"value_int", CR_ATTR_INT},
        {"value_ints", CR_ATTR_INTS},
        {"value_float", CR_ATTR_FLOAT},
        {"value_floats", CR_ATTR_FLOATS},
    };
    const CrNode *node = import->node;

    if (node->n_attrs != 1) {
        cr_import_error(import, CONVRNN_ERROR_FORMAT, error,
                        "it has %d attributes, expected exactly one value", node->n_attrs);
        return NULL;
    }
    const CrAttr *attr = &node->attrs[0];
    if (attr->type == CR_ATTR_TENSOR && strcmp(attr->name, "value") == 0)
        return convrnn_tensor_ref(attr->tensor);
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        if (strcmp(attr->name, numbers[i].name) == 0 && attr->type == numbers[i].type)
            return from_numbers(attr, error);
    }
    bool known =
        g_str_has_prefix(attr->name, "value_string") || strcmp(attr->name, "sparse_value") == 0;
    cr_import_error(import, known ? CONVRNN_ERROR_UNSUPPORTED : CONVRNN_ERROR_FORMAT, error,
                    "attribute '%s' is no number or dense tensor", attr->name);
    return NULL;
}

static bool
rewrite_constant(CrImport *import, GError **error)
{
    const CrNode *node = import->node;

    if (node->n_inputs != 0 || node->n_outputs != 1)
        return cr_import_error(import, CONVRNN_ERROR_FORMAT, error,
                               "%d inputs and %d outputs, expected 0 and 1", node->n_inputs,
                               node->n_outputs);
    ConvRnnTensor *tensor = constant_value(import, error);
    import->consumed =
        tensor && cr_import_set_constant(import->graph, node->outputs[0], tensor, error);
    convrnn_tensor_unref(tensor);
    return import->consumed;
}

const CrImportRule cr_import_constant[] = {
    {"Constant", rewrite_constant},
    {NULL, NULL},
};
