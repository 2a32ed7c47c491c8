/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One stream's network: a session for one frame size, the way frames get into it, and the memory in
 * which its outputs leave. */
#pragma once

#include "image_input.h"
#include <gst/convrnn/gstconvrnnmeta.h>

typedef struct {
    ConvRnnSession *session; /* NULL when there is none */
    CrImageInput image;
    int width, height; /* of the picture */
    guint input;       /* its index in the session */
    GstVideoInfo info; /* of the frames */
    CrFrameToTensor *converter;
    CrFrameSink sink;
    CrFrameMapping mapping;
    GPtrArray *pools; /* CrPayloadPool, one for each output */
    guint64 first_step_ns;
} CrStreamNetwork;

void cr_stream_network_close(CrStreamNetwork *network);

/* Opens the session for frames like `info`, and makes one step on black to measure it and to touch
 * all of its memory; the state is initial afterwards. On failure the network is closed. */
gboolean cr_stream_network_open(CrStreamNetwork *network, ConvRnnModel *model,
                                const ConvRnnSessionConfig *config, GHashTable *constants,
                                const CrImageSettings *settings, const GstVideoInfo *info,
                                GError **error);

/* Takes on frames of another format or size for the same session. *same_geometry tells whether the
 * network sees the same part of frames of the same size as before. FALSE on failure (then closed),
 * or without error when the session is of another size. */
gboolean cr_stream_network_adapt(CrStreamNetwork *network, const CrImageSettings *settings,
                                 ConvRnnModel *model, const GstVideoInfo *info,
                                 gboolean *same_geometry, GError **error);

ConvRnnStepFlags cr_stream_network_step(CrStreamNetwork *network, const GstVideoFrame *frame);

/* Puts the last step's outputs into the metadata; FALSE without memory. */
gboolean cr_stream_network_add_outputs(CrStreamNetwork *network, GstCustomMeta *meta);
