/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ConvTranspose (onnx.ai/onnx/operators/onnx__ConvTranspose.html):
 *     y[n][f][i·stride + k·dilation − pad] += x[n][c][i] · w[c][f][k], on top of b[f]
 * x: (N, C, space…), w: (C, F / group, kernel…), b: (F) or none, y: (N, F, space out…).
 *
 * Here on plain tensors, from the output's side, one row at a time, summed in the order c, kd, kh,
 * kw. With known weights and two spatial axes at most it runs in blocks (ops/transposed_conv.h). */
#include "ops/conv.h"
#include "ops/exact.h"
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/tile.h"
#include <string.h>

typedef struct {
    CrConv conv;                 /* window: in of x, out of y */
    int64_t rows, rows_per_tile; /* rows (n, f, od, oh) of the output */
} ConvTranspose;

static bool
check_filters(const CrOpSetup *setup, CrConv *conv, GError **error)
{
    const CrDesc *x = &setup->in[0], *w = &setup->in[1];

    if (w->dims[0] != x->dims[1])
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "weight expects %" G_GINT64_FORMAT
                           " input channels, input has %" G_GINT64_FORMAT,
                           w->dims[0], x->dims[1]);
    if (x->dims[1] % conv->group != 0)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "%" G_GINT64_FORMAT " input channels cannot be divided into %d groups",
                           x->dims[1], conv->group);
    if (w->dims[1] * conv->group > CR_MAX_DIM)
        return cr_op_error(setup, CONVRNN_ERROR_LIMIT, error,
                           "there would be %" G_GINT64_FORMAT " output channels, at most %d",
                           w->dims[1] * conv->group, CR_MAX_DIM);
    conv->filters = (int)(w->dims[1] * conv->group);
    return true;
}

/* A list of one number ≥ 0 per spatial axis; *values is NULL when the attribute is absent. */
static bool
read_sizes(const CrOpSetup *setup, const char *name, int count, const int64_t **values,
           GError **error)
{
    int n;

    *values = cr_node_ints(setup->node, name, &n);
    if (!*values)
        return true;
    if (n != count)
        return cr_op_error(setup, CONVRNN_ERROR_FORMAT, error,
                           "attribute %s needs %d numbers for this input, it has %d", name, count,
                           n);
    for (int i = 0; i < n; i++) {
        if ((*values)[i] < 0 || (*values)[i] > CR_MAX_EXTENT)
            return cr_op_error(setup, CONVRNN_ERROR_FORMAT, error,
                               "%s[%d] is %" G_GINT64_FORMAT ", must be within 0 and %d", name, i,
                               (*values)[i], CR_MAX_EXTENT);
    }
    return true;
}

/* Output size and first pad of one axis. wanted: output size, or -1 where pads decide it. */
static bool
size_axis(const CrOpSetup *setup, CrWindow *window, int axis, int64_t adjust, int64_t wanted,
          bool upper, GError **error)
{
    int64_t out = (int64_t)window->stride[axis] * MAX(window->in[axis] - 1, 0) + adjust +
                  (int64_t)(window->kernel[axis] - 1) * window->dilation[axis] + 1;
    int64_t pad = window->pad_begin[axis];

    if (wanted >= 0) {
        int64_t total = MAX(out - wanted, 0);
        pad = upper ? total / 2 : total - total / 2;
        out = wanted;
    } else {
        out -= pad + window->pad_end[axis];
    }
    if (window->in[axis] == 0 && wanted < 0)
        out = 0;
    if (out < 0)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "the pads on axis %d are larger than the output", axis + 2);
    if (out > CR_MAX_DIM || pad > CR_MAX_EXTENT)
        return cr_op_error(setup, CONVRNN_ERROR_LIMIT, error,
                           "the output would have %" G_GINT64_FORMAT
                           " positions on axis %d after %" G_GINT64_FORMAT
                           " of padding, at most %d",
                           out, axis + 2, pad, CR_MAX_DIM);
    window->out[axis] = (int)out;
    window->pad_begin[axis] = (int)pad;
    return true;
}

static bool
size_output(const CrOpSetup *setup, CrWindow *window, GError **error)
{
    const char *auto_pad = cr_node_string(setup->node, "auto_pad", "NOTSET");
    bool same = g_str_has_prefix(auto_pad, "SAME"), upper = strcmp(auto_pad, "SAME_UPPER") == 0;
    const int64_t *adjust, *shape, *dims = setup->in[0].dims + 2;
    int n = window->n_spatial;

    /* In an empty picture every window is legal: only the attributes are read here. */
    memset(window->in, 0, sizeof window->in);
    if (!cr_window_parse(setup, window, error) ||
        !read_sizes(setup, "output_padding", n, &adjust, error) ||
        !read_sizes(setup, "output_shape", n, &shape, error))
        return false;
    for (int i = 0; i < n; i++) {
        int64_t wanted = shape ? shape[i] : same ? dims[i] * window->stride[i] : -1;
        window->in[i] = (int)dims[i];
        if (!size_axis(setup, window, i, adjust ? adjust[i] : 0, wanted, upper, error))
            return false;
    }
    return true;
}

bool
cr_conv_transpose_parse(const CrOpSetup *setup, CrConv *conv, GError **error)
{
    *conv = (CrConv){.transposed = true};
    return cr_conv_check_input(setup, conv, error) && cr_conv_check_weight(setup, conv, error) &&
           check_filters(setup, conv, error) && cr_conv_check_bias(setup, conv, error) &&
           cr_conv_check_kernel(setup, &conv->window, error) &&
           size_output(setup, &conv->window, error);
}

static bool
conv_transpose_infer(CrOpSetup *setup, GError **error)
{
    CrConv conv;
    int64_t dims[2 + CR_MAX_SPATIAL];

    if (!cr_conv_transpose_parse(setup, &conv, error))
        return false;
    dims[0] = conv.batch;
    dims[1] = conv.filters;
    for (int i = 0; i < conv.window.n_spatial; i++)
        dims[i + 2] = conv.window.out[i];
    return cr_op_set_out(setup, 0, CONVRNN_DTYPE_FLOAT32, dims, conv.window.n_spatial + 2, error);
}

/* The input position that tap k carries to output o, or -1. */
static int64_t
source(const CrWindow *win, int axis, int o, int k)
{
    int64_t at = (int64_t)o + win->pad_begin[axis] - (int64_t)k * win->dilation[axis];
    if (at < 0 || at % win->stride[axis] != 0)
        return -1;
    at /= win->stride[axis];
    return at < win->in[axis] ? at : -1;
}

/* One row of taps carries one row of the input to one of the output. */
static void
add_row(const CrWindow *win, float *restrict y, const float *restrict x, const float *w)
{
    int64_t stride = win->stride[2], width = win->out[2];

    for (int kw = 0; kw < win->kernel[2]; kw++) {
        int64_t offset = (int64_t)kw * win->dilation[2] - win->pad_begin[2];
        int64_t begin = offset < 0 ? (-offset + stride - 1) / stride : 0;
        int64_t end = offset < width ? (width - offset + stride - 1) / stride : 0;
        float tap = w[kw];
        end = MIN(end, win->in[2]);
        if (stride == 1) {
            for (int64_t i = begin; i < end; i++)
                y[i + offset] += tap * x[i];
        } else {
            for (int64_t i = begin; i < end; i++)
                y[i * stride + offset] += tap * x[i];
        }
    }
}

/* One output row. x, w: those of the group's first input channel, w of the row's filter. */
static void
output_row(const CrConv *p, float *y, const float *x, const float *w, int od, int oh)
{
    const CrWindow *win = &p->window;
    int64_t plane = (int64_t)win->in[1] * win->in[2];
    int64_t taps = (int64_t)win->kernel[0] * win->kernel[1] * win->kernel[2];
    int64_t next = p->filters / p->group * taps; /* from one channel's taps to the next one's */

    for (int c = 0; c < p->channels / p->group; c++, w += next) {
        for (int kd = 0; kd < win->kernel[0]; kd++) {
            int64_t d = source(win, 0, od, kd);
            if (d < 0)
                continue;
            for (int kh = 0; kh < win->kernel[1]; kh++) {
                int64_t h = source(win, 1, oh, kh);
                if (h >= 0)
                    add_row(win, y, x + ((int64_t)c * win->in[0] + d) * plane + h * win->in[2],
                            w + ((int64_t)kd * win->kernel[1] + kh) * win->kernel[2]);
            }
        }
    }
}

static void
conv_transpose_run(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const ConvTranspose *params = step->params;
    const CrConv *p = &params->conv;
    const CrWindow *win = &p->window;
    int width = win->out[2];
    int in_group = p->channels / p->group, out_group = p->filters / p->group;
    int64_t volume = (int64_t)win->in[0] * win->in[1] * win->in[2];
    int64_t taps = (int64_t)win->kernel[0] * win->kernel[1] * win->kernel[2];
    int64_t end = cr_tile_end(tile, params->rows_per_tile, params->rows);

    for (int64_t row = tile * params->rows_per_tile; row < end; row++) {
        int oh = (int)(row % win->out[1]);
        int od = (int)(row / win->out[1] % win->out[0]);
        int64_t map = row / win->out[1] / win->out[0];
        int f = (int)(map % p->filters);
        int64_t channel = (int64_t)(f / out_group) * in_group;
        const float *x = (const float *)io[0] + (map / p->filters * p->channels + channel) * volume;
        const float *w = (const float *)io[1] + (channel * out_group + f % out_group) * taps;
        float *y = (float *)io[step->n_in] + row * width;
        float bias = p->has_bias ? ((const float *)io[2])[f] : 0.0f;

        for (int i = 0; i < width; i++)
            y[i] = bias;
        output_row(p, y, x, w, od, oh);
    }
}

static bool
conv_transpose_prepare(CrOpSetup *setup, CrStep *step, GError **error)
{
    if (setup->exact)
        return cr_exact_conv_prepare(setup, step, error);
    ConvTranspose *p = cr_op_params(setup, step, ConvTranspose, error);

    if (!p || !cr_conv_transpose_parse(setup, &p->conv, error))
        return false;
    step->macs = cr_conv_macs(&p->conv);
    cr_window_to_3d(&p->conv.window);
    size_t width = (size_t)p->conv.window.out[2];
    p->rows = width ? (int64_t)(cr_desc_elements(&setup->out[0]) / width) : 0;
    step->n_tiles =
        cr_tile_cut(p->rows, p->rows ? (int64_t)(step->macs / p->rows) : 0, &p->rows_per_tile);
    step->run = conv_transpose_run;
    step->kernel = "plain";
    return true;
}

static const CrAttrSpec conv_transpose_attrs[] = {
    {"auto_pad", CR_ATTR_STRING},
    {"dilations", CR_ATTR_INTS},
    {"group", CR_ATTR_INT},
    {"kernel_shape", CR_ATTR_INTS},
    {"output_padding", CR_ATTR_INTS},
    {"output_shape", CR_ATTR_INTS},
    {"pads", CR_ATTR_INTS},
    {"strides", CR_ATTR_INTS},
    {NULL, CR_ATTR_INT},
};

const CrOp cr_op_conv_transpose = {
    .name = "ConvTranspose",
    .min_in = 2,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .attrs = conv_transpose_attrs,
    .infer = conv_transpose_infer,
    .prepare = conv_transpose_prepare,
};
