/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cells around cells: stack, residual, dropout. */
#include "model/cell.h"

/* --- stack --- */

typedef struct {
    ConvRnnCell base;
    ConvRnnCell **cells;
    guint n;
} Stack;

static guint
stack_step(const ConvRnnCell *cell, const CrCellPlace *at, guint x, const guint *in, guint *out)
{
    const Stack *stack = (const Stack *)cell;

    for (guint i = 0; i < stack->n; i++) {
        g_autofree char *name = g_strdup_printf("%s_%u", at->name, i);
        const CrCellPlace place = {at->builder, name, at->broadcast};
        x = cr_cell_step(stack->cells[i], &place, x, in, out);
        in += stack->cells[i]->states->len;
        out += stack->cells[i]->states->len;
    }
    return x;
}

static bool
stack_has_sequence(const ConvRnnCell *cell)
{
    const Stack *stack = (const Stack *)cell;

    for (guint i = 0; i < stack->n; i++)
        if (!cr_cell_has_sequence(stack->cells[i]))
            return false;
    return true;
}

/* All steps of one layer, then all of the next: the same as all layers step by step. */
static guint
stack_sequence(const ConvRnnCell *cell, const CrCellPlace *at, guint x, const guint *in, guint *out,
               bool backward)
{
    const Stack *stack = (const Stack *)cell;

    for (guint i = 0; i < stack->n; i++) {
        g_autofree char *name = g_strdup_printf("%s_%u", at->name, i);
        const CrCellPlace place = {at->builder, name, at->broadcast};
        x = cr_cell_sequence(stack->cells[i], &place, x, in, out, backward);
        in += stack->cells[i]->states->len;
        out += stack->cells[i]->states->len;
    }
    return x;
}

static void
stack_clear(ConvRnnCell *cell)
{
    Stack *stack = (Stack *)cell;

    for (guint i = 0; i < stack->n; i++)
        convrnn_cell_unref(stack->cells[i]);
    g_free(stack->cells);
}

static const CrCellClass stack_class = {"stack", stack_step, stack_sequence, stack_has_sequence,
                                        stack_clear};

/* Whether a layer may stand on the one below. A dense one takes all elements of a picture, whose
 * number is not known yet. */
static bool
check_pair(const ConvRnnCell *below, const ConvRnnCell *layer, guint index, GError **error)
{
    if (layer->rank > 2 && layer->rank != below->rank)
        return cr_cell_fail("stack", CONVRNN_ERROR_SHAPE, error,
                            "layer %u (%s) gives %d dimensions, but layer %u (%s) takes %d",
                            index - 1, below->class->kind, below->rank, index, layer->class->kind,
                            layer->rank);
    if (layer->rank == below->rank && layer->inputs != below->channels)
        return cr_cell_fail("stack", CONVRNN_ERROR_SHAPE, error,
                            "layer %u (%s) gives %" G_GINT64_FORMAT
                            " channels, but layer %u (%s) takes %" G_GINT64_FORMAT,
                            index - 1, below->class->kind, below->channels, index,
                            layer->class->kind, layer->inputs);
    return true;
}

static bool
check_layers(ConvRnnCell *const *cells, guint n, GError **error)
{
    if (n == 0)
        return cr_cell_fail("stack", CONVRNN_ERROR_FORMAT, error,
                            "it has no layers, expected at least 1");
    for (guint i = 0; i < n; i++) {
        if (!cells[i])
            return cr_cell_fail("stack", CONVRNN_ERROR_FORMAT, error, "layer %u is NULL", i);
        if (i > 0 && !check_pair(cells[i - 1], cells[i], i, error))
            return false;
    }
    return true;
}

ConvRnnCell *
convrnn_cell_new_stack(ConvRnnCell *const *cells, guint n_cells, GError **error)
{
    if (!check_layers(cells, n_cells, error))
        return NULL;
    const ConvRnnCell *top = cells[n_cells - 1];
    Stack *stack =
        cr_cell_alloc(sizeof *stack, &stack_class, top->rank, cells[0]->inputs, top->channels);
    stack->n = n_cells;
    stack->cells = g_new(ConvRnnCell *, n_cells);
    for (guint i = 0; i < n_cells; i++) {
        g_autofree char *prefix = g_strdup_printf("%u", i);
        stack->cells[i] = convrnn_cell_ref(cells[i]);
        cr_cell_add_states(&stack->base, cells[i], prefix);
    }
    return &stack->base;
}

/* --- residual --- */

typedef struct {
    ConvRnnCell base;
    ConvRnnCell *cell;
} Residual;

static guint
residual_step(const ConvRnnCell *cell, const CrCellPlace *at, guint x, const guint *in, guint *out)
{
    const Residual *residual = (const Residual *)cell;

    if (cell->rank == 2)
        x = cr_cell_op(at, "Flatten", x, CONVRNN_NO_VALUE);
    return cr_cell_op(at, "Add", x, cr_cell_step(residual->cell, at, x, in, out));
}

static bool
residual_has_sequence(const ConvRnnCell *cell)
{
    return cr_cell_has_sequence(((const Residual *)cell)->cell);
}

static guint
residual_sequence(const ConvRnnCell *cell, const CrCellPlace *at, guint x, const guint *in,
                  guint *out, bool backward)
{
    const ConvRnnCell *inner = ((const Residual *)cell)->cell;
    return cr_cell_op(at, "Add", x, cr_cell_sequence(inner, at, x, in, out, backward));
}

static void
residual_clear(ConvRnnCell *cell)
{
    convrnn_cell_unref(((Residual *)cell)->cell);
}

static const CrCellClass residual_class = {"residual", residual_step, residual_sequence,
                                           residual_has_sequence, residual_clear};

ConvRnnCell *
convrnn_cell_new_residual(ConvRnnCell *cell, GError **error)
{
    if (!cell) {
        cr_cell_fail("residual", CONVRNN_ERROR_FORMAT, error, "the cell is NULL");
        return NULL;
    }
    if (cell->inputs != cell->channels) {
        cr_cell_fail("residual", CONVRNN_ERROR_SHAPE, error,
                     "the cell (%s) takes %" G_GINT64_FORMAT " channels and gives %" G_GINT64_FORMAT
                     ", expected the same number",
                     cell->class->kind, cell->inputs, cell->channels);
        return NULL;
    }
    Residual *residual =
        cr_cell_alloc(sizeof *residual, &residual_class, cell->rank, cell->inputs, cell->channels);
    residual->cell = convrnn_cell_ref(cell);
    cr_cell_add_states(&residual->base, cell, NULL);
    return &residual->base;
}

/* --- dropout --- */

ConvRnnCell *
convrnn_cell_new_dropout(ConvRnnCell *cell, GError **error)
{
    if (cell)
        return convrnn_cell_ref(cell);
    cr_cell_fail("dropout", CONVRNN_ERROR_FORMAT, error, "the cell is NULL");
    return NULL;
}
