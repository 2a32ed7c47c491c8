/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which events reset a state, and which do not. */
#include "state_rules.h"

#define FRAME (40 * GST_MSECOND)

static gboolean
take(CrStateRules *rules, GstEvent *event)
{
    gboolean reset = cr_state_rules_take_event(rules, event);

    gst_event_unref(event);
    return reset;
}

static gboolean
take_segment(CrStateRules *rules, double rate, GstClockTime start, GstClockTime time,
             GstClockTime base)
{
    GstSegment segment;

    gst_segment_init(&segment, GST_FORMAT_TIME);
    segment.rate = rate;
    segment.start = start;
    segment.time = time;
    segment.base = base;
    return take(rules, gst_event_new_segment(&segment));
}

static void
take_frames(CrStateRules *rules, GstClockTime first, int n, gboolean with_duration)
{
    for (int i = 0; i < n; i++) {
        GstBuffer *buffer = gst_buffer_new();

        GST_BUFFER_PTS(buffer) = first + i * FRAME;
        if (with_duration)
            GST_BUFFER_DURATION(buffer) = FRAME;
        cr_state_rules_take_buffer(rules, buffer, FRAME);
        gst_buffer_unref(buffer);
    }
}

/* Ten frames from 0 on in a plain segment. */
static void
begin(CrStateRules *rules)
{
    cr_state_rules_init(rules);
    g_assert_false(take(rules, gst_event_new_stream_start("a")));
    g_assert_false(take_segment(rules, 1, 0, 0, 0));
    take_frames(rules, 0, 10, TRUE);
}

static void
check_stream_start(void)
{
    CrStateRules rules;

    begin(&rules);
    g_assert_false(take(&rules, gst_event_new_stream_start("a")));
    g_assert_true(take(&rules, gst_event_new_stream_start("b")));
    g_assert_false(take(&rules, gst_event_new_stream_start("b")));
    cr_state_rules_clear(&rules);
    g_assert_false(take(&rules, gst_event_new_stream_start("c")));
    cr_state_rules_clear(&rules);
}

static void
check_flush(void)
{
    CrStateRules rules;

    begin(&rules);
    g_assert_false(take(&rules, gst_event_new_flush_start()));
    g_assert_true(take(&rules, gst_event_new_flush_stop(TRUE)));
    /* The segment after a flush is no second reason. */
    g_assert_false(take_segment(&rules, 1, 100 * GST_SECOND, 100 * GST_SECOND, 0));
    cr_state_rules_clear(&rules);
}

static void
check_same_segment(void)
{
    CrStateRules rules;

    begin(&rules);
    g_assert_false(take_segment(&rules, 1, 0, 0, 0));
    cr_state_rules_clear(&rules);
}

/* Adaptive streams send a segment for each piece; live sources after a pause. */
static void
check_contiguous_segment(void)
{
    CrStateRules rules;

    begin(&rules);
    g_assert_false(take_segment(&rules, 1, 10 * FRAME, 10 * FRAME, 10 * FRAME));
    take_frames(&rules, 10 * FRAME, 5, FALSE);
    g_assert_false(take_segment(&rules, 1, 16 * FRAME, 16 * FRAME, 0));
    take_frames(&rules, 16 * FRAME, 1, TRUE);
    g_assert_false(take_segment(&rules, 2, 17 * FRAME, 17 * FRAME, 17 * FRAME));
    cr_state_rules_clear(&rules);
}

static void
check_jump(void)
{
    CrStateRules rules;

    begin(&rules);
    g_assert_true(take_segment(&rules, 1, 12 * FRAME, 12 * FRAME, 10 * FRAME));
    cr_state_rules_clear(&rules);
    begin(&rules);
    g_assert_true(take_segment(&rules, 1, 5 * FRAME, 5 * FRAME, 10 * FRAME));
    cr_state_rules_clear(&rules);
}

/* A loop or a playlist: goes on in running time, starts anew in its own. */
static void
check_loop(void)
{
    CrStateRules rules;

    begin(&rules);
    g_assert_true(take_segment(&rules, 1, 0, 0, 10 * FRAME));
    cr_state_rules_clear(&rules);
}

static void
check_reverse(void)
{
    CrStateRules rules;

    begin(&rules);
    g_assert_false(cr_state_rules_is_reverse(&rules));
    g_assert_true(take_segment(&rules, -1, 0, 0, 0));
    g_assert_true(cr_state_rules_is_reverse(&rules));
    g_assert_true(take_segment(&rules, 1, 0, 0, 0));
    g_assert_false(cr_state_rules_is_reverse(&rules));
    cr_state_rules_clear(&rules);
}

static void
check_other_format(void)
{
    CrStateRules rules;
    GstSegment bytes;

    begin(&rules);
    gst_segment_init(&bytes, GST_FORMAT_BYTES);
    g_assert_true(take(&rules, gst_event_new_segment(&bytes)));
    g_assert_false(take(&rules, gst_event_new_segment(&bytes)));
    cr_state_rules_clear(&rules);
}

/* Each event is told apart, for reset-on to choose from. */
static void
check_causes(void)
{
    CrStateRules rules;
    GstEvent *events[] = {gst_event_new_stream_start("b"), gst_event_new_flush_stop(TRUE),
                          gst_event_new_gap(10 * FRAME, FRAME)};
    const CrResetOn causes[] = {CR_RESET_ON_NEW_STREAM, CR_RESET_ON_FLUSH, CR_RESET_ON_GAP};

    for (guint i = 0; i < G_N_ELEMENTS(events); i++) {
        begin(&rules);
        g_assert_cmpuint(cr_state_rules_take_event(&rules, events[i]), ==, causes[i]);
        gst_event_unref(events[i]);
        cr_state_rules_clear(&rules);
    }
}

static CrResetOn
take_flagged(CrStateRules *rules, GstBufferFlags flags)
{
    GstBuffer *buffer = gst_buffer_new();
    CrResetOn causes;

    GST_BUFFER_FLAG_SET(buffer, flags);
    causes = cr_state_rules_take_buffer(rules, buffer, FRAME);
    gst_buffer_unref(buffer);
    return causes;
}

/* Nothing can be missing before the first buffer, and a flush says more than the flag after it. */
static void
check_buffer_flags(void)
{
    CrStateRules rules;

    cr_state_rules_init(&rules);
    g_assert_cmpuint(take_flagged(&rules, GST_BUFFER_FLAG_DISCONT), ==, 0);
    g_assert_cmpuint(take_flagged(&rules, 0), ==, 0);
    g_assert_cmpuint(take_flagged(&rules, GST_BUFFER_FLAG_DISCONT), ==, CR_RESET_ON_DISCONT);
    g_assert_cmpuint(take_flagged(&rules, GST_BUFFER_FLAG_GAP), ==, CR_RESET_ON_GAP);
    take(&rules, gst_event_new_flush_stop(TRUE));
    g_assert_cmpuint(take_flagged(&rules, GST_BUFFER_FLAG_DISCONT), ==, 0);
    cr_state_rules_clear(&rules);
}

static void
check_harmless(void)
{
    CrStateRules rules;

    begin(&rules);
    g_assert_false(take(&rules, gst_event_new_tag(gst_tag_list_new_empty())));
    g_assert_false(take(&rules, gst_event_new_eos()));
    cr_state_rules_clear(&rules);
}

int
main(int argc, char **argv)
{
    gst_init(&argc, &argv);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/state-rules/stream-start", check_stream_start);
    g_test_add_func("/state-rules/flush", check_flush);
    g_test_add_func("/state-rules/same-segment", check_same_segment);
    g_test_add_func("/state-rules/contiguous-segment", check_contiguous_segment);
    g_test_add_func("/state-rules/jump", check_jump);
    g_test_add_func("/state-rules/loop", check_loop);
    g_test_add_func("/state-rules/reverse", check_reverse);
    g_test_add_func("/state-rules/other-format", check_other_format);
    g_test_add_func("/state-rules/causes", check_causes);
    g_test_add_func("/state-rules/buffer-flags", check_buffer_flags);
    g_test_add_func("/state-rules/harmless", check_harmless);
    return g_test_run();
}
