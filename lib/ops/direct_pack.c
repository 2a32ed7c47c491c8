/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The weights of convolutions that are computed directly. */
#include "ops/conv_rows.h"

static bool
pack_dense(CrOpSetup *setup, const CrDesc *raw, CrConvRows *f, const CrConvPack *pack,
           GError **error)
{
    const float **weights =
        cr_region_alloc(setup->region, (size_t)f->n_panels, sizeof *weights, "weights", error);

    f->weights = weights;
    for (int p = 0; weights && p < f->n_panels; p++) {
        int n_blocks = MIN(f->panel_blocks, f->raw_blocks - f->panel_blocks * p);
        float *panel = cr_region_alloc(setup->region, cr_conv_pack_size(pack, n_blocks),
                                       sizeof *panel, setup->node->name, error);
        if (!panel)
            return false;
        for (int i = 0; i < n_blocks; i++) {
            int first, lanes = cr_desc_block_channels(raw, f->panel_blocks * p + i, &first);
            cr_conv_pack_block(panel, pack, n_blocks, i, first, lanes);
        }
        weights[p] = panel;
    }
    return weights != NULL;
}

static bool
pack_depthwise(CrOpSetup *setup, const CrDesc *raw, CrConvRows *f, const CrConvPack *pack,
               GError **error)
{
    const float **weights =
        cr_region_alloc(setup->region, (size_t)f->raw_blocks, sizeof *weights, "weights", error);

    f->weights = weights;
    for (int b = 0; weights && b < f->raw_blocks; b++) {
        int first, lanes = cr_desc_block_channels(raw, b, &first);
        float *w = cr_region_alloc(setup->region, (size_t)(pack->kh * pack->kw * pack->block),
                                   sizeof *w, setup->node->name, error);
        if (!w)
            return false;
        cr_depthwise_pack(w, pack->weights, pack->kh, pack->kw, pack->block, first, lanes);
        weights[b] = w;
    }
    return weights != NULL;
}

bool
cr_direct_prepare(CrOpSetup *setup, CrConvRows *rows, const CrConvPack *pack, const CrDesc *raw,
                  GError **error)
{
    return (cr_conv_is_depthwise(&rows->conv) ? pack_depthwise : pack_dense)(setup, raw, rows, pack,
                                                                             error);
}
