/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sliding window that convolution and pooling share: attributes, output size, and which taps
 * of a window lie inside the picture. */
#pragma once

#include "ops/op.h"

#define CR_MAX_SPATIAL 3
#define CR_MAX_EXTENT  (1 << 30) /* of one kernel, stride, dilation or pad */

/* Axes are in the tensor's order: (D, H,) W. auto_pad is already turned into pads. */
typedef struct {
    int n_spatial; /* 1 … CR_MAX_SPATIAL */
    int in[CR_MAX_SPATIAL], out[CR_MAX_SPATIAL];
    int kernel[CR_MAX_SPATIAL], stride[CR_MAX_SPATIAL], dilation[CR_MAX_SPATIAL];
    int pad_begin[CR_MAX_SPATIAL], pad_end[CR_MAX_SPATIAL];
} CrWindow;

/* Reads strides, dilations, pads, auto_pad and ceil_mode of the node; computes the output size.
 * Expects n_spatial, in[] and kernel[] to be set. Errors: FORMAT for an illegal attribute, SHAPE
 * where the window is larger than the padded picture. */
bool cr_window_parse(const CrOpSetup *setup, CrWindow *window, GError **error);

/* Reads the attribute kernel_shape into kernel[]; false with FORMAT when it is illegal. Leaves
 * kernel[] alone and sets *present to false when there is none. */
bool cr_window_kernel_shape(const CrOpSetup *setup, CrWindow *window, bool *present,
                            GError **error);

/* The same window with n_spatial == 3: axes of length 1 come first. */
void cr_window_to_3d(CrWindow *window);

/* Taps [*begin, *end) of the window of output position `o` lie inside the picture. */
static inline void
cr_window_taps(const CrWindow *window, int axis, int o, int *begin, int *end)
{
    int64_t start = (int64_t)o * window->stride[axis] - window->pad_begin[axis];
    int64_t d = window->dilation[axis];
    int64_t first = start < 0 ? (-start + d - 1) / d : 0;
    int64_t last = start < window->in[axis] ? (window->in[axis] - start + d - 1) / d : 0;
    if (last > window->kernel[axis])
        last = window->kernel[axis];
    *begin = (int)(first < last ? first : last);
    *end = (int)last;
}

/* From output positions [*begin, *end) to the input positions that their windows cover, the padding
 * included. */
static inline void
cr_window_span(const CrWindow *window, int axis, int *begin, int *end)
{
    *begin = *begin * window->stride[axis] - window->pad_begin[axis];
    *end = (*end - 1) * window->stride[axis] - window->pad_begin[axis] +
           (window->kernel[axis] - 1) * window->dilation[axis] + 1;
}

/* Input position of tap k of output position o; outside [0, in) it lies in the padding. */
static inline int64_t
cr_window_at(const CrWindow *window, int axis, int o, int k)
{
    return (int64_t)o * window->stride[axis] - window->pad_begin[axis] +
           (int64_t)k * window->dilation[axis];
}
