/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rows or columns of one frame read as a sequence by a cell, in one direction or both. */
#include "model/cell.h"
#include <string.h>

/* A cell at work in one direction. */
typedef struct {
    const ConvRnnCell *cell;
    CrCellPlace at;
    guint axis, steps;
    bool backward;
} Scan;

static guint
transpose(const Scan *s, guint x, const int64_t *perm, int n)
{
    guint output;

    if (s->at.builder->failure)
        return CONVRNN_NO_VALUE;
    g_autofree char *name = g_strconcat(s->at.name, "/Transpose", NULL);
    CrNode node = cr_builder_start(s->at.builder, "Transpose", name, &x, 1, 1);
    cr_node_set_ints(&node, "perm", perm, n);
    cr_builder_add(s->at.builder, &node, &output);
    return output;
}

/* The first n dimensions as they are, the rest as one: Reshape's 0s and −1. */
static guint
join_rest(const Scan *s, guint x, int n)
{
    int64_t dims[CONVRNN_MAX_RANK] = {0};

    dims[n] = -1;
    return cr_cell_op(&s->at, "Reshape", x, cr_cell_ints(&s->at, dims, n + 1));
}

/* (…, T, …) → (T, N, K) */
static guint
steps_first(const Scan *s, guint x)
{
    int64_t perm[CONVRNN_MAX_RANK] = {s->axis};
    int n = (int)s->axis + 1;

    for (int i = 1; i <= n; i++)
        perm[i] = i <= (int)s->axis ? i - 1 : i;
    if (s->axis > 0)
        x = transpose(s, join_rest(s, x, n), perm, n + 1);
    return join_rest(s, x, 2);
}

static guint
in_one_node(const Scan *s, guint x, guint *states)
{
    static const int64_t back[3][3] = {{0, 1, 2}, {1, 0, 2}, {1, 2, 0}};
    guint y = cr_cell_sequence(s->cell, &s->at, steps_first(s, x), NULL, states, s->backward);

    return s->axis == 0 ? y : transpose(s, y, back[MIN(s->axis, 2)], 3);
}

static void
cut(const Scan *s, guint x, guint *parts)
{
    g_autofree int64_t *ones = g_new(int64_t, s->steps);

    for (guint t = 0; t < s->steps; t++)
        ones[t] = 1;
    guint inputs[2] = {x, cr_cell_ints(&s->at, ones, (int)s->steps)};
    guint axis = cr_cell_ints(&s->at, &(int64_t){s->axis}, 1);
    if (s->at.builder->failure)
        return;
    g_autofree char *name = g_strconcat(s->at.name, "/Split", NULL);
    CrNode node = cr_builder_start(s->at.builder, "Split", name, inputs, 2, s->steps);
    cr_node_set_int(&node, "axis", s->axis);
    cr_builder_add(s->at.builder, &node, parts);
    for (guint t = 0; t < s->steps; t++)
        parts[t] = cr_cell_op(&s->at, "Squeeze", parts[t], axis);
}

static guint
step_by_step(const Scan *s, guint x, guint *states)
{
    g_autofree guint *parts = g_new0(guint, s->steps);
    guint axis = MIN(s->axis, (guint)s->cell->rank);
    guint *carried = NULL; /* nothing yet: initial values */

    cut(s, x, parts);
    for (guint i = 0; i < s->steps && !s->at.builder->failure; i++) {
        guint t = s->backward ? s->steps - 1 - i : i;
        g_autofree guint *next = g_new(guint, s->cell->states->len);
        guint y = cr_cell_step(s->cell, &s->at, parts[t], carried, next);
        parts[t] = cr_cell_op(&s->at, "Unsqueeze", y, cr_cell_ints(&s->at, &(int64_t){axis}, 1));
        memcpy(states, next, s->cell->states->len * sizeof *next);
        carried = states;
    }
    return convrnn_builder_concat(s->at.builder, parts, s->steps, (gint)axis);
}

static guint
scan(const Scan *s, guint x, guint *states)
{
    if (s->cell && !s->at.builder->failure && cr_cell_has_sequence(s->cell))
        return in_one_node(s, x, states);
    if (s->steps > 0)
        return step_by_step(s, x, states);
    return cr_builder_fail(s->at.builder, CONVRNN_ERROR_FORMAT,
                           "scan: steps is 0; a %s cell with these options needs the number of "
                           "steps",
                           s->cell->class->kind);
}

static bool
check(ConvRnnBuilder *builder, const ConvRnnScanParams *p)
{
    const ConvRnnCell *f = p->forward, *b = p->backward;

    if (builder->failure)
        return false;
    if (!f && !b)
        cr_builder_fail(builder, CONVRNN_ERROR_FORMAT,
                        "scan: both cells are NULL; give forward, backward or both");
    else if (p->axis > CONVRNN_MAX_RANK - 2)
        cr_builder_fail(builder, CONVRNN_ERROR_LIMIT, "scan: axis is %u, expected at most %d",
                        p->axis, CONVRNN_MAX_RANK - 2);
    else if (p->steps > CR_MAX_NODE_IO)
        cr_builder_fail(builder, CONVRNN_ERROR_LIMIT, "scan: %u steps, expected at most %d",
                        p->steps, CR_MAX_NODE_IO);
    else if (f && b && f->rank != b->rank)
        cr_builder_fail(builder, CONVRNN_ERROR_SHAPE,
                        "scan: forward (%s) gives %d dimensions, backward (%s) %d", f->class->kind,
                        f->rank, b->class->kind, b->rank);
    return !builder->failure;
}

guint
convrnn_builder_scan(ConvRnnBuilder *builder, guint x, const ConvRnnScanParams *params,
                     guint *states_out)
{
    const ConvRnnCell *cells[2] = {params->forward, params->backward};
    guint n_states[2], y[2] = {CONVRNN_NO_VALUE, CONVRNN_NO_VALUE};

    for (int i = 0; i < 2; i++)
        n_states[i] = cells[i] ? cells[i]->states->len : 0;
    g_autofree guint *states = g_new0(guint, n_states[0] + n_states[1] + 1);
    if (check(builder, params)) {
        for (int i = 0; i < 2; i++) {
            const Scan s = {cells[i],
                            {builder, i ? "backward" : "forward", true},
                            params->axis,
                            params->steps,
                            i == 1};
            if (cells[i])
                y[i] = scan(&s, x, states + (i ? n_states[0] : 0));
        }
    }
    if (builder->failure)
        memset(states, 0, (n_states[0] + n_states[1]) * sizeof *states);
    if (states_out)
        memcpy(states_out, states, (n_states[0] + n_states[1]) * sizeof *states);
    if (builder->failure || !cells[0] || !cells[1])
        return builder->failure ? CONVRNN_NO_VALUE : cells[0] ? y[0] : y[1];
    return convrnn_builder_concat(builder, y, 2, params->axis <= 1 ? 2 : 1);
}
