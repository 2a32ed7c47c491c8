/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What holds exactly in recurrent networks, whatever their weights: steps in a row are steps in
 * a stream, a sequence that begins anew knows nothing of the one before, and where the output is
 * the state. */
#include <convrnn/convrnn.h>
#include <math.h>
#include <string.h>

#define FRAMES   6
#define ELEMENTS 256 /* elements of an output */

typedef ConvRnnCell *(*NewCell)(const ConvRnnCellParams *params, GError **error);

typedef struct {
    const char *name;
    NewCell new_cell;
    gint64 gates;
    gboolean convolutional;
} Kind;

static const Kind kinds[] = {
    {"RNN", convrnn_cell_new_rnn, 1, FALSE},
    {"GRU", convrnn_cell_new_gru, 3, FALSE},
    {"LSTM", convrnn_cell_new_lstm, 4, FALSE},
    {"ConvRNN", convrnn_cell_new_conv_rnn, 1, TRUE},
    {"ConvGRU", convrnn_cell_new_conv_gru, 3, TRUE},
    {"ConvLSTM", convrnn_cell_new_conv_lstm, 4, TRUE},
};

static void
fill(float *v, gsize n, int seed)
{
    for (gsize i = 0; i < n; i++)
        v[i] = (float)(0.25 * sin(0.37 * (double)i + seed));
}

static ConvRnnTensor *
tensor(int seed, guint n_dims, const gint64 *dims)
{
    ConvRnnTensor *t = convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, dims, n_dims, NULL, NULL);
    fill((float *)convrnn_tensor_get_data(t), convrnn_tensor_get_n_elements(t), seed);
    return t;
}

/* Of 4 units: dense on inputs of `inputs` elements, or convolutional on as many channels. */
static ConvRnnCell *
make(const Kind *kind, gint64 inputs)
{
    guint rank = kind->convolutional ? 4 : 2;
    g_autoptr(ConvRnnTensor) w = tensor(1, rank, (gint64[]){4 * kind->gates, inputs, 3, 3}),
                             r = tensor(2, rank, (gint64[]){4 * kind->gates, 4, 3, 3}),
                             bias = tensor(3, 1, (gint64[]){4 * kind->gates}),
                             initial = tensor(4, rank, (gint64[]){1, 4, 1, 1});
    GError *error = NULL;
    ConvRnnCell *cell = kind->new_cell(
        CONVRNN_CELL(.weights = w, .recurrent = r, .bias = bias, .initial = initial), &error);

    g_assert_no_error(error);
    return cell;
}

static guint
input(ConvRnnBuilder *b, const char *name, const Kind *kind, gint64 frames)
{
    const gint64 picture[4] = {frames, 2, 5, 6}, vector[2] = {frames, 60};
    return convrnn_builder_input(b, name, CONVRNN_DTYPE_FLOAT32,
                                 kind->convolutional ? picture : vector,
                                 kind->convolutional ? 4 : 2);
}

static ConvRnnSession *
open_session(ConvRnnBuilder *b, const char *const *outputs)
{
    GError *error = NULL;
    g_autoptr(ConvRnnModel) model = convrnn_builder_build(b, "test", &error);
    ConvRnnSessionConfig *config = convrnn_session_config_new();

    g_assert_no_error(error);
    convrnn_session_config_set_outputs(config, outputs);
    ConvRnnSession *session = convrnn_session_new(model, config, &error);
    g_assert_no_error(error);
    convrnn_session_config_free(config);
    convrnn_builder_unref(b);
    return session;
}

static gsize
size_of(const ConvRnnSession *session, guint output)
{
    const ConvRnnTensorInfo *info = convrnn_session_get_output(session, output);
    gsize n = 1;
    for (guint i = 0; i < info->n_dims; i++)
        n *= (gsize)info->dims[i];
    g_assert_cmpuint(n, <=, ELEMENTS);
    return n * sizeof(float);
}

/* The outputs of a stream of frames; where `cont` is NULL the layer has no such input. */
static void
stream(const Kind *kind, const float *cont, int first, float (*out)[ELEMENTS])
{
    ConvRnnBuilder *b = convrnn_builder_new();
    g_autoptr(ConvRnnCell) cell = make(kind, kind->convolutional ? 2 : 60);
    guint x = input(b, "x", kind, 1);
    guint flag =
        cont ? convrnn_builder_input(b, "cont", CONVRNN_DTYPE_FLOAT32, NULL, 0) : CONVRNN_NO_VALUE;

    convrnn_builder_output(b, "y", convrnn_builder_layer(b, "m", cell, x, flag));
    ConvRnnSession *session = open_session(b, NULL);
    for (int t = first; t < FRAMES; t++) {
        fill(convrnn_session_get_input_data(session, 0), 60, t);
        if (cont)
            *(float *)convrnn_session_get_input_data(session, 1) = cont[t];
        convrnn_session_step(session);
        memcpy(out[t], convrnn_session_get_output_data(session, 0), size_of(session, 0));
    }
    convrnn_session_free(session);
}

static void
unroll(const Kind *kind, float (*out)[ELEMENTS])
{
    ConvRnnBuilder *b = convrnn_builder_new();
    g_autoptr(ConvRnnCell) cell = make(kind, kind->convolutional ? 2 : 60);
    guint frames = input(b, "x", kind, FRAMES);
    guint states[2] = {CONVRNN_NO_VALUE, CONVRNN_NO_VALUE}, next[2];

    for (int t = 0; t < FRAMES; t++) {
        g_autofree char *name = g_strdup_printf("y%d", t);
        guint x = convrnn_builder_slice(b, frames, 0, t, t + 1, 1);
        convrnn_builder_output(b, name, convrnn_builder_step(b, cell, x, states, next));
        memcpy(states, next, sizeof states);
    }
    ConvRnnSession *session = open_session(b, NULL);
    float *x = convrnn_session_get_input_data(session, 0);
    for (int t = 0; t < FRAMES; t++)
        fill(x + 60 * t, 60, t);
    convrnn_session_step(session);
    for (guint t = 0; t < FRAMES; t++)
        memcpy(out[t], convrnn_session_get_output_data(session, t), size_of(session, t));
    convrnn_session_free(session);
}

/* To the bit where the arithmetic cannot be cut up in two ways: the convolutions of a step may be
 * fused in another way when their state is a constant. */
static void
test_unrolled(gconstpointer kind)
{
    float a[FRAMES][ELEMENTS] = {{0}}, b[FRAMES][ELEMENTS] = {{0}};

    stream(kind, NULL, 0, a);
    unroll(kind, b);
    if (((const Kind *)kind)->convolutional) {
        for (int i = 0; i < FRAMES * ELEMENTS; i++)
            g_assert_cmpfloat_with_epsilon(a[i / ELEMENTS][i % ELEMENTS],
                                           b[i / ELEMENTS][i % ELEMENTS], 2e-6f);
    } else {
        g_assert_cmpmem(a, sizeof a, b, sizeof b);
    }
    g_assert_cmpfloat(a[0][0], !=, a[FRAMES - 1][0]);
}

/* After a frame whose cont is 0 the stream goes on as one that began with this frame. */
static void
test_cont(gconstpointer kind)
{
    static const float begins_at_3[FRAMES] = {1, 1, 1, 0, 1, 1},
                       goes_on[FRAMES] = {1, 1, 1, 1, 1, 1};
    float a[FRAMES][ELEMENTS] = {{0}}, b[FRAMES][ELEMENTS] = {{0}}, c[FRAMES][ELEMENTS] = {{0}};

    stream(kind, begins_at_3, 0, a);
    stream(kind, goes_on, 3, b);
    g_assert_cmpmem(a[3], 3 * sizeof a[0], b[3], 3 * sizeof b[0]);
    stream(kind, goes_on, 0, c);
    g_assert_cmpmem(a[0], 3 * sizeof a[0], c[0], 3 * sizeof c[0]);
    g_assert_cmpint(memcmp(a[3], c[3], sizeof a[3]), !=, 0);
}

static gconstpointer
output(const ConvRnnSession *session, const char *name)
{
    for (guint i = 0; i < convrnn_session_get_n_outputs(session); i++) {
        if (strcmp(convrnn_session_get_output(session, i)->name, name) == 0)
            return convrnn_session_get_output_data(session, i);
    }
    g_assert_not_reached();
}

/* Whether the output and each state (named in `outputs` after the output) are the same bytes. */
static void
compare_with_states(ConvRnnCell *cell, const Kind *kind, const char *const *outputs,
                    const gboolean *equal)
{
    ConvRnnBuilder *b = convrnn_builder_new();

    convrnn_builder_output(
        b, "y", convrnn_builder_layer(b, "m", cell, input(b, "x", kind, 1), CONVRNN_NO_VALUE));
    ConvRnnSession *session = open_session(b, outputs);
    for (int t = 0; t < FRAMES; t++) {
        fill(convrnn_session_get_input_data(session, 0), 60, t);
        convrnn_session_step(session);
        for (guint i = 1; outputs[i]; i++) {
            gboolean same =
                memcmp(output(session, "y"), output(session, outputs[i]), size_of(session, 0)) == 0;
            g_assert_cmpint(same, ==, equal[i]);
        }
    }
    convrnn_session_free(session);
}

/* One layer of RNN or GRU: the output is the state. */
static void
test_output_is_state(gconstpointer kind)
{
    const Kind *k = kind;
    g_autoptr(ConvRnnCell) cell = make(k, k->convolutional ? 2 : 60);
    static const char *const one[] = {"y", "m_out", NULL};
    static const char *const two[] = {"y", "m_h_out", "m_c_out", NULL};

    /* An LSTM's output is only half of its state. */
    compare_with_states(cell, k, k->gates == 4 ? two : one, (gboolean[]){TRUE, TRUE, FALSE});
}

/* Of two layers the output is the upper one's state. */
static void
test_output_of_two(gconstpointer kind)
{
    const Kind *k = kind;
    g_autoptr(ConvRnnCell) lower = make(k, k->convolutional ? 2 : 60), upper = make(k, 4);
    g_autoptr(ConvRnnCell) stack = convrnn_cell_new_stack((ConvRnnCell *[]){lower, upper}, 2, NULL);
    static const char *const outputs[] = {"y", "m_0_out", "m_1_out", NULL};

    if (k->gates < 4)
        compare_with_states(stack, k, outputs, (gboolean[]){TRUE, FALSE, TRUE});
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*test)(gconstpointer kind);
    } facts[] = {
        {"unrolled", test_unrolled},
        {"cont", test_cont},
        {"output-is-state", test_output_is_state},
        {"output-of-two", test_output_of_two},
    };

    g_test_init(&argc, &argv, NULL);
    for (gsize f = 0; f < G_N_ELEMENTS(facts); f++) {
        for (gsize k = 0; k < G_N_ELEMENTS(kinds); k++) {
            g_autofree char *path = g_strdup_printf("/facts/%s/%s", facts[f].name, kinds[k].name);
            g_test_add_data_func(path, &kinds[k], facts[f].test);
        }
    }
    return g_test_run();
}
