/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Transposed convolutions in blocks.
 *
 * The outputs whose positions leave the same remainder when divided by the stride are an ordinary
 * convolution of the input, without stride, with every stride-th tap of the kernel. So each such
 * phase is computed by the kernels for convolutions, and phases are interleaved row by row.
 *
 * Weights are those of the convolution whose transpose this is, in a Conv's form: (filters,
 * channels / group, kernel…), mirrored on the spatial axes. */
#pragma once

#include "ops/conv_rows.h"

/* Weights of a ConvTranspose node, (channels, filters / group, kernel…), in this form. */
void cr_transposed_weights(const CrConv *conv, const float *src, float *dst);

/* A transposed convolution without strides is a convolution: makes it one where its pads allow. */
void cr_transposed_simplify(CrConv *conv);

/* Columns of zeros that the taps of a row reach into; negative: none. w has three axes. */
void cr_transposed_padding(const CrWindow *w, int64_t *left, int64_t *right);

/* From output rows [*begin, *end) to the input rows that reach them, the padding included. */
void cr_transposed_span(const CrWindow *w, int *begin, int *end);

/* Whether phases are few enough and taps not too far apart. */
bool cr_transposed_fits(const CrWindow *w);

/* Packs every phase, in bfloat16 if asked; rows and pack describe the whole. False only when memory
 * is lacking. */
bool cr_transposed_prepare(CrOpSetup *setup, CrConvRows *rows, const CrConvPack *pack,
                           const CrDesc *raw, bool bf16, GError **error);

/* Whether it came to be packed in bfloat16. */
bool cr_transposed_is_bf16(const CrTransposed *transposed);

/* Scratch that a thread needs for that many rows and panels. */
size_t cr_transposed_scratch(const CrConvRows *rows, int n_rows, int n_panels);

/* As cr_bf16_rows(). */
void cr_transposed_rows(const CrConvRows *rows, void *const *io, int image, const CrRowRange *range,
                        float *dst, size_t dst_row, size_t stride, void *scratch);
