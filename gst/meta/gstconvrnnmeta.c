/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gst/convrnn/gstconvrnnmeta.h>
#include <string.h>

/* Field names are flat ("tensor-0-name"): nested structures and value arrays cannot be read from
 * every language binding, plain fields can. */
#define FIELD_SIZE 32

static void
tensor_field(char field[FIELD_SIZE], guint index, const char *what)
{
    g_snprintf(field, FIELD_SIZE, "tensor-%u-%s", index, what);
}

const GstMetaInfo *
gst_convrnn_meta_get_meta_info(void)
{
    static gsize info;

    if (g_once_init_enter(&info)) {
        /* Somebody else in the process may have registered the name: two plug-in paths, say. */
        const GstMetaInfo *registered = gst_meta_get_info(GST_CONVRNN_META_NAME);
        /* No tags: a meta with none is about no property of the picture that a filter changes, so
         * every filter copies it. */
        static const gchar *tags[] = {NULL};

        if (registered == NULL)
            registered = gst_meta_register_custom(GST_CONVRNN_META_NAME, (const gchar **)tags, NULL,
                                                  NULL, NULL);
        g_once_init_leave(&info, (gsize)registered);
    }
    return (const GstMetaInfo *)info;
}

GstCustomMeta *
gst_convrnn_meta_add(GstBuffer *buffer, const GstConvRnnMetaInfo *info)
{
    GstCustomMeta *meta;

    g_return_val_if_fail(GST_IS_BUFFER(buffer) && gst_buffer_is_writable(buffer), NULL);
    g_return_val_if_fail(info != NULL, NULL);

    gst_convrnn_meta_get_meta_info();
    meta = gst_buffer_add_custom_meta(buffer, GST_CONVRNN_META_NAME);
    gst_structure_set(
        gst_custom_meta_get_structure(meta), "version", G_TYPE_UINT, GST_CONVRNN_META_VERSION,
        "model", G_TYPE_STRING, info->model, "element", G_TYPE_STRING, info->element, "step",
        G_TYPE_UINT64, info->step, "generation", G_TYPE_UINT64, info->generation, "reset",
        G_TYPE_BOOLEAN, (info->flags & GST_CONVRNN_META_RESET) != 0, "skipped", G_TYPE_BOOLEAN,
        (info->flags & GST_CONVRNN_META_SKIPPED) != 0, "discont", G_TYPE_BOOLEAN,
        (info->flags & GST_CONVRNN_META_DISCONT) != 0, "state-invalid", G_TYPE_BOOLEAN,
        (info->flags & GST_CONVRNN_META_STATE_INVALID) != 0, "frame-width", G_TYPE_INT,
        info->frame_width, "frame-height", G_TYPE_INT, info->frame_height, "model-width",
        G_TYPE_INT, info->model_width, "model-height", G_TYPE_INT, info->model_height, "scale-x",
        G_TYPE_DOUBLE, info->scale_x, "scale-y", G_TYPE_DOUBLE, info->scale_y, "offset-x",
        G_TYPE_DOUBLE, info->offset_x, "offset-y", G_TYPE_DOUBLE, info->offset_y, "pts-delta",
        G_TYPE_INT64, info->pts_delta, "n-tensors", G_TYPE_UINT, 0u, NULL);
    return meta;
}

static char *
dims_to_string(const gint64 *dims, guint n_dims)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < n_dims; i++)
        g_string_append_printf(text, "%s%" G_GINT64_FORMAT, i ? "," : "", dims[i]);
    return g_string_free(text, FALSE);
}

void
gst_convrnn_meta_add_tensor(GstCustomMeta *meta, const gchar *name, const gchar *dtype,
                            const gint64 *dims, guint n_dims, GBytes *bytes)
{
    char name_field[FIELD_SIZE], dtype_field[FIELD_SIZE], dims_field[FIELD_SIZE];
    char data_field[FIELD_SIZE];
    GstStructure *fields;
    guint index;

    g_return_if_fail(meta != NULL && name != NULL && dtype != NULL && bytes != NULL);
    g_return_if_fail(n_dims <= GST_CONVRNN_MAX_RANK && (dims != NULL || n_dims == 0));

    index = gst_convrnn_meta_get_n_tensors(meta);
    tensor_field(name_field, index, "name");
    tensor_field(dtype_field, index, "dtype");
    tensor_field(dims_field, index, "dims");
    tensor_field(data_field, index, "data");
    fields = gst_custom_meta_get_structure(meta);
    g_autofree char *dims_text = dims_to_string(dims, n_dims);
    gst_structure_set(fields, name_field, G_TYPE_STRING, name, dtype_field, G_TYPE_STRING, dtype,
                      dims_field, G_TYPE_STRING, dims_text, data_field, G_TYPE_BYTES, bytes,
                      "n-tensors", G_TYPE_UINT, index + 1, NULL);
}

GstCustomMeta *
gst_convrnn_meta_iterate(GstBuffer *buffer, gpointer *state)
{
    const GstMetaInfo *info = gst_convrnn_meta_get_meta_info();

    g_return_val_if_fail(GST_IS_BUFFER(buffer) && state != NULL, NULL);

    return (GstCustomMeta *)gst_buffer_iterate_meta_filtered(buffer, state, info->api);
}

GstCustomMeta *
gst_convrnn_meta_get(GstBuffer *buffer, const gchar *element)
{
    gpointer state = NULL;
    GstCustomMeta *meta;

    g_return_val_if_fail(GST_IS_BUFFER(buffer), NULL);

    while ((meta = gst_convrnn_meta_iterate(buffer, &state)) != NULL) {
        const char *name = gst_structure_get_string(gst_custom_meta_get_structure(meta), "element");

        if (element == NULL || g_strcmp0(name, element) == 0)
            return meta;
    }
    return NULL;
}

static GstConvRnnMetaFlags
read_flag(const GstStructure *fields, const char *name, GstConvRnnMetaFlags flag)
{
    gboolean value = FALSE;

    return gst_structure_get_boolean(fields, name, &value) && value ? flag : 0;
}

gboolean
gst_convrnn_meta_get_info(GstCustomMeta *meta, GstConvRnnMetaInfo *info)
{
    GstConvRnnMetaInfo found = {NULL};
    const GstStructure *fields;
    guint version = 0;

    g_return_val_if_fail(meta != NULL && info != NULL, FALSE);

    fields = gst_custom_meta_get_structure(meta);
    found.model = gst_structure_get_string(fields, "model");
    found.element = gst_structure_get_string(fields, "element");
    if (!gst_structure_get(
            fields, "version", G_TYPE_UINT, &version, "step", G_TYPE_UINT64, &found.step,
            "generation", G_TYPE_UINT64, &found.generation, "frame-width", G_TYPE_INT,
            &found.frame_width, "frame-height", G_TYPE_INT, &found.frame_height, "model-width",
            G_TYPE_INT, &found.model_width, "model-height", G_TYPE_INT, &found.model_height,
            "scale-x", G_TYPE_DOUBLE, &found.scale_x, "scale-y", G_TYPE_DOUBLE, &found.scale_y,
            "offset-x", G_TYPE_DOUBLE, &found.offset_x, "offset-y", G_TYPE_DOUBLE, &found.offset_y,
            "pts-delta", G_TYPE_INT64, &found.pts_delta, NULL) ||
        version != GST_CONVRNN_META_VERSION || found.model == NULL || found.element == NULL)
        return FALSE;
    found.flags = read_flag(fields, "reset", GST_CONVRNN_META_RESET) |
                  read_flag(fields, "skipped", GST_CONVRNN_META_SKIPPED) |
                  read_flag(fields, "discont", GST_CONVRNN_META_DISCONT) |
                  read_flag(fields, "state-invalid", GST_CONVRNN_META_STATE_INVALID);
    *info = found;
    return TRUE;
}

guint
gst_convrnn_meta_get_n_tensors(GstCustomMeta *meta)
{
    guint n = 0;

    g_return_val_if_fail(meta != NULL, 0);

    gst_structure_get_uint(gst_custom_meta_get_structure(meta), "n-tensors", &n);
    return n;
}

static gsize
dtype_size(const char *dtype)
{
    static const struct {
        const char *name;
        gsize size;
    } types[] = {
        {"float32", 4}, {"uint8", 1}, {"int8", 1},    {"uint16", 2},  {"int16", 2},  {"int32", 4},
        {"int64", 8},   {"bool", 1},  {"float16", 2}, {"float64", 8}, {"uint32", 4}, {"uint64", 8},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(types); i++)
        if (g_strcmp0(dtype, types[i].name) == 0)
            return types[i].size;
    return 0;
}

/* The structure may come over a network, so nothing in it is believed unchecked. */
static gboolean
parse_dims(const char *text, GstConvRnnTensorView *view, gsize *n_elements)
{
    gsize n = 1;

    view->n_dims = 0;
    while (*text != '\0') {
        char *end = NULL;
        gint64 dim;

        if (!g_ascii_isdigit(*text) || view->n_dims == GST_CONVRNN_MAX_RANK)
            return FALSE;
        dim = g_ascii_strtoll(text, &end, 10);
        if (*end != ',' && *end != '\0')
            return FALSE;
        if (!g_size_checked_mul(&n, n, (gsize)dim))
            return FALSE;
        view->dims[view->n_dims++] = dim;
        if (*end == ',' && !g_ascii_isdigit(end[1]))
            return FALSE;
        text = *end == ',' ? end + 1 : end;
    }
    *n_elements = n;
    return TRUE;
}

gboolean
gst_convrnn_meta_get_tensor(GstCustomMeta *meta, guint index, GstConvRnnTensorView *view)
{
    GstConvRnnTensorView found = {NULL};
    const GstStructure *fields;
    char field[FIELD_SIZE];
    const GValue *value;
    const char *dims;
    gsize n_elements, expected;

    g_return_val_if_fail(meta != NULL && view != NULL, FALSE);

    fields = gst_custom_meta_get_structure(meta);
    tensor_field(field, index, "name");
    found.name = gst_structure_get_string(fields, field);
    tensor_field(field, index, "dtype");
    found.dtype = gst_structure_get_string(fields, field);
    tensor_field(field, index, "dims");
    dims = gst_structure_get_string(fields, field);
    tensor_field(field, index, "data");
    value = gst_structure_get_value(fields, field);
    if (found.name == NULL || found.dtype == NULL || dims == NULL || value == NULL ||
        !G_VALUE_HOLDS(value, G_TYPE_BYTES) || g_value_get_boxed(value) == NULL)
        return FALSE;
    found.bytes = g_value_get_boxed(value);
    found.data = g_bytes_get_data(found.bytes, &found.size);
    if (!parse_dims(dims, &found, &n_elements) || dtype_size(found.dtype) == 0 ||
        !g_size_checked_mul(&expected, n_elements, dtype_size(found.dtype)) ||
        expected != found.size)
        return FALSE;
    *view = found;
    return TRUE;
}

gboolean
gst_convrnn_meta_find_tensor(GstCustomMeta *meta, const gchar *name, GstConvRnnTensorView *view)
{
    guint n;

    g_return_val_if_fail(meta != NULL && name != NULL && view != NULL, FALSE);

    n = gst_convrnn_meta_get_n_tensors(meta);
    for (guint i = 0; i < n; i++) {
        GstConvRnnTensorView found;

        if (!gst_convrnn_meta_get_tensor(meta, i, &found))
            return FALSE;
        if (strcmp(found.name, name) == 0) {
            *view = found;
            return TRUE;
        }
    }
    return FALSE;
}

gsize
gst_convrnn_tensor_view_get_element_size(const GstConvRnnTensorView *view)
{
    g_return_val_if_fail(view != NULL, 0);

    return dtype_size(view->dtype);
}
