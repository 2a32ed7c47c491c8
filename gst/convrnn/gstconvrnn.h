/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The element that runs a network on every frame and carries its state. */
#pragma once

#include <gst/base/gstbasetransform.h>

G_BEGIN_DECLS

#define GST_TYPE_CONVRNN (gst_convrnn_get_type())
G_DECLARE_FINAL_TYPE(GstConvRnn, gst_convrnn, GST, CONVRNN, GstBaseTransform)

GST_ELEMENT_REGISTER_DECLARE(convrnn);

G_END_DECLS
