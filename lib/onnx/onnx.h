/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ONNX files. */
#pragma once

#include "model/graph.h"

/* The newest opset whose operators are known to mean what opset 21's do. Newer files are tried. */
#define CR_ONNX_NEWEST_OPSET 28
#define CR_ONNX_OLDEST_OPSET 7

/* Reads the bytes of an ONNX file. *graph is finished (see cr_graph_finish()), every operator is in
 * the form of opset 21, and constants point into `data`, to which they hold references. Operators
 * are not looked up: cr_op_validate_graph() does that. `name` begins every message. Takes at most
 * 4 × the file's size + 64 MiB, else CONVRNN_ERROR_LIMIT. */
bool cr_onnx_load(GBytes *data, const char *name, CrGraph **graph, GError **error);

/* Reads a file that holds one TensorProto. *name, if wanted, is to be freed with g_free(). */
ConvRnnTensor *cr_onnx_read_tensor(GBytes *data, char **name, GError **error);
