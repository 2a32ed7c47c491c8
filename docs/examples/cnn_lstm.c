/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The simple way to give a convolutional network a memory: convolution, pooling, convolution,
 * pooling on each frame, then an LSTM over the frames, then a dense layer for ten classes. */
#include "example.h"

#define FRAMES 8

int
main(void)
{
    g_autoptr(ConvRnnBuilder) b = convrnn_builder_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(ConvRnnTensor) w1 = WAVE(1, 0.125, 8, 3, 5, 5), b1 = WAVE(2, 0.125, 8),
                             w2 = WAVE(3, 0.125, 16, 8, 3, 3), b2 = WAVE(4, 0.125, 16);
    /* An LSTM of 100 has 4·100 rows. PyTorch and Keras have the gates in the order i, f, g, o. */
    g_autoptr(ConvRnnTensor) w3 = WAVE(5, 0.0625, 400, 1024), r3 = WAVE(6, 0.125, 400, 100),
                             b3 = WAVE(7, 0.125, 400);
    g_autoptr(ConvRnnTensor) w4 = WAVE(8, 0.25, 10, 100), b4 = WAVE(9, 0.25, 10);
    g_autoptr(ConvRnnCell) lstm = convrnn_cell_new_lstm(
        CONVRNN_CELL(.weights = w3, .recurrent = r3, .bias = b3, .gates = "ifgo"), &error);

    guint x = INPUT(b, "frame", 1, 3, 32, 32);
    x = convrnn_builder_conv2d(b, x,
                               CONVRNN_CONV2D(.weights = w1, .bias = b1,
                                              .padding = CONVRNN_PADDING_SAME,
                                              .activation = CONVRNN_ACTIVATION_RELU));
    x = convrnn_builder_max_pool2d(b, x, CONVRNN_POOL2D(.kernel = {2, 2}));
    x = convrnn_builder_conv2d(b, x,
                               CONVRNN_CONV2D(.weights = w2, .bias = b2,
                                              .padding = CONVRNN_PADDING_SAME,
                                              .activation = CONVRNN_ACTIVATION_RELU));
    x = convrnn_builder_max_pool2d(b, x, CONVRNN_POOL2D(.kernel = {2, 2})); /* 16×8×8 = 1024 */
    x = convrnn_builder_layer(b, "memory", lstm, x, CONVRNN_NO_VALUE);
    x = convrnn_builder_dense(b, x, CONVRNN_DENSE(.weights = w4, .bias = b4));
    convrnn_builder_output(b, "classes", x);

    /* The state goes from frame to frame by itself. */
    ConvRnnSession *session = open_session(b, "cnn-lstm");
    for (int frame = 0; frame < FRAMES; frame++) {
        fill(convrnn_session_get_input_data(session, 0), 3 * 32 * 32, frame, 1);
        convrnn_session_step(session);
        print_outputs(session);
    }
    convrnn_session_free(session);
    return 0;
}
