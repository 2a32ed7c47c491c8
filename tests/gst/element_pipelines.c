/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The element where people put it: in playbin, behind uridecodebin, in one branch of a tee, and
 * with a preset. */
#include "networks.h"
#include "stream.h"
#include <glib/gstdio.h>

enum { FRAMES = 20 };

static char *model, *film, *uri;

static void
run(const char *launch)
{
    GstElement *pipeline = gst_parse_launch(launch, NULL);
    GstBus *bus = gst_element_get_bus(pipeline);
    GstMessage *message;
    GError *error;

    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    message =
        gst_bus_timed_pop_filtered(bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
        gst_message_parse_error(message, &error, NULL);
        fail("%s: %s", launch, error->message);
    }
    gst_message_unref(message);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(bus);
    gst_object_unref(pipeline);
}

/* A film of FRAMES pictures of 64×48, as a file. */
static void
make_film(void)
{
    g_autofree char *folder = g_dir_make_tmp("convrnn-film-XXXXXX", NULL), *launch = NULL;

    model = network_gated("gated");
    film = g_build_filename(folder, "film.avi", NULL);
    uri = gst_filename_to_uri(film, NULL);
    launch = g_strdup_printf("videotestsrc pattern=ball num-buffers=%d ! video/x-raw,width=64,"
                             "height=48,framerate=25/1 ! jpegenc ! avimux ! filesink location=%s",
                             FRAMES, film);
    run(launch);
}

static void
remove_film(void)
{
    g_autofree char *folder = g_path_get_dirname(film);

    g_remove(film);
    g_rmdir(folder);
    g_free(film);
    g_free(uri);
    g_free(model);
    networks_remove();
}

/* What a sink saw. */
typedef struct {
    int frames, results;
    guint64 last_step;
} Seen;

static void
look(GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
    GstCustomMeta *meta = gst_convrnn_meta_get(buffer, NULL);
    GstConvRnnMetaInfo info;
    Seen *seen = data;

    seen->frames++;
    if (meta != NULL && gst_convrnn_meta_get_info(meta, &info)) {
        seen->results++;
        seen->last_step = info.step;
    }
}

static GstElement *
make_sink(Seen *seen)
{
    GstElement *sink = gst_element_factory_make("fakesink", NULL);

    g_object_set(sink, "signal-handoffs", TRUE, "sync", FALSE, NULL);
    g_signal_connect(sink, "handoff", G_CALLBACK(look), seen);
    return sink;
}

static void
play(GstElement *pipeline)
{
    GstBus *bus = gst_element_get_bus(pipeline);
    GstMessage *message;

    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    message =
        gst_bus_timed_pop_filtered(bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    fail_unless(GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS);
    gst_message_unref(message);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(bus);
}

GST_START_TEST(test_playbin)
{
    static const char *const names[] = {"playbin", "playbin3"};
    GstElement *playbin = gst_element_factory_make(names[__i__], NULL);
    GstElement *net = gst_element_factory_make("convrnn", NULL);
    Seen seen = {0};

    g_object_set(net, "model", model, NULL);
    g_object_set(playbin, "uri", uri, "video-filter", net, "video-sink", make_sink(&seen), NULL);
    play(playbin);
    /* The frame that was shown in PAUSED is handed over once more, as a preroll; not to handoff. */
    fail_unless_equals_int(seen.frames, FRAMES);
    fail_unless_equals_int(seen.results, FRAMES);
    fail_unless_equals_uint64(seen.last_step, FRAMES - 1);
    gst_object_unref(playbin);
}
GST_END_TEST;

static void
expect_in(const char *description, int frames, int results)
{
    GstElement *pipeline = gst_parse_launch(description, NULL), *sink;
    Seen seen = {0};

    fail_unless(pipeline != NULL, "%s", description);
    sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");
    g_object_set(sink, "signal-handoffs", TRUE, NULL);
    g_signal_connect(sink, "handoff", G_CALLBACK(look), &seen);
    gst_object_unref(sink);
    play(pipeline);
    fail_unless_equals_int(seen.frames, frames);
    fail_unless_equals_int(seen.results, results);
    gst_object_unref(pipeline);
}

GST_START_TEST(test_uridecodebin)
{
    g_autofree char *launch = g_strdup_printf(
        "uridecodebin uri=%s ! videoconvert ! convrnn model=%s ! fakesink name=sink sync=false",
        uri, model);

    expect_in(launch, FRAMES, FRAMES);
}
GST_END_TEST;

/* The picture beside what the network makes of it: all frames come together again. */
GST_START_TEST(test_tee_and_compositor)
{
    g_autofree char *launch = g_strdup_printf(
        "uridecodebin uri=%s ! videoconvert ! tee name=t compositor name=c sink_1::xpos=64 ! "
        "fakesink name=sink sync=false t. ! queue ! c.sink_0 t. ! queue ! videoconvert ! "
        "convrnn model=%s ! convrnnvideo mode=heatmap ! videoconvert ! c.sink_1",
        uri, model);

    expect_in(launch, FRAMES, 0);
}
GST_END_TEST;

GST_START_TEST(test_preset)
{
    GstElement *one = gst_element_factory_make("convrnn", NULL);
    GstElement *other = gst_element_factory_make("convrnn", NULL);
    guint window = 0, interval = 0;
    char *state_map = NULL;

    fail_unless(GST_IS_PRESET(one));
    g_object_set(one, "state-map", "none", "state-window", 16, "inference-interval", 3, NULL);
    fail_unless(gst_preset_save_preset(GST_PRESET(one), "clips"));
    fail_unless(gst_preset_load_preset(GST_PRESET(other), "clips"));
    g_object_get(other, "state-map", &state_map, "state-window", &window, "inference-interval",
                 &interval, NULL);
    fail_unless_equals_string(state_map, "none");
    fail_unless(window == 16 && interval == 3);
    fail_unless(gst_preset_delete_preset(GST_PRESET(one), "clips"));
    g_free(state_map);
    gst_object_unref(one);
    gst_object_unref(other);
}
GST_END_TEST;

static Suite *
pipelines_suite(void)
{
    Suite *suite = suite_create("pipelines");
    TCase *tests = tcase_create("pipelines");

    suite_add_tcase(suite, tests);
    tcase_add_unchecked_fixture(tests, make_film, remove_film);
    tcase_add_loop_test(tests, test_playbin, 0, 2);
    tcase_add_test(tests, test_uridecodebin);
    tcase_add_test(tests, test_tee_and_compositor);
    tcase_add_test(tests, test_preset);
    return suite;
}

/* Presets are the user's files. */
static char *
make_home(void)
{
    char *home = g_dir_make_tmp("convrnn-home-XXXXXX", NULL);

    g_setenv("XDG_DATA_HOME", home, TRUE);
    return home;
}

static void
remove_home(char *home)
{
    static const char *const parts[] = {"/gstreamer-1.0/presets/GstConvRnn.prs",
                                        "/gstreamer-1.0/presets/GstConvRnn.prs.bak",
                                        "/gstreamer-1.0/presets", "/gstreamer-1.0", ""};

    for (gsize i = 0; i < G_N_ELEMENTS(parts); i++) {
        g_autofree char *path = g_strconcat(home, parts[i], NULL);

        g_remove(path);
    }
    g_free(home);
}

int
main(int argc, char **argv)
{
    char *home = make_home();
    int failed;

    gst_check_init(&argc, &argv);
    failed = gst_check_run_suite(pipelines_suite(), "pipelines", __FILE__);
    remove_home(home);
    return failed;
}
