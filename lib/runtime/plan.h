/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A model bound to shapes, ready to run: steps in order, packed weights, and where in a session's
 * memory each tensor lives. Immutable; all sessions of a model with the same shapes share one. */
#pragma once

#include "optimize/ir.h"

typedef enum {
    CR_PLACE_NONE,      /* left out */
    CR_PLACE_DATA,      /* a constant: `data` */
    CR_PLACE_ARENA,     /* offset into the session's arena */
    CR_PLACE_STATE_OLD, /* offset into the half of the state that a step reads */
    CR_PLACE_STATE_NEW, /* offset into the half that it writes */
} CrSpace;

typedef struct {
    CrSpace space;
    size_t offset;
    const void *data;
} CrPlace;

typedef struct {
    CrStep step;
    const char *name, *label;
    size_t first_place; /* of its inputs, then outputs, in CrPlan.places */
} CrPlanStep;

typedef struct {
    CrDesc desc; /* as it lives in the session */
    size_t offset, bytes;
    const void *initial; /* in that layout */
} CrPlanState;

typedef struct {
    int ref_count; /* under the model's plans_lock */
    char *key;
    ConvRnnModel *model;
    CrIr *ir;       /* names, ports, constants; owns the region */
    GArray *steps;  /* CrPlanStep */
    GArray *places; /* CrPlace */
    GArray *states; /* CrPlanState, as ir->states */
    CrPlace *inputs, *outputs;
    size_t arena_bytes, state_bytes; /* one half of the state */
    size_t scratch_bytes;            /* per thread */
    uint64_t macs;
} CrPlan;

/* The plan of this binding: one that some session has, or a new one. */
CrPlan *cr_plan_get(ConvRnnModel *model, const CrBinding *binding, GError **error);
void cr_plan_unref(CrPlan *plan);
