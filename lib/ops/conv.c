/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/conv.h"
#include "ops/exact.h"
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/tile.h"

/* y[n][f][o] = b[f] + Σ_c Σ_k x[n][c][o·stride + k·dilation − pad] · w[f][c][k], summed in the
 * order of w (c, kd, kh, kw). Taps in the padding are left out. */
typedef struct {
    CrConv conv;  /* its window has three axes */
    int *x_begin; /* [kernel[2]] tap kw reads inside the row for outputs x_begin … x_end − 1 */
    int *x_end;
    int64_t rows, rows_per_tile; /* rows (n, f, od, oh) of the output */
} ConvParams;

bool
cr_conv_check_input(const CrOpSetup *setup, CrConv *conv, GError **error)
{
    const CrDesc *x = &setup->in[0];

    if (!cr_op_want_dtype(setup, 0, CONVRNN_DTYPE_FLOAT32, error))
        return false;
    if (x->n_dims < 3 || x->n_dims > 2 + CR_MAX_SPATIAL)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "the input must have 3 to 5 dimensions (N, C, space), it has %d",
                           x->n_dims);
    conv->window.n_spatial = x->n_dims - 2;
    for (int i = 0; i < conv->window.n_spatial; i++)
        conv->window.in[i] = (int)x->dims[i + 2];
    return true;
}

bool
cr_conv_check_weight(const CrOpSetup *setup, CrConv *conv, GError **error)
{
    const CrDesc *x = &setup->in[0], *w = &setup->in[1];
    int64_t group = cr_node_int(setup->node, "group", 1);

    if (!cr_op_want_dtype(setup, 1, CONVRNN_DTYPE_FLOAT32, error))
        return false;
    if (w->n_dims != x->n_dims)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "the input has %d dimensions, the weight %d; they must be equal",
                           x->n_dims, w->n_dims);
    if (group < 1 || group > CR_MAX_DIM)
        return cr_op_error(setup, CONVRNN_ERROR_FORMAT, error,
                           "group is %" G_GINT64_FORMAT ", must be at least 1", group);
    conv->batch = (int)x->dims[0];
    conv->channels = (int)x->dims[1];
    conv->group = (int)group;
    return true;
}

static bool
check_filters(const CrOpSetup *setup, CrConv *conv, GError **error)
{
    const CrDesc *x = &setup->in[0], *w = &setup->in[1];

    if (w->dims[1] * conv->group != x->dims[1])
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "weight expects %" G_GINT64_FORMAT
                           " input channels, input has %" G_GINT64_FORMAT,
                           w->dims[1] * conv->group, x->dims[1]);
    if (w->dims[0] % conv->group != 0)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "%" G_GINT64_FORMAT " output channels cannot be divided into %d groups",
                           w->dims[0], conv->group);
    conv->filters = (int)w->dims[0];
    return true;
}

bool
cr_conv_check_bias(const CrOpSetup *setup, CrConv *conv, GError **error)
{
    conv->has_bias = cr_op_has_input(setup, 2);
    if (!conv->has_bias)
        return true;
    if (!cr_op_want_dtype(setup, 2, CONVRNN_DTYPE_FLOAT32, error))
        return false;
    if (setup->in[2].n_dims == 1 && setup->in[2].dims[0] == conv->filters)
        return true;
    g_autofree char *found = cr_desc_to_string(&setup->in[2]);
    return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                       "the bias must have %d elements, one per output channel; it is %s",
                       conv->filters, found);
}

bool
cr_conv_check_kernel(const CrOpSetup *setup, CrWindow *window, GError **error)
{
    const int64_t *dims = setup->in[1].dims + 2;
    bool present;

    if (!cr_window_kernel_shape(setup, window, &present, error))
        return false;
    for (int i = 0; i < window->n_spatial; i++) {
        if (dims[i] < 1)
            return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error, "the weight is empty on axis %d",
                               i + 2);
        if (present && dims[i] != window->kernel[i])
            return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                               "kernel_shape[%d] is %d, the weight has %" G_GINT64_FORMAT, i,
                               window->kernel[i], dims[i]);
        window->kernel[i] = (int)dims[i];
    }
    return true;
}

bool
cr_conv_parse(const CrOpSetup *setup, CrConv *conv, GError **error)
{
    *conv = (CrConv){0};
    return cr_conv_check_input(setup, conv, error) && cr_conv_check_weight(setup, conv, error) &&
           check_filters(setup, conv, error) && cr_conv_check_bias(setup, conv, error) &&
           cr_conv_check_kernel(setup, &conv->window, error) &&
           cr_window_parse(setup, &conv->window, error);
}

uint64_t
cr_conv_macs(const CrConv *conv)
{
    const int *places = conv->transposed ? conv->window.in : conv->window.out;
    uint64_t macs = (uint64_t)conv->batch * conv->filters;
    for (int i = 0; i < conv->window.n_spatial; i++)
        macs *= places[i];
    if (macs == 0)
        return 0;
    macs *= conv->channels / conv->group;
    for (int i = 0; i < conv->window.n_spatial; i++)
        macs *= conv->window.kernel[i];
    return macs;
}

static bool
conv_infer(CrOpSetup *setup, GError **error)
{
    CrConv conv;
    int64_t dims[2 + CR_MAX_SPATIAL];

    if (!cr_conv_parse(setup, &conv, error))
        return false;
    dims[0] = conv.batch;
    dims[1] = conv.filters;
    for (int i = 0; i < conv.window.n_spatial; i++)
        dims[i + 2] = conv.window.out[i];
    return cr_op_set_out(setup, 0, CONVRNN_DTYPE_FLOAT32, dims, conv.window.n_spatial + 2, error);
}

/* y[x] += w · in[x · stride] for n outputs */
static void
add_tap(float *restrict y, const float *restrict in, float w, int n, int stride)
{
    if (stride == 1) {
        for (int x = 0; x < n; x++)
            y[x] += w * in[x];
    } else {
        for (int x = 0; x < n; x++)
            y[x] += w * in[(ptrdiff_t)x * stride];
    }
}

/* One row of taps on one row of the input. */
static void
add_row(const ConvParams *p, float *y, const float *in, const float *w)
{
    const CrWindow *win = &p->conv.window;
    for (int kw = 0; kw < win->kernel[2]; kw++) {
        int begin = p->x_begin[kw], end = p->x_end[kw];
        if (begin < end)
            add_tap(y + begin, in + cr_window_at(win, 2, begin, kw), w[kw], end - begin,
                    win->stride[2]);
    }
}

/* One output row. x, w: first input channel and filter of the group's part. */
static void
conv_row(const ConvParams *p, float *y, const float *x, const float *w, int od, int oh)
{
    const CrWindow *win = &p->conv.window;
    int64_t plane = (int64_t)win->in[1] * win->in[2];
    int d0, d1, h0, h1;

    cr_window_taps(win, 0, od, &d0, &d1);
    cr_window_taps(win, 1, oh, &h0, &h1);
    for (int c = 0; c < p->conv.channels / p->conv.group; c++) {
        for (int kd = d0; kd < d1; kd++) {
            const float *slice =
                x + ((int64_t)c * win->in[0] + cr_window_at(win, 0, od, kd)) * plane;
            for (int kh = h0; kh < h1; kh++) {
                int64_t tap = ((int64_t)c * win->kernel[0] + kd) * win->kernel[1] + kh;
                add_row(p, y, slice + cr_window_at(win, 1, oh, kh) * win->in[2],
                        w + tap * win->kernel[2]);
            }
        }
    }
}

static void
conv_run(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const ConvParams *p = step->params;
    const CrConv *conv = &p->conv;
    const CrWindow *win = &conv->window;
    int width = win->out[2];
    int per_group = conv->channels / conv->group;
    int64_t volume = (int64_t)win->in[0] * win->in[1] * win->in[2];
    int64_t taps = (int64_t)per_group * win->kernel[0] * win->kernel[1] * win->kernel[2];
    int64_t end = cr_tile_end(tile, p->rows_per_tile, p->rows);

    for (int64_t row = tile * p->rows_per_tile; row < end; row++) {
        int oh = (int)(row % win->out[1]);
        int od = (int)(row / win->out[1] % win->out[0]);
        int64_t map = row / win->out[1] / win->out[0];
        int f = (int)(map % conv->filters);
        int64_t n = map / conv->filters;
        int64_t channel =
            n * conv->channels + (int64_t)(f / (conv->filters / conv->group)) * per_group;
        float *y = (float *)io[step->n_in] + row * width;
        float bias = conv->has_bias ? ((const float *)io[2])[f] : 0.0f;

        for (int x = 0; x < width; x++)
            y[x] = bias;
        conv_row(p, y, (const float *)io[0] + channel * volume, (const float *)io[1] + f * taps, od,
                 oh);
    }
}

/* Which outputs of a row each horizontal tap contributes to. */
static bool
tabulate_taps(CrOpSetup *setup, ConvParams *p, GError **error)
{
    const CrWindow *win = &p->conv.window;
    int64_t stride = win->stride[2];

    p->x_begin =
        cr_region_alloc(setup->region, win->kernel[2], 2 * sizeof(int), "Conv taps", error);
    if (!p->x_begin)
        return false;
    p->x_end = p->x_begin + win->kernel[2];
    for (int kw = 0; kw < win->kernel[2]; kw++) {
        int64_t first = -cr_window_at(win, 2, 0, kw); /* input position 0, in input steps */
        int64_t begin = first > 0 ? (first + stride - 1) / stride : 0;
        int64_t last = first + win->in[2];
        int64_t end = last > 0 ? (last + stride - 1) / stride : 0;
        end = MIN(end, win->out[2]);
        p->x_begin[kw] = (int)MIN(begin, end);
        p->x_end[kw] = (int)end;
    }
    return true;
}

static bool
conv_prepare(CrOpSetup *setup, CrStep *step, GError **error)
{
    if (setup->exact)
        return cr_exact_conv_prepare(setup, step, error);
    ConvParams *p = cr_op_params(setup, step, ConvParams, error);
    if (!p || !cr_conv_parse(setup, &p->conv, error))
        return false;
    step->macs = cr_conv_macs(&p->conv);
    cr_window_to_3d(&p->conv.window);
    if (!tabulate_taps(setup, p, error))
        return false;

    const CrWindow *win = &p->conv.window;
    p->rows = win->out[2] ? (int64_t)(cr_desc_elements(&setup->out[0]) / win->out[2]) : 0;
    step->n_tiles =
        cr_tile_cut(p->rows, p->rows ? (int64_t)(step->macs / p->rows) : 0, &p->rows_per_tile);
    step->run = conv_run;
    step->kernel = "plain";
    return true;
}

static const CrAttrSpec conv_attrs[] = {
    {"auto_pad", CR_ATTR_STRING}, {"dilations", CR_ATTR_INTS},
    {"group", CR_ATTR_INT},       {"kernel_shape", CR_ATTR_INTS},
    {"pads", CR_ATTR_INTS},       {"strides", CR_ATTR_INTS},
    {NULL, CR_ATTR_INT},
};

const CrOp cr_op_conv = {
    .name = "Conv",
    .min_in = 2,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .attrs = conv_attrs,
    .infer = conv_infer,
    .prepare = conv_prepare,
};
