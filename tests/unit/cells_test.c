/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Recurrent cells as layers, as steps and as scans. Some steps of each kind are compared with its
 * formula written out in double precision; a dense cell is a convolutional one on a picture of one
 * pixel with 1×1 kernels. Options: cell_vectors_test.c; refusals: cell_params_test.c. */
#include <convrnn/convrnn.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

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

static ConvRnnCell *
make_cell(const Cell *cell, gboolean dense)
{
    static ConvRnnCell *(*const make[][2])(const ConvRnnCellParams *, GError **) = {
        {convrnn_cell_new_conv_rnn, convrnn_cell_new_rnn},
        {convrnn_cell_new_conv_gru, convrnn_cell_new_gru},
        {convrnn_cell_new_conv_gru, convrnn_cell_new_gru},
        {convrnn_cell_new_conv_lstm, convrnn_cell_new_lstm},
        {convrnn_cell_new_conv_lstm, convrnn_cell_new_lstm}};
    GError *error = NULL;
    ConvRnnCell *made = make[cell->kind][dense](
        CONVRNN_CELL(.weights = cell->w, .recurrent = cell->r, .bias = cell->b,
                     .recurrent_bias = cell->rb, .peephole = cell->p,
                     .reset_after = cell->kind == GRU_RESET_AFTER),
        &error);
    g_assert_no_error(error);
    return made;
}

static ConvRnnSession *
open_session(const Cell *cell, gboolean dense)
{
    GError *error = NULL;
    ConvRnnBuilder *b = convrnn_builder_new();
    const gint64 dims[4] = {1, C, cell->rows, cell->columns};
    guint x = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims, 4);

    ConvRnnCell *made = make_cell(cell, dense);
    x = convrnn_builder_layer(b, "cell", made, x, CONVRNN_NO_VALUE);
    convrnn_cell_unref(made);
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

/* --- streams --- */

typedef ConvRnnCell *(*MakeCell)(gint64 inputs);

static ConvRnnCell *
finish_cell(ConvRnnTensor *w, ConvRnnTensor *r, ConvRnnCell *cell, GError *error)
{
    g_assert_no_error(error);
    convrnn_tensor_unref(w);
    convrnn_tensor_unref(r);
    return cell;
}

static ConvRnnCell *
small_lstm(gint64 inputs)
{
    GError *error = NULL;
    ConvRnnTensor *w = random_tensor(2, (const gint64[]){4 * H, inputs});
    ConvRnnTensor *r = random_tensor(2, (const gint64[]){4 * H, H});
    ConvRnnCell *cell =
        convrnn_cell_new_lstm(CONVRNN_CELL(.weights = w, .recurrent = r, .gates = "ifog"), &error);
    return finish_cell(w, r, cell, error);
}

static ConvRnnCell *
small_rnn(gint64 inputs)
{
    GError *error = NULL;
    ConvRnnTensor *w = random_tensor(2, (const gint64[]){H, inputs});
    ConvRnnTensor *r = random_tensor(2, (const gint64[]){H, H});
    ConvRnnCell *cell = convrnn_cell_new_rnn(CONVRNN_CELL(.weights = w, .recurrent = r), &error);
    return finish_cell(w, r, cell, error);
}

/* Composed of nodes: ONNX's operator does not have the norm. */
static ConvRnnCell *
small_gru(gint64 inputs)
{
    GError *error = NULL;
    ConvRnnTensor *w = random_tensor(2, (const gint64[]){3 * H, inputs});
    ConvRnnTensor *r = random_tensor(2, (const gint64[]){3 * H, H});
    ConvRnnCell *cell = convrnn_cell_new_gru(
        CONVRNN_CELL(.weights = w, .recurrent = r, .norm_groups = {1, 1}), &error);
    return finish_cell(w, r, cell, error);
}

static ConvRnnCell *
small_stack(gint64 inputs)
{
    g_autoptr(ConvRnnCell) low = small_lstm(inputs), middle = small_gru(H), top = small_lstm(H);
    g_autoptr(ConvRnnCell) residual = convrnn_cell_new_residual(middle, NULL);
    return convrnn_cell_new_stack((ConvRnnCell *[]){low, residual, top}, 3, NULL);
}

static ConvRnnSession *
session_of(ConvRnnBuilder *b, const ConvRnnSessionConfig *config)
{
    GError *error = NULL;
    g_autoptr(ConvRnnModel) model = convrnn_builder_build(b, "stream", &error);
    g_assert_no_error(error);
    ConvRnnSession *session = convrnn_session_new(model, config, &error);
    g_assert_no_error(error);
    return session;
}

/* A layer on (batch, C), with or without a continuation input of one number for each stream. */
static ConvRnnSession *
layer_session(ConvRnnCell *cell, gint64 batch, gboolean cont, const ConvRnnSessionConfig *config)
{
    g_autoptr(ConvRnnBuilder) b = convrnn_builder_new();
    const gint64 dims[2] = {batch, C};
    guint x = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims, 2);
    guint goes_on =
        cont ? convrnn_builder_input(b, "cont", CONVRNN_DTYPE_FLOAT32, dims, 1) : CONVRNN_NO_VALUE;

    convrnn_builder_output(b, "y", convrnn_builder_layer(b, "m", cell, x, goes_on));
    return session_of(b, config);
}

/* All steps in one network: row t of x (N_STEPS, C) is step t's. The new states take the old ones'
 * place where `in_place`. */
static ConvRnnSession *
unrolled_session(ConvRnnCell *cell, gboolean in_place)
{
    g_autoptr(ConvRnnBuilder) b = convrnn_builder_new();
    const gint64 dims[2] = {N_STEPS, C};
    guint n = convrnn_cell_get_n_states(cell), rows[N_STEPS], states[8] = {0}, next[8], y[N_STEPS];
    guint x = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims, 2);

    convrnn_builder_node_outputs(b, "Split", &x, 1, g_variant_new_parsed("{'num_outputs': <4>}"),
                                 rows, N_STEPS);
    for (int t = 0; t < N_STEPS; t++) {
        y[t] = convrnn_builder_step(b, cell, rows[t], t || in_place ? states : NULL,
                                    in_place ? states : next);
        if (!in_place)
            memcpy(states, next, n * sizeof *states);
    }
    convrnn_builder_output(b, "y", convrnn_builder_concat(b, y, N_STEPS, 0));
    return session_of(b, NULL);
}

static void
fill(float *x, gsize n)
{
    for (gsize i = 0; i < n; i++)
        x[i] = next_random();
}

/* T streamed steps and one network of T steps give the same bytes. */
static void
test_unrolled(gconstpointer data)
{
    seed = 3;
    g_autoptr(ConvRnnCell) cell = ((MakeCell)data)(C);
    g_autoptr(ConvRnnSession) layer = layer_session(cell, 1, FALSE, NULL);
    g_autoptr(ConvRnnSession) unrolled = unrolled_session(cell, FALSE);
    g_autoptr(ConvRnnSession) in_place = unrolled_session(cell, TRUE);
    float *all = convrnn_session_get_input_data(unrolled, 0);

    fill(all, N_STEPS * C);
    memcpy(convrnn_session_get_input_data(in_place, 0), all, N_STEPS * C * sizeof *all);
    convrnn_session_step(unrolled);
    convrnn_session_step(in_place);
    const float *expected = convrnn_session_get_output_data(unrolled, 0);
    g_assert_cmpmem(convrnn_session_get_output_data(in_place, 0), N_STEPS * H * sizeof *expected,
                    expected, N_STEPS * H * sizeof *expected);
    for (int t = 0; t < N_STEPS; t++) {
        memcpy(convrnn_session_get_input_data(layer, 0), all + t * C, C * sizeof(float));
        convrnn_session_step(layer);
        const float *y = convrnn_session_get_output_data(layer, 0);
        g_assert_cmpmem(y, H * sizeof(float), expected + t * H, H * sizeof(float));
    }
}

/* Stream 1 goes on, stream 0 starts anew: as in a fresh session, though its state is not a number.
 */
static void
test_cont(gconstpointer data)
{
    seed = 4;
    g_autoptr(ConvRnnCell) cell = ((MakeCell)data)(C);
    g_autoptr(ConvRnnSession) both = layer_session(cell, 2, TRUE, NULL);
    g_autoptr(ConvRnnSession) fresh = layer_session(cell, 1, FALSE, NULL);
    float *x = convrnn_session_get_input_data(both, 0);
    float *cont = convrnn_session_get_input_data(both, 1);

    cont[0] = cont[1] = 1;
    fill(x, 2 * C);
    convrnn_session_step(both);
    fill(x, 2 * C);
    cont[0] = 0;
    convrnn_session_step(both);
    memcpy(convrnn_session_get_input_data(fresh, 0), x, C * sizeof *x);
    convrnn_session_step(fresh);
    const float *found = convrnn_session_get_output_data(both, 0);
    const float *expected = convrnn_session_get_output_data(fresh, 0);
    for (int i = 0; i < H; i++)
        g_assert_cmpfloat_with_epsilon(found[i], expected[i], 1e-6);
    memcpy(convrnn_session_get_input_data(fresh, 0), x + C, C * sizeof *x);
    convrnn_session_reset(fresh);
    convrnn_session_step(fresh);
    g_assert_cmpfloat(fabsf(found[H] - expected[0]), >, 1e-4); /* stream 1 remembers */
}

static void
test_cont_clears_garbage(void)
{
    seed = 5;
    g_autoptr(ConvRnnCell) cell = small_lstm(C);
    g_autoptr(ConvRnnSessionConfig) config = convrnn_session_config_new();
    const float bad[2] = {NAN, INFINITY};
    g_autoptr(GBytes) bytes = g_bytes_new_static(bad, sizeof bad);
    g_autoptr(ConvRnnTensor) garbage =
        convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, (const gint64[]){1, H}, 2, bytes, NULL);

    convrnn_session_config_set_initial(config, "m_h_in", garbage);
    convrnn_session_config_set_initial(config, "m_c_in", garbage);
    g_autoptr(ConvRnnSession) session = layer_session(cell, 1, TRUE, config);
    g_autoptr(ConvRnnSession) fresh = layer_session(cell, 1, FALSE, NULL);
    float *x = convrnn_session_get_input_data(session, 0);
    fill(x, C);
    *(float *)convrnn_session_get_input_data(session, 1) = 0;
    memcpy(convrnn_session_get_input_data(fresh, 0), x, C * sizeof *x);
    convrnn_session_step(session);
    convrnn_session_step(fresh);
    g_assert_cmpmem(convrnn_session_get_output_data(session, 0), H * sizeof(float),
                    convrnn_session_get_output_data(fresh, 0), H * sizeof(float));
}

/* The last output of a scan is the last state of a one-layer RNN or GRU, exactly, and of an LSTM is
 * h; a stack's state is more than its output. */
static void
test_last_output(void)
{
    static const struct {
        MakeCell make;
        guint state; /* which is the output */
        guint n_states;
    } cells[] = {{small_rnn, 0, 1}, {small_gru, 0, 1}, {small_lstm, 0, 2}, {small_stack, 3, 5}};
    const gint64 dims[3] = {1, N_STEPS, C};

    for (gsize k = 0; k < G_N_ELEMENTS(cells); k++) {
        seed = 6;
        g_autoptr(ConvRnnCell) cell = cells[k].make(C);
        g_autoptr(ConvRnnBuilder) b = convrnn_builder_new();
        guint x = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims, 3), states[8];
        g_assert_cmpuint(convrnn_cell_get_n_states(cell), ==, cells[k].n_states);
        convrnn_builder_output(
            b, "y",
            convrnn_builder_scan(b, x, CONVRNN_SCAN(.forward = cell, .axis = 1, .steps = N_STEPS),
                                 states));
        for (guint i = 0; i < cells[k].n_states; i++) {
            g_autofree char *name = g_strdup_printf("last%u", i);
            convrnn_builder_output(b, name, states[i]);
        }
        g_autoptr(ConvRnnSession) session = session_of(b, NULL);
        fill(convrnn_session_get_input_data(session, 0), N_STEPS * C);
        convrnn_session_step(session);
        const float *y = convrnn_session_get_output_data(session, 0);
        for (guint i = 0; i < cells[k].n_states; i++) {
            const float *state = convrnn_session_get_output_data(session, 1 + i);
            gboolean same = memcmp(y + (N_STEPS - 1) * H, state, H * sizeof *y) == 0;
            g_assert_cmpint(same, ==, i == cells[k].state);
        }
    }
}

/* Outputs of a layer that is given the rows of x one by one, in either order: y (N_STEPS, H). */
static void
stream_rows(ConvRnnCell *cell, const float *x, gboolean backward, float *y)
{
    g_autoptr(ConvRnnSession) layer = layer_session(cell, 1, FALSE, NULL);

    for (int i = 0; i < N_STEPS; i++) {
        int t = backward ? N_STEPS - 1 - i : i;
        memcpy(convrnn_session_get_input_data(layer, 0), x + t * C, C * sizeof *x);
        convrnn_session_step(layer);
        memcpy(y + t * H, convrnn_session_get_output_data(layer, 0), H * sizeof *y);
    }
}

/* Both directions over (1, N_STEPS, C) give (1, N_STEPS, 2·H), and over the rows of a picture
 * (1, 1, N_STEPS, C), as (1, 2·H, N_STEPS), what streams give. */
static void
test_scan(gconstpointer data)
{
    seed = 8;
    g_autoptr(ConvRnnCell) forward = ((MakeCell)data)(C), backward = ((MakeCell)data)(C);
    const gint64 dims[2][4] = {{1, N_STEPS, C}, {1, 1, N_STEPS, C}};
    float expected[2][N_STEPS * H];

    for (int rows = 0; rows < 2; rows++) {
        g_autoptr(ConvRnnBuilder) b = convrnn_builder_new();
        guint rank = rows ? 4 : 3;
        guint x = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims[rows], rank);
        guint y = convrnn_builder_scan(b, x,
                                       CONVRNN_SCAN(.forward = forward, .backward = backward,
                                                    .axis = rank - 2, .steps = N_STEPS),
                                       NULL);
        convrnn_builder_output(b, "y", y);
        g_autoptr(ConvRnnSession) session = session_of(b, NULL);
        float *in = convrnn_session_get_input_data(session, 0);
        fill(in, N_STEPS * C);
        convrnn_session_step(session);
        stream_rows(forward, in, FALSE, expected[0]);
        stream_rows(backward, in, TRUE, expected[1]);
        const float *out = convrnn_session_get_output_data(session, 0);
        for (int i = 0; i < 2 * H * N_STEPS; i++) {
            int t = rows ? i % N_STEPS : i / (2 * H), h = rows ? i / N_STEPS : i % (2 * H);
            g_assert_cmpfloat_with_epsilon(out[i], expected[h / H][t * H + h % H], 1e-6);
        }
    }
}

/* The first state is the cell's own, or the session's; reset goes back to it. */
static void
test_initial(void)
{
    seed = 7;
    g_autoptr(ConvRnnTensor) w = random_tensor(2, (const gint64[]){H, C});
    g_autoptr(ConvRnnTensor) r = random_tensor(2, (const gint64[]){H, H});
    g_autoptr(ConvRnnTensor) learned = random_tensor(2, (const gint64[]){1, H});
    g_autoptr(ConvRnnTensor) other = random_tensor(1, (const gint64[]){1});
    g_autoptr(ConvRnnCell) cell =
        convrnn_cell_new_rnn(CONVRNN_CELL(.weights = w, .recurrent = r, .initial = learned), NULL);
    g_assert_true(convrnn_cell_get_initial(cell, 0) == learned);
    for (int own = 0; own < 2; own++) {
        g_autoptr(ConvRnnSessionConfig) config = convrnn_session_config_new();
        const ConvRnnTensor *start = own ? other : learned;
        if (own)
            convrnn_session_config_set_initial(config, "m_in", other);
        g_autoptr(ConvRnnSession) session = layer_session(cell, 1, FALSE, config);
        for (int round = 0; round < 2; round++) {
            memset(convrnn_session_get_input_data(session, 0), 0, C * sizeof(float));
            convrnn_session_step(session);
            const float *y = convrnn_session_get_output_data(session, 0);
            for (int i = 0; i < H; i++) {
                double sum = 0;
                for (int j = 0; j < H; j++)
                    sum += weight(r, (gsize)(i * H + j)) * weight(start, own ? 0 : (gsize)j);
                g_assert_cmpfloat_with_epsilon(y[i], tanh(sum), 1e-6);
            }
            convrnn_session_step(session);
            convrnn_session_reset(session);
        }
    }
}

/* A learned state that lies in a file. */
static void
test_initial_from_file(void)
{
    static const char header[] = "\x93NUMPY\x01\x00\x37\x00"
                                 "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}";
    GError *error = NULL;
    g_autofree char *path = NULL;
    const float values[H] = {0.25f, -0.5f};
    g_autoptr(GByteArray) file = g_byte_array_new();

    g_byte_array_append(file, (const guint8 *)header, 10 + 0x37);
    g_byte_array_append(file, (const guint8 *)values, sizeof values);
    g_close(g_file_open_tmp("state-XXXXXX.npy", &path, &error), NULL);
    g_file_set_contents(path, (const char *)file->data, file->len, &error);
    g_assert_no_error(error);
    g_autoptr(ConvRnnTensor) start = convrnn_tensor_new_from_npy(path, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(convrnn_tensor_get_data(start), 2 * sizeof(float), values, sizeof values);
    g_unlink(path);
    g_assert_null(convrnn_tensor_new_from_npy(path, &error));
    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_IO);
    g_error_free(error);

    g_autoptr(ConvRnnTensor) w = random_tensor(2, (const gint64[]){H, C});
    g_autoptr(ConvRnnTensor) r = random_tensor(2, (const gint64[]){H, H});
    g_autoptr(ConvRnnCell) cell =
        convrnn_cell_new_rnn(CONVRNN_CELL(.weights = w, .recurrent = r, .initial = start), NULL);
    g_autoptr(ConvRnnSession) session = layer_session(cell, 1, FALSE, NULL);
    memset(convrnn_session_get_input_data(session, 0), 0, C * sizeof(float));
    convrnn_session_step(session);
    for (int i = 0; i < H; i++)
        g_assert_cmpfloat_with_epsilon(
            ((const float *)convrnn_session_get_output_data(session, 0))[i],
            tanh(weight(r, (gsize)(i * H)) * 0.25 - weight(r, (gsize)(i * H + 1)) * 0.5), 1e-6);
}

static void
test_streams_of(const char *name, MakeCell make)
{
    g_autofree char *unrolled = g_strconcat("/cells/unrolled/", name, NULL);
    g_autofree char *cont = g_strconcat("/cells/cont/", name, NULL);
    g_autofree char *scan = g_strconcat("/cells/scan/", name, NULL);

    g_test_add_data_func(scan, make, test_scan);
    g_test_add_data_func(unrolled, make, test_unrolled);
    g_test_add_data_func(cont, make, test_cont);
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
    test_streams_of("rnn", small_rnn);
    test_streams_of("gru", small_gru);
    test_streams_of("lstm", small_lstm);
    test_streams_of("stack", small_stack);
    g_test_add_func("/cells/cont/garbage", test_cont_clears_garbage);
    g_test_add_func("/cells/last-output", test_last_output);
    g_test_add_func("/cells/initial", test_initial);
    g_test_add_func("/cells/initial-from-file", test_initial_from_file);
    return g_test_run();
}
