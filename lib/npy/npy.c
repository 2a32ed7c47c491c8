/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npy/npy.h"

#include <stdint.h>
#include <string.h>

#define MAGIC     "\x93NUMPY"
#define MAGIC_LEN 6
/* Where the array begins in a file that we write, as NumPy does: a multiple of this. */
#define DATA_ALIGN 64

static const struct {
    ConvRnnDType dtype;
    const char *descr;
    bool readable;
} types[] = {
    {CONVRNN_DTYPE_FLOAT32, "<f4", true}, {CONVRNN_DTYPE_FLOAT64, "<f8", true},
    {CONVRNN_DTYPE_INT64, "<i8", true},   {CONVRNN_DTYPE_INT32, "<i4", true},
    {CONVRNN_DTYPE_UINT8, "|u1", true},   {CONVRNN_DTYPE_BOOL, "|b1", true},
    {CONVRNN_DTYPE_INT8, "|i1", false},   {CONVRNN_DTYPE_UINT16, "<u2", false},
    {CONVRNN_DTYPE_INT16, "<i2", false},  {CONVRNN_DTYPE_UINT32, "<u4", false},
    {CONVRNN_DTYPE_UINT64, "<u8", false}, {CONVRNN_DTYPE_FLOAT16, "<f2", false},
};

typedef struct {
    ConvRnnDType dtype;
    bool fortran;
    guint n_dims;
    gint64 dims[CONVRNN_MAX_RANK];
    bool has_descr, has_fortran, has_shape;
} Header;

/* The header is a Python dictionary; this walks through it. */
typedef struct {
    const char *at, *end;
    const char *name;
    GError **error;
} Cursor;

static bool
fail(const Cursor *c, ConvRnnError code, const char *what)
{
    g_set_error(c->error, CONVRNN_ERROR, code, "%s: %s", c->name, what);
    return false;
}

static void
skip_space(Cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\t'))
        c->at++;
}

static bool
accept(Cursor *c, char ch)
{
    skip_space(c);
    if (c->at == c->end || *c->at != ch)
        return false;
    c->at++;
    return true;
}

static bool
accept_word(Cursor *c, const char *word)
{
    size_t n = strlen(word);
    skip_space(c);
    if ((size_t)(c->end - c->at) < n || memcmp(c->at, word, n) != 0)
        return false;
    c->at += n;
    return true;
}

/* A quoted string without escapes, which is all that NumPy writes here. */
static bool
read_string(Cursor *c, char *out, size_t size)
{
    skip_space(c);
    if (c->at == c->end || (*c->at != '\'' && *c->at != '"'))
        return false;
    char quote = *c->at++;
    size_t n = 0;
    while (c->at < c->end && *c->at != quote && n + 1 < size)
        out[n++] = *c->at++;
    out[n] = 0;
    return accept(c, quote);
}

static bool
read_type(Cursor *c, Header *header)
{
    char descr[16];
    if (!read_string(c, descr, sizeof descr))
        return fail(c, CONVRNN_ERROR_UNSUPPORTED,
                    "the element type is not a plain one (records are not supported)");
    for (guint i = 0; i < G_N_ELEMENTS(types); i++)
        if (types[i].readable && strcmp(types[i].descr, descr) == 0)
            header->dtype = types[i].dtype;
    header->has_descr = true;
    if (header->dtype != CONVRNN_DTYPE_UNDEFINED)
        return true;
    char *safe = g_utf8_make_valid(descr, -1);
    g_set_error(c->error, CONVRNN_ERROR, CONVRNN_ERROR_UNSUPPORTED,
                "%s: element type '%s' is not supported; expected one of <f4 <f8 <i4 <i8 |u1 |b1",
                c->name, safe);
    g_free(safe);
    return false;
}

static bool
read_bool(Cursor *c, Header *header)
{
    header->has_fortran = true;
    header->fortran = accept_word(c, "True");
    return header->fortran || accept_word(c, "False") ||
           fail(c, CONVRNN_ERROR_FORMAT, "'fortran_order' is neither True nor False");
}

static bool
read_shape(Cursor *c, Header *header)
{
    static const char bad[] = "'shape' is not a tuple of whole numbers";
    header->has_shape = true;
    if (!accept(c, '('))
        return fail(c, CONVRNN_ERROR_FORMAT, bad);
    while (!accept(c, ')')) {
        gint64 dim = 0;
        const char *start = c->at;
        for (; c->at < c->end && g_ascii_isdigit(*c->at); c->at++) {
            if (dim > (G_MAXINT64 - 9) / 10)
                return fail(c, CONVRNN_ERROR_LIMIT, "a dimension is too large");
            dim = dim * 10 + (*c->at - '0');
        }
        if (c->at == start)
            return fail(c, CONVRNN_ERROR_FORMAT, bad);
        if (header->n_dims == CONVRNN_MAX_RANK)
            return fail(c, CONVRNN_ERROR_LIMIT,
                        "more than " G_STRINGIFY(CONVRNN_MAX_RANK) " dimensions");
        header->dims[header->n_dims++] = dim;
        if (!accept(c, ',') && !(c->at < c->end && *c->at == ')'))
            return fail(c, CONVRNN_ERROR_FORMAT, bad);
    }
    return true;
}

static bool
read_dictionary(Cursor *c, Header *header)
{
    static const char bad[] = "the header is not the dictionary that NumPy writes";
    char key[32];
    if (!accept(c, '{'))
        return fail(c, CONVRNN_ERROR_FORMAT, bad);
    while (!accept(c, '}')) {
        if (!read_string(c, key, sizeof key) || !accept(c, ':'))
            return fail(c, CONVRNN_ERROR_FORMAT, bad);
        bool good;
        if (strcmp(key, "descr") == 0 && !header->has_descr)
            good = read_type(c, header);
        else if (strcmp(key, "fortran_order") == 0 && !header->has_fortran)
            good = read_bool(c, header);
        else if (strcmp(key, "shape") == 0 && !header->has_shape)
            good = read_shape(c, header);
        else
            good = fail(c, CONVRNN_ERROR_FORMAT, bad);
        if (!good)
            return false;
        if (!accept(c, ',') && !(c->at < c->end && *c->at == '}'))
            return fail(c, CONVRNN_ERROR_FORMAT, bad);
    }
    skip_space(c);
    if (c->at != c->end || !header->has_descr || !header->has_fortran || !header->has_shape)
        return fail(c, CONVRNN_ERROR_FORMAT, bad);
    return true;
}

/* Sets the cursor to the header's text. */
static bool
find_header(Cursor *c)
{
    const unsigned char *p = (const unsigned char *)c->at;
    size_t length = (size_t)(c->end - c->at);
    if (length < MAGIC_LEN + 2 || memcmp(p, MAGIC, MAGIC_LEN) != 0)
        return fail(c, CONVRNN_ERROR_FORMAT,
                    "not a .npy file: it does not begin with \\x93NUMPY and a version");
    int version = p[MAGIC_LEN];
    if (version < 1 || version > 3)
        return fail(c, CONVRNN_ERROR_UNSUPPORTED, "unknown .npy version; expected 1, 2 or 3");
    size_t width = version == 1 ? 2 : 4, start = MAGIC_LEN + 2 + width, size = 0;
    for (size_t i = 0; start <= length && i < width; i++)
        size |= (size_t)p[MAGIC_LEN + 2 + i] << (8 * i);
    if (start > length || size > length - start)
        return fail(c, CONVRNN_ERROR_FORMAT, "truncated inside the header");
    c->at += start;
    c->end = c->at + size;
    return true;
}

/* The array's bytes; false when there are more or fewer in the file. */
static bool
check_size(const Cursor *c, const Header *header, size_t available, size_t *out)
{
    size_t bytes = convrnn_dtype_get_size(header->dtype);
    bool fits = true;
    for (guint i = 0; i < header->n_dims; i++)
        fits = fits && !__builtin_mul_overflow(bytes, (size_t)header->dims[i], &bytes);
    if (fits && bytes == available) {
        *out = bytes;
        return true;
    }
    GString *shape = g_string_new(NULL);
    for (guint i = 0; i < header->n_dims; i++)
        g_string_append_printf(shape, "%s%" G_GINT64_FORMAT, i ? "×" : "", header->dims[i]);
    g_set_error(c->error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT,
                "%s: the header says %s of shape [%s], but %" G_GSIZE_FORMAT " bytes follow it",
                c->name, convrnn_dtype_get_name(header->dtype), shape->str, available);
    g_string_free(shape, TRUE);
    return false;
}

/* from: first dimension fastest; to: last dimension fastest. */
static void
copy_fortran(const Header *header, const char *from, char *to, size_t bytes)
{
    size_t unit = convrnn_dtype_get_size(header->dtype), stride[CONVRNN_MAX_RANK] = {0};
    gint64 index[CONVRNN_MAX_RANK] = {0};
    size_t step = unit;
    for (guint d = 0; d < header->n_dims; d++) {
        stride[d] = step;
        step *= (size_t)header->dims[d];
    }
    for (size_t done = 0, offset = 0; done < bytes; done += unit) {
        memcpy(to + done, from + offset, unit);
        for (guint d = header->n_dims; d-- > 0;) {
            offset += stride[d];
            if (++index[d] < header->dims[d])
                break;
            offset -= stride[d] * (size_t)header->dims[d];
            index[d] = 0;
        }
    }
}

ConvRnnTensor *
cr_npy_parse(const char *data, size_t length, const char *name, GError **error)
{
    Cursor c = {.at = data, .end = data + length, .name = name, .error = error};
    Header header = {0};
    size_t bytes;
    if (!find_header(&c))
        return NULL;
    const char *array = c.end;
    if (!read_dictionary(&c, &header) ||
        !check_size(&c, &header, (size_t)(data + length - array), &bytes))
        return NULL;
    char *copy = g_try_malloc(bytes ? bytes : 1);
    if (!copy) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_NOMEM,
                    "%s: no memory for %" G_GSIZE_FORMAT " bytes", name, bytes);
        return NULL;
    }
    if (header.fortran)
        copy_fortran(&header, array, copy, bytes);
    else
        memcpy(copy, array, bytes);
    if (header.dtype == CONVRNN_DTYPE_BOOL)
        for (size_t i = 0; i < bytes; i++)
            copy[i] = copy[i] != 0;
    GBytes *owned = g_bytes_new_take(copy, bytes);
    ConvRnnTensor *tensor =
        convrnn_tensor_new(header.dtype, header.dims, header.n_dims, owned, error);
    g_bytes_unref(owned);
    if (!tensor)
        g_prefix_error(error, "%s: ", name);
    return tensor;
}

ConvRnnTensor *
cr_npy_read(const char *path, GError **error)
{
    char *data;
    gsize length;
    GError *cause = NULL;
    if (!g_file_get_contents(path, &data, &length, &cause)) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_IO, "%s", cause->message);
        g_error_free(cause);
        return NULL;
    }
    ConvRnnTensor *tensor = cr_npy_parse(data, length, path, error);
    g_free(data);
    return tensor;
}

/* Magic, version, length and the dictionary, padded to DATA_ALIGN with spaces and a newline. */
static GString *
make_header(const char *descr, const gint64 *dims, guint n_dims)
{
    GString *text = g_string_new_len(MAGIC "\x01\x00\x00\x00", MAGIC_LEN + 4);
    g_string_append_printf(text, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr);
    for (guint i = 0; i < n_dims; i++)
        g_string_append_printf(text, i ? ", %" G_GINT64_FORMAT : "%" G_GINT64_FORMAT, dims[i]);
    g_string_append(text, n_dims == 1 ? ",), }" : "), }");
    while ((text->len + 1) % DATA_ALIGN != 0)
        g_string_append_c(text, ' ');
    g_string_append_c(text, '\n');
    size_t size = text->len - MAGIC_LEN - 4;
    text->str[MAGIC_LEN + 2] = (char)(size & 0xff);
    text->str[MAGIC_LEN + 3] = (char)(size >> 8);
    return text;
}

bool
cr_npy_write(const char *path, ConvRnnDType dtype, const gint64 *dims, guint n_dims,
             const void *data, GError **error)
{
    const char *descr = NULL;
    size_t bytes = convrnn_dtype_get_size(dtype);
    for (guint i = 0; i < G_N_ELEMENTS(types); i++)
        if (types[i].dtype == dtype)
            descr = types[i].descr;
    if (!descr) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_UNSUPPORTED,
                    "%s: cannot write elements of type %s", path, convrnn_dtype_get_name(dtype));
        return false;
    }
    for (guint i = 0; i < n_dims; i++)
        bytes *= (size_t)dims[i];
    GString *file = make_header(descr, dims, n_dims);
    g_string_append_len(file, data, (gssize)bytes);
    GError *cause = NULL;
    bool good = g_file_set_contents(path, file->str, (gssize)file->len, &cause);
    g_string_free(file, TRUE);
    if (!good) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_IO, "%s", cause->message);
        g_error_free(cause);
    }
    return good;
}

/* False when an element does not fit the other type. */
static bool
convert_elements(const void *from, ConvRnnDType from_type, void *to, ConvRnnDType to_type, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (from_type == CONVRNN_DTYPE_FLOAT64) {
            ((float *)to)[i] = (float)((const double *)from)[i];
        } else if (to_type == CONVRNN_DTYPE_INT64) {
            ((gint64 *)to)[i] = ((const gint32 *)from)[i];
        } else {
            gint64 v = ((const gint64 *)from)[i];
            if (v < G_MININT32 || v > G_MAXINT32)
                return false;
            ((gint32 *)to)[i] = (gint32)v;
        }
    }
    return true;
}

static bool
can_convert(ConvRnnDType from, ConvRnnDType to)
{
    return (from == CONVRNN_DTYPE_FLOAT64 && to == CONVRNN_DTYPE_FLOAT32) ||
           (from == CONVRNN_DTYPE_INT32 && to == CONVRNN_DTYPE_INT64) ||
           (from == CONVRNN_DTYPE_INT64 && to == CONVRNN_DTYPE_INT32);
}

ConvRnnTensor *
cr_npy_convert(ConvRnnTensor *tensor, ConvRnnDType dtype, const char *name, GError **error)
{
    ConvRnnDType from = convrnn_tensor_get_dtype(tensor);
    if (from == dtype)
        return convrnn_tensor_ref(tensor);
    if (!can_convert(from, dtype)) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_SHAPE, "%s: expected %s, found %s", name,
                    convrnn_dtype_get_name(dtype), convrnn_dtype_get_name(from));
        return NULL;
    }
    size_t n = convrnn_tensor_get_n_elements(tensor), size = convrnn_dtype_get_size(dtype);
    void *data = g_try_malloc_n(MAX(n, 1), size);
    if (!data) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_NOMEM, "%s: no memory to convert it", name);
        return NULL;
    }
    GBytes *bytes = g_bytes_new_take(data, n * size);
    ConvRnnTensor *result = NULL;
    guint n_dims;
    const gint64 *dims = convrnn_tensor_get_dims(tensor, &n_dims);
    if (convert_elements(convrnn_tensor_get_data(tensor), from, data, dtype, n))
        result = convrnn_tensor_new(dtype, dims, n_dims, bytes, error);
    else
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_SHAPE, "%s: an element does not fit %s",
                    name, convrnn_dtype_get_name(dtype));
    g_bytes_unref(bytes);
    return result;
}
