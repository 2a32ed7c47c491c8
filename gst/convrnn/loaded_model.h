/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A model with everything that the element's properties say about how to run it. */
#pragma once

#include "frame_to_tensor.h"
#include <convrnn/session.h>

/* What the user set. Texts: NULL or empty leaves it to the model's description. */
typedef struct {
    char *path, *state_map, *constants, *outputs;
    char *region, *range, *mean, *std;
    gboolean carry_rnn_state;
    guint threads;
    ConvRnnPrecision precision;
    guint downscale, size_multiple; /* of sizes that the model leaves open; ≥ 1 */
    CrFit fit;
    int bgr; /* −1: as the model says */
} CrModelSettings;

CrModelSettings cr_model_settings_copy(const CrModelSettings *settings);
void cr_model_settings_clear(CrModelSettings *settings);

/* Immutable, but for its one owner. */
typedef struct {
    CrModelSettings settings;
    ConvRnnModel *model;
    ConvRnnSessionConfig *config;
    GHashTable *constant_names; /* a set of char * */
} CrLoadedModel;

/* Loads settings->path and applies the rest of the settings. NULL with an error; then *what says in
 * words which of the two failed. */
CrLoadedModel *cr_loaded_model_new(const CrModelSettings *settings, const char **what,
                                   GError **error);

/* NULL does nothing. */
void cr_loaded_model_free(CrLoadedModel *loaded);
