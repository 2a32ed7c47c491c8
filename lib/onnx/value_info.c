/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ValueInfoProto: name and type of a graph's input or output. */
#include "onnx/proto.h"

/* TypeProto's alternatives that are no dense tensor. */
static const char *const other_types[] = {
    [4] = "a sequence",      [5] = "a map",       [7] = "an opaque type",
    [8] = "a sparse tensor", [9] = "an optional",
};

static bool
read_dim(CrWire wire, int64_t *dim, GError **error)
{
    CrWireField field;
    int more;

    *dim = -1;
    while ((more = cr_wire_next(&wire, &field, error)) > 0) {
        if (field.number != 1) /* dim_value; dim_param, a name, means open */
            continue;
        if (!cr_wire_want(&field, CR_WIRE_VARINT, "dim_value", error))
            return false;
        int64_t value = (int64_t)field.value;
        if (value > CR_MAX_DIM) {
            g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_LIMIT,
                        "byte %" G_GSIZE_FORMAT ": a dimension is %" G_GINT64_FORMAT
                        "; the limit is %d",
                        field.offset, (gint64)value, CR_MAX_DIM);
            return false;
        }
        *dim = value > 0 ? value : -1; /* exporters write 0 and -1 for "open" */
    }
    return more == 0;
}

static bool
read_shape(CrWire wire, ConvRnnTensorInfo *info, GError **error)
{
    CrWireField field;
    int more;

    while ((more = cr_wire_next(&wire, &field, error)) > 0) {
        if (field.number != 1)
            continue;
        if (!cr_wire_want(&field, CR_WIRE_LENGTH, "TensorShapeProto.dim", error))
            return false;
        if (info->n_dims == CONVRNN_MAX_RANK) {
            g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_LIMIT,
                        "byte %" G_GSIZE_FORMAT ": more than %d dimensions", field.offset,
                        CONVRNN_MAX_RANK);
            return false;
        }
        if (!read_dim(field.body, &info->dims[info->n_dims], error))
            return false;
        info->n_dims++;
    }
    return more == 0;
}

static bool
read_tensor_type(CrWire wire, ConvRnnTensorInfo *info, char **refused, GError **error)
{
    CrWireField field;
    uint64_t dtype = 0;
    int more;

    while ((more = cr_wire_next(&wire, &field, error)) > 0) {
        if (field.number == 1) {
            if (!cr_wire_want(&field, CR_WIRE_VARINT, "elem_type", error))
                return false;
            dtype = field.value;
        } else if (field.number == 2) {
            if (!cr_wire_want(&field, CR_WIRE_LENGTH, "shape", error) ||
                !read_shape(field.body, info, error))
                return false;
        }
    }
    if (more < 0)
        return false;
    info->dtype = cr_onnx_dtype(dtype);
    if (info->dtype == CONVRNN_DTYPE_UNDEFINED && dtype != 0)
        *refused = g_strdup_printf("a tensor of element type %" G_GUINT64_FORMAT, (guint64)dtype);
    return true;
}

static bool
read_type(CrWire wire, ConvRnnTensorInfo *info, char **refused, GError **error)
{
    CrWireField field;
    int more;

    while ((more = cr_wire_next(&wire, &field, error)) > 0) {
        g_clear_pointer(refused, g_free); /* a oneof: the last one counts */
        if (field.number == 1) {
            info->n_dims = 0;
            if (!cr_wire_want(&field, CR_WIRE_LENGTH, "tensor_type", error) ||
                !read_tensor_type(field.body, info, refused, error))
                return false;
        } else if (field.number < G_N_ELEMENTS(other_types) && other_types[field.number]) {
            *refused = g_strdup(other_types[field.number]);
        }
    }
    return more == 0;
}

static bool
read_field(const CrWireField *field, char **name, ConvRnnTensorInfo *info, char **refused,
           GError **error)
{
    if (field->number == 1) {
        g_free(*name);
        *name = cr_wire_text(field, CR_MAX_NAME, "an input's or output's name", error);
        return *name != NULL;
    }
    if (field->number == 2)
        return cr_wire_want(field, CR_WIRE_LENGTH, "ValueInfoProto.type", error) &&
               read_type(field->body, info, refused, error);
    return true;
}

bool
cr_onnx_value_info(CrWire wire, char **name, ConvRnnTensorInfo *info, char **refused,
                   GError **error)
{
    size_t start = wire.pos;
    CrWireField field;
    int more;

    *name = NULL;
    *refused = NULL;
    *info = (ConvRnnTensorInfo){.name = NULL};
    while ((more = cr_wire_next(&wire, &field, error)) > 0) {
        if (!read_field(&field, name, info, refused, error))
            break;
    }
    if (more == 0 && *name && **name)
        return true;
    if (more == 0)
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT,
                    "byte %" G_GSIZE_FORMAT ": a graph input or output has no name", start);
    g_clear_pointer(name, g_free);
    g_clear_pointer(refused, g_free);
    return false;
}
