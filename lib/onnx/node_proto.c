/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* NodeProto, in the file's form. */
#include "onnx/proto.h"
#include <string.h>

/* Fields of NodeProto */
enum {
    N_INPUT = 1,
    N_OUTPUT = 2,
    N_NAME = 3,
    N_OP = 4,
    N_ATTR = 5,
    N_DOMAIN = 7,
};

typedef struct {
    int n[8]; /* how many of each field */
    char *name, *op, *domain;
} Head;

static bool
read_string(const CrWireField *field, const char *what, char **out, GError **error)
{
    g_free(*out);
    *out = cr_wire_text(field, CR_MAX_NAME, what, error);
    return *out != NULL;
}

static bool
scan_node(Head *head, CrWire wire, GError **error)
{
    size_t start = wire.pos;
    CrWireField field;
    bool ok = true;
    int more = 1;

    while (ok && (more = cr_wire_next(&wire, &field, error)) > 0) {
        if (field.number < G_N_ELEMENTS(head->n))
            head->n[field.number]++;
        if (field.number == N_NAME)
            ok = read_string(&field, "a node's name", &head->name, error);
        else if (field.number == N_OP)
            ok = read_string(&field, "a node's operator", &head->op, error);
        else if (field.number == N_DOMAIN)
            ok = read_string(&field, "a node's domain", &head->domain, error);
        else if (field.number == N_INPUT || field.number == N_OUTPUT || field.number == N_ATTR)
            ok = cr_wire_want(&field, CR_WIRE_LENGTH, "a part of a node", error);
    }
    if (!ok || more < 0)
        return false;
    if (!head->op || !*head->op) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT,
                    "byte %" G_GSIZE_FORMAT ": a node names no operator", start);
        return false;
    }
    if (head->n[N_INPUT] > CR_MAX_NODE_IO || head->n[N_OUTPUT] > CR_MAX_NODE_IO ||
        head->n[N_ATTR] > CR_MAX_NODE_ATTRS) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_LIMIT,
                    "byte %" G_GSIZE_FORMAT ": a node '%s' has %d inputs, %d outputs and %d "
                    "attributes; the limits are %d, %d and %d",
                    start, head->op, head->n[N_INPUT], head->n[N_OUTPUT], head->n[N_ATTR],
                    CR_MAX_NODE_IO, CR_MAX_NODE_IO, CR_MAX_NODE_ATTRS);
        return false;
    }
    return true;
}

static bool
read_value(CrOnnxFile *file, const CrWireField *field, int *value, GError **error)
{
    *value = CR_NO_VALUE;
    if (cr_wire_left(&field->body) == 0)
        return true; /* an optional one that is left out */
    char *name = cr_wire_text(field, CR_MAX_NAME, "a tensor's name", error);
    if (!name)
        return false;
    bool ok = cr_graph_find(file->graph, name) != CR_NO_VALUE ||
              cr_onnx_take(file, 256 + strlen(name), field->offset, error);
    if (ok)
        *value = cr_graph_value(file->graph, name);
    g_free(name);
    return ok;
}

static bool
add_attr(CrOnnxFile *file, CrNode *node, const CrWireField *field, GError **error)
{
    CrAttr *attr = &node->attrs[node->n_attrs];

    *attr = (CrAttr){.name = NULL};
    node->n_attrs++;
    if (!cr_onnx_attr(file, field->body, attr, error))
        return false;
    for (int i = 0; i < node->n_attrs - 1; i++) {
        if (strcmp(node->attrs[i].name, attr->name) == 0) {
            g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT, "attribute '%s' is there twice",
                        attr->name);
            return false;
        }
    }
    return true;
}

static bool
read_body(CrOnnxFile *file, CrWire wire, CrNode *node, GError **error)
{
    CrWireField field;
    int in = 0, out = 0;
    bool ok = true;

    while (ok && cr_wire_next(&wire, &field, NULL) > 0) {
        if (field.number == N_INPUT)
            ok = read_value(file, &field, &node->inputs[in++], error);
        else if (field.number == N_OUTPUT)
            ok = read_value(file, &field, &node->outputs[out++], error);
        else if (field.number == N_ATTR)
            ok = add_attr(file, node, &field, error);
    }
    /* "" at the end says no more than nothing does. */
    while (node->n_inputs > 0 && node->inputs[node->n_inputs - 1] == CR_NO_VALUE)
        node->n_inputs--;
    while (node->n_outputs > 0 && node->outputs[node->n_outputs - 1] == CR_NO_VALUE)
        node->n_outputs--;
    return ok;
}

static bool
is_function(const CrOnnxFile *file, const CrNode *node)
{
    char *key = g_strconcat(node->domain, ":", node->op, NULL);
    bool found = g_hash_table_contains(file->functions, key);
    g_free(key);
    return found;
}

bool
cr_onnx_node(CrOnnxFile *file, CrWire wire, CrNode *node, GError **error)
{
    Head head = {.name = NULL};
    bool ok =
        scan_node(&head, wire, error) &&
        cr_onnx_take(file, 512 + 8 * (size_t)(head.n[N_INPUT] + head.n[N_OUTPUT]), wire.pos, error);

    if (ok) {
        const char *domain = g_strcmp0(head.domain, "ai.onnx") == 0 ? "" : head.domain;
        if (!head.name || !*head.name) {
            g_free(head.name);
            head.name = g_strdup_printf("%s_%u", head.op, file->n_nodes);
        }
        cr_node_init(node, head.op, domain, head.name, head.n[N_INPUT], head.n[N_OUTPUT]);
        node->attrs = g_new0(CrAttr, head.n[N_ATTR] + 1);
        ok = read_body(file, wire, node, error);
        if (ok && is_function(file, node)) {
            g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_UNSUPPORTED,
                        "it calls a function of the model. Inline the functions with "
                        "onnx.inliner.inline_local_functions(model)");
            ok = false;
        }
        if (!ok) {
            g_prefix_error(error, "%s node '%s': ", node->op, node->name);
            cr_node_clear(node);
        }
    }
    g_free(head.name);
    g_free(head.op);
    g_free(head.domain);
    return ok;
}
