/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Several convolutions become one: those whose sum is wanted, and those that read the same. So a
 * cell that was written with a convolution for each gate, or for input and state apart, is computed
 * in one pass over [x; h] like one that was written with a single one. */
#include "core/size.h"
#include "ops/fused_conv.h"
#include "ops/ops.h"
#include "optimize/fuse.h"
#include <string.h>

#define MAX_MEETING 6 /* element-wise nodes from a convolution's result to where others join it */

static const CrFusedConv *
conv_at(const CrIr *ir, int index)
{
    const CrIrNode *node = index >= 0 ? cr_ir_node(ir, index) : NULL;
    const CrFusedConv *conv =
        node && !node->dead && node->op == &cr_op_fused_conv ? node->fused : NULL;
    return conv && !conv->conv.transposed ? conv : NULL;
}

static const ConvRnnTensor *
weights_of(const CrIr *ir, const CrIrNode *node)
{
    return cr_ir_value(ir, node->in[((const CrFusedConv *)node->fused)->n_x])->constant;
}

static const float *
bias_of(const CrIr *ir, const CrIrNode *node)
{
    const CrFusedConv *conv = node->fused;
    return conv->conv.has_bias ? cr_ir_value(ir, node->in[conv->n_x + 1])->constant->data : NULL;
}

/* A constant for new weights or a new bias; takes data over. −1 with error. */
static int
add_floats(CrIr *ir, float *data, const int64_t *dims, int n_dims, GError **error)
{
    size_t n = 1;
    for (int i = 0; i < n_dims; i++)
        n *= (size_t)dims[i];
    g_autoptr(GBytes) bytes = g_bytes_new_with_free_func(data, n * sizeof *data, cr_mem_free, data);
    ConvRnnTensor *tensor =
        convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, dims, (guint)n_dims, bytes, error);
    return tensor ? cr_ir_add_constant(ir, "folded", tensor) : -1;
}

/* Gives the node these inputs to convolve, then weights and bias. */
static void
set_inputs(CrIrNode *node, const int *x, int n_x, int weights, int bias)
{
    int *in = g_new(int, n_x + 2);
    memcpy(in, x, sizeof *in * (size_t)n_x);
    in[n_x] = weights;
    in[n_x + 1] = bias;
    g_free(node->in);
    node->in = in;
    node->n_in = n_x + 2;
}

/* --- sums --- */

/* Whether a convolution's result goes into this sum only. */
static int
summand(const CrIr *ir, int value)
{
    int producer = cr_ir_value(ir, value)->producer;
    const CrFusedConv *conv = conv_at(ir, producer);
    return conv && conv->conv.group == 1 && cr_ir_count_uses(ir, value, NULL) == 1 &&
                   !cr_ir_is_result(ir, value)
               ? producer
               : -1;
}

static bool
can_add(const CrIr *ir, const CrIrNode *a, const CrIrNode *b)
{
    const CrFusedConv *f = a->fused, *g = b->fused;
    return f->n_x + g->n_x <= CR_CONV_SEGMENTS && f->conv.filters == g->conv.filters &&
           memcmp(&f->conv.window, &g->conv.window, sizeof f->conv.window) == 0 &&
           cr_desc_same_shape(&cr_ir_value(ir, a->out[0])->desc, &cr_ir_value(ir, b->out[0])->desc);
}

/* Weights (F, A, …) and (F, B, …) as (F, A + B, …). */
static int
join_weights(CrIr *ir, const ConvRnnTensor *a, const ConvRnnTensor *b, GError **error)
{
    float *data = cr_mem_alloc(a->n_elements + b->n_elements, sizeof *data, "weights", error);
    size_t rows = (size_t)a->dims[0], each_a = a->n_elements / rows, each_b = b->n_elements / rows;
    int64_t dims[CONVRNN_MAX_RANK];

    if (!data)
        return -1;
    for (size_t row = 0; row < rows; row++) {
        float *to = data + row * (each_a + each_b);
        memcpy(to, (const float *)a->data + row * each_a, each_a * sizeof *to);
        memcpy(to + each_a, (const float *)b->data + row * each_b, each_b * sizeof *to);
    }
    memcpy(dims, a->dims, sizeof dims);
    dims[1] += b->dims[1];
    return add_floats(ir, data, dims, a->n_dims, error);
}

static int
add_biases(CrIr *ir, const float *a, const float *b, int filters, GError **error)
{
    float *data = cr_mem_alloc((size_t)filters, sizeof *data, "a bias", error);
    if (!data)
        return -1;
    for (int i = 0; i < filters; i++)
        data[i] = (a ? a[i] : 0) + (b ? b[i] : 0);
    return add_floats(ir, data, &(int64_t){filters}, 1, error);
}

/* The sum's node becomes the convolution. */
static bool
merge_sum(CrIr *ir, int sum, int index_a, int index_b, GError **error)
{
    const CrIrNode *a = cr_ir_node(ir, index_a), *b = cr_ir_node(ir, index_b);
    const CrFusedConv *f = a->fused, *g = b->fused;
    int weights = join_weights(ir, weights_of(ir, a), weights_of(ir, b), error);
    int bias =
        weights < 0 ? -1 : add_biases(ir, bias_of(ir, a), bias_of(ir, b), f->conv.filters, error);
    CrFusedConv *whole =
        bias < 0 ? NULL : cr_region_alloc(ir->region, 1, sizeof *whole, a->node->name, error);
    int x[CR_CONV_SEGMENTS];

    if (!whole)
        return false;
    *whole = *f;
    whole->n_x = f->n_x + g->n_x;
    whole->conv.channels = f->conv.channels + g->conv.channels;
    whole->conv.has_bias = true;
    memcpy(x, a->in, sizeof *x * (size_t)f->n_x);
    memcpy(x + f->n_x, b->in, sizeof *x * (size_t)g->n_x);
    CrIrNode *node = cr_ir_node(ir, sum);
    set_inputs(node, x, whole->n_x, weights, bias);
    g_hash_table_insert(ir->merged, (gpointer)a->node, (gpointer)b->node);
    g_hash_table_insert(ir->merged, (gpointer)node->node, (gpointer)b->node);
    node->node = b->node;
    node->op = &cr_op_fused_conv;
    node->label = "Conv×2+Add";
    node->fused = whole;
    cr_ir_node(ir, index_a)->dead = cr_ir_node(ir, index_b)->dead = true;
    return true;
}

bool
cr_ir_merge_sums(CrIr *ir, GError **error)
{
    for (int i = 0; i < (int)ir->nodes->len; i++) {
        const CrIrNode *node = cr_ir_node(ir, i);
        const CrProgram *p = node->fused;
        if (node->dead || node->op != &cr_op_pointwise || p->n_instructions != 1 ||
            !p->instruction[0].binary || p->instruction[0].op != CR_BINARY_ADD ||
            p->n_operands != 2)
            continue;
        int a = summand(ir, node->in[p->input[0]]), b = summand(ir, node->in[p->input[1]]);
        if (a >= 0 && b >= 0 && a != b && can_add(ir, cr_ir_node(ir, a), cr_ir_node(ir, b)) &&
            !merge_sum(ir, i, a, b, error))
            return false;
    }
    return true;
}

/* --- siblings --- */

static bool
same_reading(const CrIrNode *a, const CrIrNode *b)
{
    const CrFusedConv *f = a->fused, *g = b->fused;
    return f->n_x == g->n_x && memcmp(a->in, b->in, sizeof *a->in * (size_t)f->n_x) == 0 &&
           f->conv.group == 1 && g->conv.group == 1 && f->conv.filters == g->conv.filters &&
           memcmp(&f->conv.window, &g->conv.window, sizeof f->conv.window) == 0;
}

/* Weights and bias of all, one below the other. */
static bool
stack(CrIr *ir, const int *index, int n, int *weights, int *bias, GError **error)
{
    const ConvRnnTensor *first = weights_of(ir, cr_ir_node(ir, index[0]));
    int64_t dims[CONVRNN_MAX_RANK], filters = first->dims[0] * n;
    float *w = cr_mem_alloc((size_t)n * first->n_elements, sizeof *w, "weights", error);
    float *b = w ? cr_mem_alloc((size_t)filters, sizeof *b, "a bias", error) : NULL;

    if (!b) {
        cr_mem_free(w);
        return false;
    }
    for (int i = 0; i < n; i++) {
        const CrIrNode *node = cr_ir_node(ir, index[i]);
        const float *from = bias_of(ir, node);
        memcpy(w + (size_t)i * first->n_elements, weights_of(ir, node)->data,
               first->n_elements * sizeof *w);
        if (from)
            memcpy(b + i * first->dims[0], from, (size_t)first->dims[0] * sizeof *b);
    }
    memcpy(dims, first->dims, sizeof dims);
    dims[0] = filters;
    *weights = add_floats(ir, w, dims, first->n_dims, error);
    if (*weights < 0) {
        cr_mem_free(b);
        return false;
    }
    *bias = add_floats(ir, b, &filters, 1, error);
    return *bias >= 0;
}

/* Makes the first compute the channels of all; a Split after it gives each its own. */
static bool
merge(CrIr *ir, const int *index, int n, GError **error)
{
    static const char *const labels[CR_MAX_PARTS + 1] = {
        "", "Conv", "Conv×2", "Conv×3", "Conv×4", "Conv×5", "Conv×6", "Conv×7", "Conv×8"};
    int weights, bias, outs[CR_MAX_PARTS], x[CR_CONV_SEGMENTS];

    if (!stack(ir, index, n, &weights, &bias, error))
        return false;
    CrIrNode *host = cr_ir_node(ir, index[0]);
    CrFusedConv *conv = (CrFusedConv *)host->fused;
    int whole = cr_ir_add_value(ir, cr_ir_value(ir, host->out[0]));
    for (int i = 0; i < n; i++) {
        CrIrNode *node = cr_ir_node(ir, index[i]);
        outs[i] = node->out[0];
        node->dead = i > 0;
        if (i > 0)
            g_hash_table_insert(ir->merged, (gpointer)node->node, (gpointer)host->node);
    }
    conv->conv.filters *= n;
    conv->conv.has_bias = true;
    conv->raw.dims[1] = cr_ir_value(ir, whole)->desc.dims[1] = conv->conv.filters;
    memcpy(x, host->in, sizeof *x * (size_t)conv->n_x);
    set_inputs(host, x, conv->n_x, weights, bias);
    host->out[0] = whole;
    if (g_str_equal(host->label, "Conv"))
        host->label = labels[n];
    CrIrNode split = cr_ir_split_of_channels(&whole, outs, n);
    g_array_insert_val(ir->nodes, (guint)index[0] + 1, split);
    cr_ir_renumber(ir);
    return true;
}

/* The element-wise nodes that the value goes through before anything else reads it. */
static void
follow(const CrIr *ir, int value, int depth, GHashTable *nodes)
{
    int begin = cr_ir_value(ir, value)->producer + 1;
    int end = MIN(begin + CR_FUSE_WINDOW, (int)ir->nodes->len);

    for (int i = begin; depth > 0 && i < end; i++) {
        const CrIrNode *node = cr_ir_node(ir, i);
        if (node->dead || node->op != &cr_op_pointwise)
            continue;
        for (int k = 0; k < node->n_in; k++)
            if (node->in[k] == value && g_hash_table_add(nodes, GINT_TO_POINTER(i)))
                follow(ir, node->out[0], depth - 1, nodes);
    }
}

/* Whether the results of two convolutions, or what is computed from them element by element, meet
 * in one sum or product: then that runs in the epilogue of the one convolution that they become. */
static bool
meet(const CrIr *ir, int a, int b)
{
    GHashTable *after_a = g_hash_table_new(NULL, NULL), *after_b = g_hash_table_new(NULL, NULL);
    GHashTableIter iter;
    gpointer node;
    bool found = false;

    follow(ir, cr_ir_node(ir, a)->out[0], MAX_MEETING, after_a);
    follow(ir, cr_ir_node(ir, b)->out[0], MAX_MEETING, after_b);
    g_hash_table_iter_init(&iter, after_a);
    while (!found && g_hash_table_iter_next(&iter, &node, NULL))
        found = g_hash_table_contains(after_b, node);
    g_hash_table_unref(after_a);
    g_hash_table_unref(after_b);
    return found;
}

static bool
is_odd(const CrIr *ir, const CrFusedConv *conv)
{
    return cr_div_up(conv->conv.filters, ir->kernels->block) % 2 != 0;
}

/* Those that join convolution `first`: all that it meets; or else one more that fills the kernel's
 * pair of blocks, where both leave it half empty. */
static int
find_siblings(const CrIr *ir, int first, int *index)
{
    const CrIrNode *a = cr_ir_node(ir, first);
    int end = MIN(first + CR_FUSE_WINDOW, (int)ir->nodes->len), n = 0, pair = -1;

    index[n++] = first;
    for (int k = first + 1; k < end && n < CR_MAX_PARTS; k++) {
        const CrFusedConv *other = conv_at(ir, k);
        if (!other || !same_reading(a, cr_ir_node(ir, k)))
            continue;
        bool meets = false;
        for (int i = 0; i < n && !meets; i++)
            meets = meet(ir, index[i], k);
        if (meets)
            index[n++] = k;
        else if (pair < 0 && is_odd(ir, other))
            pair = k;
    }
    if (n == 1 && pair >= 0 && is_odd(ir, a->fused))
        index[n++] = pair;
    return n;
}

bool
cr_ir_merge_siblings(CrIr *ir, GError **error)
{
    int index[CR_MAX_PARTS];

    for (int i = 0; i < (int)ir->nodes->len; i++) {
        if (!conv_at(ir, i))
            continue;
        int n = find_siblings(ir, i, index);
        if (n > 1 && !merge(ir, index, n, error))
            return false;
    }
    return true;
}
