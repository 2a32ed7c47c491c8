/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A bias that is added to a matrix product is computed with it, where it is one: the bytes are
 * those of the nodes one by one. */
#include "runtime/config.h"
#include <convrnn/convrnn.h>
#include <math.h>
#include <string.h>

#define IN  5
#define OUT 7

typedef struct {
    ConvRnnBuilder *b;
    int seed;
    guint x, w;
} Net;

static guint
constant(Net *net, const gint64 *dims, guint rank)
{
    gsize n = 1;
    for (guint d = 0; d < rank; d++)
        n *= (gsize)dims[d];
    g_autofree float *v = g_new(float, n);
    for (gsize i = 0; i < n; i++)
        v[i] = (float)sin(0.7 * (double)i + net->seed);
    net->seed++;
    g_autoptr(GBytes) bytes = g_bytes_new(v, n * sizeof *v);
    g_autoptr(ConvRnnTensor) tensor =
        convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, dims, rank, bytes, NULL);
    return convrnn_builder_constant(net->b, tensor);
}

static guint
vector(Net *net, gint64 n)
{
    return constant(net, &n, 1);
}

static guint
op(Net *net, const char *name, guint a, guint b)
{
    return convrnn_builder_node(net->b, name, (const guint[]){a, b}, b == CONVRNN_NO_VALUE ? 1 : 2,
                                NULL);
}

static guint
product(Net *net)
{
    return op(net, "MatMul", net->x, net->w);
}

static guint
gemm(Net *net, guint c, const char *attributes)
{
    const guint in[3] = {net->x, net->w, c};
    return convrnn_builder_node(net->b, "Gemm", in, 3,
                                attributes ? g_variant_new_parsed(attributes) : NULL);
}

/* --- networks: each returns what it computes --- */

static guint
row(Net *net)
{
    return op(net, "Add", product(net), vector(net, OUT));
}

static guint
row_first(Net *net)
{
    return op(net, "Add", constant(net, (const gint64[]){1, OUT}, 2), product(net));
}

static guint
one_number(Net *net)
{
    return op(net, "Add", product(net), constant(net, NULL, 0));
}

static guint
gemm_row(Net *net)
{
    return op(net, "Add", gemm(net, CONVRNN_NO_VALUE, "{'alpha': <0.5>}"), vector(net, OUT));
}

static guint
after_a_sum(Net *net)
{
    guint both = op(net, "Add", product(net), op(net, "MatMul", net->x, net->w));
    return op(net, "Add", both, vector(net, OUT));
}

static guint
two_biases(Net *net)
{
    return op(net, "Add", row(net), vector(net, OUT));
}

/* As many numbers as there are columns, but along the rows: there are 7 of these, too. */
static guint
column(Net *net)
{
    return op(net, "Add", product(net), constant(net, (const gint64[]){OUT, 1}, 2));
}

static guint
not_known(Net *net)
{
    gint64 n = OUT;
    return op(net, "Add", product(net),
              convrnn_builder_input(net->b, "bias", CONVRNN_DTYPE_FLOAT32, &n, 1));
}

static guint
second_reader(Net *net)
{
    guint y = product(net);
    return op(net, "Mul", op(net, "Add", y, vector(net, OUT)), y);
}

static guint
is_an_output(Net *net)
{
    guint y = product(net);
    convrnn_builder_output(net->b, "product", y);
    return op(net, "Add", y, vector(net, OUT));
}

static guint
gemm_scaled(Net *net)
{
    return op(net, "Add", gemm(net, CONVRNN_NO_VALUE, "{'beta': <2.0>}"), vector(net, OUT));
}

static guint
gemm_with_bias(Net *net)
{
    return op(net, "Add", gemm(net, vector(net, OUT), NULL), vector(net, OUT));
}

/* x · a vector has no columns: its last axis are the rows. */
static guint
vector_on_the_right(Net *net)
{
    return op(net, "Add", op(net, "MatMul", net->x, vector(net, IN)), vector(net, OUT));
}

/* The sum has more columns than the product. */
static guint
wider(Net *net)
{
    guint y = op(net, "MatMul", net->x, constant(net, (const gint64[]){IN, 1}, 2));
    return op(net, "Add", y, vector(net, OUT));
}

static guint
difference(Net *net)
{
    return op(net, "Sub", product(net), vector(net, OUT));
}

static const struct {
    const char *name;
    guint (*make)(Net *net);
    guint taken; /* products that have taken a bias in */
    gboolean matrix_only;
} cases[] = {
    {"row", row, 1, FALSE},
    {"row-first", row_first, 1, FALSE},
    {"one-number", one_number, 1, FALSE},
    {"gemm-row", gemm_row, 1, TRUE},
    {"after-a-sum", after_a_sum, 0, FALSE},
    {"two-biases", two_biases, 1, FALSE},
    {"column", column, 0, FALSE},
    {"not-known", not_known, 0, FALSE},
    {"second-reader", second_reader, 0, FALSE},
    {"is-an-output", is_an_output, 0, FALSE},
    {"gemm-scaled", gemm_scaled, 0, TRUE},
    {"gemm-with-bias", gemm_with_bias, 0, TRUE},
    {"vector-on-the-right", vector_on_the_right, 0, FALSE},
    {"wider", wider, 0, FALSE},
    {"difference", difference, 0, FALSE},
};

/* --- running them --- */

static ConvRnnSession *
open_session(ConvRnnModel *model, gboolean plain)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ConvRnnSessionConfig) config = convrnn_session_config_new();
    config->binding.plain = plain;
    ConvRnnSession *session = convrnn_session_new(model, config, &error);
    g_assert_no_error(error);
    for (guint i = 0; i < convrnn_session_get_n_inputs(session); i++) {
        const ConvRnnTensorInfo *info = convrnn_session_get_input(session, i);
        float *x = convrnn_session_get_input_data(session, i);
        gint64 n = 1;
        for (guint d = 0; d < info->n_dims; d++)
            n *= info->dims[d];
        for (gint64 k = 0; k < n; k++)
            x[k] = (float)cos(1.3 * (double)k + i);
    }
    convrnn_session_step(session);
    return session;
}

static void
assert_same(const ConvRnnSession *a, const ConvRnnSession *b)
{
    for (guint o = 0; o < convrnn_session_get_n_outputs(a); o++) {
        const ConvRnnTensorInfo *info = convrnn_session_get_output(a, o);
        const float *x = convrnn_session_get_output_data(a, o);
        const float *y = convrnn_session_get_output_data(b, o);
        gint64 n = 1;
        for (guint d = 0; d < info->n_dims; d++)
            n *= info->dims[d];
        g_assert_cmpmem(x, (gsize)n * sizeof *x, y, (gsize)n * sizeof *y);
    }
}

static void
run(guint index, const gint64 *dims, guint rank)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ConvRnnBuilder) b = convrnn_builder_new();
    Net net = {.b = b, .seed = 1};
    guint taken = 0;

    net.x = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims, rank);
    net.w = constant(&net, (const gint64[]){IN, OUT}, 2);
    convrnn_builder_output(b, "y", cases[index].make(&net));
    g_autoptr(ConvRnnModel) model = convrnn_builder_build(b, "bias", &error);
    g_assert_no_error(error);
    g_autoptr(ConvRnnSession) session = open_session(model, FALSE);
    g_autoptr(ConvRnnSession) plain = open_session(model, TRUE);
    assert_same(session, plain);
    for (guint i = 0; i < convrnn_session_get_n_nodes(session); i++) {
        ConvRnnNodeStats stats;
        convrnn_session_get_node(session, i, &stats);
        taken += g_str_equal(stats.op, "MatMul+Add") || g_str_equal(stats.op, "Gemm+Add");
    }
    g_assert_cmpuint(taken, ==, cases[index].taken);
}

static void
test(gconstpointer data)
{
    guint index = GPOINTER_TO_UINT(data);

    run(index, (const gint64[]){7, IN}, 2);
    if (cases[index].matrix_only)
        return;
    run(index, (const gint64[]){1, 7, IN}, 3); /* as many rows as columns */
    run(index, (const gint64[]){2, 3, 7, IN}, 4);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strconcat("/bias/", cases[i].name, NULL);
        g_test_add_data_func(path, GUINT_TO_POINTER(i), test);
    }
    return g_test_run();
}
