/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/compare.h"

#include <math.h>

static bool
get_element(ConvRnnDType dtype, const void *data, size_t i, double *out)
{
    switch (dtype) {
    case CONVRNN_DTYPE_FLOAT32:
        *out = ((const float *)data)[i];
        return true;
    case CONVRNN_DTYPE_FLOAT64:
        *out = ((const double *)data)[i];
        return true;
    case CONVRNN_DTYPE_INT64:
        *out = (double)((const gint64 *)data)[i];
        return true;
    case CONVRNN_DTYPE_INT32:
        *out = ((const gint32 *)data)[i];
        return true;
    case CONVRNN_DTYPE_UINT8:
    case CONVRNN_DTYPE_BOOL:
        *out = ((const guint8 *)data)[i];
        return true;
    default:
        return false;
    }
}

/* Equal infinities and two NaNs are no difference; a NaN against a number is the largest. */
static double
difference_of(double a, double b)
{
    if (a == b || (isnan(a) && isnan(b)))
        return 0;
    double d = fabs(a - b);
    return isnan(d) ? INFINITY : d;
}

bool
cr_compare(ConvRnnDType dtype, const void *output, const void *reference, size_t n,
           CrDifference *difference)
{
    double sum = 0, reference_sum = 0, a, b;
    *difference = (CrDifference){0};
    for (size_t i = 0; i < n; i++) {
        if (!get_element(dtype, output, i, &a) || !get_element(dtype, reference, i, &b))
            return false;
        double d = difference_of(a, b);
        difference->largest = MAX(difference->largest, d);
        sum += d * d;
        if (isfinite(b)) {
            difference->reference_max = MAX(difference->reference_max, fabs(b));
            reference_sum += b * b;
        }
    }
    if (n > 0) {
        difference->rms = sqrt(sum / (double)n);
        difference->reference_rms = sqrt(reference_sum / (double)n);
    }
    return true;
}

bool
cr_difference_agrees(const CrDifference *difference, double limit)
{
    return difference->largest <= limit * difference->reference_max &&
           difference->rms <= limit / 10 * difference->reference_rms;
}

double
cr_difference_ratio(const CrDifference *difference)
{
    if (difference->largest == 0)
        return 0;
    return MAX(difference->largest / difference->reference_max,
               10 * difference->rms / difference->reference_rms);
}
