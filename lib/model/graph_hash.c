/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/graph_hash.h"
#include <string.h>

static void
add_int(GChecksum *sum, int64_t v)
{
    gint64 fixed = GINT64_TO_LE(v);
    g_checksum_update(sum, (const guchar *)&fixed, sizeof fixed);
}

/* With its length, so that no two lists of texts look the same. */
static void
add_text(GChecksum *sum, const char *text)
{
    gssize length = text ? (gssize)strlen(text) : 0;
    add_int(sum, length);
    g_checksum_update(sum, (const guchar *)(text ? text : ""), length);
}

static void
add_tensor(GChecksum *sum, const ConvRnnTensor *tensor)
{
    gsize size;
    const guchar *data = g_bytes_get_data(tensor->bytes, &size);

    add_int(sum, tensor->dtype);
    add_int(sum, tensor->n_dims);
    for (int i = 0; i < tensor->n_dims; i++)
        add_int(sum, tensor->dims[i]);
    g_checksum_update(sum, data, (gssize)size);
}

static void
add_attr(GChecksum *sum, const CrAttr *attr)
{
    add_text(sum, attr->name);
    add_int(sum, attr->type);
    add_int(sum, attr->i);
    add_int(sum, attr->n);
    g_checksum_update(sum, (const guchar *)&attr->f, sizeof attr->f);
    add_text(sum, attr->string);
    for (int i = 0; i < attr->n && attr->ints; i++)
        add_int(sum, attr->ints[i]);
    if (attr->floats)
        g_checksum_update(sum, (const guchar *)attr->floats, attr->n * sizeof *attr->floats);
    for (int i = 0; i < attr->n && attr->strings; i++)
        add_text(sum, attr->strings[i]);
    if (attr->tensor)
        add_tensor(sum, attr->tensor);
}

static void
add_node(GChecksum *sum, const CrNode *node)
{
    add_text(sum, node->op);
    add_text(sum, node->domain);
    add_int(sum, node->n_inputs);
    for (int i = 0; i < node->n_inputs; i++)
        add_int(sum, node->inputs[i]);
    add_int(sum, node->n_outputs);
    for (int i = 0; i < node->n_outputs; i++)
        add_int(sum, node->outputs[i]);
    add_int(sum, node->n_attrs);
    for (int i = 0; i < node->n_attrs; i++)
        add_attr(sum, &node->attrs[i]);
}

static void
add_ports(GChecksum *sum, const GArray *ports)
{
    add_int(sum, ports->len);
    for (guint i = 0; i < ports->len; i++) {
        const CrPort *port = &g_array_index(ports, CrPort, i);
        add_text(sum, port->info.name);
        add_int(sum, port->value);
        add_int(sum, port->info.dtype);
        add_int(sum, port->info.n_dims);
        for (guint k = 0; k < port->info.n_dims; k++)
            add_int(sum, port->info.dims[k]);
    }
}

char *
cr_graph_hash(const CrGraph *graph)
{
    GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);

    add_ports(sum, graph->inputs);
    add_ports(sum, graph->outputs);
    for (guint i = 0; i < graph->values->len; i++) {
        const CrValue *value = cr_graph_get_value(graph, i);
        add_int(sum, value->constant != NULL);
        if (value->constant)
            add_tensor(sum, value->constant);
    }
    for (guint i = 0; i < graph->nodes->len; i++)
        add_node(sum, cr_graph_get_node(graph, i));
    char *hash = g_strdup(g_checksum_get_string(sum));
    g_checksum_free(sum);
    return hash;
}
