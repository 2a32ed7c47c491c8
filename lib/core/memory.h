/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory whose size a model decides: aligned, checked, able to fail, and counted. Small bookkeeping
 * of fixed size uses GLib. */
#pragma once

#include <convrnn/error.h>
#include <stdbool.h>
#include <stddef.h>

#define CR_ALIGN 64

/* Zeroed memory for count elements of size bytes, CR_ALIGN-aligned, at least one byte.
 * NULL with CONVRNN_ERROR_NOMEM (or _LIMIT when the product does not fit) naming `what`. */
void *cr_mem_alloc(size_t count, size_t size, const char *what, GError **error);
void cr_mem_free(void *memory);

/* For tests: the n-th allocation from now (1 = next) fails; and all later ones if `for_good`.
 * 0 switches it off. Returns how many allocations were made since the last call. */
unsigned cr_mem_fail_at(unsigned n, bool for_good);

/* A region owns many blocks that end together. */
typedef struct CrRegion CrRegion;
CrRegion *cr_region_new(void);
void cr_region_free(CrRegion *region);
void *cr_region_alloc(CrRegion *region, size_t count, size_t size, const char *what,
                      GError **error);
/* Calls free_func(data) when the region ends. */
void cr_region_own(CrRegion *region, void *data, GDestroyNotify free_func);
/* Bytes handed out so far. */
size_t cr_region_get_size(const CrRegion *region);
