/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ConvTranspose in blocks, with what is fused into it, gives the numbers of the plain operator, at
 * every level, in every precision and in chains with what stands around it. Data are small
 * integers, so that all sums are exact. */
#include "core/cpu.h"
#include "runtime/config.h"
#include <convrnn/convrnn.h>
#include <string.h>

#define CASES 240

static gint64
pick(GRand *rand, gint64 low, gint64 high)
{
    return g_rand_int_range(rand, (gint32)low, (gint32)high + 1);
}

static ConvRnnTensor *
integers(GRand *rand, const gint64 *dims, guint n_dims)
{
    gsize n = 1;
    for (guint i = 0; i < n_dims; i++)
        n *= (gsize)dims[i];
    gfloat *v = g_new(gfloat, n);
    for (gsize i = 0; i < n; i++)
        v[i] = (gfloat)pick(rand, -8, 8);
    g_autoptr(GBytes) bytes = g_bytes_new_take(v, n * sizeof *v);
    return convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, dims, n_dims, bytes, NULL);
}

static gint64
some_channels(GRand *rand)
{
    static const gint64 sizes[] = {1, 2, 3, 5, 8, 15, 16, 17, 32, 40, 70};
    return sizes[pick(rand, 0, G_N_ELEMENTS(sizes) - 1)];
}

typedef struct {
    gint64 channels, filters, groups;
    gint64 kernel[2], stride[2], dilation[2], pads[4], extra[2];
} Shape;

static Shape
random_shape(GRand *rand, gint64 channels)
{
    Shape s = {.channels = channels, .groups = 1};
    gint64 kind = pick(rand, 0, 5);

    s.filters = kind == 0 ? channels : some_channels(rand);
    s.groups = kind == 0 ? channels : 1;
    if (kind == 1 && channels % 2 == 0) {
        s.groups = 2;
        s.filters = 2 * pick(rand, 1, 20);
    }
    for (int i = 0; i < 2; i++) {
        s.kernel[i] = pick(rand, 1, 5);
        s.stride[i] = pick(rand, 1, 4);
        s.dilation[i] = pick(rand, 0, 2) ? 1 : pick(rand, 1, 3);
        s.extra[i] = pick(rand, 0, s.stride[i] - 1);
        s.pads[i] = pick(rand, 0, 4);
        s.pads[2 + i] = pick(rand, 0, 4);
    }
    return s;
}

/* x [→ Conv 1×1 that changes nothing] → ConvTranspose [→ activation] [→ |· + a constant for each
 * channel|] [→ MaxPool]. */
static ConvRnnModel *
make_model(GRand *rand, GError **error)
{
    ConvRnnBuilder *b = convrnn_builder_new();
    gint64 dims[4] = {pick(rand, 1, 2), some_channels(rand), pick(rand, 1, 12), pick(rand, 1, 40)};
    guint x = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims, 4);
    Shape s = random_shape(rand, dims[1]);
    gint64 weight_dims[4] = {s.channels, s.filters / s.groups, s.kernel[0], s.kernel[1]};
    g_autoptr(ConvRnnTensor) weights = integers(rand, weight_dims, 4);
    g_autoptr(ConvRnnTensor) bias = pick(rand, 0, 1) ? integers(rand, &s.filters, 1) : NULL;

    if (pick(rand, 0, 1)) {
        gint64 before[4] = {s.channels, s.channels, 1, 1};
        gfloat *v = g_new0(gfloat, (gsize)(s.channels * s.channels));
        for (gint64 i = 0; i < s.channels; i++)
            v[i * s.channels + i] = 1;
        g_autoptr(GBytes) bytes = g_bytes_new_take(v, (gsize)(s.channels * s.channels) * sizeof *v);
        g_autoptr(ConvRnnTensor) identity =
            convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, before, 4, bytes, NULL);
        x = convrnn_builder_conv2d(b, x, CONVRNN_CONV2D(.weights = identity));
    }
    guint y = convrnn_builder_conv_transpose2d(
        b, x,
        &(const ConvRnnConvTranspose2dParams){
            .weights = weights,
            .bias = bias,
            .groups = (guint)s.groups,
            .stride = {(guint)s.stride[0], (guint)s.stride[1]},
            .dilation = {(guint)s.dilation[0], (guint)s.dilation[1]},
            .pads = {(guint)s.pads[0], (guint)s.pads[1], (guint)s.pads[2], (guint)s.pads[3]},
            .output_padding = {(guint)s.extra[0], (guint)s.extra[1]},
            .activation = pick(rand, 0, 1) ? CONVRNN_ACTIVATION_RELU : CONVRNN_ACTIVATION_NONE});
    if (pick(rand, 0, 1)) {
        gint64 per_channel[3] = {s.filters, 1, 1};
        g_autoptr(ConvRnnTensor) addend = integers(rand, per_channel, 3);
        y = convrnn_builder_node(b, "Add", (guint[]){y, convrnn_builder_constant(b, addend)}, 2,
                                 NULL);
        y = convrnn_builder_node(b, "Abs", &y, 1, NULL);
    }
    if (pick(rand, 0, 1)) {
        GVariantDict dict;
        const gint64 kernel[2] = {2, 1}, pads[4] = {1, 0, 0, 0};
        g_variant_dict_init(&dict, NULL);
        g_variant_dict_insert_value(
            &dict, "kernel_shape",
            g_variant_new_fixed_array(G_VARIANT_TYPE_INT64, kernel, 2, sizeof *kernel));
        g_variant_dict_insert_value(
            &dict, "pads", g_variant_new_fixed_array(G_VARIANT_TYPE_INT64, pads, 4, sizeof *pads));
        y = convrnn_builder_node(b, "MaxPool", &y, 1, g_variant_dict_end(&dict));
    }
    convrnn_builder_output(b, "y", y);
    ConvRnnModel *model = convrnn_builder_build(b, "transposed", error);
    convrnn_builder_unref(b);
    return model;
}

static ConvRnnSession *
open_session(ConvRnnModel *model, gboolean plain, ConvRnnPrecision precision, guint threads,
             GError **error)
{
    g_autoptr(ConvRnnSessionConfig) config = convrnn_session_config_new();

    config->binding.plain = plain;
    config->binding.chains = CR_CHAINS_ALWAYS;
    convrnn_session_config_set_precision(config, precision);
    convrnn_session_config_set_threads(config, threads);
    return convrnn_session_new(model, config, error);
}

static void
run(ConvRnnSession *session, guint seed)
{
    const ConvRnnTensorInfo *info = convrnn_session_get_input(session, 0);
    gfloat *x = convrnn_session_get_input_data(session, 0);
    GRand *rand = g_rand_new_with_seed(seed);

    for (gint64 i = 0; i < info->dims[0] * info->dims[1] * info->dims[2] * info->dims[3]; i++)
        x[i] = (gfloat)pick(rand, -8, 8);
    g_rand_free(rand);
    convrnn_session_step(session);
}

static gboolean
has_plain_node(const ConvRnnSession *session)
{
    for (guint i = 0; i < convrnn_session_get_n_nodes(session); i++) {
        ConvRnnNodeStats stats;
        convrnn_session_get_node(session, i, &stats);
        if (g_str_equal(stats.kernel, "plain"))
            return TRUE;
    }
    return FALSE;
}

/* Whether the transposed convolution runs band by band with another step. */
static gboolean
in_chain(const ConvRnnSession *session)
{
    for (guint i = 0; i < convrnn_session_get_n_nodes(session); i++) {
        ConvRnnNodeStats stats;
        convrnn_session_get_node(session, i, &stats);
        if (g_str_has_prefix(stats.op, "ConvTranspose") && stats.chain > 0)
            return TRUE;
    }
    return FALSE;
}

static void
check_equal(const ConvRnnSession *found, const ConvRnnSession *expected, guint seed)
{
    const ConvRnnTensorInfo *info = convrnn_session_get_output(expected, 0);
    const gfloat *x = convrnn_session_get_output_data(found, 0);
    const gfloat *y = convrnn_session_get_output_data(expected, 0);

    for (gint64 i = 0; i < info->dims[0] * info->dims[1] * info->dims[2] * info->dims[3]; i++) {
        if (x[i] != y[i])
            g_test_message("case %u, element %" G_GINT64_FORMAT, seed, i);
        g_assert_cmpfloat(x[i], ==, y[i]);
    }
}

static void
test_random(gconstpointer level)
{
    static const ConvRnnPrecision precisions[] = {CONVRNN_PRECISION_FP32, CONVRNN_PRECISION_BF16X3,
                                                  CONVRNN_PRECISION_BF16};
    gboolean tiles = g_str_equal(level, "amx");
    guint checked = 0, chained = 0;

    if (!convrnn_cpu_set_level(level, NULL)) {
        g_test_skip("this processor lacks the level");
        return;
    }
    for (guint seed = 0; seed < CASES; seed++) {
        GRand *rand = g_rand_new_with_seed(seed);
        g_autoptr(ConvRnnModel) model = make_model(rand, NULL);
        g_autoptr(GError) error = NULL;

        g_rand_free(rand);
        if (!model) /* the pads swallow everything */
            continue;
        ConvRnnSession *plain = open_session(model, TRUE, CONVRNN_PRECISION_FP32, 1, NULL);
        if (!plain)
            continue;
        ConvRnnSession *session =
            open_session(model, FALSE, tiles ? precisions[seed % 3] : CONVRNN_PRECISION_FP32,
                         1 + seed % 2 * 2, &error);
        g_assert_no_error(error);
        run(plain, seed);
        run(session, seed);
        check_equal(session, plain, seed);
        chained += in_chain(session);
        const ConvRnnTensorInfo *info = convrnn_session_get_output(plain, 0);
        if (info->dims[2] > 0 && info->dims[3] > 0) {
            g_assert_false(has_plain_node(session));
            checked++;
        }
        convrnn_session_free(session);
        convrnn_session_free(plain);
    }
    g_assert_cmpuint(checked, >, CASES / 3);
    g_assert_cmpuint(chained, >, CASES / 10);
    convrnn_cpu_set_level(NULL, NULL);
}

int
main(int argc, char **argv)
{
    static const char *const levels[] = {"c", "avx2", "avx512", "amx", "neon"};

    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(levels); i++) {
        g_autofree char *path = g_strdup_printf("/transposed/%s", levels[i]);
        g_test_add_data_func(path, levels[i], test_random);
    }
    return g_test_run();
}
