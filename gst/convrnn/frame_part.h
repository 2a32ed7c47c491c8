/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The property region: the part of a frame that the network sees. */
#pragma once

#include "frame_to_tensor.h"

/* "x,y,width,height" in pixels of frames of width × height; NULL or empty: all of it. FALSE with a
 * GST_LIBRARY_ERROR_SETTINGS when it is no such text, or does not lie within the frame. */
gboolean cr_frame_part_parse(CrFramePart *part, const char *text, int width, int height,
                             GError **error);
