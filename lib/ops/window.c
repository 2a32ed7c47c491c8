/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/window.h"
#include <string.h>

typedef enum { PAD_EXPLICIT, PAD_SAME_UPPER, PAD_SAME_LOWER, PAD_VALID } AutoPad;

/* Reads `count` ints within [low, CR_MAX_EXTENT] into v; `fallback` each when there are none. */
static bool
read_extents(const CrOpSetup *setup, const char *name, int count, int low, int fallback, int *v,
             bool *present, GError **error)
{
    int n = 0;
    const int64_t *ints = cr_node_ints(setup->node, name, &n);

    if (present)
        *present = ints != NULL;
    if (!ints) {
        for (int i = 0; i < count; i++)
            v[i] = fallback;
        return true;
    }
    if (n != count)
        return cr_op_error(setup, CONVRNN_ERROR_FORMAT, error,
                           "attribute %s needs %d numbers for this input, it has %d", name, count,
                           n);
    for (int i = 0; i < n; i++) {
        if (ints[i] < low || ints[i] > CR_MAX_EXTENT)
            return cr_op_error(setup, CONVRNN_ERROR_FORMAT, error,
                               "%s[%d] is %" G_GINT64_FORMAT ", must be within %d and %d", name, i,
                               ints[i], low, CR_MAX_EXTENT);
        v[i] = (int)ints[i];
    }
    return true;
}

static bool
read_auto_pad(const CrOpSetup *setup, AutoPad *mode, GError **error)
{
    static const char *const names[] = {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"};
    const char *text = cr_node_string(setup->node, "auto_pad", "NOTSET");

    for (int i = 0; i < (int)G_N_ELEMENTS(names); i++) {
        if (strcmp(text, names[i]) == 0) {
            *mode = (AutoPad)i;
            return true;
        }
    }
    return cr_op_error(setup, CONVRNN_ERROR_FORMAT, error,
                       "auto_pad is '%s', must be NOTSET, SAME_UPPER, SAME_LOWER or VALID", text);
}

/* From the first to the last tap, both included. */
static int64_t
extent(const CrWindow *window, int axis)
{
    return (int64_t)(window->kernel[axis] - 1) * window->dilation[axis] + 1;
}

/* SAME: as many outputs as strides fit into the input, padding split in halves. */
static bool
pad_same(const CrOpSetup *setup, CrWindow *window, int axis, AutoPad mode, GError **error)
{
    int64_t out = ((int64_t)window->in[axis] + window->stride[axis] - 1) / window->stride[axis];
    int64_t pad = (out - 1) * window->stride[axis] + extent(window, axis) - window->in[axis];

    if (pad < 0 || out == 0)
        pad = 0;
    if (pad > CR_MAX_EXTENT)
        return cr_op_error(setup, CONVRNN_ERROR_LIMIT, error,
                           "auto_pad needs %" G_GINT64_FORMAT " padding on axis %d, at most %d",
                           pad, axis + 2, CR_MAX_EXTENT);
    window->pad_begin[axis] = (int)(mode == PAD_SAME_UPPER ? pad / 2 : pad - pad / 2);
    window->pad_end[axis] = (int)pad - window->pad_begin[axis];
    window->out[axis] = (int)out;
    return true;
}

static bool
size_axis(const CrOpSetup *setup, CrWindow *window, int axis, bool ceil_mode, GError **error)
{
    int64_t stride = window->stride[axis];
    int64_t padded = (int64_t)window->in[axis] + window->pad_begin[axis] + window->pad_end[axis];
    int64_t room = padded - extent(window, axis) + (ceil_mode ? stride - 1 : 0);
    int64_t out = 0;

    if (room >= 0) {
        out = room / stride + 1;
        /* A window that begins in the padding on the right sees nothing. */
        if (ceil_mode && (out - 1) * stride >= (int64_t)window->in[axis] + window->pad_begin[axis])
            out--;
    } else if (window->in[axis] > 0) {
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "the window covers %" G_GINT64_FORMAT
                           " positions on axis %d, the padded input has only %" G_GINT64_FORMAT
                           "; use a larger input",
                           extent(window, axis), axis + 2, padded);
    }
    if (out > CR_MAX_DIM)
        return cr_op_error(setup, CONVRNN_ERROR_LIMIT, error,
                           "the output would have %" G_GINT64_FORMAT
                           " positions on axis %d, at most %d",
                           out, axis + 2, CR_MAX_DIM);
    window->out[axis] = (int)out;
    return true;
}

bool
cr_window_parse(const CrOpSetup *setup, CrWindow *window, GError **error)
{
    int n = window->n_spatial;
    int pads[2 * CR_MAX_SPATIAL];
    bool ceil_mode = cr_node_int(setup->node, "ceil_mode", 0) != 0;
    AutoPad mode = PAD_EXPLICIT;

    if (!read_extents(setup, "strides", n, 1, 1, window->stride, NULL, error) ||
        !read_extents(setup, "dilations", n, 1, 1, window->dilation, NULL, error) ||
        !read_auto_pad(setup, &mode, error))
        return false;
    if (mode != PAD_EXPLICIT)
        memset(pads, 0, sizeof pads);
    else if (!read_extents(setup, "pads", 2 * n, 0, 0, pads, NULL, error))
        return false;

    for (int i = 0; i < n; i++) {
        window->pad_begin[i] = pads[i];
        window->pad_end[i] = pads[n + i];
        bool same = mode == PAD_SAME_UPPER || mode == PAD_SAME_LOWER;
        if (same ? !pad_same(setup, window, i, mode, error)
                 : !size_axis(setup, window, i, ceil_mode, error))
            return false;
    }
    return true;
}

bool
cr_window_kernel_shape(const CrOpSetup *setup, CrWindow *window, bool *present, GError **error)
{
    int kernel[CR_MAX_SPATIAL];

    if (!read_extents(setup, "kernel_shape", window->n_spatial, 1, 1, kernel, present, error))
        return false;
    if (*present)
        memcpy(window->kernel, kernel, sizeof(int) * window->n_spatial);
    return true;
}

static void
move_to_end(int *v, int n, int filler)
{
    int moved[CR_MAX_SPATIAL];
    for (int i = 0; i < CR_MAX_SPATIAL; i++) {
        int from = i - (CR_MAX_SPATIAL - n);
        moved[i] = from < 0 ? filler : v[from];
    }
    memcpy(v, moved, sizeof moved);
}

void
cr_window_to_3d(CrWindow *window)
{
    int n = window->n_spatial;
    move_to_end(window->in, n, 1);
    move_to_end(window->out, n, 1);
    move_to_end(window->kernel, n, 1);
    move_to_end(window->stride, n, 1);
    move_to_end(window->dilation, n, 1);
    move_to_end(window->pad_begin, n, 0);
    move_to_end(window->pad_end, n, 0);
    window->n_spatial = CR_MAX_SPATIAL;
}
