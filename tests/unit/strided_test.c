/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Inputs and outputs with strides: the same bytes as without, and one copy less of each where the
 * network reads and writes planes; row-major where it does not. */
#include "support/random_network.h"
#include <convrnn/convrnn.h>
#include <string.h>

#define STEPS 3

static ConvRnnSession *
open_session(ConvRnnModel *model, gboolean strided, guint threads)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ConvRnnSessionConfig) config = convrnn_session_config_new();
    convrnn_session_config_set_threads(config, threads);
    convrnn_session_config_set_strided(config, strided);
    ConvRnnSession *session = convrnn_session_new(model, config, &error);
    g_assert_no_error(error);
    return session;
}

/* What input or output a session gives, as one walks over it. */
typedef struct {
    const ConvRnnTensorInfo *info;
    const gint64 *strides;
    gfloat *data;
} View;

static View
input_of(ConvRnnSession *session)
{
    return (View){convrnn_session_get_input(session, 0),
                  convrnn_session_get_input_strides(session, 0),
                  convrnn_session_get_input_data(session, 0)};
}

static View
output_of(ConvRnnSession *session, guint index)
{
    return (View){convrnn_session_get_output(session, index),
                  convrnn_session_get_output_strides(session, index),
                  (gfloat *)convrnn_session_get_output_data(session, index)};
}

static gsize
count(const View *view)
{
    gsize n = 1;
    for (guint i = 0; i < view->info->n_dims; i++)
        n *= (gsize)view->info->dims[i];
    return n;
}

/* Element `at` in row-major order. */
static gfloat *
element(const View *view, gsize at)
{
    gint64 offset = 0;
    for (guint i = view->info->n_dims; i-- > 0;) {
        offset += (gint64)(at % (gsize)view->info->dims[i]) * view->strides[i];
        at /= (gsize)view->info->dims[i];
    }
    return view->data + offset;
}

static gboolean
is_dense(const View *view)
{
    gint64 stride = 1;
    for (guint i = view->info->n_dims; i-- > 0; stride *= view->info->dims[i])
        if (view->strides[i] != stride)
            return FALSE;
    return TRUE;
}

static void
fill(ConvRnnSession *session, guint step)
{
    View x = input_of(session);
    for (gsize i = 0; i < count(&x); i++)
        *element(&x, i) = (gfloat)((i * 7919 + step * 104729) % 1009) / 1009.0f;
}

static void
assert_same_outputs(ConvRnnSession *a, ConvRnnSession *b)
{
    for (guint o = 0; o < convrnn_session_get_n_outputs(a); o++) {
        View x = output_of(a, o), y = output_of(b, o);
        for (gsize i = 0; i < count(&x); i++)
            g_assert_cmpmem(element(&x, i), sizeof(gfloat), element(&y, i), sizeof(gfloat));
    }
}

/* The last step is made on what is still there from the one before. */
static void
assert_same_steps(ConvRnnSession *a, ConvRnnSession *b)
{
    for (guint step = 0; step <= STEPS; step++) {
        if (step < STEPS) {
            fill(a, step);
            fill(b, step);
        }
        convrnn_session_step(a);
        convrnn_session_step(b);
        assert_same_outputs(a, b);
    }
}

static guint
count_open_outputs(ConvRnnSession *session)
{
    guint n = 0;
    for (guint o = 0; o < convrnn_session_get_n_outputs(session); o++) {
        View y = output_of(session, o);
        g_assert_cmpint(y.strides[y.info->n_dims - 1], ==, 1);
        n += !is_dense(&y);
    }
    return n;
}

static void
test_random(void)
{
    guint open_inputs = 0, open_outputs = 0;

    for (guint32 seed = 1; seed <= 60; seed++) {
        g_autoptr(ConvRnnModel) model = random_network(seed);
        g_autoptr(ConvRnnSession) dense = open_session(model, FALSE, 1);
        g_autoptr(ConvRnnSession) strided = open_session(model, TRUE, 2);
        View plain = input_of(dense), x = input_of(strided);

        g_assert_true(is_dense(&plain));
        g_assert_cmpuint(count_open_outputs(dense), ==, 0);
        g_assert_cmpint(x.strides[3], ==, 1);
        open_inputs += !is_dense(&x);
        open_outputs += count_open_outputs(strided);
        assert_same_steps(dense, strided);
    }
    g_assert_cmpuint(open_inputs, >, 5);
    g_assert_cmpuint(open_outputs, >, 5);
}

/* y = conv3×3(x) without a bias, from and to 3 channels, all weights 1. */
static guint
sum_3x3(ConvRnnBuilder *b, guint x)
{
    gfloat ones[81];
    gint64 dims[] = {3, 3, 3, 3};
    for (int i = 0; i < 81; i++)
        ones[i] = 1;
    g_autoptr(GBytes) bytes = g_bytes_new(ones, sizeof ones);
    g_autoptr(ConvRnnTensor) weights =
        convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, dims, 4, bytes, NULL);
    return convrnn_builder_conv2d(
        b, x, CONVRNN_CONV2D(.weights = weights, .padding = CONVRNN_PADDING_SAME));
}

static ConvRnnModel *
build(ConvRnnBuilder *b)
{
    g_autoptr(GError) error = NULL;
    ConvRnnModel *model = convrnn_builder_build(b, "strided", &error);
    g_assert_no_error(error);
    return model;
}

static guint
count_reorders(const ConvRnnSession *session)
{
    ConvRnnNodeStats node;
    guint n = 0;

    for (guint i = 0; i < convrnn_session_get_n_nodes(session); i++) {
        convrnn_session_get_node(session, i, &node);
        n += g_str_equal(node.op, "Reorder");
    }
    return n;
}

/* Two images of one convolution: no copy is left, the sums are those of 3×3 neighbours, and what
 * lies between the rows is still zero afterwards. */
static void
test_planes(void)
{
    enum { N = 2, C = 3, H = 5, W = 7 };
    gint64 dims[] = {N, C, H, W};
    g_autoptr(ConvRnnBuilder) b = convrnn_builder_new();
    guint input = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims, 4);
    convrnn_builder_output(b, "y", sum_3x3(b, input));
    g_autoptr(ConvRnnModel) model = build(b);
    g_autoptr(ConvRnnSession) dense = open_session(model, FALSE, 1);
    g_autoptr(ConvRnnSession) strided = open_session(model, TRUE, 1);
    View x = input_of(strided), y = output_of(strided, 0);

    g_assert_cmpuint(count_reorders(dense), ==, 2);
    g_assert_cmpuint(count_reorders(strided), ==, 0);
    g_assert_false(is_dense(&x));
    g_assert_cmpint(ABS(x.strides[1]), >, W);
    assert_same_steps(dense, strided);

    for (gsize i = 0; i < count(&x); i++)
        *element(&x, i) = (gfloat)(i % 5);
    convrnn_session_step(strided);
    for (gsize i = 0; i < count(&y); i++) {
        int n = (int)i / (C * H * W), at_y = (int)i / W % H, at_x = (int)i % W;
        gfloat sum = 0;
        for (int c = 0; c < C; c++)
            for (int r = MAX(at_y - 1, 0); r <= MIN(at_y + 1, H - 1); r++)
                for (int s = MAX(at_x - 1, 0); s <= MIN(at_x + 1, W - 1); s++)
                    sum += (gfloat)((((n * C + c) * H + r) * W + s) % 5);
        g_assert_cmpfloat(*element(&y, i), ==, sum);
    }
    for (int row = 0; row < N * C * H; row++) {
        const gfloat *end = element(&x, (gsize)row * W) + W;
        g_assert_cmpfloat(end[0], ==, 0);
    }
}

/* Read by two nodes in two ways, or by none that takes planes: row-major as ever. */
static void
test_stays_dense(void)
{
    gint64 dims[] = {1, 3, 6, 9}, flat[] = {3, 54};
    gint64 two = 2;
    g_autoptr(GBytes) bytes = g_bytes_new(flat, sizeof flat);
    g_autoptr(ConvRnnTensor) shape = convrnn_tensor_new(CONVRNN_DTYPE_INT64, &two, 1, bytes, NULL);

    for (int both = 0; both < 2; both++) {
        g_autoptr(ConvRnnBuilder) b = convrnn_builder_new();
        guint input = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims, 4);
        guint rows = convrnn_builder_node(
            b, "Reshape", (guint[]){input, convrnn_builder_constant(b, shape)}, 2, NULL);
        convrnn_builder_output(b, "rows", convrnn_builder_node(b, "Softmax", &rows, 1, NULL));
        if (both)
            convrnn_builder_output(b, "sums", sum_3x3(b, input));
        g_autoptr(ConvRnnModel) model = build(b);
        g_autoptr(ConvRnnSession) dense = open_session(model, FALSE, 1);
        g_autoptr(ConvRnnSession) strided = open_session(model, TRUE, 1);
        View x = input_of(strided);

        g_assert_true(is_dense(&x));
        assert_same_steps(dense, strided);
    }
}

/* An output that is a state, or the input itself, is a copy that stays where it is. */
static void
test_state_as_output(void)
{
    gint64 dims[] = {1, 3, 6, 9};
    g_autoptr(ConvRnnBuilder) b = convrnn_builder_new();
    guint x = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims, 4);
    guint h = convrnn_builder_input(b, "h", CONVRNN_DTYPE_FLOAT32, dims, 4);
    guint sums = sum_3x3(b, x);
    guint next = convrnn_builder_node(b, "Add", (guint[]){sums, h}, 2, NULL);
    convrnn_builder_output(b, "next", next);
    convrnn_builder_output(b, "state", next);
    convrnn_builder_output(b, "sums", sums);
    convrnn_builder_state(b, "h", "next", NULL);
    g_autoptr(ConvRnnModel) model = build(b);
    g_autoptr(ConvRnnSession) dense = open_session(model, FALSE, 1);
    g_autoptr(ConvRnnSession) strided = open_session(model, TRUE, 1);
    gconstpointer at = convrnn_session_get_output_data(strided, 0);

    assert_same_steps(dense, strided);
    g_assert_true(convrnn_session_get_output_data(strided, 0) == at);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/strided/random", test_random);
    g_test_add_func("/strided/planes", test_planes);
    g_test_add_func("/strided/stays-dense", test_stays_dense);
    g_test_add_func("/strided/state-as-output", test_state_as_output);
    return g_test_run();
}
