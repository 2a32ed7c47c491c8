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

/* One file while it is read. */
typedef struct {
    GBytes *file;
    size_t memory_left; /* what may still be taken, see cr_onnx_take() */
    int64_t ir_version;
    int64_t opset;         /* of ONNX's own domain */
    GHashTable *functions; /* "domain:name" of every model-local function */
    guint n_nodes;         /* read so far */
    CrGraph *graph;
} CrOnnxFile;

/* Counts memory that the file asks for, before it is allocated; LIMIT when it is too much for the
 * file's size. */
bool cr_onnx_take(CrOnnxFile *file, size_t bytes, size_t offset, GError **error);

/* TensorProto. *name may be NULL when the tensor has none; `owner` is what messages call it then.
 */
ConvRnnTensor *cr_onnx_tensor(CrOnnxFile *file, CrWire wire, const char *owner, char **name,
                              GError **error);

/* ValueInfoProto. False only for malformed bytes; a type that is well-formed and not a tensor of an
 * element type we have comes back in *refused (to be freed), with info->dtype UNDEFINED. */
bool cr_onnx_value_info(CrWire wire, char **name, ConvRnnTensorInfo *info, char **refused,
                        GError **error);

/* AttributeProto. *attr is all zero before; what is in it is the caller's, also when this is false.
 */
bool cr_onnx_attr(CrOnnxFile *file, CrWire wire, CrAttr *attr, GError **error);

/* NodeProto, in the file's form; values are made in file->graph. */
bool cr_onnx_node(CrOnnxFile *file, CrWire wire, CrNode *node, GError **error);

/* GraphProto, into file->graph. */
bool cr_onnx_graph(CrOnnxFile *file, CrWire wire, GError **error);
