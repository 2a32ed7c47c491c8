/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public tensor and checked sizes. */
#include "core/memory.h"
#include "core/size.h"
#include "model/graph.h"
#include <string.h>

static const gint64 dims_2x3[] = {2, 3};

static void
test_dtypes(void)
{
    g_assert_cmpuint(convrnn_dtype_get_size(CONVRNN_DTYPE_FLOAT64), ==, 8);
    g_assert_cmpuint(convrnn_dtype_get_size(CONVRNN_DTYPE_BOOL), ==, 1);
    g_assert_cmpuint(convrnn_dtype_get_size((ConvRnnDType)8), ==, 0);
    g_assert_cmpuint(convrnn_dtype_get_size((ConvRnnDType)-1), ==, 0);
    g_assert_cmpuint(convrnn_dtype_get_size((ConvRnnDType)1000), ==, 0);
    g_assert_cmpstr(convrnn_dtype_get_name(CONVRNN_DTYPE_FLOAT16), ==, "float16");
    g_assert_cmpstr(convrnn_dtype_get_name(CONVRNN_DTYPE_UNDEFINED), ==, "undefined");
}

static void
test_new(void)
{
    const float values[] = {1, 2, 3, 4, 5, 6};
    g_autoptr(GBytes) bytes = g_bytes_new_static(values, sizeof values);
    GError *error = NULL;
    ConvRnnTensor *tensor = convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, dims_2x3, 2, bytes, &error);
    guint n_dims;

    g_assert_no_error(error);
    g_assert_true(convrnn_tensor_get_data(tensor) == values);
    g_assert_true(convrnn_tensor_get_bytes(tensor) == bytes);
    g_assert_cmpint(convrnn_tensor_get_dtype(tensor), ==, CONVRNN_DTYPE_FLOAT32);
    g_assert_cmpuint(convrnn_tensor_get_n_elements(tensor), ==, 6);
    g_assert_cmpint(convrnn_tensor_get_dims(tensor, &n_dims)[1], ==, 3);
    g_assert_cmpuint(n_dims, ==, 2);

    GValue value = G_VALUE_INIT;
    g_value_init(&value, CONVRNN_TYPE_TENSOR);
    g_value_take_boxed(&value, convrnn_tensor_ref(tensor));
    g_assert_true(g_value_get_boxed(&value) == tensor);
    g_value_unset(&value);
    convrnn_tensor_unref(tensor);
    convrnn_tensor_unref(NULL);
}

static void
test_zeros(void)
{
    ConvRnnTensor *tensor = convrnn_tensor_new(CONVRNN_DTYPE_INT64, dims_2x3, 2, NULL, NULL);

    for (int i = 0; i < 6; i++)
        g_assert_cmpint(((const int64_t *)tensor->data)[i], ==, 0);
    convrnn_tensor_unref(tensor);
}

static void
test_scalar_and_empty(void)
{
    ConvRnnTensor *tensor = convrnn_tensor_new(CONVRNN_DTYPE_INT8, NULL, 0, NULL, NULL);
    g_autoptr(GBytes) nothing = g_bytes_new(NULL, 0);

    g_assert_cmpuint(convrnn_tensor_get_n_elements(tensor), ==, 1);
    convrnn_tensor_unref(tensor);
    tensor = convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, &(gint64){0}, 1, nothing, NULL);
    g_assert_cmpuint(convrnn_tensor_get_n_elements(tensor), ==, 0);
    g_assert_nonnull(convrnn_tensor_get_data(tensor));
    convrnn_tensor_unref(tensor);
}

static void
test_misaligned(void)
{
    guint8 raw[1 + 2 * sizeof(double)] __attribute__((aligned(8))) = {0};
    const double values[] = {1.5, -2.5};

    memcpy(raw + 1, values, sizeof values);
    g_autoptr(GBytes) bytes = g_bytes_new_static(raw + 1, sizeof values);
    ConvRnnTensor *tensor = convrnn_tensor_new(CONVRNN_DTYPE_FLOAT64, &(gint64){2}, 1, bytes, NULL);
    g_assert_cmpuint((guintptr)convrnn_tensor_get_data(tensor) % sizeof(double), ==, 0);
    g_assert_cmpfloat(((const double *)tensor->data)[1], ==, -2.5);
    g_assert_cmpuint(g_bytes_get_size(convrnn_tensor_get_bytes(tensor)), ==, sizeof values);
    convrnn_tensor_unref(tensor);
}

static void
refuse(ConvRnnDType dtype, const gint64 *dims, guint n_dims, GBytes *bytes, ConvRnnError code)
{
    GError *error = NULL;
    g_assert_null(convrnn_tensor_new(dtype, dims, n_dims, bytes, &error));
    g_assert_error(error, CONVRNN_ERROR, (gint)code);
    g_clear_error(&error);
}

static void
test_refused(void)
{
    const gint64 many[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1}, negative[] = {2, -1};
    const gint64 large[] = {G_MAXINT64}, product[] = {1 << 20, 1 << 20};
    const gint64 hidden[] = {0, 1 << 30, 1 << 30};
    g_autoptr(GBytes) bytes = g_bytes_new("12345", 5);

    refuse((ConvRnnDType)8, dims_2x3, 2, NULL, CONVRNN_ERROR_UNSUPPORTED);
    refuse(CONVRNN_DTYPE_FLOAT32, many, 9, NULL, CONVRNN_ERROR_LIMIT);
    refuse(CONVRNN_DTYPE_FLOAT32, negative, 2, NULL, CONVRNN_ERROR_SHAPE);
    refuse(CONVRNN_DTYPE_FLOAT32, large, 1, NULL, CONVRNN_ERROR_LIMIT);
    refuse(CONVRNN_DTYPE_FLOAT32, product, 2, NULL, CONVRNN_ERROR_LIMIT);
    refuse(CONVRNN_DTYPE_FLOAT32, hidden, 3, NULL, CONVRNN_ERROR_LIMIT);
    refuse(CONVRNN_DTYPE_UINT8, dims_2x3, 2, bytes, CONVRNN_ERROR_SHAPE);
    cr_mem_fail_at(1, false);
    refuse(CONVRNN_DTYPE_UINT8, dims_2x3, 2, NULL, CONVRNN_ERROR_NOMEM);
    cr_mem_fail_at(0, false);
}

static void
test_sizes(void)
{
    size_t size = 7;

    g_assert_true(cr_size_of_dims((const int64_t[]){2, 0, 3}, 3, 4, &size));
    g_assert_cmpuint(size, ==, 0);
    g_assert_true(cr_size_of_dims(NULL, 0, 4, &size));
    g_assert_cmpuint(size, ==, 4);
    g_assert_true(cr_size_of_dims((const int64_t[]){2, 1, 3}, 3, 4, &size));
    g_assert_cmpuint(size, ==, 24);
    g_assert_false(cr_size_of_dims((const int64_t[]){2, -3}, 2, 4, &size));
    g_assert_false(cr_size_of_dims((const int64_t[]){INT64_MAX, 2}, 2, 1, &size));
    g_assert_false(cr_size_of_dims((const int64_t[]){INT64_MAX, 2, 0}, 3, 1, &size));
    g_assert_false(cr_size_of_dims((const int64_t[]){0, -1}, 2, 1, &size));
    g_assert_cmpuint(size, ==, 24);
    g_assert_false(cr_size_mul(SIZE_MAX / 2, 3, &size));
    g_assert_false(cr_size_mul((size_t)PTRDIFF_MAX / 2 + 1, 2, &size));
    g_assert_false(cr_size_add(PTRDIFF_MAX, 1, &size));
    g_assert_true(cr_size_add(PTRDIFF_MAX, 0, &size));
    g_assert_cmpuint(cr_round_up(65, 64), ==, 128);
    g_assert_cmpint(cr_div_up(9, 4), ==, 3);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tensor/dtypes", test_dtypes);
    g_test_add_func("/tensor/new", test_new);
    g_test_add_func("/tensor/zeros", test_zeros);
    g_test_add_func("/tensor/scalar-and-empty", test_scalar_and_empty);
    g_test_add_func("/tensor/misaligned", test_misaligned);
    g_test_add_func("/tensor/refused", test_refused);
    g_test_add_func("/tensor/sizes", test_sizes);
    return g_test_run();
}
