/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/session.h"
#include "core/float_env.h"
#include "core/size.h"
#include "runtime/clock.h"
#include "runtime/config.h"
#include "runtime/state_check.h"
#include <string.h>

#define MAX_BYTES                                                                                  \
    ((size_t)8 << 30) /* of one session: a model that wants more is broken or hostile */

/* --- making and ending --- */

static void *
address(const ConvRnnSession *s, const CrPlace *place, int parity)
{
    switch (place->space) {
    case CR_PLACE_DATA:
        return (void *)place->data;
    case CR_PLACE_ARENA:
        return s->arena + place->offset;
    case CR_PLACE_STATE_OLD:
        return s->state[parity] + place->offset;
    case CR_PLACE_STATE_NEW:
        return s->state[1 - parity] + place->offset;
    case CR_PLACE_NONE:
        break;
    }
    return NULL;
}

static void
fill_initial(ConvRnnSession *s)
{
    for (guint i = 0; i < s->plan->states->len; i++) {
        const CrPlanState *state = &g_array_index(s->plan->states, CrPlanState, i);
        memcpy(s->state[s->parity] + state->offset, state->initial, state->bytes);
    }
}

static bool
allocate(ConvRnnSession *s, GError **error)
{
    const CrPlan *plan = s->plan;
    size_t arena = s->schedule->arena_bytes, scratch = s->schedule->scratch_bytes * s->threads;

    if (arena > MAX_BYTES || plan->state_bytes > MAX_BYTES || scratch > MAX_BYTES ||
        arena + 2 * plan->state_bytes + scratch > MAX_BYTES) {
        g_set_error(
            error, CONVRNN_ERROR, CONVRNN_ERROR_LIMIT,
            "%s: a session would take %" G_GSIZE_FORMAT
            " MiB of working memory and %" G_GSIZE_FORMAT
            " MiB of state; the limit is %" G_GSIZE_FORMAT " MiB in all. Give smaller inputs",
            plan->model->name, (arena + scratch) >> 20, plan->state_bytes >> 19, MAX_BYTES >> 20);
        return false;
    }
    s->arena = cr_mem_alloc(1, arena, "a session's arena", error);
    s->scratch = s->arena ? cr_mem_alloc(s->threads, s->schedule->scratch_bytes,
                                         "a session's scratch memory", error)
                          : NULL;
    if (!s->scratch)
        return false;
    for (int i = 0; i < 2; i++) {
        s->state[i] = cr_mem_alloc(1, plan->state_bytes, "a session's state", error);
        if (!s->state[i])
            return false;
    }
    return true;
}

ConvRnnSession *
convrnn_session_new(ConvRnnModel *model, const ConvRnnSessionConfig *config, GError **error)
{
    g_autoptr(ConvRnnSessionConfig) defaults = config ? NULL : convrnn_session_config_new();
    const CrBinding *binding = config ? &config->binding : &defaults->binding;
    CrPlan *plan = cr_plan_get(model, binding, error);

    if (!plan)
        return NULL;
    ConvRnnSession *s = g_new0(ConvRnnSession, 1);
    s->plan = plan;
    s->threads = binding->threads ? binding->threads : cr_workers_count_processors();
    s->schedule = cr_schedule_get(plan, s->threads);
    s->stateless = binding->stateless;
    s->workers = cr_workers_ref(s->threads);
    s->nanoseconds = g_new0(uint64_t, plan->steps->len + 1);
    s->suspect = g_new0(_Atomic bool, plan->states->len + 1);
    s->spent = g_new0(uint64_t, s->threads * plan->steps->len + 1);
    if (!allocate(s, error)) {
        convrnn_session_free(s);
        return NULL;
    }
    for (int parity = 0; parity < 2; parity++) {
        s->io[parity] = g_new0(void *, plan->n_places + 1);
        for (size_t i = 0; i < plan->n_places; i++)
            s->io[parity][i] = address(s, &s->schedule->places[i], parity);
    }
    fill_initial(s);
    return s;
}

void
convrnn_session_free(ConvRnnSession *s)
{
    if (!s || g_atomic_int_add(&s->more_holders, -1) > 0)
        return;
    cr_workers_unref(s->workers);
    for (int i = 0; i < 2; i++) {
        cr_mem_free(s->state[i]);
        g_free(s->io[i]);
    }
    cr_mem_free(s->arena);
    cr_mem_free(s->scratch);
    g_free(s->nanoseconds);
    g_free(s->suspect);
    g_free(s->spent);
    g_clear_pointer(&s->recurrences, g_array_unref);
    cr_region_free(s->recurrence_names);
    cr_plan_unref(s->plan);
    g_free(s);
}

/* --- a step --- */

typedef struct {
    const ConvRnnSession *session;
    const CrPlanStep *step;
    const CrChain *chain;      /* instead of the step, or NULL */
    const CrStateCheck *check; /* NULL: the state is not looked at */
    int n_chunks;
    void *const *io;
    uint64_t *spent; /* of the first thread, in the chain's first step; NULL: not wanted */
} Job;

static void
run_tile(void *data, int tile, int worker)
{
    const Job *job = data;
    const ConvRnnSession *s = job->session;
    char *scratch = s->scratch + s->schedule->scratch_bytes * (size_t)worker;

    if (job->chain)
        cr_chain_run(job->chain, job->io, tile, job->n_chunks, scratch,
                     job->spent ? job->spent + s->plan->steps->len * (guint)worker : NULL,
                     job->check);
    else
        job->step->step.run(&job->step->step, job->io, tile, scratch);
    if (!job->chain && job->check && job->step->writes_state)
        cr_state_check_tile(job->check, job->step, job->io, tile);
}

/* The time of a chain is its steps', in the proportions of what the threads spent in each. */
static void
share_time(ConvRnnSession *s, guint first, int n, uint64_t nanoseconds)
{
    guint all = s->plan->steps->len;
    double total = 0;

    for (int i = 0; i < n; i++) {
        uint64_t sum = 0;
        for (guint t = 0; t < s->threads; t++)
            sum += s->spent[t * all + first + (guint)i];
        s->nanoseconds[first + (guint)i] = sum;
        total += (double)sum;
    }
    for (int i = 0; i < n; i++)
        s->nanoseconds[first + (guint)i] = (uint64_t)((double)s->nanoseconds[first + (guint)i] *
                                                      (double)nanoseconds / MAX(total, 1));
}

static void
run_steps(ConvRnnSession *s, unsigned participants, const CrStateCheck *check)
{
    const GArray *steps = s->plan->steps;
    uint64_t before = 0;
    int n;

    if (s->profiling)
        memset(s->spent, 0, s->threads * steps->len * sizeof *s->spent);
    for (guint i = 0; i < steps->len; i += (guint)n) {
        const CrPlanStep *step = &g_array_index(steps, CrPlanStep, i);
        Job job = {.session = s,
                   .step = step,
                   .check = check,
                   .chain = s->schedule->chain[i],
                   .io = s->io[s->parity] + step->first_place,
                   .spent = s->profiling ? s->spent + i : NULL};
        n = job.chain ? cr_chain_length(job.chain) : 1;
        job.n_chunks = job.chain ? cr_chain_chunks(job.chain, participants) : step->step.n_tiles;
        if (s->profiling)
            before = cr_clock();
        cr_workers_run(s->workers, participants, run_tile, &job, job.n_chunks);
        if (s->profiling && job.chain)
            share_time(s, i, n, cr_clock() - before);
        else if (s->profiling)
            s->nanoseconds[i] = cr_clock() - before;
    }
}

ConvRnnStepFlags
convrnn_session_step(ConvRnnSession *s)
{
    CrFloatEnv env = cr_float_env_enter();
    unsigned participants = cr_workers_begin(s->workers, s->threads);
    const CrStateCheck check = {s->plan, s->suspect};
    for (guint i = 0; i < s->plan->states->len; i++)
        atomic_store_explicit(&s->suspect[i], false, memory_order_relaxed);
    run_steps(s, participants, s->stateless ? NULL : &check);
    bool poisoned = !s->stateless &&
                    cr_state_is_poisoned(&check, s->workers, participants, s->state[1 - s->parity]);
    cr_workers_end(s->workers, participants);
    cr_float_env_leave(env);

    if (poisoned) {
        convrnn_session_reset(s);
        return CONVRNN_STEP_STATE_RESET;
    }
    if (!s->stateless)
        s->parity = 1 - s->parity;
    s->step++;
    return CONVRNN_STEP_NORMAL;
}

void
convrnn_session_reset(ConvRnnSession *s)
{
    fill_initial(s);
    s->step = 0;
    s->generation++;
}

/* --- questions --- */

guint
convrnn_session_get_n_inputs(const ConvRnnSession *s)
{
    return s->plan->ir->inputs->len;
}

const ConvRnnTensorInfo *
convrnn_session_get_input(const ConvRnnSession *s, guint index)
{
    g_return_val_if_fail(index < s->plan->ir->inputs->len, NULL);
    return &g_array_index(s->plan->ir->inputs, CrIrPort, index).info;
}

gpointer
convrnn_session_get_input_data(ConvRnnSession *s, guint index)
{
    g_return_val_if_fail(index < s->plan->ir->inputs->len, NULL);
    return address(s, &s->schedule->inputs[index].place, 0);
}

const gint64 *
convrnn_session_get_input_strides(const ConvRnnSession *s, guint index)
{
    g_return_val_if_fail(index < s->plan->ir->inputs->len, NULL);
    return s->schedule->inputs[index].strides;
}

guint
convrnn_session_get_n_outputs(const ConvRnnSession *s)
{
    return s->plan->ir->outputs->len;
}

const ConvRnnTensorInfo *
convrnn_session_get_output(const ConvRnnSession *s, guint index)
{
    g_return_val_if_fail(index < s->plan->ir->outputs->len, NULL);
    return &g_array_index(s->plan->ir->outputs, CrIrPort, index).info;
}

gconstpointer
convrnn_session_get_output_data(const ConvRnnSession *s, guint index)
{
    g_return_val_if_fail(index < s->plan->ir->outputs->len, NULL);
    return address(s, &s->schedule->outputs[index].place, 0);
}

const gint64 *
convrnn_session_get_output_strides(const ConvRnnSession *s, guint index)
{
    g_return_val_if_fail(index < s->plan->ir->outputs->len, NULL);
    return s->schedule->outputs[index].strides;
}

guint
convrnn_session_get_n_states(const ConvRnnSession *s)
{
    return s->plan->ir->states->len;
}

const ConvRnnTensorInfo *
convrnn_session_get_state(const ConvRnnSession *s, guint index, const gchar **output,
                          ConvRnnStateOrigin *origin)
{
    g_return_val_if_fail(index < s->plan->ir->states->len, NULL);
    const CrIrState *state = &g_array_index(s->plan->ir->states, CrIrState, index);
    if (output)
        *output = state->output;
    if (origin)
        *origin = state->origin;
    return &state->info;
}

guint64
convrnn_session_get_step(const ConvRnnSession *s)
{
    return s->step;
}

guint64
convrnn_session_get_generation(const ConvRnnSession *s)
{
    return s->generation;
}

static ConvRnnPrecision
precision_of(const CrIr *ir)
{
    const CrKernels *kernels = ir->kernels;
    if (ir->exact)
        return CONVRNN_PRECISION_DOUBLE;
    if (kernels->gemv_int8_panel)
        return CONVRNN_PRECISION_INT8;
    if (!kernels->bf16)
        return CONVRNN_PRECISION_FP32;
    return kernels->bf16->terms == 1 ? CONVRNN_PRECISION_BF16 : CONVRNN_PRECISION_BF16X3;
}

void
convrnn_session_get_stats(const ConvRnnSession *s, ConvRnnSessionStats *stats)
{
    *stats = (ConvRnnSessionStats){.macs = s->plan->macs,
                                   .parameters = s->plan->ir->parameters,
                                   .weight_bytes = cr_region_get_size(s->plan->ir->region),
                                   .arena_bytes = s->schedule->arena_bytes +
                                                  s->schedule->scratch_bytes * s->threads,
                                   .state_bytes = 2 * s->plan->state_bytes,
                                   .threads = s->threads,
                                   .restarted_nodes = s->plan->ir->restarted,
                                   .precision = precision_of(s->plan->ir)};
}

void
convrnn_session_set_profiling(ConvRnnSession *s, gboolean profiling)
{
    s->profiling = profiling;
    memset(s->nanoseconds, 0, s->plan->steps->len * sizeof *s->nanoseconds);
}

guint
convrnn_session_get_n_nodes(const ConvRnnSession *s)
{
    return s->plan->steps->len;
}

void
convrnn_session_get_node(const ConvRnnSession *s, guint index, ConvRnnNodeStats *stats)
{
    g_return_if_fail(index < s->plan->steps->len);
    const CrPlanStep *step = &g_array_index(s->plan->steps, CrPlanStep, index);
    *stats = (ConvRnnNodeStats){.name = step->name,
                                .op = step->label,
                                .kernel = step->step.kernel,
                                .reason = step->step.why,
                                .macs = step->step.macs,
                                .nanoseconds = s->nanoseconds[index],
                                .chain = cr_schedule_chain_of(s->schedule, index)};
}
