/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RNN, GRU and LSTM, dense and convolutional: one kind of cell with parameters.
 *
 * cell_params.c makes it from what a caller gives, cell_gated.c composes a step of nodes, and
 * cell_operator.c says it as ONNX's RNN, GRU or LSTM where that can be. */
#pragma once

#include "model/cell.h"

typedef enum { CR_GATED_RNN, CR_GATED_GRU, CR_GATED_LSTM } CrGatedKind;

/* A product with weights: a matrix or a convolution, or one channel by channel and then one of
 * single pixels. */
typedef struct {
    ConvRnnTensor *weights;   /* (rows, inputs[, kernel]) */
    ConvRnnTensor *depthwise; /* NULL; or (inputs, 1, kernel), (2·inputs, 1, kernel) */
    gint64 strides[2], dilations[2], pads[4];
    bool same; /* instead of pads: "same" padding of any stride */
} CrProduct;

typedef struct {
    ConvRnnCell base;
    CrGatedKind kind;
    gint64 hidden; /* H; the output's P is base.channels */
    int n_gates;
    char gates[5]; /* order of the rows; of a GRU "zrn" or "rzn", of an RNN "n" */
    CrProduct input, recurrent, projection; /* projection: weights NULL when there is none */
    ConvRnnTensor *bias, *recurrent_bias;   /* (G·H) or NULL */
    ConvRnnTensor *peephole;                /* (G'·H[, map]) or NULL, in the order of gates */
    gint64 groups[2];                       /* of the norm; 0: none */
    ConvRnnTensor *gamma, *beta;            /* (G·H) with a norm, else NULL */
    float epsilon;
    ConvRnnCellFunction gate, activation, output;
    bool reset_after, z_replaces;
    float clip, cell_clip, projection_clip;
    /* ONNX's operator and its weights, gates in its order; NULL when no operator says this cell. */
    const char *op;
    ConvRnnTensor *op_weights[4]; /* W, R, B (may be NULL), P (may be NULL) */
} CrGated;

extern const CrCellClass cr_gated_classes[3][2]; /* [kind][convolutional] */

static inline bool
cr_gated_is_conv(const CrGated *g)
{
    return g->base.rank > 2;
}

/* Where gate `letter` stands among the rows, -1 when there is none. */
int cr_gated_find(const CrGated *g, char letter);

/* One step in nodes. */
guint cr_gated_compose(const CrGated *g, const CrCellPlace *at, guint x, const guint *in,
                       guint *out);

/* Fills op and op_weights, or leaves op NULL. False with NOMEM. */
bool cr_gated_find_operator(CrGated *g, GError **error);
/* The operator over x (T, N, K). */
guint cr_gated_operator(const ConvRnnCell *cell, const CrCellPlace *at, guint x, const guint *in,
                        guint *out, bool backward);
