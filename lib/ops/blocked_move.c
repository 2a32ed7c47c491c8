/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Concat and Split on the channel axis and Slice of height and width, in blocks: whole rows move,
 * or nothing does. */
#include "core/size.h"
#include "kernels/kernels.h"
#include "ops/blocked.h"
#include "ops/fused_conv.h"
#include "ops/ops.h"
#include "ops/rows.h"

/* --- Concat --- */

typedef struct {
    int n_in;
    const bool *in_place; /* NULL: none */
    CrRows *in;
    CrRows out;
    int rows_per_tile;
} BlockedConcat;

static void
concat_row(const BlockedConcat *c, void *const *io, int n, int y)
{
    int block = 0;
    for (int i = 0; i < c->n_in; i++) {
        size_t size = (size_t)c->in[i].size.w * (size_t)c->in[i].block * sizeof(float);
        for (int b = 0; b < c->in[i].stride.blocks; b++, block++) {
            if (c->in_place && c->in_place[i])
                continue;
            float *dst = cr_row_at(&c->out, io[c->n_in], n, y, block);
            memcpy(dst, cr_row_at(&c->in[i], io[i], n, y, b), size);
            cr_row_clear_borders(&c->out, dst);
        }
    }
}

static void
concat_tile(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const BlockedConcat *c = step->params;
    int all = c->out.size.n * c->out.size.h;
    int begin = tile * c->rows_per_tile, end = MIN(begin + c->rows_per_tile, all);
    (void)scratch;

    for (int i = begin; i < end; i++)
        concat_row(c, io, i / c->out.size.h, i % c->out.size.h);
}

static bool
concat_prepare(CrOpSetup *setup, CrStep *step, GError **error)
{
    BlockedConcat *c = cr_region_alloc(setup->region, 1, sizeof *c, setup->node->name, error);

    if (!c)
        return false;
    c->n_in = setup->n_in;
    c->in = cr_region_alloc(setup->region, (size_t)setup->n_in, sizeof *c->in, "Concat", error);
    if (!c->in)
        return false;
    for (int i = 0; i < setup->n_in; i++)
        c->in[i] = cr_rows(&setup->in[i]);
    c->in_place = setup->fused;
    c->out = cr_rows(&setup->out[0]);
    c->rows_per_tile = cr_rows_per_tile(&c->out);
    step->run = concat_tile;
    step->params = c;
    step->n_tiles = cr_div_up(c->out.size.n * c->out.size.h, c->rows_per_tile);
    step->rows = cr_step_rows(&c->out, c->rows_per_tile);
    step->kernel = "copy";
    return true;
}

static bool
on_channels(const CrOpSetup *setup, int64_t fallback)
{
    int64_t axis = cr_node_int(setup->node, "axis", fallback);
    return setup->in[0].n_dims == 4 && (axis == 1 || axis == -3);
}

static bool
concat_blocked(CrOpSetup *setup)
{
    CrDesc *out = &setup->out[0];
    int block = cr_desc_is_narrow(out) ? 1 : setup->kernels->block, parts = 0;
    bool any = false;

    if (!on_channels(setup, 1) || out->dtype != CONVRNN_DTYPE_FLOAT32)
        return false;
    for (int i = 0; i < setup->n_in; i++) {
        any = any || setup->in[i].block == setup->kernels->block || setup->in[i].block == block;
        parts += setup->in[i].block == block ? cr_desc_parts(&setup->in[i]) : 1;
        if (setup->in[i].dims[1] == 0)
            return false;
    }
    if (!any || parts > CR_MAX_PARTS)
        return false;
    out->block = block;
    out->n_parts = 0;
    for (int i = 0; i < setup->n_in; i++) {
        CrDesc *in = &setup->in[i];
        if (in->block != block)
            in->n_parts = 0;
        in->block = block;
        for (int p = 0; p < cr_desc_parts(in); p++)
            out->part[out->n_parts++] = cr_desc_part(in, p);
    }
    if (block == 1)
        out->n_parts = 0; /* each channel is a block as it is */
    return true;
}

const CrOp cr_op_blocked_concat = {.name = "Concat",
                                   .min_in = 1,
                                   .max_in = -1,
                                   .min_out = 1,
                                   .max_out = 1,
                                   .prepare = concat_prepare,
                                   .blocked = concat_blocked};

/* --- Split: the outputs are views of the input, so there is nothing to run --- */

static bool
split_blocked(CrOpSetup *setup)
{
    CrDesc *in = &setup->in[0];

    if (!on_channels(setup, 0) || in->block == 0 || setup->n_out > CR_MAX_PARTS)
        return false;
    in->n_parts = in->block == 1 ? 0 : setup->n_out;
    for (int i = 0; i < setup->n_out; i++) {
        if (setup->out[i].dtype == CONVRNN_DTYPE_UNDEFINED || setup->out[i].dims[1] == 0)
            return false;
        in->part[i] = (int)setup->out[i].dims[1];
        setup->out[i].block = in->block;
        setup->out[i].n_parts = 0;
    }
    return true;
}

const CrOp cr_op_blocked_split = {.name = "Split",
                                  .flags = CR_OP_ALIAS,
                                  .min_in = 1,
                                  .max_in = 2,
                                  .min_out = 1,
                                  .max_out = -1,
                                  .blocked = split_blocked};

/* --- Slice of rows and columns --- */

typedef struct {
    CrRows in, out;
    int n_in, top, left;
    int rows_per_tile;
} BlockedSlice;

/* Where the slice begins on H and W; false unless it is a slice of just those with step 1. */
static bool
slice_begin(const CrOpSetup *setup, int begin[2])
{
    g_autofree int64_t *starts = NULL, *axes = NULL, *steps = NULL;
    int n = 0, n_axes = 0, n_steps = 0;

    begin[0] = begin[1] = 0;
    if (!cr_op_ints(setup, 1, &starts, &n, NULL) ||
        (setup->n_in > 3 && setup->in[3].dtype != CONVRNN_DTYPE_UNDEFINED &&
         !cr_op_ints(setup, 3, &axes, &n_axes, NULL)) ||
        (setup->n_in > 4 && setup->in[4].dtype != CONVRNN_DTYPE_UNDEFINED &&
         !cr_op_ints(setup, 4, &steps, &n_steps, NULL)))
        return false;
    for (int i = 0; i < n; i++) {
        int64_t axis = axes ? axes[i] : i;
        axis += axis < 0 ? 4 : 0;
        int64_t size = setup->in[0].dims[axis], start = starts[i];
        if (steps && steps[i] != 1)
            return false;
        start = CLAMP(start + (start < 0 ? size : 0), 0, size);
        if (axis >= 2)
            begin[axis - 2] = (int)start;
        else if (setup->out[0].dims[axis] != size)
            return false;
    }
    return true;
}

static void
slice_tile(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const BlockedSlice *s = step->params;
    int all = s->out.size.n * s->out.size.h;
    int begin = tile * s->rows_per_tile, end = MIN(begin + s->rows_per_tile, all);
    size_t size = (size_t)s->out.size.w * (size_t)s->out.block * sizeof(float);
    (void)scratch;

    for (int i = begin; i < end; i++)
        for (int b = 0; b < s->out.stride.blocks; b++) {
            int n = i / s->out.size.h, y = i % s->out.size.h;
            float *dst = cr_row_at(&s->out, io[s->n_in], n, y, b);
            memcpy(dst, cr_row_at(&s->in, io[0], n, s->top + y, b) + s->left * s->in.block, size);
            cr_row_clear_borders(&s->out, dst);
        }
}

static bool
slice_needs(const CrStep *step, int input, int *begin, int *end)
{
    const BlockedSlice *s = step->params;
    *begin += s->top;
    *end += s->top;
    return input == 0;
}

static bool
slice_prepare(CrOpSetup *setup, CrStep *step, GError **error)
{
    BlockedSlice *s = cr_region_alloc(setup->region, 1, sizeof *s, setup->node->name, error);
    int begin[2];

    if (!s)
        return false;
    slice_begin(setup, begin);
    s->in = cr_rows(&setup->in[0]);
    s->out = cr_rows(&setup->out[0]);
    s->n_in = setup->n_in;
    s->top = begin[0];
    s->left = begin[1];
    s->rows_per_tile = cr_rows_per_tile(&s->out);
    step->run = slice_tile;
    step->params = s;
    step->n_tiles = cr_div_up(s->out.size.n * s->out.size.h, s->rows_per_tile);
    step->rows = cr_step_rows(&s->out, s->rows_per_tile);
    step->rows.needs = slice_needs;
    step->kernel = "copy";
    return true;
}

static bool
slice_blocked(CrOpSetup *setup)
{
    int begin[2];

    if (setup->in[0].block == 0 || setup->in[0].n_dims != 4 ||
        cr_desc_elements(&setup->out[0]) == 0 || !slice_begin(setup, begin))
        return false;
    cr_desc_set_layout(&setup->out[0], &setup->in[0]);
    return true;
}

const CrOp cr_op_blocked_slice = {.name = "Slice",
                                  .min_in = 3,
                                  .max_in = 5,
                                  .min_out = 1,
                                  .max_out = 1,
                                  .prepare = slice_prepare,
                                  .blocked = slice_blocked};

/* --- which operator has which --- */

const CrOp *
cr_op_find_blocked(const CrOp *op)
{
    static const struct {
        const CrOp *plain, *blocked;
    } forms[] = {
        {&cr_op_max_pool, &cr_op_blocked_max_pool},
        {&cr_op_average_pool, &cr_op_blocked_average_pool},
        {&cr_op_global_average_pool, &cr_op_blocked_global_average_pool},
        {&cr_op_reduce_mean, &cr_op_blocked_reduce_mean},
        {&cr_op_resize, &cr_op_blocked_resize},
        {&cr_op_concat, &cr_op_blocked_concat},
        {&cr_op_split, &cr_op_blocked_split},
        {&cr_op_slice, &cr_op_blocked_slice},
        {&cr_op_pointwise, &cr_op_pointwise},
        {&cr_op_fused_conv, &cr_op_fused_conv},
    };
    for (guint i = 0; i < G_N_ELEMENTS(forms); i++)
        if (forms[i].plain == op)
            return forms[i].blocked;
    return NULL;
}
