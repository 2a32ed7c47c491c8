/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "loaded_model.h"
#include "settings.h"

CrModelSettings
cr_model_settings_copy(const CrModelSettings *settings)
{
    CrModelSettings copy = *settings;

    copy.path = g_strdup(settings->path);
    copy.state_map = g_strdup(settings->state_map);
    copy.constants = g_strdup(settings->constants);
    copy.outputs = g_strdup(settings->outputs);
    copy.region = g_strdup(settings->region);
    copy.range = g_strdup(settings->range);
    copy.mean = g_strdup(settings->mean);
    copy.std = g_strdup(settings->std);
    return copy;
}

void
cr_model_settings_clear(CrModelSettings *settings)
{
    char **texts[] = {&settings->region,    &settings->path,    &settings->state_map,
                      &settings->constants, &settings->outputs, &settings->range,
                      &settings->mean,      &settings->std};

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        g_clear_pointer(texts[i], g_free);
}

static gboolean
apply(CrLoadedModel *loaded, GError **error)
{
    const CrModelSettings *settings = &loaded->settings;

    loaded->config = convrnn_session_config_new();
    loaded->constant_names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    convrnn_session_config_set_threads(loaded->config, settings->threads);
    convrnn_session_config_set_precision(loaded->config, settings->precision);
    convrnn_session_config_set_strided(loaded->config, TRUE);
    convrnn_session_config_set_carry_rnn_state(loaded->config, settings->carry_rnn_state);
    return cr_settings_apply_state_map(loaded->config, loaded->model, settings->state_map, error) &&
           cr_settings_apply_constants(loaded->config, loaded->model, settings->constants,
                                       loaded->constant_names, error) &&
           cr_settings_apply_outputs(loaded->config, loaded->model, settings->outputs, error);
}

CrLoadedModel *
cr_loaded_model_new(const CrModelSettings *settings, const char **what, GError **error)
{
    ConvRnnModel *model;
    CrLoadedModel *loaded;

    *what = "Cannot load the model";
    if (settings->path == NULL) {
        g_set_error(error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND, "it has no name");
        return NULL;
    }
    if ((model = convrnn_model_load(settings->path, error)) == NULL)
        return NULL;
    loaded = g_new0(CrLoadedModel, 1);
    loaded->model = model;
    loaded->settings = cr_model_settings_copy(settings);
    *what = "Cannot set up the model";
    if (!apply(loaded, error))
        g_clear_pointer(&loaded, cr_loaded_model_free);
    return loaded;
}

void
cr_loaded_model_free(CrLoadedModel *loaded)
{
    if (loaded == NULL)
        return;
    g_clear_pointer(&loaded->config, convrnn_session_config_free);
    g_clear_pointer(&loaded->constant_names, g_hash_table_unref);
    convrnn_model_unref(loaded->model);
    cr_model_settings_clear(&loaded->settings);
    g_free(loaded);
}
