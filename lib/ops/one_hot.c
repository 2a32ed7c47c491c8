/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* OneHot (onnx.ai/onnx/operators/onnx__OneHot.html): a new axis of `depth` elements, on-value at
 * the index that the input holds and off-value elsewhere. A negative index counts from the end; one
 * that lies outside is nowhere. */
#include "ops/convert.h"
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/walk.h"
#include <string.h>

typedef struct {
    CrConvert index; /* to int64 */
    size_t depth, inner;
    size_t total; /* elements of y */
    size_t size;  /* bytes of one */
} OneHot;

/* The depth, a number of any type. */
static bool
read_depth(const CrOpSetup *setup, int64_t *depth, GError **error)
{
    const ConvRnnTensor *tensor = setup->value[1];
    CrConvert convert;

    if (!cr_op_has_input(setup, 1))
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error, "input 1 is missing");
    if (!tensor)
        return cr_op_needs_constant(setup, 1, error);
    if (tensor->n_elements != 1)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "input 1, the depth, has %" G_GSIZE_FORMAT " elements, expected 1",
                           tensor->n_elements);
    cr_convert_init(&convert, tensor->dtype, CONVRNN_DTYPE_INT64);
    cr_convert_run(&convert, depth, tensor->data, 1, 1);
    if (*depth < 1)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "the depth is %" G_GINT64_FORMAT ", must be at least 1", *depth);
    return true;
}

static bool
infer_one_hot(CrOpSetup *setup, GError **error)
{
    const CrDesc *in = &setup->in[0];
    int64_t dims[CONVRNN_MAX_RANK + 1], depth;
    int axis;

    if (in->dtype == CONVRNN_DTYPE_BOOL)
        return cr_op_bad_dtype(setup, 0, error);
    if (!read_depth(setup, &depth, error) ||
        !cr_op_axis(setup, cr_node_int(setup->node, "axis", -1), in->n_dims + 1, &axis, error))
        return false;
    if (!cr_op_has_input(setup, 2) || setup->in[2].n_dims != 1 || setup->in[2].dims[0] != 2)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "input 2 must be the off-value and the on-value, 2 elements");
    for (int i = 0; i <= in->n_dims; i++)
        dims[i] = i < axis ? in->dims[i] : i == axis ? depth : in->dims[i - 1];
    return cr_op_set_out(setup, 0, setup->in[2].dtype, dims, in->n_dims + 1, error);
}

static void
run_one_hot(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const OneHot *p = step->params;
    const char *off = io[2], *on = off + p->size;
    size_t begin, end;

    cr_tile_range(p->total, CR_TILE_ELEMENTS, tile, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        size_t at = i / p->inner / p->depth * p->inner + i % p->inner;
        int64_t index;
        cr_convert_run(&p->index, &index, (const char *)io[0] + at * p->index.src_size, 1, 1);
        if (index < 0)
            index += (int64_t)p->depth;
        bool hot = index == (int64_t)(i / p->inner % p->depth);
        memcpy((char *)io[3] + i * p->size, hot ? on : off, p->size);
    }
}

static bool
prepare_one_hot(CrOpSetup *setup, CrStep *step, GError **error)
{
    const CrDesc *in = &setup->in[0], *out = &setup->out[0];
    OneHot *p = cr_op_params(setup, step, OneHot, error);
    int axis;

    if (!p || !cr_op_axis(setup, cr_node_int(setup->node, "axis", -1), out->n_dims, &axis, error) ||
        !cr_convert_init(&p->index, in->dtype, CONVRNN_DTYPE_INT64))
        return false;
    p->depth = (size_t)out->dims[axis];
    p->inner = 1;
    for (int i = axis + 1; i < out->n_dims; i++)
        p->inner *= (size_t)out->dims[i];
    p->total = cr_desc_elements(out);
    p->size = convrnn_dtype_get_size(out->dtype);
    step->run = run_one_hot;
    step->n_tiles = cr_tile_count(p->total, CR_TILE_ELEMENTS);
    step->kernel = "plain";
    return true;
}

static const CrAttrSpec one_hot_attrs[] = {{"axis", CR_ATTR_INT}, {NULL, CR_ATTR_INT}};

const CrOp cr_op_one_hot = {
    .name = "OneHot",
    .min_in = 3,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .attrs = one_hot_attrs,
    .infer = infer_one_hot,
    .prepare = prepare_one_hot,
};
