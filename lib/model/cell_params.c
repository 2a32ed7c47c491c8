/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Gated cells from what a caller gives: every field is checked, and what can be said in several
 * ways (joined weights, the order of a GRU's gates, the forget gate's bias) becomes one. */
#include "core/memory.h"
#include "model/cell_gated.h"
#include <math.h>
#include <string.h>

/* A constructor at work. */
typedef struct {
    const ConvRnnCellParams *p;
    CrGated *g;
    const char *kind;
    int rank;
    GError **error;
} Reading;

static bool
want(const Reading *r, const char *what, const ConvRnnTensor *tensor, bool optional,
     const gint64 *dims, int n_dims)
{
    return cr_cell_want(r->kind, what, tensor, optional, dims, n_dims, r->error);
}

static bool
refuse(const Reading *r, const char *what, const char *why)
{
    return cr_cell_fail(r->kind, CONVRNN_ERROR_UNSUPPORTED, r->error, "%s %s", what, why);
}

/* --- options --- */

static bool
check_kind_options(const Reading *r)
{
    const ConvRnnCellParams *p = r->p;
    const struct {
        const char *name;
        bool given;
        CrGatedKind kind;
    } options[] = {
        {"reset_after", p->reset_after, CR_GATED_GRU},
        {"z_replaces", p->z_replaces, CR_GATED_GRU},
        {"norm_groups[1]", p->norm_groups[1], CR_GATED_GRU},
        {"output", p->output.function != CONVRNN_ACTIVATION_NONE, CR_GATED_LSTM},
        {"peephole", p->peephole, CR_GATED_LSTM},
        {"forget_bias", p->forget_bias != 0, CR_GATED_LSTM},
        {"cell_clip", p->cell_clip != 0, CR_GATED_LSTM},
        {"projection", p->projection, CR_GATED_LSTM},
        {"projection_clip", p->projection_clip != 0, CR_GATED_LSTM},
        {"initial_cell", p->initial_cell, CR_GATED_LSTM},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(options); i++)
        if (options[i].given && options[i].kind != r->g->kind)
            return refuse(r, options[i].name,
                          options[i].kind == CR_GATED_GRU ? "is an option of a GRU only"
                                                          : "is an option of an LSTM only");
    if (p->gate.function != CONVRNN_ACTIVATION_NONE && r->g->kind == CR_GATED_RNN)
        return refuse(r, "gate", "is the function of gates, of which an RNN has none");
    return true;
}

static bool
check_shape_options(const Reading *r)
{
    const ConvRnnCellParams *p = r->p;
    const struct {
        const char *name;
        bool given;
    } options[] = {
        {"stride", p->stride[0] || p->stride[1]},
        {"dilation", p->dilation[0] || p->dilation[1]},
        {"explicit_pads", p->explicit_pads},
        {"depthwise", p->depthwise},
        {"recurrent_depthwise", p->recurrent_depthwise},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(options); i++)
        if (options[i].given && r->rank == 2)
            return refuse(r, options[i].name, "is an option of a convolutional cell only");
    if (p->norm_groups[0])
        return true;
    if (p->norm_gamma || p->norm_beta || p->norm_groups[1] || p->norm_epsilon != 0)
        return refuse(r, "norm_groups[0]", "is 0, but other fields of the norm are given");
    return true;
}

static bool
check_number(const Reading *r, const char *what, float v, bool negative)
{
    if (isfinite(v) && (negative || v >= 0))
        return true;
    return cr_cell_fail(r->kind, CONVRNN_ERROR_FORMAT, r->error, "%s is %g, expected a number%s",
                        what, (double)v, negative ? "" : " of at least 0");
}

static bool
read_function(const Reading *r, const char *what, const ConvRnnCellFunction *from,
              ConvRnnActivation fallback, ConvRnnCellFunction *to)
{
    *to = *from;
    if (from->function == CONVRNN_ACTIVATION_NONE) {
        if (from->alpha != 0 || from->beta != 0)
            return refuse(r, what, "has parameters, but no function");
        to->function = fallback;
    }
    if (!isfinite(from->alpha) || !isfinite(from->beta))
        return cr_cell_fail(r->kind, CONVRNN_ERROR_FORMAT, r->error,
                            "%s has the parameters %g and %g, expected finite numbers", what,
                            (double)from->alpha, (double)from->beta);
    if (from->function == CONVRNN_ACTIVATION_SOFTMAX ||
        from->function == CONVRNN_ACTIVATION_LOG_SOFTMAX)
        return refuse(r, what, "is a softmax, expected a function of one element");
    return true;
}

static bool
read_options(const Reading *r)
{
    const ConvRnnCellParams *p = r->p;
    CrGated *g = r->g;

    if (!check_kind_options(r) || !check_shape_options(r) ||
        !check_number(r, "forget_bias", p->forget_bias, true) ||
        !check_number(r, "clip", p->clip, false) ||
        !check_number(r, "cell_clip", p->cell_clip, false) ||
        !check_number(r, "projection_clip", p->projection_clip, false) ||
        !check_number(r, "norm_epsilon", p->norm_epsilon, false) ||
        !read_function(r, "gate", &p->gate, CONVRNN_ACTIVATION_SIGMOID, &g->gate) ||
        !read_function(r, "activation", &p->activation, CONVRNN_ACTIVATION_TANH, &g->activation) ||
        !read_function(r, "output", &p->output, CONVRNN_ACTIVATION_TANH, &g->output))
        return false;
    if (p->projection_clip != 0 && !p->projection)
        return refuse(r, "projection_clip", "is given, but no projection");
    g->clip = p->clip;
    g->cell_clip = p->cell_clip;
    g->projection_clip = p->projection_clip;
    g->epsilon = p->norm_epsilon > 0 ? p->norm_epsilon : 1e-5f;
    g->reset_after = p->reset_after;
    g->z_replaces = p->z_replaces;
    return true;
}

/* --- gates --- */

/* Whether `gates` has each letter at most once and no other. */
static bool
are_letters(const char *gates, const char *letters)
{
    for (const char *c = gates; *c; c++)
        if (!strchr(letters, *c) || strchr(c + 1, *c))
            return false;
    return true;
}

static bool
read_gates(const Reading *r)
{
    static const struct {
        const char *letters, *needed, *text;
        size_t least;
    } kinds[] = {
        {"n", "n", "none: an RNN has no gates", 1},
        {"zrn", "zrn", "the letters z, r, n in any order", 3},
        {"iofg", "og", "the letters i, o, f, g in any order, without i or f for coupled gates", 3},
    };
    CrGatedKind kind = r->g->kind;
    const char *gates = r->p->gates ? r->p->gates : kinds[kind].letters;
    bool ok = are_letters(gates, kinds[kind].letters) && strlen(gates) >= kinds[kind].least;

    for (const char *c = kinds[kind].needed; *c; c++)
        ok = ok && strchr(gates, *c);
    if (!ok)
        return cr_cell_fail(r->kind, CONVRNN_ERROR_FORMAT, r->error, "gates is \"%s\", expected %s",
                            gates, kinds[kind].text);
    if (kind == CR_GATED_LSTM && r->p->forget_bias != 0 && !strchr(gates, 'f'))
        return refuse(r, "forget_bias", "is given, but gates has no f");
    r->g->n_gates = (int)strlen(gates);
    g_strlcpy(r->g->gates, gates, sizeof r->g->gates);
    return true;
}

/* A GRU's n comes last: it is computed apart, from rows that are one stretch. */
static ConvRnnTensor *
candidate_last(const Reading *r, ConvRnnTensor *tensor)
{
    CrCellRange ranges[3];
    int n = 0, of_n = cr_gated_find(r->g, 'n');

    if (!tensor)
        return NULL;
    for (int i = 0; i < r->g->n_gates; i++)
        if (i != of_n)
            ranges[n++] = (CrCellRange){i * r->g->hidden, r->g->hidden};
    ranges[n++] = (CrCellRange){of_n * r->g->hidden, r->g->hidden};
    return cr_cell_take(tensor, 0, ranges, n, r->error);
}

static bool
order_gates(const Reading *r)
{
    CrGated *g = r->g;
    ConvRnnTensor **all[] = {&g->input.weights, &g->recurrent.weights,
                             &g->bias,          &g->recurrent_bias,
                             &g->gamma,         &g->beta};

    if (g->kind != CR_GATED_GRU)
        return true;
    for (gsize i = 0; i < G_N_ELEMENTS(all); i++) {
        ConvRnnTensor *given = *all[i];
        *all[i] = candidate_last(r, given);
        bool failed = given && !*all[i];
        convrnn_tensor_unref(given);
        if (failed)
            return false;
    }
    bool z_first = cr_gated_find(g, 'z') < cr_gated_find(g, 'r');
    g_strlcpy(g->gates, z_first ? "zrn" : "rzn", sizeof g->gates);
    return true;
}

/* --- weights --- */

/* H, P and the number of inputs, off the weights. */
static bool
read_sizes(const Reading *r)
{
    const ConvRnnCellParams *p = r->p;
    const gint64 any[4] = {-1, -1, -1, -1};
    CrGated *g = r->g;

    if (!want(r, "weights", p->weights, false, any, r->rank))
        return false;
    gint64 rows = p->weights->dims[0];
    if (rows % g->n_gates != 0)
        return cr_cell_fail(r->kind, CONVRNN_ERROR_SHAPE, r->error,
                            "weights has %" G_GINT64_FORMAT
                            " rows, expected a multiple of %d, one for each gate of \"%s\"",
                            rows, g->n_gates, g->gates);
    g->hidden = g->base.channels = rows / g->n_gates;
    if (p->projection) {
        const gint64 projection[4] = {-1, g->hidden, -1, -1};
        if (!want(r, "projection", p->projection, false, projection, r->rank))
            return false;
        g->base.channels = p->projection->dims[0];
    }
    r->g->base.inputs = p->weights->dims[1] - (p->join ? g->base.channels : 0);
    if (r->g->base.inputs > 0)
        return true;
    return cr_cell_fail(r->kind, CONVRNN_ERROR_SHAPE, r->error,
                        "weights has %" G_GINT64_FORMAT
                        " columns for input and state, expected more than the state's "
                        "%" G_GINT64_FORMAT,
                        (gint64)p->weights->dims[1], g->base.channels);
}

/* Weights of [x; h] or [h; x], which `axis` is made of `sets` times, apart. */
static bool
cut_joined(const Reading *r, ConvRnnTensor *joined, int axis, int sets, ConvRnnTensor **of_x,
           ConvRnnTensor **of_h)
{
    bool state_first = r->p->join == CONVRNN_CELL_JOIN_STATE_INPUT;
    gint64 P = r->g->base.channels, both = r->g->base.inputs + P;
    CrCellRange x[2], h[2];

    for (int i = 0; i < sets; i++) {
        x[i] = (CrCellRange){i * both + (state_first ? P : 0), r->g->base.inputs};
        h[i] = (CrCellRange){i * both + (state_first ? 0 : r->g->base.inputs), P};
    }
    *of_x = cr_cell_take(joined, axis, x, sets, r->error);
    *of_h = *of_x ? cr_cell_take(joined, axis, h, sets, r->error) : NULL;
    return *of_h != NULL;
}

static bool
take_joined(const Reading *r)
{
    const ConvRnnCellParams *p = r->p;
    CrGated *g = r->g;

    if (p->join != CONVRNN_CELL_JOIN_INPUT_STATE && p->join != CONVRNN_CELL_JOIN_STATE_INPUT)
        return cr_cell_fail(r->kind, CONVRNN_ERROR_FORMAT, r->error,
                            "join is %d, expected 0 … 2 (ConvRnnCellJoin)", (int)p->join);
    if (p->recurrent || p->recurrent_depthwise)
        return refuse(r, p->recurrent ? "recurrent" : "recurrent_depthwise",
                      "is given, but join says that it is part of the input's");
    if (MAX(p->stride[0], p->stride[1]) > 1)
        return refuse(r, "stride", "of more than 1 changes the size of the state, which is joined");
    if (!cut_joined(r, p->weights, 1, 1, &g->input.weights, &g->recurrent.weights))
        return false;
    if (!p->depthwise)
        return true;
    gint64 both = r->g->base.inputs + g->base.channels;
    int sets = g->kind == CR_GATED_GRU && p->depthwise->dims[0] == 2 * both ? 2 : 1;
    const gint64 depthwise[4] = {sets * both, 1, -1, -1};
    return want(r, "depthwise", p->depthwise, false, depthwise, r->rank) &&
           cut_joined(r, p->depthwise, 0, sets, &g->input.depthwise, &g->recurrent.depthwise);
}

static ConvRnnTensor *
ref(ConvRnnTensor *tensor)
{
    return tensor ? convrnn_tensor_ref(tensor) : NULL;
}

/* With depthwise kernels, weights are of single pixels. */
static bool
check_depthwise(const Reading *r, const char *what, const char *weights_name, const CrProduct *p,
                gint64 channels)
{
    bool two = r->g->kind == CR_GATED_GRU && p->depthwise && p->depthwise->dims[0] == 2 * channels;
    const gint64 dims[4] = {two ? 2 * channels : channels, 1, -1, -1};
    const gint64 pointwise[4] = {-1, -1, 1, 1};

    return !p->depthwise || (want(r, what, p->depthwise, false, dims, r->rank) &&
                             want(r, weights_name, p->weights, false, pointwise, r->rank));
}

static bool
take_weights(const Reading *r)
{
    const ConvRnnCellParams *p = r->p;
    CrGated *g = r->g;

    if (!read_sizes(r))
        return false;
    gint64 rows = g->n_gates * g->hidden;
    const gint64 recurrent[4] = {rows, g->base.channels, -1, -1};
    if (p->join) {
        if (!take_joined(r))
            return false;
    } else {
        if (!want(r, "recurrent", p->recurrent, false, recurrent, r->rank))
            return false;
        g->input = (CrProduct){.weights = ref(p->weights), .depthwise = ref(p->depthwise)};
        g->recurrent =
            (CrProduct){.weights = ref(p->recurrent), .depthwise = ref(p->recurrent_depthwise)};
    }
    g->projection.weights = ref(p->projection);
    g->bias = ref(p->bias);
    g->recurrent_bias = ref(p->recurrent_bias);
    return check_depthwise(r, "depthwise", "weights", &g->input, r->g->base.inputs) &&
           check_depthwise(r, "recurrent_depthwise", "recurrent", &g->recurrent,
                           g->base.channels) &&
           want(r, "bias", p->bias, true, &rows, 1) &&
           want(r, "recurrent_bias", p->recurrent_bias, true, &rows, 1);
}

/* --- windows --- */

static bool
same_padding(const Reading *r, const char *what, CrProduct *p, const gint64 *kernel)
{
    int n = r->rank - 2;

    for (int i = 0; i < n; i++) {
        if (kernel[i] % 2 == 0) {
            g_autofree char *found = cr_cell_dims_text(kernel, n);
            return cr_cell_fail(r->kind, CONVRNN_ERROR_SHAPE, r->error,
                                "the kernel of %s is %s, expected odd numbers, or explicit_pads",
                                what, found);
        }
        p->pads[i] = p->pads[n + i] = kernel[i] / 2 * p->dilations[i];
        p->same = p->same || p->strides[i] > 1; /* which pixels those are depends on the size */
    }
    return true;
}

/* What a window of the state is padded with must keep its size. */
static bool
keeps_size(const Reading *r, const char *what, const CrProduct *p, const gint64 *kernel)
{
    int n = r->rank - 2;

    for (int i = 0; i < n; i++) {
        gint64 wanted = (kernel[i] - 1) * p->dilations[i], found = p->pads[i] + p->pads[n + i];
        if (found != wanted)
            return cr_cell_fail(r->kind, CONVRNN_ERROR_SHAPE, r->error,
                                "%s adds %" G_GINT64_FORMAT " and %" G_GINT64_FORMAT
                                " zeros in dimension %d for a kernel of %" G_GINT64_FORMAT
                                ", expected %" G_GINT64_FORMAT
                                " in all, so that the state keeps its size",
                                what, p->pads[i], p->pads[n + i], i + 2, kernel[i], wanted);
    }
    return true;
}

static const gint64 *
kernel_of(const CrProduct *p)
{
    return (const gint64 *)(p->depthwise ? p->depthwise : p->weights)->dims + 2;
}

static bool
read_windows(const Reading *r)
{
    const ConvRnnCellParams *p = r->p;
    CrProduct *all[] = {&r->g->input, &r->g->recurrent, &r->g->projection};
    static const char *const names[] = {"weights", "recurrent", "projection"};
    int n = r->rank - 2;

    for (int k = 0; k < 3 && n > 0; k++) {
        CrProduct *product = all[k];
        if (!product->weights)
            continue;
        const gint64 *kernel = kernel_of(product);
        const guint *pads = k == 0 || p->join ? p->pads : p->recurrent_pads;
        for (int i = 0; i < n; i++) {
            bool own = k == 0 || (k == 1 && p->join);
            product->strides[i] = k == 0 && p->stride[i] ? p->stride[i] : 1;
            product->dilations[i] = own && p->dilation[i] ? p->dilation[i] : 1;
        }
        if (k == 2 || !p->explicit_pads) {
            if (!same_padding(r, names[k], product, kernel))
                return false;
            continue;
        }
        for (int i = 0; i < 2 * n; i++)
            product->pads[i] = pads[i];
        if (k == 1 && !keeps_size(r, p->join ? "pads" : "recurrent_pads", product, kernel))
            return false;
    }
    return true;
}

/* --- normalisation, biases, peepholes, initial states --- */

/* A vector of `rows` times `v`, and where it is given, a copy of it. */
static ConvRnnTensor *
filled(const Reading *r, const ConvRnnTensor *given, gint64 rows, float v, float **data)
{
    float *memory = cr_mem_alloc((size_t)rows, sizeof *memory, "a vector of a cell", r->error);

    if (!memory)
        return NULL;
    for (gint64 i = 0; i < rows; i++)
        memory[i] = given ? ((const float *)given->data)[i] : v;
    g_autoptr(GBytes) bytes =
        g_bytes_new_with_free_func(memory, (size_t)rows * sizeof *memory, cr_mem_free, memory);
    *data = memory;
    return convrnn_tensor_new(CONVRNN_DTYPE_FLOAT32, &rows, 1, bytes, r->error);
}

static bool
check_groups(const Reading *r, int index, gint64 channels)
{
    gint64 groups = r->g->groups[index];

    if (channels % groups == 0)
        return true;
    return cr_cell_fail(r->kind, CONVRNN_ERROR_SHAPE, r->error,
                        "norm_groups[%d] is %" G_GINT64_FORMAT
                        ", which does not divide %" G_GINT64_FORMAT " channels",
                        index, groups, channels);
}

static bool
take_norm(const Reading *r)
{
    const ConvRnnCellParams *p = r->p;
    CrGated *g = r->g;
    gint64 rows = g->n_gates * g->hidden;
    bool gru = g->kind == CR_GATED_GRU;
    float *data;

    if (!want(r, "norm_gamma", p->norm_gamma, true, &rows, 1) ||
        !want(r, "norm_beta", p->norm_beta, true, &rows, 1))
        return false;
    if (!p->norm_groups[0])
        return true;
    g->groups[0] = p->norm_groups[0];
    g->groups[1] = p->norm_groups[1] ? p->norm_groups[1] : MAX(p->norm_groups[0] / 2, 1);
    if (!check_groups(r, 0, gru ? 2 * g->hidden : rows) || (gru && !check_groups(r, 1, g->hidden)))
        return false;
    g->gamma = filled(r, p->norm_gamma, rows, 1, &data);
    g->beta = g->gamma ? filled(r, p->norm_beta, rows, 0, &data) : NULL;
    return g->beta != NULL;
}

static bool
add_forget_bias(const Reading *r)
{
    CrGated *g = r->g;
    ConvRnnTensor **vector = g->beta ? &g->beta : &g->bias, *given = *vector;
    float *data;

    if (r->p->forget_bias == 0)
        return true;
    *vector = filled(r, given, g->n_gates * g->hidden, 0, &data);
    convrnn_tensor_unref(given);
    for (gint64 i = 0; *vector && i < g->hidden; i++)
        data[cr_gated_find(g, 'f') * g->hidden + i] += r->p->forget_bias;
    return *vector != NULL;
}

static bool
take_peephole(const Reading *r)
{
    ConvRnnTensor *p = r->p->peephole;
    const gint64 dims[3] = {(r->g->n_gates - 1) * r->g->hidden, -1, -1};
    bool map = p && p->n_dims > 1 && r->rank > 2;

    if (!want(r, "peephole", p, true, dims, map ? r->rank - 1 : 1))
        return false;
    r->g->peephole = ref(p);
    return true;
}

/* Whether an initial value broadcasts to (N, channels, space). */
static bool
check_initial(const Reading *r, const char *what, const ConvRnnTensor *t, gint64 channels)
{
    bool fits = t && t->dtype == CONVRNN_DTYPE_FLOAT32 && t->n_dims <= r->rank;

    if (!t)
        return true;
    for (int i = 0; fits && i < t->n_dims; i++)
        fits = t->dims[i] > 0;
    if (fits && t->n_dims >= r->rank - 1) {
        gint64 found = t->dims[t->n_dims - r->rank + 1];
        fits = found == 1 || found == channels;
    }
    if (fits)
        return true;
    const gint64 dims[4] = {-1, channels, -1, -1};
    g_autofree char *wanted = cr_cell_dims_text(dims, r->rank);
    g_autofree char *found = cr_cell_dims_text((const gint64 *)t->dims, t->n_dims);
    return cr_cell_fail(r->kind, CONVRNN_ERROR_SHAPE, r->error,
                        "%s is %s %s, expected float32 that broadcasts to %s", what,
                        convrnn_dtype_get_name(t->dtype), found, wanted);
}

static bool
add_states(const Reading *r)
{
    CrGated *g = r->g;
    const gint64 h[4] = {-1, g->base.channels, -1, -1}, c[4] = {-1, g->hidden, -1, -1};
    bool lstm = g->kind == CR_GATED_LSTM;

    if (!check_initial(r, "initial", r->p->initial, g->base.channels) ||
        !check_initial(r, "initial_cell", r->p->initial_cell, g->hidden))
        return false;
    cr_cell_add_state(&g->base, lstm ? "h" : "", r->rank, h, r->p->initial);
    if (lstm)
        cr_cell_add_state(&g->base, "c", r->rank, c, r->p->initial_cell);
    return true;
}

/* --- constructors --- */

static ConvRnnCell *
new_gated(const ConvRnnCellParams *params, CrGatedKind kind, bool conv, GError **error)
{
    const CrCellClass *class = &cr_gated_classes[kind][conv];
    int rank = !conv ? 2 : params->weights && params->weights->n_dims == 3 ? 3 : 4;
    CrGated *g = cr_cell_alloc(sizeof *g, class, rank, 0, 0);
    Reading r = {.p = params, .g = g, .kind = class->kind, .rank = rank, .error = error};

    g->kind = kind;
    if (read_options(&r) && read_gates(&r) && take_weights(&r) && read_windows(&r) &&
        take_norm(&r) && take_peephole(&r) && add_forget_bias(&r) && order_gates(&r) &&
        add_states(&r) && cr_gated_find_operator(g, error))
        return &g->base;
    convrnn_cell_unref(&g->base);
    return NULL;
}

ConvRnnCell *
convrnn_cell_new_rnn(const ConvRnnCellParams *params, GError **error)
{
    return new_gated(params, CR_GATED_RNN, false, error);
}

ConvRnnCell *
convrnn_cell_new_gru(const ConvRnnCellParams *params, GError **error)
{
    return new_gated(params, CR_GATED_GRU, false, error);
}

ConvRnnCell *
convrnn_cell_new_lstm(const ConvRnnCellParams *params, GError **error)
{
    return new_gated(params, CR_GATED_LSTM, false, error);
}

ConvRnnCell *
convrnn_cell_new_conv_rnn(const ConvRnnCellParams *params, GError **error)
{
    return new_gated(params, CR_GATED_RNN, true, error);
}

ConvRnnCell *
convrnn_cell_new_conv_gru(const ConvRnnCellParams *params, GError **error)
{
    return new_gated(params, CR_GATED_GRU, true, error);
}

ConvRnnCell *
convrnn_cell_new_conv_lstm(const ConvRnnCellParams *params, GError **error)
{
    return new_gated(params, CR_GATED_LSTM, true, error);
}
