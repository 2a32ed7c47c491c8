/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which inputs are state: every source, their precedence, and what is refused. */
#include "model/model_info.h"
#include "model/states.h"
#include <string.h>

/* A model from "name:type[dims]" lists; type f or i, dims with ',' and '?' for open ones. Without
 * brackets no shape is declared. */
static void
add_ports(CrGraph *graph, const char *list, bool output)
{
    char **ports = g_strsplit(list, " ", -1);
    for (char **port = ports; *port && **port; port++) {
        ConvRnnTensorInfo info = {.dtype = CONVRNN_DTYPE_FLOAT32};
        char **parts = g_strsplit_set(*port, ":[]", -1);
        if (parts[1] && *parts[1] == 'i')
            info.dtype = CONVRNN_DTYPE_INT64;
        else if (parts[1] && *parts[1] == 'u')
            info.dtype = CONVRNN_DTYPE_UNDEFINED;
        char **dims = g_strsplit(parts[1] && parts[2] ? parts[2] : "", ",", -1);
        for (; dims[info.n_dims]; info.n_dims++)
            info.dims[info.n_dims] =
                *dims[info.n_dims] == '?' ? -1 : g_ascii_strtoll(dims[info.n_dims], NULL, 10);
        g_strfreev(dims);
        if (output)
            g_assert_true(cr_graph_add_output(graph, parts[0], &info, NULL));
        else
            g_assert_true(cr_graph_add_input(graph, parts[0], &info, NULL));
        g_strfreev(parts);
    }
    g_strfreev(ports);
}

static ConvRnnModel *
make_model(const char *inputs, const char *outputs, const char *modelinfo)
{
    GKeyFile *info = NULL;
    GError *error = NULL;
    CrGraph *graph = cr_graph_new();

    add_ports(graph, inputs, false);
    add_ports(graph, outputs, true);
    if (modelinfo) {
        char *text = g_strconcat("[modelinfo]\nversion=1.0\n", modelinfo, NULL);
        info = cr_model_info_parse(text, strlen(text), "test", &error);
        g_assert_no_error(error);
        g_free(text);
    }
    ConvRnnModel *model = cr_model_new(graph, "test", NULL, info);
    g_clear_pointer(&info, g_key_file_unref);
    return model;
}

static char *
describe(const GArray *states)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < states->len; i++) {
        const CrStatePair *pair = &g_array_index(states, CrStatePair, i);
        g_string_append_printf(text, "%s%s>%s", i ? " " : "", pair->input, pair->output);
    }
    return g_string_free(text, FALSE);
}

/* Finds the states of a model, which it frees. `expected`: "in>out in>out". */
static void
expect(ConvRnnModel *model, const GArray *given, GHashTable *constants, const char *expected,
       ConvRnnStateOrigin origin)
{
    GError *error = NULL;
    GArray *states = cr_states_find(model, given, constants, &error);

    g_assert_no_error(error);
    char *text = describe(states);
    g_assert_cmpstr(text, ==, expected);
    for (guint i = 0; i < states->len; i++)
        g_assert_cmpint(g_array_index(states, CrStatePair, i).origin, ==, origin);
    g_free(text);
    cr_states_free(states);
    convrnn_model_unref(model);
}

static void
expect_error(ConvRnnModel *model, const GArray *given, const char *part)
{
    GError *error = NULL;

    g_assert_null(cr_states_find(model, given, NULL, &error));
    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_STATE);
    if (!strstr(error->message, part))
        g_error("'%s' is not in: %s", part, error->message);
    g_error_free(error);
    convrnn_model_unref(model);
}

static void
expect_names(const char *inputs, const char *outputs, const char *expected)
{
    expect(make_model(inputs, outputs, NULL), NULL, NULL, expected, CONVRNN_STATE_FROM_NAME);
}

static GArray *
pairs(const char *input, const char *output)
{
    GArray *array = cr_states_new();
    CrStatePair pair = {.input = g_strdup(input), .output = g_strdup(output)};
    g_array_append_val(array, pair);
    return array;
}

static void
test_names(void)
{
    /* published networks */
    expect_names("input:f[1,5,240,320] prev_state_1:f[1,16,240,320] prev_state_2:f[1,16,240,320]",
                 "output:f[1,1,240,320] new_state_1:f[1,16,240,320] new_state_2:f[1,16,240,320]",
                 "prev_state_1>new_state_1 prev_state_2>new_state_2");
    expect_names("frame:f[1,3,?,?] h0_in:f[1,32,?,?] c0_in:f[1,32,?,?]",
                 "heatmap:f[1,1,?,?] h0_out:f[1,32,?,?] c0_out:f[1,32,?,?]",
                 "h0_in>h0_out c0_in>c0_out");
    expect_names("src:f[?,3,?,?] r1i:f[?,?,?,?] r2i:f[?,?,?,?] downsample_ratio:f[1]",
                 "fgr:f[?,?,?,?] pha:f[?,?,?,?] r1o:f[?,?,?,?] r2o:f[?,?,?,?]", "r1i>r1o r2i>r2o");
    /* each rule */
    expect_names("x:f[1] h0:f[2] c0:f[2]", "y:f[1] hn:f[2] cn:f[2]", "h0>hn c0>cn");
    expect_names("x:f[1] h_0:f[2]", "y:f[1] h_n:f[2]", "h_0>h_n");
    expect_names("x:f[1] hi:f[2]", "y:f[1] ho:f[2]", "hi>ho");
    expect_names("x:f[1] state:f[2]", "y:f[1] new_state:f[2]", "state>new_state");
    expect_names("x:f[1] state:f[2]", "y:f[1] next_state:f[2]", "state>next_state");
    expect_names("x:f[1] state:f[2]", "y:f[1] state_out:f[2]", "state>state_out");
    expect_names("x:f[1] prev_h:f[2]", "y:f[1] h:f[2]", "prev_h>h");
    expect_names("x:f[1] h_old:f[2]", "y:f[1] h_new:f[2]", "h_old>h_new");
    expect_names("x:f[1] in_h:f[2]", "y:f[1] out_h:f[2]", "in_h>out_h");
    expect_names("x:f[1] past_h:f[2]", "y:f[1] present_h:f[2]", "past_h>present_h");
    /* an output without a shape or type fits */
    expect_names("x:f[1] h_in:f[2]", "y:f[1] h_out", "h_in>h_out");
    expect_names("x:f[1] h_in:f[2]", "y:f[1] h_out:u", "h_in>h_out");
}

static void
test_names_no_match(void)
{
    expect_names("x:f[1,3] h_in:f[1,2]", "y:f[1] h_out:i[1,2]", "");   /* type */
    expect_names("x:f[1,3] h_in:f[1,2]", "y:f[1] h_out:f[1,2,3]", ""); /* rank */
    expect_names("x:f[1,3] h_in:f[1,2]", "y:f[1] h_out:f[1,3]", "");   /* dimension */
    expect_names("x:f[1] multi:f[1]", "y:f[1] multo:f[1]", "");
    expect_names("x:f[1] v10:f[1]", "y:f[1] v1n:f[1]", "");
    expect_names("x:f[1] i:f[1] 0:f[1] _in:f[1]", "o:f[1] n:f[1] _out:f[1]", "");
    expect_names("x:f[1]", "y:f[1]", "");
    /* one input is the picture, whatever its name */
    expect_names("img_in:f[1,3,?,?]", "img_out:f[1,3,?,?]", "");
}

/* Something must be left to read. */
static void
test_names_picture(void)
{
    expect_error(make_model("frame:f[1,3,?,?] h_in:f[1,8,?,?]",
                            "frame_out:f[1,3,?,?] h_out:f[1,8,?,?]", NULL),
                 NULL, "frame → frame_out, h_in → h_out");
    expect_error(make_model("a_in:f[1,3] h_in:f[1,3]", "a_out:f[1,3] h_out:f[1,3]", NULL), NULL,
                 "every input");
    expect_error(make_model("a:f[1,3] h:f[1,3]", "a_out:f[1,3] h_out:f[1,3] ", NULL), NULL,
                 "a → a_out, h → h_out");
    /* the .modelinfo says which is the picture */
    expect(
        make_model("a_in:f[1,3] h_in:f[1,3]", "a_out:f[1,3] h_out:f[1,3]", "[a_in]\nrole=image\n"),
        NULL, NULL, "h_in>h_out", CONVRNN_STATE_FROM_NAME);
}

static void
test_names_ambiguous(void)
{
    expect_error(make_model("x:f[1] prev_h:f[2]", "y:f[1] new_h:f[2] h:f[2]", NULL), NULL,
                 "prev_h → new_h, prev_h → h");
    expect_error(make_model("x:f[1] prev_h:f[2] old_h:f[2]", "y:f[1] new_h:f[2]", NULL), NULL,
                 "one output fits several inputs");
    /* another shape decides */
    expect_names("x:f[1] prev_h:f[2]", "y:f[1] new_h:f[2] h:f[3]", "prev_h>new_h");
}

static void
test_constants(void)
{
    GHashTable *constants = g_hash_table_new(g_str_hash, g_str_equal);
    g_hash_table_add(constants, (gpointer) "a_in");

    expect(make_model("x:f[1] a_in:f[2] b_in:f[2]", "y:f[1] a_out:f[2] b_out:f[2]", NULL), NULL,
           constants, "b_in>b_out", CONVRNN_STATE_FROM_NAME);
    expect(make_model("x:f[1] a_in:f[2] b_in:f[2]", "y:f[1] a_out:f[2] b_out:f[2]",
                      "[a_in]\nstate-of=a_out\n[b_in]\nstate-of=b_out\n"),
           NULL, constants, "b_in>b_out", CONVRNN_STATE_FROM_MODELINFO);
    g_hash_table_unref(constants);
    expect(make_model("x:f[1] a_in:f[2] b_in:f[2]", "y:f[1] a_out:f[2] b_out:f[2]",
                      "[a_in]\nconstant=1\n"),
           NULL, NULL, "b_in>b_out", CONVRNN_STATE_FROM_NAME);
}

static void
test_given(void)
{
    GArray *given = pairs("p", "q");
    expect(make_model("x:f[1] p:f[2] h_in:f[2]", "q:f[2] h_out:f[2]", "[h_in]\nstate-of=h_out\n"),
           given, NULL, "p>q", CONVRNN_STATE_FROM_CONFIG);
    expect_error(make_model("x:f[1]", "q:f[2]", NULL), given, "input 'p'");
    expect_error(make_model("p:f[1]", "y:f[2]", NULL), given, "output 'q'");
    expect_error(make_model("p:f[1]", "q:i[1]", NULL), given, "int64");
    expect_error(make_model("p:f[1]", "q:f[1,1]", NULL), given, "rank 2");
    CrStatePair twice = {.input = g_strdup("p"), .output = g_strdup("r")};
    g_array_append_val(given, twice);
    expect_error(make_model("p:f[1]", "q:f[1] r:f[1]", NULL), given, "contradict");
    cr_states_free(given);
    /* an empty list is none */
    given = cr_states_new();
    expect(make_model("x:f[1] h_in:f[2]", "y:f[1] h_out:f[2]", NULL), given, NULL, "h_in>h_out",
           CONVRNN_STATE_FROM_NAME);
    cr_states_free(given);
}

static void
test_modelinfo(void)
{
    /* with the input, with the output, with both */
    expect(make_model("x:f[1] a:f[2] b:f[2] c:f[2]", "y:f[1] p:f[2] q:f[2] r:f[2]",
                      "[c]\nstate-of=r\n[p]\nstate-of=b\n[a]\nstate-of=q\n[q]\nstate-of=a\n"),
           NULL, NULL, "a>q b>p c>r", CONVRNN_STATE_FROM_MODELINFO);
    expect_error(make_model("x:f[1] a:f[2]", "y:f[1] p:f[2]", "[a]\nstate-of=ghost\n"), NULL,
                 "'ghost'");
    expect_error(make_model("x:f[1] a:f[2]", "y:f[1] p:f[2]", "[p]\nstate-of=ghost\n"), NULL,
                 "'ghost'");
    expect_error(make_model("a:f[1] b:f[1]", "p:f[1] q:f[1]", "[a]\nstate-of=p\n[q]\nstate-of=a\n"),
                 NULL, "contradict");
    /* a file without state-of= leaves the names their say */
    expect(make_model("x:f[1] h_in:f[2]", "y:f[1] h_out:f[2]", "[x]\nmean=0.5\n"), NULL, NULL,
           "h_in>h_out", CONVRNN_STATE_FROM_NAME);
}

static void
test_metadata(void)
{
    ConvRnnModel *model = make_model("x:f[1] a:f[2] h_in:f[2]", "p:f[2] h_out:f[2]", NULL);
    g_hash_table_insert(model->graph->metadata, g_strdup("convrnn.state.a"), g_strdup("p"));
    expect(model, NULL, NULL, "a>p", CONVRNN_STATE_FROM_METADATA);

    model = make_model("x:f[1] a:f[2] b:f[2]", "p:f[2] q:f[2]", "[b]\nstate-of=q\n");
    g_hash_table_insert(model->graph->metadata, g_strdup("convrnn.state.a"), g_strdup("p"));
    expect(model, NULL, NULL, "b>q", CONVRNN_STATE_FROM_MODELINFO);

    model = make_model("x:f[1] a:f[2] b:f[2]", "p:f[2] q:f[2]", NULL);
    g_hash_table_insert(model->graph->metadata, g_strdup("convrnn.state.b"), g_strdup("q"));
    g_hash_table_insert(model->graph->metadata, g_strdup("convrnn.state.a"), g_strdup("p"));
    expect(model, NULL, NULL, "a>p b>q", CONVRNN_STATE_FROM_METADATA);
}

static void
test_builder(void)
{
    ConvRnnModel *model = make_model("x:f[1] a:f[2] h_in:f[2]", "p:f[2] h_out:f[2]", NULL);
    model->states = pairs("a", "p");
    expect(model, NULL, NULL, "a>p", CONVRNN_STATE_FROM_BUILDER);
}

static void
test_initial(void)
{
    ConvRnnModel *model = make_model("x:f[1] a:f[2] b:f[2] c:f[2]", "p:f[2] q:f[2] r:f[2]",
                                     "[a]\nstate-of=p\ninitial=0.5\n[b]\nstate-of=q\n"
                                     "[c]\nstate-of=r\ninitial=start\n");
    cr_graph_add_constant_f32(model->graph, "start", (const float[]){3, 4}, 2, false);
    GArray *states = cr_states_find(model, NULL, NULL, NULL);
    g_assert_cmpuint(states->len, ==, 3);
    const ConvRnnTensor *a = g_array_index(states, CrStatePair, 0).initial;
    g_assert_cmpfloat(*(const float *)a->data, ==, 0.5f);
    g_assert_null(g_array_index(states, CrStatePair, 1).initial);
    const ConvRnnTensor *c = g_array_index(states, CrStatePair, 2).initial;
    g_assert_cmpfloat(((const float *)c->data)[1], ==, 4);
    cr_states_free(states);

    /* what the caller gives comes first */
    GArray *given = pairs("a", "p");
    g_array_index(given, CrStatePair, 0).initial = convrnn_tensor_ref(
        cr_graph_get_value(model->graph, cr_graph_find(model->graph, "start"))->constant);
    states = cr_states_find(model, given, NULL, NULL);
    g_assert_cmpint(g_array_index(states, CrStatePair, 0).initial->n_dims, ==, 1);
    cr_states_free(states);
    cr_states_free(given);
    convrnn_model_unref(model);

    GError *error = NULL;
    model = make_model("a:f[2]", "p:f[2]", "[a]\nstate-of=p\ninitial=soon\n");
    g_assert_null(cr_states_find(model, NULL, NULL, &error));
    g_assert_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT);
    g_error_free(error);
    convrnn_model_unref(model);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/states/names", test_names);
    g_test_add_func("/states/names-no-match", test_names_no_match);
    g_test_add_func("/states/names-picture", test_names_picture);
    g_test_add_func("/states/names-ambiguous", test_names_ambiguous);
    g_test_add_func("/states/constants", test_constants);
    g_test_add_func("/states/given", test_given);
    g_test_add_func("/states/modelinfo", test_modelinfo);
    g_test_add_func("/states/metadata", test_metadata);
    g_test_add_func("/states/builder", test_builder);
    g_test_add_func("/states/initial", test_initial);
    return g_test_run();
}
