/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* NonZero and Compress (onnx.ai/onnx/operators): results as large as the data say, so what decides
 * it must be known when the session starts: the input of NonZero, the condition of Compress. */
#include "ops/convert.h"
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/walk.h"
#include <string.h>

/* What a tensor says: each element as a bool. */
typedef struct {
    CrConvert to_bool;
    size_t n;
} Flags;

static Flags
flags_of(ConvRnnDType dtype, size_t n)
{
    Flags flags = {.n = n};
    cr_convert_init(&flags.to_bool, dtype, CONVRNN_DTYPE_BOOL);
    return flags;
}

static bool
is_set(const Flags *flags, const void *data, size_t i)
{
    uint8_t set;
    cr_convert_run(&flags->to_bool, &set, (const char *)data + i * flags->to_bool.src_size, 1, 1);
    return set != 0;
}

static size_t
count_set(const ConvRnnTensor *tensor)
{
    Flags flags = flags_of(tensor->dtype, tensor->n_elements);
    size_t count = 0;
    for (size_t i = 0; i < flags.n; i++)
        count += is_set(&flags, tensor->data, i);
    return count;
}

/* --- NonZero: the coordinates of each such element, (rank, number of them) --- */

typedef struct {
    Flags flags;
    CrDesc shape;
    size_t count;
} NonZero;

static bool
infer_non_zero(CrOpSetup *setup, GError **error)
{
    const ConvRnnTensor *x = setup->value[0];

    if (!cr_op_has_input(setup, 0))
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error, "input 0 is missing");
    if (!x)
        return cr_op_needs_constant(setup, 0, error);
    /* A scalar counts as a vector of one. */
    int64_t dims[] = {MAX(x->n_dims, 1), (int64_t)count_set(x)};
    return cr_op_set_out(setup, 0, CONVRNN_DTYPE_INT64, dims, 2, error);
}

static void
run_non_zero(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const NonZero *p = step->params;
    int64_t *y = io[1];
    size_t k = 0;

    for (size_t i = 0; i < p->flags.n; i++) {
        size_t rest = i;
        if (!is_set(&p->flags, io[0], i))
            continue;
        y[k] = 0; /* of a scalar */
        for (int axis = p->shape.n_dims - 1; axis >= 0; axis--) {
            size_t dim = (size_t)p->shape.dims[axis];
            y[(size_t)axis * p->count + k] = (int64_t)(rest % dim);
            rest /= dim;
        }
        k++;
    }
}

static bool
prepare_non_zero(CrOpSetup *setup, CrStep *step, GError **error)
{
    NonZero *p = cr_op_params(setup, step, NonZero, error);

    if (!p)
        return false;
    p->shape = setup->in[0];
    p->flags = flags_of(p->shape.dtype, cr_desc_elements(&p->shape));
    p->count = (size_t)setup->out[0].dims[1];
    step->run = run_non_zero;
    step->n_tiles = 1;
    step->kernel = "plain";
    return true;
}

/* --- Compress: the slices of an axis, or of the flattened input, where the condition holds --- */

typedef struct {
    int64_t *kept;      /* positions along the axis */
    size_t n_kept, n;   /* of them; and of positions that the input has */
    size_t rows, slice; /* n_kept slices of `slice` bytes make a row */
} Compress;

/* The axis as one of [outer][n][inner]; -1 means all of it. */
static bool
find_axis(const CrOpSetup *setup, int *axis, GError **error)
{
    if (cr_node_attr(setup->node, "axis"))
        return cr_op_axis(setup, cr_node_int(setup->node, "axis", 0), setup->in[0].n_dims, axis,
                          error);
    *axis = -1;
    return true;
}

static bool
infer_compress(CrOpSetup *setup, GError **error)
{
    const CrDesc *in = &setup->in[0];
    int64_t dims[CONVRNN_MAX_RANK], n;
    int axis;

    if (!cr_op_want_dtype(setup, 1, CONVRNN_DTYPE_BOOL, error) || !find_axis(setup, &axis, error))
        return false;
    if (!setup->value[1])
        return cr_op_needs_constant(setup, 1, error);
    n = axis < 0 ? (int64_t)cr_desc_elements(in) : in->dims[axis];
    if (setup->in[1].n_dims != 1 || setup->in[1].dims[0] > n)
        return cr_op_bad_shapes(setup, 0, 1, error);
    memcpy(dims, in->dims, sizeof dims);
    dims[MAX(axis, 0)] = (int64_t)count_set(setup->value[1]);
    return cr_op_set_out(setup, 0, in->dtype, dims, axis < 0 ? 1 : in->n_dims, error);
}

static void
run_compress(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const Compress *p = step->params;
    char *y = io[2];

    for (size_t row = 0; row < p->rows; row++)
        for (size_t i = 0; i < p->n_kept; i++, y += p->slice)
            memcpy(y, (const char *)io[0] + (row * p->n + (size_t)p->kept[i]) * p->slice, p->slice);
}

static bool
prepare_compress(CrOpSetup *setup, CrStep *step, GError **error)
{
    const CrDesc *in = &setup->in[0];
    const ConvRnnTensor *condition = setup->value[1];
    Compress *p = cr_op_params(setup, step, Compress, error);
    int axis;

    if (!p || !find_axis(setup, &axis, error))
        return false;
    p->kept = cr_region_alloc(setup->region, condition->n_elements, sizeof(int64_t),
                              setup->node->name, error);
    if (!p->kept)
        return false;
    Flags flags = flags_of(condition->dtype, condition->n_elements);
    for (size_t i = 0; i < flags.n; i++)
        if (is_set(&flags, condition->data, i))
            p->kept[p->n_kept++] = (int64_t)i;
    p->rows = 1;
    p->slice = convrnn_dtype_get_size(in->dtype);
    for (int i = 0; i < axis; i++)
        p->rows *= (size_t)in->dims[i];
    for (int i = axis < 0 ? in->n_dims : axis + 1; i < in->n_dims; i++)
        p->slice *= (size_t)in->dims[i];
    p->n = axis < 0 ? cr_desc_elements(in) : (size_t)in->dims[axis];
    step->run = run_compress;
    step->n_tiles = 1;
    step->kernel = "plain";
    return true;
}

static const CrAttrSpec compress_attrs[] = {{"axis", CR_ATTR_INT}, {NULL, CR_ATTR_INT}};

const CrOp cr_op_non_zero = {
    .name = "NonZero",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .attrs = cr_op_no_attrs,
    .infer = infer_non_zero,
    .prepare = prepare_non_zero,
};

const CrOp cr_op_compress = {
    .name = "Compress",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .attrs = compress_attrs,
    .infer = infer_compress,
    .prepare = prepare_compress,
};
