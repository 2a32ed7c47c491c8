/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Convolutions that stand between plain tensors, and narrow ones that go from planes to planes: the
 * numbers are those of the plain operators, and nothing is rearranged that need not be. */
#include "core/cpu.h"
#include "runtime/config.h"
#include "support/random_network.h"
#include <math.h>
#include <string.h>

/* As in the kernels' tests, CONVRNN_TEST_SHAPES (default 1000) makes it shorter where all is slow.
 */
static guint
cases(void)
{
    const char *shapes = g_getenv("CONVRNN_TEST_SHAPES");
    return CLAMP((shapes ? (guint)strtoul(shapes, NULL, 10) : 1000) * 150 / 1000, 16, 150);
}

typedef struct {
    gint64 dims[4], filters, group, kernel[2], stride[2], dilation[2], pads[4];
    gboolean pool; /* MaxPool of 2×2 behind it, and more convolutions */
} Case;

static gint64
pick(GRand *rand, gint64 low, gint64 high)
{
    return g_rand_int_range(rand, (gint32)low, (gint32)high + 1);
}

static void
pick_window(Case *c, GRand *rand, gint64 max_stride)
{
    for (int i = 0; i < 2; i++) {
        c->kernel[i] = pick(rand, 1, 5);
        c->stride[i] = pick(rand, 1, max_stride);
        c->dilation[i] = pick(rand, 0, 3) ? 1 : 2;
        c->pads[i] = pick(rand, 0, 4);
        c->pads[2 + i] = pick(rand, 0, 4);
    }
}

static Case
dense(GRand *rand)
{
    Case c = {{2, pick(rand, 1, 40), pick(rand, 9, 30), pick(rand, 80, 160)}, pick(rand, 9, 40), 1};
    pick_window(&c, rand, 1);
    return c;
}

static Case
depthwise(GRand *rand)
{
    gint64 channels = pick(rand, 5, 40);
    Case c = {{2, channels, pick(rand, 9, 150), pick(rand, 9, 80)}, channels, channels};
    pick_window(&c, rand, 2);
    c.stride[1] = c.dilation[0] = c.dilation[1] = 1;
    return c;
}

static Case
narrow(GRand *rand)
{
    Case c = {{2, pick(rand, 1, 8), pick(rand, 9, 30), pick(rand, 9, 120)}, pick(rand, 1, 8), 1};
    pick_window(&c, rand, 1);
    c.pool = pick(rand, 0, 1) == 1;
    return c;
}

static Case
pointwise(GRand *rand)
{
    return (Case){
        .dims = {2, pick(rand, 1, 80), pick(rand, 1, 30), pick(rand, 1, 40)},
        .filters = pick(rand, 1, 40),
        .group = 1,
        .kernel = {1, 1},
        .stride = {1, 1},
        .dilation = {1, 1},
    };
}

static GVariant *
ints(const gint64 *values, gsize n)
{
    return g_variant_new_fixed_array(G_VARIANT_TYPE_INT64, values, n, sizeof *values);
}

static guint
convolution(ConvRnnBuilder *b, guint x, GRand *rand, const Case *c, gint64 channels)
{
    g_autoptr(ConvRnnTensor) w = random_tensor(
        rand, (gint64[]){c->filters, channels / c->group, c->kernel[0], c->kernel[1]}, 4, 0.05);
    g_autoptr(ConvRnnTensor) bias = random_tensor(rand, &c->filters, 1, 0.5);
    GVariantDict dict;

    g_variant_dict_init(&dict, NULL);
    g_variant_dict_insert_value(&dict, "strides", ints(c->stride, 2));
    g_variant_dict_insert_value(&dict, "dilations", ints(c->dilation, 2));
    g_variant_dict_insert_value(&dict, "pads", ints(c->pads, 4));
    g_variant_dict_insert(&dict, "group", "x", c->group);
    return convrnn_builder_node(
        b, "Conv", (guint[]){x, convrnn_builder_constant(b, w), convrnn_builder_constant(b, bias)},
        3, g_variant_dict_end(&dict));
}

/* 3×3, so that the columns beside the picture matter, which other tensors had before. */
static guint
pad_and_convolve(ConvRnnBuilder *b, guint x, GRand *rand, gint64 channels, gint64 filters)
{
    const Case c = {.filters = filters,
                    .group = 1,
                    .kernel = {3, 3},
                    .stride = {1, 1},
                    .dilation = {1, 1},
                    .pads = {1, 1, 1, 1}};
    return convolution(b, x, rand, &c, channels);
}

static ConvRnnModel *
build(GRand *rand, const Case *c)
{
    static const gint64 two[2] = {2, 2};
    g_autoptr(GError) error = NULL;
    ConvRnnBuilder *b = convrnn_builder_new();
    guint x = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, c->dims, 4);
    guint y = convolution(b, x, rand, c, c->dims[1]);

    if (c->pool) {
        GVariantDict dict;
        g_variant_dict_init(&dict, NULL);
        g_variant_dict_insert_value(&dict, "kernel_shape", ints(two, 2));
        g_variant_dict_insert_value(&dict, "strides", ints(two, 2));
        y = convrnn_builder_node(b, "MaxPool", &y, 1, g_variant_dict_end(&dict));
        y = pad_and_convolve(b, y, rand, c->filters, 7);
        y = pad_and_convolve(b, y, rand, 7, 6);
        y = pad_and_convolve(b, y, rand, 6, pick(rand, 1, 20));
    }
    convrnn_builder_output(b, "y", y);
    ConvRnnModel *model = convrnn_builder_build(b, "lone", &error);
    g_assert_no_error(error);
    convrnn_builder_unref(b);
    return model;
}

static ConvRnnSession *
open_session(ConvRnnModel *model, gboolean plain, guint threads, guint seed)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ConvRnnSessionConfig) config = convrnn_session_config_new();

    config->binding.plain = plain;
    convrnn_session_config_set_threads(config, threads);
    ConvRnnSession *session = convrnn_session_new(model, config, &error);
    g_assert_no_error(error);
    random_picture(session, seed, 0);
    for (int step = 0; step < 2; step++)
        convrnn_session_step(session);
    return session;
}

static gsize
output_size(const ConvRnnSession *session)
{
    const ConvRnnTensorInfo *info = convrnn_session_get_output(session, 0);
    gsize n = 1;

    for (guint i = 0; i < info->n_dims; i++)
        n *= (gsize)info->dims[i];
    return n;
}

static void
check_near(const ConvRnnSession *found, const ConvRnnSession *expected, guint seed)
{
    const gfloat *x = convrnn_session_get_output_data(found, 0);
    const gfloat *y = convrnn_session_get_output_data(expected, 0);

    for (gsize i = 0; i < output_size(expected); i++) {
        if (!(fabs((double)x[i] - (double)y[i]) <= 2e-5))
            g_test_message("case %u, element %zu", seed, i);
        g_assert_cmpfloat_with_epsilon(x[i], y[i], 2e-5);
    }
}

static guint
count_reorders(const ConvRnnSession *session)
{
    guint n = 0;

    for (guint i = 0; i < convrnn_session_get_n_nodes(session); i++) {
        ConvRnnNodeStats stats;
        convrnn_session_get_node(session, i, &stats);
        n += g_str_equal(stats.op, "Reorder");
    }
    return n;
}

typedef struct {
    Case (*make)(GRand *rand);
    guint reorders; /* no more than these, on any level with vectors */
} Kind;

static void
run(gconstpointer data)
{
    static const char *const levels[] = {"c", "avx2", "avx512", "neon"};
    const Kind *kind = data;

    for (guint seed = 0; seed < cases(); seed++) {
        GRand *rand = g_rand_new_with_seed(seed);
        Case c = kind->make(rand);
        g_autoptr(ConvRnnModel) model = build(rand, &c);
        g_rand_free(rand);
        if (!convrnn_cpu_set_level(levels[seed % G_N_ELEMENTS(levels)], NULL))
            convrnn_cpu_set_level(NULL, NULL);
        g_autoptr(ConvRnnSession) plain = open_session(model, TRUE, 1, seed);
        g_autoptr(ConvRnnSession) one = open_session(model, FALSE, 1, seed);
        g_autoptr(ConvRnnSession) three = open_session(model, FALSE, 3, seed);
        check_near(one, plain, seed);
        g_assert_cmpmem(convrnn_session_get_output_data(one, 0), output_size(one) * sizeof(gfloat),
                        convrnn_session_get_output_data(three, 0),
                        output_size(three) * sizeof(gfloat));
        if (strcmp(convrnn_cpu_get_level(), "c") != 0)
            g_assert_cmpuint(count_reorders(one), <=, kind->reorders);
    }
    convrnn_cpu_set_level(NULL, NULL);
}

int
main(int argc, char **argv)
{
    static const Kind kinds[] = {{dense, 1}, {depthwise, 0}, {narrow, 2}, {pointwise, 0}};

    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/lone-conv/dense", &kinds[0], run);
    g_test_add_data_func("/lone-conv/depthwise", &kinds[1], run);
    g_test_add_data_func("/lone-conv/narrow", &kinds[2], run);
    g_test_add_data_func("/lone-conv/pointwise", &kinds[3], run);
    return g_test_run();
}
