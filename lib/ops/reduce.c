/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ReduceSum, ReduceMean, ReduceMax, ReduceMin, ReduceProd, ReduceL1, ReduceL2, ReduceSumSquare,
 * ReduceLogSum, ReduceLogSumExp (onnx.ai/onnx/operators).
 *
 * Floating point is accumulated in double, integers in 64 bits, always in row-major order of the
 * reduced axes: the error of a float32 result is one rounding. When the innermost axis stays, a row
 * of accumulators runs over contiguous input; else each output runs over its own elements. */
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/types.h"
#include "ops/walk.h"
#include <math.h>
#include <string.h>

#define ROW 256 /* accumulators at a time */

/* Σ exp(x − max): the largest x so far takes part as 1, so that nothing overflows. */
typedef struct {
    double max, sum;
} ExpSum;

typedef union {
    double d;
    int64_t i;
    uint64_t u;
    ExpSum e;
} Accumulator;

typedef struct {
    void (*init)(Accumulator *acc, size_t n);
    /* acc[j] takes x[j + k · step] for n_terms values of k. */
    void (*take)(Accumulator *acc, size_t n, const void *x, int64_t step, size_t n_terms);
    void (*finish)(void *dst, const Accumulator *acc, size_t n, size_t count);
} Reducer;

#define LOWEST_FLOAT(T)     (-INFINITY)
#define HIGHEST_FLOAT(T)    INFINITY
#define LOWEST_SIGNED(T)    ((T)(1ULL << (8 * sizeof(T) - 1)))
#define HIGHEST_SIGNED(T)   ((T)((1ULL << (8 * sizeof(T) - 1)) - 1))
#define LOWEST_UNSIGNED(T)  0
#define HIGHEST_UNSIGNED(T) ((T)~0ULL)
#define LOWEST_BOOL(T)      0
#define HIGHEST_BOOL(T)     1

/* The reducer op_NAME of accumulator member M: s = INIT, s = STEP(s, x) for each x, RESULT(s,
 * count). */
#define REDUCER(NAME, T, op, A, M, INIT, STEP, RESULT)                                             \
    static void op##_init_##NAME(Accumulator *acc, size_t n)                                       \
    {                                                                                              \
        for (size_t j = 0; j < n; j++)                                                             \
            acc[j].M = INIT;                                                                       \
    }                                                                                              \
    static void op##_take_##NAME(Accumulator *acc, size_t n, const void *src, int64_t step,        \
                                 size_t n_terms)                                                   \
    {                                                                                              \
        const T *p = src;                                                                          \
        if (n == 1) { /* in a register */                                                          \
            A s = acc->M;                                                                          \
            for (size_t k = 0; k < n_terms; k++, p += step) {                                      \
                const A x = (A)*p;                                                                 \
                s = STEP;                                                                          \
            }                                                                                      \
            acc->M = s;                                                                            \
            return;                                                                                \
        }                                                                                          \
        for (size_t k = 0; k < n_terms; k++, p += step)                                            \
            for (size_t j = 0; j < n; j++) {                                                       \
                const A x = (A)p[j], s = acc[j].M;                                                 \
                acc[j].M = STEP;                                                                   \
            }                                                                                      \
    }                                                                                              \
    static void op##_finish_##NAME(void *dst, const Accumulator *acc, size_t n, size_t count)      \
    {                                                                                              \
        T *d = dst;                                                                                \
        for (size_t j = 0; j < n; j++) {                                                           \
            const A s = acc[j].M;                                                                  \
            d[j] = (T)(RESULT);                                                                    \
        }                                                                                          \
    }                                                                                              \
    static const Reducer op##_##NAME = {op##_init_##NAME, op##_take_##NAME, op##_finish_##NAME};

/* For every number type; signed integers go through unsigned arithmetic, which wraps. */
#define REDUCERS(op, INIT, STEP, FLOAT_RESULT, INT_RESULT)                                         \
    CR_FLOAT_TYPES(REDUCER, op, double, d, INIT, STEP, FLOAT_RESULT)                               \
    CR_SIGNED_TYPES(REDUCER, op, uint64_t, u, INIT, STEP, INT_RESULT)                              \
    CR_UNSIGNED_TYPES(REDUCER, op, uint64_t, u, INIT, STEP, INT_RESULT)

#define ABS_INT(x) ((int64_t)(x) < 0 ? 0 - (x) : (x))

REDUCERS(sum, 0, s + x, s, s)
REDUCERS(prod, 1, (s) * (x), s, s)
REDUCERS(sum_square, 0, s + x * x, s, s)
CR_FLOAT_TYPES(REDUCER, l2, double, d, 0, s + x * x, sqrt(s))
CR_FLOAT_TYPES(REDUCER, l1, double, d, 0, s + fabs(x), s)
CR_SIGNED_TYPES(REDUCER, l1, uint64_t, u, 0, s + ABS_INT(x), s)
CR_UNSIGNED_TYPES(REDUCER, l1, uint64_t, u, 0, s + x, s)
CR_FLOAT_TYPES(REDUCER, log_sum, double, d, 0, s + x, log(s))
CR_FLOAT_TYPES(REDUCER, mean, double, d, 0, s + x, s / (double)count)
CR_SIGNED_TYPES(REDUCER, mean, uint64_t, u, 0, s + x, count ? (int64_t)s / (int64_t)count : 0)
CR_UNSIGNED_TYPES(REDUCER, mean, uint64_t, u, 0, s + x, count ? s / count : 0)

/* NaN wins over every number: s != s keeps it, x != x takes it. */
#define EXTREMES(NAME, T, KIND, A, M)                                                              \
    REDUCER(NAME, T, max, A, M, LOWEST_##KIND(T), x > s || x != x ? x : s, s)                      \
    REDUCER(NAME, T, min, A, M, HIGHEST_##KIND(T), x < s || x != x ? x : s, s)
CR_FLOAT_TYPES(EXTREMES, FLOAT, double, d)
CR_SIGNED_TYPES(EXTREMES, SIGNED, int64_t, i)
CR_UNSIGNED_TYPES(EXTREMES, UNSIGNED, uint64_t, u)
EXTREMES(BOOL, uint8_t, BOOL, uint64_t, u) /* whether any is true, and whether all are */

static inline void
exp_sum_take(ExpSum *s, double x)
{
    if (x != x) {
        s->sum = x;
    } else if (x == -INFINITY || s->max == INFINITY) {
        return; /* adds nothing; nothing can be added */
    } else if (x <= s->max) {
        s->sum += exp(x - s->max);
    } else {
        s->sum = s->sum * exp(s->max - x) + 1;
        s->max = x;
    }
}

#define EXP_SUM(NAME, T, op)                                                                       \
    static void op##_init_##NAME(Accumulator *acc, size_t n)                                       \
    {                                                                                              \
        for (size_t j = 0; j < n; j++)                                                             \
            acc[j].e = (ExpSum){-INFINITY, 0};                                                     \
    }                                                                                              \
    static void op##_take_##NAME(Accumulator *acc, size_t n, const void *src, int64_t step,        \
                                 size_t n_terms)                                                   \
    {                                                                                              \
        const T *p = src;                                                                          \
        for (size_t k = 0; k < n_terms; k++, p += step)                                            \
            for (size_t j = 0; j < n; j++)                                                         \
                exp_sum_take(&acc[j].e, (double)p[j]);                                             \
    }                                                                                              \
    static void op##_finish_##NAME(void *dst, const Accumulator *acc, size_t n, size_t count)      \
    {                                                                                              \
        T *d = dst;                                                                                \
        for (size_t j = 0; j < n; j++)                                                             \
            d[j] = (T)(log(acc[j].e.sum) + acc[j].e.max);                                          \
    }                                                                                              \
    static const Reducer op##_##NAME = {op##_init_##NAME, op##_take_##NAME, op##_finish_##NAME};
CR_FLOAT_TYPES(EXP_SUM, log_sum_exp)

typedef const Reducer *Reducers[CR_N_DTYPES]; /* NULL: no such type */

#define ENTRY(NAME, T, op) [CONVRNN_DTYPE_##NAME] = &op##_##NAME,
static const Reducers reduce_sum = {CR_NUMBER_TYPES(ENTRY, sum)};
static const Reducers reduce_prod = {CR_NUMBER_TYPES(ENTRY, prod)};
static const Reducers reduce_sum_square = {CR_NUMBER_TYPES(ENTRY, sum_square)};
static const Reducers reduce_l1 = {CR_NUMBER_TYPES(ENTRY, l1)};
static const Reducers reduce_l2 = {CR_FLOAT_TYPES(ENTRY, l2)};
static const Reducers reduce_log_sum = {CR_FLOAT_TYPES(ENTRY, log_sum)};
static const Reducers reduce_log_sum_exp = {CR_FLOAT_TYPES(ENTRY, log_sum_exp)};
static const Reducers reduce_mean = {CR_NUMBER_TYPES(ENTRY, mean)};
static const Reducers reduce_max = {CR_NUMBER_TYPES(ENTRY, max) ENTRY(BOOL, uint8_t, max)};
static const Reducers reduce_min = {CR_NUMBER_TYPES(ENTRY, min) ENTRY(BOOL, uint8_t, min)};

typedef struct {
    const Reducer *reducer;
    CrWalk kept;    /* over the output; input strides */
    CrWalk reduced; /* over the elements of one output; input strides */
    bool rows;      /* the innermost axis is kept */
    size_t size, per_tile;
    int n_in;
} ReduceParams;

/* Which axes are reduced: those of input 1, else all, or none with noop_with_empty_axes. */
static bool
find_axes(const CrOpSetup *setup, bool reduced[CONVRNN_MAX_RANK], GError **error)
{
    int rank = setup->in[0].n_dims;
    bool any = false;

    if (cr_op_has_input(setup, 1)) {
        if (!cr_op_axes(setup, 1, rank, reduced, error))
            return false;
        for (int i = 0; i < rank; i++)
            any |= reduced[i];
    }
    if (!any)
        for (int i = 0; i < rank; i++)
            reduced[i] = cr_node_int(setup->node, "noop_with_empty_axes", 0) == 0;
    return true;
}

static bool
infer_reduce(CrOpSetup *setup, const Reducer *const *reducers, GError **error)
{
    const CrDesc *in = &setup->in[0];
    bool keep = cr_node_int(setup->node, "keepdims", 1) != 0, reduced[CONVRNN_MAX_RANK];
    int64_t dims[CONVRNN_MAX_RANK];
    int n = 0;

    if (!reducers[in->dtype])
        return cr_op_bad_dtype(setup, 0, error);
    if (!find_axes(setup, reduced, error))
        return false;
    for (int i = 0; i < in->n_dims; i++)
        if (!reduced[i] || keep)
            dims[n++] = reduced[i] ? 1 : in->dims[i];
    return cr_op_set_out(setup, 0, in->dtype, dims, n, error);
}

/* n outputs whose elements begin at `first`, first + 1, … of the input. */
static void
reduce_row(const ReduceParams *p, char *dst, const char *x, int64_t first, size_t n)
{
    Accumulator acc[ROW];
    CrWalker w;

    p->reducer->init(acc, n);
    cr_walker_init(&w, &p->reduced, 0, p->reduced.total);
    while (cr_walker_next(&w))
        p->reducer->take(acc, n, x + (first + w.offset[0]) * (int64_t)p->size,
                         cr_walk_step(&p->reduced, 0), w.n);
    p->reducer->finish(dst, acc, n, p->reduced.total);
}

static void
run_reduce(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const ReduceParams *p = step->params;
    int64_t along = cr_walk_step(&p->kept, 0);
    size_t begin, end, most = p->rows ? ROW : 1;
    CrWalker w;

    cr_tile_range(p->kept.total, p->per_tile, tile, &begin, &end);
    cr_walker_init(&w, &p->kept, begin, end);
    while (cr_walker_next(&w))
        for (size_t done = 0; done < w.n; done += most)
            reduce_row(p, (char *)io[p->n_in] + (w.out + done) * p->size, io[0],
                       w.offset[0] + (int64_t)done * along, MIN(w.n - done, most));
}

static bool
prepare_reduce(CrOpSetup *setup, const Reducer *const *reducers, CrStep *step, GError **error)
{
    const CrDesc *in = &setup->in[0];
    bool reduced[CONVRNN_MAX_RANK];
    int64_t strides[CONVRNN_MAX_RANK];
    ReduceParams *p = cr_op_params(setup, step, ReduceParams, error);

    if (!p || !find_axes(setup, reduced, error))
        return false;
    cr_strides(in, strides);
    cr_walk_init(&p->kept, 1);
    cr_walk_init(&p->reduced, 1);
    for (int i = 0; i < in->n_dims; i++)
        cr_walk_add(reduced[i] ? &p->reduced : &p->kept, in->dims[i], &strides[i]);
    cr_walk_finish(&p->kept);
    cr_walk_finish(&p->reduced);
    p->reducer = reducers[in->dtype];
    p->rows = p->kept.total > 1 && cr_walk_step(&p->kept, 0) == 1;
    p->size = convrnn_dtype_get_size(in->dtype);
    p->per_tile = MAX(CR_TILE_ELEMENTS / MAX(p->reduced.total, 1), p->rows ? ROW : 1);
    p->n_in = setup->n_in;
    step->run = run_reduce;
    step->n_tiles = cr_tile_count(p->kept.total, p->per_tile);
    step->kernel = "plain";
    return true;
}

static const CrAttrSpec reduce_attrs[] = {
    {"keepdims", CR_ATTR_INT}, {"noop_with_empty_axes", CR_ATTR_INT}, {NULL, CR_ATTR_INT}};

#define REDUCE(symbol, onnx_name)                                                                  \
    static bool infer_##symbol(CrOpSetup *setup, GError **error)                                   \
    {                                                                                              \
        return infer_reduce(setup, symbol, error);                                                 \
    }                                                                                              \
    static bool prepare_##symbol(CrOpSetup *setup, CrStep *step, GError **error)                   \
    {                                                                                              \
        return prepare_reduce(setup, symbol, step, error);                                         \
    }                                                                                              \
    const CrOp cr_op_##symbol = {                                                                  \
        .name = onnx_name,                                                                         \
        .min_in = 1,                                                                               \
        .max_in = 2,                                                                               \
        .min_out = 1,                                                                              \
        .max_out = 1,                                                                              \
        .attrs = reduce_attrs,                                                                     \
        .infer = infer_##symbol,                                                                   \
        .prepare = prepare_##symbol,                                                               \
    };

REDUCE(reduce_sum, "ReduceSum")
REDUCE(reduce_prod, "ReduceProd")
REDUCE(reduce_sum_square, "ReduceSumSquare")
REDUCE(reduce_l1, "ReduceL1")
REDUCE(reduce_l2, "ReduceL2")
REDUCE(reduce_log_sum, "ReduceLogSum")
REDUCE(reduce_log_sum_exp, "ReduceLogSumExp")
REDUCE(reduce_mean, "ReduceMean")
REDUCE(reduce_max, "ReduceMax")
REDUCE(reduce_min, "ReduceMin")
