/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Dropout (onnx.ai/onnx/operators/onnx__Dropout.html) as it is after training: the data unchanged,
 * and a mask that is true everywhere. */
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/walk.h"
#include <string.h>

typedef struct {
    size_t size, total;
    int n_in;
    bool mask;
} DropoutParams;

/* Training with a ratio of 0 drops nothing either. */
static bool
drops_nothing(const CrOpSetup *setup)
{
    const ConvRnnTensor *ratio = setup->value[1];

    return ratio && ratio->n_elements == 1 &&
           ((ratio->dtype == CONVRNN_DTYPE_FLOAT32 && *(const float *)ratio->data == 0) ||
            (ratio->dtype == CONVRNN_DTYPE_FLOAT64 && *(const double *)ratio->data == 0));
}

static bool
infer_dropout(CrOpSetup *setup, GError **error)
{
    const CrDesc *in = &setup->in[0];

    if (cr_op_has_input(setup, 2)) {
        if (!cr_op_want_dtype(setup, 2, CONVRNN_DTYPE_BOOL, error))
            return false;
        if (!setup->value[2])
            return cr_op_needs_constant(setup, 2, error);
        if (setup->value[2]->n_elements != 1 ||
            (*(const uint8_t *)setup->value[2]->data && !drops_nothing(setup)))
            return cr_op_error(setup, CONVRNN_ERROR_UNSUPPORTED, error,
                               "training_mode is not false; export the network in evaluation mode");
    }
    return cr_op_like_input(setup, error) &&
           (!cr_op_has_output(setup, 1) ||
            cr_op_set_out(setup, 1, CONVRNN_DTYPE_BOOL, in->dims, in->n_dims, error));
}

static void
run_dropout(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const DropoutParams *p = step->params;
    void *const *out = io + p->n_in;
    size_t begin, end;

    cr_tile_range(p->total, CR_TILE_ELEMENTS, tile, &begin, &end);
    if (out[0])
        memcpy((char *)out[0] + begin * p->size, (const char *)io[0] + begin * p->size,
               (end - begin) * p->size);
    if (p->mask)
        memset((uint8_t *)out[1] + begin, 1, end - begin);
}

static bool
prepare_dropout(CrOpSetup *setup, CrStep *step, GError **error)
{
    DropoutParams *p = cr_op_params(setup, step, DropoutParams, error);

    if (!p)
        return false;
    p->size = convrnn_dtype_get_size(setup->in[0].dtype);
    p->total = cr_desc_elements(&setup->in[0]);
    p->n_in = setup->n_in;
    p->mask = cr_op_has_output(setup, 1);
    step->run = run_dropout;
    step->n_tiles = cr_tile_count(p->total, CR_TILE_ELEMENTS);
    step->kernel = "plain";
    return true;
}

/* Neither means anything after training. */
static const CrAttrSpec dropout_attrs[] = {
    {"seed", CR_ATTR_INT}, {"ratio", CR_ATTR_FLOAT}, {NULL, CR_ATTR_INT}};

const CrOp cr_op_dropout = {
    .name = "Dropout",
    .min_in = 1,
    .max_in = 3,
    .min_out = 1,
    .max_out = 2,
    .attrs = dropout_attrs,
    .infer = infer_dropout,
    .prepare = prepare_dropout,
};
