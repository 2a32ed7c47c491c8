/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Add, Sub, Mul, Div, Mod, PRelu, Min, Max, Sum, Mean (onnx.ai/onnx/operators): y = x0 ∘ x1 ∘ x2 …,
 * from left to right, with numpy broadcasting.
 *
 * Integers wrap. An integer divided by 0 gives 0, and so does its remainder. Min and Max of a NaN
 * are NaN. Mod has the sign of the divisor, or with fmod=1 that of the dividend. */
#include "kernels/kernels.h"
#include "ops/ops.h"
#include "ops/runs.h"
#include "ops/setup.h"
#include "ops/walk.h"
#include <math.h>
#include <string.h>

/* A scalar operand is repeated into a run of this many floats for the vector kernels. */
#define REPEAT 256

#define NO_KERNEL (-1)

typedef struct {
    CrRun2 run[CR_N_DTYPES]; /* NULL: no such type */
    int kernel;              /* CrBinary for float32, or NO_KERNEL */
    bool mean;
} Fold;

/* Unsigned 64-bit arithmetic wraps for every integer type once it is cut to its width. */
#define WRAP(x) ((uint64_t)(x))

static int64_t
floor_mod(int64_t x, int64_t y)
{
    int64_t rest = y == 0 || y == -1 ? 0 : x % y;
    return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
}

static double
floor_mod_float(double x, double y)
{
    double rest = fmod(x, y);
    return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
}

CR_FLOAT_TYPES(CR_RUN2, add, x + y)
CR_FLOAT_TYPES(CR_RUN2, sub, x - y)
CR_FLOAT_TYPES(CR_RUN2, mul, (x) * (y))
CR_FLOAT_TYPES(CR_RUN2, div, x / y)
CR_INT_TYPES(CR_RUN2, add, WRAP(x) + WRAP(y))
CR_INT_TYPES(CR_RUN2, sub, WRAP(x) - WRAP(y))
CR_INT_TYPES(CR_RUN2, mul, WRAP(x) * WRAP(y))
/* The smallest number divided by −1 does not fit either: it wraps to itself. */
CR_SIGNED_TYPES(CR_RUN2, div, y == 0 ? 0 : y == -1 ? 0 - WRAP(x) : WRAP(x / y))
CR_UNSIGNED_TYPES(CR_RUN2, div, y == 0 ? 0 : x / y)
CR_NUMBER_TYPES(CR_RUN2, max, x > y || x != x ? x : y)
CR_NUMBER_TYPES(CR_RUN2, min, x < y || x != x ? x : y)

CR_SIGNED_TYPES(CR_RUN2, fmod, y == 0 || y == -1 ? 0 : x % y)
CR_UNSIGNED_TYPES(CR_RUN2, fmod, y == 0 ? 0 : x % y)
CR_FLOAT_TYPES(CR_RUN2, fmod, fmod(x, y))
CR_SIGNED_TYPES(CR_RUN2, mod, floor_mod(x, y))
CR_UNSIGNED_TYPES(CR_RUN2, mod, y == 0 ? 0 : x % y)
CR_FLOAT_TYPES(CR_RUN2, mod, floor_mod_float(x, y))
CR_FLOAT_TYPES(CR_RUN2, prelu, x < 0 ? x * y : x)
CR_SIGNED_TYPES(CR_RUN2, prelu, x < 0 ? WRAP(x) * WRAP(y) : WRAP(x))

static const Fold add = {{CR_NUMBER_TYPES(CR_TYPE_ENTRY, add)}, CR_BINARY_ADD, false};
static const Fold sub = {{CR_NUMBER_TYPES(CR_TYPE_ENTRY, sub)}, CR_BINARY_SUB, false};
static const Fold mul = {{CR_NUMBER_TYPES(CR_TYPE_ENTRY, mul)}, CR_BINARY_MUL, false};
static const Fold divide = {{CR_NUMBER_TYPES(CR_TYPE_ENTRY, div)}, CR_BINARY_DIV, false};
static const Fold mod = {{CR_NUMBER_TYPES(CR_TYPE_ENTRY, mod)}, NO_KERNEL, false};
static const Fold fmod_like_c = {{CR_NUMBER_TYPES(CR_TYPE_ENTRY, fmod)}, NO_KERNEL, false};
static const Fold prelu = {
    {CR_FLOAT_TYPES(CR_TYPE_ENTRY, prelu) CR_SIGNED_TYPES(CR_TYPE_ENTRY, prelu)}, NO_KERNEL, false};
static const Fold min = {{CR_NUMBER_TYPES(CR_TYPE_ENTRY, min)}, CR_BINARY_MIN, false};
static const Fold max = {{CR_NUMBER_TYPES(CR_TYPE_ENTRY, max)}, CR_BINARY_MAX, false};
static const Fold sum = {{CR_FLOAT_TYPES(CR_TYPE_ENTRY, add)}, CR_BINARY_ADD, false};
static const Fold mean = {{CR_FLOAT_TYPES(CR_TYPE_ENTRY, add)}, CR_BINARY_ADD, true};

typedef struct {
    CrRun2 run;
    CrBinaryFn kernel; /* float32 only, else NULL */
    CrRun2 scale;      /* Mean's division, else NULL */
    size_t size;       /* bytes per element */
    size_t total;
    int n_in;
    union {
        float f32;
        double f64;
    } count;
    CrWalk walk[]; /* n_in − 1: (x0, x1), (y, x2), (y, x3) … */
} FoldParams;

static bool
infer_fold(CrOpSetup *setup, const Fold *fold, GError **error)
{
    ConvRnnDType dtype = setup->in[0].dtype;
    CrDesc shape = setup->in[0];

    for (int i = 0; i < setup->n_in; i++) {
        if (!cr_op_want_dtype(setup, i, dtype, error))
            return false;
        if (!fold->run[dtype])
            return cr_op_bad_dtype(setup, i, error);
        if (!cr_broadcast(&shape, &setup->in[i], shape.dims, &shape.n_dims))
            return cr_op_bad_shapes(setup, 0, i, error);
    }
    return cr_op_set_out(setup, 0, dtype, shape.dims, shape.n_dims, error);
}

/* A scalar of a float32 run becomes a short row, so that the vector kernels serve it too. */
static void
run_scalar(CrBinaryFn kernel, float *dst, const float *a, const float *b, bool a_repeats, size_t n)
{
    float row[REPEAT], scalar = a_repeats ? *a : *b;

    for (size_t i = 0; i < MIN(n, REPEAT); i++)
        row[i] = scalar;
    for (size_t done = 0; done < n; done += REPEAT)
        kernel(dst + done, a_repeats ? row : a + done, a_repeats ? b + done : row,
               MIN(n - done, REPEAT));
}

static void
run_pair(const FoldParams *p, const CrWalk *walk, char *dst, const char *a, const char *b,
         size_t begin, size_t end)
{
    int64_t sa = cr_walk_step(walk, 0), sb = cr_walk_step(walk, 1);
    bool vector = p->kernel && (sa | sb) == 1; /* both 0 or 1, not both 0 */
    CrWalker w;

    cr_walker_init(&w, walk, begin, end);
    while (cr_walker_next(&w)) {
        char *to = dst + w.out * p->size;
        const char *from_a = a + w.offset[0] * (int64_t)p->size;
        const char *from_b = b + w.offset[1] * (int64_t)p->size;
        if (!vector)
            p->run(to, from_a, from_b, sa, sb, w.n);
        else if (sa == sb)
            p->kernel((float *)to, (const float *)from_a, (const float *)from_b, w.n);
        else
            run_scalar(p->kernel, (float *)to, (const float *)from_a, (const float *)from_b,
                       sa == 0, w.n);
    }
}

static void
run_fold(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const FoldParams *p = step->params;
    char *y = io[p->n_in];
    size_t begin, end;

    cr_tile_range(p->total, CR_TILE_ELEMENTS, tile, &begin, &end);
    if (p->n_in == 1)
        memcpy(y + begin * p->size, (const char *)io[0] + begin * p->size, (end - begin) * p->size);
    for (int i = 1; i < p->n_in; i++)
        run_pair(p, &p->walk[i - 1], y, i == 1 ? io[0] : y, io[i], begin, end);
    if (p->scale)
        p->scale(y + begin * p->size, y + begin * p->size, &p->count, 1, 0, end - begin);
}

static bool
prepare_fold(CrOpSetup *setup, const Fold *fold, CrStep *step, GError **error)
{
    const CrDesc *out = &setup->out[0];
    size_t walks = sizeof(CrWalk) * (size_t)(setup->n_in - 1);
    FoldParams *p =
        cr_region_alloc(setup->region, 1, sizeof(FoldParams) + walks, setup->node->name, error);
    if (!p)
        return false;
    p->run = fold->run[out->dtype];
    if (out->dtype == CONVRNN_DTYPE_FLOAT32 && fold->kernel != NO_KERNEL)
        p->kernel = setup->kernels->binary[fold->kernel];
    if (fold->mean) {
        p->scale = divide.run[out->dtype];
        if (out->dtype == CONVRNN_DTYPE_FLOAT32)
            p->count.f32 = (float)setup->n_in;
        else
            p->count.f64 = setup->n_in;
    }
    p->size = convrnn_dtype_get_size(out->dtype);
    p->total = cr_desc_elements(out);
    p->n_in = setup->n_in;
    for (int i = 1; i < setup->n_in; i++) {
        const CrDesc *pair[] = {i == 1 ? &setup->in[0] : out, &setup->in[i]};
        cr_walk_broadcast(&p->walk[i - 1], out, pair, 2);
    }
    step->run = run_fold;
    step->params = p;
    step->n_tiles = cr_tile_count(p->total, CR_TILE_ELEMENTS);
    step->kernel = p->kernel ? setup->kernels->name : "plain";
    return true;
}

static const CrAttrSpec mod_attrs[] = {{"fmod", CR_ATTR_INT}, {NULL, CR_ATTR_INT}};

static const Fold *
find_mod(const CrOpSetup *setup)
{
    return cr_node_int(setup->node, "fmod", 0) ? &fmod_like_c : &mod;
}

#define FOLD(symbol, onnx_name, fold, min_inputs, max_inputs, attributes)                          \
    static bool infer_##symbol(CrOpSetup *setup, GError **error)                                   \
    {                                                                                              \
        return infer_fold(setup, fold, error);                                                     \
    }                                                                                              \
    static bool prepare_##symbol(CrOpSetup *setup, CrStep *step, GError **error)                   \
    {                                                                                              \
        return prepare_fold(setup, fold, step, error);                                             \
    }                                                                                              \
    const CrOp cr_op_##symbol = {                                                                  \
        .name = onnx_name,                                                                         \
        .min_in = min_inputs,                                                                      \
        .max_in = max_inputs,                                                                      \
        .min_out = 1,                                                                              \
        .max_out = 1,                                                                              \
        .attrs = attributes,                                                                       \
        .infer = infer_##symbol,                                                                   \
        .prepare = prepare_##symbol,                                                               \
    };

FOLD(add, "Add", &add, 2, 2, cr_op_no_attrs)
FOLD(sub, "Sub", &sub, 2, 2, cr_op_no_attrs)
FOLD(mul, "Mul", &mul, 2, 2, cr_op_no_attrs)
FOLD(div, "Div", &divide, 2, 2, cr_op_no_attrs)
FOLD(mod, "Mod", find_mod(setup), 2, 2, mod_attrs)
FOLD(prelu, "PRelu", &prelu, 2, 2, cr_op_no_attrs)
FOLD(min, "Min", &min, 1, -1, cr_op_no_attrs)
FOLD(max, "Max", &max, 1, -1, cr_op_no_attrs)
FOLD(sum, "Sum", &sum, 1, -1, cr_op_no_attrs)
FOLD(mean, "Mean", &mean, 1, -1, cr_op_no_attrs)
