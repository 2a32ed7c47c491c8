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
    N_OVERLOAD = 8,
};

typedef struct {
    int n[8]; /* how many of each field */
    char *name, *op, *domain, *overload;
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
        else if (field.number == N_OVERLOAD)
            ok = read_string(&field, "a node's overload", &head->overload, error);
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
read_value(CrOnnxFile *file, const CrWireField *field, bool output, int *value, GError **error)
{
    *value = CR_NO_VALUE;
    if (cr_wire_left(&field->body) == 0)
        return true; /* an optional one that is left out */
    char *name = cr_wire_text(field, CR_MAX_NAME, "a tensor's name", error);
    if (!name)
        return false;
    bool ok = output ? cr_onnx_define(file, name, field->offset, value, error)
                     : cr_onnx_use(file, file->scope, name, field->offset, value, error);
    g_free(name);
    return ok;
}

static bool
add_attr(CrOnnxFile *file, CrNode *node, const CrWireField *field, GError **error)
{
    CrAttr *attr = &node->attrs[node->n_attrs];

    *attr = (CrAttr){.name = NULL};
    node->n_attrs++;
    if (!cr_onnx_attr(file, field->body, cr_node_is_control(node), attr, error))
        return false;
    if (!attr->name) { /* nothing was left of it */
        node->n_attrs--;
        return true;
    }
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
            ok = read_value(file, &field, false, &node->inputs[in++], error);
        else if (field.number == N_OUTPUT)
            ok = read_value(file, &field, true, &node->outputs[out++], error);
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

/* What the node's graphs capture becomes its last inputs. */
static void
append_captured(CrNode *node)
{
    for (int i = 0; i < node->n_attrs; i++) {
        CrAttr *attr = &node->attrs[i];
        if (attr->type != CR_ATTR_GRAPH)
            continue;
        node->inputs = g_renew(int, node->inputs, node->n_inputs + attr->n);
        for (int k = 0; k < attr->n; k++)
            node->inputs[node->n_inputs++] = (int)attr->ints[k];
        node->n_captured += attr->n;
        attr->n = 0;
        g_clear_pointer(&attr->ints, g_free);
    }
}

/* In a function, nodes of different calls must not have one name. */
static char *
full_name(const CrOnnxFile *file, const char *name, const char *op)
{
    const CrOnnxCall *call = file->scope->call;
    char *own = name && *name ? g_strdup(name) : g_strdup_printf("%s_%u", op, file->n_nodes - 1);

    if (!call || strlen(own) + strlen(call->node->name) >= CR_MAX_NAME)
        return own;
    char *full = g_strdup_printf("%s/%s", call->node->name, own);
    g_free(own);
    return full;
}

bool
cr_onnx_node(CrOnnxFile *file, CrWire wire, CrNode *node, const CrOnnxFunction **function,
             GError **error)
{
    Head head = {.name = NULL};
    bool ok =
        scan_node(&head, wire, error) &&
        cr_onnx_take(file, 512 + 8 * (size_t)(head.n[N_INPUT] + head.n[N_OUTPUT]), wire.pos, error);

    if (ok) {
        const char *domain = g_strcmp0(head.domain, "ai.onnx") == 0 ? "" : head.domain;
        char *name = full_name(file, head.name, head.op);
        cr_node_init(node, head.op, domain, name, head.n[N_INPUT], head.n[N_OUTPUT]);
        g_free(name);
        node->attrs = g_new0(CrAttr, head.n[N_ATTR] + 1);
        *function =
            cr_onnx_function_find(file, node->domain, head.op, head.overload ? head.overload : "");
        ok = read_body(file, wire, node, error);
        append_captured(node);
        if (!ok) {
            g_prefix_error(error, "%s node '%s': ", node->op, node->name);
            cr_node_clear(node);
        }
    }
    g_free(head.name);
    g_free(head.op);
    g_free(head.domain);
    g_free(head.overload);
    return ok;
}
