/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The window that convolutions and pooling slide over their input, as the public builder is told
 * it, and as ONNX's attributes say it. */
#pragma once

#include "model/builder.h"

typedef struct {
    int n;               /* dimensions it slides over */
    const guint *kernel; /* NULL: the weights say it */
    const guint *stride; /* 0: the kernel's, or 1 */
    const guint *dilation;
    ConvRnnPadding padding;
    const guint *pads; /* n before, n after */
} CrBuilderWindow;

/* Whether the padding is known and said only once. Remembers UNSUPPORTED or FORMAT. */
bool cr_builder_window_check(ConvRnnBuilder *builder, const char *where,
                             const CrBuilderWindow *window);
void cr_builder_window_set(CrNode *node, const CrBuilderWindow *window);
/* An attribute of n ≤ 4 numbers; where one is 0, that of fallback (NULL: 0 stays). */
void cr_builder_set_ints(CrNode *node, const char *attr, const guint *v, const guint *fallback,
                         int n);
