/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sigmoid and tanh for bfloat16: within 1e-5 of the exact value, where a factor is rounded by up to
 * 4e-3 afterwards, and in less than half the time of those within 3 ULP. NaN stays NaN; saturation
 * is exact.
 *
 * tanh |x| is a cubic of |x| in each of 32 intervals around the multiples of 1/4, the minimax one
 * (5.1e-6), 1 from 7.625 on. 32 coefficients are two registers, from which an instruction picks. */
#include "core/attributes.h"
#include "kernels/x86/amx/amx.h"

#include <immintrin.h>

/* c0 + c1·x + c2·x² + c3·x³ */
#define INTERVALS(X)                                                                               \
    X(0, 1.00001299f, -0.000544608396f, -0.327780277f)                                             \
    X(-0.000352452713f, 1.00617516f, -0.0366142653f, -0.255263805f)                                \
    X(-0.00947747193f, 1.07620084f, -0.21862942f, -0.0948271975f)                                  \
    X(-0.0415751636f, 1.23067486f, -0.468078673f, 0.0403180346f)                                   \
    X(-0.0803213343f, 1.36637044f, -0.626976907f, 0.102521114f)                                    \
    X(-0.0848770142f, 1.38117218f, -0.642540157f, 0.107860334f)                                    \
    X(-0.0309730526f, 1.26489818f, -0.5588395f, 0.0877522007f)                                     \
    X(0.0752860382f, 1.06896567f, -0.438295364f, 0.0630073249f)                                    \
    X(0.21140568f, 0.85085535f, -0.321713626f, 0.0422207862f)                                      \
    X(0.354443163f, 0.648434937f, -0.226173237f, 0.0271808468f)                                    \
    X(0.488371074f, 0.478802949f, -0.15452224f, 0.017088009f)                                      \
    X(0.60477984f, 0.345395267f, -0.103540145f, 0.0105912769f)                                     \
    X(0.700921595f, 0.244800627f, -0.068444632f, 0.00650863117f)                                   \
    X(0.777453005f, 0.171138257f, -0.044804778f, 0.00397912133f)                                   \
    X(0.836710095f, 0.118333824f, -0.0291164201f, 0.00242508692f)                                  \
    X(0.881611586f, 0.0810857564f, -0.0188146811f, 0.00147518131f)                                 \
    X(0.91504854f, 0.0551406406f, -0.0121029122f, 0.000896324636f)                                 \
    X(0.939592302f, 0.0372523293f, -0.00775639061f, 0.000544231036f)                               \
    X(0.957389832f, 0.0250233784f, -0.00495511573f, 0.000330307346f)                               \
    X(0.970160365f, 0.0167236626f, -0.00315687014f, 0.000200420473f)                               \
    X(0.979239702f, 0.0111259837f, -0.00200636685f, 0.000121590216f)                               \
    X(0.985642195f, 0.00737151178f, -0.00127241062f, 7.37588853e-05f)                              \
    X(0.990124106f, 0.00486570504f, -0.00080537668f, 4.47409548e-05f)                              \
    X(0.993240893f, 0.00320068677f, -0.000508864236f, 2.71382087e-05f)                             \
    X(0.995395362f, 0.00209878432f, -0.000320996885f, 1.64606881e-05f)                             \
    X(0.996876538f, 0.00137222104f, -0.000202186187f, 9.98410724e-06f)                             \
    X(0.997889698f, 0.000894755474f, -0.000127175328f, 6.0557395e-06f)                             \
    X(0.998579443f, 0.000581957109f, -7.98910332e-05f, 3.673018e-06f)                              \
    X(0.999047101f, 0.000377622258f, -5.01274262e-05f, 2.22780795e-06f)                            \
    X(0.999362826f, 0.000244495372f, -3.14173303e-05f, 1.35123753e-06f)                            \
    X(0.999575257f, 0.00015797565f, -1.96702822e-05f, 8.19568356e-07f)                             \
    X(1, 0, 0, 0)

#define C0(c0, c1, c2, c3) c0,
#define C1(c0, c1, c2, c3) c1,
#define C2(c0, c1, c2, c3) c2,
#define C3(c0, c1, c2, c3) c3,
/* of tanh(x / 2) / 2 */
#define HALF_0(c0, c1, c2, c3) c0 / 2.0f,
#define HALF_1(c0, c1, c2, c3) c1 / 4.0f,
#define HALF_2(c0, c1, c2, c3) c2 / 8.0f,
#define HALF_3(c0, c1, c2, c3) c3 / 16.0f,

typedef struct {
    float limit; /* beyond, the last interval holds */
    float grid;  /* added, it rounds to multiples of the intervals' width, and leaves the interval's
                    number in the lowest bits */
    float c[4][32];
} Odd;

static const Odd tanh_x = {
    7.75f, 0x3p20f, {{INTERVALS(C0)}, {INTERVALS(C1)}, {INTERVALS(C2)}, {INTERVALS(C3)}}};
static const Odd half_tanh_half_x = {
    15.5f,
    0x3p21f,
    {{INTERVALS(HALF_0)}, {INTERVALS(HALF_1)}, {INTERVALS(HALF_2)}, {INTERVALS(HALF_3)}}};

CR_INLINE __m512
pick(const Odd *f, int k, __m512i interval)
{
    return _mm512_permutex2var_ps(_mm512_loadu_ps(f->c[k]), interval,
                                  _mm512_loadu_ps(f->c[k] + 16));
}

/* An odd function of x; a NaN passes, as it is the second operand of the minimum. */
CR_INLINE __m512
odd(const Odd *f, __m512 x)
{
    const __m512 sign = _mm512_set1_ps(-0.0f);
    const __m512 a = _mm512_min_ps(_mm512_set1_ps(f->limit), _mm512_andnot_ps(sign, x));
    const __m512i i = _mm512_castps_si512(_mm512_add_ps(a, _mm512_set1_ps(f->grid)));
    __m512 y = _mm512_fmadd_ps(pick(f, 3, i), a, pick(f, 2, i));

    y = _mm512_fmadd_ps(y, a, pick(f, 1, i));
    y = _mm512_fmadd_ps(y, a, pick(f, 0, i));
    return _mm512_or_ps(y, _mm512_and_ps(sign, x));
}

CR_INLINE __m512
sigmoid(__m512 x)
{
    return _mm512_add_ps(_mm512_set1_ps(0.5f), odd(&half_tanh_half_x, x));
}

CR_INLINE __m512
tanh_of(__m512 x)
{
    return odd(&tanh_x, x);
}

CR_INLINE __m512
then(__m512 f, __mmask16 some, const float *y, const float *z)
{
    if (y)
        f = _mm512_mul_ps(f, _mm512_maskz_loadu_ps(some, y));
    return z ? _mm512_add_ps(f, _mm512_maskz_loadu_ps(some, z)) : f;
}

CR_INLINE void
run(__m512 (*f)(__m512), float *dst, const float *x, const float *y, const float *z, size_t n)
{
    size_t i = 0;

#define STEP(i, some)                                                                              \
    _mm512_mask_storeu_ps(dst + (i), some,                                                         \
                          then(f(_mm512_maskz_loadu_ps(some, x + (i))), some, y ? y + (i) : NULL,  \
                               z ? z + (i) : NULL))

    for (; n - i >= 64; i += 64) {
        CR_UNROLL
        for (size_t k = 0; k < 64; k += 16)
            STEP(i + k, 0xffff);
    }
    for (; n - i >= 16; i += 16)
        STEP(i, 0xffff);
    if (n > i)
        STEP(i, (__mmask16)((1u << (n - i)) - 1));
}

#define UNARY(name, function)                                                                      \
    void cr_amx_##name(float *dst, const float *x, size_t n, float a, float b)                     \
    {                                                                                              \
        (void)a;                                                                                   \
        (void)b;                                                                                   \
        run(function, dst, x, NULL, NULL, n);                                                      \
    }                                                                                              \
    void cr_amx_##name##_mul(float *dst, const float *x, const float *y, const float *z, size_t n, \
                             float a, float b)                                                     \
    {                                                                                              \
        (void)a;                                                                                   \
        (void)b;                                                                                   \
        if (z)                                                                                     \
            run(function, dst, x, y, z, n);                                                        \
        else                                                                                       \
            run(function, dst, x, y, NULL, n);                                                     \
    }

UNARY(sigmoid, sigmoid)
UNARY(tanh, tanh_of)
