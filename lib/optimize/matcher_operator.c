/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/ops.h"
#include "ops/recurrent.h"
#include "optimize/matcher.h"

static int
state_behind(const CrMatcher *m, int value)
{
    for (int i = 0; i < 16 && value != CR_NO_VALUE; i++) {
        const CrIrValue *v = cr_ir_value(m->ir, value);
        if (v->kind == CR_IR_STATE)
            return v->index;
        if (v->kind != CR_IR_COMPUTED || v->producer < 0)
            break;
        const CrIrNode *node = cr_ir_node(m->ir, v->producer);
        if (cr_desc_elements(&cr_ir_value(m->ir, node->in[0])->desc) !=
                cr_desc_elements(&v->desc) ||
            (node->op != &cr_op_transpose && !(node->op->flags & CR_OP_ALIAS) &&
             cr_expression_source(m->ir, value) == value))
            break;
        value = node->in[0];
    }
    return -1;
}

/* The recurrent node whose output `value` is, but for its shape. */
static const CrIrNode *
operator_behind(const CrMatcher *m, int value, int *output)
{
    for (int i = 0; i < 16; i++) {
        const CrIrValue *v = cr_ir_value(m->ir, value);
        if (v->kind != CR_IR_COMPUTED || v->producer < 0)
            return NULL;
        const CrIrNode *node = cr_ir_node(m->ir, v->producer);
        if (node->op == &cr_op_rnn || node->op == &cr_op_gru || node->op == &cr_op_lstm) {
            for (*output = 0; node->out[*output] != value; ++*output)
                continue;
            return node;
        }
        if (node->in[0] == CR_NO_VALUE ||
            cr_desc_elements(&cr_ir_value(m->ir, node->in[0])->desc) !=
                cr_desc_elements(&v->desc) ||
            (node->op != &cr_op_transpose && !(node->op->flags & CR_OP_ALIAS) &&
             cr_expression_source(m->ir, value) == value))
            return NULL;
        value = node->in[0];
    }
    return NULL;
}

static void
describe_operator(CrMatcher *m, const CrIrNode *node)
{
    ConvRnnRecurrence *cell = &m->found->cell;
    const CrDesc *r = &cr_ir_value(m->ir, node->in[CR_RECURRENT_R])->desc;
    int index = (int)(node - (const CrIrNode *)(const void *)m->ir->nodes->data);

    cell->is_operator = TRUE;
    cell->kind = node->op == &cr_op_rnn   ? CONVRNN_RECURRENCE_RNN
                 : node->op == &cr_op_gru ? CONVRNN_RECURRENCE_GRU
                                          : CONVRNN_RECURRENCE_LSTM;
    cell->channels = (guint)r->dims[2];
    cell->z_keeps = node->op == &cr_op_gru;
    if (node->op == &cr_op_gru)
        cell->reset = cr_node_int(node->node, "linear_before_reset", 0)
                          ? CONVRNN_RECURRENCE_RESET_AFTER
                          : CONVRNN_RECURRENCE_RESET_BEFORE;
    cell->coupled = cr_node_int(node->node, "input_forget", 0) != 0;
    cell->peepholes = node->n_in > CR_RECURRENT_P && node->in[CR_RECURRENT_P] != CR_NO_VALUE;
    g_array_append_val(m->found->products, index);
}

/* Whether the state comes into the node as its initial value and is its last one. */
static bool
goes_through(const CrMatcher *m, int state, const CrIrNode *node, int output)
{
    int its_output, next = g_array_index(m->ir->states, CrIrState, state).out;
    int input = output == CR_RECURRENT_Y_C ? CR_RECURRENT_INITIAL_C : CR_RECURRENT_INITIAL_H;

    return operator_behind(m, next, &its_output) == node && its_output == output &&
           input < node->n_in && state_behind(m, node->in[input]) == state;
}

bool
cr_matcher_operator(CrMatcher *m, int state)
{
    int output, next = g_array_index(m->ir->states, CrIrState, state).out;
    const CrIrNode *node = operator_behind(m, next, &output);
    int h = -1, c = -1;

    if (!node || node->n_in <= CR_RECURRENT_INITIAL_H)
        return false;
    bool lstm = node->op == &cr_op_lstm;
    if (lstm && node->n_in <= CR_RECURRENT_INITIAL_C)
        return false;
    h = output == CR_RECURRENT_Y_C ? state_behind(m, node->in[CR_RECURRENT_INITIAL_H]) : state;
    if (lstm)
        c = output == CR_RECURRENT_Y_C ? state : state_behind(m, node->in[CR_RECURRENT_INITIAL_C]);
    int h_output = CR_RECURRENT_Y_H;
    if (output != CR_RECURRENT_Y_C)
        h_output = output; /* Y of one step is Y_h */
    if (h < 0 || !goes_through(m, h, node, h_output) ||
        (lstm && (c < 0 || !goes_through(m, c, node, CR_RECURRENT_Y_C))))
        return false;
    m->found->states[0] = h;
    m->found->states[1] = c;
    describe_operator(m, node);
    return true;
}
