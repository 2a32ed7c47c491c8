/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/command.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *what;
    int (*main)(int argc, char **argv);
} commands[] = {
    {"inspect", "print what a model takes, gives, carries and costs", cr_command_inspect},
    {"run", "run a model on .npy files, one step per file", cr_command_run},
    {"bench", "time a model, step by step and node by node", cr_command_bench},
};

static void
print_usage(FILE *to)
{
    fprintf(to, "Usage: convrnn COMMAND [OPTION…] MODEL\n\nCommands:\n");
    for (guint i = 0; i < G_N_ELEMENTS(commands); i++)
        fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].what);
    fprintf(to,
            "\n'convrnn COMMAND --help' lists a command's options. 'convrnn --version' prints the "
            "version.\n\nExit codes: 0 success, 1 a difference that run --check found, 2 wrong "
            "usage or bad input.\n");
}

int
main(int argc, char **argv)
{
    /* Characters of file names and messages only: numbers keep their decimal point. */
    setlocale(LC_CTYPE, "");
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        print_usage(stdout);
        return CR_EXIT_OK;
    }
    if (strcmp(name, "--version") == 0) {
        printf("convrnn %s\n", CONVRNN_VERSION);
        return CR_EXIT_OK;
    }
    for (guint i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (strcmp(name, commands[i].name) != 0)
            continue;
        char *program = g_strdup_printf("convrnn %s", name);
        g_set_prgname(program);
        g_free(program);
        return commands[i].main(argc - 1, argv + 1);
    }
    if (*name)
        fprintf(stderr, "convrnn: unknown command \"%s\"\n", name);
    print_usage(stderr);
    return CR_EXIT_BAD_INPUT;
}
