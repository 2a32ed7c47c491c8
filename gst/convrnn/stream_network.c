/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stream_network.h"
#include "class_scores.h"
#include "frame_part.h"
#include "payload_pool.h"
#include <string.h>

void
cr_stream_network_close(CrStreamNetwork *network)
{
    g_clear_pointer(&network->converter, cr_frame_to_tensor_free);
    g_clear_pointer(&network->pools, g_ptr_array_unref);
    g_clear_pointer(&network->classes, g_ptr_array_unref);
    g_clear_pointer(&network->session, convrnn_session_free);
}

static gsize
output_size(const ConvRnnTensorInfo *info)
{
    gsize size = convrnn_dtype_get_size(info->dtype);

    for (guint i = 0; i < info->n_dims; i++)
        size *= (gsize)info->dims[i];
    return size;
}

static void
make_pools(CrStreamNetwork *network)
{
    network->pools = g_ptr_array_new_with_free_func((GDestroyNotify)cr_payload_pool_release);
    for (guint i = 0; i < convrnn_session_get_n_outputs(network->session); i++)
        g_ptr_array_add(network->pools, cr_payload_pool_new(output_size(
                                            convrnn_session_get_output(network->session, i))));
}

static gboolean
find_classes(CrStreamNetwork *network, const ConvRnnModel *model, GError **error)
{
    network->classes = g_ptr_array_new_with_free_func((GDestroyNotify)cr_class_scores_free);
    for (guint i = 0; i < convrnn_session_get_n_outputs(network->session); i++) {
        CrClassScores *scores;

        if (!cr_class_scores_new(&scores, model, convrnn_session_get_output(network->session, i),
                                 error))
            return FALSE;
        g_ptr_array_add(network->classes, scores);
    }
    return TRUE;
}

static void
find_input(CrStreamNetwork *network)
{
    network->input = 0;
    while (strcmp(convrnn_session_get_input(network->session, network->input)->name,
                  network->image.info->name) != 0)
        network->input++;
    network->sink = cr_image_input_get_sink(
        &network->image, convrnn_session_get_input_strides(network->session, network->input),
        convrnn_session_get_input_data(network->session, network->input));
}

static gboolean
make_converter(CrStreamNetwork *network, const CrLoadedModel *loaded, const GstVideoInfo *info,
               GError **error)
{
    const CrModelSettings *set = &loaded->settings;
    const CrImageSettings settings = {set->range, set->mean, set->std, set->bgr, set->fit};
    CrFrameToTensor *converter;
    CrFrameTarget target;

    if (!cr_image_input_get_target(&network->image, loaded->model, &settings, network->width,
                                   network->height, &target, error))
        return FALSE;
    target.part = network->part;
    if ((converter = cr_frame_to_tensor_new(info, &target, error)) == NULL)
        return FALSE;
    cr_frame_to_tensor_free(network->converter);
    network->converter = converter;
    network->mapping = cr_frame_to_tensor_get_mapping(converter);
    network->info = *info;
    cr_frame_to_tensor_fill_black(converter, &network->sink);
    return TRUE;
}

static void
measure_step(CrStreamNetwork *network)
{
    GstClockTime begin = gst_util_get_timestamp();

    convrnn_session_step(network->session);
    network->first_step_ns = gst_util_get_timestamp() - begin;
    convrnn_session_reset(network->session);
}

/* What a length of the frame becomes where the model leaves its own open. */
static int
scale_length(const CrModelSettings *set, int length)
{
    int multiple = (int)set->size_multiple;
    double scaled = (double)length / set->downscale / multiple;

    return MAX((int)(scaled + 0.5), 1) * multiple;
}

gboolean
cr_stream_network_open(CrStreamNetwork *network, const CrLoadedModel *loaded,
                       const GstVideoInfo *info, GError **error)
{
    const CrModelSettings *set = &loaded->settings;
    CrFramePart *part = &network->part;
    int width, height;

    cr_stream_network_close(network);
    if (!cr_frame_part_parse(part, set->region, info->width, info->height, error))
        return FALSE;
    width = scale_length(set, part->width);
    height = scale_length(set, part->height);
    network->session =
        cr_image_input_open_session(loaded->model, loaded->config, loaded->constant_names, width,
                                    height, &network->image, error);
    if (network->session == NULL)
        return FALSE;
    cr_image_input_get_size(&network->image, width, height, &network->width, &network->height);
    find_input(network);
    if (!make_converter(network, loaded, info, error) ||
        !find_classes(network, loaded->model, error)) {
        cr_stream_network_close(network);
        return FALSE;
    }
    make_pools(network);
    measure_step(network);
    return TRUE;
}

gboolean
cr_stream_network_adapt(CrStreamNetwork *network, const CrLoadedModel *loaded,
                        const GstVideoInfo *info, gboolean *same_geometry, GError **error)
{
    CrFrameMapping before = network->mapping;
    int old_width = network->info.width, old_height = network->info.height;
    const CrModelSettings *set = &loaded->settings;
    CrFramePart part;
    int width, height;

    if (network->session == NULL ||
        !cr_frame_part_parse(&part, set->region, info->width, info->height, error))
        return FALSE;
    cr_image_input_get_size(&network->image, scale_length(set, part.width),
                            scale_length(set, part.height), &width, &height);
    if (width != network->width || height != network->height)
        return FALSE;
    network->part = part;
    if (!make_converter(network, loaded, info, error)) {
        cr_stream_network_close(network);
        return FALSE;
    }
    *same_geometry = info->width == old_width && info->height == old_height &&
                     before.scale_x == network->mapping.scale_x &&
                     before.scale_y == network->mapping.scale_y &&
                     before.offset_x == network->mapping.offset_x &&
                     before.offset_y == network->mapping.offset_y;
    return TRUE;
}

void
cr_stream_network_convert(CrStreamNetwork *network, const GstVideoFrame *frame)
{
    cr_frame_to_tensor_run(network->converter, frame, &network->sink);
}

ConvRnnStepFlags
cr_stream_network_step(CrStreamNetwork *network)
{
    return convrnn_session_step(network->session);
}

/* Dimension n and those behind it, of which those from `dense` on are `run` bytes without a gap;
 * returns where the next element goes. */
static guint8 *
copy_rows(const ConvRnnTensorInfo *info, const gint64 *strides, guint n, guint dense, gsize run,
          const guint8 *from, guint8 *to)
{
    gsize step;

    if (n == dense) {
        memcpy(to, from, run);
        return to + run;
    }
    step = (gsize)strides[n] * convrnn_dtype_get_size(info->dtype);
    for (gint64 i = 0; i < info->dims[n]; i++)
        to = copy_rows(info, strides, n + 1, dense, run, from + (gsize)i * step, to);
    return to;
}

/* A tensor with these strides as one without gaps. */
static void
copy_dense(const ConvRnnTensorInfo *info, const gint64 *strides, gconstpointer from, gpointer to)
{
    guint dense = info->n_dims;
    gint64 run = 1;

    while (dense > 0 && strides[dense - 1] == run)
        run *= info->dims[--dense];
    copy_rows(info, strides, 0, dense, (gsize)run * convrnn_dtype_get_size(info->dtype), from, to);
}

gboolean
cr_stream_network_add_outputs(CrStreamNetwork *network, GstCustomMeta *meta, guint top_k)
{
    for (guint i = 0; i < network->pools->len; i++) {
        const ConvRnnTensorInfo *info = convrnn_session_get_output(network->session, i);
        gpointer data;
        g_autoptr(GBytes) payload =
            cr_payload_pool_take(g_ptr_array_index(network->pools, i), &data);

        if (payload == NULL)
            return FALSE;
        copy_dense(info, convrnn_session_get_output_strides(network->session, i),
                   convrnn_session_get_output_data(network->session, i), data);
        gst_convrnn_meta_add_tensor(meta, info->name, convrnn_dtype_get_name(info->dtype),
                                    info->dims, info->n_dims, payload);
        cr_class_scores_attach(g_ptr_array_index(network->classes, i), meta, i, data, top_k);
    }
    return TRUE;
}
