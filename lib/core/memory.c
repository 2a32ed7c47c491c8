/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/memory.h"
#include "core/size.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)
/* Of regions: from a size that a small model fills to one that lies on huge pages. The address
 * sanitizer sees more when every block is alone. */
#ifdef __SANITIZE_ADDRESS__
#define LEAST_CHUNK ((size_t)0)
#define MOST_CHUNK  ((size_t)0)
#else
#define LEAST_CHUNK ((size_t)64 << 10)
#define MOST_CHUNK  (2 * HUGE_PAGE)
#endif

struct CrRegion {
    GSList *blocks; /* of Owned */
    size_t size;
    char *chunk; /* what is left of the last one */
    size_t left;
};

typedef struct {
    void *data;
    GDestroyNotify free_func;
} Owned;

static gint fail_countdown; /* allocations until one fails; 0 = never */
static gint fail_for_good;
static gint n_allocations;

unsigned
cr_mem_fail_at(unsigned n, bool for_good)
{
    unsigned made = (unsigned)g_atomic_int_get(&n_allocations);
    g_atomic_int_set(&n_allocations, 0);
    g_atomic_int_set(&fail_for_good, for_good);
    g_atomic_int_set(&fail_countdown, (gint)n);
    return made;
}

static bool
must_fail(void)
{
    gint left = g_atomic_int_get(&fail_countdown);
    g_atomic_int_inc(&n_allocations);
    if (left == 0)
        return false;
    if (left == 1) {
        if (!g_atomic_int_get(&fail_for_good))
            g_atomic_int_set(&fail_countdown, 0);
        return true;
    }
    g_atomic_int_add(&fail_countdown, -1);
    return false;
}

/* Zeroed. A step walks megabytes in order: pages of 4 KiB would cost it up to a tenth of its time
 * in address translation, so large blocks ask for huge ones. The kernel may say no. */
static void *
allocate(size_t bytes)
{
    bool large = bytes >= 2 * HUGE_PAGE;
    void *memory;

    if (posix_memalign(&memory, large ? HUGE_PAGE : CR_ALIGN, bytes) != 0)
        return NULL;
#ifdef MADV_HUGEPAGE
    if (large)
        madvise(memory, bytes / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
#endif
    return memset(memory, 0, bytes);
}

/* Whole cache lines, at least one. */
static bool
size_of(size_t count, size_t size, const char *what, size_t *bytes, GError **error)
{
    if (!cr_size_mul(count, size, bytes) || !cr_size_add(*bytes, CR_ALIGN, bytes)) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_LIMIT,
                    "%s: %" G_GSIZE_FORMAT " elements of %" G_GSIZE_FORMAT
                    " bytes are more than memory can address",
                    what, count, size);
        return false;
    }
    *bytes = cr_round_up(count * size + (count * size == 0), CR_ALIGN);
    return true;
}

static void *
no_memory(size_t bytes, const char *what, GError **error)
{
    g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_NOMEM,
                "%s: out of memory (%" G_GSIZE_FORMAT " bytes wanted)", what, bytes);
    return NULL;
}

void *
cr_mem_alloc(size_t count, size_t size, const char *what, GError **error)
{
    size_t bytes;

    if (!size_of(count, size, what, &bytes, error))
        return NULL;
    void *memory = must_fail() ? NULL : allocate(bytes);
    return memory ? memory : no_memory(bytes, what, error);
}

void
cr_mem_free(void *memory)
{
    free(memory);
}

CrRegion *
cr_region_new(void)
{
    return g_new0(CrRegion, 1);
}

static void
owned_free(gpointer data)
{
    Owned *owned = data;
    owned->free_func(owned->data);
    g_free(owned);
}

void
cr_region_free(CrRegion *region)
{
    if (!region)
        return;
    g_slist_free_full(region->blocks, owned_free);
    g_free(region);
}

void
cr_region_own(CrRegion *region, void *data, GDestroyNotify free_func)
{
    Owned *owned = g_new(Owned, 1);
    owned->data = data;
    owned->free_func = free_func;
    region->blocks = g_slist_prepend(region->blocks, owned);
}

/* Blocks lie side by side in chunks, the larger the more there is: the weights that a step walks
 * through are on few pages. What is left of the old chunk or of the new one serves on, whichever is
 * more. */
static void *
start_chunk(CrRegion *region, size_t bytes)
{
    size_t grown = cr_round_up(2 * region->size, CR_ALIGN);
    size_t chunk = MAX(bytes, CLAMP(grown, LEAST_CHUNK, MOST_CHUNK));
    char *memory = allocate(chunk);

    if (!memory)
        return NULL;
    cr_region_own(region, memory, cr_mem_free);
    if (chunk - bytes > region->left) {
        region->chunk = memory + bytes;
        region->left = chunk - bytes;
    }
    return memory;
}

static void *
take(CrRegion *region, size_t bytes)
{
    char *memory = region->chunk;

    if (bytes > region->left)
        return start_chunk(region, bytes);
    region->chunk += bytes;
    region->left -= bytes;
    return memory;
}

void *
cr_region_alloc(CrRegion *region, size_t count, size_t size, const char *what, GError **error)
{
    size_t bytes;

    if (!size_of(count, size, what, &bytes, error))
        return NULL;
    void *memory = must_fail() ? NULL : take(region, bytes);
    if (!memory)
        return no_memory(bytes, what, error);
    region->size += count * size;
    return memory;
}

size_t
cr_region_get_size(const CrRegion *region)
{
    return region->size;
}
