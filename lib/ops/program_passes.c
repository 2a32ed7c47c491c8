/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/program_passes.h"

typedef struct {
    const CrProgram *program;
    int uses[CR_PROGRAM_MAX];  /* of each result, by other instructions */
    bool done[CR_PROGRAM_MAX]; /* by a later instruction's pass */
} Uses;

/* Whether argument `arg` is a result that nobody else wants. */
static const CrInstruction *
only_for_this(const Uses *uses, int arg)
{
    const CrInstruction *in = arg < 0 ? NULL : &uses->program->instruction[arg];
    return in && in->output < 0 && uses->uses[arg] == 1 ? in : NULL;
}

/* Takes a function into the product that reads it: f(x)·y. */
static bool
take_function(const CrKernels *kernels, Uses *uses, const CrInstruction *mul, CrPass *pass)
{
    const int args[2] = {mul->a, mul->b};

    for (int i = 0; i < 2; i++) {
        const CrInstruction *f = only_for_this(uses, args[i]);
        if (!f || f->binary)
            continue;
        pass->unary_mul = kernels->unary_mul[f->op];
        pass->x = f->a;
        pass->y = args[1 - i];
        pass->alpha = f->alpha;
        pass->beta = f->beta;
        uses->done[args[i]] = true;
        return true;
    }
    return false;
}

/* Takes a product into the sum that reads it: x·y + z. */
static bool
take_product(const CrKernels *kernels, Uses *uses, const CrInstruction *add, CrPass *pass)
{
    const int args[2] = {add->a, add->b};

    for (int i = 0; i < 2; i++) {
        const CrInstruction *mul = only_for_this(uses, args[i]);
        if (!mul || !mul->binary || mul->op != CR_BINARY_MUL)
            continue;
        pass->mul_add = !take_function(kernels, uses, mul, pass);
        if (pass->mul_add) {
            pass->x = mul->a;
            pass->y = mul->b;
        }
        pass->z = args[1 - i];
        uses->done[args[i]] = true;
        return true;
    }
    return false;
}

static void
count_uses(Uses *uses)
{
    for (int i = 0; i < uses->program->n_instructions; i++) {
        const CrInstruction *in = &uses->program->instruction[i];
        if (in->a >= 0)
            uses->uses[in->a]++;
        if (in->binary && in->b >= 0)
            uses->uses[in->b]++;
    }
}

static CrPass
pass_of(const CrKernels *kernels, Uses *uses, int i)
{
    const CrInstruction *in = &uses->program->instruction[i];
    CrPass pass = {.z = CR_NO_SOURCE, .result = i, .output = in->output};

    if (in->binary && in->op == CR_BINARY_ADD && take_product(kernels, uses, in, &pass))
        return pass;
    if (in->binary && in->op == CR_BINARY_MUL && take_function(kernels, uses, in, &pass))
        return pass;
    pass.x = in->a;
    pass.y = in->binary ? in->b : CR_NO_SOURCE;
    pass.alpha = in->alpha;
    pass.beta = in->beta;
    if (in->binary)
        pass.binary = kernels->binary[in->op];
    else
        pass.unary = kernels->unary[in->op];
    return pass;
}

/* Gives results that are no outputs strips of scratch, each from the pass that computes it to the
 * last that reads it. Returns how many strips there are. */
static int
share_slots(CrPass *passes, int n)
{
    int last[CR_PROGRAM_MAX] = {0}, slot[CR_PROGRAM_MAX], n_slots = 0;
    bool taken[CR_PROGRAM_MAX] = {false};

    for (int i = 0; i < n; i++) {
        const int reads[3] = {passes[i].x, passes[i].y, passes[i].z};
        for (int k = 0; k < 3; k++)
            if (reads[k] >= 0)
                last[reads[k]] = i;
    }
    for (int i = 0; i < n; i++) {
        CrPass *pass = &passes[i];
        const int reads[3] = {pass->x, pass->y, pass->z};
        for (int k = 0; k < 3; k++) /* before its own, for kernels work in place */
            if (reads[k] >= 0 && last[reads[k]] == i && slot[reads[k]] >= 0)
                taken[slot[reads[k]]] = false;
        int *mine = &slot[pass->result];
        *mine = -1;
        if (pass->output >= 0)
            continue;
        for (*mine = 0; taken[*mine];)
            ++*mine;
        taken[*mine] = true;
        pass->slot = *mine;
        n_slots = MAX(n_slots, *mine + 1);
    }
    return n_slots;
}

int
cr_program_passes(const CrKernels *kernels, const CrProgram *program, CrPass *passes, int *n_slots)
{
    Uses uses = {.program = program};
    int first = program->n_instructions;

    /* from the last instruction to the first, as each takes what comes before it */
    count_uses(&uses);
    for (int i = program->n_instructions - 1; i >= 0; i--)
        if (!uses.done[i])
            passes[--first] = pass_of(kernels, &uses, i);
    int n = program->n_instructions - first;
    memmove(passes, passes + first, sizeof *passes * (size_t)n);
    *n_slots = share_slots(passes, n);
    return n;
}
