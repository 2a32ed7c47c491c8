/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/schedule.h"
#include "core/size.h"
#include "runtime/arena.h"

/* --- when tensors are needed --- */

/* What is needed when, by root value; in nodes. */
static CrInterval *
intervals(const CrIr *ir)
{
    CrInterval *life = g_new0(CrInterval, ir->values->len + 1);

    for (guint v = 0; v < ir->values->len; v++)
        life[v].begin = -1;
    for (guint i = 0; i < ir->nodes->len; i++) {
        const CrIrNode *node = cr_ir_node(ir, (int)i);
        for (int k = 0; !node->dead && k < node->n_in + node->n_out; k++) {
            int value = k < node->n_in ? node->in[k] : node->out[k - node->n_in];
            if (value == CR_NO_VALUE)
                continue;
            CrInterval *root = &life[cr_ir_root(ir, value)];
            if (root->begin < 0)
                root->begin = (int)i;
            root->end = (int)i;
        }
    }
    for (guint i = 0; i < ir->outputs->len; i++)
        life[cr_ir_root(ir, g_array_index(ir->outputs, CrIrPort, i).value)].end = G_MAXINT;
    return life;
}

/* The nodes of a chain take turns: what one of them reads is needed until the last has ended. */
static void
stretch(CrInterval *life, guint n, int first, int last)
{
    for (guint v = 0; v < n; v++)
        if (life[v].end >= first && life[v].end < last)
            life[v].end = last;
}

/* --- chains --- */

/* How many steps from this one on work by rows. */
static int
run_length(const CrPlan *plan, guint first)
{
    guint i = first;

    while (i < plan->steps->len && i - first < CR_CHAIN_MAX &&
           g_array_index(plan->steps, CrPlanStep, i).step.rows.height > 0)
        i++;
    return (int)(i - first);
}

/* Steps become chains, the longest that pays from each step on. */
static void
form_chains(const CrPlan *plan, const CrInterval *life, CrSchedule *schedule)
{
    for (guint i = 0; plan->chains != CR_CHAINS_NEVER && i < plan->steps->len; i++) {
        CrChain *chain = NULL;
        for (int n = run_length(plan, i); n > 1 && !chain; n--)
            chain = cr_chain_new(plan, life, (int)i, n, schedule->threads);
        schedule->chain[i] = chain;
        if (chain)
            i += (guint)cr_chain_length(chain) - 1;
    }
}

static void
find_scratch(const CrPlan *plan, CrSchedule *schedule)
{
    for (guint i = 0; i < plan->steps->len; i++) {
        size_t scratch = schedule->chain[i]
                             ? cr_chain_scratch(schedule->chain[i])
                             : g_array_index(plan->steps, CrPlanStep, i).step.scratch;
        schedule->scratch_bytes = MAX(schedule->scratch_bytes, cr_round_up(scratch, CR_ALIGN));
        if (schedule->chain[i])
            i += (guint)cr_chain_length(schedule->chain[i]) - 1;
    }
}

/* --- where tensors live --- */

/* Whether it lives in the arena for some of the steps. */
static bool
is_temporary(const CrIr *ir, const CrInterval *life, int v)
{
    const CrIrValue *value = cr_ir_value(ir, v);

    return value->kind == CR_IR_COMPUTED && value->base < 0 && life[v].begin >= 0 &&
           !cr_ir_is_new_state(ir, v);
}

/* What passes within a chain needs no memory, and what a chain reads is needed to its end. */
static void
take_out_chains(const CrPlan *plan, const CrSchedule *schedule, CrInterval *life)
{
    for (guint i = 0; i < plan->steps->len; i++) {
        const CrChain *chain = schedule->chain[i];
        if (!chain)
            continue;
        guint last = i + (guint)cr_chain_length(chain) - 1;
        for (guint v = 0; v < plan->ir->values->len; v++)
            if (cr_chain_holds(chain, (int)v))
                life[v].begin = -1;
        stretch(life, plan->ir->values->len, g_array_index(plan->steps, CrPlanStep, i).node,
                g_array_index(plan->steps, CrPlanStep, last).node);
    }
}

static void
place_temporaries(const CrPlan *plan, CrSchedule *schedule, CrInterval *life, CrPlace *place)
{
    const CrIr *ir = plan->ir;
    int *of = g_new(int, ir->values->len + 1), n = 0;

    take_out_chains(plan, schedule, life);
    for (guint v = 0; v < ir->values->len; v++)
        if (is_temporary(ir, life, (int)v)) {
            life[n] = life[v]; /* n <= v: what is overwritten was read */
            life[n].bytes = cr_desc_bytes(&cr_ir_value(ir, (int)v)->desc);
            of[n++] = (int)v;
        }
    schedule->arena_bytes = cr_arena_place(life, n);
    for (int i = 0; i < n; i++)
        place[of[i]] = (CrPlace){.space = CR_PLACE_ARENA, .offset = life[i].offset};
    g_free(of);
}

size_t
cr_view_offset(const CrIr *ir, int value)
{
    const CrDesc *desc = &cr_ir_value(ir, value)->desc;
    int block = 0;

    for (int v = value; cr_ir_value(ir, v)->base >= 0; v = cr_ir_value(ir, v)->base)
        block += cr_ir_value(ir, v)->base_block;
    return desc->block ? cr_desc_blocked(desc).block_stride * (size_t)block * sizeof(float) : 0;
}

/* A place for each value, states and constants included. */
static CrPlace *
place_values(const CrPlan *plan, CrSchedule *schedule, CrInterval *life)
{
    const CrIr *ir = plan->ir;
    CrPlace *place = g_new0(CrPlace, ir->values->len + 1);

    place_temporaries(plan, schedule, life, place);
    for (guint i = 0; i < ir->inputs->len; i++) {
        int v = g_array_index(ir->inputs, CrIrPort, i).value;
        place[v] = (CrPlace){.space = CR_PLACE_ARENA, .offset = schedule->arena_bytes};
        schedule->arena_bytes +=
            cr_round_up(MAX(cr_desc_bytes(&cr_ir_value(ir, v)->desc), 1), CR_ALIGN);
    }
    for (guint i = 0; i < ir->states->len; i++) {
        const CrIrState *state = &g_array_index(ir->states, CrIrState, i);
        size_t offset = g_array_index(plan->states, CrPlanState, i).offset;
        place[state->in] = (CrPlace){.space = CR_PLACE_STATE_OLD, .offset = offset};
        place[state->out] = (CrPlace){.space = CR_PLACE_STATE_NEW, .offset = offset};
    }
    for (guint v = 0; v < ir->values->len; v++) {
        const CrIrValue *value = cr_ir_value(ir, (int)v);
        if (value->kind == CR_IR_CONSTANT)
            place[v] = (CrPlace){.space = CR_PLACE_DATA,
                                 .data = value->blocked ? value->blocked : value->constant->data};
    }
    for (guint v = 0; v < ir->values->len; v++) { /* last, when every root has its place */
        int root = cr_ir_root(ir, (int)v);
        size_t offset = cr_view_offset(ir, (int)v);
        if (root == (int)v)
            continue;
        place[v] = place[root];
        place[v].offset += offset;
        if (place[v].space == CR_PLACE_DATA)
            place[v].data = (const char *)place[v].data + offset;
    }
    return place;
}

static CrPortPlace
place_port(const CrIr *ir, const CrIrPort *port, const CrPlace *place)
{
    CrPortPlace at = {.place = place[port->value]};

    size_t offset = cr_ir_port_strides(ir, port, at.strides) * sizeof(float);

    at.place.offset += offset;
    if (at.place.space == CR_PLACE_DATA)
        at.place.data = (const char *)at.place.data + offset;
    return at;
}

/* --- the schedule --- */

static CrSchedule *
schedule_new(const CrPlan *plan, unsigned threads)
{
    const CrIr *ir = plan->ir;
    CrSchedule *schedule = g_new0(CrSchedule, 1);
    CrInterval *life = intervals(ir);

    schedule->threads = threads;
    schedule->chain = g_new0(CrChain *, plan->steps->len + 1);
    schedule->places = g_new0(CrPlace, plan->n_places + 1);
    schedule->inputs = g_new0(CrPortPlace, ir->inputs->len + 1);
    schedule->outputs = g_new0(CrPortPlace, ir->outputs->len + 1);
    form_chains(plan, life, schedule);
    find_scratch(plan, schedule);
    CrPlace *place = place_values(plan, schedule, life);
    for (guint i = 0; i < plan->steps->len; i++) {
        const CrPlanStep *step = &g_array_index(plan->steps, CrPlanStep, i);
        const CrIrNode *node = cr_ir_node(ir, step->node);
        for (int k = 0; k < node->n_in + node->n_out; k++) {
            int value = k < node->n_in ? node->in[k] : node->out[k - node->n_in];
            if (value != CR_NO_VALUE)
                schedule->places[step->first_place + (size_t)k] = place[value];
        }
    }
    for (guint i = 0; i < ir->inputs->len; i++)
        schedule->inputs[i] = place_port(ir, &g_array_index(ir->inputs, CrIrPort, i), place);
    for (guint i = 0; i < ir->outputs->len; i++)
        schedule->outputs[i] = place_port(ir, &g_array_index(ir->outputs, CrIrPort, i), place);
    g_free(place);
    g_free(life);
    return schedule;
}

const CrSchedule *
cr_schedule_get(CrPlan *plan, unsigned threads)
{
    CrSchedule *found = NULL;

    g_mutex_lock(&plan->model->plans_lock);
    for (guint i = 0; i < plan->schedules->len && !found; i++) {
        CrSchedule *schedule = plan->schedules->pdata[i];
        if (schedule->threads == threads)
            found = schedule;
    }
    if (!found) {
        found = schedule_new(plan, threads);
        g_ptr_array_add(plan->schedules, found);
    }
    g_mutex_unlock(&plan->model->plans_lock);
    return found;
}

void
cr_schedule_free(CrSchedule *schedule, guint n_steps)
{
    for (guint i = 0; i < n_steps; i++)
        cr_chain_free(schedule->chain[i]);
    g_free(schedule->chain);
    g_free(schedule->places);
    g_free(schedule->inputs);
    g_free(schedule->outputs);
    g_free(schedule);
}

guint
cr_schedule_chain_of(const CrSchedule *schedule, guint step)
{
    guint n = 0, end = 0;

    for (guint i = 0; i <= step; i++)
        if (schedule->chain[i]) {
            end = i + (guint)cr_chain_length(schedule->chain[i]);
            n++;
        }
    return step < end ? n : 0;
}
