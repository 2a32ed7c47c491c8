/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* With AVX512_VNNI, 64 products of 8-bit numbers and the sums of each four are one instruction, and
 * weights are its unsigned factor as they come from memory. Each number of the input is two factors
 * with a sign, 256 · high + low; what the 128 added to the weights have brought in is taken away at
 * the end, 128 times the run's sum. So sums are the whole numbers that they are everywhere. */
#include "kernels/x86/avx512/vec.h"

#include "kernels/vector/int8_run.inc.h"
#include "kernels/x86/amx/amx.h"

#include <string.h>

/* Parts of q, n rounded up to a multiple of 16; returns 128 times the sum of q. */
CR_INLINE __m512i
split_run(int8_t *high, int8_t *low, const int16_t *q, int n)
{
    __m256i sum = _mm256_setzero_si256();

    for (int i = 0; i < n; i += 16) {
        const __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)(q + i));
        const __m256i up = _mm256_srai_epi16(_mm256_add_epi16(a, _mm256_set1_epi16(128)), 8);
        _mm_storeu_si128((__m128i *)(void *)(high + i), _mm256_cvtepi16_epi8(up));
        _mm_storeu_si128((__m128i *)(void *)(low + i), _mm256_cvtepi16_epi8(a));
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(a, _mm256_set1_epi16(128)));
    }
    return _mm512_set1_epi32(_mm512_reduce_add_epi32(_mm512_zextsi256_si512(sum)));
}

CR_INLINE __m512i
four(const int8_t *p)
{
    int bits;
    memcpy(&bits, p, sizeof bits);
    return _mm512_set1_epi32(bits);
}

void
cr_amx_gemv_int8_panel(float *y, const int8_t *w, const float *scale, const float *bias,
                       const float *x, int k)
{
    int16_t q[CR_INT8_RUN + V_LANES];
    int8_t high[CR_INT8_RUN], low[CR_INT8_RUN];
    Vec sum[4];

    CR_UNROLL
    for (int j = 0; j < 4; j++)
        sum[j] = v_zero();
    for (int begin = 0; begin < k; begin += CR_INT8_RUN) {
        const int n = k - begin < CR_INT8_RUN ? k - begin : CR_INT8_RUN;
        const Vec step = v_set1(round_run(q, x + begin, n));
        const __m512i more = split_run(high, low, q, n);
        __m512i of_high[4], of_low[4];

        CR_UNROLL
        for (int j = 0; j < 4; j++)
            of_high[j] = of_low[j] = _mm512_setzero_si512();
        for (int i = 0; i < n; i += 4, w += 16 * V_LANES) {
            const __m512i up = four(high + i), down = four(low + i);
            CR_UNROLL
            for (int j = 0; j < 4; j++) {
                const __m512i weights = _mm512_loadu_si512(w + 4 * j * V_LANES);
                of_high[j] = _mm512_dpbusd_epi32(of_high[j], weights, up);
                of_low[j] = _mm512_dpbusd_epi32(of_low[j], weights, down);
            }
        }
        CR_UNROLL
        for (int j = 0; j < 4; j++) {
            const __m512i both = _mm512_add_epi32(_mm512_slli_epi32(of_high[j], 8), of_low[j]);
            sum[j] = v_fma(step, v_from_int(_mm512_sub_epi32(both, more)), sum[j]);
        }
    }
    CR_UNROLL
    for (int j = 0; j < 4; j++)
        v_store(y + j * V_LANES,
                v_fma(sum[j], v_load(scale + j * V_LANES), v_load(bias + j * V_LANES)));
}
