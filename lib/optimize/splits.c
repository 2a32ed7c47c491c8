/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Splits of channels, brought to where a convolution computes what they cut. */
#include "ops/fused_conv.h"
#include "ops/ops.h"
#include "optimize/fuse.h"
#include <string.h>

#define MAX_LIFT 4 /* element-wise nodes between a convolution and its Split */

static const CrAttr axis_1 = {.name = (char *)"axis", .type = CR_ATTR_INT, .i = 1};
static const CrNode split_node = {.name = (char *)"Split",
                                  .op = (char *)"Split",
                                  .domain = (char *)"",
                                  .n_attrs = 1,
                                  .attrs = (CrAttr *)&axis_1};

CrIrNode
cr_ir_split_of_channels(const int *in, const int *out, int n_out)
{
    return (CrIrNode){.op = &cr_op_split,
                      .node = &split_node,
                      .label = "Split",
                      .n_in = 1,
                      .n_out = n_out,
                      .in = g_memdup2(in, sizeof *in),
                      .out = g_memdup2(out, sizeof *out * (gsize)n_out)};
}

bool
cr_ir_splits_equally(const CrIr *ir, const CrIrNode *node)
{
    if (node->dead || node->op != &cr_op_split || node->n_out > CR_MAX_PARTS)
        return false;
    const CrDesc *in = &cr_ir_value(ir, node->in[0])->desc;
    int64_t axis = cr_node_int(node->node, "axis", 0);
    if ((in->n_dims != 4 && in->n_dims != 3) || (axis < 0 ? axis + in->n_dims : axis) != 1)
        return false;
    for (int i = 0; i < node->n_out; i++)
        if (node->out[i] == CR_NO_VALUE ||
            cr_ir_value(ir, node->out[i])->desc.dims[1] * node->n_out != in->dims[1])
            return false;
    return true;
}

/* --- Slices that together cut all channels become a Split --- */

/* Channels [*first, *first + *count) of its input, and nothing else, is what the Slice gives. */
static bool
slices_channels(const CrIr *ir, const CrIrNode *node, int64_t *first, int64_t *count)
{
    if (node->dead || node->op != &cr_op_slice || node->out[0] == CR_NO_VALUE)
        return false;
    const CrDesc *in = &cr_ir_value(ir, node->in[0])->desc;
    const CrDesc *out = &cr_ir_value(ir, node->out[0])->desc;
    if (in->n_dims != 4 && in->n_dims != 3)
        return false;
    for (int d = 0; d < in->n_dims; d++)
        if (d != 1 && in->dims[d] != out->dims[d])
            return false;
    *first = 0;
    *count = out->dims[1];
    return cr_ir_slice_begin(ir, node, 1, first);
}

/* The Slices of the value that begin where each other ends, from channel 0 to the last, in that
 * order; how many, 0 when they leave a gap. */
static int
find_slices(const CrIr *ir, int value, int *nodes)
{
    int64_t at = 0, channels = cr_ir_value(ir, value)->desc.dims[1];
    int n = 0;

    while (at < channels) {
        int64_t first, count = 0;
        int begin = MAX(cr_ir_value(ir, value)->producer, 0), found = -1;
        int end = MIN(begin + CR_FUSE_WINDOW, (int)ir->nodes->len);
        for (int i = begin; i < end && found < 0; i++) {
            const CrIrNode *node = cr_ir_node(ir, i);
            if (node->n_in > 0 && node->in[0] == value &&
                slices_channels(ir, node, &first, &count) && first == at && count > 0)
                found = i;
        }
        if (found < 0 || n == CR_MAX_PARTS)
            return 0;
        nodes[n++] = found;
        at += count;
    }
    return n;
}

static void
join(CrIr *ir, const int *nodes, int n)
{
    int value = cr_ir_node(ir, nodes[0])->in[0], out[CR_MAX_PARTS], first = nodes[0];

    for (int i = 0; i < n; i++) {
        CrIrNode *node = cr_ir_node(ir, nodes[i]);
        out[i] = node->out[0];
        first = MIN(first, nodes[i]);
        g_hash_table_insert(ir->merged, (gpointer)node->node, (gpointer)&split_node);
        node->dead = true;
    }
    CrIrNode split = cr_ir_split_of_channels(&value, out, n);
    g_array_insert_val(ir->nodes, (guint)first, split);
    cr_ir_renumber(ir);
}

void
cr_ir_join_slices(CrIr *ir)
{
    for (int i = 0; i < (int)ir->nodes->len; i++) {
        int64_t first, count;
        int nodes[CR_MAX_PARTS];
        if (!slices_channels(ir, cr_ir_node(ir, i), &first, &count))
            continue;
        int n = find_slices(ir, cr_ir_node(ir, i)->in[0], nodes);
        if (n > 1)
            join(ir, nodes, n);
    }
}

/* --- Split → Concat is nothing --- */

static int64_t
axis_of(const CrIr *ir, const CrIrNode *node, int64_t fallback)
{
    int64_t axis = cr_node_int(node->node, "axis", fallback);
    return axis < 0 ? axis + cr_ir_value(ir, node->in[0])->desc.n_dims : axis;
}

static const CrIrNode *
producer_of(const CrIr *ir, int value)
{
    int producer = cr_ir_value(ir, value)->producer;
    return cr_ir_value(ir, value)->kind == CR_IR_COMPUTED && producer >= 0
               ? cr_ir_node(ir, producer)
               : NULL;
}

void
cr_ir_undo_splits(CrIr *ir)
{
    for (int i = 0; i < (int)ir->nodes->len; i++) {
        CrIrNode *concat = cr_ir_node(ir, i);
        if (concat->dead || concat->op != &cr_op_concat || cr_ir_is_result(ir, concat->out[0]))
            continue;
        const CrIrNode *split = producer_of(ir, concat->in[0]);
        if (!split || split->op != &cr_op_split || split->n_out != concat->n_in ||
            memcmp(split->out, concat->in, sizeof *concat->in * (gsize)concat->n_in) != 0 ||
            axis_of(ir, split, 0) != axis_of(ir, concat, 1))
            continue;
        cr_ir_replace(ir, concat->out[0], split->in[0]);
        concat->dead = true;
    }
}

/* --- f(x) → Split becomes Split → f --- */

static bool
is_single_use(const CrIr *ir, int value)
{
    return cr_ir_count_uses(ir, value, NULL) == 1 && !cr_ir_is_result(ir, value);
}

/* Whether it is one instruction on whole tensors, of which one comes from a convolution. */
static bool
can_be_split(const CrIr *ir, const CrIrNode *node, int depth)
{
    if (!node || node->dead || depth == 0)
        return false;
    if (node->op == &cr_op_fused_conv)
        return true;
    const CrProgram *p = node->fused;
    if (node->op != &cr_op_pointwise || p->n_instructions != 1)
        return false;
    bool from_conv = false;
    for (int i = 0; i < p->n_operands; i++) {
        int value = node->in[p->input[i]];
        if (!cr_desc_same_shape(&cr_ir_value(ir, value)->desc,
                                &cr_ir_value(ir, node->out[0])->desc) ||
            cr_ir_value(ir, value)->kind == CR_IR_CONSTANT)
            return false;
        from_conv = from_conv || (is_single_use(ir, value) &&
                                  can_be_split(ir, producer_of(ir, value), depth - 1));
    }
    return from_conv;
}

/* Parts of an operand, by a Split put in at `at`. */
static void
split_operand(CrIr *ir, int value, const CrIrNode *like, int at, int *parts)
{
    for (int i = 0; i < like->n_out; i++) {
        parts[i] = cr_ir_add_value(ir, cr_ir_value(ir, value));
        cr_ir_value(ir, parts[i])->desc.dims[1] = cr_ir_value(ir, like->out[i])->desc.dims[1];
    }
    CrIrNode split = cr_ir_split_of_channels(&value, parts, like->n_out);
    g_array_insert_val(ir->nodes, (guint)at, split);
}

static bool
lift(CrIr *ir, int index, GError **error)
{
    CrIrNode split = *cr_ir_node(ir, index);
    CrIrNode f = *producer_of(ir, split.in[0]);
    const CrProgram *p = f.fused;
    CrProgram *program = cr_region_alloc(ir->region, 1, sizeof *program, f.node->name, error);
    int parts[2][CR_MAX_PARTS], at = index + 1;

    if (!program)
        return false;
    *program = *p;
    for (int o = 0; o < p->n_operands; o++) {
        split_operand(ir, f.in[p->input[o]], &split, at++, parts[o]);
        program->input[o] = o;
    }
    for (int i = 0; i < split.n_out; i++) {
        int in[2] = {parts[0][i], p->n_operands > 1 ? parts[1][i] : 0};
        CrIrNode node = {.op = f.op,
                         .node = f.node,
                         .label = f.label,
                         .fused = program, /* the same for all: it names inputs by number */
                         .n_in = p->n_operands,
                         .n_out = 1,
                         .in = g_memdup2(in, sizeof *in * (gsize)p->n_operands),
                         .out = g_memdup2(&split.out[i], sizeof *split.out)};
        g_array_insert_val(ir->nodes, (guint)at++, node);
    }
    cr_ir_node(ir, cr_ir_value(ir, split.in[0])->producer)->dead = true;
    cr_ir_node(ir, index)->dead = true;
    if (split.node != &split_node)
        g_hash_table_insert(ir->merged, (gpointer)split.node, (gpointer)&split_node);
    cr_ir_renumber(ir);
    return true;
}

bool
cr_ir_lift_splits(CrIr *ir, GError **error)
{
    for (int i = 0; i < (int)ir->nodes->len; i++) {
        const CrIrNode *split = cr_ir_node(ir, i);
        if (!cr_ir_splits_equally(ir, split) || !is_single_use(ir, split->in[0]))
            continue;
        const CrIrNode *f = producer_of(ir, split->in[0]);
        if (!f || f->op != &cr_op_pointwise || !can_be_split(ir, f, MAX_LIFT))
            continue;
        if (!lift(ir, i, error))
            return false; /* the new Splits come next, and may be lifted in their turn */
    }
    return true;
}
