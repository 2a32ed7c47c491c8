/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/config.h"
#include <string.h>

G_DEFINE_BOXED_TYPE(ConvRnnSessionConfig, convrnn_session_config, convrnn_session_config_copy,
                    convrnn_session_config_free)

static void
pair_clear(gpointer data)
{
    CrStatePair *pair = data;
    g_free(pair->input);
    g_free(pair->output);
    g_clear_pointer(&pair->initial, convrnn_tensor_unref);
}

static GHashTable *
table_of_tensors(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                 (GDestroyNotify)convrnn_tensor_unref);
}

ConvRnnSessionConfig *
convrnn_session_config_new(void)
{
    ConvRnnSessionConfig *config = g_new0(ConvRnnSessionConfig, 1);
    config->binding.shapes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    config->binding.constants = table_of_tensors();
    config->binding.initial = table_of_tensors();
    config->binding.states = g_array_new(FALSE, TRUE, sizeof(CrStatePair));
    g_array_set_clear_func(config->binding.states, pair_clear);
    return config;
}

ConvRnnSessionConfig *
convrnn_session_config_copy(const ConvRnnSessionConfig *config)
{
    ConvRnnSessionConfig *copy = convrnn_session_config_new();
    GHashTableIter iter;
    gpointer key, value;

    g_hash_table_iter_init(&iter, config->binding.shapes);
    while (g_hash_table_iter_next(&iter, &key, &value))
        g_hash_table_insert(copy->binding.shapes, g_strdup(key), g_memdup2(value, sizeof(CrDesc)));
    g_hash_table_iter_init(&iter, config->binding.constants);
    while (g_hash_table_iter_next(&iter, &key, &value))
        convrnn_session_config_set_constant(copy, key, value);
    g_hash_table_iter_init(&iter, config->binding.initial);
    while (g_hash_table_iter_next(&iter, &key, &value))
        convrnn_session_config_set_initial(copy, key, value);
    for (guint i = 0; i < config->binding.states->len; i++) {
        const CrStatePair *pair = &g_array_index(config->binding.states, CrStatePair, i);
        convrnn_session_config_add_state(copy, pair->input, pair->output);
    }
    copy->binding.outputs = g_strdupv(config->binding.outputs);
    copy->binding.stateless = config->binding.stateless;
    copy->binding.unfused = config->binding.unfused;
    copy->binding.plain = config->binding.plain;
    copy->binding.threads = config->binding.threads;
    copy->binding.carry = config->binding.carry;
    copy->binding.strided = config->binding.strided;
    copy->binding.precision = config->binding.precision;
    return copy;
}

void
convrnn_session_config_free(ConvRnnSessionConfig *config)
{
    if (!config)
        return;
    g_hash_table_unref(config->binding.shapes);
    g_hash_table_unref(config->binding.constants);
    g_hash_table_unref(config->binding.initial);
    g_array_free(config->binding.states, TRUE);
    g_strfreev(config->binding.outputs);
    g_free(config);
}

void
convrnn_session_config_set_input_shape(ConvRnnSessionConfig *config, const gchar *input,
                                       const gint64 *dims, guint n_dims)
{
    g_return_if_fail(n_dims <= CONVRNN_MAX_RANK);
    CrDesc *desc = g_new0(CrDesc, 1);
    desc->n_dims = (int)n_dims;
    for (guint i = 0; i < n_dims; i++)
        desc->dims[i] = dims[i];
    g_hash_table_insert(config->binding.shapes, g_strdup(input), desc);
}

void
convrnn_session_config_set_constant(ConvRnnSessionConfig *config, const gchar *input,
                                    ConvRnnTensor *value)
{
    g_hash_table_insert(config->binding.constants, g_strdup(input), convrnn_tensor_ref(value));
}

void
convrnn_session_config_add_state(ConvRnnSessionConfig *config, const gchar *input,
                                 const gchar *output)
{
    CrStatePair pair = {
        .input = g_strdup(input), .output = g_strdup(output), .origin = CONVRNN_STATE_FROM_CONFIG};
    g_array_append_val(config->binding.states, pair);
}

void
convrnn_session_config_set_stateless(ConvRnnSessionConfig *config, gboolean stateless)
{
    config->binding.stateless = stateless;
}

void
convrnn_session_config_set_initial(ConvRnnSessionConfig *config, const gchar *input,
                                   ConvRnnTensor *value)
{
    g_hash_table_insert(config->binding.initial, g_strdup(input), convrnn_tensor_ref(value));
}

void
convrnn_session_config_set_carry_rnn_state(ConvRnnSessionConfig *config, gboolean carry)
{
    config->binding.carry = carry;
}

void
convrnn_session_config_set_outputs(ConvRnnSessionConfig *config, const gchar *const *outputs)
{
    g_strfreev(config->binding.outputs);
    config->binding.outputs = g_strdupv((gchar **)outputs);
}

void
convrnn_session_config_set_fusion(ConvRnnSessionConfig *config, gboolean fusion)
{
    config->binding.unfused = !fusion;
}

void
convrnn_session_config_set_threads(ConvRnnSessionConfig *config, guint threads)
{
    config->binding.threads = MIN(threads, 64);
}

void
convrnn_session_config_set_strided(ConvRnnSessionConfig *config, gboolean strided)
{
    config->binding.strided = strided;
}

void
convrnn_session_config_set_precision(ConvRnnSessionConfig *config, ConvRnnPrecision precision)
{
    config->binding.precision = precision;
}
