/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Control flow with one defect each. Some show while a file is loaded, some only when a session
 * gives it shapes. */
#include "malformed/defect.h"
#include "support/onnx_writer.h"

#define SEQUENCE 4 /* TypeProto.sequence_type */

/* --- pieces --- */

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

/* x → y, and the constants that bodies and conditions use. */
static Ow *
graph_of(Ow *node)
{
    Ow *graph = ow_graph(node, NULL);
    ow_put(graph, OW_G_INITIALIZER, truth("yes", 1));
    ow_put(graph, OW_G_INITIALIZER, number("three", 3));
    return graph;
}

static GBytes *
file_of(Ow *node)
{
    return ow_model(graph_of(node), 17);
}

static Ow *
relu_body(void)
{
    return ow_body("", "p", ow_node("Relu", "x", "p"), NULL);
}

static Ow *
if_of(const char *condition, Ow *then, Ow *otherwise)
{
    Ow *node = ow_node("If", condition, "y");
    if (then)
        ow_attr_graph(node, "then_branch", then);
    if (otherwise)
        ow_attr_graph(node, "else_branch", otherwise);
    return node;
}

static GBytes *
loop_of(const char *inputs, Ow *body)
{
    Ow *node = ow_node("Loop", inputs, "y");
    ow_text(node, 3, "the-loop");
    ow_attr_graph(node, "body", body);
    return file_of(node);
}

static Ow *
loop_body(void)
{
    return ow_body("i,go,h", "go,r", ow_node("Neg", "h", "r"), NULL);
}

static Ow *
scan_of(const char *inputs, int64_t scanned)
{
    Ow *node = ow_node("Scan", inputs, "y");
    ow_attr_graph(node, "body", ow_body("v", "w", ow_node("Neg", "v", "w"), NULL));
    ow_attr_int(node, "num_scan_inputs", scanned);
    return node;
}

static Ow *
with_axes(Ow *scan, const int64_t *axes, int n)
{
    ow_attr_ints(scan, "scan_input_axes", axes, n);
    return scan;
}

/* --- refused while loading --- */

static GBytes *
no_else(void)
{
    return file_of(if_of("yes", relu_body(), NULL));
}

static GBytes *
no_body(void)
{
    return file_of(ow_node("Loop", "three,,x", "y"));
}

static GBytes *
body_is_none(void)
{
    Ow *node = ow_node("Loop", "three,,x", "y"), *attr = ow_new();
    ow_text(attr, 1, "body");
    ow_int(attr, 20, 5);
    ow_put(node, 5, attr);
    return file_of(node);
}

static GBytes *
body_is_an_int(void)
{
    Ow *node = ow_node("Loop", "three,,x", "y");
    ow_attr_int(node, "body", 1);
    return file_of(node);
}

static GBytes *
body_is_garbage(void)
{
    Ow *body = ow_new();
    ow_bytes(body, OW_G_NODE, "\377\377\377", 3);
    return loop_of("three,,x", body);
}

static GBytes *
body_is_empty(void)
{
    return loop_of("three,,x", ow_new());
}

static GBytes *
body_of_two_inputs(void)
{
    return loop_of("three,,x", ow_body("i,go", "go,r", ow_node("Neg", "x", "r"), NULL));
}

static GBytes *
body_of_one_output(void)
{
    return loop_of("three,,x", ow_body("i,go,h", "go", NULL, NULL));
}

static GBytes *
branch_of_one_output(void)
{
    Ow *node = if_of("yes", relu_body(), relu_body());
    ow_text(node, 2, "second");
    return file_of(node);
}

static GBytes *
branch_with_input(void)
{
    Ow *odd = ow_body("v", "p", ow_node("Relu", "v", "p"), NULL);
    return file_of(if_of("yes", odd, relu_body()));
}

static GBytes *
carried_left_out(void)
{
    Ow *body = ow_body("i,go,g,h", "go,g,r", ow_node("Neg", "h", "r"), NULL);
    return loop_of("three,,,x", body);
}

static GBytes *
body_with_cycle(void)
{
    return loop_of("three,,x", ow_body("i,go,h", "go,r", ow_node("Add", "h,r", "r"), NULL));
}

static GBytes *
body_with_sequence(void)
{
    Ow *body = loop_body(), *value = ow_new(), *type = ow_new();
    ow_put(type, SEQUENCE, ow_new());
    ow_text(value, 1, "list");
    ow_put(value, 2, type);
    ow_put(body, OW_G_INPUT, value);
    return loop_of("three,,x,x", body);
}

static GBytes *
body_with_unknown_operator(void)
{
    return loop_of("three,,x", ow_body("i,go,h", "go,r", ow_node("Nonsense", "h", "r"), NULL));
}

static GBytes *
name_of_nothing(void)
{
    return file_of(
        if_of("yes", ow_body("", "p", ow_node("Relu", "nothing", "p"), NULL), relu_body()));
}

/* A name of the body is none outside. */
static GBytes *
name_of_the_inside(void)
{
    Ow *graph =
        graph_of(if_of("yes", ow_body("", "p", ow_node("Relu", "x", "p"), NULL), relu_body()));
    ow_put(graph, OW_G_NODE, ow_node("Neg", "p", "z"));
    ow_put(graph, OW_G_OUTPUT, ow_value("z", OW_FLOAT, NULL, -1));
    return ow_model(graph, 17);
}

/* A branch that needs what its own If gives. */
static GBytes *
captures_itself(void)
{
    return file_of(if_of("yes", ow_body("", "p", ow_node("Relu", "y", "p"), NULL), relu_body()));
}

static GBytes *
nested_deep(void)
{
    Ow *inner = relu_body();
    for (int i = 0; i < 2000; i++)
        inner = ow_body("", "p", if_of("yes", inner, NULL), NULL);
    return file_of(if_of("yes", inner, relu_body()));
}

static GBytes *
scan_of_none(void)
{
    return file_of(scan_of("x", 0));
}

static GBytes *
scan_of_too_many(void)
{
    return file_of(scan_of("x", 1LL << 40));
}

static GBytes *
scan_with_our_attribute(void)
{
    Ow *node = scan_of("x", 1);
    ow_attr_int(node, "batched", 1);
    return file_of(node);
}

/* --- refused by a session --- */

static GBytes *
condition_of_pixels(void)
{
    Ow *graph = graph_of(ow_node("ReduceMax", "x", "m"));
    Ow *cast = ow_node("Cast", "m", "c");
    ow_attr_int(cast, "to", OW_BOOL);
    ow_put(graph, OW_G_NODE, cast);
    ow_put(graph, OW_G_NODE, if_of("c", relu_body(), relu_body()));
    return ow_model(graph, 17);
}

static GBytes *
trips_of_pixels(void)
{
    Ow *reduce = ow_node("ReduceMax", "x", "m"), *cast = ow_node("Cast", "m", "n"), *graph;
    Ow *loop = ow_node("Loop", "n,,x", "y");
    graph = graph_of(reduce);
    ow_attr_int(cast, "to", OW_INT64);
    ow_put(graph, OW_G_NODE, cast);
    ow_attr_graph(loop, "body", loop_body());
    ow_put(graph, OW_G_NODE, loop);
    return ow_model(graph, 17);
}

static GBytes *
repeated_by_pixels(void)
{
    Ow *cast = ow_node("Cast", "m", "again");
    ow_attr_int(cast, "to", OW_BOOL);
    return loop_of("three,,x", ow_body("i,go,h", "again,r", ow_node("Neg", "h", "r"),
                                       ow_node("ReduceMax", "h", "m"), cast, NULL));
}

static GBytes *
huge_trip_count(void)
{
    Ow *loop = ow_node("Loop", "huge,,x", "y"), *graph;
    ow_attr_graph(loop, "body", loop_body());
    graph = graph_of(loop);
    ow_put(graph, OW_G_INITIALIZER, number("huge", 1LL << 62));
    return ow_model(graph, 17);
}

static GBytes *
endless(void)
{
    return loop_of(",yes,x", loop_body());
}

static GBytes *
endless_without_nodes(void)
{
    return loop_of(",yes,x", ow_body("i,go,h", "go,h", NULL, NULL));
}

/* What a body computes from constants is computed while binding, again and again. */
static GBytes *
endless_and_large(void)
{
    Ow *fill = ow_node("ConstantOfShape", "size", "big"), *size = ow_node("Constant", "", "size");
    const int64_t n = 1 << 24;
    ow_attr_ints(size, "value_ints", &n, 1);
    return loop_of(",yes,x", ow_body("i,go,h", "go,big", size, fill, NULL));
}

static GBytes *
loops_in_loops(void)
{
    Ow *body = loop_body();
    for (int i = 0; i < 20; i++) {
        Ow *loop = ow_node("Loop", "three,,h", "r");
        ow_attr_graph(loop, "body", body);
        body = ow_body("i,go,h", "go,r", loop, NULL);
    }
    return loop_of("three,,x", body);
}

static GBytes *
two_conditions(void)
{
    Ow *graph = graph_of(if_of("both", relu_body(), relu_body()));
    const guint8 both[] = {1, 1};
    ow_put(graph, OW_G_INITIALIZER, ow_tensor("both", OW_BOOL, &(int64_t){2}, 1, both, 2));
    return ow_model(graph, 17);
}

static GBytes *
condition_of_ints(void)
{
    return file_of(if_of("three", relu_body(), relu_body()));
}

static GBytes *
taken_branch_unknown(void)
{
    return file_of(
        if_of("yes", ow_body("", "p", ow_node("Nonsense", "x", "p"), NULL), relu_body()));
}

static GBytes *
never_and_undeclared(void)
{
    Ow *body = ow_new(), *loop = ow_node("Loop", "zero", "y"), *graph, *untyped = ow_new();
    ow_put(body, OW_G_NODE, ow_node("Relu", "x", "r"));
    ow_put(body, OW_G_INPUT, ow_value("i", OW_INT64, NULL, -1));
    ow_put(body, OW_G_INPUT, ow_value("go", OW_BOOL, NULL, -1));
    ow_put(body, OW_G_OUTPUT, ow_value("go", OW_BOOL, NULL, -1));
    ow_text(untyped, 1, "r");
    ow_put(body, OW_G_OUTPUT, untyped);
    ow_attr_graph(loop, "body", body);
    graph = graph_of(loop);
    ow_put(graph, OW_G_INITIALIZER, number("zero", 0));
    return ow_model(graph, 17);
}

static GBytes *
scan_of_another_axis(void)
{
    return file_of(with_axes(scan_of("x", 1), (const int64_t[]){4}, 1));
}

static GBytes *
scan_of_two_axes(void)
{
    return file_of(with_axes(scan_of("x", 1), (const int64_t[]){0, 1}, 2));
}

static GBytes *
scan_of_a_scalar(void)
{
    return file_of(scan_of("three", 1));
}

static GBytes *
scan_of_a_million(void)
{
    Ow *graph = ow_new();
    ow_put(graph, OW_G_NODE, scan_of("x", 1));
    ow_put(graph, OW_G_INPUT, ow_value("x", OW_FLOAT, (const int64_t[]){1 << 20, 1}, 2));
    ow_put(graph, OW_G_OUTPUT, ow_value("y", OW_FLOAT, NULL, -1));
    return ow_model(graph, 17);
}

static const Defect loaded[] = {
    {"no-else", no_else, FORMAT, "'else_branch'"},
    {"no-body", no_body, FORMAT, "'body'"},
    {"body-is-none", body_is_none, FORMAT, "there is none"},
    {"body-is-an-int", body_is_an_int, FORMAT, "an int, expected a graph"},
    {"body-is-garbage", body_is_garbage, FORMAT, "Loop node 'the-loop'"},
    {"body-is-empty", body_is_empty, FORMAT, "no output"},
    {"body-of-two-inputs", body_of_two_inputs, FORMAT, "2 inputs, expected 3"},
    {"body-of-one-output", body_of_one_output, FORMAT, "1 outputs, expected 2"},
    {"branch-of-one-output", branch_of_one_output, FORMAT, "1 outputs, expected 2"},
    {"branch-with-input", branch_with_input, FORMAT, "1 inputs, expected 0"},
    {"carried-left-out", carried_left_out, FORMAT, "input 2 is left out"},
    {"body-with-cycle", body_with_cycle, FORMAT, "cycle"},
    {"body-with-sequence", body_with_sequence, UNSUPPORTED, "'list' of its graph is a sequence"},
    {"body-with-unknown-operator", body_with_unknown_operator, UNSUPPORTED, "Nonsense"},
    {"name-of-nothing", name_of_nothing, FORMAT, "is called 'nothing'"},
    {"name-of-the-inside", name_of_the_inside, FORMAT, "is called 'p'"},
    {"captures-itself", captures_itself, FORMAT, "cycle"},
    {"nested-deep", nested_deep, LIMIT, "nested"},
    {"scan-of-none", scan_of_none, FORMAT, "num_scan_inputs is 0"},
    {"scan-of-too-many", scan_of_too_many, FORMAT, "num_scan_inputs"},
    {"scan-with-our-attribute", scan_with_our_attribute, FORMAT, "'batched'"},
};

static const Defect bound[] = {
    {"condition-of-pixels", condition_of_pixels, UNSUPPORTED, "everything is static"},
    {"trips-of-pixels", trips_of_pixels, UNSUPPORTED, "its trip count depends"},
    {"repeated-by-pixels", repeated_by_pixels, UNSUPPORTED, "Loop node 'the-loop'"},
    {"huge-trip-count", huge_trip_count, LIMIT, "too many to unroll"},
    {"endless", endless, LIMIT, "Loop node 'the-loop'"},
    {"endless-without-nodes", endless_without_nodes, LIMIT, "after 100000 iterations"},
    {"endless-and-large", endless_and_large, LIMIT, "too many to unroll"},
    {"loops-in-loops", loops_in_loops, LIMIT, "too many to unroll"},
    {"two-conditions", two_conditions, SHAPE, "expected one bool"},
    {"condition-of-ints", condition_of_ints, SHAPE, "int64"},
    {"taken-branch-unknown", taken_branch_unknown, UNSUPPORTED, "Nonsense"},
    {"never-and-undeclared", never_and_undeclared, SHAPE, "0 times"},
    {"scan-of-another-axis", scan_of_another_axis, SHAPE, "axis 4"},
    {"scan-of-two-axes", scan_of_two_axes, FORMAT, "2 elements, expected 1"},
    {"scan-of-a-scalar", scan_of_a_scalar, SHAPE, "scan input 0"},
    {"scan-of-a-million", scan_of_a_million, LIMIT, "1048576 iterations"},
};

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(loaded); i++)
        defect_add("/malformed/control/loaded/", &loaded[i], defect_test_loaded);
    for (gsize i = 0; i < G_N_ELEMENTS(bound); i++)
        defect_add("/malformed/control/bound/", &bound[i], defect_test_bound);
    return g_test_run();
}
