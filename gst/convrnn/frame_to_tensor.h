/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A video frame into a network's picture, in one pass: resize, YUV → RGB, colour order,
 * normalisation, layout.
 *
 * The resampler is half-pixel bilinear without antialiasing, OpenCV's INTER_LINEAR: the one that
 * training code uses. Pixel i of n takes its value from source position (i + ½)·len/n − ½, clamped
 * to the picture. At the frame's own size nothing is resampled. Chroma is interpolated in the same
 * way at its own sites. Since YUV → RGB is affine, interpolating before the conversion gives what
 * interpolating after it gives, except where the conversion clips. */
#pragma once

#include <convrnn/tensor.h>
#include <gst/video/video.h>

G_BEGIN_DECLS

typedef enum {
    CR_FIT_STRETCH,   /* the whole frame fills the whole picture */
    CR_FIT_LETTERBOX, /* the whole frame, its shape kept, on black */
    CR_FIT_CROP,      /* the middle of the frame, its shape kept, fills the picture */
} CrFit;

/* A rectangle of the frame, in pixels. */
typedef struct {
    int x, y, width, height;
} CrFramePart;

/* What the network wants. */
typedef struct {
    int width, height;
    int channels;       /* 1 (luma) or 3 (RGB) */
    gboolean bgr;       /* blue first */
    ConvRnnDType dtype; /* CONVRNN_DTYPE_FLOAT32 or CONVRNN_DTYPE_UINT8 */
    CrFit fit;
    CrFramePart part; /* what is seen of the frame, before `fit`; width 0: all of it */
    /* A value v of 0…255 is written as (v − center) / divisor; in the order of the channels. */
    float center[3], divisor[3];
} CrFrameTarget;

/* Where element (c, y, x) of the picture lies: data + c·c_step + y·y_step + x·x_step elements. */
typedef struct {
    void *data;
    gsize c_step, y_step, x_step;
} CrFrameSink;

/* frame = picture · scale + offset, for edges (pixel i covers i…i+1). */
typedef struct {
    double scale_x, scale_y, offset_x, offset_y;
} CrFrameMapping;

typedef struct _CrFrameToTensor CrFrameToTensor;

/* All tables and rows for frames of this format; `info` is progressive and of one of
 * CR_FRAME_FORMATS. NULL with CONVRNN_ERROR_NOMEM. */
CrFrameToTensor *cr_frame_to_tensor_new(const GstVideoInfo *info, const CrFrameTarget *target,
                                        GError **error);
void cr_frame_to_tensor_free(CrFrameToTensor *self);

/* Writes the frame's part of the picture: all of it, except with letterbox. Allocates nothing. */
void cr_frame_to_tensor_run(CrFrameToTensor *self, const GstVideoFrame *frame,
                            const CrFrameSink *sink);

/* Writes black everywhere: once, before the first run with letterbox. */
void cr_frame_to_tensor_fill_black(const CrFrameToTensor *self, const CrFrameSink *sink);

CrFrameMapping cr_frame_to_tensor_get_mapping(const CrFrameToTensor *self);

/* Samples of more than 8 bits are brought to 0…255 by their range, and not rounded. */
#define CR_FRAME_FORMATS                                                                           \
    "{ RGB, BGR, RGBx, BGRx, xRGB, xBGR, RGBA, BGRA, GRAY8, NV12, I420, YUY2, GRAY16_LE, "         \
    "GRAY16_BE, P010_10LE, I420_10LE }"

G_END_DECLS
