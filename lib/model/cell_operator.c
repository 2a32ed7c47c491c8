/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Gated cells as ONNX's operators RNN, GRU and LSTM, which have kernels of their own. */
#include "core/memory.h"
#include "model/cell_gated.h"
#include <string.h>

typedef struct {
    ConvRnnActivation function;
    const char *name;
    int n;             /* how many parameters it takes */
    float alpha, beta; /* where the caller gives none */
} Function;

/* What ONNX calls a function, NULL when it does not have it. */
static const Function *
find_function(ConvRnnActivation function)
{
    static const Function functions[] = {
        {CONVRNN_ACTIVATION_SIGMOID, "Sigmoid", 0, 0, 0},
        {CONVRNN_ACTIVATION_TANH, "Tanh", 0, 0, 0},
        {CONVRNN_ACTIVATION_RELU, "Relu", 0, 0, 0},
        {CONVRNN_ACTIVATION_LEAKY_RELU, "LeakyRelu", 1, 0.01f, 0},
        {CONVRNN_ACTIVATION_ELU, "Elu", 1, 1, 0},
        {CONVRNN_ACTIVATION_HARD_SIGMOID, "HardSigmoid", 2, 0.2f, 0.5f},
        {CONVRNN_ACTIVATION_SOFTSIGN, "Softsign", 0, 0, 0},
        {CONVRNN_ACTIVATION_SOFTPLUS, "Softplus", 0, 0, 0},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(functions); i++)
        if (functions[i].function == function)
            return &functions[i];
    return NULL;
}

/* The functions in the order of ONNX's attribute; returns their number. */
static int
functions_of(const CrGated *g, const ConvRnnCellFunction *f[3])
{
    int n = 0;

    if (g->kind != CR_GATED_RNN)
        f[n++] = &g->gate;
    f[n++] = &g->activation;
    if (g->kind == CR_GATED_LSTM)
        f[n++] = &g->output;
    return n;
}

static bool
is_plain(const CrGated *g)
{
    static const int all_gates[] = {1, 3, 4};
    const ConvRnnCellFunction *f[3];
    int n = functions_of(g, f);

    for (int i = 0; i < n; i++)
        if (!find_function(f[i]->function))
            return false;
    /* σ(−a) = 1 − σ(a): of the sigmoid alone, negated weights exchange z and 1 − z. */
    if (g->z_replaces && g->gate.function != CONVRNN_ACTIVATION_SIGMOID)
        return false;
    return !cr_gated_is_conv(g) && g->n_gates == all_gates[g->kind] && !g->groups[0] &&
           !g->projection.weights && g->cell_clip == 0;
}

/* A copy with rows [first, first + n) negated. */
static ConvRnnTensor *
negate_rows(const ConvRnnTensor *tensor, gint64 first, gint64 n, GError **error)
{
    float *v = cr_mem_alloc(tensor->n_elements, sizeof *v, "weights of a cell", error);
    size_t row = tensor->n_elements / (size_t)tensor->dims[0];

    if (!v)
        return NULL;
    memcpy(v, tensor->data, tensor->n_elements * sizeof *v);
    for (size_t i = (size_t)first * row; i < (size_t)(first + n) * row; i++)
        v[i] = -v[i];
    g_autoptr(GBytes) bytes =
        g_bytes_new_with_free_func(v, tensor->n_elements * sizeof *v, cr_mem_free, v);
    return convrnn_tensor_new(tensor->dtype, (const gint64 *)tensor->dims, (guint)tensor->n_dims,
                              bytes, error);
}

/* The gates in ONNX's order, and z negated where h' = (1 − z)⊙h + z⊙n. */
static ConvRnnTensor *
in_order(const CrGated *g, ConvRnnTensor *tensor, const char *order, GError **error)
{
    CrCellRange ranges[4];
    int n = (int)strlen(order);

    for (int i = 0; i < n; i++) {
        int from = cr_gated_find(g, order[i]), of_g = cr_gated_find(g, 'g');
        if (n < g->n_gates && from > of_g) /* peepholes: there is none of g */
            from--;
        ranges[i] = (CrCellRange){from * g->hidden, g->hidden};
    }
    ConvRnnTensor *taken = cr_cell_take(tensor, 0, ranges, n, error);
    if (!taken || !g->z_replaces)
        return taken;
    ConvRnnTensor *negated = negate_rows(taken, 0, g->hidden, error);
    convrnn_tensor_unref(taken);
    return negated;
}

/* Both biases, each NULL for zeros, as one of twice the length. */
static ConvRnnTensor *
join_biases(ConvRnnTensor *const biases[2], gint64 rows, GError **error)
{
    const gint64 dims[1] = {2 * rows};
    float *v = cr_mem_alloc(2 * (size_t)rows, sizeof *v, "biases of a cell", error);

    if (!v)
        return NULL;
    for (int i = 0; i < 2; i++)
        if (biases[i])
            memcpy(v + i * rows, biases[i]->data, (size_t)rows * sizeof *v);
    g_autoptr(GBytes) bytes =
        g_bytes_new_with_free_func(v, 2 * (size_t)rows * sizeof *v, cr_mem_free, v);
    return convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, dims, 1, bytes, error);
}

static bool
take_biases(CrGated *g, const char *order, GError **error)
{
    ConvRnnTensor *given[2] = {g->bias, g->recurrent_bias}, *biases[2] = {NULL, NULL};
    bool ok = true;

    if (!given[0] && !given[1])
        return true;
    for (int i = 0; i < 2 && ok; i++) {
        biases[i] = given[i] ? in_order(g, given[i], order, error) : NULL;
        ok = biases[i] || !given[i];
    }
    if (ok)
        g->op_weights[2] = join_biases(biases, g->n_gates * g->hidden, error);
    convrnn_tensor_unref(biases[0]);
    convrnn_tensor_unref(biases[1]);
    return g->op_weights[2] != NULL;
}

bool
cr_gated_find_operator(CrGated *g, GError **error)
{
    static const struct {
        const char *op, *order, *peepholes;
    } ops[] = {{"RNN", "n", NULL}, {"GRU", "zrn", NULL}, {"LSTM", "iofg", "iof"}};

    if (!is_plain(g))
        return true;
    g->op_weights[0] = in_order(g, g->input.weights, ops[g->kind].order, error);
    if (!g->op_weights[0])
        return false;
    g->op_weights[1] = in_order(g, g->recurrent.weights, ops[g->kind].order, error);
    if (!g->op_weights[1] || !take_biases(g, ops[g->kind].order, error))
        return false;
    if (g->peephole) {
        g->op_weights[3] = in_order(g, g->peephole, ops[g->kind].peepholes, error);
        if (!g->op_weights[3])
            return false;
    }
    g->op = ops[g->kind].op;
    return true;
}

/* --- the node --- */

static void
set_functions(CrNode *node, const CrGated *g)
{
    const ConvRnnCellFunction *f[3];
    const char *names[3];
    float alphas[3], betas[3];
    int n = functions_of(g, f), n_alphas = 0, n_betas = 0;

    for (int i = 0; i < n; i++) {
        const Function *function = find_function(f[i]->function);
        bool own = f[i]->alpha != 0 || f[i]->beta != 0;
        names[i] = function->name;
        if (function->n > 0)
            alphas[n_alphas++] = own ? f[i]->alpha : function->alpha;
        if (function->n > 1)
            betas[n_betas++] = own ? f[i]->beta : function->beta;
    }
    cr_node_set_strings(node, "activations", names, n);
    if (n_alphas)
        cr_node_set_floats(node, "activation_alpha", alphas, n_alphas);
    if (n_betas)
        cr_node_set_floats(node, "activation_beta", betas, n_betas);
}

/* A constant that is the tensor with ONNX's leading dimension of directions. */
static guint
directed(const CrCellPlace *at, ConvRnnTensor *tensor)
{
    gint64 dims[3] = {1};

    if (!tensor)
        return CONVRNN_NO_VALUE;
    for (int i = 0; i < tensor->n_dims; i++)
        dims[1 + i] = tensor->dims[i];
    return cr_builder_reshaped(at->builder, tensor, dims, tensor->n_dims + 1);
}

guint
cr_gated_operator(const ConvRnnCell *cell, const CrCellPlace *at, guint x, const guint *in,
                  guint *out, bool backward)
{
    const CrGated *g = (const CrGated *)cell;
    bool lstm = g->kind == CR_GATED_LSTM;
    guint inputs[8] = {x}, outputs[3], axis = cr_cell_ints(at, &(int64_t){0}, 1);
    guint shape = cr_cell_shape(at, x, 1, g->hidden, 0);

    for (int i = 0; i < 3; i++)
        inputs[1 + i] = directed(at, g->op_weights[i]);
    for (guint i = 0; i < cell->states->len; i++)
        inputs[5 + i] = cr_cell_op(at, "Unsqueeze", cr_cell_broadcast(at, in[i], shape), axis);
    inputs[7] = directed(at, g->op_weights[3]);
    if (at->builder->failure)
        return CONVRNN_NO_VALUE;
    CrNode node = cr_builder_start(at->builder, g->op, at->name, inputs, 8, lstm ? 3 : 2);
    cr_node_set_int(&node, "hidden_size", g->hidden);
    if (backward)
        cr_node_set_string(&node, "direction", "reverse");
    if (g->clip > 0)
        cr_node_set_float(&node, "clip", g->clip);
    if (g->kind == CR_GATED_GRU)
        cr_node_set_int(&node, "linear_before_reset", g->reset_after);
    set_functions(&node, g);
    cr_builder_add(at->builder, &node, outputs);
    for (guint i = 0; i < cell->states->len; i++)
        out[i] = cr_cell_op(at, "Squeeze", outputs[1 + i], axis);
    return cr_cell_op(at, "Squeeze", outputs[0], cr_cell_ints(at, &(int64_t){1}, 1));
}
