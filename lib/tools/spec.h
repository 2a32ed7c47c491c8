/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A test vector: a model, what goes into it step by step, and the folder of what should come out.
 * The format is described in docs/test-vectors.md. */
#pragma once

#include "tools/binding.h"

/* An array given in the spec itself: a shape, and values unless all are zero. */
typedef struct {
    guint n_dims;
    gint64 dims[CONVRNN_MAX_RANK];
    GArray *values; /* double; NULL for zeros */
} CrSpecArray;

typedef struct {
    char *name; /* of an input */
    char *path; /* of a .npy file; NULL where array is used */
    CrSpecArray array;
} CrSpecBinding;

typedef struct {
    char *name;
    double limit;
} CrSpecTolerance;

typedef struct {
    char *path; /* of the spec itself; NULL when it was made from options */
    char *model;
    char *out;            /* folder of the references; NULL when the spec names none */
    GPtrArray *steps;     /* GPtrArray of CrSpecBinding with paths */
    GPtrArray *constants; /* CrSpecBinding */
    GPtrArray *initial;   /* CrSpecBinding */
    GPtrArray *state;     /* char *: input, output, input, output… */
    GArray *tolerances;   /* CrSpecTolerance */
    bool carry;           /* carry-rnn-state */
} CrSpec;

/* An empty one. */
CrSpec *cr_spec_new(void);
/* What goes into an input in a step, counted from 0. */
void cr_spec_add_input(CrSpec *spec, guint step, const char *input, const char *path);

/* Paths in it are made relative to the spec's own folder. NULL with a message that names file, line
 * and column. */
CrSpec *cr_spec_load(const char *path, GError **error);
void cr_spec_free(CrSpec *spec);

/* The value that a binding of `constants` or `initial` gives to an input. */
ConvRnnTensor *cr_spec_tensor(const CrSpecBinding *binding, const ConvRnnTensorInfo *input,
                              GError **error);
/* The tolerance of an output: its own, that of "*", or fallback. */
double cr_spec_limit(const CrSpec *spec, const char *output, double fallback);
