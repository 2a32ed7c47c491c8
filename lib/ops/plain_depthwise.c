/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Channel after channel: a band of a channel's rows is copied to scratch, between the columns of
 * zeros that the kernel reads beside the picture, and convolved from there. */
#include "ops/plain_depthwise.h"
#include "core/size.h"
#include "ops/conv_rows.h"

#define BAND_BYTES (32 << 10) /* in scratch: it stays in the L1 cache */
#define TILE_BYTES (64 << 10) /* of results */
#define MAX_EXTENT 16         /* of kernel, stride and padding: bands are thicker than that */

typedef struct {
    const CrKernels *kernels;
    CrWindow window; /* axes 1 and 2 are H and W */
    const float *weights, *bias;
    float low, high;
    int channels, planes; /* planes: of all images */
    int width;            /* of a row in scratch */
    int rows_per_band, bands, planes_per_tile;
} PlainDepthwise;

/* The last row, and one more, that the rows below `end` read; it may lie below the picture. */
static int
input_end(const CrWindow *w, int end)
{
    int begin = 0;
    cr_window_span(w, 1, &begin, &end);
    return end;
}

static void
band_rows(const PlainDepthwise *p, int channel, int begin, int end, const float *band, float *y)
{
    const CrWindow *w = &p->window;
    const int taps = w->kernel[1] * w->kernel[2];
    int first = begin * w->stride[1] - w->pad_begin[1];
    CrDepthwiseRow row = {.row_stride = (ptrdiff_t)p->width * w->dilation[1],
                          .kh = w->kernel[1],
                          .kw = w->kernel[2],
                          .stride = w->stride[2],
                          .dilation = w->dilation[2],
                          .weights = p->weights + (size_t)channel * (size_t)taps,
                          .bias = p->bias + channel,
                          .width = w->out[2],
                          .low = p->low,
                          .high = p->high};

    for (int i = begin; i < end; i++) {
        int top = i * w->stride[1] - w->pad_begin[1];
        cr_window_taps(w, 1, i, &row.ky_begin, &row.ky_end);
        row.x = band + (ptrdiff_t)(top - first) * p->width;
        row.y = y + (ptrdiff_t)i * w->out[2];
        p->kernels->depthwise_plane_row(&row);
    }
}

/* Some planes, one band of each. */
static void
run_tile(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const PlainDepthwise *p = step->params;
    const CrWindow *w = &p->window;
    int band = tile % p->bands, plane = tile / p->bands * p->planes_per_tile;
    int last_plane = MIN(plane + p->planes_per_tile, p->planes);
    int begin = band * p->rows_per_band, end = MIN(begin + p->rows_per_band, w->out[1]);
    int first = begin * w->stride[1] - w->pad_begin[1], last = input_end(w, end);
    float *rows = scratch;

    memset(rows, 0, (size_t)(last - first) * (size_t)p->width * sizeof *rows);
    for (; plane < last_plane; plane++) {
        const float *x = (const float *)io[0] + (size_t)plane * (size_t)(w->in[1] * w->in[2]);
        float *y = (float *)io[step->n_in] + (size_t)plane * (size_t)(w->out[1] * w->out[2]);

        for (int i = MAX(first, 0); i < MIN(last, w->in[1]); i++)
            memcpy(rows + (size_t)(i - first) * (size_t)p->width + w->pad_begin[2],
                   x + (size_t)i * (size_t)w->in[2], (size_t)w->in[2] * sizeof *x);
        band_rows(p, plane % p->channels, begin, end, rows, y);
    }
}

bool
cr_plain_depthwise_fits(const CrOpSetup *setup, const CrFusedConv *fused)
{
    const CrWindow *w = &fused->conv.window;

    for (int i = 0; i < w->n_spatial; i++)
        if (w->dilation[i] != 1 || w->stride[i] > MAX_EXTENT || w->kernel[i] > MAX_EXTENT ||
            w->pad_begin[i] > MAX_EXTENT || w->pad_end[i] > MAX_EXTENT)
            return false;
    return setup->for_plain && setup->kernels->level != CR_CPU_C && !setup->in[0].block &&
           setup->in[0].n_dims == 4 && cr_conv_is_depthwise(&fused->conv) &&
           !fused->conv.transposed && !fused->has_program && w->stride[1] == 1;
}

/* Floats of a row in scratch: as many as the picture and its padding, or as the taps reach. */
static int
scratch_width(const CrWindow *w)
{
    int begin = 0, end = w->out[2];
    cr_window_span(w, 2, &begin, &end);
    return cr_round_up(MAX(end, w->in[2]) + w->pad_begin[2], CR_MAX_BLOCK);
}

static void
cut(PlainDepthwise *p)
{
    const CrWindow *w = &p->window;
    size_t row = (size_t)p->width * sizeof(float), plane;
    int extra = input_end(w, 1) + w->pad_begin[1]; /* rows that one row needs */

    p->rows_per_band = w->out[1];
    if (row * (size_t)(w->out[1] * w->stride[1] + extra) > BAND_BYTES)
        p->rows_per_band =
            CLAMP(((int)(BAND_BYTES / row) - extra) / w->stride[1], MIN(8, w->out[1]), w->out[1]);
    p->bands = cr_div_up(w->out[1], p->rows_per_band);
    plane = (size_t)p->rows_per_band * (size_t)w->out[2] * sizeof(float);
    p->planes_per_tile = (int)CLAMP(TILE_BYTES / plane, 1, (size_t)p->planes);
}

bool
cr_plain_depthwise_prepare(CrOpSetup *setup, const CrFusedConv *fused, CrStep *step, GError **error)
{
    const CrConv *conv = &fused->conv;
    PlainDepthwise *p = cr_region_alloc(setup->region, 1, sizeof *p, setup->node->name, error);
    float *bias =
        p ? cr_region_alloc(setup->region, (size_t)conv->channels, sizeof *bias, "bias", error)
          : NULL;

    if (!bias)
        return false;
    cr_bias_pack(bias, conv->has_bias ? setup->value[2]->data : NULL, 0, conv->channels,
                 conv->channels);
    *p = (PlainDepthwise){.kernels = setup->kernels,
                          .window = conv->window,
                          .weights = setup->value[1]->data,
                          .bias = bias,
                          .low = fused->low,
                          .high = fused->high,
                          .channels = conv->channels,
                          .planes = conv->batch * conv->channels};
    cr_window_to_3d(&p->window);
    p->width = scratch_width(&p->window);
    cut(p);
    int first = -p->window.pad_begin[1], last = input_end(&p->window, p->rows_per_band);
    step->run = run_tile;
    step->params = p;
    step->n_tiles = cr_div_up(p->planes, p->planes_per_tile) * p->bands;
    step->scratch = (size_t)(last - first) * (size_t)p->width * sizeof(float);
    step->macs = cr_conv_macs(conv);
    char *name = cr_region_alloc(setup->region, 32, 1, "name", error);
    if (name)
        g_snprintf(name, 32, "depthwise %s", setup->kernels->name);
    step->kernel = name;
    return name != NULL;
}
