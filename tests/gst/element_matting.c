/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A published network on a real clip: Robust Video Matting cuts a person out. Every frame carries
 * the mask, each mask is bit for bit what the session gives by hand for the same pixels, and
 * convrnnvideo makes it the alpha channel. Skipped where the network or the clip is absent. */
#include "stream.h"
#include <convrnn/convrnn.h>
#include <gst/app/gstappsink.h>
#include <string.h>

#define FRAMES 6

static char *model_path, *clip_path;

static GstElement *
launch(const char *tail, GstAppSink **sink)
{
    g_autofree char *text = g_strdup_printf(
        "filesrc location=\"%s\" ! matroskademux ! decodebin ! videoconvert ! "
        "video/x-raw,format=RGB ! convrnn model=\"%s\" constants=downsample_ratio=0.4 %s ! "
        "appsink name=sink sync=false max-buffers=2",
        clip_path, model_path, tail);
    GError *error = NULL;
    GstElement *pipeline = gst_parse_launch(text, &error);

    fail_unless(pipeline != NULL && error == NULL, "%s", error ? error->message : "");
    *sink = GST_APP_SINK(gst_bin_get_by_name(GST_BIN(pipeline), "sink"));
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    return pipeline;
}

static void
stop(GstElement *pipeline, GstAppSink *sink)
{
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(sink);
    gst_object_unref(pipeline);
}

static ConvRnnSession *
open_by_hand(int width, int height)
{
    const gint64 dims[] = {1, 3, height, width}, one[] = {1};
    const float ratio = 0.4f;
    g_autoptr(GBytes) bytes = g_bytes_new(&ratio, sizeof ratio);
    g_autoptr(ConvRnnTensor) constant =
        convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, one, 1, bytes, NULL);
    g_autoptr(ConvRnnSessionConfig) config = convrnn_session_config_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(ConvRnnModel) model = convrnn_model_load(model_path, &error);
    ConvRnnSession *session;

    fail_unless(model != NULL, "%s", error ? error->message : "");
    convrnn_session_config_set_input_shape(config, "src", dims, 4);
    convrnn_session_config_set_constant(config, "downsample_ratio", constant);
    session = convrnn_session_new(model, config, &error);
    fail_unless(session != NULL, "%s", error ? error->message : "");
    return session;
}

static const float *
step_by_hand(ConvRnnSession *session, const GstVideoInfo *info, GstBuffer *buffer)
{
    gsize n = (gsize)info->width * info->height;
    float *x = convrnn_session_get_input_data(session, 0);
    guint mask = 0;
    GstVideoFrame frame;

    fail_unless(gst_video_frame_map(&frame, info, buffer, GST_MAP_READ));
    for (gsize i = 0; i < n; i++) {
        const guint8 *pixel = (guint8 *)GST_VIDEO_FRAME_PLANE_DATA(&frame, 0) +
                              i / info->width * GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0) +
                              3 * (i % info->width);

        for (int c = 0; c < 3; c++)
            x[c * n + i] = pixel[c] / 255.0f;
    }
    gst_video_frame_unmap(&frame);
    convrnn_session_step(session);
    while (strcmp(convrnn_session_get_output(session, mask)->name, "pha") != 0)
        mask++;
    return convrnn_session_get_output_data(session, mask);
}

static GstBuffer *
pull(GstAppSink *sink, GstVideoInfo *info, GstSample **sample)
{
    *sample = gst_app_sink_pull_sample(sink);
    fail_unless(*sample != NULL, "the pipeline stopped");
    fail_unless(gst_video_info_from_caps(info, gst_sample_get_caps(*sample)));
    return gst_sample_get_buffer(*sample);
}

GST_START_TEST(test_mask)
{
    ConvRnnSession *session = NULL;
    GstAppSink *sink;
    GstElement *pipeline = launch("", &sink);

    for (int i = 0; i < FRAMES; i++) {
        GstConvRnnTensorView view;
        GstConvRnnMetaInfo result;
        GstVideoInfo info;
        GstSample *sample;
        GstBuffer *buffer = pull(sink, &info, &sample);
        const float *pha = stream_tensor(buffer, "pha", &view);

        if (session == NULL)
            session = open_by_hand(info.width, info.height);
        stream_result(buffer, &result);
        fail_unless_equals_uint64(result.step, i);
        fail_unless_equals_int64(view.dims[2], info.height);
        fail_unless_equals_int64(view.dims[3], info.width);
        fail_unless(memcmp(pha, step_by_hand(session, &info, buffer), view.size) == 0,
                    "frame %d differs", i);
        gst_sample_unref(sample);
    }
    convrnn_session_free(session);
    stop(pipeline, sink);
}
GST_END_TEST;

/* A person in the middle of the picture, nothing in its upper corners. */
GST_START_TEST(test_alpha)
{
    GstAppSink *sink;
    GstElement *pipeline = launch("! convrnnvideo tensor=pha mode=alpha", &sink);

    for (int i = 0; i < FRAMES; i++) {
        GstVideoFrame frame;
        GstVideoInfo info;
        GstSample *sample;
        GstBuffer *buffer = pull(sink, &info, &sample);
        const guint8 *top, *middle;

        fail_unless_equals_int(GST_VIDEO_INFO_FORMAT(&info), GST_VIDEO_FORMAT_RGBA);
        fail_unless(gst_video_frame_map(&frame, &info, buffer, GST_MAP_READ));
        top = GST_VIDEO_FRAME_PLANE_DATA(&frame, 0);
        middle = top + info.height * 3 / 4 * GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0);
        fail_unless(top[3] < 32, "upper left corner: %d", top[3]);
        fail_unless(top[4 * info.width - 1] < 32, "upper right: %d", top[4 * info.width - 1]);
        fail_unless(middle[4 * (info.width / 2) + 3] > 224, "middle: %d",
                    middle[4 * (info.width / 2) + 3]);
        gst_video_frame_unmap(&frame);
        gst_sample_unref(sample);
    }
    stop(pipeline, sink);
}
GST_END_TEST;

static Suite *
matting_suite(void)
{
    Suite *suite = suite_create("matting");
    TCase *tests = tcase_create("matting");

    suite_add_tcase(suite, tests);
    tcase_add_test(tests, test_mask);
    tcase_add_test(tests, test_alpha);
    return suite;
}

int
main(int argc, char **argv)
{
    const char *data = g_getenv("CONVRNN_TEST_DATA");
    const char *needed[] = {"matroskademux", "decodebin", "avdec_h264", "videoconvert", "appsink"};

    gst_check_init(&argc, &argv);
    model_path =
        g_build_filename(data ? data : ".", "rvm", "rvm_mobilenetv3_fgf_dequant_fp32.onnx", NULL);
    clip_path = g_build_filename(data ? data : ".", "video", "asl-thanks.mkv", NULL);
    if (!g_file_test(model_path, G_FILE_TEST_EXISTS) ||
        !g_file_test(clip_path, G_FILE_TEST_EXISTS)) {
        g_printerr("SKIPPED: needs %s and %s; set CONVRNN_TEST_DATA\n", model_path, clip_path);
        return 77;
    }
    for (guint i = 0; i < G_N_ELEMENTS(needed); i++)
        if (!gst_registry_check_feature_version(gst_registry_get(), needed[i], 1, 0, 0)) {
            g_printerr("SKIPPED: needs the GStreamer element %s\n", needed[i]);
            return 77;
        }
    return gst_check_run_suite(matting_suite(), "matting", __FILE__);
}
