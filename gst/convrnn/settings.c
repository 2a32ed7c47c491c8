/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings.h"
#include "describe.h"
#include "npy/npy.h"
#include <errno.h>
#include <gst/gst.h>
#include <string.h>

#define SETTINGS_ERROR GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS

static gboolean
is_empty(const char *text)
{
    return text == NULL || *text == '\0';
}

/* Cuts "a=b" in two at the first '='; FALSE when there is none or a side is empty. */
static gboolean
split_pair(char *pair, const char **left, const char **right)
{
    char *equals = strchr(pair, '=');

    if (equals == NULL)
        return FALSE;
    *equals = '\0';
    *left = g_strstrip(pair);
    *right = g_strstrip(equals + 1);
    return **left != '\0' && **right != '\0';
}

static gboolean
check_input(const ConvRnnModel *model, const char *property, const char *name, GError **error)
{
    g_autofree char *inputs = NULL;

    if (cr_find_input(model, name) != NULL)
        return TRUE;
    inputs = cr_describe_inputs(model);
    g_set_error(error, SETTINGS_ERROR, "%s: model \"%s\" has no input \"%s\". Its inputs are: %s",
                property, convrnn_model_get_name(model), name, inputs);
    return FALSE;
}

static gboolean
check_output(const ConvRnnModel *model, const char *property, const char *name, GError **error)
{
    g_autofree char *outputs = NULL;

    if (cr_find_output(model, name) != NULL)
        return TRUE;
    outputs = cr_describe_outputs(model);
    g_set_error(error, SETTINGS_ERROR, "%s: model \"%s\" has no output \"%s\". Its outputs are: %s",
                property, convrnn_model_get_name(model), name, outputs);
    return FALSE;
}

gboolean
cr_settings_apply_state_map(ConvRnnSessionConfig *config, const ConvRnnModel *model,
                            const char *text, GError **error)
{
    g_auto(GStrv) pairs = NULL;

    if (is_empty(text))
        return TRUE;
    if (strcmp(text, "none") == 0) {
        convrnn_session_config_set_stateless(config, TRUE);
        return TRUE;
    }
    pairs = g_strsplit(text, ",", -1);
    for (char **pair = pairs; *pair; pair++) {
        g_autofree char *found = g_strdup(*pair);
        const char *input, *output;

        if (!split_pair(*pair, &input, &output)) {
            g_set_error(error, SETTINGS_ERROR,
                        "state-map: found \"%s\", expected INPUT=OUTPUT pairs separated by commas, "
                        "such as \"h_in=h_out,c_in=c_out\", or \"none\"",
                        found);
            return FALSE;
        }
        if (!check_input(model, "state-map", input, error) ||
            !check_output(model, "state-map", output, error))
            return FALSE;
        convrnn_session_config_add_state(config, input, output);
    }
    return TRUE;
}

/* --- constants --- */

/* One number in the memory format of dtype; FALSE when it is not a number of that type. */
static gboolean
parse_element(ConvRnnDType dtype, const char *text, guint8 *out)
{
    gboolean real = dtype == CONVRNN_DTYPE_FLOAT32 || dtype == CONVRNN_DTYPE_FLOAT64;
    char *end = NULL;
    double d;
    gint64 i;

    errno = 0;
    d = real ? g_ascii_strtod(text, &end) : 0;
    i = real ? 0 : g_ascii_strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0)
        return FALSE;
    switch (dtype) {
    case CONVRNN_DTYPE_FLOAT32:
        *(float *)out = (float)d;
        return TRUE;
    case CONVRNN_DTYPE_FLOAT64:
        *(double *)out = d;
        return TRUE;
    case CONVRNN_DTYPE_INT64:
        *(gint64 *)out = i;
        return TRUE;
    case CONVRNN_DTYPE_INT32:
        *(gint32 *)out = (gint32)i;
        return i >= G_MININT32 && i <= G_MAXINT32;
    case CONVRNN_DTYPE_UINT8:
        *out = (guint8)i;
        return i >= 0 && i <= G_MAXUINT8;
    case CONVRNN_DTYPE_BOOL:
        *out = (guint8)i;
        return i == 0 || i == 1;
    default:
        return FALSE;
    }
}

/* The dimensions of a constant of n numbers for an input: open ones are 1, but the last open one
 * takes what the others leave of n. FALSE when n is neither 1 nor the input's size. */
static gboolean
constant_dims(const ConvRnnTensorInfo *input, guint n, gint64 *dims, gsize *size)
{
    guint open = input->n_dims;

    *size = 1;
    for (guint i = 0; i < input->n_dims; i++) {
        dims[i] = input->dims[i] < 0 ? 1 : input->dims[i];
        if (input->dims[i] < 0)
            open = i;
        if (!g_size_checked_mul(size, *size, (gsize)dims[i]) || *size > G_MAXINT32)
            return FALSE;
    }
    if (open<input->n_dims && * size> 0 && n > 1 && n % *size == 0) {
        dims[open] = n / *size;
        *size = n;
    }
    return n == 1 || n == *size;
}

static ConvRnnTensor *
parse_constant(const ConvRnnTensorInfo *input, const char *text, GError **error)
{
    g_auto(GStrv) numbers = g_strsplit(text, ":", -1);
    guint n = g_strv_length(numbers);
    gsize element = convrnn_dtype_get_size(input->dtype), size = 0;
    gint64 dims[CONVRNN_MAX_RANK];
    g_autofree guint8 *data = NULL;
    g_autoptr(GBytes) bytes = NULL;

    if (!constant_dims(input, n, dims, &size)) {
        g_autofree char *expected = cr_describe_tensor(input);

        g_set_error(error, SETTINGS_ERROR,
                    "constants: %u numbers found for the input %s, expected one for all its "
                    "elements or one for each, with ':' between them",
                    n, expected);
        return NULL;
    }
    if ((data = g_try_malloc0_n(MAX(size, n), MAX(element, 1))) == NULL) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_NOMEM, "No memory for the constant \"%s\"",
                    input->name);
        return NULL;
    }
    for (gsize i = 0; i < n; i++)
        if (!parse_element(input->dtype, g_strstrip(numbers[i]), data + i * element)) {
            g_set_error(
                error, SETTINGS_ERROR,
                "constants: found \"%s\" for the input \"%s\", expected a number of type %s",
                numbers[i], input->name, convrnn_dtype_get_name(input->dtype));
            return NULL;
        }
    for (gsize i = n; i < size; i++)
        memcpy(data + i * element, data, element);
    bytes = g_bytes_new_take(g_steal_pointer(&data), size * element);
    return convrnn_tensor_new(input->dtype, dims, input->n_dims, bytes, error);
}

static gboolean
check_shape(const ConvRnnTensorInfo *input, const char *path, const ConvRnnTensor *tensor,
            GError **error)
{
    ConvRnnTensorInfo found = {.name = (char *)path, .dtype = convrnn_tensor_get_dtype(tensor)};
    const gint64 *dims = convrnn_tensor_get_dims(tensor, &found.n_dims);
    gboolean fits = found.n_dims == input->n_dims;
    g_autofree char *have = NULL, *want = NULL;

    for (guint i = 0; i < found.n_dims; i++) {
        found.dims[i] = dims[i];
        fits = fits && (input->dims[i] < 0 || input->dims[i] == dims[i]);
    }
    if (fits)
        return TRUE;
    have = cr_describe_tensor(&found);
    want = cr_describe_tensor(input);
    g_set_error(error, SETTINGS_ERROR, "constants: found the array %s for the input %s", have,
                want);
    return FALSE;
}

static ConvRnnTensor *
read_constant(const ConvRnnTensorInfo *input, const char *path, GError **error)
{
    g_autoptr(GError) cause = NULL;
    g_autoptr(ConvRnnTensor) file = cr_npy_read(path, &cause);
    ConvRnnTensor *value;

    if (file != NULL && !check_shape(input, path, file, error))
        return NULL;
    value = file ? cr_npy_convert(file, input->dtype, path, &cause) : NULL;
    if (value == NULL)
        g_set_error(error, SETTINGS_ERROR, "constants: for the input \"%s\": %s", input->name,
                    cause->message);
    return value;
}

/* Numbers, or the name of a file that holds them: no number ends like that. */
static ConvRnnTensor *
make_constant(const ConvRnnTensorInfo *input, const char *text, GError **error)
{
    return g_str_has_suffix(text, ".npy") ? read_constant(input, text, error)
                                          : parse_constant(input, text, error);
}

gboolean
cr_settings_apply_constants(ConvRnnSessionConfig *config, const ConvRnnModel *model,
                            const char *text, GHashTable *names, GError **error)
{
    g_auto(GStrv) pairs = NULL;

    if (is_empty(text))
        return TRUE;
    pairs = g_strsplit(text, ",", -1);
    for (char **pair = pairs; *pair; pair++) {
        g_autofree char *found = g_strdup(*pair);
        g_autoptr(ConvRnnTensor) value = NULL;
        const char *input, *numbers;

        if (!split_pair(*pair, &input, &numbers)) {
            g_set_error(
                error, SETTINGS_ERROR,
                "constants: found \"%s\", expected INPUT=NUMBER pairs separated by commas, "
                "such as \"downsample_ratio=0.4\", with ':' between the numbers of a list, or "
                "INPUT=FILE.npy",
                found);
            return FALSE;
        }
        if (!check_input(model, "constants", input, error) ||
            (value = make_constant(cr_find_input(model, input), numbers, error)) == NULL)
            return FALSE;
        convrnn_session_config_set_constant(config, input, value);
        g_hash_table_add(names, g_strdup(input));
    }
    return TRUE;
}

/* --- lists --- */

gboolean
cr_settings_apply_outputs(ConvRnnSessionConfig *config, const ConvRnnModel *model, const char *text,
                          GError **error)
{
    g_auto(GStrv) outputs = NULL;

    if (is_empty(text))
        return TRUE;
    outputs = g_strsplit(text, ",", -1);
    for (char **output = outputs; *output; output++)
        if (!check_output(model, "outputs", g_strstrip(*output), error))
            return FALSE;
    convrnn_session_config_set_outputs(config, (const char *const *)outputs);
    return TRUE;
}

gboolean
cr_settings_parse_numbers(const char *text, const char *what, int n, double *values, GError **error)
{
    g_auto(GStrv) numbers = g_strsplit(text, ",", -1);
    int found = (int)g_strv_length(numbers);
    gboolean good = found == n || found == 1;

    for (int i = 0; good && i < n; i++) {
        const char *number = g_strstrip(numbers[found == 1 ? 0 : i]);
        char *end = NULL;

        values[i] = g_ascii_strtod(number, &end);
        good = end != number && *end == '\0';
    }
    if (!good)
        g_set_error(error, SETTINGS_ERROR,
                    "%s: found \"%s\", expected one number, or %d separated by commas", what, text,
                    n);
    return good;
}
