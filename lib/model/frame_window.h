/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Inputs that want the last frames of a stream at once: role=window in the .modelinfo. The caller
 * gives one frame in each step; the session keeps the others. */
#pragma once

#include "model/graph.h"

typedef struct {
    guint input;             /* index into CrGraph.inputs */
    int axis;                /* of the window: where the frames lie one after the other */
    int64_t length;          /* frames */
    bool drops_axis;         /* a frame has one dimension less, else its axis is 1/length as long */
    bool repeats;            /* before the first frame there was always the same one; else zeros */
    ConvRnnTensorInfo frame; /* as declared, -1 where open */
} CrFrameWindow;

/* The windows that the .modelinfo describes: an array of CrFrameWindow. NULL with FORMAT when a
 * description is not one, or the axis is not clear. */
GArray *cr_frame_windows_read(const ConvRnnModel *model, GError **error);

/* The window of that input, or NULL. */
const CrFrameWindow *cr_frame_window_find(const ConvRnnModel *model, guint input);

/* A frame's dimensions from the window's. */
void cr_frame_window_frame(const CrFrameWindow *window, const int64_t *dims, int n_dims,
                           int64_t *frame_dims, int *frame_n_dims);
