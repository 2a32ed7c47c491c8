/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Control flow and functions: what takes their place, and what it computes, on whole numbers that
 * can be worked out by hand. tests/oracle/test_control.py compares more of them with ONNX Runtime.
 */
#include "core/memory.h"
#include "onnx/onnx.h"
#include "support/onnx_writer.h"
#include <convrnn/convrnn.h>
#include <string.h>

/* --- models --- */

static Ow *
number(const char *name, int64_t v)
{
    return ow_tensor(name, OW_INT64, NULL, 0, &v, sizeof v);
}

static Ow *
truth(const char *name, guint8 v)
{
    return ow_tensor(name, OW_BOOL, NULL, 0, &v, 1);
}

/* A graph with one input "x" of three floats and one output "y"; takes over the nodes. */
static Ow *
graph_of(Ow *node, ...)
{
    Ow *graph = ow_new();
    va_list nodes;

    va_start(nodes, node);
    for (; node; node = va_arg(nodes, Ow *))
        ow_put(graph, OW_G_NODE, node);
    va_end(nodes);
    ow_put(graph, OW_G_INPUT, ow_value("x", OW_FLOAT, (const int64_t[]){3}, 1));
    ow_put(graph, OW_G_OUTPUT, ow_value("y", OW_FLOAT, NULL, -1));
    return graph;
}

static Ow *
with(Ow *graph, Ow *initializer)
{
    ow_put(graph, OW_G_INITIALIZER, initializer);
    return graph;
}

static Ow *
if_node(const char *condition, const char *outputs, Ow *then, Ow *otherwise)
{
    Ow *node = ow_node("If", condition, outputs);
    ow_attr_graph(node, "then_branch", then);
    ow_attr_graph(node, "else_branch", otherwise);
    return node;
}

static Ow *
loop_node(const char *inputs, const char *outputs, Ow *body)
{
    Ow *node = ow_node("Loop", inputs, outputs);
    ow_text(node, 3, "loop");
    ow_attr_graph(node, "body", body);
    return node;
}

static Ow *
named(Ow *node, const char *name)
{
    ow_text(node, 3, name);
    return node;
}

static Ow *
model_of(int opset)
{
    Ow *model = ow_model_head(10, opset);
    ow_opset(model, 8, "local", 1);
    return model;
}

/* The branch that is not taken has an operator that nobody has. */
static GBytes *
if_false(void)
{
    Ow *then = ow_body("", "p", ow_node("NoSuchOperator", "x", "p"), NULL);
    Ow *otherwise = ow_body("", "q", ow_node("Add", "n,n", "q"), NULL);
    Ow *graph = graph_of(ow_node("Neg", "x", "n"), if_node("no", "y", then, otherwise), NULL);
    return ow_finish(model_of(17), with(graph, truth("no", 0)));
}

static GBytes *
if_by_size(void)
{
    Ow *then = ow_body("", "p", ow_node("Neg", "x", "p"), NULL);
    Ow *otherwise = ow_body("", "q", ow_node("Identity", "x", "q"), NULL);
    Ow *graph = graph_of(ow_node("Size", "x", "n"), ow_node("Equal", "n,three", "c"),
                         if_node("c", "y", then, otherwise), NULL);
    return ow_finish(model_of(17), with(graph, number("three", 3)));
}

/* Inside, "n" is another one than outside. */
static GBytes *
own_names(void)
{
    Ow *then = ow_body("", "p", ow_node("Add", "x,x", "n"), ow_node("Add", "n,x", "p"), NULL);
    Ow *otherwise = ow_body("", "q", ow_node("Neg", "x", "q"), NULL);
    Ow *graph = graph_of(ow_node("Neg", "x", "n"), if_node("yes", "r", then, otherwise),
                         ow_node("Mul", "n,r", "y"), NULL);
    return ow_finish(model_of(17), with(graph, truth("yes", 1)));
}

/* (a, b) becomes (b, a + b), and every b is kept; y is what was kept in the fourth step. */
static GBytes *
loop_fibonacci(void)
{
    Ow *body = ow_body("i,go,a,b", "go,b,s,kept", ow_node("Add", "a,b", "s"),
                       ow_node("Identity", "b", "kept"), NULL);
    Ow *graph = graph_of(loop_node("n,,x,x", "last,next,all", body),
                         ow_node("Gather", "all,three", "y"), NULL);
    return ow_finish(model_of(17), with(with(graph, number("n", 5)), number("three", 3)));
}

/* h = 2h + i while i < 2: three times. */
static GBytes *
loop_until(void)
{
    Ow *cast = ow_node("Cast", "i", "f");
    ow_attr_int(cast, "to", OW_FLOAT);
    Ow *body = ow_body("i,go,h", "again,r", ow_node("Add", "h,h", "d"), cast,
                       ow_node("Add", "d,f", "r"), ow_node("Less", "i,two", "again"), NULL);
    Ow *graph = graph_of(loop_node(",yes,x", "y", body), NULL);
    return ow_finish(model_of(17), with(with(graph, number("two", 2)), truth("yes", 1)));
}

static GBytes *
loop_never(void)
{
    Ow *body = ow_body("i,go,h", "go,r", ow_node("Neg", "h", "r"), NULL);
    Ow *graph = graph_of(loop_node("n,,x", "y", body), NULL);
    return ow_finish(model_of(17), with(graph, number("n", -5)));
}

/* A sum over the elements, from the last to the first, written in that order from the end. */
static GBytes *
scan_backwards(void)
{
    const float zero = 0;
    const int64_t one = 1;
    Ow *scan = ow_node("Scan", "zero,x", "sum,y");
    ow_attr_graph(
        scan, "body",
        ow_body("s,v", "t,u", ow_node("Add", "s,v", "t"), ow_node("Identity", "t", "u"), NULL));
    ow_attr_int(scan, "num_scan_inputs", 1);
    ow_attr_ints(scan, "scan_input_directions", &one, 1);
    ow_attr_ints(scan, "scan_output_directions", &one, 1);
    return ow_finish(model_of(17),
                     with(graph_of(scan, NULL), ow_tensor("zero", OW_FLOAT, NULL, 0, &zero, 4)));
}

static Ow *
constant_of(const char *output, const char *reference)
{
    Ow *node = ow_node("Constant", "", output);
    ow_attr_ref(node, "value_float", 1, reference);
    return node;
}

static Ow *
float_default(const char *name, float v)
{
    Ow *m = ow_new();
    ow_text(m, 1, name);
    ow_float(m, 2, v);
    ow_int(m, 20, 1);
    return m;
}

static Ow *
local_node(const char *op, const char *inputs, const char *outputs)
{
    Ow *node = ow_node(op, inputs, outputs);
    ow_text(node, 7, "local");
    return node;
}

/* times(x) is k·x, with k = 3 unless the call says otherwise; twice(x) is times(times(x)). */
static GBytes *
functions(void)
{
    Ow *model = model_of(17), *given = local_node("times", "b", "y");
    Ow *times = ow_function("local", "times", "v", "w", constant_of("k", "factor"),
                            ow_node("Mul", "v,k", "w"), NULL);
    Ow *twice = ow_function("local", "twice", "v", "w", local_node("times", "v", "t"),
                            local_node("times", "t", "w"), NULL);
    ow_put(times, OW_F_DEFAULT, float_default("factor", 3));
    ow_attr_float(given, "factor", -1);
    ow_put(model, OW_M_FUNCTION, times);
    ow_put(model, OW_M_FUNCTION, twice);
    return ow_finish(model, graph_of(local_node("twice", "x", "b"), given, NULL));
}

/* Two functions of one name; the second overload is called, and its opset is another one. */
static GBytes *
overloads(void)
{
    const int64_t zero = 0;
    Ow *model = model_of(17), *call = local_node("f", "x", "y"),
       *sum = ow_node("ReduceSum", "v", "s");
    Ow *second;

    ow_attr_ints(sum, "axes", &zero, 1);
    second = ow_function("local", "f", "v", "w", sum, ow_node("Sub", "v,s", "w"), NULL);
    ow_text(second, 13, "second");
    ow_opset(second, 9, "", 11);
    ow_text(call, 8, "second");
    ow_put(model, OW_M_FUNCTION,
           ow_function("local", "f", "v", "w", ow_node("Neg", "v", "w"), NULL));
    ow_put(model, OW_M_FUNCTION, second);
    return ow_finish(model, graph_of(call, NULL));
}

/* Clip's bounds are inputs of the function; the call leaves one out. One output is an input. */
static GBytes *
optional_arguments(void)
{
    const float two = 2;
    Ow *model = model_of(17);
    ow_put(
        model, OW_M_FUNCTION,
        ow_function("local", "f", "v,low,high", "w,v", ow_node("Clip", "v,low,high", "w"), NULL));
    return ow_finish(model, with(graph_of(local_node("f", "x,,two", "c,same"),
                                          ow_node("Add", "c,same", "y"), NULL),
                                 ow_tensor("two", OW_FLOAT, NULL, 0, &two, 4)));
}

/* A loop in a function: its body uses the function's input and attribute. */
static GBytes *
loop_in_function(void)
{
    Ow *model = model_of(17), *call = local_node("power", "x,n", "y");
    Ow *body = ow_body("i,go,h", "go,r", constant_of("k", "factor"), ow_node("Mul", "h,by", "m"),
                       ow_node("Mul", "m,k", "r"), NULL);
    Ow *power =
        ow_function("local", "power", "by,times", "w", loop_node("times,,by", "w", body), NULL);
    ow_text(power, OW_F_ATTRIBUTE, "factor");
    ow_attr_float(call, "factor", 2);
    ow_put(model, OW_M_FUNCTION, power);
    return ow_finish(model, with(graph_of(call, NULL), number("n", 2)));
}

/* Loading makes a constant called "axes" for ReduceSum; the file has a tensor of that name. */
static GBytes *
name_of_ours(void)
{
    const int64_t zero = 0;
    Ow *sum = ow_node("ReduceSum", "x", "s");
    ow_attr_ints(sum, "axes", &zero, 1);
    return ow_finish(model_of(11), graph_of(sum, ow_node("Neg", "x", "axes"),
                                            ow_node("Add", "s,axes", "y"), NULL));
}

/* In opset 11 an empty tensor is an input that is left out: rewritten inside a branch, too. */
static GBytes *
constants_from_outside(void)
{
    const int64_t shape[] = {1, 1, 1, 3}, sizes[] = {1, 1, 1, 6}, flat = 6;
    Ow *resize = ow_node("Resize", "image,empty,empty,sizes", "p");
    ow_attr_text(resize, "mode", "nearest");
    ow_attr_text(resize, "coordinate_transformation_mode", "asymmetric");
    ow_attr_text(resize, "nearest_mode", "floor");
    Ow *graph = graph_of(ow_node("Reshape", "x,shape", "image"),
                         if_node("yes", "r", ow_body("", "p", resize, NULL),
                                 ow_body("", "q", ow_node("Neg", "image", "q"), NULL)),
                         ow_node("Reshape", "r,flat", "y"), NULL);
    with(graph, ow_tensor_f32("empty", NULL, 0));
    with(graph, ow_tensor_i64("sizes", sizes, 4));
    with(graph, ow_tensor_i64("shape", shape, 4));
    with(graph, ow_tensor_i64("flat", &flat, 1));
    return ow_finish(model_of(11), with(graph, truth("yes", 1)));
}

static const struct {
    const char *name;
    GBytes *(*make)(void);
    float x[3];
    guint n;
    float y[6];
} cases[] = {
    {"if/false", if_false, {1, 2, 3}, 3, {-2, -4, -6}},
    {"if/by-size", if_by_size, {1, 2, 3}, 3, {-1, -2, -3}},
    {"if/own-names", own_names, {1, 2, 3}, 3, {-3, -12, -27}},
    {"if/constants-from-outside", constants_from_outside, {1, 2, 3}, 6, {1, 1, 2, 2, 3, 3}},
    {"loop/fibonacci", loop_fibonacci, {1, 2, -3}, 3, {5, 10, -15}},
    {"loop/until", loop_until, {1, 0, 2}, 3, {12, 4, 20}},
    {"loop/never", loop_never, {1, 2, 3}, 3, {1, 2, 3}},
    {"scan/backwards", scan_backwards, {1, 2, 4}, 3, {7, 6, 4}},
    {"function/nested", functions, {1, 2, 3}, 3, {-9, -18, -27}},
    {"function/overloads", overloads, {1, 2, 3}, 3, {-5, -4, -3}},
    {"function/optional-arguments", optional_arguments, {-1, 2, 5}, 3, {-2, 4, 7}},
    {"function/loop-inside", loop_in_function, {1, 2, -3}, 3, {4, 32, -108}},
    {"names/of-ours", name_of_ours, {1, 2, 3}, 3, {5, 4, 3}},
};

/* --- running them --- */

static ConvRnnModel *
load(GBytes *file)
{
    g_autoptr(GError) error = NULL;
    ConvRnnModel *model = convrnn_model_load_bytes(file, "control", NULL, &error);
    g_assert_no_error(error);
    g_bytes_unref(file);
    return model;
}

static ConvRnnSession *
open_session(ConvRnnModel *model, gboolean fusion)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ConvRnnSessionConfig) config = convrnn_session_config_new();
    convrnn_session_config_set_fusion(config, fusion);
    ConvRnnSession *session = convrnn_session_new(model, config, &error);
    g_assert_no_error(error);
    return session;
}

static void
test_case(gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);
    g_autoptr(ConvRnnModel) model = load(cases[i].make());

    for (gboolean fusion = FALSE; fusion <= TRUE; fusion++) {
        g_autoptr(ConvRnnSession) session = open_session(model, fusion);
        memcpy(convrnn_session_get_input_data(session, 0), cases[i].x, sizeof cases[i].x);
        convrnn_session_step(session);
        const ConvRnnTensorInfo *info = convrnn_session_get_output(session, 0);
        const float *y = convrnn_session_get_output_data(session, 0);
        guint n = 1;
        for (guint d = 0; d < info->n_dims; d++)
            n *= (guint)info->dims[d];
        g_assert_cmpuint(n, ==, cases[i].n);
        for (guint k = 0; k < n; k++)
            g_assert_cmpfloat(y[k], ==, cases[i].y[k]);
    }
}

/* The rewriting needs to see the constant around the branch. */
static void
test_rewritten_inside(void)
{
    g_autoptr(GBytes) file = constants_from_outside();
    g_autoptr(GError) error = NULL;
    const CrGraph *branch = NULL;
    CrGraph *graph;
    int captured;

    cr_onnx_load(file, "control", &graph, &error);
    g_assert_no_error(error);
    for (guint i = 0; i < graph->nodes->len && !branch; i++)
        branch = cr_node_graph(cr_graph_get_node(graph, (int)i), "then_branch", &captured);
    g_assert_nonnull(branch);
    g_assert_cmpint(branch->n_captured, ==, 1); /* the image; constants are not captured */
    const CrNode *resize = cr_graph_get_node(branch, 0);
    g_assert_cmpstr(resize->op, ==, "Resize");
    g_assert_cmpint(resize->inputs[1], ==, CR_NO_VALUE);
    g_assert_cmpint(resize->inputs[2], ==, CR_NO_VALUE);
    cr_graph_free(graph);
}

/* A branch follows the size that a session is opened with. */
static void
test_if_of_two_sizes(void)
{
    Ow *then = ow_body("", "p", ow_node("Neg", "x", "p"), NULL);
    Ow *concat = ow_node("Concat", "x,x", "q"), *otherwise, *graph = ow_new();
    g_autoptr(ConvRnnSessionConfig) config = convrnn_session_config_new();
    g_autoptr(GError) error = NULL;

    ow_attr_int(concat, "axis", 0);
    otherwise = ow_body("", "q", concat, NULL);
    ow_put(graph, OW_G_NODE, ow_node("Size", "x", "n"));
    ow_put(graph, OW_G_NODE, ow_node("Equal", "n,three", "c"));
    ow_put(graph, OW_G_NODE, if_node("c", "y", then, otherwise));
    ow_put(graph, OW_G_INPUT, ow_value("x", OW_FLOAT, (const int64_t[]){-1}, 1));
    ow_put(graph, OW_G_OUTPUT, ow_value("y", OW_FLOAT, NULL, -1));
    g_autoptr(ConvRnnModel) model = load(ow_finish(model_of(17), with(graph, number("three", 3))));

    for (gint64 n = 2; n <= 4; n++) {
        convrnn_session_config_set_input_shape(config, "x", &n, 1);
        g_autoptr(ConvRnnSession) session = convrnn_session_new(model, config, &error);
        g_assert_no_error(error);
        g_assert_cmpint(convrnn_session_get_output(session, 0)->dims[0], ==, n == 3 ? 3 : 2 * n);
        float *x = convrnn_session_get_input_data(session, 0);
        x[0] = 5;
        convrnn_session_step(session);
        const float *y = convrnn_session_get_output_data(session, 0);
        g_assert_cmpfloat(y[0], ==, n == 3 ? -5 : 5);
    }
}

/* Every iteration's nodes have names of their own, and all read the same weights, as does a node
 * outside. */
static void
test_names_and_weights(void)
{
    const float w[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1}, k[3] = {1, 1, 1};
    const int64_t dims[] = {3, 3};
    Ow *body = ow_body("i,go,h", "go,r", named(ow_node("MatMul", "h,w", "m"), "product"),
                       named(ow_node("Add", "m,k", "r"), "sum"), NULL);
    with(body, ow_tensor_f32("k", k, 3));
    Ow *graph = graph_of(loop_node("n,,x", "z", body), ow_node("MatMul", "z,w", "y"), NULL);
    with(graph, number("n", 4));
    with(graph, ow_tensor("w", OW_FLOAT, dims, 2, w, sizeof w));
    g_autoptr(ConvRnnModel) model = load(ow_finish(model_of(17), graph));
    g_autoptr(ConvRnnSession) session = open_session(model, FALSE);
    ConvRnnSessionStats stats;

    convrnn_session_get_stats(session, &stats);
    g_assert_cmpuint(stats.parameters, ==, 12);
    g_assert_cmpuint(convrnn_session_get_n_nodes(session), ==, 9);
    for (guint i = 0; i < 8; i++) {
        g_autofree char *name = g_strdup_printf("loop/%u/%s", i / 2, i % 2 ? "sum" : "product");
        ConvRnnNodeStats node;
        convrnn_session_get_node(session, i, &node);
        g_assert_cmpstr(node.name, ==, name);
    }
    memset(convrnn_session_get_input_data(session, 0), 0, 3 * sizeof(float));
    convrnn_session_step(session);
    g_assert_cmpfloat(*(const float *)convrnn_session_get_output_data(session, 0), ==, 4);
}

/* A cell that is written as a Scan over one step leaves nothing of the Scan behind. */
static void
test_cell_of_one_step(void)
{
    Ow *scan = ow_node("Scan", "h_in,xs", "h_out,ys"), *graph;
    ow_attr_graph(scan, "body",
                  ow_body("h,v", "r,u", named(ow_node("Add", "h,v", "r"), "plus"),
                          ow_node("Neg", "r", "u"), NULL));
    ow_attr_int(scan, "num_scan_inputs", 1);
    ow_text(scan, 3, "scan");
    graph = graph_of(ow_node("Unsqueeze", "x,first", "xs"), scan,
                     ow_node("Squeeze", "ys,first", "y"), NULL);
    with(graph, ow_tensor_i64("first", (const int64_t[]){0}, 1));
    ow_put(graph, OW_G_INPUT, ow_value("h_in", OW_FLOAT, (const int64_t[]){3}, 1));
    ow_put(graph, OW_G_OUTPUT, ow_value("h_out", OW_FLOAT, (const int64_t[]){3}, 1));
    g_autoptr(ConvRnnModel) model = load(ow_finish(model_of(17), graph));
    g_autoptr(ConvRnnSession) session = open_session(model, FALSE);

    g_assert_cmpuint(convrnn_session_get_n_states(session), ==, 1);
    for (guint i = 0; i < convrnn_session_get_n_nodes(session); i++) {
        ConvRnnNodeStats node;
        convrnn_session_get_node(session, i, &node);
        g_assert_cmpstr(node.op, !=, "Split");
        g_assert_cmpstr(node.op, !=, "Concat");
    }
    for (int step = 1; step <= 4; step++) {
        float *x = convrnn_session_get_input_data(session, 0);
        for (int i = 0; i < 3; i++)
            x[i] = (float)(i + 1);
        convrnn_session_step(session);
        const float *y = convrnn_session_get_output_data(session, 0);
        for (int i = 0; i < 3; i++)
            g_assert_cmpfloat(y[i], ==, (float)(-step * (i + 1)));
    }
}

/* How often a loop runs may depend on the shape of a state, which is found while binding: the state
 * starts as one element and is broadcast to three; the loop runs as often as it has elements. */
static void
test_loop_over_state(void)
{
    Ow *body = ow_body("i,go,a", "go,r", ow_node("Add", "a,one", "r"), NULL), *graph;
    const float one = 1;
    graph = graph_of(ow_node("Add", "h_in,x", "h_out"), ow_node("Size", "h_in", "n"),
                     loop_node("n,,x", "y", body), NULL);
    with(graph, ow_tensor("one", OW_FLOAT, NULL, 0, &one, sizeof one));
    ow_put(graph, OW_G_INPUT, ow_value("h_in", OW_FLOAT, (const int64_t[]){-1}, 1));
    ow_put(graph, OW_G_OUTPUT, ow_value("h_out", OW_FLOAT, (const int64_t[]){-1}, 1));
    g_autoptr(ConvRnnModel) model = load(ow_finish(model_of(17), graph));
    g_autoptr(ConvRnnSession) session = open_session(model, TRUE);

    g_assert_cmpint(convrnn_session_get_state(session, 0, NULL, NULL)->dims[0], ==, 3);
    memset(convrnn_session_get_input_data(session, 0), 0, 3 * sizeof(float));
    convrnn_session_step(session);
    g_assert_cmpfloat(*(const float *)convrnn_session_get_output_data(session, 0), ==, 3);
}

/* Every allocation of a session may fail. */
static void
test_no_memory(void)
{
    GBytes *(*const makers[])(void) = {if_by_size, loop_fibonacci, scan_backwards};

    for (guint i = 0; i < G_N_ELEMENTS(makers); i++) {
        g_autoptr(ConvRnnModel) model = load(makers[i]());
        g_autoptr(ConvRnnSession) first = open_session(model, TRUE);
        unsigned made = 1;
        g_clear_pointer(&first, convrnn_session_free); /* its plan is gone with it */
        for (unsigned at = 1; at <= made; at++) {
            g_autoptr(GError) error = NULL;
            cr_mem_fail_at(at, false);
            g_assert_null(convrnn_session_new(model, NULL, &error));
            g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_NOMEM);
            cr_mem_fail_at(0, false);
            first = open_session(model, TRUE);
            made = cr_mem_fail_at(0, false);
            g_clear_pointer(&first, convrnn_session_free);
        }
        g_assert_cmpuint(made, >, 10);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strconcat("/control/", cases[i].name, NULL);
        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_case);
    }
    g_test_add_func("/control/no-memory", test_no_memory);
    g_test_add_func("/control/if/of-two-sizes", test_if_of_two_sizes);
    g_test_add_func("/control/if/rewritten-inside", test_rewritten_inside);
    g_test_add_func("/control/loop/names-and-weights", test_names_and_weights);
    g_test_add_func("/control/loop/over-state", test_loop_over_state);
    g_test_add_func("/control/scan/cell-of-one-step", test_cell_of_one_step);
    return g_test_run();
}
