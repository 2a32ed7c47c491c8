/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The immutable graph inside a ConvRnnModel, and the functions that make one. The ONNX importer and
 * the public builder are its only makers. Operators, attributes and their meaning are those of the
 * newest ONNX opset that we know (21): an importer of an older form rewrites it to the newest. */
#pragma once

#include <convrnn/model.h>
#include <convrnn/session.h>
#include <stdbool.h>
#include <stdint.h>

/* Limits on what a file may ask for; each is checked while loading. */
#define CR_MAX_NODES    100000
#define CR_MAX_NODE_IO  4096        /* inputs or outputs of one node */
#define CR_MAX_DIM      (1 << 30)   /* one dimension */
#define CR_MAX_ELEMENTS (1LL << 31) /* elements of one tensor */
#define CR_MAX_NAME     4096        /* bytes of one name */
#define CR_MAX_NESTING  32          /* graphs in nodes of graphs, and calls in functions */

/* A dense tensor: the public, immutable one. */
struct _ConvRnnTensor {
    gatomicrefcount ref_count;
    ConvRnnDType dtype;
    int n_dims;
    int64_t dims[CONVRNN_MAX_RANK];
    size_t n_elements;
    const void *data;
    GBytes *bytes; /* owns data */
};

typedef struct _CrGraph CrGraph;

typedef enum {
    CR_ATTR_INT,
    CR_ATTR_FLOAT,
    CR_ATTR_STRING,
    CR_ATTR_INTS,
    CR_ATTR_FLOATS,
    CR_ATTR_STRINGS,
    CR_ATTR_TENSOR,
    CR_ATTR_GRAPH, /* of a control-flow node only */
    CR_ATTR_OTHER, /* anything else: kept only so that messages can name it */
} CrAttrType;

typedef struct {
    char *name;
    CrAttrType type;
    int64_t i;
    float f;
    int n; /* length of ints, floats or strings */
    int64_t *ints;
    float *floats;
    char *string;   /* NUL-terminated */
    char **strings; /* NULL-terminated */
    ConvRnnTensor *tensor;
    CrGraph *graph; /* finished */
} CrAttr;

#define CR_NO_VALUE (-1) /* an optional input or output that is left out */

typedef struct {
    char *name;   /* never NULL or empty: made up ("Conv_12") where the file has none */
    char *op;     /* operator type: "Conv" */
    char *domain; /* "" for ONNX's own */
    int n_inputs, n_outputs;
    int *inputs; /* indices into CrGraph.values, or CR_NO_VALUE */
    int *outputs;
    /* The last of the inputs: values that the graphs in its attributes use without defining them,
     * one graph's after the other's. So a node depends on all that its graphs depend on. */
    int n_captured;
    int n_attrs;
    CrAttr *attrs;
} CrNode;

/* One edge: a graph input, an initializer, or what a node computes. */
typedef struct {
    char *name;              /* unique in the graph */
    bool made_up;            /* the name is ours, and gives way to one that the file uses */
    ConvRnnTensor *constant; /* an initializer's value, else NULL */
    int producer; /* index of the node that computes it, -1 for inputs and initializers */
} CrValue;

typedef struct {
    int value;              /* index into CrGraph.values */
    ConvRnnTensorInfo info; /* info.name points to the value's name */
} CrPort;

typedef struct {
    char *input, *output; /* names of graph input and graph output */
    ConvRnnStateOrigin origin;
    ConvRnnTensor *initial; /* NULL = zeros */
} CrStatePair;

/* A model's graph, or one in a node's attribute. The latter's inputs are its own and, behind them,
 * the values that it captures from the graph around it: it stands for itself. */
struct _CrGraph {
    GArray *values;      /* CrValue */
    GArray *nodes;       /* CrNode, in topological order once cr_graph_finish() has returned true */
    GArray *inputs;      /* CrPort */
    GArray *outputs;     /* CrPort */
    GHashTable *by_name; /* value name → GINT_TO_POINTER(index + 1) */
    GHashTable *metadata; /* ONNX metadata_props: char* → char* */
    int n_captured;       /* the last of the inputs */
};

struct _ConvRnnModel {
    gatomicrefcount ref_count;
    char *name;
    CrGraph *graph;
    GBytes *source;         /* the file's bytes, which weights point into; NULL from the builder */
    char *hash;             /* ask cr_model_hash() */
    GKeyFile *info;         /* parsed .modelinfo, NULL when there is none */
    GHashTable *properties; /* its entries as text that lives as long as the model */
    GArray *states;         /* CrStatePair given by the builder */
    GArray *windows;        /* CrFrameWindow, NULL for none: see model/frame_window.h */
    bool carries_rnn_state; /* the .modelinfo says so */
    GMutex plans_lock;
    GHashTable *plans; /* key string → CrPlan*, weak: see runtime/plan.h */
};

/* --- making a graph (set-up only; one thread) --- */

CrGraph *cr_graph_new(void);
void cr_graph_free(CrGraph *graph);

/* The value that a file calls `name`, made when it does not exist yet. */
int cr_graph_value(CrGraph *graph, const char *name);
/* The value called `name`, or CR_NO_VALUE. */
int cr_graph_find(const CrGraph *graph, const char *name);
/* A new value whose name begins with `hint` and is unique. */
int cr_graph_new_value(CrGraph *graph, const char *hint);
/* A new constant; takes over the caller's reference to tensor. */
int cr_graph_add_constant(CrGraph *graph, const char *hint, ConvRnnTensor *tensor);
int cr_graph_add_constant_i64(CrGraph *graph, const char *hint, const int64_t *v, int n);
/* Rank 0 when scalar is true. */
int cr_graph_add_constant_f32(CrGraph *graph, const char *hint, const float *v, int n, bool scalar);

/* Takes over everything node points to. False (with node freed) when an output already has a
 * producer or is an input: CONVRNN_ERROR_FORMAT. */
bool cr_graph_add_node(CrGraph *graph, CrNode *node, GError **error);
bool cr_graph_add_input(CrGraph *graph, const char *name, const ConvRnnTensorInfo *info,
                        GError **error);
bool cr_graph_add_output(CrGraph *graph, const char *name, const ConvRnnTensorInfo *info,
                         GError **error);

/* Checks the whole (every value used is produced, no cycle, every node known to the operator table
 * with a legal number of inputs, outputs and legal attributes), drops nodes that no output needs,
 * and sorts. After it the graph is immutable. The error names node and tensor. */
bool cr_graph_finish(CrGraph *graph, GError **error);

/* A model of a finished graph, which it takes over. source and info may be NULL. */
ConvRnnModel *cr_model_new(CrGraph *graph, const char *name, GBytes *source, GKeyFile *info);

/* SHA-256 of the file, or of the graph when there is none, in hex: recognises a state snapshot.
 * Computed when it is first asked for, for it takes longer than everything else about loading. Any
 * thread may ask. */
const char *cr_model_hash(ConvRnnModel *model);

/* --- nodes and attributes --- */

/* Memory for a node that cr_graph_add_node() will take over. `name` may be NULL or "". */
void cr_node_init(CrNode *node, const char *op, const char *domain, const char *name, int n_inputs,
                  int n_outputs);
void cr_node_clear(CrNode *node);
/* Appends an attribute; the arrays and strings given are copied. */
void cr_node_set_int(CrNode *node, const char *attr, int64_t v);
void cr_node_set_float(CrNode *node, const char *attr, float v);
void cr_node_set_string(CrNode *node, const char *attr, const char *v);
void cr_node_set_ints(CrNode *node, const char *attr, const int64_t *v, int n);
void cr_node_set_floats(CrNode *node, const char *attr, const float *v, int n);
void cr_node_set_strings(CrNode *node, const char *attr, const char *const *v, int n);
void cr_node_remove_attr(CrNode *node, const char *attr);

/* If, Loop or Scan: its graphs take its place when shapes are bound. */
bool cr_node_is_control(const CrNode *node);
/* The graph in an attribute, or NULL; *captured is the first input that it captures. */
const CrGraph *cr_node_graph(const CrNode *node, const char *attr, int *captured);

const CrAttr *cr_node_attr(const CrNode *node, const char *attr); /* NULL when absent */
int64_t cr_node_int(const CrNode *node, const char *attr, int64_t fallback);
float cr_node_float(const CrNode *node, const char *attr, float fallback);
const char *cr_node_string(const CrNode *node, const char *attr, const char *fallback);
/* The attribute's ints, and their number in *n; NULL and 0 when absent. */
const int64_t *cr_node_ints(const CrNode *node, const char *attr, int *n);

static inline CrValue *
cr_graph_get_value(const CrGraph *graph, int index)
{
    return &g_array_index(graph->values, CrValue, index);
}
static inline CrNode *
cr_graph_get_node(const CrGraph *graph, int index)
{
    return &g_array_index(graph->nodes, CrNode, index);
}
