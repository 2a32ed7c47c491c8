/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Payload memory: used again, aligned, and valid after the pool's owner is gone. */
#include "payload_pool.h"
#include <string.h>

#define SIZE 1000

static GBytes *
filled(CrPayloadPool *pool, guint8 value)
{
    gpointer data;
    GBytes *bytes = cr_payload_pool_take(pool, &data);

    memset(data, value, SIZE);
    return bytes;
}

static void
check_filled(GBytes *bytes, guint8 value)
{
    const guint8 *data = g_bytes_get_data(bytes, NULL);

    g_assert_cmpuint(g_bytes_get_size(bytes), ==, SIZE);
    g_assert_cmpuint((guintptr)data % 64, ==, 0);
    for (int i = 0; i < SIZE; i++)
        g_assert_cmpuint(data[i], ==, value);
}

static void
check_reuse(void)
{
    CrPayloadPool *pool = cr_payload_pool_new(SIZE);
    GBytes *a = filled(pool, 1), *b = filled(pool, 2), *c;
    gconstpointer address = g_bytes_get_data(a, NULL);

    check_filled(a, 1);
    check_filled(b, 2);
    g_bytes_unref(a);
    c = filled(pool, 3);
    g_assert_true(g_bytes_get_data(c, NULL) == address);
    check_filled(b, 2);
    check_filled(c, 3);
    g_bytes_unref(b);
    g_bytes_unref(c);
    cr_payload_pool_release(pool);
}

static void
check_outlives_owner(void)
{
    CrPayloadPool *pool = cr_payload_pool_new(SIZE);
    GBytes *a = filled(pool, 1), *b = filled(pool, 2);

    g_bytes_unref(a);
    cr_payload_pool_release(pool);
    check_filled(b, 2);
    g_bytes_unref(b);
    cr_payload_pool_release(NULL);
}

static gpointer
let_go(gpointer queue)
{
    GBytes *bytes;

    while (g_bytes_get_size(bytes = g_async_queue_pop(queue)) > 0) {
        check_filled(bytes, *(const guint8 *)g_bytes_get_data(bytes, NULL));
        g_bytes_unref(bytes);
    }
    g_bytes_unref(bytes);
    return NULL;
}

/* Readers in other threads let go of payloads while new ones are made. */
static void
check_threads(void)
{
    CrPayloadPool *pool = cr_payload_pool_new(SIZE);
    GAsyncQueue *queue = g_async_queue_new();
    GThread *readers[2];

    for (int i = 0; i < 2; i++)
        readers[i] = g_thread_new("reader", let_go, queue);
    for (int i = 0; i < 2000; i++)
        g_async_queue_push(queue, filled(pool, (guint8)i));
    for (int i = 0; i < 2; i++)
        g_async_queue_push(queue, g_bytes_new(NULL, 0));
    cr_payload_pool_release(pool);
    for (int i = 0; i < 2; i++)
        g_thread_join(readers[i]);
    g_async_queue_unref(queue);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/payload-pool/reuse", check_reuse);
    g_test_add_func("/payload-pool/outlives-owner", check_outlives_owner);
    g_test_add_func("/payload-pool/threads", check_threads);
    return g_test_run();
}
