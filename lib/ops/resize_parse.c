/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The shape rule of Resize: attributes, scales or sizes, region of interest. */
#include "ops/resize.h"
#include "ops/setup.h"
#include <math.h>
#include <string.h>

typedef enum { KEEP_STRETCH, KEEP_NOT_LARGER, KEEP_NOT_SMALLER } AspectRatio;

/* The place of a string attribute's value among n names; the first name is the default. */
static bool
choose(const CrOpSetup *setup, const char *attr, const char *const *names, int n, int *choice,
       GError **error)
{
    const char *text = cr_node_string(setup->node, attr, names[0]);

    for (*choice = 0; *choice < n; ++*choice)
        if (strcmp(names[*choice], text) == 0)
            return true;
    g_autofree char *known = NULL;
    GString *list = g_string_new(names[0]);
    for (int i = 1; i < n; i++)
        g_string_append_printf(list, ", %s", names[i]);
    known = g_string_free(list, FALSE);
    return cr_op_error(setup, CONVRNN_ERROR_UNSUPPORTED, error, "%s is '%s'; known are %s", attr,
                       text, known);
}
#define CHOOSE(setup, attr, names, choice, error)                                                  \
    choose(setup, attr, names, G_N_ELEMENTS(names), choice, error)

/* Input `index` is there and has elements: exporters write an empty tensor for none. */
static bool
is_given(const CrOpSetup *setup, int index)
{
    if (!cr_op_has_input(setup, index))
        return false;
    return !setup->value[index] || setup->value[index]->n_elements > 0;
}

/* The axes that scales and sizes speak about, in their order. */
static bool
read_axes(const CrOpSetup *setup, int *axes, int *n_axes, GError **error)
{
    int rank = setup->in[0].n_dims, n;
    const int64_t *list = cr_node_ints(setup->node, "axes", &n);
    unsigned seen = 0;

    *n_axes = list ? n : rank;
    if (*n_axes > rank)
        return cr_op_error(setup, CONVRNN_ERROR_FORMAT, error,
                           "axes lists %d axes, the input has %d", n, rank);
    for (int i = 0; i < *n_axes; i++) {
        axes[i] = i;
        if (list && !cr_op_axis(setup, list[i], rank, &axes[i], error))
            return false;
        if (seen & 1u << axes[i])
            return cr_op_error(setup, CONVRNN_ERROR_FORMAT, error, "axes lists axis %d twice",
                               axes[i]);
        seen |= 1u << axes[i];
    }
    return true;
}

/* A known 1-D float32 input with n elements. */
static const float *
known_floats(const CrOpSetup *setup, int index, const char *what, int n, GError **error)
{
    const ConvRnnTensor *tensor = setup->value[index];

    if (!cr_op_want_dtype(setup, index, CONVRNN_DTYPE_FLOAT32, error))
        return NULL;
    if (!tensor) {
        cr_op_needs_constant(setup, index, error);
        return NULL;
    }
    if (tensor->n_dims != 1 || tensor->n_elements != (size_t)n) {
        cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                    "%s must have %d elements, it has %" G_GSIZE_FORMAT, what, n,
                    tensor->n_elements);
        return NULL;
    }
    return tensor->data;
}

static bool
set_axis(const CrOpSetup *setup, CrResizeAxis *axis, int number, double out, double scale,
         GError **error)
{
    if (!(out >= 0 && out <= CR_MAX_DIM))
        return cr_op_error(setup, CONVRNN_ERROR_LIMIT, error,
                           "axis %d would get %.0f elements, must be within 0 and %d", number, out,
                           CR_MAX_DIM);
    if (axis->in == 0 && out > 0)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "axis %d of the input is empty and cannot be resized to %.0f", number,
                           out);
    axis->out = (int)out;
    axis->scale = scale;
    return true;
}

static bool
read_scales(const CrOpSetup *setup, CrResize *resize, const int *axes, int n, GError **error)
{
    const float *scales = known_floats(setup, 2, "scales", n, error);

    if (!scales)
        return false;
    for (int i = 0; i < n; i++) {
        CrResizeAxis *axis = &resize->axis[axes[i]];
        if (!(scales[i] > 0 && isfinite(scales[i])))
            return cr_op_error(setup, CONVRNN_ERROR_FORMAT, error,
                               "scales[%d] is %g, must be greater than 0", i, (double)scales[i]);
        /* In float, so that 0.7f · 10 is 7. */
        float out = floorf((float)axis->in * scales[i]);
        if (!set_axis(setup, axis, axes[i], (double)out, (double)scales[i], error))
            return false;
    }
    return true;
}

/* One scale for all axes: the smallest or the largest of size / in. */
static double
common_scale(const CrResize *resize, const int *axes, const int64_t *sizes, int n, int policy)
{
    double scale = 0;
    for (int i = 0; i < n; i++) {
        double s = (double)sizes[i] / MAX(resize->axis[axes[i]].in, 1);
        if (i == 0 || (policy == KEEP_NOT_LARGER ? s < scale : s > scale))
            scale = s;
    }
    return scale;
}

static bool
apply_sizes(const CrOpSetup *setup, CrResize *resize, const int *axes, const int64_t *sizes, int n,
            GError **error)
{
    static const char *const policies[] = {"stretch", "not_larger", "not_smaller"};
    int policy;

    if (!CHOOSE(setup, "keep_aspect_ratio_policy", policies, &policy, error))
        return false;
    double common = policy == KEEP_STRETCH ? 0 : common_scale(resize, axes, sizes, n, policy);
    for (int i = 0; i < n; i++) {
        CrResizeAxis *axis = &resize->axis[axes[i]];
        double out = (double)sizes[i], scale = out / MAX(axis->in, 1);
        if (policy != KEEP_STRETCH) {
            scale = common;
            out = floor(common * axis->in + 0.5);
        }
        if (!set_axis(setup, axis, axes[i], out, scale, error))
            return false;
    }
    return true;
}

static bool
read_sizes(const CrOpSetup *setup, CrResize *resize, const int *axes, int n_axes, GError **error)
{
    int64_t *sizes;
    int n;

    if (!cr_op_ints(setup, 3, &sizes, &n, error))
        return false;
    bool ok = n == n_axes ? apply_sizes(setup, resize, axes, sizes, n, error)
                          : cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                                        "sizes must have %d elements, it has %d", n_axes, n);
    g_free(sizes);
    return ok;
}

/* roi: all begins, then all ends. */
static bool
read_roi(const CrOpSetup *setup, CrResize *resize, const int *axes, int n, GError **error)
{
    if (!resize->extrapolates)
        return true;
    if (!cr_op_has_input(setup, 1))
        return cr_op_error(setup, CONVRNN_ERROR_FORMAT, error,
                           "tf_crop_and_resize needs the input roi");
    const float *roi = known_floats(setup, 1, "roi", 2 * n, error);
    if (!roi)
        return false;
    for (int i = 0; i < n; i++) {
        if (!isfinite(roi[i]) || !isfinite(roi[n + i]))
            return cr_op_error(setup, CONVRNN_ERROR_FORMAT, error, "roi is not finite");
        resize->axis[axes[i]].begin = (double)roi[i];
        resize->axis[axes[i]].end = (double)roi[n + i];
    }
    return true;
}

static bool
read_modes(const CrOpSetup *setup, CrResize *resize, GError **error)
{
    static const char *const modes[] = {"nearest", "linear", "cubic"};
    static const char *const coordinates[] = {
        "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners",
        "asymmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize"};
    static const char *const roundings[] = {"round_prefer_floor", "round_prefer_ceil", "floor",
                                            "ceil"};
    int mode, c, rounding;

    if (!CHOOSE(setup, "mode", modes, &mode, error) ||
        !CHOOSE(setup, "coordinate_transformation_mode", coordinates, &c, error) ||
        !CHOOSE(setup, "nearest_mode", roundings, &rounding, error))
        return false;
    resize->mode = (CrResizeMode)mode;
    resize->coordinates = (CrResizeCoordinates)c;
    resize->rounding = (CrResizeRounding)rounding;
    resize->cubic_a = (double)cr_node_float(setup->node, "cubic_coeff_a", -0.75f);
    resize->exclude_outside = cr_node_int(setup->node, "exclude_outside", 0) != 0;
    resize->extrapolates = resize->coordinates == CR_RESIZE_TF_CROP_AND_RESIZE;
    resize->extrapolation_value = cr_node_float(setup->node, "extrapolation_value", 0);
    if ((resize->mode == CR_RESIZE_NEAREST && !resize->extrapolates) ||
        setup->in[0].dtype == CONVRNN_DTYPE_FLOAT32)
        return true;
    return cr_op_bad_dtype(setup, 0, error);
}

/* Antialiasing changes a picture only where it gets smaller. */
static bool
check_antialias(const CrOpSetup *setup, const CrResize *resize, GError **error)
{
    if (cr_node_int(setup->node, "antialias", 0) == 0)
        return true;
    for (int i = 0; i < resize->n_dims; i++)
        if (resize->axis[i].scale < 1)
            return cr_op_error(setup, CONVRNN_ERROR_UNSUPPORTED, error,
                               "antialias=1 is not supported where axis %d shrinks from %d to %d; "
                               "export with antialias=0",
                               i, resize->axis[i].in, resize->axis[i].out);
    return true;
}

bool
cr_resize_parse(const CrOpSetup *setup, CrResize *resize, GError **error)
{
    const CrDesc *x = &setup->in[0];
    bool scales = is_given(setup, 2), sizes = is_given(setup, 3);
    int axes[CONVRNN_MAX_RANK], n;

    *resize = (CrResize){.n_dims = x->n_dims};
    if (x->n_dims < 1)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error, "the input is a scalar");
    for (int i = 0; i < x->n_dims; i++)
        resize->axis[i] = (CrResizeAxis){
            .in = (int)x->dims[i], .out = (int)x->dims[i], .scale = 1, .begin = 0, .end = 1};
    if (scales == sizes)
        return cr_op_error(setup, CONVRNN_ERROR_FORMAT, error,
                           "needs either scales or sizes, it has %s", scales ? "both" : "neither");
    return read_modes(setup, resize, error) && read_axes(setup, axes, &n, error) &&
           (scales ? read_scales(setup, resize, axes, n, error)
                   : read_sizes(setup, resize, axes, n, error)) &&
           read_roi(setup, resize, axes, n, error) && check_antialias(setup, resize, error);
}
