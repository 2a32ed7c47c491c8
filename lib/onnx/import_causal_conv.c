/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CausalConvWithState (opset 27, onnx.ai/onnx/operators/onnx__CausalConvWithState.html): a
 * depthwise convolution of input (N, C, L) that sees the k − 1 positions before it. They come in as
 * past_state (zeros where there is none), and the last k − 1 go out as present_state: all =
 * Concat(past_state, input)      output = activation(Conv(all, weight, bias)) present_state =
 * all[:, :, L:] */
#include "onnx/import.h"
#include <string.h>

/* past_state and input, one behind the other. */
static int
whole_input(CrImport *import, int64_t kernel, GError **error)
{
    int x = cr_import_input(import->node, 0), past = cr_import_input(import->node, 3), all;

    if (past != CR_NO_VALUE) {
        all = cr_import_op(import, "Concat", CR_IMPORT_IN(past, x), error);
        cr_node_set_int(cr_import_last(import), "axis", 2);
        return all;
    }
    int pads =
        cr_graph_add_constant_i64(import->graph, "pads", (int64_t[]){0, 0, kernel - 1, 0, 0, 0}, 6);
    return cr_import_op(import, "Pad", CR_IMPORT_IN(x, pads), error);
}

static void
write_present(CrImport *import, int all, GError **error)
{
    int from = cr_import_op(import, "Shape", CR_IMPORT_IN(cr_import_input(import->node, 0)), error);
    cr_node_set_int(cr_import_last(import), "start", 2);
    int to = cr_graph_add_constant_i64(import->graph, "end", &(int64_t){INT64_MAX}, 1);
    int axis = cr_graph_add_constant_i64(import->graph, "axis", &(int64_t){2}, 1);
    cr_import_output(import, 1, "Slice", CR_IMPORT_IN(all, from, to, axis), error);
}

/* ONNX Runtime's own form has these, too. */
static bool
check_attrs(CrImport *import, GError **error)
{
    const CrNode *node = import->node;

    if (cr_node_int(node, "ndim", 1) != 1 || cr_node_int(node, "state_window", 0) != 0)
        return cr_import_error(import, CONVRNN_ERROR_UNSUPPORTED, error,
                               "only ndim=1 and state_window=0 are implemented");
    for (int i = 0; i < node->n_attrs; i++) {
        const char *name = node->attrs[i].name;
        if (strcmp(name, "activation") != 0 && strcmp(name, "ndim") != 0 &&
            strcmp(name, "state_window") != 0)
            return cr_import_error(import, CONVRNN_ERROR_FORMAT, error, "attribute '%s' is unknown",
                                   name);
    }
    return true;
}

static bool
rewrite_causal_conv(CrImport *import, GError **error)
{
    CrNode *node = import->node;
    const char *activation = cr_node_string(node, "activation", "none");
    const ConvRnnTensor *weight = cr_import_constant_input(import, 1);
    bool swish = strcmp(activation, "silu") == 0 || strcmp(activation, "swish") == 0;

    if (!weight || weight->n_dims != 3 || weight->dims[1] != 1 || weight->dims[2] < 1)
        return cr_import_error(import, CONVRNN_ERROR_UNSUPPORTED, error,
                               "the weight must be an initializer of shape (channels, 1, kernel)");
    if (!swish && strcmp(activation, "none") != 0)
        return cr_import_error(import, CONVRNN_ERROR_FORMAT, error,
                               "activation is '%s', must be silu, swish or none", activation);
    if (!check_attrs(import, error))
        return false;
    if (node->n_inputs > 4 || node->n_outputs < 1 || node->n_outputs > 2)
        return cr_import_error(import, CONVRNN_ERROR_FORMAT, error,
                               "%d inputs and %d outputs, expected 2 to 4 and 1 or 2",
                               node->n_inputs, node->n_outputs);

    int all = whole_input(import, weight->dims[2], error);
    int taps = cr_import_input(node, 1), bias = cr_import_input(node, 2);
    int64_t channels = weight->dims[0];
    if (node->n_outputs > 1)
        write_present(import, all, error);
    if (!swish) {
        cr_import_become(import, "Conv", CR_IMPORT_IN(all, taps, bias));
        cr_node_set_int(node, "group", channels);
        return !import->failed;
    }
    int sum = cr_import_op(import, "Conv", CR_IMPORT_IN(all, taps, bias), error);
    cr_node_set_int(cr_import_last(import), "group", channels);
    return cr_import_swish(import, sum, 1, error);
}

const CrImportRule cr_import_causal_conv[] = {
    {"CausalConvWithState", rewrite_causal_conv},
    {NULL, NULL},
};
