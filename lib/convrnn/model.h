/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <convrnn/tensor.h>

G_BEGIN_DECLS

/**
 * ConvRnnModel:
 *
 * An immutable, reference-counted network: nodes, weights, inputs, outputs. One model serves any
 * number of sessions in any number of threads at once.
 */
typedef struct _ConvRnnModel ConvRnnModel;

#define CONVRNN_TYPE_MODEL (convrnn_model_get_type())
CONVRNN_API GType convrnn_model_get_type(void);

/**
 * ConvRnnTensorInfo:
 * @name: the tensor's name in the model
 * @dtype: element type
 * @n_dims: rank
 * @dims: the dimensions; -1 where the model leaves one open. For images the order is N, C, H, W
 *
 * What is known about an input or an output before (model) or after (session) shapes are bound.
 * An output's rank and dimensions are what the file declares: @n_dims is 0 when it declares none;
 * a session knows them exactly.
 */
typedef struct {
    const gchar *name;
    ConvRnnDType dtype;
    guint n_dims;
    gint64 dims[CONVRNN_MAX_RANK];
} ConvRnnTensorInfo;

/**
 * convrnn_model_load:
 * @path: (type filename): an ONNX file, opset 7 or newer
 *
 * Reads an ONNX file and, if it exists, the `.modelinfo` beside it (same name, extension replaced).
 * As long as anybody holds the model of a file that has not changed on disk since, loading
 * the same file again returns the same model.
 *
 * Returns: (transfer full) (nullable): the model, or %NULL with @error set: any of
 *   %CONVRNN_ERROR_IO, _FORMAT, _UNSUPPORTED, _SHAPE, _LIMIT, _NOMEM. Any bytes at all are safe to
 *   load: see docs/model-format.md for the limits.
 *
 * Thread-safety: always safe.
 */
CONVRNN_API ConvRnnModel *convrnn_model_load(const gchar *path, GError **error);

/**
 * convrnn_model_load_bytes:
 * @data: the contents of an ONNX file; the model keeps a reference and reads weights in place
 * @name: what messages call it
 * @modelinfo: (nullable): the contents of a .modelinfo file
 *
 * Like convrnn_model_load(), from memory and without the cache.
 *
 * Returns: (transfer full) (nullable): the model, or %NULL with @error set. Thread-safety: always
 * safe.
 */
CONVRNN_API ConvRnnModel *convrnn_model_load_bytes(GBytes *data, const gchar *name,
                                                   const gchar *modelinfo, GError **error);

/**
 * convrnn_model_ref:
 *
 * Returns: (transfer full): @model, with one reference more. Thread-safety: always safe.
 */
CONVRNN_API ConvRnnModel *convrnn_model_ref(ConvRnnModel *model);

/**
 * convrnn_model_unref:
 * @model: (nullable) (transfer full): a model; %NULL does nothing
 *
 * Thread-safety: always safe.
 */
CONVRNN_API void convrnn_model_unref(ConvRnnModel *model);

/**
 * convrnn_model_get_name:
 *
 * Returns: (transfer none): the path or name it was loaded from.
 */
CONVRNN_API const gchar *convrnn_model_get_name(const ConvRnnModel *model);

/**
 * convrnn_model_get_n_inputs:
 *
 * Returns: the number of graph inputs, states and constants included, initializers excluded.
 */
CONVRNN_API guint convrnn_model_get_n_inputs(const ConvRnnModel *model);

/**
 * convrnn_model_get_input:
 * @index: below convrnn_model_get_n_inputs()
 *
 * Returns: (transfer none): what the file declares, valid as long as @model. An input that the
 *   `.modelinfo` makes a window (`role=window`) has the shape of one frame: that is what a step
 *   takes.
 */
CONVRNN_API const ConvRnnTensorInfo *convrnn_model_get_input(const ConvRnnModel *model,
                                                             guint index);

/**
 * convrnn_model_get_n_outputs:
 *
 * Returns: the number of graph outputs, new states included.
 */
CONVRNN_API guint convrnn_model_get_n_outputs(const ConvRnnModel *model);

/**
 * convrnn_model_get_output:
 * @index: below convrnn_model_get_n_outputs()
 *
 * Returns: (transfer none): what the file declares, valid as long as @model.
 */
CONVRNN_API const ConvRnnTensorInfo *convrnn_model_get_output(const ConvRnnModel *model,
                                                              guint index);

/**
 * convrnn_model_get_n_nodes:
 *
 * Returns: the number of nodes. Those of the graphs inside `If`, `Loop` and `Scan` are not counted;
 *   the calls of a file's own functions have been replaced by the functions' nodes.
 */
CONVRNN_API guint convrnn_model_get_n_nodes(const ConvRnnModel *model);

/**
 * convrnn_model_get_node:
 * @index: below convrnn_model_get_n_nodes(); a node comes after those whose outputs it reads
 * @op: (out) (transfer none) (optional): its operator, in the form of opset 21
 * @n_inputs: (out) (optional): how many inputs it has
 * @n_outputs: (out) (optional): how many outputs it has
 *
 * Returns: (transfer none): the node's name, made up where the file has none; as @op, valid as long
 *   as @model.
 */
CONVRNN_API const gchar *convrnn_model_get_node(const ConvRnnModel *model, guint index,
                                                const gchar **op, guint *n_inputs,
                                                guint *n_outputs);

/**
 * convrnn_model_get_node_input:
 * @node: below convrnn_model_get_n_nodes()
 * @index: below the node's number of inputs
 * @constant: (out) (transfer none) (nullable) (optional): its value, when the file has it; %NULL
 *   for inputs of the model and for what a node computes
 *
 * Returns: (transfer none) (nullable): the name of a tensor, valid as long as @model; %NULL for an
 *   input that is left out.
 */
CONVRNN_API const gchar *convrnn_model_get_node_input(const ConvRnnModel *model, guint node,
                                                      guint index, ConvRnnTensor **constant);

/**
 * convrnn_model_get_node_output:
 * @node: below convrnn_model_get_n_nodes()
 * @index: below the node's number of outputs
 *
 * Tells the names that convrnn_builder_model() and convrnn_session_config_set_outputs() take.
 *
 * Returns: (transfer none) (nullable): the name of a tensor, valid as long as @model; %NULL for an
 *   output that is left out.
 */
CONVRNN_API const gchar *convrnn_model_get_node_output(const ConvRnnModel *model, guint node,
                                                       guint index);

/**
 * convrnn_model_get_property:
 * @tensor: (nullable): the name of an input or output; %NULL for the model itself
 * @key: a key of the `.modelinfo` file or, for @tensor %NULL, of the ONNX file's metadata
 *
 * Reads one entry of the model's description, such as `mean`, `std`, `role` or `labels`
 * (docs/model-format.md lists them all).
 *
 * Returns: (transfer none) (nullable): the text, valid as long as @model; %NULL when there is none.
 */
CONVRNN_API const gchar *convrnn_model_get_property(const ConvRnnModel *model, const gchar *tensor,
                                                    const gchar *key);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ConvRnnModel, convrnn_model_unref)

G_END_DECLS
