/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "case_model.h"

#include <string.h>

/* Field numbers of ModelProto, GraphProto, NodeProto, ValueInfoProto, TypeProto and
 * OperatorSetIdProto. */
enum {
    MODEL_GRAPH = 7,
    MODEL_OPSET = 8,
    GRAPH_NODE = 1,
    GRAPH_INPUT = 11,
    GRAPH_OUTPUT = 12,
    VALUE_TYPE = 2,
    TYPE_TENSOR = 1,
    TENSOR_ELEMENT = 1,
    NODE_OP_TYPE = 4,
    NODE_DOMAIN = 7,
    OPSET_DOMAIN = 1,
    OPSET_VERSION = 2,
};

typedef struct {
    const guint8 *at, *end;
} Span;

typedef struct {
    guint64 number;
    guint wire;
    guint64 value; /* wire type 0 */
    Span bytes;    /* wire type 2 */
} Field;

static bool
read_varint(Span *span, guint64 *out)
{
    *out = 0;
    for (guint shift = 0; shift < 64 && span->at < span->end; shift += 7) {
        guint8 byte = *span->at++;
        *out |= (guint64)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return true;
    }
    return false;
}

/* False at the end, and at anything malformed. */
static bool
next_field(Span *span, Field *field)
{
    guint64 key, length;
    if (!read_varint(span, &key))
        return false;
    field->number = key >> 3;
    field->wire = key & 7;
    if (field->wire == 0)
        return read_varint(span, &field->value);
    if (field->wire == 1)
        length = 8;
    else if (field->wire == 5)
        length = 4;
    else if (field->wire != 2 || !read_varint(span, &length))
        return false;
    if (length > (guint64)(span->end - span->at))
        return false;
    field->bytes = (Span){span->at, span->at + length};
    span->at += length;
    return true;
}

static char *
to_string(Span span)
{
    return g_strndup((const char *)span.at, (gsize)(span.end - span.at));
}

static bool
is_own_domain(const char *domain)
{
    return !*domain || strcmp(domain, "ai.onnx") == 0;
}

static char *
read_node(Span node)
{
    char *op = g_strdup(""), *domain = g_strdup("");
    for (Field field; next_field(&node, &field);) {
        if (field.wire != 2 || (field.number != NODE_OP_TYPE && field.number != NODE_DOMAIN))
            continue;
        char **to = field.number == NODE_OP_TYPE ? &op : &domain;
        g_free(*to);
        *to = to_string(field.bytes);
    }
    char *name = is_own_domain(domain) ? g_strdup(op) : g_strdup_printf("%s.%s", domain, op);
    g_free(op);
    g_free(domain);
    return name;
}

/* The last message with that number; empty when there is none. */
static Span
inner(Span message, guint64 number)
{
    Span found = {message.end, message.end};
    for (Field field; next_field(&message, &field);)
        if (field.wire == 2 && field.number == number)
            found = field.bytes;
    return found;
}

static guint64
read_element_type(Span value)
{
    Span tensor = inner(inner(value, VALUE_TYPE), TYPE_TENSOR);
    guint64 type = 0;
    for (Field field; next_field(&tensor, &field);)
        if (field.wire == 0 && field.number == TENSOR_ELEMENT)
            type = field.value;
    return type;
}

static void
read_graph(CaseModel *model, Span graph)
{
    for (Field item; next_field(&graph, &item);) {
        if (item.wire != 2)
            continue;
        if (item.number == GRAPH_NODE)
            g_ptr_array_add(model->operators, read_node(item.bytes));
        if (item.number == GRAPH_INPUT || item.number == GRAPH_OUTPUT) {
            guint64 type = read_element_type(item.bytes);
            g_array_append_val(item.number == GRAPH_INPUT ? model->inputs : model->outputs, type);
        }
    }
}

static void
read_opset(CaseModel *model, Span opset)
{
    char *domain = g_strdup("");
    guint64 version = 0;
    for (Field field; next_field(&opset, &field);) {
        if (field.number == OPSET_VERSION && field.wire == 0)
            version = field.value;
        if (field.number == OPSET_DOMAIN && field.wire == 2) {
            g_free(domain);
            domain = to_string(field.bytes);
        }
    }
    if (is_own_domain(domain))
        model->opset = version;
    g_free(domain);
}

bool
case_model_read(CaseModel *model, const guint8 *data, gsize size)
{
    Span span = {data, data + size};
    *model = (CaseModel){.operators = g_ptr_array_new_with_free_func(g_free)};
    model->inputs = g_array_new(FALSE, FALSE, sizeof(guint64));
    model->outputs = g_array_new(FALSE, FALSE, sizeof(guint64));
    for (Field field; next_field(&span, &field);) {
        if (field.number == MODEL_GRAPH && field.wire == 2)
            read_graph(model, field.bytes);
        if (field.number == MODEL_OPSET && field.wire == 2)
            read_opset(model, field.bytes);
    }
    if (span.at == span.end && model->operators->len > 0)
        return true;
    case_model_clear(model);
    return false;
}

void
case_model_clear(CaseModel *model)
{
    g_clear_pointer(&model->operators, g_ptr_array_unref);
    g_clear_pointer(&model->inputs, g_array_unref);
    g_clear_pointer(&model->outputs, g_array_unref);
}
