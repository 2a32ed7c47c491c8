/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The 2-D Grid LSTM: one LSTM along time and one along the blocks of a frame, each of which also
 * sees the other's hidden state. */
#include "model/cell_gated.h"

typedef struct {
    ConvRnnCell base;
    ConvRnnCell *time, *frequency;
    guint blocks;
} Grid;

/* What a block's cell sees besides its own state: [x; the other's h]. */
static guint
beside(const CrCellPlace *at, guint x, guint h)
{
    return convrnn_builder_concat(at->builder, (const guint[]){x, h}, 2, 1);
}

/* in, out: the block's states along time. states: those along the blocks, from the last block to
 * this one. */
static void
block_step(const Grid *grid, const CrCellPlace *at, guint x, const guint *in, guint *states,
           guint *out)
{
    const CrCellPlace full = {at->builder, at->name, true};
    int space = grid->base.rank > 2 ? 2 : 0;
    guint time_shape = cr_cell_shape(at, x, 0, grid->time->channels, space);
    guint time_h = cr_cell_broadcast(at, in[0], time_shape);
    guint other = states[0] != CONVRNN_NO_VALUE ? states[0]
                                                : cr_cell_initial(grid->frequency, at->builder, 0);
    guint shape = states[0] != CONVRNN_NO_VALUE
                      ? CONVRNN_NO_VALUE
                      : cr_cell_shape(&full, x, 0, grid->frequency->channels, space);
    guint frequency_h = cr_cell_broadcast(at, other, shape);
    guint next[2];

    if (states[0] != CONVRNN_NO_VALUE)
        states[0] = frequency_h;
    cr_cell_step(grid->frequency, at, beside(at, x, time_h), states, next);
    cr_cell_step(grid->time, at, beside(at, x, frequency_h), in, out);
    states[0] = next[0];
    states[1] = next[1];
}

static guint
grid_step(const ConvRnnCell *cell, const CrCellPlace *at, guint x, const guint *in, guint *out)
{
    const Grid *grid = (const Grid *)cell;
    g_autofree guint *parts = g_new0(guint, grid->blocks), *y = g_new0(guint, 2 * grid->blocks);
    g_autofree gint64 *sizes = g_new(gint64, grid->blocks);
    guint states[2] = {CONVRNN_NO_VALUE, CONVRNN_NO_VALUE};

    for (guint i = 0; i < grid->blocks; i++)
        sizes[i] = cell->inputs / grid->blocks;
    if (cell->rank == 2)
        x = cr_cell_op(at, "Flatten", x, CONVRNN_NO_VALUE);
    cr_cell_split(at, x, sizes, (int)grid->blocks, parts);
    for (guint i = 0; i < grid->blocks && !at->builder->failure; i++) {
        block_step(grid, at, parts[i], in + 2 * i, states, out + 2 * i);
        y[2 * i] = out[2 * i];
        y[2 * i + 1] = states[0];
    }
    return convrnn_builder_concat(at->builder, y, 2 * grid->blocks, 1);
}

static void
grid_clear(ConvRnnCell *cell)
{
    convrnn_cell_unref(((Grid *)cell)->time);
    convrnn_cell_unref(((Grid *)cell)->frequency);
}

static const CrCellClass grid_class = {"grid_lstm", grid_step, NULL, NULL, grid_clear};

static bool
check_lstm(const char *what, const ConvRnnCell *cell, GError **error)
{
    const CrCellClass *lstm = cr_gated_classes[CR_GATED_LSTM];

    if (cell && (cell->class == &lstm[0] || cell->class == &lstm[1]))
        return true;
    return cr_cell_fail(grid_class.kind, CONVRNN_ERROR_UNSUPPORTED, error,
                        "%s is %s, expected an LSTM", what, cell ? cell->class->kind : "NULL");
}

static bool
check_pair(const ConvRnnCell *time, const ConvRnnCell *frequency, GError **error)
{
    /* what of each input is x when the rest is the other's hidden state */
    gint64 of_time = time->inputs - frequency->channels;
    gint64 of_frequency = frequency->inputs - time->channels;

    if (time->rank == frequency->rank && of_time == of_frequency && of_time > 0)
        return true;
    return cr_cell_fail(
        grid_class.kind, CONVRNN_ERROR_SHAPE, error,
        "time takes blocks of %" G_GINT64_FORMAT " channels beside the %" G_GINT64_FORMAT
        " of frequency, and frequency blocks of %" G_GINT64_FORMAT " beside the %" G_GINT64_FORMAT
        " of time, expected the same number of at least 1, and the same number "
        "of dimensions (%d and %d)",
        of_time, frequency->channels, of_frequency, time->channels, time->rank, frequency->rank);
}

ConvRnnCell *
convrnn_cell_new_grid_lstm(ConvRnnCell *time, ConvRnnCell *frequency, guint blocks, GError **error)
{
    if (!check_lstm("time", time, error) || !check_lstm("frequency", frequency, error) ||
        !check_pair(time, frequency, error))
        return NULL;
    if (blocks == 0 || blocks > CR_MAX_NODE_IO / 2) {
        cr_cell_fail(grid_class.kind, CONVRNN_ERROR_LIMIT, error, "%u blocks, expected 1 … %d",
                     blocks, CR_MAX_NODE_IO / 2);
        return NULL;
    }
    Grid *grid = cr_cell_alloc(sizeof *grid, &grid_class, time->rank,
                               blocks * (time->inputs - frequency->channels),
                               blocks * (time->channels + frequency->channels));
    grid->time = convrnn_cell_ref(time);
    grid->frequency = convrnn_cell_ref(frequency);
    grid->blocks = blocks;
    for (guint i = 0; i < blocks; i++) {
        g_autofree char *prefix = g_strdup_printf("%u", i);
        cr_cell_add_states(&grid->base, time, prefix);
    }
    return &grid->base;
}
