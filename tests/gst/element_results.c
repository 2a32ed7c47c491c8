/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Results where applications look for them: after other elements, of several networks, on the bus;
 * and latency and statistics. */
#include "networks.h"
#include "stream.h"

/* 8×6 RGB */
static GstBuffer *
black_frame(void)
{
    GstBuffer *frame = gst_buffer_new_allocate(NULL, 144, NULL);

    gst_buffer_memset(frame, 0, 0, 144);
    return frame;
}

GST_START_TEST(test_survives_other_elements)
{
    g_autofree char *path = network_sum("sum", 3, 4, 4, NULL);
    g_autofree char *launch = g_strdup_printf(
        "convrnn name=net model=%s ! videoconvert ! videoscale ! videoflip method=clockwise ! "
        "capsfilter caps=video/x-raw,format=I420,width=12,height=10",
        path);
    GstHarness *harness = gst_harness_new_parse(launch);
    GstConvRnnTensorView view;
    GstConvRnnMetaInfo info;
    GstBuffer *out;

    gst_harness_set_src_caps_str(harness, "video/x-raw,format=RGB,width=8,height=6,framerate=25/1");
    out = gst_harness_push_and_pull(harness, black_frame());
    stream_tensor(out, "y", &view);
    stream_result(out, &info);
    fail_unless_equals_string(info.element, "net");
    fail_unless_equals_string(info.model, path);
    fail_unless_equals_int(info.frame_width, 8);
    gst_buffer_unref(out);
    gst_harness_teardown(harness);
}
GST_END_TEST;

GST_START_TEST(test_two_networks)
{
    g_autofree char *a = network_sum("sum3", 3, 4, 4, NULL);
    g_autofree char *b = network_sum("sum1", 1, 2, 2, NULL);
    g_autofree char *launch =
        g_strdup_printf("convrnn name=a model=%s ! convrnn name=b model=%s", a, b);
    GstHarness *harness = gst_harness_new_parse(launch);
    GstConvRnnTensorView view;
    GstBuffer *out;

    gst_harness_set_src_caps_str(harness, "video/x-raw,format=RGB,width=8,height=6,framerate=25/1");
    out = gst_harness_push_and_pull(harness, black_frame());
    fail_unless(gst_convrnn_meta_find_tensor(gst_convrnn_meta_get(out, "a"), "y", &view));
    fail_unless_equals_int64(view.dims[1], 3);
    fail_unless(gst_convrnn_meta_find_tensor(gst_convrnn_meta_get(out, "b"), "y", &view));
    fail_unless_equals_int64(view.dims[1], 1);
    gst_buffer_unref(out);
    gst_harness_teardown(harness);
}
GST_END_TEST;

GST_START_TEST(test_messages)
{
    g_autofree char *path = network_sum("sum", 3, 4, 4, NULL);
    g_autofree char *launch = g_strdup_printf("convrnn model=%s post-messages=true", path);
    Stream stream;

    stream_init(&stream, launch);
    stream_set_caps(&stream, "RGB", 4, 4, 25);
    for (int i = 0; i < 3; i++) {
        GstConvRnnMetaInfo info;
        guint64 step = 99, running_time = 0, stream_time = 0, pts = 0, duration = 0;
        const GstStructure *s;
        GstMessage *message;
        GBytes *bytes = NULL;

        stream_push_flat(&stream, 255, i, &info);
        message = stream_take_message(stream.bus, GST_MESSAGE_ELEMENT);
        fail_unless(message != NULL);
        s = gst_message_get_structure(message);
        fail_unless_equals_string(gst_structure_get_name(s), "convrnn");
        fail_unless(gst_structure_get(s, "step", G_TYPE_UINT64, &step, "pts", G_TYPE_UINT64, &pts,
                                      "duration", G_TYPE_UINT64, &duration, "stream-time",
                                      G_TYPE_UINT64, &stream_time, "running-time", G_TYPE_UINT64,
                                      &running_time, "tensor-0-data", G_TYPE_BYTES, &bytes, NULL));
        fail_unless_equals_uint64(step, i);
        fail_unless_equals_uint64(pts, i * STREAM_FRAME);
        fail_unless_equals_uint64(duration, STREAM_FRAME);
        fail_unless_equals_uint64(stream_time, i * STREAM_FRAME);
        fail_unless_equals_uint64(running_time, i * STREAM_FRAME);
        fail_unless(*(const float *)g_bytes_get_data(bytes, NULL) == i + 1);
        g_bytes_unref(bytes);
        gst_message_unref(message);
    }
    g_object_set(stream.element, "post-messages", FALSE, NULL);
    gst_buffer_unref(stream_push(&stream, stream_flat_frame(&stream, 0, 3)));
    fail_unless(stream_take_message(stream.bus, GST_MESSAGE_ELEMENT) == NULL);
    stream_clear(&stream);
}
GST_END_TEST;

GST_START_TEST(test_statistics)
{
    g_autofree char *path = network_sum("sum", 3, 4, 4, NULL);
    g_autofree char *launch = g_strdup_printf("convrnn model=%s", path);
    guint64 steps = 0, last = 0, mean = 0, latency = 0;
    GstStructure *stats;
    Stream stream;

    stream_init(&stream, launch);
    stream_set_caps(&stream, "RGB", 4, 4, 25);
    for (int i = 0; i < 7; i++)
        gst_buffer_unref(stream_push(&stream, stream_flat_frame(&stream, 0, i)));
    g_object_get(stream.element, "stats", &stats, NULL);
    fail_unless(gst_structure_get(stats, "steps", G_TYPE_UINT64, &steps, "last-ns", G_TYPE_UINT64,
                                  &last, "mean-ns", G_TYPE_UINT64, &mean, "latency-ns",
                                  G_TYPE_UINT64, &latency, NULL));
    fail_unless_equals_uint64(steps, 7);
    fail_unless(last > 0 && mean > 0);
    gst_structure_free(stats);

    gst_harness_set_upstream_latency(stream.harness, 100 * GST_MSECOND);
    fail_unless_equals_uint64(gst_harness_query_latency(stream.harness),
                              100 * GST_MSECOND + latency);
    fail_unless(latency > 0 && latency % GST_MSECOND == 0);
    stream_clear(&stream);
}
GST_END_TEST;

static Suite *
results_suite(void)
{
    Suite *suite = suite_create("results");
    TCase *tests = tcase_create("results");

    suite_add_tcase(suite, tests);
    tcase_add_unchecked_fixture(tests, NULL, networks_remove);
    tcase_add_test(tests, test_survives_other_elements);
    tcase_add_test(tests, test_two_networks);
    tcase_add_test(tests, test_messages);
    tcase_add_test(tests, test_statistics);
    return suite;
}

GST_CHECK_MAIN(results);
