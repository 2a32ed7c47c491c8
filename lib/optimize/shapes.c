/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is known of every value when shapes are bound.
 *
 * Every node is visited in order with what is known of its inputs: type and shape always, the value
 * when it follows from constants. So shape arithmetic, constant branches of the graph and run-time
 * sizes that depend only on the input size become constants here.
 *
 * A state's shape may follow from the network alone: a model may start from [1,1,1,1] and broadcast
 * it. So the shapes of the states are the fixed point of state in → network → state out, and the
 * initial value is broadcast to it: no first frame is special. */
#include "optimize/binder.h"
#include <string.h>

/* The longest chain of states that feed each other's shapes that we follow. */
#define MAX_ROUNDS 16
/* Results larger than this are left to the steps. */
#define MAX_FOLDED_ELEMENTS (16 << 20)
/* And so are all others when there are more than this: a loop may repeat what folds. */
#define MAX_FOLDED_TOTAL (64 << 20)

CrDesc
cr_binder_desc(const ConvRnnTensor *tensor)
{
    CrDesc desc = {.dtype = tensor->dtype, .n_dims = tensor->n_dims};
    memcpy(desc.dims, tensor->dims, sizeof desc.dims);
    return desc;
}

/* --- what inputs are --- */

const CrPort *
cr_binder_port(const GArray *ports, const char *name)
{
    for (guint i = 0; i < ports->len; i++) {
        const CrPort *port = &g_array_index(ports, CrPort, i);
        if (g_str_equal(port->info.name, name))
            return port;
    }
    return NULL;
}

char *
cr_binder_names(const GArray *ports)
{
    GString *s = g_string_new(NULL);
    for (guint i = 0; i < ports->len; i++)
        g_string_append_printf(s, "%s%s", i ? ", " : "", g_array_index(ports, CrPort, i).info.name);
    return g_string_free(s, FALSE);
}

bool
cr_binder_check_names(const CrBinder *b, GHashTable *table, const char *what, GError **error)
{
    GHashTableIter iter;
    gpointer name;

    g_hash_table_iter_init(&iter, table);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        if (!cr_binder_port(b->graph->inputs, name)) {
            g_autofree char *names = cr_binder_names(b->graph->inputs);
            g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_SHAPE,
                        "%s: %s '%s' names no input of the model; its inputs are: %s",
                        b->model->name, what, (char *)name, names);
            return false;
        }
    return true;
}

/* Whether a shape given agrees with what the model declares. */
static bool
fits(const ConvRnnTensorInfo *info, const CrDesc *desc)
{
    if (info->n_dims != (guint)desc->n_dims)
        return false;
    for (int i = 0; i < desc->n_dims; i++)
        if (info->dims[i] >= 0 && info->dims[i] != desc->dims[i])
            return false;
    return true;
}

static bool
shape_mismatch(const CrBinder *b, const ConvRnnTensorInfo *info, const CrDesc *given,
               const char *what, GError **error)
{
    CrDesc declared = {.n_dims = (int)info->n_dims};
    memcpy(declared.dims, info->dims, sizeof declared.dims);
    g_autofree char *expected = cr_desc_to_string(&declared);
    g_autofree char *found = cr_desc_to_string(given);
    g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_SHAPE,
                "%s: input '%s': the model declares %s (? is open), the %s has %s", b->model->name,
                info->name, expected, what, found);
    return false;
}

/* The shape of an input that each step reads. */
static bool
bind_input(const CrBinder *b, const ConvRnnTensorInfo *info, CrDesc *desc, GError **error)
{
    const CrDesc *given = g_hash_table_lookup(b->binding->shapes, info->name);

    *desc = (CrDesc){.dtype = info->dtype, .n_dims = (int)info->n_dims};
    memcpy(desc->dims, info->dims, sizeof desc->dims);
    if (given) {
        if (!fits(info, given))
            return shape_mismatch(b, info, given, "shape asked for", error);
        memcpy(desc->dims, given->dims, sizeof desc->dims);
    }
    if (desc->n_dims > 0 && desc->dims[0] < 0)
        desc->dims[0] = 1;
    for (int i = 0; i < desc->n_dims; i++)
        if (desc->dims[i] < 0) {
            g_autofree char *shape = cr_desc_to_string(desc);
            g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_SHAPE,
                        "%s: input '%s' has open dimensions (%s): give its shape", b->model->name,
                        info->name, shape);
            return false;
        }
    return true;
}

/* One element for an input of one element, whatever the ranks. */
static bool
is_one_for_one(const ConvRnnTensorInfo *info, const ConvRnnTensor *value)
{
    for (guint i = 0; i < info->n_dims; i++)
        if (info->dims[i] >= 0 && info->dims[i] != 1)
            return false;
    return value->n_elements == 1;
}

static bool
bind_constant(const CrBinder *b, const ConvRnnTensorInfo *info, ConvRnnTensor *value, CrFact *fact,
              GError **error)
{
    CrDesc desc = cr_binder_desc(value);
    if (info->dtype != value->dtype) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_SHAPE,
                    "%s: input '%s' is %s, the constant given is %s", b->model->name, info->name,
                    convrnn_dtype_get_name(info->dtype), convrnn_dtype_get_name(value->dtype));
        return false;
    }
    fact->desc = desc;
    if (fits(info, &desc)) {
        fact->constant = convrnn_tensor_ref(value);
        return true;
    }
    if (!is_one_for_one(info, value))
        return shape_mismatch(b, info, &desc, "constant given", error);
    fact->desc.n_dims = (int)info->n_dims;
    for (guint i = 0; i < info->n_dims; i++)
        fact->desc.dims[i] = 1;
    fact->constant =
        convrnn_tensor_new(value->dtype, fact->desc.dims, info->n_dims, value->bytes, error);
    return fact->constant != NULL;
}

/* Where the search for a state's shape begins. -1 stays where nothing is known. */
static bool
start_of_state(const CrBinder *b, const CrStatePair *pair, CrDesc *desc, GError **error)
{
    const ConvRnnTensorInfo *info = &cr_binder_port(b->graph->inputs, pair->input)->info;
    const CrDesc *given = g_hash_table_lookup(b->binding->shapes, pair->input);
    const ConvRnnTensor *initial = g_hash_table_lookup(b->binding->initial, pair->input);
    CrDesc of_initial;

    if (!given && initial) {
        of_initial = cr_binder_desc(initial);
        given = &of_initial;
    }
    *desc = (CrDesc){.dtype = info->dtype, .n_dims = (int)info->n_dims};
    memcpy(desc->dims, info->dims, sizeof desc->dims);
    if (initial && initial->dtype != info->dtype) {
        g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_STATE,
                    "%s: state '%s' is %s, its initial value is %s", b->model->name, pair->input,
                    convrnn_dtype_get_name(info->dtype), convrnn_dtype_get_name(initial->dtype));
        return false;
    }
    /* an initial value of another rank (a scalar) says nothing about the shape, only fills it */
    if (given && given->n_dims == desc->n_dims && fits(info, given))
        memcpy(desc->dims, given->dims, sizeof desc->dims);
    else if (given && given != &of_initial)
        return shape_mismatch(b, info, given, "shape asked for", error);
    return true;
}

/* --- one pass over the graph --- */

void
cr_binder_forget(CrBinder *b)
{
    for (guint i = 0; i < b->facts->len; i++)
        convrnn_tensor_unref(cr_binder_fact(b, (int)i)->constant);
    for (guint i = 0; i < b->carried->len; i++)
        convrnn_tensor_unref(g_array_index(b->carried, CrCarried, i).initial);
    g_array_set_size(b->carried, 0);
    b->restarted = 0;
    g_array_set_size(b->facts, 0);
    g_ptr_array_set_size(b->nodes, 0);
    g_clear_pointer(&b->shared, g_hash_table_unref);
    cr_region_free(b->region);
    b->region = cr_region_new();
    b->spliced = 0;
    b->folded = 0;
}

static bool
has_open_dim(const CrDesc *desc)
{
    for (int i = 0; i < desc->n_dims; i++)
        if (desc->dims[i] < 0)
            return true;
    return false;
}

static bool
start_facts(CrBinder *b, GError **error)
{
    cr_binder_forget(b);
    for (guint i = 0; i < b->graph->values->len; i++) {
        const CrValue *value = cr_graph_get_value(b->graph, (int)i);
        CrFact fact = {.name = value->name, .given = value->constant != NULL};
        if (value->constant) {
            fact.constant = convrnn_tensor_ref(value->constant);
            fact.desc = cr_binder_desc(value->constant);
        }
        g_array_append_val(b->facts, fact);
        b->fact_of[i] = (int)i + 1;
    }
    for (guint i = 0; i < b->graph->inputs->len; i++) {
        const CrPort *port = &g_array_index(b->graph->inputs, CrPort, i);
        CrFact *fact = cr_binder_fact(b, port->value);
        ConvRnnTensor *value = g_hash_table_lookup(b->constants, port->info.name);
        bool is_state = false;

        for (guint s = 0; s < b->states->len && !is_state; s++)
            if (g_str_equal(g_array_index(b->states, CrStatePair, s).input, port->info.name)) {
                is_state = true;
                if (!has_open_dim(&b->state_in[s]))
                    fact->desc = b->state_in[s];
            }
        if (is_state)
            continue;
        if (value ? !bind_constant(b, &port->info, value, fact, error)
                  : !bind_input(b, &port->info, &fact->desc, error))
            return false;
    }
    return true;
}

/* Replaces out[] of an alias or an evaluated node by constants. */
static bool
fold(CrBinder *b, const CrOp *op, CrOpSetup *setup, const CrNode *node, GError **error)
{
    const void **in = g_new0(const void *, (gsize)setup->n_in + 1);
    void **data = g_new0(void *, (gsize)setup->n_out);
    bool ok = true;

    for (int i = 0; i < setup->n_in; i++)
        in[i] = setup->value[i] ? setup->value[i]->data : NULL;
    if (!(op->flags & CR_OP_ALIAS))
        ok = cr_op_evaluate(op, setup, in, data, error);
    for (int i = 0; ok && i < setup->n_out; i++) {
        if (node->outputs[i] == CR_NO_VALUE)
            continue;
        const CrDesc *desc = &setup->out[i];
        GBytes *bytes =
            op->flags & CR_OP_ALIAS
                ? g_bytes_ref(setup->value[0]->bytes)
                : g_bytes_new_with_free_func(data[i], cr_desc_bytes(desc), cr_mem_free, data[i]);
        data[i] = NULL;
        CrFact *fact = cr_binder_fact(b, node->outputs[i]);
        fact->constant =
            convrnn_tensor_new(desc->dtype, desc->dims, (guint)desc->n_dims, bytes, error);
        g_bytes_unref(bytes);
        ok = fact->constant != NULL;
    }
    for (int i = 0; i < setup->n_out; i++)
        cr_mem_free(data[i]);
    g_free(in);
    g_free(data);
    return ok;
}

static bool
foldable(CrBinder *b, const CrOp *op, const CrOpSetup *setup)
{
    size_t elements = 0;
    for (int i = 0; i < setup->n_out; i++)
        elements += cr_desc_elements(&setup->out[i]);
    if (elements > MAX_FOLDED_ELEMENTS)
        return false;
    if (op->flags & CR_OP_SHAPE_ONLY)
        return true;
    for (int i = 0; i < setup->n_in; i++)
        if (setup->in[i].dtype != CONVRNN_DTYPE_UNDEFINED && !setup->value[i])
            return false;
    if (op->flags & CR_OP_ALIAS)
        return true;
    if (elements > MAX_FOLDED_TOTAL - b->folded)
        return false;
    b->folded += elements;
    return true;
}

bool
cr_binder_visit(CrBinder *b, const CrNode *node, bool *known, GError **error)
{
    const CrOp *op = cr_op_find(node->domain, node->op);
    CrOpSetup setup = {
        .node = node, .n_in = node->n_inputs, .n_out = node->n_outputs, .kernels = b->kernels};
    ConvRnnTensor **value = g_new0(ConvRnnTensor *, (gsize)node->n_inputs + 1);
    bool ok = true;

    g_ptr_array_add(b->nodes, (gpointer)node);
    *known = true;
    setup.in = g_new0(CrDesc, (gsize)node->n_inputs + 1);
    setup.out = g_new0(CrDesc, (gsize)node->n_outputs + 1);
    for (int i = 0; i < node->n_inputs; i++)
        if (node->inputs[i] != CR_NO_VALUE) {
            setup.in[i] = cr_binder_fact(b, node->inputs[i])->desc;
            value[i] = cr_binder_fact(b, node->inputs[i])->constant;
            *known = *known && setup.in[i].dtype != CONVRNN_DTYPE_UNDEFINED;
        }
    setup.value = value;
    if (*known) {
        ok = op->infer(&setup, error);
        for (int i = 0; ok && i < node->n_outputs; i++)
            if (node->outputs[i] == CR_NO_VALUE)
                setup.out[i] = (CrDesc){0};
            else
                cr_binder_fact(b, node->outputs[i])->desc = setup.out[i];
        ok = ok && (!foldable(b, op, &setup) || fold(b, op, &setup, node, error));
    }
    g_free(value);
    g_free(setup.in);
    g_free(setup.out);
    return ok;
}

static bool
visit_all(CrBinder *b, bool *all_known, GError **error)
{
    CrInstance whole = {b->graph, b->fact_of};

    *all_known = true;
    return start_facts(b, error) && cr_binder_walk(b, &whole, b->live, NULL, all_known, error);
}

/* --- the fixed point of the states' shapes --- */

/* Height and width of whatever the value first meets on equal terms (in a sum, a product, a
 * concatenation), followed through nodes that keep the size. *budget bounds the search. */
static bool
meets(const CrBinder *b, int value, int *budget, int64_t size[2])
{
    if (--*budget < 0)
        return false;
    for (guint i = 0; i < b->nodes->len; i++) {
        const CrNode *node = b->nodes->pdata[i];
        bool uses = false;
        for (int k = 0; k < node->n_inputs; k++)
            uses = uses || node->inputs[k] == value;
        if (!uses)
            continue;
        for (int k = 0; k < node->n_inputs; k++) {
            const CrFact *other =
                node->inputs[k] == CR_NO_VALUE ? NULL : cr_binder_fact(b, node->inputs[k]);
            if (other && node->inputs[k] != value && other->desc.n_dims == 4 && !other->constant) {
                size[0] = other->desc.dims[2];
                size[1] = other->desc.dims[3];
                return true;
            }
        }
        for (int k = 0; k < node->n_outputs; k++)
            if (node->outputs[k] != CR_NO_VALUE && meets(b, node->outputs[k], budget, size))
                return true;
    }
    return false;
}

/* Fills the open sizes of states from the graph around them; false when none could be. */
static bool
guess_sizes(CrBinder *b)
{
    bool any = false;
    for (guint s = 0; s < b->states->len; s++) {
        const char *input = g_array_index(b->states, CrStatePair, s).input;
        CrDesc *desc = &b->state_in[s];
        int64_t size[2];
        int budget = 64;
        if (desc->n_dims != 4 || !has_open_dim(desc) ||
            !meets(b, cr_binder_port(b->graph->inputs, input)->value, &budget, size))
            continue;
        desc->dims[0] = MAX(desc->dims[0], 1);
        desc->dims[1] = MAX(desc->dims[1], 1);
        for (int i = 0; i < 2; i++)
            if (desc->dims[2 + i] < 0)
                desc->dims[2 + i] = size[i];
        any = true;
    }
    return any;
}

static bool
states_settled(CrBinder *b, bool *changed, GError **error)
{
    *changed = false;
    for (guint s = 0; s < b->states->len; s++) {
        const CrStatePair *pair = &g_array_index(b->states, CrStatePair, s);
        const CrDesc *in = &b->state_in[s];
        const CrPort *port = cr_binder_port(b->graph->outputs, pair->output);
        const CrDesc *out = &cr_binder_fact(b, cr_binder_port_fact(b, port))->desc;
        if (in->dtype != out->dtype || in->n_dims != out->n_dims) {
            g_autofree char *is = cr_desc_to_string(in);
            g_autofree char *gives = cr_desc_to_string(out);
            g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_STATE,
                        "%s: state '%s' takes %s %s, but '%s' gives %s %s", b->model->name,
                        pair->input, convrnn_dtype_get_name(in->dtype), is, pair->output,
                        convrnn_dtype_get_name(out->dtype), gives);
            return false;
        }
        if (!cr_desc_same_shape(in, out)) {
            const ConvRnnTensorInfo *info = &cr_binder_port(b->graph->inputs, pair->input)->info;
            if (!fits(info, out)) {
                g_autofree char *is = cr_desc_to_string(in);
                g_autofree char *gives = cr_desc_to_string(out);
                g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_STATE,
                            "%s: state '%s' has shape %s, but '%s' gives %s: the model would need "
                            "another input size",
                            b->model->name, pair->input, is, pair->output, gives);
                return false;
            }
            b->state_in[s] = *out;
            *changed = true;
        }
    }
    return true;
}

static bool
find_fixed_point(CrBinder *b, GError **error)
{
    for (int round = 0; round < MAX_ROUNDS; round++) {
        bool all_known, changed;
        if (!visit_all(b, &all_known, error))
            return false;
        if (!all_known) {
            if (!guess_sizes(b)) {
                g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_STATE,
                            "%s: the size of a state does not follow from the model: give its "
                            "initial value or shape",
                            b->model->name);
                return false;
            }
            continue;
        }
        if (!states_settled(b, &changed, error))
            return false;
        if (!changed)
            return true;
    }
    g_set_error(error, CONVRNN_ERROR, CONVRNN_ERROR_STATE,
                "%s: the shapes of the states change in every step (%d tried)", b->model->name,
                MAX_ROUNDS);
    return false;
}

/* First as published models mean it: an open dimension is 1 and broadcasts. If the graph does not
 * take that, by the sizes that the states meet in the graph. */
bool
cr_binder_solve(CrBinder *b, GError **error)
{
    bool open = false;
    g_autoptr(GError) first = NULL;

    for (int attempt = 0; attempt < 2; attempt++) {
        for (guint s = 0; s < b->states->len; s++) {
            CrDesc *desc = &b->state_in[s];
            if (!start_of_state(b, &g_array_index(b->states, CrStatePair, s), desc, error))
                return false;
            open = open || has_open_dim(desc);
            for (int i = 0; attempt == 0 && i < desc->n_dims; i++)
                if (desc->dims[i] < 0)
                    desc->dims[i] = 1;
        }
        if (attempt == 0 && !open)
            return find_fixed_point(b, error);
        if (find_fixed_point(b, attempt == 0 ? &first : NULL))
            return true;
    }
    g_propagate_error(error, g_steal_pointer(&first));
    return false;
}
