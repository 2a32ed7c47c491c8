/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counts, means and percentiles of durations. Expected: worked out by hand for 1…n. */
#include "durations.h"

static void
check_none(void)
{
    static CrDurations none;

    g_assert_cmpuint(cr_durations_get_mean(&none), ==, 0);
    g_assert_cmpuint(cr_durations_get_p95(&none), ==, 0);
}

static void
check_few(void)
{
    static CrDurations few;

    cr_durations_add(&few, 30);
    g_assert_cmpuint(cr_durations_get_p95(&few), ==, 30);
    cr_durations_add(&few, 10);
    cr_durations_add(&few, 20);
    g_assert_cmpuint(few.count, ==, 3);
    g_assert_cmpuint(few.last_ns, ==, 20);
    g_assert_cmpuint(few.max_ns, ==, 30);
    g_assert_cmpuint(cr_durations_get_mean(&few), ==, 20);
    g_assert_cmpuint(cr_durations_get_p95(&few), ==, 30);
}

/* 1…100 in another order: the 95th of them is 95. */
static void
check_hundred(void)
{
    static CrDurations hundred;

    for (guint64 i = 0; i < 100; i++)
        cr_durations_add(&hundred, i * 37 % 100 + 1);
    g_assert_cmpuint(cr_durations_get_p95(&hundred), ==, 95);
    g_assert_cmpuint(cr_durations_get_mean(&hundred), ==, 50);
}

/* The percentile forgets what is long ago; mean and maximum do not. */
static void
check_window(void)
{
    static CrDurations many;

    for (int i = 0; i < CR_DURATIONS_WINDOW; i++)
        cr_durations_add(&many, 1000);
    for (int i = 0; i < CR_DURATIONS_WINDOW; i++)
        cr_durations_add(&many, 10);
    g_assert_cmpuint(cr_durations_get_p95(&many), ==, 10);
    g_assert_cmpuint(cr_durations_get_mean(&many), ==, 505);
    g_assert_cmpuint(many.max_ns, ==, 1000);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/durations/none", check_none);
    g_test_add_func("/durations/few", check_few);
    g_test_add_func("/durations/hundred", check_hundred);
    g_test_add_func("/durations/window", check_window);
    return g_test_run();
}
