/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which operators a model file uses, read without the library's own loader: the tests must know it
 * of files that the loader refuses. */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef struct {
    GPtrArray *operators;     /* "domain.Operator" of every node, "Operator" alone for ONNX's own */
    guint64 opset;            /* of ONNX's own domain; 0 when none is named */
    GArray *inputs, *outputs; /* guint64: TensorProto.DataType of each; 0 for what is no tensor */
} CaseModel;

/* False when the bytes are no model. Nodes of subgraphs are not looked at. */
bool case_model_read(CaseModel *model, const guint8 *data, gsize size);
void case_model_clear(CaseModel *model);
