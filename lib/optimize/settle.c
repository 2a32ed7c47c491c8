/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The last pass: results where callers and the next step expect them.
 *
 * A new state must be computed into the state's own memory, in the state's layout; an output must
 * be plain, unless the caller takes planes, and at an address that does not change from step to
 * step. Where the graph does not give
 * that by itself (a state that is an alias, a constant, or shared), a copy does. */
#include "ops/reorder.h"
#include "optimize/ir.h"
#include <string.h>

static const CrNode reorder_node = {.name = (char *)"Reorder", .op = (char *)"Reorder"};

int
cr_ir_append_reorder(CrIr *ir, int value, const CrDesc *desc)
{
    int copy = cr_ir_add_value(ir, cr_ir_value(ir, value));
    CrIrNode node = {.op = &cr_op_reorder,
                     .node = &reorder_node,
                     .label = "Reorder",
                     .n_in = 1,
                     .n_out = 1,
                     .in = g_memdup2(&value, sizeof value),
                     .out = g_memdup2(&copy, sizeof copy)};

    cr_ir_value(ir, copy)->desc = *desc;
    cr_ir_value(ir, copy)->producer = (int)ir->nodes->len;
    g_array_append_val(ir->nodes, node);
    return copy;
}

static bool
same_storage_layout(const CrDesc *a, const CrDesc *b)
{
    return cr_desc_same_layout(a, b) && a->pad_left == b->pad_left &&
           a->pad_right == b->pad_right && !a->row_blocks && !b->row_blocks;
}

static bool
given_by_state(const CrIr *ir, int value, guint before)
{
    for (guint i = 0; i < before; i++)
        if (g_array_index(ir->states, CrIrState, i).out == value)
            return true;
    return false;
}

void
cr_ir_settle(CrIr *ir)
{
    for (guint i = 0; i < ir->states->len; i++) {
        CrIrState *state = &g_array_index(ir->states, CrIrState, i);
        const CrIrValue *out = cr_ir_value(ir, state->out);
        CrDesc desc = cr_ir_value(ir, state->in)->desc;
        if (out->kind != CR_IR_COMPUTED || out->base >= 0 ||
            !same_storage_layout(&out->desc, &desc) || given_by_state(ir, state->out, i))
            state->out = cr_ir_append_reorder(ir, state->out, &desc);
    }
    for (guint i = 0; i < ir->outputs->len; i++) {
        CrIrPort *port = &g_array_index(ir->outputs, CrIrPort, i);
        const CrIrValue *value = cr_ir_value(ir, port->value);
        int root = cr_ir_root(ir, port->value);
        if ((value->desc.block && !port->is_open) || cr_ir_value(ir, root)->kind == CR_IR_STATE ||
            given_by_state(ir, root, ir->states->len)) {
            CrDesc plain = value->desc;
            plain.block = plain.pad_left = plain.pad_right = plain.n_parts = plain.row_blocks = 0;
            port->value = cr_ir_append_reorder(ir, port->value, &plain);
        }
    }
}
