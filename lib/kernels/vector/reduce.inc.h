/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sums over the pixels of a row, and the search for NaN and Inf. */

void
V_ISA(sum_row)(float *acc, const float *row, int width)
{
    Vec sum = v_load(acc);

    for (int x = 0; x < width; x++)
        sum = v_add(sum, v_load(row + (ptrdiff_t)x * V_LANES));
    v_store(acc, sum);
}

/* 0·x is NaN for NaN and Inf, else ±0; what was added to it stays NaN. */
int
V_ISA(has_non_finite)(const float *x, size_t n)
{
    Vec found[4] = {v_zero(), v_zero(), v_zero(), v_zero()};
    size_t i = 0;

    for (; n - i >= 4 * V_LANES; i += 4 * V_LANES) {
        CR_UNROLL
        for (int k = 0; k < 4; k++)
            found[k] = v_fma(v_zero(), v_load(x + i + k * V_LANES), found[k]);
    }
    for (; n - i >= V_LANES; i += V_LANES)
        found[0] = v_fma(v_zero(), v_load(x + i), found[0]);
    if (i < n)
        found[1] = v_fma(v_zero(), v_load_n(x + i, (int)(n - i)), found[1]);
    return v_any(v_is_nan(v_add(v_add(found[0], found[1]), v_add(found[2], found[3]))));
}
