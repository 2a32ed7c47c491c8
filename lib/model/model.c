/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/graph.h"
#include "model/frame_window.h"
#include "model/graph_hash.h"
#include "model/model_cache.h"
#include "model/model_info.h"
#include "model/states.h"

/* Key → model. One lock for the table and for every model's last unref: between "the count is zero"
 * and "the table has forgotten it" nobody may find the model. */
static GMutex cache_lock;
static GHashTable *cache; /* char* → ConvRnnModel*, made with the first entry, gone with the last */

G_DEFINE_BOXED_TYPE(ConvRnnModel, convrnn_model, convrnn_model_ref, convrnn_model_unref)

ConvRnnModel *
cr_model_new(CrGraph *graph, const char *name, GBytes *source, GKeyFile *info)
{
    ConvRnnModel *model = g_new0(ConvRnnModel, 1);

    g_atomic_ref_count_init(&model->ref_count);
    model->name = g_strdup(name);
    model->graph = graph;
    model->source = source ? g_bytes_ref(source) : NULL;
    model->info = info ? g_key_file_ref(info) : NULL;
    model->properties = cr_model_info_properties(info);
    g_mutex_init(&model->plans_lock);
    model->plans = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return model;
}

static void
model_free(ConvRnnModel *model)
{
    g_free(model->name);
    g_free(model->hash);
    cr_graph_free(model->graph);
    g_clear_pointer(&model->source, g_bytes_unref);
    g_clear_pointer(&model->info, g_key_file_unref);
    g_hash_table_unref(model->properties);
    cr_states_free(model->states);
    g_clear_pointer(&model->windows, g_array_unref);
    g_hash_table_unref(model->plans);
    g_mutex_clear(&model->plans_lock);
    g_free(model);
}

ConvRnnModel *
convrnn_model_ref(ConvRnnModel *model)
{
    g_atomic_ref_count_inc(&model->ref_count);
    return model;
}

static gboolean
is_model(gpointer key, gpointer value, gpointer model)
{
    return value == model;
}

/* With the lock held. */
static void
cache_forget(ConvRnnModel *model)
{
    if (!cache)
        return;
    g_hash_table_foreach_remove(cache, is_model, model);
    if (g_hash_table_size(cache) == 0)
        g_clear_pointer(&cache, g_hash_table_unref);
}

void
convrnn_model_unref(ConvRnnModel *model)
{
    if (!model)
        return;
    g_mutex_lock(&cache_lock);
    bool last = g_atomic_ref_count_dec(&model->ref_count);
    if (last)
        cache_forget(model);
    g_mutex_unlock(&cache_lock);
    if (last)
        model_free(model);
}

ConvRnnModel *
cr_model_cache_get(const char *key)
{
    g_mutex_lock(&cache_lock);
    ConvRnnModel *model = cache ? g_hash_table_lookup(cache, key) : NULL;
    if (model)
        convrnn_model_ref(model);
    g_mutex_unlock(&cache_lock);
    return model;
}

ConvRnnModel *
cr_model_cache_put(const char *key, ConvRnnModel *model)
{
    g_mutex_lock(&cache_lock);
    if (!cache)
        cache = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    ConvRnnModel *first = g_hash_table_lookup(cache, key);
    if (first)
        convrnn_model_ref(first);
    else
        g_hash_table_insert(cache, g_strdup(key), model);
    g_mutex_unlock(&cache_lock);
    if (!first)
        return model;
    convrnn_model_unref(model);
    return first;
}

const char *
cr_model_hash(ConvRnnModel *model)
{
    if (g_once_init_enter(&model->hash)) {
        char *hash = model->source ? g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, model->source)
                                   : cr_graph_hash(model->graph);
        g_once_init_leave(&model->hash, hash);
    }
    return model->hash;
}

const gchar *
convrnn_model_get_name(const ConvRnnModel *model)
{
    return model->name;
}

static const ConvRnnTensorInfo *
get_info(const GArray *ports, guint index)
{
    g_return_val_if_fail(index < ports->len, NULL);
    return &g_array_index(ports, CrPort, index).info;
}

guint
convrnn_model_get_n_inputs(const ConvRnnModel *model)
{
    return model->graph->inputs->len;
}

const ConvRnnTensorInfo *
convrnn_model_get_input(const ConvRnnModel *model, guint index)
{
    const CrFrameWindow *window = cr_frame_window_find(model, index);
    return window ? &window->frame : get_info(model->graph->inputs, index);
}

guint
convrnn_model_get_n_outputs(const ConvRnnModel *model)
{
    return model->graph->outputs->len;
}

const ConvRnnTensorInfo *
convrnn_model_get_output(const ConvRnnModel *model, guint index)
{
    return get_info(model->graph->outputs, index);
}

guint
convrnn_model_get_n_nodes(const ConvRnnModel *model)
{
    return model->graph->nodes->len;
}

const gchar *
convrnn_model_get_node(const ConvRnnModel *model, guint index, const gchar **op, guint *n_inputs,
                       guint *n_outputs)
{
    g_return_val_if_fail(index < model->graph->nodes->len, NULL);
    const CrNode *node = cr_graph_get_node(model->graph, (int)index);
    if (op)
        *op = node->op;
    if (n_inputs)
        *n_inputs = (guint)node->n_inputs;
    if (n_outputs)
        *n_outputs = (guint)node->n_outputs;
    return node->name;
}

const gchar *
convrnn_model_get_node_input(const ConvRnnModel *model, guint node, guint index,
                             ConvRnnTensor **constant)
{
    if (constant)
        *constant = NULL;
    g_return_val_if_fail(node < model->graph->nodes->len, NULL);
    const CrNode *from = cr_graph_get_node(model->graph, (int)node);
    g_return_val_if_fail(index < (guint)from->n_inputs, NULL);
    if (from->inputs[index] == CR_NO_VALUE)
        return NULL;
    const CrValue *value = cr_graph_get_value(model->graph, from->inputs[index]);
    if (constant)
        *constant = value->constant;
    return value->name;
}

const gchar *
convrnn_model_get_node_output(const ConvRnnModel *model, guint node, guint index)
{
    g_return_val_if_fail(node < model->graph->nodes->len, NULL);
    const CrNode *from = cr_graph_get_node(model->graph, (int)node);
    g_return_val_if_fail(index < (guint)from->n_outputs, NULL);
    return from->outputs[index] == CR_NO_VALUE
               ? NULL
               : cr_graph_get_value(model->graph, from->outputs[index])->name;
}

const gchar *
convrnn_model_get_property(const ConvRnnModel *model, const gchar *tensor, const gchar *key)
{
    const gchar *text = cr_model_info_get(model, tensor ? tensor : CR_MODEL_INFO_GROUP, key);

    if (!text && !tensor)
        text = g_hash_table_lookup(model->graph->metadata, key);
    return text;
}
