/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The norm of order p, (Σ |x|^p)^(1/p), of the pooling operators, whose attribute p is a whole
 * number of at least 1. */
#pragma once

#include "ops/op.h"
#include <math.h>

static inline double
cr_norm_term(double x, int64_t order)
{
    return order == 1 ? fabs(x) : order == 2 ? x * x : pow(fabs(x), (double)order);
}

static inline float
cr_norm_root(double sum, int64_t order)
{
    return (float)(order == 1 ? sum : order == 2 ? sqrt(sum) : pow(sum, 1 / (double)order));
}

static inline bool
cr_norm_order(const CrOpSetup *setup, int64_t *order, GError **error)
{
    *order = cr_node_int(setup->node, "p", 2);
    return *order >= 1 || cr_op_error(setup, CONVRNN_ERROR_FORMAT, error,
                                      "p is %" G_GINT64_FORMAT ", must be at least 1", *order);
}
