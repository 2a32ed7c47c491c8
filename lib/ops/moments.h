/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mean and spread of a row, which the layers that normalize by their own input share. */
#pragma once

#include <math.h>
#include <stddef.h>

typedef struct {
    double mean;
    double inverse; /* 1 / √(variance + ε) */
} CrMoments;

/* The spread of n ≥ 1 elements about a mean that is given. */
static inline CrMoments
cr_moments_about(double mean, const float *x, size_t n, double epsilon)
{
    double squares = 0;

    for (size_t i = 0; i < n; i++)
        squares += ((double)x[i] - mean) * ((double)x[i] - mean);
    return (CrMoments){mean, 1 / sqrt(squares / (double)n + epsilon)};
}

/* Of n ≥ 1 elements. Two passes, so that a large mean does not swallow the variance. */
static inline CrMoments
cr_moments(const float *x, size_t n, double epsilon)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)x[i];
    return cr_moments_about(sum / (double)n, x, n, epsilon);
}
