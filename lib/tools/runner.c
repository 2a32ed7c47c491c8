/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/runner.h"
#include "npy/npy.h"

#include <stdio.h>
#include <string.h>

/* A run under way. */
typedef struct {
    const CrRunner *runner;
    ConvRnnSession *session;
    GPtrArray *tensors; /* the step's inputs, in the order of the step's bindings */
} State;

static bool
load_inputs(State *state, const GPtrArray *bindings, GError **error)
{
    g_ptr_array_set_size(state->tensors, 0);
    for (guint i = 0; i < bindings->len; i++) {
        const CrSpecBinding *binding = bindings->pdata[i];
        const ConvRnnTensorInfo *input =
            cr_binding_find_input(state->runner->model, binding->name, error);
        ConvRnnTensor *tensor = input ? cr_binding_file(input, binding->path, error) : NULL;
        if (!tensor)
            return false;
        g_ptr_array_add(state->tensors, tensor);
    }
    return true;
}

/* The session's input of that name, or -1. */
static int
find_session_input(const ConvRnnSession *session, const char *name)
{
    for (guint i = 0; i < convrnn_session_get_n_inputs(session); i++)
        if (strcmp(convrnn_session_get_input(session, i)->name, name) == 0)
            return (int)i;
    return -1;
}

static bool
fits_session(const State *state, const GPtrArray *bindings)
{
    if (!state->session)
        return false;
    for (guint i = 0; i < bindings->len; i++) {
        const CrSpecBinding *binding = bindings->pdata[i];
        int index = find_session_input(state->session, binding->name);
        if (index < 0)
            continue;
        const ConvRnnTensorInfo *info = convrnn_session_get_input(state->session, (guint)index);
        guint n;
        const gint64 *dims = convrnn_tensor_get_dims(state->tensors->pdata[i], &n);
        if (n != info->n_dims || (n > 0 && memcmp(dims, info->dims, n * sizeof *dims) != 0))
            return false;
    }
    return true;
}

/* Moves the state of the session that ends into the one that follows it. */
static bool
carry_state(const ConvRnnSession *from, ConvRnnSession *to, GError **error)
{
    if (convrnn_session_adopt_state(to, from, error))
        return true;
    g_prefix_error(error, "the inputs' shapes change and the state cannot be carried on: ");
    return false;
}

static bool
bind_session(State *state, const GPtrArray *bindings, GError **error)
{
    const CrRunner *runner = state->runner;
    for (guint i = 0; i < bindings->len; i++) {
        const CrSpecBinding *binding = bindings->pdata[i];
        guint n;
        const gint64 *dims = convrnn_tensor_get_dims(state->tensors->pdata[i], &n);
        convrnn_session_config_set_input_shape(runner->config, binding->name, dims, n);
    }
    ConvRnnSession *session = convrnn_session_new(runner->model, runner->config, error);
    if (!session)
        return false;
    if (state->session && !carry_state(state->session, session, error)) {
        convrnn_session_free(session);
        return false;
    }
    convrnn_session_free(state->session);
    state->session = session;
    return true;
}

/* Every input of the session gets its file, and every file has an input to go to. */
static bool
fill_inputs(State *state, const GPtrArray *bindings, GError **error)
{
    guint n_inputs = convrnn_session_get_n_inputs(state->session);
    for (guint i = 0; i < n_inputs; i++) {
        const char *name = convrnn_session_get_input(state->session, i)->name;
        bool given = false;
        for (guint k = 0; k < bindings->len && !given; k++)
            given = strcmp(((const CrSpecBinding *)bindings->pdata[k])->name, name) == 0;
        if (!given) {
            g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_SHAPE,
                        "input \"%s\" is not given; it is neither a state nor a constant", name);
            return false;
        }
    }
    for (guint k = 0; k < bindings->len; k++) {
        const CrSpecBinding *binding = bindings->pdata[k];
        int index = find_session_input(state->session, binding->name);
        if (index < 0) {
            g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_STATE,
                        "input \"%s\" is a state or a constant and takes no file per step",
                        binding->name);
            return false;
        }
        const ConvRnnTensor *tensor = state->tensors->pdata[k];
        memcpy(convrnn_session_get_input_data(state->session, (guint)index),
               convrnn_tensor_get_data(tensor),
               convrnn_tensor_get_n_elements(tensor) *
                   convrnn_dtype_get_size(convrnn_tensor_get_dtype(tensor)));
    }
    return true;
}

static bool
take_outputs(const State *state, guint step, GError **error)
{
    const CrRunner *runner = state->runner;
    for (guint i = 0; i < convrnn_session_get_n_outputs(state->session); i++) {
        const ConvRnnTensorInfo *info = convrnn_session_get_output(state->session, i);
        const void *data = convrnn_session_get_output_data(state->session, i);
        if (runner->check && !cr_check_output(runner->check, step, info, data, error))
            return false;
        if (!runner->output)
            continue;
        char *path = cr_check_file_name(runner->output, step, info->name);
        bool good = cr_npy_write(path, info->dtype, info->dims, info->n_dims, data, error);
        g_free(path);
        if (!good)
            return false;
    }
    return true;
}

static bool
run_step(State *state, guint step, GError **error)
{
    const GPtrArray *bindings = state->runner->spec->steps->pdata[step];
    if (!load_inputs(state, bindings, error))
        return false;
    if (!fits_session(state, bindings) && !bind_session(state, bindings, error))
        return false;
    if (!fill_inputs(state, bindings, error))
        return false;
    if (convrnn_session_step(state->session) & CONVRNN_STEP_STATE_RESET)
        fprintf(stderr, "convrnn: step %u: a state held a NaN or an infinity and was reset\n",
                step);
    return take_outputs(state, step, error);
}

bool
cr_runner_run(const CrRunner *runner, GError **error)
{
    State state = {.runner = runner};
    state.tensors = g_ptr_array_new_with_free_func((GDestroyNotify)convrnn_tensor_unref);
    bool good = true;
    for (guint step = 0; good && step < runner->spec->steps->len; step++) {
        good = run_step(&state, step, error);
        if (!good)
            g_prefix_error(error, "step %u: ", step);
    }
    g_ptr_array_unref(state.tensors);
    convrnn_session_free(state.session);
    return good;
}
