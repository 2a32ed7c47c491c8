/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A network camera: a server on this machine's loop-back, rtspsrc, decoder, network. */
#include "networks.h"
#include "stream.h"
#include <gst/rtsp-server/rtsp-server.h>

enum { ENOUGH = 10 };

static gpointer
run_loop(gpointer loop)
{
    g_main_loop_run(loop);
    return NULL;
}

/* A camera of 64×48 pixels at any free port; *port is that. */
static GstRTSPServer *
start_camera(GMainContext *context, int *port)
{
    GstRTSPServer *server = gst_rtsp_server_new();
    GstRTSPMediaFactory *camera = gst_rtsp_media_factory_new();
    GstRTSPMountPoints *mounts = gst_rtsp_server_get_mount_points(server);

    gst_rtsp_media_factory_set_launch(
        camera,
        "( videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width=64,height=48,"
        "framerate=25/1 ! jpegenc ! rtpjpegpay name=pay0 )");
    gst_rtsp_mount_points_add_factory(mounts, "/camera", camera);
    g_object_unref(mounts);
    gst_rtsp_server_set_address(server, "127.0.0.1");
    gst_rtsp_server_set_service(server, "0");
    fail_unless(gst_rtsp_server_attach(server, context) != 0);
    *port = gst_rtsp_server_get_bound_port(server);
    return server;
}

/* The next result on the bus; *step is its. */
static void
expect_result(GstBus *bus, guint64 step)
{
    GstMessage *message =
        gst_bus_timed_pop_filtered(bus, 60 * GST_SECOND, GST_MESSAGE_ELEMENT | GST_MESSAGE_ERROR);
    guint64 found = 99;

    fail_unless(message != NULL, "no result within a minute");
    if (!gst_message_has_name(message, "convrnn")) {
        fail_if(GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR);
        gst_message_unref(message);
        expect_result(bus, step);
        return;
    }
    fail_unless(gst_structure_get_uint64(gst_message_get_structure(message), "step", &found));
    fail_unless_equals_uint64(found, step);
    gst_message_unref(message);
}

/* Over TCP no frame is lost, and each is a step. */
GST_START_TEST(test_camera)
{
    GMainContext *context = g_main_context_new();
    GMainLoop *loop = g_main_loop_new(context, FALSE);
    int port;
    GstRTSPServer *server = start_camera(context, &port);
    GThread *thread = g_thread_new("rtsp", run_loop, loop);
    g_autofree char *model = network_gated("gated");
    g_autofree char *launch = g_strdup_printf(
        "rtspsrc location=rtsp://127.0.0.1:%d/camera protocols=tcp latency=0 ! rtpjpegdepay ! "
        "jpegdec ! videoconvert ! convrnn model=%s post-messages=true ! fakesink sync=false",
        port, model);
    GstElement *pipeline = gst_parse_launch(launch, NULL);
    GstBus *bus = gst_element_get_bus(pipeline);

    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    for (guint64 step = 0; step < ENOUGH; step++)
        expect_result(bus, step);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(bus);
    gst_object_unref(pipeline);
    g_main_loop_quit(loop);
    g_thread_join(thread);
    g_object_unref(server);
    g_main_loop_unref(loop);
    g_main_context_unref(context);
}
GST_END_TEST;

static Suite *
rtsp_suite(void)
{
    Suite *suite = suite_create("rtsp");
    TCase *tests = tcase_create("rtsp");

    suite_add_tcase(suite, tests);
    tcase_add_unchecked_fixture(tests, NULL, networks_remove);
    tcase_add_test(tests, test_camera);
    return suite;
}

GST_CHECK_MAIN(rtsp);
