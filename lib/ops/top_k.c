/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* TopK (onnx.ai/onnx/operators/onnx__TopK.html): the k largest or smallest elements of each line
 * along an axis, best first, and their indices. Of equal ones the first comes first; a NaN counts
 * as larger than any number. The result is sorted whether it must be or not.
 *
 * The k best seen so far lie in the outputs as a heap with the worst of them on top. */
#include "ops/lines.h"
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/types.h"
#include <math.h>

/* One line: n elements of x → k values and indices, all `stride` apart; 1 ≤ k ≤ n. */
typedef void (*TopFn)(void *values, int64_t *indices, const void *x, size_t n, size_t k,
                      size_t stride, bool largest);

/* worse: whether (a, i) comes after (b, j) in the result.
 * sift: lets the hole `at` of a heap of k entries sink to where (value, index) belongs. */
#define TOP(NAME, T, op)                                                                           \
    static bool worse_##NAME(T a, int64_t i, T b, int64_t j, bool largest)                         \
    {                                                                                              \
        bool a_nan = isnan((double)a), b_nan = isnan((double)b);                                   \
        if (a_nan != b_nan)                                                                        \
            return largest ? b_nan : a_nan;                                                        \
        if (a == b || a_nan)                                                                       \
            return i > j;                                                                          \
        return largest ? a < b : a > b;                                                            \
    }                                                                                              \
    static void sift_##NAME(T *v, int64_t *at, size_t stride, size_t k, T value, int64_t index,    \
                            bool largest)                                                          \
    {                                                                                              \
        size_t hole = 0;                                                                           \
        for (size_t child; (child = 2 * hole + 1) < k; hole = child) {                             \
            size_t l = child * stride, r = l + stride;                                             \
            if (child + 1 < k && worse_##NAME(v[r], at[r], v[l], at[l], largest)) {                \
                child++;                                                                           \
                l = r;                                                                             \
            }                                                                                      \
            if (!worse_##NAME(v[l], at[l], value, index, largest))                                 \
                break;                                                                             \
            v[hole * stride] = v[l];                                                               \
            at[hole * stride] = at[l];                                                             \
        }                                                                                          \
        v[hole * stride] = value;                                                                  \
        at[hole * stride] = index;                                                                 \
    }                                                                                              \
    static void rise_##NAME(T *v, int64_t *at, size_t stride, size_t hole, T value, int64_t index, \
                            bool largest)                                                          \
    {                                                                                              \
        for (; hole > 0; hole = (hole - 1) / 2) {                                                  \
            size_t parent = (hole - 1) / 2 * stride;                                               \
            if (!worse_##NAME(value, index, v[parent], at[parent], largest))                       \
                break;                                                                             \
            v[hole * stride] = v[parent];                                                          \
            at[hole * stride] = at[parent];                                                        \
        }                                                                                          \
        v[hole * stride] = value;                                                                  \
        at[hole * stride] = index;                                                                 \
    }                                                                                              \
    static void op##_##NAME(void *values, int64_t *indices, const void *src, size_t n, size_t k,   \
                            size_t stride, bool largest)                                           \
    {                                                                                              \
        const T *x = src;                                                                          \
        T *v = values;                                                                             \
        for (size_t i = 0; i < n; i++) {                                                           \
            T value = x[i * stride];                                                               \
            if (i < k)                                                                             \
                rise_##NAME(v, indices, stride, i, value, (int64_t)i, largest);                    \
            else if (worse_##NAME(v[0], indices[0], value, (int64_t)i, largest))                   \
                sift_##NAME(v, indices, stride, k, value, (int64_t)i, largest);                    \
        }                                                                                          \
        for (size_t last = k; last-- > 1;) {                                                       \
            T value = v[last * stride];                                                            \
            int64_t index = indices[last * stride];                                                \
            v[last * stride] = v[0];                                                               \
            indices[last * stride] = indices[0];                                                   \
            sift_##NAME(v, indices, stride, last, value, index, largest);                          \
        }                                                                                          \
    }
CR_NUMBER_TYPES(TOP, top)

static const TopFn tops[CR_N_DTYPES] = {CR_NUMBER_TYPES(CR_TYPE_ENTRY, top)};

typedef struct {
    TopFn top;
    CrLines lines; /* of x */
    size_t k, size;
    bool largest;
} TopK;

static bool
read_k(const CrOpSetup *setup, int64_t dim, int64_t *k, GError **error)
{
    int64_t *values;
    int n;
    bool ok = true;

    if (!cr_op_ints(setup, 1, &values, &n, error))
        return false;
    if (n != 1)
        ok = cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                         "input 1, k, has %d elements, expected 1", n);
    else if (values[0] < 0 || values[0] > dim)
        ok = cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                         "k is %" G_GINT64_FORMAT ", must be within 0 and the dimension's size, "
                         "%" G_GINT64_FORMAT,
                         values[0], dim);
    *k = values[0];
    g_free(values);
    return ok;
}

static bool
infer_top_k(CrOpSetup *setup, GError **error)
{
    const CrDesc *x = &setup->in[0];
    int64_t dims[CONVRNN_MAX_RANK], k;
    int axis;

    if (!tops[x->dtype])
        return cr_op_bad_dtype(setup, 0, error);
    if (!cr_op_axis(setup, cr_node_int(setup->node, "axis", -1), x->n_dims, &axis, error) ||
        !read_k(setup, x->dims[axis], &k, error))
        return false;
    for (int i = 0; i < x->n_dims; i++)
        dims[i] = i == axis ? k : x->dims[i];
    return cr_op_set_out(setup, 0, x->dtype, dims, x->n_dims, error) &&
           (setup->n_out < 2 ||
            cr_op_set_out(setup, 1, CONVRNN_DTYPE_INT64, dims, x->n_dims, error));
}

static void
run_top_k(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const TopK *p = step->params;
    size_t begin, end;

    cr_tile_range(p->lines.count, p->lines.per_tile, tile, &begin, &end);
    for (size_t line = begin; line < end; line++) {
        size_t from = cr_lines_at(&p->lines, line, p->lines.n);
        size_t to = cr_lines_at(&p->lines, line, p->k);
        p->top((char *)io[2] + to * p->size, (int64_t *)io[3] + to,
               (const char *)io[0] + from * p->size, p->lines.n, p->k, p->lines.stride, p->largest);
    }
}

static bool
prepare_top_k(CrOpSetup *setup, CrStep *step, GError **error)
{
    const CrDesc *x = &setup->in[0];
    TopK *p = cr_op_params(setup, step, TopK, error);
    int axis;

    if (!p || !cr_op_axis(setup, cr_node_int(setup->node, "axis", -1), x->n_dims, &axis, error))
        return false;
    p->top = tops[x->dtype];
    p->lines = cr_lines(x, axis);
    p->k = (size_t)setup->out[0].dims[axis];
    p->size = convrnn_dtype_get_size(x->dtype);
    p->largest = cr_node_int(setup->node, "largest", 1) != 0;
    step->run = run_top_k;
    step->n_tiles = p->k ? cr_tile_count(p->lines.count, p->lines.per_tile) : 0;
    step->kernel = "plain";
    return true;
}

static const CrAttrSpec top_k_attrs[] = {
    {"axis", CR_ATTR_INT}, {"largest", CR_ATTR_INT}, {"sorted", CR_ATTR_INT}, {NULL, CR_ATTR_INT}};

const CrOp cr_op_top_k = {
    .name = "TopK",
    .min_in = 2,
    .max_in = 2,
    .min_out = 2,
    .max_out = 2,
    .attrs = top_k_attrs,
    .infer = infer_top_k,
    .prepare = prepare_top_k,
};
