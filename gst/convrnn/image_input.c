/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image_input.h"
#include "describe.h"
#include "settings.h"
#include <gst/gst.h>
#include <string.h>

#define SETTINGS_ERROR GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS

/* --- layout --- */

static gboolean
is_channels(gint64 dim)
{
    return dim == 1 || dim == 3;
}

gboolean
cr_image_input_init(CrImageInput *image, const ConvRnnModel *model, const ConvRnnTensorInfo *info)
{
    const char *order = convrnn_model_get_property(model, info->name, "dims-order");
    const gint64 *dims = info->dims;
    gint64 height, width;

    if (info->n_dims != 4 || (dims[0] != 1 && dims[0] != -1) ||
        (info->dtype != CONVRNN_DTYPE_FLOAT32 && info->dtype != CONVRNN_DTYPE_UINT8))
        return FALSE;
    image->info = info;
    image->nhwc = !is_channels(dims[1]);
    if (order != NULL && g_ascii_strcasecmp(order, "nchw") == 0)
        image->nhwc = FALSE;
    else if (order != NULL && g_ascii_strcasecmp(order, "nhwc") == 0)
        image->nhwc = TRUE;
    if (!is_channels(dims[image->nhwc ? 3 : 1]))
        return FALSE;
    image->channels = (int)dims[image->nhwc ? 3 : 1];
    height = dims[image->nhwc ? 1 : 2];
    width = dims[image->nhwc ? 2 : 3];
    if (height == 0 || width == 0 || height > G_MAXINT16 || width > G_MAXINT16)
        return FALSE;
    image->height = (int)MAX(height, 0);
    image->width = (int)MAX(width, 0);
    return TRUE;
}

void
cr_image_input_get_size(const CrImageInput *image, int frame_width, int frame_height, int *width,
                        int *height)
{
    *width = image->width ? image->width : frame_width;
    *height = image->height ? image->height : frame_height;
}

void
cr_image_input_get_dims(const CrImageInput *image, int width, int height, gint64 dims[4])
{
    dims[0] = 1;
    dims[image->nhwc ? 3 : 1] = image->channels;
    dims[image->nhwc ? 1 : 2] = height;
    dims[image->nhwc ? 2 : 3] = width;
}

CrFrameSink
cr_image_input_get_sink(const CrImageInput *image, const gint64 *strides, void *data)
{
    return (CrFrameSink){.data = data,
                         .c_step = (gsize)strides[image->nhwc ? 3 : 1],
                         .y_step = (gsize)strides[image->nhwc ? 1 : 2],
                         .x_step = (gsize)strides[image->nhwc ? 2 : 3]};
}

/* --- which input --- */

/* An image, or a window of them: then the input takes one in each step. */
static gboolean
takes_pictures(const ConvRnnModel *model, const char *input)
{
    const char *role = convrnn_model_get_property(model, input, "role");

    return g_strcmp0(role, "image") == 0 || g_strcmp0(role, "window") == 0;
}

/* Every input that can be the picture; those whose role says so alone when there are any. */
static GArray *
find_candidates(const ConvRnnModel *model, GHashTable *constants)
{
    GArray *found = g_array_new(FALSE, FALSE, sizeof(CrImageInput));
    gboolean named = FALSE;

    for (guint i = 0; i < convrnn_model_get_n_inputs(model); i++) {
        const ConvRnnTensorInfo *info = convrnn_model_get_input(model, i);
        gboolean is_image = takes_pictures(model, info->name);
        CrImageInput image;

        if (g_hash_table_contains(constants, info->name) || (named && !is_image) ||
            convrnn_model_get_property(model, info->name, "state-of") != NULL ||
            !cr_image_input_init(&image, model, info))
            continue;
        if (is_image && !named)
            g_array_set_size(found, 0);
        named = named || is_image;
        g_array_append_val(found, image);
    }
    return found;
}

static gboolean
session_reads(const ConvRnnSession *session, const char *input)
{
    for (guint i = 0; i < convrnn_session_get_n_inputs(session); i++)
        if (strcmp(convrnn_session_get_input(session, i)->name, input) == 0)
            return TRUE;
    return FALSE;
}

static ConvRnnSession *
try_candidate(ConvRnnModel *model, const ConvRnnSessionConfig *config, const CrImageInput *image,
              int frame_width, int frame_height, GError **error)
{
    g_autoptr(ConvRnnSessionConfig) bound = convrnn_session_config_copy(config);
    g_autoptr(ConvRnnSession) session = NULL;
    int width, height;
    gint64 dims[4];

    cr_image_input_get_size(image, frame_width, frame_height, &width, &height);
    cr_image_input_get_dims(image, width, height, dims);
    convrnn_session_config_set_input_shape(bound, image->info->name, dims, 4);
    session = convrnn_session_new(model, bound, error);
    if (session != NULL && !session_reads(session, image->info->name)) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_STATE,
                    "The only input that can be a picture, \"%s\", is a state", image->info->name);
        return NULL;
    }
    return g_steal_pointer(&session);
}

/* The picture is the only thing that comes with each frame. */
static gboolean
check_other_inputs(const ConvRnnSession *session, const CrImageInput *image, GError **error)
{
    for (guint i = 0; i < convrnn_session_get_n_inputs(session); i++) {
        const ConvRnnTensorInfo *info = convrnn_session_get_input(session, i);
        g_autofree char *text = NULL;

        if (strcmp(info->name, image->info->name) == 0)
            continue;
        text = cr_describe_tensor(info);
        g_set_error(error, SETTINGS_ERROR,
                    "The input %s is neither the picture (that is \"%s\"), nor a state, nor a "
                    "constant. Give it a value with constants=%s=NUMBER, or make it a state with "
                    "state-map=%s=OUTPUT",
                    text, image->info->name, info->name, info->name);
        return FALSE;
    }
    return TRUE;
}

static void
set_no_picture(const ConvRnnModel *model, GError **error)
{
    g_autofree char *inputs = cr_describe_inputs(model);

    g_set_error(error, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE,
                "No input of the model can be a picture. Expected float32 or uint8 of shape "
                "[1,C,H,W] or [1,H,W,C] with C = 1 or 3, found: %s",
                inputs);
}

static void
set_ambiguous(const ConvRnnModel *model, const GArray *candidates, GError **error)
{
    g_autofree char *inputs = cr_describe_inputs(model);
    const char *first = g_array_index(candidates, CrImageInput, 0).info->name;

    g_set_error(error, SETTINGS_ERROR,
                "Several inputs of the model can be the picture, among: %s. Write role=image "
                "under the one that is, such as [%s], in the .modelinfo beside the model, or bind "
                "the others with the properties constants and state-map",
                inputs, first);
}

ConvRnnSession *
cr_image_input_open_session(ConvRnnModel *model, const ConvRnnSessionConfig *config,
                            GHashTable *constants, int frame_width, int frame_height,
                            CrImageInput *image, GError **error)
{
    g_autoptr(GArray) candidates = find_candidates(model, constants);
    g_autoptr(ConvRnnSession) session = NULL;
    g_autoptr(GError) first_error = NULL;

    if (candidates->len == 0) {
        set_no_picture(model, error);
        return NULL;
    }
    for (guint i = 0; i < candidates->len; i++) {
        const CrImageInput *candidate = &g_array_index(candidates, CrImageInput, i);
        g_autoptr(ConvRnnSession) opened =
            try_candidate(model, config, candidate, frame_width, frame_height,
                          first_error == NULL ? &first_error : NULL);

        if (opened != NULL && session != NULL) {
            set_ambiguous(model, candidates, error);
            return NULL;
        }
        if (opened != NULL) {
            session = g_steal_pointer(&opened);
            *image = *candidate;
        }
    }
    if (session == NULL) {
        g_propagate_error(error, g_steal_pointer(&first_error));
        return NULL;
    }
    return check_other_inputs(session, image, error) ? g_steal_pointer(&session) : NULL;
}

/* --- normalisation --- */

/* "0.0,1.0" or, for each channel, "0.0,1.0;0.0,1.0;0.0,1.0". */
static gboolean
parse_ranges(const char *text, const char *what, int channels, double *low, double *high,
             GError **error)
{
    g_auto(GStrv) ranges = g_strsplit(text, ";", -1);
    int n = (int)g_strv_length(ranges);

    while (n > 0 && *g_strstrip(ranges[n - 1]) == '\0')
        n--;
    for (int c = 0; c < channels; c++) {
        double pair[2] = {0, 0};
        gboolean good = (n == 1 || n == channels) && strchr(ranges[n == 1 ? 0 : c], ',') != NULL &&
                        cr_settings_parse_numbers(ranges[n == 1 ? 0 : c], what, 2, pair, NULL);

        if (!good || pair[0] == pair[1]) {
            g_set_error(error, SETTINGS_ERROR,
                        "%s: found \"%s\", expected LOW,HIGH, the numbers for black and white, "
                        "or one such pair for each channel with ';' between them",
                        what, text);
            return FALSE;
        }
        low[c] = pair[0];
        high[c] = pair[1];
    }
    return TRUE;
}

/* The user's text, else the model's; *what says whose it is. NULL when there is neither. */
static const char *
choose_text(const char *set, const ConvRnnModel *model, const CrImageInput *image,
            const char *property, const char *key, char **what)
{
    if (set != NULL && *set != '\0') {
        *what = g_strdup(property);
        return set;
    }
    *what = g_strdup_printf("%s= of input \"%s\" in the .modelinfo", key, image->info->name);
    return convrnn_model_get_property(model, image->info->name, key);
}

static gboolean
read_numbers(const char *set, const ConvRnnModel *model, const CrImageInput *image,
             const char *property, double *values, GError **error)
{
    g_autofree char *what = NULL;
    const char *text = choose_text(set, model, image, property, property, &what);

    return text == NULL || cr_settings_parse_numbers(text, what, image->channels, values, error);
}

static gboolean
wants_bgr(const CrImageInput *image, const ConvRnnModel *model, const CrImageSettings *settings)
{
    const char *order = convrnn_model_get_property(model, image->info->name, "channel-order");

    if (settings->bgr >= 0)
        return settings->bgr;
    return order != NULL && g_ascii_strcasecmp(order, "bgr") == 0;
}

gboolean
cr_image_input_get_target(const CrImageInput *image, const ConvRnnModel *model,
                          const CrImageSettings *settings, int width, int height,
                          CrFrameTarget *target, GError **error)
{
    double white = image->info->dtype == CONVRNN_DTYPE_UINT8 ? 255 : 1;
    double low[3] = {0, 0, 0}, high[3] = {white, white, white};
    double mean[3] = {0, 0, 0}, std[3] = {1, 1, 1};
    g_autofree char *what = NULL;
    const char *range = choose_text(settings->range, model, image, "range", "ranges", &what);

    if ((range != NULL && !parse_ranges(range, what, image->channels, low, high, error)) ||
        !read_numbers(settings->mean, model, image, "mean", mean, error) ||
        !read_numbers(settings->std, model, image, "std", std, error))
        return FALSE;
    *target = (CrFrameTarget){.width = width,
                              .height = height,
                              .channels = image->channels,
                              .bgr = wants_bgr(image, model, settings),
                              .dtype = image->info->dtype,
                              .fit = settings->fit};
    for (int c = 0; c < image->channels; c++) {
        if (std[c] == 0) {
            g_set_error(error, SETTINGS_ERROR, "std: found 0, expected numbers to divide by");
            return FALSE;
        }
        /* ((low + v·(high − low)/255) − mean) / std as one subtraction and one division. */
        target->center[c] = (float)((mean[c] - low[c]) * 255 / (high[c] - low[c]));
        target->divisor[c] = (float)(255 * std[c] / (high[c] - low[c]));
    }
    return TRUE;
}
