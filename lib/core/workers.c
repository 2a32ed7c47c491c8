/* SPDX-License-Identifier: LGPL-2.1-or-later */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include "core/workers.h"
#include "core/float_env.h"
#include "core/placement.h"
#include <stdatomic.h>
#include <stdbool.h>
#ifdef __linux__
#include <sched.h>
#endif

#define MAX_THREADS 64
/* Microseconds, measured: what a pause instruction takes differs tenfold between processors.
 *
 * Who waits within a step gives its processor away after this time. Where another process wants it,
 * that is for milliseconds; so not soon, unless there are more threads than processors. */
#define PATIENCE       200
#define SHORT_PATIENCE 20
/* How long a helper looks for the next step before it goes to sleep. Waking takes as long, so a
 * stream of short steps that follow each other does not pay for it in each; at 30 steps a second it
 * is 0.3 % of a processor. */
#define LINGER 100
/* Where a step would have been faster alone, because other processes want the helpers' processors,
 * the next one is, and twice as many after each attempt that ends alike. */
#define MOST_ALONE 31

typedef struct {
    CrWorkers *workers;
    unsigned index; /* 1 … */
    GThread *thread;
    CrPlacement placement; /* looked at and changed between begin and end only */
} Helper;

struct CrWorkers {
    /* tiles of the current job: n_tiles << 32 | next tile. One exchange both takes tiles and tells
     * how many there are, so that a helper that comes late can never mix two jobs. */
    _Atomic uint64_t ticket;
    _Atomic int done; /* tiles finished */
    CrTileFn fn;      /* of the current job; stable while a tile of it is not done */
    void *data;

    _Atomic unsigned active;  /* helpers below this index take part; 0 between frames */
    _Atomic bool busy;        /* a session is between begin and end */
    _Atomic unsigned sharers; /* threads of the current step */
    unsigned processors;
    /* between begin and end: */
    gint64 began, lost;      /* the step; microseconds of waiting in it, but for short waits */
    unsigned alone, n_alone; /* steps still to be done without helpers; the last time, in all */

    GMutex lock; /* the rest */
    GCond wake;
    bool quit;
    unsigned n_asleep;
    unsigned n_helpers;
    Helper helper[MAX_THREADS]; /* by index */
};

static GMutex workers_lock;
static CrWorkers *the_workers;
static unsigned workers_users;

/* A wait that has begun when somebody first asks for its end. */
typedef struct {
    unsigned asked;
    gint64 since;
} Wait;

/* Pauses for an instant; true when that many microseconds are over, and then the wait begins
 * again. The clock is looked at seldom. */
static inline bool
is_over(Wait *wait, int microseconds)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
    if (++wait->asked % 64 != 0)
        return false;
    gint64 now = g_get_monotonic_time();
    bool over = wait->since > 0 && now - wait->since >= microseconds;
    if (over || wait->since == 0)
        wait->since = now;
    return over;
}

/* Of who waits within a step. */
static inline int
patience(const CrWorkers *workers)
{
    unsigned sharers = atomic_load_explicit(&workers->sharers, memory_order_relaxed);
    return sharers > workers->processors ? SHORT_PATIENCE : PATIENCE;
}

/* Takes and runs some tiles; false when none is left. At first half of what each thread would get,
 * so that threads seldom meet at the ticket and tiles side by side share what the cache holds; then
 * fewer and fewer, so that all end together. */
static bool
run_some(CrWorkers *workers, int worker)
{
    unsigned sharers = atomic_load_explicit(&workers->sharers, memory_order_relaxed);
    uint64_t ticket = atomic_load_explicit(&workers->ticket, memory_order_relaxed);
    uint32_t next, n;

    do {
        uint32_t left = (uint32_t)(ticket >> 32) - (uint32_t)ticket;
        if (left == 0)
            return false;
        next = (uint32_t)ticket;
        n = MAX(left / (2 * sharers), 1);
    } while (!atomic_compare_exchange_weak_explicit(&workers->ticket, &ticket, ticket + n,
                                                    memory_order_acquire, memory_order_relaxed));
    for (uint32_t i = 0; i < n; i++)
        workers->fn(workers->data, (int)(next + i), worker);
    atomic_fetch_add_explicit(&workers->done, (int)n, memory_order_release);
    return true;
}

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
    Helper *helper = data;
    CrWorkers *workers = helper->workers;

    cr_placement_begin(&helper->placement);
    cr_float_env_enter(); /* this thread computes for us alone */
    while (sleep_until_wanted(workers, helper->index)) {
        Wait next_tile = {0}, next_step = {0};
        for (;;) {
            if (!is_wanted(workers, helper->index)) {
                next_tile = (Wait){0};
                if (is_over(&next_step, LINGER))
                    break;
                continue;
            }
            next_step = (Wait){0};
            if (run_some(workers, (int)helper->index))
                next_tile = (Wait){0};
            else if (is_over(&next_tile, patience(workers)))
                g_thread_yield();
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
        the_workers->processors = cr_workers_count_processors();
    }
    workers_users++;
    CrWorkers *workers = the_workers;
    while (workers->n_helpers + 1 < MIN(threads, MAX_THREADS)) {
        Helper *helper = &workers->helper[workers->n_helpers + 1];
        helper->workers = workers;
        helper->index = workers->n_helpers + 1;
        helper->thread = g_thread_try_new("convrnn", helper_main, helper, NULL);
        if (!helper->thread)
            break;
        workers->n_helpers++;
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
    for (unsigned i = 1; i <= workers->n_helpers; i++)
        g_thread_join(workers->helper[i].thread);
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
    if (workers->alone > 0) {
        workers->alone--;
        atomic_store(&workers->busy, false);
        return 1;
    }
    workers->began = g_get_monotonic_time();
    workers->lost = 0;
    atomic_store_explicit(&workers->sharers, threads, memory_order_relaxed);
    int processor = cr_placement_get_processor();
    for (unsigned i = 1; i < MIN(threads, MAX_THREADS); i++)
        cr_placement_keep_off(&workers->helper[i].placement, processor);
    g_mutex_lock(&workers->lock);
    atomic_store(&workers->active, threads);
    bool asleep = workers->n_asleep > 0;
    g_mutex_unlock(&workers->lock);
    if (asleep) /* after unlocking: who wakes up needs the lock */
        g_cond_broadcast(&workers->wake);
    return threads;
}

static void
wait_for_helpers(CrWorkers *workers, int n_tiles)
{
    Wait wait = {0};
    gint64 since = 0;

    while (atomic_load_explicit(&workers->done, memory_order_acquire) < n_tiles)
        if (is_over(&wait, patience(workers))) {
            since = since > 0 ? since : g_get_monotonic_time();
            g_thread_yield();
        }
    if (since > 0)
        workers->lost += g_get_monotonic_time() - since;
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
    while (run_some(workers, 0))
        ;
    wait_for_helpers(workers, n_tiles);
}

/* Whether the caller has waited for longer than it would have worked for the others. */
static bool
was_in_vain(const CrWorkers *workers, unsigned participants)
{
    if (workers->lost == 0)
        return false;
    gint64 worked = g_get_monotonic_time() - workers->began - workers->lost;
    return workers->lost > worked * (participants - 1);
}

void
cr_workers_end(CrWorkers *workers, unsigned participants)
{
    if (participants < 2)
        return;
    atomic_store_explicit(&workers->active, 0, memory_order_release);
    workers->n_alone =
        was_in_vain(workers, participants) ? MIN(2 * workers->n_alone + 1, MOST_ALONE) : 0;
    workers->alone = workers->n_alone;
    atomic_store(&workers->busy, false);
}
