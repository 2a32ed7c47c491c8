/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The operator Conv: what its attributes and shapes say. */
#pragma once

#include "ops/window.h"

/* x: (batch, channels, spatial…), w: (filters, channels / group, kernel…), b: (filters) or none,
 * y: (batch, filters, spatial out…) */
typedef struct {
    CrWindow window;
    int batch, channels, filters;
    int group; /* divides channels and filters */
    bool has_bias;
} CrConv;

/* Checks inputs and attributes of a Conv node and fills conv, output size included. */
bool cr_conv_parse(const CrOpSetup *setup, CrConv *conv, GError **error);

/* Multiply-accumulate operations of one run, taps in the padding included. */
uint64_t cr_conv_macs(const CrConv *conv);
