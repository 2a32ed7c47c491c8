/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs a fuzz target over the files of a corpus, as an ordinary test: replay FOLDER. */
#include "fuzz/target.h"
#include <stdio.h>

int
main(int argc, char **argv)
{
    GDir *dir = argc == 2 ? g_dir_open(argv[1], 0, NULL) : NULL;
    const char *name;
    int n = 0;

    if (!dir) {
        fprintf(stderr, "usage: replay FOLDER\n");
        return 2;
    }
    while ((name = g_dir_read_name(dir))) {
        char *path = g_build_filename(argv[1], name, NULL), *data;
        gsize size;
        if (!g_file_get_contents(path, &data, &size, NULL)) {
            fprintf(stderr, "%s cannot be read\n", path);
            return 1;
        }
        LLVMFuzzerTestOneInput((const uint8_t *)data, size);
        g_free(data);
        g_free(path);
        n++;
    }
    g_dir_close(dir);
    printf("%d files\n", n);
    return n > 0 ? 0 : 1;
}
