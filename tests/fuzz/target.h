/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What each fuzz target defines; libFuzzer or replay.c calls it. */
#pragma once

#include <convrnn/convrnn.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
