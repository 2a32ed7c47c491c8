/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two hops instead of a function for each of the pairs: source → wide → destination, where wide is
 * int64, uint64 or double, whichever holds every value of the source type. */
#include "ops/convert.h"
#include "core/half.h"
#include "ops/types.h"
#include <glib.h>
#include <string.h>

typedef enum { WIDE_SIGNED, WIDE_UNSIGNED, WIDE_FLOAT, N_WIDE } Wide;

enum { BY_WIDE, BY_COPY, BY_UINT8_TO_FLOAT };

#define CHUNK 256

#define LOAD(NAME, T, W, VALUE)                                                                    \
    static void load_##NAME(void *wide, const void *src, ptrdiff_t step, size_t n)                 \
    {                                                                                              \
        const T *s = src;                                                                          \
        W *w = wide;                                                                               \
        for (size_t i = 0; i < n; i++, s += step)                                                  \
            w[i] = VALUE(*s);                                                                      \
    }
#define TRUTH(x) ((x) != 0)
CR_FLOAT_TYPES(LOAD, double, (double))
CR_SIGNED_TYPES(LOAD, int64_t, (int64_t))
CR_UNSIGNED_TYPES(LOAD, uint64_t, (uint64_t))
LOAD(BOOL, uint8_t, uint64_t, TRUTH)
LOAD(FLOAT16, uint16_t, double, cr_half_to_double)

/* Numbers up to 2^63 (2^64): the bound itself is the first that does not fit. */
static int64_t
saturate(double x, double low, double high)
{
    if (x != x)
        return 0;
    if (x < low)
        return (int64_t)low;
    if (x >= high)
        return high >= 0x1p63 ? INT64_MAX : (int64_t)high - 1;
    return (int64_t)x;
}

static uint64_t
saturate_uint64(double x)
{
    if (!(x > 0))
        return 0;
    return x >= 0x1p64 ? UINT64_MAX : (uint64_t)x;
}

#define TO_INT8(x)   saturate(x, -0x1p7, 0x1p7)
#define TO_INT16(x)  saturate(x, -0x1p15, 0x1p15)
#define TO_INT32(x)  saturate(x, -0x1p31, 0x1p31)
#define TO_INT64(x)  saturate(x, -0x1p63, 0x1p63)
#define TO_UINT8(x)  saturate(x, 0, 0x1p8)
#define TO_UINT16(x) saturate(x, 0, 0x1p16)
#define TO_UINT32(x) saturate(x, 0, 0x1p32)
#define TO_UINT64(x) saturate_uint64(x)

#define STORE(NAME, T, WIDE, W, VALUE)                                                             \
    static void store_##NAME##_##WIDE(void *dst, const void *wide, size_t n)                       \
    {                                                                                              \
        const W *w = wide;                                                                         \
        T *d = dst;                                                                                \
        for (size_t i = 0; i < n; i++)                                                             \
            d[i] = (T)VALUE(w[i]);                                                                 \
    }
#define STORE_SATURATED(NAME, T, W) STORE(NAME, T, FLOAT, W, TO_##NAME)
#define STORE_ALL(NAME, T, VALUE)                                                                  \
    STORE(NAME, T, SIGNED, int64_t, VALUE)                                                         \
    STORE(NAME, T, UNSIGNED, uint64_t, VALUE)                                                      \
    STORE(NAME, T, FLOAT, double, VALUE)
CR_INT_TYPES(STORE, SIGNED, int64_t, )
CR_INT_TYPES(STORE, UNSIGNED, uint64_t, )
CR_INT_TYPES(STORE_SATURATED, double)
CR_FLOAT_TYPES(STORE_ALL, )
STORE_ALL(BOOL, uint8_t, TRUTH)
STORE_ALL(FLOAT16, uint16_t, cr_half_from_double)

typedef struct {
    Wide wide;
    void (*load)(void *wide, const void *src, ptrdiff_t step, size_t n);
    void (*store[N_WIDE])(void *dst, const void *wide, size_t n);
} Type;

#define TYPE(NAME, T, WIDE)                                                                        \
    [CONVRNN_DTYPE_##                                                                              \
        NAME] = {WIDE,                                                                             \
                 load_##NAME,                                                                      \
                 {store_##NAME##_SIGNED, store_##NAME##_UNSIGNED, store_##NAME##_FLOAT}},

/* clang-format off */
static const Type types[CR_N_DTYPES] = {
    CR_FLOAT_TYPES(TYPE, WIDE_FLOAT)
    CR_SIGNED_TYPES(TYPE, WIDE_SIGNED)
    CR_UNSIGNED_TYPES(TYPE, WIDE_UNSIGNED)
    TYPE(BOOL, uint8_t, WIDE_UNSIGNED)
    TYPE(FLOAT16, uint16_t, WIDE_FLOAT)
};
/* clang-format on */

bool
cr_convert_init(CrConvert *convert, ConvRnnDType from, ConvRnnDType to)
{
    convert->src_size = convrnn_dtype_get_size(from);
    convert->dst_size = convrnn_dtype_get_size(to);
    if (convert->src_size == 0 || convert->dst_size == 0)
        return false;
    convert->load = types[from].load;
    convert->store = types[to].store[types[from].wide];
    convert->direct = BY_WIDE;
    if (from == to && from != CONVRNN_DTYPE_BOOL)
        convert->direct = BY_COPY;
    else if (from == CONVRNN_DTYPE_UINT8 && to == CONVRNN_DTYPE_FLOAT32)
        convert->direct = BY_UINT8_TO_FLOAT;
    return true;
}

void
cr_convert_run(const CrConvert *convert, void *dst, const void *src, ptrdiff_t step, size_t n)
{
    union {
        int64_t i;
        uint64_t u;
        double d;
    } wide[CHUNK];

    if (convert->direct == BY_COPY && step == 1) {
        memcpy(dst, src, n * convert->src_size);
        return;
    }
    if (convert->direct == BY_UINT8_TO_FLOAT && step == 1) {
        for (size_t i = 0; i < n; i++)
            ((float *)dst)[i] = ((const uint8_t *)src)[i];
        return;
    }
    for (size_t done = 0; done < n; done += CHUNK) {
        size_t now = MIN(n - done, CHUNK);
        const char *from =
            (const char *)src + (ptrdiff_t)done * step * (ptrdiff_t)convert->src_size;
        convert->load(wide, from, step, now);
        convert->store((char *)dst + done * convert->dst_size, wide, now);
    }
}
