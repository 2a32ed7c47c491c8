/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "optimize/expression.h"
#include "ops/blocked.h"
#include "ops/ops.h"
#include "ops/reorder.h"
#include "optimize/program_writer.h"
#include <math.h>
#include <string.h>

#define MAX_DEPTH 128       /* of values that are computed from each other */
#define MAX_KNOWN (1 << 16) /* asked for; a graph that needs more is no cell */

/* What `known` is about: channels of a value, or of what instruction `at` of a node computes. */
typedef struct {
    int of, at, first, count;
} Key;

static guint
hash_key(gconstpointer data)
{
    const Key *key = data;
    return (guint)key->of * 31u + (guint)key->at * 7919u + (guint)key->first * 104729u +
           (guint)key->count;
}

static gboolean
same_key(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, sizeof(Key)) == 0;
}

void
cr_expressions_init(CrExpressions *e, const CrIr *ir, CrChannels channels)
{
    *e = (CrExpressions){.ir = ir, .channels = channels};
    cr_algebra_init(&e->algebra);
    e->known = g_hash_table_new_full(hash_key, same_key, g_free, NULL);
    e->next = g_new(int, ir->states->len + 1);
    for (guint s = 0; s < ir->states->len; s++)
        e->next[s] = cr_expression_source(ir, g_array_index(ir->states, CrIrState, s).out);
}

void
cr_expressions_clear(CrExpressions *e)
{
    cr_algebra_clear(&e->algebra);
    g_hash_table_unref(e->known);
    g_free(e->next);
}

/* Of a tensor of that rank; there is none below 2. */
static int
axis_of(const CrExpressions *e, int n_dims)
{
    return e->channels == CR_CHANNELS_LAST ? n_dims - 1 : 1;
}

int
cr_expression_channels(const CrExpressions *e, int value)
{
    const CrDesc *desc = &cr_ir_value(e->ir, value)->desc;
    return desc->n_dims > 1 ? (int)desc->dims[axis_of(e, desc->n_dims)] : 1;
}

/* How an operand spreads over what a node computes, as far as channels matter: programs know fewer
 * shapes than nodes that were not fused. */
static CrSpread
spread_of(const CrExpressions *e, const CrDesc *desc, const CrDesc *domain)
{
    CrSpread spread = cr_spread(desc, domain);
    int missing = domain->n_dims - desc->n_dims, axis = axis_of(e, domain->n_dims);

    if (spread == CR_SPREAD_FULL || spread == CR_SPREAD_SCALAR || missing < 0 || domain->n_dims < 2)
        return spread;
    if (e->channels == CR_CHANNELS_LAST && domain->n_dims > 2)
        spread = CR_SPREAD_NONE; /* what cr_spread() calls channels are not */
    for (int d = 0; d < desc->n_dims; d++)
        if (desc->dims[d] != (d + missing == axis ? domain->dims[axis] : 1))
            return spread;
    return CR_SPREAD_CHANNEL;
}

static const CrIrNode *
producer_of(const CrIr *ir, int value)
{
    const CrIrValue *v = cr_ir_value(ir, value);
    return v->kind == CR_IR_COMPUTED && v->producer >= 0 ? cr_ir_node(ir, v->producer) : NULL;
}

int
cr_expression_source(const CrIr *ir, int value)
{
    for (const CrIrNode *node; (node = producer_of(ir, value)) != NULL; value = node->in[0]) {
        bool copies = node->op == &cr_op_reorder || node->op == &cr_op_dropout ||
                      node->op == &cr_op_expand || (node->op->flags & CR_OP_ALIAS) != 0;
        if (!copies || node->in[0] == CR_NO_VALUE || node->out[0] != value ||
            !cr_desc_same_shape(&cr_ir_value(ir, node->in[0])->desc, &cr_ir_value(ir, value)->desc))
            break;
    }
    return value;
}

/* --- atoms --- */

static int
atom(CrExpressions *e, CrAtom atom)
{
    return cr_algebra_of_atom(&e->algebra, &atom);
}

static int
opaque(CrExpressions *e, int value, int first, int count, CrSpread spread)
{
    return atom(
        e, (CrAtom){.kind = CR_ATOM_OPAQUE,
                    .index = producer_of(e->ir, value) ? cr_ir_value(e->ir, value)->producer : -1,
                    .first = first,
                    .count = count,
                    .a = value,
                    .b = spread});
}

/* One number when all of these channels hold the same. */
static int
constant(CrExpressions *e, int value, int first, int count, CrSpread spread)
{
    const ConvRnnTensor *tensor = cr_ir_value(e->ir, value)->constant;
    const CrDesc *desc = &cr_ir_value(e->ir, value)->desc;

    if (!tensor || tensor->dtype != CONVRNN_DTYPE_FLOAT32 || tensor->n_elements == 0)
        return opaque(e, value, first, count, spread);
    size_t channels = (size_t)cr_expression_channels(e, value), images = 1;
    if (spread != CR_SPREAD_FULL) /* a vector of channels may have any rank */
        channels = spread == CR_SPREAD_CHANNEL ? tensor->n_elements : 1;
    for (int d = 0; spread == CR_SPREAD_FULL && d < axis_of(e, desc->n_dims) && desc->n_dims > 1;
         d++)
        images *= (size_t)desc->dims[d];
    size_t each = tensor->n_elements / (images * channels);
    const float *data = tensor->data;
    bool same = true;
    for (size_t n = 0; same && n < images; n++)
        for (size_t i = 0; same && i < (size_t)count * each; i++)
            same = data[(n * channels + (size_t)first) * each + i] == data[(size_t)first * each];
    if (same && isfinite(data[(size_t)first * each]))
        return cr_algebra_number(&e->algebra, data[(size_t)first * each]);
    return atom(e, (CrAtom){.kind = CR_ATOM_CONSTANT,
                            .index = spread,
                            .first = first,
                            .count = count,
                            .of = tensor});
}

static int
unary(CrExpressions *e, int op, float alpha, float beta, int of)
{
    if (of == CR_NO_SUM)
        return CR_NO_SUM;
    if (op == CR_UNARY_AFFINE) {
        int shift = cr_algebra_number(&e->algebra, beta);
        return cr_algebra_add(&e->algebra, shift, of, alpha);
    }
    if (op == CR_UNARY_CLIP && alpha == -INFINITY && beta == INFINITY)
        return of;
    return atom(
        e, (CrAtom){.kind = CR_ATOM_UNARY, .index = op, .a = of, .alpha = alpha, .beta = beta});
}

static int
binary(CrExpressions *e, int op, int a, int b)
{
    if (a == CR_NO_SUM || b == CR_NO_SUM)
        return CR_NO_SUM;
    switch (op) {
    case CR_BINARY_ADD:
        return cr_algebra_add(&e->algebra, a, b, 1);
    case CR_BINARY_SUB:
        return cr_algebra_add(&e->algebra, a, b, -1);
    case CR_BINARY_MUL:
        return cr_algebra_multiply(&e->algebra, a, b);
    default:
        return atom(e, (CrAtom){.kind = CR_ATOM_BINARY, .index = op, .a = a, .b = b});
    }
}

/* --- products with known weights --- */

static bool
is_known(const CrIr *ir, const CrIrNode *node, int input)
{
    return input >= node->n_in || node->in[input] == CR_NO_VALUE ||
           cr_ir_value(ir, node->in[input])->kind == CR_IR_CONSTANT;
}

static bool
is_linear(const CrExpressions *e, const CrIrNode *node)
{
    const CrIr *ir = e->ir;

    if (node->op == &cr_op_fused_conv)
        return true;
    if (node->op == &cr_op_conv)
        return e->channels == CR_CHANNELS_SECOND && is_known(ir, node, 1) && is_known(ir, node, 2);
    if (node->op == &cr_op_gemm)
        return is_known(ir, node, 1) && is_known(ir, node, 2) &&
               cr_node_int(node->node, "transA", 0) == 0;
    if (node->op != &cr_op_matmul)
        return false;
    int n_dims = cr_ir_value(ir, node->in[0])->desc.n_dims;
    return is_known(ir, node, 1) && cr_ir_value(ir, node->in[1])->desc.n_dims == 2 && n_dims > 1 &&
           axis_of(e, n_dims) == n_dims - 1;
}

static int
linear(CrExpressions *e, const CrIrNode *node, int first, int count)
{
    int index = (int)(node - (const CrIrNode *)(const void *)e->ir->nodes->data);
    int sum =
        atom(e, (CrAtom){.kind = CR_ATOM_LINEAR, .index = index, .first = first, .count = count});
    if (node->op != &cr_op_fused_conv)
        return sum;
    const CrFusedConv *conv = node->fused;
    return unary(e, CR_UNARY_CLIP, conv->low, conv->high, sum);
}

static bool
joins_channels(const CrExpressions *e, const CrIrNode *node)
{
    int64_t axis = cr_node_int(node->node, "axis", 1);
    int n_dims = cr_ir_value(e->ir, node->out[0])->desc.n_dims;
    return (node->op == &cr_op_concat || node->op == &cr_op_blocked_concat) && n_dims > 1 &&
           (axis < 0 ? axis + n_dims : axis) == axis_of(e, n_dims);
}

static void
add_pieces(const CrExpressions *e, int value, GArray *pieces, int depth)
{
    int source = cr_expression_source(e->ir, value);
    const CrIrNode *node = producer_of(e->ir, source);

    if (!node || !joins_channels(e, node) || depth == 0) {
        g_array_append_val(pieces, source);
        return;
    }
    for (int i = 0; i < node->n_in; i++)
        add_pieces(e, node->in[i], pieces, depth - 1);
}

GArray *
cr_expression_pieces(const CrExpressions *e, int index)
{
    const CrIrNode *node = cr_ir_node(e->ir, index);
    int n_x = node->op == &cr_op_fused_conv ? ((const CrFusedConv *)node->fused)->n_x : 1;
    GArray *pieces = g_array_new(FALSE, FALSE, sizeof(int));

    for (int i = 0; i < n_x; i++)
        add_pieces(e, node->in[i], pieces, 8);
    return pieces;
}

/* --- programs --- */

static int instruction(CrExpressions *e, const CrIrNode *node, const CrProgram *program, int at,
                       int first, int count);

static int
operand(CrExpressions *e, const CrIrNode *node, int input, int first, int count)
{
    const CrDesc *domain = &cr_ir_value(e->ir, node->out[0])->desc;

    if (input < 0) {
        const CrDesc *raw = &((const CrFusedConv *)node->fused)->raw;
        for (int part = 0; part < -1 - input; part++)
            first += cr_desc_part(raw, part);
        return linear(e, node, first, count);
    }
    int value = node->in[input];
    const CrIrValue *v = cr_ir_value(e->ir, value);
    CrSpread spread = spread_of(e, &v->desc, domain);
    if (spread == CR_SPREAD_FULL)
        return cr_expression(e, value, first, count);
    if (spread != CR_SPREAD_CHANNEL) {
        first = 0;
        count = 1;
    }
    return v->kind == CR_IR_CONSTANT ? constant(e, value, first, count, spread)
                                     : opaque(e, value, first, count, spread);
}

static int
argument(CrExpressions *e, const CrIrNode *node, const CrProgram *program, int arg, int first,
         int count)
{
    if (arg < 0)
        return operand(e, node, program->input[CR_OPERAND_OF(arg)], first, count);
    int output = program->instruction[arg].output;
    if (output >= 0) /* it may be a state's new value */
        return cr_expression(e, node->out[output], first, count);
    return instruction(e, node, program, arg, first, count);
}

static int
instruction(CrExpressions *e, const CrIrNode *node, const CrProgram *program, int at, int first,
            int count)
{
    const CrInstruction *in = &program->instruction[at];
    int index = (int)(node - (const CrIrNode *)(const void *)e->ir->nodes->data);
    Key key = {-1 - index, at, first, count};
    gpointer found;

    if (g_hash_table_lookup_extended(e->known, &key, NULL, &found))
        return GPOINTER_TO_INT(found);
    int a = argument(e, node, program, in->a, first, count);
    int sum = in->binary ? binary(e, in->op, a, argument(e, node, program, in->b, first, count))
                         : unary(e, in->op, in->alpha, in->beta, a);
    g_hash_table_insert(e->known, g_memdup2(&key, sizeof key), GINT_TO_POINTER(sum));
    return sum;
}

static int
program_output(CrExpressions *e, const CrIrNode *node, const CrProgram *program, int value,
               int first, int count)
{
    for (int i = 0; i < program->n_instructions; i++)
        if (program->instruction[i].output >= 0 &&
            node->out[program->instruction[i].output] == value)
            return instruction(e, node, program, i, first, count);
    return CR_NO_SUM;
}

/* A sum or a product that no program can be, such as that of a matrix and a row. */
static int
plain_binary(CrExpressions *e, const CrIrNode *node, int first, int count)
{
    int op = node->op == &cr_op_add   ? CR_BINARY_ADD
             : node->op == &cr_op_sub ? CR_BINARY_SUB
             : node->op == &cr_op_mul ? CR_BINARY_MUL
                                      : -1;
    const CrDesc *domain = &cr_ir_value(e->ir, node->out[0])->desc;

    if (op < 0 || domain->dtype != CONVRNN_DTYPE_FLOAT32)
        return CR_NO_SUM;
    for (int i = 0; i < 2; i++)
        if (spread_of(e, &cr_ir_value(e->ir, node->in[i])->desc, domain) == CR_SPREAD_NONE)
            return CR_NO_SUM;
    int a = operand(e, node, 0, first, count);
    return binary(e, op, a, operand(e, node, 1, first, count));
}

/* A node that was not fused, but could have been. */
static int
plain_node(CrExpressions *e, const CrIrNode *node, int first, int count)
{
    CrOpSetup setup;
    CrProgram program;

    cr_ir_setup(e->ir, node, &setup);
    bool can = cr_program_from_node(&setup, &program);
    cr_ir_setup_clear(&setup);
    if (!can)
        return plain_binary(e, node, first, count);
    for (int i = 0; i < program.n_instructions; i++)
        program.instruction[i].output = -1;
    return instruction(e, node, &program, program.n_instructions - 1, first, count);
}

/* y = x · scale / √(variance + ε) + …: a known product and a known sum per channel */
static int
batch_norm(CrExpressions *e, const CrIrNode *node, int first, int count)
{
    if (e->channels != CR_CHANNELS_SECOND)
        return CR_NO_SUM;
    for (int i = 1; i < 5; i++)
        if (!is_known(e->ir, node, i))
            return CR_NO_SUM;
    int sum = cr_expression(e, node->in[0], first, count);
    for (int i = 0; i < 2; i++) {
        int known = atom(e, (CrAtom){.kind = CR_ATOM_CONSTANT,
                                     .index = CR_SPREAD_CHANNEL,
                                     .first = first,
                                     .count = count,
                                     .of = (const char *)node->node + i});
        sum = binary(e, i == 0 ? CR_BINARY_MUL : CR_BINARY_ADD, sum, known);
    }
    return sum;
}

/* --- nodes that only move channels --- */

static int
split(CrExpressions *e, const CrIrNode *node, int value, int first, int count)
{
    int n_dims = cr_ir_value(e->ir, node->in[0])->desc.n_dims;
    int64_t axis = cr_node_int(node->node, "axis", 0);

    if (n_dims < 2 || (axis < 0 ? axis + n_dims : axis) != axis_of(e, n_dims))
        return CR_NO_SUM;
    for (int i = 0; i < node->n_out && node->out[i] != value; i++) {
        if (node->out[i] == CR_NO_VALUE)
            return CR_NO_SUM;
        first += cr_expression_channels(e, node->out[i]);
    }
    return cr_expression(e, node->in[0], first, count);
}

static int
concat(CrExpressions *e, const CrIrNode *node, int first, int count)
{
    if (!joins_channels(e, node))
        return CR_NO_SUM;
    for (int i = 0; i < node->n_in; i++) {
        int channels = cr_expression_channels(e, node->in[i]);
        if (first + count <= channels)
            return cr_expression(e, node->in[i], first, count);
        if (first < channels)
            return CR_NO_SUM;
        first -= channels;
    }
    return CR_NO_SUM;
}

/* A Slice of channels alone, without gaps. */
static int
slice(CrExpressions *e, const CrIrNode *node, int first, int count)
{
    const CrDesc *in = &cr_ir_value(e->ir, node->in[0])->desc;
    const CrDesc *out = &cr_ir_value(e->ir, node->out[0])->desc;

    int64_t begin = 0;
    int axis = axis_of(e, in->n_dims);

    if (in->n_dims < 2)
        return CR_NO_SUM;
    for (int d = 0; d < in->n_dims; d++)
        if (d != axis && in->dims[d] != out->dims[d])
            return CR_NO_SUM;
    if (!cr_ir_slice_begin(e->ir, node, axis, &begin))
        return CR_NO_SUM;
    return cr_expression(e, node->in[0], first + (int)begin, count);
}

/* --- values --- */

static int
computed(CrExpressions *e, const CrIrNode *node, int value, int first, int count)
{
    const CrProgram *program = cr_ir_program(node);

    if (node->op == &cr_op_fused_conv && e->channels != CR_CHANNELS_SECOND)
        return CR_NO_SUM; /* its channels are axis 1 */
    if (program)
        return program_output(e, node, program, value, first, count);
    if (is_linear(e, node))
        return linear(e, node, first, count);
    if (node->op == &cr_op_split || node->op == &cr_op_blocked_split)
        return split(e, node, value, first, count);
    if (node->op == &cr_op_concat || node->op == &cr_op_blocked_concat)
        return concat(e, node, first, count);
    if (node->op == &cr_op_slice || node->op == &cr_op_blocked_slice)
        return slice(e, node, first, count);
    if (node->op == &cr_op_batch_norm)
        return batch_norm(e, node, first, count);
    return plain_node(e, node, first, count);
}

static int
find(CrExpressions *e, int value, int first, int count)
{
    const CrIrValue *v = cr_ir_value(e->ir, value);
    const CrIrNode *node = producer_of(e->ir, value);
    int sum = CR_NO_SUM;

    if (v->kind == CR_IR_CONSTANT)
        return constant(e, value, first, count, CR_SPREAD_FULL);
    if (v->kind == CR_IR_STATE)
        return atom(
            e, (CrAtom){.kind = CR_ATOM_STATE, .index = v->index, .first = first, .count = count});
    if (node && e->depth < MAX_DEPTH && g_hash_table_size(e->known) < MAX_KNOWN) {
        e->depth++;
        sum = computed(e, node, value, first, count);
        e->depth--;
    }
    return sum == CR_NO_SUM ? opaque(e, value, first, count, CR_SPREAD_FULL) : sum;
}

static int
look_up(CrExpressions *e, int value, int first, int count)
{
    Key key = {value, 0, first, count};
    gpointer found;

    if (g_hash_table_lookup_extended(e->known, &key, NULL, &found))
        return GPOINTER_TO_INT(found);
    int sum = find(e, value, first, count);
    g_hash_table_insert(e->known, g_memdup2(&key, sizeof key), GINT_TO_POINTER(sum));
    return sum;
}

int
cr_expression(CrExpressions *e, int value, int first, int count)
{
    int source = cr_expression_source(e->ir, value);

    for (guint s = 0; s < e->ir->states->len; s++)
        if (e->next[s] == source && cr_ir_value(e->ir, source)->kind == CR_IR_COMPUTED)
            return atom(
                e, (CrAtom){.kind = CR_ATOM_NEXT, .index = (int)s, .first = first, .count = count});
    return look_up(e, source, first, count);
}

int
cr_expression_whole(CrExpressions *e, int value)
{
    return cr_expression(e, value, 0, cr_expression_channels(e, value));
}

int
cr_expression_of_next(CrExpressions *e, int state)
{
    int value = e->next[state];
    return look_up(e, value, 0, cr_expression_channels(e, value));
}
