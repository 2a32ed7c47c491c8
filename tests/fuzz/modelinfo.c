/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libFuzzer target: any text as the .modelinfo of a small model with two states. */
#include "fuzz/target.h"
#include "model/model_info.h"
#include "model/states.h"

static CrGraph *
small_graph(void)
{
    static const char *const inputs[] = {"x", "a", "b"}, *const outputs[] = {"y", "p", "q"};
    const ConvRnnTensorInfo info = {.dtype = CONVRNN_DTYPE_FLOAT32, .n_dims = 1, .dims = {2}};
    CrGraph *graph = cr_graph_new();

    cr_graph_add_constant_f32(graph, "k", (const float[]){1, 2}, 2, false);
    for (int i = 0; i < 3; i++) {
        if (!cr_graph_add_input(graph, inputs[i], &info, NULL) ||
            !cr_graph_add_output(graph, outputs[i], &info, NULL))
            abort();
    }
    return graph;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    GError *error = NULL;
    char *text = g_memdup2(data, size); /* not terminated */
    GKeyFile *info = cr_model_info_parse(text ? text : "", size, "fuzz", &error);

    if (!info && (!error || error->domain != CONVRNN_ERROR))
        abort();
    g_clear_error(&error);
    if (info) {
        ConvRnnModel *model = cr_model_new(small_graph(), "fuzz", NULL, info);
        GArray *states = cr_states_find(model, NULL, NULL, &error);
        if (!states && (!error || error->domain != CONVRNN_ERROR))
            abort();
        cr_states_free(states);
        g_clear_error(&error);
        convrnn_model_get_property(model, "x", "mean");
        convrnn_model_unref(model);
        g_key_file_unref(info);
    }
    g_free(text);
    return 0;
}
