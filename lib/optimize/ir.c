/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "optimize/ir.h"
#include <string.h>

void
cr_ir_free(CrIr *ir)
{
    if (!ir)
        return;
    for (guint i = 0; i < ir->values->len; i++)
        convrnn_tensor_unref(cr_ir_value(ir, (int)i)->constant);
    for (guint i = 0; i < ir->nodes->len; i++) {
        g_free(cr_ir_node(ir, (int)i)->in);
        g_free(cr_ir_node(ir, (int)i)->out);
    }
    for (guint i = 0; i < ir->states->len; i++)
        convrnn_tensor_unref(g_array_index(ir->states, CrIrState, i).initial);
    g_array_free(ir->values, TRUE);
    g_array_free(ir->nodes, TRUE);
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
                         .fused = node->fused};
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
