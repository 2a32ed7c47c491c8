/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The loops over one row of a frame or picture, one table of them per instruction set. All give the
 * same bits: each operation is rounded by itself. n floats each; nothing overlaps. */
#pragma once

#include "resample_axis.h"

#define CR_MAX_SAMPLED 3

/* Up to three colour components whose samples lie beside each other, as R, G and B or U and V do:
 * how their rows are sampled along x. */
typedef struct {
    const CrAxis *axis;
    int n_components;
    int pixel;                  /* bytes from sample to sample */
    int offset[CR_MAX_SAMPLED]; /* bytes of the components from the row's first: 0 … 3 */
    /* For four bytes at a time: those at row + word[i], shifted down by shift[i] bits, begin with
     * sample lo (of which output i is made), those at row + hi_word[i] with sample hi. None reaches
     * beyond the row's last sample. NULL where a row is shorter than that. hi_word is NULL when the
     * first four bytes hold both samples. */
    int *word, *shift, *hi_word, *hi_shift;
} CrSampler;

/* Makes the tables for rows of `samples` samples; the other fields are set. FALSE without memory.
 * Clear in either case. */
gboolean cr_sampler_init(CrSampler *sampler, int samples);
void cr_sampler_clear(CrSampler *sampler);

/* Y, U, V → R, G, B in 0…255: see set_up_color() in frame_to_tensor.c. */
typedef struct {
    float luma_offset, luma_gain; /* to 0…255 */
    float r_v, g_u, g_v, b_u;     /* chroma → RGB, gains included */
} CrFrameColor;

typedef struct {
    const char *name; /* "c", "avx2", "avx512" */

    /* out[k][i] = a + (b − a)·weight[i] of the samples a = lo[i] and b = hi[i] of component k */
    void (*sample)(const CrSampler *sampler, const guint8 *row, float *const *out);
    /* out[k][i] = sample i of component k */
    void (*copy)(const CrSampler *sampler, const guint8 *row, float *const *out);
    /* out = a + (b − a)·weight */
    void (*blend)(const float *a, const float *b, float weight, float *out, int n);
    /* BT.601 luma, in a form that is exact for greys */
    void (*rgb_to_luma)(const float *r, const float *g, const float *b, float *out, int n);
    /* clip((y − offset)·gain) */
    void (*expand_luma)(const CrFrameColor *color, const float *y, float *out, int n);
    void (*yuv_to_rgb)(const CrFrameColor *color, const float *y, const float *u, const float *v,
                       float *r, float *g, float *b, int n);
    /* out[i · step] = (row[i] − center) / divisor, as rounded as a division is: 255 / 255.0f is 1,
     * and v / 255.0f is what the training code computed. */
    void (*store_floats)(const float *row, float center, float divisor, float *out, gsize step,
                         int n);
    /* The same, clipped to 0…255 and rounded. */
    void (*store_bytes)(const float *row, float center, float divisor, guint8 *out, gsize step,
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
