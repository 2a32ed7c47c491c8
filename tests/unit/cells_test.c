/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The builder's recurrent cells, some steps of each, against their formulas written out in double
 * precision. A dense cell is a convolutional one on a picture of one pixel with 1×1 kernels. */
#include <convrnn/convrnn.h>
#include <math.h>

enum { C = 3, H = 2, MAX_PIXELS = 5 * 4, N_STEPS = 4 };

typedef enum { RNN, GRU, GRU_RESET_AFTER, LSTM, LSTM_PEEPHOLE } Kind;

static const int n_gates[] = {1, 3, 3, 4, 4};

/* One cell: weights in (gates·H, channels, k, k) order. */
typedef struct {
    Kind kind;
    int rows, columns, k;
    ConvRnnTensor *w, *r, *b, *rb, *p;
    double h[H * MAX_PIXELS], c[H * MAX_PIXELS];
} Cell;

static guint32 seed;

static float
next_random(void)
{
    seed = seed * 1664525 + 1013904223;
    return (float)(seed >> 8) / (1 << 23) - 1;
}

static ConvRnnTensor *
random_tensor(guint n_dims, const gint64 *dims)
{
    gsize n = 1;
    for (guint i = 0; i < n_dims; i++)
        n *= (gsize)dims[i];
    float *v = g_new(float, n);
    for (gsize i = 0; i < n; i++)
        v[i] = next_random() * 0.7f;
    GBytes *bytes = g_bytes_new_take(v, n * sizeof *v);
    ConvRnnTensor *tensor = convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, dims, n_dims, bytes, NULL);
    g_bytes_unref(bytes);
    return tensor;
}

static double
weight(const ConvRnnTensor *tensor, gsize i)
{
    return tensor ? ((const float *)convrnn_tensor_get_data(tensor))[i] : 0;
}

/* Row m of "same" convolution plus bias at one pixel. */
static double
product(const Cell *cell, const ConvRnnTensor *w, const ConvRnnTensor *b, const double *x,
        int channels, int m, int y, int z)
{
    double sum = weight(b, (gsize)m);
    int k = cell->k;

    for (int c = 0; c < channels; c++) {
        for (int u = 0; u < k; u++) {
            for (int v = 0; v < k; v++) {
                int i = y + u - k / 2, j = z + v - k / 2;
                if (i >= 0 && i < cell->rows && j >= 0 && j < cell->columns)
                    sum += weight(w, (gsize)(((m * channels + c) * k + u) * k + v)) *
                           x[(c * cell->rows + i) * cell->columns + j];
            }
        }
    }
    return sum;
}

static double
sigmoid(double v)
{
    return 1 / (1 + exp(-v));
}

/* What gate `g` of unit m gets from x and from `state`. */
static double
gate(const Cell *cell, const double *x, const double *state, int g, int m, int y, int z)
{
    return product(cell, cell->w, cell->b, x, C, g * H + m, y, z) +
           product(cell, cell->r, cell->rb, state, H, g * H + m, y, z);
}

static void
step_gru(Cell *cell, const double *x)
{
    const int pixels = cell->rows * cell->columns;
    double z[H * MAX_PIXELS], r[H * MAX_PIXELS], rh[H * MAX_PIXELS], next[H * MAX_PIXELS];

    for (int i = 0; i < H * pixels; i++) {
        int m = i / pixels, row = i % pixels / cell->columns, column = i % cell->columns;
        z[i] = sigmoid(gate(cell, x, cell->h, 0, m, row, column));
        r[i] = sigmoid(gate(cell, x, cell->h, 1, m, row, column));
        rh[i] = r[i] * cell->h[i];
    }
    for (int i = 0; i < H * pixels; i++) {
        int m = i / pixels, row = i % pixels / cell->columns, column = i % cell->columns;
        double n;
        if (cell->kind == GRU)
            n = tanh(gate(cell, x, rh, 2, m, row, column));
        else
            n = tanh(product(cell, cell->w, cell->b, x, C, 2 * H + m, row, column) +
                     r[i] * product(cell, cell->r, cell->rb, cell->h, H, 2 * H + m, row, column));
        next[i] = (1 - z[i]) * n + z[i] * cell->h[i];
    }
    for (int i = 0; i < H * pixels; i++)
        cell->h[i] = next[i];
}

static void
step_lstm(Cell *cell, const double *x)
{
    const int pixels = cell->rows * cell->columns;
    double next[H * MAX_PIXELS];

    for (int k = 0; k < H * pixels; k++) {
        int m = k / pixels, row = k % pixels / cell->columns, column = k % cell->columns;
        double i = gate(cell, x, cell->h, 0, m, row, column) + weight(cell->p, m) * cell->c[k];
        double o = gate(cell, x, cell->h, 1, m, row, column);
        double f =
            gate(cell, x, cell->h, 2, m, row, column) + weight(cell->p, 2 * H + m) * cell->c[k];
        double g = gate(cell, x, cell->h, 3, m, row, column);
        cell->c[k] = sigmoid(f) * cell->c[k] + sigmoid(i) * tanh(g);
        next[k] = sigmoid(o + weight(cell->p, H + m) * cell->c[k]) * tanh(cell->c[k]);
    }
    for (int k = 0; k < H * pixels; k++)
        cell->h[k] = next[k];
}

static void
step_rnn(Cell *cell, const double *x)
{
    const int pixels = cell->rows * cell->columns;
    double next[H * MAX_PIXELS];

    for (int i = 0; i < H * pixels; i++)
        next[i] = tanh(
            gate(cell, x, cell->h, 0, i / pixels, i % pixels / cell->columns, i % cell->columns));
    for (int i = 0; i < H * pixels; i++)
        cell->h[i] = next[i];
}

static void
reference_step(Cell *cell, const float *x)
{
    double wide[C * MAX_PIXELS];

    for (int i = 0; i < C * cell->rows * cell->columns; i++)
        wide[i] = x[i];
    if (cell->kind == RNN)
        step_rnn(cell, wide);
    else if (cell->kind <= GRU_RESET_AFTER)
        step_gru(cell, wide);
    else
        step_lstm(cell, wide);
}

static void
cell_init(Cell *cell, Kind kind, int rows, int columns, int k, gboolean dense, gboolean bias)
{
    const gint64 w[4] = {n_gates[kind] * H, C, k, k}, r[4] = {n_gates[kind] * H, H, k, k};
    const gint64 p[1] = {3 * H};

    *cell = (Cell){.kind = kind, .rows = rows, .columns = columns, .k = k};
    cell->w = random_tensor(dense ? 2 : 4, w);
    cell->r = random_tensor(dense ? 2 : 4, r);
    cell->b = bias ? random_tensor(1, w) : NULL;
    cell->rb = bias ? random_tensor(1, w) : NULL;
    cell->p = kind == LSTM_PEEPHOLE ? random_tensor(1, p) : NULL;
}

static void
cell_clear(Cell *cell)
{
    ConvRnnTensor *all[] = {cell->w, cell->r, cell->b, cell->rb, cell->p};
    for (gsize i = 0; i < G_N_ELEMENTS(all); i++)
        convrnn_tensor_unref(all[i]);
}

static guint
add_conv_cell(ConvRnnBuilder *b, const Cell *cell, guint x)
{
    static guint (*const cells[])(ConvRnnBuilder *, const gchar *, guint,
                                  const ConvRnnConvCellParams *) = {
        convrnn_builder_conv_rnn, convrnn_builder_conv_gru, convrnn_builder_conv_gru,
        convrnn_builder_conv_lstm, convrnn_builder_conv_lstm};
    return cells[cell->kind](b, "cell", x,
                             CONVRNN_CONV_CELL(.weights = cell->w, .recurrent = cell->r,
                                               .bias = cell->b, .recurrent_bias = cell->rb,
                                               .peephole = cell->p,
                                               .reset_after = cell->kind == GRU_RESET_AFTER,
                                               .height = cell->rows, .width = cell->columns));
}

static guint
add_dense_cell(ConvRnnBuilder *b, const Cell *cell, guint x)
{
    static guint (*const cells[])(ConvRnnBuilder *, const gchar *, guint,
                                  const ConvRnnCellParams *) = {
        convrnn_builder_rnn, convrnn_builder_gru, convrnn_builder_gru, convrnn_builder_lstm,
        convrnn_builder_lstm};
    return cells[cell->kind](b, "cell", x,
                             CONVRNN_CELL(.weights = cell->w, .recurrent = cell->r, .bias = cell->b,
                                          .recurrent_bias = cell->rb, .peephole = cell->p,
                                          .reset_after = cell->kind == GRU_RESET_AFTER));
}

static ConvRnnSession *
open_session(const Cell *cell, gboolean dense)
{
    GError *error = NULL;
    ConvRnnBuilder *b = convrnn_builder_new();
    const gint64 dims[4] = {1, C, cell->rows, cell->columns};
    guint x = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims, 4);

    x = dense ? add_dense_cell(b, cell, x) : add_conv_cell(b, cell, x);
    convrnn_builder_output(b, "y", x);
    ConvRnnModel *model = convrnn_builder_build(b, "cell", &error);
    g_assert_no_error(error);
    ConvRnnSession *session = convrnn_session_new(model, NULL, &error);
    g_assert_no_error(error);
    convrnn_model_unref(model);
    convrnn_builder_unref(b);
    return session;
}

static void
check(Kind kind, int rows, int columns, int k, gboolean dense, gboolean bias)
{
    Cell cell;

    cell_init(&cell, kind, rows, columns, k, dense, bias);
    ConvRnnSession *session = open_session(&cell, dense);
    g_assert_cmpuint(convrnn_session_get_n_inputs(session), ==, 1);
    g_assert_cmpuint(convrnn_session_get_n_outputs(session), ==, 1);
    float *x = convrnn_session_get_input_data(session, 0);
    for (int t = 0; t < N_STEPS; t++) {
        for (int i = 0; i < C * rows * columns; i++)
            x[i] = next_random();
        reference_step(&cell, x);
        convrnn_session_step(session);
        const float *y = convrnn_session_get_output_data(session, 0);
        for (int i = 0; i < H * rows * columns; i++)
            g_assert_cmpfloat_with_epsilon(y[i], cell.h[i], 2e-6);
    }
    convrnn_session_free(session);
    cell_clear(&cell);
}

static void
test_conv(gconstpointer data)
{
    Kind kind = (Kind)GPOINTER_TO_INT(data);
    seed = 1;
    check(kind, 5, 4, 3, FALSE, TRUE);
    check(kind, 4, 5, 1, FALSE, FALSE);
    check(kind, 2, 3, 5, FALSE, TRUE);
}

static void
test_dense(gconstpointer data)
{
    Kind kind = (Kind)GPOINTER_TO_INT(data);
    seed = 2;
    check(kind, 1, 1, 1, TRUE, TRUE);
    check(kind, 1, 1, 1, TRUE, FALSE);
}

int
main(int argc, char **argv)
{
    static const char *const names[] = {"rnn", "gru", "gru-reset-after", "lstm", "lstm-peephole"};

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        char *conv = g_strconcat("/cells/conv/", names[i], NULL);
        char *dense = g_strconcat("/cells/dense/", names[i], NULL);
        g_test_add_data_func(conv, GSIZE_TO_POINTER(i), test_conv);
        g_test_add_data_func(dense, GSIZE_TO_POINTER(i), test_dense);
        g_free(conv);
        g_free(dense);
    }
    return g_test_run();
}
