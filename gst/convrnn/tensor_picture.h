/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An output tensor as a picture of the frame's size. */
#pragma once

#include "frame_to_tensor.h"
#include <gst/convrnn/gstconvrnnmeta.h>

/* A tensor read as channels × height × width. */
typedef struct {
    const guint8 *data;
    ConvRnnDType dtype;
    int channels, width, height;
    gsize c_step, y_step, x_step; /* elements */
} CrTensorPicture;

/* [H,W], [C,H,W] or [H,W,C] (for C = 1, 3 or 4 and both others larger), behind any number of
 * leading ones. FALSE when the tensor has another shape, or a type that is no plain number. */
gboolean cr_tensor_picture_init(CrTensorPicture *picture, const GstConvRnnTensorView *view);

/* Smallest and largest value; NaN is passed over. */
void cr_tensor_picture_get_range(const CrTensorPicture *picture, int channel, float *min,
                                 float *max);

/* Bilinear, half-pixel, from a tensor that lies over the model's picture to rows of the frame.
 * Frame pixels outside the model's picture take its outermost values. */
typedef struct _CrTensorScaler CrTensorScaler;

CrTensorScaler *cr_tensor_scaler_new(const CrTensorPicture *picture, const GstConvRnnMetaInfo *info,
                                     int frame_width, int frame_height);
void cr_tensor_scaler_free(CrTensorScaler *scaler);

/* TRUE when the scaler was made for just this geometry. */
gboolean cr_tensor_scaler_fits(const CrTensorScaler *scaler, const CrTensorPicture *picture,
                               const GstConvRnnMetaInfo *info, int frame_width, int frame_height);

/* Row y of the frame, frame_width values. */
const float *cr_tensor_scaler_get_row(CrTensorScaler *scaler, const CrTensorPicture *picture,
                                      int channel, int y);
