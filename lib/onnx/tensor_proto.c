/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* TensorProto. The elements are either raw bytes, used where they lie, or numbers in one of five
 * typed lists, which are unpacked into memory of their own. float16 and bfloat16 become float32. */
#include "core/half.h"
#include "core/memory.h"
#include "core/size.h"
#include "onnx/proto.h"
#include <string.h>

enum {
    DIMS = 1,
    DATA_TYPE = 2,
    SEGMENT = 3,
    FLOAT_DATA = 4,
    INT32_DATA = 5,
    STRING_DATA = 6,
    INT64_DATA = 7,
    NAME = 8,
    RAW_DATA = 9,
    DOUBLE_DATA = 10,
    UINT64_DATA = 11,
    EXTERNAL_DATA = 13,
    DATA_LOCATION = 14,
};

/* Where elements of a type are when they are not raw. dtype is what they are stored as. */
static const struct {
    uint32_t type; /* TensorProto.DataType */
    ConvRnnDType dtype;
    uint32_t field;
    const char *name;
    CrWireType wire;
    int64_t min, max; /* of int32_data that stands for a narrower type */
} lists[] = {
    {CONVRNN_DTYPE_FLOAT32, CONVRNN_DTYPE_FLOAT32, FLOAT_DATA, "float_data", CR_WIRE_FIXED32, 0, 0},
    {CONVRNN_DTYPE_FLOAT64, CONVRNN_DTYPE_FLOAT64, DOUBLE_DATA, "double_data", CR_WIRE_FIXED64, 0,
     0},
    {CONVRNN_DTYPE_INT64, CONVRNN_DTYPE_INT64, INT64_DATA, "int64_data", CR_WIRE_VARINT, 0, 0},
    {CONVRNN_DTYPE_UINT64, CONVRNN_DTYPE_UINT64, UINT64_DATA, "uint64_data", CR_WIRE_VARINT, 0, 0},
    {CONVRNN_DTYPE_UINT32, CONVRNN_DTYPE_UINT32, UINT64_DATA, "uint64_data", CR_WIRE_VARINT, 0,
     UINT32_MAX},
    {CONVRNN_DTYPE_INT32, CONVRNN_DTYPE_INT32, INT32_DATA, "int32_data", CR_WIRE_VARINT, INT32_MIN,
     INT32_MAX},
    {CONVRNN_DTYPE_INT16, CONVRNN_DTYPE_INT16, INT32_DATA, "int32_data", CR_WIRE_VARINT, INT16_MIN,
     INT16_MAX},
    {CONVRNN_DTYPE_INT8, CONVRNN_DTYPE_INT8, INT32_DATA, "int32_data", CR_WIRE_VARINT, INT8_MIN,
     INT8_MAX},
    {CONVRNN_DTYPE_UINT16, CONVRNN_DTYPE_UINT16, INT32_DATA, "int32_data", CR_WIRE_VARINT, 0,
     UINT16_MAX},
    {CR_ONNX_FLOAT16, CONVRNN_DTYPE_UINT16, INT32_DATA, "int32_data", CR_WIRE_VARINT, 0,
     UINT16_MAX},
    {CR_ONNX_BFLOAT16, CONVRNN_DTYPE_UINT16, INT32_DATA, "int32_data", CR_WIRE_VARINT, 0,
     UINT16_MAX},
    {CONVRNN_DTYPE_UINT8, CONVRNN_DTYPE_UINT8, INT32_DATA, "int32_data", CR_WIRE_VARINT, 0,
     UINT8_MAX},
    {CONVRNN_DTYPE_BOOL, CONVRNN_DTYPE_BOOL, INT32_DATA, "int32_data", CR_WIRE_VARINT, 0, 1},
};

static const char *
type_name(int list)
{
    if (lists[list].type == CR_ONNX_FLOAT16)
        return "float16";
    return lists[list].type == CR_ONNX_BFLOAT16 ? "bfloat16"
                                                : convrnn_dtype_get_name(lists[list].dtype);
}

typedef struct {
    char *name;
    const char *label; /* what messages call it */
    size_t offset;
    uint64_t data_type;
    size_t n_dims; /* of which at most CONVRNN_MAX_RANK are in dims */
    int64_t dims[CONVRNN_MAX_RANK];
    size_t n_elements;
    bool has_raw, external;
    CrWire raw;
    size_t counts[UINT64_DATA + 1]; /* elements in each typed list */
} Tensor;

static bool tensor_error(const Tensor *t, ConvRnnError code, GError **error, const char *format,
                         ...) G_GNUC_PRINTF(4, 5);

static bool
tensor_error(const Tensor *t, ConvRnnError code, GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, CONVRNN_ERROR, code, "tensor '%s' (byte %" G_GSIZE_FORMAT "): %s",
                t->name ? t->name : t->label, t->offset, text);
    g_free(text);
    return false;
}

static bool
add_dims(Tensor *t, CrWireField *field, GError **error)
{
    size_t count;
    uint64_t dim;

    if (!cr_wire_count(field, CR_WIRE_VARINT, "TensorProto.dims", &count, error))
        return false;
    while (cr_wire_pull(&field->body, CR_WIRE_VARINT, &dim)) {
        if (t->n_dims < CONVRNN_MAX_RANK)
            t->dims[t->n_dims] = (int64_t)dim;
        t->n_dims++;
    }
    return true;
}

static bool
scan_field(Tensor *t, CrWireField *field, GError **error)
{
    size_t count;
    CrWireType wire = CR_WIRE_VARINT;

    switch (field->number) {
    case DIMS:
        return add_dims(t, field, error);
    case DATA_TYPE:
        t->data_type = field->value;
        return cr_wire_want(field, CR_WIRE_VARINT, "TensorProto.data_type", error);
    case NAME:
        g_free(t->name);
        t->name = cr_wire_text(field, CR_MAX_NAME, "a tensor's name", error);
        return t->name != NULL;
    case RAW_DATA:
        t->has_raw = true;
        t->raw = field->body;
        return cr_wire_want(field, CR_WIRE_LENGTH, "TensorProto.raw_data", error);
    case SEGMENT:
        return tensor_error(t, CONVRNN_ERROR_UNSUPPORTED, error, "segmented data");
    case EXTERNAL_DATA:
        t->external = true;
        return true;
    case DATA_LOCATION:
        t->external = t->external || field->value != 0;
        return cr_wire_want(field, CR_WIRE_VARINT, "TensorProto.data_location", error);
    case STRING_DATA:
        t->counts[STRING_DATA]++;
        return true;
    case FLOAT_DATA:
    case DOUBLE_DATA:
        wire = field->number == FLOAT_DATA ? CR_WIRE_FIXED32 : CR_WIRE_FIXED64;
        /* fall through */
    case INT32_DATA:
    case INT64_DATA:
    case UINT64_DATA:
        if (!cr_wire_count(field, wire, "a list of tensor elements", &count, error))
            return false;
        t->counts[field->number] += count;
        return true;
    default:
        return true;
    }
}

static bool
scan(Tensor *t, CrWire wire, GError **error)
{
    CrWireField field;
    int more;

    while ((more = cr_wire_next(&wire, &field, error)) > 0) {
        if (!scan_field(t, &field, error))
            return false;
    }
    return more == 0;
}

/* Index into lists[], or -1. */
static int
check_type(const Tensor *t, GError **error)
{
    if (t->external) {
        tensor_error(t, CONVRNN_ERROR_UNSUPPORTED, error,
                     "its data is in another file. A model must be one file: save it with "
                     "onnx.save(model, path, save_as_external_data=False)");
        return -1;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
        if (lists[i].type == t->data_type)
            return (int)i;
    }
    if (t->data_type == 0 || t->data_type > 64)
        tensor_error(t, CONVRNN_ERROR_FORMAT, error, "element type %" G_GUINT64_FORMAT,
                     (guint64)t->data_type);
    else
        tensor_error(t, CONVRNN_ERROR_UNSUPPORTED, error,
                     "element type %" G_GUINT64_FORMAT
                     " (strings, complex numbers and types of 8 bits or fewer other than int8 and "
                     "uint8 are not implemented)",
                     (guint64)t->data_type);
    return -1;
}

static bool
check_lists(const Tensor *t, int list, GError **error)
{
    size_t n = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(t->counts); i++) {
        n += t->counts[i];
        if (t->counts[i] && (t->has_raw || i != lists[list].field))
            return tensor_error(t, CONVRNN_ERROR_FORMAT, error,
                                "elements in field %d, but those of %s belong in raw_data or %s, "
                                "and only in one of them",
                                (int)i, type_name(list), lists[list].name);
    }
    if (!t->has_raw && n != t->n_elements)
        return tensor_error(t, CONVRNN_ERROR_FORMAT, error,
                            "%s has %" G_GSIZE_FORMAT
                            " elements, but the dimensions say %" G_GSIZE_FORMAT,
                            lists[list].name, n, t->n_elements);
    return true;
}

/* Only now, when the tensor's name is known, wherever in the message it stood. */
static bool
check_dims(const Tensor *t, GError **error)
{
    if (t->n_dims > CONVRNN_MAX_RANK)
        return tensor_error(t, CONVRNN_ERROR_LIMIT, error, "%zu dimensions; the limit is %d",
                            t->n_dims, CONVRNN_MAX_RANK);
    for (size_t i = 0; i < t->n_dims; i++) {
        if (t->dims[i] < 0)
            return tensor_error(t, CONVRNN_ERROR_FORMAT, error,
                                "dimension %zu is negative (%" G_GINT64_FORMAT ")", i,
                                (gint64)t->dims[i]);
        if (t->dims[i] > CR_MAX_DIM)
            return tensor_error(t, CONVRNN_ERROR_LIMIT, error,
                                "dimension %zu is %" G_GINT64_FORMAT "; the limit is %d", i,
                                (gint64)t->dims[i], CR_MAX_DIM);
    }
    return true;
}

static bool
check_size(Tensor *t, int list, size_t *bytes, GError **error)
{
    size_t unit = convrnn_dtype_get_size(lists[list].dtype);

    if (!check_dims(t, error))
        return false;
    if (!cr_size_of_dims(t->dims, (int)t->n_dims, 1, &t->n_elements) ||
        t->n_elements > CR_MAX_ELEMENTS || !cr_size_mul(t->n_elements, unit, bytes))
        return tensor_error(t, CONVRNN_ERROR_LIMIT, error,
                            "the dimensions' product is above the limit of %" G_GINT64_FORMAT
                            " elements",
                            (gint64)CR_MAX_ELEMENTS);
    if (!check_lists(t, list, error))
        return false;
    if (t->has_raw && cr_wire_left(&t->raw) != *bytes)
        return tensor_error(t, CONVRNN_ERROR_FORMAT, error,
                            "raw_data has %" G_GSIZE_FORMAT " bytes, but %" G_GSIZE_FORMAT
                            " elements of %s need %" G_GSIZE_FORMAT,
                            cr_wire_left(&t->raw), t->n_elements, type_name(list), *bytes);
    return true;
}

/* The narrowest store that keeps the element's low bytes, whatever the byte order. */
static void
store(uint8_t *out, size_t unit, uint64_t value)
{
    uint8_t v8 = (uint8_t)value;
    uint16_t v16 = (uint16_t)value;
    uint32_t v32 = (uint32_t)value;

    memcpy(out,
           unit == 1   ? (void *)&v8
           : unit == 2 ? (void *)&v16
           : unit == 4 ? (void *)&v32
                       : (void *)&value,
           unit);
}

static bool
unpack_field(const Tensor *t, CrWireField *field, int list, uint8_t **out, GError **error)
{
    size_t unit = convrnn_dtype_get_size(lists[list].dtype);
    bool checked = lists[list].max != 0;
    uint64_t value;

    while (cr_wire_pull(&field->body, lists[list].wire, &value)) {
        int64_t v = lists[list].field == INT32_DATA ? (int32_t)(uint32_t)value : (int64_t)value;
        if (checked && (v < lists[list].min || v > lists[list].max))
            return tensor_error(t, CONVRNN_ERROR_FORMAT, error,
                                "%s holds %" G_GINT64_FORMAT ", which %s cannot", lists[list].name,
                                (gint64)v, type_name(list));
        store(*out, unit, value);
        *out += unit;
    }
    return true;
}

/* The span is walked a second time: now it is known how much memory the lists need. */
static GBytes *
unpack(CrOnnxFile *file, const Tensor *t, CrWire wire, int list, size_t bytes, GError **error)
{
    CrWireField field;

    if (!cr_onnx_take(file, bytes, t->offset, error))
        return NULL;
    uint8_t *memory = cr_mem_alloc(bytes, 1, t->name ? t->name : t->label, error);
    uint8_t *out = memory;
    if (!memory)
        return NULL;
    while (cr_wire_next(&wire, &field, NULL) > 0) {
        if (field.number == lists[list].field && !unpack_field(t, &field, list, &out, error)) {
            cr_mem_free(memory);
            return NULL;
        }
    }
    return g_bytes_new_with_free_func(memory, bytes, cr_mem_free, memory);
}

#if G_BYTE_ORDER == G_BIG_ENDIAN
static GBytes *
raw_bytes(CrOnnxFile *file, const Tensor *t, size_t unit, GError **error)
{
    size_t bytes = cr_wire_left(&t->raw);
    const uint8_t *in = t->raw.data + t->raw.pos;

    if (!cr_onnx_take(file, bytes, t->offset, error))
        return NULL;
    uint8_t *memory = cr_mem_alloc(bytes, 1, t->name ? t->name : t->label, error);
    if (!memory)
        return NULL;
    for (size_t i = 0; i < bytes; i++)
        memory[i] = in[i / unit * unit + unit - 1 - i % unit];
    return g_bytes_new_with_free_func(memory, bytes, cr_mem_free, memory);
}
#else
static GBytes *
raw_bytes(CrOnnxFile *file, const Tensor *t, size_t unit, GError **error)
{
    size_t bytes = cr_wire_left(&t->raw);
    bool copied = (uintptr_t)(t->raw.data + t->raw.pos) % unit != 0; /* by convrnn_tensor_new() */

    if (!cr_onnx_take(file, copied ? bytes : 0, t->offset, error))
        return NULL;
    return g_bytes_new_from_bytes(file->file, t->raw.pos, bytes);
}
#endif

static bool
check_bools(const Tensor *t, GError **error)
{
    for (size_t i = t->raw.pos; i < t->raw.end; i++) {
        if (t->raw.data[i] > 1)
            return tensor_error(t, CONVRNN_ERROR_FORMAT, error,
                                "byte %" G_GSIZE_FORMAT " is %d, which is no bool", i,
                                t->raw.data[i]);
    }
    return true;
}

/* Every number of the 16-bit types is a float32. */
static GBytes *
widen(CrOnnxFile *file, const Tensor *t, GBytes *half, GError **error)
{
    const uint8_t *in = g_bytes_get_data(half, NULL);
    size_t bytes = t->n_elements * sizeof(float); /* the limit on elements lets it fit */

    if (!cr_onnx_take(file, bytes, t->offset, error))
        return NULL;
    float *out = cr_mem_alloc(t->n_elements, sizeof(float), t->name ? t->name : t->label, error);
    if (!out)
        return NULL;
    for (size_t i = 0; i < t->n_elements; i++) {
        uint16_t bits;
        memcpy(&bits, in + 2 * i, sizeof bits);
        out[i] = t->data_type == CR_ONNX_FLOAT16 ? (float)cr_half_to_double(bits)
                                                 : cr_bfloat16_to_float(bits);
    }
    return g_bytes_new_with_free_func(out, bytes, cr_mem_free, out);
}

ConvRnnTensor *
cr_onnx_tensor(CrOnnxFile *file, CrWire wire, const char *owner, char **name, GError **error)
{
    Tensor t = {.label = owner, .offset = wire.pos};
    ConvRnnTensor *tensor = NULL;
    GBytes *bytes = NULL;
    size_t size = 0;
    int list;

    if (scan(&t, wire, error) && (list = check_type(&t, error)) >= 0 &&
        check_size(&t, list, &size, error) &&
        (lists[list].dtype != CONVRNN_DTYPE_BOOL || check_bools(&t, error)) &&
        cr_onnx_take(file, 256, t.offset, error)) {
        size_t unit = convrnn_dtype_get_size(lists[list].dtype);
        ConvRnnDType dtype = cr_onnx_dtype(t.data_type);
        bytes = t.has_raw ? raw_bytes(file, &t, unit, error)
                          : unpack(file, &t, wire, list, size, error);
        if (bytes && dtype != lists[list].dtype) {
            GBytes *half = bytes;
            bytes = widen(file, &t, half, error);
            g_bytes_unref(half);
        }
        if (bytes)
            tensor = convrnn_tensor_new(dtype, t.dims, (guint)t.n_dims, bytes, error);
        g_clear_pointer(&bytes, g_bytes_unref);
    }
    if (tensor && name)
        *name = g_steal_pointer(&t.name);
    g_free(t.name);
    return tensor;
}
