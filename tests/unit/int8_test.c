/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sessions with dense layers in 8 bits, at every level. */
#include <convrnn/convrnn.h>
#include <math.h>
#include <string.h>

#define STEPS 6

static guint
random_constant(ConvRnnBuilder *b, GRand *rand, const gint64 *dims, guint n_dims, gdouble scale)
{
    gsize n = 1;
    for (guint i = 0; i < n_dims; i++)
        n *= (gsize)dims[i];
    gfloat *v = g_new(gfloat, n);
    for (gsize i = 0; i < n; i++)
        v[i] = (gfloat)g_rand_double_range(rand, -scale, scale);
    g_autoptr(GBytes) bytes = g_bytes_new_take(v, n * sizeof *v);
    g_autoptr(ConvRnnTensor) tensor =
        convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, dims, n_dims, bytes, NULL);
    return convrnn_builder_constant(b, tensor);
}

static GVariant *
attributes(const char *name, gint64 value)
{
    GVariantDict dict;

    g_variant_dict_init(&dict, NULL);
    g_variant_dict_insert(&dict, "hidden_size", "x", (gint64)70);
    if (name)
        g_variant_dict_insert(&dict, name, "x", value);
    return g_variant_dict_end(&dict);
}

/* A recurrent node (RNN, GRU of both forms, LSTM) that carries its state. */
static ConvRnnModel *
recurrent(const char *op, const char *attribute, guint gates)
{
    GRand *rand = g_rand_new_with_seed(gates);
    ConvRnnBuilder *b = convrnn_builder_new();
    g_autoptr(GError) error = NULL;
    gint64 x_dims[3] = {1, 1, 45}, w[3] = {1, 70 * gates, 45}, r[3] = {1, 70 * gates, 70};
    gint64 bias[2] = {1, 140 * gates};
    guint in[4] = {convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, x_dims, 3)};

    in[1] = random_constant(b, rand, w, 3, 0.2);
    in[2] = random_constant(b, rand, r, 3, 0.2);
    in[3] = random_constant(b, rand, bias, 2, 0.2);
    convrnn_builder_output(b, "y", convrnn_builder_node(b, op, in, 4, attributes(attribute, 1)));
    ConvRnnModel *model = convrnn_builder_build(b, "recurrent", &error);
    g_assert_no_error(error);
    convrnn_builder_unref(b);
    g_rand_free(rand);
    return model;
}

/* x · W with W = (int8 − 0) · scale for each column, as quantised files have it. */
static ConvRnnModel *
quantised(void)
{
    GRand *rand = g_rand_new_with_seed(7);
    ConvRnnBuilder *b = convrnn_builder_new();
    g_autoptr(GError) error = NULL;
    gint64 x_dims[2] = {1, 300}, w_dims[2] = {300, 90}, columns = 90;
    gint8 *w = g_new(gint8, 300 * 90);
    GVariantDict dict;

    for (int i = 0; i < 300 * 90; i++)
        w[i] = (gint8)g_rand_int_range(rand, -100, 101);
    g_autoptr(GBytes) bytes = g_bytes_new_take(w, 300 * 90);
    g_autoptr(ConvRnnTensor) weights =
        convrnn_tensor_new(CONVRNN_DTYPE_INT8, w_dims, 2, bytes, NULL);
    guint in[2] = {convrnn_builder_constant(b, weights),
                   random_constant(b, rand, &columns, 1, 0.01)};
    g_variant_dict_init(&dict, NULL);
    g_variant_dict_insert(&dict, "axis", "x", (gint64)1);
    guint matrix = convrnn_builder_node(b, "DequantizeLinear", in, 2, g_variant_dict_end(&dict));
    guint x = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, x_dims, 2);
    convrnn_builder_output(b, "y",
                           convrnn_builder_node(b, "MatMul", (guint[]){x, matrix}, 2, NULL));
    ConvRnnModel *model = convrnn_builder_build(b, "quantised", &error);
    g_assert_no_error(error);
    convrnn_builder_unref(b);
    g_rand_free(rand);
    return model;
}

static ConvRnnSession *
open_session(ConvRnnModel *model, gboolean carry, ConvRnnPrecision precision, guint threads)
{
    g_autoptr(ConvRnnSessionConfig) config = convrnn_session_config_new();
    g_autoptr(GError) error = NULL;

    convrnn_session_config_set_precision(config, precision);
    convrnn_session_config_set_threads(config, threads);
    convrnn_session_config_set_carry_rnn_state(config, carry);
    ConvRnnSession *session = convrnn_session_new(model, config, &error);
    g_assert_no_error(error);
    return session;
}

static void
step(ConvRnnSession *session, guint number)
{
    const ConvRnnTensorInfo *info = convrnn_session_get_input(session, 0);
    gfloat *x = convrnn_session_get_input_data(session, 0);
    GRand *rand = g_rand_new_with_seed(number);
    gint64 n = 1;

    for (guint i = 0; i < info->n_dims; i++)
        n *= info->dims[i];
    for (gint64 i = 0; i < n; i++)
        x[i] = (gfloat)g_rand_double_range(rand, -1, 1);
    g_rand_free(rand);
    convrnn_session_step(session);
}

/* The largest difference of output 0, relative to its largest value. */
static gdouble
difference(const ConvRnnSession *a, const ConvRnnSession *b)
{
    const ConvRnnTensorInfo *info = convrnn_session_get_output(a, 0);
    const gfloat *x = convrnn_session_get_output_data(a, 0);
    const gfloat *y = convrnn_session_get_output_data(b, 0);
    gdouble worst = 0, largest = 0;
    gint64 n = 1;

    for (guint i = 0; i < info->n_dims; i++)
        n *= info->dims[i];
    for (gint64 i = 0; i < n; i++) {
        worst = MAX(worst, fabs((gdouble)x[i] - (gdouble)y[i]));
        largest = MAX(largest, fabs((gdouble)x[i]));
    }
    return worst / largest;
}

static void
check_is_int8(const ConvRnnSession *session)
{
    ConvRnnSessionStats stats;
    ConvRnnNodeStats node;
    gboolean found = FALSE;

    convrnn_session_get_stats(session, &stats);
    g_assert_cmpint(stats.precision, ==, CONVRNN_PRECISION_INT8);
    for (guint i = 0; i < convrnn_session_get_n_nodes(session); i++) {
        convrnn_session_get_node(session, i, &node);
        found = found || strstr(node.kernel, "int8");
    }
    g_assert_true(found);
}

/* Steps in float32 and in 8 bits stay within `bound`, and more than `least` apart: so it is another
 * precision. Two threads give the bytes of one. */
static void
check_model(ConvRnnModel *model, gboolean carry, gdouble least, gdouble bound)
{
    static const char *const levels[] = {"c", "avx2", "avx512", "amx", "neon"};

    for (guint i = 0; i < G_N_ELEMENTS(levels); i++) {
        gdouble worst = 0;

        if (!convrnn_cpu_set_level(levels[i], NULL))
            continue;
        g_autoptr(ConvRnnSession) exact = open_session(model, carry, CONVRNN_PRECISION_FP32, 1);
        g_autoptr(ConvRnnSession) session = open_session(model, carry, CONVRNN_PRECISION_INT8, 1);
        g_autoptr(ConvRnnSession) threaded = open_session(model, carry, CONVRNN_PRECISION_INT8, 2);
        check_is_int8(session);
        for (guint number = 0; number < STEPS; number++) {
            step(exact, number);
            step(session, number);
            step(threaded, number);
            worst = MAX(worst, difference(exact, session));
            g_assert_cmpfloat(difference(session, threaded), ==, 0);
        }
        g_test_message("%s: %g", levels[i], worst);
        g_assert_cmpfloat(worst, >=, least);
        g_assert_cmpfloat(worst, <=, bound);
    }
    convrnn_cpu_set_level(NULL, NULL);
}

static void
test_recurrent(void)
{
    const struct {
        const char *op, *attribute;
        guint gates;
    } cells[] = {
        {"RNN", NULL, 1}, {"GRU", NULL, 3}, {"GRU", "linear_before_reset", 3}, {"LSTM", NULL, 4}};

    for (guint i = 0; i < G_N_ELEMENTS(cells); i++) {
        g_autoptr(ConvRnnModel) model = recurrent(cells[i].op, cells[i].attribute, cells[i].gates);
        check_model(model, TRUE, 1e-5, 2e-2);
    }
}

static void
test_quantised(void)
{
    g_autoptr(ConvRnnModel) model = quantised();
    check_model(model, FALSE, 0, 1e-4); /* inputs are rounded to 15 bits, weights not at all */
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/int8/recurrent", test_recurrent);
    g_test_add_func("/int8/quantised-before", test_quantised);
    return g_test_run();
}
