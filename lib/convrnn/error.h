/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#if defined(__GNUC__)
#define CONVRNN_API __attribute__((visibility("default")))
#else
#define CONVRNN_API
#endif

G_BEGIN_DECLS

/**
 * ConvRnnError:
 * @CONVRNN_ERROR_IO: a file cannot be opened, read or written
 * @CONVRNN_ERROR_FORMAT: the bytes are not what they claim to be (truncated, not ONNX, bad field)
 * @CONVRNN_ERROR_UNSUPPORTED: well-formed, but needs an operator, type or opset not implemented
 * @CONVRNN_ERROR_SHAPE: shapes or element types do not fit together
 * @CONVRNN_ERROR_STATE: a recurrent state is ambiguous, missing, or does not match
 * @CONVRNN_ERROR_LIMIT: a documented limit (size, count, depth, memory budget) would be exceeded
 * @CONVRNN_ERROR_NOMEM: the system has no memory left
 * @CONVRNN_ERROR_CPU: the requested instruction set is not available on this processor
 *
 * Everything that can go wrong, as a closed list. The message of each #GError says what, where
 * (file, node, tensor or byte offset), what was expected and what was found.
 */
typedef enum {
    CONVRNN_ERROR_IO,
    CONVRNN_ERROR_FORMAT,
    CONVRNN_ERROR_UNSUPPORTED,
    CONVRNN_ERROR_SHAPE,
    CONVRNN_ERROR_STATE,
    CONVRNN_ERROR_LIMIT,
    CONVRNN_ERROR_NOMEM,
    CONVRNN_ERROR_CPU,
} ConvRnnError;

/**
 * CONVRNN_ERROR:
 *
 * The domain of every #GError of this library.
 */
#define CONVRNN_ERROR (convrnn_error_quark())
CONVRNN_API GQuark convrnn_error_quark(void);

G_END_DECLS
