/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Recurrent layers over a sequence inside a frame, with the results laid out as PyTorch lays them
 * out: torch.nn.LSTM(10, 20, num_layers=2), torch.nn.GRU(10, 20, num_layers=2, batch_first=True,
 * bidirectional=True) and torch.nn.RNN(10, 20, bias=False, nonlinearity="relu"). */
#include "example.h"

#define STEPS 5
#define BATCH 3
#define K     10
#define H     20

/* output (STEPS, BATCH, H); h_n and c_n (2, BATCH, H). */
static void
two_layers(ConvRnnBuilder *b)
{
    g_autoptr(ConvRnnTensor) w0 = WAVE(1, 0.25, 4 * H, K), r0 = WAVE(2, 0.25, 4 * H, H),
                             b0 = WAVE(3, 0.25, 4 * H), d0 = WAVE(4, 0.25, 4 * H),
                             w1 = WAVE(5, 0.25, 4 * H, H), r1 = WAVE(6, 0.25, 4 * H, H),
                             b1 = WAVE(7, 0.25, 4 * H), d1 = WAVE(8, 0.25, 4 * H);
    g_autoptr(ConvRnnCell) first =
        convrnn_cell_new_lstm(CONVRNN_CELL(.weights = w0, .recurrent = r0, .bias = b0,
                                           .recurrent_bias = d0, .gates = "ifgo"),
                              NULL);
    g_autoptr(ConvRnnCell) second =
        convrnn_cell_new_lstm(CONVRNN_CELL(.weights = w1, .recurrent = r1, .bias = b1,
                                           .recurrent_bias = d1, .gates = "ifgo"),
                              NULL);
    g_autoptr(ConvRnnCell) stack =
        convrnn_cell_new_stack((ConvRnnCell *[]){first, second}, 2, NULL);
    guint states[4], x = INPUT(b, "lstm", STEPS, BATCH, K);

    guint y = convrnn_builder_scan(b, x, CONVRNN_SCAN(.forward = stack, .axis = 0), states);
    convrnn_builder_output(b, "LSTM output", y);
    for (int part = 0; part < 2;
         part++) { /* states are h, c of the first layer, then of the second */
        guint layers[2];
        for (int i = 0; i < 2; i++)
            layers[i] =
                convrnn_builder_reshape(b, states[2 * i + part], (const gint64[]){1, BATCH, H}, 3);
        convrnn_builder_output(b, part ? "c_n" : "h_n", convrnn_builder_concat(b, layers, 2, 0));
    }
}

/* A GRU whose weights begin at this seed. */
static ConvRnnCell *
gru(int seed, gint64 inputs)
{
    g_autoptr(ConvRnnTensor) w = WAVE(seed, 0.25, 3 * H, inputs),
                             r = WAVE(seed + 1, 0.25, 3 * H, H), bias = WAVE(seed + 2, 0.25, 3 * H),
                             d = WAVE(seed + 3, 0.25, 3 * H);
    return convrnn_cell_new_gru(CONVRNN_CELL(.weights = w, .recurrent = r, .bias = bias,
                                             .recurrent_bias = d, .gates = "rzn",
                                             .reset_after = TRUE),
                                NULL);
}

/* Each layer reads the outputs of both directions of the one below. output (BATCH, STEPS, 2·H);
 * h_n is one tensor of two directions for each layer. */
static void
two_directions(ConvRnnBuilder *b)
{
    guint states[2], x = INPUT(b, "gru", BATCH, STEPS, K);

    for (int layer = 0; layer < 2; layer++) {
        g_autoptr(ConvRnnCell) forward = gru(10 + 8 * layer, layer ? 2 * H : K);
        g_autoptr(ConvRnnCell) backward = gru(14 + 8 * layer, layer ? 2 * H : K);
        x = convrnn_builder_scan(
            b, x, CONVRNN_SCAN(.forward = forward, .backward = backward, .axis = 1), states);
        convrnn_builder_output(b, layer ? "layer 1 forward" : "layer 0 forward", states[0]);
        convrnn_builder_output(b, layer ? "layer 1 backward" : "layer 0 backward", states[1]);
    }
    convrnn_builder_output(b, "GRU output", x);
}

static void
plain(ConvRnnBuilder *b)
{
    g_autoptr(ConvRnnTensor) w = WAVE(30, 0.25, H, K), r = WAVE(31, 0.25, H, H);
    g_autoptr(ConvRnnCell) cell = convrnn_cell_new_rnn(
        CONVRNN_CELL(.weights = w, .recurrent = r, .activation = {CONVRNN_ACTIVATION_RELU}), NULL);
    guint x = INPUT(b, "rnn", STEPS, BATCH, K);

    convrnn_builder_output(
        b, "RNN output",
        convrnn_builder_scan(b, x, CONVRNN_SCAN(.forward = cell, .axis = 0), NULL));
}

int
main(void)
{
    g_autoptr(ConvRnnBuilder) b = convrnn_builder_new();

    two_layers(b);
    two_directions(b);
    plain(b);
    ConvRnnSession *session = open_session(b, "sequences");
    for (guint i = 0; i < convrnn_session_get_n_inputs(session); i++)
        fill(convrnn_session_get_input_data(session, i), STEPS * BATCH * K, (int)i, 1);
    convrnn_session_step(session);
    print_outputs(session);
    convrnn_session_free(session);
    return 0;
}
