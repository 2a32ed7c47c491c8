/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SipHash-1-3, after Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012). */
#include "model/name_hash.h"
#include <stdint.h>
#include <string.h>

static uint64_t
rotate(uint64_t v, int n)
{
    return v << n | v >> (64 - n);
}

static void
sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32) + v[3];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

static const uint64_t *
get_key(void)
{
    static gsize ready;
    static uint64_t key[2];

    if (g_once_init_enter(&ready)) {
        for (int i = 0; i < 2; i++)
            key[i] = (uint64_t)g_random_int() << 32 | g_random_int();
        g_once_init_leave(&ready, 1);
    }
    return key;
}

guint
cr_name_hash(gconstpointer name)
{
    const char *text = name;
    const uint64_t *key = get_key();
    size_t length = strlen(text), left = length;
    uint64_t v[4] = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
                     key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573};
    uint64_t word;

    for (; left >= 8; left -= 8, text += 8) {
        memcpy(&word, text, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    word = 0;
    memcpy(&word, text, left);
    word |= (uint64_t)length << 56;
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    return (guint)(v[0] ^ v[1] ^ v[2] ^ v[3]);
}
