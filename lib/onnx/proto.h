/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The messages of onnx.proto, as far as a network needs them. */
#pragma once

#include "model/graph.h"
#include "onnx/wire.h"

#define CR_MAX_NODE_ATTRS 64
#define CR_MAX_ATTR_LENGTH                                                                         \
    65536                 /* elements of one list attribute, bytes of one string attribute         \
                           */
#define CR_MAX_PORTS 4096 /* graph inputs, and graph outputs */

/* A function of the model. Its body is read anew for each call. */
typedef struct {
    char *name;                  /* "domain:name" or "domain:name:overload" */
    CrWire body;                 /* FunctionProto */
    int64_t opset;               /* of ONNX's own domain */
    GPtrArray *inputs, *outputs; /* char*: what the body calls them */
    GHashTable *attrs;           /* name → CrWire* of its default, NULL where it has none */
} CrOnnxFunction;

/* A call that is being replaced by the function's body. */
typedef struct CrOnnxCall {
    const CrOnnxFunction *function;
    const CrNode *node;
    const struct CrOnnxCall *caller; /* the call in whose body it stands, or NULL */
    GHashTable *arguments, *locals;  /* names in the body → GINT_TO_POINTER(value + 2) */
} CrOnnxCall;

/* Where nodes go, and what names mean: a graph, or the body of a function, which has names of its
 * own for values of the graph that calls it. */
typedef struct CrOnnxScope {
    CrGraph *graph;
    const struct CrOnnxScope *outer; /* around a graph in an attribute: names it does not define */
    const CrOnnxCall *call;          /* whose attributes are meant by references; NULL: none */
    bool is_body;                    /* of call's function */
    GHashTable *refused; /* inputs of a type that we have not: name → what it is; or NULL */
    int64_t opset;       /* of ONNX's own domain */
    int depth;
} CrOnnxScope;

/* One file while it is read. */
typedef struct {
    GBytes *file;
    size_t memory_left; /* what may still be taken, see cr_onnx_take() */
    int64_t ir_version;
    int64_t opset;         /* of ONNX's own domain */
    GHashTable *functions; /* CrOnnxFunction.name → CrOnnxFunction* */
    guint n_nodes;         /* read so far, those of functions once for each call */
    CrGraph *graph;        /* the model's */
    const CrOnnxScope *scope;
} CrOnnxFile;

/* Counts memory that the file asks for, before it is allocated; LIMIT when it is too much for the
 * file's size. */
bool cr_onnx_take(CrOnnxFile *file, size_t bytes, size_t offset, GError **error);

/* The 16-bit floating point types: numbers that a file keeps in them are computed in float32. */
#define CR_ONNX_FLOAT16  10
#define CR_ONNX_BFLOAT16 16

/* What a TensorProto.DataType becomes in the graph; UNDEFINED for those that are no element type.
 */
static inline ConvRnnDType
cr_onnx_dtype(uint64_t type)
{
    if (type == CR_ONNX_FLOAT16 || type == CR_ONNX_BFLOAT16)
        return CONVRNN_DTYPE_FLOAT32;
    if (type > CONVRNN_DTYPE_UINT64 || convrnn_dtype_get_size((ConvRnnDType)type) == 0)
        return CONVRNN_DTYPE_UNDEFINED;
    return (ConvRnnDType)type;
}

/* TensorProto. *name may be NULL when the tensor has none; `owner` is what messages call it then.
 */
ConvRnnTensor *cr_onnx_tensor(CrOnnxFile *file, CrWire wire, const char *owner, char **name,
                              GError **error);

/* ValueInfoProto. False only for malformed bytes; a type that is well-formed and not a tensor of an
 * element type we have comes back in *refused (to be freed), with info->dtype UNDEFINED. */
bool cr_onnx_value_info(CrWire wire, char **name, ConvRnnTensorInfo *info, char **refused,
                        GError **error);

/* AttributeProto. *attr is all zero before; what is in it is the caller's, also when this is false.
 * It has no name when it refers to an attribute that the call of a function leaves out. Graphs are
 * read where `graphs` is set; they come with the values of the scope's graph that they capture, in
 * ints. */
bool cr_onnx_attr(CrOnnxFile *file, CrWire wire, bool graphs, CrAttr *attr, GError **error);

/* NodeProto, in the file's form; values are made in the scope's graph. *function is what it calls,
 * or NULL. */
bool cr_onnx_node(CrOnnxFile *file, CrWire wire, CrNode *node, const CrOnnxFunction **function,
                  GError **error);

/* GraphProto, into the scope's graph. */
bool cr_onnx_graph(CrOnnxFile *file, CrWire wire, GError **error);
/* One node of a graph or a function: rewritten, or replaced by what it calls. */
bool cr_onnx_add_node(CrOnnxFile *file, const CrWireField *field, GError **error);

/* --- names, see scope.c --- */

/* The value that a node's input `name` means; CR_NO_VALUE when it is an input that the call of a
 * function leaves out. */
bool cr_onnx_use(CrOnnxFile *file, const CrOnnxScope *scope, const char *name, size_t offset,
                 int *value, GError **error);
/* The value that a node's output `name` defines. */
bool cr_onnx_define(CrOnnxFile *file, const char *name, size_t offset, int *value, GError **error);
/* What the graph of `scope` uses and does not define becomes its last inputs; attr->ints gets the
 * values in the graph around it. */
bool cr_onnx_capture(CrOnnxFile *file, const CrOnnxScope *scope, CrAttr *attr, size_t offset,
                     GError **error);

/* OperatorSetIdProto: *opset is set when it is that of ONNX's own domain. */
bool cr_onnx_opset(const CrWireField *field, int64_t *opset, GError **error);

/* --- functions, see function_proto.c --- */

/* FunctionProto, into file->functions. */
bool cr_onnx_function(CrOnnxFile *file, CrWire wire, GError **error);
void cr_onnx_function_free(gpointer function);
/* The function that a node of these names calls, or NULL. */
const CrOnnxFunction *cr_onnx_function_find(const CrOnnxFile *file, const char *domain,
                                            const char *name, const char *overload);
/* Reads the function's body in place of the call. */
bool cr_onnx_call(CrOnnxFile *file, const CrOnnxFunction *function, const CrNode *node,
                  size_t offset, GError **error);
