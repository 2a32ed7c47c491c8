/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <convrnn/model.h>

G_BEGIN_DECLS

/**
 * ConvRnnBuilder:
 *
 * Makes a model in C, without a file: inputs, layers (convrnn/layers.h), recurrent cells
 * (convrnn/cell.h), outputs.
 *
 * |[<!-- language="C" -->
 * g_autoptr(ConvRnnBuilder) b = convrnn_builder_new();
 * gint64 dims[] = {1, 3, 64, 64};
 * guint x = convrnn_builder_input(b, "frame", CONVRNN_DTYPE_FLOAT32, dims, 4);
 * x = convrnn_builder_conv2d(b, x, CONVRNN_CONV2D(.weights = w, .bias = bias,
 *                                                 .padding = CONVRNN_PADDING_SAME,
 *                                                 .activation = CONVRNN_ACTIVATION_RELU));
 * x = convrnn_builder_layer(b, "memory", cell, x, CONVRNN_NO_VALUE);
 * convrnn_builder_output(b, "result", x);
 * ConvRnnModel *model = convrnn_builder_build(b, "my network", &error);
 * ]|
 *
 * Values are numbers that the functions return; %CONVRNN_NO_VALUE (0) stands for an input that is
 * left out and for the result of a call that failed. The first failure is remembered, all calls
 * after it do nothing, and convrnn_builder_build() reports it: no call in between needs a check.
 *
 * Tensors given to a builder are referenced, not copied. Pictures are N, C, H, W.
 *
 * Thread-safety: one thread at a time per builder.
 */
typedef struct _ConvRnnBuilder ConvRnnBuilder;

#define CONVRNN_TYPE_BUILDER (convrnn_builder_get_type())
CONVRNN_API GType convrnn_builder_get_type(void);

/**
 * CONVRNN_NO_VALUE:
 *
 * No value: an optional input that is left out, or the result of a failed call.
 */
#define CONVRNN_NO_VALUE 0

/**
 * convrnn_builder_new:
 *
 * Returns: (transfer full): an empty builder.
 */
CONVRNN_API ConvRnnBuilder *convrnn_builder_new(void);

/**
 * convrnn_builder_ref:
 *
 * Returns: (transfer full): @builder, with one reference more.
 */
CONVRNN_API ConvRnnBuilder *convrnn_builder_ref(ConvRnnBuilder *builder);

/**
 * convrnn_builder_unref:
 * @builder: (nullable) (transfer full): %NULL does nothing
 */
CONVRNN_API void convrnn_builder_unref(ConvRnnBuilder *builder);

/**
 * convrnn_builder_build:
 * @name: what messages call the model
 *
 * Checks the graph and makes the model. The builder is empty afterwards, whatever the outcome, and
 * may be used for the next model. What no output needs is left out.
 *
 * Returns: (transfer full) (nullable): the model, or %NULL with @error set to the first failure:
 *   %CONVRNN_ERROR_FORMAT, _UNSUPPORTED, _SHAPE, _STATE, _LIMIT or _NOMEM.
 */
CONVRNN_API ConvRnnModel *convrnn_builder_build(ConvRnnBuilder *builder, const gchar *name,
                                                GError **error);

/* --- inputs, outputs, constants, state --- */

/**
 * convrnn_builder_input:
 * @name: the input's name, unique among the model's tensors
 * @dims: (array length=n_dims): its dimensions; -1 for one that a session binds
 *
 * Returns: the input's value.
 */
CONVRNN_API guint convrnn_builder_input(ConvRnnBuilder *builder, const gchar *name,
                                        ConvRnnDType dtype, const gint64 *dims, guint n_dims);

/**
 * convrnn_builder_output:
 * @name: the output's name, unique among the model's tensors
 *
 * Makes a value an output of the model. A value may be several outputs.
 */
CONVRNN_API void convrnn_builder_output(ConvRnnBuilder *builder, const gchar *name, guint value);

/**
 * convrnn_builder_constant:
 *
 * Returns: the value of a tensor that never changes.
 */
CONVRNN_API guint convrnn_builder_constant(ConvRnnBuilder *builder, ConvRnnTensor *tensor);

/**
 * convrnn_builder_state:
 * @input: the name of an input of this builder
 * @output: the name of an output of this builder, of the same type and shape
 * @initial: (nullable): the state before the first step and after a reset, of the input's shape or
 *   broadcast to it; %NULL for zeros
 *
 * Says that @output of one step is @input of the next. The cells below do this by themselves.
 */
CONVRNN_API void convrnn_builder_state(ConvRnnBuilder *builder, const gchar *input,
                                       const gchar *output, ConvRnnTensor *initial);

/* --- any operator --- */

/**
 * convrnn_builder_node:
 * @op: the name of an operator of ONNX, in the form of opset 21
 * @inputs: (array length=n_inputs): its inputs; %CONVRNN_NO_VALUE for one that is left out
 * @attributes: (nullable): a dictionary (`a{sv}`); integers and booleans are ints, doubles floats,
 *   strings strings, and arrays of these lists. A floating reference is taken
 *
 * Returns: the operator's first output.
 */
CONVRNN_API guint convrnn_builder_node(ConvRnnBuilder *builder, const gchar *op,
                                       const guint *inputs, guint n_inputs, GVariant *attributes);

/**
 * convrnn_builder_node_outputs:
 * @op: as for convrnn_builder_node()
 * @inputs: (array length=n_inputs): as for convrnn_builder_node()
 * @attributes: (nullable): as for convrnn_builder_node()
 * @outputs: (out caller-allocates) (array length=n_outputs): the operator's outputs, each
 *   %CONVRNN_NO_VALUE on failure
 * @n_outputs: how many of its outputs are wanted, at least 1
 */
CONVRNN_API void convrnn_builder_node_outputs(ConvRnnBuilder *builder, const gchar *op,
                                              const guint *inputs, guint n_inputs,
                                              GVariant *attributes, guint *outputs,
                                              guint n_outputs);

/* --- parts of models --- */

/**
 * convrnn_builder_model:
 * @model: the model whose part is taken
 * @names: (array length=n_values): tensors of @model
 * @values: (array length=n_values): this builder's values in their place
 * @outputs: (array length=n_outputs): tensors of @model that are wanted: any tensor, not only
 *   outputs
 * @results: (out caller-allocates) (array length=n_outputs): their values, each %CONVRNN_NO_VALUE
 *   on failure
 *
 * Puts the part of @model that computes @outputs from @names into this model: a trained network
 * as the front, the middle or the end of another. Its weights are shared and not copied. Inputs
 * of @model that the part needs beyond @names become inputs. States that it needs stay states, with
 * what computes their next value. Their names, and those of the states' outputs, get a number when
 * this builder has them already. Of the `.modelinfo`, nothing but states is taken.
 *
 * Tensors of a file have the names that its exporter gave them; the error about a wrong one lists
 * the nearest. Two models one after the other: the @results of the first are @values of the second.
 *
 * Fails with %CONVRNN_ERROR_FORMAT when @model has no tensor of one of these names, and
 * %CONVRNN_ERROR_STATE when its states are ambiguous.
 */
CONVRNN_API void convrnn_builder_model(ConvRnnBuilder *builder, const ConvRnnModel *model,
                                       const gchar *const *names, const guint *values,
                                       guint n_values, const gchar *const *outputs, guint n_outputs,
                                       guint *results);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ConvRnnBuilder, convrnn_builder_unref)

G_END_DECLS
