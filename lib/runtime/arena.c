/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/arena.h"
#include "core/memory.h"
#include "core/size.h"
#include <glib.h>

static int
larger_first(gconstpointer a, gconstpointer b)
{
    const CrInterval *x = *(CrInterval *const *)a, *y = *(CrInterval *const *)b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return x < y ? -1 : x > y; /* a total order: the plan is the same on every machine */
}

static int
lower_first(gconstpointer a, gconstpointer b)
{
    const CrInterval *x = *(CrInterval *const *)a, *y = *(CrInterval *const *)b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* The lowest offset at which `piece` overlaps none of the placed ones that live when it does. */
static size_t
lowest_gap(const CrInterval *piece, CrInterval *const *placed, guint n)
{
    size_t at = 0;
    for (guint i = 0; i < n; i++) { /* in order of offset */
        const CrInterval *other = placed[i];
        if (other->end < piece->begin || other->begin > piece->end)
            continue;
        if (other->offset >= at + piece->bytes)
            break;
        at = MAX(at, cr_round_up(other->offset + other->bytes, CR_ALIGN));
    }
    return at;
}

size_t
cr_arena_place(CrInterval *intervals, int n)
{
    GPtrArray *order = g_ptr_array_new(), *placed = g_ptr_array_new();
    size_t total = 0;

    for (int i = 0; i < n; i++)
        g_ptr_array_add(order, &intervals[i]);
    g_ptr_array_sort(order, larger_first);
    for (guint i = 0; i < order->len; i++) {
        CrInterval *piece = order->pdata[i];
        piece->offset = lowest_gap(piece, (CrInterval *const *)placed->pdata, placed->len);
        total = MAX(total, piece->offset + piece->bytes);
        g_ptr_array_add(placed, piece);
        g_ptr_array_sort(placed, lower_first);
    }
    g_ptr_array_free(order, TRUE);
    g_ptr_array_free(placed, TRUE);
    return cr_round_up(total, CR_ALIGN);
}
