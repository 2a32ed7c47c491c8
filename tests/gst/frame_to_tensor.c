/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frame → tensor against a slow reference in double precision: every format, odd sizes, padded
 * rows, enlarging, reducing, the three fits, both layouts. All levels give the same bits, and none
 * reads a byte beyond the frame. */
#include "frame_rows.h"
#include "frame_to_tensor.h"
#include <convrnn/cpu.h>
#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef enum { PACKED, LUMA, SEMI_PLANAR, PLANAR, YUYV } Memory;

typedef struct {
    GstVideoFormat format;
    Memory memory;
    int step, r, g, b; /* PACKED: bytes per pixel and where its colours lie */
    /* Samples of more than 8 bits (0 elsewhere), which lie in words above `unused` other bits. */
    int bits, unused;
    gboolean big_endian;
} Format;

static const Format formats[] = {
    {GST_VIDEO_FORMAT_RGB, PACKED, 3, 0, 1, 2},
    {GST_VIDEO_FORMAT_BGR, PACKED, 3, 2, 1, 0},
    {GST_VIDEO_FORMAT_RGBx, PACKED, 4, 0, 1, 2},
    {GST_VIDEO_FORMAT_BGRx, PACKED, 4, 2, 1, 0},
    {GST_VIDEO_FORMAT_xRGB, PACKED, 4, 1, 2, 3},
    {GST_VIDEO_FORMAT_xBGR, PACKED, 4, 3, 2, 1},
    {GST_VIDEO_FORMAT_RGBA, PACKED, 4, 0, 1, 2},
    {GST_VIDEO_FORMAT_BGRA, PACKED, 4, 2, 1, 0},
    {GST_VIDEO_FORMAT_GRAY8, LUMA},
    {GST_VIDEO_FORMAT_NV12, SEMI_PLANAR},
    {GST_VIDEO_FORMAT_I420, PLANAR},
    {GST_VIDEO_FORMAT_YUY2, YUYV},
    {GST_VIDEO_FORMAT_GRAY16_LE, LUMA, .bits = 16},
    {GST_VIDEO_FORMAT_GRAY16_BE, LUMA, .bits = 16, .big_endian = TRUE},
    {GST_VIDEO_FORMAT_P010_10LE, SEMI_PLANAR, .bits = 10, .unused = 6},
    {GST_VIDEO_FORMAT_I420_10LE, PLANAR, .bits = 10},
};

/* Memory that ends where a page begins that may not be read. */
typedef struct {
    guint8 *pages;
    gsize size; /* of all pages */
} Guarded;

static void
guarded_free(gpointer data)
{
    Guarded *guarded = data;

    munmap(guarded->pages, guarded->size);
    g_free(guarded);
}

static GstBuffer *
guarded_buffer(gsize size)
{
    gsize page = (gsize)sysconf(_SC_PAGESIZE), readable = (size + page - 1) / page * page;
    Guarded *guarded = g_new(Guarded, 1);

    guarded->size = readable + page;
    guarded->pages =
        mmap(NULL, guarded->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    g_assert_true(guarded->pages != MAP_FAILED);
    g_assert_cmpint(mprotect(guarded->pages + readable, page, PROT_NONE), ==, 0);
    return gst_buffer_new_wrapped_full(0, guarded->pages + readable - size, size, 0, size, guarded,
                                       guarded_free);
}

/* A frame of random samples whose rows are `padding` bytes longer than they need be. */
typedef struct {
    GstVideoInfo info;
    GstBuffer *buffer;
    GstVideoFrame frame;
} Picture;

static void
fill_plane(const GstVideoInfo *info, guint8 *data, int stride, int rows, GRand *random)
{
    /* Where words have bits above the sample's, these are zero. */
    gboolean low = GST_VIDEO_INFO_FORMAT(info) == GST_VIDEO_FORMAT_I420_10LE;

    for (int y = 0; y < rows; y++)
        for (int i = 0; i < stride; i++)
            data[y * stride + i] = (guint8)(g_rand_int(random) & (low && i % 2 ? 0x03 : 0xff));
}

static void
picture_init(Picture *picture, GstVideoFormat format, int w, int h, int padding,
             const char *colorimetry, GstVideoChromaSite site, GRand *random)
{
    gsize offset[GST_VIDEO_MAX_PLANES] = {0};
    gint stride[GST_VIDEO_MAX_PLANES] = {0};
    gsize size = 0;
    GstMapInfo map;

    gst_video_info_set_format(&picture->info, format, w, h);
    if (colorimetry)
        gst_video_colorimetry_from_string(&picture->info.colorimetry, colorimetry);
    picture->info.chroma_site = site;
    for (guint p = 0; p < GST_VIDEO_INFO_N_PLANES(&picture->info); p++) {
        int rows = p == 0 ? h : (h + 1) / 2;

        offset[p] = size;
        stride[p] = GST_VIDEO_INFO_PLANE_STRIDE(&picture->info, p) + padding;
        size += (gsize)stride[p] * rows;
    }
    picture->buffer = guarded_buffer(size);
    gst_buffer_map(picture->buffer, &map, GST_MAP_WRITE);
    for (guint p = 0; p < GST_VIDEO_INFO_N_PLANES(&picture->info); p++)
        fill_plane(&picture->info, map.data + offset[p], stride[p], p == 0 ? h : (h + 1) / 2,
                   random);
    gst_buffer_unmap(picture->buffer, &map);
    gst_buffer_add_video_meta_full(picture->buffer, GST_VIDEO_FRAME_FLAG_NONE, format, w, h,
                                   GST_VIDEO_INFO_N_PLANES(&picture->info), offset, stride);
    g_assert_true(
        gst_video_frame_map(&picture->frame, &picture->info, picture->buffer, GST_MAP_READ));
}

static void
picture_clear(Picture *picture)
{
    gst_video_frame_unmap(&picture->frame);
    gst_buffer_unref(picture->buffer);
}

/* --- the reference --- */

/* Sample i of those that lie side by side from p on. */
static double
sample(const Format *format, const guint8 *p, int i)
{
    if (format->bits == 0)
        return p[i];
    p += 2 * i;
    return (double)(p[format->big_endian ? 0 : 1] * 256 + p[format->big_endian ? 1 : 0]) /
           (1 << format->unused);
}

/* Raw component c (R, G, B or Y, U, V) at its own sample (x, y). */
static double
raw(const Picture *picture, const Format *format, int c, int x, int y)
{
    int plane = format->memory == PLANAR ? c : format->memory == SEMI_PLANAR ? MIN(c, 1) : 0;
    const guint8 *row = GST_VIDEO_FRAME_PLANE_DATA(&picture->frame, plane);
    int at[3] = {format->r, format->g, format->b};

    row += y * GST_VIDEO_FRAME_PLANE_STRIDE(&picture->frame, plane);
    switch (format->memory) {
    case PACKED:
        return sample(format, row, x * format->step + at[c]);
    case SEMI_PLANAR:
        return sample(format, row, c == 0 ? x : 2 * x + c - 1);
    case YUYV:
        return sample(format, row, c == 0 ? 2 * x : 4 * x + 2 * c - 1);
    default:
        return sample(format, row, x);
    }
}

static double
bilinear(const Picture *picture, const Format *format, int c, double x, double y, int w, int h)
{
    int x0, y0, x1, y1;
    double a, b;

    x = fmin(fmax(x, 0), w - 1);
    y = fmin(fmax(y, 0), h - 1);
    x0 = (int)floor(x);
    y0 = (int)floor(y);
    x1 = MIN(x0 + 1, w - 1);
    y1 = MIN(y0 + 1, h - 1);
    a = raw(picture, format, c, x0, y0) * (x0 + 1 - x) + raw(picture, format, c, x1, y0) * (x - x0);
    b = raw(picture, format, c, x0, y1) * (x0 + 1 - x) + raw(picture, format, c, x1, y1) * (x - x0);
    return a * (y0 + 1 - y) + b * (y - y0);
}

static double
clip(double v)
{
    return fmin(fmax(v, 0), 255);
}

static void
yuv_at(const Picture *picture, const Format *format, double x, double y, double yuv[3])
{
    int w = picture->info.width, h = picture->info.height;
    GstVideoChromaSite site = picture->info.chroma_site;
    gboolean tall = format->memory == YUYV; /* 4:2:2: every row has chroma */
    double cx = site & GST_VIDEO_CHROMA_SITE_NONE ? (x - 0.5) / 2 : x / 2;
    double cy = tall ? y : site & GST_VIDEO_CHROMA_SITE_V_COSITED ? y / 2 : (y - 0.5) / 2;

    yuv[0] = bilinear(picture, format, 0, x, y, w, h);
    for (int c = 1; c < 3; c++)
        yuv[c] = bilinear(picture, format, c, cx, cy, (w + 1) / 2, tall ? h : (h + 1) / 2);
}

/* What black is, how far white lies from it, where chroma has no colour, and its excursion: in
 * 8 bits, and in more of them times a power of two, but for a range that is full. */
typedef struct {
    double black, white, gray, chroma;
} Levels;

static Levels
levels(const Picture *picture, const Format *format)
{
    int bits = MAX(format->bits, 8);
    double unit = pow(2, bits - 8), most = pow(2, bits) - 1;

    if (picture->info.colorimetry.range == GST_VIDEO_COLOR_RANGE_0_255)
        return (Levels){0, most, 128 * unit, most};
    return (Levels){16 * unit, 219 * unit, 128 * unit, 224 * unit};
}

/* Kr and Kb of the colour system's standard. */
static void
yuv_to_rgb(const Picture *picture, const Format *format, const double yuv[3], double rgb[3])
{
    gboolean hd = picture->info.colorimetry.matrix == GST_VIDEO_COLOR_MATRIX_BT709;
    double kr = hd ? 0.2126 : 0.299, kb = hd ? 0.0722 : 0.114, kg = 1 - kr - kb;
    Levels at = levels(picture, format);
    double l = (yuv[0] - at.black) / at.white;
    double pb = (yuv[1] - at.gray) / at.chroma, pr = (yuv[2] - at.gray) / at.chroma;
    double r = l + 2 * (1 - kr) * pr, b = l + 2 * (1 - kb) * pb;

    rgb[0] = clip(255 * r);
    rgb[1] = clip(255 * ((l - kr * r - kb * b) / kg));
    rgb[2] = clip(255 * b);
}

/* Channel c of 1 or 3 at frame position (x, y), 0…255. */
static double
reference(const Picture *picture, const Format *format, int channels, int c, double x, double y)
{
    int w = picture->info.width, h = picture->info.height;
    double v[3], rgb[3];
    Levels at = levels(picture, format);

    if (format->memory == LUMA)
        return 255 * bilinear(picture, format, 0, x, y, w, h) / at.white;
    if (format->memory == PACKED) {
        for (int i = 0; i < 3; i++)
            v[i] = bilinear(picture, format, i, x, y, w, h);
        return channels == 3 ? v[c] : 0.299 * v[0] + 0.587 * v[1] + 0.114 * v[2];
    }
    yuv_at(picture, format, x, y, v);
    if (channels == 1)
        return clip(255 * (v[0] - at.black) / at.white);
    yuv_to_rgb(picture, format, v, rgb);
    return rgb[c];
}

/* --- the comparison --- */

static double
largest_difference(const Picture *picture, const Format *format, const CrFrameTarget *target)
{
    int w = target->width, h = target->height;
    g_autofree float *out = g_new(float, w *h * target->channels);
    CrFrameSink sink = {out, (gsize)w * h, w, 1};
    CrFrameToTensor *self = cr_frame_to_tensor_new(&picture->info, target, NULL);
    double worst = 0;

    for (int i = 0; i < w * h * target->channels; i++)
        out[i] = NAN;
    cr_frame_to_tensor_run(self, &picture->frame, &sink);
    for (int c = 0; c < target->channels; c++)
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                double sx = (x + 0.5) * picture->info.width / w - 0.5;
                double sy = (y + 0.5) * picture->info.height / h - 0.5;
                double want = reference(picture, format, target->channels, c,
                                        fmin(fmax(sx, 0), picture->info.width - 1),
                                        fmin(fmax(sy, 0), picture->info.height - 1));
                double got = out[(c * h + y) * w + x] * target->divisor[c] + target->center[c];
                double d = fabs(got - want);

                g_assert_false(isnan(got));
                worst = fmax(worst, d);
            }
    cr_frame_to_tensor_free(self);
    return worst;
}

static void
check_format(gconstpointer data)
{
    const Format *format = data;
    static const int sizes[][2] = {{1, 1}, {2, 2}, {7, 5}, {16, 9}, {33, 18}, {64, 47}};
    static const char *colors[] = {"bt601", "bt709", "1:4:0:0", "1:3:0:0"};
    static const GstVideoChromaSite sites[] = {
        GST_VIDEO_CHROMA_SITE_MPEG2, GST_VIDEO_CHROMA_SITE_JPEG, GST_VIDEO_CHROMA_SITE_COSITED};
    GRand *random = g_rand_new_with_seed(7);
    gboolean yuv = format->memory != PACKED && format->memory != LUMA;

    for (guint s = 0; s < G_N_ELEMENTS(sizes); s++)
        for (guint t = 0; t < G_N_ELEMENTS(sizes); t++)
            for (int channels = 1; channels <= 3; channels += 2)
                for (int padding = 0; padding <= 13; padding += 13) {
                    guint color = (s + t) % G_N_ELEMENTS(colors);
                    CrFrameTarget target = {.width = sizes[t][0],
                                            .height = sizes[t][1],
                                            .channels = channels,
                                            .dtype = CONVRNN_DTYPE_FLOAT32,
                                            .center = {0, 127.5f, 100},
                                            .divisor = {255, 127.5f, 50}};
                    Picture picture;

                    picture_init(&picture, format->format, sizes[s][0], sizes[s][1], padding,
                                 yuv ? colors[color] : NULL, sites[(s + 2 * t) % 3], random);
                    g_assert_cmpfloat(largest_difference(&picture, format, &target), <, 2e-4);
                    picture_clear(&picture);
                }
    g_rand_free(random);
}

static void
frame_to_floats(const Picture *picture, const CrFrameTarget *target, float *out)
{
    CrFrameSink sink = {out, (gsize)target->width * target->height, target->width, 1};
    CrFrameToTensor *self = cr_frame_to_tensor_new(&picture->info, target, NULL);

    cr_frame_to_tensor_run(self, &picture->frame, &sink);
    cr_frame_to_tensor_free(self);
}

/* Rows of every number of vectors and what is left over, from frames whose last row ends with the
 * memory. */
static void
check_levels(gconstpointer data)
{
    const Format *format = data;
    GRand *random = g_rand_new_with_seed(17);
    static float plain[3 * 67 * 5], out[3 * 67 * 5];
    /* The last one is what the environment names, or the best. */
    static const char *const levels[] = {"avx2", "avx512", NULL};

    for (int i = 0; i < 600; i++) {
        CrFrameTarget target = {.width = g_rand_int_range(random, 1, 68),
                                .height = g_rand_int_range(random, 1, 6),
                                .channels = i % 4 ? 3 : 1,
                                .dtype = CONVRNN_DTYPE_FLOAT32,
                                .divisor = {255, 255, 255}};
        gsize n = (gsize)target.width * target.height * target.channels;
        Picture picture;

        picture_init(&picture, format->format, g_rand_int_range(random, 1, i % 5 ? 100 : 400),
                     g_rand_int_range(random, 1, 8), i % 3, NULL, GST_VIDEO_CHROMA_SITE_UNKNOWN,
                     random);
        g_assert_true(convrnn_cpu_set_level("c", NULL));
        g_assert_cmpstr(cr_frame_rows_get()->name, ==, "c");
        frame_to_floats(&picture, &target, plain);
        for (guint l = 0; l < G_N_ELEMENTS(levels); l++)
            if (convrnn_cpu_set_level(levels[l], NULL)) {
                frame_to_floats(&picture, &target, out);
                g_assert_cmpmem(out, n * sizeof *out, plain, n * sizeof *plain);
            }
        picture_clear(&picture);
    }
    g_rand_free(random);
}

/* What is tested is what is named. */
static void
check_table(void)
{
    const CrFrameRows *c, *best = cr_frame_rows_get();

    g_assert_true(convrnn_cpu_set_level("c", NULL));
    c = cr_frame_rows_get();
    convrnn_cpu_set_level(NULL, NULL);
    g_assert_true(c == &cr_frame_rows_c);
    if (best == c) {
        g_test_skip("one table is all there is for this processor");
        return;
    }
    g_assert_cmpstr(best->name, !=, c->name);
    g_assert_true(best->sample != c->sample && best->copy != c->copy && best->finish != c->finish);
    g_assert_true(best->place_floats != c->place_floats && best->place_bytes != c->place_bytes);
}

#define FLOATS (1 << 16)

static void
check_quotients(const CrFrameRows *rows, const float *values, float center, float divisor)
{
    static float got[FLOATS];
    const CrFrameColor plain = {.conversion = CR_COLOR_PLAIN};
    const CrRowPair pair = {values, values, 0};
    const CrChannelRow row = {got, center, divisor};

    rows->finish(&plain, &pair, &row, 1, FLOATS);
    for (int i = 0; i < FLOATS; i++) {
        float want = (values[i] - center) / divisor;

        if (!isnan(want) || !isnan(got[i]))
            g_assert_cmpmem(&got[i], sizeof want, &want, sizeof want);
    }
}

/* What stands for the division has its bits: for all numbers from 1 to 2 and divisors that are
 * common, simple, or as near to a power of two as can be; for numbers as they come and any
 * divisor; and where it cannot stand for it. */
static void
check_division(void)
{
    static const float divisors[] = {255, -255, 127.5f, 58.395f, 57.12f, 0x1.fffffep0f, 3};
    static const float wild[] = {0, 0x1p-149f, 0x1p-126f, 1e-30f, 1e30f, 0x1.fffffep127f, INFINITY};
    const CrFrameRows *rows = cr_frame_rows_get();
    GRand *random = g_rand_new_with_seed(21);
    static float values[FLOATS];

    for (int part = 0; part < (1 << 23) / FLOATS; part++) {
        for (int i = 0; i < FLOATS; i++)
            values[i] = 1 + (float)(part * FLOATS + i) * 0x1p-23f;
        for (guint d = 0; d < G_N_ELEMENTS(divisors); d++)
            check_quotients(rows, values, 0, divisors[d]);
    }
    for (int i = 0; i < FLOATS; i++)
        values[i] = (float)g_rand_double_range(random, 0, 255);
    for (int i = 0; i < 200; i++)
        check_quotients(rows, values, (float)g_rand_double_range(random, -200, 200),
                        (float)g_rand_double_range(random, 1e-3, 300));
    for (guint d = 0; d < G_N_ELEMENTS(wild); d++) {
        check_quotients(rows, values, 0, wild[d]);
        check_quotients(rows, values, wild[d], 255);
    }
    g_rand_free(random);
}

/* At the frame's own size every RGB format gives value / 255, to the bit; so does uint8. */
static void
check_identity(gconstpointer data)
{
    const Format *format = data;
    GRand *random = g_rand_new_with_seed(11);
    enum { W = 37, H = 23 };
    float out[3 * W * H];
    guint8 bytes[3 * W * H];
    CrFrameTarget target = {.width = W,
                            .height = H,
                            .channels = 3,
                            .dtype = CONVRNN_DTYPE_FLOAT32,
                            .divisor = {255, 255, 255}};
    CrFrameSink sink = {out, W * H, W, 1};
    CrFrameToTensor *self;
    Picture picture;

    picture_init(&picture, format->format, W, H, 5, NULL, GST_VIDEO_CHROMA_SITE_UNKNOWN, random);
    self = cr_frame_to_tensor_new(&picture.info, &target, NULL);
    cr_frame_to_tensor_run(self, &picture.frame, &sink);
    cr_frame_to_tensor_free(self);
    target.dtype = CONVRNN_DTYPE_UINT8;
    target.divisor[0] = target.divisor[1] = target.divisor[2] = 1;
    sink = (CrFrameSink){bytes, 1, 3 * W, 3};
    self = cr_frame_to_tensor_new(&picture.info, &target, NULL);
    cr_frame_to_tensor_run(self, &picture.frame, &sink);
    cr_frame_to_tensor_free(self);
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < W * H; i++) {
            double v = raw(&picture, format, c, i % W, i / W);

            g_assert_true(out[c * W * H + i] == (float)v / 255.0f);
            g_assert_cmpint(bytes[3 * i + c], ==, (int)v);
        }
    picture_clear(&picture);
    g_rand_free(random);
}

/* A picture of 16 bits whose bytes are equal in pairs is the one of 8 bits, to the bit: 0x0000 is
 * black, 0xffff is white. */
static void
check_sixteen_bits(void)
{
    static const GstVideoFormat wide[] = {GST_VIDEO_FORMAT_GRAY16_LE, GST_VIDEO_FORMAT_GRAY16_BE};
    GRand *random = g_rand_new_with_seed(23);
    CrFrameTarget target = {
        .width = 256, .height = 1, .channels = 1, .dtype = CONVRNN_DTYPE_FLOAT32, .divisor = {255}};
    float out[256];

    for (guint f = 0; f < G_N_ELEMENTS(wide); f++) {
        Picture picture;
        GstMapInfo map;

        picture_init(&picture, wide[f], 256, 1, 0, NULL, GST_VIDEO_CHROMA_SITE_UNKNOWN, random);
        gst_video_frame_unmap(&picture.frame);
        gst_buffer_map(picture.buffer, &map, GST_MAP_WRITE);
        for (int i = 0; i < 512; i++)
            map.data[i] = (guint8)(i / 2);
        gst_buffer_unmap(picture.buffer, &map);
        gst_video_frame_map(&picture.frame, &picture.info, picture.buffer, GST_MAP_READ);
        frame_to_floats(&picture, &target, out);
        for (int i = 0; i < 256; i++)
            g_assert_true(out[i] == (float)i / 255.0f);
        picture_clear(&picture);
    }
    g_rand_free(random);
}

/* BGR order moves whole channels, and each is normalised by its own numbers. */
static void
check_channel_order(void)
{
    GRand *random = g_rand_new_with_seed(3);
    CrFrameTarget target = {.width = 5,
                            .height = 4,
                            .channels = 3,
                            .bgr = TRUE,
                            .dtype = CONVRNN_DTYPE_FLOAT32,
                            .center = {10, 20, 30},
                            .divisor = {1, 2, 4}};
    float out[60];
    CrFrameSink sink = {out, 20, 5, 1};
    CrFrameToTensor *self;
    Picture picture;

    picture_init(&picture, GST_VIDEO_FORMAT_RGB, 5, 4, 0, NULL, 0, random);
    self = cr_frame_to_tensor_new(&picture.info, &target, NULL);
    cr_frame_to_tensor_run(self, &picture.frame, &sink);
    for (int i = 0; i < 20; i++) {
        g_assert_true(out[i] == (float)raw(&picture, &formats[0], 2, i % 5, i / 5) - 10);
        g_assert_true(out[20 + i] == ((float)raw(&picture, &formats[0], 1, i % 5, i / 5) - 20) / 2);
        g_assert_true(out[40 + i] == ((float)raw(&picture, &formats[0], 0, i % 5, i / 5) - 30) / 4);
    }
    cr_frame_to_tensor_free(self);
    picture_clear(&picture);
    g_rand_free(random);
}

enum { LAYOUT_W = 300, LAYOUT_H = 2, LAYOUT_PLANE = LAYOUT_W * LAYOUT_H };

static const struct {
    gsize c_step, y_step, x_step;
} layouts[] = {
    {LAYOUT_PLANE, LAYOUT_W, 1},
    {1, 3 * LAYOUT_W, 3},
    {1, 4 * LAYOUT_W + 1, 4},
    {LAYOUT_PLANE * 3, 3 * LAYOUT_W, 3},
};

/* Element by element what the planes hold that the other tests look at; nothing between. */
static void
check_layout(const Picture *picture, CrFrameTarget target, const float *planes, guint l)
{
    static float floats[9 * LAYOUT_PLANE];
    static guint8 bytes[9 * LAYOUT_PLANE];
    CrFrameSink sink = {floats, layouts[l].c_step, layouts[l].y_step, layouts[l].x_step};
    CrFrameToTensor *self;
    int written = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(floats); i++)
        floats[i] = -1;
    memset(bytes, 77, sizeof bytes);
    self = cr_frame_to_tensor_new(&picture->info, &target, NULL);
    cr_frame_to_tensor_run(self, &picture->frame, &sink);
    cr_frame_to_tensor_free(self);
    target.dtype = CONVRNN_DTYPE_UINT8;
    sink.data = bytes;
    self = cr_frame_to_tensor_new(&picture->info, &target, NULL);
    cr_frame_to_tensor_run(self, &picture->frame, &sink);
    cr_frame_to_tensor_free(self);
    for (int i = 0; i < 3 * LAYOUT_PLANE; i++) {
        int c = i / LAYOUT_PLANE, y = i % LAYOUT_PLANE / LAYOUT_W, x = i % LAYOUT_W;
        gsize at = c * sink.c_step + y * sink.y_step + x * sink.x_step;

        g_assert_true(floats[at] == planes[i]);
        g_assert_cmpint(bytes[at], ==, (int)(clip(planes[i]) + 0.5f));
        floats[at] = -1;
        bytes[at] = 77;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(floats); i++)
        written += floats[i] != -1 || bytes[i] != 77;
    g_assert_cmpint(written, ==, 0);
}

static void
check_layouts(void)
{
    GRand *random = g_rand_new_with_seed(29);
    CrFrameTarget target = {.width = LAYOUT_W,
                            .height = LAYOUT_H,
                            .channels = 3,
                            .dtype = CONVRNN_DTYPE_FLOAT32,
                            .center = {16, 5, 7},
                            .divisor = {0.75f, 1, 0.5f}};
    static float planes[3 * LAYOUT_PLANE];
    Picture picture;

    picture_init(&picture, GST_VIDEO_FORMAT_RGB, 117, 5, 0, NULL, 0, random);
    for (int bgr = 0; bgr < 2; bgr++) {
        target.bgr = bgr;
        frame_to_floats(&picture, &target, planes);
        for (guint l = 0; l < G_N_ELEMENTS(layouts); l++)
            check_layout(&picture, target, planes, l);
    }
    picture_clear(&picture);
    g_rand_free(random);
}

/* 8×4 into 4×4. Letterbox: rows 1 and 2 hold the whole frame at half size. Crop: frame columns 2…5.
 */
static void
check_fit(void)
{
    GRand *random = g_rand_new_with_seed(5);
    CrFrameTarget target = {.width = 4,
                            .height = 4,
                            .channels = 1,
                            .fit = CR_FIT_LETTERBOX,
                            .dtype = CONVRNN_DTYPE_FLOAT32,
                            .center = {51},
                            .divisor = {1}};
    float out[16];
    CrFrameSink sink = {out, 16, 4, 1};
    CrFrameToTensor *self;
    CrFrameMapping mapping;
    Picture picture;

    picture_init(&picture, GST_VIDEO_FORMAT_GRAY8, 8, 4, 0, NULL, 0, random);
    self = cr_frame_to_tensor_new(&picture.info, &target, NULL);
    cr_frame_to_tensor_fill_black(self, &sink);
    cr_frame_to_tensor_run(self, &picture.frame, &sink);
    mapping = cr_frame_to_tensor_get_mapping(self);
    cr_frame_to_tensor_free(self);
    for (int i = 0; i < 4; i++) {
        double want = 0;

        for (int k = 0; k < 4; k++)
            want += raw(&picture, &formats[8], 0, 2 * i + k % 2, k / 2) / 4;
        g_assert_cmpfloat(out[i], ==, -51);
        g_assert_cmpfloat_with_epsilon(out[4 + i], want - 51, 1e-4);
        g_assert_cmpfloat(out[12 + i], ==, -51);
    }
    g_assert_cmpfloat(mapping.scale_x, ==, 2);
    g_assert_cmpfloat(mapping.scale_y, ==, 2);
    g_assert_cmpfloat(mapping.offset_x, ==, 0);
    g_assert_cmpfloat(mapping.offset_y, ==, -2);

    target.fit = CR_FIT_CROP;
    self = cr_frame_to_tensor_new(&picture.info, &target, NULL);
    cr_frame_to_tensor_run(self, &picture.frame, &sink);
    mapping = cr_frame_to_tensor_get_mapping(self);
    cr_frame_to_tensor_free(self);
    for (int i = 0; i < 16; i++)
        g_assert_true(out[i] == (float)raw(&picture, &formats[8], 0, 2 + i % 4, i / 4) - 51);
    g_assert_cmpfloat(mapping.scale_x, ==, 1);
    g_assert_cmpfloat(mapping.offset_x, ==, 2);
    g_assert_cmpfloat(mapping.offset_y, ==, 0);
    picture_clear(&picture);
    g_rand_free(random);
}

/* A part of the frame gives what a frame of that part gives; the mapping says where it lies. */
static void
check_part(void)
{
    GRand *random = g_rand_new_with_seed(9);
    CrFrameTarget target = {.width = 9,
                            .height = 7,
                            .channels = 3,
                            .dtype = CONVRNN_DTYPE_FLOAT32,
                            .divisor = {1, 1, 1}};
    const CrFramePart part = {5, 3, 17, 11};
    CrFrameSink sink;
    CrFrameToTensor *self;
    CrFrameMapping mapping;
    float want[189], got[189];
    Picture picture;

    for (int fit = CR_FIT_STRETCH; fit <= CR_FIT_CROP; fit++) {
        CrFrameMapping alone;
        GstVideoInfo info;
        GstVideoFrame frame;
        guint8 *origin;

        picture_init(&picture, GST_VIDEO_FORMAT_RGB, 31, 20, 5, NULL, 0, random);
        /* The part as a frame of its own: the same rows, from another pixel on. */
        frame = picture.frame;
        origin = GST_VIDEO_FRAME_PLANE_DATA(&picture.frame, 0);
        frame.data[0] = origin + 3 * GST_VIDEO_FRAME_PLANE_STRIDE(&picture.frame, 0) + 3 * 5;
        gst_video_info_set_format(&info, GST_VIDEO_FORMAT_RGB, part.width, part.height);
        memset(want, 0, sizeof want);
        memset(got, 0, sizeof got);
        target.fit = (CrFit)fit;
        target.part = (CrFramePart){0};
        sink = (CrFrameSink){want, 63, 9, 1};
        self = cr_frame_to_tensor_new(&info, &target, NULL);
        cr_frame_to_tensor_run(self, &frame, &sink);
        alone = cr_frame_to_tensor_get_mapping(self);
        cr_frame_to_tensor_free(self);
        target.part = part;
        sink.data = got;
        self = cr_frame_to_tensor_new(&picture.info, &target, NULL);
        cr_frame_to_tensor_run(self, &picture.frame, &sink);
        mapping = cr_frame_to_tensor_get_mapping(self);
        cr_frame_to_tensor_free(self);
        for (int i = 0; i < 189; i++)
            g_assert_cmpfloat_with_epsilon(got[i], want[i], 2e-4);
        g_assert_cmpfloat(mapping.scale_x, ==, alone.scale_x);
        g_assert_cmpfloat(mapping.offset_x, ==, alone.offset_x + 5);
        g_assert_cmpfloat(mapping.offset_y, ==, alone.offset_y + 3);
        picture_clear(&picture);
    }
    g_rand_free(random);
}

/* 4×4 pixels, each twice as wide as high, are a picture of 2:1: letterboxed they fill half a
 * square.
 */
static void
check_pixel_aspect(void)
{
    GRand *random = g_rand_new_with_seed(13);
    CrFrameTarget target = {.width = 8,
                            .height = 8,
                            .channels = 1,
                            .fit = CR_FIT_LETTERBOX,
                            .dtype = CONVRNN_DTYPE_FLOAT32,
                            .divisor = {1}};
    CrFrameToTensor *self;
    CrFrameMapping mapping;
    Picture picture;

    picture_init(&picture, GST_VIDEO_FORMAT_GRAY8, 4, 4, 0, NULL, 0, random);
    picture.info.par_n = 2;
    self = cr_frame_to_tensor_new(&picture.info, &target, NULL);
    mapping = cr_frame_to_tensor_get_mapping(self);
    cr_frame_to_tensor_free(self);
    g_assert_cmpfloat(mapping.scale_x, ==, 0.5);
    g_assert_cmpfloat(mapping.scale_y, ==, 1);
    g_assert_cmpfloat(mapping.offset_y, ==, -2);
    picture_clear(&picture);
    g_rand_free(random);
}

int
main(int argc, char **argv)
{
    gst_init(&argc, &argv);
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(formats); i++) {
        const char *name = gst_video_format_to_string(formats[i].format);
        g_autofree char *path = g_strdup_printf("/frame-to-tensor/reference/%s", name);
        g_autofree char *identity = g_strdup_printf("/frame-to-tensor/identity/%s", name);
        g_autofree char *levels = g_strdup_printf("/frame-to-tensor/levels/%s", name);

        g_test_add_data_func(path, &formats[i], check_format);
        g_test_add_data_func(levels, &formats[i], check_levels);
        if (formats[i].bits == 0 && (formats[i].memory == PACKED || formats[i].memory == LUMA))
            g_test_add_data_func(identity, &formats[i], check_identity);
    }
    g_test_add_func("/frame-to-tensor/table", check_table);
    g_test_add_func("/frame-to-tensor/division", check_division);
    g_test_add_func("/frame-to-tensor/sixteen-bits", check_sixteen_bits);
    g_test_add_func("/frame-to-tensor/channel-order", check_channel_order);
    g_test_add_func("/frame-to-tensor/layouts", check_layouts);
    g_test_add_func("/frame-to-tensor/fit", check_fit);
    g_test_add_func("/frame-to-tensor/part", check_part);
    g_test_add_func("/frame-to-tensor/pixel-aspect", check_pixel_aspect);
    return g_test_run();
}
