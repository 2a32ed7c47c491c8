/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The element that makes an output tensor visible. */
#pragma once

#include <gst/base/gstbasetransform.h>

G_BEGIN_DECLS

#define GST_TYPE_CONVRNN_VIDEO (gst_convrnn_video_get_type())
G_DECLARE_FINAL_TYPE(GstConvRnnVideo, gst_convrnn_video, GST, CONVRNN_VIDEO, GstBaseTransform)

GST_ELEMENT_REGISTER_DECLARE(convrnnvideo);

G_END_DECLS
