/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/pack.h"
#include "kernels/bf16.h"
#include <string.h>

size_t
cr_conv_pack_size(const CrConvPack *pack, int n_blocks)
{
    size_t channels = 0;

    for (int s = 0; s < pack->n_segments; s++)
        channels += (size_t)pack->segment[s].channels;
    return channels * (size_t)pack->kh * (size_t)pack->kw * (size_t)n_blocks * (size_t)pack->block;
}

/* The weights between two channels, or NULL when they are in different groups. */
static const float *
find_weights(const CrConvPack *pack, int out, int in)
{
    const int group = pack->groups == 1 ? 0 : out / (pack->out_channels / pack->groups);
    const int channel = in - group * pack->in_per_group;

    if (channel < 0 || channel >= pack->in_per_group)
        return NULL;
    return pack->weights + ((size_t)out * (size_t)pack->in_per_group + (size_t)channel) *
                               (size_t)pack->kh * (size_t)pack->kw;
}

/* Channels in … in + channels - 1 of one channel block: [ky][kx][channel][n_lanes]. Lanes without
 * an output channel are 0. */
static void
pack_channels(float *dst, const CrConvPack *pack, int n_lanes, int first, int lanes, int in,
              int channels)
{
    const int taps = pack->kh * pack->kw;
    const size_t next = (size_t)pack->in_per_group * (size_t)taps;

    for (int c = 0; c < channels; c++) {
        for (int tap = 0; tap < taps; tap++) {
            float *to = dst + ((size_t)tap * (size_t)channels + (size_t)c) * (size_t)n_lanes;
            const size_t at = (size_t)(in + c) * (size_t)taps + (size_t)tap;
            for (int lane = 0; lane < pack->block; lane++)
                to[lane] = lane < lanes ? pack->weights[(size_t)(first + lane) * next + at] : 0.0f;
        }
    }
}

/* The same where a channel may belong to another group than the output does: a weight of 0. */
static void
pack_grouped_channels(float *dst, const CrConvPack *pack, int n_lanes, int first, int lanes, int in,
                      int channels)
{
    const int taps = pack->kh * pack->kw;

    for (int c = 0; c < channels; c++) {
        for (int lane = 0; lane < pack->block; lane++) {
            const float *weights = lane < lanes ? find_weights(pack, first + lane, in + c) : NULL;
            for (int tap = 0; tap < taps; tap++)
                dst[((size_t)tap * (size_t)channels + (size_t)c) * (size_t)n_lanes + (size_t)lane] =
                    weights ? weights[tap] : 0.0f;
        }
    }
}

void
cr_conv_pack_block(float *dst, const CrConvPack *pack, int n_blocks, int index, int first,
                   int lanes)
{
    const int n_lanes = n_blocks * pack->block;

    dst += index * pack->block;
    for (int s = 0; s < pack->n_segments; s++) {
        const CrPackSegment *segment = &pack->segment[s];

        for (int c = 0; c < segment->channels; c += segment->pixel) {
            const int left = segment->channels - c;
            const int channels = left < segment->pixel ? left : segment->pixel;
            (pack->groups == 1 ? pack_channels : pack_grouped_channels)(
                dst, pack, n_lanes, first, lanes, segment->first_channel + c, channels);
            dst += (size_t)pack->kh * (size_t)pack->kw * (size_t)channels * (size_t)n_lanes;
        }
    }
}

void
cr_conv_pack(float *dst, const CrConvPack *pack, int n_blocks, int first, int lanes)
{
    for (int b = 0; b < n_blocks; b++)
        cr_conv_pack_block(dst, pack, n_blocks, b, first + b * pack->block,
                           lanes - b * pack->block);
}

void
cr_depthwise_pack(float *dst, const float *weights, int kh, int kw, int block, int first, int lanes)
{
    const int taps = kh * kw;

    for (int tap = 0; tap < taps; tap++) {
        for (int lane = 0; lane < block; lane++)
            *dst++ =
                lane < lanes ? weights[(size_t)(first + lane) * (size_t)taps + (size_t)tap] : 0;
    }
}

void
cr_gemv_pack(float *dst, const float *w, ptrdiff_t out_stride, ptrdiff_t in_stride, int k,
             int block, int first, int lanes)
{
    for (int i = 0; i < k; i++) {
        for (int lane = 0; lane < 4 * block; lane++)
            *dst++ = lane < lanes ? w[(first + lane) * out_stride + i * in_stride] : 0;
    }
}

void
cr_bias_pack(float *dst, const float *src, int first, int lanes, int size)
{
    for (int lane = 0; lane < size; lane++)
        dst[lane] = src && lane < lanes ? src[first + lane] : 0;
}

void
cr_winograd_transform(float *dst, const float *src, size_t kernels)
{
    static const double g[6][3] = {{1.0 / 4, 0, 0},
                                   {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                   {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                   {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                   {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                   {0, 0, 1}};

    for (size_t k = 0; k < kernels; k++, src += 9) {
        double t[6][3];
        for (int i = 0; i < 6; i++)
            for (int x = 0; x < 3; x++)
                t[i][x] = g[i][0] * src[x] + g[i][1] * src[3 + x] + g[i][2] * src[6 + x];
        for (int i = 0; i < 36; i++) {
            const double *row = t[i / 6], *column = g[i % 6];
            dst[(size_t)i * kernels + k] =
                (float)(row[0] * column[0] + row[1] * column[1] + row[2] * column[2]);
        }
    }
}

/* To the nearest, ties to even. Weights are finite; NaN stays one. */
static uint16_t
round_to_bf16(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof bits);
    if (x != x)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

void
cr_bf16_round(uint16_t *dst, const float *src, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = round_to_bf16(src[i]);
}

static float
bf16_value(uint16_t x)
{
    uint32_t bits = (uint32_t)x << 16;
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

void
cr_bf16_round_sum(float *dst, const float *src, size_t n)
{
    float left = 0;

    for (size_t i = 0; i < n; i++) {
        const float high = bf16_value(round_to_bf16(src[i]));
        const float low = bf16_value(round_to_bf16(src[i] - high + left));
        dst[i] = high + low;
        left += src[i] - dst[i];
    }
}

/* Where the 32 elements of a product of row ky are among the weights of an output channel: -1 for
 * those that are 0. */
static void
find_elements(ptrdiff_t at[CR_BF16_DEPTH], const CrConvPack *pack, const CrBf16Block *in, int ky,
              int kx)
{
    for (int i = 0; i < CR_BF16_DEPTH; i++) {
        const int tap = i / in->pixel, channel = in->channel[i % in->pixel], x = kx + tap;
        const bool is_there = channel >= 0 && tap < in->taps && x >= 0 && x < pack->kw;
        at[i] = is_there ? ((ptrdiff_t)channel * pack->kh + ky) * pack->kw + x : -1;
    }
}

/* One output channel's elements of a tile: pairs, 32 elements apart. */
static void
pack_bf16_lane(uint16_t *dst, const float *weights, const ptrdiff_t at[CR_BF16_DEPTH], int term)
{
    float left[CR_BF16_DEPTH];
    uint16_t rounded[CR_BF16_DEPTH];

    for (int i = 0; i < CR_BF16_DEPTH; i++)
        left[i] = at[i] < 0 ? 0 : weights[at[i]];
    for (int i = 0; i < CR_BF16_DEPTH && term; i++)
        left[i] -= bf16_value(round_to_bf16(left[i]));
    for (int i = 0; i < CR_BF16_DEPTH; i++)
        rounded[i] = round_to_bf16(left[i]);
    for (int i = 0; i < CR_BF16_DEPTH; i += 2) {
        dst[i * 16] = rounded[i];
        dst[i * 16 + 1] = rounded[i + 1];
    }
}

void
cr_bf16_pack_block(uint16_t *dst, const CrConvPack *pack, const CrBf16Block *in, int shift,
                   int n_out, int index, int first, int lanes, int term)
{
    const size_t filter = (size_t)pack->in_per_group * (size_t)pack->kh * (size_t)pack->kw;
    const float *weights = pack->weights + (size_t)first * filter;
    ptrdiff_t at[CR_BF16_DEPTH];

    dst += index * CR_BF16_TILE;
    for (int ky = 0; ky < pack->kh; ky++)
        for (int p = 0; p < in->products; p++, dst += n_out * CR_BF16_TILE) {
            find_elements(at, pack, in, ky, p * in->taps - shift);
            for (int lane = 0; lane < lanes; lane++)
                pack_bf16_lane(dst + 2 * lane, weights + (size_t)lane * filter, at, term);
        }
}
