/* SPDX-License-Identifier: LGPL-2.1-or-later */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include "core/pool.h"
#include "core/float_env.h"
#include <stdatomic.h>
#include <stdbool.h>
#ifdef __linux__
#include <sched.h>
#endif

#define MAX_THREADS 64
/* How often to look before giving the processor away: about 50 µs. */
#define SPINS 1000

struct CrPool {
    /* tiles of the current job: n_tiles << 32 | next tile. One fetch_add both takes a tile and
     * tells how many there are, so that a helper that comes late can never mix two jobs. */
    _Atomic uint64_t ticket;
    _Atomic int done; /* tiles finished */
    CrTileFn fn;      /* of the current job; stable while a tile of it is not done */
    void *data;

    _Atomic unsigned active; /* helpers below this index take part; 0 between frames */
    _Atomic bool busy;       /* a session is between begin and end */

    GMutex lock; /* the rest */
    GCond wake;
    bool quit;
    unsigned n_helpers;
    GThread *helper[MAX_THREADS];
};

static GMutex pool_lock;
static CrPool *the_pool;
static unsigned pool_users;

static inline void
relax(unsigned *spins)
{
    if (++*spins % SPINS == 0) {
        g_thread_yield();
        return;
    }
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Takes and runs one tile; false when none is left. */
static bool
run_one(CrPool *pool, int worker)
{
    uint64_t ticket = atomic_load_explicit(&pool->ticket, memory_order_relaxed);
    if ((uint32_t)ticket >= ticket >> 32)
        return false;
    ticket = atomic_fetch_add_explicit(&pool->ticket, 1, memory_order_acquire);
    if ((uint32_t)ticket >= ticket >> 32)
        return false;
    pool->fn(pool->data, (int)(uint32_t)ticket, worker);
    atomic_fetch_add_explicit(&pool->done, 1, memory_order_release);
    return true;
}

typedef struct {
    CrPool *pool;
    unsigned index; /* 1 … */
} Helper;

static gpointer
helper_main(gpointer data)
{
    Helper helper = *(Helper *)data;
    CrPool *pool = helper.pool;

    g_free(data);
    cr_float_env_enter(); /* this thread computes for us alone */
    for (;;) {
        g_mutex_lock(&pool->lock);
        while (!pool->quit && atomic_load(&pool->active) <= helper.index)
            g_cond_wait(&pool->wake, &pool->lock);
        bool quit = pool->quit;
        g_mutex_unlock(&pool->lock);
        if (quit)
            return NULL;

        unsigned spins = 0;
        while (atomic_load_explicit(&pool->active, memory_order_acquire) > helper.index) {
            if (run_one(pool, (int)helper.index))
                spins = 0;
            else
                relax(&spins);
        }
    }
}

unsigned
cr_pool_count_processors(void)
{
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return CLAMP((unsigned)CPU_COUNT(&set), 1, MAX_THREADS);
#endif
    return CLAMP(g_get_num_processors(), 1, MAX_THREADS);
}

CrPool *
cr_pool_ref(unsigned threads)
{
    g_mutex_lock(&pool_lock);
    if (!the_pool) {
        the_pool = g_new0(CrPool, 1);
        g_mutex_init(&the_pool->lock);
        g_cond_init(&the_pool->wake);
    }
    pool_users++;
    CrPool *pool = the_pool;
    while (pool->n_helpers + 1 < MIN(threads, MAX_THREADS)) {
        Helper *helper = g_new(Helper, 1);
        *helper = (Helper){pool, pool->n_helpers + 1};
        GThread *thread = g_thread_try_new("convrnn", helper_main, helper, NULL);
        if (!thread) {
            g_free(helper);
            break;
        }
        pool->helper[pool->n_helpers++] = thread;
    }
    g_mutex_unlock(&pool_lock);
    return pool;
}

void
cr_pool_unref(CrPool *pool)
{
    if (!pool)
        return;
    g_mutex_lock(&pool_lock);
    if (--pool_users > 0) {
        g_mutex_unlock(&pool_lock);
        return;
    }
    g_mutex_lock(&pool->lock);
    pool->quit = true;
    g_cond_broadcast(&pool->wake);
    g_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->n_helpers; i++)
        g_thread_join(pool->helper[i]);
    g_cond_clear(&pool->wake);
    g_mutex_clear(&pool->lock);
    g_free(pool);
    the_pool = NULL;
    g_mutex_unlock(&pool_lock);
}

unsigned
cr_pool_begin(CrPool *pool, unsigned threads)
{
    bool idle = false;

    if (threads < 2 || !atomic_compare_exchange_strong(&pool->busy, &idle, true))
        return 1;
    g_mutex_lock(&pool->lock);
    atomic_store(&pool->active, threads);
    g_cond_broadcast(&pool->wake);
    g_mutex_unlock(&pool->lock);
    return threads;
}

void
cr_pool_run(CrPool *pool, unsigned participants, CrTileFn fn, void *data, int n_tiles)
{
    if (participants < 2 || n_tiles < 2) {
        for (int tile = 0; tile < n_tiles; tile++)
            fn(data, tile, 0);
        return;
    }
    pool->fn = fn;
    pool->data = data;
    atomic_store_explicit(&pool->done, 0, memory_order_relaxed);
    atomic_store_explicit(&pool->ticket, (uint64_t)n_tiles << 32, memory_order_release);
    while (run_one(pool, 0))
        ;
    unsigned spins = 0;
    while (atomic_load_explicit(&pool->done, memory_order_acquire) < n_tiles)
        relax(&spins);
}

void
cr_pool_end(CrPool *pool, unsigned participants)
{
    if (participants < 2)
        return;
    atomic_store_explicit(&pool->active, 0, memory_order_release);
    atomic_store(&pool->busy, false);
}
