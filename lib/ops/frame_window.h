/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/op.h"

/* What the optimizer hands to the operator. */
typedef struct {
    int axis; /* of the window */
    int64_t length;
    bool repeats; /* the first frame fills the window */
} CrFrameWindowSpec;

/* Inputs: a frame; the window of the step before; how many frames there have been (int64 scalar, at
 * most length). Outputs: the window with the frame at its end; the new number. Made by the
 * optimizer only; not part of ONNX. */
extern const CrOp cr_op_frame_window;
