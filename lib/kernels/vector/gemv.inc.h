/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Four registers of a matrix-vector product, each a chain of FMAs in the order of k. It is as fast
 * as memory delivers the weights. */

void
V_ISA(gemv_panel)(float *y, const float *w, const float *bias, const float *x, int k)
{
    Vec acc[4];

    CR_UNROLL
    for (int j = 0; j < 4; j++)
        acc[j] = v_load(bias + j * V_LANES);
    for (int i = 0; i < k; i++, w += 4 * V_LANES) {
        const Vec in = v_set1(x[i]);
        CR_UNROLL
        for (int j = 0; j < 4; j++)
            acc[j] = v_fma(in, v_load(w + j * V_LANES), acc[j]);
    }
    CR_UNROLL
    for (int j = 0; j < 4; j++)
        v_store(y + j * V_LANES, acc[j]);
}
