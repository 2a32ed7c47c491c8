/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/recurrences.h"

#include <stdio.h>

static void
print_cell(const ConvRnnRecurrence *cell)
{
    char *states = g_strjoinv(", ", (gchar **)cell->states);
    printf("  %s: %s", states, cell->description);
    if (cell->kind != CONVRNN_RECURRENCE_UNRECOGNISED)
        printf(": %u node%s → %u step%s%s", cell->n_nodes, cell->n_nodes == 1 ? "" : "s",
               cell->n_steps, cell->n_steps == 1 ? "" : "s", cell->fused ? "" : ", not all fused");
    printf("\n");
    g_free(states);
}

/* What runs in which step: "    Conv+Sigmoid: conv1, act1". */
static void
print_steps(const ConvRnnSession *session, const ConvRnnRecurrence *cell)
{
    for (guint i = 0; i < cell->n_steps; i++) {
        ConvRnnNodeStats step;
        const char *between = ": ";
        convrnn_session_get_node(session, cell->steps[i], &step);
        printf("    %s", step.op);
        for (guint k = 0; k < cell->n_nodes; k++)
            if (cell->node_steps[k] == cell->steps[i]) {
                printf("%s%s", between, cell->nodes[k]);
                between = ", ";
            }
        printf("\n");
    }
}

void
cr_recurrences_print(ConvRnnSession *session)
{
    guint n = convrnn_session_get_n_recurrences(session);

    if (n > 0)
        printf("recurrent cells:\n");
    for (guint i = 0; i < n; i++) {
        print_cell(convrnn_session_get_recurrence(session, i));
        print_steps(session, convrnn_session_get_recurrence(session, i));
    }
}

/* --- JSON --- */

static void
write_text(CrJsonWriter *writer, const char *key, const char *text)
{
    if (!text)
        return;
    cr_json_write_key(writer, key);
    cr_json_write_string(writer, text);
}

static void
write_bool(CrJsonWriter *writer, const char *key, gboolean value)
{
    cr_json_write_key(writer, key);
    cr_json_write_bool(writer, value);
}

static void
write_names(CrJsonWriter *writer, const char *key, const gchar *const *names, guint n)
{
    cr_json_write_key(writer, key);
    cr_json_begin(writer, '[');
    for (guint i = 0; i < n; i++)
        cr_json_write_string(writer, names[i]);
    cr_json_end(writer, ']');
}

static void
write_form(CrJsonWriter *writer, const ConvRnnRecurrence *cell)
{
    static const char *const resets[] = {"none", "before", "after"};
    bool gru = cell->kind == CONVRNN_RECURRENCE_GRU;

    cr_json_write_key(writer, "channels");
    cr_json_write_uint(writer, cell->channels);
    cr_json_write_key(writer, "kernel");
    cr_json_begin(writer, '[');
    for (int i = 0; i < 3 && cell->kernel[i]; i++)
        cr_json_write_uint(writer, cell->kernel[i]);
    cr_json_end(writer, ']');
    write_bool(writer, "operator", cell->is_operator);
    if (gru)
        write_text(writer, "reset", resets[cell->reset]);
    if (gru || cell->kind == CONVRNN_RECURRENCE_SRU)
        write_text(writer, "z", cell->z_keeps ? "keeps" : "replaces");
    if (cell->kind == CONVRNN_RECURRENCE_LSTM || cell->kind == CONVRNN_RECURRENCE_SRU)
        write_bool(writer, "peepholes", cell->peepholes);
    if (cell->kind == CONVRNN_RECURRENCE_LSTM) {
        write_bool(writer, "coupled", cell->coupled);
        write_bool(writer, "projected", cell->projected);
        cr_json_write_key(writer, "clip");
        cr_json_write_double(writer, (double)cell->clip);
    }
    write_text(writer, "gate_activation", cell->gate_activation);
    write_text(writer, "activation", cell->activation);
    write_text(writer, "output_activation", cell->output_activation);
    write_bool(writer, "fused", cell->fused);
}

static void
write_steps(CrJsonWriter *writer, const ConvRnnSession *session, const ConvRnnRecurrence *cell)
{
    const gchar **names = g_new(const gchar *, cell->n_nodes + 1);

    write_names(writer, "nodes", cell->nodes, cell->n_nodes);
    cr_json_write_key(writer, "steps");
    cr_json_begin(writer, '[');
    for (guint i = 0; i < cell->n_steps; i++) {
        ConvRnnNodeStats step;
        guint n = 0;
        for (guint k = 0; k < cell->n_nodes; k++)
            if (cell->node_steps[k] == cell->steps[i])
                names[n++] = cell->nodes[k];
        convrnn_session_get_node(session, cell->steps[i], &step);
        cr_json_begin(writer, '{');
        write_text(writer, "op", step.op);
        write_names(writer, "nodes", names, n);
        cr_json_end(writer, '}');
    }
    cr_json_end(writer, ']');
    g_free(names);
}

void
cr_recurrences_write(CrJsonWriter *writer, ConvRnnSession *session)
{
    cr_json_write_key(writer, "cells");
    cr_json_begin(writer, '[');
    for (guint i = 0; i < convrnn_session_get_n_recurrences(session); i++) {
        const ConvRnnRecurrence *cell = convrnn_session_get_recurrence(session, i);
        cr_json_begin(writer, '{');
        write_names(writer, "states", cell->states, g_strv_length((gchar **)cell->states));
        write_text(writer, "kind", cell->name);
        write_text(writer, "description", cell->description);
        if (cell->kind != CONVRNN_RECURRENCE_UNRECOGNISED) {
            write_form(writer, cell);
            write_steps(writer, session, cell);
        }
        cr_json_end(writer, '}');
    }
    cr_json_end(writer, ']');
}
