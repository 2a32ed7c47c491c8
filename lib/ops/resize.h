/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The operator Resize: what its attributes and known inputs say, and per axis the table of which
 * input positions make each output position. */
#pragma once

#include "ops/op.h"

typedef enum {
    CR_RESIZE_NEAREST,
    CR_RESIZE_LINEAR,
    CR_RESIZE_CUBIC,
} CrResizeMode;

/* Which position of the input an output position stands for: coordinate_transformation_mode. */
typedef enum {
    CR_RESIZE_HALF_PIXEL,
    CR_RESIZE_HALF_PIXEL_SYMMETRIC,
    CR_RESIZE_PYTORCH_HALF_PIXEL,
    CR_RESIZE_ALIGN_CORNERS,
    CR_RESIZE_ASYMMETRIC,
    CR_RESIZE_TF_HALF_PIXEL_FOR_NN,
    CR_RESIZE_TF_CROP_AND_RESIZE,
} CrResizeCoordinates;

/* nearest_mode */
typedef enum {
    CR_RESIZE_ROUND_PREFER_FLOOR,
    CR_RESIZE_ROUND_PREFER_CEIL,
    CR_RESIZE_FLOOR,
    CR_RESIZE_CEIL,
} CrResizeRounding;

#define CR_RESIZE_OUTSIDE (-1) /* in index[], x0[]: the output takes the extrapolation value */

/* Tables have `out` entries; only those of the mode are there. All positions are within [0, in),
 * except CR_RESIZE_OUTSIDE where the node extrapolates. */
typedef struct {
    int in, out;
    double scale;      /* out / in, or what the node gives */
    double begin, end; /* region of interest, for tf_crop_and_resize */
    bool active;       /* false: every output is the input at the same position */
    int32_t *index;    /* nearest */
    int32_t *x0, *x1;  /* linear: x0 + fx · (x1 − x0) of the values there */
    float *fx;
    int32_t (*taps)[4]; /* cubic: Σ weights · values at taps; taps[0] may be CR_RESIZE_OUTSIDE */
    float (*weights)[4];
} CrResizeAxis;

typedef struct {
    CrResizeMode mode;
    CrResizeCoordinates coordinates;
    CrResizeRounding rounding;
    double cubic_a;
    bool exclude_outside;
    bool extrapolates; /* tf_crop_and_resize: tables may hold CR_RESIZE_OUTSIDE */
    float extrapolation_value;
    int n_dims;
    CrResizeAxis axis[CONVRNN_MAX_RANK];
} CrResize;

/* Checks inputs and attributes and fills everything but the tables and `active`. */
bool cr_resize_parse(const CrOpSetup *setup, CrResize *resize, GError **error);

/* Makes the tables, in the setup's region. */
bool cr_resize_tabulate(CrOpSetup *setup, CrResize *resize, GError **error);
