/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A run of inputs as whole numbers, as kernels/int8.h says. */
#include "kernels/int8.h"

#include <math.h>

/* q = x / step, to the nearest, and 0 from n to the next multiple of V_LANES. Returns the step: NaN
 * when one of x is NaN or infinite. */
static float
round_run(int16_t *q, const float *x, int n)
{
    Vec most = v_zero(), zeros = v_zero();
    float lane[V_LANES], largest = 0;
    int i;

    for (i = 0; i < n; i += V_LANES) {
        const Vec a = n - i < V_LANES ? v_load_n(x + i, n - i) : v_load(x + i);
        most = v_max(v_abs(a), most);
        zeros = v_add(zeros, v_sub(a, a));
    }
    v_store(lane, most);
    for (i = 0; i < V_LANES; i++)
        largest = lane[i] > largest ? lane[i] : largest;
    if (v_any(v_is_nan(zeros)))
        largest = 0;
    const int any = largest >= CR_INT8_LEAST;
    const Vec inverse = v_set1(any ? CR_INT8_STEPS / largest : 0.0f);
    for (i = 0; i < n; i += V_LANES) {
        const Vec a = n - i < V_LANES ? v_load_n(x + i, n - i) : v_load(x + i);
        v_store_int16(q + i, any ? v_mul(a, inverse) : v_zero());
    }
    if (v_any(v_is_nan(zeros)))
        return NAN;
    return any ? largest / CR_INT8_STEPS : 0.0f;
}
