/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tool's .npy reader and writer. */
#include "npy/npy.h"

#include <glib/gstdio.h>
#include <string.h>

/* A file of that version, with this dictionary and these bytes. */
static GByteArray *
make_file(int version, const char *dictionary, const void *data, size_t size)
{
    GByteArray *file = g_byte_array_new();
    size_t n = strlen(dictionary);
    const guint8 start[] = {0x93, 'N', 'U', 'M', 'P', 'Y', (guint8)version, 0};
    const guint8 length[] = {(guint8)n, (guint8)(n >> 8), 0, 0};
    g_byte_array_append(file, start, sizeof start);
    g_byte_array_append(file, length, version == 1 ? 2 : 4);
    g_byte_array_append(file, (const guint8 *)dictionary, (guint)n);
    if (size > 0)
        g_byte_array_append(file, data, (guint)size);
    return file;
}

static ConvRnnTensor *
parse(GByteArray *file, GError **error)
{
    ConvRnnTensor *tensor = cr_npy_parse((const char *)file->data, file->len, "t.npy", error);
    g_byte_array_unref(file);
    return tensor;
}

static void
test_versions(void)
{
    static const float data[] = {1, 2, 3, 4, 5, 6};
    for (int version = 1; version <= 3; version++) {
        GError *error = NULL;
        guint n;
        ConvRnnTensor *tensor = parse(
            make_file(version, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }  \n",
                      data, sizeof data),
            &error);
        g_assert_no_error(error);
        const gint64 *dims = convrnn_tensor_get_dims(tensor, &n);
        g_assert_cmpuint(n, ==, 2);
        g_assert_cmpint(dims[0], ==, 2);
        g_assert_cmpint(dims[1], ==, 3);
        g_assert_cmpmem(convrnn_tensor_get_data(tensor), sizeof data, data, sizeof data);
        convrnn_tensor_unref(tensor);
    }
}

static void
test_fortran_order(void)
{
    /* a[i][j][k] = 100 i + 10 j + k, first index fastest */
    static const gint64 data[] = {0, 100, 10, 110, 20, 120, 1, 101, 11, 111, 21, 121};
    static const gint64 expected[] = {0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121};
    GError *error = NULL;
    ConvRnnTensor *tensor =
        parse(make_file(1, "{'shape': (2, 3, 2), 'fortran_order': True, 'descr': '<i8'}", data,
                        sizeof data),
              &error);
    g_assert_no_error(error);
    g_assert_cmpmem(convrnn_tensor_get_data(tensor), sizeof expected, expected, sizeof expected);
    convrnn_tensor_unref(tensor);
}

static void
test_shapes(void)
{
    static const guint8 data[] = {0, 1, 7};
    GError *error = NULL;
    guint n;
    ConvRnnTensor *scalar =
        parse(make_file(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (), }", data + 2, 1),
              &error);
    g_assert_no_error(error);
    convrnn_tensor_get_dims(scalar, &n);
    g_assert_cmpuint(n, ==, 0);
    convrnn_tensor_unref(scalar);

    /* A bool is 0 or 1, whatever byte stands in the file. */
    ConvRnnTensor *bools = parse(
        make_file(1, "{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }", data, 3), &error);
    g_assert_no_error(error);
    static const guint8 expected[] = {0, 1, 1};
    g_assert_cmpmem(convrnn_tensor_get_data(bools), 3, expected, 3);
    convrnn_tensor_unref(bools);

    ConvRnnTensor *empty =
        parse(make_file(1, "{'descr': '<f8', 'fortran_order': True, 'shape': (4, 0), }", NULL, 0),
              &error);
    g_assert_no_error(error);
    g_assert_cmpuint(convrnn_tensor_get_n_elements(empty), ==, 0);
    convrnn_tensor_unref(empty);
}

static void
test_bad_headers(void)
{
    static const struct {
        const char *dictionary;
        ConvRnnError code;
        const char *message;
    } cases[] = {
        {"", CONVRNN_ERROR_FORMAT, "not the dictionary"},
        {"{'descr': '<f4', 'fortran_order': False}", CONVRNN_ERROR_FORMAT, "not the dictionary"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,)", CONVRNN_ERROR_FORMAT,
         "not the dictionary"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x", CONVRNN_ERROR_FORMAT,
         "not the dictionary"},
        {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
         CONVRNN_ERROR_FORMAT, "not the dictionary"},
        {"{'other': 1}", CONVRNN_ERROR_FORMAT, "not the dictionary"},
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (1,)}", CONVRNN_ERROR_UNSUPPORTED,
         "'>f4' is not supported"},
        {"{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", CONVRNN_ERROR_UNSUPPORTED,
         "'<c8' is not supported"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}",
         CONVRNN_ERROR_UNSUPPORTED, "records"},
        {"{'descr': '<f4', 'fortran_order': 1, 'shape': (1,)}", CONVRNN_ERROR_FORMAT,
         "'fortran_order'"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", CONVRNN_ERROR_FORMAT,
         "'shape' is not"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': 1}", CONVRNN_ERROR_FORMAT,
         "'shape' is not"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 1, 1, 1, 1)}",
         CONVRNN_ERROR_LIMIT, "more than 8 dimensions"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
         CONVRNN_ERROR_LIMIT, "too large"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", CONVRNN_ERROR_FORMAT,
         "float32 of shape [2], but 4 bytes follow it"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': ()}x", CONVRNN_ERROR_FORMAT,
         "not the dictionary"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4)}",
         CONVRNN_ERROR_FORMAT, "but 4 bytes follow it"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (3,)}", CONVRNN_ERROR_FORMAT,
         "but 4 bytes follow it"},
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        GError *error = NULL;
        g_test_message("%s", cases[i].dictionary);
        g_assert_null(parse(make_file(1, cases[i].dictionary, "abcd", 4), &error));
        g_assert_error(error, CONVRNN_ERROR, (int)cases[i].code);
        g_assert_nonnull(strstr(error->message, cases[i].message));
        g_assert_true(g_str_has_prefix(error->message, "t.npy: "));
        g_error_free(error);
    }
}

static void
test_prefixes(void)
{
    static const float data[] = {1, 2};
    GByteArray *file = make_file(2, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }",
                                 data, sizeof data);
    for (guint n = 0; n < file->len; n++) {
        char *prefix = g_memdup2(file->data, MAX(n, 1));
        GError *error = NULL;
        g_assert_null(cr_npy_parse(prefix, n, "t.npy", &error));
        g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT);
        g_error_free(error);
        g_free(prefix);
    }
    GError *error = NULL;
    file->data[6] = 4;
    g_assert_null(parse(file, &error));
    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_UNSUPPORTED);
    g_error_free(error);
}

static void
check_round_trip(const char *path, guint n_dims, const gint64 *dims, ConvRnnDType dtype,
                 const void *data, size_t size)
{
    GError *error = NULL;
    guint n;
    char *text;
    gsize length;
    g_assert_true(cr_npy_write(path, dtype, dims, n_dims, data, &error));
    g_assert_no_error(error);
    ConvRnnTensor *tensor = cr_npy_read(path, &error);
    g_assert_no_error(error);
    g_assert_cmpint(convrnn_tensor_get_dtype(tensor), ==, dtype);
    const gint64 *back = convrnn_tensor_get_dims(tensor, &n);
    g_assert_cmpmem(back, n * sizeof *back, dims, n_dims * sizeof *dims);
    g_assert_cmpmem(convrnn_tensor_get_data(tensor), size, data, size);
    convrnn_tensor_unref(tensor);
    g_assert_true(g_file_get_contents(path, &text, &length, NULL));
    g_assert_cmpuint(length, ==, 128 + size);
    g_free(text);
}

static void
test_round_trip(void)
{
    static const double data[] = {1.5, -2, 0, 1e300};
    static const gint64 dims[] = {1, 2, 2};
    char *folder = g_dir_make_tmp("convrnn-npy-XXXXXX", NULL);
    char *path = g_build_filename(folder, "a.npy", NULL);
    check_round_trip(path, 3, dims, CONVRNN_DTYPE_FLOAT64, data, sizeof data);
    check_round_trip(path, 0, dims, CONVRNN_DTYPE_FLOAT64, data, 8);
    check_round_trip(path, 1, dims + 1, CONVRNN_DTYPE_INT64, data, 16);
    check_round_trip(path, 1, dims + 1, CONVRNN_DTYPE_INT32, data, 8);

    GError *error = NULL;
    g_remove(path);
    g_assert_null(cr_npy_read(path, &error));
    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_IO);
    g_assert_nonnull(strstr(error->message, path));
    g_clear_error(&error);
    g_rmdir(folder);
    g_assert_false(cr_npy_write(path, CONVRNN_DTYPE_FLOAT64, dims, 0, data, &error));
    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_IO);
    g_clear_error(&error);
    g_free(path);
    g_free(folder);
}

static ConvRnnTensor *
make_tensor(ConvRnnDType dtype, const void *data, gint64 n)
{
    GBytes *bytes = g_bytes_new(data, (gsize)n * convrnn_dtype_get_size(dtype));
    ConvRnnTensor *tensor = convrnn_tensor_new(dtype, &n, 1, bytes, NULL);
    g_bytes_unref(bytes);
    return tensor;
}

static void
test_convert(void)
{
    static const double doubles[] = {0.1, -3};
    static const gint64 longs[] = {5, G_MININT32};
    static const gint64 too_long[] = {(gint64)G_MAXINT32 + 1};
    GError *error = NULL;

    ConvRnnTensor *from = make_tensor(CONVRNN_DTYPE_FLOAT64, doubles, 2);
    ConvRnnTensor *to = cr_npy_convert(from, CONVRNN_DTYPE_FLOAT32, "x", &error);
    g_assert_no_error(error);
    g_assert_cmpfloat(((const float *)convrnn_tensor_get_data(to))[0], ==, 0.1f);
    convrnn_tensor_unref(to);
    to = cr_npy_convert(from, CONVRNN_DTYPE_FLOAT64, "x", &error);
    g_assert_true(to == from);
    convrnn_tensor_unref(to);
    g_assert_null(cr_npy_convert(from, CONVRNN_DTYPE_INT64, "x", &error));
    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_SHAPE);
    g_assert_cmpstr(error->message, ==, "x: expected int64, found float64");
    g_clear_error(&error);
    convrnn_tensor_unref(from);

    from = make_tensor(CONVRNN_DTYPE_INT64, longs, 2);
    to = cr_npy_convert(from, CONVRNN_DTYPE_INT32, "x", &error);
    g_assert_no_error(error);
    g_assert_cmpint(((const gint32 *)convrnn_tensor_get_data(to))[1], ==, G_MININT32);
    convrnn_tensor_unref(from);
    from = cr_npy_convert(to, CONVRNN_DTYPE_INT64, "x", &error);
    g_assert_cmpmem(convrnn_tensor_get_data(from), sizeof longs, longs, sizeof longs);
    convrnn_tensor_unref(from);
    convrnn_tensor_unref(to);

    from = make_tensor(CONVRNN_DTYPE_INT64, too_long, 1);
    g_assert_null(cr_npy_convert(from, CONVRNN_DTYPE_INT32, "x", &error));
    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_SHAPE);
    g_clear_error(&error);
    convrnn_tensor_unref(from);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/npy/versions", test_versions);
    g_test_add_func("/npy/fortran-order", test_fortran_order);
    g_test_add_func("/npy/shapes", test_shapes);
    g_test_add_func("/npy/bad-headers", test_bad_headers);
    g_test_add_func("/npy/prefixes", test_prefixes);
    g_test_add_func("/npy/round-trip", test_round_trip);
    g_test_add_func("/npy/convert", test_convert);
    return g_test_run();
}
