/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A few vectors of neighbouring pixels at a time: all channels of them are copied to scratch, side
 * by side, as planes lie so far apart that they would compete for the same lines of the cache, and
 * multiplied by the weights of some filters after the other. */
#include "ops/plain_pointwise.h"
#include "core/size.h"
#include "kernels/pack.h"
#include "ops/packed.h"
#include <string.h>

#define VECTORS      3    /* of a panel: those of the kernel's largest tile */
#define MIN_TILES    8    /* below this, filters are cut as well */
#define MAX_CHANNELS 4096 /* a panel of them stays in the L2 cache */

typedef struct {
    const CrKernels *kernels;
    const float *weights, *bias; /* [group][channel][filter in group], [filter] */
    float low, high;
    int channels, filters;
    size_t pixels; /* of a plane */
    int group;     /* filters that the kernel computes at a time */
    int panels, parts, filters_per_part;
} PlainPointwise;

/* Of a plane; the last one need not be full. */
static size_t
count_vectors(const PlainPointwise *p)
{
    return cr_round_up(p->pixels, (size_t)p->kernels->block) / (size_t)p->kernels->block;
}

/* The first pixel of a panel; of the one after the last: their number. Panels are as even as whole
 * vectors allow. */
static size_t
first_pixel(const PlainPointwise *p, int panel)
{
    size_t vector = count_vectors(p) * (size_t)panel / (size_t)p->panels;
    return MIN(vector * (size_t)p->kernels->block, p->pixels);
}

static void
run_tile(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const PlainPointwise *p = step->params;
    int part = tile % p->parts, panel = tile / p->parts % p->panels;
    size_t image = (size_t)(tile / p->parts / p->panels), begin = first_pixel(p, panel);
    size_t width = first_pixel(p, panel + 1) - begin, pitch = (size_t)(VECTORS * p->kernels->block);
    const float *x = (const float *)io[0] + image * (size_t)p->channels * p->pixels + begin;
    float *y = (float *)io[step->n_in] + image * (size_t)p->filters * p->pixels + begin;
    float *pixels = scratch;
    CrConvRow row = {.n_segments = 1,
                     .kh = 1,
                     .kw = 1,
                     .ky_end = 1,
                     .stride = 1,
                     .dilation = 1,
                     .width = (int)width,
                     .low = p->low,
                     .high = p->high};
    int filter = part * p->filters_per_part;
    int end = MIN(filter + p->filters_per_part, p->filters);

    for (size_t c = 0; c < (size_t)p->channels; c++)
        memcpy(pixels + c * pitch, x + c * p->pixels, width * sizeof *x);
    row.segment[0] = (CrConvSegment){
        .x = pixels, .block_stride = (ptrdiff_t)pitch, .channels = p->channels, .pixel = 1};
    for (; filter < end; filter += p->group) {
        row.weights = p->weights + (size_t)filter * (size_t)p->channels;
        row.bias = p->bias + filter;
        row.y[0] = y + (size_t)filter * p->pixels;
        p->kernels->conv_plane_row(&row, (ptrdiff_t)p->pixels, MIN(p->group, end - filter));
    }
}

bool
cr_plain_pointwise_fits(const CrOpSetup *setup, const CrFusedConv *fused)
{
    const CrConv *conv = &fused->conv;
    const CrWindow *w = &conv->window;

    for (int i = 0; i < w->n_spatial; i++)
        if (w->kernel[i] != 1 || w->stride[i] != 1 || w->pad_begin[i] != 0 || w->pad_end[i] != 0)
            return false;
    return setup->for_plain && setup->kernels->level != CR_CPU_C && !setup->kernels->bf16 &&
           setup->in[0].n_dims == 4 && fused->n_x == 1 && !setup->in[0].block && conv->group == 1 &&
           !conv->transposed && !fused->has_program && conv->channels <= MAX_CHANNELS;
}

/* An even number of panels, for two threads; where they are few, filters are cut as well. */
static void
cut(PlainPointwise *p, int batch)
{
    size_t vectors = count_vectors(p), panels = (vectors + VECTORS - 1) / VECTORS;
    int groups = cr_div_up(p->filters, p->group);

    p->panels = (int)MIN(cr_round_up(panels, 2), vectors);
    p->filters_per_part = cr_div_up(groups, cr_div_up(MIN_TILES, batch * p->panels)) * p->group;
    p->parts = cr_div_up(p->filters, p->filters_per_part);
}

/* In the kernel's order, once for all nodes of the plan that have them. */
static const float *
pack_weights(CrOpSetup *setup, const PlainPointwise *p, GError **error)
{
    const ConvRnnTensor *weights = setup->value[1]; /* [filter][channel] */
    const struct {
        char form[8];
        int64_t channels, filters, group;
    } how = {"planes", p->channels, p->filters, p->group};
    const CrPackedKey key = {&how, sizeof how, weights->data, weights->n_elements * sizeof(float)};
    const float *known = cr_packed_find(setup->packed, &key), *src = weights->data;
    float *packed = known ? NULL
                          : cr_region_alloc(setup->region, weights->n_elements, sizeof *packed,
                                            setup->node->name, error);

    if (!packed)
        return known;
    cr_packed_add(setup->packed, &key, packed);
    float *next = packed;
    for (int first = 0; first < p->filters; first += p->group)
        for (int c = 0; c < p->channels; c++)
            for (int o = first; o < MIN(first + p->group, p->filters); o++)
                *next++ = src[(size_t)o * (size_t)p->channels + (size_t)c];
    return packed;
}

bool
cr_plain_pointwise_prepare(CrOpSetup *setup, const CrFusedConv *fused, CrStep *step, GError **error)
{
    const CrConv *conv = &fused->conv;
    PlainPointwise *p = cr_region_alloc(setup->region, 1, sizeof *p, setup->node->name, error);
    size_t filters = (size_t)conv->filters;
    float *bias = p ? cr_region_alloc(setup->region, filters, sizeof *bias, "bias", error) : NULL;
    char *name = bias ? cr_region_alloc(setup->region, 32, 1, "name", error) : NULL;

    if (!name)
        return false;
    cr_bias_pack(bias, conv->has_bias ? setup->value[2]->data : NULL, 0, conv->filters,
                 conv->filters);
    *p = (PlainPointwise){.kernels = setup->kernels,
                          .bias = bias,
                          .low = fused->low,
                          .high = fused->high,
                          .channels = conv->channels,
                          .filters = conv->filters,
                          .pixels =
                              cr_desc_elements(&setup->out[0]) / ((size_t)conv->batch * filters),
                          .group = setup->kernels->block / 2};
    p->weights = pack_weights(setup, p, error);
    if (!p->weights)
        return false;
    cut(p, conv->batch);
    g_snprintf(name, 32, "direct %s", setup->kernels->name);
    step->run = run_tile;
    step->params = p;
    step->n_tiles = conv->batch * p->panels * p->parts;
    step->scratch = (size_t)p->channels * (size_t)(VECTORS * p->kernels->block) * sizeof(float);
    step->macs = cr_conv_macs(conv);
    step->kernel = name;
    step->why = "kernel is not 3×3";
    return true;
}
