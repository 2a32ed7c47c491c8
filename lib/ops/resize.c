/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Resize on plain tensors.
 *
 * Linear and cubic nest: the last axis is interpolated first, the outermost last, each as
 * a + f · (b − a) or Σ weights · values. */
#include "ops/resize.h"
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/tile.h"
#include <string.h>

typedef struct {
    CrResize resize;
    int width;                            /* of an output row */
    int64_t rows, rows_per_tile;          /* of the output, along all axes but the last */
    int64_t in_stride[CONVRNN_MAX_RANK];  /* in elements */
    int outer[CONVRNN_MAX_RANK], n_outer; /* active axes without the last */
    int item;                             /* bytes of an element */
} ResizeParams;

static bool
resize_infer(CrOpSetup *setup, GError **error)
{
    CrResize resize;
    int64_t dims[CONVRNN_MAX_RANK];

    if (!cr_resize_parse(setup, &resize, error))
        return false;
    for (int i = 0; i < resize.n_dims; i++)
        dims[i] = resize.axis[i].out;
    return cr_op_set_out(setup, 0, setup->in[0].dtype, dims, resize.n_dims, error);
}

/* The output position on every axis but the last of a row. */
static void
row_position(const CrResize *resize, int64_t row, int *at)
{
    for (int i = resize->n_dims - 2; i >= 0; i--) {
        at[i] = (int)(row % resize->axis[i].out);
        row /= resize->axis[i].out;
    }
}

static bool
is_outside(const CrResize *resize, const CrResizeAxis *axis, int o)
{
    if (!resize->extrapolates)
        return false;
    int32_t first = resize->mode == CR_RESIZE_NEAREST  ? axis->index[o]
                    : resize->mode == CR_RESIZE_LINEAR ? axis->x0[o]
                                                       : axis->taps[o][0];
    return first == CR_RESIZE_OUTSIDE;
}

static bool
row_is_outside(const CrResize *resize, const int *at)
{
    for (int i = 0; i < resize->n_dims - 1; i++)
        if (is_outside(resize, &resize->axis[i], at[i]))
            return true;
    return false;
}

static void
extrapolate(const CrResize *resize, float *y, int width, bool whole_row)
{
    const CrResizeAxis *last = &resize->axis[resize->n_dims - 1];
    for (int o = 0; o < width; o++)
        if (whole_row || is_outside(resize, last, o))
            y[o] = resize->extrapolation_value;
}

#define GATHER(type)                                                                               \
    for (int o = 0; o < width; o++)                                                                \
    ((type *)y)[o] = ((const type *)x)[MAX(index[o], 0)]

static void
gather(void *y, const void *x, const int32_t *index, int width, int item)
{
    switch (item) {
    case 1:
        GATHER(uint8_t);
        break;
    case 2:
        GATHER(uint16_t);
        break;
    case 4:
        GATHER(uint32_t);
        break;
    default:
        GATHER(uint64_t);
    }
}

static void
nearest_run(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const ResizeParams *p = step->params;
    const CrResize *resize = &p->resize;
    const CrResizeAxis *last = &resize->axis[resize->n_dims - 1];
    int64_t end = cr_tile_end(tile, p->rows_per_tile, p->rows);
    int at[CONVRNN_MAX_RANK];

    for (int64_t row = tile * p->rows_per_tile; row < end; row++) {
        char *y = (char *)io[step->n_in] + row * p->width * p->item;
        int64_t offset = 0;

        row_position(resize, row, at);
        for (int i = 0; i < resize->n_dims - 1; i++)
            offset += MAX(resize->axis[i].index[at[i]], 0) * p->in_stride[i];
        const char *x = (const char *)io[0] + offset * p->item;
        if (last->active)
            gather(y, x, last->index, p->width, p->item);
        else
            memcpy(y, x, (size_t)p->width * (size_t)p->item);
        if (resize->extrapolates)
            extrapolate(resize, (float *)y, p->width, row_is_outside(resize, at));
    }
}

/* The last axis of one input row. */
static void
interpolate_row(const CrResize *resize, float *y, const float *x)
{
    const CrResizeAxis *axis = &resize->axis[resize->n_dims - 1];

    if (!axis->active) {
        memcpy(y, x, (size_t)axis->out * sizeof *y);
    } else if (resize->mode == CR_RESIZE_LINEAR) {
        for (int o = 0; o < axis->out; o++) {
            float a = x[MAX(axis->x0[o], 0)], b = x[axis->x1[o]];
            y[o] = a + axis->fx[o] * (b - a);
        }
    } else {
        for (int o = 0; o < axis->out; o++) {
            const int32_t *t = axis->taps[o];
            const float *w = axis->weights[o];
            y[o] = w[0] * x[MAX(t[0], 0)] + w[1] * x[t[1]] + w[2] * x[t[2]] + w[3] * x[t[3]];
        }
    }
}

/* The row at output position `at` of the active outer axes from `level` on; spare has one row for
 * each of them. Recursion ends after at most CONVRNN_MAX_RANK levels. */
static void
interpolate(const ResizeParams *p, int level, const int *at, float *y, const float *x, float *spare)
{
    const CrResize *resize = &p->resize;

    if (level == p->n_outer) {
        interpolate_row(resize, y, x);
        return;
    }
    const CrResizeAxis *axis = &resize->axis[p->outer[level]];
    int64_t stride = p->in_stride[p->outer[level]];
    int o = at[p->outer[level]];
    float *other = spare + (size_t)level * (size_t)p->width;

    if (resize->mode == CR_RESIZE_LINEAR) {
        interpolate(p, level + 1, at, y, x + axis->x0[o] * stride, spare);
        interpolate(p, level + 1, at, other, x + axis->x1[o] * stride, spare);
        for (int i = 0; i < p->width; i++)
            y[i] = y[i] + axis->fx[o] * (other[i] - y[i]);
        return;
    }
    for (int t = 0; t < 4; t++) {
        float w = axis->weights[o][t];
        interpolate(p, level + 1, at, other, x + axis->taps[o][t] * stride, spare);
        for (int i = 0; i < p->width; i++)
            y[i] = t == 0 ? w * other[i] : y[i] + w * other[i];
    }
}

static void
interpolate_run(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const ResizeParams *p = step->params;
    const CrResize *resize = &p->resize;
    int64_t end = cr_tile_end(tile, p->rows_per_tile, p->rows);
    int at[CONVRNN_MAX_RANK];

    for (int64_t row = tile * p->rows_per_tile; row < end; row++) {
        float *y = (float *)io[step->n_in] + row * p->width;
        const float *x = io[0];

        row_position(resize, row, at);
        bool outside = row_is_outside(resize, at);
        if (!outside) {
            for (int i = 0; i < resize->n_dims - 1; i++)
                if (!resize->axis[i].active)
                    x += at[i] * p->in_stride[i];
            interpolate(p, 0, at, y, x, scratch);
        }
        if (resize->extrapolates)
            extrapolate(resize, y, p->width, outside);
    }
}

static void
find_strides(ResizeParams *p)
{
    int64_t stride = 1;
    for (int i = p->resize.n_dims - 1; i >= 0; i--) {
        p->in_stride[i] = stride;
        stride *= p->resize.axis[i].in;
    }
    for (int i = 0; i < p->resize.n_dims - 1; i++)
        if (p->resize.axis[i].active)
            p->outer[p->n_outer++] = i;
}

static bool
resize_prepare(CrOpSetup *setup, CrStep *step, GError **error)
{
    ResizeParams *p = cr_op_params(setup, step, ResizeParams, error);
    if (!p || !cr_resize_parse(setup, &p->resize, error) ||
        !cr_resize_tabulate(setup, &p->resize, error))
        return false;
    find_strides(p);
    p->width = p->resize.axis[p->resize.n_dims - 1].out;
    p->rows = p->width ? (int64_t)(cr_desc_elements(&setup->out[0]) / (size_t)p->width) : 0;
    p->item = (int)convrnn_dtype_get_size(setup->in[0].dtype);

    bool nearest = p->resize.mode == CR_RESIZE_NEAREST;
    int64_t taps = nearest ? 1 : (int64_t)1 << (p->n_outer + 1) * (p->resize.mode);
    step->n_tiles = cr_tile_cut(p->rows, taps * p->width, &p->rows_per_tile);
    step->scratch = nearest ? 0 : (size_t)p->n_outer * (size_t)p->width * sizeof(float);
    step->run = nearest ? nearest_run : interpolate_run;
    step->kernel = "plain";
    return true;
}

static const CrAttrSpec resize_attrs[] = {
    {"antialias", CR_ATTR_INT},
    {"axes", CR_ATTR_INTS},
    {"coordinate_transformation_mode", CR_ATTR_STRING},
    {"cubic_coeff_a", CR_ATTR_FLOAT},
    {"exclude_outside", CR_ATTR_INT},
    {"extrapolation_value", CR_ATTR_FLOAT},
    {"keep_aspect_ratio_policy", CR_ATTR_STRING},
    {"mode", CR_ATTR_STRING},
    {"nearest_mode", CR_ATTR_STRING},
    {NULL, CR_ATTR_INT},
};

const CrOp cr_op_resize = {
    .name = "Resize",
    .min_in = 1,
    .max_in = 4,
    .min_out = 1,
    .max_out = 1,
    .attrs = resize_attrs,
    .infer = resize_infer,
    .prepare = resize_prepare,
};
