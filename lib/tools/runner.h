/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs a test vector: one step after the other, the state carried. */
#pragma once

#include "tools/check.h"

typedef struct {
    ConvRnnModel *model;
    ConvRnnSessionConfig *config; /* everything but the shapes of the step's inputs */
    const CrSpec *spec;
    const char *output; /* folder for NNN_<output>.npy; NULL to write nothing */
    CrCheck *check;     /* NULL to compare nothing */
} CrRunner;

/* The message of an error names the step. */
bool cr_runner_run(const CrRunner *runner, GError **error);
