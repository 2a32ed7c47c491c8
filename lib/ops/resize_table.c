/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where each output position of a Resize lies in the input, and the weights that follow. */
#include "ops/resize.h"
#include <math.h>

/* A quotient may miss a whole or half number by a rounding error, and a nearest pixel depends on
 * which side of it the position lies; float takes that error away, here and in nearest_index(). */
static double
divide(const CrResize *resize, double a, double b)
{
    double q = a / b;
    return resize->mode == CR_RESIZE_NEAREST ? (double)(float)q : q;
}

/* tf_crop_and_resize. In float as TensorFlow has it: a position that is 0 or in − 1 but for a
 * rounding error must not lie outside. */
static double
crop_position(const CrResizeAxis *axis, int x)
{
    float from = (float)(axis->begin * (axis->in - 1));
    float length = (float)((axis->end - axis->begin) * (axis->in - 1));
    float at = axis->out > 1 ? (float)x * length / (float)(axis->out - 1) : 0.5f * length;
    return (double)(from + at);
}

/* The position in the input of output position x; the formulas are those of the ONNX page on
 * Resize. "Resized length" there is in · scale and need not be whole: that shows in align_corners
 * and half_pixel_symmetric. */
static double
position(const CrResize *resize, const CrResizeAxis *axis, int x)
{
    double in = axis->in, length = in * axis->scale;
    double middle = divide(resize, x + 0.5, axis->scale);

    switch (resize->coordinates) {
    case CR_RESIZE_HALF_PIXEL_SYMMETRIC:
        return in / 2 * (1 - axis->out / length) + middle - 0.5;
    case CR_RESIZE_PYTORCH_HALF_PIXEL:
        return axis->out > 1 ? middle - 0.5 : 0;
    case CR_RESIZE_ALIGN_CORNERS:
        return axis->out > 1 ? divide(resize, x * (in - 1), length - 1) : 0;
    case CR_RESIZE_ASYMMETRIC:
        return divide(resize, x, axis->scale);
    case CR_RESIZE_TF_HALF_PIXEL_FOR_NN:
        return middle;
    case CR_RESIZE_TF_CROP_AND_RESIZE:
        return crop_position(axis, x);
    default:
        return middle - 0.5;
    }
}

static int32_t
clamp_index(double x, int n)
{
    return !(x > 0) ? 0 : x > n - 1 ? n - 1 : (int32_t)x;
}

static int32_t
nearest_index(const CrResize *resize, const CrResizeAxis *axis, double exact)
{
    double x = (double)(float)exact;

    switch (resize->rounding) {
    case CR_RESIZE_ROUND_PREFER_CEIL:
        x = floor(x + 0.5);
        break;
    case CR_RESIZE_FLOOR:
        x = floor(x);
        break;
    case CR_RESIZE_CEIL:
        x = ceil(x);
        break;
    default:
        x = ceil(x - 0.5);
    }
    return clamp_index(x, axis->in);
}

static void
linear_entry(CrResizeAxis *axis, int o, double x)
{
    int32_t x0 = clamp_index(floor(x), axis->in);

    /* Where nothing is blended, nothing is read: 0 · Inf would be NaN. */
    axis->fx[o] = x0 < axis->in - 1 ? (float)CLAMP(x - x0, 0, 1) : 0;
    axis->x0[o] = x0;
    axis->x1[o] = axis->fx[o] > 0 ? x0 + 1 : x0;
}

/* Keys' cubic convolution, distances 1+f, f, 1−f, 2−f. */
static void
cubic_weights(double a, double f, double w[4])
{
    double g = 1 - f;
    w[0] = a * f * g * g;
    w[1] = ((a + 2) * f - (a + 3)) * f * f + 1;
    w[2] = ((a + 2) * g - (a + 3)) * g * g + 1;
    w[3] = a * g * f * f;
}

static void
cubic_entry(const CrResize *resize, CrResizeAxis *axis, int o, double x)
{
    double w[4], sum = 0, base = floor(x);

    cubic_weights(resize->cubic_a, x - base, w);
    for (int t = 0; t < 4; t++) {
        double at = base - 1 + t;
        if (resize->exclude_outside && (at < 0 || at > axis->in - 1))
            w[t] = 0;
        axis->taps[o][t] = clamp_index(at, axis->in);
        sum += w[t];
    }
    for (int t = 0; t < 4; t++)
        axis->weights[o][t] = (float)(resize->exclude_outside && sum != 0 ? w[t] / sum : w[t]);
}

static void
mark_outside(const CrResize *resize, CrResizeAxis *axis, int o)
{
    if (resize->mode == CR_RESIZE_NEAREST)
        axis->index[o] = CR_RESIZE_OUTSIDE;
    else if (resize->mode == CR_RESIZE_LINEAR)
        axis->x0[o] = CR_RESIZE_OUTSIDE;
    else
        axis->taps[o][0] = CR_RESIZE_OUTSIDE;
}

/* Whether output position o is just the input's position o. */
static bool
is_itself(const CrResize *resize, const CrResizeAxis *axis, int o)
{
    if (resize->mode == CR_RESIZE_NEAREST)
        return axis->index[o] == o;
    if (resize->mode == CR_RESIZE_LINEAR)
        return axis->x0[o] == o && axis->fx[o] == 0;
    const float *w = axis->weights[o];
    return axis->taps[o][0] >= 0 && axis->taps[o][1] == o && w[0] == 0 && w[1] == 1 && w[2] == 0 &&
           w[3] == 0;
}

static bool
allocate(CrOpSetup *setup, const CrResize *resize, CrResizeAxis *axis, GError **error)
{
    static const size_t entry[] = {sizeof(int32_t), 2 * sizeof(int32_t) + sizeof(float),
                                   4 * (sizeof(int32_t) + sizeof(float))};
    void *memory = cr_region_alloc(setup->region, (size_t)axis->out, entry[resize->mode],
                                   "Resize table", error);
    if (!memory)
        return false;
    switch (resize->mode) {
    case CR_RESIZE_NEAREST:
        axis->index = memory;
        break;
    case CR_RESIZE_LINEAR:
        axis->x0 = memory;
        axis->x1 = axis->x0 + axis->out;
        axis->fx = (float *)(axis->x1 + axis->out);
        break;
    case CR_RESIZE_CUBIC:
        axis->taps = memory;
        axis->weights = (float(*)[4])(axis->taps + axis->out);
        break;
    }
    return true;
}

static bool
tabulate_axis(CrOpSetup *setup, const CrResize *resize, CrResizeAxis *axis, GError **error)
{
    if (!allocate(setup, resize, axis, error))
        return false;
    axis->active = axis->in != axis->out;
    for (int o = 0; o < axis->out; o++) {
        double x = position(resize, axis, o);
        if (resize->extrapolates && (x < 0 || x > axis->in - 1))
            mark_outside(resize, axis, o);
        else if (resize->mode == CR_RESIZE_NEAREST)
            axis->index[o] = nearest_index(resize, axis, x);
        else if (resize->mode == CR_RESIZE_LINEAR)
            linear_entry(axis, o, x);
        else
            cubic_entry(resize, axis, o, x);
        axis->active = axis->active || !is_itself(resize, axis, o);
    }
    return true;
}

bool
cr_resize_tabulate(CrOpSetup *setup, CrResize *resize, GError **error)
{
    for (int i = 0; i < resize->n_dims; i++)
        if (!tabulate_axis(setup, resize, &resize->axis[i], error))
            return false;
    return true;
}
