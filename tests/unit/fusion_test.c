/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the optimizer makes of a network gives the numbers of the network as it stands: every node
 * by itself, on plain tensors, is the reference. */
#include "core/cpu.h"
#include "runtime/config.h"
#include "support/random_network.h"
#include <math.h>
#include <stdlib.h>

#define STEPS 4

/* As in the kernels' tests, CONVRNN_TEST_SHAPES (default 1000) makes it shorter where all is slow.
 */
static guint32
networks(void)
{
    const char *shapes = g_getenv("CONVRNN_TEST_SHAPES");
    return CLAMP((shapes ? (guint32)strtoul(shapes, NULL, 10) : 1000) * 80 / 1000, 8, 80);
}

static gsize
count(const ConvRnnTensorInfo *info)
{
    gsize n = 1;
    for (guint i = 0; i < info->n_dims; i++)
        n *= (gsize)info->dims[i];
    return n;
}

/* Largest difference of all outputs, over their largest magnitude. */
static double
difference(const ConvRnnSession *a, const ConvRnnSession *b)
{
    double worst = 0;
    for (guint o = 0; o < convrnn_session_get_n_outputs(a); o++) {
        const gfloat *x = convrnn_session_get_output_data(a, o);
        const gfloat *y = convrnn_session_get_output_data(b, o);
        double most = 1e-3, d = 0;
        for (gsize i = 0; i < count(convrnn_session_get_output(a, o)); i++) {
            most = MAX(most, fabs((double)x[i]));
            d = MAX(d, fabs((double)x[i] - (double)y[i]));
            if (isnan(x[i]) != isnan(y[i]))
                return INFINITY;
        }
        worst = MAX(worst, d / most);
    }
    return worst;
}

static void
test_level(gconstpointer level)
{
    guint fused = 0, nodes = 0, winograd = 0;

    g_assert_true(convrnn_cpu_set_level(level, NULL));
    for (guint32 seed = 1; seed <= networks(); seed++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(ConvRnnModel) model = random_network(seed);
        g_autoptr(ConvRnnSessionConfig) config = convrnn_session_config_new();
        config->binding.plain = true;
        g_autoptr(ConvRnnSession) plain = convrnn_session_new(model, config, &error);
        g_assert_no_error(error);
        config->binding.plain = false;
        g_autoptr(ConvRnnSession) session = convrnn_session_new(model, config, &error);
        g_assert_no_error(error);
        convrnn_session_config_set_fusion(config, FALSE);
        g_autoptr(ConvRnnSession) apart = convrnn_session_new(model, config, &error);
        g_assert_no_error(error);
        fused += convrnn_session_get_n_nodes(session);
        nodes += convrnn_session_get_n_nodes(plain);
        for (guint i = 0; i < convrnn_session_get_n_nodes(session); i++) {
            ConvRnnNodeStats stats;
            convrnn_session_get_node(session, i, &stats);
            winograd += g_str_has_prefix(stats.kernel, "winograd");
        }
        for (guint step = 0; step < STEPS; step++) {
            random_picture(plain, seed, step);
            random_picture(session, seed, step);
            random_picture(apart, seed, step);
            convrnn_session_step(plain);
            convrnn_session_step(session);
            convrnn_session_step(apart);
            double d = MAX(difference(plain, session), difference(plain, apart));
            if (d > 2e-5)
                g_test_message("network %u, step %u: differs by %g", seed, step, d);
            g_assert_cmpfloat(d, <=, 2e-5);
        }
    }
    /* proof that something was fused at all */
    g_assert_cmpuint(fused, <, nodes * 3 / 4);
    if (!g_str_equal(level, "c"))
        g_assert_cmpuint(winograd, >, networks() / 8);
    convrnn_cpu_set_level(NULL, NULL);
}

int
main(int argc, char **argv)
{
    static const char *const levels[] = {"c", "avx2", "avx512", "neon"};

    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(levels); i++) {
        if (!convrnn_cpu_set_level(levels[i], NULL))
            continue;
        g_autofree char *path = g_strdup_printf("/fusion/%s", levels[i]);
        g_test_add_data_func(path, levels[i], test_level);
    }
    convrnn_cpu_set_level(NULL, NULL);
    return g_test_run();
}
