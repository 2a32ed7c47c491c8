/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cells of TensorFlow 1 (tf.nn.rnn_cell) by their names there. A kernel is for [x, h], turned
 * round: its rows are the outputs. */
#include "example.h"

#define FRAMES 5
#define K      3
#define H      4

/* BasicRNNCell: h' = tanh(W·[x, h] + b) */
static ConvRnnCell *
basic_rnn(int seed, gint64 inputs)
{
    g_autoptr(ConvRnnTensor) w = WAVE(seed, 1, H, inputs + H), b = WAVE(seed + 1, 0.5, H);
    return convrnn_cell_new_rnn(
        CONVRNN_CELL(.weights = w, .join = CONVRNN_CELL_JOIN_INPUT_STATE, .bias = b), NULL);
}

/* GRUCell: the gates' kernel has r, then u; the candidate's kernel is for [x, r⊙h]; u keeps. */
static ConvRnnCell *
gru(int seed, gint64 inputs)
{
    g_autoptr(ConvRnnTensor) w = WAVE(seed, 1, 3 * H, inputs + H), b = WAVE(seed + 1, 0.5, 3 * H);
    return convrnn_cell_new_gru(CONVRNN_CELL(.weights = w, .join = CONVRNN_CELL_JOIN_INPUT_STATE,
                                             .bias = b, .gates = "rzn"),
                                NULL);
}

/* BasicLSTMCell: i, j, f, o, and 1 is added to what f takes. */
static ConvRnnCell *
basic_lstm(int seed, gint64 inputs)
{
    g_autoptr(ConvRnnTensor) w = WAVE(seed, 1, 4 * H, inputs + H), b = WAVE(seed + 1, 0.5, 4 * H);
    return convrnn_cell_new_lstm(CONVRNN_CELL(.weights = w, .join = CONVRNN_CELL_JOIN_INPUT_STATE,
                                              .bias = b, .gates = "igfo", .forget_bias = 1),
                                 NULL);
}

/* LSTMCell(use_peepholes=True, cell_clip=0.5, num_proj=2, proj_clip=0.25) */
static ConvRnnCell *
peephole_lstm(int seed, gint64 inputs)
{
    g_autoptr(ConvRnnTensor) w = WAVE(seed, 1, 4 * H, inputs + 2), b = WAVE(seed + 1, 0.5, 4 * H),
                             p = WAVE(seed + 2, 1, 3 * H), proj = WAVE(seed + 3, 1, 2, H);
    return convrnn_cell_new_lstm(CONVRNN_CELL(.weights = w, .join = CONVRNN_CELL_JOIN_INPUT_STATE,
                                              .bias = b, .gates = "igfo", .forget_bias = 1,
                                              .peephole = p, .cell_clip = 0.5f, .projection = proj,
                                              .projection_clip = 0.25f),
                                 NULL);
}

/* MultiRNNCell([GRUCell, DropoutWrapper(BasicLSTMCell)]) */
static ConvRnnCell *
multi_rnn(int seed, gint64 inputs)
{
    g_autoptr(ConvRnnCell) first = gru(seed, inputs), second = basic_lstm(seed + 2, H);
    g_autoptr(ConvRnnCell) wrapped = convrnn_cell_new_dropout(second, NULL);
    return convrnn_cell_new_stack((ConvRnnCell *[]){first, wrapped}, 2, NULL);
}

int
main(void)
{
    static const struct {
        const char *name;
        ConvRnnCell *(*make)(int seed, gint64 inputs);
    } cells[] = {
        {"BasicRNNCell", basic_rnn},   {"GRUCell", gru},
        {"BasicLSTMCell", basic_lstm}, {"LSTMCell", peephole_lstm},
        {"MultiRNNCell", multi_rnn},
    };
    g_autoptr(ConvRnnBuilder) b = convrnn_builder_new();

    guint x = INPUT(b, "x", 1, K);
    for (gsize i = 0; i < G_N_ELEMENTS(cells); i++) {
        g_autoptr(ConvRnnCell) cell = cells[i].make(1 + 10 * (int)i, K);
        g_autofree char *state = g_strconcat(cells[i].name, "/state", NULL);
        convrnn_builder_output(b, cells[i].name,
                               convrnn_builder_layer(b, state, cell, x, CONVRNN_NO_VALUE));
    }
    ConvRnnSession *session = open_session(b, "tensorflow-cells");
    for (int frame = 0; frame < FRAMES; frame++) {
        fill(convrnn_session_get_input_data(session, 0), K, frame, 2);
        convrnn_session_step(session);
        print_outputs(session);
    }
    convrnn_session_free(session);
    return 0;
}
