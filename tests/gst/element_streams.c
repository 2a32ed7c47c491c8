/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many streams with one network: what one of them does or suffers never touches another, and they
 * share their threads. */
#include "networks.h"
#include "stream.h"

enum { WIDTH = 40, HEIGHT = 30, FRAMES = 40 };

static char *model;

static void
find_model(void)
{
    model = network_gated("gated");
}

static void
forget_model(void)
{
    g_clear_pointer(&model, g_free);
    networks_remove();
}

static void
open_stream(Stream *stream)
{
    g_autofree char *launch = g_strdup_printf("convrnn model=%s", model);

    stream_init(stream, launch);
    stream_set_caps(stream, "RGB", WIDTH, HEIGHT, 25);
}

/* y of a stream's frames, one after another. */
static void
push_frame(Stream *stream, guint seed, int index, GByteArray *all)
{
    GstBuffer *out = stream_push(stream, stream_random_frame(stream, seed + (guint)index, index));
    GstConvRnnTensorView view;

    stream_tensor(out, "y", &view);
    g_byte_array_append(all, view.data, (guint)view.size);
    gst_buffer_unref(out);
}

static GByteArray *
run_alone(guint seed)
{
    GByteArray *all = g_byte_array_new();
    Stream stream;

    open_stream(&stream);
    for (int i = 0; i < FRAMES; i++)
        push_frame(&stream, seed, i, all);
    stream_clear(&stream);
    return all;
}

/* --- neighbours --- */

static void
stay_quiet(Stream *stream, int index)
{
}

static void
reset_often(Stream *stream, int index)
{
    g_signal_emit_by_name(stream->element, "reset-state");
}

static void
flush_often(Stream *stream, int index)
{
    gst_harness_push_event(stream->harness, gst_event_new_flush_start());
    gst_harness_push_event(stream->harness, gst_event_new_flush_stop(TRUE));
    stream_set_caps(stream, "RGB", WIDTH, HEIGHT, 25);
}

static void
change_size(Stream *stream, int index)
{
    stream_set_caps(stream, "RGB", WIDTH + 8 * (index % 3), HEIGHT, 25);
}

/* A buffer that is no frame ends this stream with an error. */
static void
break_down(Stream *stream, int index)
{
    GstBuffer *out;

    if (gst_harness_push(stream->harness, gst_buffer_new_allocate(NULL, 5, NULL)) != GST_FLOW_ERROR)
        fail("five bytes were taken for a frame");
    while ((out = gst_harness_try_pull(stream->harness)) != NULL)
        gst_buffer_unref(out);
}

static void
fail_to_swap(Stream *stream, int index)
{
    g_object_set(stream->element, "model", "/nowhere/model.onnx", NULL);
}

static void
restart(Stream *stream, int index)
{
    gst_element_set_state(stream->element, GST_STATE_NULL);
    gst_element_set_state(stream->element, GST_STATE_PLAYING);
    stream_set_caps(stream, "RGB", WIDTH, HEIGHT, 25);
}

typedef struct {
    const char *name;
    void (*act)(Stream *stream, int index);
    gboolean pushes;
} Neighbour;

static const Neighbour neighbours[] = {
    {"quiet", stay_quiet, TRUE}, {"reset", reset_often, TRUE},  {"flush", flush_often, TRUE},
    {"caps", change_size, TRUE}, {"broken", break_down, FALSE}, {"swap", fail_to_swap, TRUE},
    {"restart", restart, TRUE},
};

/* One frame, what the neighbour does, one frame… */
GST_START_TEST(test_in_turns)
{
    const Neighbour *neighbour = &neighbours[__i__];
    GByteArray *want = run_alone(1), *got = g_byte_array_new();
    Stream stream, other;

    open_stream(&stream);
    open_stream(&other);
    for (int i = 0; i < FRAMES; i++) {
        push_frame(&stream, 1, i, got);
        neighbour->act(&other, i);
        if (neighbour->pushes)
            gst_buffer_unref(stream_push(&other, stream_random_frame(&other, 7, i)));
    }
    fail_unless(got->len == want->len && memcmp(got->data, want->data, want->len) == 0,
                "a stream differs beside one that does: %s", neighbour->name);
    stream_clear(&stream);
    stream_clear(&other);
    g_byte_array_unref(want);
    g_byte_array_unref(got);
}
GST_END_TEST;

typedef struct {
    const Neighbour *neighbour; /* NULL: the stream that is looked at */
    GByteArray *got;
    guint seed;
} Worker;

static gpointer
run_worker(gpointer data)
{
    Worker *worker = data;
    Stream stream;

    open_stream(&stream);
    for (int i = 0; i < FRAMES; i++) {
        if (worker->neighbour == NULL) {
            push_frame(&stream, worker->seed, i, worker->got);
            continue;
        }
        worker->neighbour->act(&stream, i);
        if (worker->neighbour->pushes)
            gst_buffer_unref(stream_push(&stream, stream_random_frame(&stream, 7, i)));
    }
    stream_clear(&stream);
    return NULL;
}

/* All of it at once, each stream in a thread of its own. */
GST_START_TEST(test_at_once)
{
    enum { LOOKED_AT = 3, ALL = LOOKED_AT + G_N_ELEMENTS(neighbours) };
    GThread *threads[ALL];
    Worker workers[ALL];

    for (guint i = 0; i < ALL; i++) {
        workers[i] = (Worker){i < LOOKED_AT ? NULL : &neighbours[i - LOOKED_AT], g_byte_array_new(),
                              100 * i};
        threads[i] = g_thread_new("stream", run_worker, &workers[i]);
    }
    for (guint i = 0; i < ALL; i++)
        g_thread_join(threads[i]);
    for (guint i = 0; i < ALL; i++) {
        if (i < LOOKED_AT) {
            GByteArray *want = run_alone(workers[i].seed);

            fail_unless(workers[i].got->len == want->len &&
                            memcmp(workers[i].got->data, want->data, want->len) == 0,
                        "stream %u differs", i);
            g_byte_array_unref(want);
        }
        g_byte_array_unref(workers[i].got);
    }
}
GST_END_TEST;

static guint
count_threads(void)
{
    g_autoptr(GDir) dir = g_dir_open("/proc/self/task", 0, NULL);
    guint n = 0;

    while (dir != NULL && g_dir_read_name(dir) != NULL)
        n++;
    return n;
}

/* Sixteen streams have no more threads than one, for the steps. */
GST_START_TEST(test_threads)
{
    Stream streams[16];
    guint before;

    for (guint i = 0; i < G_N_ELEMENTS(streams); i++) {
        open_stream(&streams[i]);
        gst_buffer_unref(stream_push(&streams[i], stream_random_frame(&streams[i], i, 0)));
        if (i == 0)
            before = count_threads();
    }
    fail_unless(count_threads() <= before);
    for (guint i = 0; i < G_N_ELEMENTS(streams); i++)
        stream_clear(&streams[i]);
}
GST_END_TEST;

static Suite *
streams_suite(void)
{
    Suite *suite = suite_create("streams");
    TCase *tests = tcase_create("streams");

    suite_add_tcase(suite, tests);
    tcase_add_unchecked_fixture(tests, find_model, forget_model);
    /* First: no other test's threads are about. */
    tcase_add_test(tests, test_threads);
    tcase_add_loop_test(tests, test_in_turns, 0, G_N_ELEMENTS(neighbours));
    tcase_add_test(tests, test_at_once);
    return suite;
}

GST_CHECK_MAIN(streams);
