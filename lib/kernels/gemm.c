/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* OpenBLAS on the calling thread alone, without touching its process-wide number of threads.
 *
 * OpenBLAS hands work to its own threads only above a size: sgemm when m·n·k > 4·65536, sgemv
 * (which newer versions use for one row or column) when m·n ≥ 4·2304. Its threads change the bits
 * of a result, so every call here stays below both. The cut depends on m, n and k only, and the
 * parts of K add up in ascending order. */
#include "kernels/kernels.h"
#include <cblas.h>

#define PART_M        16
#define PART_N        64
#define PART_K        256 /* 16·64·256 = 4·65536 */
#define PART_K_VECTOR 128 /* 64·128 < 4·2304 */

typedef struct {
    const float *data;
    int stride;
    int transposed;
} Matrix;

static CBLAS_TRANSPOSE
transposition(const Matrix *matrix)
{
    return matrix->transposed ? CblasTrans : CblasNoTrans;
}

static const float *
element(const Matrix *matrix, int row, int column)
{
    if (matrix->transposed)
        return matrix->data + (ptrdiff_t)column * matrix->stride + row;
    return matrix->data + (ptrdiff_t)row * matrix->stride + column;
}

static int
part(int whole, int from, int most)
{
    return whole - from < most ? whole - from : most;
}

void
cr_gemm(int trans_a, int trans_b, int m, int n, int k, float alpha, const float *a, int lda,
        const float *b, int ldb, float beta, float *c, int ldc)
{
    const Matrix left = {a, lda, trans_a}, right = {b, ldb, trans_b};

    for (int i = 0; i < m; i += PART_M) {
        for (int j = 0; j < n; j += PART_N) {
            const int rows = part(m, i, PART_M), columns = part(n, j, PART_N);
            const int depth = rows == 1 || columns == 1 ? PART_K_VECTOR : PART_K;

            /* an empty sum still multiplies by beta */
            for (int l = 0; l == 0 || l < k; l += depth)
                cblas_sgemm(CblasRowMajor, transposition(&left), transposition(&right), rows,
                            columns, part(k, l, depth), alpha, element(&left, i, l), lda,
                            element(&right, l, j), ldb, l == 0 ? beta : 1.0f,
                            c + (ptrdiff_t)i * ldc + j, ldc);
        }
    }
}
