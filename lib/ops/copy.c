/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/copy.h"
#include "ops/setup.h"
#include <string.h>

#define COPY(bits)                                                                                 \
    static void copy_##bits(void *dst, const void *src, int64_t step, size_t n)                    \
    {                                                                                              \
        const uint##bits##_t *s = src;                                                             \
        uint##bits##_t *d = dst;                                                                   \
        for (size_t i = 0; i < n; i++, s += step)                                                  \
            d[i] = *s;                                                                             \
    }
COPY(8)
COPY(16)
COPY(32)
COPY(64)

void
cr_copy_run(void *dst, const void *src, int64_t step, size_t size, size_t n)
{
    if (step == 1)
        memcpy(dst, src, n * size);
    else if (size == 4)
        copy_32(dst, src, step, n);
    else if (size == 8)
        copy_64(dst, src, step, n);
    else if (size == 2)
        copy_16(dst, src, step, n);
    else
        copy_8(dst, src, step, n);
}

static void
run_copy(const CrStep *step, void *const *io, int tile, void *scratch)
{
    const CrCopy *p = step->params;
    int64_t along = cr_walk_step(&p->walk, 0);
    size_t begin, end;
    CrWalker w;

    cr_tile_range(p->walk.total, CR_TILE_ELEMENTS, tile, &begin, &end);
    cr_walker_init(&w, &p->walk, begin, end);
    while (cr_walker_next(&w))
        cr_copy_run((char *)io[p->output] + w.out * p->size,
                    (const char *)io[0] + (p->base + w.offset[0]) * (int64_t)p->size, along,
                    p->size, w.n);
}

CrCopy *
cr_copy_new(CrOpSetup *setup, CrStep *step, GError **error)
{
    CrCopy *copy = cr_op_params(setup, step, CrCopy, error);

    if (!copy)
        return NULL;
    copy->size = convrnn_dtype_get_size(setup->out[0].dtype);
    copy->output = setup->n_in;
    cr_walk_init(&copy->walk, 1);
    return copy;
}

void
cr_copy_finish(CrCopy *copy, CrStep *step)
{
    cr_walk_finish(&copy->walk);
    step->run = run_copy;
    step->n_tiles = cr_tile_count(copy->walk.total, CR_TILE_ELEMENTS);
    step->kernel = "plain";
}
