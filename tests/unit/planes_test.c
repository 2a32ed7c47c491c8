/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operators with few channels run on planes, whatever they get; the numbers are those of the plain
 * operators. */
#include "core/cpu.h"
#include "runtime/config.h"
#include "support/random_network.h"
#include <math.h>

#define CASES 200

typedef guint (*Maker)(ConvRnnBuilder *b, guint x, GRand *rand, gint64 channels);

static gint64
pick(GRand *rand, gint64 low, gint64 high)
{
    return g_rand_int_range(rand, (gint32)low, (gint32)high + 1);
}

static GVariant *
ints(const gint64 *values, gsize n)
{
    return g_variant_new_fixed_array(G_VARIANT_TYPE_INT64, values, n, sizeof *values);
}

static guint
constant(ConvRnnBuilder *b, const gint64 *values, gint64 n)
{
    g_autoptr(GBytes) bytes = g_bytes_new(values, (gsize)n * sizeof *values);
    g_autoptr(ConvRnnTensor) tensor = convrnn_tensor_new(CONVRNN_DTYPE_INT64, &n, 1, bytes, NULL);
    return convrnn_builder_constant(b, tensor);
}

static guint
pool(ConvRnnBuilder *b, guint x, GRand *rand, const char *op)
{
    gint64 kernel[2], stride[2], dilation[2], pads[4];
    GVariantDict dict;

    for (int i = 0; i < 2; i++) {
        kernel[i] = pick(rand, 1, 4);
        stride[i] = pick(rand, 1, 3);
        dilation[i] = pick(rand, 1, 2);
        pads[i] = pick(rand, 0, kernel[i] - 1);
        pads[2 + i] = pick(rand, 0, kernel[i] - 1);
    }
    g_variant_dict_init(&dict, NULL);
    g_variant_dict_insert_value(&dict, "kernel_shape", ints(kernel, 2));
    g_variant_dict_insert_value(&dict, "strides", ints(stride, 2));
    g_variant_dict_insert_value(&dict, "dilations", ints(dilation, 2));
    g_variant_dict_insert_value(&dict, "pads", ints(pads, 4));
    g_variant_dict_insert(&dict, "ceil_mode", "x", pick(rand, 0, 1));
    if (g_str_equal(op, "AveragePool"))
        g_variant_dict_insert(&dict, "count_include_pad", "x", pick(rand, 0, 1));
    return convrnn_builder_node(b, op, &x, 1, g_variant_dict_end(&dict));
}

static guint
max_pool(ConvRnnBuilder *b, guint x, GRand *rand, gint64 channels)
{
    (void)channels;
    return pool(b, x, rand, "MaxPool");
}

static guint
average_pool(ConvRnnBuilder *b, guint x, GRand *rand, gint64 channels)
{
    (void)channels;
    return pool(b, x, rand, "AveragePool");
}

static guint
global_average_pool(ConvRnnBuilder *b, guint x, GRand *rand, gint64 channels)
{
    (void)rand;
    (void)channels;
    return convrnn_builder_node(b, "GlobalAveragePool", &x, 1, NULL);
}

/* Over the channels, or over height and width. */
static guint
mean(ConvRnnBuilder *b, guint x, GRand *rand, gint64 channels)
{
    static const gint64 axes[][2] = {{1}, {-3}, {2, 3}, {-1, -2}};
    int i = (int)pick(rand, 0, 3);
    (void)channels;
    return convrnn_builder_node(b, "ReduceMean", (guint[]){x, constant(b, axes[i], i < 2 ? 1 : 2)},
                                2, NULL);
}

static guint
resize(ConvRnnBuilder *b, guint x, GRand *rand, gint64 channels)
{
    static const char *const coordinates[] = {"half_pixel", "asymmetric", "align_corners"};
    gint64 sizes[4] = {2, channels, pick(rand, 1, 70), pick(rand, 1, 70)};
    GVariantDict dict;

    g_variant_dict_init(&dict, NULL);
    g_variant_dict_insert(&dict, "mode", "s", pick(rand, 0, 3) ? "linear" : "nearest");
    g_variant_dict_insert(&dict, "coordinate_transformation_mode", "s",
                          coordinates[pick(rand, 0, 2)]);
    return convrnn_builder_node(
        b, "Resize", (guint[]){x, CONVRNN_NO_VALUE, CONVRNN_NO_VALUE, constant(b, sizes, 4)}, 4,
        g_variant_dict_end(&dict));
}

static ConvRnnSession *
open_session(const ConvRnnModel *model, gboolean plain)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ConvRnnSessionConfig) config = convrnn_session_config_new();
    ConvRnnSession *session;

    config->binding.plain = plain;
    session = convrnn_session_new((ConvRnnModel *)model, config, &error);
    g_assert_no_error(error);
    return session;
}

static void
check_no_node_is_plain(const ConvRnnSession *session)
{
    for (guint i = 0; i < convrnn_session_get_n_nodes(session); i++) {
        ConvRnnNodeStats stats;
        convrnn_session_get_node(session, i, &stats);
        g_assert_cmpstr(stats.kernel, !=, "plain");
    }
}

static void
check_equal(const ConvRnnSession *found, const ConvRnnSession *expected, guint seed, double bound)
{
    const ConvRnnTensorInfo *info = convrnn_session_get_output(expected, 0);
    const gfloat *x = convrnn_session_get_output_data(found, 0);
    const gfloat *y = convrnn_session_get_output_data(expected, 0);
    gsize n = 1;

    for (guint i = 0; i < info->n_dims; i++)
        n *= (gsize)info->dims[i];
    for (gsize i = 0; i < n; i++) {
        if (x[i] == y[i]) /* −Inf among them */
            continue;
        if (!(fabs((double)x[i] - (double)y[i]) <= bound))
            g_test_message("case %u, element %zu", seed, i);
        g_assert_cmpfloat_with_epsilon(x[i], y[i], bound);
    }
}

/* Values from 0 to 1 in two images of 1 to 4 channels. */
static void
run(gconstpointer maker)
{
    static const char *const levels[] = {"c", "avx2", "avx512", "neon"};

    for (guint seed = 0; seed < CASES; seed++) {
        g_autoptr(GError) error = NULL;
        GRand *rand = g_rand_new_with_seed(seed);
        ConvRnnBuilder *b = convrnn_builder_new();
        gint64 dims[4] = {2, pick(rand, 1, 4), pick(rand, 7, 40), pick(rand, 7, 60)};
        guint x = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims, 4);

        convrnn_builder_output(b, "y", (*(const Maker *)maker)(b, x, rand, dims[1]));
        g_autoptr(ConvRnnModel) model = convrnn_builder_build(b, "planes", &error);
        g_assert_no_error(error);
        convrnn_builder_unref(b);
        g_rand_free(rand);
        if (!convrnn_cpu_set_level(levels[seed % G_N_ELEMENTS(levels)], NULL))
            convrnn_cpu_set_level(NULL, NULL);
        g_autoptr(ConvRnnSession) plain = open_session(model, TRUE);
        g_autoptr(ConvRnnSession) session = open_session(model, FALSE);
        check_no_node_is_plain(session);
        random_picture(plain, seed, 0);
        random_picture(session, seed, 0);
        convrnn_session_step(plain);
        convrnn_session_step(session);
        check_equal(session, plain, seed, 2e-6);
    }
    convrnn_cpu_set_level(NULL, NULL);
}

/* --- convolutions in bfloat16 --- */

static guint
convolution(ConvRnnBuilder *b, guint x, GRand *rand, gint64 channels, gint64 filters)
{
    const gint64 dims[4] = {filters, channels, 3, 3}, pads[4] = {1, 1, 1, 1};
    g_autoptr(ConvRnnTensor) weights = random_tensor(rand, dims, 4, 0.2);
    guint in[2] = {x, convrnn_builder_constant(b, weights)};
    GVariantDict dict;

    g_variant_dict_init(&dict, NULL);
    g_variant_dict_insert_value(&dict, "pads", ints(pads, 4));
    return convrnn_builder_node(b, "Conv", in, 2, g_variant_dict_end(&dict));
}

/* From a picture of three channels to `filters`; joined: and once more, together with the picture.
 */
static ConvRnnModel *
two_convolutions(gint64 filters, gboolean joined)
{
    const gint64 dims[4] = {1, 3, 24, 72};
    g_autoptr(GError) error = NULL;
    GRand *rand = g_rand_new_with_seed((guint32)filters);
    ConvRnnBuilder *b = convrnn_builder_new();
    guint x = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims, 4);
    guint y = convolution(b, x, rand, 3, filters);

    if (joined) {
        guint both[2] = {y, x};
        GVariantDict dict;
        g_variant_dict_init(&dict, NULL);
        g_variant_dict_insert(&dict, "axis", "x", (gint64)1);
        y = convrnn_builder_node(b, "Concat", both, 2, g_variant_dict_end(&dict));
        y = convolution(b, y, rand, filters + 3, 16);
    }
    convrnn_builder_output(b, "y", y);
    ConvRnnModel *model = convrnn_builder_build(b, "planes", &error);
    g_assert_no_error(error);
    convrnn_builder_unref(b);
    g_rand_free(rand);
    return model;
}

/* How many steps are called `op` and have `kernel` in their kernel's name; the numbers are those of
 * float32 up to `bound`. */
static guint
count_rounded(const ConvRnnModel *model, ConvRnnPrecision precision, double bound, const char *op,
              const char *kernel)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ConvRnnSessionConfig) config = convrnn_session_config_new();
    convrnn_session_config_set_precision(config, precision);
    g_autoptr(ConvRnnSession) session = convrnn_session_new((ConvRnnModel *)model, config, &error);
    g_assert_no_error(error);
    g_autoptr(ConvRnnSession) plain = open_session(model, TRUE);
    guint n = 0;

    random_picture(session, 1, 0);
    random_picture(plain, 1, 0);
    convrnn_session_step(session);
    convrnn_session_step(plain);
    check_equal(session, plain, 0, bound);
    for (guint i = 0; i < convrnn_session_get_n_nodes(session); i++) {
        ConvRnnNodeStats stats;
        convrnn_session_get_node(session, i, &stats);
        n += g_str_equal(stats.op, op) && g_strrstr(stats.kernel, kernel) != NULL;
    }
    return n;
}

/* Few products of few channels are not worth rounding; a picture that stands beside channels in
 * blocks is read as the planes it is, which its one Reorder has made for both convolutions. */
static void
test_rounded(void)
{
    static const ConvRnnPrecision precision[2] = {CONVRNN_PRECISION_BF16, CONVRNN_PRECISION_BF16X3};
    static const double bound[2] = {2e-2, 2e-5};

    if (cr_cpu_level() != CR_CPU_AMX) {
        g_test_skip("this processor has no AMX with bfloat16");
        return;
    }
    g_autoptr(ConvRnnModel) few = two_convolutions(8, FALSE), many = two_convolutions(16, FALSE);
    g_autoptr(ConvRnnModel) joined = two_convolutions(16, TRUE);
    for (int i = 0; i < 2; i++) {
        g_assert_cmpuint(count_rounded(few, precision[i], bound[i], "Conv", "bf16"), ==, 0);
        g_assert_cmpuint(count_rounded(joined, precision[i], bound[i], "Reorder", ""), ==, 1);
    }
    g_assert_cmpuint(count_rounded(many, precision[0], bound[0], "Conv", "bf16"), ==, 1);
}

int
main(int argc, char **argv)
{
    static const Maker makers[] = {max_pool, average_pool, global_average_pool, mean, resize};

    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/planes/max-pool", &makers[0], run);
    g_test_add_data_func("/planes/average-pool", &makers[1], run);
    g_test_add_data_func("/planes/global-average-pool", &makers[2], run);
    g_test_add_data_func("/planes/mean", &makers[3], run);
    g_test_add_data_func("/planes/resize", &makers[4], run);
    g_test_add_func("/planes/rounded", test_rounded);
    return g_test_run();
}
