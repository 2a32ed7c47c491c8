/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A reset leaves nothing behind: whatever film A was and whatever ends it, film B afterwards gives,
 * bit for bit, what it gives in an element that has seen nothing else. For every way to reset, with
 * a gated network and with every network in models/. */
#include "networks.h"
#include "stream.h"

#define FRAMES 5

enum { WIDTH = 48, HEIGHT = 36 };

static GPtrArray *networks; /* paths */

static void
add_shipped(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    fail_unless(dir != NULL, "no folder %s", folder);
    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(folder, name, "model.onnx", NULL);

        if (g_file_test(path, G_FILE_TEST_EXISTS))
            g_ptr_array_add(networks, g_steal_pointer(&path));
    }
}

static void
find_networks(void)
{
    networks = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(networks, network_gated("gated"));
    add_shipped(g_getenv("CONVRNN_TEST_MODELS"));
    fail_unless(networks->len > 1, "no shipped network found");
}

static void
forget_networks(void)
{
    g_ptr_array_unref(networks);
    networks_remove();
}

static void
push(Stream *stream, GstEvent *event)
{
    fail_unless(gst_harness_push_event(stream->harness, event));
}

static void
push_segment(Stream *stream, GstClockTime start)
{
    GstSegment segment;

    gst_segment_init(&segment, GST_FORMAT_TIME);
    segment.start = segment.time = start;
    push(stream, gst_event_new_segment(&segment));
}

/* --- the ways to reset --- */

static void
by_new_stream(Stream *stream)
{
    push(stream, gst_event_new_stream_start("B"));
}

static void
by_flush(Stream *stream)
{
    push(stream, gst_event_new_flush_start());
    push(stream, gst_event_new_flush_stop(TRUE));
    push_segment(stream, 0);
}

static void
by_segment(Stream *stream)
{
    push_segment(stream, 1000 * GST_SECOND);
}

/* There and back again: two resets. */
static void
by_caps(Stream *stream)
{
    stream_set_caps(stream, "RGB", 2 * WIDTH, HEIGHT, 25);
    gst_buffer_unref(stream_push(stream, stream_random_frame(stream, 99, 0)));
    stream_set_caps(stream, "RGB", WIDTH, HEIGHT, 25);
}

static void
by_gap_event(Stream *stream)
{
    push(stream, gst_event_new_gap(0, STREAM_FRAME));
}

static void
by_gap_buffer(Stream *stream)
{
    GstBuffer *frame = stream_random_frame(stream, 99, 0);

    GST_BUFFER_FLAG_SET(frame, GST_BUFFER_FLAG_GAP);
    gst_buffer_unref(stream_push(stream, frame));
}

static void
by_discont(Stream *stream)
{
    GstBuffer *frame = stream_random_frame(stream, 99, 0);

    /* One frame flagged, and the next as well, so that B begins there. */
    GST_BUFFER_FLAG_SET(frame, GST_BUFFER_FLAG_DISCONT);
    gst_buffer_unref(stream_push(stream, frame));
}

static void
by_signal(Stream *stream)
{
    g_signal_emit_by_name(stream->element, "reset-state");
}

static void
by_event(Stream *stream)
{
    push(stream, gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM,
                                      gst_structure_new_empty("convrnn-reset")));
}

static void
by_upstream_event(Stream *stream)
{
    gst_harness_push_upstream_event(
        stream->harness,
        gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM, gst_structure_new_empty("convrnn-reset")));
}

/* The properties do it: state-window=FRAMES. */
static void
by_window(Stream *stream)
{
}

static void
by_restart(Stream *stream)
{
    gst_element_set_state(stream->element, GST_STATE_READY);
    gst_element_set_state(stream->element, GST_STATE_PLAYING);
    push(stream, gst_event_new_stream_start("B"));
    stream_set_caps(stream, "RGB", WIDTH, HEIGHT, 25);
}

/* The snapshot of an element that has seen nothing. */
static void
by_set_state(Stream *stream)
{
    GBytes *state = NULL;
    gboolean good = FALSE;
    Stream fresh;
    g_autofree char *model = NULL, *launch = NULL;

    g_object_get(stream->element, "model", &model, NULL);
    launch = g_strdup_printf("convrnn model=%s", model);
    stream_init(&fresh, launch);
    stream_set_caps(&fresh, "RGB", WIDTH, HEIGHT, 25);
    g_signal_emit_by_name(fresh.element, "get-state", &state);
    stream_clear(&fresh);
    g_signal_emit_by_name(stream->element, "set-state", state, &good);
    fail_unless(good);
    g_bytes_unref(state);
}

static const struct {
    const char *name, *properties;
    void (*reset)(Stream *stream);
    GstBufferFlags first; /* flags of B's first frame */
} ways[] = {
    {"new-stream", "", by_new_stream, 0},
    {"flush", "", by_flush, 0},
    {"segment", "", by_segment, 0},
    {"caps", "", by_caps, 0},
    {"gap event", "reset-on=gap", by_gap_event, 0},
    {"gap buffer", "reset-on=gap", by_gap_buffer, 0},
    {"discont", "reset-on=discont", by_discont, GST_BUFFER_FLAG_DISCONT},
    {"signal", "", by_signal, 0},
    {"event", "", by_event, 0},
    {"upstream event", "", by_upstream_event, 0},
    {"window", "state-window=5", by_window, 0},
    {"restart", "", by_restart, 0},
    {"set-state", "", by_set_state, 0},
};

/* --- runs --- */

/* Every tensor of one film, one after another. */
static GByteArray *
run_film(Stream *stream, guint seed, GstBufferFlags flags)
{
    GByteArray *all = g_byte_array_new();

    for (int i = 0; i < FRAMES; i++) {
        GstBuffer *frame = stream_random_frame(stream, seed + (guint)i, i), *out;
        GstConvRnnTensorView view;
        GstConvRnnMetaInfo info;
        GstCustomMeta *meta;

        if (i == 0)
            GST_BUFFER_FLAG_SET(frame, flags);
        out = stream_push(stream, frame);
        meta = stream_result(out, &info);
        fail_unless_equals_uint64(info.step, i);
        fail_unless_equals_int((info.flags & GST_CONVRNN_META_RESET) != 0, i == 0);
        fail_unless(gst_convrnn_meta_get_n_tensors(meta) > 0);
        for (guint t = 0; t < gst_convrnn_meta_get_n_tensors(meta); t++) {
            fail_unless(gst_convrnn_meta_get_tensor(meta, t, &view));
            g_byte_array_append(all, view.data, (guint)view.size);
        }
        gst_buffer_unref(out);
    }
    return all;
}

static void
open_stream(Stream *stream, const char *path, const char *properties)
{
    g_autofree char *launch = g_strdup_printf("convrnn model=%s %s", path, properties);

    stream_init(stream, launch);
    push(stream, gst_event_new_stream_start("A"));
    stream_set_caps(stream, "RGB", WIDTH, HEIGHT, 25);
}

static GByteArray *
run_fresh(const char *path)
{
    GByteArray *film;
    Stream stream;

    open_stream(&stream, path, "");
    film = run_film(&stream, 500, 0);
    stream_clear(&stream);
    return film;
}

GST_START_TEST(test_reset)
{
    for (guint n = 0; n < networks->len; n++) {
        const char *path = g_ptr_array_index(networks, n);
        GByteArray *want = run_fresh(path), *got, *first;
        Stream stream;

        open_stream(&stream, path, ways[__i__].properties);
        first = run_film(&stream, 100, 0);
        ways[__i__].reset(&stream);
        got = run_film(&stream, 500, ways[__i__].first);
        stream_clear(&stream);
        fail_unless(first->len == want->len && memcmp(first->data, want->data, want->len) != 0,
                    "film A gives what film B gives");
        fail_unless(got->len == want->len && memcmp(got->data, want->data, want->len) == 0,
                    "%s, %s: something of film A is left", path, ways[__i__].name);
        g_byte_array_unref(first);
        g_byte_array_unref(got);
        g_byte_array_unref(want);
    }
}
GST_END_TEST;

static Suite *
fresh_suite(void)
{
    Suite *suite = suite_create("fresh");
    TCase *tests = tcase_create("fresh");

    suite_add_tcase(suite, tests);
    tcase_add_unchecked_fixture(tests, find_networks, forget_networks);
    tcase_add_loop_test(tests, test_reset, 0, G_N_ELEMENTS(ways));
    return suite;
}

GST_CHECK_MAIN(fresh);
