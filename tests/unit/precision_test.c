/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sessions of every precision against float32: how far apart they may be, and that they are. */
#include "core/cpu.h"
#include "support/random_network.h"
#include <math.h>
#include <string.h>

#define STEPS    4
#define NETWORKS 40

static gsize
bytes_of(const ConvRnnTensorInfo *info)
{
    gsize n = sizeof(gfloat);
    for (guint i = 0; i < info->n_dims; i++)
        n *= (gsize)info->dims[i];
    return n;
}

/* The largest difference of all outputs over their largest magnitude. */
static double
difference(const ConvRnnSession *a, const ConvRnnSession *b)
{
    double worst = 0;
    for (guint o = 0; o < convrnn_session_get_n_outputs(a); o++) {
        const gfloat *x = convrnn_session_get_output_data(a, o);
        const gfloat *y = convrnn_session_get_output_data(b, o);
        double most = 1e-3, d = 0;
        for (gsize i = 0; i < bytes_of(convrnn_session_get_output(a, o)) / sizeof *x; i++) {
            most = MAX(most, fabs((double)x[i]));
            d = MAX(d, fabs((double)x[i] - (double)y[i]));
            g_assert_true(isfinite(y[i]));
        }
        worst = MAX(worst, d / most);
    }
    return worst;
}

static ConvRnnSession *
open_session(ConvRnnModel *model, ConvRnnPrecision precision, guint threads)
{
    g_autoptr(ConvRnnSessionConfig) config = convrnn_session_config_new();
    g_autoptr(GError) error = NULL;

    convrnn_session_config_set_precision(config, precision);
    convrnn_session_config_set_threads(config, threads);
    ConvRnnSession *session = convrnn_session_new(model, config, &error);
    g_assert_no_error(error);
    return session;
}

static ConvRnnPrecision
precision_of(const ConvRnnSession *session)
{
    ConvRnnSessionStats stats;
    convrnn_session_get_stats(session, &stats);
    return stats.precision;
}

static bool
has_tiles(void)
{
    if (cr_cpu_level() == CR_CPU_AMX)
        return true;
    g_test_skip("this processor has no AMX with bfloat16");
    return false;
}

/* Random networks stay within `bound` of float32 (bfloat16: one rounding of 2^-9 a layer, some ten
 * layers and four steps of state), and the largest distance shows which precision it was. */
static void
check_networks(ConvRnnPrecision precision, double bound, double at_least)
{
    double worst = 0;

    for (guint32 seed = 1; seed <= NETWORKS; seed++) {
        g_autoptr(ConvRnnModel) model = random_network(seed);
        g_autoptr(ConvRnnSession) exact = open_session(model, CONVRNN_PRECISION_FP32, 1);
        g_autoptr(ConvRnnSession) session = open_session(model, precision, 1);
        g_autoptr(ConvRnnSession) threaded = open_session(model, precision, 3);

        g_assert_cmpint(precision_of(session), ==, precision);
        for (guint step = 0; step < STEPS; step++) {
            random_picture(exact, seed, step);
            random_picture(session, seed, step);
            random_picture(threaded, seed, step);
            convrnn_session_step(exact);
            convrnn_session_step(session);
            convrnn_session_step(threaded);
            double d = difference(exact, session);
            if (d > bound)
                g_test_message("network %u, step %u: differs by %g", seed, step, d);
            g_assert_cmpfloat(d, <=, bound);
            worst = MAX(worst, d);
            for (guint o = 0; o < convrnn_session_get_n_outputs(session); o++)
                g_assert_cmpmem(convrnn_session_get_output_data(session, o),
                                bytes_of(convrnn_session_get_output(session, o)),
                                convrnn_session_get_output_data(threaded, o),
                                bytes_of(convrnn_session_get_output(threaded, o)));
        }
    }
    g_assert_cmpfloat(worst, >, at_least);
}

static void
test_bf16(void)
{
    if (has_tiles())
        check_networks(CONVRNN_PRECISION_BF16, 0.1, 1e-4);
}

static void
test_bf16x3(void)
{
    if (has_tiles())
        check_networks(CONVRNN_PRECISION_BF16X3, 2e-4, 0);
}

/* Rows wide enough for several outputs to share a step of the tiles, from planes and from blocks.
 */
static ConvRnnModel *
wide_network(guint32 seed)
{
    static const gint64 channels[] = {16, 8, 16, 33, 16, 4};
    g_autoptr(ConvRnnBuilder) b = convrnn_builder_new();
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
    g_autoptr(GError) error = NULL;
    gint64 in = 1 + seed % 8, dims[] = {1, in, 9, 64 + (gint64)seed * 7};
    guint x = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims, 4);

    for (guint i = 0; i < G_N_ELEMENTS(channels); in = channels[i++]) {
        gint64 size = i % 3 == 2 ? 1 : 3, shape[] = {channels[i], in, size, size};
        g_autoptr(ConvRnnTensor) weights = random_tensor(rand, shape, 4, 0.3);
        x = convrnn_builder_conv2d(b, x,
                                   CONVRNN_CONV2D(.weights = weights,
                                                  .padding = CONVRNN_PADDING_SAME,
                                                  .activation = i % 2 ? CONVRNN_ACTIVATION_RELU
                                                                      : CONVRNN_ACTIVATION_TANH));
    }
    convrnn_builder_output(b, "y", x);
    ConvRnnModel *model = convrnn_builder_build(b, "wide", &error);
    g_assert_no_error(error);
    return model;
}

static void
test_wide(void)
{
    for (guint32 seed = 1; has_tiles() && seed <= 8; seed++) {
        g_autoptr(ConvRnnModel) model = wide_network(seed);
        g_autoptr(ConvRnnSession) exact = open_session(model, CONVRNN_PRECISION_FP32, 1);
        g_autoptr(ConvRnnSession) three = open_session(model, CONVRNN_PRECISION_BF16X3, 1);
        g_autoptr(ConvRnnSession) one = open_session(model, CONVRNN_PRECISION_BF16, 1);

        random_picture(exact, seed, 0);
        random_picture(three, seed, 0);
        random_picture(one, seed, 0);
        convrnn_session_step(exact);
        convrnn_session_step(three);
        convrnn_session_step(one);
        g_assert_cmpfloat(difference(exact, three), <=, 2e-4);
        g_assert_cmpfloat(difference(exact, one), <=, 0.1);
    }
}

/* The largest error of a 1×1 convolution with three terms, over its largest result: the reference
 * is its definition, in double precision. */
static double
pointwise_error(gint64 in, gint64 out, gint64 side, bool ones)
{
    gint64 dims[] = {1, in, side, side}, shape[] = {out, in, 1, 1}, pixels = side * side;
    g_autoptr(GRand) rand = g_rand_new_with_seed((guint32)(in + out));
    g_autoptr(ConvRnnTensor) weights = random_tensor(rand, shape, 4, 0.5);
    g_autoptr(ConvRnnBuilder) b = convrnn_builder_new();
    g_autoptr(GError) error = NULL;
    guint x = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims, 4);
    convrnn_builder_output(b, "y",
                           convrnn_builder_conv2d(b, x, CONVRNN_CONV2D(.weights = weights)));
    g_autoptr(ConvRnnModel) model = convrnn_builder_build(b, "pointwise", &error);
    g_assert_no_error(error);
    g_autoptr(ConvRnnSession) session = open_session(model, CONVRNN_PRECISION_BF16X3, 1);
    const gfloat *w = convrnn_tensor_get_data(weights);
    gfloat *picture = convrnn_session_get_input_data(session, 0);
    double worst = 0, most = 0;

    random_picture(session, 1, 0);
    for (gint64 i = 0; ones && i < in * pixels; i++)
        picture[i] = 1;
    convrnn_session_step(session);
    const gfloat *y = convrnn_session_get_output_data(session, 0);
    for (gint64 i = 0; i < out * pixels; i++) {
        double sum = 0;
        for (gint64 c = 0; c < in; c++)
            sum += (double)w[i / pixels * in + c] * (double)picture[c * pixels + i % pixels];
        worst = MAX(worst, fabs((double)y[i] - sum));
        most = MAX(most, fabs(sum));
    }
    g_test_message("%d to %d, %d pixels: %g", (int)in, (int)out, (int)pixels, worst / most);
    return worst / most;
}

/* Few products of a pixel, and maps of one pixel, are computed in float32: it takes no longer. */
static void
test_short_sums(void)
{
    if (!has_tiles())
        return;
    g_assert_cmpfloat(pointwise_error(16, 64, 9, false), <=, 5e-7);
    g_assert_cmpfloat(pointwise_error(72, 40, 9, false), <=, 5e-7);
    g_assert_cmpfloat(pointwise_error(160, 200, 1, false), <=, 5e-7);
    g_assert_cmpfloat(pointwise_error(160, 200, 9, false), >, 5e-7);
}

/* What rounding the weights leaves does not add up where inputs are alike. */
static void
test_alike(void)
{
    if (has_tiles())
        g_assert_cmpfloat(pointwise_error(2000, 48, 4, true), <=, 1e-6);
}

/* The yardstick: float32 is near it, and not it. */
static void
test_double(void)
{
    check_networks(CONVRNN_PRECISION_DOUBLE, 2e-4, 0);
}

static void
test_auto(void)
{
    g_autoptr(ConvRnnModel) model = random_network(1);
    g_autoptr(ConvRnnSession) session = open_session(model, CONVRNN_PRECISION_AUTO, 1);

    g_assert_cmpint(precision_of(session), ==,
                    cr_cpu_level() == CR_CPU_AMX ? CONVRNN_PRECISION_BF16X3
                                                 : CONVRNN_PRECISION_FP32);
}

static GString *logged;

static GLogWriterOutput
keep_message(GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
    for (gsize i = 0; i < n_fields; i++)
        if (strcmp(fields[i].key, "MESSAGE") == 0)
            g_string_append_printf(logged, "%s\n", (const char *)fields[i].value);
    return G_LOG_WRITER_HANDLED;
}

/* A level without it: a warning, and float32's own bytes. */
static void
test_fallback(void)
{
    g_autoptr(ConvRnnModel) model = random_network(2);

    g_assert_true(convrnn_cpu_set_level("c", NULL));
    g_autoptr(ConvRnnSession) plain = open_session(model, CONVRNN_PRECISION_FP32, 1);
    g_autoptr(ConvRnnSession) silent = open_session(model, CONVRNN_PRECISION_AUTO, 1);
    g_assert_cmpstr(logged->str, ==, "");
    g_autoptr(ConvRnnSession) session = open_session(model, CONVRNN_PRECISION_BF16, 1);
    convrnn_session_free(open_session(model, CONVRNN_PRECISION_BF16X3, 1));
    g_assert_cmpstr(
        logged->str, ==,
        "precision bf16 needs the instruction set \"amx\", and the one in use is \"c\": "
        "computing in float32\n"
        "precision bf16x3 needs the instruction set \"amx\", and the one in use is \"c\": "
        "computing in float32\n");
    convrnn_cpu_set_level(NULL, NULL);

    g_assert_cmpint(precision_of(session), ==, CONVRNN_PRECISION_FP32);
    g_assert_cmpint(precision_of(silent), ==, CONVRNN_PRECISION_FP32);
    random_picture(plain, 2, 0);
    random_picture(session, 2, 0);
    convrnn_session_step(plain);
    convrnn_session_step(session);
    g_assert_cmpfloat(difference(plain, session), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    logged = g_string_new(NULL);
    g_log_set_writer_func(keep_message, NULL, NULL);
    g_test_add_func("/precision/bf16", test_bf16);
    g_test_add_func("/precision/bf16x3", test_bf16x3);
    g_test_add_func("/precision/wide", test_wide);
    g_test_add_func("/precision/short-sums", test_short_sums);
    g_test_add_func("/precision/alike", test_alike);
    g_test_add_func("/precision/double", test_double);
    g_test_add_func("/precision/auto", test_auto);
    g_test_add_func("/precision/fallback", test_fallback);
    int status = g_test_run();
    g_string_free(logged, TRUE);
    return status;
}
