/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libFuzzer target: load any bytes, and look for the states of what loads. */
#include "fuzz/target.h"
#include "model/states.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    GBytes *file = g_bytes_new(data, size); /* a copy that ends where the data end */
    GError *error = NULL;
    ConvRnnModel *model = convrnn_model_load_bytes(file, "fuzz", NULL, &error);

    if (!model && (!error || error->domain != CONVRNN_ERROR))
        abort();
    g_clear_error(&error);
    if (model) {
        GArray *states = cr_states_find(model, NULL, NULL, &error);
        if (!states && (!error || error->domain != CONVRNN_ERROR))
            abort();
        cr_states_free(states);
        g_clear_error(&error);
    }
    convrnn_model_unref(model);
    g_bytes_unref(file);
    return 0;
}
