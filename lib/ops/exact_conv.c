/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* y[n][f][o] = b[f] + Σ x[n][c][i] · w[f][c][k] over all i = o·stride + k·dilation − pad inside the
 * picture; transposed, over all i with o = i·stride + k·dilation − pad, and w[c][f][k]. */
#include "ops/conv.h"
#include "ops/exact.h"
#include "ops/setup.h"
#include "ops/tile.h"
#include <string.h>

typedef struct {
    CrConv conv;                 /* its window has three axes */
    int64_t rows, rows_per_tile; /* rows (n, f, od, oh) of the output */
} ExactConv;

/* The input position that tap k brings to output o, or -1. */
static int64_t
source(const CrConv *conv, int axis, int o, int k)
{
    const CrWindow *w = &conv->window;
    int64_t at = cr_window_at(w, axis, o, k);

    if (conv->transposed) {
        at = (int64_t)o + w->pad_begin[axis] - (int64_t)k * w->dilation[axis];
        at = at % w->stride[axis] ? -1 : at / w->stride[axis];
    }
    return at >= 0 && at < w->in[axis] ? at : -1;
}

/* One row of taps on one row of the input. */
static void
add_row(const CrConv *conv, double *restrict sum, const float *restrict x, const float *w)
{
    const CrWindow *win = &conv->window;
    int64_t stride = win->stride[2];
    /* the side that moves one by one, and the one that moves by strides */
    int64_t n = conv->transposed ? win->in[2] : win->out[2];
    int64_t limit = conv->transposed ? win->out[2] : win->in[2];

    for (int k = 0; k < win->kernel[2]; k++) {
        int64_t offset = (int64_t)k * win->dilation[2] - win->pad_begin[2];
        int64_t begin = offset < 0 ? (-offset + stride - 1) / stride : 0;
        int64_t end = offset < limit ? MIN((limit - offset + stride - 1) / stride, n) : 0;
        double tap = w[k];
        if (conv->transposed) {
            for (int64_t i = begin; i < end; i++)
                sum[i * stride + offset] += tap * x[i];
        } else {
            for (int64_t i = begin; i < end; i++)
                sum[i] += tap * x[i * stride + offset];
        }
    }
}

/* Row (od, oh) of image n and filter f. */
static void
sum_row(const CrConv *conv, void *const *io, int64_t n, int f, int od, int oh, double *sum)
{
    const CrWindow *w = &conv->window;
    int in_group = conv->channels / conv->group, out_group = conv->filters / conv->group;
    int64_t first = (int64_t)(f / out_group) * in_group; /* channel */
    int64_t taps = (int64_t)w->kernel[0] * w->kernel[1] * w->kernel[2];

    for (int c = 0; c < in_group; c++) {
        const float *weights = io[1];
        weights += (conv->transposed ? (first + c) * out_group + f % out_group
                                     : (int64_t)f * in_group + c) *
                   taps;
        for (int kd = 0; kd < w->kernel[0]; kd++)
            for (int kh = 0; kh < w->kernel[1]; kh++, weights += w->kernel[2]) {
                int64_t d = source(conv, 0, od, kd), h = source(conv, 1, oh, kh);
                int64_t plane = (n * conv->channels + first + c) * w->in[0] + d;
                if (d >= 0 && h >= 0)
                    add_row(conv, sum, (const float *)io[0] + (plane * w->in[1] + h) * w->in[2],
                            weights);
            }
    }
}

static void
exact_conv_run(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const ExactConv *p = step->params;
    const CrWindow *w = &p->conv.window;
    double *sum = scratch;
    int64_t end = cr_tile_end(tile, p->rows_per_tile, p->rows);

    for (int64_t row = tile * p->rows_per_tile; row < end; row++) {
        int64_t map = row / w->out[1] / w->out[0];
        int f = (int)(map % p->conv.filters);
        float *y = (float *)io[step->n_in] + row * w->out[2];
        double bias = p->conv.has_bias ? ((const float *)io[2])[f] : 0.0f;
        for (int x = 0; x < w->out[2]; x++)
            sum[x] = bias;
        sum_row(&p->conv, io, map / p->conv.filters, f, (int)(row / w->out[1] % w->out[0]),
                (int)(row % w->out[1]), sum);
        for (int x = 0; x < w->out[2]; x++)
            y[x] = (float)sum[x];
    }
}

bool
cr_exact_conv_prepare(CrOpSetup *setup, CrStep *step, GError **error)
{
    ExactConv *p = cr_op_params(setup, step, ExactConv, error);
    bool transposed = strcmp(setup->node->op, "ConvTranspose") == 0;

    if (!p || !(transposed ? cr_conv_transpose_parse : cr_conv_parse)(setup, &p->conv, error))
        return false;
    step->macs = cr_conv_macs(&p->conv);
    cr_window_to_3d(&p->conv.window);
    size_t width = (size_t)p->conv.window.out[2];
    p->rows = width ? (int64_t)(cr_desc_elements(&setup->out[0]) / width) : 0;
    step->n_tiles =
        cr_tile_cut(p->rows, p->rows ? (int64_t)(step->macs / p->rows) : 0, &p->rows_per_tile);
    step->scratch = width * sizeof(double);
    step->run = exact_conv_run;
    step->kernel = "double";
    return true;
}
