/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check.h"
#include "kernels/c/reference.h"
#include <math.h>

typedef struct {
    CrConvRow row;
    int block, blocks_out;
    bool points; /* a 1×1 kernel over whole blocks */
    CheckBuffer in[CR_CONV_SEGMENTS], weights, bias, y[2];
    size_t n_out; /* floats of one output block */
} Case;

/* Blocks of one segment, `channels` used of the last one, and only rows that the kernel may read.
 */
static void
make_segment(Case *c, int index, CheckData kind)
{
    CrConvRow *row = &c->row;
    CrConvSegment *segment = &row->segment[index];
    const int pixels = (row->width - 1) * row->stride + (row->kw - 1) * row->dilation + 1;
    int n_blocks;

    segment->channels = check_pick(1, check_pick(0, 3) ? 2 * c->block + 3 : 5);
    segment->pixel = check_pick(0, 2) ? c->block : 1;
    if (c->points) {
        segment->channels = c->block * check_pick(1, 2 * 64 / c->block);
        segment->pixel = c->block;
    }
    n_blocks = (segment->channels + segment->pixel - 1) / segment->pixel;
    segment->row_stride = (ptrdiff_t)pixels * segment->pixel + check_pick(0, 3);
    segment->block_stride = segment->row_stride * row->kh + check_pick(0, 3);
    c->in[index] = check_buffer((size_t)(segment->block_stride * n_blocks), check_pick(0, 15));
    segment->x = c->in[index].data;
    for (int channel = 0; channel < segment->channels; channel++) {
        float *block = c->in[index].data + channel / segment->pixel * segment->block_stride;
        for (int ky = row->ky_begin; ky < row->ky_end; ky++) {
            for (int x = 0; x < pixels; x++)
                check_fill(block + ky * segment->row_stride + (ptrdiff_t)x * segment->pixel +
                               channel % segment->pixel,
                           1, kind);
        }
    }
}

static Case
make_case(const CrKernels *kernels, CheckData kind)
{
    Case c = {.block = kernels->block, .blocks_out = check_pick(1, 2)};
    CrConvRow *row = &c.row;
    size_t n_weights = 0;

    c.points = !check_pick(0, 3);
    row->kh = c.points ? 1 : check_pick(1, 4);
    row->kw = c.points ? 1 : check_pick(1, 5);
    row->ky_begin = c.points ? 0 : check_pick(0, row->kh);
    row->ky_end = check_pick(row->ky_begin, row->kh);
    row->stride = c.points ? 1 : check_pick(1, 3);
    row->dilation = check_pick(1, 3);
    row->width = check_pick(1, 45);
    row->n_segments = check_pick(1, check_pick(1, CR_CONV_SEGMENTS));
    for (int s = 0; s < row->n_segments; s++) {
        make_segment(&c, s, kind);
        n_weights += (size_t)(row->segment[s].channels * row->kh * row->kw);
    }
    n_weights *= (size_t)(c.block * c.blocks_out);
    c.weights = check_buffer(n_weights, 0);
    c.bias = check_buffer((size_t)(c.block * c.blocks_out), 0);
    check_fill(c.weights.data, n_weights, kind);
    check_fill(c.bias.data, c.bias.n, kind);
    row->weights = c.weights.data;
    row->bias = c.bias.data;
    c.n_out = (size_t)(c.block * row->width);
    for (int b = 0; b < c.blocks_out; b++) {
        c.y[b] = check_buffer(c.n_out, check_pick(0, 15));
        row->y[b] = c.y[b].data;
    }
    row->low = check_pick(0, 2) ? -INFINITY : (float)check_pick(-5, 0);
    row->high = check_pick(0, 2) ? INFINITY : (float)check_pick(1, 6);
    return c;
}

static void
free_case(Case *c)
{
    for (int s = 0; s < c->row.n_segments; s++)
        check_buffer_free(&c->in[s]);
    check_buffer_free(&c->weights);
    check_buffer_free(&c->bias);
    for (int b = 0; b < c->blocks_out; b++)
        check_buffer_free(&c->y[b]);
}

/* The reference's outputs, [blocks_out][n_out]. */
static float *
reference(const Case *c)
{
    CrConvRow row = c->row;
    float *y = g_new(float, c->n_out *(size_t)c->blocks_out);

    for (int b = 0; b < c->blocks_out; b++)
        row.y[b] = y + (size_t)b * c->n_out;
    cr_reference_conv_row(&row, c->block);
    return y;
}

/* Σ |in · w| + |bias| of each output: what rounding errors are relative to. Spoils the inputs. */
static float *
magnitudes(Case *c)
{
    c->row.low = -INFINITY;
    c->row.high = INFINITY;
    for (int s = 0; s < c->row.n_segments; s++)
        check_absolute(c->in[s].data, c->in[s].data, c->in[s].n);
    check_absolute(c->weights.data, c->weights.data, c->weights.n);
    check_absolute(c->bias.data, c->bias.data, c->bias.n);
    return reference(c);
}

/* Both sums have at most n roundings of half an ulp each, and each is of no more than Σ |in · w|:
 * they differ by no more than 2·n·2^-24·Σ |in · w|, to first order. */
static float
rounding(const Case *c)
{
    int n = 2;
    for (int s = 0; s < c->row.n_segments; s++)
        n += 2 * c->row.segment[s].channels * c->row.kh * c->row.kw;
    return (float)n * 0x1p-23f;
}

static void
integers_exactly(gconstpointer data)
{
    const CrKernels *kernels = data;

    for (int i = 0; i < check_shapes(); i++) {
        Case c = make_case(kernels, CHECK_INTEGERS);
        float *expected = reference(&c);
        kernels->conv_row(&c.row);
        for (int b = 0; b < c.blocks_out; b++)
            check_equal(c.y[b].data, expected + (size_t)b * c.n_out, c.n_out, "conv_row");
        g_free(expected);
        free_case(&c);
    }
}

static void
floats_within_rounding(gconstpointer data)
{
    const CrKernels *kernels = data;

    for (int i = 0; i < check_shapes(); i++) {
        Case c = make_case(kernels, CHECK_FLOATS);
        float *expected = reference(&c), *bound;
        kernels->conv_row(&c.row);
        bound = magnitudes(&c);
        for (int b = 0; b < c.blocks_out; b++)
            check_near(c.y[b].data, expected + (size_t)b * c.n_out, bound + (size_t)b * c.n_out,
                       rounding(&c), c.n_out, "conv_row");
        g_free(expected);
        g_free(bound);
        free_case(&c);
    }
}

/* A row in one piece has the bits of the same row in two: no element depends on its tile. */
static void
same_bits_in_any_tile(gconstpointer data)
{
    const CrKernels *kernels = data;

    for (int i = 0; i < check_shapes() / 4; i++) {
        Case c = make_case(kernels, CHECK_FLOATS);
        CrConvRow part = c.row;
        const int cut = check_pick(0, c.row.width);
        float *whole = g_new(float, c.n_out *(size_t)c.blocks_out);

        for (int b = 0; b < c.blocks_out; b++)
            part.y[b] = whole + (size_t)b * c.n_out;
        kernels->conv_row(&part);
        part = c.row;
        part.width = cut;
        kernels->conv_row(&part);
        part.width = c.row.width - cut;
        for (int s = 0; s < part.n_segments; s++)
            part.segment[s].x += (ptrdiff_t)cut * part.stride * part.segment[s].pixel;
        for (int b = 0; b < c.blocks_out; b++)
            part.y[b] += (ptrdiff_t)cut * c.block;
        kernels->conv_row(&part);
        for (int b = 0; b < c.blocks_out; b++)
            check_equal(c.y[b].data, whole + (size_t)b * c.n_out, c.n_out, "conv_row in two");
        g_free(whole);
        free_case(&c);
    }
}

/* NaN passes a clamp, infinities are limited. */
static void
specials_through_clamp(gconstpointer data)
{
    const CrKernels *kernels = data;
    float in[1] = {1}, w[2 * CR_MAX_BLOCK] = {0}, bias[2 * CR_MAX_BLOCK], y[2][CR_MAX_BLOCK];
    CrConvRow row = {.n_segments = 1, .segment = {{.x = in, .channels = 1, .pixel = 1}}};

    check_fill(bias, G_N_ELEMENTS(bias), CHECK_SPECIALS);
    row.kh = row.kw = row.ky_end = row.stride = row.dilation = row.width = 1;
    row.weights = w;
    row.bias = bias;
    row.y[0] = y[0];
    row.y[1] = y[1];
    row.high = 0.5f;
    kernels->conv_row(&row);
    for (int o = 0; o < 2 * kernels->block; o++) {
        float sum = bias[o] + in[0] * w[o];
        float limited = sum < 0 ? 0.0f : sum > 0.5f ? 0.5f : sum;
        check_equal(&y[o / kernels->block][o % kernels->block], &limited, 1, "clamp");
    }
}

const CheckTest check_conv_tests[] = {
    {"conv/integers-exactly", integers_exactly},
    {"conv/floats-within-rounding", floats_within_rounding},
    {"conv/same-bits-in-any-tile", same_bits_in_any_tile},
    {"conv/specials-through-clamp", specials_through_clamp},
    {NULL, NULL},
};
