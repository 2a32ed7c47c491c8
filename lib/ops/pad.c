/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pad (onnx.ai/onnx/operators/onnx__Pad.html): constant, reflect, edge and wrap; negative pads cut
 * off.
 *
 * A table per axis says which input index each output index shows, or that it shows the constant.
 * An output row is then a short stretch before, a contiguous copy, and a short stretch after. */
#include "ops/copy.h"
#include "ops/ops.h"
#include "ops/setup.h"
#include <string.h>

#define OUTSIDE (-1) /* shows the constant */

typedef enum { MODE_CONSTANT, MODE_REFLECT, MODE_EDGE, MODE_WRAP } Mode;

typedef struct {
    int n_dims; /* at least 1 */
    int64_t dims[CONVRNN_MAX_RANK], strides[CONVRNN_MAX_RANK];
    const int32_t *table[CONVRNN_MAX_RANK]; /* [dims[i]] input index or OUTSIDE */
    int64_t copy_begin, copy_end;           /* of an output row: where the table counts up by one */
    size_t size;
    size_t rows, per_tile;
    int n_in;
} PadParams;

static bool
read_mode(const CrOpSetup *setup, Mode *mode, GError **error)
{
    static const char *const names[] = {"constant", "reflect", "edge", "wrap"};
    const char *name = cr_node_string(setup->node, "mode", "constant");

    *mode = MODE_CONSTANT; /* gcc -O3 does not see that nobody looks at it after an error */
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        if (strcmp(name, names[i]) == 0) {
            *mode = (Mode)i;
            return true;
        }
    return cr_op_error(setup, CONVRNN_ERROR_UNSUPPORTED, error,
                       "mode \"%s\" is none of constant, reflect, edge and wrap", name);
}

/* Pads before and after each dimension, from inputs 1 (pads) and 3 (axes). */
static bool
read_pads(const CrOpSetup *setup, int64_t *before, int64_t *after, GError **error)
{
    int rank = setup->in[0].n_dims, n, n_axes = rank, axis;
    bool used[CONVRNN_MAX_RANK] = {false};
    int64_t *pads, *axes = NULL;
    bool ok = true;

    if (cr_op_has_input(setup, 3) && !cr_op_ints(setup, 3, &axes, &n_axes, error))
        return false;
    if (!cr_op_ints(setup, 1, &pads, &n, error)) {
        g_free(axes);
        return false;
    }
    if (n != 2 * n_axes)
        ok = cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                         "input 1 lists %d pads, expected %d: two for each of %d axes", n,
                         2 * n_axes, n_axes);
    for (int i = 0; i < rank; i++)
        before[i] = after[i] = 0;
    for (int i = 0; i < n_axes && ok; i++) {
        if (!(ok = cr_op_axis(setup, axes ? axes[i] : i, rank, &axis, error)))
            break;
        if (used[axis] || pads[i] < -CR_MAX_DIM || pads[i] > CR_MAX_DIM ||
            pads[n_axes + i] < -CR_MAX_DIM || pads[n_axes + i] > CR_MAX_DIM)
            ok = cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                             "axis %d comes twice, or its pads are out of range", axis);
        used[axis] = true;
        before[axis] = pads[i];
        after[axis] = pads[n_axes + i];
    }
    g_free(axes);
    g_free(pads);
    return ok;
}

static bool
infer_pad(CrOpSetup *setup, GError **error)
{
    const CrDesc *in = &setup->in[0];
    int64_t before[CONVRNN_MAX_RANK], after[CONVRNN_MAX_RANK], dims[CONVRNN_MAX_RANK];
    Mode mode;

    if (!read_mode(setup, &mode, error) || !read_pads(setup, before, after, error))
        return false;
    if (cr_op_has_input(setup, 2)) {
        if (!cr_op_same_dtype(setup, 0, 2, error))
            return false;
        if (cr_desc_elements(&setup->in[2]) != 1)
            return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                               "input 2, the constant, must have one element");
    }
    for (int i = 0; i < in->n_dims; i++) {
        dims[i] = in->dims[i] + before[i] + after[i];
        if (mode != MODE_CONSTANT && in->dims[i] == 0 && dims[i] > 0)
            return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error,
                               "dimension %d is 0: there is nothing to repeat", i);
    }
    return cr_op_set_out(setup, 0, in->dtype, dims, in->n_dims, error);
}

/* The input index that index i (which may lie outside) shows. */
static int32_t
source_index(Mode mode, int64_t i, int64_t dim)
{
    int64_t period = 2 * (dim - 1);

    if (i >= 0 && i < dim)
        return (int32_t)i;
    switch (mode) {
    case MODE_CONSTANT:
        return OUTSIDE;
    case MODE_EDGE:
        return (int32_t)CLAMP(i, 0, dim - 1);
    case MODE_WRAP:
        return (int32_t)((i % dim + dim) % dim);
    case MODE_REFLECT:
        break;
    }
    if (period == 0)
        return 0;
    i = (i % period + period) % period;
    return (int32_t)(i < dim ? i : period - i);
}

/* At run time only the constant is read from the frame. */
static void
pad_row(const PadParams *p, char *dst, const char *src, const void *constant)
{
    const int32_t *table = p->table[p->n_dims - 1];
    int64_t n = p->dims[p->n_dims - 1];

    for (int64_t x = 0; x < n; x++) {
        if (x == p->copy_begin && p->copy_end > x) {
            memcpy(dst + (size_t)x * p->size, src + (size_t)table[x] * p->size,
                   (size_t)(p->copy_end - x) * p->size);
            x = p->copy_end - 1;
            continue;
        }
        memcpy(dst + (size_t)x * p->size,
               table[x] == OUTSIDE ? constant : src + (size_t)table[x] * p->size, p->size);
    }
}

static void
run_pad(const CrStep *step, void *const *io, int tile, void *scratch)
{
    static const uint64_t zero;
    const PadParams *p = step->params;
    const void *constant = p->n_in > 2 && io[2] ? io[2] : &zero;
    size_t row_length = (size_t)p->dims[p->n_dims - 1], begin, end;

    cr_tile_range(p->rows, p->per_tile, tile, &begin, &end);
    for (size_t row = begin; row < end; row++) {
        char *dst = (char *)io[p->n_in] + row * row_length * p->size;
        size_t rest = row;
        int64_t from = 0;
        bool outside = false;
        for (int d = p->n_dims - 2; d >= 0; d--) {
            int32_t index = p->table[d][rest % (size_t)p->dims[d]];
            rest /= (size_t)p->dims[d];
            outside |= index == OUTSIDE;
            from += index * p->strides[d];
        }
        if (outside)
            cr_copy_run(dst, constant, 0, p->size, row_length);
        else
            pad_row(p, dst, (const char *)io[0] + from * (int64_t)p->size, constant);
    }
}

static bool
make_tables(CrOpSetup *setup, PadParams *p, GError **error)
{
    int64_t before[CONVRNN_MAX_RANK], after[CONVRNN_MAX_RANK];
    const CrDesc *in = &setup->in[0];
    Mode mode;

    if (!read_mode(setup, &mode, error) || !read_pads(setup, before, after, error))
        return false;
    p->n_dims = in->n_dims;
    cr_strides(in, p->strides);
    if (cr_desc_elements(&setup->out[0]) == 0)
        return true; /* a dimension beside the empty one may be large */
    for (int d = 0; d < in->n_dims; d++) {
        int32_t *table = cr_region_alloc(setup->region, (size_t)setup->out[0].dims[d],
                                         sizeof(int32_t), setup->node->name, error);
        if (!table)
            return false;
        p->dims[d] = setup->out[0].dims[d];
        for (int64_t i = 0; i < p->dims[d]; i++)
            table[i] = source_index(mode, i - before[d], in->dims[d]);
        p->table[d] = table;
        p->copy_begin = CLAMP(before[d], 0, p->dims[d]); /* the innermost axis comes last */
        p->copy_end = CLAMP(before[d] + in->dims[d], p->copy_begin, p->dims[d]);
    }
    return true;
}

static bool
prepare_pad(CrOpSetup *setup, CrStep *step, GError **error)
{
    static const int32_t scalar_table[] = {0};
    PadParams *p = cr_op_params(setup, step, PadParams, error);

    if (!p || !make_tables(setup, p, error))
        return false;
    if (p->n_dims == 0) {
        p->n_dims = 1;
        p->dims[0] = p->copy_end = 1;
        p->table[0] = scalar_table;
    }
    p->size = convrnn_dtype_get_size(setup->in[0].dtype);
    p->n_in = setup->n_in;
    if (cr_desc_elements(&setup->out[0]) > 0)
        p->rows = cr_desc_elements(&setup->out[0]) / (size_t)p->dims[p->n_dims - 1];
    p->per_tile = (size_t)MAX(CR_TILE_ELEMENTS / MAX(p->dims[p->n_dims - 1], 1), 1);
    step->run = run_pad;
    step->n_tiles = cr_tile_count(p->rows, p->per_tile);
    step->kernel = "plain";
    return true;
}

static const CrAttrSpec pad_attrs[] = {{"mode", CR_ATTR_STRING}, {NULL, CR_ATTR_INT}};

const CrOp cr_op_pad = {
    .name = "Pad",
    .min_in = 2,
    .max_in = 4,
    .min_out = 1,
    .max_out = 1,
    .attrs = pad_attrs,
    .infer = infer_pad,
    .prepare = prepare_pad,
};
