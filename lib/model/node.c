/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Nodes and their attributes. */
#include "model/graph.h"
#include <string.h>

void
cr_node_init(CrNode *node, const char *op, const char *domain, const char *name, int n_inputs,
             int n_outputs)
{
    *node = (CrNode){
        .name = g_strdup(name ? name : ""),
        .op = g_strdup(op),
        .domain = g_strdup(domain ? domain : ""),
        .n_inputs = n_inputs,
        .n_outputs = n_outputs,
        .inputs = g_new(int, n_inputs),
        .outputs = g_new(int, n_outputs),
    };
    for (int i = 0; i < n_inputs; i++)
        node->inputs[i] = CR_NO_VALUE;
    for (int i = 0; i < n_outputs; i++)
        node->outputs[i] = CR_NO_VALUE;
}

static void
attr_clear(CrAttr *attr)
{
    g_free(attr->name);
    g_free(attr->ints);
    g_free(attr->floats);
    g_free(attr->string);
    g_strfreev(attr->strings);
    convrnn_tensor_unref(attr->tensor);
    cr_graph_free(attr->graph);
}

void
cr_node_clear(CrNode *node)
{
    for (int i = 0; i < node->n_attrs; i++)
        attr_clear(&node->attrs[i]);
    g_free(node->attrs);
    g_free(node->inputs);
    g_free(node->outputs);
    g_free(node->name);
    g_free(node->op);
    g_free(node->domain);
    *node = (CrNode){.name = NULL};
}

static CrAttr *
append(CrNode *node, const char *name, CrAttrType type)
{
    node->attrs = g_renew(CrAttr, node->attrs, node->n_attrs + 1);
    CrAttr *attr = &node->attrs[node->n_attrs++];
    *attr = (CrAttr){.name = g_strdup(name), .type = type};
    return attr;
}

void
cr_node_set_int(CrNode *node, const char *attr, int64_t v)
{
    append(node, attr, CR_ATTR_INT)->i = v;
}

void
cr_node_set_float(CrNode *node, const char *attr, float v)
{
    append(node, attr, CR_ATTR_FLOAT)->f = v;
}

void
cr_node_set_string(CrNode *node, const char *attr, const char *v)
{
    append(node, attr, CR_ATTR_STRING)->string = g_strdup(v);
}

void
cr_node_set_ints(CrNode *node, const char *attr, const int64_t *v, int n)
{
    CrAttr *a = append(node, attr, CR_ATTR_INTS);
    a->ints = g_memdup2(v, n * sizeof *v);
    a->n = n;
}

void
cr_node_set_floats(CrNode *node, const char *attr, const float *v, int n)
{
    CrAttr *a = append(node, attr, CR_ATTR_FLOATS);
    a->floats = g_memdup2(v, n * sizeof *v);
    a->n = n;
}

void
cr_node_set_strings(CrNode *node, const char *attr, const char *const *v, int n)
{
    CrAttr *a = append(node, attr, CR_ATTR_STRINGS);
    a->strings = g_new0(char *, n + 1);
    for (int i = 0; i < n; i++)
        a->strings[i] = g_strdup(v[i]);
    a->n = n;
}

void
cr_node_remove_attr(CrNode *node, const char *attr)
{
    for (int i = 0; i < node->n_attrs; i++) {
        if (strcmp(node->attrs[i].name, attr) != 0)
            continue;
        attr_clear(&node->attrs[i]);
        memmove(&node->attrs[i], &node->attrs[i + 1],
                (node->n_attrs - i - 1) * sizeof *node->attrs);
        node->n_attrs--;
        return;
    }
}

bool
cr_node_is_control(const CrNode *node)
{
    static const char *const ops[] = {"If", "Loop", "Scan", NULL};
    return *node->domain == '\0' && g_strv_contains(ops, node->op);
}

const CrGraph *
cr_node_graph(const CrNode *node, const char *attr, int *captured)
{
    *captured = node->n_inputs - node->n_captured;
    for (int i = 0; i < node->n_attrs; i++) {
        const CrAttr *a = &node->attrs[i];
        if (a->type != CR_ATTR_GRAPH)
            continue;
        if (strcmp(a->name, attr) == 0)
            return a->graph;
        *captured += a->graph->n_captured;
    }
    return NULL;
}

const CrAttr *
cr_node_attr(const CrNode *node, const char *attr)
{
    for (int i = 0; i < node->n_attrs; i++) {
        if (strcmp(node->attrs[i].name, attr) == 0)
            return &node->attrs[i];
    }
    return NULL;
}

static const CrAttr *
attr_of_type(const CrNode *node, const char *name, CrAttrType type)
{
    const CrAttr *attr = cr_node_attr(node, name);
    return attr && attr->type == type ? attr : NULL;
}

int64_t
cr_node_int(const CrNode *node, const char *attr, int64_t fallback)
{
    const CrAttr *a = attr_of_type(node, attr, CR_ATTR_INT);
    return a ? a->i : fallback;
}

float
cr_node_float(const CrNode *node, const char *attr, float fallback)
{
    const CrAttr *a = attr_of_type(node, attr, CR_ATTR_FLOAT);
    return a ? a->f : fallback;
}

const char *
cr_node_string(const CrNode *node, const char *attr, const char *fallback)
{
    const CrAttr *a = attr_of_type(node, attr, CR_ATTR_STRING);
    return a ? a->string : fallback;
}

const int64_t *
cr_node_ints(const CrNode *node, const char *attr, int *n)
{
    const CrAttr *a = attr_of_type(node, attr, CR_ATTR_INTS);
    *n = a ? a->n : 0;
    return a ? a->ints : NULL;
}
