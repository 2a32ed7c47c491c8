/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* async=true: whatever comes, in whatever order, what goes out is what async=false gives, byte for
 * byte and in the same order; only later. */
#include "networks.h"
#include "stream.h"
#include <glib/gstdio.h>
#include <gst/base/gstbasetransform.h>
#include <string.h>

/* An element, and all that comes out of it. */
typedef struct {
    Stream stream;
    GByteArray *log;
    int frames;    /* that came out */
    int index;     /* of the next frame */
    GBytes *state; /* saved on the way */
} Run;

static void
log_int(Run *run, guint64 value)
{
    g_byte_array_append(run->log, (const guint8 *)&value, sizeof value);
}

static void
log_text(Run *run, const char *text)
{
    g_byte_array_append(run->log, (const guint8 *)text, (guint)strlen(text) + 1);
}

static void
log_result(Run *run, GstBuffer *buffer)
{
    GstCustomMeta *meta = gst_convrnn_meta_get(buffer, NULL);
    const char *cause;
    GstConvRnnTensorView view;
    GstConvRnnMetaInfo info;

    if (meta == NULL)
        return;
    fail_unless(gst_convrnn_meta_get_info(meta, &info));
    cause = gst_structure_get_string(gst_custom_meta_get_structure(meta), "skip-cause");
    log_text(run, cause ? cause : "step");
    log_text(run, info.model);
    log_int(run, info.step);
    log_int(run, info.generation);
    log_int(run, info.flags);
    log_int(run, (guint64)info.frame_width);
    log_int(run, (guint64)info.pts_delta);
    if (gst_convrnn_meta_find_tensor(meta, "y", &view))
        g_byte_array_append(run->log, view.data, (guint)view.size);
}

static GstPadProbeReturn
log_item(GstPad *pad, GstPadProbeInfo *probe, gpointer data)
{
    Run *run = data;

    if (GST_PAD_PROBE_INFO_TYPE(probe) & GST_PAD_PROBE_TYPE_BUFFER) {
        GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER(probe);
        GstMapInfo map;

        run->frames++;
        log_text(run, "frame");
        log_int(run, GST_BUFFER_PTS(buffer));
        log_int(run, GST_BUFFER_DURATION(buffer));
        log_int(run, GST_BUFFER_FLAGS(buffer) & ~(guint)GST_BUFFER_FLAG_TAG_MEMORY);
        fail_unless(gst_buffer_map(buffer, &map, GST_MAP_READ));
        g_byte_array_append(run->log, map.data, (guint)map.size);
        gst_buffer_unmap(buffer, &map);
        log_result(run, buffer);
    } else {
        log_text(run, GST_EVENT_TYPE_NAME(GST_PAD_PROBE_INFO_EVENT(probe)));
    }
    return GST_PAD_PROBE_OK;
}

static void
run_init(Run *run, const char *model, const char *properties)
{
    g_autofree char *launch = g_strdup_printf("convrnn name=net model=%s %s", model, properties);
    GstPad *pad;

    *run = (Run){.log = g_byte_array_new()};
    stream_init(&run->stream, launch);
    pad = gst_element_get_static_pad(run->stream.element, "src");
    gst_pad_add_probe(pad,
                      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM |
                          GST_PAD_PROBE_TYPE_EVENT_FLUSH,
                      log_item, run, NULL);
    gst_object_unref(pad);
    stream_set_caps(&run->stream, "RGB", 16, 12, 25);
}

static void
run_clear(Run *run)
{
    stream_clear(&run->stream);
    g_byte_array_unref(run->log);
    g_clear_pointer(&run->state, g_bytes_unref);
}

static void
forget_output(Run *run)
{
    GstBuffer *out;

    while ((out = gst_harness_try_pull(run->stream.harness)) != NULL)
        gst_buffer_unref(out);
}

static void
push_frame(Run *run, GstBufferFlags flags)
{
    GstBuffer *frame = stream_random_frame(&run->stream, 100 + (guint)run->index, run->index);

    GST_BUFFER_FLAG_SET(frame, flags);
    run->index++;
    fail_unless_equals_int(gst_harness_push(run->stream.harness, frame), GST_FLOW_OK);
    forget_output(run);
}

static void
send(Run *run, GstEvent *event)
{
    fail_unless(gst_harness_push_event(run->stream.harness, event));
}

/* What makes the element let go of its frame and does nothing else. */
static void
drain(Run *run)
{
    send(run,
         gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty("nothing")));
}

static void
send_segment(Run *run, double rate, GstClockTime time)
{
    GstSegment segment;

    gst_segment_init(&segment, GST_FORMAT_TIME);
    segment.rate = rate;
    segment.time = time;
    segment.stop = 1000 * GST_SECOND;
    send(run, gst_event_new_segment(&segment));
}

/* --- the same as without --- */

static void
flush(Run *run)
{
    send(run, gst_event_new_flush_start());
    send(run, gst_event_new_flush_stop(TRUE));
    send_segment(run, 1, 0);
}

static void
do_something(Run *run, GRand *random)
{
    GstElement *element = run->stream.element;
    g_autofree char *id = g_strdup_printf("stream-%d", run->index);
    GBytes *state = NULL;
    gboolean good;

    switch (g_rand_int_range(random, 0, 16)) {
    case 0:
        push_frame(run, GST_BUFFER_FLAG_GAP);
        break;
    case 1:
        push_frame(run, GST_BUFFER_FLAG_DISCONT);
        break;
    case 2:
        send(run, gst_event_new_gap((GstClockTime)run->index * STREAM_FRAME, STREAM_FRAME));
        break;
    case 3:
        send(run, gst_event_new_tag(gst_tag_list_new(GST_TAG_TITLE, "title", NULL)));
        break;
    case 4:
        send_segment(run, 1, (GstClockTime)g_rand_int_range(random, 0, 9) * GST_SECOND);
        break;
    case 5:
        stream_set_caps(&run->stream, "RGB", g_rand_int_range(random, 4, 20), 12, 25);
        break;
    case 6:
        stream_set_caps(&run->stream, "RGB", run->stream.info.width, 12,
                        g_rand_int_range(random, 20, 40));
        break;
    case 7:
        drain(run);
        flush(run);
        break;
    case 8:
        send(run, gst_event_new_stream_start(id));
        break;
    case 9:
        g_signal_emit_by_name(element, "reset-state");
        break;
    case 10:
        g_signal_emit_by_name(element, "get-state", &state);
        g_clear_pointer(&run->state, g_bytes_unref);
        run->state = state;
        break;
    case 11:
        if (run->state != NULL)
            g_signal_emit_by_name(element, "set-state", run->state, &good);
        break;
    case 12:
        g_object_set(element, "inference-interval", g_rand_int_range(random, 1, 4), NULL);
        break;
    case 13:
        g_object_set(element, "state-window", g_rand_int_range(random, 0, 5), NULL);
        break;
    case 14:
        send_segment(run, g_rand_boolean(random) ? -1 : 1, 0);
        break;
    default:
        gst_pad_mark_reconfigure(GST_BASE_TRANSFORM(element)->srcpad);
    }
}

static void
run_all(Run *run, guint32 seed)
{
    GRand *random = g_rand_new_with_seed(seed);

    for (int i = 0; i < 60; i++) {
        for (int frames = g_rand_int_range(random, 0, 3); frames > 0; frames--)
            push_frame(run, 0);
        do_something(run, random);
    }
    push_frame(run, 0);
    send(run, gst_event_new_eos());
    g_rand_free(random);
}

static guint64
get_count(Run *run, const char *field)
{
    GstStructure *stats;
    guint64 count = 0;

    g_object_get(run->stream.element, "stats", &stats, NULL);
    fail_unless(gst_structure_get_uint64(stats, field, &count), "no field %s", field);
    gst_structure_free(stats);
    return count;
}

GST_START_TEST(test_same_as_without)
{
    static const char *const counts[] = {"steps",       "skipped",       "resets",
                                         "resets-caps", "resets-signal", "resets-window",
                                         "skipped-gap"};
    g_autofree char *model = network_gated("gated");

    for (guint32 seed = 1; seed <= 20; seed++) {
        Run plain, async;

        run_init(&plain, model, "");
        run_init(&async, model, "async=true");
        run_all(&plain, seed);
        run_all(&async, seed);
        fail_unless_equals_int(async.frames, async.index);
        fail_unless_equals_int(async.log->len, plain.log->len);
        fail_unless(memcmp(async.log->data, plain.log->data, plain.log->len) == 0, "seed %u", seed);
        for (gsize i = 0; i < G_N_ELEMENTS(counts); i++)
            fail_unless_equals_uint64(get_count(&async, counts[i]), get_count(&plain, counts[i]));
        run_clear(&plain);
        run_clear(&async);
    }
}
GST_END_TEST;

/* --- one frame later, and beside --- */

GST_START_TEST(test_one_frame_later)
{
    g_autofree char *model = network_gated("gated");
    Run run;

    run_init(&run, model, "async=true");
    for (int i = 0; i < 5; i++) {
        fail_unless_equals_int(run.frames, MAX(i - 1, 0));
        push_frame(&run, 0);
    }
    run_clear(&run);
}
GST_END_TEST;

/* While the sink has the first frame, the second one's step is made. */
static GstPadProbeReturn
wait_for_two_steps(GstPad *pad, GstPadProbeInfo *probe, gpointer data)
{
    Run *run = data;

    for (int i = 0; i < 20000 && get_count(run, "steps") < 2; i++)
        g_usleep(1000);
    fail_unless_equals_uint64(get_count(run, "steps"), 2);
    return GST_PAD_PROBE_REMOVE;
}

GST_START_TEST(test_beside)
{
    g_autofree char *model = network_gated("gated");
    GstPad *pad;
    Run run;

    run_init(&run, model, "async=true");
    pad = gst_element_get_static_pad(run.stream.element, "src");
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, wait_for_two_steps, &run, NULL);
    push_frame(&run, 0);
    fail_unless_equals_int(run.frames, 0);
    push_frame(&run, 0);
    fail_unless_equals_int(run.frames, 1);
    gst_object_unref(pad);
    run_clear(&run);
}
GST_END_TEST;

/* --- let go --- */

static void
query(Run *run, GstQuery *question)
{
    gst_pad_peer_query(run->stream.harness->srcpad, question);
    gst_query_unref(question);
}

/* The frame is out once `what` has been told. */
static void
let_go(Run *run, int what)
{
    GstCaps *caps = gst_video_info_to_caps(&run->stream.info);

    switch (what) {
    case 0:
        send(run, gst_event_new_eos());
        break;
    case 1:
        send(run, gst_event_new_gap(STREAM_FRAME, STREAM_FRAME));
        break;
    case 2:
        send_segment(run, 1, 0);
        break;
    case 3:
        stream_set_caps(&run->stream, "RGB", 20, 12, 25);
        break;
    case 4:
        send(run, gst_event_new_tag(gst_tag_list_new(GST_TAG_TITLE, "title", NULL)));
        break;
    case 5:
        drain(run);
        break;
    case 6:
        query(run, gst_query_new_drain());
        break;
    case 7:
        query(run, gst_query_new_allocation(caps, TRUE));
        break;
    default:
        send(run, gst_event_new_stream_start("another"));
    }
    gst_caps_unref(caps);
}

GST_START_TEST(test_lets_go)
{
    g_autofree char *model = network_gated("gated");

    for (int what = 0; what < 9; what++) {
        Run run;

        run_init(&run, model, "async=true");
        push_frame(&run, 0);
        fail_unless_equals_int(run.frames, 0);
        let_go(&run, what);
        fail_unless(run.frames == 1, "%d", what);
        run_clear(&run);
    }
}
GST_END_TEST;

/* Downstream needs three buffers of a pool. */
static GstPadProbeReturn
ask_for_three(GstPad *pad, GstPadProbeInfo *probe, gpointer data)
{
    GstQuery *question = GST_PAD_PROBE_INFO_QUERY(probe);

    if (GST_QUERY_TYPE(question) != GST_QUERY_ALLOCATION)
        return GST_PAD_PROBE_OK;
    gst_query_add_allocation_pool(question, NULL, 1000, 3, 0);
    return GST_PAD_PROBE_HANDLED;
}

/* Upstream is asked for one more, which is the one held here. */
GST_START_TEST(test_pool)
{
    g_autofree char *model = network_gated("gated");

    for (guint async = 0; async < 2; async++) {
        guint size, min = 0, max;
        GstQuery *question;
        GstCaps *caps;
        GstPad *pad;
        Run run;

        run_init(&run, model, async ? "async=true" : "");
        pad = gst_element_get_static_pad(run.stream.element, "src");
        gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM | GST_PAD_PROBE_TYPE_PUSH,
                          ask_for_three, NULL, NULL);
        caps = gst_video_info_to_caps(&run.stream.info);
        question = gst_query_new_allocation(caps, TRUE);
        fail_unless(gst_pad_peer_query(run.stream.harness->srcpad, question));
        fail_unless_equals_int(gst_query_get_n_allocation_pools(question), 1);
        gst_query_parse_nth_allocation_pool(question, 0, NULL, &size, &min, &max);
        fail_unless_equals_int(min, 3 + async);
        fail_unless(size == 1000 && max == 0);
        gst_query_unref(question);
        gst_caps_unref(caps);
        gst_object_unref(pad);
        run_clear(&run);
    }
}
GST_END_TEST;

GST_START_TEST(test_flush_drops)
{
    g_autofree char *model = network_gated("gated");
    Run run;

    run_init(&run, model, "async=true");
    push_frame(&run, 0);
    flush(&run);
    drain(&run);
    fail_unless_equals_int(run.frames, 0);
    fail_unless_equals_uint64(get_count(&run, "steps"), 1);
    fail_unless_equals_uint64(get_count(&run, "resets-flush"), 0);
    push_frame(&run, 0);
    fail_unless_equals_uint64(get_count(&run, "resets-flush"), 1);
    drain(&run);
    fail_unless_equals_int(run.frames, 1);
    run_clear(&run);
}
GST_END_TEST;

/* The frame goes, what the network has seen of it stays. */
GST_START_TEST(test_stop)
{
    g_autofree char *model = network_gated("gated");
    g_autofree char *file = network_write("state", "", 0, NULL);
    g_autofree char *async = g_strdup_printf("async=true state-file=%s.a", file);
    g_autofree char *plain = g_strdup_printf("state-file=%s.b", file);
    g_autofree char *a = g_strconcat(file, ".a", NULL), *b = g_strconcat(file, ".b", NULL);
    const char *properties[] = {async, plain};
    char *saved[2];
    gsize size[2];
    Run run;

    for (int i = 0; i < 2; i++) {
        run_init(&run, model, properties[i]);
        for (int k = 0; k < 3; k++)
            push_frame(&run, 0);
        gst_element_set_state(run.stream.element, GST_STATE_READY);
        fail_unless_equals_int(run.frames, i == 0 ? 2 : 3);
        fail_unless(g_file_get_contents(i == 0 ? a : b, &saved[i], &size[i], NULL));
        gst_element_set_state(run.stream.element, GST_STATE_PLAYING);
        run_clear(&run);
    }
    fail_unless(size[0] == size[1] && memcmp(saved[0], saved[1], size[0]) == 0);
    g_free(saved[0]);
    g_free(saved[1]);
    g_remove(a);
    g_remove(b);
}
GST_END_TEST;

/* --- latency --- */

GST_START_TEST(test_latency)
{
    g_autofree char *model = network_gated("gated");
    GstClockTime at_25, at_50;
    Run run;

    run_init(&run, model, "async=true");
    at_25 = gst_harness_query_latency(run.stream.harness);
    fail_unless(at_25 > STREAM_FRAME);
    fail_unless_equals_uint64(get_count(&run, "latency-ns"), at_25);
    gst_bus_set_flushing(run.stream.bus, TRUE);
    gst_bus_set_flushing(run.stream.bus, FALSE);
    stream_set_caps(&run.stream, "RGB", 16, 12, 50);
    at_50 = gst_harness_query_latency(run.stream.harness);
    fail_unless_equals_uint64(at_25 - at_50, STREAM_FRAME / 2);
    fail_unless(gst_bus_pop_filtered(run.stream.bus, GST_MESSAGE_LATENCY) != NULL);
    run_clear(&run);
}
GST_END_TEST;

/* --- blocked and stopped --- */

static gpointer
push_two(gpointer data)
{
    Run *run = data;

    for (int i = 0; i < 2; i++) {
        GstBuffer *frame = stream_random_frame(&run->stream, (guint)i, i);

        gst_harness_push(run->stream.harness, frame);
    }
    return NULL;
}

static GstPadProbeReturn
block(GstPad *pad, GstPadProbeInfo *probe, gpointer data)
{
    g_atomic_int_set((int *)data, TRUE);
    return GST_PAD_PROBE_OK;
}

/* Downstream takes nothing: the state can be had all the same, and the element stops. */
GST_START_TEST(test_blocked)
{
    g_autofree char *model = network_gated("gated");
    GThread *pusher;
    GBytes *state;
    int blocked = FALSE;
    GstPad *pad;
    Run run;

    run_init(&run, model, "async=true");
    pad = gst_element_get_static_pad(run.stream.element, "src");
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER, block, &blocked,
                      NULL);
    pusher = g_thread_new("push", push_two, &run);
    while (!g_atomic_int_get(&blocked))
        g_usleep(1000);
    g_signal_emit_by_name(run.stream.element, "get-state", &state);
    fail_unless(state != NULL);
    fail_unless_equals_uint64(get_count(&run, "steps"), 2);
    g_bytes_unref(state);
    gst_element_set_state(run.stream.element, GST_STATE_READY);
    g_thread_join(pusher);
    gst_object_unref(pad);
    run_clear(&run);
}
GST_END_TEST;

static gpointer
push_until_refused(gpointer data)
{
    Run *run = data;
    GstFlowReturn flow = GST_FLOW_OK;

    for (int i = 0; flow == GST_FLOW_OK; i++) {
        flow =
            gst_harness_push(run->stream.harness, stream_random_frame(&run->stream, (guint)i, i));
        forget_output(run);
    }
    return NULL;
}

/* In the middle of a frame, at any moment of it. */
GST_START_TEST(test_stop_amid_frames)
{
    g_autofree char *model = network_gated("gated");
    GThread *pusher;
    Run run;

    for (int i = 0; i < 40; i++) {
        run_init(&run, model, "async=true");
        pusher = g_thread_new("push", push_until_refused, &run);
        g_usleep((gulong)(i * 61 % 1500));
        gst_element_set_state(run.stream.element, i % 2 ? GST_STATE_READY : GST_STATE_NULL);
        g_thread_join(pusher);
        run_clear(&run);
    }
}
GST_END_TEST;

/* --- errors --- */

/* A frame that is none: its push finds no fault, the next one's does. */
GST_START_TEST(test_error)
{
    g_autofree char *model = network_gated("gated"), *text = NULL;
    GQuark domain;
    Run run;
    int code;

    run_init(&run, model, "async=true");
    push_frame(&run, 0);
    fail_unless_equals_int(
        gst_harness_push(run.stream.harness, gst_buffer_new_allocate(NULL, 5, NULL)), GST_FLOW_OK);
    fail_unless_equals_int(
        gst_harness_push(run.stream.harness, stream_random_frame(&run.stream, 1, 1)),
        GST_FLOW_ERROR);
    fail_unless_equals_int(run.frames, 1);
    text = stream_take_error(run.stream.bus, GST_MESSAGE_ERROR, &domain, &code);
    fail_unless(strstr(text, "A buffer of 5 bytes is no frame of 16x12") != NULL, "%s", text);
    fail_unless(domain == GST_STREAM_ERROR && code == GST_STREAM_ERROR_FORMAT);
    run_clear(&run);
}
GST_END_TEST;

static Suite *
async_suite(void)
{
    Suite *suite = suite_create("async");
    TCase *tests = tcase_create("async");

    suite_add_tcase(suite, tests);
    tcase_add_unchecked_fixture(tests, NULL, networks_remove);
    tcase_add_test(tests, test_same_as_without);
    tcase_add_test(tests, test_one_frame_later);
    tcase_add_test(tests, test_beside);
    tcase_add_test(tests, test_lets_go);
    tcase_add_test(tests, test_pool);
    tcase_add_test(tests, test_flush_drops);
    tcase_add_test(tests, test_stop);
    tcase_add_test(tests, test_latency);
    tcase_add_test(tests, test_blocked);
    tcase_add_test(tests, test_stop_amid_frames);
    tcase_add_test(tests, test_error);
    return suite;
}

GST_CHECK_MAIN(async);
