/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The operators MaxPool and AveragePool: what their attributes and shapes say. */
#pragma once

#include "ops/window.h"

/* x: (batch, channels, spatial…), y: (batch, channels, spatial out…) */
typedef struct {
    CrWindow window;
    int batch, channels;
    bool count_include_pad; /* AveragePool */
    bool column_major;      /* MaxPool: how Indices are counted */
} CrPool;

/* Checks input and attributes of a MaxPool or AveragePool node and fills pool. The input's type is
 * not looked at. */
bool cr_pool_parse(const CrOpSetup *setup, CrPool *pool, GError **error);

/* What an average divides by on one axis at output position `o`: the taps that take part, or with
 * count_include_pad those within the padded picture. */
int cr_pool_divisor(const CrPool *pool, int axis, int o);
