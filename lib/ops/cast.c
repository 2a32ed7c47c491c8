/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cast and CastLike (onnx.ai/onnx/operators/onnx__Cast.html); what happens to numbers that do not
 * fit is said in convert.h. The attribute "via", which no file has, names a 16-bit floating point
 * type of ONNX: the result is float32 with just the numbers that this type has. */
#include "core/half.h"
#include "ops/convert.h"
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/walk.h"

#define VIA_FLOAT16  10
#define VIA_BFLOAT16 16

typedef struct {
    CrConvert convert;
    size_t total;
    int64_t via; /* 0: nothing */
} CastParams;

static bool
infer_cast(CrOpSetup *setup, GError **error)
{
    const CrDesc *in = &setup->in[0];
    int64_t to = cr_node_int(setup->node, "to", CONVRNN_DTYPE_UNDEFINED);

    if (to < 0 || to > CONVRNN_DTYPE_UINT64 || convrnn_dtype_get_size((ConvRnnDType)to) == 0)
        return cr_op_error(setup, CONVRNN_ERROR_UNSUPPORTED, error,
                           "attribute \"to\" is %" G_GINT64_FORMAT
                           ", which is no supported element type (ONNX numbers them; strings, "
                           "bytes of floating point and complex numbers are not supported)",
                           (gint64)to);
    if (in->dtype == CONVRNN_DTYPE_UNDEFINED)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error, "input 0 is missing");
    return cr_op_set_out(setup, 0, (ConvRnnDType)to, in->dims, in->n_dims, error);
}

static bool
infer_cast_like(CrOpSetup *setup, GError **error)
{
    const CrDesc *in = &setup->in[0];

    for (int i = 0; i < 2; i++)
        if (!cr_op_has_input(setup, i))
            return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error, "input %d is missing", i);
    return cr_op_set_out(setup, 0, setup->in[1].dtype, in->dims, in->n_dims, error);
}

static void
run_cast(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const CastParams *p = step->params;
    size_t begin, end;

    cr_tile_range(p->total, CR_TILE_ELEMENTS, tile, &begin, &end);
    cr_convert_run(&p->convert, (char *)io[step->n_in] + begin * p->convert.dst_size,
                   (const char *)io[0] + begin * p->convert.src_size, 1, end - begin);
    float *y = (float *)io[step->n_in];
    if (p->via == VIA_FLOAT16)
        for (size_t i = begin; i < end; i++)
            y[i] = cr_float_round_to_half(y[i]);
    else if (p->via == VIA_BFLOAT16)
        for (size_t i = begin; i < end; i++)
            y[i] = cr_float_round_to_bfloat16(y[i]);
}

static bool
prepare_cast(CrOpSetup *setup, CrStep *step, GError **error)
{
    CastParams *p = cr_op_params(setup, step, CastParams, error);

    if (!p)
        return false;
    cr_convert_init(&p->convert, setup->in[0].dtype, setup->out[0].dtype);
    p->total = cr_desc_elements(&setup->in[0]);
    if (setup->out[0].dtype == CONVRNN_DTYPE_FLOAT32)
        p->via = cr_node_int(setup->node, "via", 0);
    step->run = run_cast;
    step->n_tiles = cr_tile_count(p->total, CR_TILE_ELEMENTS);
    step->kernel = "plain";
    return true;
}

/* saturate speaks of the 8-bit floats only, which do not exist here. */
static const CrAttrSpec cast_attrs[] = {
    {"to", CR_ATTR_INT}, {"saturate", CR_ATTR_INT}, {"via", CR_ATTR_INT}, {NULL, CR_ATTR_INT}};

const CrOp cr_op_cast = {
    .name = "Cast",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .attrs = cast_attrs,
    .infer = infer_cast,
    .prepare = prepare_cast,
};

const CrOp cr_op_cast_like = {
    .name = "CastLike",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .attrs = cr_op_no_attrs,
    .infer = infer_cast_like,
    .prepare = prepare_cast,
};
