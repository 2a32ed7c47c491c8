/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Walking over an output in row-major order while inputs are read with any strides: broadcasting,
 * slicing, transposing and repeating are all this.
 *
 * The output is contiguous. A range of its elements is handed out as runs along the innermost
 * dimension; neighbouring dimensions that every input steps through evenly are merged before, so
 * that runs are as long as they can be. */
#pragma once

#include "core/size.h"
#include "ops/op.h"

#define CR_WALK_INPUTS 3
#define CR_WALK_DIMS   (2 * CONVRNN_MAX_RANK)

typedef struct {
    int n_dims; /* at least 1 */
    int n_in;
    int64_t dims[CR_WALK_DIMS];
    int64_t stride[CR_WALK_INPUTS][CR_WALK_DIMS]; /* in elements: 0 repeats, negative goes back */
    size_t total;                                 /* elements of the output */
} CrWalk;

/* An empty walk of n_in inputs; then one call per dimension, outermost first, with a stride for
 * each input; then the end. */
void cr_walk_init(CrWalk *walk, int n_in);
void cr_walk_add(CrWalk *walk, int64_t dim, const int64_t *stride);
void cr_walk_finish(CrWalk *walk);

/* The walk over `out` with inputs that numpy broadcasting fits to it. */
void cr_walk_broadcast(CrWalk *walk, const CrDesc *out, const CrDesc *const *in, int n_in);

/* Row-major strides of a shape, in elements. */
void cr_strides(const CrDesc *desc, int64_t *strides);

typedef struct {
    const CrWalk *walk;
    size_t position, end;
    size_t n; /* of the run handed out last */
    int64_t index[CR_WALK_DIMS];
    int64_t offset[CR_WALK_INPUTS]; /* element of each input where the run begins */
    size_t out;                     /* element of the output where the run begins */
} CrWalker;

/* A walker over the elements [begin, end) of the output. */
void cr_walker_init(CrWalker *walker, const CrWalk *walk, size_t begin, size_t end);
/* Moves to the next run and sets n, offset and out; false at the end. Along the run, input i
 * advances by cr_walk_step(walk, i). */
bool cr_walker_next(CrWalker *walker);

static inline int64_t
cr_walk_step(const CrWalk *walk, int input)
{
    return walk->stride[input][walk->n_dims - 1];
}

/* Tiles of a fixed number of elements of the output. */
#define CR_TILE_ELEMENTS 16384

/* How many tiles n elements make; 0 when there is nothing to do. */
static inline int
cr_tile_count(size_t n, size_t per_tile)
{
    return (int)(n / per_tile + (n % per_tile != 0));
}

static inline void
cr_tile_range(size_t n, size_t per_tile, int tile, size_t *begin, size_t *end)
{
    *begin = (size_t)tile * per_tile;
    *end = MIN(n, *begin + per_tile);
}
