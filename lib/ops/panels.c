/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/panels.h"
#include "kernels/pack.h"

bool
cr_panels_pack(CrOpSetup *setup, CrPanels *panels, CrPanelSource source, int k, int n, float alpha,
               GError **error)
{
    const CrKernels *kernels = setup->kernels;
    int panel = 4 * kernels->block, width = cr_panels_width(kernels, n);
    size_t size = (size_t)width * (size_t)k;
    float *packed = cr_region_alloc(setup->region, size, sizeof *packed, setup->node->name, error);

    if (!packed)
        return false;
    *panels =
        (CrPanels){.n = n, .k = k, .panel = panel, .n_panels = width / panel, .weights = packed};
    for (int i = 0; i < panels->n_panels; i++)
        cr_gemv_pack(packed + (size_t)i * (size_t)panel * (size_t)k, source.w, source.n_stride,
                     source.k_stride, k, kernels->block, i * panel, MIN(panel, n - i * panel));
    for (size_t i = 0; alpha != 1.0f && i < size; i++)
        packed[i] *= alpha;
    return true;
}

void
cr_panels_run(const CrPanels *panels, const CrKernels *kernels, const float *bias, const float *x,
              float *y)
{
    for (int i = 0; i < panels->n_panels; i++)
        kernels->gemv_panel(y + (size_t)i * panels->panel, cr_panels_at(panels, i),
                            bias + (size_t)i * panels->panel, x, panels->k);
}
