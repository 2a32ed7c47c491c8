/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/session.h"
#include "core/float_env.h"
#include "core/size.h"
#include "runtime/config.h"
#include <math.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#define MAX_BYTES                                                                                  \
    ((size_t)8 << 30)         /* of one session: a model that wants more is broken or hostile */
#define CHECK_TILE (64 << 10) /* floats of state looked at in one go */

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
    size_t scratch = plan->scratch_bytes * s->threads;

    if (plan->arena_bytes > MAX_BYTES || plan->state_bytes > MAX_BYTES || scratch > MAX_BYTES ||
        plan->arena_bytes + 2 * plan->state_bytes + scratch > MAX_BYTES) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_LIMIT,
                    "%s: a session would take %" G_GSIZE_FORMAT
                    " MiB of working memory and %" G_GSIZE_FORMAT
                    " MiB of state; the limit is %" G_GSIZE_FORMAT
                    " MiB in all. Give smaller inputs",
                    plan->model->name, (plan->arena_bytes + scratch) >> 20, plan->state_bytes >> 19,
                    MAX_BYTES >> 20);
        return false;
    }
    s->arena = cr_mem_alloc(1, plan->arena_bytes, "a session's arena", error);
    s->scratch = s->arena ? cr_mem_alloc(s->threads, plan->scratch_bytes,
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
    s->stateless = binding->stateless;
    s->workers = cr_workers_ref(s->threads);
    s->nanoseconds = g_new0(uint64_t, plan->steps->len + 1);
    if (!allocate(s, error)) {
        convrnn_session_free(s);
        return NULL;
    }
    for (int parity = 0; parity < 2; parity++) {
        s->io[parity] = g_new0(void *, plan->places->len + 1);
        for (guint i = 0; i < plan->places->len; i++)
            s->io[parity][i] = address(s, &g_array_index(plan->places, CrPlace, i), parity);
    }
    fill_initial(s);
    return s;
}

void
convrnn_session_free(ConvRnnSession *s)
{
    if (!s)
        return;
    cr_workers_unref(s->workers);
    for (int i = 0; i < 2; i++) {
        cr_mem_free(s->state[i]);
        g_free(s->io[i]);
    }
    cr_mem_free(s->arena);
    cr_mem_free(s->scratch);
    g_free(s->nanoseconds);
    g_clear_pointer(&s->recurrences, g_array_unref);
    cr_region_free(s->recurrence_names);
    cr_plan_unref(s->plan);
    g_free(s);
}

/* --- a step --- */

typedef struct {
    const CrStep *step;
    void *const *io;
    char *scratch;
    size_t scratch_bytes;
} Job;

static void
run_tile(void *data, int tile, int worker)
{
    const Job *job = data;
    job->step->run(job->step, job->io, tile, job->scratch + job->scratch_bytes * (size_t)worker);
}

typedef struct {
    const CrKernels *kernels;
    const float *data;
    size_t n;
    _Atomic bool found;
} Check;

static void
check_tile(void *data, int tile, int worker)
{
    Check *check = data;
    size_t begin = (size_t)tile * CHECK_TILE;
    (void)worker;
    if (check->kernels->has_non_finite(check->data + begin, MIN(check->n - begin, CHECK_TILE)))
        atomic_store_explicit(&check->found, true, memory_order_relaxed);
}

/* The same on the lanes and columns that belong to the tensor. */
static bool
really_non_finite(const CrDesc *desc, const float *data)
{
    if (!desc->block) {
        for (size_t i = 0; i < cr_desc_elements(desc); i++)
            if (!isfinite(data[i]))
                return true;
        return false;
    }
    CrNchw size = cr_desc_nchw(desc);
    CrBlocked b = cr_desc_blocked(desc);
    for (int n = 0; n < size.n; n++)
        for (int y = 0; y < size.h; y++)
            for (int k = 0; k < b.blocks; k++) {
                int first, lanes = cr_desc_block_channels(desc, k, &first);
                const float *row = data + b.image_stride * (size_t)n + b.row_stride * (size_t)y +
                                   b.block_stride * (size_t)k + b.origin;
                for (int i = 0; i < size.w * desc->block; i++)
                    if (i % desc->block < lanes && !isfinite(row[i]))
                        return true;
            }
    return false;
}

static bool
state_is_poisoned(ConvRnnSession *s, unsigned participants)
{
    const char *half = s->state[1 - s->parity];

    for (guint i = 0; i < s->plan->states->len; i++) {
        const CrPlanState *state = &g_array_index(s->plan->states, CrPlanState, i);
        if (state->desc.dtype != CONVRNN_DTYPE_FLOAT32)
            continue;
        Check check = {.kernels = s->plan->ir->kernels,
                       .data = (const float *)(half + state->offset),
                       .n = state->bytes / sizeof(float)};
        cr_workers_run(s->workers, participants, check_tile, &check,
                       (int)((check.n + CHECK_TILE - 1) / CHECK_TILE));
        /* lanes that pad a block may hold anything: only then look closely */
        if (atomic_load(&check.found) && really_non_finite(&state->desc, check.data))
            return true;
    }
    return false;
}

static uint64_t
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void
run_steps(ConvRnnSession *s, unsigned participants)
{
    const CrPlan *plan = s->plan;
    uint64_t before = 0;

    for (guint i = 0; i < plan->steps->len; i++) {
        const CrPlanStep *step = &g_array_index(plan->steps, CrPlanStep, i);
        Job job = {&step->step, s->io[s->parity] + step->first_place, s->scratch,
                   plan->scratch_bytes};
        if (s->profiling)
            before = now();
        cr_workers_run(s->workers, participants, run_tile, &job, step->step.n_tiles);
        if (s->profiling)
            s->nanoseconds[i] = now() - before;
    }
}

ConvRnnStepFlags
convrnn_session_step(ConvRnnSession *s)
{
    CrFloatEnv env = cr_float_env_enter();
    unsigned participants = cr_workers_begin(s->workers, s->threads);
    run_steps(s, participants);
    bool poisoned = !s->stateless && state_is_poisoned(s, participants);
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
    return address(s, &s->plan->inputs[index], 0);
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
    return address(s, &s->plan->outputs[index], 0);
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
precision_of(const CrKernels *kernels)
{
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
                                   .arena_bytes = s->plan->arena_bytes,
                                   .state_bytes = 2 * s->plan->state_bytes,
                                   .threads = s->threads,
                                   .restarted_nodes = s->plan->ir->restarted,
                                   .precision = precision_of(s->plan->ir->kernels)};
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
                                .nanoseconds = s->nanoseconds[index]};
}
