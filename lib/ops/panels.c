/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/panels.h"
#include "kernels/pack.h"

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

/* --- what a plan has packed --- */

typedef struct {
    CrPanelSource source;
    int k, n;
    float alpha;
    CrPanels panels;
} Packed;

static guint
hash_packed(gconstpointer data)
{
    const Packed *p = data;
    return g_direct_hash(p->source.w) ^ (guint)p->k * 31u ^ (guint)p->n * 7919u;
}

static gboolean
same_packed(gconstpointer a, gconstpointer b)
{
    const Packed *p = a, *q = b;
    return p->source.w == q->source.w && p->source.k_stride == q->source.k_stride &&
           p->source.n_stride == q->source.n_stride && p->k == q->k && p->n == q->n &&
           p->alpha == q->alpha;
}

GHashTable *
cr_panels_cache_new(void)
{
    return g_hash_table_new_full(hash_packed, same_packed, g_free, NULL);
}

static bool
pack_new(CrOpSetup *setup, CrPanels *panels, CrPanelSource source, int k, int n, float alpha,
         GError **error)
{
    const CrKernels *kernels = setup->kernels;
    int panel = 4 * kernels->block, width = cr_panels_width(kernels, n);
    size_t size = (size_t)width * (size_t)k;

    *panels = (CrPanels){.n = n, .k = k, .panel = panel, .n_panels = width / panel};
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
    Packed wanted = {.source = source, .k = k, .n = n, .alpha = alpha};
    const Packed *known = setup->packed ? g_hash_table_lookup(setup->packed, &wanted) : NULL;

    if (known) {
        *panels = known->panels;
        return true;
    }
    if (!pack_new(setup, panels, source, k, n, alpha, error))
        return false;
    wanted.panels = *panels;
    if (setup->packed)
        g_hash_table_add(setup->packed, g_memdup2(&wanted, sizeof wanted));
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
