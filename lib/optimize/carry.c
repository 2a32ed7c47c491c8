/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Recurrent nodes that read one step and start from a constant, as exports of whole networks have
 * them: on a stream they would forget everything between two frames. Here what a node ends with
 * becomes what it starts from in the next step.
 *
 * A node that runs backwards reads a sequence inside a frame, such as the columns of a picture, and
 * starts afresh with each: it is left alone. With a time axis of 1 it can only mean time, which
 * does not run backwards in a stream. */
#include "ops/recurrent.h"
#include "optimize/stateful.h"
#include <string.h>

static bool
is_recurrent(const CrIrNode *node)
{
    static const char *const ops[] = {"RNN", "GRU", "LSTM"};
    for (size_t i = 0; !node->dead && i < G_N_ELEMENTS(ops); i++)
        if (node->op == cr_op_find("", ops[i]))
            return true;
    return false;
}

static bool
parse(const CrIr *ir, const CrIrNode *node, CrRecurrent *r, GError **error)
{
    CrOpSetup setup;

    cr_ir_setup(ir, node, &setup);
    bool ok = cr_recurrent_parse(&setup, r, error);
    cr_ir_setup_clear(&setup);
    return ok;
}

static int
input_of(const CrIrNode *node, int index)
{
    return index < node->n_in ? node->in[index] : CR_NO_VALUE;
}

/* The node begins each step with the same. */
static bool
starts_afresh(const CrIr *ir, const CrIrNode *node)
{
    for (int i = CR_RECURRENT_INITIAL_H; i <= CR_RECURRENT_INITIAL_C; i++) {
        int value = input_of(node, i);
        if (value != CR_NO_VALUE && cr_ir_value(ir, value)->kind != CR_IR_CONSTANT)
            return false;
    }
    return true;
}

static bool state_error(const CrIr *ir, const CrIrNode *node, GError **error, const char *format,
                        ...) G_GNUC_PRINTF(4, 5);

static bool
state_error(const CrIr *ir, const CrIrNode *node, GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *what = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_STATE, "%s: %s node '%s': %s", ir->model->name,
                node->op->name, node->node->name, what);
    return false;
}

/* *carried: whether the node is one whose state can be carried. */
static bool
can_carry(const CrIr *ir, const CrIrNode *node, bool carry, bool *carried, GError **error)
{
    CrRecurrent r;
    bool backwards;

    *carried = false;
    if (!is_recurrent(node) || !starts_afresh(ir, node))
        return true;
    if (!parse(ir, node, &r, error))
        return false;
    backwards = r.directions == 2 || r.reverse[0];
    *carried = r.steps == 1 && !backwards;
    if (!carry || *carried || (backwards && r.steps != 1))
        return true;
    if (backwards)
        return state_error(ir, node, error,
                           "it also reads its sequence backwards, which has one step here: its "
                           "state cannot be carried, as a stream has no end to begin from. Use a "
                           "model with forward recurrence, or leave carry-rnn-state off");
    return state_error(ir, node, error,
                       "its time axis has %d steps, carry-rnn-state needs 1. Give the model one "
                       "step at a time: export it with a time axis that is 1 or open, and bind an "
                       "open one to 1",
                       r.steps);
}

/* --- one state --- */

static bool
is_taken(const CrIr *ir, const char *name)
{
    for (guint i = 0; i < ir->states->len; i++)
        if (g_str_equal(g_array_index(ir->states, CrIrState, i).info.name, name))
            return true;
    for (guint i = 0; i < ir->inputs->len; i++)
        if (g_str_equal(g_array_index(ir->inputs, CrIrPort, i).info.name, name))
            return true;
    return false;
}

const char *
cr_ir_state_name(CrIr *ir, const char *node, const char *suffix)
{
    char *name = g_strdup_printf("%s.%s", node, suffix);

    for (int i = 2; is_taken(ir, name); i++) {
        g_free(name);
        name = g_strdup_printf("%s_%d.%s", node, i, suffix);
    }
    cr_region_own(ir->region, name, g_free);
    return name;
}

bool
cr_ir_add_state(CrIr *ir, const char *name, int in, int out, ConvRnnStateOrigin origin,
                ConvRnnTensor *initial, GError **error)
{
    CrIrValue *value = cr_ir_value(ir, in);
    CrIrState state = {
        .info = {.name = name, .dtype = value->desc.dtype, .n_dims = (guint)value->desc.n_dims},
        .output = cr_ir_value(ir, out)->name,
        .origin = origin,
        .in = in,
        .out = out,
        .initial = initial};

    memcpy(state.info.dims, value->desc.dims, sizeof state.info.dims);
    if (!initial)
        state.initial =
            convrnn_tensor_new(state.info.dtype, state.info.dims, state.info.n_dims, NULL, error);
    if (!state.initial)
        return false;
    value->name = name;
    value->kind = CR_IR_STATE;
    value->index = (int)ir->states->len;
    g_array_append_val(ir->states, state);
    return true;
}

/* list[0…*n) grows to hold index; what is new is left out. */
static void
reach(int **list, int *n, int index)
{
    if (index < *n)
        return;
    *list = g_renew(int, *list, index + 1);
    while (*n <= index)
        (*list)[(*n)++] = CR_NO_VALUE;
}

/* The node's input `in` is from now on what its output `out` was in the step before. */
static bool
carry_one(CrIr *ir, guint index, const char *suffix, int in, int out, const CrDesc *desc,
          GError **error)
{
    CrIrNode *node = cr_ir_node(ir, (int)index);
    const CrIrValue like = {.name = cr_ir_state_name(ir, node->node->name, suffix), .desc = *desc};
    int given = input_of(node, in);
    ConvRnnTensor *initial =
        given == CR_NO_VALUE ? NULL : convrnn_tensor_ref(cr_ir_value(ir, given)->constant);

    reach(&node->in, &node->n_in, in);
    reach(&node->out, &node->n_out, out);
    node->in[in] = cr_ir_add_value(ir, &like);
    if (node->out[out] == CR_NO_VALUE) {
        node->out[out] = cr_ir_add_value(ir, &like);
        cr_ir_value(ir, node->out[out])->producer = (int)index;
    }
    return cr_ir_add_state(ir, like.name, node->in[in], node->out[out], CONVRNN_STATE_FROM_CARRY,
                           initial, error);
}

static bool
carry_node(CrIr *ir, guint index, GError **error)
{
    CrRecurrent r;

    if (!parse(ir, cr_ir_node(ir, (int)index), &r, error))
        return false;
    CrDesc desc = {.dtype = CONVRNN_DTYPE_FLOAT32, .n_dims = 3};
    desc.dims[r.batch_first ? 0 : 1] = r.batch;
    desc.dims[r.batch_first ? 1 : 0] = r.directions;
    desc.dims[2] = r.hidden;
    return carry_one(ir, index, "h", CR_RECURRENT_INITIAL_H, CR_RECURRENT_Y_H, &desc, error) &&
           (r.cell != CR_CELL_LSTM ||
            carry_one(ir, index, "c", CR_RECURRENT_INITIAL_C, CR_RECURRENT_Y_C, &desc, error));
}

static bool
carries_something(const CrIr *ir)
{
    for (guint i = 0; i < ir->states->len; i++)
        if (g_array_index(ir->states, CrIrState, i).origin == CONVRNN_STATE_FROM_CARRY)
            return true;
    return false;
}

bool
cr_ir_carry(CrIr *ir, bool carry, GError **error)
{
    for (guint i = 0; i < ir->nodes->len; i++) {
        bool carried;
        if (!can_carry(ir, cr_ir_node(ir, (int)i), carry, &carried, error) ||
            (carry && carried && !carry_node(ir, i, error)))
            return false;
        ir->restarted += carried && !carry;
    }
    if (!carry || carries_something(ir))
        return true;
    g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_STATE,
                "%s: carry-rnn-state is on, but no RNN, GRU or LSTM node and no loop of one round "
                "starts from a constant: there is no state to carry",
                ir->model->name);
    return false;
}
