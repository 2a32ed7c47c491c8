/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Matrix-vector products are as fast as memory delivers the weights, and these are half as many
 * bytes: bfloat16 is widened to float32, which it is the upper half of, and multiplied there. */
#include "kernels/x86/amx/amx.h"

#include <immintrin.h>

static inline __m512
widen(__m256i bf16)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bf16), 16));
}

void
cr_amx_gemv_panel(float *y, const uint16_t *w, const float *bias, const float *x, int k)
{
    __m512 acc[4];

    for (int j = 0; j < 4; j++)
        acc[j] = _mm512_loadu_ps(bias + 16 * j);
    for (int i = 0; i < k; i++, w += 64) {
        const __m512 in = _mm512_set1_ps(x[i]);
        for (int j = 0; j < 4; j++) {
            __m256i weights = _mm256_loadu_si256((const __m256i *)(const void *)(w + 16 * j));
            acc[j] = _mm512_fmadd_ps(in, widen(weights), acc[j]);
        }
    }
    for (int j = 0; j < 4; j++)
        _mm512_storeu_ps(y + 16 * j, acc[j]);
}
