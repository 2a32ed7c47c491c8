/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A cell in a network: as one step, and as a layer that carries its state. */
#include "model/cell.h"

static bool
is_cell(ConvRnnBuilder *builder, const char *where, const ConvRnnCell *cell)
{
    if (!cell)
        cr_builder_fail(builder, CONVRNN_ERROR_FORMAT,
                        "%s: the cell is NULL; its constructor has failed", where);
    return !builder->failure;
}

guint
convrnn_builder_step(ConvRnnBuilder *builder, ConvRnnCell *cell, guint x, const guint *states_in,
                     guint *states_out)
{
    if (!is_cell(builder, "step", cell)) {
        for (guint i = 0; cell && states_out && i < cell->states->len; i++)
            states_out[i] = CONVRNN_NO_VALUE;
        return CONVRNN_NO_VALUE;
    }
    const CrCellPlace at = {builder, cell->class->kind, false};
    guint n = cell->states->len;
    g_autofree guint *out = g_new(guint, n); /* states_in may be the same array as states_out */
    guint y = cr_cell_step(cell, &at, x, states_in, out);
    for (guint i = 0; states_out && i < n; i++)
        states_out[i] = out[i];
    return y;
}

/* "memory_h" + end, or "memory" + end. */
static char *
state_name(const char *layer, const ConvRnnCell *cell, guint index, const char *end)
{
    const char *part = cr_cell_state(cell, index)->name;
    return g_strconcat(layer, *part ? "_" : "", part, end, NULL);
}

/* The state where `cont` is not 0, and its initial value elsewhere: whatever the state holds, none
 * of it gets through. */
static guint
continued(const ConvRnnCell *cell, const CrCellPlace *at, guint index, guint state, guint cont)
{
    const ConvRnnTensorInfo *info = &cr_cell_state(cell, index)->info;
    int64_t dims[CONVRNN_MAX_RANK] = {-1};

    for (guint i = 1; i < info->n_dims; i++)
        dims[i] = 1;
    guint streams = cr_cell_op(at, "Reshape", cont, cr_cell_ints(at, dims, (int)info->n_dims));
    guint goes_on = cr_cell_op_int(at, "Cast", streams, CONVRNN_NO_VALUE, "to", CONVRNN_DTYPE_BOOL);
    guint inputs[3] = {goes_on, state, cr_cell_initial(cell, at->builder, index)}, output;
    if (at->builder->failure)
        return CONVRNN_NO_VALUE;
    g_autofree char *name = g_strconcat(at->name, "/Where", NULL);
    CrNode node = cr_builder_start(at->builder, "Where", name, inputs, 3, 1);
    cr_builder_add(at->builder, &node, &output);
    return output;
}

static guint
state_input(const ConvRnnCell *cell, const CrCellPlace *at, guint index, guint cont)
{
    const ConvRnnTensorInfo *info = &cr_cell_state(cell, index)->info;
    g_autofree char *name = state_name(at->name, cell, index, "_in");
    guint state = convrnn_builder_input(at->builder, name, info->dtype, info->dims, info->n_dims);

    return cont == CONVRNN_NO_VALUE ? state : continued(cell, at, index, state, cont);
}

static void
state_output(const ConvRnnCell *cell, const CrCellPlace *at, guint index, guint value)
{
    g_autofree char *input = state_name(at->name, cell, index, "_in");
    g_autofree char *output = state_name(at->name, cell, index, "_out");

    convrnn_builder_output(at->builder, output, value);
    convrnn_builder_state(at->builder, input, output, cr_cell_state(cell, index)->initial);
}

guint
convrnn_builder_layer(ConvRnnBuilder *builder, const gchar *name, ConvRnnCell *cell, guint x,
                      guint cont)
{
    if (!is_cell(builder, name, cell))
        return CONVRNN_NO_VALUE;
    const CrCellPlace at = {builder, name, true};
    guint n = cell->states->len;
    g_autofree guint *in = g_new(guint, n), *out = g_new(guint, n);
    for (guint i = 0; i < n; i++)
        in[i] = state_input(cell, &at, i, cont);
    if (builder->failure)
        return CONVRNN_NO_VALUE;
    guint y = cr_cell_step(cell, &at, x, in, out);
    for (guint i = 0; i < n && !builder->failure; i++)
        state_output(cell, &at, i, out[i]);
    return builder->failure ? CONVRNN_NO_VALUE : y;
}
