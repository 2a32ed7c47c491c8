/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RNN, GRU and LSTM: vectors computed by PyTorch in double precision, and random shapes and
 * attributes against the equations of the ONNX pages, step by step in double precision. */
#include "ops/recurrent.h"
#include "support/op_run.h"
#include <math.h>
#include <string.h>

/* --- vectors --- */

#define X       "0.5 -1 0.25 1 -0.5"
#define W       "0.3 -0.2 0.5 0.1 -0.4 0.2 -0.1"
#define R       "0.2 -0.3 0.1 0.4 -0.1"
#define B       "0.1 -0.1 0.2 0.3"
#define STATE_H "f32[2,1,2] 0.1 -0.2 0.3"
#define STATE_C "f32[2,1,2] -0.3 0.2"

static void
test_pytorch(void)
{
    op_check("LSTM", "direction=bidirectional hidden_size=2",
             "f32[2,1,2] " X "; f32[2,8,2] " W "; f32[2,8,2] " R "; f32[2,16] " B "; -; " STATE_H
             "; " STATE_C,
             "f32[2,2,1,2] 0.09244975 0.2333456 0.1970505 0.2126528 0.2073898 0.2730676 0.0525674 "
             "0.3070044; f32[2,1,2] 0.2073898 0.2730676 0.1970505 0.2126528; "
             "f32[2,1,2] 0.3412104 0.4087386 0.4241547 0.4233455");
    op_check("GRU", "direction=bidirectional linear_before_reset=1",
             "f32[2,1,2] " X "; f32[2,6,2] " W "; f32[2,6,2] " R "; f32[2,12] " B "; -; " STATE_H,
             "f32[2,2,1,2] -0.05039427 0.09207153 0.1980059 0.03202354 0.2402944 -0.0607471 "
             "0.3731834 0.3017849; f32[2,1,2] 0.2402944 -0.0607471 0.1980059 0.03202354");
    op_check("RNN", "direction=bidirectional",
             "f32[3,1,2] " X "; f32[2,2,2] " W "; f32[2,2,2] " R "; f32[2,4] " B "; -; " STATE_H,
             "f32[3,2,1,2] 0.6230653 0.2729051 -0.07189133 -0.2287735 0.2143644 0.5345319 "
             "0.3875483 0.3336963 -0.06738442 0.2310034 0.5298956 0.3095069; "
             "f32[2,1,2] -0.06738442 0.2310034 -0.07189133 -0.2287735");
}

/* --- the definition --- */

typedef struct {
    CrCell cell;
    int gates, steps, batch, inputs, hidden, directions;
    bool reverse, batch_first, linear_before_reset, couple, relu;
    double clip;
    const float *x, *w, *r, *b, *h0, *c0, *p;
    const int32_t *lengths;
} Case;

static double
clipped(const Case *c, double v)
{
    return fmin(fmax(v, -c->clip), c->clip);
}

static double
gate(const Case *c, double v)
{
    return 1 / (1 + exp(-clipped(c, v)));
}

/* g and h of an LSTM, g of a GRU, f of an RNN */
static double
squash(const Case *c, double v)
{
    return c->relu ? fmax(v, 0) : tanh(v);
}

static const float *
x_at(const Case *c, int t, int n)
{
    return c->x +
           (size_t)(c->batch_first ? n * c->steps + t : t * c->batch + n) * (size_t)c->inputs;
}

static size_t
state_at(const Case *c, int d, int n)
{
    return (size_t)(c->batch_first ? n * c->directions + d : d * c->batch + n) * (size_t)c->hidden;
}

static size_t
y_at(const Case *c, int t, int d, int n)
{
    int place = c->batch_first ? (n * c->steps + t) * c->directions + d
                               : (t * c->directions + d) * c->batch + n;
    return (size_t)place * (size_t)c->hidden;
}

/* Wx + b of one row of the weights. */
static double
of_input(const Case *c, int d, int row, const float *x)
{
    int rows = c->gates * c->hidden;
    double sum = c->b ? (double)c->b[d * 2 * rows + row] : 0;
    for (int k = 0; k < c->inputs; k++)
        sum += (double)c->w[((size_t)d * rows + row) * c->inputs + k] * (double)x[k];
    return sum;
}

/* Rh + b of one row of the weights. */
static double
of_state(const Case *c, int d, int row, const double *h)
{
    int rows = c->gates * c->hidden;
    double sum = c->b ? (double)c->b[d * 2 * rows + rows + row] : 0;
    for (int k = 0; k < c->hidden; k++)
        sum += (double)c->r[((size_t)d * rows + row) * c->hidden + k] * h[k];
    return sum;
}

#define MAX_HIDDEN 64

static void
define_rnn(const Case *c, int d, const float *x, double *h)
{
    double next[MAX_HIDDEN];
    for (int j = 0; j < c->hidden; j++)
        next[j] = squash(c, clipped(c, of_input(c, d, j, x) + of_state(c, d, j, h)));
    memcpy(h, next, sizeof next);
}

static void
define_gru(const Case *c, int d, const float *x, double *h)
{
    double z[MAX_HIDDEN], r[MAX_HIDDEN], reset[MAX_HIDDEN] = {0}, next[MAX_HIDDEN];
    int n = c->hidden;

    for (int j = 0; j < n; j++) {
        z[j] = gate(c, of_input(c, d, j, x) + of_state(c, d, j, h));
        r[j] = gate(c, of_input(c, d, n + j, x) + of_state(c, d, n + j, h));
        reset[j] = r[j] * h[j];
    }
    for (int j = 0; j < n; j++) {
        double sum = of_input(c, d, 2 * n + j, x);
        sum += c->linear_before_reset ? r[j] * of_state(c, d, 2 * n + j, h)
                                      : of_state(c, d, 2 * n + j, reset);
        next[j] = (1 - z[j]) * squash(c, clipped(c, sum)) + z[j] * h[j];
    }
    memcpy(h, next, sizeof next);
}

static void
define_lstm(const Case *c, int d, const float *x, double *h, double *cell)
{
    double next[MAX_HIDDEN];
    int n = c->hidden;

    for (int j = 0; j < n; j++) {
        double sum[4], p[3] = {0};
        for (int g = 0; g < 4; g++)
            sum[g] = of_input(c, d, g * n + j, x) + of_state(c, d, g * n + j, h);
        for (int g = 0; c->p && g < 3; g++)
            p[g] = (double)c->p[(d * 3 + g) * n + j];
        double i = gate(c, sum[0] + p[0] * cell[j]);
        double f = c->couple ? 1 - i : gate(c, sum[2] + p[2] * cell[j]);
        cell[j] = f * cell[j] + i * squash(c, clipped(c, sum[3]));
        next[j] = gate(c, sum[1] + p[1] * cell[j]) * squash(c, cell[j]);
    }
    memcpy(h, next, sizeof next);
}

static void
expect(const float *found, const double *wanted, int n)
{
    for (int j = 0; j < n; j++)
        if (!(fabs((double)found[j] - wanted[j]) <= 2e-5 * (1 + fabs(wanted[j]))))
            g_error("element %d is %.9g, wanted %.9g", j, (double)found[j], wanted[j]);
}

/* One sequence of one direction. */
static void
check_sequence(const Case *c, const OpRun *run, int d, int n)
{
    const float *y = op_run_output(run, 0)->data;
    double h[MAX_HIDDEN] = {0}, cell[MAX_HIDDEN] = {0}, zero[MAX_HIDDEN] = {0};
    int length = c->lengths ? CLAMP(c->lengths[n], 0, c->steps) : c->steps;
    bool reverse = c->directions == 2 ? d == 1 : c->reverse;

    for (int j = 0; j < c->hidden; j++) {
        h[j] = c->h0 ? (double)c->h0[state_at(c, d, n) + j] : 0;
        cell[j] = c->c0 ? (double)c->c0[state_at(c, d, n) + j] : 0;
    }
    for (int i = 0; i < length; i++) {
        int t = reverse ? length - 1 - i : i;
        if (c->cell == CR_CELL_RNN)
            define_rnn(c, d, x_at(c, t, n), h);
        else if (c->cell == CR_CELL_GRU)
            define_gru(c, d, x_at(c, t, n), h);
        else
            define_lstm(c, d, x_at(c, t, n), h, cell);
        expect(y + y_at(c, t, d, n), h, c->hidden);
    }
    for (int t = length; t < c->steps; t++)
        expect(y + y_at(c, t, d, n), zero, c->hidden);
    expect((const float *)op_run_output(run, 1)->data + state_at(c, d, n), h, c->hidden);
    if (c->cell == CR_CELL_LSTM)
        expect((const float *)op_run_output(run, 2)->data + state_at(c, d, n), cell, c->hidden);
}

/* --- random cases --- */

/* Appends a random input (or none) and returns its data. */
static const float *
add_input(OpRun *run, bool there, bool known, int rank, gint64 a, gint64 b, gint64 c)
{
    gint64 dims[] = {a, b, c};
    size_t n = (size_t)(a * b * (rank == 3 ? c : 1));

    if (!there) {
        op_run_input(run, NULL, false);
        return NULL;
    }
    float *data = g_new(float, n + 1);
    /* small enough that errors do not grow from step to step */
    double most = rank == 3 && c > 1 ? 1 / sqrt((double)c) : 0.6;
    for (size_t i = 0; i < n; i++)
        data[i] = (float)g_test_rand_double_range(-most, most);
    g_autoptr(GBytes) bytes = g_bytes_new_take(data, n * sizeof(float));
    op_run_input(run, convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, dims, (guint)rank, bytes, NULL),
                 known);
    return data;
}

static const int32_t *
add_lengths(OpRun *run, const Case *c)
{
    gint64 dims[] = {c->batch};
    int32_t *data = g_new(int32_t, c->batch);

    for (int i = 0; i < c->batch; i++)
        data[i] = g_test_rand_int_range(-1, c->steps + 3); /* also beyond both ends */
    g_autoptr(GBytes) bytes = g_bytes_new_take(data, (gsize)c->batch * sizeof *data);
    op_run_input(run, convrnn_tensor_new(CONVRNN_DTYPE_INT32, dims, 1, bytes, NULL),
                 g_test_rand_bit());
    return data;
}

/* The harness writes no lists of strings. */
static void
set_strings(OpRun *run, const char *name, const char *list)
{
    CrNode *node = (CrNode *)op_run_setup(run)->node;
    cr_node_set_ints(node, name, NULL, 0);
    CrAttr *attr = &node->attrs[node->n_attrs - 1];
    attr->type = CR_ATTR_STRINGS;
    attr->strings = g_strsplit(list, " ", -1);
    attr->n = (int)g_strv_length(attr->strings);
}

static void
set_floats(OpRun *run, const char *name, const float *v, int n)
{
    CrNode *node = (CrNode *)op_run_setup(run)->node;
    cr_node_set_ints(node, name, NULL, 0);
    CrAttr *attr = &node->attrs[node->n_attrs - 1];
    attr->type = CR_ATTR_FLOATS;
    attr->floats = g_memdup2(v, (gsize)n * sizeof *v);
    attr->n = n;
}

static void
check_case(Case *c, bool known)
{
    static const char *const names[] = {"RNN", "GRU", "LSTM"};
    static const char *const relus[] = {"relu Relu", "Sigmoid Relu Sigmoid Relu",
                                        "Sigmoid Relu Relu Sigmoid Relu Relu"};
    const char *direction = c->directions == 2 ? "bidirectional"
                            : c->reverse       ? "reverse"
                                               : "forward";
    g_autofree char *attrs = g_strdup_printf(
        "direction=%s layout=%d%s%s%s", direction, c->batch_first,
        c->cell == CR_CELL_GRU && c->linear_before_reset ? " linear_before_reset=1" : "",
        c->cell == CR_CELL_LSTM && c->couple ? " input_forget=1" : "",
        c->clip < 1 ? " clip=0.25" : "");
    gint64 gh = c->gates * c->hidden, d = c->directions, n = c->batch;
    bool lstm = c->cell == CR_CELL_LSTM;
    g_autoptr(GError) error = NULL;
    OpRun *run = op_run_new(names[c->cell], attrs, lstm ? 3 : 2);

    if (c->relu)
        set_strings(run, "activations", relus[c->cell]);
    gint64 first = c->batch_first ? n : c->steps, second = c->batch_first ? c->steps : n;
    c->x = add_input(run, true, false, 3, first, second, c->inputs);
    c->w = add_input(run, true, known, 3, d, gh, c->inputs);
    c->r = add_input(run, true, known, 3, d, gh, c->hidden);
    c->b = add_input(run, g_test_rand_bit(), known, 2, d, 2 * gh, 0);
    if (g_test_rand_bit())
        c->lengths = add_lengths(run, c);
    else
        op_run_input(run, NULL, false);
    first = c->batch_first ? n : d;
    second = c->batch_first ? d : n;
    c->h0 = add_input(run, g_test_rand_bit(), false, 3, first, second, c->hidden);
    c->c0 = lstm ? add_input(run, g_test_rand_bit(), false, 3, first, second, c->hidden) : NULL;
    c->p = lstm ? add_input(run, g_test_rand_bit(), known, 2, d, 3 * c->hidden, 0) : NULL;
    op_run_setup(run)->exact = g_test_rand_int_range(0, 4) == 0;
    op_run(run, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(op_run_step(run)->macs, ==,
                     (uint64_t)(d * n * c->steps * gh * (c->inputs + c->hidden)));
    for (int i = 0; i < c->directions; i++)
        for (int j = 0; j < c->batch; j++)
            check_sequence(c, run, i, j);
    op_run_free(run);
}

static void
test_random(void)
{
    static const int gates[] = {1, 3, 4}, batches[] = {1, 1, 2, 4, 5, 16, 17, 40},
                     steps[] = {0, 1, 1, 2, 7, 70}, hidden[] = {1, 3, 16, 20, 64};
    for (int i = 0; i < 300; i++) {
        Case c = {.cell = (CrCell)(i % 3), .clip = g_test_rand_int_range(0, 4) ? INFINITY : 0.25};
        c.gates = gates[c.cell];
        c.batch = batches[g_test_rand_int_range(0, G_N_ELEMENTS(batches))];
        c.steps = steps[g_test_rand_int_range(0, G_N_ELEMENTS(steps))];
        c.hidden = hidden[g_test_rand_int_range(0, G_N_ELEMENTS(hidden))];
        c.inputs = g_test_rand_int_range(0, 12);
        c.directions = g_test_rand_int_range(1, 3);
        c.reverse = g_test_rand_bit();
        c.batch_first = g_test_rand_bit();
        c.linear_before_reset = g_test_rand_bit();
        c.couple = g_test_rand_bit();
        c.relu = g_test_rand_int_range(0, 4) == 0 && c.hidden < 20;
        check_case(&c, g_test_rand_bit());
    }
}

/* --- activations --- */

static void
check_activation(const char *name, float alpha, float beta, const char *wanted)
{
    const float alphas[] = {alpha}, betas[] = {beta};
    OpRun *run = op_run_new("RNN", "", 1);
    g_autoptr(GError) error = NULL;
    ConvRnnTensor *y = op_tensor(wanted);

    set_strings(run, "activations", name);
    if (!isnan(alpha))
        set_floats(run, "activation_alpha", alphas, 1);
    if (!isnan(beta))
        set_floats(run, "activation_beta", betas, 1);
    op_run_inputs(run, "f32[4,1,1] -2 -0.5 0.5 2; f32[1,1,1] 1; f32[1,1,1] 0");
    op_run(run, &error);
    g_assert_no_error(error);
    op_tensor_assert_equal(op_run_output(run, 0), y, 1e-6);
    convrnn_tensor_unref(y);
    op_run_free(run);
}

static void
test_activations(void)
{
    check_activation("Sigmoid", NAN, NAN,
                     "f32[4,1,1,1] 0.11920292 0.37754067 0.62245933 0.88079708");
    check_activation("tanh", NAN, NAN,
                     "f32[4,1,1,1] -0.96402758 -0.46211716 0.46211716 0.96402758");
    check_activation("Relu", NAN, NAN, "f32[4,1,1,1] 0 0 0.5 2");
    check_activation("HardSigmoid", NAN, NAN, "f32[4,1,1,1] 0.1 0.4 0.6 0.9");
    check_activation("HardSigmoid", 0.5f, 0.25f, "f32[4,1,1,1] 0 0 0.5 1");
    check_activation("Affine", 2, 1, "f32[4,1,1,1] -3 0 2 5");
    check_activation("LeakyRelu", NAN, NAN, "f32[4,1,1,1] -0.02 -0.005 0.5 2");
    check_activation("LeakyRelu", 0.5f, NAN, "f32[4,1,1,1] -1 -0.25 0.5 2");
    check_activation("ThresholdedRelu", NAN, NAN, "f32[4,1,1,1] 0 0 0 2");
    check_activation("ScaledTanh", 2, 0.5f,
                     "f32[4,1,1,1] -1.5231883 -0.48983734 0.48983734 1.5231883");
    check_activation("Elu", NAN, NAN, "f32[4,1,1,1] -0.86466472 -0.39346934 0.5 2");
    check_activation("Softsign", NAN, NAN,
                     "f32[4,1,1,1] -0.66666667 -0.33333333 0.33333333 0.66666667");
    check_activation("Softplus", NAN, NAN,
                     "f32[4,1,1,1] 0.12692801 0.47407698 0.97407698 2.126928");
}

/* Numbers go only to the functions that take one, in order. */
static void
test_activation_order(void)
{
    const float alphas[] = {2, 0.5f}, betas[] = {0.25f};
    OpRun *run = op_run_new("RNN", "direction=bidirectional", 1);
    g_autoptr(GError) error = NULL;
    ConvRnnTensor *y = op_tensor("f32[1,2,1,1] -3.75 -1");

    set_strings(run, "activations", "Affine LeakyRelu");
    set_floats(run, "activation_alpha", alphas, 2);
    set_floats(run, "activation_beta", betas, 1);
    op_run_inputs(run, "f32[1,1,1] -2; f32[2,1,1] 1; f32[2,1,1] 0");
    op_run(run, &error);
    g_assert_no_error(error);
    op_tensor_assert_equal(op_run_output(run, 0), y, 1e-6);
    convrnn_tensor_unref(y);
    op_run_free(run);
}

static void
test_refused(void)
{
    const struct {
        const char *op, *attrs, *inputs;
        ConvRnnError code;
        const char *part;
    } cases[] = {
        {"LSTM", "", "f32[1,1,2] 1; f32[1,8,3] 1; f32[1,8,2] 1", CONVRNN_ERROR_SHAPE,
         "W must be 1×8×2, it is 1×8×3"},
        {"LSTM", "", "f32[1,1,2] 1; f32[1,6,2] 1; f32[1,6,2] 1", CONVRNN_ERROR_SHAPE, "W must be"},
        {"GRU", "", "f32[1,1,2] 1; f32[1,6,2] 1; f32[1,6,2] 1; f32[1,6] 1", CONVRNN_ERROR_SHAPE,
         "B must be 1×12"},
        {"GRU", "direction=bidirectional", "f32[1,1,2] 1; f32[1,6,2] 1; f32[1,6,2] 1",
         CONVRNN_ERROR_SHAPE, "W must be 2×6×2"},
        {"GRU", "direction=up", "f32[1,1,2] 1; f32[1,6,2] 1; f32[1,6,2] 1", CONVRNN_ERROR_FORMAT,
         "direction"},
        {"GRU", "hidden_size=3", "f32[1,1,2] 1; f32[1,6,2] 1; f32[1,6,2] 1", CONVRNN_ERROR_SHAPE,
         "hidden_size is 3"},
        {"GRU", "clip=0.0", "f32[1,1,2] 1; f32[1,6,2] 1; f32[1,6,2] 1", CONVRNN_ERROR_FORMAT,
         "clip"},
        {"GRU", "layout=2", "f32[1,1,2] 1; f32[1,6,2] 1; f32[1,6,2] 1", CONVRNN_ERROR_FORMAT,
         "layout"},
        {"GRU", "layout=1", "f32[3,1,2] 1; f32[1,6,2] 1; f32[1,6,2] 1; -; -; f32[1,3,2] 0",
         CONVRNN_ERROR_SHAPE, "initial_h must be 3×1×2"},
        {"RNN", "", "f32[1,1,2] 1; f32[1,2,2] 1; f32[1,2,2] 1; -; i64[1] 1", CONVRNN_ERROR_SHAPE,
         "int64"},
        {"RNN", "", "f32[1,1,2] 1; f32[1,2,2] 1; f32[1,2,2] 1; -; i32[2] 1", CONVRNN_ERROR_SHAPE,
         "sequence_lens must be 1"},
        {"RNN", "", "f32[1,1,2] 1; f32[1,0,2] 1; f32[1,0,0] 1", CONVRNN_ERROR_SHAPE, "empty"},
        {"RNN", "", "f32[1,2] 1; f32[1,2,2] 1; f32[1,2,2] 1", CONVRNN_ERROR_SHAPE, "3 dimensions"},
        {"RNN", "", "f64[1,1,2] 1; f32[1,2,2] 1; f32[1,2,2] 1", CONVRNN_ERROR_SHAPE, "float64"},
        {"LSTM", "", "f32[1,1,2] 1; f32[1,8,2] 1; f32[1,8,2] 1; -; -; -; -; f32[1,8] 1",
         CONVRNN_ERROR_SHAPE, "P must be 1×6"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        op_check_error(cases[i].op, cases[i].attrs, cases[i].inputs, cases[i].code, cases[i].part);
}

static void
test_refused_activations(void)
{
    static const struct {
        const char *list;
        ConvRnnError code;
        const char *part;
    } cases[] = {
        {"Sigmoid", CONVRNN_ERROR_FORMAT, "must list 2"},
        {"Sigmoid Sinus", CONVRNN_ERROR_UNSUPPORTED, "'Sinus'"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        OpRun *run = op_run_new("GRU", "", 1);
        g_autoptr(GError) error = NULL;
        set_strings(run, "activations", cases[i].list);
        op_run_inputs(run, "f32[1,1,2] 1; f32[1,6,2] 1; f32[1,6,2] 1");
        g_assert_false(op_run(run, &error));
        g_assert_error(error, CONVRNN_ERROR, (gint)cases[i].code);
        g_assert_nonnull(strstr(error->message, cases[i].part));
        op_run_free(run);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ops/recurrent/pytorch", test_pytorch);
    g_test_add_func("/ops/recurrent/random", test_random);
    g_test_add_func("/ops/recurrent/activations", test_activations);
    g_test_add_func("/ops/recurrent/activation-order", test_activation_order);
    g_test_add_func("/ops/recurrent/refused", test_refused);
    g_test_add_func("/ops/recurrent/refused-activations", test_refused_activations);
    return g_test_run();
}
