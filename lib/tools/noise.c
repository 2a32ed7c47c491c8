/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/noise.h"
#include <string.h>

void
cr_noise_fill(ConvRnnSession *session, guint32 number)
{
    guint32 seed = number;
    for (guint i = 0; i < convrnn_session_get_n_inputs(session); i++) {
        const ConvRnnTensorInfo *info = convrnn_session_get_input(session, i);
        gsize n = 1;
        for (guint d = 0; d < info->n_dims; d++)
            n *= (gsize)info->dims[d];
        float *data = convrnn_session_get_input_data(session, i);
        if (info->dtype != CONVRNN_DTYPE_FLOAT32) {
            memset(data, 0, n * convrnn_dtype_get_size(info->dtype));
            continue;
        }
        for (gsize k = 0; k < n; k++) {
            seed = seed * 1664525u + 1013904223u;
            data[k] = (float)(seed >> 8) / 16777216.0f;
        }
    }
}
