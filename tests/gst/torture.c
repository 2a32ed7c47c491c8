/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Much of everything: state changes, other frames, seeks and flushes, and all of it from four
 * threads. A short run by default. With CONVRNN_TORTURE=full: 1,000 times 11 state changes and 400
 * times NULL to PLAYING and back; 1,000 changes of size, format, stride or frame rate in 10,000
 * frames; 1,000 flushing seeks; 10,000 flushes from another thread; a minute and 10,000 frames, at
 * least, with frames, events, properties and states from four threads. With
 * CONVRNN_TORTURE_ASYNC=1, all of it with async=true. */
#include "networks.h"
#include "stream.h"

static gboolean full, async;

/* Pushes a frame and pulls it, for which an event is needed when the element holds it. */
static GstBuffer *
push(Stream *stream, GstBuffer *frame)
{
    GstBuffer *out;

    if (!async)
        return stream_push(stream, frame);
    fail_unless_equals_int(gst_harness_push(stream->harness, frame), GST_FLOW_OK);
    gst_harness_push_event(stream->harness,
                           gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM,
                                                gst_structure_new_empty("torture-drain")));
    out = gst_harness_try_pull(stream->harness);
    fail_unless(out != NULL, "no buffer came out");
    return out;
}

static int
count(int whole, int part)
{
    return full ? whole : part;
}

static void
expect_no_errors(GstBus *bus)
{
    GstMessage *message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
    GError *error;

    if (message == NULL)
        return;
    gst_message_parse_error(message, &error, NULL);
    fail("%s", error->message);
}

/* --- state changes --- */

/* Up and down by every step and every leap. */
static const GstState changes[] = {
    GST_STATE_READY,  GST_STATE_PAUSED,  GST_STATE_PLAYING, GST_STATE_PAUSED,
    GST_STATE_READY,  GST_STATE_NULL,    GST_STATE_PAUSED,  GST_STATE_READY,
    GST_STATE_PAUSED, GST_STATE_PLAYING, GST_STATE_NULL,
};

GST_START_TEST(test_states)
{
    g_autofree char *path = network_gated("gated");
    g_autofree char *launch = g_strdup_printf("convrnn model=%s async=%d", path, async);
    GstBus *bus;
    GstElement *element = stream_make_element(launch, &bus);

    for (int i = 0; i < count(1000, 30); i++)
        for (gsize c = 0; c < G_N_ELEMENTS(changes); c++)
            fail_unless(gst_element_set_state(element, changes[c]) == GST_STATE_CHANGE_SUCCESS);
    expect_no_errors(bus);
    gst_element_set_bus(element, NULL);
    gst_object_unref(element);
    gst_object_unref(bus);
}
GST_END_TEST;

GST_START_TEST(test_null_playing)
{
    g_autofree char *path = network_gated("gated");
    g_autofree char *launch = g_strdup_printf(
        "videotestsrc ! video/x-raw,format=RGB,width=32,height=24 ! convrnn model=%s "
        "async=%d ! fakesink sync=false",
        path, async);
    GstElement *pipeline = gst_parse_launch(launch, NULL);
    GstBus *bus = gst_element_get_bus(pipeline);

    for (int i = 0; i < count(400, 20); i++) {
        gst_element_set_state(pipeline, GST_STATE_PLAYING);
        /* Now and then not before it has got there. */
        if (i % 3 != 0)
            fail_unless(gst_element_get_state(pipeline, NULL, NULL, GST_CLOCK_TIME_NONE) ==
                        GST_STATE_CHANGE_SUCCESS);
        expect_no_errors(bus);
        gst_element_set_state(pipeline, GST_STATE_NULL);
    }
    gst_object_unref(bus);
    gst_object_unref(pipeline);
}
GST_END_TEST;

/* --- other frames --- */

static const struct {
    const char *name;
    int step, r, g, b; /* 0: not packed, gray frames only */
} formats[] = {
    {"RGB", 3, 0, 1, 2},   {"BGR", 3, 2, 1, 0},  {"RGBx", 4, 0, 1, 2}, {"BGRx", 4, 2, 1, 0},
    {"xRGB", 4, 1, 2, 3},  {"xBGR", 4, 3, 2, 1}, {"RGBA", 4, 0, 1, 2}, {"BGRA", 4, 2, 1, 0},
    {"GRAY8", 1, 0, 0, 0}, {"NV12", 0},          {"I420", 0},          {"YUY2", 0},
};

typedef struct {
    int format, width, height, fps, padding;
} Kind;

/* Padded rows with rubbish behind them; in planar formats gray 126 in limited range, which is half
 * of the way from black to white, else random pixels. */
static GstBuffer *
make_frame(const Kind *kind, const GstVideoInfo *info, GRand *random)
{
    gsize offset[GST_VIDEO_MAX_PLANES] = {0}, size = 0;
    gint stride[GST_VIDEO_MAX_PLANES] = {0};
    GstBuffer *buffer;
    GstMapInfo map;

    for (guint p = 0; p < GST_VIDEO_INFO_N_PLANES(info); p++) {
        int rows = p == 0 ? info->height : (info->height + 1) / 2;

        offset[p] = size;
        stride[p] = GST_VIDEO_INFO_PLANE_STRIDE(info, p) + kind->padding;
        size += (gsize)stride[p] * (gsize)rows;
    }
    buffer = gst_buffer_new_allocate(NULL, size, NULL);
    fail_unless(gst_buffer_map(buffer, &map, GST_MAP_WRITE));
    for (gsize i = 0; i < size; i++)
        map.data[i] = (guint8)g_rand_int(random);
    for (guint p = 0; formats[kind->format].step == 0 && p < GST_VIDEO_INFO_N_PLANES(info); p++)
        for (int y = 0; y < (p == 0 ? info->height : (info->height + 1) / 2); y++)
            for (int x = 0; x < GST_VIDEO_INFO_PLANE_STRIDE(info, p); x++) {
                gboolean chroma = p > 0 || (kind->format == 11 && x % 2 == 1);

                map.data[offset[p] + (gsize)(y * stride[p] + x)] = chroma ? 128 : 126;
            }
    gst_buffer_unmap(buffer, &map);
    gst_buffer_add_video_meta_full(buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_INFO_FORMAT(info),
                                   (guint)info->width, (guint)info->height,
                                   GST_VIDEO_INFO_N_PLANES(info), offset, stride);
    return buffer;
}

/* The first frame's sum is the frame itself: value / 255 of each pixel, or (126 − 16) / 219. */
static void
expect_picture(const Kind *kind, GstBuffer *out)
{
    int at[3] = {formats[kind->format].r, formats[kind->format].g, formats[kind->format].b};
    int step = formats[kind->format].step, n = kind->width * kind->height;
    GstVideoMeta *layout = gst_buffer_get_video_meta(out);
    GstConvRnnTensorView view;
    const float *y = stream_tensor(out, "y", &view);
    GstMapInfo map;

    fail_unless(view.dims[2] == kind->height && view.dims[3] == kind->width);
    fail_unless(gst_buffer_map(out, &map, GST_MAP_READ));
    for (int i = 0; i < 3 * n; i++) {
        int pixel = i % n, row = pixel / kind->width, column = pixel % kind->width;

        if (step == 0)
            fail_unless(ABS(y[i] - 110.0f / 219) < 1e-5f, "%s", formats[kind->format].name);
        else
            fail_unless(y[i] ==
                        (float)map.data[row * layout->stride[0] + column * step + at[i / n]] /
                            255.0f);
    }
    gst_buffer_unmap(out, &map);
}

static Kind
change_kind(Kind kind, GRand *random)
{
    switch (g_rand_int_range(random, 0, 4)) {
    case 0:
        kind.width = g_rand_int_range(random, 1, 40);
        kind.height = g_rand_int_range(random, 1, 40);
        break;
    case 1:
        kind.format = g_rand_int_range(random, 0, G_N_ELEMENTS(formats));
        break;
    case 2:
        kind.fps = g_rand_int_range(random, 1, 61);
        break;
    default:
        kind.padding = g_rand_int_range(random, 0, 20);
    }
    return kind;
}

GST_START_TEST(test_formats)
{
    g_autofree char *path = network_sum("sum", 3, -1, -1, NULL);
    g_autofree char *launch = g_strdup_printf("convrnn model=%s async=%d", path, async);
    GRand *random = g_rand_new_with_seed(13);
    Kind kind = {0, 8, 6, 25, 0}, last = {-1};
    Stream stream;
    int step = 0;

    stream_init(&stream, launch);
    for (int i = 0; i < count(1000, 60); i++) {
        if (kind.width != last.width || kind.height != last.height)
            step = 0;
        stream_set_caps(&stream, formats[kind.format].name, kind.width, kind.height, kind.fps);
        for (int k = 0; k < 10; k++) {
            GstBuffer *out = push(&stream, make_frame(&kind, &stream.info, random));
            GstConvRnnMetaInfo info;

            stream_result(out, &info);
            fail_unless_equals_uint64(info.step, step);
            if (step == 0)
                expect_picture(&kind, out);
            gst_buffer_unref(out);
            step++;
        }
        last = kind;
        kind = change_kind(kind, random);
        /* Where nothing else would, the application makes the next frame the first again. */
        if (i % 2) {
            g_signal_emit_by_name(stream.element, "reset-state");
            step = 0;
        }
    }
    expect_no_errors(stream.bus);
    stream_clear(&stream);
    g_rand_free(random);
}
GST_END_TEST;

/* --- seeks and flushes --- */

/* After each seek, the frame that the sink shows is the first of its generation: the sum is it. */
GST_START_TEST(test_seeks)
{
    g_autofree char *path = network_sum("sum", 3, -1, -1, NULL);
    g_autofree char *launch = g_strdup_printf(
        "videotestsrc pattern=ball num-buffers=100000 ! video/x-raw,format=RGB,width=16,height=12,"
        "framerate=25/1 ! convrnn model=%s async=%d ! fakesink name=sink sync=true",
        path, async);
    GstElement *pipeline = gst_parse_launch(launch, NULL), *sink;
    GstBus *bus = gst_element_get_bus(pipeline);
    GRand *random = g_rand_new_with_seed(17);

    sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");
    gst_element_set_state(pipeline, GST_STATE_PAUSED);
    gst_element_get_state(pipeline, NULL, NULL, GST_CLOCK_TIME_NONE);
    for (int i = 0; i < count(1000, 60); i++) {
        GstClockTime to = (GstClockTime)g_rand_int_range(random, 0, 3000) * STREAM_FRAME;
        GstConvRnnTensorView view;
        GstConvRnnMetaInfo info;
        GstSample *sample;
        GstBuffer *buffer;
        const float *y;
        GstMapInfo map;

        fail_unless(
            gst_element_seek_simple(pipeline, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, (gint64)to));
        gst_element_get_state(pipeline, NULL, NULL, GST_CLOCK_TIME_NONE);
        g_object_get(sink, "last-sample", &sample, NULL);
        buffer = gst_sample_get_buffer(sample);
        stream_result(buffer, &info);
        fail_unless_equals_uint64(info.step, 0);
        y = stream_tensor(buffer, "y", &view);
        fail_unless(gst_buffer_map(buffer, &map, GST_MAP_READ));
        for (int k = 0; k < 16 * 12 * 3; k++)
            fail_unless(y[k] == (float)map.data[k % 192 * 3 + k / 192] / 255.0f);
        gst_buffer_unmap(buffer, &map);
        gst_sample_unref(sample);
    }
    expect_no_errors(bus);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    g_rand_free(random);
    gst_object_unref(bus);
    gst_object_unref(sink);
    gst_object_unref(pipeline);
}
GST_END_TEST;

enum { WIDTH = 32, HEIGHT = 24, FILM = 6 };

/* What several threads do to one element. `lock` is held as a source holds its stream lock: over
 * each push, and over what may only be done between two. */
typedef struct {
    Stream stream;
    GMutex lock;
    int end, restarting, pushed; /* atomic */
    char *models[2];
} Shared;

static void
shared_init(Shared *shared)
{
    g_autofree char *launch = NULL;

    *shared = (Shared){.models = {network_gated("gated"), network_gated("gated2")}};
    launch = g_strdup_printf("convrnn model=%s async=%d", shared->models[0], async);
    g_mutex_init(&shared->lock);
    stream_init(&shared->stream, launch);
    stream_set_caps(&shared->stream, "RGB", WIDTH, HEIGHT, 25);
}

static void
shared_clear(Shared *shared)
{
    expect_no_errors(shared->stream.bus);
    stream_clear(&shared->stream);
    g_mutex_clear(&shared->lock);
    g_free(shared->models[0]);
    g_free(shared->models[1]);
}

static GByteArray *
run_film(Stream *stream)
{
    GByteArray *all = g_byte_array_new();

    for (int i = 0; i < FILM; i++) {
        GstBuffer *out = push(stream, stream_random_frame(stream, 40 + (guint)i, i));
        GstConvRnnTensorView view;

        stream_tensor(out, "y", &view);
        g_byte_array_append(all, view.data, (guint)view.size);
        gst_buffer_unref(out);
    }
    return all;
}

/* The element is, bit for bit, as good as new. */
static void
expect_fresh(Shared *shared)
{
    GByteArray *want, *got;
    GstBuffer *left;
    Shared fresh;

    shared_init(&fresh);
    want = run_film(&fresh.stream);
    shared_clear(&fresh);
    while ((left = gst_harness_try_pull(shared->stream.harness)) != NULL)
        gst_buffer_unref(left);
    got = run_film(&shared->stream);
    fail_unless(got->len == want->len && memcmp(got->data, want->data, want->len) == 0);
    g_byte_array_unref(want);
    g_byte_array_unref(got);
}

static void
announce(Shared *shared)
{
    GstCaps *caps = gst_video_info_to_caps(&shared->stream.info);
    GstSegment segment;

    gst_segment_init(&segment, GST_FORMAT_TIME);
    gst_harness_push_event(shared->stream.harness, gst_event_new_stream_start("torture"));
    gst_harness_push_event(shared->stream.harness, gst_event_new_caps(caps));
    gst_harness_push_event(shared->stream.harness, gst_event_new_segment(&segment));
    gst_caps_unref(caps);
}

static gpointer
push_frames(gpointer data)
{
    Shared *shared = data;
    GstBuffer *out;

    for (int i = 0; !g_atomic_int_get(&shared->end); i++) {
        g_mutex_lock(&shared->lock);
        if (!g_atomic_int_get(&shared->restarting)) {
            GstBuffer *frame = stream_random_frame(&shared->stream, (guint)i, i);

            GST_BUFFER_FLAG_SET(frame, i % 11 == 0 ? GST_BUFFER_FLAG_GAP : 0);
            GST_BUFFER_FLAG_SET(frame, i % 13 == 0 ? GST_BUFFER_FLAG_DISCONT : 0);
            gst_harness_push(shared->stream.harness, frame);
            g_atomic_int_inc(&shared->pushed);
        }
        while ((out = gst_harness_try_pull(shared->stream.harness)) != NULL)
            gst_buffer_unref(out);
        g_mutex_unlock(&shared->lock);
    }
    return NULL;
}

/* FLUSH_START comes while a buffer is on its way; FLUSH_STOP once it is through. */
static void
flush(Shared *shared)
{
    GstSegment segment;

    gst_segment_init(&segment, GST_FORMAT_TIME);
    gst_harness_push_event(shared->stream.harness, gst_event_new_flush_start());
    g_mutex_lock(&shared->lock);
    gst_harness_push_event(shared->stream.harness, gst_event_new_flush_stop(TRUE));
    gst_harness_push_event(shared->stream.harness, gst_event_new_segment(&segment));
    g_mutex_unlock(&shared->lock);
}

GST_START_TEST(test_flushes)
{
    GThread *pusher;
    Shared shared;

    shared_init(&shared);
    pusher = g_thread_new("push", push_frames, &shared);
    for (int i = 0; i < count(10000, 300); i++) {
        flush(&shared);
        if (i % 16 == 0)
            g_usleep(300);
    }
    g_atomic_int_set(&shared.end, TRUE);
    g_thread_join(pusher);
    flush(&shared);
    expect_fresh(&shared);
    shared_clear(&shared);
}
GST_END_TEST;

/* --- everything at once --- */

static gpointer
send_events(gpointer data)
{
    Shared *shared = data;

    for (int i = 0; !g_atomic_int_get(&shared->end); i++) {
        GstStructure *reset = gst_structure_new_empty("convrnn-reset");

        if (i % 4 == 0) {
            gst_harness_push_event(
                shared->stream.harness,
                gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM_OOB, g_steal_pointer(&reset)));
        } else if (i % 4 == 1) {
            gst_harness_push_upstream_event(
                shared->stream.harness,
                gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM, g_steal_pointer(&reset)));
        } else if (i % 4 == 2) {
            gst_harness_push_upstream_event(
                shared->stream.harness,
                gst_event_new_qos(GST_QOS_TYPE_UNDERFLOW, 1.5, 30 * GST_MSECOND, GST_SECOND));
        } else {
            gst_harness_query_latency(shared->stream.harness);
        }
        g_clear_pointer(&reset, gst_structure_free);
        g_usleep(200);
    }
    return NULL;
}

static void
carry_state(GstElement *element)
{
    GBytes *state = NULL;
    gboolean good;

    g_signal_emit_by_name(element, "get-state", &state);
    if (state == NULL)
        return;
    g_signal_emit_by_name(element, "set-state", state, &good);
    g_bytes_unref(state);
}

static gpointer
set_properties(gpointer data)
{
    Shared *shared = data;
    GstElement *element = shared->stream.element;

    for (int i = 0; !g_atomic_int_get(&shared->end); i++) {
        GstStructure *stats;

        g_object_set(element, "reset-on", (guint)i % 64, "state-window", (guint)i % 5,
                     "inference-interval", 1 + (guint)i % 3, "late-policy", i % 2, "post-messages",
                     i % 7 == 0, NULL);
        g_signal_emit_by_name(element, "reset-state");
        carry_state(element);
        if (i % 8 == 0)
            g_object_set(element, "model", shared->models[i / 8 % 2], NULL);
        g_object_get(element, "stats", &stats, NULL);
        gst_structure_free(stats);
        g_usleep(300);
    }
    return NULL;
}

/* Down while a buffer may be on its way; up again as a bin does it, before the source goes on. */
static void
restart(Shared *shared, GstState down)
{
    g_atomic_int_set(&shared->restarting, TRUE);
    gst_element_set_state(shared->stream.element, down);
    g_mutex_lock(&shared->lock);
    gst_element_set_state(shared->stream.element, GST_STATE_PLAYING);
    announce(shared);
    g_atomic_int_set(&shared->restarting, FALSE);
    g_mutex_unlock(&shared->lock);
}

static gpointer
change_states(gpointer data)
{
    Shared *shared = data;

    for (int i = 0; !g_atomic_int_get(&shared->end); i++) {
        if (i % 3 == 0)
            restart(shared, i % 2 ? GST_STATE_READY : GST_STATE_NULL);
        gst_element_set_state(shared->stream.element, GST_STATE_PAUSED);
        gst_element_set_state(shared->stream.element, GST_STATE_PLAYING);
        flush(shared);
        g_usleep(2000);
    }
    return NULL;
}

GST_START_TEST(test_threads)
{
    const GThreadFunc work[] = {push_frames, send_events, set_properties, change_states};
    gint64 end = g_get_monotonic_time() + count(60, 2) * G_USEC_PER_SEC;
    GThread *threads[G_N_ELEMENTS(work)];
    Shared shared;

    shared_init(&shared);
    for (gsize i = 0; i < G_N_ELEMENTS(work); i++)
        threads[i] = g_thread_new("torture", work[i], &shared);
    while (g_get_monotonic_time() < end || g_atomic_int_get(&shared.pushed) < count(10000, 100)) {
        g_usleep(10000);
        gst_bus_set_flushing(shared.stream.bus, TRUE);
        gst_bus_set_flushing(shared.stream.bus, FALSE);
    }
    g_atomic_int_set(&shared.end, TRUE);
    for (gsize i = 0; i < G_N_ELEMENTS(work); i++)
        g_thread_join(threads[i]);
    g_object_set(shared.stream.element, "model", shared.models[0], "reset-on", 15, "state-window",
                 0, "inference-interval", 1, "late-policy", 0, NULL);
    restart(&shared, GST_STATE_READY);
    expect_fresh(&shared);
    shared_clear(&shared);
}
GST_END_TEST;

static Suite *
torture_suite(void)
{
    Suite *suite = suite_create("torture");
    TCase *tests = tcase_create("torture");

    full = g_strcmp0(g_getenv("CONVRNN_TORTURE"), "full") == 0;

    async = g_getenv("CONVRNN_TORTURE_ASYNC") != NULL;
    suite_add_tcase(suite, tests);
    tcase_add_unchecked_fixture(tests, NULL, networks_remove);
    tcase_add_test(tests, test_states);
    tcase_add_test(tests, test_null_playing);
    tcase_add_test(tests, test_formats);
    tcase_add_test(tests, test_seeks);
    tcase_add_test(tests, test_flushes);
    tcase_add_test(tests, test_threads);
    return suite;
}

GST_CHECK_MAIN(torture);
