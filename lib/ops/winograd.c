/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* 3×3 convolutions by Winograd's F(4×4, 3×3): tiles of 4×4 results from 6×6 inputs with 36 products
 * per channel pair instead of 144.
 *
 * A row of tiles at a time, in chunks that keep the transformed inputs in the L2 cache: transform
 * the inputs of all channels; then, panel by panel, 36 products of matrices (tiles × channels) ×
 * (channels × 2 blocks); then transform back. */
#include "core/size.h"
#include "ops/conv_rows.h"
#include <math.h>

#define MIN_CHANNELS 16
#define MIN_PIXELS   (20 * 24)
#define MIN_SIDE     12
#define CHUNK_BYTES  (320 << 10) /* of transformed inputs */
#define MAX_ERROR    1e-5

struct CrWinograd {
    int tiles, chunk;            /* tiles per row, and at a time */
    int blocks;                  /* of all inputs together */
    const int *channels;         /* [blocks]: used */
    const float *const *weights; /* [panel] */
    const float *zero_row;       /* of a chunk: for rows outside the picture */
};

bool
cr_winograd_fits(const CrFusedConv *fused, const CrWindow *w)
{
    return fused->conv.group == 1 && w->kernel[1] == 3 && w->kernel[2] == 3 && w->stride[1] == 1 &&
           w->stride[2] == 1 && w->dilation[1] == 1 && w->dilation[2] == 1 &&
           fused->conv.channels >= MIN_CHANNELS && fused->conv.filters >= MIN_CHANNELS &&
           w->out[1] >= MIN_SIDE && w->out[2] >= MIN_SIDE && w->out[1] * w->out[2] >= MIN_PIXELS;
}

/* --- running --- */

/* Floats between the channel blocks of transformed tiles. */
static ptrdiff_t
tiles_stride(const CrConvRows *rows)
{
    return (ptrdiff_t)rows->winograd->chunk * 36 * rows->kernels->block;
}

size_t
cr_winograd_scratch(const CrWinograd *g)
{
    return (size_t)(g->blocks + 2) * (size_t)g->chunk * CR_MAX_BLOCK * 36 * sizeof(float);
}

/* Inputs of tiles [begin, begin + n) of the tile row at y, all channels. */
static void
transform_inputs(const CrConvRows *rows, void *const *io, int image, int y, int begin, int n,
                 float *v)
{
    const CrWinograd *g = rows->winograd;
    const CrWindow *w = &rows->window;
    ptrdiff_t block = rows->kernels->block;

    for (int s = 0; s < rows->n_segments; s++) {
        const CrRows *x = &rows->x[rows->segment[s].x];
        int blocks = cr_div_up(rows->segment[s].channels, x->block);
        for (int b = 0; b < blocks; b++, v += tiles_stride(rows)) {
            const float *in[6];
            for (int r = 0; r < 6; r++) {
                int at = y - w->pad_begin[1] + r;
                in[r] = at < 0 || at >= w->in[1] ? g->zero_row
                                                 : cr_row_at(x, io[rows->segment[s].x], image, at,
                                                             rows->segment[s].block + b) -
                                                       w->pad_begin[2] * block + 4 * begin * block;
            }
            rows->kernels->winograd_input(v, in, n);
        }
    }
}

/* Blocks of a panel: rows of n tiles, transformed back to column x on. */
static void
transform_outputs(const CrConvRows *rows, int panel, int begin, int n, const float *m,
                  float *const dst[4], size_t stride)
{
    ptrdiff_t block = rows->kernels->block;
    int x = 4 * begin;

    for (int b = 2 * panel; b < MIN(2 * panel + 2, rows->raw_blocks);
         b++, m += tiles_stride(rows)) {
        float *out[4];
        for (int r = 0; r < 4; r++)
            out[r] = dst[r] ? dst[r] + (size_t)b * stride + x * block : NULL;
        rows->kernels->winograd_output(out, m, rows->bias + b * block, rows->low, rows->high,
                                       MIN(4 * n, rows->window.out[2] - x));
    }
}

void
cr_winograd_rows(const CrConvRows *rows, void *const *io, int n, int y, float *const dst[4],
                 size_t stride, float *scratch)
{
    const CrWinograd *g = rows->winograd;
    float *v = scratch, *m = v + g->blocks * tiles_stride(rows);
    CrWinogradProducts products = {.v = v,
                                   .v_stride = tiles_stride(rows),
                                   .n_blocks = g->blocks,
                                   .channels = g->channels,
                                   .m = m,
                                   .m_stride = tiles_stride(rows)};

    for (int begin = 0; begin < g->tiles; begin += g->chunk) {
        products.n_tiles = MIN(g->chunk, g->tiles - begin);
        transform_inputs(rows, io, n, y, begin, products.n_tiles, v);
        for (int panel = 0; panel < rows->n_panels; panel++) {
            products.weights = g->weights[panel];
            products.n_out = MIN(2, rows->raw_blocks - 2 * panel);
            rows->kernels->winograd_products(&products);
            transform_outputs(rows, panel, begin, products.n_tiles, m, dst, stride);
        }
    }
}

/* --- preparing --- */

static bool
pack_weights(CrOpSetup *setup, const CrConvRows *rows, const CrConvPack *pack, const CrDesc *raw,
             const float *transformed, CrWinograd *g, GError **error)
{
    size_t kernels = (size_t)pack->out_channels * (size_t)pack->in_per_group;
    const float **weights = cr_region_alloc(setup->region, (size_t)rows->n_panels, sizeof *weights,
                                            setup->node->name, error);
    CrConvPack one = *pack;

    if (!weights)
        return false;
    one.kh = one.kw = 1;
    for (int p = 0; p < rows->n_panels; p++) {
        int n_blocks = MIN(2, rows->raw_blocks - 2 * p);
        size_t size = cr_conv_pack_size(&one, n_blocks);
        float *panel =
            cr_region_alloc(setup->region, size * 36, sizeof *panel, setup->node->name, error);
        if (!panel)
            return false;
        for (int i = 0; i < 36; i++) {
            one.weights = transformed + (size_t)i * kernels;
            for (int b = 0; b < n_blocks; b++) {
                int first, lanes = cr_desc_block_channels(raw, 2 * p + b, &first);
                cr_conv_pack_block(panel + (size_t)i * size, &one, n_blocks, b, first, lanes);
            }
        }
        weights[p] = panel;
    }
    g->weights = weights;
    return true;
}

/* One tile of made-up inputs in [-1, 1): as the kernels transform it, and the 4×4 inputs that each
 * of the 9 taps meets. */
typedef struct {
    float v[36];
    double met[9][16];
} Sample;

static Sample *
make_samples(int channels)
{
    static const float bt[6][6] = {{4, 0, -5, 0, 1, 0},  {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0},
                                   {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}};
    Sample *samples = g_new0(Sample, channels);
    guint32 random = 1;

    for (int c = 0; c < channels; c++) {
        float d[36];
        for (int i = 0; i < 36; i++) {
            random = random * 1664525u + 1013904223u;
            d[i] = (float)(gint32)random / 2147483648.0f;
        }
        for (int i = 0; i < 36; i++)
            for (int k = 0; k < 36; k++)
                samples[c].v[i] += bt[i / 6][k / 6] * bt[i % 6][k % 6] * d[k];
        for (int k = 0; k < 9; k++)
            for (int i = 0; i < 16; i++)
                samples[c].met[k][i] = d[6 * (i / 4 + k / 3) + i % 4 + k % 3];
    }
    return samples;
}

/* The largest error of such a tile, over the largest result, in the arithmetic of the kernels:
 * G·g·Gᵀ rounded, transforms and products in float. */
static double
measure_error(const CrConvPack *pack, const float *transformed)
{
    static const double at[4][6] = {
        {1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}};
    int channels = pack->in_per_group, filters = MIN(pack->out_channels, 32);
    size_t kernels = (size_t)pack->out_channels * (size_t)channels;
    double worst = 0, most = 1e-30;
    Sample *samples = make_samples(channels);

    for (int o = 0; o < filters; o++) {
        float m[36] = {0};
        double exact[16] = {0};
        for (int c = 0; c < channels; c++) {
            size_t at_kernel = (size_t)(o * channels + c);
            for (int i = 0; i < 36; i++)
                m[i] += samples[c].v[i] * transformed[(size_t)i * kernels + at_kernel];
            for (int k = 0; k < 9; k++) {
                double tap = pack->weights[at_kernel * 9 + (size_t)k];
                for (int i = 0; i < 16; i++)
                    exact[i] += tap * samples[c].met[k][i];
            }
        }
        for (int i = 0; i < 16; i++) {
            float sum = 0;
            for (int k = 0; k < 36; k++)
                sum += (float)(at[i / 4][k / 6] * at[i % 4][k % 6]) * m[k];
            worst = MAX(worst, fabs(exact[i] - (double)sum));
            most = MAX(most, fabs(exact[i]));
        }
    }
    g_free(samples);
    return worst / most;
}

/* The channels of all inputs' blocks, one input after the other. */
static bool
count_blocks(CrOpSetup *setup, const CrConvRows *rows, CrWinograd *g, GError **error)
{
    int block = rows->kernels->block;

    for (int s = 0; s < rows->n_segments; s++)
        g->blocks += cr_div_up(rows->segment[s].channels, block);
    int *channels = cr_region_alloc(setup->region, (size_t)g->blocks, sizeof *channels,
                                    setup->node->name, error);
    g->channels = channels;
    for (int s = 0; channels && s < rows->n_segments; s++)
        for (int left = rows->segment[s].channels; left > 0; left -= block)
            *channels++ = MIN(left, block);
    return g->channels != NULL;
}

static bool
prepare(CrOpSetup *setup, CrConvRows *rows, const CrConvPack *pack, const CrDesc *raw,
        const float *transformed, GError **error)
{
    CrWinograd *g = cr_region_alloc(setup->region, 1, sizeof *g, "Winograd", error);
    size_t block = (size_t)rows->kernels->block;

    if (!g || !count_blocks(setup, rows, g, error))
        return false;
    g->tiles = cr_div_up(rows->window.out[2], 4);
    int most = MAX((int)(CHUNK_BYTES / (36 * sizeof(float) * block * (size_t)g->blocks)), 7);
    g->chunk = cr_div_up(g->tiles, cr_div_up(g->tiles, most));
    g->zero_row = cr_region_alloc(setup->region, (size_t)(4 * g->chunk + 2) * block, sizeof(float),
                                  "zeros", error);
    if (!g->zero_row || !pack_weights(setup, rows, pack, raw, transformed, g, error))
        return false;
    rows->winograd = g;
    return true;
}

bool
cr_winograd_prepare(CrOpSetup *setup, CrConvRows *rows, const CrConvPack *pack, const CrDesc *raw,
                    GError **error)
{
    size_t kernels = (size_t)pack->out_channels * (size_t)pack->in_per_group;
    float *transformed = cr_mem_alloc(kernels * 36, sizeof *transformed, setup->node->name, error);

    if (!transformed)
        return false;
    cr_winograd_transform(transformed, pack->weights, kernels);
    bool ok = measure_error(pack, transformed) > MAX_ERROR ||
              prepare(setup, rows, pack, raw, transformed, error);
    cr_mem_free(transformed);
    return ok;
}
