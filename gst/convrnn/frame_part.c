/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "frame_part.h"
#include <gst/gst.h>

static gboolean
parse_four(const char *text, gint64 values[4])
{
    g_auto(GStrv) numbers = g_strsplit(text, ",", -1);

    if (g_strv_length(numbers) != 4)
        return FALSE;
    for (int i = 0; i < 4; i++)
        if (!g_ascii_string_to_signed(g_strstrip(numbers[i]), 10, 0, G_MAXINT, &values[i], NULL))
            return FALSE;
    return TRUE;
}

gboolean
cr_frame_part_parse(CrFramePart *part, const char *text, int width, int height, GError **error)
{
    gint64 v[4];

    *part = (CrFramePart){0, 0, width, height};
    if (text == NULL || *text == '\0')
        return TRUE;
    if (!parse_four(text, v)) {
        g_set_error(error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
                    "region: found \"%s\", expected X,Y,WIDTH,HEIGHT in pixels of the frame", text);
        return FALSE;
    }
    if (v[2] == 0 || v[3] == 0 || v[0] + v[2] > width || v[1] + v[3] > height) {
        g_set_error(error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
                    "region: found \"%s\", expected a part of frames of %dx%d that is not empty",
                    text, width, height);
        return FALSE;
    }
    *part = (CrFramePart){(int)v[0], (int)v[1], (int)v[2], (int)v[3]};
    return TRUE;
}
