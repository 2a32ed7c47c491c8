/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/builder_window.h"

static const char *const paddings[] = {
    [CONVRNN_PADDING_EXPLICIT] = "NOTSET",
    [CONVRNN_PADDING_SAME] = "SAME_UPPER",
    [CONVRNN_PADDING_SAME_LOWER] = "SAME_LOWER",
};

bool
cr_builder_window_check(ConvRnnBuilder *builder, const char *where, const CrBuilderWindow *window)
{
    if ((guint)window->padding >= G_N_ELEMENTS(paddings)) {
        cr_builder_fail(builder, CONVRNN_ERROR_UNSUPPORTED,
                        "%s: padding is %d, expected 0 … %d (ConvRnnPadding)", where,
                        (int)window->padding, (int)G_N_ELEMENTS(paddings) - 1);
        return false;
    }
    for (int i = 0; window->padding != CONVRNN_PADDING_EXPLICIT && i < 2 * window->n; i++) {
        if (window->pads[i] == 0)
            continue;
        cr_builder_fail(builder, CONVRNN_ERROR_FORMAT,
                        "%s: padding is %s, and pads[%d] is %u; leave one of them out", where,
                        paddings[window->padding], i, window->pads[i]);
        return false;
    }
    return true;
}

void
cr_builder_set_ints(CrNode *node, const char *attr, const guint *v, const guint *fallback, int n)
{
    int64_t list[4];

    for (int i = 0; i < n; i++)
        list[i] = v[i] == 0 && fallback ? fallback[i] : v[i];
    cr_node_set_ints(node, attr, list, n);
}

void
cr_builder_window_set(CrNode *node, const CrBuilderWindow *window)
{
    static const guint ones[3] = {1, 1, 1};

    if (window->kernel)
        cr_builder_set_ints(node, "kernel_shape", window->kernel, NULL, window->n);
    cr_builder_set_ints(node, "strides", window->stride, window->kernel ? window->kernel : ones,
                        window->n);
    cr_builder_set_ints(node, "dilations", window->dilation, ones, window->n);
    if (window->padding != CONVRNN_PADDING_EXPLICIT)
        cr_node_set_string(node, "auto_pad", paddings[window->padding]);
    else
        cr_builder_set_ints(node, "pads", window->pads, NULL, 2 * window->n);
}
