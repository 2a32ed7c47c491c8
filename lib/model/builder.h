/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Inside the public builder. */
#pragma once

#include <convrnn/layers.h>
#include "model/graph.h"

struct _ConvRnnBuilder {
    gatomicrefcount ref_count;
    CrGraph *graph;
    GArray *states;  /* CrStatePair */
    GError *failure; /* the first one; later calls do nothing */
};

/* Remembers a failure unless there is one already. Returns CONVRNN_NO_VALUE. */
guint cr_builder_fail(ConvRnnBuilder *builder, ConvRnnError code, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* Whether the tensor is there, is float32, and has this shape; -1 fits anything. `what` is the
 * field's name. Remembers SHAPE. A missing tensor is all right when `optional`. */
bool cr_builder_want(ConvRnnBuilder *builder, const char *where, const char *what,
                     const ConvRnnTensor *tensor, bool optional, int n_dims, const gint64 *dims);

/* A node being put together; cr_builder_add() takes it over. Inputs are builder values. */
CrNode cr_builder_start(const ConvRnnBuilder *builder, const char *op, const char *name,
                        const guint *inputs, guint n_inputs, guint n_outputs);
void cr_builder_add(ConvRnnBuilder *builder, CrNode *node, guint *outputs);
/* The common case: one output, no attribute. */
guint cr_builder_op(ConvRnnBuilder *builder, const char *op, const char *name, guint a, guint b);

/* A constant that is `tensor` with other dimensions. */
guint cr_builder_reshaped(ConvRnnBuilder *builder, ConvRnnTensor *tensor, const gint64 *dims,
                          int n_dims);

/* "name", or "name_1" and so on when a value other than `own` has this name; to be freed. */
char *cr_builder_free_name(const ConvRnnBuilder *builder, const char *name, int own);

/* Hands over graph and states and leaves the builder empty. NULL with the remembered failure. */
CrGraph *cr_builder_take(ConvRnnBuilder *builder, GArray **states, GError **error);
