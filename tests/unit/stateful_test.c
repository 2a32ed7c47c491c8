/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* States that a model does not have as inputs and outputs: what its recurrent nodes forget
 * (carry-rnn-state), and the frames of a window (role=window). Numbers come from tests/exports;
 * here is what holds exactly. */
#include "core/memory.h"
#include "support/onnx_writer.h"
#include <convrnn/convrnn.h>
#include <stdbool.h>
#include <string.h>

#define INPUTS 3
#define HIDDEN 4
#define STEPS  4 /* as many rows are multiplied one by one: the same sums in the same order */

/* --- models --- */

static float
weight(int i)
{
    return (float)((i * 37 + 11) % 64 - 32) / 40;
}

static Ow *
weights(const char *name, const int64_t *dims, int n_dims, int seed)
{
    int n = 1;
    for (int i = 0; i < n_dims; i++)
        n *= (int)dims[i];
    g_autofree float *v = g_new(float, n);
    for (int i = 0; i < n; i++)
        v[i] = weight(seed + i);
    return ow_tensor(name, OW_FLOAT, dims, n_dims, v, (size_t)n * sizeof *v);
}

typedef struct {
    const char *op, *direction; /* direction NULL: forward */
    int gates, layers;
    bool batch_first, initial;
    int64_t steps;
} Stack;

/* Nodes l0, l1… of the same op; y: what the last one gives. */
static GBytes *
stack_bytes(const Stack *s)
{
    int64_t n = s->steps, d = g_strcmp0(s->direction, "bidirectional") == 0 ? 2 : 1;
    int64_t x[] = {s->batch_first ? 1 : n, s->batch_first ? n : 1, INPUTS};
    int64_t state[] = {s->batch_first ? 1 : d, s->batch_first ? d : 1, HIDDEN};
    Ow *graph = ow_new();

    for (int l = 0; l < s->layers; l++) {
        int64_t g = s->gates * HIDDEN, in = l == 0 ? INPUTS : HIDDEN;
        g_autofree char *from = l == 0 ? g_strdup("x") : g_strdup_printf("s%d", l - 1);
        g_autofree char *inputs =
            g_strdup_printf("%s,W%d,R%d,B%d,,%s", from, l, l, l, s->initial ? "h0" : "");
        g_autofree char *name = g_strdup_printf("l%d", l), *y = g_strdup_printf("y%d", l);
        g_autofree char *squeezed = g_strdup_printf("s%d", l);
        g_autofree char *w = g_strdup_printf("W%d", l), *r = g_strdup_printf("R%d", l),
                        *b = g_strdup_printf("B%d", l);
        Ow *node = ow_node(s->op, inputs, y);
        ow_text(node, 3, name);
        ow_attr_int(node, "hidden_size", HIDDEN);
        if (s->direction)
            ow_attr_text(node, "direction", s->direction);
        if (s->batch_first)
            ow_attr_int(node, "layout", 1);
        ow_put(graph, OW_G_NODE, node);
        if (d == 1) {
            g_autofree char *squeeze = g_strdup_printf("%s,%s", y, s->batch_first ? "two" : "one");
            ow_put(graph, OW_G_NODE, ow_node("Squeeze", squeeze, squeezed));
        }
        ow_put(graph, OW_G_INITIALIZER, weights(w, (int64_t[]){d, g, in}, 3, l));
        ow_put(graph, OW_G_INITIALIZER, weights(r, (int64_t[]){d, g, HIDDEN}, 3, 7 + l));
        ow_put(graph, OW_G_INITIALIZER, weights(b, (int64_t[]){d, 2 * g}, 2, 3 + l));
    }
    ow_put(graph, OW_G_INITIALIZER, ow_tensor_i64("one", (int64_t[]){1}, 1));
    ow_put(graph, OW_G_INITIALIZER, ow_tensor_i64("two", (int64_t[]){2}, 1));
    if (s->initial)
        ow_put(graph, OW_G_INITIALIZER, weights("h0", state, 3, 5));
    ow_put(graph, OW_G_INPUT, ow_value("x", OW_FLOAT, x, 3));
    g_autofree char *last = d == 2 ? g_strdup("y0") : g_strdup_printf("s%d", s->layers - 1);
    ow_put(graph, OW_G_OUTPUT, ow_value(last, OW_FLOAT, NULL, -1));
    return ow_model(graph, 14);
}

static ConvRnnModel *
load(GBytes *bytes, const char *modelinfo)
{
    g_autoptr(GError) error = NULL;
    ConvRnnModel *model = convrnn_model_load_bytes(bytes, "test", modelinfo, &error);
    g_assert_no_error(error);
    g_bytes_unref(bytes);
    return model;
}

static ConvRnnSession *
open_with(ConvRnnModel *model, gboolean carry, GError **error)
{
    g_autoptr(ConvRnnSessionConfig) config = convrnn_session_config_new();
    convrnn_session_config_set_carry_rnn_state(config, carry);
    return convrnn_session_new(model, config, error);
}

static ConvRnnSession *
opened(ConvRnnModel *model, gboolean carry)
{
    g_autoptr(GError) error = NULL;
    ConvRnnSession *session = open_with(model, carry, &error);
    g_assert_no_error(error);
    return session;
}

static void
assert_refused(ConvRnnModel *model, ConvRnnError code, const char *const *words)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(open_with(model, TRUE, &error));
    g_assert_error(error, CONVRNN_ERROR, (int)code);
    for (; *words; words++)
        if (!strstr(error->message, *words))
            g_error("'%s' is not in: %s", *words, error->message);
}

/* --- carry-rnn-state --- */

static void
picture(float *x, int step)
{
    for (int i = 0; i < INPUTS; i++)
        x[i] = weight(100 + 13 * step + i);
}

/* The output of `n` single steps, one after the other. */
static void
stream(ConvRnnSession *session, int n, float (*y)[HIDDEN])
{
    for (int step = 0; step < n; step++) {
        picture(convrnn_session_get_input_data(session, 0), step);
        g_assert_cmpint(convrnn_session_step(session), ==, CONVRNN_STEP_NORMAL);
        memcpy(y[step], convrnn_session_get_output_data(session, 0), sizeof *y);
    }
}

static const Stack stacks[] = {
    {.op = "RNN", .gates = 1, .layers = 1, .steps = 1},
    {.op = "GRU", .gates = 3, .layers = 2, .steps = 1, .initial = true},
    {.op = "LSTM", .gates = 4, .layers = 3, .steps = 1},
    {.op = "LSTM", .gates = 4, .layers = 1, .steps = 1, .initial = true, .batch_first = true},
};

/* Five steps of one frame each, the state carried, are one run over all five: the same bits. */
static void
test_carried(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(stacks); i++) {
        Stack whole = stacks[i];
        whole.steps = STEPS;
        g_autoptr(ConvRnnModel) one = load(stack_bytes(&stacks[i]), NULL);
        g_autoptr(ConvRnnModel) all = load(stack_bytes(&whole), NULL);
        g_autoptr(ConvRnnSession) streamed = opened(one, TRUE), run = opened(all, FALSE);
        float y[STEPS][HIDDEN], *x = convrnn_session_get_input_data(run, 0);

        for (int step = 0; step < STEPS; step++)
            picture(x + step * INPUTS, step);
        convrnn_session_step(run);
        stream(streamed, STEPS, y);
        g_assert_cmpmem(y, sizeof y, convrnn_session_get_output_data(run, 0), sizeof y);

        /* reset: as new; restored: goes on */
        float again[STEPS][HIDDEN];
        g_autoptr(GError) error = NULL;
        convrnn_session_reset(streamed);
        stream(streamed, 2, again);
        g_assert_cmpmem(again, sizeof *again * 2, y, sizeof *y * 2);
        g_autoptr(GBytes) snapshot = convrnn_session_save_state(streamed, &error);
        g_assert_no_error(error);
        g_autoptr(ConvRnnSession) other = opened(one, TRUE);
        g_assert_true(convrnn_session_restore_state(other, snapshot, &error));
        for (int step = 2; step < STEPS; step++) {
            picture(convrnn_session_get_input_data(other, 0), step);
            convrnn_session_step(other);
            g_assert_cmpmem(convrnn_session_get_output_data(other, 0), sizeof *y, y[step],
                            sizeof *y);
        }
    }
}

static void
test_names(void)
{
    static const char *const names[] = {"l0.h", "l0.c", "l1.h", "l1.c", "l2.h", "l2.c"};
    g_autoptr(ConvRnnModel) model = load(stack_bytes(&stacks[2]), NULL);
    g_autoptr(ConvRnnSession) session = opened(model, TRUE);

    g_assert_cmpuint(convrnn_session_get_n_inputs(session), ==, 1);
    g_assert_cmpuint(convrnn_session_get_n_outputs(session), ==, 1);
    g_assert_cmpuint(convrnn_session_get_n_states(session), ==, G_N_ELEMENTS(names));
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        ConvRnnStateOrigin origin;
        const ConvRnnTensorInfo *info = convrnn_session_get_state(session, i, NULL, &origin);
        g_assert_cmpstr(info->name, ==, names[i]);
        g_assert_cmpuint(info->n_dims, ==, 3);
        g_assert_cmpint(info->dims[2], ==, HIDDEN);
        g_assert_cmpint(origin, ==, CONVRNN_STATE_FROM_CARRY);
    }
}

/* Off: each step is the first; how many nodes that concerns is told. */
static void
test_off(void)
{
    ConvRnnSessionStats stats;
    float y[2][HIDDEN], first[HIDDEN];
    g_autoptr(ConvRnnModel) model = load(stack_bytes(&stacks[1]), NULL);
    g_autoptr(ConvRnnSession) session = opened(model, FALSE), carried = opened(model, TRUE);

    convrnn_session_get_stats(session, &stats);
    g_assert_cmpuint(stats.restarted_nodes, ==, 2);
    convrnn_session_get_stats(carried, &stats);
    g_assert_cmpuint(stats.restarted_nodes, ==, 0);
    g_assert_cmpuint(convrnn_session_get_n_states(session), ==, 0);
    stream(session, 2, y);
    picture(convrnn_session_get_input_data(session, 0), 0);
    convrnn_session_step(session);
    memcpy(first, convrnn_session_get_output_data(session, 0), sizeof first);
    g_assert_cmpmem(first, sizeof first, y[0], sizeof first);
}

static void
test_modelinfo(void)
{
    g_autoptr(ConvRnnModel) model =
        load(stack_bytes(&stacks[0]), "[modelinfo]\nversion=1.0\ncarry-rnn-state=true\n");
    g_autoptr(ConvRnnSession) session = opened(model, FALSE);
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = stack_bytes(&stacks[0]);

    g_assert_cmpuint(convrnn_session_get_n_states(session), ==, 1);
    g_assert_null(convrnn_model_load_bytes(
        bytes, "test", "[modelinfo]\nversion=1.0\ncarry-rnn-state=perhaps\n", &error));
    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT);
    g_assert_nonnull(strstr(error->message, "carry-rnn-state=perhaps"));
}

static void
test_refused(void)
{
    Stack long_one = {.op = "LSTM", .gates = 4, .layers = 1, .steps = 6};
    Stack both = {.op = "GRU", .direction = "bidirectional", .gates = 3, .layers = 1, .steps = 1};
    Stack inside = both;
    inside.steps = 6;
    g_autoptr(ConvRnnModel) several = load(stack_bytes(&long_one), NULL);
    g_autoptr(ConvRnnModel) backwards = load(stack_bytes(&both), NULL);
    g_autoptr(ConvRnnModel) columns = load(stack_bytes(&inside), NULL);

    assert_refused(several, CONVRNN_ERROR_STATE,
                   (const char *[]){"LSTM node 'l0'", "6 steps", "export it", NULL});
    assert_refused(backwards, CONVRNN_ERROR_STATE,
                   (const char *[]){"GRU node 'l0'", "backwards", NULL});
    assert_refused(columns, CONVRNN_ERROR_STATE, (const char *[]){"no state to carry", NULL});
    convrnn_session_free(opened(several, FALSE));
    convrnn_session_free(opened(backwards, FALSE));
}

/* --- loops --- */

static void
attr_graph(Ow *node, const char *name, Ow *graph)
{
    Ow *attr = ow_new();
    ow_text(attr, 1, name);
    ow_put(attr, 6, graph);
    ow_int(attr, 20, 5);
    ow_put(node, 5, attr);
}

/* h' = h + x and t' = t + 1 in each round; k is handed on, and u' is a constant, too. */
static Ow *
loop_body(void)
{
    Ow *body = ow_new();
    ow_put(body, OW_G_NODE, ow_node("Add", "h,x", "h_next"));
    ow_put(body, OW_G_NODE, ow_node("Add", "t,t_one", "t_next"));
    ow_put(body, OW_G_NODE, ow_node("Identity", "k", "k_next"));
    ow_put(body, OW_G_NODE, ow_node("Identity", "c", "c_next"));
    ow_put(body, OW_G_NODE, ow_node("Add", "k,k", "u_next"));
    ow_put(body, OW_G_INITIALIZER, ow_tensor_i64("t_one", (int64_t[]){1}, 1));
    ow_put(body, OW_G_INPUT, ow_value("i", OW_INT64, NULL, 0));
    ow_put(body, OW_G_INPUT, ow_value("c", OW_BOOL, NULL, 0));
    ow_put(body, OW_G_INPUT, ow_value("t", OW_INT64, (int64_t[]){1}, 1));
    ow_put(body, OW_G_INPUT, ow_value("k", OW_FLOAT, (int64_t[]){2}, 1));
    ow_put(body, OW_G_INPUT, ow_value("u", OW_FLOAT, (int64_t[]){2}, 1));
    ow_put(body, OW_G_INPUT, ow_value("h", OW_FLOAT, (int64_t[]){2}, 1));
    ow_put(body, OW_G_OUTPUT, ow_value("c_next", OW_BOOL, NULL, 0));
    ow_put(body, OW_G_OUTPUT, ow_value("t_next", OW_INT64, (int64_t[]){1}, 1));
    ow_put(body, OW_G_OUTPUT, ow_value("k_next", OW_FLOAT, (int64_t[]){2}, 1));
    ow_put(body, OW_G_OUTPUT, ow_value("u_next", OW_FLOAT, (int64_t[]){2}, 1));
    ow_put(body, OW_G_OUTPUT, ow_value("h_next", OW_FLOAT, (int64_t[]){2}, 1));
    return body;
}

/* y = h' + t' − 1, with h = (10, 20) and t = 0 before the first round. */
static GBytes *
loop_bytes(int64_t rounds)
{
    Ow *graph = ow_new(), *loop = ow_node("Loop", "n,,t0,k0,k0,h0", "t1,k1,u1,h1"),
       *cast = ow_node("Cast", "t1", "t1_float");
    ow_text(loop, 3, "time");
    attr_graph(loop, "body", loop_body());
    ow_attr_int(cast, "to", OW_FLOAT);
    ow_put(graph, OW_G_NODE, loop);
    ow_put(graph, OW_G_NODE, cast);
    ow_put(graph, OW_G_NODE, ow_node("Add", "h1,t1_float", "sum"));
    ow_put(graph, OW_G_NODE, ow_node("Sub", "sum,k1", "y"));
    ow_put(graph, OW_G_INITIALIZER, ow_tensor_i64("n", &rounds, 1));
    ow_put(graph, OW_G_INITIALIZER, ow_tensor_i64("t0", (int64_t[]){0}, 1));
    ow_put(graph, OW_G_INITIALIZER, ow_tensor_f32("k0", (float[]){1, 1}, 2));
    ow_put(graph, OW_G_INITIALIZER, ow_tensor_f32("h0", (float[]){10, 20}, 2));
    ow_put(graph, OW_G_INPUT, ow_value("x", OW_FLOAT, (int64_t[]){2}, 1));
    ow_put(graph, OW_G_OUTPUT, ow_value("y", OW_FLOAT, (int64_t[]){2}, 1));
    return ow_model(graph, 14);
}

/* h' = h + slice of x; y: all h'. */
static GBytes *
scan_bytes(int64_t rounds)
{
    Ow *graph = ow_new(), *body = ow_new(), *scan = ow_node("Scan", "h0,x", "h1,y");
    ow_put(body, OW_G_NODE, ow_node("Add", "h,slice", "h_next"));
    ow_put(body, OW_G_NODE, ow_node("Identity", "h_next", "out"));
    ow_put(body, OW_G_INPUT, ow_value("h", OW_FLOAT, (int64_t[]){2}, 1));
    ow_put(body, OW_G_INPUT, ow_value("slice", OW_FLOAT, (int64_t[]){2}, 1));
    ow_put(body, OW_G_OUTPUT, ow_value("h_next", OW_FLOAT, (int64_t[]){2}, 1));
    ow_put(body, OW_G_OUTPUT, ow_value("out", OW_FLOAT, (int64_t[]){2}, 1));
    ow_text(scan, 3, "time");
    ow_attr_int(scan, "num_scan_inputs", 1);
    attr_graph(scan, "body", body);
    ow_put(graph, OW_G_NODE, scan);
    ow_put(graph, OW_G_INITIALIZER, ow_tensor_f32("h0", (float[]){10, 20}, 2));
    ow_put(graph, OW_G_INPUT, ow_value("x", OW_FLOAT, (int64_t[]){rounds, 2}, 2));
    ow_put(graph, OW_G_OUTPUT, ow_value("y", OW_FLOAT, NULL, -1));
    return ow_model(graph, 14);
}

static void
check_sums(ConvRnnModel *model, gboolean carry, const float *expected)
{
    g_autoptr(ConvRnnSession) session = opened(model, carry);
    for (int step = 0; step < 3; step++) {
        float *x = convrnn_session_get_input_data(session, 0);
        x[0] = (float)step + 1;
        x[1] = 5;
        convrnn_session_step(session);
        const float *y = convrnn_session_get_output_data(session, 0);
        g_assert_cmpfloat(y[0], ==, expected[2 * step]);
        g_assert_cmpfloat(y[1], ==, expected[2 * step + 1]);
    }
}

/* Only what the round changes and the frame decides is carried; counters start afresh. */
static void
test_loops(void)
{
    static const float carried[] = {11, 25, 13, 30, 16, 35}, alone[] = {11, 25, 12, 25, 13, 25};
    for (int i = 0; i < 2; i++) {
        ConvRnnSessionStats stats;
        g_autoptr(ConvRnnModel) one = load(i ? scan_bytes(1) : loop_bytes(1), NULL);
        g_autoptr(ConvRnnModel) three = load(i ? scan_bytes(3) : loop_bytes(3), NULL);
        g_autoptr(ConvRnnSession) session = opened(one, TRUE), off = opened(one, FALSE);

        check_sums(one, TRUE, carried);
        check_sums(one, FALSE, alone);
        g_assert_cmpuint(convrnn_session_get_n_states(session), ==, 1);
        g_assert_cmpstr(convrnn_session_get_state(session, 0, NULL, NULL)->name, ==,
                        i ? "time.0" : "time.3");
        convrnn_session_get_stats(off, &stats);
        g_assert_cmpuint(stats.restarted_nodes, ==, 1);
        assert_refused(
            three, CONVRNN_ERROR_STATE,
            (const char *[]){i ? "Scan node 'time'" : "Loop node 'time'", "3 times", NULL});
    }
}

/* --- role=window --- */

#define FRAME  6 /* elements of a frame */
#define LENGTH 3

typedef struct {
    const char *what;
    int64_t dims[5], frame[5];
    int n_dims, n_frame;
    int outer; /* pieces of a frame in the window */
} Window;

static const Window windows[] = {
    {"1,N,C,H,W", {1, 3, 2, 1, 3}, {1, 2, 1, 3}, 5, 4, 1},
    {"1,C,N,H,W", {1, 2, 3, 1, 3}, {1, 2, 1, 3}, 5, 4, 2},
    {"N,C,H,W", {3, 2, 1, 3}, {1, 2, 1, 3}, 4, 4, 1},
    {"1,NC,H,W", {1, 6, 1, 3}, {1, 2, 1, 3}, 4, 4, 1},
    {"1,N,H,W", {1, 3, 2, 3}, {1, 1, 2, 3}, 4, 4, 1},
    {"1,N,F", {1, 3, 6}, {1, 1, 6}, 3, 3, 1},
    {"1,N open,C,H,W", {1, -1, 2, 1, 3}, {1, 2, 1, 3}, 5, 4, 1},
};

/* y = |x|, of the window's shape. */
static GBytes *
window_bytes(const int64_t *dims, int n_dims)
{
    Ow *graph = ow_new();
    ow_put(graph, OW_G_NODE, ow_node("Abs", "clip", "y"));
    ow_put(graph, OW_G_INPUT, ow_value("clip", OW_FLOAT, dims, n_dims));
    ow_put(graph, OW_G_OUTPUT, ow_value("y", OW_FLOAT, NULL, -1));
    return ow_model(graph, 14);
}

/* Element e of frame t, from 1 on. */
static float
pixel(int t, int e)
{
    return (float)(10 * t + e);
}

/* After frame t (from 0) the window holds t - 2, t - 1, t; before frame 0 was `fill`. */
static void
check_window(const ConvRnnSession *session, const Window *w, int t, bool zeros)
{
    const float *y = convrnn_session_get_output_data(session, 0);
    int piece = FRAME / w->outer;

    for (int o = 0; o < w->outer; o++)
        for (int i = 0; i < LENGTH; i++)
            for (int e = 0; e < piece; e++) {
                int frame = t - (LENGTH - 1) + i;
                float expected = frame < 0 && zeros ? 0 : pixel(MAX(frame, 0), o * piece + e);
                g_assert_cmpfloat(y[(o * LENGTH + i) * piece + e], ==, expected);
            }
}

static void
give(ConvRnnSession *session, int t)
{
    float *x = convrnn_session_get_input_data(session, 0);
    for (int e = 0; e < FRAME; e++)
        x[e] = pixel(t, e);
    g_assert_cmpint(convrnn_session_step(session), ==, CONVRNN_STEP_NORMAL);
}

static void
test_windows(void)
{
    for (guint i = 0; i < 2 * G_N_ELEMENTS(windows); i++) {
        const Window *w = &windows[i / 2];
        bool zeros = i % 2;
        g_autoptr(ConvRnnModel) model =
            load(window_bytes(w->dims, w->n_dims),
                 zeros ? "[modelinfo]\nversion=1.0\n[clip]\nrole=window\nlength=3\nfill=zero\n"
                       : "[modelinfo]\nversion=1.0\n[clip]\nrole=window\nlength=3\n");
        g_autoptr(ConvRnnSession) session = opened(model, FALSE);
        g_autoptr(GError) error = NULL;
        const ConvRnnTensorInfo *declared = convrnn_model_get_input(model, 0);
        const ConvRnnTensorInfo *frame = convrnn_session_get_input(session, 0);

        g_test_message("%s", w->what);
        g_assert_cmpuint(frame->n_dims, ==, w->n_frame);
        g_assert_cmpuint(declared->n_dims, ==, w->n_frame);
        for (int d = 0; d < w->n_frame; d++) {
            g_assert_cmpint(frame->dims[d], ==, w->frame[d]);
            g_assert_cmpint(declared->dims[d], ==, w->frame[d]);
        }
        for (int t = 0; t < 5; t++) {
            give(session, t);
            check_window(session, w, t, zeros);
        }
        convrnn_session_reset(session);
        for (int t = 0; t < 2; t++) {
            give(session, t);
            check_window(session, w, t, zeros);
        }
        g_autoptr(GBytes) snapshot = convrnn_session_save_state(session, &error);
        g_autoptr(ConvRnnSession) other = opened(model, FALSE);
        g_assert_true(convrnn_session_restore_state(other, snapshot, &error));
        for (int t = 2; t < 5; t++) {
            give(other, t);
            check_window(other, w, t, zeros);
        }
    }
}

static void
test_window_states(void)
{
    g_autoptr(ConvRnnModel) model =
        load(window_bytes(windows[0].dims, 5),
             "[modelinfo]\nversion=1.0\n[clip]\nrole=window\nlength=3\n");
    g_autoptr(ConvRnnSession) session = opened(model, FALSE);
    ConvRnnStateOrigin origin;

    g_assert_cmpuint(convrnn_session_get_n_states(session), ==, 2);
    g_assert_cmpstr(convrnn_session_get_state(session, 0, NULL, &origin)->name, ==, "clip.window");
    g_assert_cmpint(origin, ==, CONVRNN_STATE_FROM_WINDOW);
    g_assert_cmpstr(convrnn_session_get_state(session, 1, NULL, NULL)->name, ==, "clip.count");
}

/* A window of one frame is that frame: no state. With carry-rnn-state it takes the time axis away.
 */
static void
test_window_of_one(void)
{
    g_autoptr(ConvRnnModel) model =
        load(window_bytes((int64_t[]){1, 1, 3, 2, 1}, 5),
             "[modelinfo]\nversion=1.0\n[clip]\nrole=window\nlength=1\naxis=1\n");
    g_autoptr(ConvRnnSession) session = opened(model, FALSE);

    g_assert_cmpuint(convrnn_session_get_n_states(session), ==, 0);
    g_assert_cmpuint(convrnn_session_get_input(session, 0)->n_dims, ==, 4);
    give(session, 4);
    for (int e = 0; e < FRAME; e++)
        g_assert_cmpfloat(((const float *)convrnn_session_get_output_data(session, 0))[e], ==,
                          pixel(4, e));
}

static void
test_window_shapes(void)
{
    g_autoptr(ConvRnnModel) model =
        load(window_bytes((int64_t[]){1, 3, 2, -1, -1}, 5),
             "[modelinfo]\nversion=1.0\n[clip]\nrole=window\nlength=3\n");
    g_autoptr(ConvRnnSessionConfig) config = convrnn_session_config_new();
    g_autoptr(GError) error = NULL;

    g_assert_null(convrnn_session_new(model, config, &error));
    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_SHAPE);
    g_clear_error(&error);
    convrnn_session_config_set_input_shape(config, "clip", (gint64[]){1, 3, 1, 3}, 4);
    g_assert_null(convrnn_session_new(model, config, &error));
    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_SHAPE);
    g_assert_nonnull(strstr(error->message, "one frame of the window 'clip'"));
    g_clear_error(&error);
    convrnn_session_config_set_input_shape(config, "clip", (gint64[]){1, 2, 1, 3}, 4);
    g_autoptr(ConvRnnSession) session = convrnn_session_new(model, config, &error);
    g_assert_no_error(error);
    for (int t = 0; t < 4; t++) {
        give(session, t);
        check_window(session, &windows[0], t, false);
    }
}

static void
test_window_refused(void)
{
    static const struct {
        const char *info, *word;
        int64_t dims[5];
    } bad[] = {
        {"", "length= is missing", {1, 3, 2, 1, 3}},
        {"length=0\n", "length=0", {1, 3, 2, 1, 3}},
        {"length=3x\n", "length=3x", {1, 3, 2, 1, 3}},
        {"length=3\nfill=last\n", "fill=last", {1, 3, 2, 1, 3}},
        {"length=3\naxis=5\n", "axis=5", {1, 3, 2, 1, 3}},
        {"length=4\naxis=1\n", "axis 1 is 3 long", {1, 3, 2, 1, 3}},
        {"length=3\n", "not clear", {1, 3, 3, 1, 3}},
        {"length=7\n", "not clear", {1, 3, 2, 1, 3}},
        {"length=3\n", "not clear", {-1, 3, 8, 8}},
    };
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GBytes) bytes = window_bytes(bad[i].dims, bad[i].dims[4] ? 5 : 4);
        g_autoptr(GError) error = NULL;
        g_autofree char *info =
            g_strdup_printf("[modelinfo]\nversion=1.0\n[clip]\nrole=window\n%s", bad[i].info);
        g_assert_null(convrnn_model_load_bytes(bytes, "test", info, &error));
        g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT);
        if (!strstr(error->message, bad[i].word))
            g_error("'%s' is not in: %s", bad[i].word, error->message);
    }
}

/* Every allocation fails in turn: an error, and nothing is left behind. */
static void
test_no_memory(void)
{
    for (int i = 0; i < 3; i++) {
        g_autoptr(ConvRnnModel) model =
            i == 0   ? load(stack_bytes(&stacks[2]), NULL)
            : i == 1 ? load(loop_bytes(1), NULL)
                     : load(window_bytes(windows[0].dims, 5),
                            "[modelinfo]\nversion=1.0\n[clip]\nrole=window\nlength=3\n");
        for (unsigned n = 1;; n++) {
            g_autoptr(GError) error = NULL;
            cr_mem_fail_at(n, true);
            ConvRnnSession *session = open_with(model, i < 2, &error);
            cr_mem_fail_at(0, false);
            if (session) {
                g_assert_cmpuint(n, >, 3);
                convrnn_session_free(session);
                break;
            }
            g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_NOMEM);
        }
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/carry/carried", test_carried);
    g_test_add_func("/carry/names", test_names);
    g_test_add_func("/carry/off", test_off);
    g_test_add_func("/carry/modelinfo", test_modelinfo);
    g_test_add_func("/carry/refused", test_refused);
    g_test_add_func("/carry/loops", test_loops);
    g_test_add_func("/window/frames", test_windows);
    g_test_add_func("/window/states", test_window_states);
    g_test_add_func("/window/of-one", test_window_of_one);
    g_test_add_func("/window/shapes", test_window_shapes);
    g_test_add_func("/window/refused", test_window_refused);
    g_test_add_func("/window/no-memory", test_no_memory);
    return g_test_run();
}
