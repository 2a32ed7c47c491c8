/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Equal, Greater, Less, GreaterOrEqual, LessOrEqual, And, Or, Xor (onnx.ai/onnx/operators): two
 * inputs of one type, numpy broadcasting, a bool for each element. */
#include "ops/ops.h"
#include "ops/runs.h"
#include "ops/setup.h"
#include "ops/walk.h"

#define TEST(NAME, T, op, EXPR) CR_RUN2_TO(NAME, T, op, uint8_t, EXPR)
#define TEST_BOOL(op, EXPR)     TEST(BOOL, uint8_t, op, EXPR)
#define BOOL_ENTRY(op)          CR_TYPE_ENTRY(BOOL, uint8_t, op)

CR_NUMBER_TYPES(TEST, equal, x == y)
CR_NUMBER_TYPES(TEST, greater, x > y)
CR_NUMBER_TYPES(TEST, less, x < y)
CR_NUMBER_TYPES(TEST, greater_or_equal, x >= y)
CR_NUMBER_TYPES(TEST, less_or_equal, x <= y)
TEST_BOOL(equal, !x == !y)
TEST_BOOL(and, x &&y)
TEST_BOOL(or, x || y)
TEST_BOOL(xor, !x != !y)

typedef CrRun2 Test[CR_N_DTYPES]; /* NULL: no such type */

static const Test equal = {CR_NUMBER_TYPES(CR_TYPE_ENTRY, equal) BOOL_ENTRY(equal)};
static const Test greater = {CR_NUMBER_TYPES(CR_TYPE_ENTRY, greater)};
static const Test less = {CR_NUMBER_TYPES(CR_TYPE_ENTRY, less)};
static const Test greater_or_equal = {CR_NUMBER_TYPES(CR_TYPE_ENTRY, greater_or_equal)};
static const Test less_or_equal = {CR_NUMBER_TYPES(CR_TYPE_ENTRY, less_or_equal)};
static const Test logical_and = {BOOL_ENTRY(and)};
static const Test logical_or = {BOOL_ENTRY(or)};
static const Test logical_xor = {BOOL_ENTRY(xor)};

typedef struct {
    CrRun2 run;
    size_t size; /* bytes per input element */
    CrWalk walk;
} CompareParams;

static bool
infer_compare(CrOpSetup *setup, const CrRun2 *test, GError **error)
{
    int64_t dims[CONVRNN_MAX_RANK];
    int n_dims;

    if (!cr_op_same_dtype(setup, 0, 1, error))
        return false;
    if (!test[setup->in[0].dtype])
        return cr_op_bad_dtype(setup, 0, error);
    if (!cr_broadcast(&setup->in[0], &setup->in[1], dims, &n_dims))
        return cr_op_bad_shapes(setup, 0, 1, error);
    return cr_op_set_out(setup, 0, CONVRNN_DTYPE_BOOL, dims, n_dims, error);
}

static void
run_compare(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const CompareParams *p = step->params;
    int64_t size = (int64_t)p->size;
    size_t begin, end;
    CrWalker w;

    cr_tile_range(p->walk.total, CR_TILE_ELEMENTS, tile, &begin, &end);
    cr_walker_init(&w, &p->walk, begin, end);
    while (cr_walker_next(&w))
        p->run((uint8_t *)io[2] + w.out, (const char *)io[0] + w.offset[0] * size,
               (const char *)io[1] + w.offset[1] * size, cr_walk_step(&p->walk, 0),
               cr_walk_step(&p->walk, 1), w.n);
}

static bool
prepare_compare(CrOpSetup *setup, const CrRun2 *test, CrStep *step, GError **error)
{
    const CrDesc *in[] = {&setup->in[0], &setup->in[1]};
    CompareParams *p = cr_op_params(setup, step, CompareParams, error);

    if (!p)
        return false;
    p->run = test[setup->in[0].dtype];
    p->size = convrnn_dtype_get_size(setup->in[0].dtype);
    cr_walk_broadcast(&p->walk, &setup->out[0], in, 2);
    step->run = run_compare;
    step->n_tiles = cr_tile_count(p->walk.total, CR_TILE_ELEMENTS);
    step->kernel = "plain";
    return true;
}

#define COMPARE(symbol, onnx_name, test)                                                           \
    static bool infer_##symbol(CrOpSetup *setup, GError **error)                                   \
    {                                                                                              \
        return infer_compare(setup, test, error);                                                  \
    }                                                                                              \
    static bool prepare_##symbol(CrOpSetup *setup, CrStep *step, GError **error)                   \
    {                                                                                              \
        return prepare_compare(setup, test, step, error);                                          \
    }                                                                                              \
    const CrOp cr_op_##symbol = {                                                                  \
        .name = onnx_name,                                                                         \
        .min_in = 2,                                                                               \
        .max_in = 2,                                                                               \
        .min_out = 1,                                                                              \
        .max_out = 1,                                                                              \
        .attrs = cr_op_no_attrs,                                                                   \
        .infer = infer_##symbol,                                                                   \
        .prepare = prepare_##symbol,                                                               \
    };

COMPARE(equal, "Equal", equal)
COMPARE(greater, "Greater", greater)
COMPARE(less, "Less", less)
COMPARE(greater_or_equal, "GreaterOrEqual", greater_or_equal)
COMPARE(less_or_equal, "LessOrEqual", less_or_equal)
COMPARE(and, "And", logical_and)
COMPARE(or, "Or", logical_or)
COMPARE(xor, "Xor", logical_xor)
