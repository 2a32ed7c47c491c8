/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "optimize/program_writer.h"

const CrProgram *
cr_ir_program(const CrIrNode *node)
{
    if (node->op == &cr_op_pointwise)
        return node->fused;
    if (node->op != &cr_op_fused_conv || !((const CrFusedConv *)node->fused)->has_program)
        return NULL;
    return &((const CrFusedConv *)node->fused)->program;
}

CrProgramWriter
cr_program_writer(CrIr *ir, const CrIrNode *node, CrProgram *program)
{
    CrProgramWriter w = {
        .ir = ir, .program = program, .in = g_array_new(FALSE, FALSE, sizeof(int))};

    *program = (CrProgram){0};
    if (node->op == &cr_op_fused_conv) {
        const CrFusedConv *conv = node->fused;
        g_array_append_vals(w.in, node->in, (guint)(conv->n_x + 1 + conv->conv.has_bias));
    }
    return w;
}

/* What CrProgram.input says of a value: an input of the node (added when it is not one yet), or a
 * part of the convolution's result. */
static int
input_for(CrProgramWriter *w, int value)
{
    for (int r = 0; r < w->n_raw; r++)
        if (w->raw[r] == value)
            return -1 - r;
    for (guint i = 0; i < w->in->len; i++)
        if (g_array_index(w->in, int, i) == value)
            return (int)i;
    g_array_append_val(w->in, value);
    return (int)w->in->len - 1;
}

static int
operand_for(CrProgramWriter *w, int input)
{
    CrProgram *p = w->program;
    for (int i = 0; i < p->n_operands; i++)
        if (p->input[i] == input)
            return CR_OPERAND(i);
    p->input[p->n_operands] = input;
    return CR_OPERAND(p->n_operands++);
}

int
cr_program_argument(CrProgramWriter *w, int value)
{
    for (int i = w->program->n_instructions - 1; i >= 0; i--)
        if (w->result[i] == value)
            return i;
    return operand_for(w, input_for(w, value));
}

/* The new argument for argument `arg` of an instruction of `from`. */
static int
copy_argument(CrProgramWriter *w, const CrIrNode *from, int arg, bool through)
{
    const CrProgram *p = cr_ir_program(from);

    if (arg < 0) {
        int input = p->input[CR_OPERAND_OF(arg)];
        return input < 0 ? operand_for(w, input) : cr_program_argument(w, from->in[input]);
    }
    int output = p->instruction[arg].output;
    if (output >= 0 && !through)
        return cr_program_argument(w, from->out[output]);
    return cr_program_copy(w, from, arg, through);
}

int
cr_program_copy(CrProgramWriter *w, const CrIrNode *from, int index, bool through)
{
    CrInstruction in = cr_ir_program(from)->instruction[index];
    int value = in.output >= 0 ? from->out[in.output] : -1;

    for (int i = 0; value >= 0 && i < w->program->n_instructions; i++)
        if (w->result[i] == value)
            return i;
    in.a = copy_argument(w, from, in.a, through);
    if (in.binary)
        in.b = copy_argument(w, from, in.b, through);
    in.output = -1;
    w->result[w->program->n_instructions] = value;
    w->program->instruction[w->program->n_instructions] = in;
    return w->program->n_instructions++;
}

void
cr_program_finish(CrProgramWriter *w, int index)
{
    CrIrNode *node = cr_ir_node(w->ir, index);
    CrProgram *p = w->program;
    int out[CR_PROGRAM_MAX];

    g_free(node->in);
    node->n_in = (int)w->in->len;
    node->in = (int *)(void *)g_array_free(w->in, FALSE);
    p->n_outputs = 0;
    for (int i = 0; i < p->n_instructions; i++) {
        if (w->result[i] < 0 || (cr_ir_count_uses(w->ir, w->result[i], NULL) == 0 &&
                                 !cr_ir_is_result(w->ir, w->result[i])))
            continue;
        out[p->n_outputs] = w->result[i];
        p->instruction[i].output = p->n_outputs++;
    }
    g_free(node->out);
    node->n_out = p->n_outputs;
    node->out = g_memdup2(out, sizeof *out * (gsize)p->n_outputs);
    node->dead = node->n_out == 0; /* nobody wants any of it */
    for (int i = 0; i < node->n_out; i++)
        cr_ir_value(w->ir, node->out[i])->producer = index;
    if (node->op == &cr_op_fused_conv) {
        CrFusedConv *conv = (CrFusedConv *)node->fused;
        conv->program = *p;
        conv->has_program = true;
    } else {
        node->fused = p;
    }
}
