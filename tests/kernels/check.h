/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel tests share: random shapes and data, guarded buffers, comparisons. */
#pragma once

#include "kernels/kernels.h"
#include <glib.h>

/* A kernel's test: `data` is the const CrKernels under test. */
typedef struct {
    const char *name;
    GTestDataFunc run;
} CheckTest;

/* Each family's tests; the list ends with a NULL name. */
extern const CheckTest check_conv_tests[];
extern const CheckTest check_conv_plane_tests[];
extern const CheckTest check_depthwise_tests[];
extern const CheckTest check_elementwise_tests[];
extern const CheckTest check_int8_tests[];
extern const CheckTest check_layout_tests[];
extern const CheckTest check_pool_tests[];
extern const CheckTest check_vector_tests[];
extern const CheckTest check_winograd_tests[];
/* Those of portable code, which run once. */
extern const CheckTest check_cpu_tests[];
extern const CheckTest check_gemm_tests[];
extern const CheckTest check_pack_tests[];

/* Adds the tests of convolutions in bfloat16, or one that skips where there are none. */
void check_add_bf16(void);

/* Prints GFLOP/s of every kernel of every level. */
void check_bench(void);

/* How many random shapes a test tries: CONVRNN_TEST_SHAPES, or 1000. */
int check_shapes(void);

/* from ≤ result ≤ to */
int check_pick(int from, int to);

typedef enum {
    CHECK_INTEGERS, /* -3 … 3: sums are exact, so results must be equal */
    CHECK_FLOATS,   /* -1 … 1 */
    CHECK_SPECIALS, /* floats, with ±0, ±Inf and NaN among them */
} CheckData;

/* Floats between guards that a write outside would change. The floats start as NaN, so that what a
 * kernel must not read shows up in its results. */
typedef struct {
    float *data; /* `shift` floats past a 64-byte boundary */
    size_t n;
    void *memory;
} CheckBuffer;

CheckBuffer check_buffer(size_t n, int shift);
/* Fails the test when a guard has changed. */
void check_buffer_free(CheckBuffer *buffer);

void check_fill(float *data, size_t n, CheckData kind);
/* dst = |src|, NaN stays NaN */
void check_absolute(float *dst, const float *src, size_t n);

/* Bit-equal but for the payload of a NaN. */
void check_equal(const float *found, const float *expected, size_t n, const char *what);
/* |found - expected| ≤ bound[i] · factor */
void check_near(const float *found, const float *expected, const float *bound, float factor,
                size_t n, const char *what);
