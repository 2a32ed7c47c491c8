/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Convolution and pooling by numbers that fit on paper: the examples of "Dive into Deep Learning"
 * (d2l.ai, chapter "Convolutional Neural Networks"). */
#include "example.h"

/* 0, 1, 2, … */
static ConvRnnTensor *
ramp(gint64 channels, gint64 rows, gint64 columns, float first)
{
    const gint64 dims[4] = {1, channels, rows, columns};
    gsize n = (gsize)(channels * rows * columns);
    float *v = g_new(float, n);
    for (gsize k = 0; k < n; k++)
        v[k] = first + (float)k;
    g_autoptr(GBytes) bytes = g_bytes_new_take(v, n * sizeof *v);
    return convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, dims, 4, bytes, NULL);
}

/* A constant goes through the network before the first step: the pictures need no input. */
static void
convolve(ConvRnnBuilder *b, const char *name, ConvRnnTensor *picture,
         const ConvRnnConv2dParams *params)
{
    guint x = convrnn_builder_constant(b, picture);
    convrnn_builder_output(b, name, convrnn_builder_conv2d(b, x, params));
}

static void
pool(ConvRnnBuilder *b, const char *name, ConvRnnTensor *picture, const ConvRnnPool2dParams *params)
{
    guint x = convrnn_builder_constant(b, picture);
    convrnn_builder_output(b, name, convrnn_builder_max_pool2d(b, x, params));
}

int
main(void)
{
    g_autoptr(ConvRnnBuilder) b = convrnn_builder_new();
    g_autoptr(ConvRnnTensor) nine = ramp(1, 3, 3, 0), four = ramp(1, 2, 2, 0);
    g_autoptr(ConvRnnTensor) square = WAVE(0, 1, 1, 1, 8, 8), tall = WAVE(1, 1, 1, 1, 5, 3),
                             wide = WAVE(1, 1, 1, 1, 3, 5), sixteen = ramp(1, 4, 4, 0);

    convolve(b, "corr2d", nine, CONVRNN_CONV2D(.weights = four));
    convolve(b, "5×3, padding 2 1", square, CONVRNN_CONV2D(.weights = tall, .pads = {2, 1, 2, 1}));
    convolve(b, "3×5, padding 0 1, stride 3 4", square,
             CONVRNN_CONV2D(.weights = wide, .pads = {0, 1, 0, 1}, .stride = {3, 4}));

    /* The second channel of picture and kernel is the first plus one. */
    g_autoptr(ConvRnnTensor) two = ramp(2, 3, 3, 0), kernels = ramp(2, 2, 2, 0);
    float *x = (float *)convrnn_tensor_get_data(two),
          *k = (float *)convrnn_tensor_get_data(kernels);
    for (int i = 0; i < 9; i++)
        x[9 + i] = x[i] + 1;
    for (int i = 0; i < 4; i++)
        k[4 + i] = k[i] + 1;
    convolve(b, "two channels in", two, CONVRNN_CONV2D(.weights = kernels));

    /* 1×1: in each pixel a dense layer from three channels to two. */
    g_autoptr(ConvRnnTensor) colours = WAVE(2, 1, 1, 3, 3, 3), mix = WAVE(3, 1, 2, 3, 1, 1);
    convolve(b, "1×1, three channels to two", colours, CONVRNN_CONV2D(.weights = mix));

    pool(b, "max-pool 2×2 of 3×3", nine, CONVRNN_POOL2D(.kernel = {2, 2}, .stride = {1, 1}));
    pool(b, "max-pool 3×3 of 4×4", sixteen, CONVRNN_POOL2D(.kernel = {3, 3}));
    pool(b, "max-pool 3×3, padding 1, stride 2", sixteen,
         CONVRNN_POOL2D(.kernel = {3, 3}, .stride = {2, 2}, .pads = {1, 1, 1, 1}));
    pool(b, "max-pool 2×3, padding 1 2, stride 2 3", sixteen,
         CONVRNN_POOL2D(.kernel = {2, 3}, .stride = {2, 3}, .pads = {1, 2, 1, 2}));

    ConvRnnSession *session = open_session(b, "corr2d");
    convrnn_session_step(session);
    print_outputs(session);
    convrnn_session_free(session);
    return 0;
}
