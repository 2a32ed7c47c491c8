/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/command.h"

#include <stdio.h>

bool
cr_command_expect_arguments(int argc, char **argv, int n_args, GError **error)
{
    if (argc - 1 == n_args)
        return true;
    if (argc - 1 > n_args)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "unexpected argument \"%s\"; see %s --help", argv[n_args + 1], g_get_prgname());
    else
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                    "a model file is missing; see %s --help", g_get_prgname());
    return false;
}

bool
cr_command_check_range(const char *option, int value, int min, int max, GError **error)
{
    if (value >= min && value <= max)
        return true;
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s: expected %d to %d, found %d",
                option, min, max, value);
    return false;
}

int
cr_command_fail(GError *error)
{
    fprintf(stderr, "convrnn: %s\n", error->message);
    g_error_free(error);
    return CR_EXIT_BAD_INPUT;
}

char *
cr_command_shape(const ConvRnnTensorInfo *info)
{
    if (info->n_dims == 0)
        return g_strdup("scalar");
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < info->n_dims; i++) {
        if (i)
            g_string_append(text, "×");
        if (info->dims[i] < 0)
            g_string_append_c(text, '?');
        else
            g_string_append_printf(text, "%" G_GINT64_FORMAT, info->dims[i]);
    }
    return g_string_free(text, FALSE);
}

const char *
cr_command_origin(ConvRnnStateOrigin origin)
{
    switch (origin) {
    case CONVRNN_STATE_FROM_CONFIG:
        return "option";
    case CONVRNN_STATE_FROM_MODELINFO:
        return "modelinfo";
    case CONVRNN_STATE_FROM_METADATA:
        return "metadata";
    case CONVRNN_STATE_FROM_NAME:
        return "name";
    case CONVRNN_STATE_FROM_BUILDER:
        return "builder";
    case CONVRNN_STATE_FROM_CARRY:
        return "carry-rnn-state";
    case CONVRNN_STATE_FROM_WINDOW:
        return "window";
    }
    return "unknown";
}
