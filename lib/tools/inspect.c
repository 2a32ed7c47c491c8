/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/binding.h"
#include "tools/command.h"
#include "tools/json_writer.h"
#include "tools/recurrences.h"

#include <convrnn/cpu.h>
#include <stdio.h>
#include <string.h>

/* What is printed: session is NULL when one could not be made, for the reason given. */
typedef struct {
    ConvRnnModel *model;
    ConvRnnSession *session;
    const GError *reason;
} Report;

/* One line of the list of operators: those of a kind that run in the same way. */
typedef struct {
    const char *op, *kernel, *reason;
    guint count;
    guint64 macs;
} OpCount;

static int
compare_ops(const void *a, const void *b)
{
    const OpCount *x = a, *y = b;
    if (x->macs != y->macs)
        return x->macs < y->macs ? 1 : -1;
    int order = strcmp(x->op, y->op);
    return order ? order : strcmp(x->kernel, y->kernel);
}

static bool
is_like(const OpCount *op, const ConvRnnNodeStats *node)
{
    return strcmp(op->op, node->op) == 0 && strcmp(op->kernel, node->kernel) == 0 &&
           g_strcmp0(op->reason, node->reason) == 0;
}

/* The session's nodes by operator, the costliest first; OpCount. */
static GArray *
count_ops(const ConvRnnSession *session)
{
    GArray *ops = g_array_new(FALSE, FALSE, sizeof(OpCount));
    for (guint i = 0; i < convrnn_session_get_n_nodes(session); i++) {
        ConvRnnNodeStats node;
        guint k = 0;
        convrnn_session_get_node(session, i, &node);
        while (k < ops->len && !is_like(&g_array_index(ops, OpCount, k), &node))
            k++;
        if (k == ops->len) {
            OpCount op = {.op = node.op, .kernel = node.kernel, .reason = node.reason};
            g_array_append_val(ops, op);
        }
        g_array_index(ops, OpCount, k).count++;
        g_array_index(ops, OpCount, k).macs += node.macs;
    }
    g_array_sort(ops, compare_ops);
    return ops;
}

/* The exact shape where the session knows it, else the declared one. */
static const ConvRnnTensorInfo *
bound_input(const Report *report, const ConvRnnTensorInfo *declared)
{
    for (guint i = 0; report->session && i < convrnn_session_get_n_inputs(report->session); i++)
        if (strcmp(convrnn_session_get_input(report->session, i)->name, declared->name) == 0)
            return convrnn_session_get_input(report->session, i);
    for (guint i = 0; report->session && i < convrnn_session_get_n_states(report->session); i++) {
        const ConvRnnTensorInfo *state = convrnn_session_get_state(report->session, i, NULL, NULL);
        if (strcmp(state->name, declared->name) == 0)
            return state;
    }
    return declared;
}

static const ConvRnnTensorInfo *
bound_output(const Report *report, const ConvRnnTensorInfo *declared)
{
    for (guint i = 0; report->session && i < convrnn_session_get_n_outputs(report->session); i++)
        if (strcmp(convrnn_session_get_output(report->session, i)->name, declared->name) == 0)
            return convrnn_session_get_output(report->session, i);
    return declared;
}

static void
print_tensor(const ConvRnnTensorInfo *info)
{
    char *shape = cr_command_shape(info);
    printf("  %s: %s %s\n", info->name, convrnn_dtype_get_name(info->dtype), shape);
    g_free(shape);
}

static void
print_states(const ConvRnnSession *session)
{
    printf("states:%s\n", convrnn_session_get_n_states(session) ? "" : " none");
    for (guint i = 0; i < convrnn_session_get_n_states(session); i++) {
        const char *output;
        ConvRnnStateOrigin origin;
        const ConvRnnTensorInfo *info = convrnn_session_get_state(session, i, &output, &origin);
        char *shape = cr_command_shape(info);
        printf("  %s ← %s: %s %s, found by %s\n", info->name, output,
               convrnn_dtype_get_name(info->dtype), shape, cr_command_origin(origin));
        g_free(shape);
    }
}

static void
print_restarted(const ConvRnnSession *session)
{
    ConvRnnSessionStats stats;
    convrnn_session_get_stats(session, &stats);
    if (stats.restarted_nodes == 1)
        printf("  1 recurrent node starts from the same state in every step: --carry-rnn-state "
               "carries it\n");
    else if (stats.restarted_nodes > 1)
        printf("  %u recurrent nodes start from the same state in every step: --carry-rnn-state "
               "carries them\n",
               stats.restarted_nodes);
}

/* One line for each chain: its nodes in order. */
static void
print_chains(const ConvRnnSession *session)
{
    guint last = 0;
    for (guint i = 0; i < convrnn_session_get_n_nodes(session); i++) {
        ConvRnnNodeStats node;
        convrnn_session_get_node(session, i, &node);
        if (node.chain && !last)
            printf("chains, a few rows at a time:\n");
        if (node.chain)
            printf("%s%s %s",
                   node.chain == last ? " → "
                   : last             ? "\n  "
                                      : "  ",
                   node.op, node.name);
        last = MAX(last, node.chain);
    }
    if (last)
        printf("\n");
}

static void
print_costs(const ConvRnnSession *session)
{
    ConvRnnSessionStats stats;
    GArray *ops = count_ops(session);
    printf("operators, as they run:\n");
    for (guint i = 0; i < ops->len; i++) {
        const OpCount *op = &g_array_index(ops, OpCount, i);
        printf("  %s [%s%s%s]: %u, %" G_GUINT64_FORMAT " MACs\n", op->op, op->kernel,
               op->reason ? ": " : "", op->reason ? op->reason : "", op->count, op->macs);
    }
    g_array_unref(ops);
    print_chains(session);
    convrnn_session_get_stats(session, &stats);
    printf("parameters: %" G_GUINT64_FORMAT "\n", stats.parameters);
    printf("MACs per step: %" G_GUINT64_FORMAT "\n", stats.macs);
    printf("arena bytes: %" G_GUINT64_FORMAT "\n", stats.arena_bytes);
    printf("weight bytes: %" G_GUINT64_FORMAT "\n", stats.weight_bytes);
    printf("state bytes: %" G_GUINT64_FORMAT "\n", stats.state_bytes);
    printf("kernels: %s\n", convrnn_cpu_get_level());
}

static void
print_text(const Report *report)
{
    printf("model: %s\ninputs:\n", convrnn_model_get_name(report->model));
    for (guint i = 0; i < convrnn_model_get_n_inputs(report->model); i++)
        print_tensor(bound_input(report, convrnn_model_get_input(report->model, i)));
    printf("outputs:\n");
    for (guint i = 0; i < convrnn_model_get_n_outputs(report->model); i++)
        print_tensor(bound_output(report, convrnn_model_get_output(report->model, i)));
    if (report->session) {
        print_states(report->session);
        print_restarted(report->session);
        cr_recurrences_print(report->session);
        print_costs(report->session);
    } else {
        printf("states, operators and sizes are not known: %s\n"
               "Give the open dimensions with --size WxH or --shape NAME=1x3x240x320, and "
               "run-time settings with --constant NAME=VALUE.\n",
               report->reason->message);
    }
}

static void
write_tensor(CrJsonWriter *writer, const ConvRnnTensorInfo *info)
{
    cr_json_write_key(writer, "name");
    cr_json_write_string(writer, info->name);
    cr_json_write_key(writer, "dtype");
    cr_json_write_string(writer, convrnn_dtype_get_name(info->dtype));
    cr_json_write_key(writer, "shape");
    cr_json_write_dims(writer, info->dims, info->n_dims);
}

static void
write_states(CrJsonWriter *writer, const ConvRnnSession *session)
{
    cr_json_write_key(writer, "states");
    cr_json_begin(writer, '[');
    for (guint i = 0; i < convrnn_session_get_n_states(session); i++) {
        const char *output;
        ConvRnnStateOrigin origin;
        const ConvRnnTensorInfo *info = convrnn_session_get_state(session, i, &output, &origin);
        cr_json_begin(writer, '{');
        write_tensor(writer, info);
        cr_json_write_key(writer, "output");
        cr_json_write_string(writer, output);
        cr_json_write_key(writer, "found_by");
        cr_json_write_string(writer, cr_command_origin(origin));
        cr_json_end(writer, '}');
    }
    cr_json_end(writer, ']');
}

static void
write_number(CrJsonWriter *writer, const char *key, guint64 number)
{
    cr_json_write_key(writer, key);
    cr_json_write_uint(writer, number);
}

/* The names of the nodes of each chain. */
static void
write_chains(CrJsonWriter *writer, const ConvRnnSession *session)
{
    guint last = 0;
    cr_json_write_key(writer, "chains");
    cr_json_begin(writer, '[');
    for (guint i = 0; i < convrnn_session_get_n_nodes(session); i++) {
        ConvRnnNodeStats node;
        convrnn_session_get_node(session, i, &node);
        if (node.chain > last && last)
            cr_json_end(writer, ']');
        if (node.chain > last)
            cr_json_begin(writer, '[');
        if (node.chain)
            cr_json_write_string(writer, node.name);
        last = MAX(last, node.chain);
    }
    if (last)
        cr_json_end(writer, ']');
    cr_json_end(writer, ']');
}

static void
write_costs(CrJsonWriter *writer, const ConvRnnSession *session)
{
    ConvRnnSessionStats stats;
    GArray *ops = count_ops(session);
    cr_json_write_key(writer, "operators");
    cr_json_begin(writer, '[');
    for (guint i = 0; i < ops->len; i++) {
        const OpCount *op = &g_array_index(ops, OpCount, i);
        cr_json_begin(writer, '{');
        cr_json_write_key(writer, "op");
        cr_json_write_string(writer, op->op);
        cr_json_write_key(writer, "kernel");
        cr_json_write_string(writer, op->kernel);
        if (op->reason) {
            cr_json_write_key(writer, "reason");
            cr_json_write_string(writer, op->reason);
        }
        write_number(writer, "count", op->count);
        write_number(writer, "macs", op->macs);
        cr_json_end(writer, '}');
    }
    cr_json_end(writer, ']');
    g_array_unref(ops);
    write_chains(writer, session);
    convrnn_session_get_stats(session, &stats);
    write_number(writer, "restarted_nodes", stats.restarted_nodes);
    write_number(writer, "parameters", stats.parameters);
    write_number(writer, "macs", stats.macs);
    write_number(writer, "arena_bytes", stats.arena_bytes);
    write_number(writer, "weight_bytes", stats.weight_bytes);
    write_number(writer, "state_bytes", stats.state_bytes);
    cr_json_write_key(writer, "kernels");
    cr_json_write_string(writer, convrnn_cpu_get_level());
}

static void
print_json(const Report *report)
{
    CrJsonWriter writer;
    cr_json_writer_init(&writer);
    cr_json_begin(&writer, '{');
    cr_json_write_key(&writer, "model");
    cr_json_write_string(&writer, convrnn_model_get_name(report->model));
    cr_json_write_key(&writer, "inputs");
    cr_json_begin(&writer, '[');
    for (guint i = 0; i < convrnn_model_get_n_inputs(report->model); i++) {
        cr_json_begin(&writer, '{');
        write_tensor(&writer, bound_input(report, convrnn_model_get_input(report->model, i)));
        cr_json_end(&writer, '}');
    }
    cr_json_end(&writer, ']');
    cr_json_write_key(&writer, "outputs");
    cr_json_begin(&writer, '[');
    for (guint i = 0; i < convrnn_model_get_n_outputs(report->model); i++) {
        cr_json_begin(&writer, '{');
        write_tensor(&writer, bound_output(report, convrnn_model_get_output(report->model, i)));
        cr_json_end(&writer, '}');
    }
    cr_json_end(&writer, ']');
    cr_json_write_key(&writer, "bound");
    cr_json_write_bool(&writer, report->session != NULL);
    if (report->session) {
        write_states(&writer, report->session);
        cr_recurrences_write(&writer, report->session);
        write_costs(&writer, report->session);
    } else {
        cr_json_write_key(&writer, "reason");
        cr_json_write_string(&writer, report->reason->message);
    }
    cr_json_end(&writer, '}');
    char *text = cr_json_writer_finish(&writer);
    fputs(text, stdout);
    g_free(text);
}

/* Whether the caller could still say something about the shape of an input. */
static bool
has_open_input(const ConvRnnModel *model)
{
    for (guint i = 0; i < convrnn_model_get_n_inputs(model); i++) {
        const ConvRnnTensorInfo *input = convrnn_model_get_input(model, i);
        for (guint d = 0; d < input->n_dims; d++)
            if (input->dims[d] < 0)
                return true;
    }
    return false;
}

/* A session that is only looked at: every output is kept, so that all shapes are known. */
static ConvRnnSession *
make_session(ConvRnnModel *model, const CrBindingOptions *options, bool *usable, GError **error)
{
    ConvRnnSessionConfig *config = convrnn_session_config_new();
    convrnn_session_config_set_threads(config, 1);
    cr_binding_all_outputs(config, model);
    *usable = cr_binding_apply(options, config, model, error);
    ConvRnnSession *session = *usable ? convrnn_session_new(model, config, error) : NULL;
    convrnn_session_config_free(config);
    return session;
}

/* False with the error that ends the program. */
static bool
inspect(const char *path, const CrBindingOptions *options, bool json, GError **error)
{
    Report report = {.model = convrnn_model_load(path, error)};
    if (!report.model)
        return false;
    GError *reason = NULL;
    bool usable;
    report.session = make_session(report.model, options, &usable, &reason);
    report.reason = reason;
    if (usable && json)
        print_json(&report);
    else if (usable)
        print_text(&report);
    /* A dimension that is open is a question, not a mistake: it was answered with what is known. */
    bool good =
        report.session || (usable && has_open_input(report.model) &&
                           (g_error_matches(reason, CONVRNN_ERROR, CONVRNN_ERROR_SHAPE) ||
                            g_error_matches(reason, CONVRNN_ERROR, CONVRNN_ERROR_UNSUPPORTED)));
    convrnn_session_free(report.session);
    convrnn_model_unref(report.model);
    if (!good)
        g_propagate_error(error, reason);
    else
        g_clear_error(&reason);
    return good;
}

int
cr_command_inspect(int argc, char **argv)
{
    CrBindingOptions binding = {0};
    gboolean json = FALSE;
    GError *error = NULL;
    const GOptionEntry entries[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON", NULL},
        {NULL},
    };
    GOptionContext *context = g_option_context_new("MODEL");
    g_option_context_add_main_entries(context, entries, NULL);
    cr_binding_add_options(context, &binding);
    bool good = g_option_context_parse(context, &argc, &argv, &error) &&
                cr_command_expect_arguments(argc, argv, 1, &error) &&
                inspect(argv[1], &binding, json, &error);
    g_option_context_free(context);
    cr_binding_options_clear(&binding);
    return good ? CR_EXIT_OK : cr_command_fail(error);
}
