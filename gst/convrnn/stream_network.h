/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One stream's network: a session for one frame size, the way frames get into it, and the memory in
 * which its outputs leave. */
#pragma once

#include "image_input.h"
#include "loaded_model.h"
#include <gst/convrnn/gstconvrnnmeta.h>

typedef struct {
    ConvRnnSession *session; /* NULL when there is none */
    CrImageInput image;
    CrFramePart part;  /* what it sees of the frames */
    int width, height; /* of the picture */
    guint input;       /* its index in the session */
    GstVideoInfo info; /* of the frames */
    CrFrameToTensor *converter;
    CrFrameSink sink;
    CrFrameMapping mapping;
    GPtrArray *pools;   /* CrPayloadPool, one for each output */
    GPtrArray *classes; /* CrClassScores, one for each output, or NULL */
    guint64 first_step_ns;
} CrStreamNetwork;

void cr_stream_network_close(CrStreamNetwork *network);

/* Opens the session for frames like `info`, and makes one step on black to measure it and to touch
 * all of its memory; the state is initial afterwards. `loaded` must outlive it. On failure the
 * network is closed. */
gboolean cr_stream_network_open(CrStreamNetwork *network, const CrLoadedModel *loaded,
                                const GstVideoInfo *info, GError **error);

/* Takes on frames of another format or size for the same session. *same_geometry tells whether the
 * network sees the same part of frames of the same size as before. FALSE on failure (then closed),
 * or without error when the session is of another size. */
gboolean cr_stream_network_adapt(CrStreamNetwork *network, const CrLoadedModel *loaded,
                                 const GstVideoInfo *info, gboolean *same_geometry, GError **error);

/* The frame becomes the network's picture; then the network looks at it. */
void cr_stream_network_convert(CrStreamNetwork *network, const GstVideoFrame *frame);
ConvRnnStepFlags cr_stream_network_step(CrStreamNetwork *network);

/* Puts the last step's outputs into the metadata, and of each classification the best `top_k`;
 * FALSE without memory. */
gboolean cr_stream_network_add_outputs(CrStreamNetwork *network, GstCustomMeta *meta, guint top_k);
