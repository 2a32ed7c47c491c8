/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One step of a gated cell, composed of nodes; the formulas are in convrnn/cell.h.
 *
 * Products with the input and with the state are made apart and added: so no copy is made of
 * either, and the optimizer makes one convolution of both. */
#include "model/cell_gated.h"
#include <string.h>

int
cr_gated_find(const CrGated *g, char letter)
{
    const char *at = strchr(g->gates, letter);
    return at ? (int)(at - g->gates) : -1;
}

/* --- products --- */

static void
set_window(CrNode *node, const CrProduct *p, int n_spatial)
{
    cr_node_set_ints(node, "strides", (const int64_t *)p->strides, n_spatial);
    cr_node_set_ints(node, "dilations", (const int64_t *)p->dilations, n_spatial);
    if (p->same)
        cr_node_set_string(node, "auto_pad", "SAME_UPPER");
    else
        cr_node_set_ints(node, "pads", (const int64_t *)p->pads, 2 * n_spatial);
}

/* window NULL: of single pixels. group 1, or the number of channels for one channel by channel. */
static guint
conv(const CrCellPlace *at, guint x, ConvRnnTensor *weights, ConvRnnTensor *bias,
     const CrProduct *window, gint64 group)
{
    guint output;

    if (at->builder->failure)
        return CONVRNN_NO_VALUE;
    guint inputs[3] = {x, convrnn_builder_constant(at->builder, weights),
                       bias ? convrnn_builder_constant(at->builder, bias) : CONVRNN_NO_VALUE};
    g_autofree char *name = g_strdup_printf("%s/Conv", at->name);
    CrNode node = cr_builder_start(at->builder, "Conv", name, inputs, 3, 1);
    if (window)
        set_window(&node, window, weights->n_dims - 2);
    cr_node_set_int(&node, "group", group);
    cr_builder_add(at->builder, &node, &output);
    return output;
}

/* x after the convolution channel by channel, if there is one; set 0 or 1 of its kernels. */
static guint
depthwise(const CrProduct *p, const CrCellPlace *at, guint x, int set)
{
    gint64 channels = p->weights->dims[1];

    if (!p->depthwise || at->builder->failure)
        return x;
    bool shared = p->depthwise->dims[0] == channels;
    const CrCellRange kernels = {shared ? 0 : set * channels, channels};
    g_autoptr(ConvRnnTensor) own =
        cr_cell_take(p->depthwise, 0, &kernels, 1, &at->builder->failure);
    return own ? conv(at, x, own, NULL, p, channels) : CONVRNN_NO_VALUE;
}

/* The product of x with rows [first, first + n) of the weights and their bias. */
static guint
product(const CrGated *g, const CrProduct *p, ConvRnnTensor *bias, const CrCellPlace *at, guint x,
        gint64 first, gint64 n)
{
    GError **failure = &at->builder->failure;
    const CrCellRange rows = {first, n};

    if (*failure)
        return CONVRNN_NO_VALUE;
    g_autoptr(ConvRnnTensor) weights = cr_cell_take(p->weights, 0, &rows, 1, failure);
    g_autoptr(ConvRnnTensor) offset = *failure ? NULL : cr_cell_take(bias, 0, &rows, 1, failure);
    if (*failure)
        return CONVRNN_NO_VALUE;
    if (!cr_gated_is_conv(g))
        return cr_cell_dense(at, x, weights, offset);
    x = depthwise(p, at, x, first >= 2 * g->hidden);
    return conv(at, x, weights, offset, p->depthwise ? NULL : p, 1);
}

static guint
input_product(const CrGated *g, const CrCellPlace *at, guint x, gint64 first, gint64 n)
{
    return product(g, &g->input, g->bias, at, x, first, n);
}

static guint
state_product(const CrGated *g, const CrCellPlace *at, guint h, gint64 first, gint64 n)
{
    return product(g, &g->recurrent, g->recurrent_bias, at, h, first, n);
}

/* --- functions --- */

static guint
apply(const CrGated *g, const CrCellPlace *at, const ConvRnnCellFunction *f, guint x, bool clipped)
{
    if (clipped)
        x = cr_cell_clip(at, x, g->clip);
    if (f->alpha == 0 && f->beta == 0)
        return convrnn_builder_activation(at->builder, x, f->function);
    return convrnn_builder_activation_with(at->builder, x, f->function, f->alpha, f->beta);
}

static guint
gate(const CrGated *g, const CrCellPlace *at, guint sum)
{
    return apply(g, at, &g->gate, sum, true);
}

/* Group normalisation of rows [first, first + n), if there is one. */
static guint
normalize(const CrGated *g, const CrCellPlace *at, guint sum, gint64 first, gint64 n, gint64 groups)
{
    const CrCellRange rows = {first, n};
    GError **failure = &at->builder->failure;
    guint output;

    if (!groups || *failure)
        return sum;
    g_autoptr(ConvRnnTensor) gamma = cr_cell_take(g->gamma, 0, &rows, 1, failure);
    g_autoptr(ConvRnnTensor) beta = *failure ? NULL : cr_cell_take(g->beta, 0, &rows, 1, failure);
    if (*failure)
        return CONVRNN_NO_VALUE;
    guint inputs[3] = {sum, convrnn_builder_constant(at->builder, gamma),
                       convrnn_builder_constant(at->builder, beta)};
    g_autofree char *name = g_strdup_printf("%s/GroupNormalization", at->name);
    CrNode node = cr_builder_start(at->builder, "GroupNormalization", name, inputs, 3, 1);
    cr_node_set_int(&node, "num_groups", groups);
    cr_node_set_float(&node, "epsilon", g->epsilon);
    cr_builder_add(at->builder, &node, &output);
    return output;
}

/* A state of that many channels, of the full size that it has beside the input's product. */
static guint
full_size(const CrGated *g, const CrCellPlace *at, guint state, guint wx, gint64 channels)
{
    int space = cr_gated_is_conv(g) ? 2 : 0;
    return cr_cell_broadcast(at, state, cr_cell_shape(at, wx, 0, channels, space));
}

/* --- the three formulas --- */

static guint
compose_rnn(const CrGated *g, const CrCellPlace *at, guint x, const guint *in, guint *out)
{
    guint wx = input_product(g, at, x, 0, g->hidden);
    guint h = full_size(g, at, in[0], wx, g->hidden);
    guint sum = cr_cell_op(at, "Add", wx, state_product(g, at, h, 0, g->hidden));

    sum = normalize(g, at, sum, 0, g->hidden, g->groups[0]);
    out[0] = apply(g, at, &g->activation, sum, true);
    return out[0];
}

/* σ(sum), cut into z and r. */
static void
gru_gates(const CrGated *g, const CrCellPlace *at, guint sum, guint *z, guint *r)
{
    const gint64 sizes[2] = {g->hidden, g->hidden};
    guint parts[2];

    sum = normalize(g, at, sum, 0, 2 * g->hidden, g->groups[0]);
    cr_cell_split(at, gate(g, at, sum), sizes, 2, parts);
    *z = parts[cr_gated_find(g, 'z')];
    *r = parts[cr_gated_find(g, 'r')];
}

/* z and r together, and n apart, have products of their own: then the optimizer makes one
 * convolution with everything around it of z and r, and one of n. */
static guint
compose_gru(const CrGated *g, const CrCellPlace *at, guint x, const guint *in, guint *out)
{
    gint64 H = g->hidden;
    guint z, r;

    guint wx = input_product(g, at, x, 0, 2 * H);
    guint h = full_size(g, at, in[0], wx, H);
    gru_gates(g, at, cr_cell_op(at, "Add", wx, state_product(g, at, h, 0, 2 * H)), &z, &r);
    guint of_x = input_product(g, at, x, 2 * H, H);
    guint of_h = g->reset_after ? cr_cell_op(at, "Mul", r, state_product(g, at, h, 2 * H, H))
                                : state_product(g, at, cr_cell_op(at, "Mul", r, h), 2 * H, H);
    guint n = normalize(g, at, cr_cell_op(at, "Add", of_x, of_h), 2 * H, H, g->groups[1]);
    n = apply(g, at, &g->activation, n, true);
    guint rest = cr_cell_op(at, "Sub", cr_cell_scalar(at, 1), z);
    guint fresh = cr_cell_op(at, "Mul", g->z_replaces ? z : rest, n);
    guint kept = cr_cell_op(at, "Mul", g->z_replaces ? rest : z, h);
    out[0] = cr_cell_op(at, "Add", fresh, kept);
    return out[0];
}

/* The sum of a gate with what the cell state adds to it. */
static guint
peep(const CrGated *g, const CrCellPlace *at, char letter, guint sum, guint c)
{
    int index = cr_gated_find(g, letter), of_g = cr_gated_find(g, 'g');
    const ConvRnnTensor *p = g->peephole;
    gint64 dims[4] = {1, g->hidden, 1, 1};

    if (!p || at->builder->failure)
        return sum;
    for (int i = 1; i < p->n_dims; i++)
        dims[1 + i] = p->dims[i];
    const CrCellRange rows = {(index - (index > of_g)) * g->hidden, g->hidden};
    g_autoptr(ConvRnnTensor) own = cr_cell_take(g->peephole, 0, &rows, 1, &at->builder->failure);
    guint weights =
        own ? cr_builder_reshaped(at->builder, own, dims, g->base.rank) : CONVRNN_NO_VALUE;
    return cr_cell_op(at, "Add", sum, cr_cell_op(at, "Mul", weights, c));
}

/* Gate i or f; one minus the other where it is coupled. */
static guint
lstm_gate(const CrGated *g, const CrCellPlace *at, char letter, const guint *sums, guint c)
{
    int index = cr_gated_find(g, letter);

    return index < 0 ? CONVRNN_NO_VALUE : gate(g, at, peep(g, at, letter, sums[index], c));
}

static guint
project(const CrGated *g, const CrCellPlace *at, guint h)
{
    if (!g->projection.weights)
        return h;
    gint64 rows = g->projection.weights->dims[0];
    return cr_cell_clip(at, product(g, &g->projection, NULL, at, h, 0, rows), g->projection_clip);
}

static guint
compose_lstm(const CrGated *g, const CrCellPlace *at, guint x, const guint *in, guint *out)
{
    gint64 rows = g->n_gates * g->hidden;
    const gint64 sizes[4] = {g->hidden, g->hidden, g->hidden, g->hidden};
    guint sums[4];

    guint wx = input_product(g, at, x, 0, rows);
    guint h = full_size(g, at, in[0], wx, g->base.channels);
    guint c = full_size(g, at, in[1], wx, g->hidden);
    guint sum = cr_cell_op(at, "Add", wx, state_product(g, at, h, 0, rows));
    cr_cell_split(at, normalize(g, at, sum, 0, rows, g->groups[0]), sizes, g->n_gates, sums);
    guint i = lstm_gate(g, at, 'i', sums, c), f = lstm_gate(g, at, 'f', sums, c);
    if (i == CONVRNN_NO_VALUE)
        i = cr_cell_op(at, "Sub", cr_cell_scalar(at, 1), f);
    else if (f == CONVRNN_NO_VALUE)
        f = cr_cell_op(at, "Sub", cr_cell_scalar(at, 1), i);
    guint candidate = apply(g, at, &g->activation, sums[cr_gated_find(g, 'g')], true);
    guint next =
        cr_cell_op(at, "Add", cr_cell_op(at, "Mul", f, c), cr_cell_op(at, "Mul", i, candidate));
    next = cr_cell_clip(at, next, g->cell_clip);
    guint o = gate(g, at, peep(g, at, 'o', sums[cr_gated_find(g, 'o')], next));
    out[1] = next;
    out[0] = project(g, at, cr_cell_op(at, "Mul", o, apply(g, at, &g->output, next, false)));
    return out[0];
}

guint
cr_gated_compose(const CrGated *g, const CrCellPlace *at, guint x, const guint *in, guint *out)
{
    if (!cr_gated_is_conv(g))
        x = cr_cell_op(at, "Flatten", x, CONVRNN_NO_VALUE);
    if (at->builder->failure)
        return CONVRNN_NO_VALUE;
    return g->kind == CR_GATED_RNN   ? compose_rnn(g, at, x, in, out)
           : g->kind == CR_GATED_GRU ? compose_gru(g, at, x, in, out)
                                     : compose_lstm(g, at, x, in, out);
}

/* --- the class --- */

static guint
step(const ConvRnnCell *cell, const CrCellPlace *at, guint x, const guint *in, guint *out)
{
    const CrGated *g = (const CrGated *)cell;
    const guint none = CONVRNN_NO_VALUE;

    if (!g->op)
        return cr_gated_compose(g, at, x, in, out);
    guint axis = cr_cell_ints(at, &(int64_t){0}, 1);
    x = cr_cell_op(at, "Unsqueeze", cr_cell_op(at, "Flatten", x, none), axis);
    cr_gated_operator(cell, at, x, in, out, false);
    return out[0];
}

static bool
has_sequence(const ConvRnnCell *cell)
{
    return ((const CrGated *)cell)->op != NULL;
}

static void
product_clear(CrProduct *p)
{
    convrnn_tensor_unref(p->weights);
    convrnn_tensor_unref(p->depthwise);
}

static void
clear(ConvRnnCell *cell)
{
    CrGated *g = (CrGated *)cell;

    product_clear(&g->input);
    product_clear(&g->recurrent);
    product_clear(&g->projection);
    convrnn_tensor_unref(g->bias);
    convrnn_tensor_unref(g->recurrent_bias);
    convrnn_tensor_unref(g->peephole);
    convrnn_tensor_unref(g->gamma);
    convrnn_tensor_unref(g->beta);
    for (gsize i = 0; i < G_N_ELEMENTS(g->op_weights); i++)
        convrnn_tensor_unref(g->op_weights[i]);
}

#define GATED(name)                                                                                \
    {                                                                                              \
        name, step, cr_gated_operator, has_sequence, clear                                         \
    }

const CrCellClass cr_gated_classes[3][2] = {
    [CR_GATED_RNN] = {GATED("rnn"), GATED("conv_rnn")},
    [CR_GATED_GRU] = {GATED("gru"), GATED("conv_gru")},
    [CR_GATED_LSTM] = {GATED("lstm"), GATED("conv_lstm")},
};
