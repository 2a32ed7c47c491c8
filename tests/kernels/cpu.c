/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <convrnn/cpu.h>
#include "check.h"
#include "core/cpu.h"
#include <string.h>

static void
set_level(gconstpointer data)
{
    const char *best = cr_cpu_level_name(cr_cpu_detect());
    const char *own = convrnn_cpu_get_level();

    g_assert_true(convrnn_cpu_set_level("c", NULL));
    g_assert_cmpint(cr_cpu_level(), ==, CR_CPU_C);
    g_assert_cmpstr(convrnn_cpu_get_level(), ==, "c");
    g_assert_true(convrnn_cpu_set_level(best, NULL));
    g_assert_cmpstr(convrnn_cpu_get_level(), ==, best);
    g_assert_true(convrnn_cpu_set_level("c", NULL));
    g_assert_true(convrnn_cpu_set_level(NULL, NULL));
    g_assert_cmpstr(convrnn_cpu_get_level(), ==, own);
}

static void
refuses_what_is_not_there(gconstpointer data)
{
    const char *missing[] = {"", "C", "avx1024", cr_cpu_detect() == CR_CPU_NEON ? "avx2" : "neon"};

    g_assert_true(convrnn_cpu_set_level("c", NULL));
    for (gsize i = 0; i < G_N_ELEMENTS(missing); i++) {
        GError *error = NULL;
        g_assert_false(convrnn_cpu_set_level(missing[i], &error));
        g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_CPU);
        g_assert_nonnull(strstr(error->message, cr_cpu_level_name(cr_cpu_detect())));
        g_assert_cmpstr(convrnn_cpu_get_level(), ==, "c");
        g_error_free(error);
    }
    g_assert_true(convrnn_cpu_set_level(NULL, NULL));
}

/* A level that is not there gives the next one below. */
static void
tables(gconstpointer data)
{
    for (int level = CR_CPU_C; level <= CR_CPU_AMX; level++)
        g_assert_cmpint(cr_kernels_get((CrCpuLevel)level, CR_FLOAT32)->level, <=, level);
    /* in float32, AMX adds nothing to AVX-512 */
    g_assert_cmpint(cr_kernels_get(CR_CPU_AMX, CR_FLOAT32)->level, ==,
                    MIN(cr_cpu_detect(), CR_CPU_AVX512));
    g_assert_null(cr_kernels_get(CR_CPU_AMX, CR_FLOAT32)->bf16);
    g_assert_null(cr_kernels_get(CR_CPU_AVX512, CR_BF16)->bf16);
}

static void
environment(gconstpointer data)
{
    const char *best = cr_cpu_level_name(cr_cpu_detect());

    if (g_test_subprocess()) {
        const char *wanted = g_getenv("CONVRNN_CPU");
        g_log_set_always_fatal(G_LOG_FATAL_MASK); /* not the warning that is expected */
        g_assert_cmpstr(convrnn_cpu_get_level(), ==, strcmp(wanted, "c") == 0 ? "c" : best);
        g_assert_true(convrnn_cpu_set_level(best, NULL));
        g_assert_true(convrnn_cpu_set_level(NULL, NULL));
        g_assert_cmpstr(convrnn_cpu_get_level(), ==, strcmp(wanted, "c") == 0 ? "c" : best);
        return;
    }
    g_setenv("CONVRNN_CPU", "c", TRUE);
    g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_passed();
    g_setenv("CONVRNN_CPU", "abacus", TRUE);
    g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("*CONVRNN_CPU=abacus*it has: c*");
    g_unsetenv("CONVRNN_CPU");
}

const CheckTest check_cpu_tests[] = {
    {"cpu/set-level", set_level},
    {"cpu/refuses-what-is-not-there", refuses_what_is_not_there},
    {"cpu/tables", tables},
    {"cpu/environment", environment},
    {NULL, NULL},
};
