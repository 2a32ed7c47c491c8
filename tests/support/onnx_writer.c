/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "support/onnx_writer.h"
#include <string.h>

Ow *
ow_new(void)
{
    return g_byte_array_new();
}

void
ow_varint(Ow *m, uint64_t value)
{
    do {
        guint8 byte = (value & 0x7f) | (value > 0x7f ? 0x80 : 0);
        g_byte_array_append(m, &byte, 1);
        value >>= 7;
    } while (value);
}

void
ow_tag(Ow *m, unsigned field, unsigned wire_type)
{
    ow_varint(m, (uint64_t)field << 3 | wire_type);
}

void
ow_int(Ow *m, unsigned field, int64_t value)
{
    ow_tag(m, field, 0);
    ow_varint(m, (uint64_t)value);
}

void
ow_float(Ow *m, unsigned field, float value)
{
    guint32 bits;
    memcpy(&bits, &value, sizeof bits);
    bits = GUINT32_TO_LE(bits);
    ow_tag(m, field, 5);
    g_byte_array_append(m, (const guint8 *)&bits, sizeof bits);
}

void
ow_bytes(Ow *m, unsigned field, const void *data, size_t size)
{
    ow_tag(m, field, 2);
    ow_varint(m, size);
    g_byte_array_append(m, data, (guint)size);
}

void
ow_text(Ow *m, unsigned field, const char *text)
{
    ow_bytes(m, field, text, strlen(text));
}

void
ow_put(Ow *m, unsigned field, Ow *inner)
{
    ow_bytes(m, field, inner->data, inner->len);
    g_byte_array_unref(inner);
}

Ow *
ow_tensor_head(const char *name, int type, const int64_t *dims, int n_dims)
{
    Ow *m = ow_new();
    for (int i = 0; i < n_dims; i++)
        ow_int(m, 1, dims[i]);
    ow_int(m, 2, type);
    if (name)
        ow_text(m, 8, name);
    return m;
}

Ow *
ow_tensor(const char *name, int type, const int64_t *dims, int n_dims, const void *data,
          size_t size)
{
    Ow *m = ow_tensor_head(name, type, dims, n_dims);
    ow_bytes(m, 9, data, size);
    return m;
}

Ow *
ow_tensor_f32(const char *name, const float *v, int n)
{
    return ow_tensor(name, OW_FLOAT, &(int64_t){n}, 1, v, n * sizeof *v);
}

Ow *
ow_tensor_i64(const char *name, const int64_t *v, int n)
{
    return ow_tensor(name, OW_INT64, &(int64_t){n}, 1, v, n * sizeof *v);
}

static Ow *
shape(const int64_t *dims, int n_dims)
{
    Ow *m = ow_new();
    for (int i = 0; i < n_dims; i++) {
        Ow *dim = ow_new();
        if (dims[i] >= 0) {
            ow_int(dim, 1, dims[i]);
        } else if (dims[i] == -1) {
            char *name = g_strdup_printf("d%d", i);
            ow_text(dim, 2, name);
            g_free(name);
        }
        ow_put(m, 1, dim);
    }
    return m;
}

Ow *
ow_value(const char *name, int type, const int64_t *dims, int n_dims)
{
    Ow *m = ow_new(), *outer = ow_new(), *tensor = ow_new();

    ow_int(tensor, 1, type);
    if (n_dims >= 0)
        ow_put(tensor, 2, shape(dims, n_dims));
    ow_put(outer, 1, tensor);
    ow_text(m, 1, name);
    ow_put(m, 2, outer);
    return m;
}

static void
names(Ow *m, unsigned field, const char *list)
{
    char **parts = g_strsplit(list, ",", -1);
    for (char **part = parts; *part; part++)
        ow_text(m, field, *part);
    g_strfreev(parts);
}

Ow *
ow_node(const char *op, const char *inputs, const char *outputs)
{
    Ow *m = ow_new();
    names(m, 1, inputs);
    names(m, 2, outputs);
    ow_text(m, 4, op);
    return m;
}

static Ow *
attr(const char *name, int type)
{
    Ow *m = ow_new();
    ow_text(m, 1, name);
    ow_int(m, 20, type);
    return m;
}

void
ow_attr_int(Ow *node, const char *name, int64_t v)
{
    Ow *m = attr(name, 2);
    ow_int(m, 3, v);
    ow_put(node, 5, m);
}

void
ow_attr_float(Ow *node, const char *name, float v)
{
    Ow *m = attr(name, 1);
    ow_float(m, 2, v);
    ow_put(node, 5, m);
}

void
ow_attr_text(Ow *node, const char *name, const char *v)
{
    Ow *m = attr(name, 3);
    ow_text(m, 4, v);
    ow_put(node, 5, m);
}

void
ow_attr_ints(Ow *node, const char *name, const int64_t *v, int n)
{
    Ow *m = attr(name, 7);
    for (int i = 0; i < n; i++)
        ow_int(m, 8, v[i]);
    ow_put(node, 5, m);
}

void
ow_attr_floats(Ow *node, const char *name, const float *v, int n)
{
    Ow *m = attr(name, 6);
    for (int i = 0; i < n; i++)
        ow_float(m, 7, v[i]);
    ow_put(node, 5, m);
}

void
ow_attr_tensor(Ow *node, const char *name, Ow *tensor)
{
    Ow *m = attr(name, 4);
    ow_put(m, 5, tensor);
    ow_put(node, 5, m);
}

void
ow_attr_graph(Ow *node, const char *name, Ow *graph)
{
    Ow *m = attr(name, 5);
    ow_put(m, 6, graph);
    ow_put(node, 5, m);
}

void
ow_attr_ref(Ow *node, const char *name, int type, const char *ref)
{
    Ow *m = attr(name, type);
    ow_text(m, 21, ref);
    ow_put(node, 5, m);
}

static void
ports(Ow *graph, unsigned field, const char *list)
{
    char **parts = g_strsplit(list, ",", -1);
    for (char **part = parts; *part; part++)
        ow_put(graph, field, ow_value(*part, OW_FLOAT, NULL, -1));
    g_strfreev(parts);
}

Ow *
ow_body(const char *inputs, const char *outputs, Ow *node, ...)
{
    Ow *graph = ow_new();
    va_list nodes;

    va_start(nodes, node);
    for (; node; node = va_arg(nodes, Ow *))
        ow_put(graph, OW_G_NODE, node);
    va_end(nodes);
    ports(graph, OW_G_INPUT, inputs);
    ports(graph, OW_G_OUTPUT, outputs);
    return graph;
}

Ow *
ow_function(const char *domain, const char *name, const char *inputs, const char *outputs, Ow *node,
            ...)
{
    Ow *function = ow_new();
    va_list nodes;

    ow_text(function, 1, name);
    ow_text(function, 10, domain);
    names(function, 4, inputs);
    names(function, 5, outputs);
    va_start(nodes, node);
    for (; node; node = va_arg(nodes, Ow *))
        ow_put(function, 7, node);
    va_end(nodes);
    return function;
}

void
ow_opset(Ow *m, unsigned field, const char *domain, int opset)
{
    Ow *import = ow_new();

    ow_text(import, 1, domain);
    ow_int(import, 2, opset);
    ow_put(m, field, import);
}

Ow *
ow_model_head(int ir_version, int opset)
{
    Ow *m = ow_new();

    ow_int(m, 1, ir_version);
    ow_opset(m, 8, "", opset);
    return m;
}

void
ow_metadata(Ow *model, const char *key, const char *value)
{
    Ow *m = ow_new();
    ow_text(m, 1, key);
    ow_text(m, 2, value);
    ow_put(model, 14, m);
}

GBytes *
ow_finish(Ow *model, Ow *graph)
{
    ow_put(model, 7, graph);
    return g_byte_array_free_to_bytes(model);
}

GBytes *
ow_model(Ow *graph, int opset)
{
    return ow_finish(ow_model_head(8, opset), graph);
}

Ow *
ow_graph(Ow *node, ...)
{
    static const int64_t dims[4] = {1, 2, 4, 4};
    Ow *graph = ow_new();
    va_list nodes;

    va_start(nodes, node);
    for (; node; node = va_arg(nodes, Ow *))
        ow_put(graph, OW_G_NODE, node);
    va_end(nodes);
    ow_put(graph, OW_G_INPUT, ow_value("x", OW_FLOAT, dims, 4));
    ow_put(graph, OW_G_OUTPUT, ow_value("y", OW_FLOAT, NULL, -1));
    return graph;
}
