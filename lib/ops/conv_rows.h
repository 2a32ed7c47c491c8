/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a convolution in blocks computes its rows: between fused_conv.c, which cuts the work and runs
 * the program, and the ways to compute. */
#pragma once

#include "kernels/pack.h"
#include "ops/fused_conv.h"

typedef struct CrWinograd CrWinograd;
typedef struct CrBf16Conv CrBf16Conv;
typedef struct CrTransposed CrTransposed;

typedef struct {
    CrConv conv;
    CrWindow window; /* axes 1 and 2 are H and W */
    const CrKernels *kernels;
    int n_x;
    CrRows x[CR_CONV_SEGMENTS];

    int n_segments;
    struct {
        int x, block; /* which input, and the first block of its part */
        int channels;
    } segment[CR_CONV_SEGMENTS];

    int raw_blocks, n_panels;
    int panel_blocks;            /* of a panel: two, or all planes */
    bool to_planes;              /* directly: then inputs are planes, too */
    const float *const *weights; /* [n_panels]; depthwise: [raw_blocks] */
    const float *bias;           /* [raw_blocks][block] */
    float low, high;
    const CrWinograd *winograd;     /* NULL: not by this method */
    const CrBf16Conv *bf16;         /* likewise */
    const CrTransposed *transposed; /* likewise; all NULL: direct */
} CrConvRows;

static inline bool
cr_conv_is_depthwise(const CrConv *conv)
{
    return conv->group > 1 && conv->group == conv->channels && conv->filters == conv->channels;
}

/* Packs for cr_direct_row(); false only when memory is lacking. */
bool cr_direct_prepare(CrOpSetup *setup, CrConvRows *rows, const CrConvPack *pack,
                       const CrDesc *raw, GError **error);
/* Row y, panels [panel_begin, panel_end): block b − 2·panel_begin goes to dst + b·stride. */
void cr_direct_row(const CrConvRows *rows, void *const *io, int n, int y, int panel_begin,
                   int panel_end, float *dst, size_t stride);

/* Packs for F(4×4, 3×3) if the convolution is of the kind, is large enough to gain, and its weights
 * keep the error within 1e-5 of the result's range; else leaves rows->winograd NULL. False only
 * when memory is lacking. pack describes the weights. */
bool cr_winograd_prepare(CrOpSetup *setup, CrConvRows *rows, const CrConvPack *pack,
                         const CrDesc *raw, GError **error);
/* Scratch that a thread needs. */
size_t cr_winograd_scratch(const CrWinograd *winograd);
/* Rows y … y + 3 (y a multiple of 4): row r of block b goes to dst[r] + b·stride; dst[r] NULL:
 * below the picture. */
void cr_winograd_rows(const CrConvRows *rows, void *const *io, int n, int y, float *const dst[4],
                      size_t stride, float *scratch);

/* Whether the shapes allow it: inputs then need columns for whole tiles. */
bool cr_winograd_fits(const CrFusedConv *fused, const CrWindow *window);

/* Whether the convolution is one for kernels->bf16; planar: of inputs that are (partly) planes. */
bool cr_bf16_fits(const CrFusedConv *fused, const CrKernels *kernels, bool planar);
/* Packs for it; false only when memory is lacking. */
bool cr_bf16_prepare(CrOpSetup *setup, CrConvRows *rows, const CrConvPack *pack, const CrDesc *raw,
                     GError **error);
/* Scratch that a thread needs for n rows. */
size_t cr_bf16_scratch(const CrConvRows *rows, int n);

typedef struct {
    int row_begin, row_end, panel_begin, panel_end;
} CrRowRange;

/* Block b of row y goes to dst + (y − row_begin)·dst_row + (b − 2·panel_begin)·stride. */
void cr_bf16_rows(const CrConvRows *rows, void *const *io, int image, const CrRowRange *range,
                  float *dst, size_t dst_row, size_t stride, void *scratch);
