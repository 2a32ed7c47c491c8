/* SPDX-License-Identifier: LGPL-2.1-or-later */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include "core/workers.h"
#include "core/float_env.h"
#include <stdatomic.h>
#include <stdbool.h>
#ifdef __linux__
#include <sched.h>
#endif

#define MAX_THREADS 64
/* How often to look before giving the processor away: about 50 µs. */
#define SPINS 1000
/* How often a helper looks for the next step before it goes to sleep: about 100 µs. Waking takes
 * as long, so a stream of short steps that follow each other does not pay for it in each; at 30
 * steps a second it is 0.3 % of a processor. */
#define LINGER (2 * SPINS)

struct CrWorkers {
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
    unsigned n_asleep;
    unsigned n_helpers;
    GThread *helper[MAX_THREADS];
};

static GMutex workers_lock;
static CrWorkers *the_workers;
static unsigned workers_users;

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
run_one(CrWorkers *workers, int worker)
{
    uint64_t ticket = atomic_load_explicit(&workers->ticket, memory_order_relaxed);
    if ((uint32_t)ticket >= ticket >> 32)
        return false;
    ticket = atomic_fetch_add_explicit(&workers->ticket, 1, memory_order_acquire);
    if ((uint32_t)ticket >= ticket >> 32)
        return false;
    workers->fn(workers->data, (int)(uint32_t)ticket, worker);
    atomic_fetch_add_explicit(&workers->done, 1, memory_order_release);
    return true;
}

typedef struct {
    CrWorkers *workers;
    unsigned index; /* 1 … */
} Helper;

static inline bool
is_wanted(const CrWorkers *workers, unsigned index)
{
    return atomic_load_explicit(&workers->active, memory_order_acquire) > index;
}

/* False: there is nothing more to do, ever. */
static bool
sleep_until_wanted(CrWorkers *workers, unsigned index)
{
    g_mutex_lock(&workers->lock);
    workers->n_asleep++;
    while (!workers->quit && !is_wanted(workers, index))
        g_cond_wait(&workers->wake, &workers->lock);
    workers->n_asleep--;
    bool quit = workers->quit;
    g_mutex_unlock(&workers->lock);
    return !quit;
}

static gpointer
helper_main(gpointer data)
{
    Helper helper = *(Helper *)data;
    CrWorkers *workers = helper.workers;

    g_free(data);
    cr_float_env_enter(); /* this thread computes for us alone */
    while (sleep_until_wanted(workers, helper.index)) {
        unsigned spins = 0, lingers = 0;
        while (lingers < LINGER) {
            bool wanted = is_wanted(workers, helper.index);
            lingers = wanted ? 0 : lingers + 1;
            if (wanted && run_one(workers, (int)helper.index))
                spins = 0;
            else
                relax(&spins);
        }
    }
    return NULL;
}

unsigned
cr_workers_count_processors(void)
{
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return CLAMP((unsigned)CPU_COUNT(&set), 1, MAX_THREADS);
#endif
    return CLAMP(g_get_num_processors(), 1, MAX_THREADS);
}

CrWorkers *
cr_workers_ref(unsigned threads)
{
    g_mutex_lock(&workers_lock);
    if (!the_workers) {
        the_workers = g_new0(CrWorkers, 1);
        g_mutex_init(&the_workers->lock);
        g_cond_init(&the_workers->wake);
    }
    workers_users++;
    CrWorkers *workers = the_workers;
    while (workers->n_helpers + 1 < MIN(threads, MAX_THREADS)) {
        Helper *helper = g_new(Helper, 1);
        *helper = (Helper){workers, workers->n_helpers + 1};
        GThread *thread = g_thread_try_new("convrnn", helper_main, helper, NULL);
        if (!thread) {
            g_free(helper);
            break;
        }
        workers->helper[workers->n_helpers++] = thread;
    }
    g_mutex_unlock(&workers_lock);
    return workers;
}

void
cr_workers_unref(CrWorkers *workers)
{
    if (!workers)
        return;
    g_mutex_lock(&workers_lock);
    if (--workers_users > 0) {
        g_mutex_unlock(&workers_lock);
        return;
    }
    g_mutex_lock(&workers->lock);
    workers->quit = true;
    g_cond_broadcast(&workers->wake);
    g_mutex_unlock(&workers->lock);
    for (unsigned i = 0; i < workers->n_helpers; i++)
        g_thread_join(workers->helper[i]);
    g_cond_clear(&workers->wake);
    g_mutex_clear(&workers->lock);
    g_free(workers);
    the_workers = NULL;
    g_mutex_unlock(&workers_lock);
}

unsigned
cr_workers_begin(CrWorkers *workers, unsigned threads)
{
    bool idle = false;

    if (threads < 2 || !atomic_compare_exchange_strong(&workers->busy, &idle, true))
        return 1;
    g_mutex_lock(&workers->lock);
    atomic_store(&workers->active, threads);
    if (workers->n_asleep > 0)
        g_cond_broadcast(&workers->wake);
    g_mutex_unlock(&workers->lock);
    return threads;
}

void
cr_workers_run(CrWorkers *workers, unsigned participants, CrTileFn fn, void *data, int n_tiles)
{
    if (participants < 2 || n_tiles < 2) {
        for (int tile = 0; tile < n_tiles; tile++)
            fn(data, tile, 0);
        return;
    }
    workers->fn = fn;
    workers->data = data;
    atomic_store_explicit(&workers->done, 0, memory_order_relaxed);
    atomic_store_explicit(&workers->ticket, (uint64_t)n_tiles << 32, memory_order_release);
    while (run_one(workers, 0))
        ;
    unsigned spins = 0;
    while (atomic_load_explicit(&workers->done, memory_order_acquire) < n_tiles)
        relax(&spins);
}

void
cr_workers_end(CrWorkers *workers, unsigned participants)
{
    if (participants < 2)
        return;
    atomic_store_explicit(&workers->active, 0, memory_order_release);
    atomic_store(&workers->busy, false);
}
