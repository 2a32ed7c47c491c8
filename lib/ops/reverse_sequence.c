/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ReverseSequence (onnx.ai/onnx/operators/onnx__ReverseSequence.html): for each batch b the first
 * sequence_lens[b] elements along the time axis backwards, the others as they are. A length that
 * does not fit is cut to the axis. */
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/tile.h"
#include <string.h>

/* x is (first, second, slice…); batch and time are the first and the second or the reverse. */
typedef struct {
    bool time_first;
    int64_t first, second, per_tile;
    size_t slice; /* bytes */
} ReverseSequence;

static bool
infer_reverse_sequence(CrOpSetup *setup, GError **error)
{
    const CrDesc *in = &setup->in[0];
    int64_t batch = cr_node_int(setup->node, "batch_axis", 1);
    int64_t time = cr_node_int(setup->node, "time_axis", 0);

    if (!cr_op_want_dtype(setup, 1, CONVRNN_DTYPE_INT64, error))
        return false;
    if (in->n_dims < 2)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "the input has rank %d, expected at least 2", in->n_dims);
    if (batch + time != 1 || batch < 0 || batch > 1)
        return cr_op_error(setup, CONVRNN_ERROR_FORMAT, error,
                           "batch_axis is %" G_GINT64_FORMAT " and time_axis %" G_GINT64_FORMAT
                           ", one must be 0 and the other 1",
                           batch, time);
    if (setup->in[1].n_dims != 1 || setup->in[1].dims[0] != in->dims[batch])
        return cr_op_bad_shapes(setup, 0, 1, error);
    return cr_op_like_input(setup, error);
}

static void
run_reverse_sequence(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const ReverseSequence *p = step->params;
    const int64_t *lengths = io[1];
    int64_t end = cr_tile_end(tile, p->per_tile, p->first * p->second);

    for (int64_t unit = tile * p->per_tile; unit < end; unit++) {
        int64_t first = unit / p->second, second = unit % p->second;
        int64_t time = p->time_first ? first : second, batch = p->time_first ? second : first;
        int64_t length = MIN(lengths[batch], p->time_first ? p->first : p->second);
        int64_t from = time < length ? length - 1 - time : time;
        int64_t at = p->time_first ? from * p->second + batch : batch * p->second + from;
        memcpy((char *)io[2] + (size_t)unit * p->slice, (const char *)io[0] + (size_t)at * p->slice,
               p->slice);
    }
}

static bool
prepare_reverse_sequence(CrOpSetup *setup, CrStep *step, GError **error)
{
    const CrDesc *in = &setup->in[0];
    ReverseSequence *p = cr_op_params(setup, step, ReverseSequence, error);
    int64_t elements = 1;

    if (!p)
        return false;
    for (int i = 2; i < in->n_dims; i++)
        elements *= in->dims[i];
    p->time_first = cr_node_int(setup->node, "time_axis", 0) == 0;
    p->first = in->dims[0];
    p->second = in->dims[1];
    p->slice = (size_t)elements * convrnn_dtype_get_size(in->dtype);
    step->n_tiles = cr_tile_cut(p->first * p->second, elements, &p->per_tile);
    step->run = run_reverse_sequence;
    step->kernel = "plain";
    return true;
}

static const CrAttrSpec reverse_sequence_attrs[] = {
    {"batch_axis", CR_ATTR_INT}, {"time_axis", CR_ATTR_INT}, {NULL, CR_ATTR_INT}};

const CrOp cr_op_reverse_sequence = {
    .name = "ReverseSequence",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .attrs = reverse_sequence_attrs,
    .infer = infer_reverse_sequence,
    .prepare = prepare_reverse_sequence,
};
