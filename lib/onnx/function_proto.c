/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* FunctionProto: functions that a model defines for itself. A call is replaced by the function's
 * nodes while the graph is read. What that costs is counted: a node of a function counts once for
 * each call, and each call takes the body's size out of the memory that loading may use, so a small
 * file cannot stand for a large graph. */
#include "model/name_hash.h"
#include "onnx/onnx.h"
#include "onnx/proto.h"
#include <string.h>

enum {
    F_NAME = 1,
    F_INPUT = 4,
    F_OUTPUT = 5,
    F_ATTRIBUTE = 6,
    F_NODE = 7,
    F_OPSET = 9,
    F_DOMAIN = 10,
    F_ATTRIBUTE_PROTO = 11,
    F_OVERLOAD = 13,
};

static char *
key_of(const char *domain, const char *name, const char *overload)
{
    domain = strcmp(domain, "ai.onnx") == 0 ? "" : domain;
    return *overload ? g_strdup_printf("%s:%s:%s", domain, name, overload)
                     : g_strdup_printf("%s:%s", domain, name);
}

const CrOnnxFunction *
cr_onnx_function_find(const CrOnnxFile *file, const char *domain, const char *name,
                      const char *overload)
{
    if (g_hash_table_size(file->functions) == 0)
        return NULL;
    char *key = key_of(domain, name, overload);
    const CrOnnxFunction *function = g_hash_table_lookup(file->functions, key);
    g_free(key);
    return function;
}

void
cr_onnx_function_free(gpointer data)
{
    CrOnnxFunction *function = data;

    g_free(function->name);
    g_ptr_array_unref(function->inputs);
    g_ptr_array_unref(function->outputs);
    g_hash_table_unref(function->attrs);
    g_free(function);
}

/* --- what a function is --- */

typedef struct {
    CrOnnxFunction *function;
    char *domain, *name, *overload;
} Head;

static bool
set_text(char **text, const CrWireField *field, const char *what, GError **error)
{
    g_free(*text);
    *text = cr_wire_text(field, CR_MAX_NAME, what, error);
    return *text != NULL;
}

static bool
add_port(GPtrArray *ports, const CrWireField *field, GError **error)
{
    char *name = cr_wire_text(field, CR_MAX_NAME, "a function's input or output", error);

    if (!name)
        return false;
    g_ptr_array_add(ports, name);
    if (*name && ports->len <= CR_MAX_NODE_IO)
        return true;
    g_set_error(error, CONVRNN_ERROR, *name ? CONVRNN_ERROR_LIMIT : CONVRNN_ERROR_FORMAT,
                "byte %" G_GSIZE_FORMAT
                ": a function has an input or output without a name, or more than %d",
                field->offset, CR_MAX_NODE_IO);
    return false;
}

/* An attribute that has a default: only its name is read here. */
static bool
add_default(CrOnnxFunction *function, const CrWireField *field, GError **error)
{
    CrWire wire = field->body;
    CrWireField inner;
    char *name = NULL;
    bool ok = true;
    int more = 1;

    while (ok && (more = cr_wire_next(&wire, &inner, error)) > 0)
        ok = inner.number != 1 || set_text(&name, &inner, "an attribute's name", error);
    ok = ok && more == 0;
    if (ok)
        g_hash_table_insert(function->attrs, name ? name : g_strdup(""),
                            g_memdup2(&field->body, sizeof field->body));
    else
        g_free(name);
    return ok;
}

static bool
read_field(CrOnnxFile *file, Head *head, const CrWireField *field, GError **error)
{
    char *name = NULL;

    if (field->number < F_NAME || field->number > F_OVERLOAD)
        return true;
    if (!cr_wire_want(field, CR_WIRE_LENGTH, "a part of a function", error) ||
        !cr_onnx_take(file, field->number == F_NODE ? 0 : 256 + cr_wire_left(&field->body),
                      field->offset, error))
        return false;
    switch (field->number) {
    case F_NAME:
        return set_text(&head->name, field, "a function's name", error);
    case F_DOMAIN:
        return set_text(&head->domain, field, "a function's domain", error);
    case F_OVERLOAD:
        return set_text(&head->overload, field, "a function's overload", error);
    case F_INPUT:
        return add_port(head->function->inputs, field, error);
    case F_OUTPUT:
        return add_port(head->function->outputs, field, error);
    case F_OPSET:
        return cr_onnx_opset(field, &head->function->opset, error);
    case F_ATTRIBUTE_PROTO:
        return add_default(head->function, field, error);
    case F_ATTRIBUTE:
        if (!set_text(&name, field, "an attribute's name", error))
            return false;
        if (!g_hash_table_contains(head->function->attrs, name))
            g_hash_table_insert(head->function->attrs, name, NULL);
        else
            g_free(name);
        return true;
    default:
        return true;
    }
}

bool
cr_onnx_function(CrOnnxFile *file, CrWire wire, GError **error)
{
    Head head = {.function = g_new0(CrOnnxFunction, 1),
                 .domain = g_strdup(""),
                 .name = g_strdup(""),
                 .overload = g_strdup("")};
    CrWireField field;
    int more = 1;

    head.function->body = wire;
    head.function->inputs = g_ptr_array_new_with_free_func(g_free);
    head.function->outputs = g_ptr_array_new_with_free_func(g_free);
    head.function->attrs = g_hash_table_new_full(cr_name_hash, g_str_equal, g_free, g_free);
    bool ok = cr_onnx_take(file, 1024, wire.pos, error);
    while (ok && (more = cr_wire_next(&wire, &field, error)) > 0)
        ok = read_field(file, &head, &field, error);
    ok = ok && more == 0;
    head.function->name = key_of(head.domain ? head.domain : "", head.name ? head.name : "",
                                 head.overload ? head.overload : "");
    if (ok && g_hash_table_contains(file->functions, head.function->name)) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT, "two functions are called '%s'",
                    head.function->name);
        ok = false;
    }
    if (ok)
        g_hash_table_insert(file->functions, head.function->name, head.function);
    else
        cr_onnx_function_free(head.function);
    g_free(head.domain);
    g_free(head.name);
    g_free(head.overload);
    return ok;
}

/* --- calls --- */

static bool call_error(const CrOnnxCall *call, ConvRnnError code, GError **error,
                       const char *format, ...) G_GNUC_PRINTF(4, 5);

static bool
call_error(const CrOnnxCall *call, ConvRnnError code, GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, CONVRNN_ERROR, code, "node '%s', which calls function '%s': %s",
                call->node->name, call->function->name, text);
    g_free(text);
    return false;
}

/* A function that does not say uses the model's. */
static int64_t
opset_of(const CrOnnxFile *file, const CrOnnxFunction *function)
{
    return function->opset > 0 ? function->opset : file->opset;
}

static bool
check_call(const CrOnnxFile *file, const CrOnnxCall *call, GError **error)
{
    const CrOnnxFunction *f = call->function;
    const CrNode *node = call->node;

    for (const CrOnnxCall *c = call->caller; c; c = c->caller)
        if (c->function == f)
            return call_error(call, CONVRNN_ERROR_FORMAT, error,
                              "the function is being called already: it contains itself");
    if (file->scope->depth >= CR_MAX_NESTING)
        return call_error(call, CONVRNN_ERROR_LIMIT, error, "calls are nested more than %d deep",
                          CR_MAX_NESTING);
    if (opset_of(file, f) < CR_ONNX_OLDEST_OPSET)
        return call_error(call, CONVRNN_ERROR_UNSUPPORTED, error,
                          "it uses opset %" G_GINT64_FORMAT ", but the oldest supported is %d",
                          (gint64)opset_of(file, f), CR_ONNX_OLDEST_OPSET);
    if (node->n_inputs > (int)f->inputs->len || node->n_outputs > (int)f->outputs->len)
        return call_error(call, CONVRNN_ERROR_FORMAT, error,
                          "%d inputs and %d outputs, but the function has %u and %u",
                          node->n_inputs, node->n_outputs, f->inputs->len, f->outputs->len);
    for (int i = 0; i < node->n_attrs; i++)
        if (!g_hash_table_contains(f->attrs, node->attrs[i].name))
            return call_error(call, CONVRNN_ERROR_FORMAT, error,
                              "the function has no attribute '%s'", node->attrs[i].name);
    return true;
}

static void
bind_name(GHashTable *names, const char *name, int value)
{
    g_hash_table_insert(names, g_strdup(name), GINT_TO_POINTER(value + 2));
}

/* Outputs are computed into the values that the caller wants them in. */
static bool
bind_ports(CrOnnxCall *call, GError **error)
{
    const CrOnnxFunction *f = call->function;

    for (guint i = 0; i < f->inputs->len; i++) {
        if (g_hash_table_contains(call->arguments, f->inputs->pdata[i]))
            return call_error(call, CONVRNN_ERROR_FORMAT, error,
                              "two of its inputs are called '%s'", (char *)f->inputs->pdata[i]);
        bind_name(call->arguments, f->inputs->pdata[i],
                  (int)i < call->node->n_inputs ? call->node->inputs[i] : CR_NO_VALUE);
    }
    for (int i = 0; i < call->node->n_outputs; i++) {
        const char *name = f->outputs->pdata[i];
        if (call->node->outputs[i] != CR_NO_VALUE &&
            !g_hash_table_contains(call->arguments, name) &&
            !g_hash_table_contains(call->locals, name))
            bind_name(call->locals, name, call->node->outputs[i]);
    }
    return true;
}

/* What the function hands through, or gives twice, needs a node. */
static bool
copy_outputs(CrOnnxFile *file, const CrOnnxCall *call, size_t offset, GError **error)
{
    for (int i = 0; i < call->node->n_outputs; i++) {
        const char *name = call->function->outputs->pdata[i];
        int value, out = call->node->outputs[i];
        CrNode copy;

        if (out == CR_NO_VALUE)
            continue;
        if (!cr_onnx_use(file, file->scope, name, offset, &value, error))
            return false;
        if (value == out)
            continue;
        if (value == CR_NO_VALUE)
            return call_error(call, CONVRNN_ERROR_FORMAT, error,
                              "output %d is the function's input '%s', which the call leaves out",
                              i, name);
        cr_node_init(&copy, "Identity", "", call->node->name, 1, 1);
        copy.inputs[0] = value;
        copy.outputs[0] = out;
        if (!cr_graph_add_node(file->scope->graph, &copy, error))
            return false;
    }
    return true;
}

static bool
read_nodes(CrOnnxFile *file, CrWire wire, GError **error)
{
    CrWireField field;
    int more;

    while ((more = cr_wire_next(&wire, &field, error)) > 0) {
        if (field.number == F_NODE && !cr_onnx_add_node(file, &field, error))
            return false;
    }
    return more == 0;
}

bool
cr_onnx_call(CrOnnxFile *file, const CrOnnxFunction *function, const CrNode *node, size_t offset,
             GError **error)
{
    const CrOnnxScope *caller = file->scope;
    CrOnnxCall call = {.function = function, .node = node, .caller = caller->call};
    CrOnnxScope scope = {.graph = caller->graph,
                         .call = &call,
                         .is_body = true,
                         .opset = opset_of(file, function),
                         .depth = caller->depth + 1};

    if (!check_call(file, &call, error) ||
        !cr_onnx_take(file, 1024 + cr_wire_left(&function->body), offset, error))
        return false;
    call.arguments = g_hash_table_new_full(cr_name_hash, g_str_equal, g_free, NULL);
    call.locals = g_hash_table_new_full(cr_name_hash, g_str_equal, g_free, NULL);
    file->scope = &scope;
    bool ok = bind_ports(&call, error) && read_nodes(file, function->body, error) &&
              copy_outputs(file, &call, offset, error);
    file->scope = caller;
    g_hash_table_unref(call.arguments);
    g_hash_table_unref(call.locals);
    return ok;
}
