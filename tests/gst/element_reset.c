/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The event table: which event resets the state, which keeps it, and what the metadata says. The
 * network sums its frames, all white: y is the number of frames since the last reset. */
#include "networks.h"
#include "stream.h"

static void
open_sum(Stream *stream, int size)
{
    g_autofree char *path = network_sum(size > 0 ? "sum4" : "sum", 3, size, size, NULL);
    g_autofree char *launch = g_strdup_printf("convrnn model=%s", path);

    stream_init(stream, launch);
    stream_set_caps(stream, "RGB", 4, 4, 25);
}

/* Frame `index` must be the `nth` since a reset, in this generation. */
static void
expect(Stream *stream, int index, int nth, int generation)
{
    GstConvRnnMetaInfo info;
    float y = stream_push_flat(stream, 255, index, &info);

    fail_unless(y == nth, "frame %d: y is %g, not %d", index, y, nth);
    fail_unless_equals_uint64(info.step, nth - 1);
    fail_unless_equals_uint64(info.generation, generation);
    fail_unless_equals_int((info.flags & GST_CONVRNN_META_RESET) != 0, nth == 1);
    fail_unless_equals_int(info.flags & GST_CONVRNN_META_SKIPPED, 0);
    fail_unless_equals_int64(info.pts_delta, nth == 1 ? -1 : (gint64)STREAM_FRAME);
}

static void
push_segment(Stream *stream, double rate, int start, int base)
{
    GstSegment segment;

    gst_segment_init(&segment, GST_FORMAT_TIME);
    segment.rate = rate;
    segment.start = segment.time = start * STREAM_FRAME;
    segment.base = base * STREAM_FRAME;
    fail_unless(gst_harness_push_event(stream->harness, gst_event_new_segment(&segment)));
}

GST_START_TEST(test_carried)
{
    Stream stream;

    open_sum(&stream, -1);
    for (int i = 0; i < 5; i++)
        expect(&stream, i, i + 1, 0);
    stream_clear(&stream);
}
GST_END_TEST;

GST_START_TEST(test_ready_to_paused)
{
    Stream stream;

    open_sum(&stream, -1);
    expect(&stream, 0, 1, 0);
    expect(&stream, 1, 2, 0);
    fail_unless(gst_element_set_state(stream.element, GST_STATE_READY) == GST_STATE_CHANGE_SUCCESS);
    fail_unless(gst_element_set_state(stream.element, GST_STATE_PLAYING) !=
                GST_STATE_CHANGE_FAILURE);
    fail_unless(gst_harness_push_event(stream.harness, gst_event_new_stream_start("again")));
    stream_set_caps(&stream, "RGB", 4, 4, 25);
    expect(&stream, 2, 1, 0);
    stream_clear(&stream);
}
GST_END_TEST;

GST_START_TEST(test_stream_start)
{
    Stream stream;

    open_sum(&stream, -1);
    fail_unless(gst_harness_push_event(stream.harness, gst_event_new_stream_start("one")));
    expect(&stream, 0, 1, 0);
    expect(&stream, 1, 2, 0);
    fail_unless(gst_harness_push_event(stream.harness, gst_event_new_stream_start("one")));
    expect(&stream, 2, 3, 0);
    fail_unless(gst_harness_push_event(stream.harness, gst_event_new_stream_start("two")));
    expect(&stream, 3, 1, 1);
    expect(&stream, 4, 2, 1);
    stream_clear(&stream);
}
GST_END_TEST;

GST_START_TEST(test_flush)
{
    Stream stream;

    open_sum(&stream, -1);
    expect(&stream, 0, 1, 0);
    expect(&stream, 1, 2, 0);
    fail_unless(gst_harness_push_event(stream.harness, gst_event_new_flush_start()));
    fail_unless(gst_harness_push_event(stream.harness, gst_event_new_flush_stop(TRUE)));
    push_segment(&stream, 1, 50, 0);
    expect(&stream, 50, 1, 1);
    expect(&stream, 51, 2, 1);
    stream_clear(&stream);
}
GST_END_TEST;

/* Two reasons between two frames are one reset, and a state that has seen nothing needs none. */
GST_START_TEST(test_reasons_add_up_to_one)
{
    Stream stream;

    open_sum(&stream, -1);
    g_signal_emit_by_name(stream.element, "reset-state");
    expect(&stream, 0, 1, 0);
    fail_unless(gst_harness_push_event(stream.harness, gst_event_new_flush_start()));
    fail_unless(gst_harness_push_event(stream.harness, gst_event_new_flush_stop(TRUE)));
    push_segment(&stream, 1, 50, 0);
    g_signal_emit_by_name(stream.element, "reset-state");
    expect(&stream, 50, 1, 1);
    stream_clear(&stream);
}
GST_END_TEST;

GST_START_TEST(test_segment_that_jumps)
{
    Stream stream;

    open_sum(&stream, -1);
    expect(&stream, 0, 1, 0);
    push_segment(&stream, 1, 30, 1);
    expect(&stream, 30, 1, 1);
    stream_clear(&stream);
}
GST_END_TEST;

GST_START_TEST(test_segment_that_goes_on)
{
    Stream stream;

    open_sum(&stream, -1);
    expect(&stream, 0, 1, 0);
    push_segment(&stream, 1, 1, 1);
    expect(&stream, 1, 2, 0);
    push_segment(&stream, 1, 1, 1);
    expect(&stream, 2, 3, 0);
    stream_clear(&stream);
}
GST_END_TEST;

GST_START_TEST(test_size_of_open_model)
{
    Stream stream;

    open_sum(&stream, -1);
    expect(&stream, 0, 1, 0);
    expect(&stream, 1, 2, 0);
    stream_set_caps(&stream, "RGB", 8, 4, 25);
    expect(&stream, 2, 1, 1);
    expect(&stream, 3, 2, 1);
    stream_clear(&stream);
}
GST_END_TEST;

/* The session stays, but what it has seen was another part of the world. */
GST_START_TEST(test_size_of_fixed_model)
{
    Stream stream;

    open_sum(&stream, 4);
    expect(&stream, 0, 1, 0);
    stream_set_caps(&stream, "RGB", 16, 8, 25);
    expect(&stream, 1, 1, 1);
    expect(&stream, 2, 2, 1);
    stream_clear(&stream);
}
GST_END_TEST;

GST_START_TEST(test_other_caps_keep)
{
    Stream stream;

    open_sum(&stream, __i__ ? 4 : -1);
    expect(&stream, 0, 1, 0);
    stream_set_caps(&stream, "RGB", 4, 4, 30);
    expect(&stream, 1, 2, 0);
    stream_set_caps(&stream, "BGRx", 4, 4, 30);
    expect(&stream, 2, 3, 0);
    stream_clear(&stream);
}
GST_END_TEST;

GST_START_TEST(test_discont)
{
    GstConvRnnMetaInfo info;
    GstConvRnnTensorView view;
    GstBuffer *frame, *out;
    Stream stream;

    open_sum(&stream, -1);
    expect(&stream, 0, 1, 0);
    frame = stream_flat_frame(&stream, 255, 5);
    GST_BUFFER_FLAG_SET(frame, GST_BUFFER_FLAG_DISCONT);
    out = stream_push(&stream, frame);
    fail_unless(*stream_tensor(out, "y", &view) == 2);
    stream_result(out, &info);
    fail_unless_equals_int(info.flags, GST_CONVRNN_META_DISCONT);
    fail_unless_equals_uint64(info.step, 1);
    fail_unless_equals_int64(info.pts_delta, 5 * STREAM_FRAME);
    gst_buffer_unref(out);
    expect(&stream, 6, 3, 0);
    stream_clear(&stream);
}
GST_END_TEST;

GST_START_TEST(test_gap)
{
    GstConvRnnMetaInfo info;
    GstBuffer *frame, *out;
    GstStructure *stats;
    guint64 skipped = 0;
    Stream stream;

    open_sum(&stream, -1);
    expect(&stream, 0, 1, 0);
    fail_unless(
        gst_harness_push_event(stream.harness, gst_event_new_gap(STREAM_FRAME, STREAM_FRAME)));
    frame = stream_flat_frame(&stream, 255, 2);
    GST_BUFFER_FLAG_SET(frame, GST_BUFFER_FLAG_GAP);
    out = stream_push(&stream, frame);
    fail_unless(GST_BUFFER_FLAG_IS_SET(out, GST_BUFFER_FLAG_GAP));
    fail_unless_equals_int(gst_convrnn_meta_get_n_tensors(stream_result(out, &info)), 0);
    fail_unless_equals_int(info.flags, GST_CONVRNN_META_SKIPPED);
    fail_unless_equals_uint64(info.step, 1);
    gst_buffer_unref(out);
    g_object_get(stream.element, "stats", &stats, NULL);
    fail_unless(gst_structure_get_uint64(stats, "skipped", &skipped));
    fail_unless_equals_uint64(skipped, 1);
    gst_structure_free(stats);
    fail_unless(stream_push_flat(&stream, 255, 3, &info) == 2);
    stream_clear(&stream);
}
GST_END_TEST;

GST_START_TEST(test_reverse)
{
    GQuark domain;
    GstBuffer *out;
    Stream stream;
    int code;

    open_sum(&stream, -1);
    expect(&stream, 0, 1, 0);
    push_segment(&stream, -1, 0, 1);
    for (int i = 9; i > 5; i--) {
        out = stream_push(&stream, stream_flat_frame(&stream, 255, i));
        fail_unless(gst_convrnn_meta_get(out, NULL) == NULL);
        gst_buffer_unref(out);
    }
    g_autofree char *text = stream_take_error(stream.bus, GST_MESSAGE_WARNING, &domain, &code);
    fail_unless_equals_string(text,
                              "The stream plays backwards, and a recurrent network runs forward "
                              "only. Frames pass without results until it plays forward again.");
    fail_unless(stream_take_message(stream.bus, GST_MESSAGE_WARNING) == NULL);
    push_segment(&stream, 1, 6, 5);
    expect(&stream, 6, 1, 1);
    stream_clear(&stream);
}
GST_END_TEST;

GST_START_TEST(test_signal)
{
    GstStructure *stats;
    guint64 resets = 0;
    Stream stream;

    open_sum(&stream, -1);
    expect(&stream, 0, 1, 0);
    expect(&stream, 1, 2, 0);
    g_signal_emit_by_name(stream.element, "reset-state");
    expect(&stream, 2, 1, 1);
    expect(&stream, 3, 2, 1);
    g_object_get(stream.element, "stats", &stats, NULL);
    fail_unless(gst_structure_get_uint64(stats, "resets", &resets));
    fail_unless_equals_uint64(resets, 1);
    gst_structure_free(stats);
    stream_clear(&stream);
}
GST_END_TEST;

/* log 0 is −∞. The frame says so, the next one starts afresh, and only the first of a run warns. */
GST_START_TEST(test_invalid_state)
{
    g_autofree char *path = network_log("log");
    g_autofree char *launch = g_strdup_printf("convrnn model=%s", path);
    g_autofree char *want = g_strdup_printf("A NaN or an infinity came up in the state of model "
                                            "\"%s\" in step 1. The state has been reset.",
                                            path);
    GstConvRnnMetaInfo info;
    GQuark domain;
    Stream stream;
    int code;

    stream_init(&stream, launch);
    stream_set_caps(&stream, "RGB", 4, 4, 25);
    fail_unless(stream_push_flat(&stream, 255, 0, &info) == 1);
    fail_unless_equals_int(info.flags, GST_CONVRNN_META_RESET);
    stream_push_flat(&stream, 0, 1, &info);
    fail_unless_equals_int(info.flags, GST_CONVRNN_META_STATE_INVALID);
    fail_unless_equals_uint64(info.step, 1);
    stream_push_flat(&stream, 0, 2, &info);
    fail_unless_equals_int(info.flags, GST_CONVRNN_META_STATE_INVALID | GST_CONVRNN_META_RESET);
    fail_unless_equals_uint64(info.step, 0);
    fail_unless_equals_uint64(info.generation, 1);
    stream_push_flat(&stream, 255, 3, &info);
    fail_unless_equals_int(info.flags, GST_CONVRNN_META_RESET);
    fail_unless_equals_uint64(info.generation, 2);
    stream_push_flat(&stream, 255, 4, &info);
    fail_unless_equals_int(info.flags, 0);
    fail_unless_equals_uint64(info.step, 1);

    g_autofree char *text = stream_take_error(stream.bus, GST_MESSAGE_WARNING, &domain, &code);
    fail_unless_equals_string(text, want);
    fail_unless(domain == GST_STREAM_ERROR && code == GST_STREAM_ERROR_FAILED);
    fail_unless(stream_take_message(stream.bus, GST_MESSAGE_WARNING) == NULL);
    stream_clear(&stream);
}
GST_END_TEST;

/* With the base class's qos on and a hopeless deadline, no frame is dropped. */
GST_START_TEST(test_no_frame_is_dropped)
{
    Stream stream;

    open_sum(&stream, -1);
    g_object_set(stream.element, "qos", TRUE, NULL);
    expect(&stream, 0, 1, 0);
    gst_harness_push_upstream_event(
        stream.harness,
        gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 0.1, 10 * GST_SECOND, STREAM_FRAME));
    for (int i = 1; i < 5; i++)
        expect(&stream, i, i + 1, 0);
    stream_clear(&stream);
}
GST_END_TEST;

static Suite *
reset_suite(void)
{
    Suite *suite = suite_create("reset");
    TCase *tests = tcase_create("reset");

    suite_add_tcase(suite, tests);
    tcase_add_unchecked_fixture(tests, NULL, networks_remove);
    tcase_add_test(tests, test_carried);
    tcase_add_test(tests, test_ready_to_paused);
    tcase_add_test(tests, test_stream_start);
    tcase_add_test(tests, test_flush);
    tcase_add_test(tests, test_reasons_add_up_to_one);
    tcase_add_test(tests, test_segment_that_jumps);
    tcase_add_test(tests, test_segment_that_goes_on);
    tcase_add_test(tests, test_size_of_open_model);
    tcase_add_test(tests, test_size_of_fixed_model);
    tcase_add_loop_test(tests, test_other_caps_keep, 0, 2);
    tcase_add_test(tests, test_discont);
    tcase_add_test(tests, test_gap);
    tcase_add_test(tests, test_reverse);
    tcase_add_test(tests, test_signal);
    tcase_add_test(tests, test_invalid_state);
    tcase_add_test(tests, test_no_frame_is_dropped);
    return suite;
}

GST_CHECK_MAIN(reset);
