/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ScatterElements and ScatterND (onnx.ai/onnx/operators): a copy of x in which updates replace, or
 * are combined with, what the indices name:
 *     elements   y[indices[i][j][k]][j][k] ∘= updates[i][j][k]     (for axis 0)
 *     nd         y[indices[i…, 0], indices[i…, 1], …] ∘= updates[i…]
 * A negative index counts from the end; updates whose index lies outside are left out. They are
 * applied in row-major order, in a single tile: two may fall on the same place. */
#include "ops/ops.h"
#include "ops/runs.h"
#include "ops/setup.h"
#include "ops/walk.h"
#include <string.h>

/* Unsigned 64-bit arithmetic wraps for every integer type once it is cut to its width. */
CR_FLOAT_TYPES(CR_RUN2, add, x + y)
CR_INT_TYPES(CR_RUN2, add, (uint64_t)x + (uint64_t)y)
CR_FLOAT_TYPES(CR_RUN2, mul, (x) * (y))
CR_INT_TYPES(CR_RUN2, mul, (uint64_t)x *(uint64_t)y)
CR_NUMBER_TYPES(CR_RUN2, min, y < x || y != y ? y : x)
CR_NUMBER_TYPES(CR_RUN2, max, y > x || y != y ? y : x)

static const struct {
    const char *name;
    CrRun2 run[CR_N_DTYPES]; /* NULL: no such type */
} reductions[] = {
    {"add", {CR_NUMBER_TYPES(CR_TYPE_ENTRY, add)}},
    {"mul", {CR_NUMBER_TYPES(CR_TYPE_ENTRY, mul)}},
    {"min", {CR_NUMBER_TYPES(CR_TYPE_ENTRY, min)}},
    {"max", {CR_NUMBER_TYPES(CR_TYPE_ENTRY, max)}},
};

typedef struct {
    CrRun2 combine;                 /* NULL: replace */
    size_t size;                    /* bytes of an element */
    size_t total;                   /* elements of x */
    CrWalk walk;                    /* elements: over updates; x's strides, 0 along the axis */
    int64_t dim[CONVRNN_MAX_RANK];  /* of x, for each coordinate */
    int64_t step[CONVRNN_MAX_RANK]; /* elements */
    int depth;                      /* coordinates of one slice */
    size_t rows, slice;             /* nd: slices, and elements of one */
    bool wide;                      /* indices are int64 */
} Scatter;

/* The function that combines; *combine is NULL for the reduction "none". */
static bool
find_reduction(const CrOpSetup *setup, CrRun2 *combine, GError **error)
{
    const char *name = cr_node_string(setup->node, "reduction", "none");

    *combine = NULL;
    if (strcmp(name, "none") == 0)
        return true;
    for (size_t i = 0; i < G_N_ELEMENTS(reductions); i++) {
        if (strcmp(name, reductions[i].name) != 0)
            continue;
        *combine = reductions[i].run[setup->in[0].dtype];
        return *combine || cr_op_bad_dtype(setup, 0, error);
    }
    return cr_op_error(setup, CONVRNN_ERROR_FORMAT, error,
                       "reduction is \"%s\", must be none, add, mul, min or max", name);
}

static void
update(const Scatter *p, char *y, const char *updates, size_t n)
{
    if (p->combine)
        p->combine(y, y, updates, 1, 1, n);
    else
        memcpy(y, updates, n * p->size);
}

/* index in [0, dim), or -1. */
static int64_t
locate(int64_t index, int64_t dim)
{
    index = index < 0 ? index + dim : index;
    return index >= 0 && index < dim ? index : -1;
}

static Scatter *
prepare(CrOpSetup *setup, CrStep *step, CrRunFn run, GError **error)
{
    Scatter *p = cr_op_params(setup, step, Scatter, error);

    if (!p || !find_reduction(setup, &p->combine, error))
        return NULL;
    p->size = convrnn_dtype_get_size(setup->in[0].dtype);
    p->total = cr_desc_elements(&setup->in[0]);
    p->wide = setup->in[1].dtype == CONVRNN_DTYPE_INT64;
    step->run = run;
    step->n_tiles = 1;
    step->kernel = "plain";
    return p;
}

/* --- ScatterElements --- */

static bool
infer_scatter_elements(CrOpSetup *setup, GError **error)
{
    const CrDesc *x = &setup->in[0], *indices = &setup->in[1];
    bool fits = x->n_dims == indices->n_dims;
    CrRun2 combine;
    int axis;

    if (!cr_op_same_dtype(setup, 0, 2, error) || !find_reduction(setup, &combine, error) ||
        !cr_op_axis(setup, cr_node_int(setup->node, "axis", 0), x->n_dims, &axis, error))
        return false;
    if (indices->dtype != CONVRNN_DTYPE_INT32 &&
        !cr_op_want_dtype(setup, 1, CONVRNN_DTYPE_INT64, error))
        return false;
    for (int i = 0; i < x->n_dims && fits; i++)
        fits = i == axis || indices->dims[i] <= x->dims[i];
    if (!fits)
        return cr_op_bad_shapes(setup, 0, 1, error);
    if (!cr_desc_same_shape(indices, &setup->in[2]))
        return cr_op_bad_shapes(setup, 1, 2, error);
    return cr_op_like_input(setup, error);
}

static void
run_scatter_elements(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const Scatter *p = step->params;
    int64_t along = cr_walk_step(&p->walk, 0);
    CrWalker w;

    memcpy(io[3], io[0], p->total * p->size);
    cr_walker_init(&w, &p->walk, 0, p->walk.total);
    while (cr_walker_next(&w)) {
        for (size_t i = 0; i < w.n; i++) {
            size_t from = w.out + i;
            int64_t index =
                p->wide ? ((const int64_t *)io[1])[from] : ((const int32_t *)io[1])[from];
            index = locate(index, p->dim[0]);
            if (index < 0)
                continue;
            int64_t at = w.offset[0] + (int64_t)i * along + index * p->step[0];
            update(p, (char *)io[3] + (size_t)at * p->size, (const char *)io[2] + from * p->size,
                   1);
        }
    }
}

static bool
prepare_scatter_elements(CrOpSetup *setup, CrStep *step, GError **error)
{
    const CrDesc *x = &setup->in[0];
    int64_t strides[CONVRNN_MAX_RANK];
    Scatter *p = prepare(setup, step, run_scatter_elements, error);
    int axis;

    if (!p || !cr_op_axis(setup, cr_node_int(setup->node, "axis", 0), x->n_dims, &axis, error))
        return false;
    cr_strides(x, strides);
    p->dim[0] = x->dims[axis];
    p->step[0] = strides[axis];
    strides[axis] = 0;
    cr_walk_init(&p->walk, 1);
    for (int i = 0; i < x->n_dims; i++)
        cr_walk_add(&p->walk, setup->in[1].dims[i], &strides[i]);
    cr_walk_finish(&p->walk);
    return true;
}

/* --- ScatterND --- */

static bool
infer_scatter_nd(CrOpSetup *setup, GError **error)
{
    const CrDesc *x = &setup->in[0], *indices = &setup->in[1], *updates = &setup->in[2];
    int depth = indices->n_dims > 0 && indices->dims[indices->n_dims - 1] <= x->n_dims
                    ? (int)indices->dims[indices->n_dims - 1]
                    : -1;
    int head = indices->n_dims - 1;
    bool fits = depth >= 1 && updates->n_dims == head + x->n_dims - depth;
    CrRun2 combine;

    if (!cr_op_want_dtype(setup, 1, CONVRNN_DTYPE_INT64, error) ||
        !cr_op_same_dtype(setup, 0, 2, error) || !find_reduction(setup, &combine, error))
        return false;
    if (depth < 1)
        return cr_op_bad_shapes(setup, 0, 1, error);
    for (int i = 0; fits && i < updates->n_dims; i++)
        fits = updates->dims[i] == (i < head ? indices->dims[i] : x->dims[depth + i - head]);
    return fits ? cr_op_like_input(setup, error) : cr_op_bad_shapes(setup, 1, 2, error);
}

static void
run_scatter_nd(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const Scatter *p = step->params;
    const int64_t *indices = io[1];

    memcpy(io[3], io[0], p->total * p->size);
    for (size_t row = 0; row < p->rows; row++, indices += p->depth) {
        int64_t at = 0;
        bool inside = true;
        for (int i = 0; i < p->depth; i++) {
            int64_t index = locate(indices[i], p->dim[i]);
            inside = inside && index >= 0;
            at += index * p->step[i];
        }
        if (inside)
            update(p, (char *)io[3] + (size_t)at * p->size,
                   (const char *)io[2] + row * p->slice * p->size, p->slice);
    }
}

static bool
prepare_scatter_nd(CrOpSetup *setup, CrStep *step, GError **error)
{
    const CrDesc *x = &setup->in[0], *indices = &setup->in[1];
    int64_t strides[CONVRNN_MAX_RANK];
    Scatter *p = prepare(setup, step, run_scatter_nd, error);

    if (!p)
        return false;
    cr_strides(x, strides);
    p->depth = (int)indices->dims[indices->n_dims - 1];
    memcpy(p->dim, x->dims, sizeof p->dim);
    memcpy(p->step, strides, sizeof p->step);
    p->slice = 1;
    for (int i = p->depth; i < x->n_dims; i++)
        p->slice *= (size_t)x->dims[i];
    p->rows = cr_desc_elements(indices) / (size_t)p->depth;
    return true;
}

static const CrAttrSpec scatter_elements_attrs[] = {
    {"axis", CR_ATTR_INT}, {"reduction", CR_ATTR_STRING}, {NULL, CR_ATTR_INT}};
static const CrAttrSpec scatter_nd_attrs[] = {{"reduction", CR_ATTR_STRING}, {NULL, CR_ATTR_INT}};

const CrOp cr_op_scatter_elements = {
    .name = "ScatterElements",
    .min_in = 3,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .attrs = scatter_elements_attrs,
    .infer = infer_scatter_elements,
    .prepare = prepare_scatter_elements,
};

const CrOp cr_op_scatter_nd = {
    .name = "ScatterND",
    .min_in = 3,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .attrs = scatter_nd_attrs,
    .infer = infer_scatter_nd,
    .prepare = prepare_scatter_nd,
};
