/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is computed twice is computed once, a Split whose parts are put together again is nothing,
 * and neither is taken for what it is not: the numbers are those of every node by itself. */
#include "runtime/config.h"
#include "support/random_network.h"

typedef struct {
    ConvRnnBuilder *b;
    guint x; /* 1×6×8×8 */
} Net;

static Net
net_new(void)
{
    static const gint64 dims[4] = {1, 6, 8, 8};
    Net net = {.b = convrnn_builder_new()};

    net.x = convrnn_builder_input(net.b, "x", CONVRNN_DTYPE_FLOAT32, dims, 4);
    return net;
}

static GVariant *
attribute(const char *name, GVariant *value)
{
    GVariantDict dict;

    g_variant_dict_init(&dict, NULL);
    g_variant_dict_insert_value(&dict, name, value);
    return g_variant_dict_end(&dict);
}

static guint
leaky(const Net *net, guint x, double alpha)
{
    return convrnn_builder_node(net->b, "LeakyRelu", &x, 1,
                                attribute("alpha", g_variant_new_double(alpha)));
}

/* Its axis is a constant of its own. */
static guint
sum_up(const Net *net, guint x, gint64 along)
{
    const gint64 one = 1;
    g_autoptr(GBytes) bytes = g_bytes_new(&along, sizeof along);
    g_autoptr(ConvRnnTensor) axis = convrnn_tensor_new(CONVRNN_DTYPE_INT64, &one, 1, bytes, NULL);
    guint in[2] = {x, convrnn_builder_constant(net->b, axis)};

    return convrnn_builder_node(net->b, "CumSum", in, 2, NULL);
}

static guint
two(const Net *net, const char *op, guint a, guint b)
{
    guint in[2] = {a, b};
    return convrnn_builder_node(net->b, op, in, 2, NULL);
}

static guint
concat(const Net *net, const guint *parts, guint n, gint64 axis)
{
    return convrnn_builder_node(net->b, "Concat", parts, n,
                                attribute("axis", g_variant_new_int64(axis)));
}

/* Into halves of the channels. */
static void
split(const Net *net, guint x, guint *halves)
{
    GVariantDict dict;

    g_variant_dict_init(&dict, NULL);
    g_variant_dict_insert(&dict, "axis", "x", (gint64)1);
    g_variant_dict_insert(&dict, "num_outputs", "x", (gint64)2);
    convrnn_builder_node_outputs(net->b, "Split", &x, 1, g_variant_dict_end(&dict), halves, 2);
}

/* Steps, by an operator's name, of the network as it is run; all outputs are right. */
static guint
count_steps(Net *net, const char *op)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ConvRnnModel) model = convrnn_builder_build(net->b, "duplicates", &error);
    g_assert_no_error(error);
    convrnn_builder_unref(net->b);
    g_autoptr(ConvRnnSessionConfig) config = convrnn_session_config_new();
    g_autoptr(ConvRnnSession) session = convrnn_session_new(model, config, &error);
    g_assert_no_error(error);
    config->binding.plain = true;
    g_autoptr(ConvRnnSession) plain = convrnn_session_new(model, config, &error);
    g_assert_no_error(error);
    guint n = 0;

    random_picture(session, 1, 0);
    random_picture(plain, 1, 0);
    convrnn_session_step(session);
    convrnn_session_step(plain);
    for (guint i = 0; i < convrnn_session_get_n_outputs(session); i++) {
        g_autoptr(GBytes) found = convrnn_session_dup_output(session, i, &error);
        g_autoptr(GBytes) expected = convrnn_session_dup_output(plain, i, &error);
        g_assert_true(g_bytes_equal(found, expected));
    }
    for (guint i = 0; i < convrnn_session_get_n_nodes(session); i++) {
        ConvRnnNodeStats stats;
        convrnn_session_get_node(session, i, &stats);
        n += g_strrstr(stats.op, op) != NULL;
    }
    return n;
}

static void
test_twice(void)
{
    Net net = net_new();
    guint a = sum_up(&net, leaky(&net, net.x, 0.25), 2);
    guint b = sum_up(&net, leaky(&net, net.x, 0.25), 2);

    convrnn_builder_output(net.b, "y", two(&net, "Mul", a, b));
    g_assert_cmpuint(count_steps(&net, "CumSum"), ==, 1);
}

static void
test_not_the_same(void)
{
    Net net = net_new();
    guint a = sum_up(&net, leaky(&net, net.x, 0.25), 2);
    guint b = sum_up(&net, leaky(&net, net.x, 0.5), 2);
    guint c = sum_up(&net, leaky(&net, net.x, 0.25), 3);

    convrnn_builder_output(net.b, "y", two(&net, "Mul", a, two(&net, "Sub", b, c)));
    g_assert_cmpuint(count_steps(&net, "CumSum"), ==, 3);
}

/* Each output has a place of its own. */
static void
test_results(void)
{
    Net net = net_new();

    for (guint i = 0; i < 2; i++) {
        g_autofree char *name = g_strdup_printf("y%u", i);
        convrnn_builder_output(net.b, name, sum_up(&net, net.x, 2));
    }
    g_assert_cmpuint(count_steps(&net, "CumSum"), ==, 2);
}

static void
test_split_undone(void)
{
    Net net = net_new();
    guint halves[2];

    split(&net, sum_up(&net, net.x, 2), halves);
    convrnn_builder_output(net.b, "y", sum_up(&net, concat(&net, halves, 2, 1), 3));
    convrnn_builder_output(net.b, "half", sum_up(&net, halves[1], 3));
    g_assert_cmpuint(count_steps(&net, "Concat"), ==, 0);
}

/* The halves change places, or stand on top of each other. */
static void
test_split_used(void)
{
    for (gint64 axis = 1; axis <= 2; axis++) {
        Net net = net_new();
        guint halves[2];

        split(&net, sum_up(&net, net.x, 2), halves);
        guint changed[2] = {halves[axis == 1], halves[axis != 1]};
        convrnn_builder_output(net.b, "y", sum_up(&net, concat(&net, changed, 2, axis), 3));
        g_assert_cmpuint(count_steps(&net, "Concat"), ==, 1);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/duplicates/twice", test_twice);
    g_test_add_func("/duplicates/not-the-same", test_not_the_same);
    g_test_add_func("/duplicates/results", test_results);
    g_test_add_func("/duplicates/split-undone", test_split_undone);
    g_test_add_func("/duplicates/split-used", test_split_used);
    return g_test_run();
}
