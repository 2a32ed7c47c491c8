/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Right models of a few hundred bytes that together use every part of the format. */
#pragma once

#include <glib.h>

typedef struct {
    const char *name;
    GBytes *(*make)(void);
} SmallModel;

/* Ends with name == NULL. */
extern const SmallModel small_models[];
