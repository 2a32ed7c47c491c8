/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Resize of height and width in blocks and on planes: nearest and linear. */
#include "core/size.h"
#include "kernels/kernels.h"
#include "ops/blocked.h"
#include "ops/resize.h"
#include "ops/rows.h"

typedef struct {
    CrResize resize;
    const CrKernels *kernels;
    CrRows in, out;
    int out_io;
    int32_t *same; /* 0, 1, 2 …: the table of an axis that keeps its size */
    float *zero;
    int rows_per_tile;
} BlockedResize;

static void
nearest_row(const BlockedResize *r, const float *src, float *dst)
{
    const CrResizeAxis *axis = &r->resize.axis[3];
    size_t block = (size_t)r->out.block;

    if (block == 1 && axis->active) {
        for (int x = 0; x < r->out.size.w; x++)
            dst[x] = src[axis->index[x]];
        return;
    }
    for (int x = 0; x < r->out.size.w; x++)
        memcpy(dst + (size_t)x * block, src + (size_t)(axis->active ? axis->index[x] : x) * block,
               block * sizeof *dst);
}

static void
resize_row(const BlockedResize *r, void *const *io, int n, int y, int block)
{
    const CrResizeAxis *v = &r->resize.axis[2], *h = &r->resize.axis[3];
    float *dst = cr_row_at(&r->out, io[r->out_io], n, y, block);

    if (r->resize.mode == CR_RESIZE_NEAREST) {
        nearest_row(r, cr_row_at(&r->in, io[0], n, v->active ? v->index[y] : y, block), dst);
    } else {
        int y0 = v->active ? v->x0[y] : y, y1 = v->active ? v->x1[y] : y;
        r->kernels->resize_row(dst, cr_row_at(&r->in, io[0], n, y0, block),
                               cr_row_at(&r->in, io[0], n, y1, block), v->active ? v->fx[y] : 0,
                               h->active ? h->x0 : r->same, h->active ? h->x1 : r->same,
                               h->active ? h->fx : r->zero, r->out.size.w);
    }
    cr_row_clear_borders(&r->out, dst);
}

/* --- planes --- */

/* Rows of tiles of planes: more of them share what was sampled along x. */
#define PLANE_ROWS 16

/* The last two rows sampled along x, of the channel at hand: an even one and an odd one. */
typedef struct {
    float *row[2];
    int y[2]; /* −1: none */
} Sampled;

static const float *
sampled_row(const BlockedResize *r, Sampled *sampled, const void *in, int n, int y, int channel)
{
    const CrResizeAxis *h = &r->resize.axis[3];
    const float *src = cr_row_at(&r->in, in, n, y, channel);
    int slot = y & 1;

    if (!h->active)
        return src;
    if (sampled->y[slot] != y) {
        r->kernels->sample_plane_row(sampled->row[slot], src, h->x0, h->x1, h->fx, r->out.size.w);
        sampled->y[slot] = y;
    }
    return sampled->row[slot];
}

/* Rows [begin, end) of a channel of an image. */
static void
linear_plane(const BlockedResize *r, void *const *io, int n, int begin, int end, int channel,
             float *scratch)
{
    const CrResizeAxis *v = &r->resize.axis[2];
    Sampled sampled = {{scratch, scratch + r->out.size.w}, {-1, -1}};

    for (int y = begin; y < end; y++) {
        float *dst = cr_row_at(&r->out, io[r->out_io], n, y, channel);
        int y0 = v->active ? v->x0[y] : y, y1 = v->active ? v->x1[y] : y;
        const float *a = sampled_row(r, &sampled, io[0], n, y0, channel);
        const float *b = sampled_row(r, &sampled, io[0], n, y1, channel);
        r->kernels->blend_row(dst, a, b, v->active ? v->fx[y] : 0, r->out.size.w);
        cr_row_clear_borders(&r->out, dst);
    }
}

static void
planes_tile(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const BlockedResize *r = step->params;
    int tiles = cr_div_up(r->out.size.h, PLANE_ROWS), begin = tile % tiles * PLANE_ROWS;

    for (int c = 0; c < r->out.size.c; c++)
        linear_plane(r, io, tile / tiles, begin, MIN(begin + PLANE_ROWS, r->out.size.h), c,
                     scratch);
}

static void
resize_tile(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const BlockedResize *r = step->params;
    int all = r->out.size.n * r->out.size.h;
    int begin = tile * r->rows_per_tile, end = MIN(begin + r->rows_per_tile, all);
    (void)scratch;

    for (int i = begin; i < end; i++)
        for (int block = 0; block < r->out.stride.blocks; block++)
            resize_row(r, io, i / r->out.size.h, i % r->out.size.h, block);
}

/* The first and the last row of the input that row y reads. */
static void
rows_read(const BlockedResize *r, int y, int *first, int *last)
{
    const CrResizeAxis *v = &r->resize.axis[2];
    bool nearest = r->resize.mode == CR_RESIZE_NEAREST;

    *first = !v->active ? y : nearest ? v->index[y] : v->x0[y];
    *last = !v->active ? y : nearest ? v->index[y] : v->x1[y];
}

static bool
needs(const CrStep *step, int input, int *begin, int *end)
{
    const BlockedResize *r = step->params;
    int ignored;

    rows_read(r, *begin, begin, &ignored);
    rows_read(r, *end - 1, &ignored, end);
    ++*end;
    return input == 0;
}

/* Whether no row reads above what the row before it reads: a region of interest may be mirrored. */
static bool
goes_down(const BlockedResize *r)
{
    int first = 0, last = 0, first_before = 0, last_before = 0;

    for (int y = 0; y < r->out.size.h; y++) {
        rows_read(r, y, &first, &last);
        if (first < first_before || last < last_before)
            return false;
        first_before = first;
        last_before = last;
    }
    return true;
}

static bool
prepare(CrOpSetup *setup, CrStep *step, GError **error)
{
    BlockedResize *r = cr_region_alloc(setup->region, 1, sizeof *r, setup->node->name, error);
    size_t width = (size_t)setup->out[0].dims[3];

    if (!r || !cr_resize_parse(setup, &r->resize, error) ||
        !cr_resize_tabulate(setup, &r->resize, error))
        return false;
    r->same = cr_region_alloc(setup->region, width, sizeof *r->same, "Resize", error);
    r->zero =
        r->same ? cr_region_alloc(setup->region, width, sizeof *r->zero, "Resize", error) : NULL;
    if (!r->zero)
        return false;
    for (size_t x = 0; x < width; x++)
        r->same[x] = (int32_t)x;
    r->out_io = setup->n_in;
    r->kernels = setup->kernels;
    r->in = cr_rows(&setup->in[0]);
    r->out = cr_rows(&setup->out[0]);
    r->rows_per_tile = cr_rows_per_tile(&r->out);
    step->run = resize_tile;
    step->params = r;
    step->n_tiles = cr_div_up(r->out.size.n * r->out.size.h, r->rows_per_tile);
    step->kernel = setup->kernels->name;
    step->rows = cr_step_rows(&r->out, r->rows_per_tile);
    if (r->out.block == 1 && r->resize.mode == CR_RESIZE_LINEAR) {
        step->run = planes_tile;
        step->n_tiles = r->out.size.n * cr_div_up(r->out.size.h, PLANE_ROWS);
        step->rows = cr_step_rows(&r->out, PLANE_ROWS);
        step->scratch = 2 * width * sizeof(float);
    }
    step->rows.needs = needs;
    if (!goes_down(r))
        step->rows.height = 0;
    return true;
}

static bool
blocked(CrOpSetup *setup)
{
    CrDesc *in = &setup->in[0];
    const CrDesc *out = &setup->out[0];
    CrResize resize;

    if (in->n_dims != 4 || in->dims[0] != out->dims[0] || in->dims[1] != out->dims[1] ||
        !cr_resize_parse(setup, &resize, NULL) || resize.mode == CR_RESIZE_CUBIC ||
        resize.extrapolates || !cr_desc_take_rows(in))
        return false;
    cr_desc_set_layout(&setup->out[0], in);
    return true;
}

const CrOp cr_op_blocked_resize = {.name = "Resize",
                                   .min_in = 1,
                                   .max_in = 4,
                                   .min_out = 1,
                                   .max_out = 1,
                                   .prepare = prepare,
                                   .blocked = blocked};
