/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* IEEE binary16 by integer arithmetic: the same bits on every processor, whatever its rounding and
 * flush-to-zero modes. */
#pragma once

#include <stdint.h>
#include <string.h>

static inline double
cr_half_to_double(uint16_t half)
{
    uint64_t sign = (uint64_t)(half >> 15) << 63;
    uint64_t exponent = half >> 10 & 0x1f, fraction = half & 0x3ff, bits;
    double value;

    if (exponent == 0x1f) {
        bits = sign | 0x7ffULL << 52 | fraction << 42;
    } else if (exponent > 0) {
        bits = sign | (exponent + 1023 - 15) << 52 | fraction << 42;
    } else if (fraction == 0) {
        bits = sign;
    } else {
        int shift = __builtin_clzll(fraction) - 53; /* makes bit 10 the leading one */
        bits = sign | (uint64_t)(1023 - 14 - shift) << 52 | (fraction << shift & 0x3ff) << 42;
    }
    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* To nearest, ties to even; too large becomes infinity. */
static inline uint16_t
cr_half_from_double(double value)
{
    uint64_t bits, fraction, rest;
    int exponent, drop;
    uint16_t sign;

    memcpy(&bits, &value, sizeof(bits));
    sign = (uint16_t)(bits >> 63 << 15);
    exponent = (int)(bits >> 52 & 0x7ff) - 1023;
    fraction = bits & 0xfffffffffffffULL;
    if (exponent == 1024) /* NaN stays a NaN whatever bits are cut off */
        return sign | 0x7c00 | (fraction ? 0x200 | (uint16_t)(fraction >> 42) : 0);
    if (exponent > 15)
        return sign | 0x7c00;
    if (exponent < -25)
        return sign;
    fraction |= 1ULL << 52;
    drop = 42 + (exponent < -14 ? -14 - exponent : 0);
    rest = fraction & ((1ULL << drop) - 1);
    fraction >>= drop;
    if (rest > 1ULL << (drop - 1) || (rest == 1ULL << (drop - 1) && (fraction & 1)))
        fraction++;
    /* A carry out of the fraction moves into the exponent, as it should. */
    if (exponent < -14)
        return sign | (uint16_t)fraction;
    return sign | (uint16_t)(((uint64_t)(exponent + 14) << 10) + fraction);
}
