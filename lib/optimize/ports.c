/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Inputs and outputs as the network has them, for callers that take strides: planes with padding
 * columns are plain tensors but for their strides, so what would only copy between the two goes. */
#include "ops/reorder.h"
#include "optimize/ir.h"
#include <string.h>

/* Whether the value, where it lies, can be given to the caller as the port's tensor. */
static bool
can_be_port(const CrIrPort *port, const CrDesc *desc)
{
    return desc->block <= 1 && desc->n_dims == (int)port->info.n_dims &&
           memcmp(desc->dims, port->info.dims, port->info.n_dims * sizeof *desc->dims) == 0;
}

/* When nothing reads the input but the Reorder that makes planes of it, the planes are the input.
 */
static void
open_input(CrIr *ir, const CrIrPort *port)
{
    int reader;

    if (cr_ir_is_result(ir, port->value) || cr_ir_count_uses(ir, port->value, &reader) != 1)
        return;
    CrIrNode *node = cr_ir_node(ir, reader);
    if (node->op != &cr_op_reorder)
        return;
    const CrIrValue *planes = cr_ir_value(ir, node->out[0]);
    if (planes->base >= 0 || !can_be_port(port, &planes->desc))
        return;
    cr_ir_value(ir, port->value)->desc = planes->desc;
    node->dead = true;
    cr_ir_replace(ir, node->out[0], port->value);
}

void
cr_ir_open_ports(CrIr *ir)
{
    for (guint i = 0; i < ir->inputs->len; i++)
        open_input(ir, &g_array_index(ir->inputs, CrIrPort, i));
    for (guint i = 0; i < ir->outputs->len; i++) {
        CrIrPort *port = &g_array_index(ir->outputs, CrIrPort, i);
        port->is_open = can_be_port(port, &cr_ir_value(ir, port->value)->desc);
    }
}

size_t
cr_ir_port_strides(const CrIr *ir, const CrIrPort *port, gint64 *strides)
{
    const CrDesc *desc = &cr_ir_value(ir, port->value)->desc;
    int last = (int)port->info.n_dims - 1;

    for (int i = last; i >= 0; i--)
        strides[i] = i == last ? 1 : strides[i + 1] * port->info.dims[i + 1];
    if (!desc->block)
        return 0;
    CrBlocked planes = cr_desc_blocked(desc);
    strides[0] = (gint64)planes.image_stride;
    strides[1] = (gint64)planes.block_stride;
    if (last == 3)
        strides[2] = (gint64)planes.row_stride;
    return planes.origin;
}
