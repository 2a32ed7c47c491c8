/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Models that are alive, by the identity of the file they came from. The cache holds no reference:
 * a model leaves it when its last user goes. Thread-safe. */
#pragma once

#include "model/graph.h"

/* A new reference to the model of that key, or NULL. */
ConvRnnModel *cr_model_cache_get(const char *key);
/* Puts the model in, unless another thread was faster: then `model` is released and the other one
 * returned. Takes over the caller's reference either way and returns one. */
ConvRnnModel *cr_model_cache_put(const char *key, ConvRnnModel *model);
