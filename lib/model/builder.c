/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The builder's core: values, nodes, inputs, outputs, state pairs. A builder's value v is the
 * graph's value v − 1. */
#include "model/builder.h"
#include "model/states.h"
#include <string.h>

G_DEFINE_BOXED_TYPE(ConvRnnBuilder, convrnn_builder, convrnn_builder_ref, convrnn_builder_unref)

static void
start_over(ConvRnnBuilder *builder)
{
    builder->graph = cr_graph_new();
    builder->states = cr_states_new();
    builder->failure = NULL;
}

ConvRnnBuilder *
convrnn_builder_new(void)
{
    ConvRnnBuilder *builder = g_new0(ConvRnnBuilder, 1);

    g_atomic_ref_count_init(&builder->ref_count);
    start_over(builder);
    return builder;
}

ConvRnnBuilder *
convrnn_builder_ref(ConvRnnBuilder *builder)
{
    g_atomic_ref_count_inc(&builder->ref_count);
    return builder;
}

void
convrnn_builder_unref(ConvRnnBuilder *builder)
{
    if (!builder || !g_atomic_ref_count_dec(&builder->ref_count))
        return;
    cr_graph_free(builder->graph);
    cr_states_free(builder->states);
    g_clear_error(&builder->failure);
    g_free(builder);
}

guint
cr_builder_fail(ConvRnnBuilder *builder, ConvRnnError code, const char *format, ...)
{
    va_list args;

    if (!builder->failure) {
        va_start(args, format);
        builder->failure = g_error_new_valist(CONVRNN_ERROR, code, format, args);
        va_end(args);
    }
    return CONVRNN_NO_VALUE;
}

CrGraph *
cr_builder_take(ConvRnnBuilder *builder, GArray **states, GError **error)
{
    CrGraph *graph = builder->graph;

    *states = builder->states;
    if (builder->failure) {
        g_propagate_error(error, builder->failure);
        g_clear_pointer(&graph, cr_graph_free);
        g_clear_pointer(states, cr_states_free);
    }
    start_over(builder);
    return graph;
}

static bool
is_value(const ConvRnnBuilder *builder, guint value)
{
    return value != CONVRNN_NO_VALUE && value <= builder->graph->values->len;
}

/* --- ports --- */

static void
rename_value(CrGraph *graph, int index, const char *name)
{
    CrValue *value = cr_graph_get_value(graph, index);

    g_hash_table_remove(graph->by_name, value->name);
    g_free(value->name);
    value->name = g_strdup(name);
    value->made_up = false;
    g_hash_table_insert(graph->by_name, value->name, GINT_TO_POINTER(index + 1));
}

char *
cr_builder_free_name(const ConvRnnBuilder *builder, const char *name, int own)
{
    char *choice = g_strdup(name);

    for (int i = 1;; i++) {
        int taken = cr_graph_find(builder->graph, choice);
        if (taken == CR_NO_VALUE || taken == own)
            return choice;
        g_free(choice);
        choice = g_strdup_printf("%s_%d", name, i);
    }
}

/* Whether the value `own` may have this name; a name that nobody asked for gives way. */
static bool
claim_name(ConvRnnBuilder *builder, const char *name, int own)
{
    int taken = cr_graph_find(builder->graph, name);

    if (*name == '\0') {
        cr_builder_fail(builder, CONVRNN_ERROR_FORMAT, "an input or output has no name");
        return false;
    }
    if (taken == CR_NO_VALUE || taken == own)
        return true;
    if (!cr_graph_get_value(builder->graph, taken)->made_up) {
        cr_builder_fail(builder, CONVRNN_ERROR_FORMAT, "two tensors are called '%s'", name);
        return false;
    }
    char *other = cr_builder_free_name(builder, name, CR_NO_VALUE);
    rename_value(builder->graph, taken, other);
    cr_graph_get_value(builder->graph, taken)->made_up = true;
    g_free(other);
    return true;
}

guint
convrnn_builder_input(ConvRnnBuilder *builder, const gchar *name, ConvRnnDType dtype,
                      const gint64 *dims, guint n_dims)
{
    ConvRnnTensorInfo info = {.dtype = dtype, .n_dims = n_dims};

    if (builder->failure)
        return CONVRNN_NO_VALUE;
    if (convrnn_dtype_get_size(dtype) == 0)
        return cr_builder_fail(builder, CONVRNN_ERROR_UNSUPPORTED,
                               "input '%s': %d is no element type", name, (int)dtype);
    if (n_dims > CONVRNN_MAX_RANK)
        return cr_builder_fail(builder, CONVRNN_ERROR_LIMIT,
                               "input '%s': %u dimensions, at most %d are supported", name, n_dims,
                               CONVRNN_MAX_RANK);
    for (guint i = 0; i < n_dims; i++) {
        if ((dims[i] < 1 && dims[i] != -1) || dims[i] > CR_MAX_DIM)
            return cr_builder_fail(builder, CONVRNN_ERROR_SHAPE,
                                   "input '%s': dimension %u is %" G_GINT64_FORMAT
                                   ", expected 1 … %d, or -1 for open",
                                   name, i, dims[i], CR_MAX_DIM);
        info.dims[i] = dims[i];
    }
    if (!claim_name(builder, name, CR_NO_VALUE))
        return CONVRNN_NO_VALUE;
    if (!cr_graph_add_input(builder->graph, name, &info, &builder->failure))
        return CONVRNN_NO_VALUE;
    return (guint)cr_graph_find(builder->graph, name) + 1;
}

/* Whether a node made the value, so that it can be given another name. */
static bool
can_rename(const ConvRnnBuilder *builder, guint value)
{
    const GArray *outputs = builder->graph->outputs;

    for (guint i = 0; i < outputs->len; i++) {
        if (g_array_index(outputs, CrPort, i).value == (int)value - 1)
            return false;
    }
    return cr_graph_get_value(builder->graph, (int)value - 1)->producer >= 0;
}

void
convrnn_builder_output(ConvRnnBuilder *builder, const gchar *name, guint value)
{
    ConvRnnTensorInfo info = {.dtype = CONVRNN_DTYPE_UNDEFINED};

    if (builder->failure)
        return;
    if (!is_value(builder, value)) {
        cr_builder_fail(builder, CONVRNN_ERROR_FORMAT, "output '%s': %u is no value", name, value);
        return;
    }
    bool renames = can_rename(builder, value);
    if (!claim_name(builder, name, renames ? (int)value - 1 : CR_NO_VALUE))
        return;
    if (!renames)
        value = cr_builder_op(builder, "Identity", name, value, CONVRNN_NO_VALUE);
    rename_value(builder->graph, (int)value - 1, name);
    cr_graph_add_output(builder->graph, name, &info, &builder->failure);
}

guint
convrnn_builder_constant(ConvRnnBuilder *builder, ConvRnnTensor *tensor)
{
    if (builder->failure)
        return CONVRNN_NO_VALUE;
    if (!tensor)
        return cr_builder_fail(builder, CONVRNN_ERROR_FORMAT, "a constant is NULL");
    return (guint)cr_graph_add_constant(builder->graph, "constant", convrnn_tensor_ref(tensor)) + 1;
}

guint
cr_builder_reshaped(ConvRnnBuilder *builder, ConvRnnTensor *tensor, const gint64 *dims, int n_dims)
{
    if (builder->failure)
        return CONVRNN_NO_VALUE;
    ConvRnnTensor *shaped =
        convrnn_tensor_new(tensor->dtype, dims, n_dims, tensor->bytes, &builder->failure);
    guint value = shaped ? convrnn_builder_constant(builder, shaped) : CONVRNN_NO_VALUE;
    convrnn_tensor_unref(shaped);
    return value;
}

void
convrnn_builder_state(ConvRnnBuilder *builder, const gchar *input, const gchar *output,
                      ConvRnnTensor *initial)
{
    CrStatePair pair = {
        .input = g_strdup(input),
        .output = g_strdup(output),
        .origin = CONVRNN_STATE_FROM_BUILDER,
        .initial = initial ? convrnn_tensor_ref(initial) : NULL,
    };
    g_array_append_val(builder->states, pair);
}

bool
cr_builder_want(ConvRnnBuilder *builder, const char *where, const char *what,
                const ConvRnnTensor *tensor, bool optional, int n_dims, const gint64 *dims)
{
    bool fits = tensor && tensor->dtype == CONVRNN_DTYPE_FLOAT32 && tensor->n_dims == n_dims;

    if (builder->failure)
        return false;
    if (!tensor && optional)
        return true;
    for (int i = 0; fits && i < n_dims; i++)
        fits = tensor->dims[i] > 0 && (dims[i] < 0 || dims[i] == tensor->dims[i]);
    if (fits)
        return true;
    GString *wanted = g_string_new(NULL);
    for (int i = 0; i < n_dims; i++)
        g_string_append_printf(wanted, dims[i] < 0 ? "%s?" : "%s%" G_GINT64_FORMAT, i ? "×" : "",
                               (gint64)dims[i]);
    cr_builder_fail(builder, CONVRNN_ERROR_SHAPE, "%s: %s %s, expected float32 %s", where, what,
                    tensor ? "has another type or shape" : "is missing", wanted->str);
    g_string_free(wanted, TRUE);
    return false;
}

/* --- nodes --- */

CrNode
cr_builder_start(const ConvRnnBuilder *builder, const char *op, const char *name,
                 const guint *inputs, guint n_inputs, guint n_outputs)
{
    CrNode node;

    cr_node_init(&node, op, "", name, (int)n_inputs, (int)n_outputs);
    for (guint i = 0; i < n_inputs; i++)
        node.inputs[i] = (int)inputs[i] - 1; /* CONVRNN_NO_VALUE becomes CR_NO_VALUE */
    while (node.n_inputs > 0 && node.inputs[node.n_inputs - 1] == CR_NO_VALUE)
        node.n_inputs--;
    return node;
}

static bool
check_node(ConvRnnBuilder *builder, const CrNode *node)
{
    if (builder->failure)
        return false;
    for (int i = 0; i < node->n_inputs; i++) {
        if (node->inputs[i] != CR_NO_VALUE && !is_value(builder, (guint)node->inputs[i] + 1)) {
            cr_builder_fail(builder, CONVRNN_ERROR_FORMAT, "%s node '%s': input %d is no value",
                            node->op, node->name, i);
            return false;
        }
    }
    if (builder->graph->nodes->len < CR_MAX_NODES)
        return true;
    cr_builder_fail(builder, CONVRNN_ERROR_LIMIT, "more than %d nodes", CR_MAX_NODES);
    return false;
}

void
cr_builder_add(ConvRnnBuilder *builder, CrNode *node, guint *outputs)
{
    int n_outputs = node->n_outputs;

    for (int i = 0; i < n_outputs; i++)
        outputs[i] = CONVRNN_NO_VALUE;
    if (!check_node(builder, node)) {
        cr_node_clear(node);
        return;
    }
    for (int i = 0; i < n_outputs; i++) {
        char *hint = g_strdup_printf("%s:%d", *node->name ? node->name : node->op, i);
        node->outputs[i] = cr_graph_new_value(builder->graph, hint);
        outputs[i] = (guint)node->outputs[i] + 1;
        g_free(hint);
    }
    if (!cr_graph_add_node(builder->graph, node, &builder->failure))
        memset(outputs, 0, n_outputs * sizeof *outputs);
}

guint
cr_builder_op(ConvRnnBuilder *builder, const char *op, const char *name, guint a, guint b)
{
    guint inputs[] = {a, b}, output;

    if (builder->failure)
        return CONVRNN_NO_VALUE;
    CrNode node = cr_builder_start(builder, op, name, inputs, 2, 1);
    cr_builder_add(builder, &node, &output);
    return output;
}

static bool
set_list(CrNode *node, const char *key, GVariant *list)
{
    gsize n = g_variant_n_children(list);
    const GVariantType *element = g_variant_type_element(g_variant_get_type(list));
    bool ok = n <= CR_MAX_NODE_IO;

    if (g_variant_type_equal(element, G_VARIANT_TYPE_DOUBLE)) {
        float *v = g_new(float, n);
        for (gsize i = 0; i < n; i++) {
            double d;
            g_variant_get_child(list, i, "d", &d);
            v[i] = (float)d;
        }
        cr_node_set_floats(node, key, v, (int)n);
        g_free(v);
    } else if (g_variant_type_equal(element, G_VARIANT_TYPE_INT32) ||
               g_variant_type_equal(element, G_VARIANT_TYPE_INT64)) {
        int64_t *v = g_new(int64_t, n);
        for (gsize i = 0; i < n; i++) {
            GVariant *child = g_variant_get_child_value(list, i);
            v[i] = g_variant_is_of_type(child, G_VARIANT_TYPE_INT32) ? g_variant_get_int32(child)
                                                                     : g_variant_get_int64(child);
            g_variant_unref(child);
        }
        cr_node_set_ints(node, key, v, (int)n);
        g_free(v);
    } else {
        ok = false;
    }
    return ok;
}

static bool
set_attr(CrNode *node, const char *key, GVariant *value)
{
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_INT32))
        cr_node_set_int(node, key, g_variant_get_int32(value));
    else if (g_variant_is_of_type(value, G_VARIANT_TYPE_INT64))
        cr_node_set_int(node, key, g_variant_get_int64(value));
    else if (g_variant_is_of_type(value, G_VARIANT_TYPE_BOOLEAN))
        cr_node_set_int(node, key, g_variant_get_boolean(value));
    else if (g_variant_is_of_type(value, G_VARIANT_TYPE_DOUBLE))
        cr_node_set_float(node, key, (float)g_variant_get_double(value));
    else if (g_variant_is_of_type(value, G_VARIANT_TYPE_STRING))
        cr_node_set_string(node, key, g_variant_get_string(value, NULL));
    else if (g_variant_is_of_type(value, G_VARIANT_TYPE_ARRAY))
        return set_list(node, key, value);
    else
        return false;
    return true;
}

static void
set_attrs(ConvRnnBuilder *builder, CrNode *node, GVariant *attributes)
{
    GVariantIter iter;
    const char *key;
    GVariant *value;

    if (!g_variant_is_of_type(attributes, G_VARIANT_TYPE_VARDICT)) {
        cr_builder_fail(builder, CONVRNN_ERROR_FORMAT,
                        "%s node: its attributes are of type %s, expected a{sv}", node->op,
                        g_variant_get_type_string(attributes));
        return;
    }
    g_variant_iter_init(&iter, attributes);
    while (g_variant_iter_loop(&iter, "{&sv}", &key, &value)) {
        if (!set_attr(node, key, value))
            cr_builder_fail(
                builder, CONVRNN_ERROR_FORMAT,
                "%s node: attribute '%s' has type %s, expected i, x, b, d, s, ai, ax or "
                "ad",
                node->op, key, g_variant_get_type_string(value));
    }
}

void
convrnn_builder_node_outputs(ConvRnnBuilder *builder, const gchar *op, const guint *inputs,
                             guint n_inputs, GVariant *attributes, guint *outputs, guint n_outputs)
{
    if (attributes)
        g_variant_ref_sink(attributes);
    memset(outputs, 0, n_outputs * sizeof *outputs);
    if (n_inputs > CR_MAX_NODE_IO || n_outputs > CR_MAX_NODE_IO || n_outputs == 0)
        cr_builder_fail(builder, CONVRNN_ERROR_LIMIT,
                        "%s node: %u inputs and %u outputs, expected at most %d, and one output",
                        op, n_inputs, n_outputs, CR_MAX_NODE_IO);
    if (!builder->failure) {
        CrNode node = cr_builder_start(builder, op, NULL, inputs, n_inputs, n_outputs);
        if (attributes)
            set_attrs(builder, &node, attributes);
        cr_builder_add(builder, &node, outputs);
    }
    g_clear_pointer(&attributes, g_variant_unref);
}

guint
convrnn_builder_node(ConvRnnBuilder *builder, const gchar *op, const guint *inputs, guint n_inputs,
                     GVariant *attributes)
{
    guint output;

    convrnn_builder_node_outputs(builder, op, inputs, n_inputs, attributes, &output, 1);
    return output;
}
