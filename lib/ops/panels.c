/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/panels.h"
#include "kernels/pack.h"
#include "ops/packed.h"

/* In float32, into memory that the caller gives. */
static void
pack(float *packed, const CrPanels *panels, CrPanelSource source, const CrKernels *kernels,
     float alpha)
{
    size_t size = (size_t)panels->panel * (size_t)panels->k;

    for (int i = 0; i < panels->n_panels; i++)
        cr_gemv_pack(packed + (size_t)i * size, source.w, source.n_stride, source.k_stride,
                     panels->k, kernels->block, i * panels->panel,
                     MIN(panels->panel, panels->n - i * panels->panel));
    for (size_t i = 0; alpha != 1.0f && i < size * (size_t)panels->n_panels; i++)
        packed[i] *= alpha;
}

static bool
pack_bf16(CrOpSetup *setup, CrPanels *panels, size_t size, CrPanelSource source, float alpha,
          GError **error)
{
    uint16_t *rounded =
        cr_region_alloc(setup->region, size, sizeof *rounded, setup->node->name, error);
    float *packed = rounded ? cr_mem_alloc(size, sizeof *packed, setup->node->name, error) : NULL;

    if (!packed)
        return false;
    pack(packed, panels, source, setup->kernels, alpha);
    cr_bf16_round(rounded, packed, size);
    cr_mem_free(packed);
    panels->bf16 = rounded;
    return true;
}

static bool
pack_int8(CrOpSetup *setup, CrPanels *panels, size_t size, CrPanelSource source, float alpha,
          GError **error)
{
    const char *name = setup->node->name;
    size_t panel = (size_t)panels->panel, one = cr_int8_pack_size(panels->k, panels->panel);
    size_t n = (size_t)panels->n_panels;
    float *packed = cr_mem_alloc(size, sizeof *packed, name, error);
    int8_t *rounded = packed ? cr_region_alloc(setup->region, n, one, name, error) : NULL;
    float *scale =
        rounded ? cr_region_alloc(setup->region, n * panel, sizeof *scale, name, error) : NULL;

    if (scale)
        pack(packed, panels, source, setup->kernels, alpha);
    for (size_t i = 0; scale && i < n; i++)
        cr_int8_pack(rounded + i * one, scale + i * panel, packed + i * panel * (size_t)panels->k,
                     panels->k, panels->panel, setup->kernels->int8_order);
    cr_mem_free(packed);
    panels->int8 = rounded;
    panels->scale = scale;
    return scale != NULL;
}

static bool
pack_new(CrOpSetup *setup, CrPanels *panels, CrPanelSource source, int k, int n, float alpha,
         GError **error)
{
    const CrKernels *kernels = setup->kernels;
    int panel = 4 * kernels->block, width = cr_panels_width(kernels, n);
    size_t size = (size_t)width * (size_t)k;

    *panels = (CrPanels){.n = n, .k = k, .panel = panel, .n_panels = width / panel};
    if (kernels->gemv_int8_panel)
        return pack_int8(setup, panels, size, source, alpha, error);
    if (kernels->bf16 && kernels->bf16->gemv_panel)
        return pack_bf16(setup, panels, size, source, alpha, error);
    float *packed = cr_region_alloc(setup->region, size, sizeof *packed, setup->node->name, error);
    if (packed)
        pack(packed, panels, source, kernels, alpha);
    panels->weights = packed;
    return packed != NULL;
}

bool
cr_panels_pack(CrOpSetup *setup, CrPanels *panels, CrPanelSource source, int k, int n, float alpha,
               GError **error)
{
    struct {
        CrPanelSource source;
        int64_t k, n;
        double alpha;
    } how = {source, k, n, alpha};
    const CrPackedKey key = {.how = &how, .how_size = sizeof how};
    const CrPanels *known = cr_packed_find(setup->packed, &key);

    if (known) {
        *panels = *known;
        return true;
    }
    CrPanels *kept = cr_region_alloc(setup->region, 1, sizeof *kept, setup->node->name, error);
    if (!kept || !pack_new(setup, kept, source, k, n, alpha, error))
        return false;
    cr_packed_add(setup->packed, &key, kept);
    *panels = *kept;
    return true;
}

void
cr_panels_run(const CrPanels *panels, const CrKernels *kernels, const float *bias, const float *x,
              float *y)
{
    for (int i = 0; i < panels->n_panels; i++)
        cr_panels_run_one(panels, kernels, i, bias + (size_t)i * (size_t)panels->panel, x,
                          y + (size_t)i * (size_t)panels->panel);
}

const char *
cr_panels_kernel(const CrPanels *panels, const CrKernels *kernels)
{
    return panels->int8 ? "int8" : panels->bf16 ? kernels->bf16->name : kernels->name;
}
