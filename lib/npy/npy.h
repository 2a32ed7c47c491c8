/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* NumPy's .npy files, format versions 1 to 3.
 *
 * Read: little-endian float32, float64, int32, int64, and uint8 and bool, in C or in Fortran order
 * (which becomes C order). Written: every element type of the library, in C order. */
#pragma once

#include <convrnn/tensor.h>
#include <stdbool.h>

/* NULL with CONVRNN_ERROR_IO, _FORMAT, _UNSUPPORTED (an element type or byte order), _LIMIT or
 * _NOMEM; the message names the file. */
ConvRnnTensor *cr_npy_read(const char *path, GError **error);

/* The same from memory; name is what messages call it. */
ConvRnnTensor *cr_npy_parse(const char *data, size_t length, const char *name, GError **error);

bool cr_npy_write(const char *path, ConvRnnDType dtype, const gint64 *dims, guint n_dims,
                  const void *data, GError **error);

/* tensor with another element type: the same tensor when it has that type already, else a new one.
 * float64 → float32 rounds, int32 ↔ int64 must fit, nothing else is converted: CONVRNN_ERROR_SHAPE
 * with a message that begins with name. */
ConvRnnTensor *cr_npy_convert(ConvRnnTensor *tensor, ConvRnnDType dtype, const char *name,
                              GError **error);
