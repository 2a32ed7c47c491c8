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
    return suite;
}

GST_CHECK_MAIN(reset_on);
