/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A picture read like a text, row by row: 28 steps of 28 pixels through two layers of LSTM(100),
 * and a dense layer on the last output. Nothing is carried from picture to picture. */
#include "example.h"

#define SIZE  28
#define UNITS 100

int
main(void)
{
    g_autoptr(ConvRnnBuilder) b = convrnn_builder_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(ConvRnnTensor) w0 = WAVE(1, 0.25, 4 * UNITS, SIZE),
                             r0 = WAVE(2, 0.125, 4 * UNITS, UNITS), b0 = WAVE(3, 0.25, 4 * UNITS),
                             w1 = WAVE(4, 0.125, 4 * UNITS, UNITS),
                             r1 = WAVE(5, 0.125, 4 * UNITS, UNITS), b1 = WAVE(6, 0.25, 4 * UNITS),
                             w2 = WAVE(7, 0.25, 10, UNITS), b2 = WAVE(8, 0.25, 10);
    g_autoptr(ConvRnnCell) first = convrnn_cell_new_lstm(
        CONVRNN_CELL(.weights = w0, .recurrent = r0, .bias = b0, .gates = "ifgo"), &error);
    g_autoptr(ConvRnnCell) second = convrnn_cell_new_lstm(
        CONVRNN_CELL(.weights = w1, .recurrent = r1, .bias = b1, .gates = "ifgo"), &error);
    g_autoptr(ConvRnnCell) both =
        convrnn_cell_new_stack((ConvRnnCell *[]){first, second}, 2, &error);

    guint x = INPUT(b, "picture", 1, 1, SIZE, SIZE), states[4];
    guint rows = convrnn_builder_scan(b, x, CONVRNN_SCAN(.forward = both, .axis = 2), states);
    guint last =
        convrnn_builder_slice(b, rows, 2, -1, G_MAXINT64, 1); /* (1, 100, 28) → (1, 100, 1) */
    guint y = convrnn_builder_dense(b, last, CONVRNN_DENSE(.weights = w2, .bias = b2));
    convrnn_builder_output(b, "classes", y);
    convrnn_builder_output(b, "state", states[3]); /* the c of the second layer */

    ConvRnnSession *session = open_session(b, "row-scan");
    for (int picture = 0; picture < 2; picture++) {
        fill(convrnn_session_get_input_data(session, 0), SIZE * SIZE, picture, 1);
        convrnn_session_step(session);
        print_outputs(session);
    }
    convrnn_session_free(session);
    return 0;
}
