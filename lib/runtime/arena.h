/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* A piece of memory needed from step `begin` to step `end`, both included. */
typedef struct {
    size_t bytes;
    int begin, end;
    size_t offset; /* chosen by cr_arena_place() */
} CrInterval;

/* Chooses offsets (multiples of CR_ALIGN) so that pieces needed at the same time do not overlap,
 * and returns the size of the whole. Largest first, each at the lowest free offset. */
size_t cr_arena_place(CrInterval *intervals, int n);
