/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/memory.h"
#include "core/size.h"
#include "model/graph.h"
#include <string.h>

typedef struct {
    const char *name;
    size_t size;
} DType;

static const DType *
find_dtype(ConvRnnDType dtype)
{
    static const DType dtypes[] = {
        [CONVRNN_DTYPE_FLOAT32] = {"float32", 4}, [CONVRNN_DTYPE_UINT8] = {"uint8", 1},
        [CONVRNN_DTYPE_INT8] = {"int8", 1},       [CONVRNN_DTYPE_UINT16] = {"uint16", 2},
        [CONVRNN_DTYPE_INT16] = {"int16", 2},     [CONVRNN_DTYPE_INT32] = {"int32", 4},
        [CONVRNN_DTYPE_INT64] = {"int64", 8},     [CONVRNN_DTYPE_BOOL] = {"bool", 1},
        [CONVRNN_DTYPE_FLOAT16] = {"float16", 2}, [CONVRNN_DTYPE_FLOAT64] = {"float64", 8},
        [CONVRNN_DTYPE_UINT32] = {"uint32", 4},   [CONVRNN_DTYPE_UINT64] = {"uint64", 8},
    };
    if ((unsigned)dtype >= G_N_ELEMENTS(dtypes) || !dtypes[dtype].name)
        return NULL;
    return &dtypes[dtype];
}

gsize
convrnn_dtype_get_size(ConvRnnDType dtype)
{
    const DType *found = find_dtype(dtype);
    return found ? found->size : 0;
}

const gchar *
convrnn_dtype_get_name(ConvRnnDType dtype)
{
    const DType *found = find_dtype(dtype);
    return found ? found->name : "undefined";
}

G_DEFINE_BOXED_TYPE(ConvRnnTensor, convrnn_tensor, convrnn_tensor_ref, convrnn_tensor_unref)

/* The number of bytes, when every limit is kept. */
static bool
check_size(const DType *type, const gint64 *dims, guint n_dims, size_t *bytes, GError **error)
{
    size_t elements = 1;

    if (n_dims > CONVRNN_MAX_RANK) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_LIMIT,
                    "a tensor of rank %u: at most %d dimensions are supported", n_dims,
                    CONVRNN_MAX_RANK);
        return false;
    }
    for (guint i = 0; i < n_dims; i++) {
        if (dims[i] < 0) {
            g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_SHAPE,
                        "dimension %u of a tensor is %" G_GINT64_FORMAT ": it must be 0 or more", i,
                        dims[i]);
            return false;
        }
        /* Dimensions of 0 count as 1: strides are products of the others. */
        elements *= (size_t)MIN(MAX(dims[i], 1), CR_MAX_DIM);
        if (dims[i] > CR_MAX_DIM || elements > CR_MAX_ELEMENTS) {
            g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_LIMIT,
                        "a tensor is too large at dimension %u (%" G_GINT64_FORMAT
                        "): at most %d in one dimension and %lld elements are supported",
                        i, dims[i], CR_MAX_DIM, CR_MAX_ELEMENTS);
            return false;
        }
    }
    if (!cr_size_of_dims(dims, (int)n_dims, type->size, bytes)) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_LIMIT,
                    "a tensor is larger than this machine can address");
        return false;
    }
    return true;
}

/* `size` bytes in aligned memory: a copy of `source`, or zeros. */
static GBytes *
aligned_bytes(const void *source, size_t size, GError **error)
{
    void *memory = cr_mem_alloc(size, 1, "tensor", error);
    if (!memory)
        return NULL;
    if (source && size > 0)
        memcpy(memory, source, size);
    return g_bytes_new_with_free_func(memory, size, cr_mem_free, memory);
}

ConvRnnTensor *
convrnn_tensor_new(ConvRnnDType dtype, const gint64 *dims, guint n_dims, GBytes *data,
                   GError **error)
{
    const DType *type = find_dtype(dtype);
    const void *start = NULL;
    size_t wanted, found = 0;
    GBytes *bytes;

    if (!type) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_UNSUPPORTED,
                    "%d is no element type of a tensor", (int)dtype);
        return NULL;
    }
    if (!check_size(type, dims, n_dims, &wanted, error))
        return NULL;
    if (data) {
        start = g_bytes_get_data(data, &found);
        if (found != wanted) {
            g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_SHAPE,
                        "a tensor's data has %" G_GSIZE_FORMAT
                        " bytes, its type %s and shape need %" G_GSIZE_FORMAT,
                        found, type->name, wanted);
            return NULL;
        }
    }
    /* Empty data may be a NULL pointer, which get_data() promises not to return. */
    if (start && (guintptr)start % type->size == 0)
        bytes = g_bytes_ref(data);
    else
        bytes = aligned_bytes(start, wanted, error);
    if (!bytes)
        return NULL;

    ConvRnnTensor *tensor = g_new0(ConvRnnTensor, 1);
    g_atomic_ref_count_init(&tensor->ref_count);
    tensor->dtype = dtype;
    tensor->n_dims = (int)n_dims;
    for (guint i = 0; i < n_dims; i++)
        tensor->dims[i] = dims[i];
    tensor->n_elements = wanted / type->size;
    tensor->bytes = bytes;
    tensor->data = g_bytes_get_data(bytes, NULL);
    return tensor;
}

ConvRnnTensor *
convrnn_tensor_ref(ConvRnnTensor *tensor)
{
    g_atomic_ref_count_inc(&tensor->ref_count);
    return tensor;
}

void
convrnn_tensor_unref(ConvRnnTensor *tensor)
{
    if (!tensor || !g_atomic_ref_count_dec(&tensor->ref_count))
        return;
    g_bytes_unref(tensor->bytes);
    g_free(tensor);
}

ConvRnnDType
convrnn_tensor_get_dtype(const ConvRnnTensor *tensor)
{
    return tensor->dtype;
}

const gint64 *
convrnn_tensor_get_dims(const ConvRnnTensor *tensor, guint *n_dims)
{
    if (n_dims)
        *n_dims = (guint)tensor->n_dims;
    return (const gint64 *)tensor->dims;
}

gsize
convrnn_tensor_get_n_elements(const ConvRnnTensor *tensor)
{
    return tensor->n_elements;
}

gconstpointer
convrnn_tensor_get_data(const ConvRnnTensor *tensor)
{
    return tensor->data;
}

GBytes *
convrnn_tensor_get_bytes(const ConvRnnTensor *tensor)
{
    return tensor->bytes;
}
