/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/pointwise.h"
#include "core/size.h"
#include "ops/program_passes.h"
#include <math.h>

#define STRIP 512 /* floats: a program of ten instructions stays within 20 KiB of L1 */

typedef struct {
    CrSpread spread;
    int io;            /* index into io; -1: raw */
    int raw_block;     /* first block of the part, when raw */
    CrRows rows;       /* of a blocked operand */
    bool one_image;    /* N == 1 while the domain has more */
    const float *data; /* constants: lanes of each block, or the one value */
} Operand;

struct CrProgramRun {
    const CrKernels *kernels;
    int block; /* lanes per pixel of the domain; 1: planar */
    int n_passes, n_slots, n_operands, n_outputs;
    CrPass *pass;
    Operand *operand;
    CrRows *out;
    int first_output; /* in io */
    /* plain domains: elements in all, per channel plane, channels */
    size_t flat, plane, channels;
};

/* --- from nodes to programs --- */

static int64_t
dim_from_end(const CrDesc *desc, int i)
{
    return i < desc->n_dims ? desc->dims[desc->n_dims - 1 - i] : 1;
}

CrSpread
cr_spread(const CrDesc *desc, const CrDesc *domain)
{
    if (desc->n_dims > domain->n_dims)
        return CR_SPREAD_NONE;
    if (cr_desc_same_shape(desc, domain))
        return CR_SPREAD_FULL;
    if (cr_desc_elements(desc) == 1)
        return CR_SPREAD_SCALAR;
    if (domain->n_dims != 4)
        return CR_SPREAD_NONE;
    int64_t w = dim_from_end(desc, 0), h = dim_from_end(desc, 1), c = dim_from_end(desc, 2),
            n = dim_from_end(desc, 3);
    if (n != 1 && n != domain->dims[0])
        return CR_SPREAD_NONE;
    if (w == 1 && h == 1 && c == domain->dims[1])
        return CR_SPREAD_CHANNEL;
    if (w == domain->dims[3] && h == domain->dims[2] && c == 1)
        return CR_SPREAD_PIXEL;
    return CR_SPREAD_NONE;
}

/* Run-time operands must be able to live in blocks, so they need all four dimensions. */
static bool
usable_operand(const CrOpSetup *setup, int input)
{
    const CrDesc *in = &setup->in[input], *domain = &setup->out[0];
    if (in->dtype != CONVRNN_DTYPE_FLOAT32)
        return false;
    switch (cr_spread(in, domain)) {
    case CR_SPREAD_FULL:
    case CR_SPREAD_SCALAR:
        return true;
    case CR_SPREAD_CHANNEL:
        return in->n_dims == 4 ? in->dims[0] == 1 || !setup->value[input]
                               : setup->value[input] != NULL;
    case CR_SPREAD_PIXEL:
        return in->n_dims == 4;
    default:
        return false;
    }
}

static bool
known_scalar(const CrOpSetup *setup, int index, float fallback, float *out)
{
    *out = fallback;
    if (index >= setup->n_in || setup->in[index].dtype == CONVRNN_DTYPE_UNDEFINED)
        return true;
    const ConvRnnTensor *value = setup->value[index];
    if (!value || value->n_elements != 1 || value->dtype != CONVRNN_DTYPE_FLOAT32)
        return false;
    *out = *(const float *)value->data;
    return true;
}

static void
unary(CrProgram *program, CrUnary op, float alpha, float beta)
{
    program->n_operands = 1;
    program->n_instructions = 1;
    program->instruction[0] =
        (CrInstruction){.op = op, .a = CR_OPERAND(0), .alpha = alpha, .beta = beta};
}

static bool
unary_from_node(const CrOpSetup *setup, CrProgram *program)
{
    const CrNode *node = setup->node;
    const char *op = node->op;
    float low, high;

    if (g_str_equal(op, "Relu"))
        unary(program, CR_UNARY_CLIP, 0, INFINITY);
    else if (g_str_equal(op, "LeakyRelu"))
        unary(program, CR_UNARY_LEAKY_RELU, cr_node_float(node, "alpha", 0.01f), 0);
    else if (g_str_equal(op, "Sigmoid"))
        unary(program, CR_UNARY_SIGMOID, 0, 0);
    else if (g_str_equal(op, "Tanh"))
        unary(program, CR_UNARY_TANH, 0, 0);
    else if (g_str_equal(op, "HardSigmoid"))
        unary(program, CR_UNARY_HARD_SIGMOID, cr_node_float(node, "alpha", 0.2f),
              cr_node_float(node, "beta", 0.5f));
    else if (g_str_equal(op, "HardSwish"))
        unary(program, CR_UNARY_HARD_SWISH, 1.0f / 6.0f, 0.5f);
    else if (g_str_equal(op, "Neg"))
        unary(program, CR_UNARY_AFFINE, -1, 0);
    else if (g_str_equal(op, "Exp"))
        unary(program, CR_UNARY_EXP, 0, 0);
    else if (g_str_equal(op, "Sqrt"))
        unary(program, CR_UNARY_SQRT, 0, 0);
    else if (g_str_equal(op, "Abs"))
        unary(program, CR_UNARY_ABS, 0, 0);
    else if (g_str_equal(op, "Clip") && known_scalar(setup, 1, -INFINITY, &low) &&
             known_scalar(setup, 2, INFINITY, &high))
        unary(program, CR_UNARY_CLIP, low, high);
    else
        return false;
    return true;
}

/* x ∘ constant as a·x + b. Division stays a division: its reciprocal would round differently. */
static bool
affine_from_binary(const CrOpSetup *setup, CrBinary op, CrProgram *program)
{
    for (int i = 0; i < 2; i++) {
        float s;
        if (!setup->value[i] || setup->value[1 - i] || !known_scalar(setup, i, 0, &s))
            continue;
        if (op == CR_BINARY_ADD)
            unary(program, CR_UNARY_AFFINE, 1, s);
        else if (op == CR_BINARY_MUL)
            unary(program, CR_UNARY_AFFINE, s, 0);
        else if (op == CR_BINARY_SUB)
            unary(program, CR_UNARY_AFFINE, i == 0 ? -1 : 1, i == 0 ? s : -s);
        else
            return false;
        program->instruction[0].a = CR_OPERAND(0);
        program->input[0] = 1 - i;
        return true;
    }
    return false;
}

static bool
binary_from_node(const CrOpSetup *setup, CrProgram *program)
{
    static const char *const names[CR_N_BINARY] = {"Add", "Sub", "Mul", "Div", "Max", "Min"};

    if (setup->n_in != 2)
        return false;
    for (int op = 0; op < CR_N_BINARY; op++) {
        if (!g_str_equal(setup->node->op, names[op]))
            continue;
        if (affine_from_binary(setup, op, program))
            return true;
        program->n_operands = 2;
        program->input[1] = 1;
        program->n_instructions = 1;
        program->instruction[0] =
            (CrInstruction){.binary = true, .op = op, .a = CR_OPERAND(0), .b = CR_OPERAND(1)};
        return true;
    }
    return false;
}

bool
cr_program_from_node(const CrOpSetup *setup, CrProgram *program)
{
    const CrNode *node = setup->node;

    memset(program, 0, sizeof *program);
    program->n_outputs = 1;
    if (setup->n_out != 1 || setup->out[0].dtype != CONVRNN_DTYPE_FLOAT32 ||
        (node->domain && node->domain[0]))
        return false;
    if (!unary_from_node(setup, program) && !binary_from_node(setup, program))
        return false;
    for (int i = 0; i < program->n_operands; i++)
        if (!usable_operand(setup, program->input[i]))
            return false;
    return true;
}

/* --- preparing --- */

/* The lanes of a (C) constant in the domain's blocks. */
static const float *
lay_out_lanes(CrRegion *region, const CrDesc *domain, const float *values, GError **error)
{
    CrBlocked b = cr_desc_blocked(domain);
    float *lanes = cr_region_alloc(region, (size_t)b.blocks * (size_t)domain->block, sizeof(float),
                                   "constants of a program", error);
    for (int k = 0; lanes && k < b.blocks; k++) {
        int first, n = cr_desc_block_channels(domain, k, &first);
        memcpy(lanes + k * domain->block, values + first, (size_t)n * sizeof *lanes);
    }
    return lanes;
}

static bool
prepare_operand(CrOpSetup *setup, Operand *operand, const CrDesc *raw, const CrDesc *domain,
                int input, GError **error)
{
    if (input < 0) {
        *operand = (Operand){.spread = CR_SPREAD_FULL, .io = -1};
        for (int p = 0; p < -1 - input; p++)
            operand->raw_block += cr_div_up(cr_desc_part(raw, p), raw->block);
        return true;
    }
    const CrDesc *desc = &setup->in[input];
    const ConvRnnTensor *value = setup->value[input];
    operand->spread = cr_spread(desc, domain);
    operand->io = input;
    operand->one_image = desc->n_dims < domain->n_dims || desc->dims[0] == 1;
    if (desc->block)
        operand->rows = cr_rows(desc);
    if (value && operand->spread == CR_SPREAD_SCALAR)
        operand->data = value->data;
    if (value && operand->spread == CR_SPREAD_CHANNEL && !desc->block && domain->block) {
        operand->data = lay_out_lanes(setup->region, domain, value->data, error);
        return operand->data != NULL;
    }
    return true;
}

CrProgramRun *
cr_program_prepare(CrOpSetup *setup, const CrProgram *program, const CrDesc *raw,
                   const CrDesc *domain, GError **error)
{
    CrRegion *region = setup->region;
    CrProgramRun *run = cr_region_alloc(region, 1, sizeof *run, "a program", error);

    if (!run)
        return NULL;
    run->kernels = setup->kernels;
    run->block = domain->block;
    run->n_operands = program->n_operands;
    run->n_outputs = program->n_outputs;
    run->first_output = setup->n_in;
    run->pass = cr_region_alloc(region, (size_t)program->n_instructions, sizeof *run->pass,
                                "a program", error);
    run->operand = run->pass ? cr_region_alloc(region, (size_t)program->n_operands,
                                               sizeof *run->operand, "a program", error)
                             : NULL;
    run->out = run->operand ? cr_region_alloc(region, (size_t)program->n_outputs, sizeof *run->out,
                                              "a program", error)
                            : NULL;
    if (!run->out)
        return NULL;
    run->n_passes = cr_program_passes(run->kernels, program, run->pass, &run->n_slots);
    if (!domain->block) {
        run->flat = run->plane = cr_desc_elements(domain);
        run->channels = 1;
        if (domain->n_dims == 4 && run->flat > 0) {
            run->plane = (size_t)(domain->dims[2] * domain->dims[3]);
            run->channels = (size_t)domain->dims[1];
        }
    }
    for (int i = 0; i < program->n_operands; i++)
        if (!prepare_operand(setup, &run->operand[i], raw, domain, program->input[i], error))
            return NULL;
    for (int i = 0; domain->block && i < program->n_outputs; i++)
        run->out[i] = cr_rows(&setup->out[i]);
    return run;
}

size_t
cr_program_scratch(const CrProgramRun *run)
{
    return (size_t)(run->n_slots + run->n_operands) * STRIP * sizeof(float);
}

/* --- running --- */

/* Sources of a strip: where each operand's and each instruction's floats are. */
typedef struct {
    const float *operand[CR_PROGRAM_MAX];
    const float *result[CR_PROGRAM_MAX];
} Strip;

static inline const float *
source(const Strip *strip, int arg)
{
    return arg < 0 ? strip->operand[CR_OPERAND_OF(arg)] : strip->result[arg];
}

/* Runs all passes on n floats; out[i] is where output i goes. */
static void
run_strip(const CrProgramRun *run, Strip *strip, float *const *out, size_t n, float *scratch)
{
    for (int i = 0; i < run->n_passes; i++) {
        const CrPass *p = &run->pass[i];
        float *dst = p->output >= 0 ? out[p->output] : scratch + (size_t)p->slot * STRIP;
        const float *x = source(strip, p->x);
        const float *y = p->unary ? NULL : source(strip, p->y);
        const float *z = p->z == CR_NO_SOURCE ? NULL : source(strip, p->z);
        if (p->unary_mul)
            p->unary_mul(dst, x, y, z, n, p->alpha, p->beta);
        else if (p->mul_add)
            run->kernels->mul_add(dst, x, y, z, n);
        else if (p->binary)
            p->binary(dst, x, y, n);
        else
            p->unary(dst, x, n, p->alpha, p->beta);
        strip->result[p->result] = dst;
    }
}

/* Points strip->operand[i] at the operand's floats for pixels x … x + width of a row; what does not
 * lie there as it is needed gets spread into scratch, what is the same all along the row only for
 * its first and longest strip. */
static void
load_operand(const CrProgramRun *run, int i, const float *row, int x, int width, Strip *strip,
             float *spread)
{
    const Operand *operand = &run->operand[i];
    size_t n = (size_t)width * (size_t)run->block;
    bool channel = operand->spread == CR_SPREAD_CHANNEL;

    if (operand->spread == CR_SPREAD_FULL ||
        (operand->spread == CR_SPREAD_PIXEL && run->block == 1)) {
        strip->operand[i] = row + (size_t)x * (size_t)run->block;
        return;
    }
    if (operand->spread == CR_SPREAD_PIXEL)
        run->kernels->fill_pixels(spread, row + (size_t)x * (size_t)operand->rows.block,
                                  operand->rows.block, width);
    else if (x == 0)
        run->kernels->fill_lanes(spread, row, channel ? run->block : 1, n);
    strip->operand[i] = spread;
}

/* The floats that pixel 0 of a row of a block reads of an operand. */
static const float *
operand_row(const CrProgramRun *run, const Operand *operand, void *const *io, const float *raw,
            size_t raw_stride, int n, int y, int block)
{
    if (operand->io < 0)
        return raw + (size_t)(operand->raw_block + block) * raw_stride;
    const float *data = operand->data ? operand->data : io[operand->io];
    int image = operand->one_image ? 0 : n;
    switch (operand->spread) {
    case CR_SPREAD_FULL:
        return cr_row_at(&operand->rows, data, image, y, block);
    case CR_SPREAD_CHANNEL:
        return operand->data ? data + block * run->block
                             : cr_row_at(&operand->rows, data, image, 0, block);
    case CR_SPREAD_PIXEL:
        return cr_row_at(&operand->rows, data, image, y, 0);
    default:
        return operand->rows.block ? cr_row_at(&operand->rows, data, 0, 0, 0) : data;
    }
}

void
cr_program_row(const CrProgramRun *run, void *const *io, const float *raw, size_t raw_stride, int n,
               int y, int block, float *scratch)
{
    const float *row[CR_PROGRAM_MAX];
    float *out_row[CR_PROGRAM_MAX], *out[CR_PROGRAM_MAX];
    float *spread = scratch + (size_t)run->n_slots * STRIP;
    int width = run->out[0].size.w, step = STRIP / run->block;
    Strip strip;

    for (int i = 0; i < run->n_operands; i++)
        row[i] = operand_row(run, &run->operand[i], io, raw, raw_stride, n, y, block);
    for (int i = 0; i < run->n_outputs; i++)
        out_row[i] = cr_row_at(&run->out[i], io[run->first_output + i], n, y, block);
    for (int x = 0; x < width; x += step) {
        int now = MIN(step, width - x);
        for (int i = 0; i < run->n_operands; i++)
            load_operand(run, i, row[i], x, now, &strip, spread + (size_t)i * STRIP);
        for (int i = 0; i < run->n_outputs; i++)
            out[i] = out_row[i] + (size_t)x * (size_t)run->block;
        run_strip(run, &strip, out, (size_t)now * (size_t)run->block, scratch);
    }
    for (int i = 0; i < run->n_outputs; i++)
        cr_row_clear_borders(&run->out[i], out_row[i]);
}

/* --- the node --- */

#define FLAT_TILE (32 * STRIP)

typedef struct {
    const CrProgramRun *run;
    CrRows rows;
    int rows_per_tile;
} Pointwise;

/* The operand's floats for elements from `at` of a plain domain; n of them lie in one plane. */
static const float *
flat_operand(const CrProgramRun *run, const Operand *operand, void *const *io, size_t at, size_t n,
             float *spread)
{
    const float *data = operand->data ? operand->data : io[operand->io];
    size_t plane = at / run->plane, image = operand->one_image ? 0 : plane / run->channels;

    switch (operand->spread) {
    case CR_SPREAD_FULL:
        return data + at;
    case CR_SPREAD_PIXEL:
        return data + image * run->plane + at % run->plane;
    case CR_SPREAD_CHANNEL:
        data += image * run->channels + plane % run->channels;
        break;
    default:
        break;
    }
    run->kernels->fill_lanes(spread, data, 1, n);
    return spread;
}

static void
flat_tile(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const CrProgramRun *run = ((const Pointwise *)step->params)->run;
    size_t end = MIN((size_t)(tile + 1) * FLAT_TILE, run->flat), n;
    float *spread = (float *)scratch + (size_t)run->n_slots * STRIP;
    float *out[CR_PROGRAM_MAX];
    Strip strip;

    for (size_t at = (size_t)tile * FLAT_TILE; at < end; at += n) {
        n = MIN(MIN(end - at, STRIP), run->plane - at % run->plane);
        for (int i = 0; i < run->n_operands; i++)
            strip.operand[i] =
                flat_operand(run, &run->operand[i], io, at, n, spread + (size_t)i * STRIP);
        for (int i = 0; i < run->n_outputs; i++)
            out[i] = (float *)io[run->first_output + i] + at;
        run_strip(run, &strip, out, n, scratch);
    }
}

bool
cr_program_keeps_rows(const CrProgramRun *run, int input, bool *reads)
{
    bool same = true;

    *reads = false;
    for (int i = 0; i < run->n_operands; i++) {
        const Operand *operand = &run->operand[i];
        if (operand->io != input)
            continue;
        *reads = true;
        same = same && (operand->spread == CR_SPREAD_FULL || operand->spread == CR_SPREAD_PIXEL);
    }
    return same;
}

static bool
needs(const CrStep *step, int input, int *begin, int *end)
{
    bool reads;
    (void)begin;
    (void)end;
    return cr_program_keeps_rows(((const Pointwise *)step->params)->run, input, &reads);
}

static void
rows_tile(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const Pointwise *p = step->params;
    int all = p->rows.size.n * p->rows.size.h;
    int begin = tile * p->rows_per_tile, end = MIN(begin + p->rows_per_tile, all);

    for (int i = begin; i < end; i++)
        for (int block = 0; block < p->rows.stride.blocks; block++)
            cr_program_row(p->run, io, NULL, 0, i / p->rows.size.h, i % p->rows.size.h, block,
                           scratch);
}

static bool
infer(CrOpSetup *setup, GError **error)
{
    return cr_op_error(setup, CONVRNN_ERROR_UNSUPPORTED, error,
                       "a program has no shape of its own");
}

static bool
prepare(CrOpSetup *setup, CrStep *step, GError **error)
{
    Pointwise *p = cr_region_alloc(setup->region, 1, sizeof *p, "Pointwise", error);

    if (!p)
        return false;
    p->run = cr_program_prepare(setup, setup->fused, NULL, &setup->out[0], error);
    if (!p->run)
        return false;
    step->params = p;
    step->scratch = cr_program_scratch(p->run);
    step->kernel = setup->kernels->name;
    if (setup->out[0].block) {
        p->rows = cr_rows(&setup->out[0]);
        p->rows_per_tile = cr_rows_per_tile(&p->rows);
        step->run = rows_tile;
        step->rows = cr_step_rows(&p->rows, p->rows_per_tile);
        step->rows.needs = needs;
        step->n_tiles = cr_div_up(p->rows.size.n * p->rows.size.h, p->rows_per_tile);
    } else {
        step->run = flat_tile;
        step->n_tiles = (int)((p->run->flat + FLAT_TILE - 1) / FLAT_TILE);
    }
    return true;
}

void
cr_program_layouts(CrOpSetup *setup, const CrProgram *program, const CrDesc *like)
{
    CrDesc domain = setup->out[0], layout = *like; /* `like` may be one of those set here */

    for (int i = 0; i < setup->n_out; i++)
        cr_desc_set_layout(&setup->out[i], &layout);
    for (int i = 0; i < program->n_operands; i++) {
        int input = program->input[i];
        if (input < 0)
            continue;
        CrDesc *in = &setup->in[input];
        CrSpread spread = cr_spread(in, &domain);
        if (spread == CR_SPREAD_FULL || (spread == CR_SPREAD_CHANNEL && !setup->value[input])) {
            int left = in->pad_left, right = in->pad_right; /* a convolution may read it as well */
            cr_desc_set_layout(in, &layout);
            in->pad_left = left;
            in->pad_right = right;
        }
        if (spread == CR_SPREAD_PIXEL && (!in->block || layout.block == 1)) {
            in->block = 1;
            in->n_parts = 0;
        }
    }
}

/* Blocked, or planar, as soon as one full operand is. */
static bool
blocked(CrOpSetup *setup)
{
    const CrProgram *program = setup->fused;
    const CrDesc *like = NULL;
    bool narrow = cr_desc_is_narrow(&setup->out[0]);

    if (setup->out[0].n_dims != 4)
        return false;
    for (int i = 0; i < program->n_operands && !like; i++) {
        const CrDesc *in = &setup->in[program->input[i]];
        if (in->block && cr_spread(in, &setup->out[0]) == CR_SPREAD_FULL)
            like = in;
    }
    if (!like)
        return false;
    CrDesc layout = *like;
    if (narrow) {
        layout.block = 1;
        layout.n_parts = 0;
    }
    cr_program_layouts(setup, program, &layout);
    return true;
}

const CrOp cr_op_pointwise = {
    .name = "Pointwise",
    .min_in = 1,
    .max_in = -1,
    .min_out = 1,
    .max_out = CR_PROGRAM_MAX,
    .infer = infer,
    .prepare = prepare,
    .blocked = blocked,
};
