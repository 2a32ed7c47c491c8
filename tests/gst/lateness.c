/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What QoS events and the clock make of a frame's time. */
#include "lateness.h"

#define S    GST_SECOND
#define NONE GST_CLOCK_TIME_NONE

static void
take(CrLateness *lateness, double proportion, GstClockTimeDiff diff, GstClockTime time)
{
    GstEvent *event = gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, proportion, diff, time);

    cr_lateness_take_event(lateness, event);
    gst_event_unref(event);
}

static void
check_events(void)
{
    CrLateness lateness;

    cr_lateness_init(&lateness);
    g_assert_cmpint(cr_lateness_of(&lateness, 5 * S, NONE, NONE), <=, 0);
    /* One second late at 10: frames before 12 are not worth it. */
    take(&lateness, 1.5, (GstClockTimeDiff)S, 10 * S);
    g_assert_cmpfloat(lateness.proportion, ==, 1.5);
    g_assert_cmpint(cr_lateness_of(&lateness, 11 * S, NONE, NONE), ==, S);
    g_assert_cmpint(cr_lateness_of(&lateness, 12 * S, NONE, NONE), <=, 0);
    /* Early by one second at 13: so is what comes after 12. */
    take(&lateness, 0.5, -(GstClockTimeDiff)S, 13 * S);
    g_assert_cmpint(cr_lateness_of(&lateness, 12 * S, NONE, NONE), <=, 0);
    g_assert_cmpint(cr_lateness_of(&lateness, 11 * S, NONE, NONE), >, 0);
    g_assert_cmpint(cr_lateness_of(&lateness, NONE, NONE, NONE), <=, 0);
    cr_lateness_init(&lateness);
    g_assert_cmpint(cr_lateness_of(&lateness, 0, NONE, NONE), <=, 0);
}

static void
check_odd_events(void)
{
    CrLateness lateness;

    cr_lateness_init(&lateness);
    take(&lateness, 1, -5, 5);
    g_assert_cmpint(cr_lateness_of(&lateness, 0, NONE, NONE), <=, 0);
    take(&lateness, 1, G_MAXINT64, 5);
    g_assert_cmpint(cr_lateness_of(&lateness, 9 * S, NONE, NONE), >, 0);
    take(&lateness, 1, G_MAXINT64, NONE - 1);
    g_assert_cmpint(cr_lateness_of(&lateness, 9 * S, NONE, NONE), <=, 0);
    take(&lateness, 1, 0, NONE);
    g_assert_cmpint(cr_lateness_of(&lateness, 9 * S, NONE, NONE), <=, 0);
}

static void
check_clock(void)
{
    CrLateness lateness;

    cr_lateness_init(&lateness);
    g_assert_cmpint(cr_lateness_of(&lateness, 5 * S, 7 * S, NONE), <=, 0);
    g_assert_cmpint(cr_lateness_of(&lateness, 5 * S, 7 * S, 2 * S), <=, 0);
    g_assert_cmpint(cr_lateness_of(&lateness, 5 * S, 8 * S, 2 * S), ==, S);
    g_assert_cmpint(cr_lateness_of(&lateness, 5 * S, 4 * S, 0), <=, 0);
    /* The worse of the two. */
    take(&lateness, 1, (GstClockTimeDiff)(2 * S), 4 * S);
    g_assert_cmpint(cr_lateness_of(&lateness, 5 * S, 8 * S, 2 * S), ==, 3 * S);
}

int
main(int argc, char **argv)
{
    gst_init(NULL, NULL);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/lateness/events", check_events);
    g_test_add_func("/lateness/odd-events", check_odd_events);
    g_test_add_func("/lateness/clock", check_clock);
    return g_test_run();
}
