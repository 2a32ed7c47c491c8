/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The part of npy.h that is in the library. */
#include "npy/npy.h"

ConvRnnTensor *
convrnn_tensor_new_from_npy(const gchar *path, GError **error)
{
    return cr_npy_read(path, error);
}
