/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/binding.h"
#include "npy/npy.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* Far more numbers than anybody writes on a command line. */
#define MAX_VALUES 65536

bool
cr_binding_split(const char *text, const char *option, char **name, char **value, GError **error)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text || !equals[1]) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "%s: expected NAME=VALUE, found \"%s\"", option, text);
        return false;
    }
    *name = g_strndup(text, (gsize)(equals - text));
    *value = g_strdup(equals + 1);
    return true;
}

bool
cr_binding_parse_shape(const char *text, const char *option, gint64 *dims, guint *n_dims,
                       GError **error)
{
    const char *at = text;
    for (*n_dims = 0; *n_dims < CONVRNN_MAX_RANK; at++) {
        char *end;
        gint64 dim = g_ascii_isdigit(*at) ? g_ascii_strtoll(at, &end, 10) : 0;
        if (dim < 1 || dim > G_MAXINT32 || (*end != 'x' && *end))
            break;
        dims[(*n_dims)++] = dim;
        at = end;
        if (!*at)
            return true;
    }
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "%s: expected 1 to %d dimensions such as 1x3x240x320, found \"%s\"", option,
                CONVRNN_MAX_RANK, text);
    return false;
}

const ConvRnnTensorInfo *
cr_binding_find_input(const ConvRnnModel *model, const char *name, GError **error)
{
    GString *all = g_string_new(NULL);
    for (guint i = 0; i < convrnn_model_get_n_inputs(model); i++) {
        const ConvRnnTensorInfo *input = convrnn_model_get_input(model, i);
        if (strcmp(input->name, name) == 0) {
            g_string_free(all, TRUE);
            return input;
        }
        g_string_append_printf(all, "%s%s", i ? ", " : "", input->name);
    }
    g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_SHAPE,
                "%s: no input is called \"%s\"; its inputs are: %s", convrnn_model_get_name(model),
                name, all->str);
    g_string_free(all, TRUE);
    return NULL;
}

bool
cr_binding_has_output(const ConvRnnModel *model, const char *name, GError **error)
{
    for (guint i = 0; i < convrnn_model_get_n_outputs(model); i++)
        if (strcmp(convrnn_model_get_output(model, i)->name, name) == 0)
            return true;
    g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_SHAPE, "%s: no output is called \"%s\"",
                convrnn_model_get_name(model), name);
    return false;
}

/* Writes v as one element of dtype; false when the type cannot hold it. */
static bool
store_element(ConvRnnDType dtype, double v, void *to)
{
    bool whole = v == floor(v);
    switch (dtype) {
    case CONVRNN_DTYPE_FLOAT32:
        *(float *)to = (float)v;
        return true;
    case CONVRNN_DTYPE_FLOAT64:
        *(double *)to = v;
        return true;
    case CONVRNN_DTYPE_INT64:
        if (!whole || fabs(v) > 9007199254740992.0)
            return false;
        *(gint64 *)to = (gint64)v;
        return true;
    case CONVRNN_DTYPE_INT32:
        if (!whole || v < G_MININT32 || v > G_MAXINT32)
            return false;
        *(gint32 *)to = (gint32)v;
        return true;
    case CONVRNN_DTYPE_UINT8:
        if (!whole || v < 0 || v > 255)
            return false;
        *(guint8 *)to = (guint8)v;
        return true;
    case CONVRNN_DTYPE_BOOL:
        *(guint8 *)to = v != 0;
        return v == 0 || v == 1;
    default:
        return false;
    }
}

/* The shape of n values for an input: the declared one when it fits, an open dimension taken as
 * what makes it fit. */
static bool
guess_shape(const ConvRnnTensorInfo *input, size_t n, gint64 *dims, int *n_dims)
{
    gint64 known = 1;
    int open = -1;
    for (guint i = 0; i < input->n_dims; i++) {
        dims[i] = input->dims[i] < 0 ? 1 : input->dims[i];
        if (input->dims[i] < 0)
            open = (int)i;
        if (__builtin_mul_overflow(known, dims[i], &known))
            return false;
    }
    *n_dims = (int)input->n_dims;
    if (open >= 0 && known > 0 && n % (size_t)known == 0)
        dims[open] = (gint64)n / known;
    else if (input->n_dims == 0 && n > 1)
        dims[(*n_dims)++] = (gint64)n;
    else
        return known == (gint64)n;
    return true;
}

ConvRnnTensor *
cr_binding_tensor(const ConvRnnTensorInfo *input, const double *values, size_t n,
                  const gint64 *dims, int n_dims, GError **error)
{
    gint64 guessed[CONVRNN_MAX_RANK];
    size_t size = convrnn_dtype_get_size(input->dtype);
    if (n_dims < 0) {
        if (!guess_shape(input, n, guessed, &n_dims)) {
            g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_SHAPE,
                        "input \"%s\": %" G_GSIZE_FORMAT " values do not fit its shape",
                        input->name, n);
            return NULL;
        }
        dims = guessed;
    }
    char *data = g_malloc0(MAX(n * size, 1));
    for (size_t i = 0; i < n; i++) {
        if (store_element(input->dtype, values[i], data + i * size))
            continue;
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_SHAPE,
                    "input \"%s\": %g cannot be an element of type %s", input->name, values[i],
                    convrnn_dtype_get_name(input->dtype));
        g_free(data);
        return NULL;
    }
    GBytes *bytes = g_bytes_new_take(data, n * size);
    ConvRnnTensor *tensor = convrnn_tensor_new(input->dtype, dims, (guint)n_dims, bytes, error);
    g_bytes_unref(bytes);
    if (!tensor)
        g_prefix_error(error, "input \"%s\": ", input->name);
    return tensor;
}

ConvRnnTensor *
cr_binding_file(const ConvRnnTensorInfo *input, const char *path, GError **error)
{
    ConvRnnTensor *file = cr_npy_read(path, error);
    if (!file)
        return NULL;
    char *what = g_strdup_printf("%s: input \"%s\"", path, input->name);
    ConvRnnTensor *tensor = cr_npy_convert(file, input->dtype, what, error);
    g_free(what);
    convrnn_tensor_unref(file);
    return tensor;
}

ConvRnnTensor *
cr_binding_value(const ConvRnnTensorInfo *input, const char *text, GError **error)
{
    if (g_str_has_suffix(text, ".npy"))
        return cr_binding_file(input, text, error);
    GArray *values = g_array_new(FALSE, FALSE, sizeof(double));
    const char *at = text;
    bool good = true;
    for (;; at++) {
        char *end;
        double v = g_ascii_strtod(at, &end);
        good = end != at && isfinite(v) && (*end == ',' || !*end) && values->len < MAX_VALUES;
        if (!good)
            break;
        g_array_append_val(values, v);
        at = end;
        if (!*at)
            break;
    }
    ConvRnnTensor *tensor = NULL;
    if (good)
        tensor = cr_binding_tensor(input, (const double *)(void *)values->data, values->len, NULL,
                                   -1, error);
    else
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "input \"%s\": expected a number, numbers separated by commas or a .npy file, "
                    "found \"%s\"",
                    input->name, text);
    g_array_unref(values);
    return tensor;
}

bool
cr_binding_constant(ConvRnnSessionConfig *config, const ConvRnnModel *model, const char *text,
                    GError **error)
{
    char *name, *value;
    if (!cr_binding_split(text, "--constant", &name, &value, error))
        return false;
    const ConvRnnTensorInfo *input = cr_binding_find_input(model, name, error);
    ConvRnnTensor *tensor = input ? cr_binding_value(input, value, error) : NULL;
    if (tensor)
        convrnn_session_config_set_constant(config, name, tensor);
    else
        g_prefix_error(error, "--constant: ");
    g_free(name);
    g_free(value);
    convrnn_tensor_unref(tensor);
    return tensor != NULL;
}

void
cr_binding_all_outputs(ConvRnnSessionConfig *config, const ConvRnnModel *model)
{
    guint n = convrnn_model_get_n_outputs(model);
    const gchar **names = g_new0(const gchar *, n + 1);
    for (guint i = 0; i < n; i++)
        names[i] = convrnn_model_get_output(model, i)->name;
    convrnn_session_config_set_outputs(config, names);
    g_free(names);
}

static bool
apply_shape(ConvRnnSessionConfig *config, const ConvRnnModel *model, const char *text,
            GError **error)
{
    char *name, *value;
    gint64 dims[CONVRNN_MAX_RANK];
    guint n_dims;
    if (!cr_binding_split(text, "--shape", &name, &value, error))
        return false;
    bool good = cr_binding_find_input(model, name, error) != NULL &&
                cr_binding_parse_shape(value, "--shape", dims, &n_dims, error);
    if (good)
        convrnn_session_config_set_input_shape(config, name, dims, n_dims);
    g_free(name);
    g_free(value);
    return good;
}

/* A size is that of the first input of rank 4, N×C×H×W: what an image goes into. */
static bool
apply_size(ConvRnnSessionConfig *config, const ConvRnnModel *model, const char *text,
           GError **error)
{
    gint64 size[CONVRNN_MAX_RANK];
    guint n;
    if (!cr_binding_parse_shape(text, "--size", size, &n, NULL) || n != 2) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--size: expected WIDTHxHEIGHT, found \"%s\"", text);
        return false;
    }
    for (guint i = 0; i < convrnn_model_get_n_inputs(model); i++) {
        const ConvRnnTensorInfo *input = convrnn_model_get_input(model, i);
        if (input->n_dims != 4)
            continue;
        gint64 dims[4] = {input->dims[0] < 0 ? 1 : input->dims[0], input->dims[1], size[1],
                          size[0]};
        if (dims[1] < 0) {
            g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_SHAPE,
                        "--size: input \"%s\" leaves its channels open; use --shape %s=1xCxHxW",
                        input->name, input->name);
            return false;
        }
        convrnn_session_config_set_input_shape(config, input->name, dims, 4);
        return true;
    }
    g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_SHAPE,
                "--size: %s has no input of rank 4; use --shape", convrnn_model_get_name(model));
    return false;
}

void
cr_binding_add_options(GOptionContext *context, CrBindingOptions *options)
{
    GOptionEntry entries[] = {
        {"size", 0, 0, G_OPTION_ARG_FILENAME, &options->size,
         "Width and height of the first input of rank 4", "WxH"},
        {"shape", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->shapes,
         "Shape of an input, such as x=1x3x240x320 (may be repeated)", "NAME=SHAPE"},
        {"constant", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->constants,
         "Value of an input for the whole session (may be repeated)", "NAME=VALUE|FILE.npy"},
        {"carry-rnn-state", 0, 0, G_OPTION_ARG_NONE, &options->carry, CR_BINDING_CARRY_HELP, NULL},
        {"no-fuse", 0, 0, G_OPTION_ARG_NONE, &options->no_fuse, CR_BINDING_NO_FUSE_HELP, NULL},
        {"precision", 0, 0, G_OPTION_ARG_FILENAME, &options->precision, CR_BINDING_PRECISION_HELP,
         "PRECISION"},
        {NULL},
    };
    g_option_context_add_main_entries(context, entries, NULL);
}

static const char *const precisions[] = {"fp32", "bf16x3", "bf16", "auto", "double", "int8"};

const char *
cr_binding_precision_name(ConvRnnPrecision precision)
{
    return precisions[precision];
}

bool
cr_binding_parse_precision(const char *text, ConvRnnPrecision *precision, GError **error)
{
    for (guint i = 0; i < G_N_ELEMENTS(precisions); i++) {
        if (strcmp(text, precisions[i]) == 0) {
            *precision = (ConvRnnPrecision)i;
            return true;
        }
    }
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "--precision %s: expected fp32, bf16x3, bf16, auto, double or int8", text);
    return false;
}

bool
cr_binding_apply(const CrBindingOptions *options, ConvRnnSessionConfig *config,
                 const ConvRnnModel *model, GError **error)
{
    ConvRnnPrecision precision = CONVRNN_PRECISION_FP32;
    if (options->precision && !cr_binding_parse_precision(options->precision, &precision, error))
        return false;
    convrnn_session_config_set_precision(config, precision);
    convrnn_session_config_set_carry_rnn_state(config, options->carry);
    convrnn_session_config_set_fusion(config, !options->no_fuse);
    if (options->size && !apply_size(config, model, options->size, error))
        return false;
    for (char **shape = options->shapes; shape && *shape; shape++)
        if (!apply_shape(config, model, *shape, error))
            return false;
    for (char **constant = options->constants; constant && *constant; constant++)
        if (!cr_binding_constant(config, model, *constant, error))
            return false;
    return true;
}

void
cr_binding_options_clear(CrBindingOptions *options)
{
    g_free(options->size);
    g_free(options->precision);
    g_strfreev(options->shapes);
    g_strfreev(options->constants);
}
