/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Weights that several steps read are packed once, but not when they are read in different ways. */
#include <convrnn/convrnn.h>
#include <math.h>
#include <string.h>

#define N     256
#define LARGE (N * N * sizeof(float))

static float
number(int i)
{
    return (float)sin(0.37 * i + 1) / 16;
}

static ConvRnnTensor *
matrix(void)
{
    const gint64 dims[2] = {N, N};
    g_autofree float *v = g_new(float, N *N);
    for (int i = 0; i < N * N; i++)
        v[i] = number(i);
    g_autoptr(GBytes) bytes = g_bytes_new(v, LARGE);
    return convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, dims, 2, bytes, NULL);
}

static guint
add_input(ConvRnnBuilder *b)
{
    return convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, (const gint64[]){1, N}, 2);
}

static ConvRnnSession *
session_of(ConvRnnBuilder *b)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ConvRnnModel) model = convrnn_builder_build(b, "packed", &error);
    g_assert_no_error(error);
    ConvRnnSession *session = convrnn_session_new(model, NULL, &error);
    g_assert_no_error(error);
    return session;
}

static guint64
weight_bytes(const ConvRnnSession *session)
{
    ConvRnnSessionStats stats;
    convrnn_session_get_stats(session, &stats);
    return stats.weight_bytes;
}

/* A network of n steps of one cell, all of the same input. */
static guint64
weight_bytes_of_steps(ConvRnnCell *cell, guint n)
{
    g_autoptr(ConvRnnBuilder) b = convrnn_builder_new();
    guint x = add_input(b), y = 0, state = 0;

    for (guint t = 0; t < n; t++)
        y = convrnn_builder_step(b, cell, x, &state, &state);
    convrnn_builder_output(b, "y", y);
    g_autoptr(ConvRnnSession) session = session_of(b);
    return weight_bytes(session);
}

static void
test_unrolled(void)
{
    const ConvRnnActivation functions[] = {CONVRNN_ACTIVATION_TANH, CONVRNN_ACTIVATION_SILU};
    g_autoptr(ConvRnnTensor) w = matrix();
    g_autoptr(ConvRnnTensor) r = matrix();

    for (gsize i = 0; i < G_N_ELEMENTS(functions); i++) { /* an operator, and written out */
        g_autoptr(ConvRnnCell) cell = convrnn_cell_new_rnn(
            CONVRNN_CELL(.weights = w, .recurrent = r, .activation = {functions[i]}), NULL);
        guint64 two = weight_bytes_of_steps(cell, 2), eight = weight_bytes_of_steps(cell, 8);
        g_assert_cmpuint(two, >=, 2 * LARGE);
        g_assert_cmpuint(eight, <, two + LARGE);
    }
}

/* One matrix as it is, transposed, half of it, and again as it is. */
static void
test_ways(void)
{
    static const struct {
        const char *attributes;
        double alpha;
        gboolean transposed;
    } ways[] = {{"{'alpha': <1.0>}", 1, FALSE},
                {"{'transB': <1>}", 1, TRUE},
                {"{'alpha': <0.5>}", 0.5, FALSE},
                {"{'beta': <2.0>}", 1, FALSE}};
    g_autoptr(ConvRnnTensor) w = matrix();
    g_autoptr(ConvRnnBuilder) b = convrnn_builder_new();
    const guint in[2] = {add_input(b), convrnn_builder_constant(b, w)};

    for (gsize i = 0; i < G_N_ELEMENTS(ways); i++) {
        g_autofree char *name = g_strdup_printf("y%u", (guint)i);
        convrnn_builder_output(
            b, name,
            convrnn_builder_node(b, "Gemm", in, 2, g_variant_new_parsed(ways[i].attributes)));
    }
    g_autoptr(ConvRnnSession) session = session_of(b);
    float *x = convrnn_session_get_input_data(session, 0);
    for (int k = 0; k < N; k++)
        x[k] = number(7 * k);
    convrnn_session_step(session);
    for (gsize i = 0; i < G_N_ELEMENTS(ways); i++)
        for (int n = 0; n < N; n++) {
            double sum = 0;
            for (int k = 0; k < N; k++)
                sum += (double)number(7 * k) *
                       (double)number(ways[i].transposed ? n * N + k : k * N + n);
            float y = ((const float *)convrnn_session_get_output_data(session, (guint)i))[n];
            g_assert_cmpfloat_with_epsilon(y, ways[i].alpha * sum, 1e-5);
        }
    g_assert_cmpuint(weight_bytes(session), >=, 3 * LARGE);
    g_assert_cmpuint(weight_bytes(session), <, 4 * LARGE);
}

#define CHANNELS 48
#define SIDE     30
#define KERNELS  (CHANNELS * CHANNELS * 9 * sizeof(float))

/* Kernels that differ in the last weight only. */
static ConvRnnTensor *
kernels(float last)
{
    const gint64 dims[4] = {CHANNELS, CHANNELS, 3, 3};
    g_autofree float *v = g_new(float, KERNELS / sizeof(float));
    for (gsize i = 0; i < KERNELS / sizeof(float); i++)
        v[i] = number((int)i) / 8;
    v[KERNELS / sizeof(float) - 1] = last;
    g_autoptr(GBytes) bytes = g_bytes_new(v, KERNELS);
    return convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, dims, 4, bytes, NULL);
}

/* Convolutions one after the other, the last weight of each given; every result is an output. */
static ConvRnnSession *
convolutions(const float *last, guint n)
{
    g_autoptr(ConvRnnBuilder) b = convrnn_builder_new();
    const gint64 dims[4] = {1, CHANNELS, SIDE, SIDE};
    guint x = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims, 4);
    for (guint i = 0; i < n; i++) {
        g_autoptr(ConvRnnTensor) w = kernels(last[i]);
        g_autofree char *name = g_strdup_printf("y%u", i);
        x = convrnn_builder_conv2d(b, x,
                                   CONVRNN_CONV2D(.weights = w, .padding = CONVRNN_PADDING_SAME));
        convrnn_builder_output(b, name, x);
    }
    return session_of(b);
}

/* The same kernels, even in two tensors, once; others, though nearly the same, apart. */
static void
test_convolutions(void)
{
    const float last[] = {0, 0, 8, 0};
    g_autoptr(ConvRnnSession) all = convolutions(last, 4);
    g_autoptr(ConvRnnSession) one = convolutions(last, 1);
    g_autoptr(ConvRnnSession) other = convolutions(last + 2, 1);
    ConvRnnSession *const alone[] = {one, one, other, one};
    guint64 each = weight_bytes(one);
    gsize size = CHANNELS * SIDE * SIDE * sizeof(float);
    float *x = convrnn_session_get_input_data(all, 0);

    for (int i = 0; i < CHANNELS * SIDE * SIDE; i++)
        x[i] = number(7 * i);
    convrnn_session_step(all);
    for (guint i = 0; i < G_N_ELEMENTS(alone); i++) {
        memcpy(convrnn_session_get_input_data(alone[i], 0), x, size);
        convrnn_session_step(alone[i]);
        g_assert_cmpmem(convrnn_session_get_output_data(all, i), size,
                        convrnn_session_get_output_data(alone[i], 0), size);
        x = (float *)convrnn_session_get_output_data(all, i);
    }
    g_assert_cmpuint(weight_bytes(all), <, 3 * each);
    g_assert_cmpuint(weight_bytes(all), >, each + KERNELS / 2);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/packed/unrolled", test_unrolled);
    g_test_add_func("/packed/ways", test_ways);
    g_test_add_func("/packed/convolutions", test_convolutions);
    return g_test_run();
}
