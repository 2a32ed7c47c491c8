/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* convrnnvideo: each mode's pixels, scaling and placing, ranges, and what it does without a tensor.
 * The results are written by hand: no network is needed. */
#include "stream.h"

static void
open_video(Stream *stream, const char *properties, const char *format, int width, int height)
{
    g_autofree char *launch = g_strdup_printf("convrnnvideo %s", properties);

    stream_init(stream, launch);
    stream_set_caps(stream, format, width, height, 25);
}

/* A result of a model that saw the whole frame at its own size. */
static GstCustomMeta *
add_result(Stream *stream, GstBuffer *frame, const char *element, GstConvRnnMetaFlags flags)
{
    GstConvRnnMetaInfo info = {.model = "m",
                               .element = element,
                               .flags = flags,
                               .frame_width = stream->info.width,
                               .frame_height = stream->info.height,
                               .model_width = stream->info.width,
                               .model_height = stream->info.height,
                               .scale_x = 1,
                               .scale_y = 1};

    return gst_convrnn_meta_add(frame, &info);
}

static void
add_tensor(GstCustomMeta *meta, const char *name, int c, int h, int w, const float *values)
{
    const gint64 dims[] = {1, c, h, w};
    GBytes *bytes = g_bytes_new(values, sizeof(float) * c * h * w);

    gst_convrnn_meta_add_tensor(meta, name, "float32", dims, 4, bytes);
    g_bytes_unref(bytes);
}

/* The bytes of the output's first plane, of which row y begins at y·stride. */
static void
expect_pixels(GstBuffer *out, int stride, int row_bytes, int rows, const guint8 *want)
{
    GstMapInfo map;

    fail_unless(gst_buffer_map(out, &map, GST_MAP_READ));
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < row_bytes; x++)
            fail_unless_equals_int(map.data[y * stride + x], want[y * row_bytes + x]);
    gst_buffer_unmap(out, &map);
}

static void
expect_caps(Stream *stream, const char *format)
{
    GstCaps *caps = gst_pad_get_current_caps(stream->harness->sinkpad);
    GstVideoInfo info;

    fail_unless(gst_video_info_from_caps(&info, caps));
    fail_unless_equals_string(GST_VIDEO_INFO_NAME(&info), format);
    fail_unless_equals_int(info.width, stream->info.width);
    fail_unless_equals_int(info.height, stream->info.height);
    fail_unless_equals_int(info.fps_n, 25);
    gst_caps_unref(caps);
}

GST_START_TEST(test_gray)
{
    const float mask[] = {0, 0.25f, 0.5f, 1, -3, 7};
    const guint8 want[] = {0, 64, 128, 255, 0, 255};
    GstBuffer *frame, *out;
    Stream stream;

    open_video(&stream, "mode=gray tensor=mask", "I420", 3, 2);
    frame = stream_random_frame(&stream, 1, 0);
    add_tensor(add_result(&stream, frame, "net", 0), "mask", 1, 2, 3, mask);
    out = stream_push(&stream, frame);
    expect_caps(&stream, "GRAY8");
    expect_pixels(out, 4, 3, 2, want);
    gst_buffer_unref(out);
    stream_clear(&stream);
}
GST_END_TEST;

static const char *const inputs[] = {"RGB", "BGR", "RGBx", "BGRx", "xRGB", "xBGR", "RGBA", "BGRA"};

GST_START_TEST(test_alpha)
{
    const float mask[] = {1, 0.5f};
    GstVideoFrame mapped;
    GstBuffer *frame, *out;
    guint8 want[8];
    Stream stream;

    open_video(&stream, "mode=alpha", inputs[__i__], 2, 1);
    frame = stream_random_frame(&stream, 4, 0);
    add_tensor(add_result(&stream, frame, "net", 0), "pha", 1, 1, 2, mask);
    fail_unless(gst_video_frame_map(&mapped, &stream.info, frame, GST_MAP_READ));
    for (int x = 0; x < 2; x++) {
        for (int c = 0; c < 3; c++)
            want[4 * x + c] = ((guint8 *)GST_VIDEO_FRAME_COMP_DATA(
                &mapped, c))[x * GST_VIDEO_FRAME_COMP_PSTRIDE(&mapped, c)];
        want[4 * x + 3] = x == 0 ? 255 : 128;
    }
    gst_video_frame_unmap(&mapped);
    out = stream_push(&stream, frame);
    expect_caps(&stream, "RGBA");
    expect_pixels(out, 8, 8, 1, want);
    gst_buffer_unref(out);
    stream_clear(&stream);
}
GST_END_TEST;

GST_START_TEST(test_replace)
{
    /* Channels first: red, green, blue planes of 2×1. */
    const float picture[] = {1, 0, 0.2f, 0.4f, 0, 1};
    const guint8 want[] = {255, 51, 0, 0, 102, 255};
    const float mask[] = {1, 1};
    GstCustomMeta *meta;
    GstBuffer *frame, *out;
    Stream stream;

    open_video(&stream, "mode=replace", "NV12", 2, 1);
    frame = stream_random_frame(&stream, 4, 0);
    meta = add_result(&stream, frame, "net", 0);
    add_tensor(meta, "mask", 1, 1, 2, mask);
    add_tensor(meta, "fgr", 3, 1, 2, picture);
    out = stream_push(&stream, frame);
    expect_caps(&stream, "RGB");
    expect_pixels(out, 8, 6, 1, want);
    gst_buffer_unref(out);
    stream_clear(&stream);
}
GST_END_TEST;

/* Opacity 0 is the frame; 1 is the colours: black for 0, white for 1. */
GST_START_TEST(test_heatmap)
{
    const float heat[] = {0, 1};
    const guint8 want[3][6] = {
        {100, 100, 100, 100, 100, 100}, {50, 50, 50, 178, 178, 178}, {0, 0, 0, 255, 255, 255}};
    Stream stream;

    open_video(&stream, "mode=heatmap", "RGB", 2, 1);
    for (int i = 0; i < 3; i++) {
        GstBuffer *frame = stream_flat_frame(&stream, 100, i), *out;

        g_object_set(stream.element, "opacity", i / 2.0, NULL);
        add_tensor(add_result(&stream, frame, "net", 0), "heat", 1, 1, 2, heat);
        out = stream_push(&stream, frame);
        expect_pixels(out, 8, 6, 1, want[i]);
        gst_buffer_unref(out);
    }
    expect_caps(&stream, "RGB");
    stream_clear(&stream);
}
GST_END_TEST;

/* Half-pixel bilinear, by hand: positions −¼, ¼, ¾, 1¼ between samples 0 and 1. */
GST_START_TEST(test_scaling)
{
    const float mask[] = {0, 1};
    const guint8 want[] = {0, 64, 191, 255};
    GstBuffer *frame, *out;
    Stream stream;

    open_video(&stream, "", "GRAY8", 4, 1);
    frame = stream_flat_frame(&stream, 0, 0);
    add_tensor(add_result(&stream, frame, "net", 0), "mask", 1, 1, 2, mask);
    out = stream_push(&stream, frame);
    expect_pixels(out, 4, 4, 1, want);
    gst_buffer_unref(out);
    stream_clear(&stream);
}
GST_END_TEST;

/* The network saw columns 2…5 of 8: beside them its outermost values go on. */
GST_START_TEST(test_placing)
{
    const float mask[] = {0.2f, 0.4f, 0.6f, 0.8f};
    const guint8 want[] = {51, 51, 51, 102, 153, 204, 204, 204};
    GstConvRnnMetaInfo info = {.model = "m",
                               .element = "net",
                               .frame_width = 8,
                               .frame_height = 1,
                               .model_width = 4,
                               .model_height = 1,
                               .scale_x = 1,
                               .scale_y = 1,
                               .offset_x = 2};
    GstBuffer *frame, *out;
    Stream stream;

    open_video(&stream, "", "GRAY8", 8, 1);
    frame = stream_flat_frame(&stream, 0, 0);
    add_tensor(gst_convrnn_meta_add(frame, &info), "mask", 1, 1, 4, mask);
    out = stream_push(&stream, frame);
    expect_pixels(out, 8, 8, 1, want);
    gst_buffer_unref(out);
    stream_clear(&stream);
}
GST_END_TEST;

GST_START_TEST(test_range)
{
    const float values[] = {-1, 0, 1, 3};
    const guint8 fixed[] = {0, 128, 255, 255}, automatic[] = {0, 64, 128, 255};
    Stream stream;

    open_video(&stream, "minimum=-1 maximum=1", "GRAY8", 4, 1);
    for (int i = 0; i < 2; i++) {
        GstBuffer *frame = stream_flat_frame(&stream, 0, i), *out;

        g_object_set(stream.element, "auto-range", i == 1, NULL);
        add_tensor(add_result(&stream, frame, "net", 0), "v", 1, 1, 4, values);
        out = stream_push(&stream, frame);
        expect_pixels(out, 4, 4, 1, i ? automatic : fixed);
        gst_buffer_unref(out);
    }
    stream_clear(&stream);
}
GST_END_TEST;

GST_START_TEST(test_channel_and_element)
{
    const float first[] = {0, 0, 0, 0, 0, 0, 0, 0};
    const float second[] = {0, 0, 0, 0, 1, 1, 1, 1};
    const guint8 want[] = {255, 255, 255, 255};
    GstBuffer *frame, *out;
    Stream stream;

    open_video(&stream, "tensor=t element=b channel=1", "GRAY8", 4, 1);
    frame = stream_flat_frame(&stream, 0, 0);
    add_tensor(add_result(&stream, frame, "a", 0), "t", 2, 1, 4, first);
    add_tensor(add_result(&stream, frame, "b", 0), "t", 2, 1, 4, second);
    out = stream_push(&stream, frame);
    expect_pixels(out, 4, 4, 1, want);
    gst_buffer_unref(out);
    stream_clear(&stream);
}
GST_END_TEST;

/* uint8 in the order [H,W,C], which the last dimension tells. */
GST_START_TEST(test_bytes_channels_last)
{
    const gint64 dims[] = {1, 5, 6, 3};
    guint8 picture[5 * 6 * 3];
    GstBuffer *frame, *out;
    Stream stream;
    GBytes *bytes;

    for (guint i = 0; i < sizeof picture; i++)
        picture[i] = (guint8)(37 * i);
    bytes = g_bytes_new(picture, sizeof picture);
    open_video(&stream, "mode=replace maximum=255", "RGB", 6, 5);
    frame = stream_flat_frame(&stream, 0, 0);
    gst_convrnn_meta_add_tensor(add_result(&stream, frame, "a", 0), "t", "uint8", dims, 4, bytes);
    out = stream_push(&stream, frame);
    expect_pixels(out, 20, 18, 5, picture);
    gst_buffer_unref(out);
    g_bytes_unref(bytes);
    stream_clear(&stream);
}
GST_END_TEST;

/* A skipped frame shows the last tensor again; after a flush there is none to show. */
GST_START_TEST(test_skipped)
{
    const float mask[] = {0.2f, 0.4f, 0.6f, 0.8f};
    const guint8 held[] = {51, 102, 153, 204}, black[4] = {0};
    GstBuffer *frame, *out;
    GstSegment segment;
    Stream stream;

    open_video(&stream, "", "GRAY8", 4, 1);
    for (int i = 0; i < 3; i++) {
        frame = stream_flat_frame(&stream, 0, i);
        if (i == 0)
            add_tensor(add_result(&stream, frame, "net", 0), "mask", 1, 1, 4, mask);
        else
            add_result(&stream, frame, "net", GST_CONVRNN_META_SKIPPED);
        if (i == 2) {
            gst_harness_push_event(stream.harness, gst_event_new_flush_start());
            gst_harness_push_event(stream.harness, gst_event_new_flush_stop(TRUE));
            gst_segment_init(&segment, GST_FORMAT_TIME);
            gst_harness_push_event(stream.harness, gst_event_new_segment(&segment));
        }
        out = stream_push(&stream, frame);
        expect_pixels(out, 4, 4, 1, i == 2 ? black : held);
        gst_buffer_unref(out);
    }
    fail_unless(stream_take_message(stream.bus, GST_MESSAGE_WARNING) == NULL);
    stream_clear(&stream);
}
GST_END_TEST;

/* --- without a tensor --- */

static void
expect_warning(Stream *stream, const char *want)
{
    GQuark domain;
    int code;
    g_autofree char *text = stream_take_error(stream->bus, GST_MESSAGE_WARNING, &domain, &code);

    fail_unless_equals_string(text, want);
    fail_unless(stream_take_message(stream->bus, GST_MESSAGE_WARNING) == NULL);
}

static const struct {
    const char *mode;
    int stride, bytes;
    guint8 want[8];
} fallbacks[] = {
    {"gray", 4, 2, {0, 0}},
    {"heatmap", 8, 6, {9, 9, 9, 9, 9, 9}},
    {"alpha", 8, 8, {9, 9, 9, 255, 9, 9, 9, 255}},
    {"replace", 8, 6, {9, 9, 9, 9, 9, 9}},
};

GST_START_TEST(test_no_result)
{
    g_autofree char *properties = g_strdup_printf("mode=%s", fallbacks[__i__].mode);
    Stream stream;

    open_video(&stream, properties, "RGB", 2, 1);
    for (int i = 0; i < 3; i++) {
        GstBuffer *out = stream_push(&stream, stream_flat_frame(&stream, 9, i));

        expect_pixels(out, fallbacks[__i__].stride, fallbacks[__i__].bytes, 1,
                      fallbacks[__i__].want);
        gst_buffer_unref(out);
    }
    expect_warning(&stream, "The buffer carries no result of a network. Put the element convrnn "
                            "before convrnnvideo.");
    stream_clear(&stream);
}
GST_END_TEST;

GST_START_TEST(test_no_such_tensor)
{
    const float mask[] = {0, 1};
    Stream stream;

    open_video(&stream, "tensor=pha", "RGB", 2, 1);
    for (int i = 0; i < 3; i++) {
        GstBuffer *frame = stream_flat_frame(&stream, 9, i);
        GstCustomMeta *meta = add_result(&stream, frame, "net", 0);

        add_tensor(meta, "mask", 1, 1, 2, mask);
        add_tensor(meta, "score", 2, 1, 1, mask);
        gst_buffer_unref(stream_push(&stream, frame));
    }
    expect_warning(&stream, "No tensor \"pha\" that can be a picture, expected [H,W], [C,H,W] or "
                            "[1,C,H,W], found: mask float32[1,1,1,2], score float32[1,2,1,1].");
    stream_clear(&stream);
}
GST_END_TEST;

static Suite *
video_suite(void)
{
    Suite *suite = suite_create("video");
    TCase *tests = tcase_create("video");

    suite_add_tcase(suite, tests);
    tcase_add_test(tests, test_gray);
    tcase_add_loop_test(tests, test_alpha, 0, G_N_ELEMENTS(inputs));
    tcase_add_test(tests, test_replace);
    tcase_add_test(tests, test_heatmap);
    tcase_add_test(tests, test_scaling);
    tcase_add_test(tests, test_placing);
    tcase_add_test(tests, test_range);
    tcase_add_test(tests, test_channel_and_element);
    tcase_add_test(tests, test_bytes_channels_last);
    tcase_add_test(tests, test_skipped);
    tcase_add_loop_test(tests, test_no_result, 0, G_N_ELEMENTS(fallbacks));
    tcase_add_test(tests, test_no_such_tensor);
    return suite;
}

GST_CHECK_MAIN(video);
