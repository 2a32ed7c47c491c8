/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* If, Loop and Scan (onnx.ai/onnx/operators) while shapes are bound. Everything is static when a
 * session starts: which branch is taken and how often a loop runs must follow from shapes and
 * constants. So a branch takes the place of its If, and a loop becomes its iterations, one after
 * the other, which reads like any other network to all that follows. */
#include "ops/validate.h"
#include "optimize/binder.h"
#include <string.h>

static bool control_error(const CrNode *node, ConvRnnError code, GError **error, const char *format,
                          ...) G_GNUC_PRINTF(4, 5);

static bool
control_error(const CrNode *node, ConvRnnError code, GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, CONVRNN_ERROR, code, "%s node '%s': %s", node->op, node->name, text);
    g_free(text);
    return false;
}

static bool
not_static(const CrNode *node, const char *what, GError **error)
{
    return control_error(node, CONVRNN_ERROR_UNSUPPORTED, error,
                         "%s depends on the frame's values, but everything is static when a "
                         "session starts. Export the model with a fixed number of steps, or bind "
                         "the input that decides it as a constant",
                         what);
}

/* --- what is known --- */

typedef enum { LEFT_OUT, UNKNOWN, KNOWN } Knowledge;

/* A scalar that must not depend on the frame; UNKNOWN when even its shape is not known yet. */
static bool
know_scalar(const CrBinder *b, const CrNode *node, int fact, ConvRnnDType dtype, const char *what,
            int64_t *value, Knowledge *knowledge, GError **error)
{
    *knowledge = LEFT_OUT;
    if (fact == CR_NO_VALUE)
        return true;
    const CrFact *f = cr_binder_fact(b, fact);
    *knowledge = UNKNOWN;
    if (f->desc.dtype == CONVRNN_DTYPE_UNDEFINED)
        return true;
    if (f->desc.dtype != dtype || cr_desc_elements(&f->desc) != 1) {
        g_autofree char *shape = cr_desc_to_string(&f->desc);
        return control_error(node, CONVRNN_ERROR_SHAPE, error, "%s is %s %s, expected one %s", what,
                             convrnn_dtype_get_name(f->desc.dtype), shape,
                             convrnn_dtype_get_name(dtype));
    }
    if (!f->constant)
        return not_static(node, what, error);
    *knowledge = KNOWN;
    *value = dtype == CONVRNN_DTYPE_BOOL ? *(const uint8_t *)f->constant->data != 0
                                         : *(const int64_t *)f->constant->data;
    return true;
}

static int
add_number(CrBinder *b, const char *name, ConvRnnDType dtype, int64_t value)
{
    uint8_t truth = value != 0;
    bool is_bool = dtype == CONVRNN_DTYPE_BOOL;
    g_autoptr(GBytes) bytes = is_bool ? g_bytes_new(&truth, 1) : g_bytes_new(&value, sizeof value);
    return cr_binder_add_constant(b, name, convrnn_tensor_new(dtype, NULL, 0, bytes, NULL));
}

/* In a round in which it cannot be told what the node becomes. */
static void
leave_unknown(CrBinder *b, const CrNode *node, int *results, bool *known)
{
    for (int k = 0; k < node->n_outputs; k++)
        results[k] = cr_binder_add_fact(b, node->name);
    *known = false;
}

static bool
check_count(const CrBinder *b, const CrNode *node, int64_t done, GError **error)
{
    if (b->spliced < CR_MAX_NODES)
        return true;
    return control_error(node, CONVRNN_ERROR_LIMIT, error,
                         "after %" G_GINT64_FORMAT
                         " iterations the network has more than %d nodes: too many to unroll",
                         (gint64)done, CR_MAX_NODES);
}

/* --- nodes around bodies --- */

/* A node of one of ONNX's operators with an axis; in[] and out[] are facts. */
static bool
add_node(CrBinder *b, const char *op, const CrNode *owner, const int64_t *axis, int *in, int n_in,
         int *out, int n_out, bool *known, GError **error)
{
    CrNode template = {
        .op = (char *)op, .domain = (char *)"", .n_inputs = n_in, .n_outputs = n_out};
    bool this_known;

    template.inputs = in;
    template.outputs = out;
    if (axis) {
        CrAttr *attr = cr_region_alloc(b->region, 1, sizeof *attr, owner->name, error);
        if (!attr)
            return false;
        *attr = (CrAttr){.name = (char *)"axis", .type = CR_ATTR_INT, .i = *axis};
        template.attrs = attr;
        template.n_attrs = 1;
    }
    for (int i = 0; i < n_out; i++)
        out[i] = cr_binder_add_fact(b, owner->name);
    const CrNode *node = cr_binder_copy_node(b, &template, owner->name, error);
    if (!node || !cr_binder_visit(b, node, &this_known, error))
        return false;
    b->spliced++;
    *known = *known && this_known;
    return true;
}

/* The n elements of a tensor along an axis, without that axis. */
static bool
take_apart(CrBinder *b, const CrNode *owner, int fact, int64_t axis, int n, int *out, bool *known,
           GError **error)
{
    int axes = add_number(b, owner->name, CONVRNN_DTYPE_INT64, axis);
    int *parts = g_new(int, (gsize)n);
    bool ok = true;

    parts[0] = fact;
    if (n > 1)
        ok = add_node(b, "Split", owner, &axis, &fact, 1, parts, n, known, error);
    for (int i = 0; ok && i < n; i++)
        ok = add_node(b, "Squeeze", owner, NULL, (int[]){parts[i], axes}, 2, &out[i], 1, known,
                      error);
    g_free(parts);
    return ok;
}

/* n tensors as one, along a new axis. */
static bool
put_together(CrBinder *b, const CrNode *owner, const int *in, int n, int64_t axis, bool backwards,
             int *out, bool *known, GError **error)
{
    int axes = add_number(b, owner->name, CONVRNN_DTYPE_INT64, axis);
    int *parts = g_new(int, (gsize)n);
    bool ok = true;

    for (int i = 0; ok && i < n; i++)
        ok = add_node(b, "Unsqueeze", owner, NULL, (int[]){in[i], axes}, 2,
                      &parts[backwards ? n - 1 - i : i], 1, known, error);
    *out = parts[0];
    if (ok && n > 1)
        ok = add_node(b, "Concat", owner, &axis, parts, n, out, 1, known, error);
    g_free(parts);
    return ok;
}

/* What a loop that never runs has collected: as the body declares it, and none of it. */
static bool
collect_nothing(CrBinder *b, const CrNode *node, const CrPort *declared, int64_t axis, int *out,
                GError **error)
{
    int rank = (int)declared->info.n_dims + 1;
    int64_t dims[CONVRNN_MAX_RANK + 1];

    axis = axis < 0 ? axis + rank : axis;
    if (declared->info.dtype == CONVRNN_DTYPE_UNDEFINED || rank > CONVRNN_MAX_RANK || axis < 0 ||
        axis >= rank)
        return control_error(node, CONVRNN_ERROR_SHAPE, error,
                             "it runs 0 times, and its graph does not declare what output '%s' "
                             "is then",
                             declared->info.name);
    for (int d = 0; d < rank; d++)
        dims[d] = d == axis ? 0 : MAX(declared->info.dims[d < axis ? d : d - 1], 0);
    g_autoptr(GBytes) none = g_bytes_new_static("", 0);
    ConvRnnTensor *tensor =
        convrnn_tensor_new(declared->info.dtype, dims, (guint)rank, none, error);
    if (!tensor)
        return false;
    *out = cr_binder_add_constant(b, node->name, tensor);
    return true;
}

/* --- bodies --- */

static const CrPort *
output_port(const CrGraph *graph, int index)
{
    return &g_array_index(graph->outputs, CrPort, index);
}

static CrInstance
instance_new(const CrGraph *graph)
{
    return (CrInstance){graph, g_new0(int, (gsize)graph->values->len + 1)};
}

static void
set_input(CrInstance *at, int index, int fact)
{
    at->fact_of[g_array_index(at->graph->inputs, CrPort, index).value] = fact + 1;
}

static int
get_output(CrBinder *b, CrInstance *at, int index)
{
    return cr_binder_instance_fact(b, at, output_port(at->graph, index)->value);
}

/* What the graph sees of the graph around it. */
static void
set_captured(CrInstance *at, const CrNode *node, int first)
{
    int own = (int)at->graph->inputs->len - at->graph->n_captured;
    for (int i = 0; i < at->graph->n_captured; i++)
        set_input(at, own + i, node->inputs[first + i]);
}

static bool
walk_iteration(CrBinder *b, CrInstance *at, const CrNode *node, int64_t number, bool *known,
               GError **error)
{
    g_autofree char *path = g_strdup_printf("%s/%" G_GINT64_FORMAT, node->name, (gint64)number);
    b->spliced++; /* a body without nodes does not run for free */
    return cr_binder_walk(b, at, NULL, path, known, error);
}

static bool
bind_if(CrBinder *b, const CrNode *node, int *results, bool *known, GError **error)
{
    int64_t condition = 0;
    Knowledge knowledge;
    int captured;

    if (!know_scalar(b, node, node->inputs[0], CONVRNN_DTYPE_BOOL, "its condition", &condition,
                     &knowledge, error))
        return false;
    if (knowledge != KNOWN) {
        leave_unknown(b, node, results, known);
        return true;
    }
    const CrGraph *branch =
        cr_node_graph(node, condition ? "then_branch" : "else_branch", &captured);
    if (!cr_op_validate_graph(branch, error)) {
        g_prefix_error(error, "If node '%s': ", node->name);
        return false;
    }
    CrInstance at = instance_new(branch);
    set_captured(&at, node, captured);
    bool ok = cr_binder_walk(b, &at, NULL, node->name, known, error);
    for (int k = 0; ok && k < node->n_outputs; k++)
        results[k] = get_output(b, &at, k);
    g_free(at.fact_of);
    return ok;
}

/* --- Loop --- */

typedef struct {
    CrInstance at;
    int n_carried, n_collected;
    int *carried;      /* facts */
    GArray *collected; /* int: n_collected facts of each iteration */
    int64_t trips;     /* at most */
    int64_t done;
    bool again;
} Loop;

static bool
run_once(CrBinder *b, Loop *loop, const CrNode *node, bool *known, GError **error)
{
    Knowledge knowledge;
    int64_t again = 0;

    set_input(&loop->at, 0, add_number(b, node->name, CONVRNN_DTYPE_INT64, loop->done));
    set_input(&loop->at, 1, add_number(b, node->name, CONVRNN_DTYPE_BOOL, 1));
    for (int i = 0; i < loop->n_carried; i++)
        set_input(&loop->at, 2 + i, loop->carried[i]);
    if (!walk_iteration(b, &loop->at, node, loop->done, known, error))
        return false;
    loop->done++;
    for (int i = 0; i < loop->n_carried; i++)
        loop->carried[i] = get_output(b, &loop->at, 1 + i);
    for (int k = 0; k < loop->n_collected; k++) {
        int fact = get_output(b, &loop->at, 1 + loop->n_carried + k);
        g_array_append_val(loop->collected, fact);
    }
    if (!know_scalar(b, node, get_output(b, &loop->at, 0), CONVRNN_DTYPE_BOOL,
                     "the condition that its body computes", &again, &knowledge, error))
        return false;
    loop->again = again && knowledge == KNOWN;
    *known = *known && knowledge == KNOWN;
    return true;
}

/* What iteration after iteration has left behind, for output k of those that are collected. */
static bool
collect(CrBinder *b, const Loop *loop, const CrNode *node, int k, int *out, bool *known,
        GError **error)
{
    if (loop->done == 0)
        return collect_nothing(b, node, output_port(loop->at.graph, 1 + loop->n_carried + k), 0,
                               out, error);
    int n = (int)loop->done;
    int *parts = g_new(int, (gsize)n);
    for (int i = 0; i < n; i++)
        parts[i] = g_array_index(loop->collected, int, i * loop->n_collected + k);
    bool ok = put_together(b, node, parts, n, 0, false, out, known, error);
    g_free(parts);
    return ok;
}

static bool
run_loop(CrBinder *b, Loop *loop, const CrNode *node, int *results, bool *known, GError **error)
{
    while (loop->again && loop->done < loop->trips)
        if (!check_count(b, node, loop->done, error) || !run_once(b, loop, node, known, error))
            return false;
    for (int k = 0; k < node->n_outputs; k++) {
        if (k < loop->n_carried)
            results[k] = loop->carried[k];
        else if (node->outputs[k] != CR_NO_VALUE &&
                 !collect(b, loop, node, k - loop->n_carried, &results[k], known, error))
            return false;
    }
    return true;
}

static bool
bind_loop(CrBinder *b, const CrNode *node, int *results, bool *known, GError **error)
{
    Loop loop = {.trips = INT64_MAX};
    int own = node->n_inputs - node->n_captured, captured;
    int64_t condition = 1;
    Knowledge trips, start;

    if (!know_scalar(b, node, own > 0 ? node->inputs[0] : CR_NO_VALUE, CONVRNN_DTYPE_INT64,
                     "its trip count", &loop.trips, &trips, error) ||
        !know_scalar(b, node, own > 1 ? node->inputs[1] : CR_NO_VALUE, CONVRNN_DTYPE_BOOL,
                     "its first condition", &condition, &start, error))
        return false;
    if (trips == UNKNOWN || start == UNKNOWN) {
        leave_unknown(b, node, results, known);
        return true;
    }
    const CrGraph *body = cr_node_graph(node, "body", &captured);
    loop.again = condition;
    loop.n_carried = MAX(own - 2, 0);
    loop.n_collected = (int)body->outputs->len - 1 - loop.n_carried;
    loop.carried = g_new(int, (gsize)loop.n_carried + 1);
    loop.collected = g_array_new(FALSE, FALSE, sizeof(int));
    loop.at = instance_new(body);
    for (int i = 0; i < loop.n_carried; i++)
        loop.carried[i] = node->inputs[2 + i];
    set_captured(&loop.at, node, captured);
    bool ok = (!loop.again || cr_binder_begin_carry(b, node, body, 2, 1, loop.trips, loop.carried,
                                                    loop.n_carried, error)) &&
              run_loop(b, &loop, node, results, known, error);
    if (ok)
        cr_binder_end_carry(b, node, loop.carried, loop.n_carried);
    g_free(loop.at.fact_of);
    g_array_unref(loop.collected);
    g_free(loop.carried);
    return ok;
}

/* --- Scan --- */

typedef struct {
    CrInstance at;
    const CrNode *node;
    int n_states, n_scanned, n_collected;
    const int64_t *axes, *backwards;         /* of inputs; NULL: 0 */
    const int64_t *out_axes, *out_backwards; /* of what is collected */
    int n;                                   /* length of the sequence */
    int *slices;                             /* [n_scanned][n] facts */
    int *states;                             /* [n_states] */
    int *collected;                          /* [n_collected][n] */
} Scan;

static int64_t
at_or_zero(const int64_t *list, int index)
{
    return list ? list[index] : 0;
}

static bool
read_list(const CrNode *node, const char *attr, int expected, const int64_t **list, GError **error)
{
    int n;

    *list = cr_node_ints(node, attr, &n);
    if (!cr_node_attr(node, attr) || n == expected) {
        *list = n > 0 ? *list : NULL;
        return true;
    }
    return control_error(node, CONVRNN_ERROR_FORMAT, error,
                         "attribute '%s' has %d elements, expected %d", attr, n, expected);
}

/* The length of all sequences; 0 in *n with *known false when one has no shape yet. */
static bool
sequence_length(const CrBinder *b, const Scan *s, const int *scanned, int64_t *n, bool *known,
                GError **error)
{
    *n = -1;
    for (int i = 0; i < s->n_scanned; i++) {
        const CrDesc *desc = &cr_binder_fact(b, scanned[i])->desc;
        int64_t axis = at_or_zero(s->axes, i);
        if (desc->dtype == CONVRNN_DTYPE_UNDEFINED) {
            *known = false;
            return true;
        }
        axis = axis < 0 ? axis + desc->n_dims : axis;
        if (axis < 0 || axis >= desc->n_dims || (*n >= 0 && *n != desc->dims[axis])) {
            g_autofree char *shape = cr_desc_to_string(desc);
            return control_error(s->node, CONVRNN_ERROR_SHAPE, error,
                                 "scan input %d is %s, but its axis %" G_GINT64_FORMAT
                                 " must exist and be as long as that of the others",
                                 i, shape, (gint64)axis);
        }
        *n = desc->dims[axis];
    }
    return true;
}

static bool
check_length(const CrBinder *b, const Scan *s, int64_t n, GError **error)
{
    int64_t each = 1 + (int64_t)s->at.graph->nodes->len + s->n_scanned + s->n_collected;
    int64_t room = CR_MAX_NODES - b->spliced;

    if (n <= MAX(room, 0) / each)
        return true;
    return control_error(s->node, CONVRNN_ERROR_LIMIT, error,
                         "%" G_GINT64_FORMAT " iterations of %" G_GINT64_FORMAT
                         " nodes, of which a network may have %d: too many to unroll",
                         (gint64)n, (gint64)each, CR_MAX_NODES);
}

static bool
take_slices(CrBinder *b, Scan *s, const int *scanned, bool *known, GError **error)
{
    bool ok = true;
    for (int i = 0; ok && s->n > 0 && i < s->n_scanned; i++)
        ok = take_apart(b, s->node, scanned[i], at_or_zero(s->axes, i), s->n, s->slices + i * s->n,
                        known, error);
    return ok;
}

static bool
run_scan(CrBinder *b, Scan *s, bool *known, GError **error)
{
    for (int t = 0; t < s->n; t++) {
        for (int i = 0; i < s->n_states; i++)
            set_input(&s->at, i, s->states[i]);
        for (int i = 0; i < s->n_scanned; i++) {
            int from = at_or_zero(s->backwards, i) ? s->n - 1 - t : t;
            set_input(&s->at, s->n_states + i, s->slices[i * s->n + from]);
        }
        if (!check_count(b, s->node, t, error) ||
            !walk_iteration(b, &s->at, s->node, t, known, error))
            return false;
        for (int i = 0; i < s->n_states; i++)
            s->states[i] = get_output(b, &s->at, i);
        for (int k = 0; k < s->n_collected; k++)
            s->collected[k * s->n + t] = get_output(b, &s->at, s->n_states + k);
    }
    return true;
}

static bool
scan_results(CrBinder *b, const Scan *s, int n_results, int *results, bool *known, GError **error)
{
    bool ok = true;

    for (int k = 0; ok && k < n_results; k++) {
        int c = k - s->n_states;
        if (c < 0)
            results[k] = s->states[k];
        else if (s->n == 0)
            ok = collect_nothing(b, s->node, output_port(s->at.graph, k),
                                 at_or_zero(s->out_axes, c), &results[k], error);
        else
            ok = put_together(b, s->node, s->collected + c * s->n, s->n, at_or_zero(s->out_axes, c),
                              at_or_zero(s->out_backwards, c) != 0, &results[k], known, error);
    }
    return ok;
}

/* One sequence: inputs are the states' first values and the sequences. */
static bool
scan_once(CrBinder *b, Scan *s, const int *inputs, int n_results, int *results, bool *known,
          GError **error)
{
    int64_t n;
    bool length_known = true;

    if (!sequence_length(b, s, inputs + s->n_states, &n, &length_known, error))
        return false;
    if (!length_known) {
        for (int k = 0; k < n_results; k++)
            results[k] = cr_binder_add_fact(b, s->node->name);
        *known = false;
        return true;
    }
    if (!check_length(b, s, n, error))
        return false;
    s->n = (int)n;
    s->slices = g_new(int, (gsize)s->n_scanned *(gsize)n + 1);
    s->collected = g_new(int, (gsize)s->n_collected *(gsize)n + 1);
    s->states = g_new(int, (gsize)s->n_states + 1);
    for (int i = 0; i < s->n_states; i++)
        s->states[i] = inputs[i];
    bool ok =
        take_slices(b, s, inputs + s->n_states, known, error) &&
        cr_binder_begin_carry(b, s->node, s->at.graph, 0, 0, n, s->states, s->n_states, error) &&
        run_scan(b, s, known, error) && scan_results(b, s, n_results, results, known, error);
    if (ok)
        cr_binder_end_carry(b, s->node, s->states, s->n_states);
    g_free(s->slices);
    g_free(s->collected);
    g_free(s->states);
    return ok;
}

/* The lengths of a batch of sequences (opset 8): left out, or that of the tensors. */
static bool
check_lengths(const CrBinder *b, const Scan *s, int fact, GError **error)
{
    if (fact == CR_NO_VALUE)
        return true;
    const ConvRnnTensor *lengths = cr_binder_fact(b, fact)->constant;
    const CrDesc *whole = &cr_binder_fact(b, s->node->inputs[1 + s->n_states])->desc;
    if (!lengths)
        return not_static(s->node, "the length of its sequences", error);
    for (size_t i = 0; i < lengths->n_elements; i++)
        if (lengths->dtype != CONVRNN_DTYPE_INT64 || whole->n_dims < 2 ||
            ((const int64_t *)lengths->data)[i] != whole->dims[1])
            return control_error(s->node, CONVRNN_ERROR_UNSUPPORTED, error,
                                 "sequences of different lengths in one batch are not implemented");
    return true;
}

/* Opset 8: the same for each element of a batch. */
static bool
scan_batch(CrBinder *b, Scan *s, int n_results, int *results, bool *known, GError **error)
{
    int n = s->n_states + s->n_scanned;
    const int *inputs = s->node->inputs + 1;
    const CrDesc *first = &cr_binder_fact(b, inputs[0])->desc;
    bool ok = true;

    if (first->dtype == CONVRNN_DTYPE_UNDEFINED) {
        leave_unknown(b, s->node, results, known);
        return true;
    }
    if (!check_lengths(b, s, s->node->inputs[0], error))
        return false;
    int64_t batch = first->n_dims > 0 ? first->dims[0] : 0;
    if (batch < 1 || batch > CR_MAX_NODES / (n + n_results))
        return control_error(s->node, CONVRNN_ERROR_LIMIT, error,
                             "a batch of %" G_GINT64_FORMAT " sequences cannot be unrolled",
                             (gint64)batch);
    int *taken = g_new(int, (gsize)(n * batch)), *row = g_new(int, (gsize)n);
    int *made = g_new(int, (gsize)(n_results * batch)), *one = g_new(int, (gsize)n_results);
    for (int i = 0; ok && i < n; i++)
        ok = take_apart(b, s->node, inputs[i], 0, (int)batch, taken + i * batch, known, error);
    for (int64_t e = 0; ok && e < batch; e++) {
        for (int i = 0; i < n; i++)
            row[i] = taken[i * batch + e];
        ok = scan_once(b, s, row, n_results, one, known, error);
        for (int k = 0; ok && k < n_results; k++)
            made[k * batch + e] = one[k];
    }
    for (int k = 0; ok && k < n_results; k++)
        ok = put_together(b, s->node, made + k * batch, (int)batch, 0, false, &results[k], known,
                          error);
    g_free(taken);
    g_free(row);
    g_free(made);
    g_free(one);
    return ok;
}

static bool
bind_scan(CrBinder *b, const CrNode *node, int *results, bool *known, GError **error)
{
    bool batched = cr_node_attr(node, "batched") != NULL;
    Scan s = {.node = node, .n_scanned = (int)cr_node_int(node, "num_scan_inputs", 0)};
    int captured;
    const CrGraph *body = cr_node_graph(node, "body", &captured);

    s.n_states = node->n_inputs - node->n_captured - s.n_scanned - batched;
    s.n_collected = (int)body->outputs->len - s.n_states;
    if (!read_list(node, "scan_input_axes", s.n_scanned, &s.axes, error) ||
        !read_list(node, "scan_input_directions", s.n_scanned, &s.backwards, error) ||
        !read_list(node, "scan_output_axes", s.n_collected, &s.out_axes, error) ||
        !read_list(node, "scan_output_directions", s.n_collected, &s.out_backwards, error))
        return false;
    s.at = instance_new(body);
    set_captured(&s.at, node, captured);
    bool ok = batched ? scan_batch(b, &s, node->n_outputs, results, known, error)
                      : scan_once(b, &s, node->inputs, node->n_outputs, results, known, error);
    g_free(s.at.fact_of);
    return ok;
}

bool
cr_binder_control(CrBinder *b, const CrNode *node, int *results, bool *known, GError **error)
{
    if (strcmp(node->op, "If") == 0)
        return bind_if(b, node, results, known, error);
    return strcmp(node->op, "Loop") == 0 ? bind_loop(b, node, results, known, error)
                                         : bind_scan(b, node, results, known, error);
}
