/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gstconvrnn.h"
#include "gstconvrnnvideo.h"
#include <gst/convrnn/gstconvrnnmeta.h>

static gboolean
plugin_init(GstPlugin *plugin)
{
    gst_convrnn_meta_get_meta_info();
    return GST_ELEMENT_REGISTER(convrnn, plugin) && GST_ELEMENT_REGISTER(convrnnvideo, plugin);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, convrnn,
                  "Recurrent neural networks on live video", plugin_init, VERSION, "LGPL", PACKAGE,
                  "Unknown package origin")
