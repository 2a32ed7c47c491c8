/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames that come too late, and fewer steps than frames: target-framerate, late-policy,
 * max-latency, QoS events and messages. The network sums its frames, all white: y is the number of
 * frames it has seen. */
#include "networks.h"
#include "stream.h"
#include <gst/check/gsttestclock.h>

static void
open_sum(Stream *stream, const char *properties)
{
    g_autofree char *path = network_sum("sum", 3, -1, -1, NULL);
    g_autofree char *launch = g_strdup_printf("convrnn model=%s %s", path, properties);

    stream_init(stream, launch);
    stream_set_caps(stream, "RGB", 4, 4, 25);
}

/* Frame `index` is the `nth` step, or skipped for `cause`. */
static void
expect(Stream *stream, int index, int nth, const char *cause)
{
    GstBuffer *out = stream_push(stream, stream_flat_frame(stream, 255, index));
    const GstStructure *fields;
    GstConvRnnTensorView view;
    GstConvRnnMetaInfo info;

    fields = gst_custom_meta_get_structure(stream_result(out, &info));
    fail_unless(GST_BUFFER_PTS(out) == (GstClockTime)index * STREAM_FRAME);
    if (cause == NULL) {
        fail_unless(!(info.flags & GST_CONVRNN_META_SKIPPED), "frame %d skipped: %s", index,
                    gst_structure_get_string(fields, "skip-cause"));
        fail_unless_equals_float(*stream_tensor(out, "y", &view), nth);
        fail_if(gst_structure_has_field(fields, "skip-cause"));
    } else {
        fail_unless(info.flags & GST_CONVRNN_META_SKIPPED, "frame %d", index);
        fail_unless_equals_string(gst_structure_get_string(fields, "skip-cause"), cause);
        fail_unless_equals_uint64(info.step, nth);
    }
    gst_buffer_unref(out);
}

static guint64
get_count(Stream *stream, const char *field)
{
    GstStructure *stats;
    guint64 count = 99;

    g_object_get(stream->element, "stats", &stats, NULL);
    fail_unless(gst_structure_get_uint64(stats, field, &count), "no field %s", field);
    gst_structure_free(stats);
    return count;
}

/* The sink says that the frame `index` came so many frames too late. */
static void
push_qos(Stream *stream, int index, int late)
{
    fail_unless(gst_harness_push_upstream_event(
        stream->harness,
        gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 2.0, late * (GstClockTimeDiff)STREAM_FRAME,
                          index * STREAM_FRAME)));
}

GST_START_TEST(test_defaults)
{
    GstClockTime max_latency = 0;
    int n = 9, d = 9, policy = 9;
    GValue rate = G_VALUE_INIT;
    Stream stream;

    open_sum(&stream, "");
    g_object_get(stream.element, "late-policy", &policy, "max-latency", &max_latency, NULL);
    g_value_init(&rate, GST_TYPE_FRACTION);
    g_object_get_property(G_OBJECT(stream.element), "target-framerate", &rate);
    n = gst_value_get_fraction_numerator(&rate);
    d = gst_value_get_fraction_denominator(&rate);
    fail_unless_equals_int(policy, 0);
    fail_unless(max_latency == GST_CLOCK_TIME_NONE);
    fail_unless(n == 0 && d == 1);
    stream_clear(&stream);
}
GST_END_TEST;

/* 25 frames per second, 10 steps: at the frames nearest to 0, 100, 200… ms. */
GST_START_TEST(test_target_framerate)
{
    static const int steps[] = {0, 2, 5, 7, 10, 12, 15, 17, 20, 22};
    int nth = 0;
    Stream stream;

    open_sum(&stream, "target-framerate=10/1");
    for (int i = 0; i < 25; i++) {
        if (nth < 10 && steps[nth] == i)
            expect(&stream, i, ++nth, NULL);
        else
            expect(&stream, i, nth, "framerate");
    }
    fail_unless_equals_int(nth, 10);
    fail_unless_equals_uint64(get_count(&stream, "skipped-framerate"), 15);
    fail_unless_equals_uint64(get_count(&stream, "skipped"), 15);
    stream_clear(&stream);
}
GST_END_TEST;

/* With the default nothing that a sink says has an effect. */
GST_START_TEST(test_process_in_spite_of_qos)
{
    Stream stream;

    open_sum(&stream, "qos=true max-latency=0");
    expect(&stream, 0, 1, NULL);
    push_qos(&stream, 0, 10);
    for (int i = 1; i < 10; i++)
        expect(&stream, i, i + 1, NULL);
    fail_unless(stream_take_message(stream.bus, GST_MESSAGE_QOS) == NULL);
    stream_clear(&stream);
}
GST_END_TEST;

static void
expect_qos_message(Stream *stream, int index, guint64 processed, guint64 skipped)
{
    GstMessage *message = stream_take_message(stream->bus, GST_MESSAGE_QOS);
    guint64 running_time, stream_time, pts, duration, found_processed, found_skipped;
    GstFormat format;
    double proportion;
    gint64 jitter;
    gboolean live;

    fail_unless(message != NULL);
    gst_message_parse_qos(message, &live, &running_time, &stream_time, &pts, &duration);
    gst_message_parse_qos_values(message, &jitter, &proportion, NULL);
    gst_message_parse_qos_stats(message, &format, &found_processed, &found_skipped);
    fail_unless_equals_uint64(running_time, index * STREAM_FRAME);
    fail_unless_equals_uint64(stream_time, index * STREAM_FRAME);
    fail_unless_equals_uint64(pts, index * STREAM_FRAME);
    fail_unless_equals_uint64(duration, STREAM_FRAME);
    fail_unless(jitter > 0 && proportion == 2.0 && format == GST_FORMAT_BUFFERS);
    fail_unless_equals_uint64(found_processed, processed);
    fail_unless_equals_uint64(found_skipped, skipped);
    gst_message_unref(message);
}

/* Two frames late at frame 1: frames before 5 are skipped. Each says so on the bus, and goes on. */
GST_START_TEST(test_skip_by_qos)
{
    Stream stream;

    open_sum(&stream, "late-policy=skip");
    expect(&stream, 0, 1, NULL);
    expect(&stream, 1, 2, NULL);
    push_qos(&stream, 1, 2);
    for (int i = 2; i < 5; i++)
        expect(&stream, i, 2, "late");
    expect(&stream, 5, 3, NULL);
    for (int i = 2; i < 5; i++)
        expect_qos_message(&stream, i, 2, i - 1);
    fail_unless(stream_take_message(stream.bus, GST_MESSAGE_QOS) == NULL);
    fail_unless_equals_uint64(get_count(&stream, "skipped-late"), 3);
    fail_unless_equals_uint64(get_count(&stream, "steps"), 3);
    stream_clear(&stream);
}
GST_END_TEST;

/* Upstream elements hear of it, too. */
GST_START_TEST(test_qos_goes_on)
{
    GstEvent *event;
    Stream stream;
    int found = 0;

    open_sum(&stream, "late-policy=skip");
    push_qos(&stream, 1, 2);
    while ((event = gst_harness_try_pull_upstream_event(stream.harness)) != NULL) {
        found += GST_EVENT_TYPE(event) == GST_EVENT_QOS;
        gst_event_unref(event);
    }
    fail_unless_equals_int(found, 1);
    stream_clear(&stream);
}
GST_END_TEST;

GST_START_TEST(test_flush_forgets_qos)
{
    Stream stream;

    open_sum(&stream, "late-policy=skip");
    expect(&stream, 0, 1, NULL);
    push_qos(&stream, 0, 10);
    expect(&stream, 1, 1, "late");
    gst_harness_push_event(stream.harness, gst_event_new_flush_start());
    gst_harness_push_event(stream.harness, gst_event_new_flush_stop(TRUE));
    stream_set_caps(&stream, "RGB", 4, 4, 25);
    expect(&stream, 0, 1, NULL);
    expect(&stream, 1, 2, NULL);
    stream_clear(&stream);
}
GST_END_TEST;

/* Late at the element, by the pipeline's clock, whatever a sink says. */
GST_START_TEST(test_max_latency)
{
    GstTestClock *clock;
    Stream stream;

    open_sum(&stream, "late-policy=skip max-latency=100000000");
    gst_harness_use_testclock(stream.harness);
    clock = gst_harness_get_testclock(stream.harness);
    for (int i = 0; i < 3; i++) {
        gst_test_clock_set_time(clock, i * STREAM_FRAME);
        expect(&stream, i, i + 1, NULL);
    }
    /* 100 ms behind is still allowed. */
    gst_test_clock_set_time(clock, 3 * STREAM_FRAME + 100 * GST_MSECOND);
    expect(&stream, 3, 4, NULL);
    gst_test_clock_set_time(clock, 4 * STREAM_FRAME + 101 * GST_MSECOND);
    expect(&stream, 4, 4, "late");
    g_object_set(stream.element, "late-policy", 0, NULL);
    expect(&stream, 5, 5, NULL);
    g_object_set(stream.element, "late-policy", 1, NULL);
    gst_test_clock_set_time(clock, 10 * STREAM_FRAME);
    expect(&stream, 6, 5, "late");
    expect(&stream, 8, 6, NULL);
    gst_object_unref(clock);
    stream_clear(&stream);
}
GST_END_TEST;

/* However late, there is a step each second. */
GST_START_TEST(test_never_starves)
{
    Stream stream;

    open_sum(&stream, "late-policy=skip");
    expect(&stream, 0, 1, NULL);
    push_qos(&stream, 0, 1000);
    for (int i = 1; i <= 100; i++)
        expect(&stream, i, i / 25 + 1, i % 25 == 0 ? NULL : "late");
    stream_clear(&stream);
}
GST_END_TEST;

/* A slow network before a real sink: all frames arrive, some with a step, and the sum of both is
 * all. How many are skipped is a matter of the machine. */
GST_START_TEST(test_in_pipeline)
{
    g_autofree char *path = network_gated("gated");
    g_autofree char *launch =
        g_strdup_printf("videotestsrc num-buffers=20 ! video/x-raw,format=RGB,width=160,height=120,"
                        "framerate=1000/1 ! convrnn name=net model=%s late-policy=skip ! "
                        "fakesink name=sink sync=true qos=true",
                        path);
    GstElement *pipeline = gst_parse_launch(launch, NULL);
    GstElement *net = gst_bin_get_by_name(GST_BIN(pipeline), "net");
    GstElement *sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");
    guint64 steps = 0, skipped = 0, rendered = 0, dropped = 0;
    GstBus *bus = gst_element_get_bus(pipeline);
    GstStructure *stats, *sink_stats;
    GstMessage *message;

    g_object_set(sink, "max-lateness", G_GINT64_CONSTANT(-1), NULL);
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    message =
        gst_bus_timed_pop_filtered(bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    fail_unless(GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS);
    gst_message_unref(message);
    g_object_get(net, "stats", &stats, NULL);
    g_object_get(sink, "stats", &sink_stats, NULL);
    gst_structure_get(stats, "steps", G_TYPE_UINT64, &steps, "skipped", G_TYPE_UINT64, &skipped,
                      NULL);
    gst_structure_get(sink_stats, "rendered", G_TYPE_UINT64, &rendered, "dropped", G_TYPE_UINT64,
                      &dropped, NULL);
    fail_unless(steps >= 1);
    fail_unless_equals_uint64(steps + skipped, 20);
    fail_unless_equals_uint64(rendered + dropped, 20);
    gst_structure_free(stats);
    gst_structure_free(sink_stats);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(bus);
    gst_object_unref(net);
    gst_object_unref(sink);
    gst_object_unref(pipeline);
}
GST_END_TEST;

static Suite *
late_suite(void)
{
    Suite *suite = suite_create("late");
    TCase *tests = tcase_create("late");

    suite_add_tcase(suite, tests);
    tcase_add_unchecked_fixture(tests, NULL, networks_remove);
    tcase_add_test(tests, test_defaults);
    tcase_add_test(tests, test_target_framerate);
    tcase_add_test(tests, test_process_in_spite_of_qos);
    tcase_add_test(tests, test_skip_by_qos);
    tcase_add_test(tests, test_qos_goes_on);
    tcase_add_test(tests, test_flush_forgets_qos);
    tcase_add_test(tests, test_max_latency);
    tcase_add_test(tests, test_never_starves);
    tcase_add_test(tests, test_in_pipeline);
    return suite;
}

GST_CHECK_MAIN(late);
