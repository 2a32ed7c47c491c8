/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Binding a model to exact shapes: what shapes.c found out becomes the intermediate representation,
 * in which nothing is left of the nodes that were folded or that no output needs. */
#include "core/size.h"
#include "model/model_info.h"
#include "model/states.h"
#include "ops/packed.h"
#include "optimize/binder.h"
#include "optimize/stateful.h"
#include <string.h>

/* --- from facts to the intermediate representation --- */

static void
mark_live(const CrBinder *b, int value)
{
    if (value == CR_NO_VALUE)
        return;
    GArray *stack = g_array_new(FALSE, FALSE, sizeof(int));
    g_array_append_val(stack, value);
    while (stack->len > 0) {
        int v = g_array_index(stack, int, stack->len - 1);
        int producer = cr_graph_get_value(b->graph, v)->producer;
        g_array_set_size(stack, stack->len - 1);
        if (producer < 0 || b->live[producer])
            continue;
        b->live[producer] = true;
        const CrNode *node = cr_graph_get_node(b->graph, producer);
        for (int i = 0; i < node->n_inputs; i++)
            if (node->inputs[i] != CR_NO_VALUE)
                g_array_append_val(stack, node->inputs[i]);
    }
    g_array_free(stack, TRUE);
}

static bool
is_state_output(const CrBinder *b, const char *name)
{
    for (guint s = 0; s < b->states->len; s++)
        if (g_str_equal(g_array_index(b->states, CrStatePair, s).output, name))
            return true;
    return false;
}

static bool
wanted(const CrBinder *b, const char *name)
{
    if (b->binding->outputs)
        return g_strv_contains((const gchar *const *)b->binding->outputs, name);
    return !is_state_output(b, name);
}

static bool
choose_outputs(CrBinder *b, GError **error)
{
    g_array_append_vals(b->outputs, b->graph->outputs->data, b->graph->outputs->len);
    for (char **name = b->binding->outputs; name && *name; name++) {
        int value = cr_graph_find(b->graph, *name);
        if (value == CR_NO_VALUE) {
            g_autofree char *names = cr_binder_names(b->graph->outputs);
            g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_SHAPE,
                        "%s: no output and no other tensor is called '%s'; its outputs are: %s",
                        b->model->name, *name, names);
            return false;
        }
        if (!cr_binder_port(b->outputs, *name)) {
            CrPort port = {value, {.name = cr_graph_get_value(b->graph, value)->name}};
            g_array_append_val(b->outputs, port);
        }
    }
    for (guint i = 0; i < b->outputs->len; i++) {
        const CrPort *port = &g_array_index(b->outputs, CrPort, i);
        if (wanted(b, port->info.name) || is_state_output(b, port->info.name))
            mark_live(b, port->value);
    }
    return true;
}

static ConvRnnTensorInfo
info_of(const char *name, const CrDesc *desc)
{
    ConvRnnTensorInfo info = {.name = name, .dtype = desc->dtype, .n_dims = (guint)desc->n_dims};
    memcpy(info.dims, desc->dims, sizeof info.dims);
    return info;
}

/* The initial value in the state's exact shape. */
static ConvRnnTensor *
initial_value(const CrBinder *b, const CrStatePair *pair, const CrDesc *desc, GError **error)
{
    ConvRnnTensor *given = g_hash_table_lookup(b->binding->initial, pair->input);
    CrDesc from;
    int64_t dims[CONVRNN_MAX_RANK];
    int n_dims;

    if (!given)
        given = pair->initial;
    if (!given)
        return convrnn_tensor_new(desc->dtype, desc->dims, (guint)desc->n_dims, NULL, error);
    from = cr_binder_desc(given);
    if (cr_desc_same_shape(&from, desc) && from.dtype == desc->dtype)
        return convrnn_tensor_ref(given);
    if (from.dtype != desc->dtype || !cr_broadcast(&from, desc, dims, &n_dims) ||
        n_dims != desc->n_dims || memcmp(dims, desc->dims, sizeof *dims * (size_t)n_dims) != 0) {
        g_autofree char *is = cr_desc_to_string(&from);
        g_autofree char *want = cr_desc_to_string(desc);
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_STATE,
                    "%s: the initial value of state '%s' is %s %s, which does not broadcast to "
                    "%s %s",
                    b->model->name, pair->input, convrnn_dtype_get_name(from.dtype), is,
                    convrnn_dtype_get_name(desc->dtype), want);
        return NULL;
    }

    size_t size = convrnn_dtype_get_size(desc->dtype), n = cr_desc_elements(desc);
    char *data = cr_mem_alloc(n, size, pair->input, error);
    if (!data)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        size_t rest = i, at = 0, stride = 1;
        for (int d = desc->n_dims - 1, f = from.n_dims - 1; f >= 0; d--, f--) {
            size_t x = rest % (size_t)desc->dims[d];
            rest /= (size_t)desc->dims[d];
            at += (from.dims[f] == 1 ? 0 : x) * stride;
            stride *= (size_t)from.dims[f];
        }
        memcpy(data + i * size, (const char *)given->data + at * size, size);
    }
    g_autoptr(GBytes) bytes = g_bytes_new_with_free_func(data, n * size, cr_mem_free, data);
    return convrnn_tensor_new(desc->dtype, desc->dims, (guint)desc->n_dims, bytes, error);
}

static void
emit_values(CrBinder *b, CrIr *ir)
{
    for (guint i = 0; i < b->facts->len; i++) {
        CrFact *fact = cr_binder_fact(b, (int)i);
        CrIrValue value = {.name = fact->name,
                           .desc = fact->desc,
                           .producer = -1,
                           .base = -1,
                           .kind = fact->constant ? CR_IR_CONSTANT : CR_IR_COMPUTED,
                           .constant = g_steal_pointer(&fact->constant)};
        g_array_append_val(ir->values, value);
    }
}

/* Which of the nodes bound compute something that is needed and not known. */
static bool *
find_needed(const CrBinder *b)
{
    bool *value = g_new0(bool, b->facts->len + 1), *node = g_new0(bool, b->nodes->len + 1);

    for (guint i = 0; i < b->outputs->len; i++) {
        const CrPort *port = &g_array_index(b->outputs, CrPort, i);
        if (wanted(b, port->info.name) || is_state_output(b, port->info.name))
            value[cr_binder_port_fact(b, port)] = true;
    }
    for (guint i = 0; i < b->carried->len; i++) {
        const CrCarried *carried = &g_array_index(b->carried, CrCarried, i);
        if (carried->out != CR_NO_VALUE)
            value[carried->out] = true;
    }
    for (guint i = b->nodes->len; i-- > 0;) {
        const CrNode *from = b->nodes->pdata[i];
        for (int k = 0; k < from->n_outputs; k++)
            node[i] = node[i] || (from->outputs[k] != CR_NO_VALUE && value[from->outputs[k]] &&
                                  !cr_binder_fact(b, from->outputs[k])->constant);
        for (int k = 0; node[i] && k < from->n_inputs; k++)
            if (from->inputs[k] != CR_NO_VALUE)
                value[from->inputs[k]] = true;
    }
    g_free(value);
    return node;
}

static void
emit_nodes(const CrBinder *b, const bool *needed, CrIr *ir)
{
    for (guint i = 0; i < b->nodes->len; i++) {
        const CrNode *from = b->nodes->pdata[i];
        if (!needed[i])
            continue;
        CrIrNode node = {.op = cr_op_find(from->domain, from->op),
                         .node = from,
                         .label = from->op,
                         .n_in = from->n_inputs,
                         .n_out = from->n_outputs,
                         .in = g_memdup2(from->inputs, sizeof(int) * (gsize)from->n_inputs),
                         .out = g_memdup2(from->outputs, sizeof(int) * (gsize)from->n_outputs)};
        for (int k = 0; k < node.n_out; k++) {
            if (node.out[k] == CR_NO_VALUE)
                continue;
            CrIrValue *value = cr_ir_value(ir, node.out[k]);
            value->producer = (int)ir->nodes->len;
            if ((node.op->flags & CR_OP_ALIAS) && k == 0)
                value->base = node.in[0];
        }
        g_array_append_val(ir->nodes, node);
    }
}

static bool
emit_ports(const CrBinder *b, CrIr *ir, GError **error)
{
    for (guint i = 0; i < b->graph->inputs->len; i++) {
        const CrPort *from = &g_array_index(b->graph->inputs, CrPort, i);
        CrIrValue *value = cr_ir_value(ir, from->value);
        bool is_state = false;
        for (guint s = 0; s < b->states->len; s++)
            is_state = is_state ||
                       g_str_equal(g_array_index(b->states, CrStatePair, s).input, from->info.name);
        if (is_state || value->kind == CR_IR_CONSTANT)
            continue;
        CrIrPort port = {.info = info_of(from->info.name, &value->desc), .value = from->value};
        value->kind = CR_IR_INPUT;
        value->index = (int)ir->inputs->len;
        g_array_append_val(ir->inputs, port);
    }
    for (guint i = 0; i < b->outputs->len; i++) {
        const CrPort *from = &g_array_index(b->outputs, CrPort, i);
        int fact = cr_binder_port_fact(b, from);
        CrIrPort port = {.info = info_of(from->info.name, &cr_ir_value(ir, fact)->desc),
                         .value = fact};
        if (wanted(b, from->info.name))
            g_array_append_val(ir->outputs, port);
    }
    for (guint s = 0; s < b->states->len; s++) {
        const CrStatePair *pair = &g_array_index(b->states, CrStatePair, s);
        int in = cr_binder_port(b->graph->inputs, pair->input)->value;
        const CrPort *port = cr_binder_port(b->graph->outputs, pair->output);
        CrIrState state = {.info = info_of(cr_ir_value(ir, in)->name, &b->state_in[s]),
                           .output = port->info.name,
                           .origin = pair->origin,
                           .in = in,
                           .out = cr_binder_port_fact(b, port),
                           .initial = initial_value(b, pair, &b->state_in[s], error)};
        if (!state.initial)
            return false;
        cr_ir_value(ir, in)->kind = CR_IR_STATE;
        cr_ir_value(ir, in)->index = (int)s;
        g_array_append_val(ir->states, state);
    }
    return true;
}

/* What loops of one round carry. */
static bool
emit_carried(const CrBinder *b, CrIr *ir, GError **error)
{
    for (guint i = 0; i < b->carried->len; i++) {
        const CrCarried *carried = &g_array_index(b->carried, CrCarried, i);
        if (carried->out == CR_NO_VALUE)
            continue;
        g_autofree char *number = g_strdup_printf("%d", carried->index);
        const char *name = cr_ir_state_name(ir, carried->node->name, number);
        if (!cr_ir_add_state(ir, name, carried->in, carried->out, CONVRNN_STATE_FROM_CARRY,
                             convrnn_tensor_ref(carried->initial), error))
            return false;
    }
    ir->restarted = b->restarted;
    return true;
}

static void
count_parameters(const CrBinder *b, CrIr *ir)
{
    bool *counted = g_new0(bool, b->facts->len + 1);
    for (guint i = 0; i < ir->nodes->len; i++) {
        const CrIrNode *node = cr_ir_node(ir, (int)i);
        for (int k = 0; k < node->n_in; k++) {
            const CrFact *fact = node->in[k] == CR_NO_VALUE ? NULL : cr_binder_fact(b, node->in[k]);
            if (!fact || !fact->given || counted[node->in[k]] ||
                fact->desc.dtype != CONVRNN_DTYPE_FLOAT32)
                continue;
            counted[node->in[k]] = true;
            ir->parameters += cr_desc_elements(&fact->desc);
        }
    }
    g_free(counted);
}

/* What the caller binds, and what the .modelinfo binds besides. */
static GHashTable *
all_constants(const ConvRnnModel *model, const CrBinding *binding, GError **error)
{
    GHashTable *all =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)convrnn_tensor_unref);
    GHashTableIter iter;
    gpointer name, value;

    g_hash_table_iter_init(&iter, binding->constants);
    while (g_hash_table_iter_next(&iter, &name, &value))
        g_hash_table_insert(all, name, convrnn_tensor_ref(value));
    for (guint i = 0; i < model->graph->inputs->len; i++) {
        const ConvRnnTensorInfo *info = &g_array_index(model->graph->inputs, CrPort, i).info;
        ConvRnnTensor *tensor = NULL;
        if (g_hash_table_contains(all, info->name))
            continue;
        if (!cr_model_info_tensor(model, info->name, "constant", info->dtype, &tensor, error)) {
            g_hash_table_unref(all);
            return NULL;
        }
        if (tensor)
            g_hash_table_insert(all, (gpointer)info->name, tensor);
    }
    return all;
}

CrIr *
cr_ir_bind(const ConvRnnModel *model, const CrBinding *binding, const CrKernels *kernels,
           GError **error)
{
    CrBinder b = {.model = model, .graph = model->graph, .binding = binding, .kernels = kernels};
    CrIr *ir = NULL;

    if (!cr_binder_check_names(&b, binding->shapes, "the shape of", error) ||
        !cr_binder_check_names(&b, binding->constants, "the constant", error) ||
        !cr_binder_check_names(&b, binding->initial, "the initial value of", error))
        return NULL;
    b.constants = all_constants(model, binding, error);
    if (!b.constants)
        return NULL;
    b.states = cr_states_find(model, binding->states, b.constants, error);
    if (!b.states) {
        g_hash_table_unref(b.constants);
        return NULL;
    }

    b.outputs = g_array_new(FALSE, FALSE, sizeof(CrPort));
    b.live = g_new0(bool, b.graph->nodes->len + 1);
    b.facts = g_array_new(FALSE, FALSE, sizeof(CrFact));
    b.nodes = g_ptr_array_new();
    b.fact_of = g_new0(int, b.graph->values->len + 1);
    b.region = cr_region_new();
    b.carried = g_array_new(FALSE, FALSE, sizeof(CrCarried));
    b.state_in = g_new0(CrDesc, b.states->len + 1);
    if (choose_outputs(&b, error) && cr_binder_solve(&b, error)) {
        ir = g_new0(CrIr, 1);
        ir->model = model;
        ir->kernels = kernels;
        ir->exact = binding->precision == CONVRNN_PRECISION_DOUBLE;
        ir->region = cr_region_new();
        ir->packed = cr_packed_new();
        ir->values = g_array_new(FALSE, TRUE, sizeof(CrIrValue));
        ir->nodes = g_array_new(FALSE, TRUE, sizeof(CrIrNode));
        ir->inputs = g_array_new(FALSE, TRUE, sizeof(CrIrPort));
        ir->outputs = g_array_new(FALSE, TRUE, sizeof(CrIrPort));
        ir->states = g_array_new(FALSE, TRUE, sizeof(CrIrState));
        cr_region_own(ir->region, b.region, (GDestroyNotify)cr_region_free);
        bool *needed = find_needed(&b);
        emit_values(&b, ir);
        emit_nodes(&b, needed, ir);
        g_free(needed);
        b.region = NULL;
        count_parameters(&b, ir);
        if (!emit_ports(&b, ir, error) || !emit_carried(&b, ir, error))
            g_clear_pointer(&ir, cr_ir_free);
    }
    cr_binder_forget(&b);
    g_free(b.live);
    cr_region_free(b.region);
    g_array_unref(b.outputs);
    g_array_unref(b.facts);
    g_array_unref(b.carried);
    g_ptr_array_unref(b.nodes);
    g_free(b.fact_of);
    g_free(b.state_in);
    cr_states_free(b.states);
    g_hash_table_unref(b.constants);
    return ir;
}
