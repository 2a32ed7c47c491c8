/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A model bound to shapes, ready to run: steps in order and packed weights. Immutable but for its
 * schedules; all sessions of a model with the same shapes share one. */
#pragma once

#include "optimize/ir.h"

#define CR_CHAIN_MAX 16 /* steps of a chain */

typedef struct {
    CrStep step;
    int node;
    const char *name, *label;
    size_t elements;    /* of its outputs */
    size_t first_place; /* of its inputs, then outputs, among those of all steps */
    bool writes_state;  /* row by row: see runtime/state_check.h */
} CrPlanStep;

typedef struct {
    CrDesc desc; /* as it lives in the session */
    size_t offset, bytes;
    const void *initial; /* in that layout */
    int node, io;        /* the node that writes it row by row, and as what; −1: there is none */
} CrPlanState;

typedef struct CrSchedule CrSchedule;

typedef struct {
    int ref_count; /* under the model's plans_lock */
    char *key;
    ConvRnnModel *model;
    CrIr *ir;      /* names, ports, constants; owns the region */
    GArray *steps; /* CrPlanStep */
    size_t n_places;
    GArray *states;     /* CrPlanState, as ir->states */
    size_t state_bytes; /* one half of the state */
    CrChains chains;
    GPtrArray *schedules; /* CrSchedule, under plans_lock */
    uint64_t macs;
} CrPlan;

/* The plan of this binding: one that some session has, or a new one. */
CrPlan *cr_plan_get(ConvRnnModel *model, const CrBinding *binding, GError **error);
void cr_plan_unref(CrPlan *plan);

/* Whether the value is the new value of a state. */
bool cr_ir_is_new_state(const CrIr *ir, int value);
/* Bytes from the beginning of the storage that a value is part of to the value. */
size_t cr_view_offset(const CrIr *ir, int value);
