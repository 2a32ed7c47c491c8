/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How far an output is from its reference. */
#pragma once

#include <convrnn/tensor.h>
#include <stdbool.h>

typedef struct {
    double largest; /* |output - reference|, at most; infinite when one of them is NaN alone */
    double rms;     /* of the difference */
    double reference_max; /* magnitude */
    double reference_rms;
} CrDifference;

/* False when elements of that type cannot be compared. Both have n elements of type dtype. */
bool cr_compare(ConvRnnDType dtype, const void *output, const void *reference, size_t n,
                CrDifference *difference);

/* Largest difference ≤ limit × the reference's magnitude, rms ≤ limit / 10 × the reference's. */
bool cr_difference_agrees(const CrDifference *difference, double limit);

/* The largest limit under which it would just not agree: the greater of the two ratios, with the
 * rms counted ten times; 0 when there is no difference at all. */
double cr_difference_ratio(const CrDifference *difference);
