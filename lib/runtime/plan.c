/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/plan.h"
#include "core/size.h"
#include "ops/reorder.h"
#include "optimize/stateful.h"
#include "runtime/schedule.h"
#include "runtime/state_check.h"
#include <string.h>

bool
cr_ir_is_new_state(const CrIr *ir, int value)
{
    for (guint i = 0; i < ir->states->len; i++)
        if (g_array_index(ir->states, CrIrState, i).out == value)
            return true;
    return false;
}

static void
place_states(CrPlan *plan)
{
    for (guint i = 0; i < plan->ir->states->len; i++) {
        const CrIrState *state = &g_array_index(plan->ir->states, CrIrState, i);
        CrPlanState at = {.desc = cr_ir_value(plan->ir, state->in)->desc,
                          .offset = plan->state_bytes};
        at.bytes = cr_desc_bytes(&at.desc);
        plan->state_bytes += cr_round_up(MAX(at.bytes, 1), CR_ALIGN);
        g_array_append_val(plan->states, at);
    }
}

/* --- steps --- */

static bool
prepare_node(CrPlan *plan, int index, GError **error)
{
    const CrIrNode *node = cr_ir_node(plan->ir, index);
    CrPlanStep step = {.node = index,
                       .name = node->node->name,
                       .label = node->label,
                       .first_place = plan->n_places,
                       .step = {.n_in = node->n_in, .n_out = node->n_out, .kernel = "plain"}};
    CrOpSetup setup;

    if (node->op->flags & CR_OP_ALIAS) /* its output is its input's storage */
        return true;
    cr_ir_setup(plan->ir, node, &setup);
    bool ok = node->op->prepare(&setup, &step.step, error);
    cr_ir_setup_clear(&setup);
    if (!ok)
        return false;
    for (int i = 0; i < node->n_out; i++)
        if (node->out[i] != CR_NO_VALUE)
            step.elements += cr_desc_elements(&cr_ir_value(plan->ir, node->out[i])->desc);
    plan->n_places += (size_t)(node->n_in + node->n_out);
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
    for (guint i = 0; i < plan->schedules->len; i++)
        cr_schedule_free(plan->schedules->pdata[i], plan->steps->len);
    g_ptr_array_free(plan->schedules, TRUE);
    g_array_free(plan->steps, TRUE);
    g_array_free(plan->states, TRUE);
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
    if (ok && !binding->plain && !ir->exact) {
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
    if (binding->strided)
        cr_ir_open_ports(ir);
    cr_ir_settle(ir);
    plan->ref_count = 1;
    plan->key = key;
    plan->model = convrnn_model_ref(model);
    plan->ir = ir;
    plan->steps = g_array_new(FALSE, TRUE, sizeof(CrPlanStep));
    plan->schedules = g_ptr_array_new();
    plan->chains = binding->plain || binding->unfused ? CR_CHAINS_NEVER : binding->chains;
    plan->states = g_array_new(FALSE, TRUE, sizeof(CrPlanState));

    ok = check_size(plan, error);
    if (ok)
        place_states(plan);
    for (guint i = 0; ok && i < ir->nodes->len; i++)
        if (!cr_ir_node(ir, (int)i)->dead)
            ok = prepare_node(plan, (int)i, error);
    ok = ok && lay_out_initial(plan, error);
    if (ok)
        cr_state_check_plan(plan);
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
    g_string_append(key, binding->precision == CONVRNN_PRECISION_DOUBLE ? "|double" : "|");
    g_string_append(key, kernels->gemv_int8_panel ? "|int8" : "|");
    g_string_append(key, binding->strided ? "|strided" : "|");
    g_string_append_printf(key, "|%d", binding->chains);
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
    static const CrPrecision table[] = {
        [CONVRNN_PRECISION_FP32] = CR_FLOAT32,   [CONVRNN_PRECISION_BF16X3] = CR_BF16X3,
        [CONVRNN_PRECISION_BF16] = CR_BF16,      [CONVRNN_PRECISION_AUTO] = CR_BF16X3,
        [CONVRNN_PRECISION_DOUBLE] = CR_FLOAT32, [CONVRNN_PRECISION_INT8] = CR_INT8};
    CrPrecision precision = table[wanted];
    const CrKernels *kernels = cr_kernels_get(cr_cpu_level(), precision);

    if ((precision == CR_BF16 || precision == CR_BF16X3) && !kernels->bf16 &&
        wanted != CONVRNN_PRECISION_AUTO)
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
