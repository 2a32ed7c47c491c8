/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An application that has frames of its own in memory and wants what a network says about each:
 * appsrc → convrnn → appsink. The network's state goes from frame to frame; a scene that ends is
 * said with an event, and the next begins afresh.
 *
 *     app MODEL
 *
 * Needs gstreamer-app-1.0 and gstreamer-convrnn-1.0. */
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/convrnn/gstconvrnnmeta.h>
#include <stdio.h>
#include <string.h>

enum { WIDTH = 128, HEIGHT = 96, SIZE = WIDTH * HEIGHT * 3, FRAMES = 12, SCENE = 6 };

/* A white bar that moves to the right. */
static GstBuffer *
make_frame(int index)
{
    GstBuffer *frame = gst_buffer_new_allocate(NULL, SIZE, NULL);
    GstMapInfo map;

    gst_buffer_map(frame, &map, GST_MAP_WRITE);
    memset(map.data, 0, SIZE);
    for (int y = 0; y < HEIGHT; y++)
        memset(map.data + (y * WIDTH + 8 * index) * 3, 255, 24);
    gst_buffer_unmap(frame, &map);
    GST_BUFFER_PTS(frame) = (GstClockTime)index * GST_SECOND / 25;
    GST_BUFFER_DURATION(frame) = GST_SECOND / 25;
    return frame;
}

/* FALSE when the frame carries no result. */
static gboolean
print_result(GstBuffer *frame)
{
    GstCustomMeta *meta = gst_convrnn_meta_get(frame, NULL);
    GstConvRnnTensorView tensor;
    GstConvRnnMetaInfo info;

    if (meta == NULL || !gst_convrnn_meta_get_info(meta, &info) ||
        !gst_convrnn_meta_get_tensor(meta, 0, &tensor))
        return FALSE;
    printf("step %" G_GUINT64_FORMAT " of scene %" G_GUINT64_FORMAT ": %s, %" G_GSIZE_FORMAT
           " bytes\n",
           info.step, info.generation, tensor.name, tensor.size);
    return TRUE;
}

static gboolean
run(GstElement *pipeline)
{
    GstElement *source = gst_bin_get_by_name(GST_BIN(pipeline), "source");
    GstElement *sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");
    gboolean good = TRUE;

    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    for (int i = 0; good && i < FRAMES; i++) {
        GstSample *sample;

        if (i == SCENE)
            gst_element_send_event(source,
                                   gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM,
                                                        gst_structure_new_empty("convrnn-reset")));
        gst_app_src_push_buffer(GST_APP_SRC(source), make_frame(i));
        sample = gst_app_sink_pull_sample(GST_APP_SINK(sink));
        good = sample != NULL && print_result(gst_sample_get_buffer(sample));
        if (sample != NULL)
            gst_sample_unref(sample);
    }
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(source);
    gst_object_unref(sink);
    return good;
}

static void
print_error(GstElement *pipeline)
{
    GstBus *bus = gst_element_get_bus(pipeline);
    GstMessage *message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
    GError *error = NULL;

    if (message != NULL) {
        gst_message_parse_error(message, &error, NULL);
        fprintf(stderr, "%s\n", error->message);
        g_error_free(error);
        gst_message_unref(message);
    }
    gst_object_unref(bus);
}

int
main(int argc, char **argv)
{
    GstElement *pipeline, *net;
    GError *error = NULL;
    gboolean good;

    gst_init(&argc, &argv);
    if (argc != 2) {
        fprintf(stderr, "app MODEL\n");
        return 2;
    }
    pipeline = gst_parse_launch(
        "appsrc name=source format=time caps=video/x-raw,format=RGB,width=128,height=96,"
        "framerate=25/1 ! convrnn name=net ! appsink name=sink sync=false",
        &error);
    if (pipeline == NULL || error != NULL) {
        fprintf(stderr, "%s\n", error->message);
        return 1;
    }
    net = gst_bin_get_by_name(GST_BIN(pipeline), "net");
    g_object_set(net, "model", argv[1], NULL);
    gst_object_unref(net);
    good = run(pipeline);
    if (!good)
        print_error(pipeline);
    gst_object_unref(pipeline);
    return good ? 0 : 1;
}
