/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the properties reset-on and state-window change about the event table. The network sums its
 * frames, all white: y is the number of frames since the last reset. */
#include "networks.h"
#include "state_rules.h"
#include "stream.h"

static void
open_sum(Stream *stream, int size, const char *properties)
{
    g_autofree char *path = network_sum(size > 0 ? "sum4" : "sum", 3, size, size, NULL);
    g_autofree char *launch = g_strdup_printf("convrnn model=%s %s", path, properties);

    stream_init(stream, launch);
    stream_set_caps(stream, "RGB", 4, 4, 25);
}

/* Frame `index` must be the `nth` since a reset, in this generation. */
static void
expect_flagged(Stream *stream, GstBufferFlags flags, int index, int nth, int generation)
{
    GstBuffer *frame = stream_flat_frame(stream, 255, index), *out;
    GstConvRnnTensorView view;
    GstConvRnnMetaInfo info;
    float y;

    GST_BUFFER_FLAG_SET(frame, flags);
    out = stream_push(stream, frame);
    stream_result(out, &info);
    y = *stream_tensor(out, "y", &view);
    fail_unless(y == nth, "frame %d: y is %g, not %d", index, y, nth);
    fail_unless_equals_uint64(info.step, nth - 1);
    fail_unless_equals_uint64(info.generation, generation);
    fail_unless_equals_int((info.flags & GST_CONVRNN_META_RESET) != 0, nth == 1);
    fail_unless_equals_int((info.flags & GST_CONVRNN_META_DISCONT) != 0,
                           (flags & GST_BUFFER_FLAG_DISCONT) != 0);
    gst_buffer_unref(out);
}

static void
expect(Stream *stream, int index, int nth, int generation)
{
    expect_flagged(stream, 0, index, nth, generation);
}

static void
expect_skipped(Stream *stream, int index, int steps, int generation)
{
    GstBuffer *frame = stream_flat_frame(stream, 255, index), *out;
    GstConvRnnMetaInfo info;

    GST_BUFFER_FLAG_SET(frame, GST_BUFFER_FLAG_GAP);
    out = stream_push(stream, frame);
    stream_result(out, &info);
    fail_unless_equals_int(info.flags, GST_CONVRNN_META_SKIPPED);
    fail_unless_equals_uint64(info.step, steps);
    fail_unless_equals_uint64(info.generation, generation);
    gst_buffer_unref(out);
}

static void
push(Stream *stream, GstEvent *event)
{
    fail_unless(gst_harness_push_event(stream->harness, event));
}

static void
push_segment(Stream *stream, int start)
{
    GstSegment segment;

    gst_segment_init(&segment, GST_FORMAT_TIME);
    segment.start = segment.time = start * STREAM_FRAME;
    push(stream, gst_event_new_segment(&segment));
}

/* The caps alone: the harness would send a segment with them. */
static void
push_larger_caps(Stream *stream)
{
    GstCaps *caps;

    gst_video_info_set_format(&stream->info, GST_VIDEO_FORMAT_RGB, 16, 8);
    caps = gst_video_info_to_caps(&stream->info);
    push(stream, gst_event_new_caps(caps));
    gst_caps_unref(caps);
}

static void
flush_to(Stream *stream, int start)
{
    push(stream, gst_event_new_flush_start());
    push(stream, gst_event_new_flush_stop(TRUE));
    push_segment(stream, start);
}

GST_START_TEST(test_default)
{
    guint window = 9, causes = 0;
    Stream stream;

    open_sum(&stream, -1, "");
    g_object_get(stream.element, "state-window", &window, "reset-on", &causes, NULL);
    fail_unless_equals_int(window, 0);
    fail_unless_equals_int(causes, CR_RESET_ON_NEW_STREAM | CR_RESET_ON_FLUSH |
                                       CR_RESET_ON_SEGMENT | CR_RESET_ON_CAPS);
    stream_clear(&stream);
}
GST_END_TEST;

/* The signal resets nevertheless. */
GST_START_TEST(test_nothing)
{
    Stream stream;

    open_sum(&stream, 4, "reset-on=0");
    push(&stream, gst_event_new_stream_start("one"));
    expect(&stream, 0, 1, 0);
    push(&stream, gst_event_new_stream_start("two"));
    expect(&stream, 1, 2, 0);
    flush_to(&stream, 50);
    expect(&stream, 50, 3, 0);
    push_segment(&stream, 90);
    expect(&stream, 90, 4, 0);
    push_larger_caps(&stream);
    expect(&stream, 91, 5, 0);
    expect_flagged(&stream, GST_BUFFER_FLAG_DISCONT, 92, 6, 0);
    expect_skipped(&stream, 93, 6, 0);
    g_signal_emit_by_name(stream.element, "reset-state");
    expect(&stream, 94, 1, 1);
    stream_clear(&stream);
}
GST_END_TEST;

/* Each alone: of all events, just this one resets. */
GST_START_TEST(test_one)
{
    static const char *const names[] = {"new-stream", "flush", "segment", "caps", "discont", "gap"};
    g_autofree char *properties = g_strdup_printf("reset-on=%s", names[__i__]);
    int nth = 0, generation = 0;
    Stream stream;

    open_sum(&stream, 4, properties);
    push(&stream, gst_event_new_stream_start("one"));
    for (int event = -1; event < 6; event++) {
        if (event == 0)
            push(&stream, gst_event_new_stream_start("two"));
        else if (event == 1)
            flush_to(&stream, 100 * event);
        else if (event == 2)
            push_segment(&stream, 100 * event);
        else if (event == 3)
            push_larger_caps(&stream);
        else if (event == 5)
            push(&stream, gst_event_new_gap(5 * STREAM_FRAME, STREAM_FRAME));
        if (event == __i__)
            generation++;
        nth = event == __i__ ? 1 : nth + 1;
        expect_flagged(&stream, event == 4 ? GST_BUFFER_FLAG_DISCONT : 0, 300 + event, nth,
                       generation);
    }
    stream_clear(&stream);
}
GST_END_TEST;

/* The state's shape follows the frame's: there is nothing to keep. */
GST_START_TEST(test_open_size_resets_anyway)
{
    Stream stream;

    open_sum(&stream, -1, "reset-on=0");
    expect(&stream, 0, 1, 0);
    stream_set_caps(&stream, "RGB", 8, 4, 25);
    expect(&stream, 1, 1, 1);
    stream_clear(&stream);
}
GST_END_TEST;

/* A frame that is flagged GAP is itself behind the reset. */
GST_START_TEST(test_gap_buffer)
{
    Stream stream;

    open_sum(&stream, -1, "reset-on=gap");
    expect(&stream, 0, 1, 0);
    expect_skipped(&stream, 1, 0, 1);
    expect(&stream, 2, 1, 1);
    stream_clear(&stream);
}
GST_END_TEST;

GST_START_TEST(test_change_while_playing)
{
    Stream stream;

    open_sum(&stream, -1, "");
    expect(&stream, 0, 1, 0);
    expect_flagged(&stream, GST_BUFFER_FLAG_DISCONT, 1, 2, 0);
    gst_util_set_object_arg(G_OBJECT(stream.element), "reset-on", "flush+discont");
    expect_flagged(&stream, GST_BUFFER_FLAG_DISCONT, 2, 1, 1);
    stream_clear(&stream);
}
GST_END_TEST;

GST_START_TEST(test_window)
{
    Stream stream;

    open_sum(&stream, -1, "state-window=3");
    for (int i = 0; i < 10; i++)
        expect(&stream, i, i % 3 + 1, i / 3);
    stream_clear(&stream);
}
GST_END_TEST;

/* Steps count, not frames; another reset begins another window. */
GST_START_TEST(test_window_of_steps)
{
    Stream stream;

    open_sum(&stream, -1, "state-window=2");
    expect(&stream, 0, 1, 0);
    expect_skipped(&stream, 1, 1, 0);
    expect(&stream, 2, 2, 0);
    expect_skipped(&stream, 3, 2, 0);
    expect(&stream, 4, 1, 1);
    g_signal_emit_by_name(stream.element, "reset-state");
    expect(&stream, 5, 1, 2);
    expect(&stream, 6, 2, 2);
    expect(&stream, 7, 1, 3);
    stream_clear(&stream);
}
GST_END_TEST;

static GstEvent *
new_reset_event(GstEventType type, const char *element)
{
    GstStructure *fields = gst_structure_new_empty("convrnn-reset");

    if (element != NULL)
        gst_structure_set(fields, "element", G_TYPE_STRING, element, NULL);
    return gst_event_new_custom(type, fields);
}

static int
count_events(GstHarness *harness, GstEvent *(*pull)(GstHarness *), GstEventType type)
{
    GstEvent *event;
    int n = 0;

    while ((event = pull(harness)) != NULL) {
        n += GST_EVENT_TYPE(event) == type;
        gst_event_unref(event);
    }
    return n;
}

/* Custom events reset, whatever reset-on holds, and go on to other elements. */
GST_START_TEST(test_event_downstream)
{
    Stream stream;

    open_sum(&stream, -1, "name=net reset-on=0");
    expect(&stream, 0, 1, 0);
    push(&stream, new_reset_event(GST_EVENT_CUSTOM_DOWNSTREAM, NULL));
    expect(&stream, 1, 1, 1);
    push(&stream, new_reset_event(GST_EVENT_CUSTOM_DOWNSTREAM, "net"));
    push(&stream, new_reset_event(GST_EVENT_CUSTOM_DOWNSTREAM_OOB, "net"));
    expect(&stream, 2, 1, 2);
    push(&stream, new_reset_event(GST_EVENT_CUSTOM_DOWNSTREAM, "another"));
    push(&stream,
         gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty("something")));
    expect(&stream, 3, 2, 2);
    fail_unless_equals_int(
        count_events(stream.harness, gst_harness_try_pull_event, GST_EVENT_CUSTOM_DOWNSTREAM), 4);
    stream_clear(&stream);
}
GST_END_TEST;

GST_START_TEST(test_event_upstream)
{
    Stream stream;

    open_sum(&stream, -1, "name=net reset-on=0");
    expect(&stream, 0, 1, 0);
    gst_harness_push_upstream_event(stream.harness,
                                    new_reset_event(GST_EVENT_CUSTOM_UPSTREAM, "another"));
    expect(&stream, 1, 2, 0);
    gst_harness_push_upstream_event(stream.harness,
                                    new_reset_event(GST_EVENT_CUSTOM_UPSTREAM, NULL));
    expect(&stream, 2, 1, 1);
    fail_unless_equals_int(count_events(stream.harness, gst_harness_try_pull_upstream_event,
                                        GST_EVENT_CUSTOM_UPSTREAM),
                           2);
    stream_clear(&stream);
}
GST_END_TEST;

static void
expect_resets(Stream *stream, const char *cause, guint64 want)
{
    g_autofree char *field = g_strconcat("resets-", cause, NULL);
    GstStructure *stats;
    guint64 found = 99;

    g_object_get(stream->element, "stats", &stats, NULL);
    fail_unless(gst_structure_get_uint64(stats, field, &found), "no field %s", field);
    fail_unless(found == want, "%s: %d, not %d", field, (int)found, (int)want);
    gst_structure_free(stats);
}

/* Each reset is counted once, for its first cause. */
GST_START_TEST(test_counts_by_cause)
{
    Stream stream;

    open_sum(&stream, 4, "state-window=2 reset-on=new-stream+flush+segment+caps+discont+gap");
    push(&stream, gst_event_new_stream_start("one"));
    expect(&stream, 0, 1, 0);
    push(&stream, gst_event_new_stream_start("two"));
    g_signal_emit_by_name(stream.element, "reset-state");
    expect(&stream, 1, 1, 1);
    flush_to(&stream, 50);
    expect(&stream, 50, 1, 2);
    push_segment(&stream, 90);
    expect(&stream, 90, 1, 3);
    push_larger_caps(&stream);
    expect(&stream, 91, 1, 4);
    expect_flagged(&stream, GST_BUFFER_FLAG_DISCONT, 92, 1, 5);
    expect_skipped(&stream, 93, 0, 6);
    expect(&stream, 94, 1, 6);
    expect(&stream, 95, 2, 6);
    expect(&stream, 96, 1, 7);
    g_signal_emit_by_name(stream.element, "reset-state");
    expect(&stream, 97, 1, 8);
    push(&stream, new_reset_event(GST_EVENT_CUSTOM_DOWNSTREAM, NULL));
    expect(&stream, 98, 1, 9);
    for (const char *const *cause =
             (const char *const[]){"new-stream", "flush", "segment", "caps", "discont", "gap",
                                   "window", "signal", "event", NULL};
         *cause != NULL; cause++)
        expect_resets(&stream, *cause, 1);
    expect_resets(&stream, "state-invalid", 0);
    expect_resets(&stream, "model", 0);
    stream_clear(&stream);
}
GST_END_TEST;

static Suite *
reset_on_suite(void)
{
    Suite *suite = suite_create("reset-on");
    TCase *tests = tcase_create("reset-on");

    suite_add_tcase(suite, tests);
    tcase_add_unchecked_fixture(tests, NULL, networks_remove);
    tcase_add_test(tests, test_default);
    tcase_add_test(tests, test_nothing);
    tcase_add_loop_test(tests, test_one, 0, 6);
    tcase_add_test(tests, test_open_size_resets_anyway);
    tcase_add_test(tests, test_gap_buffer);
    tcase_add_test(tests, test_change_while_playing);
    tcase_add_test(tests, test_window);
    tcase_add_test(tests, test_window_of_steps);
    tcase_add_test(tests, test_event_downstream);
    tcase_add_test(tests, test_event_upstream);
    tcase_add_test(tests, test_counts_by_cause);
    return suite;
}

GST_CHECK_MAIN(reset_on);
