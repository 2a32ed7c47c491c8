/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* EyeLike (onnx.ai/onnx/operators/onnx__EyeLike.html): ones on diagonal k of a matrix of the
 * input's shape, zeros elsewhere. */
#include "ops/convert.h"
#include "ops/ops.h"
#include "ops/setup.h"
#include <string.h>

typedef struct {
    int64_t rows, columns, k;
    size_t size;
    uint64_t one; /* the element's bytes */
} EyeLike;

static bool
infer_eye_like(CrOpSetup *setup, GError **error)
{
    const CrDesc *in = &setup->in[0];
    int64_t dtype = cr_node_int(setup->node, "dtype", in->dtype);

    if (in->n_dims != 2)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error, "the input has rank %d, expected 2",
                           in->n_dims);
    if (dtype < 0 || dtype > CONVRNN_DTYPE_UINT64 ||
        convrnn_dtype_get_size((ConvRnnDType)dtype) == 0)
        return cr_op_error(setup, CONVRNN_ERROR_UNSUPPORTED, error,
                           "attribute \"dtype\" is %" G_GINT64_FORMAT
                           ", which is no supported element type",
                           (gint64)dtype);
    return cr_op_set_out(setup, 0, (ConvRnnDType)dtype, in->dims, 2, error);
}

static void
run_eye_like(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const EyeLike *p = step->params;
    char *y = io[step->n_in];

    memset(y, 0, (size_t)(p->rows * p->columns) * p->size);
    for (int64_t row = 0; row < p->rows; row++)
        if (row + p->k >= 0 && row + p->k < p->columns)
            memcpy(y + (size_t)(row * p->columns + row + p->k) * p->size, &p->one, p->size);
}

static bool
prepare_eye_like(CrOpSetup *setup, CrStep *step, GError **error)
{
    const CrDesc *out = &setup->out[0];
    EyeLike *p = cr_op_params(setup, step, EyeLike, error);
    CrConvert convert;

    if (!p || !cr_convert_init(&convert, CONVRNN_DTYPE_INT64, out->dtype))
        return false;
    cr_convert_run(&convert, &p->one, &(int64_t){1}, 1, 1);
    p->rows = out->dims[0];
    p->columns = out->dims[1];
    p->k = CLAMP(cr_node_int(setup->node, "k", 0), -CR_MAX_DIM, CR_MAX_DIM);
    p->size = convrnn_dtype_get_size(out->dtype);
    step->run = run_eye_like;
    step->n_tiles = 1;
    step->kernel = "plain";
    return true;
}

static const CrAttrSpec eye_like_attrs[] = {
    {"dtype", CR_ATTR_INT}, {"k", CR_ATTR_INT}, {NULL, CR_ATTR_INT}};

const CrOp cr_op_eye_like = {
    .name = "EyeLike",
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .flags = CR_OP_SHAPE_ONLY,
    .attrs = eye_like_attrs,
    .infer = infer_eye_like,
    .prepare = prepare_eye_like,
};
