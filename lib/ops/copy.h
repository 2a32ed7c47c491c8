/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operators that only move elements: output 0 is input 0 read with other strides. */
#pragma once

#include "ops/walk.h"

typedef struct {
    CrWalk walk;  /* one input */
    int64_t base; /* element of the input that the output's first element is */
    size_t size;  /* bytes per element */
    int output;   /* index of the output in io[] */
} CrCopy;

/* Params for a copy, with size and output set; the caller describes the walk and the base and then
 * calls cr_copy_finish(). */
CrCopy *cr_copy_new(CrOpSetup *setup, CrStep *step, GError **error);
void cr_copy_finish(CrCopy *copy, CrStep *step);

/* n elements of `size` bytes to contiguous dst; src advances by `step` elements. */
void cr_copy_run(void *dst, const void *src, int64_t step, size_t size, size_t n);
