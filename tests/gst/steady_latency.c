/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reported latency follows the steps, but not every one of them. */
#include "steady_latency.h"

#define MS G_GUINT64_CONSTANT(1000000)

/* n steps of this length; how often the latency changed. */
static int
add(CrSteadyLatency *latency, int n, guint64 ns)
{
    int changes = 0;

    for (int i = 0; i < n; i++)
        changes += cr_steady_latency_add(latency, ns);
    return changes;
}

static void
check_latency(void)
{
    CrSteadyLatency latency;

    cr_steady_latency_start(&latency, 8 * MS);
    g_assert_cmpuint(latency.ns, ==, 10 * MS);
    /* Within the reported latency and down to half of it: nothing changes. */
    g_assert_cmpint(add(&latency, 1000, 9 * MS), ==, 0);
    g_assert_cmpint(add(&latency, 1000, 5 * MS), ==, 0);
    /* One short step says nothing about the others. */
    for (int i = 0; i < 500; i++)
        g_assert_cmpint(add(&latency, 1, i % 2 ? 1 * MS : 9 * MS), ==, 0);
    /* Longer: once, at the end of a window. */
    g_assert_cmpint(add(&latency, 1000, 20 * MS), ==, 1);
    g_assert_cmpuint(latency.ns, ==, 25 * MS);
    /* Much shorter: once. */
    g_assert_cmpint(add(&latency, 1000, 1 * MS), ==, 1);
    g_assert_cmpuint(latency.ns, ==, 2 * MS);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/steady-latency", check_latency);
    return g_test_run();
}
