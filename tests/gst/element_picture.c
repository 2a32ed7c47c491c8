/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which input is the picture, and how pixels become its numbers: properties, .modelinfo, fit. */
#include "networks.h"
#include "stream.h"

static void
open_with(Stream *stream, char *path, const char *properties)
{
    g_autofree char *launch = g_strdup_printf("convrnn model=%s %s", path, properties);

    g_free(path);
    stream_init(stream, launch);
}

static GstBuffer *
push_pixel(Stream *stream, guint8 r, guint8 g, guint8 b)
{
    GstBuffer *frame = stream_flat_frame(stream, 0, 0);
    GstMapInfo map;

    fail_unless(gst_buffer_map(frame, &map, GST_MAP_WRITE));
    for (gsize i = 0; i + 2 < map.size; i += 3) {
        map.data[i] = r;
        map.data[i + 1] = g;
        map.data[i + 2] = b;
    }
    gst_buffer_unmap(frame, &map);
    return stream_push(stream, frame);
}

/* The three channels that one colour becomes. */
static void
expect_channels(char *path, const char *properties, float c0, float c1, float c2)
{
    GstConvRnnTensorView view;
    const float *y;
    GstBuffer *out;
    Stream stream;

    open_with(&stream, path, properties);
    stream_set_caps(&stream, "RGB", 4, 4, 25);
    out = push_pixel(&stream, 255, 51, 0);
    y = stream_tensor(out, "y", &view);
    fail_unless(ABS(y[0] - c0) < 1e-5, "%g, not %g", y[0], c0);
    fail_unless(ABS(y[16] - c1) < 1e-5, "%g, not %g", y[16], c1);
    fail_unless(ABS(y[32] - c2) < 1e-5, "%g, not %g", y[32], c2);
    gst_buffer_unref(out);
    stream_clear(&stream);
}

GST_START_TEST(test_properties)
{
    expect_channels(network_sum("a", 3, 4, 4, NULL), "", 1, 0.2f, 0);
    expect_channels(network_sum("a", 3, 4, 4, NULL), "range=\"0,255\"", 255, 51, 0);
    expect_channels(network_sum("a", 3, 4, 4, NULL), "range=\"-1,1\"", 1, -0.6f, -1);
    expect_channels(network_sum("a", 3, 4, 4, NULL), "range=\"0,1;0,10;5,6\"", 1, 2, 5);
    expect_channels(network_sum("a", 3, 4, 4, NULL), "mean=\"0.5,0.1,0.25\" std=\"0.5,1,0.1\"", 1,
                    0.1f, -2.5f);
    expect_channels(network_sum("a", 3, 4, 4, NULL), "channel-order=bgr mean=\"0.5,0,0\"", -0.5f,
                    0.2f, 1);
}
GST_END_TEST;

GST_START_TEST(test_modelinfo)
{
    const char *info = "[modelinfo]\nversion=1.0\n\n[x]\nmean=0.5\nstd=0.5\nranges=0,1\n"
                       "channel-order=bgr\n";

    expect_channels(network_sum("b", 3, 4, 4, info), "", -1, -0.6f, 1);
    expect_channels(network_sum("b", 3, 4, 4, info), "channel-order=rgb mean=0 std=1", 1, 0.2f, 0);
}
GST_END_TEST;

GST_START_TEST(test_role)
{
    const char *info = "[modelinfo]\nversion=1.0\n\n[b]\nrole=image\n";

    expect_channels(network_two_pictures("c", info), "constants=a=10", 11, 10.2f, 10);
}
GST_END_TEST;

/* One of two candidates is bound: the other is the picture. */
GST_START_TEST(test_constant_decides)
{
    expect_channels(network_two_pictures("d", NULL), "constants=b=1", 2, 1.2f, 1);
}
GST_END_TEST;

/* State and picture alike in shape: the names of the state decide. */
GST_START_TEST(test_one_channel)
{
    GstConvRnnTensorView view;
    GstBuffer *out;
    Stream stream;

    open_with(&stream, network_sum("e", 1, -1, -1, NULL), "");
    stream_set_caps(&stream, "RGB", 4, 4, 25);
    out = push_pixel(&stream, 255, 51, 0);
    fail_unless(ABS(*stream_tensor(out, "y", &view) - (0.299 + 0.587 * 0.2)) < 1e-6);
    fail_unless_equals_int64(view.dims[1], 1);
    gst_buffer_unref(out);
    stream_clear(&stream);
}
GST_END_TEST;

/* [1,H,W,C] is recognised by its last dimension. */
GST_START_TEST(test_channels_last)
{
    GstConvRnnTensorView view;
    GstConvRnnMetaInfo info;
    const float *y;
    GstBuffer *out;
    Stream stream;

    open_with(&stream, network_sum("h", 4, 8, 3, NULL), "mean=\"0,0.2,1\"");
    stream_set_caps(&stream, "RGB", 8, 4, 25);
    out = push_pixel(&stream, 255, 51, 0);
    stream_result(out, &info);
    fail_unless_equals_int(info.model_width, 8);
    fail_unless_equals_int(info.model_height, 4);
    y = stream_tensor(out, "y", &view);
    for (int i = 0; i < 8 * 4; i++)
        for (int c = 0; c < 3; c++)
            fail_unless(ABS(y[3 * i + c] - (1 - c)) < 1e-6);
    gst_buffer_unref(out);
    stream_clear(&stream);
}
GST_END_TEST;

static void
expect_mapping(const char *fit, double scale_x, double scale_y, double offset_x, double offset_y)
{
    g_autofree char *property = g_strdup_printf("fit=%s", fit);
    GstConvRnnMetaInfo info;
    GstBuffer *out;
    Stream stream;

    open_with(&stream, network_sum("f", 3, 4, 4, NULL), property);
    stream_set_caps(&stream, "RGB", 16, 8, 25);
    out = stream_push(&stream, stream_random_frame(&stream, 1, 0));
    stream_result(out, &info);
    fail_unless_equals_int(info.frame_width, 16);
    fail_unless_equals_int(info.frame_height, 8);
    fail_unless_equals_int(info.model_width, 4);
    fail_unless_equals_int(info.model_height, 4);
    fail_unless_equals_float(info.scale_x, scale_x);
    fail_unless_equals_float(info.scale_y, scale_y);
    fail_unless_equals_float(info.offset_x, offset_x);
    fail_unless_equals_float(info.offset_y, offset_y);
    gst_buffer_unref(out);
    stream_clear(&stream);
}

GST_START_TEST(test_fit)
{
    expect_mapping("stretch", 4, 2, 0, 0);
    expect_mapping("letterbox", 4, 4, 0, -4);
    expect_mapping("crop", 2, 2, 4, 0);
}
GST_END_TEST;

/* Black beside the frame is the number for black, and stays it from frame to frame. */
GST_START_TEST(test_letterbox)
{
    GstConvRnnTensorView view;
    Stream stream;

    open_with(&stream, network_sum("g", 1, 4, 4, NULL), "fit=letterbox range=\"-1,3\"");
    stream_set_caps(&stream, "GRAY8", 16, 8, 25);
    for (int i = 1; i <= 2; i++) {
        GstBuffer *out = stream_push(&stream, stream_flat_frame(&stream, 255, i));
        const float *y = stream_tensor(out, "y", &view);

        for (int k = 0; k < 16; k++)
            fail_unless(y[k] == (k >= 4 && k < 12 ? 3 * i : -i));
        gst_buffer_unref(out);
    }
    stream_clear(&stream);
}
GST_END_TEST;

/* A frame whose pixel (x, y) has the red value 16·y + x. */
static GstBuffer *
push_numbered(Stream *stream)
{
    GstBuffer *frame = stream_flat_frame(stream, 0, 0);
    int stride = GST_VIDEO_INFO_PLANE_STRIDE(&stream->info, 0);
    GstMapInfo map;

    fail_unless(gst_buffer_map(frame, &map, GST_MAP_WRITE));
    for (int y = 0; y < stream->info.height; y++)
        for (int x = 0; x < stream->info.width; x++)
            map.data[y * stride + 3 * x] = (guint8)(16 * y + x);
    gst_buffer_unmap(frame, &map);
    return stream_push(stream, frame);
}

/* A model that takes any size takes the region's; the result says where that lies in the frame. */
GST_START_TEST(test_region)
{
    GstConvRnnTensorView view;
    GstConvRnnMetaInfo info;
    const float *y;
    GstBuffer *out;
    Stream stream;

    open_with(&stream, network_sum("open", 3, -1, -1, NULL), "region=\"3,2,6,4\" range=\"0,255\"");
    stream_set_caps(&stream, "RGB", 12, 10, 25);
    out = push_numbered(&stream);
    y = stream_tensor(out, "y", &view);
    fail_unless_equals_int64(view.dims[2], 4);
    fail_unless_equals_int64(view.dims[3], 6);
    for (int i = 0; i < 24; i++)
        fail_unless_equals_float(y[i], 16 * (2 + i / 6) + 3 + i % 6);
    stream_result(out, &info);
    fail_unless(info.frame_width == 12 && info.model_width == 6 && info.model_height == 4);
    fail_unless(info.scale_x == 1 && info.scale_y == 1);
    fail_unless(info.offset_x == 3 && info.offset_y == 2);
    gst_buffer_unref(out);
    /* Frames of another size, the same part of them: the network sees no difference in size. */
    stream_set_caps(&stream, "RGB", 16, 12, 25);
    out = push_numbered(&stream);
    y = stream_tensor(out, "y", &view);
    fail_unless_equals_float(y[0], 35);
    gst_buffer_unref(out);
    stream_clear(&stream);
}
GST_END_TEST;

/* What a frame of 50×21 becomes for a model that takes any size. */
GST_START_TEST(test_open_size)
{
    static const struct {
        const char *properties;
        int width, height;
    } cases[] = {
        {"", 50, 21},
        {"downscale=2", 25, 11},
        {"size-multiple=8", 48, 24},
        {"downscale=2 size-multiple=8", 24, 8},
        {"downscale=64 size-multiple=4", 4, 4},
        {"region=\"0,0,32,16\" downscale=4", 8, 4},
    };
    GstConvRnnTensorView view;
    GstConvRnnMetaInfo info;
    GstBuffer *out;
    Stream stream;

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        open_with(&stream, network_sum("open", 3, -1, -1, NULL), cases[i].properties);
        stream_set_caps(&stream, "RGB", 50, 21, 25);
        out = stream_push(&stream, stream_flat_frame(&stream, 51, 0));
        fail_unless_equals_float(*stream_tensor(out, "y", &view), 0.2f);
        fail_unless_equals_int64(view.dims[3], cases[i].width);
        fail_unless_equals_int64(view.dims[2], cases[i].height);
        stream_result(out, &info);
        fail_unless(info.model_width == cases[i].width && info.model_height == cases[i].height);
        fail_unless_equals_float(info.scale_x * info.model_width, i == 5 ? 32 : 50);
        gst_buffer_unref(out);
        stream_clear(&stream);
    }
}
GST_END_TEST;

static Suite *
picture_suite(void)
{
    Suite *suite = suite_create("picture");
    TCase *tests = tcase_create("picture");

    suite_add_tcase(suite, tests);
    tcase_add_unchecked_fixture(tests, NULL, networks_remove);
    tcase_add_test(tests, test_properties);
    tcase_add_test(tests, test_modelinfo);
    tcase_add_test(tests, test_role);
    tcase_add_test(tests, test_constant_decides);
    tcase_add_test(tests, test_one_channel);
    tcase_add_test(tests, test_channels_last);
    tcase_add_test(tests, test_fit);
    tcase_add_test(tests, test_region);
    tcase_add_test(tests, test_open_size);
    tcase_add_test(tests, test_letterbox);
    return suite;
}

GST_CHECK_MAIN(picture);
