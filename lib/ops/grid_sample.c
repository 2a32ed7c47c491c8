/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GridSample (onnx.ai/onnx/operators/onnx__GridSample.html) of pictures: x (N, C, H, W), grid
 * (N, H', W', 2) with pairs (horizontal, vertical) in [-1, 1] → y (N, C, H', W').
 *
 * The picture is continued beyond its edges as padding_mode says, and read there: linearly, at the
 * nearest pixel, or with the cubic kernel of a = −0.75. A coordinate that is no number reads what
 * lies left of, or above, the picture. */
#include "ops/ops.h"
#include "ops/setup.h"
#include "ops/tile.h"
#include <math.h>
#include <string.h>

#define MAX_TAPS 4
#define CUBIC    (-0.75)

typedef enum { MODE_LINEAR, MODE_NEAREST, MODE_CUBIC } Mode;
typedef enum { PADDING_ZEROS, PADDING_BORDER, PADDING_REFLECTION } Padding;

typedef struct {
    Mode mode;
    Padding padding;
    bool align_corners;
    int64_t channels, in_h, in_w, in_area, out_area;
    int64_t pixels, per_tile; /* of all pictures' outputs */
} GridSample;

/* Along one axis: the pixels that are read and their weights; -1 is a zero. */
typedef struct {
    int n;
    int64_t at[MAX_TAPS];
    double weight[MAX_TAPS];
} Taps;

static bool
read_choice(const CrOpSetup *setup, const char *attr, const char *const *names, int *choice,
            GError **error)
{
    const char *text = cr_node_string(setup->node, attr, names[0]);

    for (*choice = 0; names[*choice]; (*choice)++)
        if (strcmp(text, names[*choice]) == 0)
            return true;
    return cr_op_error(setup, CONVRNN_ERROR_FORMAT, error, "%s is '%s', must be %s, %s or %s", attr,
                       text, names[0], names[1], names[2]);
}

static bool
read_attrs(const CrOpSetup *setup, GridSample *p, GError **error)
{
    static const char *const modes[] = {"linear", "nearest", "cubic", NULL};
    static const char *const paddings[] = {"zeros", "border", "reflection", NULL};
    int mode, padding;

    if (!read_choice(setup, "mode", modes, &mode, error) ||
        !read_choice(setup, "padding_mode", paddings, &padding, error))
        return false;
    p->mode = (Mode)mode;
    p->padding = (Padding)padding;
    p->align_corners = cr_node_int(setup->node, "align_corners", 0) != 0;
    return true;
}

static bool
infer_grid_sample(CrOpSetup *setup, GError **error)
{
    const CrDesc *x = &setup->in[0], *grid = &setup->in[1];
    GridSample p;

    if (!cr_op_want_dtype(setup, 0, CONVRNN_DTYPE_FLOAT32, error) ||
        !cr_op_want_dtype(setup, 1, CONVRNN_DTYPE_FLOAT32, error) || !read_attrs(setup, &p, error))
        return false;
    if (x->n_dims != 4)
        return cr_op_error(setup, CONVRNN_ERROR_UNSUPPORTED, error,
                           "the input has rank %d; only pictures (rank 4) can be sampled",
                           x->n_dims);
    if (grid->n_dims != 4 || grid->dims[0] != x->dims[0] || grid->dims[3] != 2)
        return cr_op_bad_shapes(setup, 0, 1, error);
    int64_t dims[] = {x->dims[0], x->dims[1], grid->dims[1], grid->dims[2]};
    if (!cr_op_set_out(setup, 0, CONVRNN_DTYPE_FLOAT32, dims, 4, error))
        return false;
    if ((x->dims[2] == 0 || x->dims[3] == 0) && cr_desc_elements(&setup->out[0]) > 0)
        return cr_op_error(setup, CONVRNN_ERROR_SHAPE, error, "there is no pixel to sample");
    return true;
}

/* The pixel that stands at position i of the continued row, or -1. */
static int64_t
continued(const GridSample *p, int64_t i, int64_t size)
{
    int64_t period;

    if (i >= 0 && i < size)
        return i;
    if (p->padding == PADDING_ZEROS)
        return -1;
    if (p->padding == PADDING_BORDER)
        return i < 0 ? 0 : size - 1;
    /* The edge pixel is repeated when the corners of the grid are those of the edge pixels. */
    period = p->align_corners ? 2 * (size - 1) : 2 * size;
    if (period == 0)
        return 0;
    i = i % period < 0 ? i % period + period : i % period;
    return i < size ? i : period - i - !p->align_corners;
}

/* From [-1, 1] to pixels, brought near the picture without changing what is read there. */
static double
position(const GridSample *p, float grid, int64_t size)
{
    double x = p->align_corners ? ((double)grid + 1) / 2 * (double)(size - 1)
                                : (((double)grid + 1) * (double)size - 1) / 2;

    if (p->padding == PADDING_REFLECTION)
        x = size > 1 || !p->align_corners
                ? fmod(x, 2 * (double)(p->align_corners ? size - 1 : size))
                : 0;
    else if (x > (double)size + MAX_TAPS)
        x = (double)size + MAX_TAPS;
    return x >= -2.0 * (double)size - MAX_TAPS ? x : -2.0 * (double)size - MAX_TAPS;
}

static void
find_taps(const GridSample *p, float grid, int64_t size, Taps *taps)
{
    double x = position(p, grid, size);
    double first = p->mode == MODE_NEAREST ? nearbyint(x) : floor(x);
    double t = x - first, u = 1 - t;

    if (p->mode == MODE_NEAREST) {
        *taps = (Taps){.n = 1, .weight = {1}};
    } else if (p->mode == MODE_LINEAR) {
        *taps = (Taps){.n = 2, .weight = {u, t}};
    } else {
        double a = CUBIC;
        first -= 1;
        *taps = (Taps){.n = 4,
                       .weight = {a * t * u * u, ((a + 2) * t - (a + 3)) * t * t + 1,
                                  ((a + 2) * u - (a + 3)) * u * u + 1, a * u * t * t}};
    }
    for (int i = 0; i < taps->n; i++)
        taps->at[i] = continued(p, (int64_t)first + i, size);
}

static float
sample(const float *plane, int64_t width, const Taps *rows, const Taps *columns)
{
    double sum = 0;

    for (int i = 0; i < rows->n; i++) {
        double row = 0;
        if (rows->at[i] < 0)
            continue;
        for (int j = 0; j < columns->n; j++)
            if (columns->at[j] >= 0)
                row += columns->weight[j] * (double)plane[rows->at[i] * width + columns->at[j]];
        sum += rows->weight[i] * row;
    }
    return (float)sum;
}

static void
run_grid_sample(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const GridSample *p = step->params;
    const float *grid = io[1];
    int64_t end = cr_tile_end(tile, p->per_tile, p->pixels);

    for (int64_t pixel = tile * p->per_tile; pixel < end; pixel++) {
        int64_t first = pixel / p->out_area * p->channels;
        const float *x = (const float *)io[0] + first * p->in_area;
        float *y = (float *)io[2] + first * p->out_area + pixel % p->out_area;
        Taps rows, columns;
        find_taps(p, grid[2 * pixel], p->in_w, &columns);
        find_taps(p, grid[2 * pixel + 1], p->in_h, &rows);
        for (int64_t c = 0; c < p->channels; c++)
            y[c * p->out_area] = sample(x + c * p->in_area, p->in_w, &rows, &columns);
    }
}

static bool
prepare_grid_sample(CrOpSetup *setup, CrStep *step, GError **error)
{
    const CrDesc *x = &setup->in[0], *y = &setup->out[0];
    GridSample *p = cr_op_params(setup, step, GridSample, error);

    if (!p || !read_attrs(setup, p, error))
        return false;
    p->channels = x->dims[1];
    p->in_h = x->dims[2];
    p->in_w = x->dims[3];
    p->in_area = p->in_h * p->in_w;
    p->out_area = y->dims[2] * y->dims[3];
    p->pixels = cr_desc_elements(y) ? x->dims[0] * p->out_area : 0;
    step->n_tiles = cr_tile_cut(p->pixels, 32 + 16 * p->channels, &p->per_tile);
    step->run = run_grid_sample;
    step->kernel = "plain";
    return true;
}

static const CrAttrSpec grid_sample_attrs[] = {{"align_corners", CR_ATTR_INT},
                                               {"mode", CR_ATTR_STRING},
                                               {"padding_mode", CR_ATTR_STRING},
                                               {NULL, CR_ATTR_INT}};

const CrOp cr_op_grid_sample = {
    .name = "GridSample",
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .attrs = grid_sample_attrs,
    .infer = infer_grid_sample,
    .prepare = prepare_grid_sample,
};
