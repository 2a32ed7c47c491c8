/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Nodes that compute what another node has computed already. Exporters write them where a program
 * called a function twice, and shapes bring more: a picture that need not be resized after all is
 * the picture itself. */
#include "optimize/fuse.h"
#include <string.h>

static bool
same_tensor(const ConvRnnTensor *a, const ConvRnnTensor *b)
{
    if (a == b)
        return true;
    return a && b && a->dtype == b->dtype && a->n_dims == b->n_dims &&
           memcmp(a->dims, b->dims, sizeof *a->dims * (gsize)a->n_dims) == 0 &&
           (a->data == b->data || g_bytes_equal(a->bytes, b->bytes));
}

static bool
same_value(const CrIr *ir, int a, int b)
{
    if (a == b)
        return true;
    if (a == CR_NO_VALUE || b == CR_NO_VALUE)
        return false;
    const ConvRnnTensor *x = cr_ir_value(ir, a)->constant, *y = cr_ir_value(ir, b)->constant;
    return x && y && same_tensor(x, y);
}

/* -0.0 and 0.0 are two numbers here, and a NaN is itself. */
static bool
same_attr(const CrAttr *a, const CrAttr *b)
{
    if (a->type != b->type || a->i != b->i || memcmp(&a->f, &b->f, sizeof a->f) != 0 ||
        a->n != b->n || a->graph || b->graph || a->type == CR_ATTR_OTHER ||
        g_strcmp0(a->name, b->name) != 0 || g_strcmp0(a->string, b->string) != 0 ||
        (a->strings != NULL) != (b->strings != NULL))
        return false;
    return (!a->ints || memcmp(a->ints, b->ints, sizeof *a->ints * (gsize)a->n) == 0) &&
           (!a->floats || memcmp(a->floats, b->floats, sizeof *a->floats * (gsize)a->n) == 0) &&
           (!a->strings ||
            g_strv_equal((const char *const *)a->strings, (const char *const *)b->strings)) &&
           same_tensor(a->tensor, b->tensor);
}

static bool
same_node(const CrIr *ir, const CrIrNode *a, const CrIrNode *b)
{
    if (a->op != b->op || a->n_in != b->n_in || a->n_out != b->n_out || a->fused || b->fused ||
        a->node->n_attrs != b->node->n_attrs)
        return false;
    for (int i = 0; i < a->n_in; i++)
        if (!same_value(ir, a->in[i], b->in[i]))
            return false;
    for (int i = 0; i < a->n_out; i++)
        if ((a->out[i] == CR_NO_VALUE) != (b->out[i] == CR_NO_VALUE))
            return false;
    for (int i = 0; i < a->node->n_attrs; i++)
        if (!same_attr(&a->node->attrs[i], &b->node->attrs[i]))
            return false;
    return true;
}

/* A result has a place of its own, so who computes it stays. */
static bool
gives_result(const CrIr *ir, const CrIrNode *node)
{
    for (int i = 0; i < node->n_out; i++)
        if (node->out[i] != CR_NO_VALUE && cr_ir_is_result(ir, node->out[i]))
            return true;
    return false;
}

void
cr_ir_drop_duplicates(CrIr *ir)
{
    for (int i = 0; i < (int)ir->nodes->len; i++) {
        CrIrNode *node = cr_ir_node(ir, i);
        const CrIrNode *first = NULL;
        if (node->dead || node->n_in == 0)
            continue;
        for (int k = MAX(i - CR_FUSE_WINDOW, 0); k < i && !first; k++)
            if (!cr_ir_node(ir, k)->dead && same_node(ir, cr_ir_node(ir, k), node))
                first = cr_ir_node(ir, k);
        if (!first || gives_result(ir, node))
            continue;
        for (int k = 0; k < node->n_out; k++)
            if (node->out[k] != CR_NO_VALUE)
                cr_ir_replace(ir, node->out[k], first->out[k]);
        g_hash_table_insert(ir->merged, (gpointer)node->node, (gpointer)first->node);
        node->dead = true;
    }
}
