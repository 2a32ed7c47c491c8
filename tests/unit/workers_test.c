/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The workers: every tile once, whoever runs it; sessions that meet share it without waiting. */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include "core/workers.h"
#include <glib.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#ifdef __linux__
#include <sched.h>
#endif

#define TILES 500

typedef struct {
    _Atomic int runs[TILES];
    _Atomic bool worker_out_of_range;
    int threads;
} Count;

static void
count_tile(void *data, int tile, int worker)
{
    Count *count = data;
    atomic_fetch_add(&count->runs[tile], 1);
    if (worker < 0 || worker >= count->threads)
        atomic_store(&count->worker_out_of_range, true);
}

static void
frames(CrWorkers *workers, unsigned threads, int n)
{
    for (int frame = 0; frame < n; frame++) {
        unsigned participants = cr_workers_begin(workers, threads);
        g_assert_cmpuint(participants, >=, 1);
        g_assert_cmpuint(participants, <=, threads);
        for (int job = 0; job < 20; job++) {
            Count count = {.threads = (int)participants};
            int tiles = 1 + (frame * 37 + job * 101) % TILES;
            cr_workers_run(workers, participants, count_tile, &count, tiles);
            for (int i = 0; i < TILES; i++)
                g_assert_cmpint(atomic_load(&count.runs[i]), ==, i < tiles);
            g_assert_false(atomic_load(&count.worker_out_of_range));
        }
        cr_workers_end(workers, participants);
    }
}

static void
test_every_tile_once(void)
{
    for (unsigned threads = 1; threads <= 8; threads++) {
        CrWorkers *workers = cr_workers_ref(threads);
        frames(workers, threads, 20);
        cr_workers_unref(workers);
    }
}

static gpointer
session_thread(gpointer data)
{
    (void)data;
    CrWorkers *workers = cr_workers_ref(3);
    frames(workers, 3, 50);
    cr_workers_unref(workers);
    return NULL;
}

static void
test_sessions_at_once(void)
{
    GThread *thread[4];
    for (int i = 0; i < 4; i++)
        thread[i] = g_thread_new("session", session_thread, NULL);
    for (int i = 0; i < 4; i++)
        g_thread_join(thread[i]);
}

static void
test_busy(void)
{
    CrWorkers *workers = cr_workers_ref(2);
    g_assert_cmpuint(cr_workers_begin(workers, 2), ==, 2);
    g_assert_cmpuint(cr_workers_begin(workers, 2), ==, 1); /* somebody else: alone, not blocked */
    cr_workers_end(workers, 1);
    cr_workers_end(workers, 2);
    g_assert_cmpuint(cr_workers_begin(workers, 2), ==, 2);
    cr_workers_end(workers, 2);
    cr_workers_unref(workers);
}

/* The helper keeps its tile for long, and the caller does not come to the end before it has one. */
static void
late_tile(void *data, int tile, int worker)
{
    _Atomic bool *helper_has_one = data;
    (void)tile;
    if (worker > 0) {
        atomic_store(helper_has_one, true);
        g_usleep(50000);
    }
    while (!atomic_load(helper_has_one))
        g_thread_yield();
}

/* After a step that had to wait for a helper, one goes without; then they are asked again. */
static void
test_late(void)
{
    CrWorkers *workers = cr_workers_ref(2);
    int attempts = 0;
    while (cr_workers_begin(workers, 2) == 2) {
        _Atomic bool helper_has_one = false;
        g_assert_cmpint(attempts++, <, 100); /* the caller itself may lose its processor */
        cr_workers_run(workers, 2, late_tile, &helper_has_one, 2);
        cr_workers_end(workers, 2);
    }
    g_assert_cmpint(attempts, >, 0);
    for (int i = 0; i < 2; i++) {
        g_assert_cmpuint(cr_workers_begin(workers, 2), ==, 2);
        cr_workers_end(workers, 2);
    }
    cr_workers_unref(workers);
}

/* How often the helpers have been given a processor, and how many of them sleep. A process has
 * other threads than ours, such as a sanitizer's. */
static guint64
count_switches(guint *n, guint *n_asleep)
{
    g_autoptr(GDir) tasks = g_dir_open("/proc/self/task", 0, NULL);
    g_assert_nonnull(tasks);
    guint64 switches = 0;
    const char *task;
    *n = *n_asleep = 0;
    while ((task = g_dir_read_name(tasks))) {
        g_autofree gchar *file = g_build_filename("/proc/self/task", task, "status", NULL);
        g_autofree gchar *status = NULL;
        if (!g_file_get_contents(file, &status, NULL, NULL) ||
            !g_str_has_prefix(status, "Name:\tconvrnn\n"))
            continue;
        const char *state = strstr(status, "\nState:\t");
        const char *given_up = strstr(status, "\nvoluntary_ctxt_switches:\t");
        const char *taken = strstr(status, "\nnonvoluntary_ctxt_switches:\t");
        g_assert_true(state && given_up && taken);
        ++*n;
        *n_asleep += strchr(state, '\t')[1] == 'S';
        switches += g_ascii_strtoull(strchr(given_up, '\t') + 1, NULL, 10) +
                    g_ascii_strtoull(strchr(taken, '\t') + 1, NULL, 10);
    }
    return switches;
}

/* Between two frames the helpers sleep. One that polled would be woken, one that spun would run, in
 * every interval: then this never ends. */
static void
test_idle(void)
{
    CrWorkers *workers = cr_workers_ref(3);
    frames(workers, 3, 2);
    for (gboolean idle = FALSE; !idle;) {
        guint n, n_asleep;
        guint64 before = count_switches(&n, &n_asleep);
        g_usleep(G_USEC_PER_SEC / 4);
        idle = count_switches(&n, &n_asleep) == before && n == 2 && n_asleep == 2;
    }
    cr_workers_unref(workers);
}

#ifdef __linux__
/* The one helper, once it has begun and sleeps. */
static pid_t
find_helper(void)
{
    for (;;) {
        g_autoptr(GDir) tasks = g_dir_open("/proc/self/task", 0, NULL);
        g_assert_nonnull(tasks);
        const char *task;
        while ((task = g_dir_read_name(tasks))) {
            g_autofree gchar *file = g_build_filename("/proc/self/task", task, "status", NULL);
            g_autofree gchar *status = NULL;
            if (g_file_get_contents(file, &status, NULL, NULL) &&
                g_str_has_prefix(status, "Name:\tconvrnn\n") &&
                strchr(strstr(status, "\nState:\t"), '\t')[1] == 'S')
                return (pid_t)g_ascii_strtoll(task, NULL, 10);
        }
    }
}

static void
step_on(CrWorkers *workers, int processor)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((unsigned)processor, &one);
    g_assert_cmpint(sched_setaffinity(0, sizeof one, &one), ==, 0);
    cr_workers_end(workers, cr_workers_begin(workers, 2));
}

static bool
may_use(pid_t thread, int processor)
{
    cpu_set_t set;
    g_assert_cmpint(sched_getaffinity(thread, sizeof set, &set), ==, 0);
    return CPU_ISSET((unsigned)processor, &set);
}

/* The helper never shares the caller's processor, wherever that goes, and does not leave those that
 * somebody has chosen for it. */
static void
test_placement(void)
{
    cpu_set_t all, one;
    int a = 0, b;

    g_assert_cmpint(sched_getaffinity(0, sizeof all, &all), ==, 0);
    if (CPU_COUNT(&all) < 2) {
        g_test_skip("needs two processors");
        return;
    }
    while (!CPU_ISSET((unsigned)a, &all))
        a++;
    for (b = a + 1; !CPU_ISSET((unsigned)b, &all);)
        b++;
    CrWorkers *workers = cr_workers_ref(2);
    pid_t helper = find_helper();

    step_on(workers, a);
    g_assert_true(!may_use(helper, a) && may_use(helper, b));
    step_on(workers, b);
    g_assert_true(may_use(helper, a) && !may_use(helper, b));

    CPU_ZERO(&one);
    CPU_SET((unsigned)b, &one);
    g_assert_cmpint(sched_setaffinity(helper, sizeof one, &one), ==, 0);
    step_on(workers, a);
    g_assert_true(!may_use(helper, a) && may_use(helper, b));
    step_on(workers, b);
    g_assert_true(!may_use(helper, a) && may_use(helper, b));

    g_assert_cmpint(sched_setaffinity(0, sizeof all, &all), ==, 0);
    cr_workers_unref(workers);
}
#endif

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/workers/every-tile-once", test_every_tile_once);
    g_test_add_func("/workers/sessions-at-once", test_sessions_at_once);
    g_test_add_func("/workers/busy", test_busy);
    g_test_add_func("/workers/late", test_late);
    g_test_add_func("/workers/idle", test_idle);
#ifdef __linux__
    g_test_add_func("/workers/placement", test_placement);
#endif
    return g_test_run();
}
