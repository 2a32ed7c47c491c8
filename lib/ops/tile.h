/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cutting work into tiles. The cut depends on the size of the work alone, never on threads. */
#pragma once

#include <stdint.h>

#define CR_TILE_OPERATIONS (1 << 17) /* what makes waking another thread worth it */
#define CR_MAX_TILES       (1 << 20)

/* Cuts `units` units that cost about `cost` operations each: units per tile in *per_tile (the last
 * tile may have fewer). Returns the number of tiles, 0 for no units. */
static inline int
cr_tile_cut(int64_t units, int64_t cost, int64_t *per_tile)
{
    int64_t per = CR_TILE_OPERATIONS / (cost > 0 ? cost : 1);
    int64_t least = (units + CR_MAX_TILES - 1) / CR_MAX_TILES;
    if (per < least)
        per = least;
    if (per < 1)
        per = 1;
    *per_tile = per;
    return (int)((units + per - 1) / per);
}

/* One past the last unit of a tile. */
static inline int64_t
cr_tile_end(int tile, int64_t per_tile, int64_t units)
{
    int64_t end = (tile + 1) * per_tile;
    return end < units ? end : units;
}
