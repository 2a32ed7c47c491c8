/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A tensor seen as lines along one axis, for operators that treat each line on its own. */
#pragma once

#include "ops/walk.h"

typedef struct {
    size_t n;      /* elements of a line */
    size_t stride; /* from one to the next, in elements */
    size_t count;  /* lines; 0 when there are no elements */
    size_t per_tile;
} CrLines;

static inline CrLines
cr_lines(const CrDesc *desc, int axis)
{
    CrLines lines = {.n = (size_t)desc->dims[axis], .stride = 1};

    for (int i = axis + 1; i < desc->n_dims; i++)
        lines.stride *= (size_t)desc->dims[i];
    lines.count = lines.n ? cr_desc_elements(desc) / lines.n : 0;
    lines.per_tile = MAX(CR_TILE_ELEMENTS / MAX(lines.n, 1), 1);
    return lines;
}

/* The first element of a line. In a tensor of n elements in place of lines->n: the same line. */
static inline size_t
cr_lines_at(const CrLines *lines, size_t line, size_t n)
{
    return line / lines->stride * n * lines->stride + line % lines->stride;
}
