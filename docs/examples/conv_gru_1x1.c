/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The smallest convolutional GRU: 1×1 kernels, each pixel remembers for itself. One channel in,
 * four channels of memory, biases in the convolutions of the input and of the state, and a 1×1
 * convolution that reads one channel out. Here z says how much is new:
 *
 *     z = σ(Wz∗x + bz + Uz∗h + dz), r = σ(Wr∗x + br + Ur∗h + dr),
 *     n = tanh(W∗x + b + U∗(r⊙h) + d), h' = (1 − z)⊙h + z⊙n */
#include "example.h"

#define FRAMES 4

int
main(void)
{
    g_autoptr(ConvRnnBuilder) b = convrnn_builder_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(ConvRnnTensor) w = WAVE(1, 1, 12, 1, 1, 1), bw = WAVE(2, 0.5, 12),
                             u = WAVE(3, 1, 12, 4, 1, 1), bu = WAVE(4, 0.5, 12),
                             out = WAVE(5, 1, 1, 4, 1, 1), b_out = WAVE(6, 1, 1);
    g_autoptr(ConvRnnCell) gru = convrnn_cell_new_conv_gru(
        CONVRNN_CELL(.weights = w, .bias = bw, .recurrent = u, .recurrent_bias = bu, .gates = "zrn",
                     .z_replaces = TRUE),
        &error);

    guint x = INPUT(b, "frame", 1, 1, 3, 4);
    guint h = convrnn_builder_layer(b, "memory", gru, x, CONVRNN_NO_VALUE);
    convrnn_builder_output(b, "h", h);
    convrnn_builder_output(
        b, "y", convrnn_builder_conv2d(b, h, CONVRNN_CONV2D(.weights = out, .bias = b_out)));

    ConvRnnSession *session = open_session(b, "conv-gru-1x1");
    for (int frame = 0; frame < FRAMES; frame++) {
        fill(convrnn_session_get_input_data(session, 0), 3 * 4, frame, 1);
        convrnn_session_step(session);
        print_outputs(session);
    }
    convrnn_session_free(session);
    return 0;
}
