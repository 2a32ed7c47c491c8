/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small questions and answers that infer() and prepare() of many operators share. */
#pragma once

#include "ops/op.h"

/* For operators without attributes. */
extern const CrAttrSpec cr_op_no_attrs[];

static inline bool
cr_op_has_input(const CrOpSetup *setup, int index)
{
    return index < setup->n_in && setup->in[index].dtype != CONVRNN_DTYPE_UNDEFINED;
}

static inline bool
cr_op_has_output(const CrOpSetup *setup, int index)
{
    return index < setup->n_out && setup->node->outputs[index] != CR_NO_VALUE;
}

/* Zeroed memory of the plan for a step's params; step->params points to it. */
#define cr_op_params(setup, step, type, error)                                                     \
    ((type *)((step)->params =                                                                     \
                  cr_region_alloc((setup)->region, 1, sizeof(type), (setup)->node->name, error)))

/* UNSUPPORTED: what the operator does not do with input `index`'s type. */
bool cr_op_bad_dtype(const CrOpSetup *setup, int index, GError **error);

/* SHAPE: inputs a and b do not fit together; the message shows both shapes. */
bool cr_op_bad_shapes(const CrOpSetup *setup, int a, int b, GError **error);

/* Whether inputs a and b have the same type; SHAPE when not. */
bool cr_op_same_dtype(const CrOpSetup *setup, int a, int b, GError **error);

/* A known list of axes (input `index`) as flags: used[axis] for each dimension of a tensor of
 * `rank`. SHAPE when one does not exist or comes twice. */
bool cr_op_axes(const CrOpSetup *setup, int index, int rank, bool used[CONVRNN_MAX_RANK],
                GError **error);

/* Sets out[0] to the type and shape of in[0]. */
bool cr_op_like_input(CrOpSetup *setup, GError **error);
