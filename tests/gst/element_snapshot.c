/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A state that leaves its element: the signals get-state and set-state, the property state-file. */
#include "networks.h"
#include "stream.h"
#include <glib/gstdio.h>
#include <string.h>

#define WIDTH  24
#define HEIGHT 18
#define FRAMES 12
#define MOVED  5 /* frames before the move */

static void
open_model(Stream *stream, const char *path, const char *properties)
{
    g_autofree char *launch = g_strdup_printf("convrnn model=%s %s", path, properties);

    stream_init(stream, launch);
}

static GBytes *
get_state(Stream *stream)
{
    GBytes *state = NULL;

    g_signal_emit_by_name(stream->element, "get-state", &state);
    return state;
}

static gboolean
set_state(Stream *stream, GBytes *state)
{
    gboolean good = -1;

    g_signal_emit_by_name(stream->element, "set-state", state, &good);
    return good;
}

static void
expect_no_warning(Stream *stream)
{
    fail_unless(stream_take_message(stream->bus, GST_MESSAGE_WARNING) == NULL);
}

static void
expect_warning(Stream *stream, const char *text)
{
    GQuark domain;
    int code;
    g_autofree char *found = stream_take_error(stream->bus, GST_MESSAGE_WARNING, &domain, &code);

    fail_unless(strstr(found, text) != NULL, "\"%s\" says nothing of \"%s\"", found, text);
    expect_no_warning(stream);
}

static GBytes *
push_random(Stream *stream, int index, GstConvRnnMetaInfo *info)
{
    GstBuffer *out = stream_push(stream, stream_random_frame(stream, 100 + index, index));
    GstConvRnnTensorView view;
    GBytes *y;

    stream_tensor(out, "y", &view);
    stream_result(out, info);
    info->model = info->element = NULL;
    y = g_bytes_new(view.data, view.size);
    gst_buffer_unref(out);
    return y;
}

/* What an uninterrupted stream gives for each frame. */
static void
run_uninterrupted(const char *path, GBytes *results[FRAMES])
{
    GstConvRnnMetaInfo info;
    Stream stream;

    open_model(&stream, path, "");
    stream_set_caps(&stream, "RGB", WIDTH, HEIGHT, 25);
    for (int i = 0; i < FRAMES; i++)
        results[i] = push_random(&stream, i, &info);
    stream_clear(&stream);
}

static void
expect_result(Stream *stream, int index, int step, GBytes *const results[FRAMES])
{
    GstConvRnnMetaInfo info;
    g_autoptr(GBytes) y = push_random(stream, index, &info);

    fail_unless(g_bytes_equal(y, results[index]), "frame %d differs", index);
    fail_unless_equals_uint64(info.step, step);
    fail_unless_equals_uint64(info.generation, 0);
    fail_unless_equals_int(info.flags, step == 0 ? GST_CONVRNN_META_RESET : 0);
}

static void
free_results(GBytes *results[FRAMES])
{
    for (int i = 0; i < FRAMES; i++)
        g_bytes_unref(results[i]);
}

/* Half of the stream here, half there; the snapshot comes before the caps or after them. */
GST_START_TEST(test_move)
{
    g_autofree char *path = network_gated("gated");
    g_autoptr(GBytes) state = NULL;
    GBytes *results[FRAMES];
    Stream here, there;

    run_uninterrupted(path, results);
    open_model(&here, path, "");
    fail_unless(get_state(&here) == NULL);
    stream_set_caps(&here, "RGB", WIDTH, HEIGHT, 25);
    for (int i = 0; i < MOVED; i++)
        expect_result(&here, i, i, results);
    state = get_state(&here);
    fail_unless(state != NULL);

    open_model(&there, path, "");
    if (__i__ == 0)
        fail_unless(set_state(&there, state));
    stream_set_caps(&there, "RGB", WIDTH, HEIGHT, 25);
    if (__i__ == 1)
        fail_unless(set_state(&there, state));
    for (int i = MOVED; i < FRAMES; i++)
        expect_result(&there, i, i, results);
    /* Taking a snapshot has changed nothing. */
    for (int i = MOVED; i < FRAMES; i++)
        expect_result(&here, i, i, results);
    expect_no_warning(&here);
    expect_no_warning(&there);
    stream_clear(&here);
    stream_clear(&there);
    free_results(results);
}
GST_END_TEST;

/* Of a gated network of another size, of another network, cut short, none at all, NULL. */
static GBytes *
bad_snapshot(int kind, const char *gated, const char **reason)
{
    static const char *const reasons[] = {"another type or shape", "another model", "truncated",
                                          "no snapshot", "NULL"};
    g_autofree char *sum = network_sum("sum", 3, -1, -1, NULL);
    g_autoptr(GBytes) whole = NULL;
    Stream stream;

    *reason = reasons[kind];
    if (kind == 4)
        return NULL;
    if (kind == 3)
        return g_bytes_new_static("hello", 5);
    open_model(&stream, kind == 1 ? sum : gated, "");
    stream_set_caps(&stream, "RGB", kind == 0 ? 32 : WIDTH, HEIGHT, 25);
    whole = get_state(&stream);
    stream_clear(&stream);
    return g_bytes_new_from_bytes(whole, 0, g_bytes_get_size(whole) - (kind == 2 ? 4 : 0));
}

GST_START_TEST(test_refused)
{
    g_autofree char *path = network_gated("gated");
    GBytes *results[FRAMES];
    const char *reason;
    g_autoptr(GBytes) bad = bad_snapshot(__i__, path, &reason);
    Stream stream;

    run_uninterrupted(path, results);
    open_model(&stream, path, "");
    stream_set_caps(&stream, "RGB", WIDTH, HEIGHT, 25);
    for (int i = 0; i < MOVED; i++)
        expect_result(&stream, i, i, results);
    fail_unless_equals_int(set_state(&stream, bad), FALSE);
    expect_warning(&stream, reason);
    for (int i = MOVED; i < FRAMES; i++)
        expect_result(&stream, i, i, results);
    stream_clear(&stream);
    free_results(results);
}
GST_END_TEST;

/* Refused when the caps are known: afresh. */
GST_START_TEST(test_refused_later)
{
    g_autofree char *path = network_gated("gated");
    GBytes *results[FRAMES];
    const char *reason;
    g_autoptr(GBytes) bad = bad_snapshot(__i__, path, &reason);
    Stream stream;

    run_uninterrupted(path, results);
    open_model(&stream, path, "");
    fail_unless_equals_int(set_state(&stream, bad), TRUE);
    expect_no_warning(&stream);
    stream_set_caps(&stream, "RGB", WIDTH, HEIGHT, 25);
    expect_warning(&stream, reason);
    for (int i = 0; i < MOVED; i++)
        expect_result(&stream, i, i, results);
    stream_clear(&stream);
    free_results(results);
}
GST_END_TEST;

/* Of reset-state, get-state and set-state, the later one builds on the earlier. */
GST_START_TEST(test_with_reset)
{
    g_autofree char *path = network_sum("sum", 3, -1, -1, NULL);
    g_autoptr(GBytes) two = NULL, none = NULL;
    GstConvRnnMetaInfo info;
    Stream stream;

    open_model(&stream, path, "");
    stream_set_caps(&stream, "RGB", 4, 4, 25);
    stream_push_flat(&stream, 255, 0, &info);
    stream_push_flat(&stream, 255, 1, &info);
    two = get_state(&stream);
    g_signal_emit_by_name(stream.element, "reset-state");
    none = get_state(&stream);
    fail_unless(stream_push_flat(&stream, 255, 2, &info) == 1);
    fail_unless_equals_uint64(info.generation, 1);
    g_signal_emit_by_name(stream.element, "reset-state");
    fail_unless(set_state(&stream, two));
    fail_unless(stream_push_flat(&stream, 255, 3, &info) == 3);
    fail_unless_equals_uint64(info.step, 2);
    fail_unless_equals_int64(info.pts_delta, -1);
    fail_unless(set_state(&stream, none));
    fail_unless(stream_push_flat(&stream, 255, 4, &info) == 1);
    fail_unless(set_state(&stream, two));
    g_signal_emit_by_name(stream.element, "reset-state");
    fail_unless(stream_push_flat(&stream, 255, 5, &info) == 1);
    stream_clear(&stream);
}
GST_END_TEST;

static gpointer
take_snapshots(gpointer data)
{
    Stream *stream = data;
    int torn = 0, last = 0;

    while (last < 150) {
        g_autoptr(GBytes) state = get_state(stream);
        gsize size, n = 3 * 320 * 240;
        const char *bytes = g_bytes_get_data(state, &size);
        const float *elements = (const float *)(bytes + size - n * sizeof(float));
        guint64 step;

        memcpy(&step, bytes + 16, sizeof step);
        last = (int)GUINT64_FROM_LE(step);
        for (gsize i = 0; i < n; i++) {
            float element;

            memcpy(&element, elements + i, sizeof element);
            torn += element != last;
        }
    }
    return GINT_TO_POINTER(torn);
}

/* White frames, summed: in each snapshot every element is the number of steps. */
GST_START_TEST(test_from_other_threads)
{
    g_autofree char *path = network_sum("sum", 3, -1, -1, NULL);
    GstConvRnnMetaInfo info;
    Stream stream;
    GThread *thread;

    open_model(&stream, path, "");
    stream_set_caps(&stream, "RGB", 320, 240, 25);
    thread = g_thread_new("snapshots", take_snapshots, &stream);
    for (int i = 0; i < 150; i++)
        fail_unless(stream_push_flat(&stream, 255, i, &info) == i + 1);
    fail_unless_equals_int(GPOINTER_TO_INT(g_thread_join(thread)), 0);
    stream_clear(&stream);
}
GST_END_TEST;

/* --- state-file --- */

/* A path beside the model, so that networks_remove() takes the file along. */
static char *
file_beside(const char *model, const char *name)
{
    g_autofree char *folder = g_path_get_dirname(model);

    return g_build_filename(folder, name, NULL);
}

/* Opens the model with the file, and expects the sum to begin at `sum`. */
static void
run_with_file(Stream *stream, const char *model, const char *file, int sum)
{
    g_autofree char *properties = g_strdup_printf("state-file=%s", file);
    GstConvRnnMetaInfo info;

    open_model(stream, model, properties);
    stream_set_caps(stream, "RGB", 4, 4, 25);
    for (int i = 0; i < 3; i++) {
        fail_unless(stream_push_flat(stream, 255, i, &info) == sum + i);
        fail_unless_equals_uint64(info.step, sum + i - 1);
    }
}

GST_START_TEST(test_file)
{
    g_autofree char *path = network_sum("sum", 3, -1, -1, NULL);
    g_autofree char *file = file_beside(path, "going.state");
    g_autofree char *refused = g_strconcat(file, ".refused", NULL);
    Stream stream;

    for (int run = 0; run < 3; run++) {
        run_with_file(&stream, path, file, 1 + 3 * run);
        expect_no_warning(&stream);
        stream_clear(&stream);
        fail_unless(g_file_test(file, G_FILE_TEST_IS_REGULAR));
    }
    fail_if(g_file_test(refused, G_FILE_TEST_EXISTS));
    g_remove(file);
}
GST_END_TEST;

/* From READY to PAUSED again in one element. */
GST_START_TEST(test_file_of_same_element)
{
    g_autofree char *path = network_sum("sum", 3, -1, -1, NULL);
    g_autofree char *file = file_beside(path, "same.state");
    GstConvRnnMetaInfo info;
    Stream stream;

    run_with_file(&stream, path, file, 1);
    gst_element_set_state(stream.element, GST_STATE_READY);
    gst_element_set_state(stream.element, GST_STATE_PLAYING);
    fail_unless(gst_harness_push_event(stream.harness, gst_event_new_stream_start("again")));
    stream_set_caps(&stream, "RGB", 4, 4, 25);
    fail_unless(stream_push_flat(&stream, 255, 3, &info) == 4);
    stream_clear(&stream);
    g_remove(file);
}
GST_END_TEST;

/* The state starts afresh, and what was in the file is not lost. */
GST_START_TEST(test_bad_file)
{
    g_autofree char *path = network_sum("sum", 3, -1, -1, NULL);
    g_autofree char *file = file_beside(path, "bad.state");
    g_autofree char *refused = g_strconcat(file, ".refused", NULL);
    g_autofree char *want = g_strdup_printf(
        "Cannot go on from the state file \"%s\": state snapshot for %s: these bytes are no "
        "snapshot. The state starts afresh; when a new one is saved, the file becomes "
        "\"%s.refused\".",
        file, path, file);
    g_autofree char *kept = NULL;
    Stream stream;

    fail_unless(g_file_set_contents(file, "my diary", -1, NULL));
    run_with_file(&stream, path, file, 1);
    expect_warning(&stream, want);
    stream_clear(&stream);
    fail_unless(g_file_get_contents(refused, &kept, NULL, NULL));
    fail_unless_equals_string(kept, "my diary");
    run_with_file(&stream, path, file, 4);
    expect_no_warning(&stream);
    stream_clear(&stream);
    g_remove(file);
    g_remove(refused);
}
GST_END_TEST;

/* A folder can be neither read nor replaced; the stream runs nevertheless. */
GST_START_TEST(test_folder)
{
    g_autofree char *path = network_sum("sum", 3, -1, -1, NULL);
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *read =
        g_strdup_printf("Cannot go on from the state file \"%s\": it is no regular file.", folder);
    g_autofree char *written =
        g_strdup_printf("Cannot save the state in the file \"%s\": ", folder);
    Stream stream;

    run_with_file(&stream, path, folder, 1);
    expect_warning(&stream, read);
    gst_element_set_state(stream.element, GST_STATE_READY);
    expect_warning(&stream, written);
    fail_unless(g_file_test(folder, G_FILE_TEST_IS_DIR));
    stream_clear(&stream);
}
GST_END_TEST;

static Suite *
snapshot_suite(void)
{
    Suite *suite = suite_create("snapshot");
    TCase *tests = tcase_create("snapshot");

    suite_add_tcase(suite, tests);
    tcase_add_unchecked_fixture(tests, NULL, networks_remove);
    tcase_add_loop_test(tests, test_move, 0, 2);
    tcase_add_loop_test(tests, test_refused, 0, 5);
    tcase_add_loop_test(tests, test_refused_later, 0, 4);
    tcase_add_test(tests, test_with_reset);
    tcase_add_test(tests, test_from_other_threads);
    tcase_add_test(tests, test_file);
    tcase_add_test(tests, test_file_of_same_element);
    tcase_add_test(tests, test_bad_file);
    tcase_add_test(tests, test_folder);
    return suite;
}

GST_CHECK_MAIN(snapshot);
