/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "optimize/ir.h"
#include <string.h>

static void
nodes_free(GArray *nodes)
{
    for (guint i = 0; nodes && i < nodes->len; i++) {
        g_free(g_array_index(nodes, CrIrNode, i).in);
        g_free(g_array_index(nodes, CrIrNode, i).out);
    }
    if (nodes)
        g_array_free(nodes, TRUE);
}

void
cr_ir_remember(CrIr *ir)
{
    ir->merged = g_hash_table_new(NULL, NULL);
    ir->bound = g_array_sized_new(FALSE, TRUE, sizeof(CrIrNode), ir->nodes->len);
    for (guint i = 0; i < ir->nodes->len; i++) {
        CrIrNode node = *cr_ir_node(ir, (int)i);
        node.in = g_memdup2(node.in, sizeof *node.in * (gsize)node.n_in);
        node.out = g_memdup2(node.out, sizeof *node.out * (gsize)node.n_out);
        g_array_append_val(ir->bound, node);
    }
    for (guint i = 0; i < ir->states->len; i++) {
        CrIrState *state = &g_array_index(ir->states, CrIrState, i);
        state->bound_out = state->out;
    }
}

void
cr_ir_free(CrIr *ir)
{
    if (!ir)
        return;
    for (guint i = 0; i < ir->values->len; i++)
        convrnn_tensor_unref(cr_ir_value(ir, (int)i)->constant);
    for (guint i = 0; i < ir->states->len; i++)
        convrnn_tensor_unref(g_array_index(ir->states, CrIrState, i).initial);
    g_array_free(ir->values, TRUE);
    nodes_free(ir->nodes);
    nodes_free(ir->bound);
    g_clear_pointer(&ir->merged, g_hash_table_unref);
    g_hash_table_unref(ir->packed);
    g_array_free(ir->inputs, TRUE);
    g_array_free(ir->outputs, TRUE);
    g_array_free(ir->states, TRUE);
    cr_region_free(ir->region);
    g_free(ir);
}

int
cr_ir_add_value(CrIr *ir, const CrIrValue *like)
{
    CrIrValue value = *like;
    value.kind = CR_IR_COMPUTED;
    value.constant = NULL;
    value.blocked = NULL;
    value.producer = -1;
    value.base = -1;
    value.base_block = 0;
    g_array_append_val(ir->values, value);
    return (int)ir->values->len - 1;
}

int
cr_ir_add_constant(CrIr *ir, const char *name, ConvRnnTensor *tensor)
{
    CrIrValue value = {.name = name,
                       .kind = CR_IR_CONSTANT,
                       .constant = tensor,
                       .producer = -1,
                       .base = -1,
                       .desc = {.dtype = tensor->dtype, .n_dims = tensor->n_dims}};
    memcpy(value.desc.dims, tensor->dims, sizeof value.desc.dims);
    g_array_append_val(ir->values, value);
    return (int)ir->values->len - 1;
}

bool
cr_ir_is_result(const CrIr *ir, int value)
{
    for (guint i = 0; i < ir->outputs->len; i++)
        if (g_array_index(ir->outputs, CrIrPort, i).value == value)
            return true;
    for (guint i = 0; i < ir->states->len; i++)
        if (g_array_index(ir->states, CrIrState, i).out == value)
            return true;
    return false;
}

int
cr_ir_count_uses(const CrIr *ir, int value, int *node)
{
    int uses = 0;
    for (guint i = 0; i < ir->nodes->len; i++) {
        const CrIrNode *n = cr_ir_node(ir, (int)i);
        for (int k = 0; !n->dead && k < n->n_in; k++)
            if (n->in[k] == value) {
                uses++;
                if (node)
                    *node = (int)i;
                break;
            }
    }
    return uses;
}

void
cr_ir_replace(CrIr *ir, int from, int to)
{
    for (guint i = 0; i < ir->nodes->len; i++) {
        CrIrNode *node = cr_ir_node(ir, (int)i);
        for (int k = 0; k < node->n_in; k++)
            if (node->in[k] == from)
                node->in[k] = to;
    }
    for (guint i = 0; i < ir->outputs->len; i++) {
        CrIrPort *port = &g_array_index(ir->outputs, CrIrPort, i);
        if (port->value == from)
            port->value = to;
    }
    for (guint i = 0; i < ir->states->len; i++) {
        CrIrState *state = &g_array_index(ir->states, CrIrState, i);
        if (state->out == from)
            state->out = to;
    }
    for (guint v = 0; v < ir->values->len; v++)
        if (cr_ir_value(ir, (int)v)->base == from)
            cr_ir_value(ir, (int)v)->base = to;
}

int
cr_ir_root(const CrIr *ir, int value)
{
    while (cr_ir_value(ir, value)->base >= 0)
        value = cr_ir_value(ir, value)->base;
    return value;
}

void
cr_ir_renumber(CrIr *ir)
{
    for (guint i = 0; i < ir->nodes->len; i++) {
        const CrIrNode *node = cr_ir_node(ir, (int)i);
        for (int k = 0; !node->dead && k < node->n_out; k++)
            if (node->out[k] != CR_NO_VALUE)
                cr_ir_value(ir, node->out[k])->producer = (int)i;
    }
}

void
cr_ir_drop_unused(CrIr *ir)
{
    bool *used = g_new0(bool, ir->values->len + 1);

    for (guint i = 0; i < ir->outputs->len; i++)
        used[g_array_index(ir->outputs, CrIrPort, i).value] = true;
    for (guint i = 0; i < ir->states->len; i++)
        used[g_array_index(ir->states, CrIrState, i).out] = true;
    for (guint i = ir->nodes->len; i-- > 0;) {
        CrIrNode *node = cr_ir_node(ir, (int)i);
        bool needed = false;
        for (int k = 0; k < node->n_out; k++)
            needed = needed || (node->out[k] != CR_NO_VALUE && used[node->out[k]]);
        node->dead = node->dead || !needed;
        for (int k = 0; !node->dead && k < node->n_in; k++)
            if (node->in[k] != CR_NO_VALUE)
                used[node->in[k]] = true;
    }
    g_free(used);
}

void
cr_ir_setup(const CrIr *ir, const CrIrNode *node, CrOpSetup *setup)
{
    ConvRnnTensor **value = g_new0(ConvRnnTensor *, (gsize)node->n_in + 1);

    *setup = (CrOpSetup){.node = node->node,
                         .n_in = node->n_in,
                         .n_out = node->n_out,
                         .in = g_new0(CrDesc, (gsize)node->n_in + 1),
                         .out = g_new0(CrDesc, (gsize)node->n_out + 1),
                         .value = value,
                         .kernels = ir->kernels,
                         .region = ir->region,
                         .packed = ir->packed,
                         .fused = node->fused,
                         .exact = ir->exact};
    for (int i = 0; i < node->n_in; i++)
        if (node->in[i] != CR_NO_VALUE) {
            setup->in[i] = cr_ir_value(ir, node->in[i])->desc;
            value[i] = cr_ir_value(ir, node->in[i])->constant;
        }
    for (int i = 0; i < node->n_out; i++)
        if (node->out[i] != CR_NO_VALUE)
            setup->out[i] = cr_ir_value(ir, node->out[i])->desc;
}

void
cr_ir_setup_clear(CrOpSetup *setup)
{
    g_free(setup->in);
    g_free(setup->out);
    g_free((gpointer)setup->value);
}

/* Entry `at` of an input that lists numbers; false when it is not known. */
static bool
listed(const CrIr *ir, const CrIrNode *node, int input, size_t at, int64_t fallback,
       int64_t *number)
{
    *number = fallback;
    if (input >= node->n_in || node->in[input] == CR_NO_VALUE)
        return true;
    const ConvRnnTensor *tensor = cr_ir_value(ir, node->in[input])->constant;
    if (!tensor || at >= tensor->n_elements)
        return false;
    *number = tensor->dtype == CONVRNN_DTYPE_INT64 ? ((const int64_t *)tensor->data)[at]
                                                   : ((const int32_t *)tensor->data)[at];
    return tensor->dtype == CONVRNN_DTYPE_INT64 || tensor->dtype == CONVRNN_DTYPE_INT32;
}

bool
cr_ir_slice_begin(const CrIr *ir, const CrIrNode *slice, int axis, int64_t *begin)
{
    const CrDesc *in = &cr_ir_value(ir, slice->in[0])->desc;
    const ConvRnnTensor *starts = cr_ir_value(ir, slice->in[1])->constant;

    for (size_t i = 0; starts && i < starts->n_elements; i++) {
        int64_t at, start, step;
        if (!listed(ir, slice, 3, i, (int64_t)i, &at) || !listed(ir, slice, 1, i, 0, &start) ||
            !listed(ir, slice, 4, i, 1, &step) || step != 1)
            return false;
        if ((at < 0 ? at + in->n_dims : at) == axis)
            *begin += CLAMP(start < 0 ? start + in->dims[axis] : start, 0, in->dims[axis]);
    }
    return starts != NULL;
}
