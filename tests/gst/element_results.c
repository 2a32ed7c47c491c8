/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Results where applications look for them: after other elements, of several networks, on the bus;
 * and latency and statistics. */
#include "networks.h"
#include "stream.h"
#include <glib/gstdio.h>
#include <string.h>

/* 8×6 RGB */
static GstBuffer *
black_frame(void)
{
    GstBuffer *frame = gst_buffer_new_allocate(NULL, 144, NULL);

    gst_buffer_memset(frame, 0, 0, 144);
    return frame;
}

GST_START_TEST(test_survives_other_elements)
{
    g_autofree char *path = network_sum("sum", 3, 4, 4, NULL);
    g_autofree char *launch = g_strdup_printf(
        "convrnn name=net model=%s ! videoconvert ! videoscale ! videoflip method=clockwise ! "
        "capsfilter caps=video/x-raw,format=I420,width=12,height=10",
        path);
    GstHarness *harness = gst_harness_new_parse(launch);
    GstConvRnnTensorView view;
    GstConvRnnMetaInfo info;
    GstBuffer *out;

    gst_harness_set_src_caps_str(harness, "video/x-raw,format=RGB,width=8,height=6,framerate=25/1");
    out = gst_harness_push_and_pull(harness, black_frame());
    stream_tensor(out, "y", &view);
    stream_result(out, &info);
    fail_unless_equals_string(info.element, "net");
    fail_unless_equals_string(info.model, path);
    fail_unless_equals_int(info.frame_width, 8);
    gst_buffer_unref(out);
    gst_harness_teardown(harness);
}
GST_END_TEST;

GST_START_TEST(test_two_networks)
{
    g_autofree char *a = network_sum("sum3", 3, 4, 4, NULL);
    g_autofree char *b = network_sum("sum1", 1, 2, 2, NULL);
    g_autofree char *launch =
        g_strdup_printf("convrnn name=a model=%s ! convrnn name=b model=%s", a, b);
    GstHarness *harness = gst_harness_new_parse(launch);
    GstConvRnnTensorView view;
    GstBuffer *out;

    gst_harness_set_src_caps_str(harness, "video/x-raw,format=RGB,width=8,height=6,framerate=25/1");
    out = gst_harness_push_and_pull(harness, black_frame());
    fail_unless(gst_convrnn_meta_find_tensor(gst_convrnn_meta_get(out, "a"), "y", &view));
    fail_unless_equals_int64(view.dims[1], 3);
    fail_unless(gst_convrnn_meta_find_tensor(gst_convrnn_meta_get(out, "b"), "y", &view));
    fail_unless_equals_int64(view.dims[1], 1);
    gst_buffer_unref(out);
    gst_harness_teardown(harness);
}
GST_END_TEST;

GST_START_TEST(test_messages)
{
    g_autofree char *path = network_sum("sum", 3, 4, 4, NULL);
    g_autofree char *launch = g_strdup_printf("convrnn model=%s post-messages=true", path);
    Stream stream;

    stream_init(&stream, launch);
    stream_set_caps(&stream, "RGB", 4, 4, 25);
    for (int i = 0; i < 3; i++) {
        GstConvRnnMetaInfo info;
        guint64 step = 99, running_time = 0, stream_time = 0, pts = 0, duration = 0;
        const GstStructure *s;
        GstMessage *message;
        GBytes *bytes = NULL;

        stream_push_flat(&stream, 255, i, &info);
        message = stream_take_message(stream.bus, GST_MESSAGE_ELEMENT);
        fail_unless(message != NULL);
        s = gst_message_get_structure(message);
        fail_unless_equals_string(gst_structure_get_name(s), "convrnn");
        fail_unless(gst_structure_get(s, "step", G_TYPE_UINT64, &step, "pts", G_TYPE_UINT64, &pts,
                                      "duration", G_TYPE_UINT64, &duration, "stream-time",
                                      G_TYPE_UINT64, &stream_time, "running-time", G_TYPE_UINT64,
                                      &running_time, "tensor-0-data", G_TYPE_BYTES, &bytes, NULL));
        fail_unless_equals_uint64(step, i);
        fail_unless_equals_uint64(pts, i * STREAM_FRAME);
        fail_unless_equals_uint64(duration, STREAM_FRAME);
        fail_unless_equals_uint64(stream_time, i * STREAM_FRAME);
        fail_unless_equals_uint64(running_time, i * STREAM_FRAME);
        fail_unless(*(const float *)g_bytes_get_data(bytes, NULL) == i + 1);
        g_bytes_unref(bytes);
        gst_message_unref(message);
    }
    g_object_set(stream.element, "post-messages", FALSE, NULL);
    gst_buffer_unref(stream_push(&stream, stream_flat_frame(&stream, 0, 3)));
    fail_unless(stream_take_message(stream.bus, GST_MESSAGE_ELEMENT) == NULL);
    stream_clear(&stream);
}
GST_END_TEST;

static guint64
get_count(const GstStructure *stats, const char *prefix, const char *name)
{
    g_autofree char *field = g_strconcat(prefix, name, NULL);
    guint64 value = 0;

    fail_unless(gst_structure_get_uint64(stats, field, &value), "no field %s", field);
    return value;
}

/* The parts are shorter than the whole, and each figure lies where it must. */
static void
expect_durations(const GstStructure *stats, const char *whole, const char *part)
{
    guint64 max = get_count(stats, part, "max-ns"), p95 = get_count(stats, part, "p95-ns");

    fail_unless(max > 0 && p95 <= max && get_count(stats, part, "mean-ns") <= max);
    fail_unless(get_count(stats, part, "last-ns") <= max);
    for (const char *const *name =
             (const char *const[]){"last-ns", "mean-ns", "p95-ns", "max-ns", NULL};
         *name != NULL; name++)
        fail_unless(get_count(stats, part, *name) <= get_count(stats, whole, *name));
}

GST_START_TEST(test_statistics)
{
    g_autofree char *path = network_sum("sum", 3, 4, 4, NULL);
    g_autofree char *launch = g_strdup_printf("convrnn model=%s", path);
    guint64 steps = 0, last = 0, mean = 0, latency = 0, state_bytes = 0;
    double fps = 0;
    GstStructure *stats;
    Stream stream;

    stream_init(&stream, launch);
    stream_set_caps(&stream, "RGB", 4, 4, 25);
    for (int i = 0; i < 7; i++)
        gst_buffer_unref(stream_push(&stream, stream_flat_frame(&stream, 0, i)));
    g_object_get(stream.element, "stats", &stats, NULL);
    fail_unless(gst_structure_get(stats, "steps", G_TYPE_UINT64, &steps, "last-ns", G_TYPE_UINT64,
                                  &last, "mean-ns", G_TYPE_UINT64, &mean, "latency-ns",
                                  G_TYPE_UINT64, &latency, NULL));
    fail_unless_equals_uint64(steps, 7);
    fail_unless(last > 0 && mean > 0);
    expect_durations(stats, "", "convert-");
    expect_durations(stats, "", "step-");
    expect_durations(stats, "", "attach-");
    /* Two halves of 3×4×4 numbers, at least. */
    fail_unless(gst_structure_get_uint64(stats, "state-bytes", &state_bytes) &&
                state_bytes >= 2 * 48 * sizeof(float));
    fail_unless(gst_structure_get_double(stats, "fps", &fps) && fps > 0);
    gst_structure_free(stats);

    gst_harness_set_upstream_latency(stream.harness, 100 * GST_MSECOND);
    fail_unless_equals_uint64(gst_harness_query_latency(stream.harness),
                              100 * GST_MSECOND + latency);
    fail_unless(latency > 0 && latency % GST_MSECOND == 0);
    stream_clear(&stream);
}
GST_END_TEST;

/* The log, as GST_DEBUG_FILE has it. */
static char *log_path;

/* How many records of this name have a field of this type and value. */
static int
count_records(char **lines, const char *name, const char *field, GType type, const char *want)
{
    int n = 0;

    for (; *lines != NULL; lines++) {
        const char *text = strstr(*lines, name);
        g_autoptr(GstStructure) record = NULL;
        g_autofree char *found = NULL;

        if (text == NULL)
            continue;
        record = gst_structure_from_string(text, NULL);
        fail_unless(record != NULL, "no record: %s", text);
        fail_unless(gst_structure_has_field_typed(record, field, type), "%s", text);
        found = gst_value_serialize(gst_structure_get_value(record, field));
        n += want == NULL || strcmp(found, want) == 0;
    }
    return n;
}

/* Records of steps and skipped frames, as a program reads them. */
GST_START_TEST(test_log)
{
    g_autofree char *path = network_sum("sum", 3, 4, 4, NULL), *text = NULL;
    g_autofree char *launch =
        g_strdup_printf("convrnn name=logged model=%s inference-interval=2", path);
    g_auto(GStrv) lines = NULL;
    Stream stream;

    stream_init(&stream, launch);
    stream_set_caps(&stream, "RGB", 4, 4, 25);
    gst_debug_set_threshold_for_name("convrnn", GST_LEVEL_TRACE);
    for (int i = 0; i < 6; i++)
        gst_buffer_unref(stream_push(&stream, stream_flat_frame(&stream, 0, i)));
    gst_debug_unset_threshold_for_name("convrnn");
    stream_clear(&stream);
    fail_unless(g_file_get_contents(log_path, &text, NULL, NULL));
    lines = g_strsplit(text, "\n", -1);
    fail_unless_equals_int(count_records(lines, "convrnn-step", "element", G_TYPE_STRING, "logged"),
                           3);
    fail_unless_equals_int(count_records(lines, "convrnn-step", "step-ns", G_TYPE_UINT64, NULL), 3);
    fail_unless_equals_int(count_records(lines, "convrnn-step", "step", G_TYPE_UINT64, "2"), 1);
    fail_unless_equals_int(count_records(lines, "convrnn-skip", "cause", G_TYPE_STRING, "interval"),
                           3);
    fail_unless_equals_int(count_records(lines, "convrnn-skip", "pts", G_TYPE_UINT64, "200000000"),
                           1);
}
GST_END_TEST;

static Suite *
results_suite(void)
{
    Suite *suite = suite_create("results");
    TCase *tests = tcase_create("results");

    suite_add_tcase(suite, tests);
    tcase_add_unchecked_fixture(tests, NULL, networks_remove);
    tcase_add_test(tests, test_survives_other_elements);
    tcase_add_test(tests, test_two_networks);
    tcase_add_test(tests, test_messages);
    tcase_add_test(tests, test_statistics);
    tcase_add_test(tests, test_log);
    return suite;
}

int
main(int argc, char **argv)
{
    int failed, file = g_file_open_tmp("convrnn-log-XXXXXX", &log_path, NULL);

    g_setenv("GST_DEBUG_FILE", log_path, TRUE);
    g_setenv("GST_DEBUG_NO_COLOR", "1", TRUE);
    gst_check_init(&argc, &argv);
    failed = gst_check_run_suite(results_suite(), "results", __FILE__);
    g_close(file, NULL);
    g_remove(log_path);
    g_free(log_path);
    return failed;
}
