/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From ONNX's nodes to those that can be fused: convolutions that take several inputs, and
 * programs. */
#include "core/size.h"
#include "ops/fused_conv.h"
#include "ops/ops.h"
#include "ops/transposed_conv.h"
#include "optimize/fuse.h"
#include <math.h>
#include <string.h>

/* --- one node each --- */

/* A ConvTranspose's weights as a convolution's. */
static bool
transpose_weights(CrIr *ir, CrIrNode *node, const CrConv *conv, GError **error)
{
    const CrIrValue *old = cr_ir_value(ir, node->in[1]);
    int64_t dims[CONVRNN_MAX_RANK];
    size_t n = old->constant->n_elements;
    float *data = cr_mem_alloc(n, sizeof *data, node->node->name, error);

    if (!data)
        return false;
    cr_transposed_weights(conv, old->constant->data, data);
    memcpy(dims, old->desc.dims, sizeof dims);
    dims[0] = conv->filters;
    dims[1] = conv->channels / conv->group;
    g_autoptr(GBytes) bytes = g_bytes_new_with_free_func(data, n * sizeof *data, cr_mem_free, data);
    ConvRnnTensor *tensor =
        convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, dims, (guint)old->desc.n_dims, bytes, error);
    if (!tensor)
        return false;
    node->in[1] = cr_ir_add_constant(ir, old->name, tensor);
    return true;
}

static bool
convert_conv(CrIr *ir, CrIrNode *node, GError **error)
{
    CrOpSetup setup;
    CrFusedConv fused;
    bool transposed = node->op == &cr_op_conv_transpose;

    cr_ir_setup(ir, node, &setup);
    bool can = cr_fused_conv_from_node(&setup, transposed, &fused);
    cr_ir_setup_clear(&setup);
    if (!can)
        return true;
    CrFusedConv *kept = cr_region_alloc(ir->region, 1, sizeof *kept, node->node->name, error);
    if (!kept || (transposed && !transpose_weights(ir, node, &fused.conv, error)))
        return false;
    *kept = fused;
    if (!fused.conv.has_bias)
        node->n_in = 2;
    node->fused = kept;
    node->op = &cr_op_fused_conv;
    return true;
}

/* A constant with an element for each of the result's, but without its leading dimensions of 1,
 * gets them: programs know tensors of the same shape. */
static bool
raise_constants(CrIr *ir, CrIrNode *node, GError **error)
{
    if (node->op != &cr_op_add && node->op != &cr_op_sub && node->op != &cr_op_mul &&
        node->op != &cr_op_div)
        return true;
    for (int i = 0; i < node->n_in && node->n_out == 1; i++) {
        const CrIrValue *in = node->in[i] == CR_NO_VALUE ? NULL : cr_ir_value(ir, node->in[i]);
        const CrDesc *out = &cr_ir_value(ir, node->out[0])->desc;
        if (!in || !in->constant || in->desc.n_dims >= out->n_dims || in->desc.n_dims < 1 ||
            in->constant->n_elements < 2 || cr_desc_elements(out) != in->constant->n_elements ||
            memcmp(in->desc.dims, out->dims + out->n_dims - in->desc.n_dims,
                   sizeof *out->dims * (size_t)in->desc.n_dims) != 0)
            continue;
        ConvRnnTensor *tensor = convrnn_tensor_new(in->constant->dtype, out->dims,
                                                   (guint)out->n_dims, in->constant->bytes, error);
        if (!tensor)
            return false;
        node->in[i] = cr_ir_add_constant(ir, in->name, tensor);
    }
    return true;
}

static bool
convert_pointwise(CrIr *ir, CrIrNode *node, GError **error)
{
    CrOpSetup setup;
    CrProgram program;

    if (!raise_constants(ir, node, error))
        return false;
    cr_ir_setup(ir, node, &setup);
    bool can = cr_desc_elements(&setup.out[0]) > 0 && cr_program_from_node(&setup, &program);
    cr_ir_setup_clear(&setup);
    if (!can)
        return true;
    CrProgram *kept = cr_region_alloc(ir->region, 1, sizeof *kept, node->node->name, error);
    if (!kept)
        return false;
    *kept = program;
    for (int i = 0; i < kept->n_instructions; i++)
        kept->instruction[i].origin = node->node;
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
    *program = (CrProgram){.n_instructions = 2,
                           .n_operands = 3,
                           .n_outputs = 1,
                           .input = {0, 1, 2},
                           .instruction = {{.binary = true,
                                            .op = CR_BINARY_MUL,
                                            .a = CR_OPERAND(0),
                                            .b = CR_OPERAND(1),
                                            .output = -1,
                                            .origin = node->node},
                                           {.binary = true,
                                            .op = CR_BINARY_ADD,
                                            .a = 0,
                                            .b = CR_OPERAND(2),
                                            .origin = node->node}}};
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
        cr_ir_node(ir, producer)->op != &cr_op_concat)
        return -1;
    const CrIrNode *node = cr_ir_node(ir, producer);
    int64_t axis = cr_node_int(node->node, "axis", 1);
    int n_dims = cr_ir_value(ir, value)->desc.n_dims;
    if ((n_dims != 4 && n_dims != 3) || (axis < 0 ? axis + n_dims : axis) != 1)
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

/* --- depthwise after Concat: a convolution of each piece, and the Concat after them --- */

/* A depthwise convolution of channels [first, first + n) of `conv`, reading and giving these. */
static bool
add_piece(CrIr *ir, int at, const CrIrNode *conv, int x, int y, int first, GError **error)
{
    const CrFusedConv *from = conv->fused;
    const ConvRnnTensor *weights = cr_ir_value(ir, conv->in[1])->constant;
    const ConvRnnTensor *bias = from->conv.has_bias ? cr_ir_value(ir, conv->in[2])->constant : NULL;
    int channels = (int)cr_ir_value(ir, x)->desc.dims[1], in[3] = {x};
    CrFusedConv *piece = cr_region_alloc(ir->region, 1, sizeof *piece, conv->node->name, error);
    const ConvRnnTensor *const whole[2] = {weights, bias};

    for (int i = 0; piece && i < 2 && whole[i]; i++) {
        int64_t dims[CONVRNN_MAX_RANK];
        size_t row = whole[i]->n_elements / (size_t)whole[i]->dims[0] * sizeof(float);
        memcpy(dims, whole[i]->dims, sizeof dims);
        dims[0] = channels;
        g_autoptr(GBytes) bytes =
            g_bytes_new_from_bytes(whole[i]->bytes, (gsize)first * row, (gsize)channels * row);
        ConvRnnTensor *tensor =
            convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, dims, (guint)whole[i]->n_dims, bytes, error);
        if (!tensor)
            return false;
        in[1 + i] = cr_ir_add_constant(ir, "folded", tensor);
    }
    if (!piece)
        return false;
    *piece = *from;
    piece->conv.channels = piece->conv.filters = piece->conv.group = channels;
    piece->raw.dims[1] = channels;
    CrIrNode node = {.op = conv->op,
                     .node = conv->node,
                     .label = conv->label,
                     .fused = piece,
                     .n_in = bias ? 3 : 2,
                     .n_out = 1,
                     .in = g_memdup2(in, sizeof *in * (bias ? 3 : 2)),
                     .out = g_memdup2(&y, sizeof y)};
    g_array_insert_val(ir->nodes, (guint)at, node);
    return true;
}

static bool
split_depthwise_at(CrIr *ir, int index, GError **error)
{
    const CrIrNode conv = *cr_ir_node(ir, index);
    CrIrNode concat = *cr_ir_node(ir, concat_before(ir, conv.in[0]));
    int first = 0, at = index + 1;

    concat.in = g_memdup2(concat.in, sizeof *concat.in * (gsize)concat.n_in);
    concat.out = g_memdup2(conv.out, sizeof *conv.out);
    for (int i = 0; i < concat.n_in; i++) {
        int x = concat.in[i], y = cr_ir_add_value(ir, cr_ir_value(ir, conv.out[0]));
        cr_ir_value(ir, y)->desc.dims[1] = cr_ir_value(ir, x)->desc.dims[1];
        if (!add_piece(ir, at++, &conv, x, y, first, error)) {
            g_free(concat.in);
            g_free(concat.out);
            return false;
        }
        first += (int)cr_ir_value(ir, x)->desc.dims[1];
        concat.in[i] = y;
    }
    g_array_insert_val(ir->nodes, (guint)at, concat);
    cr_ir_node(ir, index)->dead = true;
    cr_ir_renumber(ir);
    return true;
}

/* Only where convolutions read the result, so that the Concat vanishes there. */
static bool
split_depthwise(CrIr *ir, GError **error)
{
    for (int i = 0; i < (int)ir->nodes->len; i++) {
        const CrIrNode *node = cr_ir_node(ir, i);
        if (node->dead || node->op != &cr_op_fused_conv)
            continue;
        const CrConv *conv = &((const CrFusedConv *)node->fused)->conv;
        if (conv->group == 1 || conv->group != conv->channels || conv->filters != conv->channels ||
            concat_before(ir, node->in[0]) < 0 || !only_convs_read(ir, node->out[0]) ||
            cr_ir_count_uses(ir, node->in[0], NULL) != 1 || cr_ir_is_result(ir, node->in[0]))
            continue;
        if (!split_depthwise_at(ir, i, error))
            return false;
    }
    return true;
}

/* --- what needs nothing but states and inputs goes first --- */

/* A product of a state with constants (a peephole) is then at hand before any convolution, which
 * takes it in when it reads it. */
static void
hoist(CrIr *ir)
{
    GArray *nodes = g_array_sized_new(FALSE, TRUE, sizeof(CrIrNode), ir->nodes->len);

    for (int early = 1; early >= 0; early--)
        for (guint i = 0; i < ir->nodes->len; i++) {
            const CrIrNode *node = cr_ir_node(ir, (int)i);
            bool first = node->op == &cr_op_pointwise;
            for (int k = 0; first && k < node->n_in; k++)
                first = node->in[k] == CR_NO_VALUE ||
                        cr_ir_value(ir, node->in[k])->kind != CR_IR_COMPUTED;
            if (first == (early != 0))
                g_array_append_val(nodes, *node);
        }
    g_array_free(ir->nodes, TRUE);
    ir->nodes = nodes;
    cr_ir_renumber(ir);
}

bool
cr_ir_separate(CrIr *ir, GError **error)
{
    for (guint i = 0; i < ir->nodes->len; i++) {
        CrIrNode *node = cr_ir_node(ir, (int)i);
        if (node->dead)
            continue;
        bool conv = node->op == &cr_op_conv || node->op == &cr_op_conv_transpose;
        bool ok = conv                            ? convert_conv(ir, node, error)
                  : node->op == &cr_op_batch_norm ? convert_batch_norm(ir, node, error)
                                                  : convert_pointwise(ir, node, error);
        if (!ok)
            return false;
    }
    return true;
}

bool
cr_ir_convert(CrIr *ir, GError **error)
{
    cr_ir_drop_duplicates(ir);
    cr_ir_join_slices(ir);
    cr_ir_undo_splits(ir);
    cr_ir_join_addends(ir);
    if (!cr_ir_separate(ir, error) || !split_depthwise(ir, error))
        return false;
    hoist(ir);
    for (guint i = 0; i < ir->nodes->len; i++)
        if (!cr_ir_node(ir, (int)i)->dead && cr_ir_node(ir, (int)i)->op == &cr_op_fused_conv)
            read_pieces(ir, cr_ir_node(ir, (int)i));
    cr_ir_drop_unused(ir);
    return cr_ir_merge_sums(ir, error) && cr_ir_lift_splits(ir, error) &&
           cr_ir_merge_siblings(ir, error);
}
