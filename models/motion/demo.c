/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shows a network at work: a line per frame in the terminal, and a picture of the last frame beside
 * what the network made of it.
 *
 *     demo --model=model.onnx --tensor=motion --picture=motion.png [--source='v4l2src']
 *
 * It is also the example of an application that reads results where they come out of the element.
 */
#include <gst/convrnn/gstconvrnnmeta.h>
#include <gst/gst.h>
#include <stdio.h>

/* Three balls on stripes: two lie still, one moves. No single frame tells which. A compositor's own
 * caps do not say that it is progressive, and one further down takes only what says so from its
 * second input on: so this one says it. */
#define SCENE                                                                                      \
    "compositor name=scene sink_1::xpos=30 sink_1::ypos=150 sink_1::zorder=2"                      \
    "                      sink_2::xpos=90 sink_2::ypos=20 sink_2::zorder=3 sink_3::zorder=4"      \
    " videotestsrc num-buffers=%u pattern=zone-plate kx=10 ky=6"                                   \
    "     ! video/x-raw,width=320,height=240,framerate=30/1 ! scene.sink_0"                        \
    " videotestsrc num-buffers=1 pattern=ball background-color=0 foreground-color=0xffffffff"      \
    "     ! video/x-raw,format=AYUV,width=60,height=60,framerate=30/1 ! imagefreeze ! "            \
    "scene.sink_1"                                                                                 \
    " videotestsrc num-buffers=1 pattern=ball background-color=0 foreground-color=0xffff8000"      \
    "     ! video/x-raw,format=AYUV,width=60,height=60,framerate=30/1 ! imagefreeze ! "            \
    "scene.sink_2"                                                                                 \
    " videotestsrc num-buffers=%u pattern=ball background-color=0 foreground-color=0xffff8000"     \
    "     ! video/x-raw,format=AYUV,width=320,height=240,framerate=30/1 ! scene.sink_3"            \
    " scene. ! video/x-raw,width=320,height=240,interlace-mode=progressive"

static gchar *model_file, *tensor_name = "motion", *picture_file = "demo.png", *source;
static guint n_frames = 75;

static const GOptionEntry options[] = {
    {"model", 'm', 0, G_OPTION_ARG_FILENAME, &model_file, "the network", "FILE"},
    {"tensor", 't', 0, G_OPTION_ARG_STRING, &tensor_name, "the output to show", "NAME"},
    {"picture", 'p', 0, G_OPTION_ARG_FILENAME, &picture_file, "where the picture goes", "FILE"},
    {"source", 's', 0, G_OPTION_ARG_STRING, &source, "what comes first in the pipeline",
     "PIPELINE"},
    {"frames", 'n', 0, G_OPTION_ARG_INT, &n_frames, "how many frames", "N"},
    {NULL},
};

typedef struct {
    gint64 entered; /* µs, when the present frame came in */
    guint n_seen;
} Watch;

/* What the network said of one frame. */
typedef struct {
    GstConvRnnMetaInfo info;
    double x, y; /* where the map is largest, in pixels of the frame */
    float value;
} Peak;

static void
find_peak(const GstConvRnnTensorView *map, Peak *peak)
{
    gint64 height = map->dims[map->n_dims - 2], width = map->dims[map->n_dims - 1];
    const GstConvRnnMetaInfo *info = &peak->info;
    const float *values = map->data;
    gint64 best = 0;
    for (gint64 i = 1; i < height * width; i++)
        if (values[i] > values[best])
            best = i;
    double model_x = ((double)(best % width) + 0.5) * info->model_width / (double)width;
    double model_y = ((double)(best / width) + 0.5) * info->model_height / (double)height;
    peak->x = model_x * info->scale_x + info->offset_x;
    peak->y = model_y * info->scale_y + info->offset_y;
    peak->value = values[best];
}

static gboolean
read_peak(GstBuffer *buffer, Peak *peak)
{
    GstCustomMeta *meta = gst_convrnn_meta_get(buffer, NULL);
    GstConvRnnTensorView map;
    if (!meta || !gst_convrnn_meta_get_info(meta, &peak->info) ||
        !gst_convrnn_meta_find_tensor(meta, tensor_name, &map) || map.n_dims < 2 ||
        !g_str_equal(map.dtype, "float32"))
        return FALSE;
    find_peak(&map, peak);
    return TRUE;
}

static GstPadProbeReturn
on_frame_in(GstPad *pad, GstPadProbeInfo *probe, gpointer user_data)
{
    Watch *watch = user_data;
    watch->entered = g_get_monotonic_time();
    return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn
on_frame_out(GstPad *pad, GstPadProbeInfo *probe, gpointer user_data)
{
    Watch *watch = user_data;
    double milliseconds = (double)(g_get_monotonic_time() - watch->entered) / 1000;
    Peak peak;
    if (read_peak(GST_PAD_PROBE_INFO_BUFFER(probe), &peak)) {
        char bar[] = "....................";
        for (int i = 0; bar[i] && (float)i + 0.5f < peak.value * 20; i++)
            bar[i] = '#';
        printf("frame %3u  step %3" G_GUINT64_FORMAT
               "  %s peak %s %.2f at (%3.0f,%3.0f)  %5.2f ms\n",
               watch->n_seen, peak.info.step, tensor_name, bar, peak.value, peak.x, peak.y,
               milliseconds);
    } else {
        printf("frame %3u  no float32 map \"%s\"\n", watch->n_seen, tensor_name);
    }
    watch->n_seen++;
    return GST_PAD_PROBE_OK;
}

/* The metadata has come with the frame, so the label is about the frame it is drawn on. */
static GstPadProbeReturn
on_frame_to_label(GstPad *pad, GstPadProbeInfo *probe, gpointer user_data)
{
    g_autoptr(GstElement) label = gst_pad_get_parent_element(pad);
    Peak peak;
    if (read_peak(GST_PAD_PROBE_INFO_BUFFER(probe), &peak)) {
        g_autofree gchar *text =
            g_strdup_printf("step %" G_GUINT64_FORMAT ": %s peak %.2f at (%.0f, %.0f)",
                            peak.info.step, tensor_name, peak.value, peak.x, peak.y);
        g_object_set(label, "text", text, NULL);
    }
    return GST_PAD_PROBE_OK;
}

#define SIDE  "videoconvert ! videoscale ! video/x-raw,width=320,height=240 ! "
#define LABEL "videobox bottom=-32 ! textoverlay valignment=bottom ypad=4 font-desc=\"Sans 12\" "

/* The frame on the left, what the network says on the right, each with a line below. */
static gchar *
describe_pipeline(gboolean labelled)
{
    g_autofree gchar *scene =
        source ? g_strdup(source) : g_strdup_printf(SCENE, n_frames, n_frames);
    g_autofree gchar *right_label = g_strdup_printf(LABEL "text=\"%s\" ! ", tensor_name);
    return g_strdup_printf(
        "%s ! videoconvert ! identity eos-after=%u ! convrnn name=net model=\"%s\" ! tee name=t"
        " compositor name=sides sink_1::xpos=320"
        " t. ! queue ! " SIDE "%s sides.sink_0"
        " t. ! queue ! convrnnvideo tensor=%s mode=heatmap opacity=0.7 ! " SIDE "%s sides.sink_1"
        " sides. ! videoconvert ! pngenc ! multifilesink location=\"%s\"",
        scene, n_frames + 1, model_file, labelled ? LABEL "name=label ! " : "", tensor_name,
        labelled ? right_label : "", picture_file);
}

static gboolean
run(GstElement *pipeline)
{
    g_autoptr(GstBus) bus = gst_element_get_bus(pipeline);
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    g_autoptr(GstMessage) message =
        gst_bus_timed_pop_filtered(bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS)
        return TRUE;
    g_autoptr(GError) error = NULL;
    gst_message_parse_error(message, &error, NULL);
    fprintf(stderr, "%s: %s\n", GST_OBJECT_NAME(GST_MESSAGE_SRC(message)), error->message);
    return FALSE;
}

static void
add_probe(GstElement *pipeline, const char *element, const char *pad_name,
          GstPadProbeCallback probe, Watch *watch)
{
    g_autoptr(GstElement) found = gst_bin_get_by_name(GST_BIN(pipeline), element);
    g_autoptr(GstPad) pad = found ? gst_element_get_static_pad(found, pad_name) : NULL;
    if (pad)
        gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, probe, watch, NULL);
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GOptionContext) context = g_option_context_new("- shows a network at work");
    g_option_context_add_main_entries(context, options, NULL);
    g_option_context_add_group(context, gst_init_get_option_group());
    if (!g_option_context_parse(context, &argc, &argv, &error) || !model_file) {
        fprintf(stderr, "%s\n", error ? error->message : "--model=FILE is missing");
        return 2;
    }
    g_autoptr(GstElementFactory) text = gst_element_factory_find("textoverlay");
    g_autofree gchar *description = describe_pipeline(text != NULL);
    g_autoptr(GstElement) pipeline = gst_parse_launch(description, &error);
    if (!pipeline || error) {
        fprintf(stderr, "%s\n", error->message);
        return 1;
    }
    Watch watch = {0};
    add_probe(pipeline, "net", "sink", on_frame_in, &watch);
    add_probe(pipeline, "net", "src", on_frame_out, &watch);
    add_probe(pipeline, "label", "video_sink", on_frame_to_label, &watch);
    if (!run(pipeline))
        return 1;
    printf("%u frames; the last one, and what the network made of it: %s\n", watch.n_seen,
           picture_file);
    return 0;
}
