/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between the parts of binding: shapes.c finds what is known of every value, with the help of
 * splice.c and control.c, which put the graphs of control-flow nodes in their place; bind.c turns
 * it into the intermediate representation. */
#pragma once

#include "optimize/ir.h"

/* What is known of a value. */
typedef struct {
    const char *name;        /* the graph's or the round's region's */
    CrDesc desc;             /* dtype UNDEFINED: nothing known yet */
    ConvRnnTensor *constant; /* NULL when not known; owned */
    bool given;              /* the constant is the file's */
} CrFact;

/* What a loop begins its only round with, and what it ends it with. */
typedef struct {
    const CrNode *node;
    int index;              /* among the loop's carried values */
    int in, out;            /* facts; out CR_NO_VALUE: it is no state after all */
    ConvRnnTensor *initial; /* owned */
} CrCarried;

/* Facts and nodes are found afresh in each round of the search for the states' shapes: how often a
 * loop runs may depend on them. */
typedef struct {
    const ConvRnnModel *model;
    const CrGraph *graph;
    const CrBinding *binding;
    const CrKernels *kernels;
    GHashTable *constants; /* input name → ConvRnnTensor*: the caller's and the .modelinfo's */
    GArray *states;        /* CrStatePair */
    GArray *outputs;       /* CrPort: the graph's, and what else the caller wants to read */
    CrDesc *state_in;      /* [states] the shape each has in this round */
    bool *live;            /* [the graph's nodes] */

    GArray *facts;      /* CrFact: of the graph's values, by number, then of what was put in */
    GPtrArray *nodes;   /* const CrNode*: the graph's and those put in, in order; no control flow.
                           Their inputs and outputs are facts */
    int *fact_of;       /* [the graph's values] fact + 1 */
    CrRegion *region;   /* owns what was put in */
    GHashTable *shared; /* ConvRnnTensor* of a file → fact + 1; NULL until it is needed */
    int spliced;        /* nodes and iterations put in */
    size_t folded;      /* elements computed */
    GArray *carried;    /* CrCarried: what loops of one round carry from step to step */
    guint restarted;    /* loops that could */
} CrBinder;

CrDesc cr_binder_desc(const ConvRnnTensor *tensor);
const CrPort *cr_binder_port(const GArray *ports, const char *name);
/* "a, b, c", for messages; free with g_free(). */
char *cr_binder_names(const GArray *ports);
/* Every key of a table of the caller's is an input; `what` begins the message. */
bool cr_binder_check_names(const CrBinder *b, GHashTable *table, const char *what, GError **error);

/* Finds all facts and nodes, and state_in for all states. */
bool cr_binder_solve(CrBinder *b, GError **error);
/* Frees what a round has found. */
void cr_binder_forget(CrBinder *b);

static inline CrFact *
cr_binder_fact(const CrBinder *b, int index)
{
    return &g_array_index(b->facts, CrFact, index);
}
/* The fact of one of the graph's inputs or outputs. */
static inline int
cr_binder_port_fact(const CrBinder *b, const CrPort *port)
{
    return b->fact_of[port->value] - 1;
}

/* A new fact, of which nothing is known. */
int cr_binder_add_fact(CrBinder *b, const char *name);
/* A new constant; takes over the reference to tensor. */
int cr_binder_add_constant(CrBinder *b, const char *name, ConvRnnTensor *tensor);
/* Appends a node, infers what it makes, and computes that when it can be known. *known is false
 * when an input has no shape yet. */
bool cr_binder_visit(CrBinder *b, const CrNode *node, bool *known, GError **error);

/* --- graphs in place of nodes (splice.c) --- */

/* A graph while it is being put in. */
typedef struct {
    const CrGraph *graph;
    int *fact_of; /* [values] fact + 1; 0: not yet */
} CrInstance;

/* Which fact a value is: computed already, an input's, or a constant. CR_NO_VALUE stays. */
int cr_binder_instance_fact(CrBinder *b, CrInstance *at, int value);
/* Visits the nodes in order (of `live` ones, if that is not NULL), each under the name PATH/NAME;
 * with NULL for the path, the model's own graph. *known becomes false with the first node whose
 * inputs have no shape yet. */
bool cr_binder_walk(CrBinder *b, CrInstance *at, const bool *live, const char *path, bool *known,
                    GError **error);
/* A copy with inputs and outputs of its own, and the node's attributes. NULL with NOMEM. */
CrNode *cr_binder_copy_node(CrBinder *b, const CrNode *node, const char *name, GError **error);

/* If, Loop, Scan (control.c): results[k] becomes the fact of the node's output k. */
bool cr_binder_control(CrBinder *b, const CrNode *node, int *results, bool *known, GError **error);

/* --- the states of loops that run once (carry_loops.c) --- */

/* Before a loop's first round: carried values that start from float32 constants become facts of
 * which only the shape is known, in carried[0…n), when the session carries recurrent states. They
 * are the body's inputs from `input` on, and its outputs from `output` on. STATE when there are any
 * and the loop does not have just one round. */
bool cr_binder_begin_carry(CrBinder *b, const CrNode *node, const CrGraph *body, int input,
                           int output, int64_t rounds, int *carried, int n, GError **error);
/* After the round: what each of them has become. */
void cr_binder_end_carry(CrBinder *b, const CrNode *node, const int *carried, int n);
