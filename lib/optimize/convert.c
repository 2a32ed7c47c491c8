/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From ONNX's nodes to those that can be fused: convolutions that take several inputs, and
 * programs. */
#include "core/size.h"
#include "ops/fused_conv.h"
#include "ops/ops.h"
#include "optimize/fuse.h"
#include <math.h>
#include <string.h>

/* --- one node each --- */

static bool
convert_conv(CrIr *ir, CrIrNode *node, GError **error)
{
    CrOpSetup setup;
    CrFusedConv fused;

    cr_ir_setup(ir, node, &setup);
    bool can = cr_fused_conv_from_node(&setup, &fused);
    cr_ir_setup_clear(&setup);
    if (!can)
        return true;
    CrFusedConv *kept = cr_region_alloc(ir->region, 1, sizeof *kept, node->node->name, error);
    if (!kept)
        return false;
    *kept = fused;
    if (!fused.conv.has_bias)
        node->n_in = 2;
    node->fused = kept;
    node->op = &cr_op_fused_conv;
    return true;
}

static bool
convert_pointwise(CrIr *ir, CrIrNode *node, GError **error)
{
    CrOpSetup setup;
    CrProgram program;

    cr_ir_setup(ir, node, &setup);
    bool can = cr_desc_elements(&setup.out[0]) > 0 && cr_program_from_node(&setup, &program);
    cr_ir_setup_clear(&setup);
    if (!can)
        return true;
    CrProgram *kept = cr_region_alloc(ir->region, 1, sizeof *kept, node->node->name, error);
    if (!kept)
        return false;
    *kept = program;
    node->fused = kept;
    node->op = &cr_op_pointwise;
    return true;
}

/* Normalisation as a product and a sum per channel, which the convolution before it carries.
 * Folding it into the weights would be a little cheaper, but rounding them anew moved a published
 * text reader's result by 1.3e-6 rms, twenty times what all else does. */
static bool
convert_batch_norm(CrIr *ir, CrIrNode *node, GError **error)
{
    const float *p[4];
    int64_t channels = cr_ir_value(ir, node->in[0])->desc.dims[1], dims[3] = {channels, 1, 1};
    float epsilon = cr_node_float(node->node, "epsilon", 1e-5f);
    int constants[2];

    for (int i = 0; i < 4; i++) {
        const ConvRnnTensor *value = cr_ir_value(ir, node->in[1 + i])->constant;
        if (!value || value->dtype != CONVRNN_DTYPE_FLOAT32)
            return true;
        p[i] = value->data;
    }
    if (cr_ir_value(ir, node->in[0])->desc.n_dims != 4 || channels == 0)
        return true;
    CrProgram *program = cr_region_alloc(ir->region, 1, sizeof *program, node->node->name, error);
    float *data = program ? g_new(float, 2 * channels) : NULL;
    if (!data)
        return false;
    for (int64_t c = 0; c < channels; c++) {
        double scale = p[0][c] / sqrt((double)p[3][c] + epsilon);
        data[c] = (float)scale;
        data[channels + c] = (float)(p[1][c] - p[2][c] * scale);
    }
    for (int i = 0; i < 2; i++) {
        g_autoptr(GBytes) bytes = g_bytes_new(data + i * channels, (gsize)channels * sizeof *data);
        ConvRnnTensor *tensor = convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, dims, 3, bytes, error);
        if (!tensor) {
            g_free(data);
            return false;
        }
        constants[i] = cr_ir_add_constant(ir, "folded", tensor);
    }
    g_free(data);
    *program = (CrProgram){
        .n_instructions = 2,
        .n_operands = 3,
        .n_outputs = 1,
        .input = {0, 1, 2},
        .instruction = {{.binary = true,
                         .op = CR_BINARY_MUL,
                         .a = CR_OPERAND(0),
                         .b = CR_OPERAND(1),
                         .output = -1},
                        {.binary = true, .op = CR_BINARY_ADD, .a = 0, .b = CR_OPERAND(2)}}};
    node->n_in = 3;
    node->in[1] = constants[0];
    node->in[2] = constants[1];
    node->n_out = 1;
    node->fused = program;
    node->op = &cr_op_pointwise;
    return true;
}

/* --- Concat → Conv: the convolution reads the pieces --- */

static int
concat_before(const CrIr *ir, int value)
{
    int producer = cr_ir_value(ir, value)->producer;
    if (producer < 0 || cr_ir_node(ir, producer)->dead ||
        cr_ir_node(ir, producer)->op != &cr_op_concat || cr_ir_value(ir, value)->desc.n_dims != 4)
        return -1;
    const CrIrNode *node = cr_ir_node(ir, producer);
    int64_t axis = cr_node_int(node->node, "axis", 1);
    if (axis != 1 && axis != -3)
        return -1;
    for (int i = 0; i < node->n_in; i++)
        if (cr_desc_elements(&cr_ir_value(ir, node->in[i])->desc) == 0)
            return -1;
    return producer;
}

/* A Concat that somebody else needs whole as well is made anyway: then reading it is as good. */
static bool
only_convs_read(const CrIr *ir, int value)
{
    if (cr_ir_is_result(ir, value))
        return false;
    for (guint i = 0; i < ir->nodes->len; i++) {
        const CrIrNode *node = cr_ir_node(ir, (int)i);
        for (int k = 0; !node->dead && k < node->n_in; k++)
            if (node->in[k] == value && (node->op != &cr_op_fused_conv ||
                                         ((const CrFusedConv *)node->fused)->conv.group != 1))
                return false;
    }
    return true;
}

static void
read_pieces(CrIr *ir, CrIrNode *conv)
{
    CrFusedConv *fused = (CrFusedConv *)conv->fused;

    for (int i = 0; i < fused->n_x; i++) {
        int producer = concat_before(ir, conv->in[i]);
        if (producer < 0 || fused->conv.group != 1 || !only_convs_read(ir, conv->in[i]))
            continue;
        const CrIrNode *concat = cr_ir_node(ir, producer);
        if (fused->n_x + concat->n_in - 1 > CR_CONV_SEGMENTS)
            continue;
        int n_in = conv->n_in + concat->n_in - 1;
        int *in = g_new(int, n_in);
        memcpy(in, conv->in, sizeof *in * (size_t)i);
        memcpy(in + i, concat->in, sizeof *in * (size_t)concat->n_in);
        memcpy(in + i + concat->n_in, conv->in + i + 1, sizeof *in * (size_t)(conv->n_in - i - 1));
        g_free(conv->in);
        conv->in = in;
        conv->n_in = n_in;
        fused->n_x += concat->n_in - 1;
        i--; /* the first piece may be a Concat too */
    }
}

/* --- convolutions of the same inputs --- */

static bool
same_reading(const CrIrNode *a, const CrIrNode *b)
{
    const CrFusedConv *f = a->fused, *g = b->fused;
    return f->n_x == g->n_x && memcmp(a->in, b->in, sizeof *a->in * (size_t)f->n_x) == 0 &&
           f->conv.group == 1 && g->conv.group == 1 &&
           memcmp(&f->conv.window, &g->conv.window, sizeof f->conv.window) == 0;
}

static ConvRnnTensor *
stack(const ConvRnnTensor *a, const ConvRnnTensor *b, size_t n_a, size_t n_b, int64_t rows,
      GError **error)
{
    float *data = cr_mem_alloc(n_a + n_b, sizeof *data, "weights", error);
    int64_t dims[CONVRNN_MAX_RANK] = {rows};
    int n_dims = 1;

    if (!data)
        return NULL;
    if (a) {
        memcpy(data, a->data, n_a * sizeof *data);
        n_dims = a->n_dims;
        for (int i = 1; i < n_dims; i++)
            dims[i] = a->dims[i];
    }
    if (b)
        memcpy(data + n_a, b->data, n_b * sizeof *data);
    g_autoptr(GBytes) bytes =
        g_bytes_new_with_free_func(data, (n_a + n_b) * sizeof *data, cr_mem_free, data);
    return convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, dims, (guint)n_dims, bytes, error);
}

static const CrAttr axis_1 = {.name = (char *)"axis", .type = CR_ATTR_INT, .i = 1};
static const CrNode split_node = {.name = (char *)"Split",
                                  .op = (char *)"Split",
                                  .domain = (char *)"",
                                  .n_attrs = 1,
                                  .attrs = (CrAttr *)&axis_1};

/* Makes `a` compute the channels of both; a Split after it gives each its own. */
static bool
merge(CrIr *ir, int index_a, int index_b, GError **error)
{
    CrIrNode *a = cr_ir_node(ir, index_a), *b = cr_ir_node(ir, index_b);
    CrFusedConv *f = (CrFusedConv *)a->fused, *g = (CrFusedConv *)b->fused;
    const ConvRnnTensor *w[2] = {cr_ir_value(ir, a->in[f->n_x])->constant,
                                 cr_ir_value(ir, b->in[g->n_x])->constant};
    const ConvRnnTensor *bias[2] = {
        f->conv.has_bias ? cr_ir_value(ir, a->in[f->n_x + 1])->constant : NULL,
        g->conv.has_bias ? cr_ir_value(ir, b->in[g->n_x + 1])->constant : NULL};
    int channels[2] = {f->conv.filters, g->conv.filters}, filters = channels[0] + channels[1];
    ConvRnnTensor *weights = stack(w[0], w[1], w[0]->n_elements, w[1]->n_elements, filters, error);
    ConvRnnTensor *biases =
        weights ? stack(bias[0], bias[1], (size_t)channels[0], (size_t)channels[1], filters, error)
                : NULL;
    if (!biases) {
        convrnn_tensor_unref(weights);
        return false;
    }
    int outs[2] = {a->out[0], b->out[0]};
    int whole = cr_ir_add_value(ir, cr_ir_value(ir, a->out[0]));
    cr_ir_value(ir, whole)->desc.dims[1] = filters;
    int constants[2] = {cr_ir_add_constant(ir, "folded", weights),
                        cr_ir_add_constant(ir, "folded", biases)};
    a->in = g_renew(int, a->in, f->n_x + 2);
    a->n_in = f->n_x + 2;
    a->in[f->n_x] = constants[0];
    a->in[f->n_x + 1] = constants[1];
    a->out[0] = whole;
    a->label = "Conv×2";
    f->conv.filters = filters;
    f->conv.has_bias = true;
    f->raw.dims[1] = filters;
    b->dead = true;

    CrIrNode split = {.op = &cr_op_split,
                      .node = &split_node,
                      .label = "Split",
                      .n_in = 1,
                      .n_out = 2,
                      .in = g_memdup2(&whole, sizeof whole),
                      .out = g_memdup2(outs, sizeof outs)};
    g_array_insert_val(ir->nodes, (guint)index_a + 1, split);
    cr_ir_renumber(ir);
    return true;
}

/* Two convolutions of one odd block each fill the kernel's pair of blocks together. */
static bool
merge_siblings(CrIr *ir, GError **error)
{
    int block = ir->kernels->block;

    for (int i = 0; i < (int)ir->nodes->len; i++) {
        const CrIrNode *a = cr_ir_node(ir, i);
        if (a->dead || a->op != &cr_op_fused_conv || cr_ir_value(ir, a->out[0])->desc.n_dims != 4 ||
            cr_div_up(((const CrFusedConv *)a->fused)->conv.filters, block) % 2 == 0)
            continue;
        for (int k = i + 1; k < MIN(i + CR_FUSE_WINDOW, (int)ir->nodes->len); k++) {
            const CrIrNode *b = cr_ir_node(ir, k);
            if (b->dead || b->op != &cr_op_fused_conv || !same_reading(a, b) ||
                cr_div_up(((const CrFusedConv *)b->fused)->conv.filters, block) % 2 == 0)
                continue;
            if (!merge(ir, i, k, error))
                return false;
            break;
        }
    }
    return true;
}

/* --- f(x) → Split becomes Split → f: then the parts are at hand where x is computed --- */

static bool
is_plain_unary(const CrIrNode *node)
{
    const CrProgram *p = node->fused;
    return !node->dead && node->op == &cr_op_pointwise && p->n_instructions == 1 &&
           p->n_operands == 1 && !p->instruction[0].binary;
}

static void
lift_split(CrIr *ir, int index)
{
    CrIrNode split = *cr_ir_node(ir, index), *unary;
    int producer = cr_ir_value(ir, split.in[0])->producer;

    if (producer < 0 || !is_plain_unary(cr_ir_node(ir, producer)))
        return;
    unary = cr_ir_node(ir, producer);
    int x = unary->in[((const CrProgram *)unary->fused)->input[0]];
    int before = cr_ir_value(ir, x)->producer;
    if (before < 0 || cr_ir_node(ir, before)->op != &cr_op_fused_conv ||
        cr_ir_count_uses(ir, x, NULL) != 1 || cr_ir_is_result(ir, x) ||
        cr_ir_count_uses(ir, split.in[0], NULL) != 1 || cr_ir_is_result(ir, split.in[0]))
        return;
    CrIrNode copy = *unary;
    unary->dead = true;
    cr_ir_node(ir, index)->in[0] = x;
    for (int i = 0; i < split.n_out; i++) {
        if (split.out[i] == CR_NO_VALUE)
            continue;
        int part = cr_ir_add_value(ir, cr_ir_value(ir, split.out[i]));
        CrProgram *program = (CrProgram *)copy.fused; /* the same for all: input 0 is its operand */
        program->input[0] = 0;
        CrIrNode node = {.op = copy.op,
                         .node = copy.node,
                         .label = copy.label,
                         .fused = program,
                         .n_in = 1,
                         .n_out = 1,
                         .in = g_memdup2(&part, sizeof part),
                         .out = g_memdup2(&split.out[i], sizeof split.out[i])};
        split.out[i] = part; /* the array is the node's own */
        g_array_insert_val(ir->nodes, (guint)index + 1, node);
    }
    cr_ir_renumber(ir);
}

static void
lift_splits(CrIr *ir)
{
    for (int i = 0; i < (int)ir->nodes->len; i++)
        if (!cr_ir_node(ir, i)->dead && cr_ir_node(ir, i)->op == &cr_op_split)
            lift_split(ir, i);
}

bool
cr_ir_convert(CrIr *ir, GError **error)
{
    for (guint i = 0; i < ir->nodes->len; i++) {
        CrIrNode *node = cr_ir_node(ir, (int)i);
        if (node->dead)
            continue;
        bool ok = node->op == &cr_op_conv         ? convert_conv(ir, node, error)
                  : node->op == &cr_op_batch_norm ? convert_batch_norm(ir, node, error)
                                                  : convert_pointwise(ir, node, error);
        if (!ok)
            return false;
    }
    for (guint i = 0; i < ir->nodes->len; i++)
        if (!cr_ir_node(ir, (int)i)->dead && cr_ir_node(ir, (int)i)->op == &cr_op_fused_conv)
            read_pieces(ir, cr_ir_node(ir, (int)i));
    cr_ir_drop_unused(ir);
    lift_splits(ir);
    return merge_siblings(ir, error);
}
