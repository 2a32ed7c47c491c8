/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/pool.h"
#include "ops/norm.h"
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/tile.h"
#include <math.h>

/* Taps in the padding never take part. A window that sees none gives the type's lowest value
 * (maximum) or 0 (average, norm). A NaN among the taps gives NaN. */
typedef struct {
    CrPool pool;                 /* its window has three axes */
    int64_t rows, rows_per_tile; /* rows (n, c, od, oh) of the output */
    size_t row_elements;         /* that the planes of one channel hold */
    int64_t order;               /* LpPool's p */
} PoolParams;

/* The taps of one window that lie inside the picture, per axis. */
typedef struct {
    int begin[CR_MAX_SPATIAL], end[CR_MAX_SPATIAL];
    int at[CR_MAX_SPATIAL]; /* output position */
} Window;

bool
cr_pool_parse(const CrOpSetup *setup, CrPool *pool, GError **error)
{
    const CrDesc *x = &setup->in[0];
    bool present;

    *pool = (CrPool){0};
    if (x->n_dims < 3 || x->n_dims > 2 + CR_MAX_SPATIAL)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "the input must have 3 to 5 dimensions (N, C, space), it has %d",
                           x->n_dims);
    pool->window.n_spatial = x->n_dims - 2;
    for (int i = 0; i < pool->window.n_spatial; i++)
        pool->window.in[i] = (int)x->dims[i + 2];
    pool->batch = (int)x->dims[0];
    pool->channels = (int)x->dims[1];
    pool->count_include_pad = cr_node_int(setup->node, "count_include_pad", 0) != 0;
    pool->column_major = cr_node_int(setup->node, "storage_order", 0) != 0;
    if (!cr_window_kernel_shape(setup, &pool->window, &present, error))
        return false;
    if (!present)
        return cr_op_error(setup, CONVRNN_ERROR_FORMAT, error, "attribute kernel_shape is missing");
    return cr_window_parse(setup, &pool->window, error);
}

int
cr_pool_divisor(const CrPool *pool, int axis, int o)
{
    int begin, end;

    if (!pool->count_include_pad) {
        cr_window_taps(&pool->window, axis, o, &begin, &end);
        return end - begin;
    }
    /* The same question about a picture that begins at 0 and whose padding is part of it. */
    CrWindow padded = pool->window;
    int64_t in = (int64_t)padded.in[axis] + padded.pad_begin[axis] + padded.pad_end[axis];
    int64_t taps =
        (in - (int64_t)o * padded.stride[axis] + padded.dilation[axis] - 1) / padded.dilation[axis];
    return (int)MIN(taps, padded.kernel[axis]);
}

static bool
pool_out(CrOpSetup *setup, const CrPool *pool, int index, ConvRnnDType dtype, GError **error)
{
    int64_t dims[2 + CR_MAX_SPATIAL] = {pool->batch, pool->channels};
    for (int i = 0; i < pool->window.n_spatial; i++)
        dims[i + 2] = pool->window.out[i];
    return cr_op_set_out(setup, index, dtype, dims, pool->window.n_spatial + 2, error);
}

static bool
max_pool_infer(CrOpSetup *setup, GError **error)
{
    ConvRnnDType dtype = setup->in[0].dtype;
    CrPool pool;

    if (dtype != CONVRNN_DTYPE_UINT8 && dtype != CONVRNN_DTYPE_INT8 &&
        !cr_op_want_dtype(setup, 0, CONVRNN_DTYPE_FLOAT32, error))
        return false;
    return cr_pool_parse(setup, &pool, error) && pool_out(setup, &pool, 0, dtype, error) &&
           (!cr_op_has_output(setup, 1) || pool_out(setup, &pool, 1, CONVRNN_DTYPE_INT64, error));
}

static bool
average_pool_infer(CrOpSetup *setup, GError **error)
{
    CrPool pool;
    return cr_op_want_dtype(setup, 0, CONVRNN_DTYPE_FLOAT32, error) &&
           cr_pool_parse(setup, &pool, error) &&
           pool_out(setup, &pool, 0, CONVRNN_DTYPE_FLOAT32, error);
}

static void
window_enter(const PoolParams *p, Window *w, int axis, int o)
{
    w->at[axis] = o;
    cr_window_taps(&p->pool.window, axis, o, &w->begin[axis], &w->end[axis]);
}

/* Position within the channel of a tap. */
static int64_t
tap_offset(const PoolParams *p, const Window *w, int kd, int kh, int kw)
{
    const CrWindow *win = &p->pool.window;
    int64_t d = cr_window_at(win, 0, w->at[0], kd), h = cr_window_at(win, 1, w->at[1], kh);
    return (d * win->in[1] + h) * win->in[2] + cr_window_at(win, 2, w->at[2], kw);
}

/* The index that MaxPool reports for position `offset` of channel `channel`. */
static int64_t
max_pool_index(const PoolParams *p, int64_t channel, int64_t offset)
{
    const CrWindow *win = &p->pool.window;
    int64_t volume = (int64_t)p->row_elements;

    if (p->pool.column_major) {
        int64_t w = offset % win->in[2], h = offset / win->in[2] % win->in[1];
        int64_t d = offset / win->in[2] / win->in[1];
        offset = d + win->in[0] * (h + win->in[1] * w);
    }
    return channel * volume + offset;
}

#define DEFINE_MAX(name, type, lowest, is_nan)                                                     \
    static int64_t max_of_##name(const PoolParams *p, const Window *w, const void *x, void *y)     \
    {                                                                                              \
        type best = lowest;                                                                        \
        int64_t where = -1;                                                                        \
        for (int kd = w->begin[0]; kd < w->end[0]; kd++)                                           \
            for (int kh = w->begin[1]; kh < w->end[1]; kh++)                                       \
                for (int kw = w->begin[2]; kw < w->end[2]; kw++) {                                 \
                    int64_t at = tap_offset(p, w, kd, kh, kw);                                     \
                    type v = ((const type *)x)[at];                                                \
                    if (v > best || where < 0 || is_nan(v)) {                                      \
                        best = v;                                                                  \
                        where = at;                                                                \
                    }                                                                              \
                }                                                                                  \
        *(type *)y = best;                                                                         \
        return where < 0 ? 0 : where;                                                              \
    }

#define NEVER_NAN(v) false
DEFINE_MAX(float, float, -INFINITY, isnan)
DEFINE_MAX(uint8, uint8_t, 0, NEVER_NAN)
DEFINE_MAX(int8, int8_t, INT8_MIN, NEVER_NAN)
#undef NEVER_NAN

typedef int64_t (*MaxFn)(const PoolParams *p, const Window *w, const void *x, void *y);

static void
max_pool_rows(const CrStep *step, void *const *io, int tile, MaxFn max, size_t size)
{
    const PoolParams *p = step->params;
    const CrWindow *win = &p->pool.window;
    char *y = io[step->n_in];
    int64_t *indices = step->n_out > 1 ? io[step->n_in + 1] : NULL;
    int64_t end = cr_tile_end(tile, p->rows_per_tile, p->rows);
    Window w;

    for (int64_t row = tile * p->rows_per_tile; row < end; row++) {
        int64_t channel = row / win->out[1] / win->out[0];
        const char *x = (const char *)io[0] + (size_t)channel * p->row_elements * size;

        window_enter(p, &w, 0, (int)(row / win->out[1] % win->out[0]));
        window_enter(p, &w, 1, (int)(row % win->out[1]));
        for (int ow = 0; ow < win->out[2]; ow++) {
            int64_t o = row * win->out[2] + ow;
            window_enter(p, &w, 2, ow);
            int64_t where = max(p, &w, x, y + (size_t)o * size);
            if (indices)
                indices[o] = max_pool_index(p, channel, where);
        }
    }
}

static void
max_pool_run_float(const CrStep *step, void *const *io, int tile, void *scratch)
{
    max_pool_rows(step, io, tile, max_of_float, sizeof(float));
}

static void
max_pool_run_uint8(const CrStep *step, void *const *io, int tile, void *scratch)
{
    max_pool_rows(step, io, tile, max_of_uint8, 1);
}

static void
max_pool_run_int8(const CrStep *step, void *const *io, int tile, void *scratch)
{
    max_pool_rows(step, io, tile, max_of_int8, 1);
}

/* Summed in double: windows may be as large as the picture. */
static double
sum_of_window(const PoolParams *p, const Window *w, const float *x)
{
    double sum = 0;
    for (int kd = w->begin[0]; kd < w->end[0]; kd++)
        for (int kh = w->begin[1]; kh < w->end[1]; kh++)
            for (int kw = w->begin[2]; kw < w->end[2]; kw++)
                sum += x[tap_offset(p, w, kd, kh, kw)];
    return sum;
}

static void
average_pool_run(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const PoolParams *p = step->params;
    const CrWindow *win = &p->pool.window;
    int64_t end = cr_tile_end(tile, p->rows_per_tile, p->rows);
    Window w;

    for (int64_t row = tile * p->rows_per_tile; row < end; row++) {
        int oh = (int)(row % win->out[1]), od = (int)(row / win->out[1] % win->out[0]);
        int64_t channel = row / win->out[1] / win->out[0];
        const float *x = (const float *)io[0] + (size_t)channel * p->row_elements;
        float *y = (float *)io[step->n_in] + row * win->out[2];
        double area = (double)cr_pool_divisor(&p->pool, 0, od) * cr_pool_divisor(&p->pool, 1, oh);

        window_enter(p, &w, 0, od);
        window_enter(p, &w, 1, oh);
        for (int ow = 0; ow < win->out[2]; ow++) {
            double divisor = area * cr_pool_divisor(&p->pool, 2, ow);
            window_enter(p, &w, 2, ow);
            y[ow] = divisor > 0 ? (float)(sum_of_window(p, &w, x) / divisor) : 0.0f;
        }
    }
}

static void
lp_pool_run(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const PoolParams *p = step->params;
    const CrWindow *win = &p->pool.window;
    int64_t end = cr_tile_end(tile, p->rows_per_tile, p->rows);
    Window w;

    for (int64_t row = tile * p->rows_per_tile; row < end; row++) {
        int64_t channel = row / win->out[1] / win->out[0];
        const float *x = (const float *)io[0] + (size_t)channel * p->row_elements;
        float *y = (float *)io[step->n_in] + row * win->out[2];

        window_enter(p, &w, 0, (int)(row / win->out[1] % win->out[0]));
        window_enter(p, &w, 1, (int)(row % win->out[1]));
        for (int ow = 0; ow < win->out[2]; ow++) {
            double sum = 0;
            window_enter(p, &w, 2, ow);
            for (int kd = w.begin[0]; kd < w.end[0]; kd++)
                for (int kh = w.begin[1]; kh < w.end[1]; kh++)
                    for (int kw = w.begin[2]; kw < w.end[2]; kw++)
                        sum += cr_norm_term(x[tap_offset(p, &w, kd, kh, kw)], p->order);
            y[ow] = cr_norm_root(sum, p->order);
        }
    }
}

/* Windows cannot see more than the picture, however large they are. */
static int64_t
row_cost(const CrWindow *window)
{
    double cost = 4.0 * window->out[2];
    for (int i = 0; i < CR_MAX_SPATIAL; i++)
        cost *= MIN(window->kernel[i], window->in[i]);
    return (int64_t)MIN(cost, 1e18);
}

static PoolParams *
pool_prepare(CrOpSetup *setup, CrStep *step, GError **error)
{
    PoolParams *p = cr_op_params(setup, step, PoolParams, error);
    if (!p || !cr_pool_parse(setup, &p->pool, error))
        return NULL;
    cr_window_to_3d(&p->pool.window);

    const CrWindow *win = &p->pool.window;
    p->row_elements = (size_t)win->in[0] * (size_t)win->in[1] * (size_t)win->in[2];
    p->rows = win->out[2] ? (int64_t)(cr_desc_elements(&setup->out[0]) / (size_t)win->out[2]) : 0;
    step->n_tiles = cr_tile_cut(p->rows, row_cost(win), &p->rows_per_tile);
    step->kernel = "plain";
    return p;
}

static bool
max_pool_prepare(CrOpSetup *setup, CrStep *step, GError **error)
{
    if (!pool_prepare(setup, step, error))
        return false;
    switch (setup->in[0].dtype) {
    case CONVRNN_DTYPE_UINT8:
        step->run = max_pool_run_uint8;
        break;
    case CONVRNN_DTYPE_INT8:
        step->run = max_pool_run_int8;
        break;
    default:
        step->run = max_pool_run_float;
    }
    return true;
}

static bool
average_pool_prepare(CrOpSetup *setup, CrStep *step, GError **error)
{
    if (!pool_prepare(setup, step, error))
        return false;
    step->run = average_pool_run;
    return true;
}

static bool
lp_pool_infer(CrOpSetup *setup, GError **error)
{
    int64_t order;
    return cr_norm_order(setup, &order, error) && average_pool_infer(setup, error);
}

static bool
lp_pool_prepare(CrOpSetup *setup, CrStep *step, GError **error)
{
    PoolParams *p = pool_prepare(setup, step, error);

    if (!p || !cr_norm_order(setup, &p->order, error))
        return false;
    step->run = lp_pool_run;
    return true;
}

static const CrAttrSpec max_pool_attrs[] = {
    {"auto_pad", CR_ATTR_STRING},   {"ceil_mode", CR_ATTR_INT}, {"dilations", CR_ATTR_INTS},
    {"kernel_shape", CR_ATTR_INTS}, {"pads", CR_ATTR_INTS},     {"storage_order", CR_ATTR_INT},
    {"strides", CR_ATTR_INTS},      {NULL, CR_ATTR_INT},
};

static const CrAttrSpec average_pool_attrs[] = {
    {"auto_pad", CR_ATTR_STRING},       {"ceil_mode", CR_ATTR_INT},
    {"count_include_pad", CR_ATTR_INT}, {"dilations", CR_ATTR_INTS},
    {"kernel_shape", CR_ATTR_INTS},     {"pads", CR_ATTR_INTS},
    {"strides", CR_ATTR_INTS},          {NULL, CR_ATTR_INT},
};

static const CrAttrSpec lp_pool_attrs[] = {
    {"auto_pad", CR_ATTR_STRING},   {"ceil_mode", CR_ATTR_INT}, {"dilations", CR_ATTR_INTS},
    {"kernel_shape", CR_ATTR_INTS}, {"p", CR_ATTR_INT},         {"pads", CR_ATTR_INTS},
    {"strides", CR_ATTR_INTS},      {NULL, CR_ATTR_INT},
};

const CrOp cr_op_max_pool = {
    .name = "MaxPool",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 2,
    .attrs = max_pool_attrs,
    .infer = max_pool_infer,
    .prepare = max_pool_prepare,
};

const CrOp cr_op_average_pool = {
    .name = "AveragePool",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .attrs = average_pool_attrs,
    .infer = average_pool_infer,
    .prepare = average_pool_prepare,
};

const CrOp cr_op_lp_pool = {
    .name = "LpPool",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .attrs = lp_pool_attrs,
    .infer = lp_pool_infer,
    .prepare = lp_pool_prepare,
};
