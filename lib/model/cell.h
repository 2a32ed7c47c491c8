/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Inside ConvRnnCell: what all kinds share. */
#pragma once

#include <convrnn/cell.h>
#include "model/builder.h"

/* Where a step of a cell is put. */
typedef struct {
    ConvRnnBuilder *builder;
    const char *name; /* what its nodes' names begin with */
    bool broadcast;   /* the states given may have 1 where their size follows from the input */
} CrCellPlace;

typedef struct {
    const char *kind; /* "gru": what messages call the cell */
    /* Adds one step. in and out: a value for each state. Returns the output. */
    guint (*step)(const ConvRnnCell *cell, const CrCellPlace *at, guint x, const guint *in,
                  guint *out);
    /* All steps of a sequence in one node, or NULL where there is no such. x: (T, N, K), states as
     * of a step; returns the outputs (T, N, H). */
    guint (*sequence)(const ConvRnnCell *cell, const CrCellPlace *at, guint x, const guint *in,
                      guint *out, bool backward);
    /* Whether sequence() can be used with this cell. */
    bool (*has_sequence)(const ConvRnnCell *cell);
    void (*clear)(ConvRnnCell *cell); /* what a kind has besides; may be NULL */
} CrCellClass;

/* The beginning of every kind. */
struct _ConvRnnCell {
    gatomicrefcount ref_count;
    const CrCellClass *class;
    int rank;        /* of its output: 2, dense; 3 and 4, convolutional */
    gint64 inputs;   /* channels of its input; of a dense cell all elements of a step */
    gint64 channels; /* of its output: dimension 1 */
    GArray *states;  /* CrCellState */
};

typedef struct {
    char *name;
    ConvRnnTensorInfo info;
    ConvRnnTensor *initial; /* NULL: zeros */
} CrCellState;

/* A cell of `size` bytes that begins with ConvRnnCell, all zero but that. */
gpointer cr_cell_alloc(size_t size, const CrCellClass *class, int rank, gint64 inputs,
                       gint64 channels);
void cr_cell_add_state(ConvRnnCell *cell, const char *name, int n_dims, const gint64 *dims,
                       ConvRnnTensor *initial);
/* The states of `inner`, each name with `prefix` and "_" before it; NULL: as they are. */
void cr_cell_add_states(ConvRnnCell *cell, const ConvRnnCell *inner, const char *prefix);
const CrCellState *cr_cell_state(const ConvRnnCell *cell, guint index);

/* The step of any cell; values of states that are CONVRNN_NO_VALUE are initial values. */
guint cr_cell_step(const ConvRnnCell *cell, const CrCellPlace *at, guint x, const guint *in,
                   guint *out);
/* All steps of a sequence; the same of a cell that has a sequence(). */
guint cr_cell_sequence(const ConvRnnCell *cell, const CrCellPlace *at, guint x, const guint *in,
                       guint *out, bool backward);
/* What a state starts from: its initial value, not yet of its full size. */
guint cr_cell_initial(const ConvRnnCell *cell, ConvRnnBuilder *builder, guint index);
bool cr_cell_has_sequence(const ConvRnnCell *cell);

/* --- checking what a constructor is given --- */

/* Always false. The message begins with the kind. */
bool cr_cell_fail(const char *kind, ConvRnnError code, GError **error, const char *format, ...)
    G_GNUC_PRINTF(4, 5);
/* Whether `tensor`, the field `what`, is there and is float32 of this shape: -1 fits any dimension
 * of 1 or more. SHAPE when not. A missing tensor is all right when optional. */
bool cr_cell_want(const char *kind, const char *what, const ConvRnnTensor *tensor, bool optional,
                  const gint64 *dims, int n_dims, GError **error);
/* "8×3", to be freed; -1 becomes "?". */
char *cr_cell_dims_text(const gint64 *dims, int n_dims);

/* --- nodes of a step --- */

/* An operator of one or two inputs, called after the cell. */
guint cr_cell_op(const CrCellPlace *at, const char *op, guint a, guint b);
/* The same with one integer attribute. */
guint cr_cell_op_int(const CrCellPlace *at, const char *op, guint a, guint b, const char *attr,
                     int64_t v);
/* Parts of `sizes` channels. One part is the value itself. */
void cr_cell_split(const CrCellPlace *at, guint value, const gint64 *sizes, int n, guint *parts);
/* min(max(−limit, x), limit); x itself for a limit of 0. */
guint cr_cell_clip(const CrCellPlace *at, guint x, float limit);
guint cr_cell_scalar(const CrCellPlace *at, float v);
guint cr_cell_ints(const CrCellPlace *at, const int64_t *v, int n);
/* The shape of states beside `like`: its dimension `batch`, `channels`, and its dimensions from
 * `space` on; space 0: no more. No value where the place needs none. */
guint cr_cell_shape(const CrCellPlace *at, guint like, int batch, gint64 channels, int space);
/* `value` broadcast to that shape. */
guint cr_cell_broadcast(const CrCellPlace *at, guint value, guint shape);
/* x · weightsᵀ + bias for x (N, K), weights (M, K); no bias when that is NULL. */
guint cr_cell_dense(const CrCellPlace *at, guint x, ConvRnnTensor *weights, ConvRnnTensor *bias);

/* --- tensors made of others --- */

typedef struct {
    gint64 first, n;
} CrCellRange;

/* The ranges of one axis, one after the other. Refers to `tensor` where it can. NULL stays NULL
 * without an error. */
ConvRnnTensor *cr_cell_take(ConvRnnTensor *tensor, int axis, const CrCellRange *ranges,
                            int n_ranges, GError **error);
