/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Trilu (onnx.ai/onnx/operators/onnx__Trilu.html): the upper (upper=1) or lower triangle of the
 * matrices in the last two dimensions, zero elsewhere. The triangle's edge is the diagonal k: k
 * columns to the right of the main one. */
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/tile.h"
#include <string.h>

typedef struct {
    int64_t rows, columns; /* of one matrix */
    int64_t k;             /* cut to what moves the edge at all */
    int64_t units, per_tile;
    size_t size; /* bytes of an element */
    bool upper;
} Trilu;

static bool
find_diagonal(const CrOpSetup *setup, int64_t *k, GError **error)
{
    int64_t *values;
    int n;
    bool ok;

    *k = 0;
    if (!cr_op_has_input(setup, 1))
        return true;
    if (!cr_op_ints(setup, 1, &values, &n, error))
        return false;
    ok = n == 1 || cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                               "input 1, the diagonal, has %d elements, expected 1", n);
    if (ok)
        *k = CLAMP(values[0], -CR_MAX_DIM, CR_MAX_DIM);
    g_free(values);
    return ok;
}

static bool
infer_trilu(CrOpSetup *setup, GError **error)
{
    int64_t k;

    if (setup->in[0].n_dims < 2)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                           "the input has rank %d, a matrix has at least 2", setup->in[0].n_dims);
    return find_diagonal(setup, &k, error) && cr_op_like_input(setup, error);
}

static void
run_trilu(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const Trilu *p = step->params;
    int64_t end = cr_tile_end(tile, p->per_tile, p->units);
    size_t line = (size_t)p->columns * p->size;

    for (int64_t unit = tile * p->per_tile; unit < end; unit++) {
        /* Columns before the edge belong to the lower triangle. */
        int64_t row = unit % p->rows;
        int64_t edge = CLAMP(row + p->k + (p->upper ? 0 : 1), 0, p->columns);
        size_t low = (size_t)edge * p->size;
        const char *x = (const char *)io[0] + (size_t)unit * line;
        char *y = (char *)io[step->n_in] + (size_t)unit * line;
        if (p->upper) {
            memset(y, 0, low);
            memcpy(y + low, x + low, line - low);
        } else {
            memcpy(y, x, low);
            memset(y + low, 0, line - low);
        }
    }
}

static bool
prepare_trilu(CrOpSetup *setup, CrStep *step, GError **error)
{
    const CrDesc *in = &setup->in[0];
    Trilu *p = cr_op_params(setup, step, Trilu, error);

    if (!p || !find_diagonal(setup, &p->k, error))
        return false;
    p->rows = in->dims[in->n_dims - 2];
    p->columns = in->dims[in->n_dims - 1];
    p->units = p->columns ? (int64_t)cr_desc_elements(in) / p->columns : 0;
    p->size = convrnn_dtype_get_size(in->dtype);
    p->upper = cr_node_int(setup->node, "upper", 1) != 0;
    step->n_tiles = cr_tile_cut(p->units, p->columns, &p->per_tile);
    step->run = run_trilu;
    step->kernel = "plain";
    return true;
}

static const CrAttrSpec trilu_attrs[] = {{"upper", CR_ATTR_INT}, {NULL, CR_ATTR_INT}};

const CrOp cr_op_trilu = {
    .name = "Trilu",
    .min_in = 1,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .attrs = trilu_attrs,
    .infer = infer_trilu,
    .prepare = prepare_trilu,
};
