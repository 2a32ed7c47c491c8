/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What all kinds of cells share: references, states, the step. */
#include "model/cell.h"
#include <string.h>

G_DEFINE_BOXED_TYPE(ConvRnnCell, convrnn_cell, convrnn_cell_ref, convrnn_cell_unref)

static void
state_clear(gpointer data)
{
    CrCellState *state = data;
    g_free(state->name);
    convrnn_tensor_unref(state->initial);
}

gpointer
cr_cell_alloc(size_t size, const CrCellClass *class, int rank, gint64 inputs, gint64 channels)
{
    ConvRnnCell *cell = g_malloc0(size);

    g_atomic_ref_count_init(&cell->ref_count);
    cell->class = class;
    cell->rank = rank;
    cell->inputs = inputs;
    cell->channels = channels;
    cell->states = g_array_new(FALSE, TRUE, sizeof(CrCellState));
    g_array_set_clear_func(cell->states, state_clear);
    return cell;
}

ConvRnnCell *
convrnn_cell_ref(ConvRnnCell *cell)
{
    g_atomic_ref_count_inc(&cell->ref_count);
    return cell;
}

void
convrnn_cell_unref(ConvRnnCell *cell)
{
    if (!cell || !g_atomic_ref_count_dec(&cell->ref_count))
        return;
    if (cell->class->clear)
        cell->class->clear(cell);
    g_array_unref(cell->states);
    g_free(cell);
}

/* --- states --- */

void
cr_cell_add_state(ConvRnnCell *cell, const char *name, int n_dims, const gint64 *dims,
                  ConvRnnTensor *initial)
{
    CrCellState state = {.name = g_strdup(name),
                         .info = {.dtype = CONVRNN_DTYPE_FLOAT32, .n_dims = (guint)n_dims},
                         .initial = initial ? convrnn_tensor_ref(initial) : NULL};

    memcpy(state.info.dims, dims, sizeof *dims * (size_t)n_dims);
    state.info.name = state.name;
    g_array_append_val(cell->states, state);
}

void
cr_cell_add_states(ConvRnnCell *cell, const ConvRnnCell *inner, const char *prefix)
{
    for (guint i = 0; i < inner->states->len; i++) {
        const CrCellState *state = cr_cell_state(inner, i);
        g_autofree char *name =
            prefix ? g_strconcat(prefix, *state->name ? "_" : "", state->name, NULL)
                   : g_strdup(state->name);
        cr_cell_add_state(cell, name, (int)state->info.n_dims, state->info.dims, state->initial);
    }
}

const CrCellState *
cr_cell_state(const ConvRnnCell *cell, guint index)
{
    return &g_array_index(cell->states, CrCellState, index);
}

guint
convrnn_cell_get_n_states(const ConvRnnCell *cell)
{
    return cell->states->len;
}

const ConvRnnTensorInfo *
convrnn_cell_get_state(const ConvRnnCell *cell, guint index)
{
    g_return_val_if_fail(index < cell->states->len, NULL);
    return &cr_cell_state(cell, index)->info;
}

ConvRnnTensor *
convrnn_cell_get_initial(const ConvRnnCell *cell, guint index)
{
    g_return_val_if_fail(index < cell->states->len, NULL);
    return cr_cell_state(cell, index)->initial;
}

/* --- the step --- */

guint
cr_cell_initial(const ConvRnnCell *cell, ConvRnnBuilder *builder, guint index)
{
    ConvRnnTensor *initial = cr_cell_state(cell, index)->initial;

    if (builder->failure)
        return CONVRNN_NO_VALUE;
    if (initial)
        return convrnn_builder_constant(builder, initial);
    return (guint)cr_graph_add_constant_f32(builder->graph, "zero", &(float){0}, 1, true) + 1;
}

/* Runs a step, or all steps of a sequence where `sequence`. */
static guint
run(const ConvRnnCell *cell, const CrCellPlace *at, guint x, const guint *in, guint *out,
    bool sequence, bool backward)
{
    guint n = cell->states->len, y = CONVRNN_NO_VALUE;
    g_autofree guint *values = g_new0(guint, n);
    CrCellPlace place = *at;

    memset(out, 0, n * sizeof *out);
    for (guint i = 0; i < n; i++) {
        values[i] = in ? in[i] : CONVRNN_NO_VALUE;
        if (values[i] != CONVRNN_NO_VALUE)
            continue;
        values[i] = cr_cell_initial(cell, at->builder, i);
        place.broadcast = true;
    }
    if (!at->builder->failure)
        y = sequence ? cell->class->sequence(cell, &place, x, values, out, backward)
                     : cell->class->step(cell, &place, x, values, out);
    if (!at->builder->failure)
        return y;
    memset(out, 0, n * sizeof *out);
    return CONVRNN_NO_VALUE;
}

guint
cr_cell_step(const ConvRnnCell *cell, const CrCellPlace *at, guint x, const guint *in, guint *out)
{
    return run(cell, at, x, in, out, false, false);
}

guint
cr_cell_sequence(const ConvRnnCell *cell, const CrCellPlace *at, guint x, const guint *in,
                 guint *out, bool backward)
{
    return run(cell, at, x, in, out, true, backward);
}

bool
cr_cell_has_sequence(const ConvRnnCell *cell)
{
    return cell->class->has_sequence && cell->class->has_sequence(cell);
}

/* --- messages --- */

bool
cr_cell_fail(const char *kind, ConvRnnError code, GError **error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, CONVRNN_ERROR, code, "%s: %s", kind, text);
    return false;
}

char *
cr_cell_dims_text(const gint64 *dims, int n_dims)
{
    GString *text = g_string_new(n_dims ? NULL : "a scalar");

    for (int i = 0; i < n_dims; i++)
        g_string_append_printf(text, dims[i] < 0 ? "%s?" : "%s%" G_GINT64_FORMAT, i ? "×" : "",
                               dims[i]);
    return g_string_free(text, FALSE);
}

bool
cr_cell_want(const char *kind, const char *what, const ConvRnnTensor *tensor, bool optional,
             const gint64 *dims, int n_dims, GError **error)
{
    bool fits = tensor && tensor->dtype == CONVRNN_DTYPE_FLOAT32 && tensor->n_dims == n_dims;

    if (!tensor && optional)
        return true;
    for (int i = 0; fits && i < n_dims; i++)
        fits = tensor->dims[i] > 0 && (dims[i] < 0 || dims[i] == tensor->dims[i]);
    if (fits)
        return true;
    g_autofree char *wanted = cr_cell_dims_text(dims, n_dims);
    if (!tensor)
        return cr_cell_fail(kind, CONVRNN_ERROR_SHAPE, error, "%s is missing, expected float32 %s",
                            what, wanted);
    g_autofree char *found = cr_cell_dims_text((const gint64 *)tensor->dims, tensor->n_dims);
    return cr_cell_fail(kind, CONVRNN_ERROR_SHAPE, error, "%s is %s %s, expected float32 %s", what,
                        convrnn_dtype_get_name(tensor->dtype), found, wanted);
}
