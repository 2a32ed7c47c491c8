/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For each row of the picture, every colour component is sampled along x from the one or two frame
 * rows it lies between, blended along y, and the row goes through colour conversion and
 * normalisation while it is in L1. Sampled rows are remembered, so that enlarging costs no more
 * than reading each frame row once. */
#include "frame_to_tensor.h"
#include "resample_axis.h"
#include <math.h>
#include <string.h>

/* A colour component of the frame, and its last two sampled rows: an even and an odd one. */
typedef struct {
    const guint8 *data;
    int row_stride, pixel_stride;
    const CrAxis *x, *y;
    int cached[2]; /* frame rows, −1 for none */
    float *sampled[2];
    float *blended;
} Component;

typedef enum { MODEL_RGB, MODEL_YUV, MODEL_GRAY } ColorModel;

struct _CrFrameToTensor {
    CrFrameTarget target;
    ColorModel model;
    int left, top;     /* of the part of the picture that the frame fills */
    int width, height; /* its size */
    int n_components;  /* that are read */
    CrAxis luma_x, luma_y, chroma_x, chroma_y;
    Component components[3];
    float *converted[3];
    float luma_offset, luma_gain; /* to 0…255 */
    float r_v, g_u, g_v, b_u;     /* chroma → RGB, gains included */
    CrFrameMapping mapping;
};

/* Destination sample i lies at luma position start + (i + ½)·len/n − ½, kept within start…start +
 * len − 1. A component with half the samples has that position at (p + ½)/2 − ½, or at p/2 where
 * its samples lie on those of luma (`cosited`). */
static void
axis_fill(CrAxis *axis, int start, int len, int samples, gboolean halved, gboolean cosited)
{
    for (int i = 0; i < axis->n; i++) {
        double p = start + (i + 0.5) * len / axis->n - 0.5;

        p = CLAMP(p, start, start + len - 1);
        if (halved)
            p = cosited ? p / 2 : (p + 0.5) / 2 - 0.5;
        cr_axis_set(axis, i, p, samples);
    }
}

/* The part of the frame that is seen, and the part of the picture that it fills. */
typedef struct {
    int x, y, w, h;
} Rect;

static void
fit_rects(const GstVideoInfo *info, const CrFrameTarget *target, Rect *seen, Rect *filled)
{
    /* How much wider the frame as displayed is than the picture. */
    double wider = (double)info->width * MAX(info->par_n, 1) / MAX(info->par_d, 1) / info->height *
                   target->height / target->width;

    *seen = (Rect){0, 0, info->width, info->height};
    *filled = (Rect){0, 0, target->width, target->height};
    if (target->fit == CR_FIT_CROP && wider > 1)
        seen->w = CLAMP((int)lrint(info->width / wider), 1, info->width);
    else if (target->fit == CR_FIT_CROP)
        seen->h = CLAMP((int)lrint(info->height * wider), 1, info->height);
    else if (target->fit == CR_FIT_LETTERBOX && wider > 1)
        filled->h = CLAMP((int)lrint(target->height / wider), 1, target->height);
    else if (target->fit == CR_FIT_LETTERBOX)
        filled->w = CLAMP((int)lrint(target->width * wider), 1, target->width);
    seen->x = (info->width - seen->w) / 2;
    seen->y = (info->height - seen->h) / 2;
    filled->x = (target->width - filled->w) / 2;
    filled->y = (target->height - filled->h) / 2;
}

static gboolean
set_up_axes(CrFrameToTensor *self, const GstVideoInfo *info, const Rect *seen)
{
    const GstVideoFormatInfo *format = info->finfo;
    int chroma_w = GST_VIDEO_INFO_COMP_WIDTH(info, MIN(1, GST_VIDEO_INFO_N_COMPONENTS(info) - 1));
    int chroma_h = GST_VIDEO_INFO_COMP_HEIGHT(info, MIN(1, GST_VIDEO_INFO_N_COMPONENTS(info) - 1));
    /* A stream that does not say where its chroma lies is MPEG-2's kind, as nearly all are. */
    GstVideoChromaSite site = info->chroma_site == GST_VIDEO_CHROMA_SITE_UNKNOWN
                                  ? GST_VIDEO_CHROMA_SITE_MPEG2
                                  : info->chroma_site;

    if (!cr_axis_init(&self->luma_x, self->width) || !cr_axis_init(&self->luma_y, self->height) ||
        !cr_axis_init(&self->chroma_x, self->width) || !cr_axis_init(&self->chroma_y, self->height))
        return FALSE;
    axis_fill(&self->luma_x, seen->x, seen->w, info->width, FALSE, FALSE);
    axis_fill(&self->luma_y, seen->y, seen->h, info->height, FALSE, FALSE);
    axis_fill(&self->chroma_x, seen->x, seen->w, chroma_w, format->w_sub[1] == 1,
              (site & GST_VIDEO_CHROMA_SITE_H_COSITED) != 0);
    axis_fill(&self->chroma_y, seen->y, seen->h, chroma_h, format->h_sub[1] == 1,
              (site & GST_VIDEO_CHROMA_SITE_V_COSITED) != 0);
    return TRUE;
}

static gboolean
set_up_rows(CrFrameToTensor *self)
{
    for (int c = 0; c < self->n_components; c++) {
        Component *component = &self->components[c];
        gboolean chroma = self->model == MODEL_YUV && c > 0;

        component->x = chroma ? &self->chroma_x : &self->luma_x;
        component->y = chroma ? &self->chroma_y : &self->luma_y;
        component->sampled[0] = g_try_new(float, self->width);
        component->sampled[1] = g_try_new(float, self->width);
        component->blended = g_try_new(float, self->width);
        if (!component->sampled[0] || !component->sampled[1] || !component->blended)
            return FALSE;
    }
    for (int c = 0; c < 3; c++)
        if ((self->converted[c] = g_try_new(float, self->width)) == NULL)
            return FALSE;
    return TRUE;
}

/* R = Y + 2(1 − Kr)·V, B = Y + 2(1 − Kb)·U, and G from Y = Kr·R + Kg·G + Kb·B, for Y in 0…255 and
 * U, V in ±127.5 (BT.601, BT.709, BT.2020: whatever the caps name). */
static void
set_up_color(CrFrameToTensor *self, const GstVideoInfo *info)
{
    int offset[GST_VIDEO_MAX_COMPONENTS], scale[GST_VIDEO_MAX_COMPONENTS];
    double kr, kb, chroma_gain;

    gst_video_color_range_offsets(info->colorimetry.range, info->finfo, offset, scale);
    self->luma_offset = offset[0];
    self->luma_gain = (float)(255.0 / scale[0]);
    if (self->model != MODEL_YUV)
        return;
    if (!gst_video_color_matrix_get_Kr_Kb(info->colorimetry.matrix, &kr, &kb))
        gst_video_color_matrix_get_Kr_Kb(GST_VIDEO_COLOR_MATRIX_BT601, &kr, &kb);
    chroma_gain = 255.0 / scale[1];
    self->r_v = (float)(2 * (1 - kr) * chroma_gain);
    self->b_u = (float)(2 * (1 - kb) * chroma_gain);
    self->g_u = (float)(-2 * (1 - kb) * kb / (1 - kr - kb) * chroma_gain);
    self->g_v = (float)(-2 * (1 - kr) * kr / (1 - kr - kb) * chroma_gain);
}

CrFrameToTensor *
cr_frame_to_tensor_new(const GstVideoInfo *info, const CrFrameTarget *target, GError **error)
{
    CrFrameToTensor *self = g_new0(CrFrameToTensor, 1);
    Rect seen, filled;

    self->target = *target;
    self->model = GST_VIDEO_INFO_IS_RGB(info)    ? MODEL_RGB
                  : GST_VIDEO_INFO_IS_GRAY(info) ? MODEL_GRAY
                                                 : MODEL_YUV;
    self->n_components = self->model == MODEL_RGB                            ? 3
                         : self->model == MODEL_YUV && target->channels == 3 ? 3
                                                                             : 1;
    fit_rects(info, target, &seen, &filled);
    self->left = filled.x;
    self->top = filled.y;
    self->width = filled.w;
    self->height = filled.h;
    self->mapping.scale_x = (double)seen.w / filled.w;
    self->mapping.scale_y = (double)seen.h / filled.h;
    self->mapping.offset_x = seen.x - filled.x * self->mapping.scale_x;
    self->mapping.offset_y = seen.y - filled.y * self->mapping.scale_y;
    set_up_color(self, info);
    if (!set_up_axes(self, info, &seen) || !set_up_rows(self)) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_NOMEM,
                    "No memory for the tables that turn frames of %d×%d into pictures of %d×%d",
                    info->width, info->height, target->width, target->height);
        cr_frame_to_tensor_free(self);
        return NULL;
    }
    return self;
}

void
cr_frame_to_tensor_free(CrFrameToTensor *self)
{
    if (self == NULL)
        return;
    cr_axis_clear(&self->luma_x);
    cr_axis_clear(&self->luma_y);
    cr_axis_clear(&self->chroma_x);
    cr_axis_clear(&self->chroma_y);
    for (int c = 0; c < 3; c++) {
        g_free(self->components[c].sampled[0]);
        g_free(self->components[c].sampled[1]);
        g_free(self->components[c].blended);
        g_free(self->converted[c]);
    }
    g_free(self);
}

CrFrameMapping
cr_frame_to_tensor_get_mapping(const CrFrameToTensor *self)
{
    return self->mapping;
}

/* --- one row of one component --- */

/* The common strides are constants in their own loops, so that the compiler can vectorise them. */
static void
copy_row(const guint8 *restrict row, int stride, float *restrict out, int n)
{
    if (stride == 1) {
        for (int i = 0; i < n; i++)
            out[i] = row[i];
    } else if (stride == 3) {
        for (int i = 0; i < n; i++)
            out[i] = row[3 * i];
    } else if (stride == 4) {
        for (int i = 0; i < n; i++)
            out[i] = row[4 * i];
    } else {
        for (int i = 0; i < n; i++)
            out[i] = row[i * stride];
    }
}

static void
sample_row(const CrAxis *axis, const guint8 *restrict row, int stride, float *restrict out)
{
    const int *restrict lo = axis->lo, *restrict hi = axis->hi;
    const float *restrict weight = axis->weight;

    for (int i = 0; i < axis->n; i++) {
        float a = row[(gsize)lo[i] * stride], b = row[(gsize)hi[i] * stride];

        out[i] = a + (b - a) * weight[i];
    }
}

static const float *
sampled_row(Component *component, int y)
{
    int slot = y & 1;

    if (component->cached[slot] != y) {
        const guint8 *row = component->data + (gssize)y * component->row_stride;

        if (component->x->identity)
            copy_row(row, component->pixel_stride, component->sampled[slot], component->x->n);
        else
            sample_row(component->x, row, component->pixel_stride, component->sampled[slot]);
        component->cached[slot] = y;
    }
    return component->sampled[slot];
}

static const float *
component_row(Component *component, int i)
{
    const CrAxis *y = component->y;
    const float *a = sampled_row(component, y->lo[i]);

    if (y->weight[i] == 0)
        return a;
    cr_axis_blend(a, sampled_row(component, y->hi[i]), y->weight[i], component->blended,
                  component->x->n);
    return component->blended;
}

/* --- colour --- */

/* BT.601 luma, in a form that is exact for greys. */
static void
rgb_to_luma(const float *restrict r, const float *restrict g, const float *restrict b,
            float *restrict out, int n)
{
    for (int i = 0; i < n; i++)
        out[i] = g[i] + 0.299f * (r[i] - g[i]) + 0.114f * (b[i] - g[i]);
}

/* In the form of the vector instructions max and min. */
static inline float
clip(float v)
{
    v = v > 0 ? v : 0;
    return v < 255 ? v : 255;
}

static void
expand_luma(const CrFrameToTensor *self, const float *restrict y, float *restrict out, int n)
{
    float offset = self->luma_offset, gain = self->luma_gain;

    for (int i = 0; i < n; i++)
        out[i] = clip((y[i] - offset) * gain);
}

static void
yuv_to_rgb(const CrFrameToTensor *self, const float *restrict y, const float *restrict u,
           const float *restrict v, float *restrict r, float *restrict g, float *restrict b, int n)
{
    float offset = self->luma_offset, gain = self->luma_gain;
    float r_v = self->r_v, g_u = self->g_u, g_v = self->g_v, b_u = self->b_u;

    for (int i = 0; i < n; i++) {
        float l = (y[i] - offset) * gain, cb = u[i] - 128, cr = v[i] - 128;

        r[i] = clip(l + r_v * cr);
        g[i] = clip(l + g_u * cb + g_v * cr);
        b[i] = clip(l + b_u * cb);
    }
}

/* The row's channels, 0…255 each, in the order R, G, B. */
static void
color_rows(CrFrameToTensor *self, int i, const float *rgb[3])
{
    const float *raw[3];
    int n = self->width;

    for (int c = 0; c < self->n_components; c++)
        raw[c] = component_row(&self->components[c], i);
    if (self->model == MODEL_RGB && self->target.channels == 3) {
        memcpy(rgb, raw, sizeof raw);
        return;
    }
    if (self->model == MODEL_YUV && self->target.channels == 3) {
        yuv_to_rgb(self, raw[0], raw[1], raw[2], self->converted[0], self->converted[1],
                   self->converted[2], n);
        memcpy(rgb, self->converted, sizeof raw);
        return;
    }
    rgb[0] = self->converted[0];
    if (self->model == MODEL_RGB)
        rgb_to_luma(raw[0], raw[1], raw[2], self->converted[0], n);
    else if (self->luma_offset == 0 && self->luma_gain == 1)
        rgb[0] = raw[0];
    else
        expand_luma(self, raw[0], self->converted[0], n);
    rgb[1] = rgb[2] = rgb[0];
}

/* --- normalisation and layout --- */

/* A true division: 255 / 255.0f is 1, and v / 255.0f is what the training code computed. */
static void
store_float(const float *restrict row, float center, float divisor, float *restrict out, gsize step,
            int n)
{
    if (step == 1) {
        for (int i = 0; i < n; i++)
            out[i] = (row[i] - center) / divisor;
    } else {
        for (int i = 0; i < n; i++)
            out[i * step] = (row[i] - center) / divisor;
    }
}

static void
store_bytes(const float *restrict row, float center, float divisor, guint8 *restrict out,
            gsize step, int n)
{
    for (int i = 0; i < n; i++)
        out[i * step] = (guint8)(clip((row[i] - center) / divisor) + 0.5f);
}

static void
store(const CrFrameToTensor *self, const CrFrameSink *sink, int c, int y, const float *row)
{
    const CrFrameTarget *target = &self->target;
    int rank = target->bgr && target->channels == 3 ? 2 - c : c;
    gsize at = rank * sink->c_step + y * sink->y_step + self->left * sink->x_step;

    if (target->dtype == CONVRNN_DTYPE_UINT8)
        store_bytes(row, target->center[rank], target->divisor[rank], (guint8 *)sink->data + at,
                    sink->x_step, self->width);
    else
        store_float(row, target->center[rank], target->divisor[rank], (float *)sink->data + at,
                    sink->x_step, self->width);
}

void
cr_frame_to_tensor_run(CrFrameToTensor *self, const GstVideoFrame *frame, const CrFrameSink *sink)
{
    for (int c = 0; c < self->n_components; c++) {
        Component *component = &self->components[c];

        component->data = GST_VIDEO_FRAME_COMP_DATA(frame, c);
        component->row_stride = GST_VIDEO_FRAME_COMP_STRIDE(frame, c);
        component->pixel_stride = GST_VIDEO_FRAME_COMP_PSTRIDE(frame, c);
        component->cached[0] = component->cached[1] = -1;
    }
    for (int i = 0; i < self->height; i++) {
        const float *rgb[3];

        color_rows(self, i, rgb);
        for (int c = 0; c < self->target.channels; c++)
            store(self, sink, c, self->top + i, rgb[c]);
    }
}

void
cr_frame_to_tensor_fill_black(const CrFrameToTensor *self, const CrFrameSink *sink)
{
    const CrFrameTarget *target = &self->target;

    for (int c = 0; c < target->channels; c++) {
        int rank = target->bgr && target->channels == 3 ? 2 - c : c;
        float black = (0 - target->center[rank]) / target->divisor[rank];

        for (int y = 0; y < target->height; y++)
            for (int x = 0; x < target->width; x++) {
                gsize at = rank * sink->c_step + y * sink->y_step + x * sink->x_step;

                if (target->dtype == CONVRNN_DTYPE_UINT8)
                    ((guint8 *)sink->data)[at] = (guint8)(clip(black) + 0.5f);
                else
                    ((float *)sink->data)[at] = black;
            }
    }
}
