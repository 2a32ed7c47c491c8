/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The loops over one row of a frame or picture, one table of them per instruction set. All give the
 * same bits: each operation is rounded by itself. n floats each; nothing overlaps. */
#pragma once

#include "frame_sampler.h"

/* A row between two sampled rows: a + (b − a)·weight. */
typedef struct {
    const float *a, *b;
    float weight;
} CrRowPair;

typedef enum {
    CR_COLOR_PLAIN,       /* each channel is a component */
    CR_COLOR_EXPAND_LUMA, /* each channel is clip((component − luma_offset)·luma_gain) */
    CR_COLOR_YUV_TO_RGB,
    CR_COLOR_RGB_TO_LUMA, /* BT.601, in a form that is exact for greys */
} CrColorConversion;

/* Components as they are sampled → channels of 0…255: see set_up_color() in frame_to_tensor.c. */
typedef struct {
    CrColorConversion conversion;
    float luma_offset, luma_gain; /* to 0…255 */
    float chroma_offset;
    float r_v, g_u, g_v, b_u; /* chroma → RGB, gains included */
} CrFrameColor;

/* Where a value v of 0…255 is written, as (v − center) / divisor. It is rounded as a division is:
 * 255 / 255.0f is 1, and v / 255.0f is what the training code computed. */
typedef struct {
    float *out;
    float center, divisor;
} CrChannelRow;

typedef struct {
    const char *name; /* "c", "avx2", "avx512" */

    /* out[k][i] = a + (b − a)·weight[i] of the samples a = lo[i] and b = hi[i] of component k. Rows
     * are padded as axes are, and written to the end. */
    void (*sample)(const CrSampler *sampler, const guint8 *row, float *const *out);
    /* out[k][i] = sample i of component k */
    void (*copy)(const CrSampler *sampler, const guint8 *row, float *const *out);
    /* Components → channels. PLAIN and EXPAND_LUMA make channel c of component c. */
    void (*finish)(const CrFrameColor *color, const CrRowPair *components, const CrChannelRow *rows,
                   int n_channels, int n);
    /* out[c][i · step] = rows[c][i] */
    void (*place_floats)(const float *const *rows, int n_channels, float *const *out, gsize step,
                         int n);
    /* The same, clipped to 0…255 and rounded. */
    void (*place_bytes)(const float *const *rows, int n_channels, guint8 *const *out, gsize step,
                        int n);
} CrFrameRows;

/* The table for the instruction set that convrnn_cpu_get_level() names, or the best below it. */
const CrFrameRows *cr_frame_rows_get(void);

extern const CrFrameRows cr_frame_rows_c;
#ifdef HAVE_FRAME_ROWS_AVX2
extern const CrFrameRows cr_frame_rows_avx2;
#endif
#ifdef HAVE_FRAME_ROWS_AVX512
extern const CrFrameRows cr_frame_rows_avx512;
#endif
