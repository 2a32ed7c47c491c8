/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory for one output tensor's payloads, used again when a payload's last reader lets go of it:
 * in a running stream, no allocation of tensor size. */
#pragma once

#include <glib.h>

typedef struct _CrPayloadPool CrPayloadPool;

/* A pool of blocks of `size` bytes each, none allocated yet. */
CrPayloadPool *cr_payload_pool_new(gsize size);

/* Gives up the owner's reference. Payloads that are still held stay valid, and the last of them
 * frees the pool. NULL does nothing. */
void cr_payload_pool_release(CrPayloadPool *pool);

/* A payload to be unreferenced in any thread, and in *data its memory, 64-byte aligned, to be
 * filled before anybody else sees it; NULL without memory. */
GBytes *cr_payload_pool_take(CrPayloadPool *pool, gpointer *data);
