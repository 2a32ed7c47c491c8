/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a plan has packed of its weights: steps that have the same, such as those of an unrolled
 * cell, share it. */
#pragma once

#include <glib.h>
#include <stddef.h>

/* What the packed form depends on: bytes that say how it is packed, without gaps that may hold
 * anything, and the weights themselves, wherever they lie. */
typedef struct {
    const void *how;
    size_t how_size;
    const void *weights;
    size_t size;
} CrPackedKey;

GHashTable *cr_packed_new(void);
/* NULL when it has not been packed yet, or when packed is NULL. */
const void *cr_packed_find(GHashTable *packed, const CrPackedKey *key);
/* Copies key->how; weights and value live as long as the table. packed may be NULL. */
void cr_packed_add(GHashTable *packed, const CrPackedKey *key, const void *value);
