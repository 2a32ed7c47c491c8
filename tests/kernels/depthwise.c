/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check.h"
#include "kernels/c/reference.h"
#include <math.h>

typedef struct {
    CrDepthwiseRow row;
    int block;
    CheckBuffer in, weights, bias, y;
} Case;

static Case
make_case(int block, CheckData kind)
{
    Case c = {.block = block};
    CrDepthwiseRow *row = &c.row;
    int pixels;

    row->kh = check_pick(1, 5);
    row->kw = check_pick(0, 3) ? check_pick(1, 2) * 2 + 1 : check_pick(1, 7);
    row->ky_begin = check_pick(0, row->kh);
    row->ky_end = check_pick(row->ky_begin, row->kh);
    row->stride = check_pick(1, 3);
    row->dilation = check_pick(0, 2) ? 1 : check_pick(1, 3);
    row->width = check_pick(1, c.block == 1 ? 150 : 40);
    pixels = (row->width - 1) * row->stride + (row->kw - 1) * row->dilation + 1;
    row->row_stride = (ptrdiff_t)pixels * c.block + check_pick(0, 3);
    c.in = check_buffer((size_t)(row->row_stride * row->kh), check_pick(0, 15));
    for (int ky = row->ky_begin; ky < row->ky_end; ky++)
        check_fill(c.in.data + ky * row->row_stride, (size_t)(pixels * c.block), kind);
    c.weights = check_buffer((size_t)(row->kh * row->kw * c.block), 0);
    c.bias = check_buffer((size_t)c.block, 0);
    c.y = check_buffer((size_t)(row->width * c.block), check_pick(0, 15));
    check_fill(c.weights.data, c.weights.n, kind);
    check_fill(c.bias.data, c.bias.n, kind);
    row->x = c.in.data;
    row->weights = c.weights.data;
    row->bias = c.bias.data;
    row->y = c.y.data;
    row->low = check_pick(0, 2) ? -INFINITY : (float)check_pick(-5, 0);
    row->high = check_pick(0, 2) ? INFINITY : (float)check_pick(1, 6);
    return c;
}

static void
free_case(Case *c)
{
    check_buffer_free(&c->in);
    check_buffer_free(&c->weights);
    check_buffer_free(&c->bias);
    check_buffer_free(&c->y);
}

static float *
reference(const Case *c)
{
    CrDepthwiseRow row = c->row;

    row.y = g_new(float, c->y.n);
    cr_reference_depthwise_row(&row, c->block);
    return row.y;
}

/* In blocks, or on one plane. */
static void
run(const CrKernels *kernels, const Case *c)
{
    if (c->block == 1)
        kernels->depthwise_plane_row(&c->row);
    else
        kernels->depthwise_row(&c->row);
}

static void
integers_exactly(gconstpointer data)
{
    const CrKernels *kernels = data;

    for (int i = 0; i < 2 * check_shapes(); i++) {
        Case c = make_case(i % 2 ? 1 : kernels->block, CHECK_INTEGERS);
        float *expected = reference(&c);
        run(kernels, &c);
        check_equal(c.y.data, expected, c.y.n, "depthwise_row");
        g_free(expected);
        free_case(&c);
    }
}

/* See conv.c for the bound. */
static void
floats_within_rounding(gconstpointer data)
{
    const CrKernels *kernels = data;

    for (int i = 0; i < 2 * check_shapes(); i++) {
        Case c = make_case(i % 2 ? 1 : kernels->block, CHECK_FLOATS);
        float *expected = reference(&c), *bound;
        run(kernels, &c);
        check_absolute(c.in.data, c.in.data, c.in.n);
        check_absolute(c.weights.data, c.weights.data, c.weights.n);
        check_absolute(c.bias.data, c.bias.data, c.bias.n);
        c.row.low = -INFINITY;
        c.row.high = INFINITY;
        bound = reference(&c);
        check_near(c.y.data, expected, bound, (float)(2 * c.row.kh * c.row.kw + 2) * 0x1p-23f,
                   c.y.n, "depthwise_row");
        g_free(expected);
        g_free(bound);
        free_case(&c);
    }
}

const CheckTest check_depthwise_tests[] = {
    {"depthwise/integers-exactly", integers_exactly},
    {"depthwise/floats-within-rounding", floats_within_rounding},
    {NULL, NULL},
};
