/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the frames lie in a window: stated with axis=, or the one axis that can be it. Height and
 * width, which end the shape of a picture, and the numbers of a vector are never looked at. */
#include "model/frame_window.h"
#include "model/model_info.h"
#include <string.h>

#define PICTURE_RANK 4 /* N, C, H, W: what a window of more dimensions leaves of a frame */

const CrFrameWindow *
cr_frame_window_find(const ConvRnnModel *model, guint input)
{
    for (guint i = 0; model->windows && i < model->windows->len; i++) {
        const CrFrameWindow *window = &g_array_index(model->windows, CrFrameWindow, i);
        if (window->input == input)
            return window;
    }
    return NULL;
}

void
cr_frame_window_frame(const CrFrameWindow *window, const int64_t *dims, int n_dims,
                      int64_t *frame_dims, int *frame_n_dims)
{
    *frame_n_dims = 0;
    for (int i = 0; i < n_dims; i++) {
        if (i == window->axis && window->drops_axis)
            continue;
        frame_dims[(*frame_n_dims)++] = i == window->axis ? dims[i] / window->length : dims[i];
    }
}

/* --- reading --- */

static bool bad(const ConvRnnModel *model, const char *input, GError **error, const char *format,
                ...) G_GNUC_PRINTF(4, 5);

static bool
bad(const ConvRnnModel *model, const char *input, GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *what = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT, "%s: [%s] role=window: %s", model->name,
                input, what);
    return false;
}

/* A whole number of min…max. *value is left alone when the key is absent and not required. */
static bool
read_number(const ConvRnnModel *model, const char *input, const char *key, bool required,
            int64_t min, int64_t max, int64_t *value, GError **error)
{
    const char *text = cr_model_info_get(model, input, key);

    if (!text)
        return !required || bad(model, input, error, "%s= is missing, expected a number", key);
    if (g_ascii_string_to_signed(text, 10, min, max, value, NULL))
        return true;
    return bad(model, input, error,
               "%s=%s, expected a whole number of %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, key,
               text, min, max);
}

static bool
read_fill(const ConvRnnModel *model, const char *input, CrFrameWindow *window, GError **error)
{
    const char *text = cr_model_info_get(model, input, "fill");

    window->repeats = !text || strcmp(text, "first") == 0;
    return window->repeats || strcmp(text, "zero") == 0 ||
           bad(model, input, error, "fill=%s, expected first or zero", text);
}

/* How an axis can hold the frames, the clearest first. */
typedef enum { HOLDS_FRAMES, HOLDS_PARTS_OF_FRAMES, IS_OPEN, N_WAYS } Way;

static bool
can_hold(int64_t dim, int64_t length, Way way)
{
    switch (way) {
    case HOLDS_FRAMES:
        return dim == length;
    case HOLDS_PARTS_OF_FRAMES:
        return dim > length && dim % length == 0;
    default:
        return dim < 0;
    }
}

/* Three of what stands where a picture has its channels, and an open axis before them that could as
 * well be time. */
static bool
may_be_channels(const ConvRnnTensorInfo *info, int axis)
{
    return info->n_dims == PICTURE_RANK && axis == 1 && info->dims[1] == 3 && info->dims[0] < 0;
}

static bool
find_axis(const ConvRnnModel *model, const ConvRnnTensorInfo *info, CrFrameWindow *window,
          GError **error)
{
    guint n = info->n_dims - (info->n_dims >= PICTURE_RANK ? 2 : 1);

    for (int way = 0; way < N_WAYS; way++) {
        int found = 0;
        for (guint i = 0; i < n; i++)
            if (can_hold(info->dims[i], window->length, (Way)way)) {
                window->axis = (int)i;
                found++;
            }
        if (found == 1 && !may_be_channels(info, window->axis))
            return true;
        if (found > 0)
            break;
    }
    return bad(model, info->name, error,
               "which axis the %" G_GINT64_FORMAT " frames lie along is not clear from the shape: "
               "say it with axis=",
               window->length);
}

static bool
check_axis(const ConvRnnModel *model, const ConvRnnTensorInfo *info, CrFrameWindow *window,
           GError **error)
{
    int64_t dim = info->dims[window->axis];

    if (dim >= 0 && dim % window->length != 0)
        return bad(model, info->name, error,
                   "axis %d is %" G_GINT64_FORMAT
                   " long, expected a multiple of length=%" G_GINT64_FORMAT,
                   window->axis, dim, window->length);
    window->drops_axis = info->n_dims > PICTURE_RANK && (dim < 0 || dim == window->length);
    return true;
}

static void
describe_frame(const ConvRnnTensorInfo *info, CrFrameWindow *window)
{
    int64_t dims[CONVRNN_MAX_RANK], frame[CONVRNN_MAX_RANK];
    int n;

    memcpy(dims, info->dims, sizeof dims);
    if (dims[window->axis] < 0)
        dims[window->axis] = window->length;
    cr_frame_window_frame(window, dims, (int)info->n_dims, frame, &n);
    window->frame = (ConvRnnTensorInfo){.name = info->name, .dtype = info->dtype};
    window->frame.n_dims = (guint)n;
    memcpy(window->frame.dims, frame, sizeof *frame * (size_t)n);
}

static bool
read_window(const ConvRnnModel *model, const ConvRnnTensorInfo *info, CrFrameWindow *window,
            GError **error)
{
    int64_t axis = -1;

    if (info->n_dims < 2)
        return bad(model, info->name, error, "the input has %u dimensions, expected at least 2",
                   info->n_dims);
    if (!read_number(model, info->name, "length", true, 1, CR_MAX_DIM, &window->length, error) ||
        !read_number(model, info->name, "axis", false, 0, (int64_t)info->n_dims - 1, &axis,
                     error) ||
        !read_fill(model, info->name, window, error))
        return false;
    window->axis = (int)axis;
    if (axis < 0 && !find_axis(model, info, window, error))
        return false;
    if (!check_axis(model, info, window, error))
        return false;
    describe_frame(info, window);
    return true;
}

GArray *
cr_frame_windows_read(const ConvRnnModel *model, GError **error)
{
    GArray *windows = g_array_new(FALSE, TRUE, sizeof(CrFrameWindow));

    for (guint i = 0; i < model->graph->inputs->len; i++) {
        const ConvRnnTensorInfo *info = &g_array_index(model->graph->inputs, CrPort, i).info;
        const char *role = cr_model_info_get(model, info->name, "role");
        CrFrameWindow window = {.input = i};
        if (!role || strcmp(role, "window") != 0)
            continue;
        if (!read_window(model, info, &window, error)) {
            g_array_unref(windows);
            return NULL;
        }
        g_array_append_val(windows, window);
    }
    return windows;
}
