/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <convrnn/session.h>

G_BEGIN_DECLS

/**
 * ConvRnnRecurrenceKind:
 * @CONVRNN_RECURRENCE_UNRECOGNISED: none of the forms below; it runs with the same numbers
 * @CONVRNN_RECURRENCE_RNN: h' = act(W∗x + R∗h + b)
 * @CONVRNN_RECURRENCE_GRU: h' = z⊙h + (1−z)⊙n, or with z and 1−z the other way round; z and r are
 *   gates of x and h, and n = act(W∗x + R∗(r⊙h) + b), act(W∗x + b + r⊙(R∗h + d)), or without r
 * @CONVRNN_RECURRENCE_LSTM: c' = f⊙c + i⊙g, h' = o⊙act(c'); i, f, o are gates of x and h, and of c
 *   and c' where there are peepholes; g = act(W∗x + R∗h + b)
 * @CONVRNN_RECURRENCE_SRU: h' = z⊙h + (1−z)⊙n, or the other way round, where n and z are computed
 *   from x and at most the peephole v⊙h
 *
 * Which recurrence the arithmetic between a state's old and new value is. ∗ is a convolution, or a
 * matrix product, with constant weights; a gate is one activation of such a sum.
 */
typedef enum {
    CONVRNN_RECURRENCE_UNRECOGNISED,
    CONVRNN_RECURRENCE_RNN,
    CONVRNN_RECURRENCE_GRU,
    CONVRNN_RECURRENCE_LSTM,
    CONVRNN_RECURRENCE_SRU,
} ConvRnnRecurrenceKind;

/**
 * ConvRnnRecurrenceReset:
 * @CONVRNN_RECURRENCE_RESET_NONE: the candidate reads h itself
 * @CONVRNN_RECURRENCE_RESET_BEFORE: the product is taken of r⊙h
 * @CONVRNN_RECURRENCE_RESET_AFTER: r multiplies the product of h
 *
 * Where a GRU's reset gate stands.
 */
typedef enum {
    CONVRNN_RECURRENCE_RESET_NONE,
    CONVRNN_RECURRENCE_RESET_BEFORE,
    CONVRNN_RECURRENCE_RESET_AFTER,
} ConvRnnRecurrenceReset;

/**
 * ConvRnnRecurrence:
 * @kind: the recurrence
 * @name: "ConvGRU", "LSTM", …; "unrecognised"
 * @description: what follows in words, down to @output_activation
 * @states: (array zero-terminated=1): names of the inputs that take its state, h before c
 * @convolutional: whether its products are convolutions
 * @is_operator: whether it is one ONNX node (RNN, GRU, LSTM) rather than written out
 * @channels: of the hidden state
 * @kernel: size of the state's convolution; 0 where it has fewer axes
 * @reset: GRU: where the reset gate stands
 * @z_keeps: GRU, SRU: whether z = 1 keeps the old state (else z = 0 does)
 * @coupled: LSTM: i = 1 − f
 * @peepholes: whether gates read the cell state
 * @projected: LSTM: whether h' is multiplied by weights once more
 * @clip: LSTM: c' is held within ±clip; 0 for not at all
 * @gate_activation: (nullable): of z, r, i, f, o
 * @activation: (nullable): of h' (RNN), n or g
 * @output_activation: (nullable): LSTM: of c' on its way to h'
 * @n_nodes: the model's nodes that it consists of
 * @nodes: (array length=n_nodes): their names, in the order of the model
 * @node_steps: (array length=n_nodes): which of the session's nodes runs each, as index for
 *   convrnn_session_get_node(), the first if several do; %G_MAXUINT for one that is no work any
 *   more (a Concat or Split whose parts are read where they lie)
 * @n_steps: how many of the session's nodes run it
 * @steps: (array length=n_steps): their indices, ascending
 * @fused: whether each of these is a convolution with the cell's arithmetic inside it, or the
 *   operator: nothing is stored on the way but what a further convolution reads
 *
 * A recurrent cell in a model, as it runs. Fields that @kind does not have are 0, %FALSE or %NULL;
 * nodes and steps of an unrecognised form are not listed.
 */
typedef struct {
    ConvRnnRecurrenceKind kind;
    const gchar *name;
    const gchar *description;
    const gchar *const *states;
    gboolean convolutional;
    gboolean is_operator;
    guint channels;
    guint kernel[3];
    ConvRnnRecurrenceReset reset;
    gboolean z_keeps;
    gboolean coupled;
    gboolean peepholes;
    gboolean projected;
    gfloat clip;
    const gchar *gate_activation;
    const gchar *activation;
    const gchar *output_activation;
    guint n_nodes;
    const gchar *const *nodes;
    const guint *node_steps;
    guint n_steps;
    const guint *steps;
    gboolean fused;
} ConvRnnRecurrence;

/**
 * convrnn_session_get_n_recurrences:
 *
 * Looks, the first time, at the network as it runs: each state belongs to one recurrence. What it
 * is follows from the arithmetic alone, expanded into sums of products; names and the order of
 * nodes do not count, and what differs in one sign or constant is unrecognised.
 *
 * Returns: how many there are.
 */
CONVRNN_API guint convrnn_session_get_n_recurrences(ConvRnnSession *session);

/**
 * convrnn_session_get_recurrence:
 * @index: below convrnn_session_get_n_recurrences()
 *
 * Returns: (transfer none): valid as long as @session.
 */
CONVRNN_API const ConvRnnRecurrence *convrnn_session_get_recurrence(ConvRnnSession *session,
                                                                    guint index);

G_END_DECLS
