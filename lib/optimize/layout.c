/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Layouts: convolutions work in blocks, and so does what stands between them; plain tensors remain
 * at the edges and for operators that know nothing else.
 *
 * Nodes are visited in order. Each that has a blocked form is asked, with the layouts its inputs
 * have by now; where an input comes in another layout than wanted, a Reorder is put before the
 * node, once per tensor and layout. Then padding is made as wide as the widest reader of each
 * tensor wants, and what a Concat joins is computed right where it ends up. */
#include "ops/blocked.h"
#include "ops/fused_conv.h"
#include "ops/reorder.h"
#include "optimize/ir.h"
#include <string.h>

typedef struct {
    CrIr *ir;
    GArray *nodes;  /* CrIrNode: the new order */
    GArray *copies; /* int [values]: the next value with the same contents, -1 at the end */
    bool *in_rows;  /* [values before]: somebody who reads it has a form for rows */
} Layouter;

/* --- states --- */

/* Whether the value will be computed in blocks, as far as one can tell before. */
static bool
will_be_blocked(const CrIr *ir, int value, int depth)
{
    const CrIrValue *v = cr_ir_value(ir, value);

    if (v->desc.n_dims != 4 || v->producer < 0 || depth == 0)
        return false;
    const CrIrNode *node = cr_ir_node(ir, v->producer);
    if (node->op == &cr_op_fused_conv)
        return true;
    for (int i = 0; cr_op_find_blocked(node->op) && i < node->n_in; i++)
        if (node->in[i] != CR_NO_VALUE && will_be_blocked(ir, node->in[i], depth - 1))
            return true;
    return false;
}

/* A state lives in blocks when it is computed in blocks: it is never rearranged at all then. */
static void
lay_out_states(CrIr *ir)
{
    for (guint i = 0; i < ir->states->len; i++) {
        const CrIrState *state = &g_array_index(ir->states, CrIrState, i);
        CrIrValue *in = cr_ir_value(ir, state->in);
        if (in->desc.dtype == CONVRNN_DTYPE_FLOAT32 && cr_desc_elements(&in->desc) > 0 &&
            will_be_blocked(ir, state->out, 16))
            in->desc.block = cr_desc_is_narrow(&in->desc) ? 1 : ir->kernels->block;
    }
}

/* --- who reads what --- */

static bool *
find_readers_in_rows(const CrIr *ir)
{
    bool *in_rows = g_new0(bool, ir->values->len + 1);

    for (guint i = 0; i < ir->nodes->len; i++) {
        const CrIrNode *node = cr_ir_node(ir, (int)i);
        for (int k = 0; !node->dead && cr_op_find_blocked(node->op) && k < node->n_in; k++)
            if (node->in[k] != CR_NO_VALUE)
                in_rows[node->in[k]] = true;
    }
    for (guint i = 0; i < ir->states->len; i++) {
        const CrIrState *state = &g_array_index(ir->states, CrIrState, i);
        if (cr_ir_value(ir, state->in)->desc.block)
            in_rows[state->out] = true;
    }
    return in_rows;
}

/* Whether all that read the node's results want them plain. */
static bool
is_for_plain(const Layouter *l, const CrIrNode *node)
{
    for (int i = 0; i < node->n_out; i++)
        if (node->out[i] != CR_NO_VALUE && l->in_rows[node->out[i]])
            return false;
    return true;
}

/* --- one node --- */

static int
next_copy(const Layouter *l, int value)
{
    return (guint)value < l->copies->len ? g_array_index(l->copies, int, value) : -1;
}

static void
set_next_copy(Layouter *l, int value, int next)
{
    while (l->copies->len <= (guint)value) {
        int none = -1;
        g_array_append_val(l->copies, none);
    }
    g_array_index(l->copies, int, value) = next;
}

static void
append_node(Layouter *l, CrIrNode node)
{
    for (int i = 0; i < node.n_out; i++)
        if (node.out[i] != CR_NO_VALUE)
            cr_ir_value(l->ir, node.out[i])->producer = (int)l->nodes->len;
    g_array_append_val(l->nodes, node);
}

/* The value, or a copy of it, in the wanted layout. */
static int
in_layout(Layouter *l, int value, const CrDesc *want)
{
    int v = value, last = value;

    for (; v >= 0; last = v, v = next_copy(l, v))
        if (cr_desc_same_layout(&cr_ir_value(l->ir, v)->desc, want))
            return v;

    GArray *keep = l->ir->nodes; /* cr_ir_append_reorder() appends there */
    l->ir->nodes = l->nodes;
    CrDesc desc = cr_ir_value(l->ir, value)->desc;
    cr_desc_set_layout(&desc, want);
    int copy = cr_ir_append_reorder(l->ir, value, &desc);
    l->ir->nodes = keep;
    set_next_copy(l, last, copy);
    return copy;
}

static void
want_padding(CrIr *ir, int value, const CrDesc *want)
{
    CrDesc *desc = &cr_ir_value(ir, value)->desc;
    desc->pad_left = MAX(desc->pad_left, want->pad_left);
    desc->pad_right = MAX(desc->pad_right, want->pad_right);
}

/* A Split in blocks is no work: its outputs are views. */
static void
make_views(CrIr *ir, const CrIrNode *node)
{
    int block = 0;
    for (int i = 0; i < node->n_out; i++) {
        CrIrValue *out = cr_ir_value(ir, node->out[i]);
        out->base = node->in[0];
        out->base_block = block;
        block += cr_desc_blocked(&out->desc).blocks;
    }
}

static void
visit(Layouter *l, CrIrNode node)
{
    CrIr *ir = l->ir;
    const CrOp *form = cr_op_find_blocked(node.op);
    CrOpSetup setup;

    cr_ir_setup(ir, &node, &setup);
    setup.for_plain = is_for_plain(l, &node);
    bool blocked = form && form->blocked(&setup);
    if (blocked)
        node.op = form;
    for (int i = 0; i < node.n_in; i++) {
        CrDesc plain = setup.in[i];
        plain.block = plain.n_parts = plain.pad_left = plain.pad_right = plain.row_blocks = 0;
        const CrDesc *want = blocked ? &setup.in[i] : &plain;
        if (node.in[i] == CR_NO_VALUE)
            continue;
        node.in[i] = in_layout(l, node.in[i], want);
        if (want->block)
            want_padding(ir, node.in[i], want);
    }
    for (int i = 0; i < node.n_out; i++) {
        if (node.out[i] == CR_NO_VALUE)
            continue;
        CrIrValue *out = cr_ir_value(ir, node.out[i]);
        if (blocked)
            out->desc = setup.out[i];
        else
            out->desc.n_parts = 0; /* a hint that nobody took */
        if (out->base >= 0)
            out->base = node.in[0];
    }
    cr_ir_setup_clear(&setup);
    append_node(l, node);
    if (node.op == &cr_op_blocked_split)
        make_views(ir, &g_array_index(l->nodes, CrIrNode, l->nodes->len - 1));
}

/* --- Concat without copies --- */

/* Whether `value` may be computed inside the storage of `whole`. */
static bool
can_live_in(const CrIr *ir, int value, int whole)
{
    const CrIrValue *v = cr_ir_value(ir, value), *w = cr_ir_value(ir, whole);

    if (v->kind != CR_IR_COMPUTED || v->base >= 0 || v->desc.block != w->desc.block ||
        cr_ir_is_result(ir, value) || ir->nodes->len == 0 ||
        (cr_ir_node(ir, v->producer)->op->flags & CR_OP_ALIAS))
        return false;
    return true;
}

static bool
join_in_place(CrIr *ir, CrIrNode *node, GError **error)
{
    bool *in_place =
        cr_region_alloc(ir->region, (size_t)node->n_in, sizeof *in_place, "Concat", error);
    int block = 0, left = node->n_in;

    if (!in_place)
        return false;
    for (int i = 0; i < node->n_in; i++) {
        CrIrValue *in = cr_ir_value(ir, node->in[i]);
        int blocks = cr_desc_blocked(&in->desc).blocks;
        if (can_live_in(ir, node->in[i], node->out[0])) {
            in->base = node->out[0];
            in->base_block = block;
            in_place[i] = true;
            left--;
        }
        block += blocks;
    }
    node->fused = in_place;
    node->dead = left == 0;
    return true;
}

/* --- padding and views --- */

static bool
widen(CrDesc *a, CrDesc *b)
{
    int left = MAX(a->pad_left, b->pad_left), right = MAX(a->pad_right, b->pad_right);
    bool changed = a->pad_left != left || b->pad_left != left || a->pad_right != right ||
                   b->pad_right != right;
    a->pad_left = b->pad_left = left;
    a->pad_right = b->pad_right = right;
    return changed;
}

/* Views have the padding of their storage; a state's two halves have the same. */
static void
settle_padding(CrIr *ir)
{
    bool changed;

    do {
        changed = false;
        for (guint v = 0; v < ir->values->len; v++) {
            CrIrValue *value = cr_ir_value(ir, (int)v);
            if (value->base >= 0 && value->desc.block)
                changed |= widen(&value->desc, &cr_ir_value(ir, value->base)->desc);
        }
        for (guint i = 0; i < ir->states->len; i++) {
            const CrIrState *state = &g_array_index(ir->states, CrIrState, i);
            CrDesc *in = &cr_ir_value(ir, state->in)->desc;
            CrDesc *out = &cr_ir_value(ir, state->out)->desc;
            if (in->block && cr_desc_same_layout(in, out))
                changed |= widen(in, out);
        }
    } while (changed);

    for (guint v = 0; v < ir->values->len; v++) {
        CrIrValue *value = cr_ir_value(ir, (int)v);
        if (value->base >= 0 && value->desc.block)
            value->desc.row_blocks =
                cr_desc_blocked(&cr_ir_value(ir, cr_ir_root(ir, (int)v))->desc).blocks;
    }
}

/* --- constants --- */

/* A constant that was rearranged is a constant. */
static bool
fold_reorders(CrIr *ir, GError **error)
{
    for (guint i = 0; i < ir->nodes->len; i++) {
        CrIrNode *node = cr_ir_node(ir, (int)i);
        CrIrValue *from = cr_ir_value(ir, node->in[0]), *to = cr_ir_value(ir, node->out[0]);
        const void *in;
        void *data;
        CrOpSetup setup;

        if (node->dead || node->op != &cr_op_reorder || from->kind != CR_IR_CONSTANT ||
            to->base >= 0)
            continue;
        in = from->constant->data;
        cr_ir_setup(ir, node, &setup);
        bool ok = cr_op_evaluate(node->op, &setup, &in, &data, error);
        cr_ir_setup_clear(&setup);
        if (!ok)
            return false;
        cr_region_own(ir->region, data, cr_mem_free);
        to->kind = CR_IR_CONSTANT;
        to->constant = convrnn_tensor_ref(from->constant);
        to->blocked = data;
        to->producer = -1;
        node->dead = true;
    }
    return true;
}

bool
cr_ir_assign_layouts(CrIr *ir, GError **error)
{
    Layouter l = {.ir = ir,
                  .nodes = g_array_new(FALSE, TRUE, sizeof(CrIrNode)),
                  .copies = g_array_new(FALSE, TRUE, sizeof(int))};

    lay_out_states(ir);
    l.in_rows = find_readers_in_rows(ir);
    for (guint i = 0; i < ir->nodes->len; i++) {
        if (cr_ir_node(ir, (int)i)->dead) {
            g_free(cr_ir_node(ir, (int)i)->in);
            g_free(cr_ir_node(ir, (int)i)->out);
            continue;
        }
        visit(&l, *cr_ir_node(ir, (int)i));
    }
    g_array_free(ir->nodes, TRUE);
    g_array_free(l.copies, TRUE);
    g_free(l.in_rows);
    ir->nodes = l.nodes;
    for (guint i = 0; i < ir->nodes->len; i++)
        if (cr_ir_node(ir, (int)i)->op == &cr_op_blocked_concat &&
            !join_in_place(ir, cr_ir_node(ir, (int)i), error))
            return false;
    settle_padding(ir);
    return fold_reorders(ir, error);
}
