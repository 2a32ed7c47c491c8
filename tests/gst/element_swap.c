/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Another model while the stream runs. The frames are white: y of the network "sum" is the number
 * of frames that its state has seen. */
#include "networks.h"
#include "stream.h"

static void
open_sum(Stream *stream, char **path)
{
    g_autofree char *launch = NULL;

    *path = network_sum("sum", 3, 4, 4, NULL);
    launch = g_strdup_printf("convrnn model=%s", *path);
    stream_init(stream, launch);
    stream_set_caps(stream, "RGB", 4, 4, 25);
}

/* The next frame's y and result. */
static float
push(Stream *stream, GstConvRnnMetaInfo *info)
{
    return stream_push_flat(stream, 255, 0, info);
}

static gboolean
is_by(GstBuffer *buffer, const char *path)
{
    GstConvRnnMetaInfo info;

    stream_result(buffer, &info);
    return strcmp(info.model, path) == 0;
}

/* Pushes frames until one is looked at by the model `path`: its y. *frames counts those before. */
static float
push_until(Stream *stream, const char *path, int *frames, GstConvRnnMetaInfo *info)
{
    for (*frames = 0; *frames < 100000; ++*frames) {
        GstBuffer *out = stream_push(stream, stream_flat_frame(stream, 255, 0));
        gboolean found = is_by(out, path);
        GstConvRnnTensorView view;
        float y = *stream_tensor(out, "y", &view);

        stream_result(out, info);
        info->model = info->element = NULL;
        gst_buffer_unref(out);
        if (found)
            return y;
        g_usleep(100);
    }
    fail("the model %s never came", path);
    return 0;
}

static char *
get_model(Stream *stream)
{
    char *path;

    g_object_get(stream->element, "model", &path, NULL);
    return path;
}

/* The same state tensors: the sum goes on, ten times as large. */
GST_START_TEST(test_state_kept)
{
    g_autofree char *gain = network_gain("gain"), *sum = NULL;
    GstConvRnnMetaInfo info;
    Stream stream;
    int before;
    float y;

    open_sum(&stream, &sum);
    fail_unless(push(&stream, &info) == 1);
    fail_unless(push(&stream, &info) == 2);
    g_object_set(stream.element, "constants", "gain=10,bias=0", "model", gain, NULL);
    y = push_until(&stream, gain, &before, &info);
    fail_unless_equals_float(y, 10.0f * (float)(3 + before));
    fail_unless_equals_uint64(info.step, 2 + before);
    fail_unless_equals_uint64(info.generation, 0);
    fail_if(info.flags & GST_CONVRNN_META_RESET);
    fail_unless_equals_float(push(&stream, &info), y + 10);
    fail_unless(stream_take_message(stream.bus, GST_MESSAGE_WARNING) == NULL);
    stream_clear(&stream);
}
GST_END_TEST;

/* Another state: it begins afresh. */
GST_START_TEST(test_state_reset)
{
    g_autofree char *other = network_sum("sum1", 1, 4, 4, NULL), *sum = NULL;
    GstStructure *stats;
    GstConvRnnMetaInfo info;
    guint64 resets = 0;
    Stream stream;
    int before;

    open_sum(&stream, &sum);
    fail_unless(push(&stream, &info) == 1);
    g_object_set(stream.element, "model", other, NULL);
    fail_unless(push_until(&stream, other, &before, &info) == 1);
    fail_unless_equals_uint64(info.step, 0);
    fail_unless_equals_uint64(info.generation, 1);
    fail_unless(info.flags & GST_CONVRNN_META_RESET);
    g_object_get(stream.element, "stats", &stats, NULL);
    fail_unless(gst_structure_get_uint64(stats, "resets-model", &resets));
    fail_unless_equals_uint64(resets, 1);
    gst_structure_free(stats);
    fail_unless(push(&stream, &info) == 2);
    stream_clear(&stream);
}
GST_END_TEST;

/* The old model goes on, the property names it again, and a warning tells why. */
static void
expect_refusal(const char *path, const char *words)
{
    g_autofree char *sum = NULL, *now = NULL, *begin = NULL;
    GstConvRnnMetaInfo info;
    GstMessage *message;
    GError *error;
    Stream stream;

    open_sum(&stream, &sum);
    fail_unless(push(&stream, &info) == 1);
    g_object_set(stream.element, "model", path, NULL);
    message = gst_bus_timed_pop_filtered(stream.bus, 30 * GST_SECOND, GST_MESSAGE_WARNING);
    fail_unless(message != NULL);
    gst_message_parse_warning(message, &error, NULL);
    begin = g_strdup_printf("The model \"%s\" goes on. %s \"%s\": ", sum, words, path ? path : "");
    fail_unless(g_str_has_prefix(error->message, begin), "%s", error->message);
    g_error_free(error);
    gst_message_unref(message);
    now = get_model(&stream);
    fail_unless_equals_string(now, sum);
    fail_unless(push(&stream, &info) == 2);
    fail_unless(stream_take_message(stream.bus, GST_MESSAGE_ERROR | GST_MESSAGE_WARNING) == NULL);
    stream_clear(&stream);
}

GST_START_TEST(test_missing)
{
    expect_refusal("/nowhere/model.onnx", "Cannot load the model");
}
GST_END_TEST;

GST_START_TEST(test_unset)
{
    expect_refusal(NULL, "Cannot load the model");
}
GST_END_TEST;

GST_START_TEST(test_broken)
{
    g_autofree char *path = network_write("broken", "not a model", 11, NULL);

    expect_refusal(path, "Cannot load the model");
}
GST_END_TEST;

GST_START_TEST(test_unfit)
{
    g_autofree char *path = network_no_picture("none");

    expect_refusal(path, "Cannot run the frames of the stream through the model");
}
GST_END_TEST;

/* Once it has failed, another may succeed; and of several in a row the last counts. */
GST_START_TEST(test_one_after_another)
{
    g_autofree char *a = network_sum("a", 3, 4, 4, NULL), *b = network_sum("b", 3, 4, 4, NULL);
    g_autofree char *sum = NULL, *now = NULL;
    GstConvRnnMetaInfo info;
    Stream stream;
    int before, all;
    float y;

    open_sum(&stream, &sum);
    fail_unless(push(&stream, &info) == 1);
    g_object_set(stream.element, "model", "/nowhere/model.onnx", NULL);
    g_object_set(stream.element, "model", a, NULL);
    g_object_set(stream.element, "model", b, NULL);
    y = push_until(&stream, b, &before, &info);
    fail_unless_equals_float(y, (float)(2 + before));
    g_object_set(stream.element, "model", a, NULL);
    fail_unless_equals_float(push_until(&stream, a, &all, &info), y + 1 + (float)all);
    now = get_model(&stream);
    fail_unless_equals_string(now, a);
    stream_clear(&stream);
}
GST_END_TEST;

/* Before the first frames, and while others come. */
GST_START_TEST(test_with_caps)
{
    g_autofree char *a = network_sum("open-a", 3, -1, -1, NULL);
    g_autofree char *b = network_sum("open-b", 3, -1, -1, NULL);
    g_autofree char *launch = g_strdup_printf("convrnn model=%s", a);
    GstConvRnnMetaInfo info;
    Stream stream;
    int before;

    stream_init(&stream, launch);
    g_object_set(stream.element, "model", b, NULL);
    stream_set_caps(&stream, "RGB", 4, 4, 25);
    push_until(&stream, b, &before, &info);
    for (int i = 0; i < 40; i++) {
        const char *next = i % 2 ? b : a;

        g_object_set(stream.element, "model", next, NULL);
        if (i % 3 == 0)
            g_usleep((gulong)(i * 37 % 500));
        stream_set_caps(&stream, "RGB", 4 + 4 * (i % 5), 4, 25);
        push_until(&stream, next, &before, &info);
        fail_unless_equals_int(info.frame_width, 4 + 4 * (i % 5));
    }
    fail_unless(stream_take_message(stream.bus, GST_MESSAGE_ERROR | GST_MESSAGE_WARNING) == NULL);
    stream_clear(&stream);
}
GST_END_TEST;

/* The element may stop at any moment meanwhile; the next start takes the model that is set. */
GST_START_TEST(test_with_stop)
{
    g_autofree char *a = network_sum("a", 3, 4, 4, NULL), *b = network_sum("b", 3, 4, 4, NULL);
    g_autofree char *launch = g_strdup_printf("convrnn model=%s", a);
    GstConvRnnMetaInfo info;
    GstBuffer *out;
    Stream stream;

    stream_init(&stream, launch);
    for (int i = 0; i < 50; i++) {
        const char *next = i % 2 ? a : b;

        stream_set_caps(&stream, "RGB", 4, 4, 25);
        fail_unless(push(&stream, &info) == 1);
        g_object_set(stream.element, "model", next, NULL);
        g_usleep((gulong)(i * 53 % 400));
        gst_element_set_state(stream.element, GST_STATE_READY);
        gst_element_set_state(stream.element, GST_STATE_PLAYING);
        stream_set_caps(&stream, "RGB", 4, 4, 25);
        out = stream_push(&stream, stream_flat_frame(&stream, 255, 0));
        fail_unless(is_by(out, next));
        gst_buffer_unref(out);
        gst_element_set_state(stream.element, GST_STATE_READY);
        gst_element_set_state(stream.element, GST_STATE_PLAYING);
    }
    stream_clear(&stream);
}
GST_END_TEST;

GST_START_TEST(test_flags)
{
    static const struct {
        const char *property;
        gboolean playing;
    } properties[] = {
        {"model", TRUE},         {"late-policy", TRUE},  {"max-latency", TRUE},
        {"reset-on", TRUE},      {"state-window", TRUE}, {"inference-interval", TRUE},
        {"post-messages", TRUE}, {"threads", FALSE},     {"target-framerate", TRUE},
        {"state-map", FALSE},    {"constants", FALSE},   {"outputs", FALSE},
        {"fit", FALSE},          {"state-file", FALSE},  {"precision", FALSE},
        {"async", FALSE},
    };
    GstElement *element = gst_element_factory_make("convrnn", NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(properties); i++) {
        GParamSpec *spec =
            g_object_class_find_property(G_OBJECT_GET_CLASS(element), properties[i].property);

        fail_unless(spec != NULL);
        fail_unless(spec->flags & (properties[i].playing ? GST_PARAM_MUTABLE_PLAYING
                                                         : GST_PARAM_MUTABLE_READY),
                    "%s", properties[i].property);
        fail_if(spec->flags &
                    (properties[i].playing ? GST_PARAM_MUTABLE_READY : GST_PARAM_MUTABLE_PLAYING),
                "%s", properties[i].property);
    }
    gst_object_unref(element);
}
GST_END_TEST;

static Suite *
swap_suite(void)
{
    Suite *suite = suite_create("swap");
    TCase *tests = tcase_create("swap");

    suite_add_tcase(suite, tests);
    tcase_add_unchecked_fixture(tests, NULL, networks_remove);
    tcase_add_test(tests, test_state_kept);
    tcase_add_test(tests, test_state_reset);
    tcase_add_test(tests, test_missing);
    tcase_add_test(tests, test_unset);
    tcase_add_test(tests, test_broken);
    tcase_add_test(tests, test_unfit);
    tcase_add_test(tests, test_one_after_another);
    tcase_add_test(tests, test_with_caps);
    tcase_add_test(tests, test_with_stop);
    tcase_add_test(tests, test_flags);
    return suite;
}

GST_CHECK_MAIN(swap);
