/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "describe.h"
#include <string.h>

/* Some models have dozens of states; a message with them all says less. */
#define MAX_LISTED 12

static void
append_tensor(GString *text, const ConvRnnTensorInfo *info)
{
    g_string_append_printf(text, "%s %s[", info->name, convrnn_dtype_get_name(info->dtype));
    for (guint i = 0; i < info->n_dims; i++) {
        if (i > 0)
            g_string_append_c(text, ',');
        if (info->dims[i] < 0)
            g_string_append_c(text, '?');
        else
            g_string_append_printf(text, "%" G_GINT64_FORMAT, info->dims[i]);
    }
    g_string_append_c(text, ']');
}

char *
cr_describe_tensor(const ConvRnnTensorInfo *info)
{
    GString *text = g_string_new(NULL);

    append_tensor(text, info);
    return g_string_free(text, FALSE);
}

typedef guint (*CountFunc)(const ConvRnnModel *model);
typedef const ConvRnnTensorInfo *(*GetFunc)(const ConvRnnModel *model, guint index);

static char *
describe_all(const ConvRnnModel *model, CountFunc count, GetFunc get)
{
    GString *text = g_string_new(NULL);
    guint n = count(model);

    for (guint i = 0; i < MIN(n, MAX_LISTED); i++) {
        if (i > 0)
            g_string_append(text, ", ");
        append_tensor(text, get(model, i));
    }
    if (n > MAX_LISTED)
        g_string_append_printf(text, " and %u more", n - MAX_LISTED);
    return g_string_free(text, FALSE);
}

static const ConvRnnTensorInfo *
find(const ConvRnnModel *model, const char *name, CountFunc count, GetFunc get)
{
    for (guint i = 0; i < count(model); i++)
        if (strcmp(get(model, i)->name, name) == 0)
            return get(model, i);
    return NULL;
}

char *
cr_describe_inputs(const ConvRnnModel *model)
{
    return describe_all(model, convrnn_model_get_n_inputs, convrnn_model_get_input);
}

char *
cr_describe_outputs(const ConvRnnModel *model)
{
    return describe_all(model, convrnn_model_get_n_outputs, convrnn_model_get_output);
}

const ConvRnnTensorInfo *
cr_find_input(const ConvRnnModel *model, const char *name)
{
    return find(model, name, convrnn_model_get_n_inputs, convrnn_model_get_input);
}

const ConvRnnTensorInfo *
cr_find_output(const ConvRnnModel *model, const char *name)
{
    return find(model, name, convrnn_model_get_n_outputs, convrnn_model_get_output);
}
