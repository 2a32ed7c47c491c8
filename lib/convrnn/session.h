/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <convrnn/model.h>

G_BEGIN_DECLS

/**
 * ConvRnnSessionConfig:
 *
 * How a model is to be run: input shapes, constants, which inputs are state. Everything has a
 * default; a config serves any number of sessions. Not thread-safe.
 */
typedef struct _ConvRnnSessionConfig ConvRnnSessionConfig;

#define CONVRNN_TYPE_SESSION_CONFIG (convrnn_session_config_get_type())
CONVRNN_API GType convrnn_session_config_get_type(void);

/**
 * convrnn_session_config_new:
 *
 * Returns: (transfer full): a config with every default.
 */
CONVRNN_API ConvRnnSessionConfig *convrnn_session_config_new(void);

/**
 * convrnn_session_config_copy:
 *
 * Returns: (transfer full): a copy.
 */
CONVRNN_API ConvRnnSessionConfig *convrnn_session_config_copy(const ConvRnnSessionConfig *config);

/**
 * convrnn_session_config_free:
 * @config: (nullable) (transfer full): %NULL does nothing
 */
CONVRNN_API void convrnn_session_config_free(ConvRnnSessionConfig *config);

/**
 * convrnn_session_config_set_input_shape:
 * @input: an input's name
 * @dims: (array length=n_dims): its dimensions, each ≥ 1
 *
 * Fixes the dimensions that the model leaves open. Default: the model's own, with an open first
 * (batch) dimension taken as 1; any other open dimension must be set.
 */
CONVRNN_API void convrnn_session_config_set_input_shape(ConvRnnSessionConfig *config,
                                                        const gchar *input, const gint64 *dims,
                                                        guint n_dims);

/**
 * convrnn_session_config_set_constant:
 * @input: an input's name
 * @value: its value for the whole session
 *
 * Binds an input once and for all (such as RVM's `downsample_ratio`); what depends only on it is
 * computed when the session starts.
 */
CONVRNN_API void convrnn_session_config_set_constant(ConvRnnSessionConfig *config,
                                                     const gchar *input, ConvRnnTensor *value);

/**
 * convrnn_session_config_add_state:
 * @input: the input that takes the state
 * @output: the output that gives the next one
 *
 * Says that @output of one step is @input of the next. As soon as one pair is given, no state is
 * looked for by metadata or by name.
 */
CONVRNN_API void convrnn_session_config_add_state(ConvRnnSessionConfig *config, const gchar *input,
                                                  const gchar *output);

/**
 * convrnn_session_config_set_stateless:
 * @stateless: %TRUE for no state at all: what would be state stays at its initial value
 *
 * Default: %FALSE.
 */
CONVRNN_API void convrnn_session_config_set_stateless(ConvRnnSessionConfig *config,
                                                      gboolean stateless);

/**
 * convrnn_session_config_set_initial:
 * @input: a state's input
 * @value: what the state is before the first step and after a reset
 *
 * Default: the model's `initial=`, else zeros. The value must have the state's shape or broadcast
 * to it.
 */
CONVRNN_API void convrnn_session_config_set_initial(ConvRnnSessionConfig *config,
                                                    const gchar *input, ConvRnnTensor *value);

/**
 * convrnn_session_config_set_carry_rnn_state:
 * @carry: %TRUE to carry the state of recurrent nodes that have none in the file
 *
 * A network that was exported as a whole often starts its RNN, GRU and LSTM nodes from a constant,
 * or from zero, whenever it is run. With @carry, a session makes of each such node's state (Y_h,
 * and Y_c of an LSTM) a state of its own, called after the node: `lstm.h`, `lstm.c`. The constant
 * is its initial value. These states come after the others and are saved, restored and reset with
 * them.
 *
 * Such a node must read one step: its time axis must be 1 once shapes are bound. Nodes that read
 * their sequence backwards as well, inside a frame, are left alone; with a time axis of 1 they are
 * an error, as is a model without any node to carry.
 *
 * Default: what `carry-rnn-state=` in the model's `.modelinfo` says, else %FALSE. @carry %FALSE
 * does not override the model.
 */
CONVRNN_API void convrnn_session_config_set_carry_rnn_state(ConvRnnSessionConfig *config,
                                                            gboolean carry);

/**
 * convrnn_session_config_set_outputs:
 * @outputs: (array zero-terminated=1) (nullable): names of outputs, or of any tensors of the model,
 *   %NULL-terminated
 *
 * Chooses which outputs each step makes readable. Nodes that nothing else needs are not run. What
 * is read in the middle of a network is not fused away, which takes time;
 * convrnn_model_get_node_output() tells its name. Default (%NULL): every output that is not a
 * state.
 */
CONVRNN_API void convrnn_session_config_set_outputs(ConvRnnSessionConfig *config,
                                                    const gchar *const *outputs);

/**
 * convrnn_session_config_set_fusion:
 * @fusion: %FALSE to run every node of the model by itself
 *
 * Default: %TRUE. The numbers are the same but for rounding; a session without fusion is slower,
 * and good for comparing and for finding out which node is at fault.
 */
CONVRNN_API void convrnn_session_config_set_fusion(ConvRnnSessionConfig *config, gboolean fusion);

/**
 * convrnn_session_config_set_threads:
 * @threads: 1…64; 0 (the default) for as many as the process may use processors
 *
 * Results do not depend on it: the same bytes come out for any number.
 */
CONVRNN_API void convrnn_session_config_set_threads(ConvRnnSessionConfig *config, guint threads);

/**
 * convrnn_session_config_set_strided:
 * @strided: %TRUE to have inputs and outputs lie as the network's first and last layers have them
 *
 * Default: %FALSE, which is row-major. A convolution reads and writes rows with room at their ends;
 * with @strided, an input or output of few channels may lie in such rows, and a copy of it is saved
 * in each step. The numbers are the same to the bit. convrnn_session_get_input_strides() and
 * convrnn_session_get_output_strides() tell where the elements are.
 */
CONVRNN_API void convrnn_session_config_set_strided(ConvRnnSessionConfig *config, gboolean strided);

/**
 * ConvRnnPrecision:
 * @CONVRNN_PRECISION_FP32: float32 (default). Large 3×3 convolutions by Winograd's method where
 *   that keeps a layer's error within 1e-5 of its range
 * @CONVRNN_PRECISION_BF16X3: convolutions with factors in two parts of bfloat16, sums in float32:
 *   errors of the grade of float32. Needs the instruction set "amx"
 * @CONVRNN_PRECISION_BF16: convolutions with factors rounded to bfloat16 (8 significant bits), sums
 *   in float32; the weights of dense and recurrent layers with few rows in bfloat16; sigmoid and
 * tanh within 1e-5; all else stays in float32. Needs "amx"
 * @CONVRNN_PRECISION_AUTO: the fastest of the grade of float32: bf16x3 where there is "amx", else
 *   fp32
 * @CONVRNN_PRECISION_DOUBLE: a yardstick for the others, tens of times slower: convolutions, matrix
 *   products and recurrent layers by their definition in double precision, each result rounded to
 *   float32; all else in float32; every node by itself
 * @CONVRNN_PRECISION_INT8: as bf16 where there is "amx", else as fp32; but the known weights of
 *   dense and recurrent layers with few rows are whole numbers of 8 bits times a factor for each
 *   output, and what they multiply is rounded to 15 bits of the largest of 512 neighbours. Weights
 *   that were quantised so before keep their values. With every instruction set
 *
 * What convolutions compute with. In each precision, results are the same bytes for any number of
 * threads. Numbers beyond 3.38e38 become infinite, and an infinity NaN, in bf16x3.
 */
typedef enum {
    CONVRNN_PRECISION_FP32 = 0,
    CONVRNN_PRECISION_BF16X3,
    CONVRNN_PRECISION_BF16,
    CONVRNN_PRECISION_AUTO,
    CONVRNN_PRECISION_DOUBLE,
    CONVRNN_PRECISION_INT8,
} ConvRnnPrecision;

/**
 * convrnn_session_config_set_precision:
 *
 * Where the processor, or the level chosen by convrnn_cpu_set_level(), lacks what @precision needs,
 * a session logs a warning and computes in float32; #ConvRnnSessionStats says what it does.
 */
CONVRNN_API void convrnn_session_config_set_precision(ConvRnnSessionConfig *config,
                                                      ConvRnnPrecision precision);

/**
 * ConvRnnSession:
 *
 * One stream's run of a model: its state, its buffers. All memory is taken and all checks are made
 * by convrnn_session_new(); a step allocates nothing and cannot fail.
 *
 * Thread-safety: one thread at a time per session; different sessions are independent.
 */
typedef struct _ConvRnnSession ConvRnnSession;

#define CONVRNN_TYPE_SESSION (convrnn_session_get_type())
CONVRNN_API GType convrnn_session_get_type(void);

/**
 * ConvRnnStateOrigin:
 * @CONVRNN_STATE_FROM_CONFIG: the caller named the pair
 * @CONVRNN_STATE_FROM_MODELINFO: `state-of=` in the `.modelinfo`
 * @CONVRNN_STATE_FROM_METADATA: the ONNX file's metadata
 * @CONVRNN_STATE_FROM_NAME: well-known names
 * @CONVRNN_STATE_FROM_BUILDER: the builder
 * @CONVRNN_STATE_FROM_CARRY: a recurrent node's own,
 *   see convrnn_session_config_set_carry_rnn_state()
 * @CONVRNN_STATE_FROM_WINDOW: the frames of an input with `role=window`
 *
 * How a state was found. The first five are asked in this order of precedence; the others exist
 * beside them.
 */
typedef enum {
    CONVRNN_STATE_FROM_CONFIG,
    CONVRNN_STATE_FROM_MODELINFO,
    CONVRNN_STATE_FROM_METADATA,
    CONVRNN_STATE_FROM_NAME,
    CONVRNN_STATE_FROM_BUILDER,
    CONVRNN_STATE_FROM_CARRY,
    CONVRNN_STATE_FROM_WINDOW,
} ConvRnnStateOrigin;

/**
 * ConvRnnStepFlags:
 * @CONVRNN_STEP_NORMAL: all is well
 * @CONVRNN_STEP_STATE_RESET: a NaN or an infinity appeared in a state in this step; the outputs are
 *   what the network computed, the state has been reset, and the next step starts afresh
 */
typedef enum {
    CONVRNN_STEP_NORMAL = 0,
    CONVRNN_STEP_STATE_RESET = 1 << 0,
} ConvRnnStepFlags;

/**
 * convrnn_session_new:
 * @model: a model; the session holds a reference
 * @config: (nullable): %NULL for every default; copied
 *
 * Binds shapes and constants, infers everything else, folds constants, plans memory, packs weights
 * (shared with every other session of the model with the same shapes) and sets the state to its
 * initial value.
 *
 * Returns: (transfer full) (nullable): a session, or %NULL with @error set:
 *   %CONVRNN_ERROR_SHAPE (a dimension is open, or does not fit a node), %CONVRNN_ERROR_STATE (a
 *   state pair is missing, ambiguous or does not match), %CONVRNN_ERROR_UNSUPPORTED (a shape that
 *   depends on pixel values, an operator's rare form), %CONVRNN_ERROR_LIMIT, %CONVRNN_ERROR_NOMEM.
 */
CONVRNN_API ConvRnnSession *convrnn_session_new(ConvRnnModel *model,
                                                const ConvRnnSessionConfig *config, GError **error);

/**
 * convrnn_session_free:
 * @session: (nullable) (transfer full): %NULL does nothing
 *
 * A copy of the boxed type #CONVRNN_TYPE_SESSION, as languages with garbage collection make it, is
 * the same session held once more; it ends when the last holder frees it.
 */
CONVRNN_API void convrnn_session_free(ConvRnnSession *session);

/**
 * convrnn_session_get_n_inputs:
 *
 * Returns: how many inputs each step reads: the model's, without states and constants.
 */
CONVRNN_API guint convrnn_session_get_n_inputs(const ConvRnnSession *session);

/**
 * convrnn_session_get_input:
 *
 * Returns: (transfer none): name, type and exact shape, valid as long as @session.
 */
CONVRNN_API const ConvRnnTensorInfo *convrnn_session_get_input(const ConvRnnSession *session,
                                                               guint index);

/**
 * convrnn_session_get_input_data: (skip)
 *
 * Returns: (transfer none): where to write input @index before a step: row-major, 64-byte aligned,
 *   valid as long as @session. What was written stays until it is overwritten; a step does not
 *   change it. With convrnn_session_config_set_strided(): the address of its first element.
 */
CONVRNN_API gpointer convrnn_session_get_input_data(ConvRnnSession *session, guint index);

/**
 * convrnn_session_get_input_strides: (skip)
 *
 * Tells where the elements of input @index lie: element (i, j, …) is at i·strides[0] + j·strides[1]
 * + … elements from the first one. The last stride is 1. What lies between rows must not be
 * written: it is zero, and the network reads it.
 *
 * Returns: (transfer none): as many numbers as the input has dimensions, valid as long as @session;
 *   those of a dense row-major tensor without convrnn_session_config_set_strided().
 */
CONVRNN_API const gint64 *convrnn_session_get_input_strides(const ConvRnnSession *session,
                                                            guint index);

/**
 * convrnn_session_set_input:
 * @data: the elements, row-major, in native byte order
 *
 * Copies input @index before a step, for languages without pointers.
 *
 * Returns: %TRUE, or %FALSE with %CONVRNN_ERROR_SHAPE, when there is no such input or it takes
 *   another number of bytes, and nothing has changed.
 */
CONVRNN_API gboolean convrnn_session_set_input(ConvRnnSession *session, guint index, GBytes *data,
                                               GError **error);

/**
 * convrnn_session_get_n_outputs:
 *
 * Returns: how many outputs each step makes readable.
 */
CONVRNN_API guint convrnn_session_get_n_outputs(const ConvRnnSession *session);

/**
 * convrnn_session_get_output:
 *
 * Returns: (transfer none): name, type and exact shape, valid as long as @session.
 */
CONVRNN_API const ConvRnnTensorInfo *convrnn_session_get_output(const ConvRnnSession *session,
                                                                guint index);

/**
 * convrnn_session_get_output_data: (skip)
 *
 * Returns: (transfer none): output @index of the last step, row-major, 64-byte aligned; the address
 * is valid as long as @session, its contents until the next step. With
 * convrnn_session_config_set_strided(): the address of its first element.
 */
CONVRNN_API gconstpointer convrnn_session_get_output_data(const ConvRnnSession *session,
                                                          guint index);

/**
 * convrnn_session_get_output_strides: (skip)
 *
 * Tells where the elements of output @index lie, as convrnn_session_get_input_strides() does. What
 * lies between rows is no part of the output.
 *
 * Returns: (transfer none): as many numbers as the output has dimensions, valid as long as
 *   @session.
 */
CONVRNN_API const gint64 *convrnn_session_get_output_strides(const ConvRnnSession *session,
                                                             guint index);

/**
 * convrnn_session_dup_output:
 *
 * Copies output @index of the last step, for languages without pointers.
 *
 * Returns: (transfer full) (nullable): the elements, row-major, in native byte order; %NULL with
 *   %CONVRNN_ERROR_SHAPE when there is no such output, or %CONVRNN_ERROR_NOMEM.
 */
CONVRNN_API GBytes *convrnn_session_dup_output(const ConvRnnSession *session, guint index,
                                               GError **error);

/**
 * convrnn_session_get_n_states:
 *
 * Returns: the number of states.
 */
CONVRNN_API guint convrnn_session_get_n_states(const ConvRnnSession *session);

/**
 * convrnn_session_get_state:
 * @output: (out) (transfer none) (optional): the name of the output that gives it
 * @origin: (out) (optional): how the state was found
 *
 * Returns: (transfer none): type and exact shape, under the input's name. A state that is no input
 *   of the model has a name of its own: `lstm.h` and `lstm.c` for the recurrent node `lstm`,
 *   `clip.window` and `clip.count` for an input `clip` with `role=window`.
 */
CONVRNN_API const ConvRnnTensorInfo *convrnn_session_get_state(const ConvRnnSession *session,
                                                               guint index, const gchar **output,
                                                               ConvRnnStateOrigin *origin);

/**
 * convrnn_session_step:
 *
 * Runs the network once on what the input buffers hold: outputs become readable, the state moves
 * on. Allocates nothing, does no I/O, cannot fail. Flush-to-zero is set while it runs and the
 * caller's floating-point control word is put back.
 *
 * Returns: what happened beside.
 */
CONVRNN_API ConvRnnStepFlags convrnn_session_step(ConvRnnSession *session);

/**
 * convrnn_session_reset:
 *
 * Puts the state back to its initial value: afterwards the session gives bit for bit what a new
 * one gives. The generation grows by one, the step count starts again at 0. Allocates nothing.
 */
CONVRNN_API void convrnn_session_reset(ConvRnnSession *session);

/**
 * convrnn_session_get_step:
 *
 * Returns: steps since the session began or was last reset or restored (a restored state brings
 *   its own count).
 */
CONVRNN_API guint64 convrnn_session_get_step(const ConvRnnSession *session);

/**
 * convrnn_session_get_generation:
 *
 * Returns: how often the state was reset, by the caller or because it held a NaN.
 */
CONVRNN_API guint64 convrnn_session_get_generation(const ConvRnnSession *session);

/**
 * convrnn_session_save_state:
 *
 * Copies the state with everything needed to recognise it: format version, the model's hash, each
 * tensor's name, type and shape, the step count. Independent of processor and thread count.
 *
 * Returns: (transfer full) (nullable): the snapshot, or %NULL with %CONVRNN_ERROR_NOMEM.
 */
CONVRNN_API GBytes *convrnn_session_save_state(const ConvRnnSession *session, GError **error);

/**
 * convrnn_session_restore_state:
 * @snapshot: from convrnn_session_save_state(), of a session of the same model and shapes
 *
 * Returns: %TRUE, and the next step continues bit for bit where the snapshot was taken (on the same
 *   kind of processor); or %FALSE with %CONVRNN_ERROR_FORMAT or %CONVRNN_ERROR_STATE, and nothing
 *   has changed.
 */
CONVRNN_API gboolean convrnn_session_restore_state(ConvRnnSession *session, GBytes *snapshot,
                                                   GError **error);

/**
 * convrnn_session_adopt_state:
 * @to: a session, of the same model as @from or of another
 * @from: the session whose state @to goes on from
 *
 * Copies the state and its step count between two sessions that have the same state tensors, by
 * name, type and shape: of two versions of a model, say, or of two precisions. A snapshot, in
 * contrast, goes back into its own model only. Allocates nothing, unless it fails. Neither session
 * may be in a step meanwhile; @from does not change.
 *
 * Returns: %TRUE; or %FALSE with %CONVRNN_ERROR_STATE, which names the tensor that one of the two
 *   lacks or that differs, and nothing has changed.
 */
CONVRNN_API gboolean convrnn_session_adopt_state(ConvRnnSession *to, const ConvRnnSession *from,
                                                 GError **error);

/**
 * ConvRnnSessionStats:
 * @macs: multiply-accumulate operations per step, in convolutions and matrix products
 * @parameters: elements of the weights that the session uses
 * @weight_bytes: packed weights and constants (shared by sessions with the same shapes)
 * @arena_bytes: this session's working memory, input and output buffers and what each thread needs
 *   for itself included
 * @state_bytes: this session's state, both halves of the double buffer
 * @threads: threads that a step uses at most, the caller's included
 * @precision: what convolutions compute with; never %CONVRNN_PRECISION_AUTO
 * @restarted_nodes: recurrent nodes that start from the same state in every step and would not with
 *   convrnn_session_config_set_carry_rnn_state()
 */
typedef struct {
    guint64 macs;
    guint64 parameters;
    guint64 weight_bytes;
    guint64 arena_bytes;
    guint64 state_bytes;
    guint threads;
    ConvRnnPrecision precision;
    guint restarted_nodes;
} ConvRnnSessionStats;

/**
 * convrnn_session_get_stats:
 * @stats: (out caller-allocates): sizes and counts, constant over the session's life
 */
CONVRNN_API void convrnn_session_get_stats(const ConvRnnSession *session,
                                           ConvRnnSessionStats *stats);

/**
 * ConvRnnNodeStats:
 * @name: the node's name in the model, or the first of those that were fused
 * @op: the operator, or the operators fused into one, such as "Conv+Add+Relu"
 * @kernel: the implementation that runs it
 * @reason: why a convolution is computed directly and not by a faster method; %NULL for all else
 * @macs: multiply-accumulate operations per step
 * @nanoseconds: wall time in the last step; 0 unless profiling. Of a chain, the node's part
 * @chain: nodes with the same number, which follow each other, run a few rows at a time, so that
 *   what passes between them stays in the cache; 0: runs by itself
 */
typedef struct {
    const gchar *name;
    const gchar *op;
    const gchar *kernel;
    const gchar *reason;
    guint64 macs;
    guint64 nanoseconds;
    guint chain;
} ConvRnnNodeStats;

/**
 * convrnn_session_set_profiling:
 *
 * Default: %FALSE. Profiling reads a clock between nodes.
 */
CONVRNN_API void convrnn_session_set_profiling(ConvRnnSession *session, gboolean profiling);

/**
 * convrnn_session_get_n_nodes:
 *
 * Returns: how many nodes a step runs, after folding and fusion.
 */
CONVRNN_API guint convrnn_session_get_n_nodes(const ConvRnnSession *session);

/**
 * convrnn_session_get_node:
 * @index: below convrnn_session_get_n_nodes()
 * @stats: (out caller-allocates): the strings are valid as long as @session
 */
CONVRNN_API void convrnn_session_get_node(const ConvRnnSession *session, guint index,
                                          ConvRnnNodeStats *stats);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ConvRnnSessionConfig, convrnn_session_config_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ConvRnnSession, convrnn_session_free)

G_END_DECLS
