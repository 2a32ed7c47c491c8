/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Concat and Split (onnx.ai/onnx/operators): a whole [outer][axis · inner] and its parts
 * [outer][axis of the part · inner]. One copies parts to the whole, the other the whole to parts.
 */
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/walk.h"
#include <string.h>

#define TILE_BYTES (4 * CR_TILE_ELEMENTS)

typedef struct {
    int n_parts, first_part, whole; /* places in io[] */
    bool split;
    size_t total; /* bytes of the whole */
    size_t row;   /* bytes of one outer row of the whole */
    size_t at[];  /* [n_parts + 1] where each part begins in such a row */
} JoinParams;

static bool
infer_concat(CrOpSetup *setup, GError **error)
{
    const CrDesc *first = &setup->in[0];
    CrDesc out = *first;
    int axis;

    if (!cr_op_axis(setup, cr_node_int(setup->node, "axis", 0), first->n_dims, &axis, error))
        return false;
    for (int i = 1; i < setup->n_in; i++) {
        const CrDesc *in = &setup->in[i];
        bool fits = in->n_dims == first->n_dims;
        if (!cr_op_same_dtype(setup, 0, i, error))
            return false;
        for (int d = 0; d < first->n_dims && fits; d++)
            fits = d == axis || in->dims[d] == first->dims[d];
        if (!fits)
            return cr_op_bad_shapes(setup, 0, i, error);
        out.dims[axis] += in->dims[axis]; /* at most CR_MAX_NODE_IO times CR_MAX_DIM */
    }
    return cr_op_set_out(setup, 0, out.dtype, out.dims, out.n_dims, error);
}

/* Sizes of a Split's parts along the axis: as listed by input 1, or even ones, the last smaller. */
static bool
split_sizes(const CrOpSetup *setup, int64_t dim, int64_t *sizes, GError **error)
{
    int64_t *list, sum = 0, even;
    int n;

    if (!cr_op_has_input(setup, 1)) {
        int64_t wanted = cr_node_int(setup->node, "num_outputs", setup->n_out);
        if (wanted != setup->n_out)
            return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                               "num_outputs is %" G_GINT64_FORMAT ", but the node has %d outputs",
                               (gint64)wanted, setup->n_out);
        even = (dim + setup->n_out - 1) / setup->n_out;
        for (int i = 0; i < setup->n_out; i++)
            sizes[i] = CLAMP(dim - i * even, 0, even);
        return true;
    }
    if (!cr_op_ints(setup, 1, &list, &n, error))
        return false;
    for (int i = 0; i < n && i < setup->n_out && sum <= dim; i++) {
        sizes[i] = list[i];
        sum = list[i] < 0 || list[i] > dim ? dim + 1 : sum + list[i];
    }
    g_free(list);
    if (n == setup->n_out && sum == dim)
        return true;
    return cr_op_error(
        setup, CONVRNN_ERROR_SHAPE, error,
        "input 1 lists %d sizes for %d outputs; they must be 0 or more and add up to "
        "the dimension %" G_GINT64_FORMAT,
        n, setup->n_out, (gint64)dim);
}

static bool
infer_split(CrOpSetup *setup, GError **error)
{
    CrDesc part = setup->in[0];
    int64_t *sizes;
    int axis;
    bool ok;

    if (!cr_op_axis(setup, cr_node_int(setup->node, "axis", 0), part.n_dims, &axis, error))
        return false;
    sizes = g_new(int64_t, setup->n_out);
    ok = split_sizes(setup, part.dims[axis], sizes, error);
    for (int i = 0; i < setup->n_out && ok; i++) {
        part.dims[axis] = sizes[i];
        ok = cr_op_set_out(setup, i, part.dtype, part.dims, part.n_dims, error);
    }
    g_free(sizes);
    return ok;
}

/* Copies bytes [begin, end) of the whole, piece by piece. */
static void
run_join(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const JoinParams *p = step->params;
    char *whole = io[p->whole];
    size_t begin, end, outer, within;
    int part = 0;

    cr_tile_range(p->total, TILE_BYTES, tile, &begin, &end);
    outer = begin / p->row;
    within = begin % p->row;
    while (begin < end) {
        while (within >= p->at[part + 1])
            part++;
        size_t size = p->at[part + 1] - p->at[part], from = within - p->at[part];
        size_t n = MIN(size - from, end - begin);
        char *piece = io[p->first_part + part];
        if (piece && p->split)
            memcpy(piece + outer * size + from, whole + begin, n);
        else if (piece)
            memcpy(whole + begin, piece + outer * size + from, n);
        begin += n;
        within += n;
        if (within == p->row) {
            within = 0;
            part = 0;
            outer++;
        }
    }
}

static bool
prepare_join(CrOpSetup *setup, CrStep *step, bool split, GError **error)
{
    const CrDesc *whole = split ? &setup->in[0] : &setup->out[0];
    const CrDesc *parts = split ? setup->out : setup->in;
    int axis, n_parts = split ? setup->n_out : setup->n_in;
    size_t inner = convrnn_dtype_get_size(whole->dtype);
    JoinParams *p =
        cr_region_alloc(setup->region, 1, sizeof(*p) + sizeof(size_t) * ((size_t)n_parts + 1),
                        setup->node->name, error);

    if (!p || !cr_op_axis(setup, cr_node_int(setup->node, "axis", 0), whole->n_dims, &axis, error))
        return false;
    for (int d = axis + 1; d < whole->n_dims; d++)
        inner *= (size_t)whole->dims[d];
    for (int i = 0; i < n_parts; i++)
        p->at[i + 1] = p->at[i] + (size_t)parts[i].dims[axis] * inner;
    p->split = split;
    p->n_parts = n_parts;
    p->whole = split ? 0 : setup->n_in;
    p->first_part = split ? setup->n_in : 0;
    p->row = p->at[n_parts];
    p->total = cr_desc_bytes(whole);
    step->run = run_join;
    step->params = p;
    step->n_tiles = cr_tile_count(p->total, TILE_BYTES);
    step->kernel = "plain";
    return true;
}

static bool
prepare_concat(CrOpSetup *setup, CrStep *step, GError **error)
{
    return prepare_join(setup, step, false, error);
}

static bool
prepare_split(CrOpSetup *setup, CrStep *step, GError **error)
{
    return prepare_join(setup, step, true, error);
}

static const CrAttrSpec concat_attrs[] = {{"axis", CR_ATTR_INT}, {NULL, CR_ATTR_INT}};
static const CrAttrSpec split_attrs[] = {
    {"axis", CR_ATTR_INT}, {"num_outputs", CR_ATTR_INT}, {NULL, CR_ATTR_INT}};

const CrOp cr_op_concat = {
    .name = "Concat",
    .min_in = 1,
    .max_in = -1,
    .min_out = 1,
    .max_out = 1,
    .attrs = concat_attrs,
    .infer = infer_concat,
    .prepare = prepare_concat,
};

const CrOp cr_op_split = {
    .name = "Split",
    .min_in = 1,
    .max_in = 2,
    .min_out = 1,
    .max_out = CR_MAX_NODE_IO,
    .attrs = split_attrs,
    .infer = infer_split,
    .prepare = prepare_split,
};
