/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sizes and strides of tensors in both layouts. */
#include "core/size.h"
#include "ops/op.h"

size_t
cr_desc_elements(const CrDesc *desc)
{
    size_t n = 1;
    for (int i = 0; i < desc->n_dims; i++)
        n *= (size_t)desc->dims[i];
    return n;
}

CrNchw
cr_desc_nchw(const CrDesc *desc)
{
    const int64_t *d = desc->dims;
    if (desc->n_dims == 3)
        return (CrNchw){(int)d[0], (int)d[1], 1, (int)d[2]};
    return (CrNchw){(int)d[0], (int)d[1], (int)d[2], (int)d[3]};
}

int
cr_desc_parts(const CrDesc *desc)
{
    return MAX(desc->n_parts, 1);
}

int
cr_desc_part(const CrDesc *desc, int i)
{
    return desc->n_parts > 1 ? desc->part[i] : (int)desc->dims[1];
}

CrBlocked
cr_desc_blocked(const CrDesc *desc)
{
    CrNchw s = cr_desc_nchw(desc);
    CrBlocked b = {0};

    for (int i = 0; i < cr_desc_parts(desc); i++)
        b.blocks += cr_div_up(cr_desc_part(desc, i), desc->block);
    b.block_stride = (size_t)(desc->pad_left + s.w + desc->pad_right) * (size_t)desc->block;
    b.row_stride = b.block_stride * (size_t)(desc->row_blocks ? desc->row_blocks : b.blocks);
    b.image_stride = b.row_stride * (size_t)s.h;
    b.origin = (size_t)desc->pad_left * (size_t)desc->block;
    return b;
}

int
cr_desc_block_channels(const CrDesc *desc, int index, int *first)
{
    *first = 0;
    for (int i = 0; i < cr_desc_parts(desc); i++) {
        int channels = cr_desc_part(desc, i), blocks = cr_div_up(channels, desc->block);
        if (index < blocks) {
            *first += index * desc->block;
            return MIN(channels - index * desc->block, desc->block);
        }
        index -= blocks;
        *first += channels;
    }
    return 0;
}

size_t
cr_desc_bytes(const CrDesc *desc)
{
    if (!desc->block)
        return cr_desc_elements(desc) * convrnn_dtype_get_size(desc->dtype);
    return cr_desc_blocked(desc).image_stride * (size_t)cr_desc_nchw(desc).n * sizeof(float);
}

bool
cr_desc_same_shape(const CrDesc *a, const CrDesc *b)
{
    if (a->n_dims != b->n_dims)
        return false;
    for (int i = 0; i < a->n_dims; i++)
        if (a->dims[i] != b->dims[i])
            return false;
    return true;
}

bool
cr_desc_same_layout(const CrDesc *a, const CrDesc *b)
{
    if (a->block != b->block)
        return false;
    if (!a->block)
        return true;
    if (cr_desc_parts(a) != cr_desc_parts(b))
        return false;
    for (int i = 0; i < cr_desc_parts(a); i++)
        if (cr_desc_part(a, i) != cr_desc_part(b, i))
            return false;
    return true;
}

bool
cr_desc_take_rows(CrDesc *desc)
{
    if (desc->block == 0 && desc->dtype == CONVRNN_DTYPE_FLOAT32 && cr_desc_is_narrow(desc) &&
        cr_desc_elements(desc) > 0) {
        desc->block = 1;
        desc->n_parts = 0;
    }
    return desc->block != 0 && desc->n_dims == 4;
}

void
cr_desc_set_layout(CrDesc *desc, const CrDesc *like)
{
    desc->block = like->block;
    desc->pad_left = desc->pad_right = desc->row_blocks = 0;
    desc->n_parts = like->n_parts;
    for (int i = 0; i < CR_MAX_PARTS; i++)
        desc->part[i] = like->part[i];
}
