/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The element types as lists, so that a function is written once for all of them:
 * LIST(X, …) gives X(NAME, c_type, …) for each, with NAME as in CONVRNN_DTYPE_NAME. */
#pragma once

#include <convrnn/tensor.h>
#include <stdint.h>

#define CR_FLOAT_TYPES(X, ...) X(FLOAT32, float, __VA_ARGS__) X(FLOAT64, double, __VA_ARGS__)

#define CR_SIGNED_TYPES(X, ...)                                                                    \
    X(INT8, int8_t, __VA_ARGS__)                                                                   \
    X(INT16, int16_t, __VA_ARGS__)                                                                 \
    X(INT32, int32_t, __VA_ARGS__)                                                                 \
    X(INT64, int64_t, __VA_ARGS__)

#define CR_UNSIGNED_TYPES(X, ...)                                                                  \
    X(UINT8, uint8_t, __VA_ARGS__)                                                                 \
    X(UINT16, uint16_t, __VA_ARGS__)                                                               \
    X(UINT32, uint32_t, __VA_ARGS__)                                                               \
    X(UINT64, uint64_t, __VA_ARGS__)

#define CR_INT_TYPES(X, ...)    CR_SIGNED_TYPES(X, __VA_ARGS__) CR_UNSIGNED_TYPES(X, __VA_ARGS__)
#define CR_NUMBER_TYPES(X, ...) CR_FLOAT_TYPES(X, __VA_ARGS__) CR_INT_TYPES(X, __VA_ARGS__)

/* Length of a table indexed by ConvRnnDType. */
#define CR_N_DTYPES (CONVRNN_DTYPE_UINT64 + 1)

/* The entry of a type's function, called op_NAME, in such a table. */
#define CR_TYPE_ENTRY(NAME, T, op) [CONVRNN_DTYPE_##NAME] = op##_##NAME,
