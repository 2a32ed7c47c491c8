/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a builder to a model: the part that knows the operators. */
#include "model/builder.h"
#include "model/states.h"
#include "ops/validate.h"

ConvRnnModel *
convrnn_builder_build(ConvRnnBuilder *builder, const gchar *name, GError **error)
{
    GArray *states, *checked = NULL;
    CrGraph *graph = cr_builder_take(builder, &states, error);

    if (!graph || !cr_graph_finish(graph, error) || !cr_op_validate_graph(graph, error)) {
        g_prefix_error(error, "%s: ", name);
        cr_graph_free(graph);
        cr_states_free(states);
        return NULL;
    }
    ConvRnnModel *model = cr_model_new(graph, name, NULL, NULL);
    model->states = states;
    checked = states->len > 0 ? cr_states_find(model, NULL, NULL, error) : NULL;
    if (states->len > 0 && !checked)
        g_clear_pointer(&model, convrnn_model_unref);
    cr_states_free(checked);
    return model;
}
