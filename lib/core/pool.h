/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The worker pool: one per process, shared by all sessions.
 *
 * A step brackets its nodes with cr_pool_begin() and cr_pool_end(): begin wakes the helpers once,
 * between the two they spin for work, after end they sleep. When another session holds the helpers,
 * begin gives none, and the step runs on the caller's thread alone: the same bytes come out. */
#pragma once

#include <glib.h>

typedef struct CrPool CrPool;

/* Runs tile `tile` on the thread that owns slot `worker` (0 = the caller, < the step's threads). */
typedef void (*CrTileFn)(void *data, int tile, int worker);

/* A hold on the process-wide pool, started with at least threads - 1 helpers. Never NULL: when no
 * thread can be started, the pool has fewer helpers. */
CrPool *cr_pool_ref(unsigned threads);
void cr_pool_unref(CrPool *pool);

/* How many processors this process may use, at least 1. */
unsigned cr_pool_count_processors(void);

/* Wakes up to threads - 1 helpers; returns how many threads take part, 1 … threads. */
unsigned cr_pool_begin(CrPool *pool, unsigned threads);
/* Runs tiles 0 … n_tiles - 1 on the threads that take part and returns when all are done. Which
 * thread runs a tile is not defined. Only between begin and end, on begin's thread. */
void cr_pool_run(CrPool *pool, unsigned participants, CrTileFn fn, void *data, int n_tiles);
void cr_pool_end(CrPool *pool, unsigned participants);
