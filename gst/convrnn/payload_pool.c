/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "payload_pool.h"

#define ALIGNMENT 64

typedef struct _Block Block;
struct _Block {
    CrPayloadPool *pool;
    Block *next; /* in the list of free ones */
    guint8 *data;
    guint8 memory[]; /* size + ALIGNMENT bytes */
};

struct _CrPayloadPool {
    gatomicrefcount ref_count; /* the owner's, and one for each block in a reader's hands */
    GMutex lock;               /* of `free` */
    gsize size;
    Block *free;
};

CrPayloadPool *
cr_payload_pool_new(gsize size)
{
    CrPayloadPool *pool = g_new0(CrPayloadPool, 1);

    g_atomic_ref_count_init(&pool->ref_count);
    g_mutex_init(&pool->lock);
    pool->size = size;
    return pool;
}

void
cr_payload_pool_release(CrPayloadPool *pool)
{
    if (pool == NULL || !g_atomic_ref_count_dec(&pool->ref_count))
        return;
    while (pool->free != NULL) {
        Block *block = pool->free;

        pool->free = block->next;
        g_free(block);
    }
    g_mutex_clear(&pool->lock);
    g_free(pool);
}

static void
give_back(gpointer data)
{
    Block *block = data;
    CrPayloadPool *pool = block->pool;

    g_mutex_lock(&pool->lock);
    block->next = pool->free;
    pool->free = block;
    g_mutex_unlock(&pool->lock);
    cr_payload_pool_release(pool);
}

static Block *
take_block(CrPayloadPool *pool)
{
    Block *block;

    g_mutex_lock(&pool->lock);
    block = pool->free;
    if (block != NULL)
        pool->free = block->next;
    g_mutex_unlock(&pool->lock);
    if (block != NULL)
        return block;

    if (pool->size > G_MAXSIZE - sizeof(Block) - ALIGNMENT ||
        (block = g_try_malloc(sizeof(Block) + pool->size + ALIGNMENT)) == NULL)
        return NULL;
    block->pool = pool;
    block->data =
        (guint8 *)(((guintptr)block->memory + ALIGNMENT - 1) & ~(guintptr)(ALIGNMENT - 1));
    return block;
}

GBytes *
cr_payload_pool_take(CrPayloadPool *pool, gpointer *data)
{
    Block *block = take_block(pool);

    if (block == NULL)
        return NULL;
    *data = block->data;
    g_atomic_ref_count_inc(&pool->ref_count);
    return g_bytes_new_with_free_func(block->data, pool->size, give_back, block);
}
