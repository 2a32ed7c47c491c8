/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A convolutional GRU on 224×224 pictures: 3 channels in, 32 channels of memory, 3×3 kernels.
 *
 *     z = σ(bz + Wz∗x + Uz∗h), r = σ(br + Wr∗x + Ur∗h),
 *     h' = z⊙h + (1 − z)⊙tanh(b + W∗x + U∗(r⊙h)), h = 0 before the first frame
 *
 * With a file name, all of h' of every frame is written there, 32-bit floats in native order. */
#include "example.h"

#define FRAMES   16
#define CHANNELS 32
#define SIZE     224

int
main(int argc, char **argv)
{
    g_autoptr(ConvRnnBuilder) b = convrnn_builder_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(ConvRnnTensor) w = WAVE(1, 0.125, 3 * CHANNELS, 3, 3, 3),
                             u = WAVE(2, 0.0625, 3 * CHANNELS, CHANNELS, 3, 3),
                             bias = WAVE(3, 0.25, 3 * CHANNELS);
    g_autoptr(ConvRnnCell) gru = convrnn_cell_new_conv_gru(
        CONVRNN_CELL(.weights = w, .recurrent = u, .bias = bias, .gates = "zrn"), &error);

    guint x = INPUT(b, "frame", 1, 3, SIZE, SIZE);
    convrnn_builder_output(b, "h", convrnn_builder_layer(b, "memory", gru, x, CONVRNN_NO_VALUE));

    ConvRnnSession *session = open_session(b, "conv-gru");
    FILE *file = argc > 1 ? fopen(argv[1], "wb") : NULL;
    gsize n = CHANNELS * SIZE * SIZE;
    for (int frame = 0; frame < FRAMES; frame++) {
        fill(convrnn_session_get_input_data(session, 0), 3 * SIZE * SIZE, frame, 1);
        convrnn_session_step(session);
        const float *h = convrnn_session_get_output_data(session, 0);
        print_values("h", h, n, n / 7);
        if (file && fwrite(h, sizeof *h, n, file) != n)
            return 1;
    }
    if (file && fclose(file) != 0)
        return 1;
    convrnn_session_free(session);
    return 0;
}
