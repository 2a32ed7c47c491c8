/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A graph bound to exact shapes, on its way to a plan: cr_ir_bind() makes it, the passes rewrite
 * it, runtime/plan.c turns what is left into steps. */
#pragma once

#include "kernels/kernels.h"
#include "ops/op.h"

/* When steps run as chains, see runtime/chain.h. */
typedef enum {
    CR_CHAINS_THAT_PAY,
    CR_CHAINS_ALWAYS, /* for tests: wherever steps can */
    CR_CHAINS_NEVER,  /* likewise */
} CrChains;

/* What a session config says. */
typedef struct {
    GHashTable *shapes;    /* input name → CrDesc* (dims only) */
    GHashTable *constants; /* input name → ConvRnnTensor* */
    GHashTable *initial;   /* state input name → ConvRnnTensor* */
    GArray *states;        /* CrStatePair */
    char **outputs;        /* NULL: every output that is not a state */
    bool stateless;
    bool carry;   /* recurrent nodes' states, see optimize/stateful.h */
    bool unfused; /* every node by itself */
    bool plain;   /* that, and on plain tensors, by the operators' own code */
    bool strided; /* inputs and outputs may be planes */
    unsigned threads;
    ConvRnnPrecision precision;
    CrChains chains;
} CrBinding;

typedef enum {
    CR_IR_COMPUTED,
    CR_IR_INPUT,    /* read from input buffer `index` */
    CR_IR_STATE,    /* the old value of state `index` */
    CR_IR_CONSTANT, /* known */
} CrIrKind;

typedef struct {
    const char *name;
    CrIrKind kind;
    int index;
    CrDesc desc;
    ConvRnnTensor *constant; /* plain, referenced; NULL unless CR_IR_CONSTANT */
    const void *blocked;     /* a constant's data in desc's layout, when that is not plain */
    int producer;            /* node, -1 for none */
    int base;                /* the value whose storage it is part of, -1 for its own */
    int base_block;          /* blocked: at which of its channel blocks */
} CrIrValue;

typedef struct {
    const CrOp *op;
    const CrNode *node; /* attributes and name */
    const char *label;  /* "Conv+Relu": the operators in it */
    int n_in, n_out;
    int *in, *out; /* values or CR_NO_VALUE */
    const void *fused;
    bool dead;
} CrIrNode;

typedef struct {
    ConvRnnTensorInfo info;
    int value;
    bool is_open; /* an output: may be planes, see cr_ir_open_ports() */
} CrIrPort;

typedef struct {
    ConvRnnTensorInfo info; /* under the input's name */
    const char *output;
    ConvRnnStateOrigin origin;
    int in, out;            /* values */
    int bound_out;          /* `out` before any pass */
    ConvRnnTensor *initial; /* plain, of the state's exact shape */
} CrIrState;

typedef struct {
    const ConvRnnModel *model;
    const CrKernels *kernels;
    CrRegion *region;   /* owns everything below, and becomes the plan's */
    GHashTable *packed; /* what of the constants is in it in packed form, for CrOpSetup */
    GArray *values;     /* CrIrValue */
    GArray *nodes;      /* CrIrNode, in order of execution */
    GArray *inputs;     /* CrIrPort */
    GArray *outputs;    /* CrIrPort */
    GArray *states;     /* CrIrState */
    uint64_t parameters;
    guint restarted; /* recurrent nodes whose state could be carried and is not */
    bool exact;      /* for CrOpSetup */
    GArray *bound;   /* CrIrNode: the nodes before any pass, as cr_ir_remember() found them */
    GHashTable
        *merged; /* CrNode* → CrNode*: the convolution that computes this one's channels too */
} CrIr;

/* Binds the model to shapes: infers every type and shape, folds what is constant, finds the fixed
 * point of the states' shapes, drops what nothing needs. */
CrIr *cr_ir_bind(const ConvRnnModel *model, const CrBinding *binding, const CrKernels *kernels,
                 GError **error);
void cr_ir_free(CrIr *ir);

static inline CrIrValue *
cr_ir_value(const CrIr *ir, int index)
{
    return &g_array_index(ir->values, CrIrValue, index);
}
static inline CrIrNode *
cr_ir_node(const CrIr *ir, int index)
{
    return &g_array_index(ir->nodes, CrIrNode, index);
}

/* Keeps the nodes as they are now, for telling later where each one went. */
void cr_ir_remember(CrIr *ir);

/* A new value like `like` (name, shape) that a node will compute. */
int cr_ir_add_value(CrIr *ir, const CrIrValue *like);
/* A new constant; takes over the reference to tensor. */
int cr_ir_add_constant(CrIr *ir, const char *name, ConvRnnTensor *tensor);
/* Whether something outside the nodes reads it: an output or a state. */
bool cr_ir_is_result(const CrIr *ir, int value);
/* How many live nodes read it, and the last of them in *node (may be NULL). */
int cr_ir_count_uses(const CrIr *ir, int value, int *node);
/* Every reader of `from` reads `to`. */
void cr_ir_replace(CrIr *ir, int from, int to);
/* The value whose storage this one shares, followed to the end; itself if none. */
int cr_ir_root(const CrIr *ir, int value);

/* Where a Slice with known ranges and without gaps begins along `axis`, added to *begin; false when
 * it is not such a one. */
bool cr_ir_slice_begin(const CrIr *ir, const CrIrNode *slice, int axis, int64_t *begin);

/* After nodes were inserted: who computes what. */
void cr_ir_renumber(CrIr *ir);
/* Nodes whose results nothing reads are dead. */
void cr_ir_drop_unused(CrIr *ir);

/* The setup of a node, its arrays filled from the values; valid until cr_ir_setup_clear(). */
void cr_ir_setup(const CrIr *ir, const CrIrNode *node, CrOpSetup *setup);
void cr_ir_setup_clear(CrOpSetup *setup);

/* Runs a node whose inputs are all known and gives its outputs' data, in the layouts of setup->out:
 * data[i] from cr_mem_alloc(), the caller's; or false with error, and nothing to free. */
bool cr_op_evaluate(const CrOp *op, CrOpSetup *setup, const void *const *in, void **data,
                    GError **error);

/* --- passes, in this order --- */

/* Nodes that do nothing go. */
void cr_ir_simplify(CrIr *ir);
/* Chains of element-wise nodes into one, and into the convolution they follow. */
bool cr_ir_fuse(CrIr *ir, GError **error);
/* Instead of it: each node by itself, with the kernels that it would have when fused. */
bool cr_ir_separate(CrIr *ir, GError **error);
/* Layouts: who works in blocks, and where tensors are rearranged. */
bool cr_ir_assign_layouts(CrIr *ir, GError **error);
/* Only for callers that take strides: inputs and outputs in the planes that the network reads and
 * computes, where nothing else is in the way. */
void cr_ir_open_ports(CrIr *ir);
/* Results where callers and the next step expect them. */
void cr_ir_settle(CrIr *ir);

/* How many elements apart the elements of a port's tensor lie, for each of its dimensions; returns
 * how many the first one lies behind the beginning of the value's memory. */
size_t cr_ir_port_strides(const CrIr *ir, const CrIrPort *port, gint64 *strides);

/* Appends a node that copies value into a new one of layout `desc`, and returns that. */
int cr_ir_append_reorder(CrIr *ir, int value, const CrDesc *desc);
