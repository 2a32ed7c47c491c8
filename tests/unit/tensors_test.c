/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A model's nodes, and reading tensors in the middle of a network. */
#include <convrnn/convrnn.h>
#include <string.h>

static ConvRnnTensor *
numbers(guint n, const gfloat *values)
{
    gint64 dims[] = {n};
    g_autoptr(GBytes) bytes = g_bytes_new(values, n * sizeof *values);
    g_autoptr(GError) error = NULL;
    ConvRnnTensor *tensor = convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, dims, 1, bytes, &error);
    g_assert_no_error(error);
    return tensor;
}

/* h' = x·k + h, y = relu(−h'); k = (2, 3). */
static ConvRnnModel *
make_model(void)
{
    g_autoptr(ConvRnnBuilder) b = convrnn_builder_new();
    g_autoptr(ConvRnnTensor) k = numbers(2, (gfloat[]){2, 3});
    g_autoptr(GError) error = NULL;
    gint64 dims[] = {2};
    guint x = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims, 1);
    guint h = convrnn_builder_input(b, "h_in", CONVRNN_DTYPE_FLOAT32, dims, 1);
    guint factor = convrnn_builder_constant(b, k);
    guint scaled = convrnn_builder_node(b, "Mul", (guint[]){x, factor}, 2, NULL);
    guint sum = convrnn_builder_node(b, "Add", (guint[]){scaled, h}, 2, NULL);
    guint less = convrnn_builder_node(b, "Neg", &sum, 1, NULL);
    convrnn_builder_output(b, "h_out", sum);
    convrnn_builder_output(b, "y", convrnn_builder_node(b, "Relu", &less, 1, NULL));
    ConvRnnModel *model = convrnn_builder_build(b, "middle", &error);
    g_assert_no_error(error);
    return model;
}

static const gchar *
output_of(const ConvRnnModel *model, const gchar *op)
{
    for (guint i = 0; i < convrnn_model_get_n_nodes(model); i++) {
        const gchar *found;
        convrnn_model_get_node(model, i, &found, NULL, NULL);
        if (strcmp(found, op) == 0)
            return convrnn_model_get_node_output(model, i, 0);
    }
    return NULL;
}

static void
test_nodes(void)
{
    static const struct {
        const gchar *op;
        guint n_inputs;
    } wanted[] = {{"Mul", 2}, {"Add", 2}, {"Neg", 1}, {"Relu", 1}};
    g_autoptr(ConvRnnModel) model = make_model();
    ConvRnnTensor *constant;

    g_assert_cmpuint(convrnn_model_get_n_nodes(model), ==, G_N_ELEMENTS(wanted));
    for (guint i = 0; i < G_N_ELEMENTS(wanted); i++) {
        const gchar *op;
        guint n_inputs, n_outputs;
        g_assert_nonnull(convrnn_model_get_node(model, i, &op, &n_inputs, &n_outputs));
        g_assert_cmpstr(op, ==, wanted[i].op);
        g_assert_cmpuint(n_inputs, ==, wanted[i].n_inputs);
        g_assert_cmpuint(n_outputs, ==, 1);
    }
    g_assert_cmpstr(convrnn_model_get_node_input(model, 0, 0, &constant), ==, "x");
    g_assert_null(constant);
    g_assert_nonnull(convrnn_model_get_node_input(model, 0, 1, &constant));
    g_assert_nonnull(constant);
    g_assert_cmpfloat(((const gfloat *)convrnn_tensor_get_data(constant))[1], ==, 3);
    g_assert_cmpstr(convrnn_model_get_node_input(model, 1, 0, NULL), ==,
                    convrnn_model_get_node_output(model, 0, 0));
    g_assert_cmpstr(convrnn_model_get_node_input(model, 1, 1, NULL), ==, "h_in");
}

static void
check_output(const ConvRnnSession *session, const gchar *name, gfloat a, gfloat b)
{
    for (guint i = 0; i < convrnn_session_get_n_outputs(session); i++) {
        const ConvRnnTensorInfo *info = convrnn_session_get_output(session, i);
        if (strcmp(info->name, name) != 0)
            continue;
        const gfloat *data = convrnn_session_get_output_data(session, i);
        g_assert_cmpuint(info->n_dims, ==, 1);
        g_assert_cmpint(info->dims[0], ==, 2);
        g_assert_cmpfloat(data[0], ==, a);
        g_assert_cmpfloat(data[1], ==, b);
        return;
    }
    g_error("there is no output %s", name);
}

/* An input, the state before the step, what nodes compute, and an output, in two steps, fused and
 * not. */
static void
test_read(void)
{
    g_autoptr(ConvRnnModel) model = make_model();
    const gchar *scaled = output_of(model, "Mul"), *less = output_of(model, "Neg");
    const gchar *names[] = {"y", less, scaled, "x", "h_in", NULL};

    for (gint fusion = 0; fusion < 2; fusion++) {
        g_autoptr(ConvRnnSessionConfig) config = convrnn_session_config_new();
        g_autoptr(GError) error = NULL;
        convrnn_session_config_set_fusion(config, fusion);
        convrnn_session_config_set_outputs(config, names);
        g_autoptr(ConvRnnSession) session = convrnn_session_new(model, config, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(convrnn_session_get_n_outputs(session), ==, 5);
        gfloat *x = convrnn_session_get_input_data(session, 0);
        x[0] = 1;
        x[1] = -2;
        convrnn_session_step(session);
        check_output(session, "h_in", 0, 0);
        check_output(session, less, -2, 6);
        convrnn_session_step(session);
        check_output(session, "x", 1, -2);
        check_output(session, "h_in", 2, -6);
        check_output(session, scaled, 2, -6);
        check_output(session, less, -4, 12);
        check_output(session, "y", 0, 12);
    }
}

static void
test_unknown(void)
{
    g_autoptr(ConvRnnModel) model = make_model();
    g_autoptr(ConvRnnSessionConfig) config = convrnn_session_config_new();
    g_autoptr(GError) error = NULL;
    const gchar *names[] = {"y", "beta", NULL};

    convrnn_session_config_set_outputs(config, names);
    g_assert_null(convrnn_session_new(model, config, &error));
    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_SHAPE);
    g_assert_cmpstr(error->message, ==,
                    "middle: no output and no other tensor is called 'beta'; its outputs are: "
                    "h_out, y");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tensors/nodes", test_nodes);
    g_test_add_func("/tensors/read", test_read);
    g_test_add_func("/tensors/unknown", test_unknown);
    return g_test_run();
}
