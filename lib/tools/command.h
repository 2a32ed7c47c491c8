/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The subcommands of `convrnn`, and what they have in common. */
#pragma once

#include <convrnn/session.h>
#include <stdbool.h>

typedef enum {
    CR_EXIT_OK = 0,
    CR_EXIT_MISMATCH = 1, /* run --check found a difference */
    CR_EXIT_BAD_INPUT = 2 /* wrong usage, or a file that cannot be used */
} CrExit;

/* Each takes the arguments from its own name on. */
int cr_command_inspect(int argc, char **argv);
int cr_command_run(int argc, char **argv);
int cr_command_bench(int argc, char **argv);

/* True when exactly n_args arguments are left in argv[1…]. */
bool cr_command_expect_arguments(int argc, char **argv, int n_args, GError **error);

#define CR_MAX_THREADS 64

bool cr_command_check_range(const char *option, int value, int min, int max, GError **error);

/* Prints "convrnn: message" to stderr, frees error, gives CR_EXIT_BAD_INPUT. */
int cr_command_fail(GError *error);

/* "1×3×?×224" or "scalar"; to be freed by the caller. */
char *cr_command_shape(const ConvRnnTensorInfo *info);
const char *cr_command_origin(ConvRnnStateOrigin origin);
