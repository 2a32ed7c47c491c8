/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/packed.h"
#include <string.h>

#define SAMPLE 64 /* bytes of the weights that tell most of them apart */

typedef struct {
    CrPackedKey key;
    const void *value;
} Entry;

static guint
hash_bytes(guint hash, const void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        hash = hash * 31 + ((const guint8 *)data)[i];
    return hash;
}

static guint
hash_entry(gconstpointer data)
{
    const CrPackedKey *key = &((const Entry *)data)->key;
    guint hash = hash_bytes((guint)key->size, key->how, key->how_size);
    return hash_bytes(hash, key->weights, MIN(key->size, SAMPLE));
}

static gboolean
same_entry(gconstpointer a, gconstpointer b)
{
    const CrPackedKey *x = &((const Entry *)a)->key, *y = &((const Entry *)b)->key;
    return x->how_size == y->how_size && x->size == y->size &&
           memcmp(x->how, y->how, x->how_size) == 0 &&
           (x->weights == y->weights || memcmp(x->weights, y->weights, x->size) == 0);
}

static void
entry_free(gpointer data)
{
    g_free((gpointer)((Entry *)data)->key.how);
    g_free(data);
}

GHashTable *
cr_packed_new(void)
{
    return g_hash_table_new_full(hash_entry, same_entry, entry_free, NULL);
}

const void *
cr_packed_find(GHashTable *packed, const CrPackedKey *key)
{
    const Entry wanted = {.key = *key};
    const Entry *found = packed ? g_hash_table_lookup(packed, &wanted) : NULL;
    return found ? found->value : NULL;
}

void
cr_packed_add(GHashTable *packed, const CrPackedKey *key, const void *value)
{
    if (!packed)
        return;
    Entry *entry = g_new(Entry, 1);
    *entry = (Entry){*key, value};
    entry->key.how = g_memdup2(key->how, key->how_size);
    g_hash_table_add(packed, entry);
}
