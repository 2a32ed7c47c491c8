/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Recurrent cells, one step each, with their state carried.
 *
 * The dense ones are ONNX's RNN, GRU and LSTM over a sequence of one. The convolutional ones have
 * no operator and are composed. Input and state are convolved apart and added, not concatenated: no
 * copy is made of the weights or of the picture. */
#include "model/builder.h"

/* One cell while it is built. */
typedef struct {
    ConvRnnBuilder *builder;
    const char *name;
    gint64 hidden;
} Cell;

/* "name_part" or, for part NULL, "name". */
static char *
cell_name(const Cell *cell, const char *part, const char *end)
{
    return g_strconcat(cell->name, part ? "_" : "", part ? part : "", end, NULL);
}

static guint
op(const Cell *cell, const char *name, guint a, guint b)
{
    char *node = g_strdup_printf("%s/%s", cell->name, name);
    guint value = cr_builder_op(cell->builder, name, node, a, b);
    g_free(node);
    return value;
}

static guint
state_input(const Cell *cell, const char *part, const gint64 *dims, guint n_dims)
{
    char *name = cell_name(cell, part, "_in");
    guint value = convrnn_builder_input(cell->builder, name, CONVRNN_DTYPE_FLOAT32, dims, n_dims);
    g_free(name);
    return value;
}

static void
state_output(const Cell *cell, const char *part, guint value, ConvRnnTensor *initial)
{
    char *input = cell_name(cell, part, "_in");
    char *output = cell_name(cell, part, "_out");

    convrnn_builder_output(cell->builder, output, value);
    convrnn_builder_state(cell->builder, input, output, initial);
    g_free(input);
    g_free(output);
}

/* --- dense --- */

/* Both biases as ONNX's (1, 2·G·H), or no value when both are zero. */
static guint
join_biases(const Cell *cell, const ConvRnnCellParams *params, gint64 rows)
{
    ConvRnnTensor *parts[2] = {params->bias, params->recurrent_bias};
    const gint64 dims[2] = {1, rows};
    guint values[2];

    if (!parts[0] && !parts[1])
        return CONVRNN_NO_VALUE;
    for (int i = 0; i < 2; i++) {
        ConvRnnTensor *part = parts[i] ? convrnn_tensor_ref(parts[i])
                                       : convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, dims, 2, NULL,
                                                            &cell->builder->failure);
        values[i] = part ? cr_builder_reshaped(cell->builder, part, dims, 2) : CONVRNN_NO_VALUE;
        convrnn_tensor_unref(part);
    }
    return convrnn_builder_concat(cell->builder, values, 2, 1);
}

static bool
check_dense(Cell *cell, const ConvRnnCellParams *params, int gates)
{
    const gint64 any[2] = {-1, -1};

    if (!cr_builder_want(cell->builder, cell->name, "recurrent", params->recurrent, false, 2, any))
        return false;
    cell->hidden = params->recurrent->dims[1];
    gint64 rows = gates * cell->hidden;
    const gint64 recurrent[2] = {rows, cell->hidden}, weights[2] = {rows, -1};
    const gint64 peephole = 3 * cell->hidden;
    return cr_builder_want(cell->builder, cell->name, "recurrent", params->recurrent, false, 2,
                           recurrent) &&
           cr_builder_want(cell->builder, cell->name, "weights", params->weights, false, 2,
                           weights) &&
           cr_builder_want(cell->builder, cell->name, "bias", params->bias, true, 1, &rows) &&
           cr_builder_want(cell->builder, cell->name, "recurrent_bias", params->recurrent_bias,
                           true, 1, &rows) &&
           cr_builder_want(cell->builder, cell->name, "peephole", params->peephole, true, 1,
                           &peephole);
}

/* W, R and B with ONNX's leading dimension of directions; (1, K) → (1, 1, K) for x. */
static void
dense_inputs(const Cell *cell, const ConvRnnCellParams *params, guint x, guint *inputs)
{
    const ConvRnnTensor *w = params->weights, *r = params->recurrent;
    const gint64 w_dims[3] = {1, w->dims[0], w->dims[1]}, r_dims[3] = {1, r->dims[0], r->dims[1]};
    guint axis =
        (guint)cr_graph_add_constant_i64(cell->builder->graph, "axis", &(int64_t){0}, 1) + 1;

    inputs[0] = op(cell, "Unsqueeze", op(cell, "Flatten", x, CONVRNN_NO_VALUE), axis);
    inputs[1] = cr_builder_reshaped(cell->builder, params->weights, w_dims, 3);
    inputs[2] = cr_builder_reshaped(cell->builder, params->recurrent, r_dims, 3);
    inputs[3] = join_biases(cell, params, r->dims[0]);
    inputs[4] = CONVRNN_NO_VALUE; /* sequence_lens */
}

static guint
dense_cell(ConvRnnBuilder *builder, const char *op_name, const char *name, guint x,
           const ConvRnnCellParams *params, int gates)
{
    Cell cell = {builder, name, 0};
    bool lstm = gates == 4;
    guint inputs[8] = {0}, outputs[3] = {0};

    if (!check_dense(&cell, params, gates))
        return CONVRNN_NO_VALUE;
    const gint64 dims[3] = {1, 1, cell.hidden}, peephole[2] = {1, 3 * cell.hidden};
    dense_inputs(&cell, params, x, inputs);
    inputs[5] = state_input(&cell, lstm ? "h" : NULL, dims, 3);
    if (lstm)
        inputs[6] = state_input(&cell, "c", dims, 3);
    if (lstm && params->peephole)
        inputs[7] = cr_builder_reshaped(builder, params->peephole, peephole, 2);

    CrNode node = cr_builder_start(builder, op_name, name, inputs, 8, lstm ? 3 : 2);
    cr_node_set_int(&node, "hidden_size", cell.hidden);
    if (params->clip > 0)
        cr_node_set_float(&node, "clip", params->clip);
    if (gates == 3)
        cr_node_set_int(&node, "linear_before_reset", params->reset_after != FALSE);
    cr_builder_add(builder, &node, outputs);
    state_output(&cell, lstm ? "h" : NULL, outputs[1], params->initial);
    if (lstm)
        state_output(&cell, "c", outputs[2], NULL);
    guint axis = (guint)cr_graph_add_constant_i64(builder->graph, "axis", &(int64_t){0}, 1) + 1;
    return op(&cell, "Squeeze", outputs[1], axis);
}

guint
convrnn_builder_rnn(ConvRnnBuilder *builder, const gchar *name, guint x,
                    const ConvRnnCellParams *params)
{
    return dense_cell(builder, "RNN", name, x, params, 1);
}

guint
convrnn_builder_gru(ConvRnnBuilder *builder, const gchar *name, guint x,
                    const ConvRnnCellParams *params)
{
    return dense_cell(builder, "GRU", name, x, params, 3);
}

guint
convrnn_builder_lstm(ConvRnnBuilder *builder, const gchar *name, guint x,
                     const ConvRnnCellParams *params)
{
    return dense_cell(builder, "LSTM", name, x, params, 4);
}

/* --- convolutional --- */

static bool
check_odd(const Cell *cell, const ConvRnnTensor *weights, const char *what)
{
    if (weights->dims[2] % 2 == 1 && weights->dims[3] % 2 == 1)
        return true;
    cr_builder_fail(cell->builder, CONVRNN_ERROR_SHAPE,
                    "%s: the kernel of %s is %" G_GINT64_FORMAT "×%" G_GINT64_FORMAT
                    ", expected odd numbers",
                    cell->name, what, (gint64)weights->dims[2], (gint64)weights->dims[3]);
    return false;
}

static bool
check_conv(Cell *cell, const ConvRnnConvCellParams *params, int gates)
{
    ConvRnnBuilder *b = cell->builder;
    const gint64 any[4] = {-1, -1, -1, -1};

    if (!cr_builder_want(b, cell->name, "recurrent", params->recurrent, false, 4, any))
        return false;
    cell->hidden = params->recurrent->dims[1];
    gint64 rows = gates * cell->hidden;
    const gint64 recurrent[4] = {rows, cell->hidden, -1, -1}, weights[4] = {rows, -1, -1, -1};
    const gint64 peephole[3] = {3 * cell->hidden, -1, -1};
    return cr_builder_want(b, cell->name, "recurrent", params->recurrent, false, 4, recurrent) &&
           cr_builder_want(b, cell->name, "weights", params->weights, false, 4, weights) &&
           cr_builder_want(b, cell->name, "bias", params->bias, true, 1, &rows) &&
           cr_builder_want(b, cell->name, "recurrent_bias", params->recurrent_bias, true, 1,
                           &rows) &&
           cr_builder_want(b, cell->name, "peephole", params->peephole, true,
                           params->peephole && params->peephole->n_dims == 3 ? 3 : 1, peephole) &&
           check_odd(cell, params->weights, "weights") &&
           check_odd(cell, params->recurrent, "recurrent");
}

static guint
conv_state(const Cell *cell, const char *part, const ConvRnnConvCellParams *params)
{
    const gint64 dims[4] = {1, cell->hidden, params->height ? (gint64)params->height : -1,
                            params->width ? (gint64)params->width : -1};
    return state_input(cell, part, dims, 4);
}

/* Rows [first, first + n) of a tensor, in place. NULL stays NULL. */
static ConvRnnTensor *
rows_of(const Cell *cell, ConvRnnTensor *tensor, gint64 first, gint64 n)
{
    gint64 dims[CONVRNN_MAX_RANK];
    size_t row;

    if (!tensor || cell->builder->failure)
        return NULL;
    row = g_bytes_get_size(tensor->bytes) / tensor->dims[0];
    for (int i = 0; i < tensor->n_dims; i++)
        dims[i] = tensor->dims[i];
    dims[0] = n;
    GBytes *bytes = g_bytes_new_from_bytes(tensor->bytes, first * row, n * row);
    ConvRnnTensor *part =
        convrnn_tensor_new(tensor->dtype, dims, tensor->n_dims, bytes, &cell->builder->failure);
    g_bytes_unref(bytes);
    return part;
}

/* A "same" convolution with rows [first, first + n) of the weights and the bias. */
static guint
conv_rows(const Cell *cell, guint x, ConvRnnTensor *weights, ConvRnnTensor *bias, gint64 first,
          gint64 n)
{
    ConvRnnTensor *w = rows_of(cell, weights, first, n), *b = rows_of(cell, bias, first, n);
    guint value = CONVRNN_NO_VALUE;

    if (w && (b || !bias)) {
        guint y = (guint)weights->dims[2] / 2, z = (guint)weights->dims[3] / 2;
        value = convrnn_builder_conv2d(
            cell->builder, x, CONVRNN_CONV2D(.weights = w, .bias = b, .pads = {y, z, y, z}));
    }
    convrnn_tensor_unref(w);
    convrnn_tensor_unref(b);
    return value;
}

/* Cuts the channels into parts of H channels each, times count[i]. */
static void
split(const Cell *cell, guint x, const int *count, int n, guint *parts)
{
    int64_t sizes[4];
    char *name = g_strdup_printf("%s/Split", cell->name);

    for (int i = 0; i < n; i++) {
        parts[i] = CONVRNN_NO_VALUE;
        sizes[i] = count[i] * cell->hidden;
    }
    if (!cell->builder->failure) {
        guint inputs[2] = {
            x, (guint)cr_graph_add_constant_i64(cell->builder->graph, "split", sizes, n) + 1};
        CrNode node = cr_builder_start(cell->builder, "Split", name, inputs, 2, (guint)n);
        cr_node_set_int(&node, "axis", 1);
        cr_builder_add(cell->builder, &node, parts);
    }
    g_free(name);
}

guint
convrnn_builder_conv_rnn(ConvRnnBuilder *builder, const gchar *name, guint x,
                         const ConvRnnConvCellParams *params)
{
    Cell cell = {builder, name, 0};

    if (!check_conv(&cell, params, 1))
        return CONVRNN_NO_VALUE;
    guint h = conv_state(&cell, NULL, params);
    guint wx = conv_rows(&cell, x, params->weights, params->bias, 0, cell.hidden);
    guint rh = conv_rows(&cell, h, params->recurrent, params->recurrent_bias, 0, cell.hidden);
    guint next = op(&cell, "Tanh", op(&cell, "Add", wx, rh), CONVRNN_NO_VALUE);
    state_output(&cell, NULL, next, params->initial);
    return next;
}

/* n = tanh(Wn∗x + r⊙(Rn∗h)) */
static void
gates_reset_after(const Cell *cell, const ConvRnnConvCellParams *params, guint wx, guint h,
                  guint *z, guint *n)
{
    guint rh = conv_rows(cell, h, params->recurrent, params->recurrent_bias, 0, 3 * cell->hidden);
    guint a[2], b[2], zr[2];

    split(cell, wx, (const int[]){2, 1}, 2, a);
    split(cell, rh, (const int[]){2, 1}, 2, b);
    split(cell, op(cell, "Sigmoid", op(cell, "Add", a[0], b[0]), CONVRNN_NO_VALUE),
          (const int[]){1, 1}, 2, zr);
    *z = zr[0];
    *n = op(cell, "Tanh", op(cell, "Add", a[1], op(cell, "Mul", zr[1], b[1])), CONVRNN_NO_VALUE);
}

/* n = tanh(Wn∗x + Rn∗(r⊙h)) */
static void
gates_reset_before(const Cell *cell, const ConvRnnConvCellParams *params, guint wx, guint h,
                   guint *z, guint *n)
{
    gint64 H = cell->hidden;
    guint rh = conv_rows(cell, h, params->recurrent, params->recurrent_bias, 0, 2 * H);
    guint a[2], zr[2];

    split(cell, wx, (const int[]){2, 1}, 2, a);
    split(cell, op(cell, "Sigmoid", op(cell, "Add", a[0], rh), CONVRNN_NO_VALUE),
          (const int[]){1, 1}, 2, zr);
    *z = zr[0];
    guint candidate = conv_rows(cell, op(cell, "Mul", zr[1], h), params->recurrent,
                                params->recurrent_bias, 2 * H, H);
    *n = op(cell, "Tanh", op(cell, "Add", a[1], candidate), CONVRNN_NO_VALUE);
}

guint
convrnn_builder_conv_gru(ConvRnnBuilder *builder, const gchar *name, guint x,
                         const ConvRnnConvCellParams *params)
{
    Cell cell = {builder, name, 0};
    guint z, n;

    if (!check_conv(&cell, params, 3))
        return CONVRNN_NO_VALUE;
    guint h = conv_state(&cell, NULL, params);
    guint wx = conv_rows(&cell, x, params->weights, params->bias, 0, 3 * cell.hidden);
    (params->reset_after ? gates_reset_after : gates_reset_before)(&cell, params, wx, h, &z, &n);
    if (builder->failure)
        return CONVRNN_NO_VALUE;
    guint one = (guint)cr_graph_add_constant_f32(builder->graph, "one", &(float){1}, 1, true) + 1;
    guint fresh = op(&cell, "Mul", op(&cell, "Sub", one, z), n);
    guint next = op(&cell, "Add", fresh, op(&cell, "Mul", z, h));
    state_output(&cell, NULL, next, params->initial);
    return next;
}

/* The peephole of gate `index` times the cell state, added to the gate. */
static guint
peep(const Cell *cell, const ConvRnnConvCellParams *params, int index, guint gate, guint c)
{
    const ConvRnnTensor *p = params->peephole;

    if (!p)
        return gate;
    const gint64 dims[4] = {1, cell->hidden, p->n_dims == 3 ? p->dims[1] : 1,
                            p->n_dims == 3 ? p->dims[2] : 1};
    ConvRnnTensor *rows = rows_of(cell, params->peephole, index * cell->hidden, cell->hidden);
    guint weights = rows ? cr_builder_reshaped(cell->builder, rows, dims, 4) : CONVRNN_NO_VALUE;
    convrnn_tensor_unref(rows);
    return op(cell, "Add", gate, op(cell, "Mul", weights, c));
}

guint
convrnn_builder_conv_lstm(ConvRnnBuilder *builder, const gchar *name, guint x,
                          const ConvRnnConvCellParams *params)
{
    Cell cell = {builder, name, 0};
    guint gates[4]; /* i, o, f, g */
    const guint none = CONVRNN_NO_VALUE;

    if (!check_conv(&cell, params, 4))
        return none;
    guint h = conv_state(&cell, "h", params), c = conv_state(&cell, "c", params);
    guint wx = conv_rows(&cell, x, params->weights, params->bias, 0, 4 * cell.hidden);
    guint rh = conv_rows(&cell, h, params->recurrent, params->recurrent_bias, 0, 4 * cell.hidden);
    split(&cell, op(&cell, "Add", wx, rh), (const int[]){1, 1, 1, 1}, 4, gates);
    guint i = op(&cell, "Sigmoid", peep(&cell, params, 0, gates[0], c), none);
    guint f = op(&cell, "Sigmoid", peep(&cell, params, 2, gates[2], c), none);
    guint g = op(&cell, "Tanh", gates[3], none);
    guint next_c = op(&cell, "Add", op(&cell, "Mul", f, c), op(&cell, "Mul", i, g));
    guint o = op(&cell, "Sigmoid", peep(&cell, params, 1, gates[1], next_c), none);
    guint next_h = op(&cell, "Mul", o, op(&cell, "Tanh", next_c, none));
    state_output(&cell, "h", next_h, params->initial);
    state_output(&cell, "c", next_c, NULL);
    return next_h;
}
