/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The names that people give to a state and to the next one. From an input's name each rule makes
 * the names its output may have; an output counts when it exists and fits. More than one is an
 * error: a wrong guess would run and quietly compute nonsense. */
#include "model/state_names.h"
#include "model/model_info.h"
#include "model/name_hash.h"
#include <string.h>

/* prefix + stem + suffix of the input → prefix + stem + suffix of the output. */
typedef struct {
    const char *in_prefix, *in_suffix;
    const char *out_prefix, *out_suffix;
} Rule;

static const Rule rules[] = {
    {"prev_", "", "new_", ""},
    {"prev_", "", "next_", ""},
    {"prev_", "", "", ""},
    {"previous_", "", "new_", ""},
    {"previous_", "", "next_", ""},
    {"old_", "", "new_", ""},
    {"past_", "", "present_", ""},
    {"in_", "", "out_", ""},
    {"", "_in", "", "_out"},
    {"", ".in", "", ".out"},
    {"", "_prev", "", "_new"},
    {"", "_prev", "", "_next"},
    {"", "_prev", "", ""},
    {"", "_old", "", "_new"},
    {"", "_0", "", "_n"},
    {"", "0", "", "n"},
    {"", "i", "", "o"},
    {"", "", "", "_out"},
    {"", "", "new_", ""},
    {"", "", "next_", ""},
    {"", "", "", "_new"},
    {"", "", "", "_next"},
};

typedef struct {
    int input, output;
} Match;

bool
cr_state_fits(const ConvRnnTensorInfo *input, const ConvRnnTensorInfo *output)
{
    return (input->dtype == output->dtype || output->dtype == CONVRNN_DTYPE_UNDEFINED) &&
           (input->n_dims == output->n_dims || input->n_dims == 0 || output->n_dims == 0);
}

/* Fits, and no declared dimension differs. */
static bool
looks_alike(const ConvRnnTensorInfo *input, const ConvRnnTensorInfo *output)
{
    if (!cr_state_fits(input, output))
        return false;
    for (guint i = 0; i < MIN(input->n_dims, output->n_dims); i++) {
        if (input->dims[i] > 0 && output->dims[i] > 0 && input->dims[i] != output->dims[i])
            return false;
    }
    return true;
}

/* "r1i" and "hi" are states, "multi" is not; "h0" is, "x10" is not. */
static bool
stem_allowed(const Rule *rule, const char *stem, size_t length)
{
    if (strcmp(rule->in_suffix, "i") == 0)
        return length == 1 || g_ascii_isdigit(stem[length - 1]);
    if (strcmp(rule->in_suffix, "0") == 0)
        return g_ascii_isalpha(stem[length - 1]);
    return true;
}

/* The output's name by this rule, or NULL. */
static char *
apply(const Rule *rule, const char *name)
{
    size_t length = strlen(name), prefix = strlen(rule->in_prefix),
           suffix = strlen(rule->in_suffix);

    if (length <= prefix + suffix || !g_str_has_prefix(name, rule->in_prefix) ||
        !g_str_has_suffix(name, rule->in_suffix))
        return NULL;
    const char *stem = name + prefix;
    length -= prefix + suffix;
    if (!stem_allowed(rule, stem, length))
        return NULL;
    return g_strdup_printf("%s%.*s%s", rule->out_prefix, (int)length, stem, rule->out_suffix);
}

/* Output name → index + 1. */
static GHashTable *
index_outputs(const ConvRnnModel *model)
{
    GHashTable *outputs = g_hash_table_new(cr_name_hash, g_str_equal);

    for (guint i = 0; i < model->graph->outputs->len; i++)
        g_hash_table_insert(outputs,
                            (gpointer)g_array_index(model->graph->outputs, CrPort, i).info.name,
                            GUINT_TO_POINTER(i + 1));
    return outputs;
}

/* Matches of one input stand together at the end. */
static bool
seen(const GArray *matches, int input, int output)
{
    for (guint i = matches->len; i-- > 0;) {
        const Match *m = &g_array_index(matches, Match, i);
        if (m->input != input)
            return false;
        if (m->output == output)
            return true;
    }
    return false;
}

static void
match_input(const ConvRnnModel *model, GHashTable *outputs, int input, GArray *matches)
{
    const ConvRnnTensorInfo *in = &g_array_index(model->graph->inputs, CrPort, input).info;

    for (size_t r = 0; r < G_N_ELEMENTS(rules); r++) {
        char *name = apply(&rules[r], in->name);
        int output = name ? GPOINTER_TO_INT(g_hash_table_lookup(outputs, name)) - 1 : -1;
        if (output >= 0 && !seen(matches, input, output) &&
            looks_alike(in, &g_array_index(model->graph->outputs, CrPort, output).info)) {
            Match match = {input, output};
            g_array_append_val(matches, match);
        }
        g_free(name);
    }
}

/* Candidates are the inputs that nothing else claims. */
static bool
is_candidate(const ConvRnnModel *model, GHashTable *constants, const char *name)
{
    const char *role = cr_model_info_get(model, name, "role");

    return !(constants && g_hash_table_contains(constants, name)) &&
           !cr_model_info_get(model, name, "constant") && (!role || strcmp(role, "state") == 0);
}

static guint
count_inputs(const GArray *matches)
{
    guint n = 0;
    for (guint i = 0; i < matches->len; i++)
        n += i == 0 ||
             g_array_index(matches, Match, i).input != g_array_index(matches, Match, i - 1).input;
    return n;
}

static bool
ambiguous(const ConvRnnModel *model, const GArray *matches, const char *why, GError **error)
{
    GString *list = g_string_new(NULL);

    for (guint i = 0; i < matches->len; i++) {
        const Match *m = &g_array_index(matches, Match, i);
        g_string_append_printf(list, "%s%s → %s", i ? ", " : "",
                               g_array_index(model->graph->inputs, CrPort, m->input).info.name,
                               g_array_index(model->graph->outputs, CrPort, m->output).info.name);
    }
    g_set_error(
        error, CONVRNN_ERROR, CONVRNN_ERROR_STATE,
        "%s: which inputs are state is not clear from their names: %s. Candidates: %s. Name "
        "the pairs in the state map or with state-of= in the .modelinfo file",
        model->name, why, list->str);
    g_string_free(list, TRUE);
    return false;
}

/* A network needs something to read, so a single input is a picture, whatever its name. When each
 * of several looks like a state, one of them is not: which one, only a person knows. */
static bool
leave_a_picture(const ConvRnnModel *model, GArray *matches, guint n_candidates, GError **error)
{
    if (matches->len == 0 || count_inputs(matches) < n_candidates)
        return true;
    if (n_candidates > 1)
        return ambiguous(model, matches, "every input could be one", error);
    g_array_set_size(matches, 0);
    return true;
}

static bool
check_unique(const ConvRnnModel *model, const GArray *matches, GError **error)
{
    for (guint i = 0; i < matches->len; i++) {
        for (guint k = 0; k < i; k++) {
            const Match *a = &g_array_index(matches, Match, k);
            const Match *b = &g_array_index(matches, Match, i);
            if (a->input == b->input)
                return ambiguous(model, matches, "several outputs fit one input", error);
            if (a->output == b->output)
                return ambiguous(model, matches, "one output fits several inputs", error);
        }
    }
    return true;
}

bool
cr_state_names_find(const ConvRnnModel *model, GHashTable *constants, GArray *pairs, GError **error)
{
    const GArray *inputs = model->graph->inputs;
    GArray *matches = g_array_new(FALSE, FALSE, sizeof(Match));
    GHashTable *outputs = index_outputs(model);
    guint n_candidates = 0, n_others = 0;

    for (guint i = 0; i < inputs->len; i++) {
        const char *name = g_array_index(inputs, CrPort, i).info.name;
        const char *role = cr_model_info_get(model, name, "role");
        if (!is_candidate(model, constants, name)) {
            n_others += role != NULL; /* a picture, not a constant */
            continue;
        }
        n_candidates++;
        match_input(model, outputs, (int)i, matches);
    }

    bool ok = n_others > 0 || leave_a_picture(model, matches, n_candidates, error);
    ok = ok && check_unique(model, matches, error);
    for (guint i = 0; ok && i < matches->len; i++) {
        const Match *m = &g_array_index(matches, Match, i);
        CrStatePair pair = {
            .input = g_strdup(g_array_index(inputs, CrPort, m->input).info.name),
            .output = g_strdup(g_array_index(model->graph->outputs, CrPort, m->output).info.name),
            .origin = CONVRNN_STATE_FROM_NAME,
        };
        g_array_append_val(pairs, pair);
    }
    g_hash_table_unref(outputs);
    g_array_unref(matches);
    return ok;
}
