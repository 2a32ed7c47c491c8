/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cheap results that are stored for one later program only move into that program, when it then
 * reads no more than before: in a GRU, (1 − z)·h needs z and h, which the last program reads
 * anyway, so storing it would be waste. */
#include "optimize/fuse.h"
#include "optimize/program_writer.h"

#define MAX_LEAVES 8

typedef struct {
    const CrIrNode *from;
    int leaves[MAX_LEAVES]; /* values that the expression reads */
    int n_leaves, n_instructions;
} Expression;

static bool
add_leaf(Expression *e, int value)
{
    for (int i = 0; i < e->n_leaves; i++)
        if (e->leaves[i] == value)
            return true;
    if (e->n_leaves == MAX_LEAVES)
        return false;
    e->leaves[e->n_leaves++] = value;
    return true;
}

/* False when it needs what never leaves the convolution. */
static bool
collect(Expression *e, int index)
{
    const CrProgram *p = cr_ir_program(e->from);
    const CrInstruction *in = &p->instruction[index];
    const int args[2] = {in->a, in->b};

    if (++e->n_instructions > CR_PROGRAM_MAX / 4)
        return false;
    for (int i = 0; i < (in->binary ? 2 : 1); i++) {
        int arg = args[i];
        if (arg < 0) {
            int input = p->input[CR_OPERAND_OF(arg)];
            if (input < 0 || !add_leaf(e, e->from->in[input]))
                return false;
        } else if (p->instruction[arg].output >= 0) {
            if (!add_leaf(e, e->from->out[p->instruction[arg].output]))
                return false;
        } else if (!collect(e, arg)) {
            return false;
        }
    }
    return true;
}

static bool
reads(const CrIrNode *node, int value)
{
    for (int i = 0; i < node->n_in; i++)
        if (node->in[i] == value)
            return true;
    return false;
}

/* Whether the convolution itself reads the value. */
static bool
convolves(const CrIrNode *node, int value)
{
    for (int i = 0; node->op == &cr_op_fused_conv && i < ((const CrFusedConv *)node->fused)->n_x;
         i++)
        if (node->in[i] == value)
            return true;
    return false;
}

/* The instruction of the node that computes output `k` if it pays to move it into `reader`. */
static int
worth_moving(const CrIr *ir, const CrIrNode *node, int k, const CrIrNode *reader)
{
    const CrProgram *p = cr_ir_program(node), *q = cr_ir_program(reader);
    Expression e = {.from = node};
    int index = 0, more = 0;

    while (p->instruction[index].output != k)
        index++;
    if (!q || (node->n_out < 2 && node->op != &cr_op_pointwise) ||
        convolves(reader, node->out[k]) || !collect(&e, index) ||
        q->n_instructions + e.n_instructions > CR_PROGRAM_MAX / 2 ||
        q->n_operands + e.n_leaves > CR_PROGRAM_MAX / 2 ||
        !cr_desc_same_shape(&cr_ir_value(ir, node->out[k])->desc,
                            &cr_ir_value(ir, reader->out[0])->desc))
        return -1;
    for (int i = 0; i < e.n_leaves; i++)
        more += !reads(reader, e.leaves[i]);
    return more <= 1 ? index : -1;
}

/* Values that are the parts of a convolution's result are gone by now: only their numbers count. */
static bool
move(CrIr *ir, int from, int k, int index, int reader, GError **error)
{
    CrProgram *p = cr_region_alloc(ir->region, 2, sizeof *p, "a program", error);
    CrIrNode *source = cr_ir_node(ir, from), *target = cr_ir_node(ir, reader);

    if (!p)
        return false;
    int moved = source->out[k];
    CrProgramWriter w = cr_program_writer(ir, target, &p[0]);
    cr_program_copy(&w, source, index, false);
    for (int i = 0; i < cr_ir_program(target)->n_instructions; i++)
        if (cr_ir_program(target)->instruction[i].output >= 0)
            cr_program_copy(&w, target, i, true);
    /* the target reads `moved` no longer, so that finishing the source finds it unused */
    cr_program_finish(&w, reader);
    source->dead = source->n_out == 1;
    if (source->dead)
        return true;

    w = cr_program_writer(ir, source, &p[1]);
    for (int i = 0; i < cr_ir_program(source)->n_instructions; i++) {
        int output = cr_ir_program(source)->instruction[i].output;
        if (output >= 0 && source->out[output] != moved)
            cr_program_copy(&w, source, i, true);
    }
    cr_program_finish(&w, from);
    return true;
}

bool
cr_ir_sink(CrIr *ir, GError **error)
{
    for (int i = 0; i < (int)ir->nodes->len; i++) {
        for (int k = 0; !cr_ir_node(ir, i)->dead && k < cr_ir_node(ir, i)->n_out; k++) {
            const CrIrNode *node = cr_ir_node(ir, i);
            int reader = -1;
            if (!cr_ir_program(node) || cr_ir_is_result(ir, node->out[k]) ||
                cr_ir_count_uses(ir, node->out[k], &reader) != 1)
                continue;
            int index = worth_moving(ir, node, k, cr_ir_node(ir, reader));
            if (index < 0)
                continue;
            if (!move(ir, i, k, index, reader, error))
                return false;
            k = -1; /* the outputs have changed: once more from the first */
        }
    }
    return true;
}
