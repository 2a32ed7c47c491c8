/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frame → tensor alone: microseconds for one frame of each format, at its own size and resized, on
 * one thread and with the instruction set that CONVRNN_CPU names.
 *
 *     frames [SECONDS]
 *
 * SECONDS of measuring for each figure; its median is printed, and the least. */
#include "frame_rows.h"
#include "frame_to_tensor.h"
#include <stdio.h>
#include <stdlib.h>

#define MOST_TIMES 4096

typedef struct {
    int from_w, from_h, to_w, to_h, channels;
} Case;

static const Case cases[] = {
    {128, 96, 128, 96, 3},     {1280, 720, 224, 224, 3},  {1920, 1080, 640, 352, 3},
    {640, 480, 640, 480, 3},   {640, 480, 320, 240, 1},   {320, 240, 640, 480, 3},
    {1280, 720, 1280, 720, 3}, {3840, 2160, 256, 192, 3},
};

static const GstVideoFormat formats[] = {
    GST_VIDEO_FORMAT_RGB,       GST_VIDEO_FORMAT_BGR,       GST_VIDEO_FORMAT_BGRx,
    GST_VIDEO_FORMAT_xRGB,      GST_VIDEO_FORMAT_GRAY8,     GST_VIDEO_FORMAT_NV12,
    GST_VIDEO_FORMAT_I420,      GST_VIDEO_FORMAT_YUY2,      GST_VIDEO_FORMAT_GRAY16_LE,
    GST_VIDEO_FORMAT_P010_10LE, GST_VIDEO_FORMAT_I420_10LE,
};

static int
compare(const void *a, const void *b)
{
    gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;
    return (x > y) - (x < y);
}

static GstBuffer *
make_noise(const GstVideoInfo *info)
{
    GstBuffer *buffer = gst_buffer_new_allocate(NULL, GST_VIDEO_INFO_SIZE(info), NULL);
    GstMapInfo map;

    gst_buffer_map(buffer, &map, GST_MAP_WRITE);
    for (gsize i = 0; i < map.size; i++)
        map.data[i] = (guint8)(i * 2654435761u >> 13);
    gst_buffer_unmap(buffer, &map);
    return buffer;
}

static void
measure(const Case *size, GstVideoFormat format, double seconds)
{
    CrFrameTarget target = {.width = size->to_w,
                            .height = size->to_h,
                            .channels = size->channels,
                            .dtype = CONVRNN_DTYPE_FLOAT32,
                            .center = {0, 0, 0},
                            .divisor = {255, 255, 255}};
    gsize plane = (gsize)size->to_w * (gsize)size->to_h;
    float *out = g_new(float, plane *(gsize)size->channels);
    CrFrameSink sink = {out, plane, (gsize)size->to_w, 1};
    static gint64 times[MOST_TIMES];
    CrFrameToTensor *converter;
    GstVideoFrame frame;
    GstVideoInfo info;
    GstBuffer *buffer;
    gint64 end;
    int n = 0;

    gst_video_info_set_format(&info, format, size->from_w, size->from_h);
    buffer = make_noise(&info);
    gst_video_frame_map(&frame, &info, buffer, GST_MAP_READ);
    converter = cr_frame_to_tensor_new(&info, &target, NULL);
    cr_frame_to_tensor_run(converter, &frame, &sink);
    end = g_get_monotonic_time() + (gint64)(seconds * G_USEC_PER_SEC);
    while (n < MOST_TIMES && (n < 3 || g_get_monotonic_time() < end)) {
        GstClockTime begin = gst_util_get_timestamp();

        cr_frame_to_tensor_run(converter, &frame, &sink);
        times[n++] = (gint64)(gst_util_get_timestamp() - begin);
    }
    qsort(times, (size_t)n, sizeof *times, compare);
    printf("%4d×%-4d → %d×%-3d×%-3d %-9s %10.1f %10.1f\n", size->from_w, size->from_h,
           size->channels, size->to_h, size->to_w, gst_video_format_to_string(format),
           (double)times[n / 2] / 1000, (double)times[0] / 1000);
    cr_frame_to_tensor_free(converter);
    gst_video_frame_unmap(&frame);
    gst_buffer_unref(buffer);
    g_free(out);
}

int
main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 0.1;

    gst_init(&argc, &argv);
    printf("kernels: %s; microseconds\n%-24s %-9s %10s %10s\n", cr_frame_rows_get()->name,
           "frame → tensor", "format", "median", "least");
    for (guint c = 0; c < G_N_ELEMENTS(cases); c++)
        for (guint f = 0; f < G_N_ELEMENTS(formats); f++)
            measure(&cases[c], formats[f], seconds);
    gst_deinit();
    return 0;
}
