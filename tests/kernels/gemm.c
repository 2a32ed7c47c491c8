/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check.h"
#include <math.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    int trans_a, trans_b, m, n, k, lda, ldb, ldc;
    float alpha, beta;
    CheckBuffer a, b, c;
} Case;

static Case
make_case(int most, CheckData kind)
{
    Case g = {.trans_a = check_pick(0, 1), .trans_b = check_pick(0, 1)};

    g.m = check_pick(0, 4) ? check_pick(1, most) : 1;
    g.n = check_pick(0, 4) ? check_pick(1, most) : 1;
    g.k = check_pick(1, 2 * most);
    g.lda = (g.trans_a ? g.m : g.k) + check_pick(0, 3);
    g.ldb = (g.trans_b ? g.k : g.n) + check_pick(0, 3);
    g.ldc = g.n + check_pick(0, 3);
    g.alpha = (float)check_pick(1, 2);
    g.beta = (float)check_pick(0, 2);
    g.a = check_buffer((size_t)((g.trans_a ? g.k : g.m) * g.lda), 0);
    g.b = check_buffer((size_t)((g.trans_b ? g.n : g.k) * g.ldb), 0);
    g.c = check_buffer((size_t)(g.m * g.ldc), 0);
    check_fill(g.a.data, g.a.n, kind);
    check_fill(g.b.data, g.b.n, kind);
    if (g.beta != 0) /* else it may hold anything: NaN */
        check_fill(g.c.data, g.c.n, kind);
    return g;
}

static void
free_case(Case *g)
{
    check_buffer_free(&g->a);
    check_buffer_free(&g->b);
    check_buffer_free(&g->c);
}

static void
multiply(const Case *g)
{
    cr_gemm(g->trans_a, g->trans_b, g->m, g->n, g->k, g->alpha, g->a.data, g->lda, g->b.data,
            g->ldb, g->beta, g->c.data, g->ldc);
}

static float
textbook(const Case *g, const float *c, int i, int j)
{
    float sum = 0;

    for (int l = 0; l < g->k; l++)
        sum += g->a.data[g->trans_a ? l * g->lda + i : i * g->lda + l] *
               g->b.data[g->trans_b ? j * g->ldb + l : l * g->ldb + j];
    return g->alpha * sum + (g->beta != 0 ? g->beta * c[i * g->ldc + j] : 0);
}

static void
integers_exactly(gconstpointer data)
{
    for (int i = 0; i < check_shapes() / 5; i++) {
        Case g = make_case(140, CHECK_INTEGERS);
        float *before = g_memdup2(g.c.data, g.c.n * sizeof(float));
        multiply(&g);
        for (int row = 0; row < g.m; row++) {
            for (int column = 0; column < g.n; column++)
                g_assert_cmpfloat(g.c.data[row * g.ldc + column], ==,
                                  textbook(&g, before, row, column));
        }
        g_free(before);
        free_case(&g);
    }
}

static void
empty_sum(gconstpointer data)
{
    float c[] = {1, 2, 3, 4}, nothing[2] = {NAN, NAN};

    cr_gemm(0, 0, 2, 2, 0, 1, nothing, 1, nothing, 2, 2, c, 2);
    for (int i = 0; i < 4; i++)
        g_assert_cmpfloat(c[i], ==, 2.0f * (float)(i + 1));
}

static float *
pseudo_random(int n)
{
    guint32 state = (guint32)n;
    float *data = g_new(float, n);

    for (int i = 0; i < n; i++)
        data[i] = (float)((state = state * 1664525u + 1013904223u) >> 8) * 0x1p-24f - 0.5f;
    return data;
}

/* Large products; their digest when wanted. */
static void
multiply_large(GChecksum *sum)
{
    static const int shapes[][3] = {
        {300, 500, 700}, {1, 2048, 1024}, {2048, 1, 1024}, {17, 1000, 513}};

    for (gsize s = 0; s < G_N_ELEMENTS(shapes); s++) {
        const int m = shapes[s][0], n = shapes[s][1], k = shapes[s][2];
        float *a = pseudo_random(m * k), *b = pseudo_random(k * n), *c = g_new(float, m *n);

        for (int trans_b = 0; trans_b < 2; trans_b++) {
            cr_gemm(0, trans_b, m, n, k, 1, a, k, b, trans_b ? k : n, 0, c, n);
            if (sum)
                g_checksum_update(sum, (const guchar *)c, (gssize)sizeof(float) * m * n);
        }
        g_free(a);
        g_free(b);
        g_free(c);
    }
}

/* How often OpenBLAS's threads have gone to sleep or were preempted. They have the process's name;
 * GLib's have their own. */
static gint64
count_switches(void)
{
    GDir *tasks = g_dir_open("/proc/self/task", 0, NULL);
    char *own = g_strdup_printf("%d", (int)getpid()), *name = NULL;
    const char *task;
    gint64 switches = 0;

    g_file_get_contents("/proc/self/comm", &name, NULL, NULL);
    while ((task = g_dir_read_name(tasks))) {
        char *comm_file = g_strdup_printf("/proc/self/task/%s/comm", task), *comm = NULL;
        char *file = g_strdup_printf("/proc/self/task/%s/status", task), *status = NULL;

        if (strcmp(task, own) != 0 && g_file_get_contents(comm_file, &comm, NULL, NULL) &&
            strcmp(comm, name) == 0 && g_file_get_contents(file, &status, NULL, NULL)) {
            for (const char *line = status; (line = strstr(line, "ctxt_switches:")); line++)
                switches += g_ascii_strtoll(line + strlen("ctxt_switches:"), NULL, 10);
        }
        g_free(comm_file);
        g_free(comm);
        g_free(file);
        g_free(status);
    }
    g_dir_close(tasks);
    g_free(own);
    g_free(name);
    return switches;
}

/* OpenBLAS's own threads sleep through all of it. */
static void
wakes_no_thread(gconstpointer data)
{
    gint64 before = -1, after;

    if (!g_file_test("/proc/self/task", G_FILE_TEST_IS_DIR)) {
        g_test_skip("no /proc");
        return;
    }
    while ((after = count_switches()) != before) { /* until they have settled */
        before = after;
        g_usleep(100000);
    }
    multiply_large(NULL);
    g_usleep(100000);
    g_assert_cmpint(count_switches(), <=, before + 16); /* each product would wake them all */
}

/* The digest of a child process that has this many OpenBLAS threads. */
static char *
digest_with(const char *threads)
{
    char **env = g_environ_setenv(g_get_environ(), "OPENBLAS_NUM_THREADS", threads, TRUE);
    char *self = g_file_read_link("/proc/self/exe", NULL), *output = NULL, *found;
    char *argv[] = {self, (char *)"-p", (char *)"/kernels/portable/gemm/digest", NULL};
    int status = -1;
    GError *error = NULL;

    env = g_environ_setenv(env, "CONVRNN_TEST_DIGEST", "1", TRUE);
    if (cr_cpu_detect() >= CR_CPU_AVX2) /* these kernels' bits do depend on threads */
        env = g_environ_setenv(env, "OPENBLAS_CORETYPE", "Haswell", TRUE);
    g_spawn_sync(NULL, argv, env, G_SPAWN_DEFAULT, NULL, NULL, &output, NULL, &status, &error);
    g_assert_no_error(error);
    g_assert_cmpint(status, ==, 0);
    found = strstr(output, "digest ");
    g_assert_nonnull(found);
    found = g_strndup(found, 7 + 64);
    g_free(output);
    g_free(self);
    g_strfreev(env);
    return found;
}

static void
same_bits_with_any_number_of_threads(gconstpointer data)
{
    char *one, *four;

    if (!g_file_test("/proc/self/exe", G_FILE_TEST_EXISTS)) {
        g_test_skip("no /proc");
        return;
    }
    one = digest_with("1");
    four = digest_with("4");
    g_assert_cmpstr(one, ==, four);
    g_free(one);
    g_free(four);
}

static void
digest(gconstpointer data)
{
    GChecksum *sum;

    if (!g_getenv("CONVRNN_TEST_DIGEST")) {
        g_test_skip("for the child of same-bits-with-any-number-of-threads");
        return;
    }
    sum = g_checksum_new(G_CHECKSUM_SHA256);
    multiply_large(sum);
    g_print("digest %s\n", g_checksum_get_string(sum));
    g_checksum_free(sum);
}

const CheckTest check_gemm_tests[] = {
    {"gemm/integers-exactly", integers_exactly},
    {"gemm/empty-sum", empty_sum},
    {"gemm/wakes-no-thread", wakes_no_thread},
    {"gemm/digest", digest},
    {"gemm/same-bits-with-any-number-of-threads", same_bits_with_any_number_of_threads},
    {NULL, NULL},
};
