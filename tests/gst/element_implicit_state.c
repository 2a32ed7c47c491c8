/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Networks whose state is no input and output of theirs: what a recurrent node would forget
 * (carry-rnn-state), the last frames (role=window), and none at all. */
#include "networks.h"
#include "stream.h"
#include "support/onnx_writer.h"

#define OPEN -1

static char *
finish(const char *name, Ow *graph, const char *modelinfo)
{
    ow_put(graph, OW_G_OUTPUT, ow_value("y", OW_FLOAT, NULL, -1));
    g_autoptr(GBytes) bytes = ow_model(graph, 13);
    return network_write(name, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), modelinfo);
}

/* The mean of input x over the axes from `first` on, without them. */
static Ow *
mean_graph(const int64_t *dims, int n_dims, int first, const char *output)
{
    Ow *graph = ow_new(), *mean = ow_node("ReduceMean", "x", output);
    int64_t axes[5];

    for (int i = first; i < n_dims; i++)
        axes[i - first] = i;
    ow_attr_ints(mean, "axes", axes, n_dims - first);
    ow_attr_int(mean, "keepdims", 0);
    ow_put(graph, OW_G_NODE, mean);
    ow_put(graph, OW_G_INPUT, ow_value("x", OW_FLOAT, dims, n_dims));
    return graph;
}

/* h' = relu(mean of the picture + h), y = h'. */
static char *
network_mean_rnn(const char *name, const char *modelinfo)
{
    const int64_t dims[] = {1, 3, OPEN, OPEN}, one[] = {1, 1, 1}, axes[] = {1};
    const float weight = 1;
    Ow *graph = mean_graph(dims, 4, 1, "mean"), *rnn = ow_node("RNN", "series,one,one", "series_y");
    Ow *activations = ow_new();

    ow_put(graph, OW_G_NODE, ow_node("Reshape", "mean,shape", "series"));
    ow_attr_int(rnn, "hidden_size", 1);
    ow_text(activations, 1, "activations");
    ow_text(activations, 9, "Relu");
    ow_int(activations, 20, 8);
    ow_put(rnn, 5, activations);
    ow_text(rnn, 3, "rnn");
    ow_put(graph, OW_G_NODE, rnn);
    ow_put(graph, OW_G_NODE, ow_node("Squeeze", "series_y,axes", "y"));
    ow_put(graph, OW_G_INITIALIZER, ow_tensor("one", OW_FLOAT, one, 3, &weight, sizeof weight));
    ow_put(graph, OW_G_INITIALIZER, ow_tensor_i64("shape", one, 3));
    ow_put(graph, OW_G_INITIALIZER, ow_tensor_i64("axes", axes, 1));
    return finish(name, graph, modelinfo);
}

static void
check_steps(const char *launch, const float *expected, int n)
{
    GstConvRnnMetaInfo info;
    Stream stream;

    stream_init(&stream, launch);
    stream_set_caps(&stream, "RGB", 8, 6, 25);
    for (int i = 0; i < n; i++) {
        float y = stream_push_flat(&stream, (guint8)(51 * (i + 1)), i, &info);

        fail_unless(ABS(y - expected[i]) < 1e-5, "frame %d: %g, expected %g", i, y, expected[i]);
        fail_unless_equals_uint64(info.step, i);
    }
    stream_clear(&stream);
}

GST_START_TEST(test_carry)
{
    static const float carried[] = {0.2f, 0.6f, 1.2f, 2}, alone[] = {0.2f, 0.4f, 0.6f, 0.8f};
    g_autofree char *path = network_mean_rnn("mean-rnn", NULL);
    g_autofree char *on = g_strdup_printf("convrnn model=%s carry-rnn-state=true", path);
    g_autofree char *off = g_strdup_printf("convrnn model=%s", path);
    g_autofree char *none = g_strdup_printf("%s state-map=none", on);

    check_steps(on, carried, 4);
    check_steps(off, alone, 4);
    check_steps(none, alone, 4);
}
GST_END_TEST;

GST_START_TEST(test_carry_by_modelinfo)
{
    static const float carried[] = {0.2f, 0.6f, 1.2f};
    g_autofree char *path =
        network_mean_rnn("mean-rnn-info", "[modelinfo]\nversion=1.0\ncarry-rnn-state=true\n");
    g_autofree char *launch = g_strdup_printf("convrnn model=%s", path);

    check_steps(launch, carried, 3);
}
GST_END_TEST;

/* Without a node to carry the element says so rather than to run without state. */
GST_START_TEST(test_nothing_to_carry)
{
    const int64_t dims[] = {1, 3, OPEN, OPEN};
    g_autofree char *path = finish("mean-only", mean_graph(dims, 4, 1, "y"), NULL);
    g_autofree char *launch = g_strdup_printf("convrnn model=%s carry-rnn-state=true", path);
    Stream stream;
    g_autofree char *text = NULL;
    GQuark domain;
    int code;

    stream_init(&stream, launch);
    stream_set_caps(&stream, "RGB", 8, 6, 25);
    fail_unless(gst_harness_push(stream.harness, stream_random_frame(&stream, 1, 0)) ==
                GST_FLOW_NOT_NEGOTIATED);
    text = stream_take_error(stream.bus, GST_MESSAGE_ERROR, &domain, &code);
    fail_unless(strstr(text, "carry-rnn-state") != NULL, "%s", text);
    stream_clear(&stream);
}
GST_END_TEST;

/* y[0]: the oldest of three frames. */
static char *
network_window(const char *name, const char *fill)
{
    const int64_t dims[] = {1, 3, 3, OPEN, OPEN};
    g_autofree char *info = g_strdup_printf(
        "[modelinfo]\nversion=1.0\n[x]\nrole=window\nlength=3\naxis=1\nfill=%s\n", fill);

    return finish(name, mean_graph(dims, 5, 2, "y"), info);
}

GST_START_TEST(test_window)
{
    static const float first[] = {0.2f, 0.2f, 0.2f, 0.4f, 0.6f}, zero[] = {0, 0, 0.2f, 0.4f, 0.6f};
    g_autofree char *a = network_window("window-first", "first");
    g_autofree char *b = network_window("window-zero", "zero");
    g_autofree char *filled = g_strdup_printf("convrnn model=%s", a);
    g_autofree char *empty = g_strdup_printf("convrnn model=%s", b);

    check_steps(filled, first, 5);
    check_steps(empty, zero, 5);
}
GST_END_TEST;

/* A reset empties the window: the next frame fills it again. */
GST_START_TEST(test_window_reset)
{
    g_autofree char *path = network_window("window-reset", "first");
    g_autofree char *launch = g_strdup_printf("convrnn model=%s", path);
    GstConvRnnMetaInfo info;
    Stream stream;

    stream_init(&stream, launch);
    stream_set_caps(&stream, "RGB", 8, 6, 25);
    for (int i = 0; i < 3; i++)
        stream_push_flat(&stream, 51, i, &info);
    g_signal_emit_by_name(stream.element, "reset-state");
    fail_unless(stream_push_flat(&stream, 255, 3, &info) == 1);
    fail_unless(stream_push_flat(&stream, 0, 4, &info) == 1);
    fail_unless_equals_uint64(info.step, 1);
    stream_clear(&stream);
}
GST_END_TEST;

/* A plain network: every frame is looked at alone, and its step is counted. */
GST_START_TEST(test_no_state)
{
    static const float alone[] = {0.2f, 0.4f, 0.6f};
    const int64_t dims[] = {1, 3, OPEN, OPEN};
    g_autofree char *path = finish("plain", mean_graph(dims, 4, 1, "y"), NULL);
    g_autofree char *launch = g_strdup_printf("convrnn model=%s", path);

    check_steps(launch, alone, 3);
}
GST_END_TEST;

static Suite *
implicit_state_suite(void)
{
    Suite *suite = suite_create("element_implicit_state");
    TCase *tests = tcase_create("implicit state");

    suite_add_tcase(suite, tests);
    tcase_add_unchecked_fixture(tests, NULL, networks_remove);
    tcase_add_test(tests, test_carry);
    tcase_add_test(tests, test_carry_by_modelinfo);
    tcase_add_test(tests, test_nothing_to_carry);
    tcase_add_test(tests, test_window);
    tcase_add_test(tests, test_window_reset);
    tcase_add_test(tests, test_no_state);
    return suite;
}

GST_CHECK_MAIN(implicit_state);
