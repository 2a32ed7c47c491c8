/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Expand, Tile, ConstantOfShape (onnx.ai/onnx/operators): a tensor or a value repeated. */
#include "ops/copy.h"
#include "ops/ops.h"
#include "ops/setup.h"
#include <string.h>

static bool
infer_expand(CrOpSetup *setup, GError **error)
{
    CrDesc wanted = {0};
    int64_t *dims, out[CONVRNN_MAX_RANK];
    int n, n_out;
    bool ok;

    if (!cr_op_ints(setup, 1, &dims, &n, error))
        return false;
    /* Through set_out, which checks rank and dimensions. */
    ok = cr_op_set_out(setup, 0, setup->in[0].dtype, dims, n, error);
    g_free(dims);
    if (!ok)
        return false;
    wanted = setup->out[0];
    if (!cr_broadcast(&setup->in[0], &wanted, out, &n_out)) {
        g_autofree char *from = cr_desc_to_string(&setup->in[0]), *to = cr_desc_to_string(&wanted);
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "a tensor of shape %s cannot be expanded to %s", from, to);
    }
    return cr_op_set_out(setup, 0, setup->in[0].dtype, out, n_out, error);
}

static bool
prepare_expand(CrOpSetup *setup, CrStep *step, GError **error)
{
    const CrDesc *in = &setup->in[0];
    CrCopy *copy = cr_copy_new(setup, step, error);

    if (!copy)
        return false;
    cr_walk_broadcast(&copy->walk, &setup->out[0], &in, 1);
    cr_copy_finish(copy, step);
    return true;
}

static bool
infer_tile(CrOpSetup *setup, GError **error)
{
    const CrDesc *in = &setup->in[0];
    int64_t *repeats, dims[CONVRNN_MAX_RANK];
    int n;
    bool ok = true;

    if (!cr_op_ints(setup, 1, &repeats, &n, error))
        return false;
    if (n != in->n_dims)
        ok = cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                         "input 1 lists %d repeats, but input 0 has rank %d", n, in->n_dims);
    for (int i = 0; i < n && ok; i++) {
        if (repeats[i] < 0 || repeats[i] > CR_MAX_DIM)
            ok = cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                             "repeat %d is %" G_GINT64_FORMAT ": it must be 0 to %d", i,
                             (gint64)repeats[i], CR_MAX_DIM);
        dims[i] = in->dims[i] * repeats[i];
    }
    ok = ok && cr_op_set_out(setup, 0, in->dtype, dims, n, error);
    g_free(repeats);
    return ok;
}

static bool
prepare_tile(CrOpSetup *setup, CrStep *step, GError **error)
{
    const CrDesc *in = &setup->in[0];
    int64_t strides[CONVRNN_MAX_RANK], none = 0;
    CrCopy *copy = cr_copy_new(setup, step, error);

    if (!copy)
        return false;
    cr_strides(in, strides);
    for (int i = 0; i < in->n_dims; i++) {
        cr_walk_add(&copy->walk, in->dims[i] ? setup->out[0].dims[i] / in->dims[i] : 0, &none);
        cr_walk_add(&copy->walk, in->dims[i], &strides[i]);
    }
    cr_copy_finish(copy, step);
    return true;
}

static bool
infer_constant_of_shape(CrOpSetup *setup, GError **error)
{
    const CrAttr *value = cr_node_attr(setup->node, "value");
    int64_t *dims;
    int n;
    bool ok;

    if (value && (value->type != CR_ATTR_TENSOR || value->tensor->n_elements != 1))
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "attribute \"value\" must be a tensor of one element");
    if (!cr_op_ints(setup, 0, &dims, &n, error))
        return false;
    ok = cr_op_set_out(setup, 0, value ? value->tensor->dtype : CONVRNN_DTYPE_FLOAT32, dims, n,
                       error);
    g_free(dims);
    return ok;
}

typedef struct {
    size_t size, total;
    uint64_t value; /* its first `size` bytes */
} FillParams;

static void
run_fill(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const FillParams *p = step->params;
    size_t begin, end;

    cr_tile_range(p->total, CR_TILE_ELEMENTS, tile, &begin, &end);
    cr_copy_run((char *)io[1] + begin * p->size, &p->value, 0, p->size, end - begin);
}

static bool
prepare_constant_of_shape(CrOpSetup *setup, CrStep *step, GError **error)
{
    const CrAttr *value = cr_node_attr(setup->node, "value");
    FillParams *p = cr_op_params(setup, step, FillParams, error);

    if (!p)
        return false;
    p->size = convrnn_dtype_get_size(setup->out[0].dtype);
    p->total = cr_desc_elements(&setup->out[0]);
    if (value)
        memcpy(&p->value, value->tensor->data, p->size);
    step->run = run_fill;
    step->n_tiles = cr_tile_count(p->total, CR_TILE_ELEMENTS);
    step->kernel = "plain";
    return true;
}

const CrOp cr_op_expand = {
    .name = "Expand",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .attrs = cr_op_no_attrs,
    .infer = infer_expand,
    .prepare = prepare_expand,
};

const CrOp cr_op_tile = {
    .name = "Tile",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .attrs = cr_op_no_attrs,
    .infer = infer_tile,
    .prepare = prepare_tile,
};

static const CrAttrSpec constant_of_shape_attrs[] = {{"value", CR_ATTR_TENSOR},
                                                     {NULL, CR_ATTR_INT}};

const CrOp cr_op_constant_of_shape = {
    .name = "ConstantOfShape",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .attrs = constant_of_shape_attrs,
    .infer = infer_constant_of_shape,
    .prepare = prepare_constant_of_shape,
};
