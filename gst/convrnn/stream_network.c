/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stream_network.h"
#include "payload_pool.h"
#include <string.h>

void
cr_stream_network_close(CrStreamNetwork *network)
{
    g_clear_pointer(&network->converter, cr_frame_to_tensor_free);
    g_clear_pointer(&network->pools, g_ptr_array_unref);
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

static void
find_input(CrStreamNetwork *network)
{
    network->input = 0;
    while (strcmp(convrnn_session_get_input(network->session, network->input)->name,
                  network->image.info->name) != 0)
        network->input++;
    network->sink =
        cr_image_input_get_sink(&network->image, network->width, network->height,
                                convrnn_session_get_input_data(network->session, network->input));
}

static gboolean
make_converter(CrStreamNetwork *network, ConvRnnModel *model, const CrImageSettings *settings,
               const GstVideoInfo *info, GError **error)
{
    CrFrameToTensor *converter;
    CrFrameTarget target;

    if (!cr_image_input_get_target(&network->image, model, settings, network->width,
                                   network->height, &target, error) ||
        (converter = cr_frame_to_tensor_new(info, &target, error)) == NULL)
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

gboolean
cr_stream_network_open(CrStreamNetwork *network, ConvRnnModel *model,
                       const ConvRnnSessionConfig *config, GHashTable *constants,
                       const CrImageSettings *settings, const GstVideoInfo *info, GError **error)
{
    cr_stream_network_close(network);
    network->session = cr_image_input_open_session(model, config, constants, info->width,
                                                   info->height, &network->image, error);
    if (network->session == NULL)
        return FALSE;
    cr_image_input_get_size(&network->image, info->width, info->height, &network->width,
                            &network->height);
    find_input(network);
    if (!make_converter(network, model, settings, info, error)) {
        cr_stream_network_close(network);
        return FALSE;
    }
    make_pools(network);
    measure_step(network);
    return TRUE;
}

gboolean
cr_stream_network_adapt(CrStreamNetwork *network, const CrImageSettings *settings,
                        ConvRnnModel *model, const GstVideoInfo *info, gboolean *same_geometry,
                        GError **error)
{
    CrFrameMapping before = network->mapping;
    int old_width = network->info.width, old_height = network->info.height;
    int width, height;

    if (network->session == NULL)
        return FALSE;
    cr_image_input_get_size(&network->image, info->width, info->height, &width, &height);
    if (width != network->width || height != network->height)
        return FALSE;
    if (!make_converter(network, model, settings, info, error)) {
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

ConvRnnStepFlags
cr_stream_network_step(CrStreamNetwork *network, const GstVideoFrame *frame)
{
    cr_frame_to_tensor_run(network->converter, frame, &network->sink);
    return convrnn_session_step(network->session);
}

gboolean
cr_stream_network_add_outputs(CrStreamNetwork *network, GstCustomMeta *meta)
{
    for (guint i = 0; i < network->pools->len; i++) {
        const ConvRnnTensorInfo *info = convrnn_session_get_output(network->session, i);
        g_autoptr(GBytes) payload =
            cr_payload_pool_copy(g_ptr_array_index(network->pools, i),
                                 convrnn_session_get_output_data(network->session, i));

        if (payload == NULL)
            return FALSE;
        gst_convrnn_meta_add_tensor(meta, info->name, convrnn_dtype_get_name(info->dtype),
                                    info->dims, info->n_dims, payload);
    }
    return TRUE;
}
