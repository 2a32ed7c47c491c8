/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loops of one round, as exports of whole networks have them where a framework's recurrent layer is
 * a loop over time: with carry-rnn-state, what the round ends with is what it begins with in the
 * next step.
 *
 * Only float32 values are carried that start from a constant and that the round changes: counters
 * and conditions start afresh, and weights that are handed from round to round stay constants. The
 * constants must be forgotten before the body is visited, or they would fold into it. */
#include "optimize/binder.h"

static int
port_value(const GArray *ports, int index)
{
    return g_array_index(ports, CrPort, index).value;
}

/* The body gives back what it was given. */
static bool
is_unchanged(const CrGraph *body, int input, int output)
{
    int value = port_value(body->outputs, output);

    for (;;) {
        int producer = cr_graph_get_value(body, value)->producer;
        if (producer < 0)
            return value == port_value(body->inputs, input);
        const CrNode *node = cr_graph_get_node(body, producer);
        if (!g_str_equal(node->op, "Identity"))
            return false;
        value = node->inputs[0];
    }
}

static bool
is_state(const CrBinder *b, const CrGraph *body, int input, int output, int fact)
{
    const ConvRnnTensor *initial = fact == CR_NO_VALUE ? NULL : cr_binder_fact(b, fact)->constant;

    return initial && initial->dtype == CONVRNN_DTYPE_FLOAT32 && initial->n_elements > 0 &&
           !is_unchanged(body, input, output);
}

bool
cr_binder_begin_carry(CrBinder *b, const CrNode *node, const CrGraph *body, int input, int output,
                      int64_t rounds, int *carried, int n, GError **error)
{
    guint found = 0;

    for (int i = 0; i < n; i++) {
        if (!is_state(b, body, input + i, output + i, carried[i]))
            continue;
        found++;
        if (!b->binding->carry)
            continue;
        if (rounds != 1) {
            g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_STATE,
                        "%s node '%s': it goes round up to %" G_GINT64_FORMAT
                        " times, carry-rnn-state needs 1. Give the model one step at a time: "
                        "export it with a time axis that is 1 or open, and bind an open one to 1",
                        node->op, node->name, (gint64)rounds);
            return false;
        }
        CrCarried state = {.node = node, .index = i, .out = CR_NO_VALUE};
        state.initial = convrnn_tensor_ref(cr_binder_fact(b, carried[i])->constant);
        state.in = cr_binder_add_fact(b, node->name);
        cr_binder_fact(b, state.in)->desc = cr_binder_desc(state.initial);
        carried[i] = state.in;
        g_array_append_val(b->carried, state);
    }
    b->restarted += found > 0 && rounds == 1 && !b->binding->carry;
    return true;
}

void
cr_binder_end_carry(CrBinder *b, const CrNode *node, const int *carried, int n)
{
    for (guint s = 0; s < b->carried->len; s++) {
        CrCarried *state = &g_array_index(b->carried, CrCarried, s);
        CrFact *in = cr_binder_fact(b, state->in);
        if (state->node != node || state->index >= n || state->out != CR_NO_VALUE || in->constant)
            continue; /* another loop's, or this one's in an earlier place */
        const CrFact *out = cr_binder_fact(b, carried[state->index]);
        if (out->desc.dtype == in->desc.dtype && cr_desc_same_shape(&out->desc, &in->desc) &&
            !out->constant && carried[state->index] != state->in)
            state->out = carried[state->index];
        else /* what grows, or becomes another constant, is no state */
            in->constant = convrnn_tensor_ref(state->initial);
    }
}
