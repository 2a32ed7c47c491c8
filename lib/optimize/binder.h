/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between the two parts of binding: shapes.c finds what is known of every value, bind.c turns it
 * into the intermediate representation. */
#pragma once

#include "optimize/ir.h"

typedef struct {
    CrDesc desc;             /* dtype UNDEFINED: nothing known yet */
    ConvRnnTensor *constant; /* NULL when not known; owned */
} CrFact;

typedef struct {
    const ConvRnnModel *model;
    const CrGraph *graph;
    const CrBinding *binding;
    const CrKernels *kernels;
    GHashTable *constants; /* input name → ConvRnnTensor*: the caller's and the .modelinfo's */
    GArray *states;        /* CrStatePair */
    CrDesc *state_in;      /* [states] the shape each has in this round */
    bool *live;            /* [nodes] */
    CrFact *facts;         /* [values] */
} CrBinder;

CrDesc cr_binder_desc(const ConvRnnTensor *tensor);
const CrPort *cr_binder_port(const GArray *ports, const char *name);
/* "a, b, c", for messages; free with g_free(). */
char *cr_binder_names(const GArray *ports);
/* Every key of a table of the caller's is an input; `what` begins the message. */
bool cr_binder_check_names(const CrBinder *b, GHashTable *table, const char *what, GError **error);

/* Fills facts for all live nodes and state_in for all states. */
bool cr_binder_solve(CrBinder *b, GError **error);
void cr_binder_forget(CrBinder *b);
