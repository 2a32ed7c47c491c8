/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The library's errors as error messages on the bus, with what to do about them. */
#pragma once

#include <convrnn/error.h>
#include <gst/gst.h>

/* Posts, as GST_MESSAGE_ERROR or _WARNING, "<what>: <error's message>. <what to do>". Errors in a
 * domain of GStreamer's keep their domain and code; those of the library get the nearest of
 * GStreamer's. `path` is the model's file.
 */
void cr_model_error_post(GstElement *element, GstMessageType type, const char *path,
                         const char *what, const GError *error);
