/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/accuracy.h"
#include "tools/command.h"
#include "tools/noise.h"
#include "tools/peak.h"

#include <convrnn/cpu.h>
#include <stdio.h>
#include <stdlib.h>

#define WARM_UP_STEPS 3
#define DEFAULT_STEPS 50
#define FEW_STEPS     10 /* of --accuracy: double precision takes its time */
#define MAX_STEPS     1000000

/* From the file to a session that can step. */
typedef struct {
    double load, session; /* seconds */
} StartUp;

/* One row of the table of nodes. */
typedef struct {
    ConvRnnNodeStats node;
    double median; /* seconds */
} NodeTime;

static int
compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int
compare_nodes(const void *a, const void *b)
{
    double x = ((const NodeTime *)a)->median, y = ((const NodeTime *)b)->median;
    return (x < y) - (x > y);
}

/* Of n sorted values, the nearest rank. */
static double
percentile(const double *sorted, int n, double percent)
{
    return sorted[(int)(percent / 100 * (n - 1) + 0.5)];
}

static double
seconds_since(gint64 start)
{
    return (double)(g_get_monotonic_time() - start) * 1e-6;
}

static void
time_steps(ConvRnnSession *session, double *seconds, int n)
{
    for (int i = 0; i < WARM_UP_STEPS; i++)
        convrnn_session_step(session);
    for (int i = 0; i < n; i++) {
        gint64 start = g_get_monotonic_time();
        convrnn_session_step(session);
        seconds[i] = seconds_since(start);
    }
    qsort(seconds, (size_t)n, sizeof *seconds, compare_doubles);
}

static void
print_start_up(const ConvRnnSession *session, const StartUp *took)
{
    const double mib = 1024 * 1024;
    ConvRnnSessionStats stats;

    convrnn_session_get_stats(session, &stats);
    printf("start-up: model %.1f ms, session %.1f ms; precision: %s\n", took->load * 1e3,
           took->session * 1e3, cr_binding_precision_name(stats.precision));
    printf("memory: weights %.2f MiB, arena %.2f MiB, state %.2f MiB\n",
           (double)stats.weight_bytes / mib, (double)stats.arena_bytes / mib,
           (double)stats.state_bytes / mib);
}

static void
print_rate(guint64 macs, double seconds, double peak)
{
    double rate = seconds > 0 ? (double)macs / seconds : 0;
    printf("%.2f GMAC/s, %.1f %% of the measured peak", rate * 1e-9, 100 * rate / peak);
}

static void
print_steps(const ConvRnnSession *session, const double *sorted, int n, double thread_peak)
{
    ConvRnnSessionStats stats;
    convrnn_session_get_stats(session, &stats);
    double median = percentile(sorted, n, 50), peak = thread_peak * stats.threads;
    printf("threads: %u, kernels: %s, peak: %.2f GMAC/s (%.2f per thread)\n", stats.threads,
           convrnn_cpu_get_level(), peak * 1e-9, thread_peak * 1e-9);
    printf("step, %d times: median %.3f ms, min %.3f, p90 %.3f, p99 %.3f, max %.3f\n", n,
           median * 1e3, sorted[0] * 1e3, percentile(sorted, n, 90) * 1e3,
           percentile(sorted, n, 99) * 1e3, sorted[n - 1] * 1e3);
    printf("%" G_GUINT64_FORMAT " MACs per step: ", stats.macs);
    print_rate(stats.macs, median, peak);
    printf("\n");
}

/* The medians of every node's time over n steps, the slowest first. */
static NodeTime *
time_nodes(ConvRnnSession *session, guint n_nodes, int n)
{
    NodeTime *nodes = g_new0(NodeTime, n_nodes);
    double *times = g_new(double, (gsize)n_nodes *(gsize)n);
    convrnn_session_set_profiling(session, TRUE);
    convrnn_session_step(session);
    for (int step = 0; step < n; step++) {
        convrnn_session_step(session);
        for (guint i = 0; i < n_nodes; i++) {
            convrnn_session_get_node(session, i, &nodes[i].node);
            times[(gsize)i * (gsize)n + (gsize)step] = (double)nodes[i].node.nanoseconds * 1e-9;
        }
    }
    convrnn_session_set_profiling(session, FALSE);
    for (guint i = 0; i < n_nodes; i++) {
        double *of_node = times + (gsize)i * (gsize)n;
        qsort(of_node, (size_t)n, sizeof *of_node, compare_doubles);
        nodes[i].median = percentile(of_node, n, 50);
    }
    g_free(times);
    qsort(nodes, n_nodes, sizeof *nodes, compare_nodes);
    return nodes;
}

static void
print_nodes(ConvRnnSession *session, int n, double thread_peak)
{
    ConvRnnSessionStats stats;
    guint n_nodes = convrnn_session_get_n_nodes(session);
    NodeTime *nodes = time_nodes(session, n_nodes, n);
    double total = 0;
    convrnn_session_get_stats(session, &stats);
    for (guint i = 0; i < n_nodes; i++)
        total += nodes[i].median;
    printf("%u nodes, medians with profiling, sum %.3f ms:\n", n_nodes, total * 1e3);
    for (guint i = 0; i < n_nodes; i++) {
        const ConvRnnNodeStats *node = &nodes[i].node;
        printf("  %9.4f ms %5.1f %%  %s [%s] %s", nodes[i].median * 1e3,
               total > 0 ? 100 * nodes[i].median / total : 0, node->op,
               node->kernel ? node->kernel : "-", node->name);
        if (node->chain)
            printf(" (chain %u)", node->chain);
        if (node->macs > 0) {
            printf(": ");
            print_rate(node->macs, nodes[i].median, thread_peak * stats.threads);
        }
        printf("\n");
    }
    g_free(nodes);
}

static ConvRnnSession *
make_session(const char *path, const CrBindingOptions *options, int threads, StartUp *took,
             GError **error)
{
    gint64 start = g_get_monotonic_time();
    ConvRnnModel *model = convrnn_model_load(path, error);
    took->load = seconds_since(start);
    if (!model)
        return NULL;
    ConvRnnSessionConfig *config = convrnn_session_config_new();
    convrnn_session_config_set_threads(config, (guint)threads);
    ConvRnnSession *session = NULL;
    start = g_get_monotonic_time();
    if (cr_binding_apply(options, config, model, error))
        session = convrnn_session_new(model, config, error);
    took->session = seconds_since(start);
    convrnn_session_config_free(config);
    convrnn_model_unref(model);
    return session;
}

static bool
bench(const char *path, const CrBindingOptions *options, int threads, int steps, GError **error)
{
    StartUp took;
    ConvRnnSession *session = make_session(path, options, threads, &took, error);
    if (!session)
        return false;
    double peak = cr_peak_measure(convrnn_cpu_get_level());
    double *seconds = g_new(double, steps);
    cr_noise_fill(session, 1);
    time_steps(session, seconds, steps);
    print_start_up(session, &took);
    print_steps(session, seconds, steps, peak);
    print_nodes(session, MIN(steps, DEFAULT_STEPS), peak);
    g_free(seconds);
    convrnn_session_free(session);
    return true;
}

static bool
check(gboolean accuracy, gboolean json, GError **error)
{
    if (json && !accuracy)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "--json needs --accuracy");
    return accuracy || !json;
}

int
cr_command_bench(int argc, char **argv)
{
    CrBindingOptions binding = {0};
    int threads = 0, steps = G_MININT; /* not given */
    gboolean accuracy = FALSE, json = FALSE;
    char *cpu = NULL;
    GError *error = NULL;
    const GOptionEntry entries[] = {
        {"threads", 't', 0, G_OPTION_ARG_INT, &threads,
         "1 to 64; 0, the default, for all processors", "N"},
        {"steps", 'n', 0, G_OPTION_ARG_INT, &steps,
         "How many steps to time (default 50), or to compare (default 10)", "N"},
        {"cpu", 0, 0, G_OPTION_ARG_FILENAME, &cpu, "Kernels to use: c, avx2, avx512, amx or neon",
         "LEVEL"},
        {"accuracy", 0, 0, G_OPTION_ARG_NONE, &accuracy,
         "Instead of times, each precision's errors against double precision", NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "With --accuracy: print JSON", NULL},
        {NULL},
    };
    GOptionContext *context = g_option_context_new("MODEL");
    g_option_context_add_main_entries(context, entries, NULL);
    cr_binding_add_options(context, &binding);
    bool good = g_option_context_parse(context, &argc, &argv, &error) &&
                cr_command_expect_arguments(argc, argv, 1, &error) && check(accuracy, json, &error);
    if (steps == G_MININT)
        steps = accuracy ? FEW_STEPS : DEFAULT_STEPS;
    good = good && cr_command_check_range("--threads", threads, 0, CR_MAX_THREADS, &error) &&
           cr_command_check_range("--steps", steps, 1, MAX_STEPS, &error) &&
           (!cpu || convrnn_cpu_set_level(cpu, &error)) &&
           (accuracy ? cr_accuracy_report(argv[1], &binding, threads, steps, json, &error)
                     : bench(argv[1], &binding, threads, steps, &error));
    g_option_context_free(context);
    cr_binding_options_clear(&binding);
    g_free(cpu);
    return good ? CR_EXIT_OK : cr_command_fail(error);
}
