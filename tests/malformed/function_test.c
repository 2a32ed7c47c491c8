/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Functions of a model with one defect each, all of which show while the file is loaded. */
#include "malformed/defect.h"
#include "support/onnx_writer.h"

/* --- pieces --- */

static Ow *
call(const char *function)
{
    Ow *node = ow_node(function, "x", "y");
    ow_text(node, 7, "local");
    return node;
}

static Ow *
function_of(const char *name, Ow *node)
{
    return ow_function("local", name, "x", "y", node, NULL);
}

/* A model that calls "first"; takes over the functions. */
static GBytes *
model_of(Ow *function, ...)
{
    Ow *model = ow_model_head(10, 17);
    va_list functions;

    ow_opset(model, 8, "local", 1);
    va_start(functions, function);
    for (; function; function = va_arg(functions, Ow *))
        ow_put(model, OW_M_FUNCTION, function);
    va_end(functions);
    return ow_finish(model, ow_graph(call("first"), NULL));
}

/* --- defects --- */

static GBytes *
calls_itself(void)
{
    return model_of(function_of("first", call("first")), NULL);
}

static GBytes *
calls_in_a_circle(void)
{
    return model_of(function_of("first", call("second")), function_of("second", call("third")),
                    function_of("third", call("first")), NULL);
}

static GBytes *
calls_itself_in_a_branch(void)
{
    Ow *inside = ow_body("", "p", ow_node("Relu", "y", "p"), call("first"), NULL);
    Ow *node = ow_node("If", "yes", "y");
    ow_attr_graph(node, "then_branch", inside);
    return model_of(function_of("first", node), NULL);
}

static char *
nth(int i)
{
    return i == 0 ? g_strdup("first") : g_strdup_printf("f%d", i);
}

/* n functions, each of which calls the next one twice, or once. */
static GBytes *
chain(int n, gboolean twice)
{
    Ow *model = ow_model_head(10, 17);

    ow_opset(model, 8, "local", 1);
    for (int i = 0; i < n; i++) {
        g_autofree char *name = nth(i), *next = nth(i + 1);
        Ow *one = ow_node(i + 1 < n ? next : "Identity", "x", twice ? "t" : "y"), *two = NULL;
        if (i + 1 < n)
            ow_text(one, 7, "local");
        if (twice) {
            two = ow_node(i + 1 < n ? next : "Identity", "t", "y");
            if (i + 1 < n)
                ow_text(two, 7, "local");
        }
        ow_put(model, OW_M_FUNCTION, ow_function("local", name, "x", "y", one, two, NULL));
    }
    return ow_finish(model, ow_graph(call("first"), NULL));
}

static GBytes *
exponential_calls(void)
{
    return chain(28, TRUE);
}

static GBytes *
deep_calls(void)
{
    return chain(100, FALSE);
}

/* A body with much to skip, in a function that is called often: each call takes its share. */
static GBytes *
large_body_called_often(void)
{
    Ow *model = ow_model_head(10, 17), *function, *graph = ow_graph(call("first"), NULL);

    function = function_of("first", ow_node("Relu", "x", "y"));
    for (int i = 0; i < 200000; i++)
        ow_int(function, 100, 0);
    ow_put(model, OW_M_FUNCTION, function);
    for (int i = 0; i < 200; i++) {
        g_autofree char *out = g_strdup_printf("z%d", i);
        Ow *node = ow_node("first", "x", out);
        ow_text(node, 7, "local");
        ow_put(graph, OW_G_NODE, node);
    }
    return ow_finish(model, graph);
}

static GBytes *
function_twice(void)
{
    return model_of(function_of("first", ow_node("Relu", "x", "y")),
                    function_of("first", ow_node("Neg", "x", "y")), NULL);
}

static GBytes *
function_without_input(void)
{
    return model_of(ow_function("local", "first", "", "y", ow_node("Relu", "x", "y"), NULL), NULL);
}

static GBytes *
function_without_output(void)
{
    return model_of(function_of("first", ow_node("Relu", "x", "z")), NULL);
}

static GBytes *
function_of_unknown_name(void)
{
    return model_of(function_of("first", ow_node("Add", "x,outside", "y")), NULL);
}

static GBytes *
function_of_same_inputs(void)
{
    return model_of(ow_function("local", "first", "x,x", "y", ow_node("Relu", "x", "y"), NULL),
                    NULL);
}

static GBytes *
function_that_sets_its_input(void)
{
    return model_of(ow_function("local", "first", "x", "y", ow_node("Relu", "x", "x"),
                                ow_node("Neg", "x", "y"), NULL),
                    NULL);
}

static GBytes *
function_of_opset_6(void)
{
    Ow *function = function_of("first", ow_node("Relu", "x", "y"));
    ow_opset(function, 9, "", 6);
    return model_of(function, NULL);
}

static GBytes *
function_of_garbage(void)
{
    Ow *function = function_of("first", ow_node("Relu", "x", "y"));
    ow_bytes(function, 7, "\377\377", 2);
    return model_of(function, NULL);
}

static GBytes *
attribute_of_nobody(void)
{
    Ow *model = ow_model_head(10, 17), *node = call("first");
    ow_attr_int(node, "axis", 1);
    ow_put(model, OW_M_FUNCTION, function_of("first", ow_node("Relu", "x", "y")));
    return ow_finish(model, ow_graph(node, NULL));
}

static GBytes *
reference_outside_functions(void)
{
    Ow *node = ow_node("LeakyRelu", "x", "y");
    ow_attr_ref(node, "alpha", 1, "slope");
    return ow_model(ow_graph(node, NULL), 17);
}

static GBytes *
default_that_refers(void)
{
    Ow *node = ow_node("LeakyRelu", "x", "y"), *function, *circle = ow_new();
    ow_attr_ref(node, "alpha", 1, "slope");
    function = function_of("first", node);
    ow_text(circle, 1, "slope");
    ow_int(circle, 20, 1);
    ow_text(circle, 21, "slope");
    ow_put(function, OW_F_DEFAULT, circle);
    return model_of(function, NULL);
}

static const Defect defects[] = {
    {"calls-itself", calls_itself, FORMAT, "calls function 'local:first'"},
    {"calls-in-a-circle", calls_in_a_circle, FORMAT, "contains itself"},
    {"calls-itself-in-a-branch", calls_itself_in_a_branch, FORMAT, "contains itself"},
    {"exponential-calls", exponential_calls, LIMIT, "memory"},
    {"deep-calls", deep_calls, LIMIT, "nested"},
    {"large-body-called-often", large_body_called_often, LIMIT, "memory"},
    {"function-twice", function_twice, FORMAT, "'local:first'"},
    {"function-without-input", function_without_input, FORMAT, "function has 0 and 1"},
    {"function-without-output", function_without_output, FORMAT, "called 'y'"},
    {"function-of-unknown-name", function_of_unknown_name, FORMAT, "/outside'"},
    {"function-of-same-inputs", function_of_same_inputs, FORMAT, "called 'x'"},
    {"function-that-sets-its-input", function_that_sets_its_input, FORMAT, "an input of the"},
    {"function-of-opset-6", function_of_opset_6, UNSUPPORTED, "opset 6"},
    {"function-of-garbage", function_of_garbage, FORMAT, "byte"},
    {"attribute-of-nobody", attribute_of_nobody, FORMAT, "no attribute 'axis'"},
    {"reference-outside-functions", reference_outside_functions, FORMAT, "'alpha'"},
    {"default-that-refers", default_that_refers, FORMAT, "'alpha'"},
};

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(defects); i++)
        defect_add("/malformed/function/", &defects[i], defect_test_loaded);
    return g_test_run();
}
