/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A constant matrix packed into panels for kernels->gemv_panel: what a dense or recurrent layer
 * uses when it has few rows, where reading the weights is all the work. */
#pragma once

#include "kernels/int8.h"
#include "kernels/kernels.h"
#include "ops/op.h"

#define CR_PANELS_MAX_ROWS 4 /* from more rows on, cr_gemm() */
#define CR_PANEL_MAX       (4 * CR_MAX_BLOCK)

/* Panels of `panel` columns: [n_panels][k][panel]; columns above n are 0. Weights are in one of the
 * three forms (int8: as kernels/int8.h says), or in none when nothing is packed. */
typedef struct {
    int n, k;
    int panel, n_panels;
    const float *weights;
    const uint16_t *bf16;
    const int8_t *int8;
    const float *scale; /* of int8: [n_panels][panel] */
} CrPanels;

static inline bool
cr_panels_are_packed(const CrPanels *panels)
{
    return panels->weights || panels->bf16 || panels->int8;
}

/* A matrix in memory: element (k, n) is at w[k · k_stride + n · n_stride]. */
typedef struct {
    const float *w;
    int64_t k_stride, n_stride;
} CrPanelSource;

/* n columns rounded up to whole panels: what bias and y of cr_panels_run() hold. */
static inline int
cr_panels_width(const CrKernels *kernels, int n)
{
    int panel = 4 * kernels->block;
    return (n + panel - 1) / panel * panel;
}

/* Packs alpha · source, k × n, into the setup's region, unless setup->packed has it. */
bool cr_panels_pack(CrOpSetup *setup, CrPanels *panels, CrPanelSource source, int k, int n,
                    float alpha, GError **error);

/* y = bias + x · W for all panels; bias and y may be the same. */
void cr_panels_run(const CrPanels *panels, const CrKernels *kernels, const float *bias,
                   const float *x, float *y);

/* What inspect calls a step that multiplies by these. */
const char *cr_panels_kernel(const CrPanels *panels, const CrKernels *kernels);

/* The same for one panel, whose bias and y are given. */
static inline void
cr_panels_run_one(const CrPanels *panels, const CrKernels *kernels, int panel, const float *bias,
                  const float *x, float *y)
{
    size_t first = (size_t)panel * (size_t)panels->panel * (size_t)panels->k;

    if (panels->int8)
        kernels->gemv_int8_panel(
            y, panels->int8 + (size_t)panel * cr_int8_pack_size(panels->k, panels->panel),
            panels->scale + (size_t)panel * (size_t)panels->panel, bias, x, panels->k);
    else if (panels->bf16)
        kernels->bf16->gemv_panel(y, panels->bf16 + first, bias, x, panels->k);
    else
        kernels->gemv_panel(y, panels->weights + first, bias, x, panels->k);
}
