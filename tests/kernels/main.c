/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every kernel of every instruction set of this processor against the portable reference.
 * With --bench: how fast each one is. */
#include "check.h"
#include <string.h>

static const CheckTest *const families[] = {
    check_conv_tests,        check_conv_plane_tests, check_depthwise_tests,
    check_elementwise_tests, check_int8_tests,       check_layout_tests,
    check_pool_tests,        check_vector_tests,     check_winograd_tests,
};

/* Each function of a table belongs to its own instruction set: what is tested is what is named. */
static void
table_is_its_own(gconstpointer data)
{
    const CrKernels *k = data, *c = cr_kernels_get(CR_CPU_C, CR_FLOAT32);

    g_assert_cmpstr(k->name, ==, cr_cpu_level_name(k->level));
    g_assert_true(k->block == 8 || k->block == 16);
    if (k == c)
        return;
    g_assert_cmpstr(k->name, !=, c->name);
    g_assert_true(k->conv_row != c->conv_row && k->depthwise_row != c->depthwise_row);
    g_assert_true(k->depthwise_plane_row != c->depthwise_plane_row);
    g_assert_true(k->conv_plane_row != c->conv_plane_row);
    g_assert_true(k->max_pool_row != c->max_pool_row);
    g_assert_true(k->winograd_input != c->winograd_input);
    g_assert_true(k->winograd_output != c->winograd_output);
    g_assert_true(k->average_pool_row != c->average_pool_row);
    g_assert_true(k->max_pool_plane_row != c->max_pool_plane_row);
    g_assert_true(k->average_pool_plane_row != c->average_pool_plane_row);
    for (int op = 0; op < CR_N_BINARY; op++)
        g_assert_true(k->binary[op] && k->binary[op] != c->binary[op]);
    for (int op = 0; op < CR_N_UNARY; op++)
        g_assert_true(k->unary[op] && k->unary[op] != c->unary[op]);
    g_assert_true(k->fill_lanes != c->fill_lanes && k->fill_pixels != c->fill_pixels);
    g_assert_true(k->pack_row != c->pack_row && k->unpack_row != c->unpack_row);
    g_assert_true(k->resize_row != c->resize_row && k->sum_row != c->sum_row);
    g_assert_true(k->sample_plane_row != c->sample_plane_row && k->blend_row != c->blend_row);
    g_assert_true(k->gemv_panel != c->gemv_panel && k->has_non_finite != c->has_non_finite);
    g_assert_true(cr_kernels_get(k->level, CR_INT8)->gemv_int8_panel !=
                  cr_kernels_get(CR_CPU_C, CR_INT8)->gemv_int8_panel);
}

static void
add(const char *folder, const CheckTest *test, const CrKernels *kernels)
{
    char *path = g_strdup_printf("/kernels/%s/%s", folder, test->name);

    g_test_add_data_func(path, kernels, test->run);
    g_free(path);
}

static void
add_level(const CrKernels *kernels)
{
    static const CheckTest own = {"table", table_is_its_own};

    add(kernels->name, &own, kernels);
    for (gsize f = 0; f < G_N_ELEMENTS(families); f++) {
        for (const CheckTest *test = families[f]; test->name; test++)
            add(kernels->name, test, kernels);
    }
}

int
main(int argc, char **argv)
{
    const CheckTest *const portable[] = {check_cpu_tests, check_gemm_tests, check_pack_tests};

    if (argc > 1 && strcmp(argv[1], "--bench") == 0) {
        check_bench();
        return 0;
    }
    g_test_init(&argc, &argv, NULL);
    for (int level = CR_CPU_C; level <= CR_CPU_AVX512; level++) {
        const CrKernels *kernels = cr_kernels_get((CrCpuLevel)level, CR_FLOAT32);
        if ((int)kernels->level == level)
            add_level(kernels);
    }
    const CrKernels *quads = cr_kernels_get(cr_cpu_detect(), CR_INT8);
    for (const CheckTest *test = check_int8_tests; test->name; test++)
        if (quads->int8_order == CR_INT8_QUADS)
            add("amx", test, quads);
    check_add_bf16();
    for (gsize f = 0; f < G_N_ELEMENTS(portable); f++) {
        for (const CheckTest *test = portable[f]; test->name; test++)
            add("portable", test, NULL);
    }
    return g_test_run();
}
