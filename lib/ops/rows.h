/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of blocked tensors. */
#pragma once

#include "ops/op.h"
#include <string.h>

/* A blocked tensor at an address. */
typedef struct {
    CrNchw size;
    CrBlocked stride;
    int block, pad_left, pad_right;
} CrRows;

static inline CrRows
cr_rows(const CrDesc *desc)
{
    return (CrRows){cr_desc_nchw(desc), cr_desc_blocked(desc), desc->block, desc->pad_left,
                    desc->pad_right};
}

/* A plain tensor as planes: each channel is a block, and a row of it follows the one above. */
static inline CrRows
cr_plain_rows(const CrDesc *desc)
{
    CrNchw size = cr_desc_nchw(desc);
    size_t plane = (size_t)size.h * (size_t)size.w;
    return (CrRows){.size = size,
                    .stride = {.blocks = size.c,
                               .block_stride = plane,
                               .row_stride = (size_t)size.w,
                               .image_stride = plane * (size_t)size.c},
                    .block = 1};
}

/* Pixel 0 of a row of a block. y may lie outside when the result is not read. */
static inline float *
cr_row_at(const CrRows *rows, const void *data, int n, int y, int block)
{
    ptrdiff_t at = (ptrdiff_t)(rows->stride.image_stride * (size_t)n) +
                   (ptrdiff_t)rows->stride.row_stride * y +
                   (ptrdiff_t)(rows->stride.block_stride * (size_t)block + rows->stride.origin);
    return (float *)data + at;
}

/* Zeroes the columns left and right of one row of one block. Whoever writes a row does this, for
 * the memory was another tensor's before. */
static inline void
cr_row_clear_borders(const CrRows *rows, float *row)
{
    size_t block = (size_t)rows->block;
    size_t left = (size_t)rows->pad_left * block, right = (size_t)rows->pad_right * block;

    /* most plain rows have none: too many calls to do nothing */
    if (left)
        memset(row - left, 0, left * sizeof *row);
    if (right)
        memset(row + (size_t)rows->size.w * block, 0, right * sizeof *row);
}

/* How a step with one tile per rows_per_tile rows of `out` works on rows. */
static inline CrStepRows
cr_step_rows(const CrRows *out, int rows_per_tile)
{
    return (CrStepRows){
        .height = out->size.n == 1 ? out->size.h : 0, .rows_per_tile = rows_per_tile, .panels = 1};
}

/* Rows per tile so that a tile touches about 64 KiB: many enough to share among threads, large
 * enough to be worth a wake-up. Depends on the tensor alone. */
static inline int
cr_rows_per_tile(const CrRows *rows)
{
    size_t row = rows->stride.block_stride * (size_t)rows->stride.blocks * sizeof(float);
    size_t n = row ? (64 << 10) / row : 1;
    return (int)(n < 1 ? 1 : n > (size_t)rows->size.h ? (size_t)rows->size.h : n);
}
