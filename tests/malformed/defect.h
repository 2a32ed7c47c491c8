/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files with one defect each: the exact error code, and a message that names the thing. */
#pragma once

#include <convrnn/convrnn.h>

#define FORMAT      CONVRNN_ERROR_FORMAT
#define LIMIT       CONVRNN_ERROR_LIMIT
#define SHAPE       CONVRNN_ERROR_SHAPE
#define UNSUPPORTED CONVRNN_ERROR_UNSUPPORTED

typedef struct {
    const char *name;
    GBytes *(*make)(void);
    ConvRnnError code;
    const char *part; /* of the message */
} Defect;

/* Adds a test called prefix and the defect's name. */
void defect_add(const char *prefix, const Defect *defect, GTestDataFunc test);

/* The file is refused when it is loaded; only when a session is opened. data: a Defect. */
void defect_test_loaded(gconstpointer data);
void defect_test_bound(gconstpointer data);
