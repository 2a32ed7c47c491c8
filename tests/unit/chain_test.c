/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Steps that run band by band give the bytes that they give one after the other: for networks of
 * all kinds, in every precision and on every level, on any number of threads. */
#include "core/cpu.h"
#include "runtime/config.h"
#include "runtime/session.h"
#include "support/random_network.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STEPS 3

/* As in the kernels' tests, CONVRNN_TEST_SHAPES (default 1000) makes it shorter where all is slow.
 */
static guint32
networks(void)
{
    const char *shapes = g_getenv("CONVRNN_TEST_SHAPES");
    return CLAMP((shapes ? (guint32)strtoul(shapes, NULL, 10) : 1000) * 30 / 1000, 6, 30);
}

static ConvRnnSession *
session_of(ConvRnnModel *model, CrChains chains, ConvRnnPrecision precision, guint threads)
{
    g_autoptr(ConvRnnSessionConfig) config = convrnn_session_config_new();
    g_autoptr(GError) error = NULL;

    config->binding.chains = chains;
    convrnn_session_config_set_precision(config, precision);
    convrnn_session_config_set_threads(config, threads);
    ConvRnnSession *session = convrnn_session_new(model, config, &error);
    g_assert_no_error(error);
    return session;
}

/* Steps that run as part of a chain. */
static guint
chained(const ConvRnnSession *session)
{
    guint n = 0;
    for (guint i = 0; i < session->plan->steps->len; i++)
        if (session->schedule->chain[i])
            n += (guint)cr_chain_length(session->schedule->chain[i]);
    return n;
}

static void
assert_same(const ConvRnnSession *a, const ConvRnnSession *b)
{
    for (guint o = 0; o < convrnn_session_get_n_outputs(a); o++) {
        const ConvRnnTensorInfo *info = convrnn_session_get_output(a, o);
        gsize n = sizeof(float);
        for (guint i = 0; i < info->n_dims; i++)
            n *= (gsize)info->dims[i];
        g_assert_cmpmem(convrnn_session_get_output_data(a, o), n,
                        convrnn_session_get_output_data(b, o), n);
    }
    g_autoptr(GBytes) x = convrnn_session_save_state(a, NULL);
    g_autoptr(GBytes) y = convrnn_session_save_state(b, NULL);
    g_assert_true(g_bytes_equal(x, y));
}

/* How many of the model's steps were chained, on one thread. */
static guint
compare(ConvRnnModel *model, guint32 seed, ConvRnnPrecision precision)
{
    g_autoptr(ConvRnnSession) apart = session_of(model, CR_CHAINS_NEVER, precision, 1);
    static const guint threads[] = {1, 2, 5};
    ConvRnnSession *session[G_N_ELEMENTS(threads)];
    guint n;

    for (guint t = 0; t < G_N_ELEMENTS(session); t++)
        session[t] = session_of(model, CR_CHAINS_ALWAYS, precision, threads[t]);
    n = chained(session[0]);
    g_assert_cmpuint(chained(apart), ==, 0);
    for (guint step = 0; step < STEPS; step++) {
        random_picture(apart, seed, step);
        convrnn_session_step(apart);
        for (guint t = 0; t < G_N_ELEMENTS(session); t++) {
            random_picture(session[t], seed, step);
            convrnn_session_step(session[t]);
            assert_same(apart, session[t]);
        }
    }
    for (guint t = 0; t < G_N_ELEMENTS(session); t++)
        convrnn_session_free(session[t]);
    return n;
}

/* --- networks in which one thing follows the other --- */

typedef struct {
    GRand *rand;
    ConvRnnBuilder *b;
    guint value, skipped; /* skipped: an earlier tensor of the same shape, or CONVRNN_NO_VALUE */
    gint64 batch, c, h, w;
    guint cells;
} Maker;

static gint64
pick(Maker *m, gint64 low, gint64 high)
{
    return g_rand_int_range(m->rand, (gint32)low, (gint32)high + 1);
}

static ConvRnnTensor *
weights(Maker *m, gint64 out, gint64 in, gint64 k)
{
    gint64 dims[] = {out, in, k, k};
    return random_tensor(m->rand, dims, 4, 1.5 / sqrt((double)(in * k * k)));
}

static void
add_conv(Maker *m)
{
    static const gint64 channels[] = {1, 3, 16, 17, 32};
    gint64 k = 2 * pick(m, 0, 2) + 1, stride = pick(m, 0, 3) ? 1 : 2;
    gint64 dilation = pick(m, 0, 5) ? 1 : 2, pad = dilation * (k / 2);
    bool depthwise = pick(m, 0, 3) == 0;
    gint64 out = depthwise ? m->c : channels[pick(m, 0, 4)];
    g_autoptr(ConvRnnTensor) weight = weights(m, out, depthwise ? 1 : m->c, k);
    gint64 lost = 2 * pad - dilation * (k - 1) - 1;

    if (m->h + lost < 0 || m->w + lost < 0)
        return;
    m->value = convrnn_builder_conv2d(
        m->b, m->value,
        CONVRNN_CONV2D(.weights = weight, .groups = depthwise ? (guint)m->c : 1,
                       .stride = {(guint)stride, (guint)stride},
                       .dilation = {(guint)dilation, (guint)dilation},
                       .pads = {(guint)pad, (guint)pad, (guint)pad, (guint)pad},
                       .activation = (ConvRnnActivation)pick(m, 0, 7)));
    m->c = out;
    m->h = (m->h + lost) / stride + 1;
    m->w = (m->w + lost) / stride + 1;
    m->skipped = CONVRNN_NO_VALUE;
}

static void
add_pool(Maker *m)
{
    guint k = (guint)pick(m, 2, 3), stride = (guint)pick(m, 1, 2);

    if (m->h < 4 || m->w < 4)
        return;
    m->value = convrnn_builder_max_pool2d(
        m->b, m->value,
        CONVRNN_POOL2D(.kernel = {k, k}, .stride = {stride, stride}, .pads = {0, 0, k - 2, k - 2}));
    m->h = (m->h - 2) / stride + 1;
    m->w = (m->w - 2) / stride + 1;
    m->skipped = CONVRNN_NO_VALUE;
}

/* Adds what there was some layers ago, or begins to keep it. */
static void
add_skip(Maker *m)
{
    if (m->skipped != CONVRNN_NO_VALUE)
        m->value = convrnn_builder_node(m->b, "Add", (guint[]){m->value, m->skipped}, 2, NULL);
    g_autoptr(ConvRnnTensor) weight = weights(m, m->c, m->c, 3);
    m->skipped = m->value;
    m->value =
        convrnn_builder_conv2d(m->b, m->value,
                               CONVRNN_CONV2D(.weights = weight, .padding = CONVRNN_PADDING_SAME,
                                              .activation = CONVRNN_ACTIVATION_RELU));
}

/* Two branches side by side. */
static void
add_branches(Maker *m)
{
    guint part[2];
    gint64 c = 0;

    for (int i = 0; i < 2; i++) {
        gint64 out = pick(m, 1, 20);
        g_autoptr(ConvRnnTensor) weight = weights(m, out, m->c, i ? 5 : 1);
        part[i] = convrnn_builder_conv2d(
            m->b, m->value, CONVRNN_CONV2D(.weights = weight, .padding = CONVRNN_PADDING_SAME));
        if (i && pick(m, 0, 1))
            part[i] = convrnn_builder_max_pool2d(
                m->b, part[i],
                CONVRNN_POOL2D(.kernel = {3, 3}, .stride = {1, 1}, .pads = {1, 1, 1, 1}));
        c += out;
    }
    m->value = convrnn_builder_concat(m->b, part, 2, 1);
    m->c = c;
    m->skipped = CONVRNN_NO_VALUE;
}

/* A factor for each channel: nothing can go on before the whole map is there. */
static void
add_attention(Maker *m)
{
    g_autoptr(ConvRnnTensor) weight = weights(m, m->c, m->c, 1);
    guint s = convrnn_builder_conv2d(
        m->b, convrnn_builder_global_average_pool(m->b, m->value),
        CONVRNN_CONV2D(.weights = weight, .activation = CONVRNN_ACTIVATION_HARD_SIGMOID));
    m->value = convrnn_builder_node(m->b, "Mul", (guint[]){s, m->value}, 2, NULL);
    m->skipped = CONVRNN_NO_VALUE;
}

static void
add_resize(Maker *m)
{
    gint64 dims = 4, sizes[4] = {m->batch, m->c, pick(m, 1, 90), pick(m, 1, 60)};
    g_autoptr(GBytes) bytes = g_bytes_new(sizes, sizeof sizes);
    g_autoptr(ConvRnnTensor) tensor =
        convrnn_tensor_new(CONVRNN_DTYPE_INT64, &dims, 1, bytes, NULL);
    GVariantDict dict;

    g_variant_dict_init(&dict, NULL);
    g_variant_dict_insert(&dict, "mode", "s", pick(m, 0, 2) ? "linear" : "nearest");
    m->value = convrnn_builder_node(
        m->b, "Resize", (guint[]){m->value, 0, 0, convrnn_builder_constant(m->b, tensor)}, 4,
        g_variant_dict_end(&dict));
    m->h = sizes[2];
    m->w = sizes[3];
    m->skipped = CONVRNN_NO_VALUE;
}

static void
add_gru(Maker *m)
{
    static const char *const names[] = {"first", "second"};
    gint64 hidden = pick(m, 0, 1) ? 16 : pick(m, 1, 20);

    if (m->cells == G_N_ELEMENTS(names))
        return;
    g_autoptr(ConvRnnTensor) w = weights(m, 3 * hidden, m->c, 3);
    g_autoptr(ConvRnnTensor) r = weights(m, 3 * hidden, hidden, 3);
    g_autoptr(ConvRnnCell) cell = convrnn_cell_new_conv_gru(
        CONVRNN_CELL(.weights = w, .recurrent = r, .reset_after = pick(m, 0, 3) == 0), NULL);
    m->value = convrnn_builder_layer(m->b, names[m->cells++], cell, m->value, CONVRNN_NO_VALUE);
    m->c = hidden;
    m->skipped = CONVRNN_NO_VALUE;
}

static ConvRnnModel *
sequence(guint32 seed)
{
    static const gint64 sizes[][2] = {{1, 1},   {1, 30},  {30, 1},  {2, 2},   {7, 11},
                                      {31, 29}, {64, 48}, {97, 40}, {53, 101}};
    static void (*const layers[])(Maker *) = {add_conv,      add_conv,     add_conv,   add_pool,
                                              add_skip,      add_branches, add_resize, add_resize,
                                              add_attention, add_gru};
    Maker m = {.rand = g_rand_new_with_seed(seed), .b = convrnn_builder_new()};
    const gint64 *size = sizes[seed % G_N_ELEMENTS(sizes)];
    gint64 dims[] = {pick(&m, 0, 4) ? 1 : 2, pick(&m, 1, 20), size[0], size[1]};
    g_autoptr(GError) error = NULL;
    guint n = (guint)pick(&m, 2, 9);

    m.value = convrnn_builder_input(m.b, "x", CONVRNN_DTYPE_FLOAT32, dims, 4);
    m.skipped = CONVRNN_NO_VALUE;
    m.batch = dims[0];
    m.c = dims[1];
    m.h = dims[2];
    m.w = dims[3];
    for (guint i = 0; i < n; i++)
        layers[pick(&m, 0, m.batch > 1 ? 8 : 9)](&m);
    convrnn_builder_output(m.b, "y", m.value);
    ConvRnnModel *model = convrnn_builder_build(m.b, "sequence", &error);
    g_assert_no_error(error);
    convrnn_builder_unref(m.b);
    g_rand_free(m.rand);
    return model;
}

/* --- tests --- */

typedef struct {
    const char *level;
    ConvRnnPrecision precision;
} Case;

static void
test_networks(gconstpointer data)
{
    const Case *c = data;
    guint n = 0;

    g_assert_true(convrnn_cpu_set_level(c->level, NULL));
    for (guint32 seed = 1; seed <= networks(); seed++) {
        g_autoptr(ConvRnnModel) mixed = random_network(seed);
        n += compare(mixed, seed, c->precision);
        g_autoptr(ConvRnnModel) one_by_one = sequence(seed);
        n += compare(one_by_one, seed, c->precision);
    }
    g_assert_cmpuint(n, >, 3 * networks()); /* proof that there were chains at all */
    convrnn_cpu_set_level(NULL, NULL);
}

static ConvRnnModel *
gru(gint64 channels, gint64 height, gint64 width)
{
    GRand *rand = g_rand_new_with_seed(1);
    Maker m = {.rand = rand, .b = convrnn_builder_new(), .c = channels};
    gint64 dims[] = {1, channels, height, width};
    g_autoptr(ConvRnnTensor) w = weights(&m, 3 * 32, channels, 3);
    g_autoptr(ConvRnnTensor) r = weights(&m, 3 * 32, 32, 3);
    g_autoptr(ConvRnnCell) cell =
        convrnn_cell_new_conv_gru(CONVRNN_CELL(.weights = w, .recurrent = r), NULL);
    g_autoptr(GError) error = NULL;

    m.value = convrnn_builder_input(m.b, "x", CONVRNN_DTYPE_FLOAT32, dims, 4);
    m.value = convrnn_builder_layer(m.b, "gru", cell, m.value, CONVRNN_NO_VALUE);
    convrnn_builder_output(m.b, "y", m.value);
    ConvRnnModel *model = convrnn_builder_build(m.b, "gru", &error);
    g_assert_no_error(error);
    convrnn_builder_unref(m.b);
    g_rand_free(rand);
    return model;
}

static ConvRnnNodeStats
node(const ConvRnnSession *session, guint index)
{
    ConvRnnNodeStats stats;
    convrnn_session_get_node(session, index, &stats);
    return stats;
}

/* The gates and the candidate of a large cell are one chain, without being asked; those of a small
 * one, whose maps wait in the cache as they are, are not. */
static void
test_gru(gconstpointer level)
{
    g_assert_true(convrnn_cpu_set_level(level, NULL));
    g_autoptr(ConvRnnModel) model = gru(3, 448, 112), little = gru(3, 24, 24);
    guint gates = 0;

    for (guint threads = 1; threads <= 2; threads++) {
        g_autoptr(ConvRnnSession) session =
            session_of(model, CR_CHAINS_THAT_PAY, CONVRNN_PRECISION_FP32, threads);
        g_autoptr(ConvRnnSession) apart =
            session_of(model, CR_CHAINS_NEVER, CONVRNN_PRECISION_FP32, threads);
        while (node(session, gates).macs == 0)
            gates++;
        g_assert_nonnull(strstr(node(session, gates).op, "Sigmoid"));
        g_assert_nonnull(strstr(node(session, gates + 1).op, "Tanh"));
        g_assert_cmpuint(node(session, gates).chain, >, 0);
        g_assert_cmpuint(node(session, gates).chain, ==, node(session, gates + 1).chain);
        g_assert_cmpuint(node(apart, gates).chain, ==, 0);

        ConvRnnSessionStats with, without;
        convrnn_session_get_stats(session, &with);
        convrnn_session_get_stats(apart, &without);
        /* z and r·h, 32 channels each, are nowhere; a thread's rows of them take less than half */
        g_assert_cmpuint(with.arena_bytes + 32 * 448 * 112 * sizeof(float), <=,
                         without.arena_bytes);
    }
    g_autoptr(ConvRnnSession) small =
        session_of(little, CR_CHAINS_THAT_PAY, CONVRNN_PRECISION_FP32, 1);
    g_assert_cmpuint(chained(small), ==, 0);
    convrnn_cpu_set_level(NULL, NULL);
}

/* Profiling tells every node of a chain its part of the time. */
static void
test_profile(void)
{
    g_autoptr(ConvRnnModel) model = gru(3, 64, 64);
    g_autoptr(ConvRnnSession) session =
        session_of(model, CR_CHAINS_ALWAYS, CONVRNN_PRECISION_FP32, 2);

    g_assert_cmpuint(chained(session), >, 1);
    convrnn_session_set_profiling(session, TRUE);
    random_picture(session, 1, 0);
    convrnn_session_step(session);
    for (guint i = 0; i < convrnn_session_get_n_nodes(session); i++)
        g_assert_cmpuint(node(session, i).nanoseconds, >, 0);
}

int
main(int argc, char **argv)
{
    static const char *const levels[] = {"c", "avx2", "avx512", "neon", "amx", "amx"};
    static Case cases[G_N_ELEMENTS(levels)];

    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(levels); i++) {
        if (!convrnn_cpu_set_level(levels[i], NULL))
            continue;
        cases[i] = (Case){levels[i], !g_str_equal(levels[i], "amx") ? CONVRNN_PRECISION_FP32
                                     : i == 4                       ? CONVRNN_PRECISION_BF16
                                                                    : CONVRNN_PRECISION_BF16X3};
        g_autofree char *path =
            g_strdup_printf("/chain/%s%s", levels[i],
                            cases[i].precision == CONVRNN_PRECISION_BF16X3 ? "-bf16x3"
                            : cases[i].precision == CONVRNN_PRECISION_BF16 ? "-bf16"
                                                                           : "");
        g_test_add_data_func(path, &cases[i], test_networks);
        g_autofree char *of_gru = g_strdup_printf("%s/gru", path);
        g_test_add_data_func(of_gru, levels[i], test_gru);
    }
    convrnn_cpu_set_level(NULL, NULL);
    g_test_add_func("/chain/profile", test_profile);
    return g_test_run();
}
