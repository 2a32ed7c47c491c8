/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Einsum (onnx.ai/onnx/operators/onnx__Einsum.html): y[output labels] = Σ over all other labels of
 * the product of one to three inputs. "..." stands for leading axes, which broadcast; a label that
 * an input has twice is its diagonal.
 *
 * For small products inside a network: each output is summed on its own, in double, in the order in
 * which the summed labels appear. */
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/types.h"
#include "ops/walk.h"
#include <string.h>

#define MAX_LABELS   16 /* of one term */
#define N_LABELS     128
#define MAX_PRODUCTS (1LL << 40)

/* Labels of the axes of one input or of the output: letters, or 1, 2 … for the axes of "...",
 * counted from the last. */
typedef struct {
    int n;
    unsigned char label[MAX_LABELS];
} Term;

typedef struct {
    int n_in;
    Term in[CR_WALK_INPUTS], out;
    int64_t dim[N_LABELS]; /* 0: not seen; else 1 + the dimension */
    int ellipsis;          /* most axes that "..." stands for in any input */
} Equation;

typedef void (*SumRun)(void *dst, const void *const *in, const CrWalk *summed,
                       const int64_t *first);

typedef struct {
    SumRun run;
    CrWalk kept, summed;
    size_t size, per_tile;
    int n_in;
} EinsumParams;

static bool
bad_equation(const CrOpSetup *setup, const char *why, GError **error)
{
    return cr_op_error(setup, CONVRNN_ERROR_UNSUPPORTED, error, "equation \"%s\": %s",
                       cr_node_string(setup->node, "equation", ""), why);
}

/* One term, up to ',' or "->" or the end; *text moves behind it. "..." becomes n_ellipsis labels.
 */
static bool
parse_term(const char **text, int n_ellipsis, Term *term)
{
    const char *s = *text;

    term->n = 0;
    for (; *s && *s != ',' && strncmp(s, "->", 2) != 0; s++) {
        if (*s == ' ')
            continue;
        if (strncmp(s, "...", 3) == 0) {
            if (n_ellipsis < 0 || term->n + n_ellipsis > MAX_LABELS)
                return false;
            for (int k = n_ellipsis; k > 0; k--)
                term->label[term->n++] = (unsigned char)k;
            n_ellipsis = -1; /* once only */
            s += 2;
            continue;
        }
        if (!g_ascii_isalpha(*s) || term->n == MAX_LABELS)
            return false;
        term->label[term->n++] = (unsigned char)*s;
    }
    *text = s;
    return true;
}

/* Axes that "..." stands for in a term that begins at text: those that have no letter. */
static int
count_ellipsis(const char *text, int rank)
{
    bool found = false;

    for (; *text && *text != ',' && strncmp(text, "->", 2) != 0; text++) {
        rank -= g_ascii_isalpha(*text) != 0;
        found |= *text == '.';
    }
    return found ? rank : 0;
}

/* Takes the dimensions of input i into the equation. */
static bool
bind_dims(const CrOpSetup *setup, Equation *e, int i, GError **error)
{
    const CrDesc *in = &setup->in[i];

    for (int d = 0; d < in->n_dims; d++) {
        int64_t *dim = &e->dim[e->in[i].label[d]];
        if (*dim == 0 || *dim == 1 + 1)
            *dim = 1 + in->dims[d];
        else if (in->dims[d] != 1 && *dim != 1 + in->dims[d])
            return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                               "dimension %d of input %d is %" G_GINT64_FORMAT
                               ", but its label has %" G_GINT64_FORMAT " elsewhere",
                               d, i, (gint64)in->dims[d], (gint64)*dim - 1);
    }
    return true;
}

/* Without "->": "..." first, then the labels that come just once, by name. */
static void
implicit_output(Equation *e)
{
    int count[N_LABELS] = {0};

    for (int i = 0; i < e->n_in; i++)
        for (int d = 0; d < e->in[i].n; d++)
            count[e->in[i].label[d]]++;
    e->out.n = 0;
    for (int k = e->ellipsis; k > 0; k--)
        e->out.label[e->out.n++] = (unsigned char)k;
    for (int label = 'A'; label <= 'z' && e->out.n < MAX_LABELS; label++)
        if (count[label] == 1)
            e->out.label[e->out.n++] = (unsigned char)label;
}

static bool
parse_inputs(const CrOpSetup *setup, const char **text, Equation *e, GError **error)
{
    for (e->n_in = 0; e->n_in < setup->n_in; e->n_in++) {
        int n, rank = setup->in[e->n_in].n_dims;
        if (e->n_in > 0 && *(*text)++ != ',')
            return bad_equation(setup, "it has fewer terms than the node has inputs", error);
        n = count_ellipsis(*text, rank);
        if (n < 0 || !parse_term(text, n, &e->in[e->n_in]) || e->in[e->n_in].n != rank)
            return bad_equation(setup, "a term is malformed or does not fit its input's rank",
                                error);
        e->ellipsis = MAX(e->ellipsis, n);
        if (!bind_dims(setup, e, e->n_in, error))
            return false;
    }
    return true;
}

/* As many labels as a walk has axes, and a number of products that can be counted. */
static bool
check_work(const CrOpSetup *setup, const Equation *e, GError **error)
{
    int64_t products = 1;
    int n = 0;

    for (int label = 0; label < N_LABELS; label++) {
        int64_t dim = MAX(e->dim[label] - 1, 1);
        n += e->dim[label] != 0;
        if (n > CR_WALK_DIMS || products > MAX_PRODUCTS / dim)
            return cr_op_error(setup, CONVRNN_ERROR_LIMIT, error,
                               "more than %d labels, or more than %lld products to sum",
                               CR_WALK_DIMS, MAX_PRODUCTS);
        products *= dim;
    }
    return true;
}

static bool
parse(const CrOpSetup *setup, Equation *e, GError **error)
{
    const char *text = cr_node_string(setup->node, "equation", "");
    bool used[N_LABELS] = {false};

    memset(e, 0, sizeof(*e));
    if (setup->n_in > CR_WALK_INPUTS)
        return bad_equation(setup, "at most three inputs are supported", error);
    if (!parse_inputs(setup, &text, e, error))
        return false;
    if (*text == '\0') {
        implicit_output(e);
    } else {
        text += 2;
        if (text[-2] != '-' || !parse_term(&text, e->ellipsis, &e->out) || *text)
            return bad_equation(setup, "the part after \"->\" is malformed", error);
    }
    for (int d = 0; d < e->out.n; d++) {
        if (!e->dim[e->out.label[d]] || used[e->out.label[d]])
            return bad_equation(setup, "an output label is unknown or comes twice", error);
        used[e->out.label[d]] = true;
    }
    return check_work(setup, e, error);
}

static bool
infer_einsum(CrOpSetup *setup, GError **error)
{
    int64_t dims[MAX_LABELS];
    Equation e;

    for (int i = 0; i < setup->n_in; i++) {
        if (setup->in[i].dtype != CONVRNN_DTYPE_FLOAT32 &&
            setup->in[i].dtype != CONVRNN_DTYPE_FLOAT64)
            return cr_op_bad_dtype(setup, i, error);
        if (!cr_op_same_dtype(setup, 0, i, error))
            return false;
    }
    if (!parse(setup, &e, error))
        return false;
    for (int d = 0; d < e.out.n; d++)
        dims[d] = e.dim[e.out.label[d]] - 1;
    return cr_op_set_out(setup, 0, setup->in[0].dtype, dims, e.out.n, error);
}

/* One output: the sum over `summed` of the inputs' product; first: where each input begins. */
#define SUM(NAME, T, op)                                                                           \
    static void op##_##NAME(void *dst, const void *const *in, const CrWalk *summed,                \
                            const int64_t *first)                                                  \
    {                                                                                              \
        double sum = 0;                                                                            \
        CrWalker w;                                                                                \
        cr_walker_init(&w, summed, 0, summed->total);                                              \
        while (cr_walker_next(&w))                                                                 \
            for (size_t k = 0; k < w.n; k++) {                                                     \
                double product = 1;                                                                \
                for (int i = 0; i < summed->n_in; i++)                                             \
                    product *= (double)((const T *)in[i])[first[i] + w.offset[i] +                 \
                                                          (int64_t)k * cr_walk_step(summed, i)];   \
                sum += product;                                                                    \
            }                                                                                      \
        *(T *)dst = (T)sum;                                                                        \
    }
CR_FLOAT_TYPES(SUM, einsum)

static void
run_einsum(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const EinsumParams *p = step->params;
    size_t begin, end;
    CrWalker w;

    cr_tile_range(p->kept.total, p->per_tile, tile, &begin, &end);
    cr_walker_init(&w, &p->kept, begin, end);
    while (cr_walker_next(&w))
        for (size_t k = 0; k < w.n; k++) {
            int64_t first[CR_WALK_INPUTS];
            for (int i = 0; i < p->n_in; i++)
                first[i] = w.offset[i] + (int64_t)k * cr_walk_step(&p->kept, i);
            p->run((char *)io[p->n_in] + (w.out + k) * p->size, (const void *const *)io, &p->summed,
                   first);
        }
}

/* Adds the axis of a label to a walk: an input that has it twice steps along its diagonal. */
static void
add_label(const CrOpSetup *setup, const Equation *e, CrWalk *walk, int label)
{
    int64_t stride[CR_WALK_INPUTS] = {0}, strides[CONVRNN_MAX_RANK];

    for (int i = 0; i < e->n_in; i++) {
        cr_strides(&setup->in[i], strides);
        for (int d = 0; d < e->in[i].n; d++)
            if (e->in[i].label[d] == label && setup->in[i].dims[d] != 1)
                stride[i] += strides[d];
    }
    cr_walk_add(walk, e->dim[label] - 1, stride);
}

static bool
prepare_einsum(CrOpSetup *setup, CrStep *step, GError **error)
{
    EinsumParams *p = cr_op_params(setup, step, EinsumParams, error);
    bool done[N_LABELS] = {false};
    Equation e;

    if (!p || !parse(setup, &e, error))
        return false;
    cr_walk_init(&p->kept, e.n_in);
    cr_walk_init(&p->summed, e.n_in);
    for (int d = 0; d < e.out.n; d++) {
        add_label(setup, &e, &p->kept, e.out.label[d]);
        done[e.out.label[d]] = true;
    }
    for (int i = 0; i < e.n_in; i++)
        for (int d = 0; d < e.in[i].n; d++) {
            if (!done[e.in[i].label[d]])
                add_label(setup, &e, &p->summed, e.in[i].label[d]);
            done[e.in[i].label[d]] = true;
        }
    cr_walk_finish(&p->kept);
    cr_walk_finish(&p->summed);
    p->run = setup->in[0].dtype == CONVRNN_DTYPE_FLOAT32 ? einsum_FLOAT32 : einsum_FLOAT64;
    p->size = convrnn_dtype_get_size(setup->in[0].dtype);
    p->n_in = e.n_in;
    p->per_tile = MAX(CR_TILE_ELEMENTS / MAX(p->summed.total, 1), 1);
    step->run = run_einsum;
    step->n_tiles = cr_tile_count(p->kept.total, p->per_tile);
    step->kernel = "plain";
    step->macs = (uint64_t)p->kept.total * p->summed.total;
    return true;
}

static const CrAttrSpec einsum_attrs[] = {{"equation", CR_ATTR_STRING}, {NULL, CR_ATTR_INT}};

const CrOp cr_op_einsum = {
    .name = "Einsum",
    .min_in = 1,
    .max_in = CR_WALK_INPUTS,
    .min_out = 1,
    .max_out = 1,
    .attrs = einsum_attrs,
    .infer = infer_einsum,
    .prepare = prepare_einsum,
};
