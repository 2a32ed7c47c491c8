/* SPDX-License-Identifier: LGPL-2.1-or-later */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include "core/placement.h"
#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>

void
cr_placement_begin(CrPlacement *placement)
{
    atomic_store_explicit(&placement->thread, (int)syscall(SYS_gettid), memory_order_release);
}

int
cr_placement_get_processor(void)
{
    return sched_getcpu();
}

void
cr_placement_keep_off(CrPlacement *placement, int processor)
{
    int thread = atomic_load_explicit(&placement->thread, memory_order_acquire);
    cpu_set_t now, left;

    if (thread == 0 || processor < 0 || placement->avoids == processor + 1)
        return;
    placement->avoids = processor + 1;
    if (sched_getaffinity(thread, sizeof now, &now) != 0)
        return;
    if (!CPU_EQUAL(&now, &placement->left)) /* the first time, or somebody has chosen since */
        placement->given = now;
    left = placement->given;
    CPU_CLR((unsigned)processor, &left);
    if (CPU_COUNT(&left) == 0 || sched_setaffinity(thread, sizeof left, &left) != 0)
        left = now;
    placement->left = left;
}
#else

void
cr_placement_begin(CrPlacement *placement)
{
    (void)placement;
}

int
cr_placement_get_processor(void)
{
    return -1;
}

void
cr_placement_keep_off(CrPlacement *placement, int processor)
{
    (void)placement;
    (void)processor;
}
#endif
