/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/peak.h"

#include <glib.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/* Enough chains to cover a latency of 5 cycles on 2 ports, few enough to stay in 16 registers. */
#define CHAINS 12
#define ROUNDS 500000
#define TRIES  50

/* Each loop runs ROUNDS × CHAINS vector operations and returns the lanes of one. The sum goes to
 * *sink, so that the compiler must do the work. */
typedef int (*Loop)(float *sink);

/* Factors that keep the sums finite and that the compiler cannot know. */
static volatile float factor = 0.5f, term = 1.0f;

typedef float Vector4 __attribute__((vector_size(16)));

/* A portable multiply and an add: what the C kernels can reach at best. */
static int
loop_portable(float *sink)
{
    Vector4 sum[CHAINS], a = {factor, factor, factor, factor}, b = {term, term, term, term};
    for (int i = 0; i < CHAINS; i++)
        sum[i] = b;
    for (int round = 0; round < ROUNDS; round++) {
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            sum[i] = sum[i] * a + b;
    }
    for (int i = 0; i < CHAINS; i++)
        *sink += sum[i][0];
    return 4;
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static int
loop_avx2(float *sink)
{
    __m256 sum[CHAINS], a = _mm256_set1_ps(factor), b = _mm256_set1_ps(term);
    for (int i = 0; i < CHAINS; i++)
        sum[i] = b;
    for (int round = 0; round < ROUNDS; round++) {
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            sum[i] = _mm256_fmadd_ps(sum[i], a, b);
    }
    for (int i = 0; i < CHAINS; i++)
        *sink += _mm256_cvtss_f32(sum[i]);
    return 8;
}

__attribute__((target("avx512f"))) static int
loop_avx512(float *sink)
{
    __m512 sum[CHAINS], a = _mm512_set1_ps(factor), b = _mm512_set1_ps(term);
    for (int i = 0; i < CHAINS; i++)
        sum[i] = b;
    for (int round = 0; round < ROUNDS; round++) {
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            sum[i] = _mm512_fmadd_ps(sum[i], a, b);
    }
    for (int i = 0; i < CHAINS; i++)
        *sink += _mm512_cvtss_f32(sum[i]);
    return 16;
}
#elif defined(__aarch64__)
static int
loop_neon(float *sink)
{
    float32x4_t sum[CHAINS], a = vdupq_n_f32(factor), b = vdupq_n_f32(term);
    for (int i = 0; i < CHAINS; i++)
        sum[i] = b;
    for (int round = 0; round < ROUNDS; round++) {
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            sum[i] = vfmaq_f32(sum[i], a, b);
    }
    for (int i = 0; i < CHAINS; i++)
        *sink += vgetq_lane_f32(sum[i], 0);
    return 4;
}
#endif

static Loop
choose_loop(const char *level)
{
#if defined(__x86_64__)
    if (strcmp(level, "avx512") == 0 || strcmp(level, "amx") == 0)
        return loop_avx512;
    if (strcmp(level, "avx2") == 0)
        return loop_avx2;
#elif defined(__aarch64__)
    if (strcmp(level, "neon") == 0)
        return loop_neon;
#endif
    return loop_portable;
}

double
cr_peak_measure(const char *level)
{
    Loop loop = choose_loop(level);
    static volatile float sink;
    double best = 0;
    for (int i = 0; i < TRIES; i++) {
        float sum = 0;
        gint64 start = g_get_monotonic_time();
        int lanes = loop(&sum);
        gint64 spent = MAX(g_get_monotonic_time() - start, 1);
        sink = sum;
        best = MAX(best, (double)lanes * CHAINS * ROUNDS / ((double)spent * 1e-6));
    }
    (void)sink;
    return best;
}
