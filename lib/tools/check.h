/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The outputs of a run against a folder of reference files. */
#pragma once

#include "tools/spec.h"

typedef struct CrCheck CrCheck;

/* folder/NNN_<output>.npy; characters outside [A-Za-z0-9_.-] become '_'. To be freed. */
char *cr_check_file_name(const char *folder, guint step, const char *output);

/* limit: for outputs that the spec gives none. spec must live as long as the check. */
CrCheck *cr_check_new(const CrSpec *spec, double limit);
void cr_check_free(CrCheck *check);

/* Compares with the reference of this step, when there is one. False when it cannot be read; a
 * difference is no error, it is counted. */
bool cr_check_output(CrCheck *check, guint step, const ConvRnnTensorInfo *output, const void *data,
                     GError **error);

/* Prints one line per output that was compared. *agrees tells whether all did. False when nothing
 * was compared, or a file in the folder belongs to no step and output of the run. */
bool cr_check_finish(CrCheck *check, bool *agrees, GError **error);
