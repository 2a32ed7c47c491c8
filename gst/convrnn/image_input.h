/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which of a model's inputs is the picture, how it lies in memory, how pixels become its numbers.
 */
#pragma once

#include "frame_to_tensor.h"
#include <convrnn/session.h>

typedef struct {
    const ConvRnnTensorInfo *info; /* the model's */
    gboolean nhwc;                 /* else NCHW */
    int channels;                  /* 1 or 3 */
    int width, height;             /* 0 where the model leaves it open */
} CrImageInput;

/* What the user set; NULL or −1 leaves it to the model's description. */
typedef struct {
    const char *range, *mean, *std;
    int bgr;
    CrFit fit;
} CrImageSettings;

/* TRUE when `info` can be a picture: float32 or uint8, rank 4, one image, 1 or 3 channels. */
gboolean cr_image_input_init(CrImageInput *image, const ConvRnnModel *model,
                             const ConvRnnTensorInfo *info);

/* The picture's dimensions for a frame, or a part of one, of this size: the model's own, or the
 * frame's where open. */
void cr_image_input_get_size(const CrImageInput *image, int frame_width, int frame_height,
                             int *width, int *height);
void cr_image_input_get_dims(const CrImageInput *image, int width, int height, gint64 dims[4]);
/* Where the picture's elements are to be written: `data` is its first one, `strides` those of the
 * session's input. */
CrFrameSink cr_image_input_get_sink(const CrImageInput *image, const gint64 *strides, void *data);

/* The session for frames, or parts, of this size. Of several inputs that can be the picture, it is
 * the one with role=image in the .modelinfo, or the one with which the rest of the inputs are
 * states and constants. `config` is copied; `constants` is a set of input names. */
ConvRnnSession *cr_image_input_open_session(ConvRnnModel *model, const ConvRnnSessionConfig *config,
                                            GHashTable *constants, int frame_width,
                                            int frame_height, CrImageInput *image, GError **error);

/* Size, layout and normalisation, from `settings` and the model's description. */
gboolean cr_image_input_get_target(const CrImageInput *image, const ConvRnnModel *model,
                                   const CrImageSettings *settings, int width, int height,
                                   CrFrameTarget *target, GError **error);
