/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib-object.h>
#include <convrnn/error.h>

G_BEGIN_DECLS

/**
 * CONVRNN_MAX_RANK:
 *
 * The largest number of dimensions a tensor may have.
 */
#define CONVRNN_MAX_RANK 8

/**
 * ConvRnnDType:
 *
 * Element types, numbered as in ONNX's TensorProto.DataType. Strings and complex numbers do not
 * exist here. `BOOL` is one byte, 0 or 1.
 */
typedef enum {
    CONVRNN_DTYPE_UNDEFINED = 0,
    CONVRNN_DTYPE_FLOAT32 = 1,
    CONVRNN_DTYPE_UINT8 = 2,
    CONVRNN_DTYPE_INT8 = 3,
    CONVRNN_DTYPE_UINT16 = 4,
    CONVRNN_DTYPE_INT16 = 5,
    CONVRNN_DTYPE_INT32 = 6,
    CONVRNN_DTYPE_INT64 = 7,
    CONVRNN_DTYPE_BOOL = 9,
    CONVRNN_DTYPE_FLOAT16 = 10,
    CONVRNN_DTYPE_FLOAT64 = 11,
    CONVRNN_DTYPE_UINT32 = 12,
    CONVRNN_DTYPE_UINT64 = 13,
} ConvRnnDType;

/**
 * convrnn_dtype_get_size:
 *
 * Returns: bytes per element, 0 for a value that is no element type.
 *
 * Thread-safety: always safe.
 */
CONVRNN_API gsize convrnn_dtype_get_size(ConvRnnDType dtype);

/**
 * convrnn_dtype_get_name:
 *
 * Returns: (transfer none): "float32", "int64", …; "undefined" for a value that is no element type.
 *
 * Thread-safety: always safe.
 */
CONVRNN_API const gchar *convrnn_dtype_get_name(ConvRnnDType dtype);

/**
 * ConvRnnTensor:
 *
 * An immutable, reference-counted dense array in row-major order (the last dimension is
 * contiguous). Rank 0 is a scalar with one element; a dimension may be 0.
 */
typedef struct _ConvRnnTensor ConvRnnTensor;

#define CONVRNN_TYPE_TENSOR (convrnn_tensor_get_type())
CONVRNN_API GType convrnn_tensor_get_type(void);

/**
 * convrnn_tensor_new:
 * @dtype: element type
 * @dims: (array length=n_dims) (nullable): the dimensions, each ≥ 0; %NULL when @n_dims is 0
 * @n_dims: rank, at most %CONVRNN_MAX_RANK
 * @data: (nullable): the elements in row-major order and native byte order; %NULL for zeros
 *
 * The tensor takes a reference to @data and copies nothing, unless @data is not aligned for
 * @dtype.
 *
 * Returns: (transfer full) (nullable): a tensor, or %NULL with @error set:
 *   %CONVRNN_ERROR_SHAPE when a dimension is negative or @data has the wrong size,
 *   %CONVRNN_ERROR_LIMIT when the size does not fit, %CONVRNN_ERROR_NOMEM. @data stays the
 *   caller's in every case.
 *
 * Thread-safety: always safe.
 */
CONVRNN_API ConvRnnTensor *convrnn_tensor_new(ConvRnnDType dtype, const gint64 *dims, guint n_dims,
                                              GBytes *data, GError **error);

/**
 * convrnn_tensor_new_from_npy:
 * @path: (type filename): a file of NumPy's, as `numpy.save()` writes it: little-endian float32,
 *   float64, int32, int64, uint8 or bool, in C or Fortran order
 *
 * Reads a tensor from a file, such as weights, or what a state starts from: for
 * convrnn_session_config_set_initial() and for the `initial` of a cell.
 *
 * Returns: (transfer full) (nullable): a tensor, or %NULL with @error set, the message naming the
 *   file: %CONVRNN_ERROR_IO, %CONVRNN_ERROR_FORMAT, %CONVRNN_ERROR_UNSUPPORTED for another element
 *   type or byte order, %CONVRNN_ERROR_LIMIT or %CONVRNN_ERROR_NOMEM.
 *
 * Thread-safety: always safe.
 */
CONVRNN_API ConvRnnTensor *convrnn_tensor_new_from_npy(const gchar *path, GError **error);

/**
 * convrnn_tensor_ref:
 *
 * Returns: (transfer full): @tensor, with one reference more. Thread-safety: always safe.
 */
CONVRNN_API ConvRnnTensor *convrnn_tensor_ref(ConvRnnTensor *tensor);

/**
 * convrnn_tensor_unref:
 * @tensor: (nullable) (transfer full): a tensor; %NULL does nothing
 *
 * Thread-safety: always safe.
 */
CONVRNN_API void convrnn_tensor_unref(ConvRnnTensor *tensor);

/**
 * convrnn_tensor_get_dtype:
 *
 * Returns: the element type.
 */
CONVRNN_API ConvRnnDType convrnn_tensor_get_dtype(const ConvRnnTensor *tensor);

/**
 * convrnn_tensor_get_dims:
 * @n_dims: (out): the rank
 *
 * Returns: (transfer none) (array length=n_dims): the dimensions, valid as long as @tensor.
 */
CONVRNN_API const gint64 *convrnn_tensor_get_dims(const ConvRnnTensor *tensor, guint *n_dims);

/**
 * convrnn_tensor_get_n_elements:
 *
 * Returns: the product of the dimensions (1 for rank 0).
 */
CONVRNN_API gsize convrnn_tensor_get_n_elements(const ConvRnnTensor *tensor);

/**
 * convrnn_tensor_get_data: (skip)
 *
 * Returns: (transfer none): the elements, aligned for their type, valid as long as @tensor; not
 *   %NULL even when there are none.
 */
CONVRNN_API gconstpointer convrnn_tensor_get_data(const ConvRnnTensor *tensor);

/**
 * convrnn_tensor_get_bytes:
 *
 * Returns: (transfer none): the elements as bytes, valid as long as @tensor.
 */
CONVRNN_API GBytes *convrnn_tensor_get_bytes(const ConvRnnTensor *tensor);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ConvRnnTensor, convrnn_tensor_unref)

G_END_DECLS
