/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fusing element-wise nodes into programs, and programs into convolutions.
 *
 * A host is a convolution or a program. Going down the list of nodes, every program joins that
 * reads something of the host's and otherwise only what exists before the host runs. A convolution
 * hosts programs only when all readers of its own result join: then that result never leaves the
 * cache. When the result goes through a Split into equal parts (the gates of a cell), the parts are
 * the operands, and the cell's arithmetic runs on each row as soon as the convolution has computed
 * it. */
#include "optimize/fuse.h"
#include "ops/ops.h"
#include "optimize/program_writer.h"

/* A host with those that joined it so far. */
typedef struct {
    CrIr *ir;
    int host;
    int split;                   /* the Split node between host and members, -1 without */
    CrDesc domain;               /* shape that all members compute */
    int members[CR_PROGRAM_MAX]; /* nodes, in order */
    int n_members;
    int n_instructions, n_operands;
    GHashTable *inside; /* values that the host or a member computes */
} Group;

static bool
is_inside(const Group *g, int value)
{
    return g_hash_table_contains(g->inside, GINT_TO_POINTER(value));
}

static void
put_inside(Group *g, int value)
{
    g_hash_table_add(g->inside, GINT_TO_POINTER(value));
}

static bool
joins(const Group *g, int index)
{
    const CrIrNode *node = cr_ir_node(g->ir, index);
    bool reads = false;

    if (node->dead || node->op != &cr_op_pointwise)
        return false;
    const CrProgram *program = node->fused;
    if (g->n_instructions + program->n_instructions > CR_PROGRAM_MAX / 2 ||
        g->n_operands + program->n_operands > CR_PROGRAM_MAX / 2 ||
        !cr_desc_same_shape(&cr_ir_value(g->ir, node->out[0])->desc, &g->domain))
        return false;
    for (int i = 0; i < program->n_operands; i++) {
        int value = node->in[program->input[i]];
        if (is_inside(g, value)) {
            /* what is inside is at hand only element by element */
            if (cr_spread(&cr_ir_value(g->ir, value)->desc, &g->domain) != CR_SPREAD_FULL)
                return false;
            reads = true;
        } else if (cr_ir_value(g->ir, value)->producer > g->host) {
            return false;
        }
    }
    return reads;
}

static void
gather(Group *g)
{
    int end = MIN(g->host + CR_FUSE_WINDOW, (int)g->ir->nodes->len);
    for (int i = g->host + 1; i < end && g->n_members < CR_PROGRAM_MAX; i++) {
        if (!joins(g, i))
            continue;
        const CrIrNode *node = cr_ir_node(g->ir, i);
        const CrProgram *program = node->fused;
        g->members[g->n_members++] = i;
        g->n_instructions += program->n_instructions;
        g->n_operands += program->n_operands;
        put_inside(g, node->out[0]);
    }
}

/* Whether nobody but members (and the Split) reads the value. */
static bool
only_members_read(const Group *g, int value)
{
    if (cr_ir_is_result(g->ir, value))
        return false;
    for (guint i = 0; i < g->ir->nodes->len; i++) {
        const CrIrNode *node = cr_ir_node(g->ir, (int)i);
        bool reads = false, member = (int)i == g->split;
        for (int k = 0; !node->dead && k < node->n_in; k++)
            reads = reads || node->in[k] == value;
        for (int m = 0; m < g->n_members; m++)
            member = member || g->members[m] == (int)i;
        if (reads && !member)
            return false;
    }
    return true;
}

/* --- writing the group's program --- */

static const char *
joined_label(const Group *g)
{
    const CrIrNode *host = cr_ir_node(g->ir, g->host);
    GString *label = g_string_new(host->label);
    for (int m = 0; m < g->n_members; m++)
        g_string_append_printf(label, "+%s", cr_ir_node(g->ir, g->members[m])->label);
    char *text = g_string_free(label, FALSE);
    cr_region_own(g->ir->region, text, g_free);
    return text;
}

static void
copy_all(CrProgramWriter *w, const CrIrNode *from)
{
    const CrProgram *p = cr_ir_program(from);
    for (int i = 0; i < p->n_instructions; i++)
        if (p->instruction[i].output >= 0)
            cr_program_copy(w, from, i, true);
}

static bool
commit(Group *g, GError **error)
{
    CrIrNode *host = cr_ir_node(g->ir, g->host);
    bool is_conv = host->op == &cr_op_fused_conv;
    CrIrNode *split = g->split >= 0 ? cr_ir_node(g->ir, g->split) : NULL;
    CrProgram *program = cr_region_alloc(g->ir->region, 1, sizeof *program, "a program", error);

    if (!program)
        return false;
    CrProgramWriter w = cr_program_writer(g->ir, host, program);
    if (is_conv) {
        w.raw = split ? split->out : host->out;
        w.n_raw = split ? split->n_out : 1;
    } else {
        copy_all(&w, host);
    }
    host->label = joined_label(g);
    for (int m = 0; m < g->n_members; m++) {
        copy_all(&w, cr_ir_node(g->ir, g->members[m]));
        cr_ir_node(g->ir, g->members[m])->dead = true;
    }
    if (split) {
        CrFusedConv *conv = (CrFusedConv *)host->fused;
        conv->raw.n_parts = split->n_out;
        for (int i = 0; i < split->n_out; i++)
            conv->raw.part[i] = (int)cr_ir_value(g->ir, split->out[i])->desc.dims[1];
        split->dead = true;
    }
    cr_program_finish(&w, g->host);
    return true;
}

/* --- hosts --- */

static Group
group_new(CrIr *ir, int host)
{
    Group g = {.ir = ir,
               .host = host,
               .split = -1,
               .domain = cr_ir_value(ir, cr_ir_node(ir, host)->out[0])->desc,
               .inside = g_hash_table_new(g_direct_hash, g_direct_equal)};
    return g;
}

/* The Split into equal parts of channels that alone reads the value. */
static int
equal_split_of(const CrIr *ir, int value)
{
    int index;

    if (cr_ir_count_uses(ir, value, &index) != 1 || cr_ir_is_result(ir, value))
        return -1;
    if (!cr_ir_splits_equally(ir, cr_ir_node(ir, index)))
        return -1;
    return index;
}

static bool
host_conv(CrIr *ir, int index, GError **error)
{
    int raw = cr_ir_node(ir, index)->out[0];
    Group g = group_new(ir, index);
    bool ok = true, all = true;

    g.split = equal_split_of(ir, raw);
    if (g.split >= 0) {
        const CrIrNode *split = cr_ir_node(ir, g.split);
        g.domain = cr_ir_value(ir, split->out[0])->desc;
        for (int i = 0; i < split->n_out; i++)
            put_inside(&g, split->out[i]);
        gather(&g);
        for (int i = 0; i < split->n_out; i++)
            all = all && only_members_read(&g, split->out[i]);
    } else {
        put_inside(&g, raw);
        gather(&g);
        all = only_members_read(&g, raw);
    }
    if (all && g.n_members > 0)
        ok = commit(&g, error);
    g_hash_table_unref(g.inside);
    return ok;
}

static bool
host_program(CrIr *ir, int index, GError **error)
{
    const CrProgram *program = cr_ir_node(ir, index)->fused;
    Group g = group_new(ir, index);
    bool ok = true;

    g.n_instructions = program->n_instructions;
    g.n_operands = program->n_operands;
    put_inside(&g, cr_ir_node(ir, index)->out[0]);
    gather(&g);
    if (g.n_members > 0)
        ok = commit(&g, error);
    g_hash_table_unref(g.inside);
    return ok;
}

/* --- afterwards --- */

/* A clamp right after the sum is done in the registers. */
static void
clamp_in_registers(CrFusedConv *conv)
{
    CrProgram *p = &conv->program;

    if (!conv->has_program || p->n_instructions != 1 || p->n_operands != 1 ||
        p->instruction[0].binary || p->instruction[0].op != CR_UNARY_CLIP || p->input[0] != -1 ||
        conv->raw.n_parts > 1)
        return;
    conv->low = p->instruction[0].alpha;
    conv->high = p->instruction[0].beta;
    conv->has_program = false;
}

/* A convolution whose result a Split cuts computes each part from a new block on. */
static void
hint_parts(CrIr *ir)
{
    for (guint i = 0; i < ir->nodes->len; i++) {
        const CrIrNode *split = cr_ir_node(ir, (int)i);
        int64_t axis = split->dead ? 0 : cr_node_int(split->node, "axis", 0);
        if (split->dead || split->op != &cr_op_split || (axis != 1 && axis != -3) ||
            split->n_out > CR_MAX_PARTS)
            continue;
        const CrIrValue *in = cr_ir_value(ir, split->in[0]);
        const CrIrNode *conv = in->producer >= 0 ? cr_ir_node(ir, in->producer) : NULL;
        if (!conv || conv->op != &cr_op_fused_conv)
            continue;
        CrFusedConv *fused = (CrFusedConv *)conv->fused;
        if (fused->raw.n_parts > 1 || !cr_desc_same_shape(&fused->raw, &in->desc) ||
            fused->conv.group != 1)
            continue;
        fused->raw.n_parts = split->n_out;
        for (int k = 0; k < split->n_out; k++)
            fused->raw.part[k] = split->out[k] == CR_NO_VALUE
                                     ? 0
                                     : (int)cr_ir_value(ir, split->out[k])->desc.dims[1];
        for (int k = 0; k < split->n_out; k++)
            if (fused->raw.part[k] == 0)
                fused->raw.n_parts = 0;
    }
}

bool
cr_ir_fuse(CrIr *ir, GError **error)
{
    if (!cr_ir_convert(ir, error))
        return false;
    cr_ir_drop_unused(ir); /* such as what was lifted over a Split for a part that nobody reads */
    for (int pass = 0; pass < 2; pass++) /* convolutions first: they spare the most */
        for (int i = 0; i < (int)ir->nodes->len; i++) {
            const CrIrNode *node = cr_ir_node(ir, i);
            if (node->dead || node->op != (pass ? &cr_op_pointwise : &cr_op_fused_conv))
                continue;
            if (!(pass ? host_program : host_conv)(ir, i, error))
                return false;
        }
    if (!cr_ir_sink(ir, error))
        return false;
    for (guint i = 0; i < ir->nodes->len; i++)
        if (!cr_ir_node(ir, (int)i)->dead && cr_ir_node(ir, (int)i)->op == &cr_op_fused_conv)
            clamp_in_registers((CrFusedConv *)cr_ir_node(ir, (int)i)->fused);
    cr_ir_drop_unused(ir);
    hint_parts(ir);
    return true;
}
