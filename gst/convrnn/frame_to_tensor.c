/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For each row of the picture, every colour component is sampled along x from the one or two frame
 * rows it lies between. These are blended along y, converted to the picture's channels and
 * normalised in one loop, which writes the picture. Sampled rows are remembered, so that enlarging
 * costs no more than reading each frame row once. */
#include "frame_to_tensor.h"
#include "frame_rows.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Colour components that are sampled together, and their last two sampled rows: an even and an odd
 * one. */
typedef struct {
    int first; /* component */
    CrSampler x;
    const CrAxis *y;
    const guint8 *data;
    int row_stride;
    int cached[2]; /* frame rows, −1 for none */
    float *sampled[2][CR_MAX_SAMPLED];
} Group;

typedef enum { MODEL_RGB, MODEL_YUV, MODEL_GRAY } ColorModel;

struct _CrFrameToTensor {
    CrFrameTarget target;
    ColorModel model;
    int left, top;     /* of the part of the picture that the frame fills */
    int width, height; /* its size */
    int n_components;  /* that are read */
    CrAxis luma_x, luma_y, chroma_x, chroma_y;
    const CrFrameRows *rows;
    Group groups[3];
    int n_groups;
    float *channels[3]; /* rows of a picture whose elements are not side by side */
    CrFrameColor color;
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
    const CrFramePart all = {0, 0, info->width, info->height};
    const CrFramePart *part = target->part.width > 0 ? &target->part : &all;
    /* How much wider the part as displayed is than the picture. */
    double wider = (double)part->width * MAX(info->par_n, 1) / MAX(info->par_d, 1) / part->height *
                   target->height / target->width;

    *seen = (Rect){0, 0, part->width, part->height};
    *filled = (Rect){0, 0, target->width, target->height};
    if (target->fit == CR_FIT_CROP && wider > 1)
        seen->w = CLAMP((int)lrint(part->width / wider), 1, part->width);
    else if (target->fit == CR_FIT_CROP)
        seen->h = CLAMP((int)lrint(part->height * wider), 1, part->height);
    else if (target->fit == CR_FIT_LETTERBOX && wider > 1)
        filled->h = CLAMP((int)lrint(target->height / wider), 1, target->height);
    else if (target->fit == CR_FIT_LETTERBOX)
        filled->w = CLAMP((int)lrint(target->width * wider), 1, target->width);
    seen->x = part->x + (part->width - seen->w) / 2;
    seen->y = part->y + (part->height - seen->h) / 2;
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

/* Whether component c lies beside the one before it, sample by sample. */
static gboolean
lies_beside(const CrFrameToTensor *self, const GstVideoFormatInfo *format, int c)
{
    return c > 0 &&
           GST_VIDEO_FORMAT_INFO_PLANE(format, c) == GST_VIDEO_FORMAT_INFO_PLANE(format, c - 1) &&
           (self->model == MODEL_RGB || c > 1);
}

static void
add_component(CrSampler *sampler, const GstVideoFormatInfo *format, int c)
{
    int k = sampler->n_components++, little = GST_VIDEO_FORMAT_INFO_IS_LE(format) != 0;

    if (GST_VIDEO_FORMAT_INFO_DEPTH(format, c) > 8) {
        /* Not by the format's table: in GStreamer 1.22, V of P010 begins one byte behind U there.
         */
        sampler->low[k] = 2 * k + !little;
        sampler->high[k] = 2 * k + little;
    } else {
        sampler->low[k] = GST_VIDEO_FORMAT_INFO_POFFSET(format, c);
        sampler->high[k] = -1;
    }
}

static void
set_up_groups(CrFrameToTensor *self, const GstVideoFormatInfo *format)
{
    for (int c = 0; c < self->n_components; c++) {
        gboolean chroma = self->model == MODEL_YUV && c > 0;
        Group *group;

        if (!lies_beside(self, format, c))
            self->groups[self->n_groups++].first = c;
        group = &self->groups[self->n_groups - 1];
        group->x.axis = chroma ? &self->chroma_x : &self->luma_x;
        group->y = chroma ? &self->chroma_y : &self->luma_y;
        group->x.pixel = GST_VIDEO_FORMAT_INFO_PSTRIDE(format, c);
        add_component(&group->x, format, c);
    }
}

static gboolean
set_up_rows(CrFrameToTensor *self, const GstVideoInfo *info)
{
    set_up_groups(self, info->finfo);
    for (int g = 0; g < self->n_groups; g++) {
        Group *group = &self->groups[g];

        if (!cr_sampler_init(&group->x, GST_VIDEO_INFO_COMP_WIDTH(info, group->first)))
            return FALSE;
        for (int k = 0; k < group->x.n_components; k++) {
            group->sampled[0][k] = cr_row_alloc(self->width, sizeof(float));
            group->sampled[1][k] = cr_row_alloc(self->width, sizeof(float));
            if (!group->sampled[0][k] || !group->sampled[1][k])
                return FALSE;
        }
    }
    for (int c = 0; c < 3; c++)
        if ((self->channels[c] = cr_row_alloc(self->width, sizeof(float))) == NULL)
            return FALSE;
    return TRUE;
}

static void
choose_conversion(CrFrameToTensor *self)
{
    CrFrameColor *color = &self->color;

    if (self->model == MODEL_RGB)
        color->conversion = self->target.channels == 3 ? CR_COLOR_PLAIN : CR_COLOR_RGB_TO_LUMA;
    else if (self->n_components == 3)
        color->conversion = CR_COLOR_YUV_TO_RGB;
    else if (color->luma_offset == 0 && color->luma_gain == 1)
        color->conversion = CR_COLOR_PLAIN;
    else
        color->conversion = CR_COLOR_EXPAND_LUMA;
}

/* R = Y + 2(1 − Kr)·V, B = Y + 2(1 − Kb)·U, and G from Y = Kr·R + Kg·G + Kb·B, for Y in 0…255 and
 * U, V in ±127.5 (BT.601, BT.709, BT.2020: whatever the caps name). A sample of more than 8 bits
 * counts as the whole number that its bytes make, with what lies below it in a word. */
static void
set_up_color(CrFrameToTensor *self, const GstVideoInfo *info)
{
    int offset[GST_VIDEO_MAX_COMPONENTS], scale[GST_VIDEO_MAX_COMPONENTS];
    int unit = 1 << GST_VIDEO_FORMAT_INFO_SHIFT(info->finfo, 0);
    CrFrameColor *color = &self->color;
    double kr, kb, gain;

    gst_video_color_range_offsets(info->colorimetry.range, info->finfo, offset, scale);
    color->luma_offset = (float)(offset[0] * unit);
    color->luma_gain = (float)(255.0 / scale[0] / unit);
    choose_conversion(self);
    if (self->model != MODEL_YUV)
        return;
    if (!gst_video_color_matrix_get_Kr_Kb(info->colorimetry.matrix, &kr, &kb))
        gst_video_color_matrix_get_Kr_Kb(GST_VIDEO_COLOR_MATRIX_BT601, &kr, &kb);
    gain = 255.0 / scale[1] / unit;
    color->chroma_offset = (float)(offset[1] * unit);
    color->r_v = (float)(2 * (1 - kr) * gain);
    color->b_u = (float)(2 * (1 - kb) * gain);
    color->g_u = (float)(-2 * (1 - kb) * kb / (1 - kr - kb) * gain);
    color->g_v = (float)(-2 * (1 - kr) * kr / (1 - kr - kb) * gain);
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
    self->rows = cr_frame_rows_get();
    set_up_color(self, info);
    if (!set_up_axes(self, info, &seen) || !set_up_rows(self, info)) {
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
    for (int g = 0; g < self->n_groups; g++) {
        Group *group = &self->groups[g];

        cr_sampler_clear(&group->x);
        for (int k = 0; k < group->x.n_components; k++) {
            free(group->sampled[0][k]);
            free(group->sampled[1][k]);
        }
    }
    for (int c = 0; c < 3; c++)
        free(self->channels[c]);
    g_free(self);
}

CrFrameMapping
cr_frame_to_tensor_get_mapping(const CrFrameToTensor *self)
{
    return self->mapping;
}

/* --- one row of the components of a group --- */

static float *const *
sampled_rows(const CrFrameToTensor *self, Group *group, int y)
{
    int slot = y & 1;
    const guint8 *row = group->data + (gssize)y * group->row_stride;

    if (group->cached[slot] == y)
        return group->sampled[slot];
    if (group->x.axis->identity)
        self->rows->copy(&group->x, row, group->sampled[slot]);
    else
        self->rows->sample(&group->x, row, group->sampled[slot]);
    group->cached[slot] = y;
    return group->sampled[slot];
}

/* pairs[k]: component k of the group at row i of the picture. */
static void
get_pairs(const CrFrameToTensor *self, Group *group, int i, CrRowPair *pairs)
{
    float weight = group->y->weight[i];
    float *const *a = sampled_rows(self, group, group->y->lo[i]);
    float *const *b = weight == 0 ? a : sampled_rows(self, group, group->y->hi[i]);

    for (int k = 0; k < group->x.n_components; k++)
        pairs[k] = (CrRowPair){a[k], b[k], weight};
}

/* --- one row of the picture --- */

/* Which of the picture's channels is colour c of R, G, B. */
static int
get_rank(const CrFrameTarget *target, int c)
{
    return target->bgr && target->channels == 3 ? 2 - c : c;
}

/* The channels' rows to elements at[0], at[1], at[2] of the picture and those behind them. */
static void
place(const CrFrameToTensor *self, const CrFrameSink *sink, const gsize *at)
{
    const float *const rows[] = {self->channels[0], self->channels[1], self->channels[2]};
    int n_channels = self->target.channels;

    if (self->target.dtype == CONVRNN_DTYPE_UINT8) {
        guint8 *out[3];

        for (int c = 0; c < n_channels; c++)
            out[c] = (guint8 *)sink->data + at[c];
        self->rows->place_bytes(rows, n_channels, out, sink->x_step, self->width);
    } else {
        float *out[3];

        for (int c = 0; c < n_channels; c++)
            out[c] = (float *)sink->data + at[c];
        self->rows->place_floats(rows, n_channels, out, sink->x_step, self->width);
    }
}

static void
write_row(const CrFrameToTensor *self, const CrFrameSink *sink, int i, const CrRowPair *components)
{
    const CrFrameTarget *target = &self->target;
    gboolean direct = target->dtype == CONVRNN_DTYPE_FLOAT32 && sink->x_step == 1;
    CrChannelRow rows[3];
    gsize at[3];

    for (int c = 0; c < target->channels; c++) {
        int rank = get_rank(target, c);

        at[rank] = rank * sink->c_step + (self->top + i) * sink->y_step + self->left * sink->x_step;
        rows[c].out = direct ? (float *)sink->data + at[rank] : self->channels[rank];
        rows[c].center = target->center[rank];
        rows[c].divisor = target->divisor[rank];
    }
    self->rows->finish(&self->color, components, rows, target->channels, self->width);
    if (!direct)
        place(self, sink, at);
}

void
cr_frame_to_tensor_run(CrFrameToTensor *self, const GstVideoFrame *frame, const CrFrameSink *sink)
{
    for (int g = 0; g < self->n_groups; g++) {
        Group *group = &self->groups[g];
        int first = group->first;

        group->data = GST_VIDEO_FRAME_COMP_DATA(frame, first);
        group->data -= GST_VIDEO_FORMAT_INFO_POFFSET(frame->info.finfo, first);
        group->row_stride = GST_VIDEO_FRAME_COMP_STRIDE(frame, first);
        group->cached[0] = group->cached[1] = -1;
    }
    for (int i = 0; i < self->height; i++) {
        CrRowPair components[3];

        for (int g = 0; g < self->n_groups; g++)
            get_pairs(self, &self->groups[g], i, components + self->groups[g].first);
        /* Channels of a single component are all made of it. */
        for (int c = self->n_components; c < 3; c++)
            components[c] = components[0];
        write_row(self, sink, i, components);
    }
}

void
cr_frame_to_tensor_fill_black(const CrFrameToTensor *self, const CrFrameSink *sink)
{
    const CrFrameTarget *target = &self->target;

    for (int c = 0; c < target->channels; c++) {
        const float black = (0 - target->center[c]) / target->divisor[c], *row = &black;
        guint8 byte, *to = &byte;

        self->rows->place_bytes(&row, 1, &to, 1, 1);
        for (int y = 0; y < target->height; y++)
            for (int x = 0; x < target->width; x++) {
                gsize at = c * sink->c_step + y * sink->y_step + x * sink->x_step;

                if (target->dtype == CONVRNN_DTYPE_UINT8)
                    ((guint8 *)sink->data)[at] = byte;
                else
                    ((float *)sink->data)[at] = black;
            }
    }
}
