/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The operators RNN, GRU and LSTM: what their attributes and shapes say, and the arithmetic of one
 * cell. */
#pragma once

#include "ops/rnn_activation.h"

typedef enum { CR_CELL_RNN, CR_CELL_GRU, CR_CELL_LSTM } CrCell;

/* Inputs and outputs by number. */
enum {
    CR_RECURRENT_X,
    CR_RECURRENT_W,
    CR_RECURRENT_R,
    CR_RECURRENT_B,
    CR_RECURRENT_LENGTHS,
    CR_RECURRENT_INITIAL_H,
    CR_RECURRENT_INITIAL_C,
    CR_RECURRENT_P,
};
enum { CR_RECURRENT_Y, CR_RECURRENT_Y_H, CR_RECURRENT_Y_C };

/* x: (steps, batch, inputs); w: (directions, gates·hidden, inputs);
 * r: (directions, gates·hidden, hidden); b: (directions, 2·gates·hidden), of w, then of r;
 * p: (directions, 3·hidden) for i, o, f. Gates in ONNX's order: h; z r h; i o f c.
 * y: (steps, directions, batch, hidden); states: (directions, batch, hidden).
 * batch_first (layout 1): x (batch, steps, inputs), y (batch, steps, directions, hidden), states
 * (batch, directions, hidden). */
typedef struct {
    CrCell cell;
    int gates; /* 1, 3, 4 */
    int directions;
    bool reverse[2]; /* of each direction */
    int steps, batch, inputs, hidden;
    bool batch_first;
    float clip;                       /* of what goes into an activation; INFINITY for none */
    bool couple_input_forget;         /* LSTM: f = 1 − i */
    bool linear_before_reset;         /* GRU */
    CrRnnActivation activation[2][3]; /* of each direction: f, g, h */
} CrRecurrent;

bool cr_recurrent_parse(const CrOpSetup *setup, CrRecurrent *r, GError **error);

/* The cells' arithmetic, for one row. Sums are those of input, recurrence and bias, and are
 * overwritten; h and c (hidden floats each) go from the last step to this one. */
void cr_cell_rnn(const CrRecurrent *r, int direction, float *sums, float *h);
/* sums: i o f c; p: peepholes i o f or NULL */
void cr_cell_lstm(const CrRecurrent *r, int direction, float *sums, const float *p, float *h,
                  float *c);
/* zr: sums of z and r, which become the gates */
void cr_cell_gru_gates(const CrRecurrent *r, int direction, float *zr);
/* zr: the gates; sums: of the candidate */
void cr_cell_gru(const CrRecurrent *r, int direction, const float *zr, float *sums, float *h);
