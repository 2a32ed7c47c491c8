/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Gemm and MatMul: cases by hand, and random shapes against the definition on small integers. */
#include "support/op_run.h"
#include <string.h>

static void
test_gemm(void)
{
    const char *in = "f32[2,3] 1 2 3 4 5 6; f32[3,2] 1 10 100 1 10 100";
    op_check("Gemm", "", in, "f32[2,2] 231 312 564 645");
    op_check("Gemm", "alpha=2.0 beta=0.5", "f32[1,2] 1 2; f32[2,2] 1 2 3 4; f32[2] 10 20",
             "f32[1,2] 19 30");
    op_check("Gemm", "transA=1 transB=1", "f32[2,1] 1 2; f32[3,2] 1 10 2 20 3 30",
             "f32[1,3] 21 42 63");
    op_check("Gemm", "", "f32[2,1] 1 2; f32[1,2] 1 10; f32[2,1] 100 200",
             "f32[2,2] 101 110 202 220");
    op_check("Gemm", "", "f32[2,1] 1 2; f32[1,2] 1 10; f32[] 5", "f32[2,2] 6 15 7 25");
    op_check("Gemm", "beta=0.0", "f32[1,1] 1; f32[1,1] 1; f32[1] nan", "f32[1,1] 1");
}

static void
test_matmul(void)
{
    op_check("MatMul", "", "f32[2,2] 1 2 3 4; f32[2,2] 1 10 100 1000",
             "f32[2,2] 201 2010 403 4030");
    op_check("MatMul", "", "f32[2] 1 2; f32[2,2] 1 10 100 1000", "f32[2] 201 2010");
    op_check("MatMul", "", "f32[2,2] 1 2 3 4; f32[2] 1 10", "f32[2] 21 43");
    op_check("MatMul", "", "f32[2] 1 2; f32[2] 1 10", "f32[] 21");
    op_check("MatMul", "", "f32[2,1,2] 1 2 3 4; f32[2,1] 1 10", "f32[2,1,1] 21 43");
    op_check("MatMul", "", "f32[2,1,1,2] 1 2 3 4; f32[3,2,1] 1 10 2 20 3 30",
             "f32[2,3,1,1] 21 42 63 43 86 129");
    op_check("MatMul", "", "f32[2,1,2] 1 2 3 4; f32[2,2,1] 1 10 2 20", "f32[2,1,1] 21 86");
    op_check("MatMul", "", "f32[1,2] 1 2; f32[2,2,1] 1 10 2 20", "f32[2,1,1] 21 42");
    op_check("MatMul", "", "f32[2] 1 2; f32[2,2,1] 1 10 2 20", "f32[2,1] 21 42");
}

/* Expected numbers from ONNX Runtime. */
static void
test_fused_matmul(void)
{
    op_check("FusedMatMul", "alpha=0.5 transB=1", "f32[2,3] 1 2 3 4 5 6; f32[2,3] 1 0 2 -1 3 4",
             "f32[2,2] 3.5 8.5 8 17.5");
    op_check("FusedMatMul", "transA=1", "f32[2,2,1] 1 2 3 4; f32[2,3] 1 2 3 4 5 6",
             "f32[2,1,3] 9 12 15 19 26 33");
    op_check("FusedMatMul", "transA=1 transB=1 alpha=2.0",
             "f32[2,1,2,2] 1 2 3 4 5 6 7 8; ~f32[1,2,2] 1 10 100 1000",
             "f32[2,1,2,2] 62 6200 84 8400 150 15000 172 17200");
    op_check("FusedMatMul", "transA=1 transB=1", "f32[2] 1 2; f32[2,2] 1 10 100 1000",
             "f32[2] 21 2100");
}

static void
test_nothing(void)
{
    op_check("Gemm", "", "f32[0,3]; f32[3,2] 1", "f32[0,2]");
    op_check("Gemm", "", "f32[2,0]; f32[0,2]; f32[2] 3 4", "f32[2,2] 3 4 3 4");
    op_check("Gemm", "", "f32[9,0]; ~f32[0,1]", "f32[9,1] 0");
    op_check("MatMul", "", "f32[0,2,3]; f32[3,2] 1", "f32[0,2,2]");
    op_check("MatMul", "", "f32[2,0,1,3] ; f32[0,3,2]", "f32[2,0,1,2]");
    op_check("MatMul", "", "f32[7,2,0] ; f32[0,2]", "f32[7,2,2] 0");
}

static void
test_refused(void)
{
    op_check_error("Gemm", "", "f32[2,3] 1; f32[2,3] 1", CONVRNN_ERROR_SHAPE,
                   "expects 2 features, A has 3");
    op_check_error("Gemm", "", "f32[1,2,3] 1; f32[2,3] 1", CONVRNN_ERROR_SHAPE, "matrices");
    op_check_error("Gemm", "", "f32[2,3] 1; f32[3,4] 1; f32[3] 1", CONVRNN_ERROR_SHAPE, "C is 3");
    op_check_error("Gemm", "", "f32[2,3] 1; f32[3,4] 1; f32[1,2,4] 1", CONVRNN_ERROR_SHAPE, "C is");
    op_check_error("Gemm", "", "f64[2,3] 1; f64[3,4] 1", CONVRNN_ERROR_SHAPE, "float64");
    op_check_error("MatMul", "", "f32[2,3] 1; f32[2,3] 1", CONVRNN_ERROR_SHAPE, "2×3");
    op_check_error("MatMul", "", "f32[2,1,3] 1; f32[3,3,1] 1", CONVRNN_ERROR_SHAPE, "2×1×3");
    op_check_error("MatMul", "", "f32[] 3; f32[3] 1", CONVRNN_ERROR_SHAPE, "scalar");
    op_check_error("MatMul", "", "f32[1,65536,1] 1; f32[1,1,65536] 1", CONVRNN_ERROR_LIMIT,
                   "too large");
}

/* --- random shapes --- */

static ConvRnnTensor *
random_matrix(int64_t rows, int64_t columns)
{
    gint64 dims[2] = {rows, columns};
    float *data = g_new(float, rows *columns);
    for (int64_t i = 0; i < rows * columns; i++)
        data[i] = (float)g_test_rand_int_range(-8, 9);
    g_autoptr(GBytes) bytes = g_bytes_new_take(data, (gsize)(rows * columns) * sizeof(float));
    return convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, dims, 2, bytes, NULL);
}

static float
at(const ConvRnnTensor *t, int row, int column, bool transposed)
{
    int64_t r = transposed ? column : row, c = transposed ? row : column;
    return (
        (const float *)t->data)[(t->dims[0] == 1 ? 0 : r) * t->dims[1] + (t->dims[1] == 1 ? 0 : c)];
}

/* y = 2·A·B + 3·C; returns the name of the kernel that ran. */
static const char *
check_random(int m, int k, int n, bool known)
{
    int ta = g_test_rand_bit(), tb = g_test_rand_bit();
    g_autofree char *attrs = g_strdup_printf("alpha=2.0 beta=3.0 transA=%d transB=%d", ta, tb);
    OpRun *run = op_run_new("Gemm", attrs, 1);
    ConvRnnTensor *a = ta ? random_matrix(k, m) : random_matrix(m, k);
    ConvRnnTensor *b = tb ? random_matrix(n, k) : random_matrix(k, n);
    ConvRnnTensor *c = random_matrix(g_test_rand_bit() ? m : 1, g_test_rand_bit() ? n : 1);
    g_autoptr(GError) error = NULL;

    op_run_input(run, a, false);
    op_run_input(run, b, known);
    op_run_input(run, c, g_test_rand_bit());
    op_run(run, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(op_run_step(run)->macs, ==, (uint64_t)m * (uint64_t)k * (uint64_t)n);
    const float *y = op_run_output(run, 0)->data;
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            float sum = 0;
            for (int l = 0; l < k; l++)
                sum += at(a, i, l, ta) * at(b, l, j, tb);
            g_assert_cmpfloat(y[i * n + j], ==, 2 * sum + 3 * at(c, i, j, false));
        }
    const char *kernel = op_run_step(run)->kernel;
    op_run_free(run);
    return kernel;
}

static void
test_random(void)
{
    for (int i = 0; i < 100; i++)
        check_random(g_test_rand_int_range(1, 20), g_test_rand_int_range(1, 40),
                     g_test_rand_int_range(1, 150), g_test_rand_bit());
    check_random(300, 40, 600, true);
    check_random(300, 300, 5, false);
    check_random(1, 700, 1100, false);
}

/* The packed matrix serves few rows and only a known matrix. */
static void
test_packing(void)
{
    g_assert_cmpstr(check_random(1, 500, 1300, true), ==, "matrix-vector");
    g_assert_cmpstr(check_random(1, 30, 130, false), ==, "gemm");
    g_assert_cmpstr(check_random(50, 30, 130, true), ==, "gemm");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ops/matrix/gemm", test_gemm);
    g_test_add_func("/ops/matrix/matmul", test_matmul);
    g_test_add_func("/ops/matrix/fused-matmul", test_fused_matmul);
    g_test_add_func("/ops/matrix/nothing", test_nothing);
    g_test_add_func("/ops/matrix/refused", test_refused);
    g_test_add_func("/ops/matrix/random", test_random);
    g_test_add_func("/ops/matrix/packing", test_packing);
    return g_test_run();
}
