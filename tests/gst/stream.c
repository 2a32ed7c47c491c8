/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stream.h"
#include <math.h>
#include <string.h>

GstElement *
stream_make_element(const char *description, GstBus **bus)
{
    GError *error = NULL;
    GstElement *element = gst_parse_launch(description, &error);

    fail_unless(element != NULL && error == NULL, "%s: %s", description,
                error ? error->message : "?");
    *bus = gst_bus_new();
    gst_element_set_bus(element, *bus);
    return gst_object_ref_sink(element);
}

void
stream_init(Stream *stream, const char *description)
{
    stream->element = stream_make_element(description, &stream->bus);
    stream->harness = gst_harness_new_with_element(stream->element, "sink", "src");
    gst_harness_play(stream->harness);
}

void
stream_clear(Stream *stream)
{
    gst_harness_teardown(stream->harness);
    gst_element_set_bus(stream->element, NULL);
    gst_object_unref(stream->element);
    gst_object_unref(stream->bus);
}

void
stream_set_caps(Stream *stream, const char *format, int width, int height, int fps)
{
    g_autofree char *text = g_strdup_printf(
        "video/x-raw,format=%s,width=%d,height=%d,framerate=%d/1", format, width, height, fps);
    GstCaps *caps = gst_caps_from_string(text);

    fail_unless(gst_video_info_from_caps(&stream->info, caps));
    gst_harness_set_src_caps(stream->harness, caps);
}

static GstBuffer *
new_frame(Stream *stream, int index, GstMapInfo *map)
{
    GstBuffer *frame = gst_buffer_new_allocate(NULL, GST_VIDEO_INFO_SIZE(&stream->info), NULL);

    GST_BUFFER_PTS(frame) = index * STREAM_FRAME;
    GST_BUFFER_DURATION(frame) = STREAM_FRAME;
    fail_unless(gst_buffer_map(frame, map, GST_MAP_WRITE));
    return frame;
}

GstBuffer *
stream_random_frame(Stream *stream, guint seed, int index)
{
    GRand *random = g_rand_new_with_seed(seed);
    GstMapInfo map;
    GstBuffer *frame = new_frame(stream, index, &map);

    for (gsize i = 0; i < map.size; i++)
        map.data[i] = (guint8)g_rand_int(random);
    gst_buffer_unmap(frame, &map);
    g_rand_free(random);
    return frame;
}

GstBuffer *
stream_flat_frame(Stream *stream, guint8 value, int index)
{
    GstMapInfo map;
    GstBuffer *frame = new_frame(stream, index, &map);

    memset(map.data, value, map.size);
    gst_buffer_unmap(frame, &map);
    return frame;
}

GstBuffer *
stream_push(Stream *stream, GstBuffer *frame)
{
    GstBuffer *out;

    fail_unless_equals_int(gst_harness_push(stream->harness, frame), GST_FLOW_OK);
    out = gst_harness_try_pull(stream->harness);
    fail_unless(out != NULL, "no buffer came out");
    return out;
}

GstCustomMeta *
stream_result(GstBuffer *buffer, GstConvRnnMetaInfo *info)
{
    GstCustomMeta *meta = gst_convrnn_meta_get(buffer, NULL);

    fail_unless(meta != NULL, "no result on the buffer");
    fail_unless(gst_convrnn_meta_get_info(meta, info));
    return meta;
}

const float *
stream_tensor(GstBuffer *buffer, const char *name, GstConvRnnTensorView *view)
{
    GstConvRnnMetaInfo info;

    fail_unless(gst_convrnn_meta_find_tensor(stream_result(buffer, &info), name, view),
                "no tensor %s", name);
    fail_unless_equals_string(view->dtype, "float32");
    return view->data;
}

float
stream_push_flat(Stream *stream, guint8 value, int index, GstConvRnnMetaInfo *info)
{
    GstBuffer *out = stream_push(stream, stream_flat_frame(stream, value, index));
    GstConvRnnTensorView view;
    float first = NAN;

    if (gst_convrnn_meta_find_tensor(stream_result(out, info), "y", &view))
        first = *(const float *)view.data;
    info->model = info->element = NULL;
    gst_buffer_unref(out);
    return first;
}

GstMessage *
stream_take_message(GstBus *bus, GstMessageType type)
{
    return gst_bus_pop_filtered(bus, type);
}

char *
stream_take_error(GstBus *bus, GstMessageType type, GQuark *domain, int *code)
{
    GstMessage *message = gst_bus_pop_filtered(bus, type);
    GError *error = NULL;
    char *text;

    fail_unless(message != NULL, "no %s message on the bus", gst_message_type_get_name(type));
    if (type == GST_MESSAGE_ERROR)
        gst_message_parse_error(message, &error, NULL);
    else
        gst_message_parse_warning(message, &error, NULL);
    text = g_strdup(error->message);
    *domain = error->domain;
    *code = error->code;
    g_error_free(error);
    gst_message_unref(message);
    return text;
}
