/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Programs: however few calls of kernels carry one out, the bytes are those of its instructions one
 * after the other. */
#include "core/cpu.h"
#include "core/memory.h"
#include "ops/program_passes.h"
#include <math.h>
#include <string.h>

#define OPERANDS 4
#define MAX_N    1500 /* two strips and a piece */
#define PROGRAMS 400

typedef struct {
    int n; /* elements */
    CrDesc in[OPERANDS], out[CR_PROGRAM_MAX];
    float *operand[OPERANDS];
    CrProgram program;
} Case;

static int
pick(int first, int last)
{
    return g_test_rand_int_range(first, last + 1);
}

/* The latest result the most often, so that chains come about. */
static int
pick_argument(int instruction)
{
    if (instruction == 0 || pick(0, 1))
        return CR_OPERAND(pick(0, OPERANDS - 1));
    return pick(0, 2) ? instruction - 1 : pick(0, instruction - 1);
}

/* Products and sums half of the time. */
static CrInstruction
pick_instruction(int i)
{
    CrInstruction in = {.binary = pick(0, 3) > 0,
                        .a = pick_argument(i),
                        .b = pick_argument(i),
                        .alpha = (float)g_test_rand_double_range(-1, 0),
                        .beta = (float)g_test_rand_double_range(0, 1),
                        .output = -1};
    in.op = !in.binary   ? pick(0, CR_N_UNARY - 1)
            : pick(0, 2) ? (pick(0, 1) ? CR_BINARY_MUL : CR_BINARY_ADD)
                         : pick(0, CR_N_BINARY - 1);
    return in;
}

static void
make(Case *c)
{
    CrProgram *p = &c->program;

    memset(c, 0, sizeof *c);
    c->n = pick(1, MAX_N);
    p->n_operands = OPERANDS;
    p->n_instructions = pick(1, CR_PROGRAM_MAX / 2);
    for (int i = 0; i < p->n_instructions; i++) {
        p->instruction[i] = pick_instruction(i);
        if (i == p->n_instructions - 1 || pick(0, 5) == 0)
            p->instruction[i].output = p->n_outputs++;
    }
    for (int i = 0; i < OPERANDS; i++) {
        bool scalar = i > 0 && pick(0, 4) == 0;
        c->in[i] =
            (CrDesc){.dtype = CONVRNN_DTYPE_FLOAT32, .n_dims = 1, .dims = {scalar ? 1 : c->n}};
        c->operand[i] = g_new(float, c->n);
        p->input[i] = i;
        for (int k = 0; k < c->n; k++)
            c->operand[i][k] = (float)g_test_rand_double_range(-3, 3);
    }
    for (int i = 0; i < p->n_outputs; i++)
        c->out[i] = (CrDesc){.dtype = CONVRNN_DTYPE_FLOAT32, .n_dims = 1, .dims = {c->n}};
}

static float *
argument(const Case *c, float *const *result, int arg)
{
    return arg < 0 ? c->operand[CR_OPERAND_OF(arg)] : result[arg];
}

/* result[i] of every instruction, each by itself. */
static void
one_by_one(const Case *c, const CrKernels *kernels, float **result)
{
    for (int i = 0; i < OPERANDS; i++)
        for (int k = 1; c->in[i].dims[0] == 1 && k < c->n; k++)
            c->operand[i][k] = c->operand[i][0];
    for (int i = 0; i < c->program.n_instructions; i++) {
        const CrInstruction *in = &c->program.instruction[i];
        result[i] = g_new(float, c->n);
        const float *a = argument(c, result, in->a);
        if (in->binary)
            kernels->binary[in->op](result[i], a, argument(c, result, in->b), (size_t)c->n);
        else
            kernels->unary[in->op](result[i], a, (size_t)c->n, in->alpha, in->beta);
    }
}

/* The same by the node; out[] as outputs are numbered. */
static void
by_node(Case *c, const CrKernels *kernels, float **out)
{
    g_autoptr(GError) error = NULL;
    const CrNode node = {.name = (char *)"program", .op = (char *)"Pointwise"};
    ConvRnnTensor *const unknown[OPERANDS] = {NULL};
    CrRegion *region = cr_region_new();
    CrOpSetup setup = {.node = &node,
                       .n_in = OPERANDS,
                       .n_out = c->program.n_outputs,
                       .in = c->in,
                       .out = c->out,
                       .value = unknown,
                       .kernels = kernels,
                       .region = region,
                       .fused = &c->program};
    CrStep step = {.n_in = setup.n_in, .n_out = setup.n_out};
    void *io[OPERANDS + CR_PROGRAM_MAX];

    g_assert_true(cr_op_pointwise.prepare(&setup, &step, &error));
    for (int i = 0; i < OPERANDS; i++)
        io[i] = c->operand[i];
    for (int i = 0; i < setup.n_out; i++)
        io[OPERANDS + i] = out[i] = g_new(float, c->n);
    void *scratch = cr_mem_alloc(1, step.scratch, "scratch", &error);
    g_assert_no_error(error);
    for (int tile = 0; tile < step.n_tiles; tile++)
        step.run(&step, io, tile, scratch);
    cr_mem_free(scratch);
    cr_region_free(region);
}

static void
same(const float *found, const float *expected, int n)
{
    for (int k = 0; k < n; k++)
        if (!(isnan(found[k]) && isnan(expected[k])))
            g_assert_cmpmem(found + k, sizeof *found, expected + k, sizeof *expected);
}

static void
test_random(gconstpointer data)
{
    const CrKernels *kernels = data;
    int passes = 0, instructions = 0;

    for (int i = 0; i < PROGRAMS; i++) {
        Case c;
        CrPass pass[CR_PROGRAM_MAX];
        float *result[CR_PROGRAM_MAX], *out[CR_PROGRAM_MAX];
        int n_slots;
        make(&c);
        one_by_one(&c, kernels, result);
        by_node(&c, kernels, out);
        passes += cr_program_passes(kernels, &c.program, pass, &n_slots);
        instructions += c.program.n_instructions;
        for (int k = 0; k < c.program.n_instructions; k++) {
            int output = c.program.instruction[k].output;
            if (output >= 0) {
                same(out[output], result[k], c.n);
                g_free(out[output]);
            }
            g_free(result[k]);
        }
        for (int k = 0; k < OPERANDS; k++)
            g_free(c.operand[k]);
    }
    g_test_message("%d instructions in %d passes", instructions, passes);
    g_assert_cmpint(passes, <, instructions);
}

/* new = (1 − z)·n + z·h with n = tanh(x): three passes instead of five. */
static void
test_gate(void)
{
    const CrKernels *kernels = cr_kernels_get(CR_CPU_C, CR_FLOAT32);
    const CrProgram program = {
        .n_instructions = 5,
        .n_operands = 3,
        .n_outputs = 1,
        .instruction = {
            {.op = CR_UNARY_TANH, .a = CR_OPERAND(0), .output = -1},
            {.op = CR_UNARY_AFFINE, .a = CR_OPERAND(1), .alpha = -1, .beta = 1, .output = -1},
            {.binary = true, .op = CR_BINARY_MUL, .a = 1, .b = 0, .output = -1},
            {.binary = true,
             .op = CR_BINARY_MUL,
             .a = CR_OPERAND(1),
             .b = CR_OPERAND(2),
             .output = -1},
            {.binary = true, .op = CR_BINARY_ADD, .a = 2, .b = 3, .output = 0}}};
    CrPass pass[CR_PROGRAM_MAX];
    int n_slots;

    /* tanh(x); z·h; (1 − z)·tanh(x) + z·h */
    g_assert_cmpint(cr_program_passes(kernels, &program, pass, &n_slots), ==, 3);
    g_assert_cmpint(n_slots, ==, 2);
    g_assert_true(pass[2].unary_mul == kernels->unary_mul[CR_UNARY_AFFINE]);
    g_assert_cmpint(pass[2].result, ==, 4);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (CrCpuLevel level = CR_CPU_C; level <= cr_cpu_detect(); level++)
        for (CrPrecision precision = CR_FLOAT32; precision <= CR_BF16; precision++) {
            const CrKernels *kernels = cr_kernels_get(level, precision);
            if (precision == CR_FLOAT32 ? kernels->level != level
                                        : level != cr_cpu_detect() || !kernels->bf16)
                continue;
            g_autofree char *name =
                g_strdup_printf("/program/random/%s/%d", kernels->name, precision);
            g_test_add_data_func(name, kernels, test_random);
        }
    g_test_add_func("/program/gate", test_gate);
    return g_test_run();
}
