/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bfloat16 convolutions on AMX: tiles of 2·16 pixels × 2·16 output channels.
 *
 * A tile register has 16 rows of 64 bytes: 16 pixels of 32 channels as the left factor, loaded
 * straight from the row with the horizontal stride between them; 16 pairs of channels × 16 output
 * channels as the right one; 16 pixels × 16 output channels of float32 as the sum, which begins
 * with the bias and is stored straight into the blocked layout. The order of a sum does not depend
 * on the tile an element is in. */
#include "kernels/x86/amx/amx.h"

#include <immintrin.h>
#include <string.h>

#define PIXELS CR_BF16_PIXELS
#define TILE   512 /* elements of a tile of weights */

/* Configured from memory at run time it would be a structure on the stack, of which gcc 12 believes
 * that only 8 bytes are read. */
static const struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} __attribute__((aligned(64))) config = {
    .palette = 1,
    .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64},
    .rows = {16, 16, 16, 16, 16, 16, 16, 16},
};

/* Sums are tiles 0 … 3, [pixel tile][output tile]; 4 and 5 pixels, 6 and 7 weights. */
#define LOAD_PIXELS(from)                                                                          \
    do {                                                                                           \
        _tile_loadd(4, (from), step);                                                              \
        if (two_pixels)                                                                            \
            _tile_loadd(5, (const char *)(from) + PIXELS * step, step);                            \
    } while (0)

#define LOAD_WEIGHTS(from)                                                                         \
    do {                                                                                           \
        _tile_loadd(6, (from), 64);                                                                \
        if (two_outputs)                                                                           \
            _tile_loadd(7, (from) + TILE, 64);                                                     \
    } while (0)

#define MULTIPLY()                                                                                 \
    do {                                                                                           \
        _tile_dpbf16ps(0, 4, 6);                                                                   \
        if (two_outputs)                                                                           \
            _tile_dpbf16ps(1, 4, 7);                                                               \
        if (two_pixels)                                                                            \
            _tile_dpbf16ps(2, 5, 6);                                                               \
        if (two_pixels && two_outputs)                                                             \
            _tile_dpbf16ps(3, 5, 7);                                                               \
    } while (0)

/* Adds all products of the tiles at output pixel x. */
static inline __attribute__((always_inline)) void
accumulate(const CrBf16Row *row, int x, int three_terms, int two_pixels, int two_outputs)
{
    const ptrdiff_t step = (ptrdiff_t)row->stride * CR_BF16_CHANNELS * (ptrdiff_t)sizeof(uint16_t);
    const ptrdiff_t first = (ptrdiff_t)x * row->stride * CR_BF16_CHANNELS;
    const ptrdiff_t tap = two_outputs ? 2 * TILE : TILE;

    for (int b = 0; b < row->n_blocks; b++) {
        for (int ky = row->ky_begin; ky < row->ky_end; ky++) {
            const ptrdiff_t in = first + b * row->block_stride + ky * row->row_stride;
            const ptrdiff_t w = (ptrdiff_t)(b * row->kh + ky) * row->kw * tap;
            for (int kx = 0; kx < row->kw; kx++) {
                const ptrdiff_t at = in + (ptrdiff_t)kx * row->dilation * CR_BF16_CHANNELS;
                LOAD_WEIGHTS(row->weights[0] + w + kx * tap);
                if (three_terms) {
                    LOAD_PIXELS(row->x[1] + at);
                    MULTIPLY();
                }
                LOAD_PIXELS(row->x[0] + at);
                MULTIPLY();
                if (three_terms) {
                    LOAD_WEIGHTS(row->weights[1] + w + kx * tap);
                    MULTIPLY();
                }
            }
        }
    }
}

/* Stores a sum's first n pixels. */
#define STORE(tile, to, n)                                                                         \
    do {                                                                                           \
        if ((n) >= PIXELS) {                                                                       \
            _tile_stored(tile, (to), 64);                                                          \
        } else {                                                                                   \
            _tile_stored(tile, rest, 64);                                                          \
            memcpy((to), rest, (size_t)(n)*64);                                                    \
        }                                                                                          \
    } while (0)

static inline __attribute__((always_inline)) void
convolve(const CrBf16Row *row, int three_terms, int two_outputs)
{
    float rest[PIXELS * 16] __attribute__((aligned(64)));

    for (int x = 0; x < row->width; x += 2 * PIXELS) {
        const int left = row->width - x;

        /* a row stride of zero: every pixel begins with the bias */
        _tile_loadd(0, row->bias, 0);
        _tile_loadd(2, row->bias, 0);
        if (two_outputs) {
            _tile_loadd(1, row->bias + 16, 0);
            _tile_loadd(3, row->bias + 16, 0);
        }
        if (left > PIXELS)
            accumulate(row, x, three_terms, 1, two_outputs);
        else
            accumulate(row, x, three_terms, 0, two_outputs);

        STORE(0, row->y[0] + x * 16, left);
        if (two_outputs)
            STORE(1, row->y[1] + x * 16, left);
        if (left > PIXELS) {
            STORE(2, row->y[0] + (x + PIXELS) * 16, left - PIXELS);
            if (two_outputs)
                STORE(3, row->y[1] + (x + PIXELS) * 16, left - PIXELS);
        }
    }
}

static inline __attribute__((always_inline)) void
conv_row(const CrBf16Row *row, int three_terms)
{
    _tile_loadconfig(&config);
    if (row->y[1])
        convolve(row, three_terms, 1);
    else
        convolve(row, three_terms, 0);
    _tile_release();
}

static void
conv_row_1(const CrBf16Row *row)
{
    conv_row(row, 0);
}

static void
conv_row_3(const CrBf16Row *row)
{
    conv_row(row, 1);
}

/* Rounded to the nearest, ties to even; denormals become zero. */
static inline __m512i
round_pair(__m512 a, __m512 b)
{
    return (__m512i)_mm512_cvtne2ps_pbh(b, a);
}

static void
split_row_1(uint16_t *const dst[2], const float *a, const float *b, int width)
{
    for (int x = 0; x < width; x++) {
        const __m512 low = _mm512_loadu_ps(a + x * 16);
        const __m512 high = b ? _mm512_loadu_ps(b + x * 16) : _mm512_setzero_ps();
        _mm512_storeu_si512(dst[0] + x * CR_BF16_CHANNELS, round_pair(low, high));
    }
}

static void
split_row_3(uint16_t *const dst[2], const float *a, const float *b, int width)
{
    for (int x = 0; x < width; x++) {
        const __m512 low = _mm512_loadu_ps(a + x * 16);
        const __m512 high = b ? _mm512_loadu_ps(b + x * 16) : _mm512_setzero_ps();
        const __m512i rounded = round_pair(low, high);
        const __m512i low_bits = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(rounded));
        const __m512i high_bits = _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(rounded, 1));
        const __m512 low_rest =
            _mm512_sub_ps(low, _mm512_castsi512_ps(_mm512_slli_epi32(low_bits, 16)));
        const __m512 high_rest =
            _mm512_sub_ps(high, _mm512_castsi512_ps(_mm512_slli_epi32(high_bits, 16)));
        _mm512_storeu_si512(dst[0] + x * CR_BF16_CHANNELS, rounded);
        _mm512_storeu_si512(dst[1] + x * CR_BF16_CHANNELS, round_pair(low_rest, high_rest));
    }
}

const CrBf16Kernels cr_amx_bf16 = {
    .terms = 1,
    .name = "bf16 amx",
    .conv_row = conv_row_1,
    .split_row = split_row_1,
    .gemv_panel = cr_amx_gemv_panel,
};

const CrBf16Kernels cr_amx_bf16x3 = {
    .terms = 3,
    .name = "bf16x3 amx",
    .conv_row = conv_row_3,
    .split_row = split_row_3,
};
