/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The workers: one pool of threads per process, shared by all sessions.
 *
 * A step brackets its nodes with cr_workers_begin() and cr_workers_end(): begin wakes the helpers
 * once, between the two they spin for work, soon after end they sleep. When another session holds
 * the helpers, or other processes their processors, begin gives none, and the step runs on the
 * caller's thread alone: the same bytes come out. */
#pragma once

#include <glib.h>

typedef struct CrWorkers CrWorkers;

/* Runs tile `tile` on the thread that owns slot `worker` (0 = the caller, < the step's threads). */
typedef void (*CrTileFn)(void *data, int tile, int worker);

/* A hold on the process-wide workers, started with at least threads - 1 helpers. Never NULL: when
 * no thread can be started, there are fewer. */
CrWorkers *cr_workers_ref(unsigned threads);
void cr_workers_unref(CrWorkers *workers);

/* How many processors this process may use, at least 1. */
unsigned cr_workers_count_processors(void);

/* Wakes up to threads - 1 helpers; returns how many threads take part, 1 … threads. */
unsigned cr_workers_begin(CrWorkers *workers, unsigned threads);
/* Runs tiles 0 … n_tiles - 1 on the threads that take part and returns when all are done. Which
 * thread runs a tile is not defined. Only between begin and end, on begin's thread. */
void cr_workers_run(CrWorkers *workers, unsigned participants, CrTileFn fn, void *data,
                    int n_tiles);
void cr_workers_end(CrWorkers *workers, unsigned participants);
