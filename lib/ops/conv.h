/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The operator Conv: what its attributes and shapes say; and the checks that ConvTranspose shares.
 */
#pragma once

#include "ops/window.h"

/* x: (batch, channels, spatial…), w: (filters, channels / group, kernel…), b: (filters) or none,
 * y: (batch, filters, spatial out…) */
typedef struct {
    CrWindow window;
    int batch, channels, filters;
    int group; /* divides channels and filters */
    bool has_bias;
    bool transposed; /* a ConvTranspose: in and out of the window are those of x and y */
} CrConv;

/* Checks inputs and attributes of a Conv node and fills conv, output size included. */
bool cr_conv_parse(const CrOpSetup *setup, CrConv *conv, GError **error);
/* The same for a ConvTranspose node. */
bool cr_conv_transpose_parse(const CrOpSetup *setup, CrConv *conv, GError **error);

/* Multiply-accumulate operations of one run, taps in the padding included. */
uint64_t cr_conv_macs(const CrConv *conv);

/* Input 0 is a float32 picture: sets n_spatial and in[] of conv's window. */
bool cr_conv_check_input(const CrOpSetup *setup, CrConv *conv, GError **error);
/* Input 1 has the input's rank, and group is a number: sets batch, channels and group. */
bool cr_conv_check_weight(const CrOpSetup *setup, CrConv *conv, GError **error);
/* Input 2, if there, has conv->filters elements: sets has_bias. */
bool cr_conv_check_bias(const CrOpSetup *setup, CrConv *conv, GError **error);
/* The weight's extents, with which kernel_shape must agree: sets the window's kernel[]. */
bool cr_conv_check_kernel(const CrOpSetup *setup, CrWindow *window, GError **error);
