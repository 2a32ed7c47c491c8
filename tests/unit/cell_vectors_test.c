/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cells with many options against outputs that PyTorch's modules and the papers' formulas give:
 * tests/oracle/cell_vectors.py printed them, and fills weights and inputs as it is done here. */
#include <convrnn/convrnn.h>
#include <string.h>

enum { N_STEPS = 4 };

static GPtrArray *tensors;

static ConvRnnTensor *
fill_dims(int seed, guint n_dims, const gint64 *dims)
{
    gsize n = 1;

    for (guint i = 0; i < n_dims; i++)
        n *= (gsize)dims[i];
    float *v = g_new(float, n);
    for (gsize i = 0; i < n; i++)
        v[i] = (float)((int)((37 * i + 11 * (gsize)seed) % 17) - 8) / 16;
    g_autoptr(GBytes) bytes = g_bytes_new_take(v, n * sizeof *v);
    ConvRnnTensor *tensor = convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, dims, n_dims, bytes, NULL);
    g_ptr_array_add(tensors, tensor);
    return tensor;
}

#define FILL(seed, ...)                                                                            \
    fill_dims(seed, sizeof((gint64[]){__VA_ARGS__}) / sizeof(gint64), (const gint64[]){__VA_ARGS__})

typedef ConvRnnCell *(*Make)(void);

static ConvRnnCell *
made(ConvRnnCell *cell, GError *error)
{
    g_assert_no_error(error);
    return cell;
}

#define CELL(kind, ...)                                                                            \
    GError *error = NULL;                                                                          \
    ConvRnnCell *cell = convrnn_cell_new_##kind(CONVRNN_CELL(__VA_ARGS__), &error);                \
    return made(cell, error)

#define BIASES .bias = FILL(3, rows), .recurrent_bias = FILL(4, rows)

static ConvRnnCell *
torch_rnn(void)
{
    const gint64 rows = 2;
    CELL(rnn, .weights = FILL(1, 2, 3), .recurrent = FILL(2, 2, 2), BIASES,
         .activation = {CONVRNN_ACTIVATION_RELU});
}

static ConvRnnCell *
torch_gru(void)
{
    const gint64 rows = 6;
    CELL(gru, .weights = FILL(1, 6, 3), .recurrent = FILL(2, 6, 2), BIASES, .gates = "rzn",
         .reset_after = TRUE);
}

static ConvRnnCell *
torch_lstm(void)
{
    const gint64 rows = 8;
    CELL(lstm, .weights = FILL(1, 8, 3), .recurrent = FILL(2, 8, 2), BIASES, .gates = "ifgo");
}

static ConvRnnCell *
torch_lstm_projected(void)
{
    const gint64 rows = 8;
    CELL(lstm, .weights = FILL(1, 8, 3), .recurrent = FILL(2, 8, 1), BIASES, .gates = "ifgo",
         .projection = FILL(5, 1, 2));
}

static ConvRnnCell *
tensorflow_lstm(void)
{
    CELL(lstm, .weights = FILL(1, 8, 3), .recurrent = FILL(2, 8, 1), .bias = FILL(3, 8),
         .gates = "igfo", .forget_bias = 1, .cell_clip = 0.25f, .peephole = FILL(5, 6),
         .projection = FILL(6, 1, 2), .projection_clip = 0.2f);
}

static ConvRnnCell *
coupled_lstm(void)
{
    CELL(lstm, .weights = FILL(1, 6, 3), .recurrent = FILL(2, 6, 2), .bias = FILL(3, 6),
         .gates = "iog", .peephole = FILL(5, 4), .clip = 0.25f);
}

static ConvRnnCell *
gru_z_replaces(void)
{
    CELL(gru, .weights = FILL(1, 6, 3), .recurrent = FILL(2, 6, 2), .bias = FILL(3, 6),
         .gates = "nrz", .z_replaces = TRUE, .clip = 0.25f);
}

static ConvRnnCell *
normalised_gru(void)
{
    CELL(gru, .weights = FILL(1, 6, 3), .recurrent = FILL(2, 6, 2), .bias = FILL(3, 6),
         .gates = "nrz", .norm_groups = {2, 1}, .norm_gamma = FILL(7, 6), .norm_epsilon = 0.1f);
}

static ConvRnnCell *
keras_conv_lstm(void)
{
    CELL(conv_lstm, .weights = FILL(1, 8, 3, 3, 3), .recurrent = FILL(2, 8, 2, 3, 3),
         .bias = FILL(3, 8), .gates = "ifgo", .gate = {CONVRNN_ACTIVATION_HARD_SIGMOID});
}

static ConvRnnCell *
conv_gru_joined(void)
{
    CELL(conv_gru, .weights = FILL(1, 6, 5, 3, 1), .join = CONVRNN_CELL_JOIN_STATE_INPUT,
         .bias = FILL(3, 6), .gates = "rzn");
}

static ConvRnnCell *
conv_lstm_map(void)
{
    CELL(conv_lstm, .weights = FILL(1, 8, 3, 3), .recurrent = FILL(2, 8, 2, 3), .bias = FILL(3, 8),
         .peephole = FILL(5, 6, 3), .initial = FILL(8, 1, 2, 1), .initial_cell = FILL(9, 1, 2, 3));
}

static ConvRnnCell *
conv_rnn_strided(void)
{
    CELL(conv_rnn, .weights = FILL(1, 2, 3, 3, 3), .recurrent = FILL(2, 2, 2, 3, 3),
         .bias = FILL(3, 2), .stride = {2, 2});
}

static ConvRnnCell *
conv_gru_separable(void)
{
    CELL(conv_gru, .weights = FILL(1, 6, 3, 1, 1), .recurrent = FILL(2, 6, 2, 1, 1),
         .bias = FILL(3, 6), .depthwise = FILL(7, 6, 1, 3, 3),
         .recurrent_depthwise = FILL(8, 2, 1, 3, 3));
}

static ConvRnnCell *
small(gboolean lstm, gint64 inputs, int seed)
{
    GError *error = NULL;
    gint64 rows = lstm ? 8 : 6;
    ConvRnnCell *cell = (lstm ? convrnn_cell_new_lstm : convrnn_cell_new_gru)(
        CONVRNN_CELL(.weights = FILL(seed, rows, inputs), .recurrent = FILL(seed + 1, rows, 2)),
        &error);
    return made(cell, error);
}

static ConvRnnCell *
stack(void)
{
    GError *error = NULL;
    g_autoptr(ConvRnnCell) gru = small(FALSE, 2, 1), lstm = small(TRUE, 2, 3);
    g_autoptr(ConvRnnCell) residual = convrnn_cell_new_residual(lstm, &error);
    ConvRnnCell *const layers[] = {gru, residual};
    return made(convrnn_cell_new_stack(layers, 2, &error), error);
}

static ConvRnnCell *
grid(void)
{
    GError *error = NULL;
    g_autoptr(ConvRnnCell) time = small(TRUE, 3, 1), frequency = small(TRUE, 3, 3);
    return made(convrnn_cell_new_grid_lstm(time, frequency, 2, &error), error);
}

static ConvRnnCell *
attention(void)
{
    GError *error = NULL;
    g_autoptr(ConvRnnCell) lstm = small(TRUE, 2, 1);
    ConvRnnCell *cell = convrnn_cell_new_attention(
        lstm,
        CONVRNN_ATTENTION(.length = 2, .input = FILL(6, 2, 5), .input_bias = FILL(7, 2),
                          .key = FILL(8, 4, 3), .query = FILL(9, 4, 4), .score = FILL(10, 4),
                          .output = FILL(11, 3, 5)),
        &error);
    return made(cell, error);
}

typedef struct {
    const char *name;
    float expected[12];
    Make make;
    gint64 x[4]; /* the input's shape */
} Vector;

static const Vector vectors[] = {
    {"torch rnn relu", {0.31253052f, 0.19137573f}, torch_rnn, {1, 3}},
    {"torch gru", {0.081264794f, 0.31941609f}, torch_gru, {1, 3}},
    {"torch lstm", {0.031861505f, 0.15180153f}, torch_lstm, {1, 3}},
    {"torch lstm projected", {-0.011848718f}, torch_lstm_projected, {1, 3}},
    {"tensorflow lstm", {-0.035465942f}, tensorflow_lstm, {1, 3}},
    {"coupled lstm", {0.054381111f, 0.11312483f}, coupled_lstm, {1, 3}},
    {"gru z replaces", {0.23154282f, -0.23091414f}, gru_z_replaces, {1, 3}},
    {"normalised gru", {0.045411907f, -0.17985151f}, normalised_gru, {1, 3}},
    {"keras conv lstm",
     {0.10751128f, 0.11954712f, 0.027148418f, 0.0048388204f, 0.093817269f, 0.051323958f,
      0.15952318f, 0.070760945f, 0.11772079f, 0.088298068f, 0.089938056f, 0.15619734f},
     keras_conv_lstm,
     {1, 3, 2, 3}},
    {"conv gru joined",
     {0.23365914f, 0.35542266f, 0.17776973f, 0.25170097f, 0.226608f, 0.34362968f},
     conv_gru_joined,
     {1, 3, 3, 1}},
    {"conv lstm map",
     {-0.068731433f, -0.14483267f, -0.24849309f, -0.13366092f, -0.20876459f, -0.1327354f},
     conv_lstm_map,
     {1, 3, 3}},
    {"conv rnn strided",
     {0.21126719f, 0.36726124f, 0.14354463f, 0.01280238f, -0.58241997f, -0.38224839f, -0.42904684f,
      -0.30269914f},
     conv_rnn_strided,
     {1, 3, 3, 4}},
    {"conv gru separable",
     {0.14363564f, 0.11331376f, 0.18306479f, 0.10034066f, 0.32050379f, 0.34387935f, 0.36745478f,
      0.35964903f},
     conv_gru_separable,
     {1, 3, 2, 2}},
    {"stack", {0.03856152f, 0.0044402299f}, stack, {1, 2}},
    {"grid",
     {-0.019554051f, 0.0071946284f, 0.017824957f, -0.0095942315f, 0.0093777936f, -0.0035024477f,
      0.0073750254f, -0.0029523245f},
     grid,
     {1, 2}},
    {"attention", {-0.011369156f, -0.016481431f, 0.036367783f}, attention, {1, 2}},
};

static guint
rank_of(const gint64 *dims)
{
    guint n = 0;
    while (n < 4 && dims[n])
        n++;
    return n;
}

static void
test_vector(gconstpointer data)
{
    const Vector *v = data;
    GError *error = NULL;
    guint rank = rank_of(v->x);
    g_autoptr(ConvRnnBuilder) b = convrnn_builder_new();
    g_autoptr(ConvRnnCell) cell = v->make();
    guint x = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, v->x, rank);

    convrnn_builder_output(b, "y", convrnn_builder_layer(b, "m", cell, x, CONVRNN_NO_VALUE));
    g_autoptr(ConvRnnModel) model = convrnn_builder_build(b, v->name, &error);
    g_assert_no_error(error);
    g_autoptr(ConvRnnSession) session = convrnn_session_new(model, NULL, &error);
    g_assert_no_error(error);
    for (int t = 0; t < N_STEPS; t++) {
        const ConvRnnTensor *frame = fill_dims(50 + t, rank, v->x);
        memcpy(convrnn_session_get_input_data(session, 0), convrnn_tensor_get_data(frame),
               convrnn_tensor_get_n_elements(frame) * sizeof(float));
        convrnn_session_step(session);
    }
    const ConvRnnTensorInfo *info = convrnn_session_get_output(session, 0);
    const float *y = convrnn_session_get_output_data(session, 0);
    gsize n = 1;
    for (guint i = 0; i < info->n_dims; i++)
        n *= (gsize)info->dims[i];
    g_assert_cmpuint(n, <=, G_N_ELEMENTS(v->expected));
    for (gsize i = 0; i < G_N_ELEMENTS(v->expected); i++)
        g_assert_cmpfloat_with_epsilon(i < n ? y[i] : 0, v->expected[i], 2e-6f);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    tensors = g_ptr_array_new_with_free_func((GDestroyNotify)convrnn_tensor_unref);
    for (gsize i = 0; i < G_N_ELEMENTS(vectors); i++) {
        g_autofree char *path = g_strdup_printf("/cell-vectors/%s", vectors[i].name);
        g_test_add_data_func(g_strdelimit(path, " ", '-'), &vectors[i], test_vector);
    }
    int status = g_test_run();
    g_ptr_array_unref(tensors);
    return status;
}
