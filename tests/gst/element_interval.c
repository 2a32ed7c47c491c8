/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The property inference-interval: which frames are steps. The network sums its frames; a frame of
 * value i counts i/255, so that the sum tells which frames it has seen. */
#include "networks.h"
#include "stream.h"
#include <math.h>

static void
open_sum(Stream *stream, const char *properties)
{
    g_autofree char *path = network_sum("sum", 3, -1, -1, NULL);
    g_autofree char *launch = g_strdup_printf("convrnn model=%s %s", path, properties);

    stream_init(stream, launch);
    stream_set_caps(stream, "RGB", 4, 4, 25);
}

static GstBuffer *
push_flagged(Stream *stream, int index, GstBufferFlags flags, GstConvRnnMetaInfo *info)
{
    GstBuffer *frame = stream_flat_frame(stream, 255, index), *out;

    GST_BUFFER_FLAG_SET(frame, flags);
    out = stream_push(stream, frame);
    stream_result(out, info);
    return out;
}

/* Frame `index` is the `nth` step since a reset. */
static void
expect_step(Stream *stream, int index, int nth, int generation)
{
    GstConvRnnMetaInfo info;
    GstConvRnnTensorView view;
    GstBuffer *out = push_flagged(stream, index, 0, &info);

    fail_unless_equals_int(info.flags, nth == 1 ? GST_CONVRNN_META_RESET : 0);
    fail_unless_equals_uint64(info.step, nth - 1);
    fail_unless_equals_uint64(info.generation, generation);
    fail_unless(*stream_tensor(out, "y", &view) == nth);
    gst_buffer_unref(out);
}

/* Frame `index` passes after `steps` steps, `since` frames behind the last. */
static void
expect_skipped(Stream *stream, int index, GstBufferFlags flags, int steps, int since)
{
    GstConvRnnMetaInfo info;
    GstBuffer *out = push_flagged(stream, index, flags, &info);

    fail_unless_equals_int(info.flags, GST_CONVRNN_META_SKIPPED);
    fail_unless_equals_uint64(info.step, steps);
    fail_unless_equals_int64(info.pts_delta, since > 0 ? since * (gint64)STREAM_FRAME : -1);
    fail_unless_equals_int(gst_convrnn_meta_get_n_tensors(gst_convrnn_meta_get(out, NULL)), 0);
    gst_buffer_unref(out);
}

static void
expect_counts(Stream *stream, guint64 steps, guint64 skipped)
{
    guint64 found_steps = 99, found_skipped = 99;
    GstStructure *stats;

    g_object_get(stream->element, "stats", &stats, NULL);
    fail_unless(gst_structure_get(stats, "steps", G_TYPE_UINT64, &found_steps, "skipped",
                                  G_TYPE_UINT64, &found_skipped, NULL));
    fail_unless_equals_uint64(found_steps, steps);
    fail_unless_equals_uint64(found_skipped, skipped);
    gst_structure_free(stats);
}

GST_START_TEST(test_every_nth)
{
    g_autofree char *properties = g_strdup_printf("inference-interval=%d", __i__);
    int nth = 0;
    Stream stream;

    open_sum(&stream, properties);
    for (int i = 0; i < 12; i++)
        if (i % __i__ == 0)
            expect_step(&stream, i, ++nth, 0);
        else
            expect_skipped(&stream, i, 0, nth, i % __i__);
    expect_counts(&stream, nth, 12 - nth);
    stream_clear(&stream);
}
GST_END_TEST;

/* The state sees the frames that are steps, and no others. */
GST_START_TEST(test_sees_only_its_frames)
{
    GstConvRnnMetaInfo info;
    Stream stream;
    int sum = 0;

    open_sum(&stream, "inference-interval=3");
    for (int i = 0; i < 10; i++) {
        float y = stream_push_flat(&stream, (guint8)(10 + i), i, &info);

        if (i % 3 != 0) {
            fail_unless(isnan(y));
            continue;
        }
        sum += 10 + i;
        fail_unless(fabsf(y - sum / 255.0f) < 1e-6f, "frame %d: %g", i, y);
    }
    stream_clear(&stream);
}
GST_END_TEST;

/* Results of what was before are not held over a reset: the frame behind it is a step. */
GST_START_TEST(test_reset_begins_anew)
{
    Stream stream;

    open_sum(&stream, "inference-interval=4");
    expect_step(&stream, 0, 1, 0);
    expect_skipped(&stream, 1, 0, 1, 1);
    g_signal_emit_by_name(stream.element, "reset-state");
    expect_step(&stream, 2, 1, 1);
    for (int i = 1; i < 4; i++)
        expect_skipped(&stream, 2 + i, 0, 1, i);
    expect_step(&stream, 6, 2, 1);
    stream_clear(&stream);
}
GST_END_TEST;

/* A gap has its place in the row; where a step was due, the next frame makes it. */
GST_START_TEST(test_gap)
{
    Stream stream;

    open_sum(&stream, "inference-interval=2");
    expect_skipped(&stream, 0, GST_BUFFER_FLAG_GAP, 0, 0);
    expect_step(&stream, 1, 1, 0);
    expect_skipped(&stream, 2, GST_BUFFER_FLAG_GAP, 1, 1);
    expect_step(&stream, 3, 2, 0);
    expect_skipped(&stream, 4, 0, 2, 1);
    expect_skipped(&stream, 5, GST_BUFFER_FLAG_GAP, 2, 2);
    expect_step(&stream, 6, 3, 0);
    expect_counts(&stream, 3, 4);
    stream_clear(&stream);
}
GST_END_TEST;

/* A window counts steps, and the one that begins another keeps its place. */
GST_START_TEST(test_with_window)
{
    Stream stream;

    open_sum(&stream, "inference-interval=2 state-window=2");
    for (int i = 0; i < 12; i += 2) {
        expect_step(&stream, i, i / 2 % 2 + 1, i / 4);
        expect_skipped(&stream, i + 1, 0, i / 2 % 2 + 1, 1);
    }
    stream_clear(&stream);
}
GST_END_TEST;

GST_START_TEST(test_set_state)
{
    GBytes *state = NULL;
    gboolean good = FALSE;
    Stream stream;

    open_sum(&stream, "inference-interval=3");
    expect_step(&stream, 0, 1, 0);
    expect_skipped(&stream, 1, 0, 1, 1);
    g_signal_emit_by_name(stream.element, "get-state", &state);
    g_signal_emit_by_name(stream.element, "set-state", state, &good);
    fail_unless(good);
    g_bytes_unref(state);
    expect_step(&stream, 2, 2, 0);
    expect_skipped(&stream, 3, 0, 2, 1);
    stream_clear(&stream);
}
GST_END_TEST;

GST_START_TEST(test_change_while_playing)
{
    Stream stream;

    open_sum(&stream, "inference-interval=100");
    expect_step(&stream, 0, 1, 0);
    expect_skipped(&stream, 1, 0, 1, 1);
    g_object_set(stream.element, "inference-interval", 2, NULL);
    expect_skipped(&stream, 2, 0, 1, 2);
    expect_step(&stream, 3, 2, 0);
    expect_skipped(&stream, 4, 0, 2, 1);
    g_object_set(stream.element, "inference-interval", 1, NULL);
    expect_step(&stream, 5, 3, 0);
    expect_step(&stream, 6, 4, 0);
    stream_clear(&stream);
}
GST_END_TEST;

/* convrnnvideo shows the last result on the frames that pass. */
GST_START_TEST(test_shown_on)
{
    g_autofree char *path = network_sum("sum", 3, -1, -1, NULL);
    g_autofree char *launch = g_strdup_printf(
        "convrnn model=%s inference-interval=3 ! convrnnvideo mode=gray maximum=4", path);
    GstHarness *harness = gst_harness_new_parse(launch);

    gst_harness_set_src_caps_str(harness, "video/x-raw,format=RGB,width=4,height=4,framerate=25/1");
    for (int i = 0; i < 7; i++) {
        GstBuffer *frame = gst_buffer_new_allocate(NULL, 48, NULL), *out;
        guint8 shown = 0;

        gst_buffer_memset(frame, 0, 255, 48);
        GST_BUFFER_PTS(frame) = i * STREAM_FRAME;
        out = gst_harness_push_and_pull(harness, frame);
        gst_buffer_extract(out, 0, &shown, 1);
        fail_unless(abs(shown - (i / 3 + 1) * 255 / 4) <= 1, "frame %d: %d", i, shown);
        gst_buffer_unref(out);
    }
    gst_harness_teardown(harness);
}
GST_END_TEST;

static Suite *
interval_suite(void)
{
    Suite *suite = suite_create("interval");
    TCase *tests = tcase_create("interval");

    suite_add_tcase(suite, tests);
    tcase_add_unchecked_fixture(tests, NULL, networks_remove);
    tcase_add_loop_test(tests, test_every_nth, 1, 5);
    tcase_add_test(tests, test_sees_only_its_frames);
    tcase_add_test(tests, test_reset_begins_anew);
    tcase_add_test(tests, test_gap);
    tcase_add_test(tests, test_with_window);
    tcase_add_test(tests, test_set_state);
    tcase_add_test(tests, test_change_while_playing);
    tcase_add_test(tests, test_shown_on);
    return suite;
}

GST_CHECK_MAIN(interval);
