/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads lines as in tests/support/layer_case.h, and prints each one's result, or "error: …". */
#include "support/layer_case.h"
#include <stdio.h>

int
main(void)
{
    g_autoptr(GIOChannel) in = g_io_channel_unix_new(0);
    char *line;

    while (g_io_channel_read_line(in, &line, NULL, NULL, NULL) == G_IO_STATUS_NORMAL) {
        g_autoptr(GError) error = NULL;
        g_autofree char *result = layer_case_run(g_strstrip(line), &error);
        if (result)
            puts(result);
        else
            printf("error: %s\n", error->message);
        g_free(line);
    }
    return 0;
}
