/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/walk.h"
#include <string.h>

void
cr_walk_init(CrWalk *walk, int n_in)
{
    memset(walk, 0, sizeof(*walk));
    walk->n_in = n_in;
    walk->total = 1;
}

void
cr_walk_add(CrWalk *walk, int64_t dim, const int64_t *stride)
{
    int last = walk->n_dims - 1;
    bool merge = last >= 0;

    walk->total *= (size_t)dim;
    if (dim == 1)
        return;
    for (int i = 0; i < walk->n_in; i++)
        merge = merge && walk->stride[i][last] == stride[i] * dim;
    if (merge)
        walk->dims[last] *= dim;
    else
        walk->dims[last = walk->n_dims++] = dim;
    for (int i = 0; i < walk->n_in; i++)
        walk->stride[i][last] = stride[i];
}

void
cr_walk_finish(CrWalk *walk)
{
    if (walk->n_dims > 0)
        return;
    walk->n_dims = 1;
    walk->dims[0] = 1;
    for (int i = 0; i < walk->n_in; i++)
        walk->stride[i][0] = 1; /* a single element counts as contiguous */
}

void
cr_strides(const CrDesc *desc, int64_t *strides)
{
    int64_t stride = 1;
    for (int i = desc->n_dims - 1; i >= 0; i--) {
        strides[i] = stride;
        stride *= MAX(desc->dims[i], 1);
    }
}

void
cr_walk_broadcast(CrWalk *walk, const CrDesc *out, const CrDesc *const *in, int n_in)
{
    int64_t strides[CR_WALK_INPUTS][CONVRNN_MAX_RANK];

    cr_walk_init(walk, n_in);
    for (int i = 0; i < n_in; i++)
        cr_strides(in[i], strides[i]);
    for (int d = 0; d < out->n_dims; d++) {
        int64_t stride[CR_WALK_INPUTS] = {0};
        for (int i = 0; i < n_in; i++) {
            int own = d - (out->n_dims - in[i]->n_dims);
            if (own >= 0 && in[i]->dims[own] != 1)
                stride[i] = strides[i][own];
        }
        cr_walk_add(walk, out->dims[d], stride);
    }
    cr_walk_finish(walk);
}

void
cr_walker_init(CrWalker *walker, const CrWalk *walk, size_t begin, size_t end)
{
    size_t rest = begin;

    walker->walk = walk;
    walker->position = begin;
    walker->end = end;
    walker->n = 0;
    walker->out = begin;
    for (int i = 0; i < walk->n_in; i++)
        walker->offset[i] = 0;
    if (begin >= end)
        return;
    for (int d = walk->n_dims - 1; d >= 0; d--) {
        walker->index[d] = (int64_t)(rest % (size_t)walk->dims[d]);
        rest /= (size_t)walk->dims[d];
        for (int i = 0; i < walk->n_in; i++)
            walker->offset[i] += walker->index[d] * walk->stride[i][d];
    }
}

/* Moves every index past the run handed out last. */
static void
advance(CrWalker *walker)
{
    const CrWalk *walk = walker->walk;
    int d = walk->n_dims - 1;
    int64_t by = (int64_t)walker->n;

    for (;; d--, by = 1) {
        walker->index[d] += by;
        for (int i = 0; i < walk->n_in; i++)
            walker->offset[i] += by * walk->stride[i][d];
        if (walker->index[d] < walk->dims[d] || d == 0)
            return;
        for (int i = 0; i < walk->n_in; i++)
            walker->offset[i] -= walk->dims[d] * walk->stride[i][d];
        walker->index[d] = 0;
    }
}

bool
cr_walker_next(CrWalker *walker)
{
    const CrWalk *walk = walker->walk;
    int last = walk->n_dims - 1;

    if (walker->n > 0) {
        walker->position += walker->n;
        if (walker->position < walker->end)
            advance(walker);
    }
    if (walker->position >= walker->end)
        return false;
    walker->out = walker->position;
    walker->n =
        MIN((size_t)(walk->dims[last] - walker->index[last]), walker->end - walker->position);
    return true;
}
