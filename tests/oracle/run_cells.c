/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Builds cells as a list says and runs them, for test_cells.py.
 *
 *     run-cells FOLDER
 *
 * FOLDER/cells.txt has one line for each cell and each run, of words key=value:
 *
 *     lstm name=a weights=w.npy recurrent=r.npy gates=ifgo gate=hard_sigmoid:0.2:0.5 stride=2,1
 *     stack name=b cells=a,a
 *     run cell=b mode=layer x=x.npy out=y
 *
 * A run reads x.npy (T, …), one step each, and writes out.npy: the outputs of all steps. Modes:
 * layer (with cont=, one row for each step), unrolled (one network of T steps), and scan
 * (backward=, axis=, steps=), whose last states go to out-0.npy and so on. */
#include <convrnn/convrnn.h>
#include "npy/npy.h"
#include <string.h>

typedef struct {
    const char *folder;
    GHashTable *words; /* of this line */
    GHashTable *cells;
    GPtrArray *tensors; /* read for this line */
} Runner;

static void
stop(const char *what, const GError *error)
{
    g_printerr("run-cells: %s: %s\n", what, error ? error->message : "");
    exit(1);
}

static const char *
word(const Runner *r, const char *key)
{
    return g_hash_table_lookup(r->words, key);
}

static ConvRnnTensor *
tensor(const Runner *r, const char *key)
{
    const char *file = word(r, key);
    GError *error = NULL;

    if (!file)
        return NULL;
    g_autofree char *path = g_build_filename(r->folder, file, NULL);
    ConvRnnTensor *found = cr_npy_read(path, &error);
    if (!found)
        stop(path, error);
    g_ptr_array_add(r->tensors, found);
    return found;
}

static float
number(const Runner *r, const char *key)
{
    return word(r, key) ? (float)g_ascii_strtod(word(r, key), NULL) : 0;
}

static void
numbers(const Runner *r, const char *key, guint *v)
{
    if (!word(r, key))
        return;
    g_auto(GStrv) parts = g_strsplit(word(r, key), ",", -1);
    for (int i = 0; parts[i]; i++)
        v[i] = (guint)g_ascii_strtoull(parts[i], NULL, 10);
}

/* name:alpha:beta */
static ConvRnnCellFunction
function(const Runner *r, const char *key)
{
    static const char *const names[] = {
        [CONVRNN_ACTIVATION_RELU] = "relu",
        [CONVRNN_ACTIVATION_RELU6] = "relu6",
        [CONVRNN_ACTIVATION_LEAKY_RELU] = "leaky_relu",
        [CONVRNN_ACTIVATION_ELU] = "elu",
        [CONVRNN_ACTIVATION_SIGMOID] = "sigmoid",
        [CONVRNN_ACTIVATION_HARD_SIGMOID] = "hard_sigmoid",
        [CONVRNN_ACTIVATION_TANH] = "tanh",
        [CONVRNN_ACTIVATION_SILU] = "silu",
        [CONVRNN_ACTIVATION_SOFTSIGN] = "softsign",
    };
    ConvRnnCellFunction f = {0};

    if (!word(r, key))
        return f;
    g_auto(GStrv) parts = g_strsplit(word(r, key), ":", 3);
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        if (names[i] && g_str_equal(names[i], parts[0]))
            f.function = (ConvRnnActivation)i;
    if (f.function == CONVRNN_ACTIVATION_NONE)
        stop(word(r, key), NULL);
    if (parts[1]) {
        f.alpha = (float)g_ascii_strtod(parts[1], NULL);
        f.beta = (float)g_ascii_strtod(parts[2], NULL);
    }
    return f;
}

static ConvRnnCellJoin
join(const Runner *r)
{
    const char *order = word(r, "join");
    return !order                     ? CONVRNN_CELL_JOIN_NONE
           : g_str_equal(order, "xh") ? CONVRNN_CELL_JOIN_INPUT_STATE
                                      : CONVRNN_CELL_JOIN_STATE_INPUT;
}

static ConvRnnCell *
gated(const Runner *r, const char *kind, GError **error)
{
    static const struct {
        const char *kind;
        ConvRnnCell *(*make)(const ConvRnnCellParams *, GError **);
    } kinds[] = {
        {"rnn", convrnn_cell_new_rnn},           {"gru", convrnn_cell_new_gru},
        {"lstm", convrnn_cell_new_lstm},         {"conv_rnn", convrnn_cell_new_conv_rnn},
        {"conv_gru", convrnn_cell_new_conv_gru}, {"conv_lstm", convrnn_cell_new_conv_lstm}};
    ConvRnnCellParams p = {
        .weights = tensor(r, "weights"),
        .recurrent = tensor(r, "recurrent"),
        .join = join(r),
        .bias = tensor(r, "bias"),
        .recurrent_bias = tensor(r, "recurrent_bias"),
        .gates = word(r, "gates"),
        .gate = function(r, "gate"),
        .activation = function(r, "activation"),
        .output = function(r, "output"),
        .reset_after = word(r, "reset_after") != NULL,
        .z_replaces = word(r, "z_replaces") != NULL,
        .peephole = tensor(r, "peephole"),
        .forget_bias = number(r, "forget_bias"),
        .clip = number(r, "clip"),
        .cell_clip = number(r, "cell_clip"),
        .projection = tensor(r, "projection"),
        .projection_clip = number(r, "projection_clip"),
        .norm_gamma = tensor(r, "norm_gamma"),
        .norm_beta = tensor(r, "norm_beta"),
        .norm_epsilon = number(r, "norm_epsilon"),
        .explicit_pads = word(r, "pads") != NULL,
        .depthwise = tensor(r, "depthwise"),
        .recurrent_depthwise = tensor(r, "recurrent_depthwise"),
        .initial = tensor(r, "initial"),
        .initial_cell = tensor(r, "initial_cell"),
    };

    numbers(r, "norm_groups", p.norm_groups);
    numbers(r, "stride", p.stride);
    numbers(r, "dilation", p.dilation);
    numbers(r, "pads", p.pads);
    numbers(r, "recurrent_pads", p.recurrent_pads);
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (g_str_equal(kind, kinds[i].kind))
            return kinds[i].make(&p, error);
    stop(kind, NULL);
    return NULL;
}

static ConvRnnCell *
cell(const Runner *r, const char *key)
{
    return word(r, key) ? g_hash_table_lookup(r->cells, word(r, key)) : NULL;
}

static ConvRnnCell *
stack(const Runner *r, GError **error)
{
    g_auto(GStrv) names = g_strsplit(word(r, "cells"), ",", -1);
    guint n = g_strv_length(names);
    g_autofree ConvRnnCell **layers = g_new(ConvRnnCell *, n);

    for (guint i = 0; i < n; i++)
        layers[i] = g_hash_table_lookup(r->cells, names[i]);
    return convrnn_cell_new_stack(layers, n, error);
}

static ConvRnnCell *
make(const Runner *r, const char *kind, GError **error)
{
    if (g_str_equal(kind, "stack"))
        return stack(r, error);
    if (g_str_equal(kind, "residual"))
        return convrnn_cell_new_residual(cell(r, "cell"), error);
    if (g_str_equal(kind, "grid_lstm"))
        return convrnn_cell_new_grid_lstm(cell(r, "time"), cell(r, "frequency"),
                                          (guint)number(r, "blocks"), error);
    if (g_str_equal(kind, "attention"))
        return convrnn_cell_new_attention(
            cell(r, "cell"),
            CONVRNN_ATTENTION(.length = (guint)number(r, "length"), .input = tensor(r, "input"),
                              .input_bias = tensor(r, "input_bias"), .key = tensor(r, "key"),
                              .query = tensor(r, "query"), .query_bias = tensor(r, "query_bias"),
                              .score = tensor(r, "score"), .output = tensor(r, "output"),
                              .output_bias = tensor(r, "output_bias")),
            error);
    return gated(r, kind, error);
}

/* --- running --- */

static ConvRnnSession *
open_session(ConvRnnBuilder *b)
{
    GError *error = NULL;
    ConvRnnModel *model = convrnn_builder_build(b, "cells", &error);
    ConvRnnSession *session = model ? convrnn_session_new(model, NULL, &error) : NULL;

    if (!session)
        stop("session", error);
    convrnn_model_unref(model);
    return session;
}

static gsize
bytes_of(const ConvRnnTensorInfo *info)
{
    gsize n = sizeof(float);
    for (guint i = 0; i < info->n_dims; i++)
        n *= (gsize)info->dims[i];
    return n;
}

static void
write_output(const Runner *r, const char *suffix, const ConvRnnTensorInfo *info, gint64 steps,
             const void *data)
{
    gint64 dims[CONVRNN_MAX_RANK + 1] = {steps};
    GError *error = NULL;
    g_autofree char *name = g_strconcat(word(r, "out"), suffix, ".npy", NULL);
    g_autofree char *path = g_build_filename(r->folder, name, NULL);

    memcpy(dims + 1, info->dims, info->n_dims * sizeof *dims);
    if (!cr_npy_write(path, CONVRNN_DTYPE_FLOAT32, dims, info->n_dims + 1, data, &error))
        stop(path, error);
}

/* The outputs of `steps` steps, of which step t takes rows t of x and cont. */
static void
run_steps(const Runner *r, ConvRnnSession *session, const ConvRnnTensor *x,
          const ConvRnnTensor *cont, gint64 steps)
{
    const ConvRnnTensorInfo *out = convrnn_session_get_output(session, 0);
    const ConvRnnTensor *inputs[2] = {x, cont};
    gsize size = bytes_of(out);
    g_autofree char *all = g_malloc(size * (gsize)steps);

    for (gint64 t = 0; t < steps; t++) {
        for (guint i = 0; i < (cont ? 2 : 1); i++) {
            gsize row = bytes_of(convrnn_session_get_input(session, i));
            memcpy(convrnn_session_get_input_data(session, i),
                   (const char *)convrnn_tensor_get_data(inputs[i]) + (gsize)t * row, row);
        }
        convrnn_session_step(session);
        memcpy(all + (gsize)t * size, convrnn_session_get_output_data(session, 0), size);
    }
    write_output(r, "", out, steps, all);
    for (guint i = 1; i < convrnn_session_get_n_outputs(session); i++) {
        g_autofree char *suffix = g_strdup_printf("-%u", i - 1);
        write_output(r, suffix, convrnn_session_get_output(session, i), 1,
                     convrnn_session_get_output_data(session, i));
    }
}

/* An input of the rows of a file, each of which is one step's. */
static guint
row_input(ConvRnnBuilder *b, const char *name, const ConvRnnTensor *rows)
{
    guint n;
    const gint64 *dims = convrnn_tensor_get_dims(rows, &n);
    return convrnn_builder_input(b, name, CONVRNN_DTYPE_FLOAT32, dims + 1, n - 1);
}

static void
run_layer(const Runner *r, const ConvRnnTensor *x)
{
    ConvRnnBuilder *b = convrnn_builder_new();
    const ConvRnnTensor *cont = tensor(r, "cont");
    guint value = row_input(b, "x", x);
    guint goes_on = cont ? row_input(b, "cont", cont) : CONVRNN_NO_VALUE;

    convrnn_builder_output(b, "y",
                           convrnn_builder_layer(b, "memory", cell(r, "cell"), value, goes_on));
    ConvRnnSession *session = open_session(b);
    run_steps(r, session, x, cont, convrnn_tensor_get_dims(x, NULL)[0]);
    convrnn_session_free(session);
    convrnn_builder_unref(b);
}

/* One network that takes all of x at once; its outputs, put together along a new first dimension.
 */
static void
run_unrolled(const Runner *r, const ConvRnnTensor *x)
{
    ConvRnnBuilder *b = convrnn_builder_new();
    guint n, n_states = convrnn_cell_get_n_states(cell(r, "cell"));
    const gint64 *dims = convrnn_tensor_get_dims(x, &n);
    gint64 axis = 0, one = 1;
    g_autofree guint *y = g_new(guint, dims[0]), *parts = g_new(guint, dims[0]);
    g_autofree guint *states = g_new0(guint, n_states), *next = g_new0(guint, n_states);
    g_autoptr(GBytes) bytes = g_bytes_new(&axis, sizeof axis);
    g_autoptr(ConvRnnTensor) first = convrnn_tensor_new(CONVRNN_DTYPE_INT64, &one, 1, bytes, NULL);
    guint axes = convrnn_builder_constant(b, first);
    guint value = convrnn_builder_input(b, "x", CONVRNN_DTYPE_FLOAT32, dims, n);

    convrnn_builder_node_outputs(
        b, "Split", &value, 1,
        g_variant_new_parsed("{'axis': <0>, 'num_outputs': <%i>}", (gint32)dims[0]), parts,
        (guint)dims[0]);
    for (gint64 t = 0; t < dims[0]; t++) {
        guint row = convrnn_builder_node(b, "Squeeze", (guint[]){parts[t], axes}, 2, NULL);
        guint out = convrnn_builder_step(b, cell(r, "cell"), row, t ? states : NULL, next);
        y[t] = convrnn_builder_node(b, "Unsqueeze", (guint[]){out, axes}, 2, NULL);
        memcpy(states, next, n_states * sizeof *states);
    }
    convrnn_builder_output(b, "y", convrnn_builder_concat(b, y, (guint)dims[0], 0));
    ConvRnnSession *session = open_session(b);
    run_steps(r, session, x, NULL, 1);
    convrnn_session_free(session);
    convrnn_builder_unref(b);
}

static void
run_scan(const Runner *r, const ConvRnnTensor *x)
{
    ConvRnnBuilder *b = convrnn_builder_new();
    ConvRnnCell *cells[2] = {cell(r, "cell"), cell(r, "backward")};
    guint states[64], n = 0, value = row_input(b, "x", x);

    for (int i = 0; i < 2; i++)
        n += cells[i] ? convrnn_cell_get_n_states(cells[i]) : 0;
    guint y = convrnn_builder_scan(b, value,
                                   CONVRNN_SCAN(.forward = cells[0], .backward = cells[1],
                                                .axis = (guint)number(r, "axis"),
                                                .steps = (guint)number(r, "steps")),
                                   states);
    convrnn_builder_output(b, "y", y);
    for (guint i = 0; i < n; i++) {
        g_autofree char *name = g_strdup_printf("last%u", i);
        convrnn_builder_output(b, name, states[i]);
    }
    ConvRnnSession *session = open_session(b);
    run_steps(r, session, x, NULL, convrnn_tensor_get_dims(x, NULL)[0]);
    convrnn_session_free(session);
    convrnn_builder_unref(b);
}

static void
run_line(Runner *r, const char *line)
{
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    GError *error = NULL;

    g_hash_table_remove_all(r->words);
    for (int i = 1; words[i]; i++) {
        g_auto(GStrv) pair = g_strsplit(words[i], "=", 2);
        g_hash_table_insert(r->words, g_strdup(pair[0]), g_strdup(pair[1]));
    }
    if (!g_str_equal(words[0], "run")) {
        ConvRnnCell *made = make(r, words[0], &error);
        if (!made)
            stop(line, error);
        g_hash_table_insert(r->cells, g_strdup(word(r, "name")), made);
    } else if (g_str_equal(word(r, "mode"), "layer")) {
        run_layer(r, tensor(r, "x"));
    } else if (g_str_equal(word(r, "mode"), "unrolled")) {
        run_unrolled(r, tensor(r, "x"));
    } else {
        run_scan(r, tensor(r, "x"));
    }
    g_ptr_array_set_size(r->tensors, 0); /* cells keep what they need */
}

int
main(int argc, char **argv)
{
    Runner r = {
        .folder = argc > 1 ? argv[1] : ".",
        .words = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
        .cells = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                       (GDestroyNotify)convrnn_cell_unref),
        .tensors = g_ptr_array_new_with_free_func((GDestroyNotify)convrnn_tensor_unref),
    };
    g_autofree char *path = g_build_filename(r.folder, "cells.txt", NULL);
    g_autofree char *text = NULL;
    GError *error = NULL;

    if (!g_file_get_contents(path, &text, NULL, &error))
        stop(path, error);
    g_auto(GStrv) lines = g_strsplit(g_strchomp(text), "\n", -1);
    for (int i = 0; lines[i]; i++)
        run_line(&r, lines[i]);
    g_ptr_array_unref(r.tensors);
    g_hash_table_unref(r.cells);
    g_hash_table_unref(r.words);
    return 0;
}
