/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes ONNX files, right ones and wrong ones, for tests.
 *
 * A message is a GByteArray that grows. Functions that put one message into another take the inner
 * one over. Field numbers are those of onnx.proto. */
#pragma once

#include <glib.h>
#include <stdint.h>

typedef GByteArray Ow;

/* --- protobuf --- */

Ow *ow_new(void);
void ow_varint(Ow *m, uint64_t value); /* bare, without a tag */
void ow_tag(Ow *m, unsigned field, unsigned wire_type);
void ow_int(Ow *m, unsigned field, int64_t value);
void ow_float(Ow *m, unsigned field, float value);
void ow_bytes(Ow *m, unsigned field, const void *data, size_t size);
void ow_text(Ow *m, unsigned field, const char *text);
void ow_put(Ow *m, unsigned field, Ow *inner);

/* --- ONNX --- */

enum { OW_FLOAT = 1, OW_UINT8 = 2, OW_INT32 = 6, OW_INT64 = 7, OW_BOOL = 9, OW_FLOAT16 = 10 };

/* Dims, type and name of a TensorProto; the elements are to be added. */
Ow *ow_tensor_head(const char *name, int type, const int64_t *dims, int n_dims);
/* With raw data of `size` bytes. */
Ow *ow_tensor(const char *name, int type, const int64_t *dims, int n_dims, const void *data,
              size_t size);
/* A vector. */
Ow *ow_tensor_f32(const char *name, const float *v, int n);
Ow *ow_tensor_i64(const char *name, const int64_t *v, int n);

/* ValueInfoProto of a tensor; a dimension of -1 gets a name ("d0"), -2 gets nothing. n_dims -1: no
 * shape. */
Ow *ow_value(const char *name, int type, const int64_t *dims, int n_dims);

/* NodeProto; inputs and outputs are names with commas between them ("x,,y" leaves one out), "" for
 * none at all. */
Ow *ow_node(const char *op, const char *inputs, const char *outputs);
void ow_attr_int(Ow *node, const char *name, int64_t v);
void ow_attr_float(Ow *node, const char *name, float v);
void ow_attr_text(Ow *node, const char *name, const char *v);
void ow_attr_ints(Ow *node, const char *name, const int64_t *v, int n);
void ow_attr_floats(Ow *node, const char *name, const float *v, int n);
void ow_attr_tensor(Ow *node, const char *name, Ow *tensor);
void ow_attr_graph(Ow *node, const char *name, Ow *graph);
/* An attribute of AttributeType `type` that stands for one of the function's. */
void ow_attr_ref(Ow *node, const char *name, int type, const char *ref);

/* GraphProto: ow_put() with these fields. */
enum { OW_G_NODE = 1, OW_G_INITIALIZER = 5, OW_G_INPUT = 11, OW_G_OUTPUT = 12 };

/* A GraphProto for an attribute: inputs and outputs are names with commas between them, floats
 * without a shape; nodes are a NULL-terminated list, taken over. */
Ow *ow_body(const char *inputs, const char *outputs, Ow *node, ...) G_GNUC_NULL_TERMINATED;
/* A FunctionProto likewise; put it into a model as field OW_M_FUNCTION. */
enum { OW_M_FUNCTION = 25, OW_F_ATTRIBUTE = 6, OW_F_DEFAULT = 11 };
Ow *ow_function(const char *domain, const char *name, const char *inputs, const char *outputs,
                Ow *node, ...) G_GNUC_NULL_TERMINATED;
/* OperatorSetIdProto, for a model (field 8) or a function (field 9). */
void ow_opset(Ow *m, unsigned field, const char *domain, int opset);

/* A ModelProto without its graph. */
Ow *ow_model_head(int ir_version, int opset);
void ow_metadata(Ow *model, const char *key, const char *value);
/* The finished file. */
GBytes *ow_finish(Ow *model, Ow *graph);
/* ow_model_head() and ow_finish() at once, IR 8. */
GBytes *ow_model(Ow *graph, int opset);
/* A graph with one float input "x" of dims 1×2×4×4, one output "y", and these nodes (a
 * NULL-terminated list, taken over). */
Ow *ow_graph(Ow *node, ...) G_GNUC_NULL_TERMINATED;
