/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Four registers of a matrix-vector product with weights of 8 bits, in whole numbers: the input is
 * cut into runs, each rounded to 15 bits and a sign by a step of its own (kernels/int8.h), and
 * a run's sum of products is exact. Only a run's step and a column's scale are applied in float32,
 * so rounding the input costs 2^-16 of the run's largest number, and the sums nothing. */
#include "kernels/vector/int8_run.inc.h"

void
V_ISA(gemv_int8_panel)(float *y, const int8_t *w, const float *scale, const float *bias,
                       const float *x, int k)
{
    int16_t q[CR_INT8_RUN + V_LANES];
    Vec sum[4];

    CR_UNROLL
    for (int j = 0; j < 4; j++)
        sum[j] = v_zero();
    for (int begin = 0; begin < k; begin += CR_INT8_RUN) {
        const int n = k - begin < CR_INT8_RUN ? k - begin : CR_INT8_RUN;
        const Vec step = v_set1(round_run(q, x + begin, n));
        VecInt acc[4];

        CR_UNROLL
        for (int j = 0; j < 4; j++)
            acc[j] = v_int_zero();
        for (int i = 0; i < n; i += 2, w += 8 * V_LANES) {
            const VecInt pair = v_set1_pair(q + i);
            CR_UNROLL
            for (int j = 0; j < 4; j++)
                acc[j] = v_add_products(acc[j], w + 2 * j * V_LANES, pair);
        }
        CR_UNROLL
        for (int j = 0; j < 4; j++)
            sum[j] = v_fma(step, v_from_int(acc[j]), sum[j]);
    }
    CR_UNROLL
    for (int j = 0; j < 4; j++)
        v_store(y + j * V_LANES,
                v_fma(sum[j], v_load(scale + j * V_LANES), v_load(bias + j * V_LANES)));
}
