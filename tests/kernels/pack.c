/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Packed weights, run through the reference kernel, give the textbook convolution. */
#include "kernels/pack.h"
#include "check.h"
#include "kernels/c/reference.h"
#include <math.h>

#define SIDE 5 /* input rows and columns; the output is one row of valid pixels */

/* Two segments, blocked and planar, of a grouped convolution. */
static CrConvPack
random_pack(int block)
{
    CrConvPack pack = {.groups = check_pick(1, 3), .in_per_group = check_pick(2, 7)};
    const int channels = pack.groups * pack.in_per_group, first = check_pick(1, channels - 1);

    pack.block = block;
    pack.out_channels = pack.groups * check_pick(1, 14);
    pack.kh = check_pick(1, SIDE);
    pack.kw = check_pick(1, SIDE);
    pack.n_segments = 2;
    pack.segment[0] = (CrPackSegment){first, 0, block};
    pack.segment[1] = (CrPackSegment){channels - first, first, 1};
    return pack;
}

/* in[channel][y][x] */
static float
textbook(const CrConvPack *pack, const float *in, const float *bias, int out, int x)
{
    const int group = out / (pack->out_channels / pack->groups);
    float sum = bias[out];

    for (int c = 0; c < pack->in_per_group; c++) {
        for (int ky = 0; ky < pack->kh; ky++) {
            for (int kx = 0; kx < pack->kw; kx++)
                sum +=
                    in[((group * pack->in_per_group + c) * SIDE + ky) * SIDE + x + kx] *
                    pack->weights[((out * pack->in_per_group + c) * pack->kh + ky) * pack->kw + kx];
        }
    }
    return sum;
}

/* The planes as one segment of blocks and one of planes. */
static CrConvRow
make_row(const CrConvPack *pack, const float *planes, float *blocked)
{
    const int block = pack->block;
    CrConvRow row = {.n_segments = 2, .kh = pack->kh, .kw = pack->kw, .ky_end = pack->kh};

    cr_reference_pack_row(blocked, SIDE * SIDE * block, planes, SIDE * SIDE,
                          pack->segment[0].channels, SIDE * SIDE, block);
    row.segment[0] = (CrConvSegment){blocked, SIDE * block, SIDE * SIDE * block,
                                     pack->segment[0].channels, block};
    row.segment[1] = (CrConvSegment){planes + pack->segment[1].first_channel * SIDE * SIDE, SIDE,
                                     SIDE * SIDE, pack->segment[1].channels, 1};
    row.stride = row.dilation = 1;
    row.width = SIDE - pack->kw + 1;
    row.low = -INFINITY;
    row.high = INFINITY;
    return row;
}

static void
check_panel(const CrConvPack *pack, const float *planes, const float *bias, int n_blocks)
{
    const int block = pack->block, first = check_pick(0, pack->out_channels - 1);
    const int most = MIN(n_blocks * block, pack->out_channels - first);
    const int lanes = check_pick(1, most);
    CheckBuffer w = check_buffer(cr_conv_pack_size(pack, n_blocks), 0);
    float blocked[2 * CR_MAX_BLOCK * SIDE * SIDE], packed_bias[2 * CR_MAX_BLOCK];
    float y[2][SIDE * CR_MAX_BLOCK];
    CrConvRow row = make_row(pack, planes, blocked);

    cr_conv_pack(w.data, pack, n_blocks, first, lanes);
    cr_bias_pack(packed_bias, bias, first, lanes, n_blocks * block);
    row.weights = w.data;
    row.bias = packed_bias;
    row.y[0] = y[0];
    row.y[1] = n_blocks == 2 ? y[1] : NULL;
    cr_reference_conv_row(&row, block);
    for (int lane = 0; lane < n_blocks * block; lane++) {
        for (int x = 0; x < row.width; x++)
            g_assert_cmpfloat(y[lane / block][x * block + lane % block], ==,
                              lane < lanes ? textbook(pack, planes, bias, first + lane, x) : 0);
    }
    check_buffer_free(&w);
}

static void
convolution(gconstpointer data)
{
    for (int i = 0; i < check_shapes(); i++) {
        CrConvPack pack = random_pack(check_pick(1, 2) * 8);
        const size_t n_weights =
            (size_t)(pack.out_channels * pack.in_per_group * pack.kh * pack.kw);
        const size_t n_in = (size_t)(pack.groups * pack.in_per_group * SIDE * SIDE);
        CheckBuffer weights = check_buffer(n_weights, 0), planes = check_buffer(n_in, 0);
        CheckBuffer bias = check_buffer((size_t)pack.out_channels, 0);

        check_fill(weights.data, n_weights, CHECK_INTEGERS);
        check_fill(planes.data, n_in, CHECK_INTEGERS);
        check_fill(bias.data, bias.n, CHECK_INTEGERS);
        pack.weights = weights.data;
        check_panel(&pack, planes.data, bias.data, check_pick(1, 2));
        check_buffer_free(&weights);
        check_buffer_free(&planes);
        check_buffer_free(&bias);
    }
}

static void
depthwise(gconstpointer data)
{
    /* two channels of 1 × 3 taps, the second one wanted */
    const float weights[] = {1, 2, 3, 4, 5, 6};
    float packed[3 * 8];

    cr_depthwise_pack(packed, weights, 1, 3, 8, 1, 1);
    for (int i = 0; i < 24; i++)
        g_assert_cmpfloat(packed[i], ==, i % 8 == 0 ? weights[3 + i / 8] : 0);
}

static void
gemv(gconstpointer data)
{
    /* w[i][j] = 10·i + j of 2 inputs and 3 outputs; outputs 1 and 2 wanted */
    const float w[] = {0, 1, 2, 10, 11, 12};
    float packed[2 * 32], bias[8];

    cr_gemv_pack(packed, w, 1, 3, 2, 8, 1, 2);
    for (int i = 0; i < 64; i++)
        g_assert_cmpfloat(packed[i], ==, i % 32 < 2 ? w[i / 32 * 3 + 1 + i % 32] : 0);
    cr_bias_pack(bias, NULL, 0, 8, 8);
    for (int i = 0; i < 8; i++)
        g_assert_cmpfloat(bias[i], ==, 0);
}

const CheckTest check_pack_tests[] = {
    {"pack/convolution", convolution},
    {"pack/depthwise", depthwise},
    {"pack/gemv", gemv},
    {NULL, NULL},
};
