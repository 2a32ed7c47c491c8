/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* IEEE binary16 and bfloat16 by integer arithmetic: the same bits on every processor, whatever its
 * rounding and flush-to-zero modes. */
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

/* The upper half of a float. */
static inline float
cr_bfloat16_to_float(uint16_t bits)
{
    uint32_t wide = (uint32_t)bits << 16;
    float value;

    memcpy(&value, &wide, sizeof(value));
    return value;
}

/* The float16 nearest to a float, as a float: ties to even; too large becomes infinity. Without
 * branches, so that loops become vectors. */
static inline float
cr_float_round_to_half(float value)
{
    uint32_t bits, sign, size, tiny_bits;
    float tiny, result;

    memcpy(&bits, &value, sizeof(bits));
    sign = bits & 0x80000000;
    size = bits & 0x7fffffff;
    /* Below 2^-14, float16 counts in 2^-24, the last bit of floats between 0.5 and 1. */
    memcpy(&tiny, &size, sizeof(tiny));
    tiny = (tiny + 0.5f) - 0.5f;
    memcpy(&tiny_bits, &tiny, sizeof(tiny_bits));
    uint32_t rounded = (size + 0xfff + (size >> 13 & 1)) & ~0x1fffu;
    rounded = rounded > 0x477fe000 ? 0x7f800000 : rounded; /* 65504 */
    rounded = size < 0x38800000 ? tiny_bits : rounded;     /* 2^-14 */
    rounded = size > 0x7f800000 ? size : rounded;          /* NaN */
    bits = sign | rounded;
    memcpy(&result, &bits, sizeof(result));
    return result;
}

/* The same for bfloat16. */
static inline float
cr_float_round_to_bfloat16(float value)
{
    uint32_t bits;
    float result;

    memcpy(&bits, &value, sizeof(bits));
    uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000;
    bits = (bits & 0x7fffffff) > 0x7f800000 ? bits : rounded;
    memcpy(&result, &bits, sizeof(result));
    return result;
}
