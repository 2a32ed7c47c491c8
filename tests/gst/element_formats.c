/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every format and stride that the caps promise reaches the network as it should. */
#include "frame_to_tensor.h"
#include "networks.h"
#include "stream.h"
#include <convrnn/convrnn.h>

static const char *const formats[] = {
    "RGB",   "BGR",  "RGBx", "BGRx", "xRGB",      "xBGR",      "RGBA",      "BGRA",
    "GRAY8", "NV12", "I420", "YUY2", "GRAY16_LE", "GRAY16_BE", "P010_10LE", "I420_10LE"};

static void
open_sum(Stream *stream)
{
    g_autofree char *path = network_sum("sum", 3, -1, -1, NULL);
    g_autofree char *launch = g_strdup_printf("convrnn model=%s", path);

    stream_init(stream, launch);
}

/* What the network should have been given for this frame. */
static float *
expected_input(const GstVideoInfo *info, GstBuffer *frame)
{
    gsize n = (gsize)info->width * info->height;
    CrFrameTarget target = {.width = info->width,
                            .height = info->height,
                            .channels = 3,
                            .dtype = CONVRNN_DTYPE_FLOAT32,
                            .divisor = {255, 255, 255}};
    float *out = g_new(float, 3 * n);
    CrFrameSink sink = {out, n, info->width, 1};
    CrFrameToTensor *converter = cr_frame_to_tensor_new(info, &target, NULL);
    GstVideoFrame mapped;

    fail_unless(gst_video_frame_map(&mapped, info, frame, GST_MAP_READ));
    cr_frame_to_tensor_run(converter, &mapped, &sink);
    gst_video_frame_unmap(&mapped);
    cr_frame_to_tensor_free(converter);
    return out;
}

static void
check_frame(Stream *stream, GstBuffer *frame)
{
    g_autofree float *want = expected_input(&stream->info, frame);
    GstBuffer *out = stream_push(stream, frame);
    GstConvRnnTensorView view;
    const float *got = stream_tensor(out, "y", &view);

    fail_unless_equals_int(view.n_dims, 4);
    fail_unless_equals_int64(view.dims[1], 3);
    fail_unless_equals_int64(view.dims[2], stream->info.height);
    fail_unless_equals_int64(view.dims[3], stream->info.width);
    for (gsize i = 0; i < view.size / sizeof(float); i++)
        fail_unless(got[i] == want[i], "%s, element %" G_GSIZE_FORMAT ": %g, not %g",
                    GST_VIDEO_INFO_NAME(&stream->info), i, got[i], want[i]);
    gst_buffer_unref(out);
}

GST_START_TEST(test_format)
{
    Stream stream;

    open_sum(&stream);
    stream_set_caps(&stream, formats[__i__], 17, 11, 25);
    check_frame(&stream, stream_random_frame(&stream, 1, 0));
    stream_clear(&stream);
}
GST_END_TEST;

/* A network that convolves gets its picture in rows with room at their ends, and gives the numbers
 * of one that does not. */
GST_START_TEST(test_convolution)
{
    const gint64 dims[] = {1, 3, 11, 17};
    g_autofree char *path = network_gated("gated");
    g_autofree char *launch = g_strdup_printf("convrnn model=%s fit=stretch", path);
    g_autoptr(ConvRnnModel) model = convrnn_model_load(path, NULL);
    g_autoptr(ConvRnnSessionConfig) config = convrnn_session_config_new();
    g_autoptr(ConvRnnSession) session = NULL;
    Stream stream;

    convrnn_session_config_set_input_shape(config, "x", dims, 4);
    session = convrnn_session_new(model, config, NULL);
    stream_init(&stream, launch);
    stream_set_caps(&stream, formats[__i__], 17, 11, 25);
    for (int i = 0; i < 3; i++) {
        GstBuffer *frame = stream_random_frame(&stream, 20 + i, i), *out;
        g_autofree float *x = expected_input(&stream.info, frame);
        GstConvRnnTensorView view;
        const float *got, *want;

        memcpy(convrnn_session_get_input_data(session, 0), x, 3 * 11 * 17 * sizeof *x);
        convrnn_session_step(session);
        want = convrnn_session_get_output_data(session, 0);
        out = stream_push(&stream, frame);
        got = stream_tensor(out, "y", &view);
        fail_unless_equals_uint64(view.size, 11 * 17 * sizeof *want);
        fail_unless(memcmp(got, want, view.size) == 0, "%s, frame %d", formats[__i__], i);
        gst_buffer_unref(out);
    }
    stream_clear(&stream);
}
GST_END_TEST;

/* The pixels themselves, without the converter's help. */
GST_START_TEST(test_rgb_values)
{
    Stream stream;
    GstConvRnnTensorView view;
    GstBuffer *frame, *out;
    GstMapInfo map;
    const float *y;

    open_sum(&stream);
    stream_set_caps(&stream, "RGB", 4, 2, 25);
    frame = stream_random_frame(&stream, 5, 0);
    out = stream_push(&stream, gst_buffer_ref(frame));
    y = stream_tensor(out, "y", &view);
    fail_unless(gst_buffer_map(frame, &map, GST_MAP_READ));
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < 8; i++)
            fail_unless(y[8 * c + i] == map.data[i / 4 * 12 + i % 4 * 3 + c] / 255.0f);
    gst_buffer_unmap(frame, &map);
    gst_buffer_unref(frame);
    gst_buffer_unref(out);
    stream_clear(&stream);
}
GST_END_TEST;

/* Rows longer than the caps say, described by a GstVideoMeta. */
GST_START_TEST(test_stride)
{
    const int width = 9, height = 5, stride = 64;
    gsize offset[GST_VIDEO_MAX_PLANES] = {32};
    gint strides[GST_VIDEO_MAX_PLANES] = {stride};
    GstBuffer *frame;
    GstMapInfo map;
    Stream stream;

    open_sum(&stream);
    stream_set_caps(&stream, "BGR", width, height, 25);
    frame = gst_buffer_new_allocate(NULL, 32 + stride * height, NULL);
    fail_unless(gst_buffer_map(frame, &map, GST_MAP_WRITE));
    for (gsize i = 0; i < map.size; i++)
        map.data[i] = (guint8)(i * 7 + i / 64);
    gst_buffer_unmap(frame, &map);
    gst_buffer_add_video_meta_full(frame, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_BGR, width,
                                   height, 1, offset, strides);
    check_frame(&stream, frame);
    stream_clear(&stream);
}
GST_END_TEST;

/* The pixels of the frame go on untouched, in the same memory. */
GST_START_TEST(test_frame_unchanged)
{
    GstBuffer *frame, *before, *out;
    Stream stream;
    GstMapInfo map;

    open_sum(&stream);
    stream_set_caps(&stream, "NV12", 8, 6, 25);
    frame = stream_random_frame(&stream, 9, 0);
    before = gst_buffer_copy_deep(frame);
    out = stream_push(&stream, gst_buffer_ref(frame));
    fail_unless(gst_buffer_peek_memory(out, 0) == gst_buffer_peek_memory(frame, 0));
    fail_unless(gst_buffer_map(before, &map, GST_MAP_READ));
    fail_unless(gst_buffer_memcmp(out, 0, map.data, map.size) == 0);
    gst_buffer_unmap(before, &map);
    fail_unless_equals_uint64(GST_BUFFER_PTS(out), 0);
    fail_unless_equals_uint64(GST_BUFFER_DURATION(out), STREAM_FRAME);
    gst_buffer_unref(before);
    gst_buffer_unref(frame);
    gst_buffer_unref(out);
    stream_clear(&stream);
}
GST_END_TEST;

static Suite *
formats_suite(void)
{
    Suite *suite = suite_create("formats");
    TCase *tests = tcase_create("formats");

    suite_add_tcase(suite, tests);
    tcase_add_unchecked_fixture(tests, NULL, networks_remove);
    tcase_add_loop_test(tests, test_format, 0, G_N_ELEMENTS(formats));
    tcase_add_loop_test(tests, test_convolution, 0, G_N_ELEMENTS(formats));
    tcase_add_test(tests, test_rgb_values);
    tcase_add_test(tests, test_stride);
    tcase_add_test(tests, test_frame_unchanged);
    return suite;
}

GST_CHECK_MAIN(formats);
