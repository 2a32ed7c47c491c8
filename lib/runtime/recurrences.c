/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The recognised cells of a session: their names, and where their nodes run. */
#include "optimize/recurrences.h"
#include "ops/fused_conv.h"
#include "ops/ops.h"
#include "runtime/session.h"
#include <string.h>

/* --- which of the model's nodes a cell consists of --- */

static bool
reads_any(const CrIrNode *node, const bool *values)
{
    for (int k = 0; k < node->n_in; k++)
        if (node->in[k] != CR_NO_VALUE && values[node->in[k]])
            return true;
    return false;
}

static bool
computes_any(const CrIrNode *node, const bool *values)
{
    for (int k = 0; k < node->n_out; k++)
        if (node->out[k] != CR_NO_VALUE && values[node->out[k]])
            return true;
    return false;
}

static bool
is_product(const CrIr *ir, const CrRecurrence *found, const CrNode *node)
{
    const CrNode *host = g_hash_table_lookup(ir->merged, node);
    for (guint i = 0; i < found->products->len; i++) {
        const CrNode *product = cr_ir_node(ir, g_array_index(found->products, int, i))->node;
        if (product == node || product == host)
            return true;
    }
    return false;
}

/* Nodes between the old state and the new one, and the products of the input that they add; CrNode*
 * in the model's order. */
static GPtrArray *
nodes_of(const CrIr *ir, const CrRecurrence *found)
{
    bool *after = g_new0(bool, ir->values->len + 1), *before = g_new0(bool, ir->values->len + 1);
    bool *member = g_new0(bool, ir->bound->len + 1);
    GPtrArray *nodes = g_ptr_array_new();

    for (int i = 0; i < 2; i++)
        if (found->states[i] >= 0) {
            const CrIrState *state = &g_array_index(ir->states, CrIrState, found->states[i]);
            after[state->in] = before[state->bound_out] = true;
        }
    for (guint i = 0; i < ir->bound->len; i++) {
        const CrIrNode *node = &g_array_index(ir->bound, CrIrNode, i);
        member[i] = reads_any(node, after);
        for (int k = 0; member[i] && k < node->n_out; k++)
            if (node->out[k] != CR_NO_VALUE)
                after[node->out[k]] = true;
    }
    for (guint i = ir->bound->len; i-- > 0;) {
        const CrIrNode *node = &g_array_index(ir->bound, CrIrNode, i);
        bool needed = computes_any(node, before);
        for (int k = 0; needed && k < node->n_in; k++)
            if (node->in[k] != CR_NO_VALUE)
                before[node->in[k]] = true;
        member[i] = (member[i] && needed) || is_product(ir, found, node->node);
    }
    for (guint i = 0; i < ir->bound->len; i++)
        if (member[i])
            g_ptr_array_add(nodes, (gpointer)g_array_index(ir->bound, CrIrNode, i).node);
    g_free(after);
    g_free(before);
    g_free(member);
    return nodes;
}

/* --- where they run --- */

static const CrProgram *
program_of(const CrIrNode *node)
{
    if (node->op == &cr_op_pointwise)
        return node->fused;
    /* also one that became a clamp in the registers */
    return node->op == &cr_op_fused_conv ? &((const CrFusedConv *)node->fused)->program : NULL;
}

static bool
runs(const CrIr *ir, const CrIrNode *step, const CrNode *node)
{
    const CrProgram *program = program_of(step);

    if (step->node == node || g_hash_table_lookup(ir->merged, node) == step->node)
        return true;
    for (int i = 0; program && i < program->n_instructions; i++)
        if (program->instruction[i].origin == node)
            return true;
    return false;
}

static bool
is_whole_cell(const CrOp *op)
{
    return op == &cr_op_fused_conv || op == &cr_op_rnn || op == &cr_op_gru || op == &cr_op_lstm;
}

static void
find_steps(const CrIr *ir, const GPtrArray *nodes, ConvRnnRecurrence *cell, CrRegion *region)
{
    guint *node_steps = g_new(guint, nodes->len + 1);
    GArray *steps = g_array_new(TRUE, FALSE, sizeof(guint));
    guint step = 0;

    for (guint k = 0; k < nodes->len; k++)
        node_steps[k] = G_MAXUINT;
    cell->fused = TRUE;
    for (guint i = 0; i < ir->nodes->len; i++) {
        const CrIrNode *node = cr_ir_node(ir, (int)i);
        bool part = false;
        if (node->dead || (node->op->flags & CR_OP_ALIAS)) /* as in a plan */
            continue;
        for (guint k = 0; k < nodes->len; k++)
            if (runs(ir, node, nodes->pdata[k])) {
                part = true;
                if (node_steps[k] == G_MAXUINT)
                    node_steps[k] = step;
            }
        if (part) {
            g_array_append_val(steps, step);
            cell->fused = cell->fused && is_whole_cell(node->op);
        }
        step++;
    }
    cell->n_steps = steps->len;
    cell->node_steps = node_steps;
    cell->steps = (guint *)(void *)g_array_free(steps, FALSE);
    cr_region_own(region, node_steps, g_free);
    cr_region_own(region, (gpointer)cell->steps, g_free);
}

/* --- words --- */

static const char *
name_of(const ConvRnnRecurrence *cell)
{
    static const char *const names[][2] = {
        [CONVRNN_RECURRENCE_UNRECOGNISED] = {"unrecognised", "unrecognised"},
        [CONVRNN_RECURRENCE_RNN] = {"RNN", "ConvRNN"},
        [CONVRNN_RECURRENCE_GRU] = {"GRU", "ConvGRU"},
        [CONVRNN_RECURRENCE_LSTM] = {"LSTM", "ConvLSTM"},
        [CONVRNN_RECURRENCE_SRU] = {"SRU", "ConvSRU"},
    };
    return names[cell->kind][cell->convolutional ? 1 : 0];
}

static void
describe_kernel(GString *text, const ConvRnnRecurrence *cell)
{
    for (int i = 0; i < 3 && cell->kernel[i]; i++)
        g_string_append_printf(text, "%s%u", i ? "×" : ", ", cell->kernel[i]);
}

static char *
describe(const ConvRnnRecurrence *cell)
{
    static const char *const resets[] = {"no reset", "reset before", "reset after"};
    GString *text = g_string_new(cell->name);

    if (cell->kind == CONVRNN_RECURRENCE_UNRECOGNISED)
        return g_string_free(g_string_assign(text, "a state of an unrecognised form"), FALSE);
    g_string_append_printf(text, "%s, %u channels", cell->is_operator ? " operator" : "",
                           cell->channels);
    describe_kernel(text, cell);
    if (cell->kind == CONVRNN_RECURRENCE_GRU)
        g_string_append_printf(text, ", %s", resets[cell->reset]);
    if (cell->kind == CONVRNN_RECURRENCE_GRU || cell->kind == CONVRNN_RECURRENCE_SRU)
        g_string_append(text, cell->z_keeps ? ", z keeps" : ", z replaces");
    if (cell->coupled)
        g_string_append(text, ", coupled gates");
    if (cell->kind == CONVRNN_RECURRENCE_LSTM || cell->peepholes)
        g_string_append(text, cell->peepholes ? ", peepholes" : ", no peepholes");
    if (cell->projected)
        g_string_append(text, ", projected");
    if (cell->clip > 0)
        g_string_append_printf(text, ", clipped at %g", (double)cell->clip);
    if (cell->gate_activation)
        g_string_append_printf(text, ", %s", cell->gate_activation);
    if (cell->activation)
        g_string_append_printf(text, ", %s", cell->activation);
    if (cell->output_activation && strcmp(cell->output_activation, cell->activation) != 0)
        g_string_append_printf(text, " and %s", cell->output_activation);
    return g_string_free(text, FALSE);
}

static void
name_states(const CrIr *ir, const CrRecurrence *found, ConvRnnRecurrence *cell, CrRegion *region)
{
    const gchar **names = g_new0(const gchar *, 3);
    int n = 0;
    for (int i = 0; i < 2; i++)
        if (found->states[i] >= 0)
            names[n++] = g_array_index(ir->states, CrIrState, found->states[i]).info.name;
    cell->states = names;
    cr_region_own(region, names, g_free);
}

static void
name_nodes(const GPtrArray *nodes, ConvRnnRecurrence *cell, CrRegion *region)
{
    const gchar **names = g_new0(const gchar *, nodes->len + 1);
    for (guint k = 0; k < nodes->len; k++)
        names[k] = ((const CrNode *)nodes->pdata[k])->name;
    cell->n_nodes = nodes->len;
    cell->nodes = names;
    cr_region_own(region, names, g_free);
}

/* --- public --- */

static GArray *
recurrences_of(ConvRnnSession *s)
{
    if (s->recurrences)
        return s->recurrences;
    const CrIr *ir = s->plan->ir;
    GArray *found = cr_recurrences_find(ir);
    s->recurrence_names = cr_region_new();
    s->recurrences = g_array_new(FALSE, TRUE, sizeof(ConvRnnRecurrence));
    for (guint i = 0; i < found->len; i++) {
        const CrRecurrence *from = &g_array_index(found, CrRecurrence, i);
        ConvRnnRecurrence cell = from->cell;
        name_states(ir, from, &cell, s->recurrence_names);
        if (cell.kind != CONVRNN_RECURRENCE_UNRECOGNISED) {
            GPtrArray *nodes = nodes_of(ir, from);
            name_nodes(nodes, &cell, s->recurrence_names);
            find_steps(ir, nodes, &cell, s->recurrence_names);
            g_ptr_array_unref(nodes);
        }
        cell.name = name_of(&cell);
        char *description = describe(&cell);
        cell.description = description;
        cr_region_own(s->recurrence_names, description, g_free);
        g_array_append_val(s->recurrences, cell);
    }
    g_array_unref(found);
    return s->recurrences;
}

guint
convrnn_session_get_n_recurrences(ConvRnnSession *session)
{
    return recurrences_of(session)->len;
}

const ConvRnnRecurrence *
convrnn_session_get_recurrence(ConvRnnSession *session, guint index)
{
    g_return_val_if_fail(index < recurrences_of(session)->len, NULL);
    return &g_array_index(session->recurrences, ConvRnnRecurrence, index);
}
