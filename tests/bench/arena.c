/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much memory a session's buffers take, and the least that they could:
 *
 *     arena MODEL [OPTIONS]
 *
 * with the options of `convrnn bench` that fix shapes and constants. Prints both in bytes. The
 * least is what must be there at the same time in the worst step, with the steps in the order that
 * they have: their inputs and outputs, what later steps still need, and the session's own inputs
 * and outputs; and what one thread needs for itself. What passes within a chain of steps counts
 * there. */
#include "core/memory.h"
#include "core/size.h"
#include "runtime/session.h"
#include "tools/binding.h"
#include <convrnn/convrnn.h>
#include <stdio.h>

/* The first and the last step that needs a value. */
typedef struct {
    int begin, end;
} Life;

static bool
in_arena(const ConvRnnSession *session, int value)
{
    const CrIr *ir = session->plan->ir;
    for (guint i = 0; i < session->plan->steps->len; i++)
        if (session->schedule->chain[i] && cr_chain_holds(session->schedule->chain[i], value))
            return false;
    if (cr_ir_value(ir, value)->kind != CR_IR_COMPUTED || cr_ir_value(ir, value)->base >= 0)
        return false;
    for (guint i = 0; i < ir->states->len; i++)
        if (g_array_index(ir->states, CrIrState, i).out == value)
            return false;
    return true;
}

static Life *
lives(const CrIr *ir)
{
    Life *life = g_new(Life, ir->values->len + 1);
    for (guint v = 0; v < ir->values->len; v++)
        life[v] = (Life){G_MAXINT, -1};
    for (guint i = 0; i < ir->nodes->len; i++) {
        const CrIrNode *node = cr_ir_node(ir, (int)i);
        for (int k = 0; !node->dead && k < node->n_in + node->n_out; k++) {
            int value = k < node->n_in ? node->in[k] : node->out[k - node->n_in];
            if (value == CR_NO_VALUE)
                continue;
            Life *root = &life[cr_ir_root(ir, value)];
            root->begin = MIN(root->begin, (int)i);
            root->end = (int)i;
        }
    }
    for (guint i = 0; i < ir->outputs->len; i++)
        life[cr_ir_root(ir, g_array_index(ir->outputs, CrIrPort, i).value)].end = G_MAXINT;
    return life;
}

static size_t
least(const ConvRnnSession *session)
{
    const CrIr *ir = session->plan->ir;
    Life *life = lives(ir);
    size_t most = 0;

    for (guint i = 0; i < ir->nodes->len; i++) {
        size_t now = 0;
        for (guint v = 0; v < ir->values->len; v++)
            if (in_arena(session, (int)v) && life[v].begin <= (int)i && life[v].end >= (int)i)
                now += cr_desc_bytes(&cr_ir_value(ir, (int)v)->desc);
        most = MAX(most, now);
    }
    for (guint i = 0; i < ir->inputs->len; i++)
        most += cr_desc_bytes(&cr_ir_value(ir, g_array_index(ir->inputs, CrIrPort, i).value)->desc);
    g_free(life);
    return most;
}

static ConvRnnSession *
make_session(const char *path, const CrBindingOptions *options, GError **error)
{
    g_autoptr(ConvRnnModel) model = convrnn_model_load(path, error);
    g_autoptr(ConvRnnSessionConfig) config = convrnn_session_config_new();

    if (!model || !cr_binding_apply(options, config, model, error))
        return NULL;
    convrnn_session_config_set_threads(config, 1);
    return convrnn_session_new(model, config, error);
}

int
main(int argc, char **argv)
{
    CrBindingOptions options = {0};
    g_autoptr(GOptionContext) context = g_option_context_new("MODEL");
    g_autoptr(GError) error = NULL;
    g_autoptr(ConvRnnSession) session = NULL;

    cr_binding_add_options(context, &options);
    if (g_option_context_parse(context, &argc, &argv, &error) && argc == 2)
        session = make_session(argv[1], &options, &error);
    cr_binding_options_clear(&options);
    if (!session) {
        fprintf(stderr, "%s\n", error ? error->message : "expected one model");
        return 1;
    }
    ConvRnnSessionStats stats;
    convrnn_session_get_stats(session, &stats);
    printf("%" G_GUINT64_FORMAT " %zu\n", stats.arena_bytes,
           least(session) + session->schedule->scratch_bytes);
    return 0;
}
