/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Transforms of Winograd's F(4×4, 3×3). With p = (0, 1, −1, 2, −2, ∞):
 *
 *          4  0 −5  0  1  0             1  1  1  1  1  0
 *          0 −4 −4  1  1  0        Aᵀ = 0  1 −1  2 −2  0
 *     Bᵀ = 0  4 −4 −1  1  0             0  1  1  4  4  0
 *          0 −2 −1  2  1  0             0  1 −1  8 −8  1
 *          0  2 −1 −2  1  0
 *          0  4  0 −5  0  1
 *
 * A column at a time, then a row at a time; the 36 values in between stay in registers as far as
 * there are enough. */

CR_INLINE void
winograd_bt(Vec r[6], Vec d0, Vec d1, Vec d2, Vec d3, Vec d4, Vec d5)
{
    const Vec two = v_set1(2), four = v_set1(4), minus_four = v_set1(-4), minus_five = v_set1(-5);
    const Vec even = v_fma(minus_four, d2, d4), odd = v_fma(minus_four, d1, d3);
    const Vec low = v_sub(d4, d2), high = v_mul(two, v_sub(d3, d1));

    r[0] = v_fma(four, d0, v_fma(minus_five, d2, d4));
    r[1] = v_add(even, odd);
    r[2] = v_sub(even, odd);
    r[3] = v_add(low, high);
    r[4] = v_sub(low, high);
    r[5] = v_fma(four, d1, v_fma(minus_five, d3, d5));
}

CR_INLINE void
winograd_at(Vec r[4], Vec m0, Vec m1, Vec m2, Vec m3, Vec m4, Vec m5)
{
    const Vec two = v_set1(2), four = v_set1(4), eight = v_set1(8);
    const Vec sum1 = v_add(m1, m2), difference1 = v_sub(m1, m2);
    const Vec sum2 = v_add(m3, m4), difference2 = v_sub(m3, m4);

    r[0] = v_add(v_add(m0, sum1), sum2);
    r[1] = v_fma(two, difference2, difference1);
    r[2] = v_fma(four, sum2, sum1);
    r[3] = v_add(v_fma(eight, difference2, difference1), m5);
}

void
V_ISA(winograd_input)(float *v, ptrdiff_t v_stride, const float *const rows[6])
{
    Vec t[6][6]; /* [row of the transform][column of the picture] */

    CR_UNROLL
    for (int x = 0; x < 6; x++) {
        Vec column[6];
        winograd_bt(column, v_load(rows[0] + x * V_LANES), v_load(rows[1] + x * V_LANES),
                    v_load(rows[2] + x * V_LANES), v_load(rows[3] + x * V_LANES),
                    v_load(rows[4] + x * V_LANES), v_load(rows[5] + x * V_LANES));
        CR_UNROLL
        for (int y = 0; y < 6; y++)
            t[y][x] = column[y];
    }
    CR_UNROLL
    for (int y = 0; y < 6; y++) {
        Vec row[6];
        winograd_bt(row, t[y][0], t[y][1], t[y][2], t[y][3], t[y][4], t[y][5]);
        CR_UNROLL
        for (int x = 0; x < 6; x++)
            v_store(v + (6 * y + x) * v_stride, row[x]);
    }
}

void
V_ISA(winograd_output)(float *const y[4], const float *m, ptrdiff_t m_stride, const float *bias,
                       float low, float high, int columns)
{
    const Vec b = v_load(bias), lowest = v_set1(low), highest = v_set1(high);
    Vec t[4][6];

    CR_UNROLL
    for (int x = 0; x < 6; x++) {
        const float *at = m + x * m_stride;
        Vec column[4];
        winograd_at(column, v_load(at), v_load(at + 6 * m_stride), v_load(at + 12 * m_stride),
                    v_load(at + 18 * m_stride), v_load(at + 24 * m_stride),
                    v_load(at + 30 * m_stride));
        CR_UNROLL
        for (int row = 0; row < 4; row++)
            t[row][x] = column[row];
    }
    for (int row = 0; row < 4; row++) {
        Vec out[4];
        if (!y[row])
            continue;
        winograd_at(out, t[row][0], t[row][1], t[row][2], t[row][3], t[row][4], t[row][5]);
        for (int x = 0; x < columns; x++)
            v_store(y[row] + x * V_LANES, v_min(highest, v_max(lowest, v_add(out[x], b))));
    }
}
