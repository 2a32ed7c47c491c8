/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes the small models of the malformed suite as seeds: seeds FOLDER. */
#include "malformed/small_models.h"
#include <stdio.h>

int
main(int argc, char **argv)
{
    for (const SmallModel *small = small_models; argc == 2 && small->name; small++) {
        GBytes *file = small->make();
        char *path = g_strdup_printf("%s/%s.onnx", argv[1], small->name);
        if (!g_file_set_contents(path, g_bytes_get_data(file, NULL), (gssize)g_bytes_get_size(file),
                                 NULL)) {
            fprintf(stderr, "%s cannot be written\n", path);
            return 1;
        }
        g_free(path);
        g_bytes_unref(file);
    }
    return argc == 2 ? 0 : 2;
}
