/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/command.h"
#include "tools/runner.h"

#include <convrnn/cpu.h>
#include <math.h>
#include <string.h>

#define DEFAULT_LIMIT 1e-4

typedef struct {
    char **inputs, **constants, **states, **initials;
    char *output, *cpu, *spec, *precision;
    int threads;
    bool check;
    gboolean carry, no_fuse;
    double limit;
} Options;

static gboolean
parse_check(const gchar *name, const gchar *value, gpointer data, GError **error)
{
    Options *options = data;
    options->check = true;
    if (!value)
        return TRUE;
    char *end;
    double limit = g_ascii_strtod(value, &end);
    if (end == value || *end || !isfinite(limit) || limit < 0) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--check: expected a number such as 1e-4, found \"%s\"", value);
        return FALSE;
    }
    options->limit = limit;
    return TRUE;
}

static GOptionContext *
make_context(Options *options)
{
    const GOptionEntry entries[] = {
        {"input", 'i', 0, G_OPTION_ARG_FILENAME_ARRAY, &options->inputs,
         "One file per step for an input; a single file serves every step", "NAME=A.npy[,B.npy…]"},
        {"constant", 'c', 0, G_OPTION_ARG_FILENAME_ARRAY, &options->constants,
         "Value of an input for the whole run", "NAME=VALUE|FILE.npy"},
        {"state", 's', 0, G_OPTION_ARG_FILENAME_ARRAY, &options->states,
         "Output OUT of a step is input IN of the next; \"none\" carries no state", "IN=OUT|none"},
        {"initial", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->initials,
         "A state before the first step", "IN=VALUE|FILE.npy"},
        {"carry-rnn-state", 0, 0, G_OPTION_ARG_NONE, &options->carry, CR_BINDING_CARRY_HELP, NULL},
        {"no-fuse", 0, 0, G_OPTION_ARG_NONE, &options->no_fuse, CR_BINDING_NO_FUSE_HELP, NULL},
        {"precision", 0, 0, G_OPTION_ARG_FILENAME, &options->precision, CR_BINDING_PRECISION_HELP,
         "PRECISION"},
        {"spec", 0, 0, G_OPTION_ARG_FILENAME, &options->spec, "Run a test vector", "SPEC.json"},
        {"check", 0, G_OPTION_FLAG_OPTIONAL_ARG, G_OPTION_ARG_CALLBACK, parse_check,
         "Compare with the test vector's references (default 1e-4)", "R"},
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &options->output, "Folder for NNN_<output>.npy",
         "DIR"},
        {"threads", 't', 0, G_OPTION_ARG_INT, &options->threads,
         "1 to 64; 0, the default, for all processors", "N"},
        {"cpu", 0, 0, G_OPTION_ARG_FILENAME, &options->cpu,
         "Kernels to use: c, avx2, avx512, amx or neon", "LEVEL"},
        {NULL},
    };
    GOptionContext *context = g_option_context_new("MODEL | --spec SPEC.json");
    GOptionGroup *group = g_option_group_new("run", "", "", options, NULL);
    g_option_group_add_entries(group, entries);
    g_option_context_set_main_group(context, group);
    g_option_context_set_summary(context, "Runs a model step by step, carrying its state.");
    return context;
}

static void
options_clear(Options *options)
{
    g_strfreev(options->inputs);
    g_strfreev(options->constants);
    g_strfreev(options->states);
    g_strfreev(options->initials);
    g_free(options->output);
    g_free(options->cpu);
    g_free(options->spec);
    g_free(options->precision);
}

static bool
usage_error(GError **error, const char *what)
{
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "%s; see convrnn run --help", what);
    return false;
}

static bool
check_options(const Options *options, GError **error)
{
    if (options->spec && options->inputs)
        return usage_error(error, "--input and --spec exclude each other");
    if (options->check && !options->spec)
        return usage_error(error, "--check needs --spec");
    if (!options->spec && !options->inputs)
        return usage_error(error, "no --input is given");
    if (!options->spec && !options->output)
        return usage_error(error, "--output is missing");
    for (char **state = options->states; state && *state; state++)
        if (strcmp(*state, "none") == 0 && g_strv_length(options->states) > 1)
            return usage_error(error, "--state none excludes every other --state");
    return true;
}

/* The steps of --input: as many as the longest list has files. */
static bool
add_input_files(CrSpec *spec, char **inputs, GError **error)
{
    guint n_steps = 1;
    const char *longest = NULL;
    for (char **input = inputs; *input; input++) {
        char *name, *value;
        if (!cr_binding_split(*input, "--input", &name, &value, error))
            return false;
        char **files = g_strsplit(value, ",", -1);
        guint n = g_strv_length(files);
        g_free(name);
        g_free(value);
        g_strfreev(files);
        if (n > 1 && n_steps > 1 && n != n_steps) {
            g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "--input: as many files as for \"%.*s\" are needed for each input, or a "
                        "single one: expected %u, found %u",
                        (int)strcspn(longest, "="), longest, n_steps, n);
            return false;
        }
        if (n > n_steps) {
            n_steps = n;
            longest = *input;
        }
    }
    for (char **input = inputs; *input; input++) {
        char *name, *value;
        if (!cr_binding_split(*input, "--input", &name, &value, error))
            return false;
        char **files = g_strsplit(value, ",", -1);
        guint n = g_strv_length(files);
        for (guint step = 0; step < n_steps; step++)
            cr_spec_add_input(spec, step, name, files[n == 1 ? 0 : step]);
        g_free(name);
        g_free(value);
        g_strfreev(files);
    }
    return true;
}

static CrSpec *
make_spec(const Options *options, const char *model, GError **error)
{
    if (options->spec)
        return cr_spec_load(options->spec, error);
    CrSpec *spec = cr_spec_new();
    spec->model = g_strdup(model);
    if (!add_input_files(spec, options->inputs, error))
        g_clear_pointer(&spec, cr_spec_free);
    return spec;
}

typedef void (*SetTensor)(ConvRnnSessionConfig *config, const gchar *input, ConvRnnTensor *value);

static bool
set_from_spec(ConvRnnSessionConfig *config, const ConvRnnModel *model, const GPtrArray *bindings,
              SetTensor set, GError **error)
{
    for (guint i = 0; i < bindings->len; i++) {
        const CrSpecBinding *binding = bindings->pdata[i];
        const ConvRnnTensorInfo *input = cr_binding_find_input(model, binding->name, error);
        ConvRnnTensor *tensor = input ? cr_spec_tensor(binding, input, error) : NULL;
        if (!tensor)
            return false;
        set(config, binding->name, tensor);
        convrnn_tensor_unref(tensor);
    }
    return true;
}

static bool
set_initial(ConvRnnSessionConfig *config, const ConvRnnModel *model, const char *text,
            GError **error)
{
    char *name, *value;
    if (!cr_binding_split(text, "--initial", &name, &value, error))
        return false;
    const ConvRnnTensorInfo *input = cr_binding_find_input(model, name, error);
    ConvRnnTensor *tensor = input ? cr_binding_value(input, value, error) : NULL;
    if (tensor)
        convrnn_session_config_set_initial(config, name, tensor);
    g_free(name);
    g_free(value);
    convrnn_tensor_unref(tensor);
    return tensor != NULL;
}

static bool
add_state(ConvRnnSessionConfig *config, const ConvRnnModel *model, const char *input,
          const char *output, GError **error)
{
    if (!cr_binding_find_input(model, input, error) ||
        !cr_binding_has_output(model, output, error)) {
        g_prefix_error(error, "state %s=%s: ", input, output);
        return false;
    }
    convrnn_session_config_add_state(config, input, output);
    return true;
}

/* The pairs of --state, else those of the spec. With "none" the spec's pairs still tell which
 * inputs keep their initial value. */
static bool
set_states(ConvRnnSessionConfig *config, const ConvRnnModel *model, const Options *options,
           const CrSpec *spec, GError **error)
{
    bool none = options->states && strcmp(options->states[0], "none") == 0;
    convrnn_session_config_set_stateless(config, none);
    for (char **state = none ? NULL : options->states; state && *state; state++) {
        char *input, *output;
        if (!cr_binding_split(*state, "--state", &input, &output, error))
            return false;
        bool good = add_state(config, model, input, output, error);
        g_free(input);
        g_free(output);
        if (!good)
            return false;
    }
    for (guint i = 0; (!options->states || none) && i < spec->state->len; i += 2)
        if (!add_state(config, model, spec->state->pdata[i], spec->state->pdata[i + 1], error))
            return false;
    return true;
}

static bool
configure(ConvRnnSessionConfig *config, const ConvRnnModel *model, const Options *options,
          const CrSpec *spec, GError **error)
{
    ConvRnnPrecision precision = CONVRNN_PRECISION_FP32;
    if (options->precision && !cr_binding_parse_precision(options->precision, &precision, error))
        return false;
    convrnn_session_config_set_precision(config, precision);
    convrnn_session_config_set_threads(config, (guint)options->threads);
    convrnn_session_config_set_fusion(config, !options->no_fuse);
    convrnn_session_config_set_carry_rnn_state(config, options->carry || spec->carry);
    cr_binding_all_outputs(config, model);
    if (!set_from_spec(config, model, spec->constants, convrnn_session_config_set_constant,
                       error) ||
        !set_from_spec(config, model, spec->initial, convrnn_session_config_set_initial, error))
        return false;
    for (char **constant = options->constants; constant && *constant; constant++)
        if (!cr_binding_constant(config, model, *constant, error))
            return false;
    for (char **initial = options->initials; initial && *initial; initial++)
        if (!set_initial(config, model, *initial, error))
            return false;
    return set_states(config, model, options, spec, error);
}

static bool
make_folder(const char *path, GError **error)
{
    if (g_mkdir_with_parents(path, 0777) == 0)
        return true;
    g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_IO, "%s: the folder cannot be made", path);
    return false;
}

static bool
run(const Options *options, const CrSpec *spec, bool *agrees, GError **error)
{
    if (options->check && !spec->out) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_FORMAT,
                    "%s: --check: the spec has no \"out\"", spec->path);
        return false;
    }
    CrRunner runner = {.spec = spec, .output = options->output};
    runner.model = convrnn_model_load(spec->model, error);
    if (!runner.model)
        return false;
    runner.config = convrnn_session_config_new();
    runner.check = options->check ? cr_check_new(spec, options->limit) : NULL;
    bool good = configure(runner.config, runner.model, options, spec, error) &&
                (!options->output || make_folder(options->output, error)) &&
                cr_runner_run(&runner, error);
    if (good && runner.check)
        good = cr_check_finish(runner.check, agrees, error);
    cr_check_free(runner.check);
    convrnn_session_config_free(runner.config);
    convrnn_model_unref(runner.model);
    return good;
}

int
cr_command_run(int argc, char **argv)
{
    Options options = {.limit = DEFAULT_LIMIT};
    GError *error = NULL;
    CrSpec *spec = NULL;
    bool agrees = true;
    GOptionContext *context = make_context(&options);
    bool good = g_option_context_parse(context, &argc, &argv, &error) &&
                check_options(&options, &error) &&
                cr_command_check_range("--threads", options.threads, 0, CR_MAX_THREADS, &error) &&
                cr_command_expect_arguments(argc, argv, options.spec ? 0 : 1, &error) &&
                (!options.cpu || convrnn_cpu_set_level(options.cpu, &error));
    if (good)
        spec = make_spec(&options, argv[1], &error);
    good = spec && run(&options, spec, &agrees, &error);
    cr_spec_free(spec);
    options_clear(&options);
    g_option_context_free(context);
    if (!good)
        return cr_command_fail(error);
    return agrees ? CR_EXIT_OK : CR_EXIT_MISMATCH;
}
