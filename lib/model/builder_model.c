/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A part of one model inside another. Weights are the same tensors. */
#include "core/memory.h"
#include "model/builder.h"
#include "model/states.h"
#include <string.h>

/* One insertion. */
typedef struct {
    ConvRnnBuilder *builder;
    const ConvRnnModel *model;
    GArray *states;   /* CrStatePair of the model */
    CrRegion *region; /* owns the arrays below */
    int *map;         /* by the model's value: the builder's graph's value, or CR_NO_VALUE */
    bool *wanted;     /* by the model's value */
    bool *kept;       /* by state: its input is wanted */
} Insert;

static bool
start(Insert *in)
{
    const CrGraph *graph = in->model->graph;
    GError **failure = &in->builder->failure;
    static const char what[] = "a model's part";

    in->region = cr_region_new();
    in->map = cr_region_alloc(in->region, graph->values->len, sizeof *in->map, what, failure);
    in->wanted = in->map
                     ? cr_region_alloc(in->region, graph->values->len, sizeof(bool), what, failure)
                     : NULL;
    if (!in->wanted)
        return false;
    for (guint v = 0; v < graph->values->len; v++)
        in->map[v] = CR_NO_VALUE;
    in->states = cr_states_find(in->model, NULL, NULL, failure);
    in->kept = in->states
                   ? cr_region_alloc(in->region, in->states->len, sizeof(bool), what, failure)
                   : NULL;
    return in->kept != NULL;
}

/* --- names --- */

#define COMPARED 48 /* of a name's last bytes */

static int
distance(const char *a, const char *b)
{
    size_t n_a = strlen(a), n_b = strlen(b);
    int row[COMPARED + 1];

    a += n_a > COMPARED ? n_a - COMPARED : 0;
    b += n_b > COMPARED ? n_b - COMPARED : 0;
    n_b = strlen(b);
    for (size_t k = 0; k <= n_b; k++)
        row[k] = (int)k;
    for (int i = 1; *a; a++, i++) { /* Levenshtein's, one row of the table at a time */
        int corner = row[0];
        row[0] = i;
        for (size_t k = 1; k <= n_b; k++) {
            int change = corner + (*a != b[k - 1]);
            corner = row[k];
            row[k] = MIN(MIN(row[k], row[k - 1]) + 1, change);
        }
    }
    return row[n_b];
}

static bool
is_computed(const CrGraph *graph, int v)
{
    const CrValue *value = cr_graph_get_value(graph, v);

    if (value->constant || value->producer >= 0)
        return true;
    for (guint i = 0; i < graph->inputs->len; i++) {
        if (g_array_index(graph->inputs, CrPort, i).value == v)
            return true;
    }
    return false;
}

#define N_NEAR 3

static char *
list_near(const CrGraph *graph, const char *name)
{
    const char *near[N_NEAR] = {NULL};
    int far[N_NEAR];

    for (int v = 0; v < (int)graph->values->len; v++) {
        const char *candidate = cr_graph_get_value(graph, v)->name;
        int d = distance(name, candidate), place = N_NEAR;
        while (place > 0 && (!near[place - 1] || d < far[place - 1]))
            place--;
        if (place == N_NEAR || !is_computed(graph, v))
            continue;
        for (int i = N_NEAR - 1; i > place; i--) {
            near[i] = near[i - 1];
            far[i] = far[i - 1];
        }
        near[place] = candidate;
        far[place] = d;
    }
    GString *list = g_string_new(NULL);
    for (int i = 0; i < N_NEAR && near[i]; i++)
        g_string_append_printf(list, "%s'%s'", i ? ", " : "", near[i]);
    return g_string_free(list, FALSE);
}

static int
find(const Insert *in, const char *name)
{
    const CrGraph *graph = in->model->graph;
    int v = cr_graph_find(graph, name);

    if (v != CR_NO_VALUE && is_computed(graph, v))
        return v;
    char *near = list_near(graph, name);
    cr_builder_fail(in->builder, CONVRNN_ERROR_FORMAT,
                    "%s: no tensor is called '%s'; the nearest names are %s", in->model->name, name,
                    near);
    g_free(near);
    return CR_NO_VALUE;
}

/* --- which part --- */

/* What is given in place of a tensor needs nothing behind it. */
static void
want(Insert *in, int v)
{
    if (v != CR_NO_VALUE && in->map[v] == CR_NO_VALUE)
        in->wanted[v] = true;
}

/* Nodes come after what they need, so one pass from the back finds everything. */
static void
want_producers(Insert *in)
{
    const CrGraph *graph = in->model->graph;

    for (guint n = graph->nodes->len; n-- > 0;) {
        const CrNode *node = cr_graph_get_node(graph, (int)n);
        bool needed = false;
        for (int i = 0; i < node->n_outputs; i++)
            needed = needed || (node->outputs[i] != CR_NO_VALUE && in->wanted[node->outputs[i]]);
        for (int i = 0; needed && i < node->n_inputs; i++)
            want(in, node->inputs[i]);
    }
}

/* A state that the part reads must also move on; to compute the next one may read more states. */
static void
want_states(Insert *in)
{
    const CrGraph *graph = in->model->graph;
    bool more = true;

    while (more) {
        want_producers(in);
        more = false;
        for (guint i = 0; i < in->states->len; i++) {
            const CrStatePair *pair = &g_array_index(in->states, CrStatePair, i);
            if (in->kept[i] || !in->wanted[cr_graph_find(graph, pair->input)])
                continue;
            in->kept[i] = more = true;
            want(in, cr_graph_find(graph, pair->output));
        }
    }
}

/* --- copies --- */

static void copy_node(const CrNode *from, CrNode *to);

/* A graph in an attribute, with the same indices. */
static CrGraph *
copy_graph(const CrGraph *from)
{
    CrGraph *to = cr_graph_new();

    for (guint v = 0; v < from->values->len; v++) {
        const CrValue *value = cr_graph_get_value(from, (int)v);
        int copy = cr_graph_value(to, value->name);
        cr_graph_get_value(to, copy)->made_up = value->made_up;
        if (value->constant)
            cr_graph_get_value(to, copy)->constant = convrnn_tensor_ref(value->constant);
    }
    for (guint n = 0; n < from->nodes->len; n++) {
        const CrNode *node = cr_graph_get_node(from, (int)n);
        CrNode copy;
        copy_node(node, &copy);
        memcpy(copy.inputs, node->inputs, node->n_inputs * sizeof *node->inputs);
        memcpy(copy.outputs, node->outputs, node->n_outputs * sizeof *node->outputs);
        cr_graph_add_node(to, &copy, NULL); /* cannot fail: it did not in the original */
    }
    for (guint i = 0; i < from->inputs->len; i++) {
        const CrPort *port = &g_array_index(from->inputs, CrPort, i);
        cr_graph_add_input(to, port->info.name, &port->info, NULL);
    }
    for (guint i = 0; i < from->outputs->len; i++) {
        const CrPort *port = &g_array_index(from->outputs, CrPort, i);
        cr_graph_add_output(to, port->info.name, &port->info, NULL);
    }
    to->n_captured = from->n_captured;
    return to;
}

/* Everything but inputs and outputs. */
static void
copy_node(const CrNode *from, CrNode *to)
{
    cr_node_init(to, from->op, from->domain, from->name, from->n_inputs, from->n_outputs);
    to->n_captured = from->n_captured;
    to->n_attrs = from->n_attrs;
    to->attrs = g_memdup2(from->attrs, from->n_attrs * sizeof *from->attrs);
    for (int i = 0; i < to->n_attrs; i++) {
        CrAttr *a = &to->attrs[i];
        a->name = g_strdup(a->name);
        a->ints = g_memdup2(a->ints, a->ints ? a->n * sizeof *a->ints : 0);
        a->floats = g_memdup2(a->floats, a->floats ? a->n * sizeof *a->floats : 0);
        a->string = g_strdup(a->string);
        a->strings = g_strdupv(a->strings);
        a->tensor = a->tensor ? convrnn_tensor_ref(a->tensor) : NULL;
        a->graph = a->graph ? copy_graph(a->graph) : NULL;
    }
}

static void
insert_inputs(Insert *in)
{
    const GArray *inputs = in->model->graph->inputs;

    for (guint i = 0; i < inputs->len && !in->builder->failure; i++) {
        const CrPort *port = &g_array_index(inputs, CrPort, i);
        if (!in->wanted[port->value])
            continue;
        char *name = cr_builder_free_name(in->builder, port->info.name, CR_NO_VALUE);
        in->map[port->value] = (int)convrnn_builder_input(in->builder, name, port->info.dtype,
                                                          port->info.dims, port->info.n_dims) -
                               1;
        g_free(name);
    }
}

static void
insert_constants(Insert *in)
{
    const CrGraph *graph = in->model->graph;

    for (int v = 0; v < (int)graph->values->len; v++) {
        const CrValue *value = cr_graph_get_value(graph, v);
        if (in->wanted[v] && value->constant)
            in->map[v] = cr_graph_add_constant(in->builder->graph, value->name,
                                               convrnn_tensor_ref(value->constant));
    }
}

static void
insert_node(Insert *in, const CrNode *from)
{
    CrGraph *graph = in->builder->graph;
    CrNode node;

    if (graph->nodes->len >= CR_MAX_NODES) {
        cr_builder_fail(in->builder, CONVRNN_ERROR_LIMIT, "more than %d nodes", CR_MAX_NODES);
        return;
    }
    copy_node(from, &node);
    for (int i = 0; i < node.n_inputs; i++)
        node.inputs[i] = from->inputs[i] == CR_NO_VALUE ? CR_NO_VALUE : in->map[from->inputs[i]];
    for (int i = 0; i < node.n_outputs; i++) {
        int v = from->outputs[i];
        if (v == CR_NO_VALUE)
            continue;
        node.outputs[i] = cr_graph_new_value(graph, cr_graph_get_value(in->model->graph, v)->name);
        if (in->map[v] == CR_NO_VALUE) /* otherwise it was given, and this one is for nobody */
            in->map[v] = node.outputs[i];
    }
    cr_graph_add_node(graph, &node, &in->builder->failure);
}

static void
insert_nodes(Insert *in)
{
    const GArray *nodes = in->model->graph->nodes;

    for (guint n = 0; n < nodes->len && !in->builder->failure; n++) {
        const CrNode *node = &g_array_index(nodes, CrNode, n);
        bool needed = false;
        for (int i = 0; i < node->n_outputs; i++)
            needed = needed || (node->outputs[i] != CR_NO_VALUE && in->wanted[node->outputs[i]]);
        if (needed)
            insert_node(in, node);
    }
}

static void
insert_states(Insert *in)
{
    const CrGraph *graph = in->model->graph;

    for (guint i = 0; i < in->states->len; i++) {
        const CrStatePair *pair = &g_array_index(in->states, CrStatePair, i);
        if (!in->kept[i])
            continue;
        int input = in->map[cr_graph_find(graph, pair->input)];
        int output = in->map[cr_graph_find(graph, pair->output)];
        char *name = cr_builder_free_name(in->builder, pair->output, output);
        convrnn_builder_output(in->builder, name, (guint)output + 1);
        convrnn_builder_state(in->builder, cr_graph_get_value(in->builder->graph, input)->name,
                              name, pair->initial);
        g_free(name);
    }
}

/* --- the whole --- */

static bool
take_given(Insert *in, const gchar *const *names, const guint *values, guint n)
{
    for (guint i = 0; i < n; i++) {
        int v = find(in, names[i]);
        if (v == CR_NO_VALUE)
            return false;
        if (values[i] == CONVRNN_NO_VALUE || values[i] > in->builder->graph->values->len) {
            cr_builder_fail(in->builder, CONVRNN_ERROR_FORMAT,
                            "%s: what stands in place of '%s' is no value", in->model->name,
                            names[i]);
            return false;
        }
        in->map[v] = (int)values[i] - 1;
    }
    return true;
}

static bool
take_wanted(Insert *in, const gchar *const *outputs, guint n)
{
    for (guint i = 0; i < n; i++) {
        int v = find(in, outputs[i]);
        if (v == CR_NO_VALUE)
            return false;
        want(in, v);
    }
    return true;
}

void
convrnn_builder_model(ConvRnnBuilder *builder, const ConvRnnModel *model, const gchar *const *names,
                      const guint *values, guint n_values, const gchar *const *outputs,
                      guint n_outputs, guint *results)
{
    Insert in = {.builder = builder, .model = model};

    for (guint i = 0; i < n_outputs; i++)
        results[i] = CONVRNN_NO_VALUE;
    if (builder->failure)
        return;
    if (start(&in) && take_given(&in, names, values, n_values) &&
        take_wanted(&in, outputs, n_outputs)) {
        want_states(&in);
        insert_inputs(&in);
        insert_constants(&in);
        insert_nodes(&in);
        insert_states(&in);
    }
    for (guint i = 0; i < n_outputs && !builder->failure; i++)
        results[i] = (guint)in.map[cr_graph_find(model->graph, outputs[i])] + 1;
    cr_states_free(in.states);
    cr_region_free(in.region);
}
