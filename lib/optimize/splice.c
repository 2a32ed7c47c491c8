/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Graphs in place of nodes. A graph in an attribute is put in by walking over it with a table that
 * says what its values are here: the node's inputs, shared constants, or what its nodes compute.
 * The model's own graph is walked over in the same way, and is mostly itself: only nodes behind
 * control flow are copied, to read what has taken its place. */
#include "optimize/binder.h"
#include <string.h>

#define MAX_PATH 256 /* longer names of copies stay short: they are for messages */

int
cr_binder_add_fact(CrBinder *b, const char *name)
{
    CrFact fact = {.name = name};
    g_array_append_val(b->facts, fact);
    return (int)b->facts->len - 1;
}

int
cr_binder_add_constant(CrBinder *b, const char *name, ConvRnnTensor *tensor)
{
    CrFact fact = {.name = name, .desc = cr_binder_desc(tensor), .constant = tensor};
    g_array_append_val(b->facts, fact);
    return (int)b->facts->len - 1;
}

/* However often a graph is put in, and wherever it has its constants from, each is there once. */
static int
share(CrBinder *b, const CrValue *value)
{
    if (!b->shared) {
        b->shared = g_hash_table_new(NULL, NULL);
        for (guint v = 0; v < b->graph->values->len; v++) {
            const CrValue *own = cr_graph_get_value(b->graph, (int)v);
            if (own->constant)
                g_hash_table_insert(b->shared, own->constant, GINT_TO_POINTER((int)v + 1));
        }
    }
    int fact = GPOINTER_TO_INT(g_hash_table_lookup(b->shared, value->constant)) - 1;
    if (fact < 0) {
        fact = cr_binder_add_constant(b, value->name, convrnn_tensor_ref(value->constant));
        cr_binder_fact(b, fact)->given = true;
        g_hash_table_insert(b->shared, value->constant, GINT_TO_POINTER(fact + 1));
    }
    return fact;
}

int
cr_binder_instance_fact(CrBinder *b, CrInstance *at, int value)
{
    if (value == CR_NO_VALUE)
        return CR_NO_VALUE;
    if (at->fact_of[value] == 0)
        at->fact_of[value] = share(b, cr_graph_get_value(at->graph, value)) + 1;
    return at->fact_of[value] - 1;
}

static const char *
full_name(CrBinder *b, const char *path, const char *name, GError **error)
{
    size_t size = strlen(path) + strlen(name) + 2;

    if (size > MAX_PATH)
        return name;
    char *full = cr_region_alloc(b->region, size, 1, name, error);
    if (full)
        g_snprintf(full, size, "%s/%s", path, name);
    return full;
}

CrNode *
cr_binder_copy_node(CrBinder *b, const CrNode *node, const char *name, GError **error)
{
    size_t n = (size_t)node->n_inputs + (size_t)node->n_outputs;
    CrNode *copy = cr_region_alloc(b->region, 1, sizeof *copy, name, error);
    int *io = copy ? cr_region_alloc(b->region, n, sizeof *io, name, error) : NULL;

    if (!io)
        return NULL;
    *copy = *node;
    copy->name = (char *)name;
    copy->inputs = io;
    copy->outputs = io + node->n_inputs;
    for (int i = 0; i < node->n_inputs; i++)
        copy->inputs[i] = node->inputs[i];
    for (int i = 0; i < node->n_outputs; i++)
        copy->outputs[i] = node->outputs[i];
    return copy;
}

/* The node as it is here, or a copy that reads other facts than it has values. */
static const CrNode *
place_node(CrBinder *b, CrInstance *at, const CrNode *node, const char *path, GError **error)
{
    bool same = path == NULL;
    const char *name = node->name;

    for (int i = 0; i < node->n_inputs; i++)
        if (cr_binder_instance_fact(b, at, node->inputs[i]) != node->inputs[i])
            same = false;
    if (same)
        return node;
    if (path && !(name = full_name(b, path, name, error)))
        return NULL;
    CrNode *copy = cr_binder_copy_node(b, node, name, error);
    for (int i = 0; copy && i < copy->n_inputs; i++)
        copy->inputs[i] = cr_binder_instance_fact(b, at, node->inputs[i]);
    return copy;
}

/* New facts for what a node makes; the model's own graph has its facts already. */
static void
place_outputs(CrBinder *b, CrInstance *at, const CrNode *from, const CrNode *node)
{
    for (int i = 0; i < from->n_outputs; i++) {
        int value = from->outputs[i];
        if (value == CR_NO_VALUE)
            continue;
        node->outputs[i] = cr_binder_add_fact(b, cr_graph_get_value(at->graph, value)->name);
        at->fact_of[value] = node->outputs[i] + 1;
    }
}

static bool
walk_control(CrBinder *b, CrInstance *at, const CrNode *from, const CrNode *node, bool *known,
             GError **error)
{
    int *results = g_new0(int, (gsize)node->n_outputs + 1);
    bool ok = cr_binder_control(b, node, results, known, error);

    for (int i = 0; ok && i < from->n_outputs; i++)
        if (from->outputs[i] != CR_NO_VALUE)
            at->fact_of[from->outputs[i]] = results[i] + 1;
    g_free(results);
    return ok;
}

bool
cr_binder_walk(CrBinder *b, CrInstance *at, const bool *live, const char *path, bool *known,
               GError **error)
{
    for (guint i = 0; i < at->graph->nodes->len; i++) {
        const CrNode *from = cr_graph_get_node(at->graph, (int)i);
        bool this_known = true;
        if (live && !live[i])
            continue;
        const CrNode *node = place_node(b, at, from, path, error);
        if (!node)
            return false;
        if (cr_node_is_control(from)) {
            if (!walk_control(b, at, from, node, &this_known, error))
                return false;
        } else {
            if (path)
                place_outputs(b, at, from, node);
            if (!cr_binder_visit(b, node, &this_known, error))
                return false;
        }
        b->spliced += path != NULL;
        *known = *known && this_known;
    }
    return true;
}
