/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sequences one after the other in one stream, as Caffe's recurrent layers take them: beside each
 * frame comes `cont`, 0 for the first frame of a sequence and 1 for all others. First the LSTM is
 * written out: an inner product to 4·N, cut into i, f, o and g. Then it is a cell.
 *
 *     h := cont·h, c := cont·c, [i f o g] = W·x + b + U·h,
 *     c' = σ(f)⊙c + σ(i)⊙tanh(g), h' = σ(o)⊙tanh(c') */
#include "example.h"
#include <string.h>

#define FRAMES 6
#define INPUTS 5
#define UNITS  4

static guint
binary(ConvRnnBuilder *b, const char *op, guint x, guint y)
{
    return convrnn_builder_node(b, op, (const guint[]){x, y}, 2, NULL);
}

/* One step; h and c are changed to the new ones. */
static void
lstm(ConvRnnBuilder *b, ConvRnnTensor *const *weights, guint x, guint cont, guint *h, guint *c)
{
    const gint64 sizes[4] = {UNITS, UNITS, UNITS, UNITS};
    guint gates[4];

    *h = binary(b, "Mul", *h, cont);
    *c = binary(b, "Mul", *c, cont);
    guint wx =
        convrnn_builder_dense(b, x, CONVRNN_DENSE(.weights = weights[0], .bias = weights[1]));
    guint uh = convrnn_builder_dense(b, *h, CONVRNN_DENSE(.weights = weights[2]));
    convrnn_builder_split(b, binary(b, "Add", wx, uh), 1, sizes, 4, gates);
    for (int i = 0; i < 4; i++)
        gates[i] = convrnn_builder_activation(
            b, gates[i], i < 3 ? CONVRNN_ACTIVATION_SIGMOID : CONVRNN_ACTIVATION_TANH);
    *c = binary(b, "Add", binary(b, "Mul", gates[1], *c), binary(b, "Mul", gates[0], gates[3]));
    *h = binary(b, "Mul", gates[2], convrnn_builder_activation(b, *c, CONVRNN_ACTIVATION_TANH));
}

int
main(void)
{
    static const float cont[FRAMES] = {0, 1, 1, 0, 1, 1};
    float streamed[FRAMES][UNITS];
    gboolean same = TRUE;
    g_autoptr(ConvRnnBuilder) b = convrnn_builder_new();
    g_autoptr(ConvRnnTensor) w = WAVE(1, 1, 4 * UNITS, INPUTS), bias = WAVE(2, 0.5, 4 * UNITS),
                             u = WAVE(3, 1, 4 * UNITS, UNITS);
    ConvRnnTensor *weights[3] = {w, bias, u};

    /* Streamed: one step, whose new state is the next frame's. */
    guint x = INPUT(b, "x", 1, INPUTS), continues = INPUT(b, "cont", 1, 1);
    guint h = INPUT(b, "h_in", 1, UNITS), c = INPUT(b, "c_in", 1, UNITS);
    lstm(b, weights, x, continues, &h, &c);
    convrnn_builder_output(b, "h", h);
    convrnn_builder_output(b, "c", c);
    convrnn_builder_state(b, "h_in", "h", NULL);
    convrnn_builder_state(b, "c_in", "c", NULL);
    convrnn_builder_output(b, "y", h);
    ConvRnnSession *session = open_session(b, "streamed");
    for (int frame = 0; frame < FRAMES; frame++) {
        fill(convrnn_session_get_input_data(session, 0), INPUTS, frame, 2);
        *(float *)convrnn_session_get_input_data(session, 1) = cont[frame];
        convrnn_session_step(session);
        print_outputs(session);
        memcpy(streamed[frame], convrnn_session_get_output_data(session, 0), sizeof streamed[0]);
    }
    convrnn_session_free(session);

    /* Unrolled: all steps in one network, with the same weights. */
    guint frames = INPUT(b, "x", FRAMES, INPUTS), flags = INPUT(b, "cont", FRAMES, 1);
    g_autoptr(ConvRnnTensor) zeros = WAVE(0, 0, 1, UNITS);
    h = c = convrnn_builder_constant(b, zeros);
    for (int frame = 0; frame < FRAMES; frame++) {
        x = convrnn_builder_slice(b, frames, 0, frame, frame + 1, 1);
        continues = convrnn_builder_slice(b, flags, 0, frame, frame + 1, 1);
        lstm(b, weights, x, continues, &h, &c);
        g_autofree char *name = g_strdup_printf("y%d", frame);
        convrnn_builder_output(b, name, h);
    }
    session = open_session(b, "unrolled");
    float *all = convrnn_session_get_input_data(session, 0);
    for (int frame = 0; frame < FRAMES; frame++)
        fill(all + frame * INPUTS, INPUTS, frame, 2);
    memcpy(convrnn_session_get_input_data(session, 1), cont, sizeof cont);
    convrnn_session_step(session);
    print_outputs(session);
    for (guint frame = 0; frame < FRAMES; frame++)
        same = same && memcmp(convrnn_session_get_output_data(session, frame), streamed[frame],
                              sizeof streamed[0]) == 0;
    printf("the same bytes: %d\n", same);
    convrnn_session_free(session);

    /* The same as a layer that clears its state by itself. */
    g_autoptr(ConvRnnCell) cell = convrnn_cell_new_lstm(
        CONVRNN_CELL(.weights = w, .bias = bias, .recurrent = u, .gates = "ifog"), NULL);
    x = INPUT(b, "x", 1, INPUTS);
    continues = INPUT(b, "cont", 1, 1);
    convrnn_builder_output(b, "cell", convrnn_builder_layer(b, "memory", cell, x, continues));
    session = open_session(b, "cell");
    for (int frame = 0; frame < FRAMES; frame++) {
        fill(convrnn_session_get_input_data(session, 0), INPUTS, frame, 2);
        *(float *)convrnn_session_get_input_data(session, 1) = cont[frame];
        convrnn_session_step(session);
        print_outputs(session);
    }
    convrnn_session_free(session);
    return 0;
}
