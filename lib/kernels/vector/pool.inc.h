/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Max and average pooling of one row of one channel block, a pixel at a time: ky, then kx.
 *
 * A maximum of nothing is -Inf, an average of nothing 0; NaN among the taps gives NaN. */

#include "kernels/taps.h"

void
V_ISA(max_pool_row)(const CrPoolRow *row)
{
    for (int x = 0; x < row->width; x++) {
        const CrTaps taps = cr_taps_inside(row, x);
        Vec most = v_set1(-__builtin_inff());

        for (int ky = row->ky_begin; ky < row->ky_end; ky++) {
            const float *in = row->x + ky * row->row_stride;
            for (int kx = taps.begin; kx < taps.end; kx++) {
                Vec tap = v_load(in + ((ptrdiff_t)taps.first + kx * row->dilation) * V_LANES);
                most = v_select(v_is_nan(most), most, v_max(most, tap));
            }
        }
        v_store(row->y + (ptrdiff_t)x * V_LANES, most);
    }
}

void
V_ISA(average_pool_row)(const CrPoolRow *row)
{
    for (int x = 0; x < row->width; x++) {
        const CrTaps taps = cr_taps_inside(row, x);
        const int count = cr_taps_counted(row, x, taps) * row->rows_counted;
        Vec sum = v_zero();

        for (int ky = row->ky_begin; ky < row->ky_end; ky++) {
            const float *in = row->x + ky * row->row_stride;
            for (int kx = taps.begin; kx < taps.end; kx++)
                sum =
                    v_add(sum, v_load(in + ((ptrdiff_t)taps.first + kx * row->dilation) * V_LANES));
        }
        v_store(row->y + (ptrdiff_t)x * V_LANES, v_div(sum, v_set1(count > 0 ? (float)count : 1)));
    }
}
