/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sources of state pairs are asked in order, and the first that names any pair decides alone:
 * a mixture of what a person wrote and what names suggest would be a guess. */
#include "model/states.h"
#include "model/model_info.h"
#include "model/state_names.h"
#include <string.h>

#define METADATA_PREFIX "convrnn.state."

static void
pair_clear(gpointer data)
{
    CrStatePair *pair = data;
    g_free(pair->input);
    g_free(pair->output);
    convrnn_tensor_unref(pair->initial);
}

void
cr_states_free(GArray *states)
{
    if (states)
        g_array_unref(states);
}

GArray *
cr_states_new(void)
{
    GArray *pairs = g_array_new(FALSE, FALSE, sizeof(CrStatePair));
    g_array_set_clear_func(pairs, pair_clear);
    return pairs;
}

static void
add_pair(GArray *pairs, const char *input, const char *output, ConvRnnStateOrigin origin,
         ConvRnnTensor *initial)
{
    CrStatePair pair = {
        .input = g_strdup(input),
        .output = g_strdup(output),
        .origin = origin,
        .initial = initial ? convrnn_tensor_ref(initial) : NULL,
    };
    g_array_append_val(pairs, pair);
}

static void
add_pairs(GArray *pairs, const GArray *from, ConvRnnStateOrigin origin)
{
    for (guint i = 0; from && i < from->len; i++) {
        const CrStatePair *pair = &g_array_index(from, CrStatePair, i);
        add_pair(pairs, pair->input, pair->output, origin, pair->initial);
    }
}

static const CrPort *
find_port(const GArray *ports, const char *name)
{
    for (guint i = 0; i < ports->len; i++) {
        const CrPort *port = &g_array_index(ports, CrPort, i);
        if (strcmp(port->info.name, name) == 0)
            return port;
    }
    return NULL;
}

static bool
has_pair(const GArray *pairs, const char *input, const char *output)
{
    for (guint i = 0; i < pairs->len; i++) {
        const CrStatePair *pair = &g_array_index(pairs, CrStatePair, i);
        if (strcmp(pair->input, input) == 0 && strcmp(pair->output, output) == 0)
            return true;
    }
    return false;
}

/* state-of= may stand with the input and name the output, or the other way round, or both. */
static void
add_modelinfo(const ConvRnnModel *model, GArray *pairs)
{
    const CrGraph *graph = model->graph;

    for (guint i = 0; i < graph->inputs->len; i++) {
        const char *input = g_array_index(graph->inputs, CrPort, i).info.name;
        const char *output = cr_model_info_get(model, input, "state-of");
        if (output)
            add_pair(pairs, input, output, CONVRNN_STATE_FROM_MODELINFO, NULL);
    }
    for (guint i = 0; i < graph->outputs->len; i++) {
        const char *output = g_array_index(graph->outputs, CrPort, i).info.name;
        const char *input = cr_model_info_get(model, output, "state-of");
        if (input && !find_port(graph->inputs, output) && !has_pair(pairs, input, output))
            add_pair(pairs, input, output, CONVRNN_STATE_FROM_MODELINFO, NULL);
    }
}

static int
compare_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
add_metadata(const ConvRnnModel *model, GArray *pairs)
{
    guint n;
    gpointer *keys = g_hash_table_get_keys_as_array(model->graph->metadata, &n);

    qsort(keys, n, sizeof *keys, compare_text); /* so that messages do not depend on the hash */
    for (guint i = 0; i < n; i++) {
        const char *key = keys[i];
        if (g_str_has_prefix(key, METADATA_PREFIX))
            add_pair(pairs, key + strlen(METADATA_PREFIX),
                     g_hash_table_lookup(model->graph->metadata, key), CONVRNN_STATE_FROM_METADATA,
                     NULL);
    }
    g_free(keys);
}

static char *
list_names(const GArray *ports)
{
    GString *list = g_string_new(NULL);
    for (guint i = 0; i < ports->len; i++)
        g_string_append_printf(list, "%s%s", i ? ", " : "",
                               g_array_index(ports, CrPort, i).info.name);
    return g_string_free(list, FALSE);
}

static bool
missing(const ConvRnnModel *model, const GArray *ports, const char *kind, const char *name,
        GError **error)
{
    char *names = list_names(ports);
    g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_STATE,
                "%s: a state pair names the %s '%s', which does not exist. There are: %s",
                model->name, kind, name, names);
    g_free(names);
    return false;
}

static bool
check_pair(const ConvRnnModel *model, const CrStatePair *pair, GError **error)
{
    const CrPort *input = find_port(model->graph->inputs, pair->input);
    const CrPort *output = find_port(model->graph->outputs, pair->output);

    if (!input)
        return missing(model, model->graph->inputs, "input", pair->input, error);
    if (!output)
        return missing(model, model->graph->outputs, "output", pair->output, error);
    if (cr_state_fits(&input->info, &output->info))
        return true;
    g_set_error(
        error, CONVRNN_ERROR, CONVRNN_ERROR_STATE,
        "%s: output '%s' (%s, rank %u) cannot be the next state of input '%s' (%s, rank %u)",
        model->name, pair->output, convrnn_dtype_get_name(output->info.dtype), output->info.n_dims,
        pair->input, convrnn_dtype_get_name(input->info.dtype), input->info.n_dims);
    return false;
}

static bool
check_once(const ConvRnnModel *model, const GArray *pairs, guint index, GError **error)
{
    const CrStatePair *pair = &g_array_index(pairs, CrStatePair, index);

    for (guint i = 0; i < index; i++) {
        const CrStatePair *other = &g_array_index(pairs, CrStatePair, i);
        if (strcmp(pair->input, other->input) != 0 && strcmp(pair->output, other->output) != 0)
            continue;
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_STATE,
                    "%s: the state pairs %s → %s and %s → %s contradict each other", model->name,
                    other->input, other->output, pair->input, pair->output);
        return false;
    }
    return true;
}

static bool
fill_initial(const ConvRnnModel *model, CrStatePair *pair, GError **error)
{
    const CrPort *input = find_port(model->graph->inputs, pair->input);

    if (pair->initial)
        return true;
    return cr_model_info_tensor(model, pair->input, "initial", input->info.dtype, &pair->initial,
                                error);
}

/* In the order of the model's inputs, without constants. */
static GArray *
in_order(const ConvRnnModel *model, const GArray *pairs, GHashTable *constants)
{
    GArray *sorted = cr_states_new();

    for (guint i = 0; i < model->graph->inputs->len; i++) {
        const char *input = g_array_index(model->graph->inputs, CrPort, i).info.name;
        for (guint k = 0; k < pairs->len; k++) {
            const CrStatePair *pair = &g_array_index(pairs, CrStatePair, k);
            if (strcmp(pair->input, input) == 0 &&
                !(constants && g_hash_table_contains(constants, input)))
                add_pair(sorted, pair->input, pair->output, pair->origin, pair->initial);
        }
    }
    return sorted;
}

GArray *
cr_states_find(const ConvRnnModel *model, const GArray *given, GHashTable *constants,
               GError **error)
{
    GArray *pairs = cr_states_new(), *sorted = NULL;
    bool ok = true;

    add_pairs(pairs, given, CONVRNN_STATE_FROM_CONFIG);
    if (pairs->len == 0)
        add_modelinfo(model, pairs);
    if (pairs->len == 0)
        add_metadata(model, pairs);
    if (pairs->len == 0)
        add_pairs(pairs, model->states, CONVRNN_STATE_FROM_BUILDER);
    if (pairs->len == 0)
        ok = cr_state_names_find(model, constants, pairs, error);
    for (guint i = 0; ok && i < pairs->len; i++)
        ok = check_pair(model, &g_array_index(pairs, CrStatePair, i), error) &&
             check_once(model, pairs, i, error) &&
             fill_initial(model, &g_array_index(pairs, CrStatePair, i), error);
    if (ok)
        sorted = in_order(model, pairs, constants);
    g_array_unref(pairs);
    return sorted;
}
