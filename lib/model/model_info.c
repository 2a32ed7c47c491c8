/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/model_info.h"
#include "model/name_hash.h"
#include <math.h>
#include <string.h>

#define MAX_NUMBERS 4096 /* in one list */

static bool
check_version(GKeyFile *info, const char *name, GError **error)
{
    char *version = g_key_file_get_string(info, CR_MODEL_INFO_GROUP, "version", NULL);
    char *end = version;
    guint64 major = version ? g_ascii_strtoull(version, &end, 10) : 0;
    bool number = version && end != version && (*end == '.' || *end == '\0');

    if (!number)
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT,
                    "%s: it has no [modelinfo] group with a version, expected version=1.0", name);
    else if (major != 1)
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_UNSUPPORTED,
                    "%s: format version %s, but only 1.x is known", name, version);
    g_free(version);
    return number && major == 1;
}

GKeyFile *
cr_model_info_parse(const char *text, size_t length, const char *name, GError **error)
{
    GError *reason = NULL;

    if (length > CR_MODEL_INFO_MAX_SIZE) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_LIMIT,
                    "%s: %" G_GSIZE_FORMAT " bytes; the limit is %d", name, length,
                    CR_MODEL_INFO_MAX_SIZE);
        return NULL;
    }
    if (!g_utf8_validate_len(text, length, NULL)) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT, "%s: it is not UTF-8 text", name);
        return NULL;
    }
    GKeyFile *info = g_key_file_new();
    if (length > 0 && !g_key_file_load_from_data(info, text, length, G_KEY_FILE_NONE, &reason)) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT, "%s: %s", name, reason->message);
        g_error_free(reason);
        g_key_file_unref(info);
        return NULL;
    }
    if (check_version(info, name, error))
        return info;
    g_key_file_unref(info);
    return NULL;
}

/* A group's name has no line break, so this is unique. */
static char *
property_key(const char *tensor, const char *key)
{
    return g_strconcat(tensor, "\n", key, NULL);
}

static void
add_group(GHashTable *properties, GKeyFile *info, const char *group)
{
    gsize n = 0;
    char **keys = g_key_file_get_keys(info, group, &n, NULL);

    for (gsize i = 0; i < n; i++) {
        char *text = g_key_file_get_string(info, group, keys[i], NULL);
        if (!text) /* an unknown escape, which newer versions of GLib do not leave as it is */
            text = g_key_file_get_value(info, group, keys[i], NULL);
        if (text)
            g_hash_table_insert(properties, property_key(group, keys[i]), text);
    }
    g_strfreev(keys);
}

GHashTable *
cr_model_info_properties(GKeyFile *info)
{
    GHashTable *properties = g_hash_table_new_full(cr_name_hash, g_str_equal, g_free, g_free);
    gsize n = 0;
    char **groups = info ? g_key_file_get_groups(info, &n) : NULL;

    for (gsize i = 0; i < n; i++)
        add_group(properties, info, groups[i]);
    g_strfreev(groups);
    return properties;
}

const char *
cr_model_info_get(const ConvRnnModel *model, const char *tensor, const char *key)
{
    char *full = property_key(tensor, key);
    const char *text = g_hash_table_lookup(model->properties, full);

    g_free(full);
    return text;
}

bool
cr_model_info_boolean(const ConvRnnModel *model, const char *key, bool *value, GError **error)
{
    const char *text = cr_model_info_get(model, CR_MODEL_INFO_GROUP, key);

    *value = text && strcmp(text, "true") == 0;
    if (!text || *value || strcmp(text, "false") == 0)
        return true;
    g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT,
                "%s: [modelinfo] %s=%s, expected true or false", model->name, key, text);
    return false;
}

/* --- numbers --- */

static bool
in_range(double v, double min, double max)
{
    return v == floor(v) && v >= min && v <= max;
}

/* Writes v as an element; false when the type cannot hold it. */
static bool
store(ConvRnnDType dtype, double v, void *out)
{
    switch (dtype) {
    case CONVRNN_DTYPE_FLOAT32:
        *(float *)out = (float)v;
        return true;
    case CONVRNN_DTYPE_FLOAT64:
        *(double *)out = v;
        return true;
    case CONVRNN_DTYPE_INT64:
        if (!in_range(v, -0x1p53, 0x1p53))
            return false;
        *(int64_t *)out = (int64_t)v;
        return true;
    case CONVRNN_DTYPE_INT32:
        if (!in_range(v, INT32_MIN, INT32_MAX))
            return false;
        *(int32_t *)out = (int32_t)v;
        return true;
    case CONVRNN_DTYPE_UINT8:
        if (!in_range(v, 0, UINT8_MAX))
            return false;
        *(uint8_t *)out = (uint8_t)v;
        return true;
    case CONVRNN_DTYPE_INT8:
        if (!in_range(v, INT8_MIN, INT8_MAX))
            return false;
        *(int8_t *)out = (int8_t)v;
        return true;
    case CONVRNN_DTYPE_BOOL:
        *(uint8_t *)out = v != 0;
        return v == 0 || v == 1;
    default:
        return false;
    }
}

/* The numbers of a list, as elements of the type. Their count, or -1. */
static int
parse_numbers(const char *text, ConvRnnDType dtype, GByteArray *out)
{
    char **parts = g_strsplit_set(text, ";,", MAX_NUMBERS + 1);
    int n = 0;

    for (; n >= 0 && n < MAX_NUMBERS && parts[n]; n++) {
        guint8 element[8];
        char *end, *part = g_strstrip(parts[n]);
        double v = g_ascii_strtod(part, &end);
        if (*part == '\0' && n > 0 && !parts[n + 1])
            break; /* a list may end with its separator */
        if (end == part || *end != '\0' || !store(dtype, v, element))
            n = -2;
        else
            g_byte_array_append(out, element, (guint)convrnn_dtype_get_size(dtype));
    }
    if (n == MAX_NUMBERS && parts[n])
        n = -1;
    g_strfreev(parts);
    return n;
}

bool
cr_model_info_tensor(const ConvRnnModel *model, const char *tensor_name, const char *key,
                     ConvRnnDType dtype, ConvRnnTensor **tensor, GError **error)
{
    const char *text = cr_model_info_get(model, tensor_name, key);

    *tensor = NULL;
    if (!text)
        return true;
    int value = cr_graph_find(model->graph, text);
    if (value != CR_NO_VALUE && cr_graph_get_value(model->graph, value)->constant) {
        *tensor = convrnn_tensor_ref(cr_graph_get_value(model->graph, value)->constant);
        return true;
    }
    GByteArray *elements = g_byte_array_new();
    int n = parse_numbers(text, dtype, elements);
    GBytes *bytes = g_byte_array_free_to_bytes(elements);
    if (n > 0)
        *tensor = convrnn_tensor_new(dtype, &(gint64){n}, n == 1 ? 0 : 1, bytes, error);
    else
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT,
                    "%s: [%s] %s=%s is neither a list of %s numbers nor a constant of the model",
                    model->name, tensor_name, key, text, convrnn_dtype_get_name(dtype));
    g_bytes_unref(bytes);
    return *tensor != NULL;
}
