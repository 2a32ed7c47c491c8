/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a heap of nodes to a graph that can be run: everything used is defined, no node waits for
 * itself, nodes that no output needs are gone, and each comes after what it needs.
 *
 * The order is the file's wherever the file's order is legal. Nothing here recurses: a chain of
 * nodes may be as long as a graph may be big. */
#include "core/memory.h"
#include "model/graph.h"

typedef struct {
    CrGraph *graph;
    CrRegion *region;
    bool *is_input; /* by value */
    int *order;     /* node indices, producers first */
    int n_order;
    bool *needed; /* by node */
} Finish;

static bool
check_inputs(Finish *f, GError **error)
{
    for (guint i = 0; i < f->graph->inputs->len; i++) {
        int v = g_array_index(f->graph->inputs, CrPort, i).value;
        const CrValue *value = cr_graph_get_value(f->graph, v);
        if (value->constant || value->producer >= 0) {
            g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT, "input '%s' is also %s",
                        value->name, value->constant ? "a constant" : "computed by a node");
            return false;
        }
        f->is_input[v] = true;
    }
    return true;
}

static bool
is_defined(const Finish *f, int v)
{
    const CrValue *value = cr_graph_get_value(f->graph, v);
    return value->constant || value->producer >= 0 || f->is_input[v];
}

static bool
check_uses(const Finish *f, GError **error)
{
    for (guint n = 0; n < f->graph->nodes->len; n++) {
        const CrNode *node = cr_graph_get_node(f->graph, n);
        for (int i = 0; i < node->n_inputs; i++) {
            if (node->inputs[i] == CR_NO_VALUE || is_defined(f, node->inputs[i]))
                continue;
            g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT,
                        "%s node '%s': no node, input or initializer is called '%s' (its input %d)",
                        node->op, node->name, cr_graph_get_value(f->graph, node->inputs[i])->name,
                        i);
            return false;
        }
    }
    for (guint i = 0; i < f->graph->outputs->len; i++) {
        const CrPort *port = &g_array_index(f->graph->outputs, CrPort, i);
        if (is_defined(f, port->value))
            continue;
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT,
                    "no node, input or initializer is called '%s' (output %u)", port->info.name, i);
        return false;
    }
    return true;
}

enum { UNSEEN = 0, OPEN, DONE };

typedef struct {
    int node, next; /* the input to look at next */
} Visit;

/* The next node that must come before `visit`, or -1. */
static int
next_producer(const CrGraph *graph, const unsigned char *state, Visit *visit)
{
    const CrNode *node = cr_graph_get_node(graph, visit->node);

    while (visit->next < node->n_inputs) {
        int v = node->inputs[visit->next++];
        int producer = v == CR_NO_VALUE ? -1 : cr_graph_get_value(graph, v)->producer;
        if (producer >= 0 && state[producer] != DONE)
            return producer;
    }
    return -1;
}

/* Depth first from one node, with a stack of our own. */
static bool
visit_node(Finish *f, unsigned char *state, Visit *stack, int first, GError **error)
{
    int depth = 0;

    stack[0] = (Visit){first, 0};
    state[first] = OPEN;
    while (depth >= 0) {
        int producer = next_producer(f->graph, state, &stack[depth]);
        if (producer < 0) {
            state[stack[depth].node] = DONE;
            f->order[f->n_order++] = stack[depth--].node;
        } else if (state[producer] == OPEN) {
            const CrNode *node = cr_graph_get_node(f->graph, producer);
            g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT,
                        "%s node '%s' needs its own output: the graph has a cycle", node->op,
                        node->name);
            return false;
        } else {
            state[producer] = OPEN;
            stack[++depth] = (Visit){producer, 0};
        }
    }
    return true;
}

static bool
sort(Finish *f, GError **error)
{
    guint n = f->graph->nodes->len;
    unsigned char *state = cr_region_alloc(f->region, n, sizeof *state, "sorting nodes", error);
    Visit *stack =
        state ? cr_region_alloc(f->region, n, sizeof *stack, "sorting nodes", error) : NULL;
    f->order =
        stack ? cr_region_alloc(f->region, n, sizeof *f->order, "sorting nodes", error) : NULL;
    if (!f->order)
        return false;
    for (guint i = 0; i < n; i++) {
        if (state[i] == UNSEEN && !visit_node(f, state, stack, (int)i, error))
            return false;
    }
    return true;
}

static void
need_producer(Finish *f, int v)
{
    int producer = v == CR_NO_VALUE ? -1 : cr_graph_get_value(f->graph, v)->producer;
    if (producer >= 0)
        f->needed[producer] = true;
}

static bool
mark_needed(Finish *f, GError **error)
{
    f->needed = cr_region_alloc(f->region, f->graph->nodes->len, sizeof *f->needed,
                                "finding dead nodes", error);
    if (!f->needed)
        return false;
    for (guint i = 0; i < f->graph->outputs->len; i++)
        need_producer(f, g_array_index(f->graph->outputs, CrPort, i).value);
    for (int k = f->n_order - 1; k >= 0; k--) {
        const CrNode *node = cr_graph_get_node(f->graph, f->order[k]);
        for (int i = 0; f->needed[f->order[k]] && i < node->n_inputs; i++)
            need_producer(f, node->inputs[i]);
    }
    return true;
}

/* Keeps the needed nodes, in their order, and puts the values' producers right. */
static void
rebuild(Finish *f)
{
    CrNode *old = g_array_steal(f->graph->nodes, NULL);

    for (guint v = 0; v < f->graph->values->len; v++)
        cr_graph_get_value(f->graph, v)->producer = -1;
    for (int k = 0; k < f->n_order; k++) {
        CrNode *node = &old[f->order[k]];
        if (!f->needed[f->order[k]]) {
            cr_node_clear(node);
            continue;
        }
        for (int i = 0; i < node->n_outputs; i++) {
            if (node->outputs[i] != CR_NO_VALUE)
                cr_graph_get_value(f->graph, node->outputs[i])->producer =
                    (int)f->graph->nodes->len;
        }
        g_array_append_val(f->graph->nodes, *node);
    }
    g_free(old);
}

bool
cr_graph_finish(CrGraph *graph, GError **error)
{
    Finish f = {.graph = graph};

    if (graph->outputs->len == 0) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT, "the graph has no output");
        return false;
    }
    f.region = cr_region_new();
    f.is_input = cr_region_alloc(f.region, graph->values->len, sizeof *f.is_input,
                                 "checking the graph", error);
    bool ok = f.is_input && check_inputs(&f, error) && check_uses(&f, error) && sort(&f, error) &&
              mark_needed(&f, error);
    if (ok)
        rebuild(&f);
    cr_region_free(f.region);
    return ok;
}
