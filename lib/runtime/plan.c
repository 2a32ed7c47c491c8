/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/plan.h"
#include "core/size.h"
#include "ops/reorder.h"
#include "optimize/stateful.h"
#include "runtime/arena.h"
#include <string.h>

/* --- where tensors live --- */

/* What is needed when, by root value. */
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

static bool
is_new_state(const CrIr *ir, int value)
{
    for (guint i = 0; i < ir->states->len; i++)
        if (g_array_index(ir->states, CrIrState, i).out == value)
            return true;
    return false;
}

/* A place for each value, states and constants included. */
static CrPlace *
place_values(CrPlan *plan)
{
    const CrIr *ir = plan->ir;
    CrPlace *place = g_new0(CrPlace, ir->values->len + 1);
    CrInterval *life = intervals(ir);
    int *of = g_new(int, ir->values->len + 1), n = 0;

    for (guint v = 0; v < ir->values->len; v++) {
        const CrIrValue *value = cr_ir_value(ir, (int)v);
        if (value->kind == CR_IR_COMPUTED && value->base < 0 && life[v].begin >= 0 &&
            !is_new_state(ir, (int)v)) {
            life[n] = life[v]; /* n <= v: what is overwritten was read */
            life[n].bytes = cr_desc_bytes(&value->desc);
            of[n++] = (int)v;
        }
    }
    plan->arena_bytes = cr_arena_place(life, n);
    for (int i = 0; i < n; i++)
        place[of[i]] = (CrPlace){.space = CR_PLACE_ARENA, .offset = life[i].offset};
    g_free(life);
    g_free(of);

    for (guint i = 0; i < ir->inputs->len; i++) {
        int v = g_array_index(ir->inputs, CrIrPort, i).value;
        place[v] = (CrPlace){.space = CR_PLACE_ARENA, .offset = plan->arena_bytes};
        plan->arena_bytes +=
            cr_round_up(MAX(cr_desc_bytes(&cr_ir_value(ir, v)->desc), 1), CR_ALIGN);
    }
    for (guint i = 0; i < ir->states->len; i++) {
        const CrIrState *state = &g_array_index(ir->states, CrIrState, i);
        CrPlanState at = {.desc = cr_ir_value(ir, state->in)->desc, .offset = plan->state_bytes};
        at.bytes = cr_desc_bytes(&at.desc);
        plan->state_bytes += cr_round_up(MAX(at.bytes, 1), CR_ALIGN);
        place[state->in] = (CrPlace){.space = CR_PLACE_STATE_OLD, .offset = at.offset};
        place[state->out] = (CrPlace){.space = CR_PLACE_STATE_NEW, .offset = at.offset};
        g_array_append_val(plan->states, at);
    }
    for (guint v = 0; v < ir->values->len; v++) {
        const CrIrValue *value = cr_ir_value(ir, (int)v);
        if (value->kind == CR_IR_CONSTANT)
            place[v] = (CrPlace){.space = CR_PLACE_DATA,
                                 .data = value->blocked ? value->blocked : value->constant->data};
    }
    for (guint v = 0; v < ir->values->len; v++) { /* last, when every root has its place */
        const CrDesc *desc = &cr_ir_value(ir, (int)v)->desc;
        size_t offset = 0;
        int root = (int)v, block = 0;
        while (cr_ir_value(ir, root)->base >= 0) {
            block += cr_ir_value(ir, root)->base_block;
            root = cr_ir_value(ir, root)->base;
        }
        if (root == (int)v)
            continue;
        if (desc->block)
            offset = cr_desc_blocked(desc).block_stride * (size_t)block * sizeof(float);
        place[v] = place[root];
        place[v].offset += offset;
        if (place[v].space == CR_PLACE_DATA)
            place[v].data = (const char *)place[v].data + offset;
    }
    return place;
}

/* --- steps --- */

static bool
prepare_node(CrPlan *plan, const CrIrNode *node, const CrPlace *place, GError **error)
{
    CrPlanStep step = {.name = node->node->name,
                       .label = node->label,
                       .first_place = plan->places->len,
                       .step = {.n_in = node->n_in, .n_out = node->n_out, .kernel = "plain"}};
    CrOpSetup setup;

    if (node->op->flags & CR_OP_ALIAS) /* its output is its input's storage */
        return true;
    cr_ir_setup(plan->ir, node, &setup);
    bool ok = node->op->prepare(&setup, &step.step, error);
    cr_ir_setup_clear(&setup);
    if (!ok)
        return false;
    for (int k = 0; k < node->n_in + node->n_out; k++) {
        int value = k < node->n_in ? node->in[k] : node->out[k - node->n_in];
        CrPlace none = {0};
        g_array_append_val(plan->places, *(value == CR_NO_VALUE ? &none : &place[value]));
    }
    plan->scratch_bytes = MAX(plan->scratch_bytes, cr_round_up(step.step.scratch, CR_ALIGN));
    plan->macs += step.step.macs;
    g_array_append_val(plan->steps, step);
    return true;
}

/* The initial value of each state in the layout it lives in. */
static bool
lay_out_initial(CrPlan *plan, GError **error)
{
    for (guint i = 0; i < plan->states->len; i++) {
        CrPlanState *state = &g_array_index(plan->states, CrPlanState, i);
        const CrIrState *from = &g_array_index(plan->ir->states, CrIrState, i);
        CrDesc plain = state->desc;
        const void *in = from->initial->data;
        void *data;

        if (!state->desc.block) {
            state->initial = in;
            continue;
        }
        plain.block = plain.pad_left = plain.pad_right = plain.n_parts = 0;
        CrNode node = {.name = (char *)from->info.name, .op = (char *)"Reorder"};
        CrOpSetup setup = {.node = &node,
                           .n_in = 1,
                           .n_out = 1,
                           .in = &plain,
                           .out = &state->desc,
                           .kernels = plan->ir->kernels,
                           .region = plan->ir->region};
        if (!cr_op_evaluate(&cr_op_reorder, &setup, &in, &data, error))
            return false;
        cr_region_own(plan->ir->region, data, cr_mem_free);
        state->initial = data;
    }
    return true;
}

static bool
check_size(const CrPlan *plan, GError **error)
{
    size_t total = 0;
    for (guint v = 0; v < plan->ir->values->len; v++) {
        const CrIrValue *value = cr_ir_value(plan->ir, (int)v);
        if (value->kind != CR_IR_CONSTANT && value->desc.dtype != CONVRNN_DTYPE_UNDEFINED &&
            !cr_size_add(total, cr_desc_bytes(&value->desc), &total)) {
            g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_LIMIT,
                        "%s: tensor '%s' does not fit into memory", plan->model->name, value->name);
            return false;
        }
    }
    return true;
}

static void
plan_free(CrPlan *plan)
{
    cr_ir_free(plan->ir);
    g_array_free(plan->steps, TRUE);
    g_array_free(plan->places, TRUE);
    g_array_free(plan->states, TRUE);
    g_free(plan->inputs);
    g_free(plan->outputs);
    g_free(plan->key);
    convrnn_model_unref(plan->model);
    g_free(plan);
}

/* The model bound, with the states that it does not have as inputs and outputs. */
static CrIr *
bind(const ConvRnnModel *model, const CrBinding *binding, const CrKernels *kernels, GError **error)
{
    CrBinding whole = *binding;

    whole.carry = binding->carry || model->carries_rnn_state;
    whole.shapes = cr_frame_window_shapes(model, binding->shapes, error);
    if (!whole.shapes)
        return NULL;
    CrIr *ir = cr_ir_bind(model, &whole, kernels, error);
    g_hash_table_unref(whole.shapes);
    if (ir && (!cr_ir_add_windows(ir, error) || !cr_ir_carry(ir, whole.carry, error)))
        g_clear_pointer(&ir, cr_ir_free);
    return ir;
}

static CrPlan *
plan_new(ConvRnnModel *model, const CrBinding *binding, const CrKernels *kernels, char *key,
         GError **error)
{
    CrPlan *plan = g_new0(CrPlan, 1);
    CrIr *ir = bind(model, binding, kernels, error);

    bool ok = ir != NULL;
    if (ok)
        cr_ir_remember(ir);
    if (ok && !binding->plain) {
        cr_ir_simplify(ir);
        ok = (binding->unfused ? cr_ir_separate : cr_ir_fuse)(ir, error) &&
             cr_ir_assign_layouts(ir, error);
    }
    if (!ok) {
        cr_ir_free(ir);
        g_free(plan);
        g_free(key);
        return NULL;
    }
    cr_ir_settle(ir);
    plan->ref_count = 1;
    plan->key = key;
    plan->model = convrnn_model_ref(model);
    plan->ir = ir;
    plan->steps = g_array_new(FALSE, TRUE, sizeof(CrPlanStep));
    plan->places = g_array_new(FALSE, TRUE, sizeof(CrPlace));
    plan->states = g_array_new(FALSE, TRUE, sizeof(CrPlanState));

    ok = check_size(plan, error);
    CrPlace *place = ok ? place_values(plan) : NULL;
    for (guint i = 0; ok && i < ir->nodes->len; i++)
        if (!cr_ir_node(ir, (int)i)->dead)
            ok = prepare_node(plan, cr_ir_node(ir, (int)i), place, error);
    ok = ok && lay_out_initial(plan, error);
    if (ok) {
        plan->inputs = g_new0(CrPlace, ir->inputs->len + 1);
        plan->outputs = g_new0(CrPlace, ir->outputs->len + 1);
        for (guint i = 0; i < ir->inputs->len; i++)
            plan->inputs[i] = place[g_array_index(ir->inputs, CrIrPort, i).value];
        for (guint i = 0; i < ir->outputs->len; i++)
            plan->outputs[i] = place[g_array_index(ir->outputs, CrIrPort, i).value];
    }
    g_free(place);
    if (!ok)
        g_clear_pointer(&plan, plan_free);
    return plan;
}

/* --- sharing --- */

static void
append_tensor(GString *key, const ConvRnnTensor *tensor)
{
    g_autofree char *sum = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, tensor->bytes);
    g_string_append_printf(key, "%d[", tensor->dtype);
    for (int i = 0; i < tensor->n_dims; i++)
        g_string_append_printf(key, "%" G_GINT64_FORMAT ",", tensor->dims[i]);
    g_string_append_printf(key, "]%s", sum);
}

static gint
by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(a, b);
}

static void
append_tables(GString *key, const CrBinding *binding)
{
    GHashTable *tables[] = {binding->shapes, binding->constants, binding->initial};
    for (guint t = 0; t < G_N_ELEMENTS(tables); t++) {
        GList *names = g_list_sort(g_hash_table_get_keys(tables[t]), by_name);
        g_string_append_c(key, '|');
        for (GList *l = names; l; l = l->next) {
            g_string_append_printf(key, "\n%s=", (char *)l->data);
            if (t > 0) {
                append_tensor(key, g_hash_table_lookup(tables[t], l->data));
                continue;
            }
            const CrDesc *desc = g_hash_table_lookup(tables[t], l->data);
            for (int i = 0; i < desc->n_dims; i++)
                g_string_append_printf(key, "%" G_GINT64_FORMAT ",", desc->dims[i]);
        }
        g_list_free(names);
    }
}

/* Everything that makes one plan differ from another of the same model. */
static char *
key_of(const CrBinding *binding, const CrKernels *kernels)
{
    GString *key = g_string_new(kernels->bf16 ? kernels->bf16->name : kernels->name);
    append_tables(key, binding);
    for (guint i = 0; i < binding->states->len; i++) {
        const CrStatePair *pair = &g_array_index(binding->states, CrStatePair, i);
        g_string_append_printf(key, "\n%s>%s", pair->input, pair->output);
    }
    g_string_append(key, binding->unfused ? "|unfused" : "|");
    g_string_append(key, binding->plain ? "|plain" : "|");
    g_string_append(key, binding->carry ? "|carry" : "|");
    g_string_append(key, binding->outputs ? "|outputs" : "|");
    for (char **name = binding->outputs; name && *name; name++)
        g_string_append_printf(key, "\n%s", *name);
    return g_string_free(key, FALSE);
}

/* OpenBLAS takes its buffers with its first product: now rather than in a step. */
static void
wake_openblas(void)
{
    static gsize awake;
    if (g_once_init_enter(&awake)) {
        const float a = 1, b = 1;
        float c = 0;
        cr_gemm(0, 0, 1, 1, 1, 1, &a, 1, &b, 1, 0, &c, 1);
        g_once_init_leave(&awake, 1);
    }
}

static const CrKernels *
choose_kernels(ConvRnnPrecision wanted)
{
    CrPrecision precision = wanted == CONVRNN_PRECISION_FP32   ? CR_FLOAT32
                            : wanted == CONVRNN_PRECISION_BF16 ? CR_BF16
                                                               : CR_BF16X3;
    const CrKernels *kernels = cr_kernels_get(cr_cpu_level(), precision);

    if (precision != CR_FLOAT32 && !kernels->bf16 && wanted != CONVRNN_PRECISION_AUTO)
        g_log_structured("convrnn", G_LOG_LEVEL_WARNING, "MESSAGE",
                         "precision %s needs the instruction set \"amx\", and the one in use is "
                         "\"%s\": computing in float32",
                         wanted == CONVRNN_PRECISION_BF16 ? "bf16" : "bf16x3",
                         cr_cpu_level_name(cr_cpu_level()));
    return kernels;
}

CrPlan *
cr_plan_get(ConvRnnModel *model, const CrBinding *binding, GError **error)
{
    const CrKernels *kernels = choose_kernels(binding->precision);
    char *key = key_of(binding, kernels);

    wake_openblas();
    /* Held while planning too: streams that start together plan once. */
    g_mutex_lock(&model->plans_lock);
    CrPlan *plan = g_hash_table_lookup(model->plans, key);
    if (plan) {
        plan->ref_count++;
        g_free(key);
    } else {
        plan = plan_new(model, binding, kernels, key, error);
        if (plan)
            g_hash_table_insert(model->plans, g_strdup(plan->key), plan);
    }
    g_mutex_unlock(&model->plans_lock);
    return plan;
}

void
cr_plan_unref(CrPlan *plan)
{
    if (!plan)
        return;
    ConvRnnModel *model = plan->model;
    g_mutex_lock(&model->plans_lock);
    bool last = --plan->ref_count == 0;
    if (last)
        g_hash_table_remove(model->plans, plan->key);
    g_mutex_unlock(&model->plans_lock);
    if (last)
        plan_free(plan);
}
