/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/int8.h"
#include <math.h>
#include <string.h>

#define MOST 127

/* The column's largest magnitude; NaN when a number is not finite. */
static float
largest_of(const float *src, int k, int panel)
{
    float most = 0;

    for (int i = 0; i < k; i++) {
        const float a = fabsf(src[(ptrdiff_t)i * panel]);
        if (!(a <= 3.402823466e38f))
            return NAN;
        most = a > most ? a : most;
    }
    return most;
}

/* Whether all are whole multiples of step, within what 8 bits hold. */
static int
is_grid(const float *src, int k, int panel, double step)
{
    for (int i = 0; i < k; i++) {
        const double q = src[(ptrdiff_t)i * panel] / step, whole = rint(q);
        if (fabs(q - whole) > 1e-4 || whole > MOST || whole < -MOST - 1)
            return 0;
    }
    return 1;
}

static double
step_of(const float *src, int k, int panel, float largest)
{
    /* most of the time, the first number shows that it is none */
    for (int n = MOST + 1; n > 0; n--)
        if (is_grid(src, k, panel, (double)largest / n))
            return (double)largest / n;
    return (double)largest / MOST;
}

void
cr_int8_pack(int8_t *dst, float *scale, const float *src, int k, int panel, CrInt8Order order)
{
    const int rows = order == CR_INT8_QUADS ? 4 : 2, more = order == CR_INT8_QUADS ? 128 : 0;

    memset(dst, 0, cr_int8_pack_size(k, panel));
    for (int j = 0; j < panel; j++, src++, dst += rows) {
        const float largest = largest_of(src, k, panel);
        const double step = largest > 0 ? step_of(src, k, panel, largest) : 0;

        scale[j] = largest == largest ? (float)step : NAN;
        for (int i = 0; step > 0 && i < k; i++)
            dst[(ptrdiff_t)(i / rows) * rows * panel + i % rows] =
                (int8_t)((int)rint(src[(ptrdiff_t)i * panel] / step) + more);
    }
}
