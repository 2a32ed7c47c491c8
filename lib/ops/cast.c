/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cast (onnx.ai/onnx/operators/onnx__Cast.html); what happens to numbers that do not fit is said in
 * convert.h. */
#include "ops/convert.h"
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/walk.h"

typedef struct {
    CrConvert convert;
    size_t total;
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
                           "bfloat16 and complex numbers are not supported)",
                           (gint64)to);
    if (in->dtype == CONVRNN_DTYPE_UNDEFINED)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error, "input 0 is missing");
    return cr_op_set_out(setup, 0, (ConvRnnDType)to, in->dims, in->n_dims, error);
}

static void
run_cast(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const CastParams *p = step->params;
    size_t begin, end;

    cr_tile_range(p->total, CR_TILE_ELEMENTS, tile, &begin, &end);
    cr_convert_run(&p->convert, (char *)io[1] + begin * p->convert.dst_size,
                   (const char *)io[0] + begin * p->convert.src_size, 1, end - begin);
}

static bool
prepare_cast(CrOpSetup *setup, CrStep *step, GError **error)
{
    CastParams *p = cr_op_params(setup, step, CastParams, error);

    if (!p)
        return false;
    cr_convert_init(&p->convert, setup->in[0].dtype, setup->out[0].dtype);
    p->total = cr_desc_elements(&setup->in[0]);
    step->run = run_cast;
    step->n_tiles = cr_tile_count(p->total, CR_TILE_ELEMENTS);
    step->kernel = "plain";
    return true;
}

/* saturate speaks of the 8-bit floats only, which do not exist here. */
static const CrAttrSpec cast_attrs[] = {
    {"to", CR_ATTR_INT}, {"saturate", CR_ATTR_INT}, {NULL, CR_ATTR_INT}};

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
