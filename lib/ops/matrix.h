/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Batches of matrix products, which Gemm and MatMul are:
 *     y[b] = alpha · op(a[b]) · op(b[b]) + beta · c
 * with a (m,k), b (k,n) row-major, or transposed; y (batches, m, n); c broadcast to (m, n), and
 * added last, so that the sum rounds as that of two nodes does. */
#pragma once

#include "ops/op.h"

typedef struct {
    int m, n, k;
    bool trans_a, trans_b;
    float alpha, beta;
    /* Batches: y runs through them in row-major order; a stride of 0 repeats. In elements. */
    int n_batch_dims;
    int64_t batch_dims[CONVRNN_MAX_RANK];
    int64_t a_stride[CONVRNN_MAX_RANK], b_stride[CONVRNN_MAX_RANK];
    /* c, input 2; 0 repeats. */
    bool has_c;
    int64_t c_row, c_column;
} CrMatrixProduct;

/* Fills step for inputs 0 (a), 1 (b), 2 (c); b is packed when it is known and the rows are few. */
bool cr_matrix_prepare(CrOpSetup *setup, const CrMatrixProduct *product, CrStep *step,
                       GError **error);
