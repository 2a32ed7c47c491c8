/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Convolution from planes to planes: against the definition, and bit by bit against the kernel that
 * computes in blocks, which sums in the same order. */
#include "check.h"
#include "kernels/c/reference.h"
#include <math.h>

typedef struct {
    CrConvRow row;
    int n_out, n_taps; /* weights of one output */
    CheckBuffer in[CR_CONV_SEGMENTS], weights, bias, y;
    ptrdiff_t y_stride;
} Case;

/* Planes of one segment, and only rows that the kernel may read. */
static void
make_segment(Case *c, CrConvSegment *segment, CheckBuffer *in, CheckData kind)
{
    const CrConvRow *row = &c->row;
    const int pixels = row->width + (row->kw - 1) * row->dilation;

    segment->pixel = 1;
    segment->channels = check_pick(1, 5);
    segment->row_stride = pixels + check_pick(0, 3);
    segment->block_stride = segment->row_stride * row->kh + check_pick(0, 3);
    *in = check_buffer((size_t)(segment->block_stride * segment->channels), check_pick(0, 15));
    segment->x = in->data;
    for (int channel = 0; channel < segment->channels; channel++)
        for (int ky = row->ky_begin; ky < row->ky_end; ky++)
            check_fill(in->data + channel * segment->block_stride + ky * segment->row_stride,
                       (size_t)pixels, kind);
    c->n_taps += segment->channels * row->kh * row->kw;
}

static Case
make_case(CheckData kind)
{
    Case c = {.n_out = check_pick(1, CR_CONV_PLANES)};
    CrConvRow *row = &c.row;

    row->kh = check_pick(1, 4);
    row->kw = check_pick(1, 5);
    row->ky_begin = check_pick(0, row->kh);
    row->ky_end = check_pick(row->ky_begin, row->kh);
    row->stride = 1;
    row->dilation = check_pick(1, 3);
    row->width = check_pick(1, 150);
    row->n_segments = check_pick(1, 3);
    for (int s = 0; s < row->n_segments; s++)
        make_segment(&c, &row->segment[s], &c.in[s], kind);
    c.weights = check_buffer((size_t)(c.n_taps * c.n_out), 0);
    c.bias = check_buffer((size_t)c.n_out, 0);
    check_fill(c.weights.data, c.weights.n, kind);
    check_fill(c.bias.data, c.bias.n, kind);
    c.y_stride = row->width + check_pick(0, 20);
    c.y = check_buffer((size_t)(c.y_stride * (c.n_out - 1) + row->width), check_pick(0, 15));
    row->weights = c.weights.data;
    row->bias = c.bias.data;
    row->y[0] = c.y.data;
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
    check_buffer_free(&c->y);
}

/* pixels: [width][block], of which lanes below n_out count */
static void
check_pixels(const Case *c, const float *pixels, int block)
{
    for (int o = 0; o < c->n_out; o++)
        for (int x = 0; x < c->row.width; x++)
            check_equal(c->y.data + o * c->y_stride + x, pixels + (ptrdiff_t)x * block + o, 1,
                        "conv_plane_row");
}

static void
integers_exactly(gconstpointer data)
{
    const CrKernels *kernels = data;

    for (int i = 0; i < check_shapes(); i++) {
        Case c = make_case(CHECK_INTEGERS);
        CrConvRow row = c.row;
        float *expected = g_new(float, row.width *c.n_out);

        row.y[0] = expected;
        cr_reference_conv_row(&row, c.n_out);
        kernels->conv_plane_row(&c.row, c.y_stride, c.n_out);
        check_pixels(&c, expected, c.n_out);
        g_free(expected);
        free_case(&c);
    }
}

static void
bits_of_blocks(gconstpointer data)
{
    const CrKernels *kernels = data;
    const int block = kernels->block;

    for (int i = 0; i < check_shapes(); i++) {
        Case c = make_case(CHECK_FLOATS);
        CrConvRow row = c.row;
        CheckBuffer weights = check_buffer((size_t)(c.n_taps * block), 0);
        float bias[CR_MAX_BLOCK] = {0}, *expected = g_new(float, row.width *block);

        for (int tap = 0; tap < c.n_taps; tap++)
            for (int o = 0; o < block; o++)
                weights.data[tap * block + o] = o < c.n_out ? c.weights.data[tap * c.n_out + o] : 0;
        for (int o = 0; o < c.n_out; o++)
            bias[o] = c.bias.data[o];
        row.weights = weights.data;
        row.bias = bias;
        row.y[0] = expected;
        kernels->conv_row(&row);
        kernels->conv_plane_row(&c.row, c.y_stride, c.n_out);
        check_pixels(&c, expected, block);
        g_free(expected);
        check_buffer_free(&weights);
        free_case(&c);
    }
}

const CheckTest check_conv_plane_tests[] = {
    {"conv-plane/integers-exactly", integers_exactly},
    {"conv-plane/bits-of-blocks", bits_of_blocks},
    {NULL, NULL},
};
