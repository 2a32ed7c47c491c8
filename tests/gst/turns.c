/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which frames are steps. */
#include "turns.h"

#define MS   GST_MSECOND
#define NONE GST_CLOCK_TIME_NONE

static CrTurn
take(CrTurns *turns, const CrTurnRules *rules, GstClockTime pts, GstBufferFlags flags,
     gboolean late)
{
    GstBuffer *frame = gst_buffer_new();
    CrTurn turn;

    GST_BUFFER_PTS(frame) = pts;
    GST_BUFFER_FLAG_SET(frame, flags);
    turn = cr_turns_take(turns, rules, frame, 40 * MS, late);
    gst_buffer_unref(frame);
    return turn;
}

static void
check_names(void)
{
    g_assert_cmpstr(cr_turn_get_name(CR_TURN_STEP), ==, "step");
    g_assert_cmpstr(cr_turn_get_name(CR_TURN_LATE), ==, "late");
}

/* n frames of in_fps for a target; the number of steps. Times are rounded down to nanoseconds. */
static int
steps_at(int in_fps, int target_n, int target_d, int n, guint jitter_ms)
{
    CrTurnRules rules = {1, target_n, target_d};
    GRand *random = g_rand_new_with_seed(7);
    CrTurns turns;
    int steps = 0;

    cr_turns_begin(&turns);
    for (int i = 0; i < n; i++) {
        GstClockTime pts = gst_util_uint64_scale(i, GST_SECOND, in_fps) + 20 * MS;
        GstBuffer *frame = gst_buffer_new();

        if (jitter_ms > 0)
            pts += g_rand_int_range(random, -(gint32)jitter_ms, (gint32)jitter_ms + 1) * MS;
        GST_BUFFER_PTS(frame) = pts;
        steps += cr_turns_take(&turns, &rules, frame, GST_SECOND / in_fps, FALSE) == CR_TURN_STEP;
        gst_buffer_unref(frame);
    }
    g_rand_free(random);
    return steps;
}

static void
check_framerate(void)
{
    /* Whole fractions are exact in spite of rounded times; ten seconds each. */
    g_assert_cmpint(steps_at(30, 15, 1, 300, 0), ==, 150);
    g_assert_cmpint(steps_at(30, 10, 1, 300, 0), ==, 100);
    g_assert_cmpint(steps_at(60, 30, 1, 600, 0), ==, 300);
    g_assert_cmpint(steps_at(30, 1, 2, 300, 0), ==, 5);
    /* Others on average. */
    g_assert_cmpint(steps_at(25, 10, 1, 250, 0), ==, 100);
    g_assert_cmpint(ABS(steps_at(30, 24, 1, 300, 0) - 240), <=, 1);
    g_assert_cmpint(ABS(steps_at(30, 15, 1, 300, 10) - 150), <=, 1);
    /* No more frames than there are. */
    g_assert_cmpint(steps_at(25, 30, 1, 250, 0), ==, 250);
    g_assert_cmpint(steps_at(25, 25, 1, 250, 0), ==, 250);
    g_assert_cmpint(steps_at(25, 0, 1, 250, 0), ==, 250);
}

/* Times are rounded to nanoseconds, down, and yet it is every second frame. */
static void
check_every_second(void)
{
    CrTurnRules rules = {1, 15, 1};
    CrTurns turns;

    cr_turns_begin(&turns);
    for (int i = 0; i < 300; i++)
        g_assert_cmpint(
            take(&turns, &rules, gst_util_uint64_scale((guint64)i, GST_SECOND, 30), 0, FALSE), ==,
            i % 2 ? CR_TURN_FRAMERATE : CR_TURN_STEP);
}

/* A variable rate: bursts do not count, pauses are not made up for. */
static void
check_variable_rate(void)
{
    static const struct {
        int ms;
        CrTurn turn;
    } frames[] = {
        {1000, CR_TURN_STEP},      {1010, CR_TURN_FRAMERATE}, {1020, CR_TURN_FRAMERATE},
        {1100, CR_TURN_STEP},      {1500, CR_TURN_STEP},      {1501, CR_TURN_FRAMERATE},
        {1502, CR_TURN_FRAMERATE}, {1600, CR_TURN_STEP},      {400, CR_TURN_STEP},
        {410, CR_TURN_FRAMERATE},  {500, CR_TURN_STEP},
    };
    CrTurnRules rules = {1, 10, 1};
    CrTurns turns;

    cr_turns_begin(&turns);
    for (gsize i = 0; i < G_N_ELEMENTS(frames); i++)
        g_assert_cmpint(take(&turns, &rules, frames[i].ms * MS, 0, FALSE), ==, frames[i].turn);
    g_assert_cmpint(take(&turns, &rules, NONE, 0, FALSE), ==, CR_TURN_STEP);
    g_assert_cmpint(take(&turns, &rules, 550 * MS, 0, FALSE), ==, CR_TURN_STEP);
}

static void
check_late(void)
{
    CrTurnRules rules = {1, 0, 1};
    CrTurns turns;

    cr_turns_begin(&turns);
    /* The first is a step in any case, and one each second. */
    g_assert_cmpint(take(&turns, &rules, 0, 0, TRUE), ==, CR_TURN_STEP);
    for (int i = 1; i < 25; i++)
        g_assert_cmpint(take(&turns, &rules, i * 40 * MS, 0, TRUE), ==, CR_TURN_LATE);
    g_assert_cmpint(take(&turns, &rules, 1000 * MS, 0, TRUE), ==, CR_TURN_STEP);
    g_assert_cmpint(take(&turns, &rules, 1040 * MS, 0, TRUE), ==, CR_TURN_LATE);
    g_assert_cmpint(take(&turns, &rules, 1080 * MS, 0, FALSE), ==, CR_TURN_STEP);
    cr_turns_begin(&turns);
    g_assert_cmpint(take(&turns, &rules, 1120 * MS, 0, TRUE), ==, CR_TURN_STEP);
}

/* Where the frame whose turn it is may not be a step, the next takes its place. */
static void
check_together(void)
{
    static const struct {
        int ms;
        GstBufferFlags flags;
        gboolean late;
        CrTurn turn;
    } frames[] = {
        {0, 0, FALSE, CR_TURN_STEP},       {40, 0, FALSE, CR_TURN_INTERVAL},
        {80, 0, FALSE, CR_TURN_FRAMERATE}, {120, GST_BUFFER_FLAG_GAP, FALSE, CR_TURN_GAP},
        {200, 0, TRUE, CR_TURN_LATE},      {240, 0, FALSE, CR_TURN_STEP},
        {280, 0, TRUE, CR_TURN_INTERVAL},
    };
    CrTurnRules rules = {2, 5, 1};
    CrTurns turns;

    cr_turns_begin(&turns);
    for (gsize i = 0; i < G_N_ELEMENTS(frames); i++)
        g_assert_cmpint(take(&turns, &rules, frames[i].ms * MS, frames[i].flags, frames[i].late),
                        ==, frames[i].turn);
}

int
main(int argc, char **argv)
{
    gst_init(NULL, NULL);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/turns/names", check_names);
    g_test_add_func("/turns/framerate", check_framerate);
    g_test_add_func("/turns/every-second", check_every_second);
    g_test_add_func("/turns/variable-rate", check_variable_rate);
    g_test_add_func("/turns/late", check_late);
    g_test_add_func("/turns/together", check_together);
    return g_test_run();
}
