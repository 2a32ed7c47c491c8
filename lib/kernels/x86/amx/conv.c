/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bfloat16 convolutions on AMX: 2·16 pixels × 2·16 output channels at a time, or 4·16 × 16.
 *
 * A tile register has 16 rows of 64 bytes: 16 pixels of 32 channels (or of fewer, and their
 * neighbours) as the left factor, loaded straight from the row with the horizontal stride between
 * them; 16 pairs of channels × 16 output channels as the right one; 16 pixels × 16 output channels
 * of float32 as the sum, which begins with the bias and is stored straight into the blocked layout.
 * A product takes 16 cycles and its result 52, so four sums are under way; loads take 8 to 16. The
 * order of a sum does not depend on the tile an element is in. */
#include "kernels/x86/amx/amx.h"

#include <immintrin.h>
#include <math.h>

#define PIXELS       CR_BF16_PIXELS
#define TILE         CR_BF16_TILE
#define SUMS         4
#define PASSES       4          /* that share a part of the weights */
#define MOST_WEIGHTS (20 << 10) /* elements that stay in the L1 cache beside all else */

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

/* Where 16 pixels of the output are. */
typedef struct {
    int row, x;
} Place;

/* Two output blocks: sums are tiles 0 … 3, [pixel tile][output tile]; 4 and 5 pixels, 6 and 7
 * weights. */
#define LOAD_TWO(from)                                                                             \
    do {                                                                                           \
        _tile_loadd(4, (from) + at[0], step);                                                      \
        if (n > 1)                                                                                 \
            _tile_loadd(5, (from) + at[1], step);                                                  \
    } while (0)

#define WEIGHTS_TWO(from)                                                                          \
    do {                                                                                           \
        _tile_loadd(6, (from), 64);                                                                \
        _tile_loadd(7, (from) + TILE, 64);                                                         \
    } while (0)

#define MULTIPLY_TWO()                                                                             \
    do {                                                                                           \
        _tile_dpbf16ps(0, 4, 6);                                                                   \
        _tile_dpbf16ps(1, 4, 7);                                                                   \
        if (n > 1) {                                                                               \
            _tile_dpbf16ps(2, 5, 6);                                                               \
            _tile_dpbf16ps(3, 5, 7);                                                               \
        }                                                                                          \
    } while (0)

/* One: sums are tiles 0 … 3, [pixel tile]. */
#define MULTIPLY_ONE(i, pixels)                                                                    \
    do {                                                                                           \
        if (n > (i)) {                                                                             \
            _tile_loadd(pixels, high + at[i], step);                                               \
            _tile_dpbf16ps(i, pixels, 7);                                                          \
        }                                                                                          \
    } while (0)

#define MULTIPLY_ONE_THRICE(i)                                                                     \
    do {                                                                                           \
        if (n > (i)) {                                                                             \
            _tile_loadd(4, low + at[i], step);                                                     \
            _tile_dpbf16ps(i, 4, 6);                                                               \
            _tile_loadd(5, high + at[i], step);                                                    \
            _tile_dpbf16ps(i, 5, 6);                                                               \
            _tile_dpbf16ps(i, 5, 7);                                                               \
        }                                                                                          \
    } while (0)

/* The products of one tap, or of some neighbours. */
static inline __attribute__((always_inline)) void
multiply(const uint16_t *high, const uint16_t *low, const ptrdiff_t *at, ptrdiff_t step,
         const uint16_t *w_high, const uint16_t *w_low, int n, int terms, int outputs)
{
    if (outputs == 2) {
        WEIGHTS_TWO(w_high);
        if (terms == 3) {
            LOAD_TWO(low);
            MULTIPLY_TWO();
        }
        LOAD_TWO(high);
        MULTIPLY_TWO();
        if (terms == 3) {
            WEIGHTS_TWO(w_low);
            MULTIPLY_TWO();
        }
    } else if (terms == 3) {
        _tile_loadd(6, w_high, 64);
        _tile_loadd(7, w_low, 64);
        MULTIPLY_ONE_THRICE(0);
        MULTIPLY_ONE_THRICE(1);
        MULTIPLY_ONE_THRICE(2);
        MULTIPLY_ONE_THRICE(3);
    } else {
        _tile_loadd(7, w_high, 64);
        MULTIPLY_ONE(0, 4);
        MULTIPLY_ONE(1, 5);
        MULTIPLY_ONE(2, 6);
        MULTIPLY_ONE(3, 4);
    }
}

/* Some of the blocks of the input: the weights of two tiles for these stay in the L1 cache. */
typedef struct {
    int begin, end;
    ptrdiff_t weights; /* elements before those of the first */
} Part;

static inline __attribute__((always_inline)) ptrdiff_t
weights_of(const CrBf16Rows *rows, int block, int outputs)
{
    return (ptrdiff_t)cr_bf16_pack_size(&rows->block[block], rows->kh, outputs);
}

/* Adds the products of some blocks for n tiles of pixels. */
static inline __attribute__((always_inline)) void
accumulate(const CrBf16Rows *rows, const Part *part, const Place *place, int n, int terms,
           int outputs)
{
    const uint16_t *w_high = rows->weights[0] + part->weights;
    const uint16_t *w_low = terms == 3 ? rows->weights[1] + part->weights : NULL;

    for (int b = part->begin; b < part->end; b++) {
        const CrBf16Block *block = &rows->block[b];
        const ptrdiff_t step = block->step * (ptrdiff_t)sizeof(uint16_t);
        const ptrdiff_t tap_row = block->products * outputs * TILE;
        ptrdiff_t at[SUMS];

        for (int i = 0; i < n; i++)
            at[i] = block->offset + place[i].row * rows->row_stride + place[i].x * block->step;
        for (int ky = rows->ky_begin; ky < rows->ky_end; ky++) {
            const uint16_t *high = rows->x[0] + ky * rows->tap_stride;
            const uint16_t *low = terms == 3 ? rows->x[1] + ky * rows->tap_stride : NULL;
            ptrdiff_t w = ky * tap_row;
            for (int p = 0; p < block->products; p++, w += outputs * TILE) {
                multiply(high + p * block->next, terms == 3 ? low + p * block->next : NULL, at,
                         step, w_high + w, terms == 3 ? w_low + w : NULL, n, terms, outputs);
            }
        }
        w_high += weights_of(rows, b, outputs);
        w_low = terms == 3 ? w_low + weights_of(rows, b, outputs) : NULL;
    }
}

/* a row stride of zero: every pixel begins with the bias */
static inline __attribute__((always_inline)) void
begin_sums(const float *const bias[2], int outputs)
{
    _tile_loadd(0, bias[0], 0);
    _tile_loadd(1, bias[outputs - 1], 0);
    _tile_loadd(2, bias[0], 0);
    _tile_loadd(3, bias[outputs - 1], 0);
}

/* The first n of 16 pixels, clamped. */
static inline __attribute__((always_inline)) void
copy_clamped(float *to, size_t step, const float *from, int n, float low, float high)
{
    const __m512 least = _mm512_set1_ps(low), most = _mm512_set1_ps(high);

    for (int i = 0; i < n; i++, to += step) /* NaN stays, as it is the second operand */
        _mm512_storeu_ps(to,
                         _mm512_min_ps(most, _mm512_max_ps(least, _mm512_load_ps(from + i * 16))));
}

#define STORE(tile)                                                                                \
    do {                                                                                           \
        const Place *at = &place[(tile) / outputs];                                                \
        const int left = rows->width[(tile) % outputs] - at->x;                                    \
        float *to =                                                                                \
            rows->y[(tile) % outputs] + (size_t)at->row * rows->y_stride + (size_t)at->x * step;   \
        if (left >= PIXELS && !clamps) {                                                           \
            _tile_stored(tile, to, step * sizeof *to);                                             \
        } else {                                                                                   \
            _tile_stored(tile, sums, 64);                                                          \
            copy_clamped(to, step, sums, left < PIXELS ? left : PIXELS, rows->low, rows->high);    \
        }                                                                                          \
    } while (0)

static inline __attribute__((always_inline)) void
store_sums(const CrBf16Rows *rows, const Place *place, int n, int clamps, int outputs)
{
    float sums[PIXELS * 16] __attribute__((aligned(64)));
    const size_t step = rows->y_step;

    STORE(0);
    if (outputs == 2 || n > 1)
        STORE(1);
    if (outputs * n > 2)
        STORE(2);
    if (outputs * n > 3)
        STORE(3);
}

/* Sums that wait for the next part. */
typedef float Waiting[SUMS][PIXELS * 16];

static inline __attribute__((always_inline)) void
put_aside(Waiting sums)
{
    _tile_stored(0, sums[0], 64);
    _tile_stored(1, sums[1], 64);
    _tile_stored(2, sums[2], 64);
    _tile_stored(3, sums[3], 64);
}

static inline __attribute__((always_inline)) void
take_up(Waiting sums)
{
    _tile_loadd(0, sums[0], 64);
    _tile_loadd(1, sums[1], 64);
    _tile_loadd(2, sums[2], 64);
    _tile_loadd(3, sums[3], 64);
}

/* As many tiles of pixels as there are sums for. */
typedef struct {
    Place place[SUMS];
    int n;
} Pass;

static inline __attribute__((always_inline)) void
run_pass(const CrBf16Rows *rows, const Part *part, const Pass *pass, int terms, int outputs)
{
    const int most = SUMS / outputs;

    if (pass->n == most)
        accumulate(rows, part, pass->place, most, terms, outputs);
    else if (pass->n == 1)
        accumulate(rows, part, pass->place, 1, terms, outputs);
    else if (pass->n == 2)
        accumulate(rows, part, pass->place, 2, terms, outputs);
    else
        accumulate(rows, part, pass->place, 3, terms, outputs);
}

/* All blocks when their weights stay in the L1 cache; otherwise as many as take half of it, or one.
 * With three terms there are so many products for what is loaded that it does not pay. */
static inline __attribute__((always_inline)) Part
next_part(const CrBf16Rows *rows, const Part *last, int terms, int outputs)
{
    Part part = {last->end, last->end, last->weights};
    ptrdiff_t all = 0, size = 0;

    for (int b = 0; b < last->end; b++)
        all += weights_of(rows, b, outputs);
    part.weights = all;
    for (int b = last->end; b < rows->n_blocks; b++)
        all += weights_of(rows, b, outputs);
    while (part.end < rows->n_blocks) {
        size += weights_of(rows, part.end, outputs);
        if (terms == 1 && all > MOST_WEIGHTS && size > MOST_WEIGHTS / 2 && part.end > part.begin)
            break;
        part.end++;
    }
    return part;
}

/* Some passes, one part of the input after the other. */
static inline __attribute__((always_inline)) void
run_passes(const CrBf16Rows *rows, const Pass *pass, int n, int terms, int outputs)
{
    const int clamps = rows->low > -INFINITY || rows->high < INFINITY;
    Waiting sums[PASSES] __attribute__((aligned(64)));
    Part part = {0, 0, 0};

    do {
        part = next_part(rows, &part, terms, outputs);
        for (int i = 0; i < n; i++) {
            if (part.begin == 0)
                begin_sums(rows->bias, outputs);
            else
                take_up(sums[i]);
            run_pass(rows, &part, &pass[i], terms, outputs);
            if (part.end < rows->n_blocks)
                put_aside(sums[i]);
            else
                store_sums(rows, pass[i].place, pass[i].n, clamps, outputs);
        }
    } while (part.end < rows->n_blocks);
}

/* The tiles of one column come first: they share most of the rows that they read. */
static inline __attribute__((always_inline)) void
convolve(const CrBf16Rows *rows, int terms, int outputs)
{
    const int most = SUMS / outputs;
    Place next = {0, 0};

    while (next.x < rows->width[0]) {
        Pass pass[PASSES];
        int n = 0;
        for (; n < PASSES && next.x < rows->width[0]; n++) {
            pass[n].n = 0;
            while (pass[n].n < most && next.x < rows->width[0]) {
                pass[n].place[pass[n].n++] = next;
                if (++next.row == rows->n_rows)
                    next = (Place){0, next.x + PIXELS};
            }
        }
        run_passes(rows, pass, n, terms, outputs);
    }
}

static inline __attribute__((always_inline)) void
conv_rows(const CrBf16Rows *rows, int terms)
{
    _tile_loadconfig(&config);
    if (rows->y[1])
        convolve(rows, terms, 2);
    else
        convolve(rows, terms, 1);
    _tile_release();
}

void
cr_amx_conv_rows_1(const CrBf16Rows *rows)
{
    conv_rows(rows, 1);
}

void
cr_amx_conv_rows_3(const CrBf16Rows *rows)
{
    conv_rows(rows, 3);
}
